import { createCache } from '../http/create-cache.js'
import { OAuthError } from '../http/errors.js'

const WINDOW_MS = 60_000
/** Different tokens that are not valid. The same one again causes no request for a while. */
const MAX_FAILURES = 60
const MAX_ADDRESSES = 10_000

/**
 * Limits how many made-up tokens of one address are checked at the issuer. Clients whose address is
 * not known are never limited: they may be many behind one proxy.
 */
export class FailureLimit {
  readonly #failures = createCache<number>({
    max: MAX_ADDRESSES,
    ttl: WINDOW_MS,
    noUpdateTTL: true,
  })

  /** Throws `too_many_requests` for an address with too many failures within a minute. */
  check(address: string | undefined): void {
    if (address === undefined || (this.#failures.get(address) ?? 0) < MAX_FAILURES) return
    const retryAfter = Math.max(1, this.#failures.getRemainingTTL(address) / 1000)
    throw new OAuthError('too_many_requests', { retryAfter })
  }

  /** Counts a token that is not valid. */
  count(address: string | undefined): void {
    if (address !== undefined) this.#failures.set(address, (this.#failures.get(address) ?? 0) + 1)
  }
}
