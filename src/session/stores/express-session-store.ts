import { isObject } from '../../http/json.js'
import { withTimeout } from '../../http/timeout.js'
import { type Callback, callMethod } from './callback-result.js'
import { type AdapterState, stateOf } from './adapter-state.js'
import { ExpressSessionList } from './express-session-list.js'
import { readRow, rowOf, sidOf } from './express-session-rows.js'
import { ProcessLocks } from './process-locks.js'
import type { EntriesPage, EntriesQuery, SessionStore, StoreRecord, Unlock } from './store.js'

/** The methods of a store made for express-session that are used. */
export interface ExpressSessionStore {
  /** Calls back with the session, or with `undefined` or `null` if it does not exist. */
  get(sid: string, callback: (error: unknown, session?: object | null) => void): unknown
  /** Creates or replaces a session. Its lifetime is in `session.cookie`. */
  set(sid: string, session: object, callback?: (error?: unknown) => void): unknown
  /** Deletes a session. */
  destroy(sid: string, callback?: (error?: unknown) => void): unknown
  /** Calls back with all sessions. Without it, users and sessions cannot be listed. */
  all?(callback: (error: unknown, sessions?: unknown) => void): unknown
}

/**
 * Whether the value is a store made for express-session. Stores that extend its base class have
 * `createSession`.
 */
export function isExpressSessionStore(value: unknown): value is ExpressSessionStore {
  const has = (name: string) =>
    typeof (value as Record<string, unknown> | null)?.[name] === 'function'
  if (typeof value !== 'object' || !['get', 'set', 'destroy'].every(has) || isRedisClient(value))
    return false
  return has('createSession') || (!has('update') && !has('delete'))
}

/**
 * Whether the value is a Redis client: it has the same methods as a store, but its `destroy` ends
 * the connection.
 */
export function isRedisClient(value: unknown): boolean {
  const commands = value as Record<string, unknown> | null | undefined
  return typeof commands?.['evalSha'] === 'function' || typeof commands?.['evalsha'] === 'function'
}

/**
 * A store made for express-session as a {@link SessionStore}. Such stores have neither locks nor
 * conditional writes: both are guaranteed within this process only. It can list if the store has
 * `all`.
 */
export class ExpressSessionStoreAdapter implements SessionStore {
  readonly isAtomic = false
  readonly entries?: (query: EntriesQuery) => Promise<EntriesPage>
  readonly #store: ExpressSessionStore
  readonly #timeoutMs: number
  readonly #state: AdapterState
  readonly #locks: ProcessLocks

  constructor(store: ExpressSessionStore, timeoutMs: number) {
    this.#store = store
    this.#timeoutMs = timeoutMs
    this.#state = stateOf(store)
    this.#locks = new ProcessLocks(this.#state.locks)
    if (typeof store.all !== 'function') return
    const list = this.#createList(store.all.length >= 1)
    this.entries = (query) => list.readPage(query)
  }

  async get(key: string): Promise<StoreRecord | undefined> {
    const envelope = readRow(await this.#readRow(sidOf(key)))
    return envelope?.key === key ? envelope.record : undefined
  }

  async set(key: string, record: StoreRecord, ttl: number): Promise<void> {
    await this.#state.turn(key, () => this.#write(key, record, ttl))
  }

  update(key: string, record: StoreRecord, ttl: number): Promise<boolean> {
    return this.#state.turn(key, async () => {
      const present = await this.get(key)
      if (present === undefined || present.revision !== record.revision - 1) return false
      await this.#write(key, record, ttl)
      return true
    })
  }

  delete(key: string): Promise<boolean> {
    return this.#state.turn(key, async () => {
      const lateWrite = this.#state.late.get(key)
      if (lateWrite !== undefined) lateWrite.isDeleted = true
      // A failed read must not prevent the end of a session.
      const present = await this.get(key).catch(() => true)
      await this.#destroy(key)
      return present !== undefined
    })
  }

  lock(key: string, ttl: number): Unlock | undefined {
    this.#locks.removeExpired()
    return this.#locks.take(key, ttl)
  }

  #readRow(sid: string): Promise<unknown> {
    const takesCallback = this.#store.get.length >= 2
    return this.#call(takesCallback, (callback) => this.#store.get(sid, callback)).catch(
      undefinedIfMissing,
    )
  }

  async #write(key: string, record: StoreRecord, ttl: number): Promise<void> {
    const writing = callMethod(this.#store.set.length >= 3, (callback) =>
      this.#store.set(sidOf(key), rowOf(key, record, ttl), callback),
    )
    try {
      await this.#inTime(writing)
    } catch (error) {
      this.#watchLateWrite(key, writing)
      throw error
    }
  }

  /**
   * A write that takes effect after the time limit must not restore a row that was deleted in the
   * meantime.
   */
  #watchLateWrite(key: string, writing: Promise<unknown>): void {
    const { late, turn } = this.#state
    const lateWrite = { isDeleted: false }
    late.set(key, lateWrite)
    const finish = async () => {
      if (late.get(key) === lateWrite) late.delete(key)
      if (lateWrite.isDeleted) await turn(key, () => this.#destroy(key))
    }
    // The caller of delete() already has a result, and the row still expires.
    writing.then(finish, () => late.delete(key)).catch(() => undefined)
  }

  async #destroy(key: string): Promise<void> {
    const takesCallback = this.#store.destroy.length >= 2
    await this.#call(takesCallback, (callback) => this.#store.destroy(sidOf(key), callback)).catch(
      undefinedIfMissing,
    )
  }

  #createList(takesCallback: boolean): ExpressSessionList {
    return new ExpressSessionList({
      readAll: () => this.#call(takesCallback, (callback) => withRows(this.#store.all?.(callback))),
      readRow: (sid) => this.#readRow(sid),
      set: (key, record, ttl) => this.set(key, record, ttl),
      delete: (key) => this.delete(key),
    })
  }

  #call(takesCallback: boolean, call: (callback: Callback) => unknown): Promise<unknown> {
    return this.#inTime(callMethod(takesCallback, call))
  }

  #inTime(work: Promise<unknown>): Promise<unknown> {
    return withTimeout(this.#timeoutMs, 'the store', () => work)
  }
}

/** Some stores return the rows, without a callback or a promise. */
function withRows(returned: unknown): unknown {
  return Array.isArray(returned) || returned instanceof Map ? Promise.resolve(returned) : returned
}

/**
 * Stores of files report ENOENT if a session does not exist; a value that is not an error is the
 * cause of ours.
 */
function undefinedIfMissing(error: unknown): undefined {
  if (isMissing(error) || (error instanceof Error && isMissing(error.cause))) return undefined
  throw error
}

function isMissing(error: unknown): boolean {
  return isObject(error) && error['code'] === 'ENOENT'
}
