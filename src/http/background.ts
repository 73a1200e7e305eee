/**
 * Work that no response waits for. Outlives a configuration, so the set of pending work is shared
 * state.
 */
export class Background {
  readonly #pending: Set<Promise<unknown>>
  readonly #onError: (error: unknown) => void

  constructor(pending: Set<Promise<unknown>>, onError: (error: unknown) => void) {
    this.#pending = pending
    this.#onError = onError
  }

  /** Lets the work continue after the response. If it fails, `onError` is called. */
  run(work: Promise<unknown>): void {
    void this.track(work.catch(this.#onError))
  }

  /** Makes `drain` wait for work whose result and failure belong to a request. */
  track<T>(work: Promise<T>): Promise<T> {
    const settled = Promise.allSettled([work]).finally(() => this.#pending.delete(settled))
    this.#pending.add(settled)
    return work
  }

  /** Waits for all pending work, including what starts in the meantime. */
  async drain(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending)
  }
}
