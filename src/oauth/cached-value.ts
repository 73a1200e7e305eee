const MAX_AGE_MS = 3_600_000
const MIN_REFRESH_INTERVAL_MS = 60_000
const BACKGROUND_TIMEOUT_MS = 10_000

/**
 * A value that is fetched when it is first needed, once for all callers that wait. After an hour it
 * is fetched again in the background, and the old value is used until that succeeds. Errors are not
 * cached.
 */
export class CachedValue<T> {
  readonly #fetch: (deadline: AbortSignal) => Promise<T>
  #current: { value: T; fetchedAt: number } | undefined
  #pending: Promise<T> | undefined
  #refreshedAt = Number.NEGATIVE_INFINITY

  constructor(fetch: (deadline: AbortSignal) => Promise<T>) {
    this.#fetch = fetch
  }

  /** The value. Rejects only if it was never fetched. */
  async get(deadline: AbortSignal): Promise<T> {
    if (this.#current === undefined) return this.#load(deadline)
    const age = Date.now() - this.#current.fetchedAt
    if (age > MAX_AGE_MS || age < 0)
      this.#load(AbortSignal.timeout(BACKGROUND_TIMEOUT_MS)).catch(() => undefined)
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
