import { createCache } from '../http/create-cache.js'
import { type OAuthError, ProviderError } from '../http/errors.js'

const MAX_SESSIONS = 10_000
const MIN_PAUSE_MS = 5_000
const MAX_PAUSE_MS = 60_000
/**
 * For failures that are not the provider's: a store or an `authorize` function may work again at
 * once.
 */
const LOCAL_PAUSE_MS = 500
/** Spreads the retries of sessions whose checks failed in the same outage. */
const JITTER_MS = 1_000

interface Pause {
  readonly startsAt: number
  readonly endsAt: number
  readonly error: OAuthError
}

/** Pauses requests to the provider for sessions whose last check or refresh failed. */
export class Backoff {
  readonly #pauses = createCache<Pause>({ max: MAX_SESSIONS })

  /** The error that started the pause; `undefined` if the session is not paused. */
  error(sessionKey: string): OAuthError | undefined {
    const pause = this.#pauses.get(sessionKey)
    const now = Date.now()
    // `startsAt`: a clock that was set back must not extend the pause.
    return pause !== undefined && now >= pause.startsAt && now < pause.endsAt
      ? pause.error
      : undefined
  }

  /** Starts a pause, as long as the provider's `Retry-After` within 5 to 60 seconds. */
  start(sessionKey: string, error: OAuthError): void {
    const startsAt = Date.now()
    this.#pauses.set(sessionKey, { startsAt, endsAt: startsAt + pauseMs(error), error })
  }

  /** Ends the pause after a success. */
  clear(sessionKey: string): void {
    this.#pauses.delete(sessionKey)
  }
}

function pauseMs(error: OAuthError): number {
  if (!(error instanceof ProviderError)) return LOCAL_PAUSE_MS
  const retryAfterMs = error.code === 'provider_busy' ? (error.retryAfter ?? 0) * 1000 : 0
  return Math.min(Math.max(retryAfterMs, MIN_PAUSE_MS), MAX_PAUSE_MS) + Math.random() * JITTER_MS
}
