import type { LRUCache } from 'lru-cache'
import { createCache } from '../../http/create-cache.js'
import { KeyedQueue } from './keyed-queue.js'
import type { HeldLocks } from './process-locks.js'

/** State for what the store cannot do itself: conditional writes and locks. */
export interface AdapterState {
  /** A function and plain state, because another copy of the package may be of another version. */
  readonly turn: <T>(key: string, work: () => Promise<T>) => Promise<T>
  readonly locks: HeldLocks
  /** Writes that exceeded the time limit, and whether the record was deleted since. */
  readonly late: LRUCache<string, { isDeleted: boolean }>
}

const stateName = Symbol.for('oauth-module state of a store')

/**
 * The state is a member of the store, because several instances and copies of the package may share
 * the store.
 */
export function stateOf(store: object & { [stateName]?: AdapterState }): AdapterState {
  const present = store[stateName]
  if (present !== undefined) return present
  const queue = new KeyedQueue()
  const state: AdapterState = {
    turn: (key, work) => queue.run(key, work),
    locks: new Map(),
    late: createCache({ max: 10_000 }),
  }
  if (Object.isExtensible(store)) Object.defineProperty(store, stateName, { value: state })
  return state
}
