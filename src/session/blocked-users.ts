import { sha256 } from '../http/ids.js'
import { entriesBefore, type ListPosition } from './entries-before.js'
import type { GuardedStore } from './stores/guarded-store.js'
import type { Awaitable, StoreRecord } from './stores/store.js'
import { readRecord } from './user-record.js'

/** A user who is blocked. */
export interface BlockedUser {
  /** The key of the user. */
  readonly id: string
  /** When the user was blocked last, in milliseconds. */
  readonly createdAt: number
  readonly position: ListPosition
}

/** A user who may not sign in. Its group is the user's key. */
interface BlockRecord extends StoreRecord {
  readonly kind: 'block'
}

/** Ten years. Some stores cannot keep a row for much longer. */
const BLOCK_TTL_MS = 3650 * 86_400_000

/**
 * The users who are blocked, in all processes of a store. Read at logins and re-checks; requests of
 * a session need no read, because blocking a user ends all sessions.
 */
export class BlockedUsers {
  readonly #store: GuardedStore
  readonly #keepsRecords: boolean

  /** @param keepsRecords Whether the store keeps records: the cookie store does not. */
  constructor(store: GuardedStore, keepsRecords: boolean) {
    this.#store = store
    this.#keepsRecords = keepsRecords
  }

  /** Whether the user is blocked. */
  async has(id: string): Promise<boolean> {
    if (!this.#keepsRecords) return false
    return (await readRecord<BlockRecord>(this.#store, blockKey(id), 'block')) !== undefined
  }

  /** As {@link has}. Synchronous if the store is: requests with an access token ask each time. */
  isBlocked(id: string): Awaitable<boolean> {
    if (!this.#keepsRecords) return false
    const record = this.#store.get(blockKey(id))
    return record instanceof Promise ? record.then(isBlock) : isBlock(record)
  }

  /**
   * The users who are blocked and come after a position, the latest first, read in pages of `size`.
   * Throws `store_not_listable` if the store cannot list.
   */
  async *list(before: ListPosition | undefined, size: number): AsyncGenerator<BlockedUser> {
    for await (const [key, record] of entriesBefore(this.#store, 'block', before, size)) {
      const { group: id, createdAt } = record
      // Any other row would be shown as blocked, but would not block.
      if (id !== '' && key === blockKey(id)) yield { id, createdAt, position: { key, createdAt } }
    }
  }

  /** Blocks the user. Returns whether the user was not blocked before. */
  async add(id: string): Promise<boolean> {
    const isBlocked = await this.has(id)
    const record: BlockRecord = { kind: 'block', group: id, createdAt: Date.now(), revision: 1 }
    await this.#store.set(blockKey(id), record, BLOCK_TTL_MS)
    return !isBlocked
  }

  /** Returns whether the user was blocked. */
  async remove(id: string): Promise<boolean> {
    return this.#store.delete(blockKey(id))
  }
}

function isBlock(record: StoreRecord | undefined): boolean {
  return record?.kind === 'block'
}

function blockKey(id: string): string {
  return `block-${sha256(id)}`
}
