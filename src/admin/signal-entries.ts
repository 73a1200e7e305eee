import type { OAuthEvents } from '../middleware/event-types.js'
import type { NamedGate } from './options.js'

/** What a signal has caused, as an entry of the audit log states it. */
export const signalActions = {
  signal_end: 'ended sessions',
  signal_recheck: 'had sessions checked',
  signal_dropped: 'could not be acted on',
} as const satisfies Record<string, string>

/** An entry of the audit log about a signal or webhook of the option `signals`. */
export interface SignalEntry {
  /** The name of the transmitter or webhook. */
  readonly actor: { readonly signal: string }
  readonly action: keyof typeof signalActions
  /** What it concerned: its type, and the user or the number of sessions. */
  readonly resource: Readonly<Record<string, string>>
  readonly changes?: undefined
  readonly origin?: undefined
}

/** The entry about a signal; `undefined` if it had no effect. */
export function signalEntry(
  { edge, route }: Pick<NamedGate, 'edge' | 'route'>,
  { source, type, action, outcome, sessions, user }: OAuthEvents['signal'],
): SignalEntry | undefined {
  const isDropped = outcome === 'dropped'
  if (!isDropped && (outcome !== 'applied' || action === undefined)) return undefined
  return {
    actor: { signal: source },
    action: isDropped ? 'signal_dropped' : `signal_${action ?? 'end'}`,
    resource: {
      ...{ module: `${edge}/${route}`, type },
      ...(user !== undefined && { user }),
      ...(sessions > 0 && { sessions: String(sessions) }),
    },
  }
}
