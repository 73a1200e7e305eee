import { createCache } from '../http/create-cache.js'
import { ProviderError } from '../http/errors.js'
import { providerTimeout } from './provider-errors.js'
import { type WaitingRequest, WaitingRequests } from './waiting-requests.js'

/** Requests that may wait by default. None waits longer than its deadline. */
const MAX_WAITING = 1_000
/** After more failures within a minute, fewer requests of an address are in progress. */
const MAX_FAILURES = 10
const FAILURE_WINDOW_MS = 60_000
const LIMITED_CONCURRENCY = 5
const MAX_ADDRESSES = 10_000
/**
 * The clients whose address is not known: together they take turns like one, but are never limited.
 */
const UNKNOWN = ''

/** Limits how many requests to a provider are in progress, and how many wait. */
export class RequestQueue {
  readonly #concurrency: number
  readonly #maxWaiting: number
  readonly #waiting = new WaitingRequests()
  /** Requests in progress by address. */
  readonly #running = new Map<string, number>()
  #runningCount = 0
  readonly #failures = createCache<number>({
    max: MAX_ADDRESSES,
    ttl: FAILURE_WINDOW_MS,
    noUpdateTTL: true,
  })

  constructor(concurrency: number, maxWaiting = MAX_WAITING) {
    this.#concurrency = concurrency
    this.#maxWaiting = maxWaiting
  }

  /**
   * Runs `request` when it is its turn. Rejects if too many wait, or if `deadline` aborts first.
   */
  async run<T>(
    deadline: AbortSignal,
    request: () => Promise<T>,
    address: string = UNKNOWN,
  ): Promise<T> {
    if (!this.#mayStart(address)) await this.#wait(deadline, address)
    else this.#count(address, 1)
    try {
      return await request()
    } finally {
      this.#count(address, -1)
      this.#startWaiting()
    }
  }

  /** Counts a failure that the client at this address caused. */
  countFailure(address: string = UNKNOWN): void {
    if (address !== UNKNOWN) this.#failures.set(address, (this.#failures.get(address) ?? 0) + 1)
  }

  #mayStart = (address: string): boolean => {
    const isLimited = (this.#failures.get(address) ?? 0) > MAX_FAILURES
    const limit = isLimited ? LIMITED_CONCURRENCY : this.#concurrency
    return this.#runningCount < this.#concurrency && (this.#running.get(address) ?? 0) < limit
  }

  #wait(deadline: AbortSignal, address: string): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const waiting: WaitingRequest = {
        address,
        start: () => {
          deadline.removeEventListener('abort', giveUp)
          resolve()
        },
        reject: () => {
          deadline.removeEventListener('abort', giveUp)
          reject(tooManyRequests())
        },
      }
      const giveUp = () => {
        this.#waiting.remove(waiting)
        reject(providerTimeout())
      }
      if (!this.#hasRoomFor(address)) return reject(tooManyRequests())
      this.#waiting.add(waiting)
      deadline.addEventListener('abort', giveUp, { once: true })
    })
  }

  /** Whether one more request may wait; if necessary, in place of one of a busier address. */
  #hasRoomFor(address: string): boolean {
    if (this.#waiting.size < this.#maxWaiting) return true
    const replaced = this.#waiting.takeFromBusiest(address)
    replaced?.reject()
    return replaced !== undefined
  }

  #startWaiting(): void {
    for (;;) {
      const next = this.#waiting.takeNext(this.#mayStart)
      if (next === undefined) return
      this.#count(next.address, 1)
      next.start()
    }
  }

  #count(address: string, change: 1 | -1): void {
    const running = (this.#running.get(address) ?? 0) + change
    this.#runningCount += change
    if (running === 0) this.#running.delete(address)
    else this.#running.set(address, running)
  }
}

function tooManyRequests(): ProviderError {
  return new ProviderError('down', 'provider_busy', {
    hint: 'too many requests to the provider are in progress',
  })
}
