import type { TokenResult } from '../bearer/tokens.js'
import { OAuthError } from '../http/errors.js'

/** A token is verified again at this interval while its connection is open. */
const INTERVAL_MS = 60_000
/** The pause after a check that was not possible, because too many others were waiting. */
const RETRY_MS = 5_000
/** How long such attempts may go on after the latest check. */
const MAX_UNCHECKED_MS = 2 * INTERVAL_MS
const MIN_TIMER_MS = 10

/** What an {@link OpenToken} needs of its request. */
export interface WatchedToken {
  /** The key of the user. */
  readonly userKey: string
  /** When the token was issued, or else verified. Milliseconds. */
  readonly issuedAt: number
  /** When the token expires, in milliseconds. */
  readonly expiresAt: number | undefined
  /** Whether the configuration has changed since the token was verified. */
  isOutdated(): boolean
  /** Verifies the token again, and evaluates the rules. */
  check(): Promise<TokenResult>
}

/** The signal of one request or socket with an access token, with a timer for its next check. */
export class OpenToken {
  readonly userKey: string
  readonly issuedAt: number
  readonly #controller = new AbortController()
  readonly #token: WatchedToken
  readonly #onStop: () => void
  #timer: NodeJS.Timeout | undefined
  #checkedAt = Date.now()
  #isStopped = false

  constructor(token: WatchedToken, onStop: () => void) {
    this.userKey = token.userKey
    this.issuedAt = token.issuedAt
    this.#token = token
    this.#onStop = onStop
    this.#setTimer(INTERVAL_MS)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Verifies the token, and evaluates the rules. Never rejects. */
  async check(): Promise<void> {
    if (this.#isStopped) return
    clearTimeout(this.#timer)
    try {
      const { denial } = await this.#token.check()
      if (denial !== undefined) return this.abort(new OAuthError(denial.code))
      this.#checkedAt = Date.now()
      this.#setTimer(INTERVAL_MS)
    } catch (error) {
      const pause = this.#pauseAfter(error)
      if (pause === undefined) this.abort(toOAuthError(error))
      else this.#setTimer(pause)
    }
  }

  abort(reason: OAuthError): void {
    if (this.#isStopped) return
    this.stop()
    this.#controller.abort(reason)
  }

  /** Ends the timer. The signal never aborts afterwards. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#onStop()
  }

  /** When to check again after an error that shows nothing about the token. */
  #pauseAfter(error: unknown): number | undefined {
    if (!(error instanceof OAuthError)) return undefined
    // Without the store, it is only unknown whether the user is blocked.
    if (error.code === 'store_unavailable') return INTERVAL_MS
    const mayWait = Date.now() - this.#checkedAt < MAX_UNCHECKED_MS
    return error.code === 'too_many_requests' && mayWait ? RETRY_MS : undefined
  }

  #setTimer(delayMs: number): void {
    if (this.#isStopped) return
    clearTimeout(this.#timer)
    const left = (this.#token.expiresAt ?? Infinity) - Date.now()
    const run = () => {
      // A timer may fire a moment early.
      if (left <= delayMs) this.abort(new OAuthError('invalid_token'))
      else void this.check()
    }
    this.#timer = setTimeout(run, Math.max(Math.min(left, delayMs), MIN_TIMER_MS))
    this.#timer.unref()
  }
}

function toOAuthError(error: unknown): OAuthError {
  return error instanceof OAuthError ? error : new OAuthError('internal', { cause: error })
}
