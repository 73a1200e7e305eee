import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Awaitable, SessionStore } from '../session/stores/store.js'
import { basics, lifetimes, updates } from './store-checks.js'
import { counts, watches } from './store-change-checks.js'
import { lists, locks } from './store-optional-checks.js'

/** Options of {@link storeContract}. */
export interface StoreContractOptions {
  /**
   * Returns the store for one check. It does not have to be empty: each check uses new keys and
   * groups. Closed after the check.
   */
  makeStore: () => Awaitable<SessionStore>
  /**
   * Waits by the clock of the store. Default: waits in real time. Replace it if the store uses a
   * fake clock.
   */
  wait?: ((milliseconds: number) => Awaitable<void>) | undefined
  /**
   * Lifetime of records that a check lets expire, in milliseconds. Default: 200. Use more for a
   * store that rounds times.
   */
  ttl?: number | undefined
  /** The optional methods that the store does not have. Their checks are skipped. Default: none. */
  without?: readonly ('lock' | 'entries' | 'count' | 'watch')[] | undefined
}

/** One rule of {@link SessionStore}, for any test runner. */
export interface StoreCheck {
  /** The rule, as a sentence. */
  readonly name: string
  /** Rejects with an `AssertionError` if the store breaks the rule. */
  readonly run: () => Promise<void>
}

/**
 * Returns the rules that every session store must follow, as named checks for any test runner:
 *
 * ```ts
 * for (const { name, run } of storeContract({ makeStore: () => myStore() })) test(name, run)
 * ```
 *
 * A store without `lock`, `entries`, `count` or `watch` names them in `without`.
 */
export function storeContract({
  makeStore,
  wait = sleepFor,
  ttl = 200,
  without = [],
}: StoreContractOptions): StoreCheck[] {
  const all = {
    ...basics,
    ...updates,
    ...lifetimes,
    ...(without.includes('lock') ? {} : locks),
    ...(without.includes('entries') ? {} : lists),
    ...(without.includes('count') ? {} : counts),
    ...(without.includes('watch') ? {} : watches),
  }
  return Object.entries(all).map(([name, check]) => ({
    name,
    async run() {
      const store = await makeStore()
      try {
        await check({ store, ttl, wait, key: () => `check:${randomUUID()}` })
      } finally {
        await store.close?.()
      }
    },
  }))
}

async function sleepFor(milliseconds: number): Promise<void> {
  await sleep(milliseconds)
}
