import { LRUCache } from 'lru-cache'
import { deepFreeze } from '../deep-freeze.js'
import { isIoRedis, type RedisClient } from './driver.js'
import { pendingMessages } from './pending-messages.js'
import { createInvalidation, type InvalidationSource } from './invalidation.js'
import type { Row } from './rows.js'

export interface NearCacheOptions {
  /** Rows at most; those used longest ago go first. Default 10 000. */
  maxEntries?: number | undefined
}

/** Rows in the memory of this process, kept only while Redis says that it will tell of every change. */
export interface NearCache {
  read(key: string, load: () => Promise<Row | undefined>): Promise<Row | undefined>
  /** Nothing known of this key counts any more, nor what is being read right now. */
  forget(key: string): void
  close(): Promise<void>
}

interface NearCacheConfig {
  /** Of the keys of rows. */
  prefix: string
  maxEntries: number
  warn(message: string): void
}

export function createNearCache(
  client: RedisClient,
  { prefix, maxEntries, warn }: NearCacheConfig,
): NearCache {
  if (!isIoRedis(client))
    throw new TypeError(
      'redisStore().nearCache is for ioredis: with node-redis set clientSideCache on the client, and RESP: 3 with version 5',
    )
  if (client.isCluster)
    throw new TypeError(
      'redisStore().nearCache knows no cluster: every node would have to tell of its changes',
    )
  const rows = new LRUCache<string, Row>({ max: maxEntries })
  const reads = new Map<string, Set<{ isStale: boolean }>>()

  const forget = (key: string) => {
    rows.delete(key)
    for (const read of reads.get(key) ?? []) read.isStale = true
  }
  const forgetAll = () => {
    rows.clear()
    for (const pending of reads.values()) for (const read of pending) read.isStale = true
  }
  const invalidation = createInvalidation(client as unknown as InvalidationSource, {
    prefix,
    forget,
    forgetAll,
    warn,
  })

  const known = async (key: string): Promise<Row | undefined> => {
    const row = rows.get(key)
    if (row === undefined) return undefined
    await pendingMessages()
    return rows.get(key) === row && invalidation.isAlive() ? row : undefined
  }
  const load = async (key: string, fetch: () => Promise<Row | undefined>) => {
    const read = { isStale: !invalidation.isAlive() }
    const pending = reads.get(key) ?? new Set()
    reads.set(key, pending.add(read))
    try {
      const row = await fetch()
      // Nothing is remembered of keys without a row: anybody can ask for those.
      if (row !== undefined && !read.isStale) rows.set(key, deepFreeze(row))
      return row
    } finally {
      pending.delete(read)
      if (pending.size === 0) reads.delete(key)
    }
  }
  return {
    read: async (key, fetch) => (await known(key)) ?? load(key, fetch),
    forget,
    close: () => invalidation.close(),
  }
}
