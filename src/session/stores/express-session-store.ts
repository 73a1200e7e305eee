import { LRUCache } from 'lru-cache'
import { withTimeout } from '../../http/timeout.js'
import { isObject, parseJson } from '../../http/json.js'
import { callMethod } from './callback-result.js'
import {
  type EntriesPage,
  type EntriesQuery,
  entryPosition,
  type SessionStore,
  type StoreRecord,
} from './store.js'
import { KeyedQueue } from './keyed-queue.js'

/** A store made for express-session, as far as it is used here. */
export interface ExpressSessionStore {
  get(sid: string, callback: (error: unknown, session?: object | null) => void): unknown
  set(sid: string, session: object, callback?: (error?: unknown) => void): unknown
  destroy(sid: string, callback?: (error?: unknown) => void): unknown
  all?(callback: (error: unknown, sessions?: unknown) => void): unknown
}

/** What is in a row beside its cookie. A text, so that no store can turn a moment or an empty field into something else. */
interface Envelope {
  readonly v: 1
  readonly key: string
  /** When the record runs out: stores round, or count on their own. */
  readonly until: number
  readonly record: StoreRecord
}

const VERSION = 1
const MEMBER = 'oauthModule'
/** A store that rounds its seconds down must not be early. */
const SLACK = 1000

/** The two kinds of store differ in their methods; what express-session's base class adds tells its heirs. */
export function isExpressSessionStore(value: unknown): value is ExpressSessionStore {
  const has = (name: string) =>
    typeof (value as Record<string, unknown> | null)?.[name] === 'function'
  if (typeof value !== 'object' || !['get', 'set', 'destroy'].every(has) || isRedisClient(value))
    return false
  return has('createSession') || (!has('update') && !has('delete'))
}

/** A client of Redis has these methods as well, and its `destroy` ends the connection. */
export function isRedisClient(value: unknown): boolean {
  const commands = value as Record<string, unknown> | null | undefined
  return typeof commands?.['evalSha'] === 'function' || typeof commands?.['evalsha'] === 'function'
}

/**
 * Any store of express-session as a {@link SessionStore}. It knows no lock and no conditional write: both hold within
 * this process, and as far as they go across processes. It can list where the store has `all`.
 *
 * @param options.timeout Milliseconds for one answer of the store.
 */
export function expressSessionStore(
  store: ExpressSessionStore,
  { timeout }: { timeout: number },
): SessionStore {
  const { turn, locks, late } = stateOf(store)
  const answer = (work: Promise<unknown>) => withTimeout(timeout, 'the store', () => work)

  const read = async (key: string): Promise<StoreRecord | undefined> => {
    const found = await answer(
      callMethod(store.get, 2, (callback) => store.get(sidOf(key), callback)),
    ).catch(absentIfGone)
    const envelope = open(found)
    return envelope?.key === key ? envelope.record : undefined
  }
  const destroy = async (key: string) => {
    await answer(
      callMethod(store.destroy, 2, (callback) => store.destroy(sidOf(key), callback)),
    ).catch(absentIfGone)
  }
  const write = async (key: string, record: StoreRecord, ttl: number) => {
    const writing = callMethod(store.set, 3, (callback) =>
      store.set(sidOf(key), rowOf(key, record, ttl), callback),
    )
    try {
      await answer(writing)
    } catch (error) {
      expectLate(key, writing)
      throw error
    }
  }
  /** A write that lands after its time must not undo a deletion. */
  const expectLate = (key: string, writing: Promise<unknown>) => {
    const mark = { isDeleted: false }
    late.set(key, mark)
    const settle = async () => {
      if (late.get(key) === mark) late.delete(key)
      if (mark.isDeleted) await turn(key, () => destroy(key))
    }
    // Whoever deleted has had an answer; the row still has its end.
    writing.then(settle, () => late.delete(key)).catch(() => undefined)
  }

  return {
    get: read,
    set: (key, record, ttl) => turn(key, () => write(key, record, ttl)),
    update: (key, record, ttl) =>
      turn(key, async () => {
        const present = await read(key)
        if (present === undefined || present.revision !== record.revision - 1) return false
        await write(key, record, ttl)
        return true
      }),
    delete: (key) =>
      turn(key, async () => {
        const mark = late.get(key)
        if (mark !== undefined) mark.isDeleted = true
        // Ending a session matters more than knowing whether there was one.
        const present = await read(key).catch(() => true)
        await destroy(key)
        return present !== undefined
      }),
    lock(key, ttl) {
      const now = Date.now()
      for (const [other, { until }] of locks) if (until <= now) locks.delete(other)
      if (locks.has(key)) return undefined
      const mine = { until: now + ttl }
      locks.set(key, mine)
      return () => {
        if (locks.get(key) === mine) locks.delete(key)
      }
    },
    ...(typeof store.all === 'function' && {
      entries: async (query: EntriesQuery) => pageOf(await readAll(store, timeout), query),
    }),
  }
}

/** What makes up for what the store cannot do. */
interface State {
  /** A function, since another copy of the package may be of another version. */
  readonly turn: <T>(key: string, work: () => Promise<T>) => Promise<T>
  readonly locks: Map<string, { until: number }>
  /** Writes that nobody waits for any more, and whether the record was deleted since. */
  readonly late: LRUCache<string, { isDeleted: boolean }>
}

const stateName = Symbol.for('oauth-module state of a store')

/**
 * On the store: several instances in one process may share it, and its sessions, and so may two copies of the package. What
 * holds within the process holds among them.
 */
function stateOf(store: ExpressSessionStore & { [stateName]?: State }): State {
  const present = store[stateName]
  if (present !== undefined) return present
  const queue = new KeyedQueue()
  const state: State = {
    turn: (key, work) => queue.run(key, work),
    locks: new Map(),
    late: new LRUCache({ max: 10_000 }),
  }
  if (Object.isExtensible(store)) Object.defineProperty(store, stateName, { value: state })
  return state
}

/** Not to be mistaken for the app's own sessions in the same store. Some stores make file names of it. */
function sidOf(key: string): string {
  return `oauth-module.${key.replaceAll(':', '.')}`
}

function rowOf(key: string, record: StoreRecord, ttl: number): object {
  const until = Date.now() + ttl
  const envelope: Envelope = { v: VERSION, key, until, record }
  return { cookie: cookieOf(until + SLACK), [MEMBER]: JSON.stringify(envelope) }
}

/** Stores take a row's end from one or the other of these. */
function cookieOf(end: number): object {
  const originalMaxAge = Math.ceil(end - Date.now())
  const fields = { originalMaxAge, expires: new Date(end), httpOnly: true, path: '/' }
  return {
    ...fields,
    get maxAge() {
      return end - Date.now()
    },
    toJSON: () => ({ ...fields, maxAge: originalMaxAge }),
  }
}

/** A row of ours that has not run out. What cannot be read, or is of a newer version, is no record. */
function open(row: unknown): Envelope | undefined {
  const text = isObject(row) ? row[MEMBER] : undefined
  if (typeof text !== 'string') return undefined
  const envelope = parseJson(text)
  if (!isObject(envelope) || envelope['v'] !== VERSION || typeof envelope['key'] !== 'string')
    return undefined
  const { until, record } = envelope
  if (typeof until !== 'number' || until <= Date.now() || !isObject(record)) return undefined
  return envelope as unknown as Envelope
}

/** Stores of files say so of what is not there. */
function absentIfGone(error: unknown): undefined {
  if (isObject(error) && error['code'] === 'ENOENT') return undefined
  throw error
}

async function readAll(store: ExpressSessionStore, timeout: number): Promise<Envelope[]> {
  const all = store.all?.bind(store)
  if (all === undefined) return []
  const rows = await withTimeout(timeout, 'the store', () =>
    callMethod(all, 1, (callback) => all(callback)),
  )
  const list: unknown[] = typeof rows === 'object' && rows !== null ? Object.values(rows) : []
  return list.flatMap((row) => open(row) ?? [])
}

function pageOf(
  all: readonly Envelope[],
  { kind, group, after, limit }: EntriesQuery,
): EntriesPage {
  const matching = all
    .filter(({ record }) => record.kind === kind && (group === undefined || record.group === group))
    .map(({ key, record }) => ({ key, record, position: entryPosition(key, record) }))
    .filter(({ position }) => after === undefined || position < after)
    .sort((a, b) => (a.position < b.position ? 1 : -1))
  const page = matching.slice(0, limit)
  return {
    entries: page.map(({ key, record }) => [key, record] as const),
    next: matching.length > limit ? page.at(-1)?.position : undefined,
  }
}
