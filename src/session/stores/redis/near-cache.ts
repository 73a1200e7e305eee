import { LRUCache } from 'lru-cache'
import { deepFreeze } from '../deep-freeze.js'
import { isIoRedis, type RedisClient } from './driver.js'
import { Invalidation, type InvalidationSource } from './invalidation.js'
import { pendingMessages } from './pending-messages.js'
import type { Row } from './rows.js'

/** Options of the near cache of `redisStore()`. */
export interface NearCacheOptions {
  /** Maximum number of rows; the least recently used one is removed first. Default 10,000. */
  maxEntries?: number | undefined
}

/** What {@link NearCache} depends on. */
export interface NearCacheDeps {
  /** Prefix of the keys of rows. */
  readonly prefix: string
  readonly maxEntries: number
  readonly warn: (message: string) => void
}

/** Rows in the memory of this process, used only while Redis sends all changes. */
export class NearCache {
  readonly #rows: LRUCache<string, Row>
  /** Reads in progress. A change that arrives during a read makes its result stale. */
  readonly #reads = new Map<string, Set<{ isStale: boolean }>>()
  readonly #invalidation: Invalidation

  /** Throws a `TypeError` if the client is not a single connection of ioredis. */
  constructor(client: RedisClient, { prefix, maxEntries, warn }: NearCacheDeps) {
    if (!isIoRedis(client))
      throw new TypeError(
        'redisStore().nearCache requires ioredis: with node-redis, set clientSideCache on the client, and RESP: 3 with version 5',
      )
    if (client.isCluster)
      throw new TypeError(
        'redisStore().nearCache does not support a cluster, because each node sends only its own changes: leave it out',
      )
    this.#rows = new LRUCache({ max: maxEntries })
    this.#invalidation = new Invalidation(client as unknown as InvalidationSource, {
      prefix,
      forget: (key) => this.forget(key),
      forgetAll: () => this.#forgetAll(),
      warn,
    })
  }

  /** The row in memory, or the one that `load` reads. */
  async read(key: string, load: () => Promise<Row | undefined>): Promise<Row | undefined> {
    return (await this.#cached(key)) ?? this.#load(key, load)
  }

  /** Removes the row, and prevents a read in progress from caching it. */
  forget(key: string): void {
    this.#rows.delete(key)
    for (const read of this.#reads.get(key) ?? []) read.isStale = true
  }

  /** Closes the connection that receives changes. */
  close(): void {
    this.#invalidation.close()
  }

  #forgetAll(): void {
    this.#rows.clear()
    for (const reads of this.#reads.values()) for (const read of reads) read.isStale = true
  }

  async #cached(key: string): Promise<Row | undefined> {
    const row = this.#rows.get(key)
    if (row === undefined) return undefined
    await pendingMessages()
    return this.#rows.get(key) === row && this.#invalidation.isAlive() ? row : undefined
  }

  async #load(key: string, load: () => Promise<Row | undefined>): Promise<Row | undefined> {
    const read = { isStale: !this.#invalidation.isAlive() }
    const reads = this.#reads.get(key) ?? new Set()
    this.#reads.set(key, reads.add(read))
    try {
      const row = await load()
      // Missing rows are not cached: unauthenticated clients can send any number of keys.
      if (row !== undefined && !read.isStale) this.#rows.set(key, deepFreeze(row))
      return row
    } finally {
      reads.delete(read)
      if (reads.size === 0) this.#reads.delete(key)
    }
  }
}
