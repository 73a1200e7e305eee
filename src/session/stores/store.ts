/** A value, or a promise of it. */
export type Awaitable<T> = T | Promise<T>

/**
 * A record of a store: plain JSON. A store uses these fields only; other fields are internal and
 * must be kept as they are.
 */
export interface StoreRecord {
  /**
   * What the record is: `session`, `user`, `active` (a user was active in a month), `sid` and `sub`
   * (a provider's identifiers of a session and a user), `jti` (a logout token that was accepted),
   * `block` (a user who may not sign in), `email` (who has signed in with an email address), `notice`
   * (something about a session has changed), `audit` (an action of an administrator), `config` (the
   * stored configuration of a gate), `config-history` and `config-archive` (earlier versions of it).
   */
  readonly kind: string
  /**
   * Lists can be limited to a group, such as the user of a `session` or the month of an `active`
   * record. Any string.
   */
  readonly group: string
  /** When the record was created, in milliseconds. Lists are sorted by it, newest first. */
  readonly createdAt: number
  /** Counts the writes of the record. {@link SessionStore.update} compares it. */
  readonly revision: number
}

/** Which records {@link SessionStore.entries} returns. */
export interface EntriesQuery {
  /** Only records of this kind. */
  readonly kind: string
  /** Only records of this group. Default: all groups. */
  readonly group?: string | undefined
  /** The `next` of the previous page. Default: the first page. */
  readonly after?: string | undefined
  /** Maximum number of records, from 1 to 1000. */
  readonly limit: number
}

/** Which records {@link SessionStore.count} counts. */
export interface CountQuery {
  /** Only records of this kind. */
  readonly kind: string
  /** Only records of this group. Default: all groups. */
  readonly group?: string | undefined
}

/** Ends a notification. */
export type Unwatch = () => void

/** One page of records. */
export interface EntriesPage<R extends StoreRecord = StoreRecord> {
  /** The records with their keys, newest first. */
  readonly entries: readonly (readonly [key: string, record: R])[]
  /**
   * Where the next page starts, as any string that the store chooses; `undefined` on the last page.
   */
  readonly next: string | undefined
}

/**
 * Releases a lock. Does nothing if the lock has expired, even if another caller holds it by now.
 */
export type Unlock = () => Awaitable<void>

/**
 * Where sessions are stored. Four methods are required; the optional ones are used if a store has
 * them.
 *
 * Methods may return values or promises: a store that returns values adds no promise to a request.
 * A store that fails must throw or reject, never report that a record does not exist. An operation
 * that takes longer than `timeouts.store` counts as failed. Keys have at most 100 characters of
 * `[A-Za-z0-9:_-]`. `storeContract()` of `oauth-module/testing` tests a store.
 *
 * ```ts
 * import type { SessionStore, StoreRecord } from 'oauth-module'
 *
 * const rows = new Map<string, { record: StoreRecord; until: number }>()
 * const read = (key: string) => {
 *   const row = rows.get(key)
 *   return row !== undefined && row.until > Date.now() ? row.record : undefined
 * }
 *
 * export const store: SessionStore = {
 *   get: read,
 *   set(key, record, ttl) {
 *     rows.set(key, { record, until: Date.now() + ttl })
 *   },
 *   update(key, record, ttl) {
 *     if (read(key)?.revision !== record.revision - 1) return false
 *     rows.set(key, { record, until: Date.now() + ttl })
 *     return true
 *   },
 *   delete: (key) => rows.delete(key),
 * }
 * ```
 */
export interface SessionStore {
  /** The record, or `undefined` if it does not exist or has expired. */
  get(key: string): Awaitable<StoreRecord | undefined>
  /**
   * Creates or replaces the record.
   *
   * @param ttl The time until the record expires, in milliseconds; always positive.
   */
  set(key: string, record: StoreRecord, ttl: number): Awaitable<void>
  /**
   * Replaces the record only if it exists and its `revision` is one less than that of the new
   * record, so that deleted records stay deleted and no write is lost. Must be atomic.
   *
   * @param ttl The time until the record expires, in milliseconds; always positive.
   * @returns Whether it replaced the record.
   */
  update(key: string, record: StoreRecord, ttl: number): Awaitable<boolean>
  /**
   * Deletes the record.
   *
   * @returns Whether the record existed.
   */
  delete(key: string): Awaitable<boolean>
  /**
   * `false` if `update` is atomic only within one process. Then the activity of sessions is stored
   * apart from them, so that it cannot restore a session that another process has deleted. Default
   * `true`.
   */
  readonly isAtomic?: boolean | undefined
  /**
   * Takes a lock that expires after `ttl` milliseconds. Without this method, a session has one
   * check at a time per process instead of one in all processes.
   *
   * @returns A function that releases the lock, or `undefined` if another caller holds it.
   */
  lock?(key: string, ttl: number): Awaitable<Unlock | undefined>
  /**
   * One page of the records of a kind, newest first. Without this method, users and sessions cannot
   * be listed.
   */
  entries?(query: EntriesQuery): Awaitable<EntriesPage>
  /**
   * The number of records of a kind that have not expired. It may still count records that have just
   * been deleted. Without this method, records are listed to count them.
   */
  count?(query: CountQuery): Awaitable<number>
  /**
   * Calls the listener soon after any process has written or deleted the record of the kind `config`
   * or `notice` at this key; other kinds need not be watched. It may also call it without a change,
   * and should do so after a lost connection, because changes may have been missed. Must not throw.
   * Without this method, a stored configuration is read every few seconds, and so are sessions with
   * open sockets if the option `signals` is set.
   *
   * @returns A function that ends the notification.
   */
  watch?(key: string, listener: () => void): Unwatch
  /**
   * What is wrong with the store, such as a connection that was never opened; `undefined` if nothing
   * is known. Called when an operation has failed, for the log.
   */
  problem?(): string | undefined
  /** Closes what the store has opened. Called by `close()` of the middleware. */
  close?(): Awaitable<void>
}
