import type { Unwatch } from './store.js'

/** Listeners for changes of records, by key. */
export class Watchers {
  readonly #listeners = new Map<string, Set<() => void>>()

  /** Whether it has no listeners. */
  get isEmpty(): boolean {
    return this.#listeners.size === 0
  }

  /** Adds a listener. Returns a function that removes it. */
  add(key: string, listener: () => void): Unwatch {
    const listeners = this.#listeners.get(key) ?? new Set()
    // One function may watch several times.
    const own = () => listener()
    this.#listeners.set(key, listeners.add(own))
    return () => {
      listeners.delete(own)
      if (listeners.size === 0 && this.#listeners.get(key) === listeners)
        this.#listeners.delete(key)
    }
  }

  /** Calls the listeners of a key. */
  notify(key: string): void {
    for (const listener of this.#listeners.get(key) ?? []) listener()
  }

  /** Calls all listeners. */
  notifyAll(): void {
    for (const key of this.#listeners.keys()) this.notify(key)
  }
}
