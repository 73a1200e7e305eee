import cluster from 'node:cluster'
import { LRUCache } from 'lru-cache'
import { pageOf } from './entries-page.js'
import { type MemoryLimits, type MemoryStoreOptions, parseMemoryOptions } from './memory-options.js'
import { ProcessLocks } from './process-locks.js'
import { SessionsByUser } from './sessions-by-user.js'
import type {
  CountQuery,
  EntriesPage,
  EntriesQuery,
  SessionStore,
  StoreRecord,
  Unlock,
  Unwatch,
} from './store.js'
import { Watchers } from './watchers.js'

export type { MemoryStoreOptions } from './memory-options.js'

/**
 * Keeps sessions in the memory of this process: they end when it exits, and other processes do not
 * have them. It is the default of the option `store`.
 *
 * ```ts
 * import { memoryStore, oauthModule } from 'oauth-module'
 *
 * export const auth = oauthModule({
 *   provider: { github: { clientId: 'id', clientSecret: 'secret', organizations: ['acme'] } },
 *   store: memoryStore({ maxEntries: 50_000, maxPerUser: 10 }),
 * })
 * ```
 *
 * @param options Limits; each has a default.
 * @returns A store for the option `store`.
 * @throws TypeError if an option is invalid, or in a worker of `node:cluster`, because workers do
 *   not share memory.
 */
export function memoryStore(options: MemoryStoreOptions = {}): SessionStore {
  if (cluster.isWorker) {
    throw new TypeError(
      'memoryStore() cannot serve several processes, because a worker does not have the sessions of the others: set the option store to a store that they share',
    )
  }
  return new MemoryStore(parseMemoryOptions(options))
}

/** Marks a memory store, also when two copies of the package are loaded. */
const memoryStoreMark = Symbol.for('oauth-module memory store')

/**
 * Whether the value was created by {@link memoryStore}, so that its records are objects of this
 * process. A copy with other methods may return any records.
 */
export function isMemoryStore(store: unknown): boolean {
  return typeof store === 'object' && store !== null && memoryStoreMark in store
}

type Records = LRUCache<string, StoreRecord>

const MAX_BYTES_OF_OTHER_KINDS = 64 * 1024 * 1024
const PURGE_INTERVAL_MS = 60_000
const PURGE_INTERVAL_WHEN_FULL_MS = 1_000

/**
 * The store of {@link memoryStore}. Its methods are properties, so that an app can wrap the store
 * as `{ ...memoryStore(), get }`.
 */
class MemoryStore implements SessionStore {
  readonly #limits: MemoryLimits
  readonly #kinds = new Map<string, Records>()
  readonly #users = new SessionsByUser()
  readonly #locks = new ProcessLocks()
  readonly #watchers = new Watchers()
  #purgedAt = Date.now()

  constructor(limits: MemoryLimits) {
    this.#limits = limits
  }

  /** Of the class, so that a copy of the store with other methods does not have it. */
  get [memoryStoreMark](): true {
    return true
  }

  readonly get = (key: string): StoreRecord | undefined => {
    for (const records of this.#kinds.values()) {
      const record = records.get(key)
      if (record !== undefined) return record
    }
    return undefined
  }

  readonly set = (key: string, record: StoreRecord, ttl: number): void =>
    this.#write(key, record, ttl)

  readonly update = (key: string, record: StoreRecord, ttl: number): boolean => {
    const present = this.#holderOf(key)?.peek(key)
    if (present === undefined || present.revision !== record.revision - 1) return false
    // Not `set`: an app may have replaced it.
    this.#write(key, record, ttl)
    return true
  }

  readonly delete = (key: string): boolean => {
    const existed = this.#holderOf(key)?.delete(key) ?? false
    this.#watchers.notify(key)
    return existed
  }

  readonly lock = (key: string, ttl: number): Unlock | undefined => this.#locks.take(key, ttl)

  readonly entries = (query: EntriesQuery): EntriesPage =>
    pageOf(this.#recordsOf(query.kind).entries(), query)

  readonly count = ({ kind, group }: CountQuery): number => {
    const records = this.#recordsOf(kind)
    records.purgeStale()
    if (group === undefined) return records.size
    let count = 0
    for (const record of records.values()) if (record.group === group) count++
    return count
  }

  readonly watch = (key: string, listener: () => void): Unwatch => this.#watchers.add(key, listener)

  #write(key: string, record: StoreRecord, ttl: number): void {
    this.#purge(PURGE_INTERVAL_MS)
    if (record.kind === 'session') this.#setSession(key, record, ttl)
    else this.#recordsOf(record.kind).set(key, record, { ttl })
    this.#watchers.notify(key)
  }

  #setSession(key: string, record: StoreRecord, ttl: number): void {
    const { maxEntries, maxBytes, maxPerUser } = this.#limits
    const sessions = this.#recordsOf('session')
    const size = sizeOf(record)
    // The cache would silently drop the session, so no login would ever succeed.
    if (size > maxBytes) throw new Error('one session is larger than maxBytes of memoryStore()')
    const isFull = sessions.size >= maxEntries || sessions.calculatedSize + size > maxBytes
    if (isFull && !sessions.has(key)) this.#purge(PURGE_INTERVAL_WHEN_FULL_MS)
    sessions.set(key, record, { ttl })
    this.#users.add(record.group, key)
    const isOverLimit = this.#users.count(record.group) > maxPerUser
    const oldest = isOverLimit ? this.#users.oldestOf(record.group) : undefined
    if (oldest !== undefined) sessions.delete(oldest)
  }

  #recordsOf(kind: string): Records {
    let records = this.#kinds.get(kind)
    if (records === undefined) {
      records = this.#createRecords(kind === 'session')
      this.#kinds.set(kind, records)
    }
    return records
  }

  #createRecords(isForSessions: boolean): Records {
    const { maxEntries, maxBytes } = this.#limits
    // `Date` is the clock of sessions. It is read at every access, so that a record never outlives
    // its TTL.
    const shared = { sizeCalculation: sizeOf, perf: Date, ttlResolution: 0 }
    if (!isForSessions) return new LRUCache({ ...shared, maxSize: MAX_BYTES_OF_OTHER_KINDS })
    return new LRUCache({
      ...shared,
      max: maxEntries,
      maxSize: maxBytes,
      dispose: (record, key) => this.#users.remove(record.group, key),
    })
  }

  #holderOf(key: string): Records | undefined {
    for (const records of this.#kinds.values()) if (records.has(key)) return records
    return undefined
  }

  #purge(intervalMs: number): void {
    const now = Date.now()
    if (now - this.#purgedAt < intervalMs && now >= this.#purgedAt) return
    this.#purgedAt = now
    for (const records of this.#kinds.values()) records.purgeStale()
    this.#locks.removeExpired()
  }
}

function sizeOf(record: StoreRecord): number {
  return JSON.stringify(record).length
}
