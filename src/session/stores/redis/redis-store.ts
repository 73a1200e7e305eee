import { randomUUID } from 'node:crypto'
import { entryPosition } from '../entries-page.js'
import { readOptions } from '../../../schema.js'
import {
  type EntriesPage,
  type EntriesQuery,
  type SessionStore,
  type StoreRecord,
} from '../store.js'
import { createDriver, isErrorReply, type RedisClient } from './driver.js'
import { createIndexes } from './indexes.js'
import { createNearCache, type NearCacheOptions } from './near-cache.js'
import { decodeRow, encodeRow, type Row } from './rows.js'
import { endLock, removeRow, replaceRow, takeLock, writeRow } from './scripts.js'

export interface RedisStoreOptions {
  /** What every key begins with. Default `'oauth-module:'`. A hash tag in it, as in `'{app}:'`, keeps all in one slot of a cluster. */
  prefix?: string | undefined
  /**
   * Answers from memory what Redis would answer the same: for ioredis on a single server or Sentinel, with Redis 6 or
   * later. With node-redis set `clientSideCache` on the client instead. `maxEntries` is 10 000 by default.
   */
  nearCache?: boolean | NearCacheOptions | undefined
  /** Told once of each thing that is wrong but stops nothing. Default: a warning of the process. */
  onWarning?: ((message: string) => void) | undefined
}

/** What lies at a key. */
type Found = Row | 'gone' | 'unreadable'

/** Reads of an index for one page: each skips entries that lead nowhere. */
const MAX_READS = 10

/**
 * Sessions in Redis, for any number of processes. The client is yours: connect it, listen to its `error` events and close
 * it. Reads must go to the master, as they do by default: leave `useReplicas` and `scaleReads` alone. While there is no
 * connection a client keeps commands for later: at most 10 000 of this store's wait, those beyond are refused at once. Give
 * the client a limit of its own: `commandsQueueMaxLength` of node-redis, `maxRetriesPerRequest` of ioredis.
 */
export function redisStore(client: RedisClient, options: RedisStoreOptions = {}): SessionStore {
  const { prefix, nearCache, onWarning } = parse(options)
  const driver = createDriver(client)
  const rowPrefix = `${prefix}row:`
  const indexes = createIndexes(driver, prefix)
  const warned = new Set<string>()
  const warnOnce = (message: string) => {
    if (warned.has(message)) return
    warned.add(message)
    onWarning(message)
  }
  const near =
    nearCache && createNearCache(client, { prefix: rowPrefix, ...nearCache, warn: warnOnce })

  const look = async (key: string): Promise<Found> => {
    const text = await readText(key)
    if (text === undefined) return 'gone'
    const row = decodeRow(text)
    if (row === undefined)
      warnOnce('a row in Redis cannot be read: it is broken, or of a newer release')
    return row ?? 'unreadable'
  }
  const load = async (key: string): Promise<Row | undefined> => {
    const found = await look(key)
    return typeof found === 'string' ? undefined : found
  }
  const readText = async (key: string): Promise<string | undefined> => {
    try {
      return textOf(await driver.get(rowPrefix + key))
    } catch (error) {
      if (!isErrorReply(error, 'WRONGTYPE')) throw error
      warnOnce('a row in Redis is of another type: something else writes keys with this prefix')
      return undefined
    }
  }
  /** Nothing that was read before or during a write may be remembered after it. */
  const forgetting = async <T>(key: string, write: () => Promise<T>): Promise<T> => {
    near?.forget(key)
    try {
      return await write()
    } finally {
      near?.forget(key)
    }
  }
  const isDone = async (answer: Promise<unknown>) => Number(await answer) === 1

  return {
    async get(key) {
      const row = await (near ? near.read(key, () => load(key)) : load(key))
      // Redis tells a cache of what ran out only when it comes across it.
      return row !== undefined && Date.now() < row.until ? row.record : undefined
    },
    set: (key, record, ttl) =>
      forgetting(key, async () => {
        const life = lifeOf(ttl)
        await driver.run(writeRow, [rowPrefix + key], [encodeRow(record, Date.now() + life), life])
        // The row comes first, so that an index entry whose row is missing is one to drop.
        await indexes.add(key, record, life)
      }),
    update: (key, record, ttl) =>
      forgetting(key, async () => {
        const life = lifeOf(ttl)
        const row = encodeRow(record, Date.now() + life)
        const isWritten = await isDone(
          driver.run(replaceRow, [rowPrefix + key], [record.revision - 1, row, life]),
        )
        // The row is the truth; what an index misses now, the next write mends.
        if (isWritten) await indexes.add(key, record, life).catch(() => undefined)
        return isWritten
      }),
    delete: (key) =>
      forgetting(key, async () => {
        const text = textOf(await driver.run(removeRow, [rowPrefix + key], []))
        if (text === undefined) return false
        const row = decodeRow(text)
        // An entry that stays behind is dropped when a list finds no row for it, or when its time is over.
        if (row) await indexes.remove(key, row.record).catch(() => undefined)
        return true
      }),
    async lock(key, ttl) {
      const [name, owner] = [`${prefix}lock:${key}`, randomUUID()]
      const isHeld = await isDone(driver.run(takeLock, [name], [owner, lifeOf(ttl)]))
      if (!isHeld) return undefined
      return async () => {
        await driver.run(endLock, [name], [owner])
      }
    },
    entries: (query) => readPage(query, indexes, look),
    ...(near && { close: () => near.close() }),
  }
}

async function readPage(
  { kind, group, after, limit }: EntriesQuery,
  indexes: ReturnType<typeof createIndexes>,
  look: (key: string) => Promise<Found>,
): Promise<EntriesPage> {
  const found: { member: string; entry: readonly [string, StoreRecord] }[] = []
  const pageTo = (next: string | undefined) => ({
    entries: found.slice(0, limit).map(({ entry }) => entry),
    next,
  })
  let cursor = after
  for (let reads = 0; reads < MAX_READS; reads++) {
    // One more than asked for tells whether there is another page.
    const wanted = limit + 1 - found.length
    const listed = await indexes.read(kind, group, cursor, wanted)
    const rows = await Promise.all(listed.map(({ key }) => look(key)))
    for (const [index, entry] of listed.entries()) {
      const row = rows[index] ?? 'gone'
      cursor = entry.member
      // A newer release can read it, and has to find it.
      if (row === 'unreadable') continue
      const record = row === 'gone' ? undefined : row.record
      const isThere =
        record !== undefined &&
        record.kind === kind &&
        (group === undefined || record.group === group) &&
        entryPosition(entry.key, record) === entry.member
      if (isThere) found.push({ member: entry.member, entry: [entry.key, record] })
      else await indexes.prune(kind, group, entry)
    }
    if (found.length > limit) return pageTo(found[limit - 1]?.member)
    if (listed.length < wanted) return pageTo(undefined)
  }
  return pageTo(cursor)
}

/** Anything but a text or nothing is an answer to something else: no reason to believe that there is nobody. */
function textOf(answer: unknown): string | undefined {
  if (answer === null || answer === undefined) return undefined
  if (typeof answer === 'string') return answer
  if (Buffer.isBuffer(answer)) return answer.toString('utf8')
  throw new Error('Redis gave an answer that is no text')
}

function lifeOf(ttl: number): number {
  return Math.max(1, Math.ceil(ttl))
}

function parse(options: RedisStoreOptions) {
  const read = readOptions(options, 'redisStore')
  read.only(['prefix', 'nearCache', 'onWarning'])
  const nearCache = read.value('nearCache') ?? false
  const near =
    typeof nearCache === 'boolean' ? (nearCache ? {} : undefined) : (nearCache as NearCacheOptions)
  if (typeof nearCache !== 'boolean') read.object('nearCache')?.only(['maxEntries'])
  const maxEntries = near?.maxEntries ?? 10_000
  if (!Number.isSafeInteger(maxEntries) || maxEntries < 1)
    read.fail('nearCache.maxEntries', 'must be a whole number above 0')
  return {
    prefix:
      read.text('prefix', {
        pattern: /^[\x21-\x7e]+$/,
        cure: 'must hold only visible ASCII characters',
        max: 128,
      }) ?? 'oauth-module:',
    nearCache: near && { maxEntries },
    onWarning: (read.function('onWarning') as RedisStoreOptions['onWarning']) ?? warnProcess,
  }
}

function warnProcess(message: string): void {
  process.emitWarning(message, { type: 'OAuthModuleWarning' })
}
