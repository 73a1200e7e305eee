import { OAuthError } from '../../http/errors.js'
import { withTimeout } from '../../http/timeout.js'
import type {
  Awaitable,
  EntriesPage,
  EntriesQuery,
  SessionStore,
  StoreRecord,
  Unlock,
} from './store.js'

/**
 * A session store with a time limit for each operation. Every failure becomes `store_unavailable`
 * (503): it does not mean that a user is signed out. Values that are not promises are returned
 * synchronously. The optional methods are absent when the store does not have them.
 */
export class GuardedStore implements SessionStore {
  readonly lock?: (key: string, ttl: number) => Awaitable<Unlock | undefined>
  readonly entries?: (query: EntriesQuery) => Awaitable<EntriesPage>
  readonly close?: () => Awaitable<void>
  readonly #store: SessionStore
  readonly #timeoutMs: number

  constructor(store: SessionStore, timeoutMs: number) {
    this.#store = store
    this.#timeoutMs = timeoutMs
    // Each call uses the method that the store has then: an app may wrap it after `oauthModule()`,
    // as it may `get`.
    if (store.lock) this.lock = (key, ttl) => this.#lock(() => store.lock?.(key, ttl))
    if (store.entries) this.entries = (query) => this.#run(() => entriesOf(store, query))
    if (store.close) this.close = () => store.close?.()
  }

  /** On the hot path: no closure and, with a synchronous store, no promise. */
  get(key: string): Awaitable<StoreRecord | undefined> {
    let record: Awaitable<StoreRecord | undefined>
    try {
      record = this.#store.get(key)
    } catch (error) {
      throw unavailable(error)
    }
    return isPromise(record) ? this.#inTime(record) : record
  }

  set(key: string, record: StoreRecord, ttl: number): Awaitable<void> {
    return this.#run(() => this.#store.set(key, record, ttl))
  }

  update(key: string, record: StoreRecord, ttl: number): Awaitable<boolean> {
    return this.#run(() => this.#store.update(key, record, ttl))
  }

  delete(key: string): Awaitable<boolean> {
    return this.#run(() => this.#store.delete(key))
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
      throw unavailable(error)
    }
    return isPromise(result) ? this.#inTime(result) : result
  }

  #inTime<T>(result: Promise<T>): Promise<T> {
    return withTimeout(this.#timeoutMs, 'the store', () => result).catch((error: unknown) => {
      throw unavailable(error)
    })
  }
}

function entriesOf(store: SessionStore, query: EntriesQuery): Awaitable<EntriesPage> {
  if (store.entries === undefined) throw new OAuthError('store_not_listable')
  return store.entries(query)
}

/** A store may return any thenable, including one of another realm or library. */
function isPromise<T>(value: Awaitable<T>): value is Promise<T> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  )
}

function unavailable(cause: unknown): OAuthError {
  return cause instanceof OAuthError
    ? cause
    : new OAuthError('store_unavailable', {
        cause,
        hint: cause instanceof Error ? cause.message : undefined,
      })
}
