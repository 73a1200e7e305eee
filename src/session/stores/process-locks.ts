import type { Unlock } from './store.js'

/** Locks by key, with the time at which each expires. */
export type HeldLocks = Map<string, { readonly until: number }>

/** Between two searches for expired locks, which look at every lock. */
const REMOVAL_INTERVAL_MS = 1_000

/** Locks within this process, which expire. */
export class ProcessLocks {
  readonly #held: HeldLocks
  #removedAt = 0

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

  /** Removes the locks that have expired without being released, once a second at most. */
  removeExpired(): void {
    const now = Date.now()
    if (Math.abs(now - this.#removedAt) < REMOVAL_INTERVAL_MS) return
    this.#removedAt = now
    for (const [key, { until }] of this.#held) if (until <= now) this.#held.delete(key)
  }
}
