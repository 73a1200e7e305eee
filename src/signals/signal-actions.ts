import type { Connections } from '../flows/connection.js'
import type { RequestedChecks } from '../session/requested-checks.js'
import type { Sessions } from '../session/sessions.js'
import type { Signal } from './signal.js'
import type { SignalledSessions } from './signalled-sessions.js'

/** What {@link SignalActions} depends on. */
export interface SignalActionsDeps {
  readonly connections: Connections
  readonly sessions: Sessions
  readonly signalled: SignalledSessions
  readonly checks: RequestedChecks
  /** Tells the other processes about a session that they must check. */
  readonly notify: (key: string) => void
  /** Acts on the access tokens of a user; `undefined` if none are accepted. */
  readonly onUser: ((key: string, signal: Signal) => void) | undefined
}

/** The sessions that a signal concerned. */
export interface SignalEffect {
  readonly sessions: number
  /** The key of their user; `undefined` if they have several. */
  readonly user: string | undefined
}

/** How many sessions are changed at once. */
const CONCURRENCY = 32

/** Ends sessions, or has them checked. */
export class SignalActions {
  readonly #deps: SignalActionsDeps

  constructor(deps: SignalActionsDeps) {
    this.#deps = deps
  }

  /**
   * Acts on a signal. It may be repeated: what has been done is found done. Throws the errors of the
   * store.
   */
  async apply(signal: Signal): Promise<SignalEffect> {
    const { connections, signalled, onUser } = this.#deps
    const connection = connections.get(signal.provider)
    if (connection === undefined) return { sessions: 0, user: undefined }
    // Before sessions end: which identifiers count depends on who has one.
    const holders = onUser === undefined ? [] : await signalled.users(signal, connection)
    const found = [...(await signalled.find(signal, connection))]
    const users = new Set<string>()
    let sessions = 0
    for (let start = 0; start < found.length; start += CONCURRENCY)
      await Promise.all(
        found.slice(start, start + CONCURRENCY).map(async ([key, user]) => {
          if (!(await this.#act(key, signal.action))) return
          users.add(user)
          sessions++
        }),
      )
    for (const user of holders) onUser?.(user, signal)
    const [user, second] = users
    return { sessions, user: second === undefined ? user : undefined }
  }

  async #act(key: string, action: Signal['action']): Promise<boolean> {
    const { sessions, checks, notify } = this.#deps
    if (action === 'end') return sessions.destroy(key, 'signal')
    const exists = await checks.request(key)
    if (exists) notify(key)
    return exists
  }
}
