import { OAuthError } from '../../http/errors.js'
import { isStoreKey } from '../../http/ids.js'
import { withTimeout } from '../../http/timeout.js'
import type {
  Awaitable,
  CountQuery,
  EntriesPage,
  EntriesQuery,
  SessionStore,
  StoreRecord,
  Unlock,
  Unwatch,
} from './store.js'

/**
 * A session store with a time limit for each operation. Every failure becomes `store_unavailable`
 * (503): it does not mean that a user is signed out. Values that are not promises are returned
 * synchronously. The optional methods are absent when the store does not have them.
 */
export class GuardedStore implements SessionStore {
  readonly isAtomic: boolean
  readonly lock?: (key: string, ttl: number) => Awaitable<Unlock | undefined>
  readonly entries?: (query: EntriesQuery) => Awaitable<EntriesPage>
  readonly count?: (query: CountQuery) => Awaitable<number>
  readonly watch?: (key: string, listener: () => void) => Unwatch
  readonly close?: () => Awaitable<void>
  readonly #store: SessionStore
  readonly #timeoutMs: number

  constructor(store: SessionStore, timeoutMs: number) {
    this.#store = store
    this.isAtomic = store.isAtomic !== false
    this.#timeoutMs = timeoutMs
    // Each call uses the method that the store has then: an app may wrap it after `oauthModule()`,
    // as it may `get`.
    if (store.lock) this.lock = (key, ttl) => this.#lock(() => store.lock?.(checkKey(key), ttl))
    if (store.entries) this.entries = (query) => this.#run(() => entriesOf(store, query))
    if (store.count) this.count = (query) => this.#run(() => countOf(store, query))
    if (store.watch)
      this.watch = (key, listener) => store.watch?.(checkKey(key), listener) ?? (() => undefined)
    if (store.close) this.close = () => store.close?.()
  }

  /**
   * On the hot path: no closure and, with a synchronous store, no promise. Callers pass hashes, or
   * check the key.
   */
  get(key: string): Awaitable<StoreRecord | undefined> {
    let record: Awaitable<StoreRecord | undefined>
    try {
      record = this.#store.get(key)
    } catch (error) {
      throw this.#unavailable(error)
    }
    return isPromise(record) ? this.#inTime(record) : record
  }

  set(key: string, record: StoreRecord, ttl: number): Awaitable<void> {
    return this.#run(() => this.#store.set(checkKey(key), record, ttl))
  }

  update(key: string, record: StoreRecord, ttl: number): Awaitable<boolean> {
    return this.#run(() => this.#store.update(checkKey(key), record, ttl))
  }

  delete(key: string): Awaitable<boolean> {
    return this.#run(() => this.#store.delete(checkKey(key)))
  }

  /**
   * Deletes the record, and throws `store_unavailable` if the store still returns it: its reads lag
   * behind its writes, or it reports a success that it did not have.
   */
  async remove(key: string): Promise<boolean> {
    const existed = await this.delete(key)
    for (const delayMs of VERIFICATION_DELAYS_MS) {
      const record = await this.get(key)
      if (record === undefined || record === null) return existed
      await new Promise((resolve) => setTimeout(resolve, delayMs))
    }
    throw new OAuthError('store_unavailable', { hint: NOT_DELETED })
  }

  /**
   * A lock that the store grants after the time limit is released at once, so that others do not
   * wait for it.
   */
  #lock(take: () => Awaitable<Unlock | undefined>): Awaitable<Unlock | undefined> {
    let granted: Awaitable<Unlock | undefined>
    const guarded = this.#run(() => (granted = take()))
    if (!isPromise(guarded)) return this.#guardUnlock(guarded)
    return guarded.then(
      (unlock) => this.#guardUnlock(unlock),
      (error: unknown) => {
        void Promise.resolve(granted)
          .then((unlock) => unlock?.())
          .catch(() => undefined)
        throw error
      },
    )
  }

  #guardUnlock(unlock: Unlock | undefined): Unlock | undefined {
    return unlock && (() => this.#run(unlock))
  }

  #run<T>(operation: () => Awaitable<T>): Awaitable<T> {
    let result: Awaitable<T>
    try {
      result = operation()
    } catch (error) {
      throw this.#unavailable(error)
    }
    return isPromise(result) ? this.#inTime(result) : result
  }

  #inTime<T>(result: Promise<T>): Promise<T> {
    return withTimeout(this.#timeoutMs, 'the store', () => result).catch((error: unknown) => {
      throw this.#unavailable(error)
    })
  }

  #unavailable(cause: unknown): OAuthError {
    if (cause instanceof OAuthError) return cause
    const message = cause instanceof Error ? cause.message : undefined
    const problem = this.#store.problem?.() ?? (message === CLOSED_CLIENT ? CONNECT : undefined)
    const hint = [message, problem].filter((part) => part !== undefined).join(': ')
    return new OAuthError('store_unavailable', { cause, hint: hint === '' ? undefined : hint })
  }
}

/** Of node-redis, which express-session stores may use. */
const CLOSED_CLIENT = 'The client is closed'
const CONNECT = 'if this is a Redis client, call await client.connect() before the app listens'

const VERIFICATION_DELAYS_MS = [50, 250, 0]
const NOT_DELETED = 'the store reported a deletion, but still returns the record'

function entriesOf(store: SessionStore, query: EntriesQuery): Awaitable<EntriesPage> {
  if (store.entries === undefined) throw new OAuthError('store_not_listable')
  return store.entries(query)
}

function countOf(store: SessionStore, query: CountQuery): Awaitable<number> {
  if (store.count === undefined) throw new OAuthError('store_not_listable')
  return store.count(query)
}

/** A list of the store itself may contain a key that its other methods must not receive. */
function checkKey(key: string): string {
  if (!isStoreKey(key)) throw new OAuthError('internal', { hint: 'not a key of the store' })
  return key
}

/** A store may return any thenable, including one of another realm or library. */
function isPromise<T>(value: Awaitable<T>): value is Promise<T> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  )
}
