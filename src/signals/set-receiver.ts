import { actionOf, type EventType, eventTypeOf } from './event-types.js'
import type { SignalInbox } from './inbox.js'
import { type SecurityEvent, verifySecurityEvent } from './security-event.js'
import { SetError } from './set-error.js'
import type { Signal, SignalReport } from './signal.js'
import type { StreamVerification } from './stream-verification.js'
import { readSubject, uninterpretedMembers } from './subject.js'
import type { Transmitter } from './transmitter.js'

/** What {@link SetReceiver} depends on. */
export interface SetReceiverDeps {
  readonly inbox: SignalInbox
  readonly verification: StreamVerification
  readonly clockToleranceMs: number
  readonly report: (report: SignalReport) => void
  /** Reports that the transmitter has paused or disabled the stream, or enabled it again. */
  readonly onStreamStatus: (name: string, status: string) => void
}

/** Verifies security event tokens and acts on them, however they arrive. */
export class SetReceiver {
  readonly #deps: SetReceiverDeps

  constructor(deps: SetReceiverDeps) {
    this.#deps = deps
  }

  /**
   * Throws a {@link SetError} for an invalid token, and an `OAuthError` if it should be repeated.
   *
   * @param isKept Whether it is tried again here as well.
   */
  async receive(token: string, transmitter: Transmitter, isKept: boolean): Promise<void> {
    const { inbox, clockToleranceMs } = this.#deps
    const event = await verifySecurityEvent(token, transmitter, clockToleranceMs)
    const { name: source } = transmitter.config
    const signals: Signal[] = []
    for (const [uri, content] of Object.entries(event.events)) {
      const signal = await this.#signalOf(uri, content, event, transmitter)
      if (signal !== undefined) signals.push(signal)
    }
    // Further URIs are other names of the same type. (SSF 1.0, 4.2.1)
    const signal = signals.find(({ action }) => action === 'end') ?? signals[0]
    if (signal !== undefined)
      await inbox.accept({ source, id: event.jti, signals: [signal] }, isKept)
  }

  async #signalOf(
    uri: string,
    content: Readonly<Record<string, unknown>>,
    event: SecurityEvent,
    { config }: Transmitter,
  ): Promise<Signal | undefined> {
    const type = eventTypeOf(uri)
    const action = type === undefined ? 'ignore' : actionOf(type, config.actions)
    if (type !== undefined && action === 'stream')
      return this.#onStreamEvent(type, content, config.name)
    const subject = content['subject'] ?? event.subject
    const critical = uninterpretedMembers(subject, event.criticalMembers)
    if (type === undefined || action === 'ignore' || action === 'stream' || critical.length > 0) {
      this.#reportIgnored(config, type, critical)
      return undefined
    }
    return {
      ...{ type, action, provider: config.provider, issuers: config.subjectIssuers },
      subject: readSubject(subject),
      until: event.happenedAt + 1000 + this.#deps.clockToleranceMs,
    }
  }

  #reportIgnored(
    { name, provider }: Transmitter['config'],
    type: EventType | undefined,
    critical: readonly string[],
  ): void {
    const hint =
      critical.length > 0
        ? `the transmitter requires that ${critical.join(', ')} of the subject is understood`
        : undefined
    const base = { source: name, type: type ?? 'unknown', provider }
    this.#deps.report({ ...base, outcome: 'ignored', sessions: 0, hint })
  }

  async #onStreamEvent(
    type: EventType,
    { state, status }: Readonly<Record<string, unknown>>,
    name: string,
  ): Promise<undefined> {
    const { verification, onStreamStatus } = this.#deps
    if (type === 'stream-updated') onStreamStatus(name, String(status).slice(0, 32))
    // One without a state was sent by the transmitter on its own. (SSF 1.0, 8.1.4.2)
    else if (!(await verification.confirm(name, state)))
      throw new SetError('invalid_state', 'the state of the verification event is not ours')
  }
}
