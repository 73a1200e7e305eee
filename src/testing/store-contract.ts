import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Awaitable, SessionStore } from '../session/stores/store.js'
import { basics, lives } from './store-checks.js'
import { lists, locks } from './store-optional-checks.js'

/** What {@link storeContract} tests, and how. */
export interface StoreContractOptions {
  /** A store for one check, empty or not: every check uses keys and groups of its own. It is closed after the check. */
  makeStore(): Awaitable<SessionStore>
  /** Lets this many milliseconds pass for the store. Default: really waiting. */
  wait?: ((milliseconds: number) => Awaitable<void>) | undefined
  /** The life of a record that a check lets run out, in milliseconds. Default 200. */
  ttl?: number | undefined
  /** The optional methods that the store does not have. */
  without?: readonly ('lock' | 'entries')[] | undefined
}

/** One promise of {@link SessionStore}, for any test runner: `run` rejects when it is broken. */
export interface StoreCheck {
  readonly name: string
  run(): Promise<void>
}

/**
 * What every session store must do, as named checks:
 *
 * ```ts
 * for (const { name, run } of storeContract({ makeStore: () => myStore() })) test(name, run)
 * ```
 */
export function storeContract({
  makeStore,
  wait = sleepFor,
  ttl = 200,
  without = [],
}: StoreContractOptions): StoreCheck[] {
  const all = {
    ...basics,
    ...lives,
    ...(without.includes('lock') ? {} : locks),
    ...(without.includes('entries') ? {} : lists),
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
