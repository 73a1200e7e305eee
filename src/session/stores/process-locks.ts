import type { Unlock } from './store.js'

/** Locks by key, with the time at which each expires. */
export type HeldLocks = Map<string, { readonly until: number }>

/** Locks within this process, which expire. */
export class ProcessLocks {
  readonly #held: HeldLocks

  /** @param held The state, if several objects share the locks. */
  constructor(held: HeldLocks = new Map()) {
    this.#held = held
  }

  /** Takes the lock for `ttl` milliseconds; `undefined` if another caller holds it. */
  take(key: string, ttl: number): Unlock | undefined {
    const now = Date.now()
    const held = this.#held.get(key)
    if (held !== undefined && held.until > now) return undefined
    const lock = { until: now + ttl }
    this.#held.set(key, lock)
    return () => {
      if (this.#held.get(key) === lock) this.#held.delete(key)
    }
  }

  /** Removes the locks that have expired without being released. */
  removeExpired(): void {
    const now = Date.now()
    for (const [key, { until }] of this.#held) if (until <= now) this.#held.delete(key)
  }
}
