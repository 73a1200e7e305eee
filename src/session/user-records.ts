import { MAX_SESSION_MS } from './lifetimes.js'
import type { GuardedStore } from './stores/guarded-store.js'
import { KeyedQueue } from './stores/keyed-queue.js'
import { readRecord, userKey, type UserRecord } from './user-record.js'

/** Returns the new record, or `undefined` if there is nothing to write. */
type Change = (present: UserRecord | undefined) => UserRecord | undefined

const MAX_ATTEMPTS = 20
const RETRY_MS = 25
const LOCK_MS = 5_000
/** Logins of one user at once. They wait in memory, so that they do not conflict in the store. */
const MAX_WAITING = 10_000

/** Changes records of users without losing the change of another login. */
export class UserRecords {
  readonly #store: GuardedStore
  readonly #queue = new KeyedQueue(MAX_WAITING)

  constructor(store: GuardedStore) {
    this.#store = store
  }

  /**
   * Creates the record, or changes it as it is stored. Returns the new record, or `undefined` if
   * there is nothing to write.
   */
  change(id: string, change: Change): Promise<UserRecord | undefined> {
    return this.#queue.run(id, () => this.#change(userKey(id), change))
  }

  async #change(key: string, change: Change): Promise<UserRecord | undefined> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const present = await this.#read(key)
      const record = change(present)
      if (record === undefined || (await this.#replace(key, present, record))) return record
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS * Math.random()))
    }
    // The reads of this store lag behind its writes. A login does not fail for that.
    const record = change(await this.#read(key))
    if (record !== undefined) await this.#store.set(key, record, MAX_SESSION_MS)
    return record
  }

  async #replace(
    key: string,
    present: UserRecord | undefined,
    record: UserRecord,
  ): Promise<boolean> {
    if (present === undefined) return this.#create(key, record)
    const revision = present.revision + 1
    return this.#store.update(key, { ...record, revision }, MAX_SESSION_MS)
  }

  /** Under a lock, because stores cannot create a record only if it does not exist. */
  async #create(key: string, record: UserRecord): Promise<boolean> {
    const store = this.#store
    const unlock = store.lock ? await store.lock(`create-${key}`, LOCK_MS) : () => undefined
    if (unlock === undefined) return false
    try {
      if ((await this.#read(key)) !== undefined) return false
      await store.set(key, record, MAX_SESSION_MS)
      return true
    } finally {
      // A lock that cannot be released expires.
      await Promise.resolve()
        .then(unlock)
        .catch(() => undefined)
    }
  }

  #read(key: string): Promise<UserRecord | undefined> {
    return readRecord<UserRecord>(this.#store, key, 'user')
  }
}
