import { randomUUID } from 'node:crypto'
import type {
  CountQuery,
  EntriesPage,
  EntriesQuery,
  SessionStore,
  StoreRecord,
  Unlock,
  Unwatch,
} from '../store.js'
import { Changes } from './changes.js'
import { Driver, type RedisClient } from './driver.js'
import { readIndexPage } from './index-page.js'
import { Indexes } from './indexes.js'
import { NearCache } from './near-cache.js'
import {
  parseRedisOptions,
  type RedisStoreConfig,
  type RedisStoreOptions,
} from './redis-options.js'
import { replyString, RowReader } from './row-reader.js'
import { decodeRow, encodeRow, type Row } from './rows.js'
import { canSubscribe } from './subscriber.js'
import { releaseLock, removeRow, replaceRow, takeLock, writeRow } from './scripts.js'

/**
 * Keeps sessions in Redis, for any number of processes. Your app connects the client, listens to
 * its `error` event and closes it.
 *
 * Reads must go to the master, as they do by default: do not set `useReplicas` or `scaleReads`.
 * While a client is not connected, it queues commands. At most 10,000 commands of this store wait;
 * further ones are rejected immediately. Limit the queue of the client as well:
 * `commandsQueueMaxLength` of node-redis, `maxRetriesPerRequest` of ioredis.
 *
 * ```ts
 * import { oauthModule } from 'oauth-module'
 * import { redisStore } from 'oauth-module/redis'
 * import { createClient } from 'redis'
 *
 * const client = createClient({ url: 'redis://localhost:6379', commandsQueueMaxLength: 1000 })
 * client.on('error', (error) => console.error(error))
 * await client.connect()
 *
 * export const auth = oauthModule({
 *   provider: { github: { clientId: 'id', clientSecret: 'secret', organizations: ['acme'] } },
 *   store: redisStore(client),
 * })
 * ```
 *
 * @param client A client of node-redis 5 or 6 or of ioredis 5 or 6: single server, pool, Sentinel
 *   or cluster.
 * @param options Each has a default.
 * @returns A store for the option `store`.
 * @throws TypeError if the client or an option is not supported.
 */
export function redisStore(client: RedisClient, options: RedisStoreOptions = {}): SessionStore {
  return new RedisStore(client, parseRedisOptions(options))
}

/** See {@link SessionStore.watch}. */
const WATCHED_KINDS: readonly string[] = ['config', 'notice']

/**
 * The store of {@link redisStore}. Its methods are properties, so that an app can wrap the store as
 * `{ ...redisStore(client), get }`.
 */
class RedisStore implements SessionStore {
  readonly #driver: Driver
  readonly #indexes: Indexes
  readonly #rows: RowReader
  readonly #near: NearCache | undefined
  readonly #changes: Changes
  readonly watch?: (key: string, listener: () => void) => Unwatch
  readonly #prefix: string
  readonly #rowPrefix: string
  readonly #warned = new Set<string>()
  readonly #onWarning: (message: string) => void

  constructor(client: RedisClient, { prefix, nearCache, onWarning }: RedisStoreConfig) {
    const warn = (message: string) => this.#warnOnce(message)
    this.#prefix = prefix
    this.#rowPrefix = `${prefix}row:`
    this.#onWarning = onWarning
    this.#driver = new Driver(client, warn)
    this.#indexes = new Indexes(this.#driver, prefix)
    this.#rows = new RowReader(this.#driver, this.#rowPrefix, warn)
    this.#changes = new Changes({ client, driver: this.#driver, prefix, warn })
    if (canSubscribe(client)) this.watch = (key, listener) => this.#changes.watch(key, listener)
    if (nearCache === undefined) return
    const near = new NearCache(client, { ...nearCache, prefix: this.#rowPrefix, warn })
    this.#near = near
  }

  readonly close = (): void => {
    this.#near?.close()
    this.#changes.close()
    this.#driver.close()
  }

  readonly problem = (): string | undefined => this.#driver.problem()

  readonly get = async (key: string): Promise<StoreRecord | undefined> => {
    const row = await (this.#near?.read(key, () => this.#load(key)) ?? this.#load(key))
    // Redis reports the expiry of a row only when it deletes the row, which may be later.
    return row !== undefined && Date.now() < row.until ? row.record : undefined
  }

  readonly set = (key: string, record: StoreRecord, ttl: number): Promise<void> =>
    this.#writing(key, record, async () => {
      const ttlMs = wholeMilliseconds(ttl)
      const row = encodeRow(record, Date.now() + ttlMs)
      await this.#driver.run(writeRow, [this.#rowPrefix + key], [row, ttlMs])
      // The row comes first, so that an index entry without a row can be removed.
      await this.#indexes.add(key, record, ttlMs)
    })

  readonly update = (key: string, record: StoreRecord, ttl: number): Promise<boolean> =>
    this.#writing(key, record, async () => {
      const ttlMs = wholeMilliseconds(ttl)
      const args = [record.revision - 1, encodeRow(record, Date.now() + ttlMs), ttlMs]
      const reply = await this.#driver.run(replaceRow, [this.#rowPrefix + key], args)
      if (!isOne(reply)) return false
      // The row is authoritative; the next write repairs the index.
      await this.#indexes.add(key, record, ttlMs).catch(() => undefined)
      return true
    })

  readonly delete = (key: string): Promise<boolean> =>
    this.#invalidating(key, async () => {
      const json = replyString(await this.#driver.run(removeRow, [this.#rowPrefix + key], []))
      if (json === undefined) return false
      const row = decodeRow(json)
      // A remaining index entry is removed when a list finds no row for it, or when it expires.
      if (row) await this.#indexes.remove(key, row.record).catch(() => undefined)
      if (WATCHED_KINDS.includes(row?.record.kind ?? '')) await this.#announce(key)
      return true
    })

  readonly lock = async (key: string, ttl: number): Promise<Unlock | undefined> => {
    const [name, owner] = [`${this.#prefix}lock:${key}`, randomUUID()]
    const reply = await this.#driver.run(takeLock, [name], [owner, wholeMilliseconds(ttl)])
    if (!isOne(reply)) return undefined
    return async () => {
      await this.#driver.run(releaseLock, [name], [owner])
    }
  }

  readonly entries = (query: EntriesQuery): Promise<EntriesPage> =>
    readIndexPage(query, this.#indexes, this.#rows)

  readonly count = ({ kind, group }: CountQuery): Promise<number> =>
    this.#indexes.count(kind, group)

  async #load(key: string): Promise<Row | undefined> {
    return (await this.#rows.fetchRow(key)).row
  }

  /** Only few records are watched: a message for each session would be a burden. */
  async #writing<T>(key: string, { kind }: StoreRecord, write: () => Promise<T>): Promise<T> {
    const result = await this.#invalidating(key, write)
    if (WATCHED_KINDS.includes(kind) && result !== false) await this.#announce(key)
    return result
  }

  #announce(key: string): Promise<void> {
    return this.#changes.announce(key, this.#rowPrefix + key)
  }

  /** A row that was read before or during a write must not be cached afterwards. */
  async #invalidating<T>(key: string, write: () => Promise<T>): Promise<T> {
    this.#near?.forget(key)
    try {
      return await write()
    } finally {
      this.#near?.forget(key)
    }
  }

  #warnOnce(message: string): void {
    if (this.#warned.has(message)) return
    this.#warned.add(message)
    this.#onWarning(message)
  }
}

function isOne(reply: unknown): boolean {
  return Number(reply) === 1
}

function wholeMilliseconds(ttl: number): number {
  return Math.max(1, Math.ceil(ttl))
}
