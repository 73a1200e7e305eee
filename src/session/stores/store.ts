/** A value, or a promise of it. */
export type Awaitable<T> = T | Promise<T>

/**
 * A record of a store: plain JSON. A store reads these fields only; what else is in a record is ours.
 */
export interface StoreRecord {
  /** What the record is: `session`, `user`, `active` (a user was active in a month), `sid` and `sub` (a provider's names for a session and a user) or `config`. */
  readonly kind: string
  /** What the record is listed under: of a session its user, of `active` its month. */
  readonly group: string
  /** When the record came to be, in milliseconds. Lists are ordered by it, newest first. */
  readonly createdAt: number
  /** Counts the writes: {@link SessionStore.update} compares it. */
  readonly revision: number
}

/** What {@link SessionStore.entries} is asked for. */
export interface EntriesQuery {
  readonly kind: string
  /** Only records of this group. */
  readonly group?: string | undefined
  /** Continue behind the entry that this cursor was given with. */
  readonly after?: string | undefined
  /** At most so many. */
  readonly limit: number
}

export interface EntriesPage<R extends StoreRecord = StoreRecord> {
  readonly entries: readonly (readonly [key: string, record: R])[]
  /** Where the next page starts; `undefined` at the end. */
  readonly next: string | undefined
}

/** Ends a lock; a lock that ran out is nobody's any more, and ending it does nothing. */
export type Unlock = () => Awaitable<void>

/**
 * Where sessions live. Four methods are needed; the optional two are used where a store has them. A store that fails
 * throws or rejects: it never answers "nothing there" instead. Keys are at most 100 characters of `[A-Za-z0-9:_-]`.
 */
export interface SessionStore {
  /** The record, or `undefined` when there is none, or when it has run out. */
  get(key: string): Awaitable<StoreRecord | undefined>
  /** Writes the record, whatever was there. `ttl` in milliseconds, always positive. */
  set(key: string, record: StoreRecord, ttl: number): Awaitable<void>
  /**
   * Replaces the record only if one is there whose `revision` is one less than the new one's, so that what was
   * deleted stays deleted and nobody's write is lost. Says whether it did.
   */
  update(key: string, record: StoreRecord, ttl: number): Awaitable<boolean>
  /** Removes the record. Says whether one was there. */
  delete(key: string): Awaitable<boolean>
  /** A lock that ends by itself after `ttl` milliseconds; `undefined` when somebody else holds it. */
  lock?(key: string, ttl: number): Awaitable<Unlock | undefined>
  /** A page of the records of a kind, newest first. */
  entries?(query: EntriesQuery): Awaitable<EntriesPage>
  /** Ends what the store itself opened. Called by `close()`. */
  close?(): Awaitable<void>
}
