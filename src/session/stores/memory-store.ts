import cluster from 'node:cluster'
import { LRUCache } from 'lru-cache'
import { type OptionReader, readOptions } from '../../schema.js'
import { createSessionsByUser } from './sessions-by-user.js'
import { entryPosition, type EntriesQuery, type SessionStore, type StoreRecord } from './store.js'

/**
 * Limits of {@link memoryStore}. They are for sessions: other records (App Users, who was active in which month, and the
 * names that providers have for sessions) are bounded by 64 MiB of each kind.
 */
export interface MemoryStoreOptions {
  /**
   * Sessions at most. Beyond it those that ran out go, then the oldest of the user who has most, then the one used
   * longest ago. Default 10 000.
   */
  maxEntries?: number | undefined
  /** Bytes of all sessions at most, roughly. Default 64 MiB. */
  maxBytes?: number | undefined
  /** Sessions of one user at most, so that one account cannot push the others out. Default 100. */
  maxPerUser?: number | undefined
}

const OTHER_BYTES = 64 * 1024 * 1024
const PURGE_INTERVAL = 60_000
const PURGE_INTERVAL_WHEN_FULL = 1_000

/**
 * Sessions in the memory of this process: gone with it, and not shared with others. For one process only: in a worker
 * of `node:cluster` it throws.
 */
export function memoryStore(options: MemoryStoreOptions = {}): SessionStore {
  if (cluster.isWorker) {
    throw new TypeError(
      'memoryStore() cannot serve several processes: a worker would not know the logins of the others. Set the option store to one that they share.',
    )
  }
  const read = readOptions(options, 'memoryStore()')
  read.only(['maxEntries', 'maxBytes', 'maxPerUser'])
  const maxEntries = limit(read, 'maxEntries', 10_000)
  const maxBytes = limit(read, 'maxBytes', 64 * 1024 * 1024)
  const maxPerUser = limit(read, 'maxPerUser', 100)
  const kinds = new Map<string, LRUCache<string, StoreRecord>>()
  const users = createSessionsByUser()
  const locks = new Map<string, { until: number }>()
  let purgedAt = Date.now()

  const cacheOf = (kind: string) => {
    let cache = kinds.get(kind)
    if (cache === undefined) {
      cache = new LRUCache({
        ...(kind === 'session' ? { max: maxEntries, maxSize: maxBytes } : { maxSize: OTHER_BYTES }),
        sizeCalculation: sizeOf,
        // The clock of the sessions themselves; read anew each time.
        perf: Date,
        ttlResolution: 0,
        ...(kind === 'session' && { dispose: (record, key) => users.remove(record.group, key) }),
      })
      kinds.set(kind, cache)
    }
    return cache
  }
  const find = (key: string): LRUCache<string, StoreRecord> | undefined => {
    for (const cache of kinds.values()) if (cache.has(key)) return cache
    return undefined
  }
  const write = (key: string, record: StoreRecord, ttl: number) => {
    purge(PURGE_INTERVAL)
    const cache = cacheOf(record.kind)
    // The cache would drop it without a word, and the login after it, and the next.
    if (record.kind === 'session' && sizeOf(record) > maxBytes)
      throw new Error('one session is larger than maxBytes of memoryStore()')
    if (record.kind === 'session') makeRoom(cache, key, sizeOf(record))
    cache.set(key, record, { ttl })
    if (record.kind !== 'session' || !cache.has(key)) return
    users.add(record.group, key)
    const oldest = users.count(record.group) > maxPerUser ? users.oldestOf(record.group) : undefined
    if (oldest !== undefined) cache.delete(oldest)
  }
  /** Whom a flood of logins pushes out: whoever it comes from. Without this the cache drops what was used longest ago. */
  const makeRoom = (cache: LRUCache<string, StoreRecord>, key: string, size: number) => {
    const isFull = () =>
      !cache.has(key) && (cache.size >= maxEntries || cache.calculatedSize + size > maxBytes)
    if (isFull()) purge(PURGE_INTERVAL_WHEN_FULL)
    for (
      let oldest = users.oldestOfHeaviest();
      oldest !== undefined && isFull();
      oldest = users.oldestOfHeaviest()
    )
      cache.delete(oldest)
  }
  const purge = (interval: number) => {
    const now = Date.now()
    if (now - purgedAt < interval && now >= purgedAt) return
    purgedAt = now
    for (const cache of kinds.values()) cache.purgeStale()
    for (const [key, { until }] of locks) if (until <= now) locks.delete(key)
  }

  return {
    get(key) {
      for (const cache of kinds.values()) {
        const record = cache.get(key)
        if (record !== undefined) return record
      }
      return undefined
    },
    set: write,
    update(key, record, ttl) {
      const present = find(key)?.peek(key)
      if (present === undefined || present.revision !== record.revision - 1) return false
      write(key, record, ttl)
      return true
    },
    delete: (key) => find(key)?.delete(key) ?? false,
    lock(key, ttl) {
      const now = Date.now()
      const held = locks.get(key)
      if (held !== undefined && held.until > now) return undefined
      const lock = { until: now + ttl }
      locks.set(key, lock)
      return () => {
        if (locks.get(key) === lock) locks.delete(key)
      }
    },
    entries: ({ kind, group, after, limit: size }: EntriesQuery) => {
      const all = [...cacheOf(kind).entries()]
        .filter(([, record]) => group === undefined || record.group === group)
        .map(([key, record]) => ({ key, record, position: entryPosition(key, record) }))
        .sort((a, b) => (a.position < b.position ? 1 : -1))
      const rest = after === undefined ? all : all.filter(({ position }) => position < after)
      const page = rest.slice(0, size)
      return {
        entries: page.map(({ key, record }) => [key, record] as const),
        next: rest.length > size ? page.at(-1)?.position : undefined,
      }
    },
  }
}

function sizeOf(record: StoreRecord): number {
  return JSON.stringify(record).length
}

function limit(read: OptionReader, name: string, fallback: number): number {
  const value = read.has(name) ? read.value(name) : fallback
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
    ? value
    : read.fail(name, 'must be a whole number above 0')
}
