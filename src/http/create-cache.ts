import { LRUCache } from 'lru-cache'

/** Limits of {@link createCache}. */
export interface CacheLimits {
  /** Values that are kept. */
  readonly max: number
  /** For how long a value counts, in milliseconds. Default: without end. */
  readonly ttl?: number
  /** Whether another value of the same key counts only as long as the first. Default `false`. */
  readonly noUpdateTTL?: boolean
}

/**
 * A cache of the values that were used last. It grows as it is used: with its option `max`,
 * `LRUCache` allocates room for all values at once, which took megabytes for each gate.
 */
export function createCache<
  Value extends object | string | number | boolean,
  Key extends string | object = string,
>({ max, ...limits }: CacheLimits): LRUCache<Key, Value> {
  return new LRUCache({
    ...limits,
    maxSize: max,
    sizeCalculation: () => 1,
    // The clock of sessions, read at every access.
    perf: Date,
    ttlResolution: 0,
  })
}
