import type { IncomingMessage } from 'node:http'
import { OAuthError } from '../http/errors.js'
import type { OpenSession } from '../session/sessions.js'

/** The checks of the current configuration. */
interface SessionChecks {
  check(session: OpenSession, request: IncomingMessage): Promise<OpenSession>
  nextCheckAt(session: OpenSession): number
  validUntil(session: OpenSession): number
}

/** Node's timers with a longer delay fire immediately. */
const MAX_TIMER_MS = 2 ** 31 - 1
const MIN_TIMER_MS = 10
const CACHE_DELAY_MS = 500
/** The pause between checks while the provider is down, when every check is overdue. */
const OVERDUE_PAUSE_MS = 5_000

/** The signal of one request or socket, with a timer for the next check of its session. */
export class OpenSignal {
  /** The key of the session. */
  readonly key: string
  /** The request that the signal was created for. */
  readonly request: IncomingMessage
  readonly #controller = new AbortController()
  readonly #onStop: () => void
  #checks: SessionChecks
  #session: OpenSession
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(
    checks: SessionChecks,
    session: OpenSession,
    request: IncomingMessage,
    onStop: () => void,
  ) {
    this.#checks = checks
    this.#session = session
    this.key = session.key
    this.request = request
    this.#onStop = onStop
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Checks the session at once and then whenever a check is due, as a configuration requires. */
  follow(checks: SessionChecks): void {
    this.#checks = checks
    this.#check()
  }

  /**
   * Checks the session at once, and once more a moment later: a cache of the store may learn of the
   * change after this process.
   */
  checkSoon(): void {
    if (this.#isStopped) return
    this.#check()
    setTimeout(() => {
      if (!this.#isStopped) this.#check()
    }, CACHE_DELAY_MS).unref()
  }

  abort(reason: OAuthError): void {
    this.stop()
    this.#controller.abort(reason)
  }

  /** Ends the timer. The signal never aborts afterwards. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#onStop()
  }

  #check(): void {
    this.#checks.check(this.#session, this.request).then(
      (session) => {
        if (this.#isStopped) return
        this.#session = session
        this.#setTimer()
      },
      (error: unknown) => {
        if (this.#isStopped) return
        if (this.#mayRetry(error)) this.#setTimer()
        else
          this.abort(
            error instanceof OAuthError ? error : new OAuthError('internal', { cause: error }),
          )
      },
    )
  }

  /** A short outage of the store does not abort the signal of a session whose check is not due. */
  #mayRetry(error: unknown): boolean {
    return (
      error instanceof OAuthError &&
      error.code === 'store_unavailable' &&
      Date.now() < this.#checks.validUntil(this.#session)
    )
  }

  #setTimer(): void {
    clearTimeout(this.#timer)
    const wait = this.#checks.nextCheckAt(this.#session) - Date.now()
    const shortest = wait > 0 ? MIN_TIMER_MS : OVERDUE_PAUSE_MS
    this.#timer = setTimeout(() => this.#check(), Math.min(Math.max(wait, shortest), MAX_TIMER_MS))
    this.#timer.unref()
  }
}
