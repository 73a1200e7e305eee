const MAX_WAITING = 100

/** Runs work one at a time per key, in the order of the calls. */
export class KeyedQueue {
  readonly #maxWaiting: number
  readonly #queues = new Map<string, { tail: Promise<unknown>; waiting: number }>()

  /** @param maxWaiting Limits the memory that callers hold while a store does not respond. */
  constructor(maxWaiting = MAX_WAITING) {
    this.#maxWaiting = maxWaiting
  }

  /**
   * Runs the work when all earlier work for the key has settled. Rejects if too many calls already
   * wait for the key.
   */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const queue = this.#queues.get(key) ?? { tail: Promise.resolve(), waiting: 0 }
    if (queue.waiting >= this.#maxWaiting)
      throw new Error('too many writes of one record wait for the store')
    queue.waiting++
    this.#queues.set(key, queue)
    const result = queue.tail.then(work)
    queue.tail = result.catch(() => undefined)
    try {
      return await result
    } finally {
      queue.waiting--
      if (queue.waiting === 0) this.#queues.delete(key)
    }
  }

  /** Resolves when the work that is queued for the key now has settled. */
  async settled(key: string): Promise<void> {
    await this.#queues.get(key)?.tail
  }
}
