const MAX_AGE_MS = 3_600_000
const MIN_REFRESH_INTERVAL_MS = 60_000
const BACKGROUND_TIMEOUT_MS = 10_000

interface CacheOptions {
  /** How long a value that cannot be fetched again is used. Default: forever. */
  readonly maxStaleMs?: number
  /** Called when a value could not be fetched again in the background. */
  readonly onFailure?: (error: unknown) => void
}

/**
 * A value that is fetched when it is first needed, once for all callers that wait. After an hour it
 * is fetched again in the background, and the old value is used until that succeeds, or until it is
 * too old. Errors are not cached.
 */
export class CachedValue<T> {
  readonly #fetch: (deadline: AbortSignal) => Promise<T>
  readonly #options: CacheOptions
  #current: { value: T; fetchedAt: number } | undefined
  #pending: Promise<T> | undefined
  #refreshedAt = Number.NEGATIVE_INFINITY

  constructor(fetch: (deadline: AbortSignal) => Promise<T>, options: CacheOptions = {}) {
    this.#fetch = fetch
    this.#options = options
  }

  /** The value, if it needs not be fetched. */
  get current(): T | undefined {
    if (this.#current === undefined) return undefined
    const age = Date.now() - this.#current.fetchedAt
    return age >= 0 && age <= MAX_AGE_MS ? this.#current.value : undefined
  }

  /** The value. Rejects if it was never fetched, or is too old and cannot be fetched again. */
  async get(deadline: AbortSignal): Promise<T> {
    const { maxStaleMs = Number.POSITIVE_INFINITY, onFailure } = this.#options
    if (this.#current === undefined) return this.#load(deadline)
    const age = Date.now() - this.#current.fetchedAt
    if (Math.abs(age) > maxStaleMs) return this.#load(deadline)
    if (age > MAX_AGE_MS || age < 0)
      this.#load(AbortSignal.timeout(BACKGROUND_TIMEOUT_MS)).catch(onFailure ?? (() => undefined))
    return this.#current.value
  }

  /** Fetches the value again, at most once per minute. Resolves with whether that succeeded. */
  async refresh(deadline: AbortSignal): Promise<boolean> {
    const now = Date.now()
    if (now - this.#refreshedAt < MIN_REFRESH_INTERVAL_MS && now >= this.#refreshedAt) return false
    this.#refreshedAt = now
    return this.#load(deadline).then(
      () => true,
      () => false,
    )
  }

  #load(deadline: AbortSignal): Promise<T> {
    this.#pending ??= this.#fetch(deadline)
      .then((value) => {
        this.#current = { value, fetchedAt: Date.now() }
        return value
      })
      .finally(() => {
        this.#pending = undefined
      })
    return this.#pending
  }
}
