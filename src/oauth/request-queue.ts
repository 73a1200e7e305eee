import { ProviderError } from '../http/errors.js'
import { providerTimeout } from './provider-errors.js'

/** Requests that may wait, as a multiple of those in progress. */
const MAX_WAITING_FACTOR = 4

/** Limits how many requests to a provider are in progress, and how many wait. */
export class RequestQueue {
  readonly #concurrency: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(concurrency: number) {
    this.#concurrency = concurrency
  }

  /**
   * Runs `request` when it is its turn. Rejects if too many wait, or if `deadline` aborts first.
   */
  async run<T>(deadline: AbortSignal, request: () => Promise<T>): Promise<T> {
    await this.#enter(deadline)
    try {
      return await request()
    } finally {
      this.#leave()
    }
  }

  async #enter(deadline: AbortSignal): Promise<void> {
    if (this.#running < this.#concurrency) {
      this.#running++
      return
    }
    if (this.#waiting.length >= this.#concurrency * MAX_WAITING_FACTOR)
      throw new ProviderError('down', 'provider_busy', {
        hint: 'too many requests to the provider are in progress',
      })
    await new Promise<void>((resolve, reject) => {
      const start = () => {
        deadline.removeEventListener('abort', giveUp)
        resolve()
      }
      const giveUp = () => {
        this.#waiting.splice(this.#waiting.indexOf(start), 1)
        reject(providerTimeout())
      }
      this.#waiting.push(start)
      deadline.addEventListener('abort', giveUp, { once: true })
    })
  }

  /** The next request in line takes over the slot: then `#running` does not change. */
  #leave(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#running--
  }
}
