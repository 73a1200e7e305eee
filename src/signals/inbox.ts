import { OAuthError } from '../http/errors.js'
import { singleFlight } from '../http/single-flight.js'
import type { LogoutIndex } from '../session/logout-index.js'
import type { InboxState, Outcome } from './inbox-state.js'
import type { Delivery, Signal, SignalReport } from './signal.js'
import type { SignalActions } from './signal-actions.js'

/** What {@link SignalInbox} depends on. */
export interface SignalInboxDeps {
  readonly actions: SignalActions
  readonly index: LogoutIndex
  readonly state: InboxState
  readonly report: (report: SignalReport) => void
}

/**
 * Longer than the maximum age of a message: what is older is rejected, so that no message is
 * accepted twice.
 */
export const MEMORY_MS = 8 * 86_400_000
/** Messages that are older than this are rejected. */
export const MAX_AGE_MS = 7 * 86_400_000
const MAX_RUNNING = 256
const MAX_PENDING = 1_000
const MAX_PENDING_MS = 86_400_000
const MIN_RETRY_MS = 1_000
const MAX_RETRY_MS = 60_000

/**
 * Acts on each delivery once. What fails because the store is down is kept in memory and tried
 * again, and its sender is told to repeat it as well.
 */
export class SignalInbox {
  readonly #deps: SignalInboxDeps
  readonly #state: InboxState

  constructor(deps: SignalInboxDeps) {
    this.#deps = deps
    this.#state = deps.state
    this.#state.current = this
  }

  /**
   * Acts on a delivery. Throws `store_unavailable` if it could not: `mayRetry` decides whether it is
   * then kept.
   */
  async accept(delivery: Delivery, mayRetry = true): Promise<Outcome> {
    const { running } = this.#state
    const key = keyOf(delivery)
    if (running.size >= MAX_RUNNING && !running.has(key))
      throw new OAuthError('store_unavailable', { hint: 'too many signals arrive at once' })
    try {
      return await singleFlight(running, key, () => this.#accept(delivery))
    } catch (error) {
      if (mayRetry) this.#keep(key, delivery, error)
      throw error
    }
  }

  /** Tries again what has failed. */
  async retry(): Promise<void> {
    const { pending } = this.#state
    for (const [key, { delivery, since }] of [...pending]) {
      if (Date.now() - since > MAX_PENDING_MS) this.#drop(key, 'the store was down for a day')
      else
        try {
          await this.accept(delivery, false)
          pending.delete(key)
          this.#state.failures = 0
        } catch {
          this.#state.failures++
          // The others come first the next time.
          if (pending.delete(key)) pending.set(key, { delivery, since })
          break
        }
    }
    this.#schedule()
  }

  /** Tries again once, and reports what is lost with this process. */
  async close(): Promise<void> {
    const { pending } = this.#state
    if (pending.size > 0) await this.retry()
    clearTimeout(this.#state.timer)
    for (const key of [...pending.keys()]) this.#drop(key, 'the process ended')
  }

  async #accept(delivery: Delivery): Promise<Outcome> {
    const { index, report } = this.#deps
    const { source, id, signals } = delivery
    const memory = `signals ${source}`
    if (await index.isUsed(memory, id)) {
      for (const { type, provider } of signals)
        report({ source, type, provider, outcome: 'duplicate', sessions: 0 })
      return 'duplicate'
    }
    for (const signal of signals) await this.#apply(source, signal)
    // Last, so that the sender can repeat it if the store fails.
    await index.markUsed(memory, id, MEMORY_MS)
    return 'accepted'
  }

  async #apply(source: string, signal: Signal): Promise<void> {
    const { actions, report } = this.#deps
    const { type, action, provider, subject } = signal
    const base = { source, type, provider, action }
    const { unsupported } = subject
    const isEmpty =
      subject.users.length + subject.sessions.length === 0 && subject.members === undefined
    if (isEmpty) {
      const hint = `the subject cannot be mapped to users: ${unsupported.join(', ')}`
      return report({ ...base, outcome: 'unknown_subject', sessions: 0, hint })
    }
    const effect = await actions.apply(signal).catch((error: unknown) => {
      // No repetition helps.
      if (!(error instanceof OAuthError) || error.code !== 'store_not_listable') throw error
      report({ ...base, outcome: 'dropped', sessions: 0, hint: error.hint ?? error.message })
      return undefined
    })
    if (effect === undefined) return
    if (effect.sessions === 0) return report({ ...base, outcome: 'unknown_subject', sessions: 0 })
    const hint =
      unsupported.length === 0
        ? undefined
        : `sessions do not show the ${unsupported.join(', ')} of the subject: all of the user are meant`
    report({ ...base, outcome: 'applied', ...effect, hint })
  }

  #keep(key: string, delivery: Delivery, error: unknown): void {
    const { pending } = this.#state
    const hint = error instanceof OAuthError ? error.hint : undefined
    for (const { type, provider } of delivery.signals)
      this.#deps.report({
        source: delivery.source,
        type,
        provider,
        outcome: 'failed',
        sessions: 0,
        hint,
      })
    if (!pending.has(key)) pending.set(key, { delivery, since: Date.now() })
    if (pending.size > MAX_PENDING) {
      const [oldest] = pending.keys()
      if (oldest !== undefined) this.#drop(oldest, `more than ${MAX_PENDING} signals wait`)
    }
    this.#schedule()
  }

  #drop(key: string, hint: string): void {
    const { pending } = this.#state
    const delivery = pending.get(key)?.delivery
    pending.delete(key)
    for (const { type, provider } of delivery?.signals ?? [])
      this.#deps.report({
        ...{ source: delivery?.source ?? '', type, provider },
        ...{ outcome: 'dropped', sessions: 0, hint },
      })
  }

  #schedule(): void {
    const state = this.#state
    clearTimeout(state.timer)
    if (state.pending.size === 0) return
    const delay = Math.min(MIN_RETRY_MS * 2 ** state.failures, MAX_RETRY_MS)
    state.timer = setTimeout(
      () => void state.current?.retry(),
      delay * (0.75 + Math.random() / 2),
    ).unref()
  }
}

function keyOf({ source, id }: Delivery): string {
  return `${source} ${id}`
}
