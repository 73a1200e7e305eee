import { randomUUID } from 'node:crypto'
import type { Encrypter } from '../http/encryption.js'
import { isObject, parseJson } from '../http/json.js'
import { entriesBefore, type ListPosition } from './entries-before.js'
import type { GuardedStore } from './stores/guarded-store.js'
import type { StoreRecord } from './stores/store.js'

/** The kinds of {@link SealedRecords}. */
export type SealedKind = 'audit'

/** A record with its key. */
export type SealedEntry = readonly [key: string, row: StoreRecord]

interface SealedRow extends StoreRecord {
  readonly kind: SealedKind
  readonly sealed: string
}

/** What {@link SealedRecords} depends on. */
export interface SealedRecordsDeps {
  readonly store: GuardedStore
  readonly encrypter: Encrypter
}

/**
 * Records that are written once, listed, and expire. They are encrypted: without the secret, no one
 * who can read or write the store can read, change or add any.
 */
export class SealedRecords {
  readonly #deps: SealedRecordsDeps

  constructor(deps: SealedRecordsDeps) {
    this.#deps = deps
  }

  /** Whether the store can list records. If not, none are written: no one could read them. */
  get isListable(): boolean {
    return this.#deps.store.entries !== undefined
  }

  /** Stores a value, as JSON, for `ttlMs` milliseconds. */
  async add(kind: SealedKind, value: object, ttlMs: number): Promise<void> {
    const { store, encrypter } = this.#deps
    const createdAt = Date.now()
    const key = `${kind}-${randomUUID()}`
    const sealed = encrypter.encrypt(kind, JSON.stringify({ ...value, createdAt }), key)
    const row: SealedRow = { kind, group: '', createdAt, revision: 1, sealed }
    await store.set(key, row, ttlMs)
  }

  /**
   * The records of a kind that come after a position, newest first, read in pages of `size`. Throws
   * `store_not_listable` if the store cannot list.
   */
  list(
    kind: SealedKind,
    before: ListPosition | undefined,
    size: number,
  ): AsyncIterable<SealedEntry> {
    return entriesBefore(this.#deps.store, kind, before, size)
  }

  /** The value of a record; `undefined` if it was not written with the secret. */
  open([key, row]: SealedEntry): Record<string, unknown> | undefined {
    const { kind, sealed, createdAt } = row as SealedRow
    if (typeof sealed !== 'string') return undefined
    const value = parseJson(this.#deps.encrypter.decrypt(kind, sealed, key))
    // The list is sorted by the time outside.
    return isObject(value) && value['createdAt'] === createdAt ? value : undefined
  }
}
