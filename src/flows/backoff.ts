import { LRUCache } from 'lru-cache'
import { OAuthError, ProviderError } from '../http/errors.js'

/** Sessions whose check failed a moment ago: the provider is left alone for them for a while. */
export interface Backoff {
  /** What went wrong, while the pause lasts. */
  reason(key: string): OAuthError | undefined
  begin(key: string, error: OAuthError): void
  end(key: string): void
}

const SHORTEST = 5_000
const LONGEST = 60_000
/** A store, or a rule of the app's own, may be well again at once. */
const OURS = 500
/** So that the sessions of one outage do not all come back at once. */
const JITTER = 1_000

export function createBackoff(): Backoff {
  const backoff = new LRUCache<string, { from: number; until: number; error: OAuthError }>({
    max: 10_000,
  })
  return {
    reason(key) {
      const pause = backoff.get(key)
      const now = Date.now()
      return pause !== undefined && now >= pause.from && now < pause.until ? pause.error : undefined
    },
    begin(key, error) {
      const from = Date.now()
      if (!(error instanceof ProviderError))
        return void backoff.set(key, { from, until: from + OURS, error })
      const wished = error.code === 'provider_busy' ? (error.retryAfter ?? 0) * 1000 : 0
      backoff.set(key, {
        from,
        until: from + Math.min(Math.max(wished, SHORTEST), LONGEST) + Math.random() * JITTER,
        error,
      })
    },
    end: (key) => void backoff.delete(key),
  }
}
