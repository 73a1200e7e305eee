import { ProviderError } from '../http/errors.js'
import { sha256 } from '../http/ids.js'
import { isObject } from '../http/json.js'
import type { GuardedStore } from '../session/stores/guarded-store.js'
import { describeFailure } from './failures.js'
import { SetError } from './set-error.js'
import type { SetReceiver } from './set-receiver.js'
import { pollUrlOf } from './stream-configuration.js'
import { jsonOf, type Transmitter } from './transmitter.js'

/** What {@link Poller} depends on. */
export interface PollerDeps {
  readonly transmitter: Transmitter
  readonly receiver: SetReceiver
  readonly store: GuardedStore
  readonly onRejected: (source: string, hint: string) => void
  readonly onFailure: (source: string, error: unknown) => void
}

const MAX_EVENTS = 50
const MAX_BYTES = 4 * 1024 * 1024
const MAX_ACKNOWLEDGED = 1_000
/** The transmitter may hold a request this long until there are events. (RFC 8936, 2.4) */
const LONG_POLL_MS = 60_000
const LAST_ACK_MS = 2_000
const MIN_BACKOFF_MS = 1_000
const MAX_BACKOFF_MS = 300_000

/** What a round has found: more events may be waiting, none do, or another process polls. */
type Round = 'more' | 'none'

/**
 * Polls a transmitter in the background. With a store that can lock, one process at a time does. What
 * could not be acted on is not acknowledged, so that the transmitter keeps it. (RFC 8936)
 */
export class Poller {
  readonly #deps: PollerDeps
  readonly #stopping = new AbortController()
  /** Acknowledgments for the next request. */
  readonly #acks = new Set<string>()
  readonly #errors = new Map<string, { err: string; description: string }>()
  #failures = 0
  #url: string | undefined
  #running: Promise<void> | undefined

  constructor(deps: PollerDeps) {
    this.#deps = deps
  }

  /** Starts to poll. */
  start(): void {
    this.#running ??= this.#run()
  }

  /** Ends polling, after the events that have arrived were acted on and acknowledged. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    if (this.#acks.size + this.#errors.size > 0)
      await this.#poll(AbortSignal.timeout(LAST_ACK_MS), 0).catch(() => undefined)
  }

  async #run(): Promise<void> {
    const { transmitter, onFailure } = this.#deps
    // Not before the app has added its guards, each of which starts a new configuration.
    await this.#pause(0)
    while (!this.#isStopped) {
      try {
        const round = await this.#locked()
        this.#failures = 0
        if (round === 'none') await this.#pause(transmitter.config.pollIntervalMs)
      } catch (error) {
        if (this.#isStopped) return
        onFailure(transmitter.config.name, error)
        // The stream may have another one by now.
        this.#url = undefined
        const delay = Math.min(MIN_BACKOFF_MS * 2 ** this.#failures++, MAX_BACKOFF_MS)
        await this.#pause(delay * (0.75 + Math.random() / 2))
      }
    }
  }

  async #locked(): Promise<Round> {
    const { store, transmitter } = this.#deps
    const { name, issuer } = transmitter.config
    const key = `poll-${sha256(JSON.stringify([name, issuer]))}`
    const unlock = store.lock ? await store.lock(key, LONG_POLL_MS * 2) : () => undefined
    if (unlock === undefined) return 'none'
    try {
      return await this.#round()
    } finally {
      // A lock that cannot be released expires.
      await Promise.resolve()
        .then(unlock)
        .catch(() => undefined)
    }
  }

  async #round(): Promise<Round> {
    const deadline = AbortSignal.any([AbortSignal.timeout(LONG_POLL_MS), this.#stopping.signal])
    const response = await this.#poll(deadline, MAX_EVENTS).catch((error: unknown) => {
      // Nothing happened while the transmitter held the request.
      if (error instanceof ProviderError && error.code === 'provider_timeout') return undefined
      throw error
    })
    const sets = isObject(response) && isObject(response['sets']) ? response['sets'] : {}
    let failure: Error | undefined
    for (const [jti, token] of Object.entries(sets).slice(0, MAX_EVENTS))
      failure = (await this.#receive(jti, token)) ?? failure
    if (failure !== undefined) throw failure
    const hasMore = isObject(response) && response['moreAvailable'] === true
    return hasMore || this.#acks.size + this.#errors.size > 0 ? 'more' : 'none'
  }

  /** Returns the error of an event that must be sent again. */
  async #receive(jti: string, token: unknown): Promise<Error | undefined> {
    const { receiver, transmitter, onRejected } = this.#deps
    if (this.#acks.size + this.#errors.size >= MAX_ACKNOWLEDGED) return undefined
    try {
      if (typeof token !== 'string')
        throw new SetError('invalid_request', 'the token is not a string')
      await receiver.receive(token, transmitter, false)
      this.#acks.add(jti)
      return undefined
    } catch (error) {
      if (!(error instanceof SetError))
        return error instanceof Error ? error : new Error('the event could not be acted on')
      onRejected(transmitter.config.name, describeFailure(error))
      this.#errors.set(jti, { err: error.code, description: error.message })
      return undefined
    }
  }

  async #poll(deadline: AbortSignal, maxEvents: number): Promise<unknown> {
    const { transmitter } = this.#deps
    const acks = [...this.#acks]
    const errors = [...this.#errors]
    const url = (this.#url ??= await pollUrlOf(transmitter))
    const response = await transmitter.request(url, {
      method: 'POST',
      deadline,
      maxBytes: MAX_BYTES,
      body: {
        maxEvents,
        returnImmediately: maxEvents === 0 || acks.length + errors.length > 0,
        ...(acks.length > 0 && { ack: acks }),
        ...(errors.length > 0 && { setErrs: Object.fromEntries(errors) }),
      },
    })
    const body = await jsonOf(response, url)
    for (const jti of acks) this.#acks.delete(jti)
    for (const [jti] of errors) this.#errors.delete(jti)
    return body
  }

  get #isStopped(): boolean {
    return this.#stopping.signal.aborted
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#stopping
    return new Promise((resolve) => {
      const timer = setTimeout(end, ms).unref()
      function end() {
        clearTimeout(timer)
        signal.removeEventListener('abort', end)
        resolve()
      }
      signal.addEventListener('abort', end)
      if (signal.aborted) end()
    })
  }
}
