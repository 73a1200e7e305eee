import { OAuthError } from '../http/errors.js'
import { parseFields } from '../schema/read-fields.js'
import { everyEntry, listFields, type ListOptions, type Page, readPage } from './paging.js'
import type { Sessions } from './sessions.js'
import type { GuardedStore } from './stores/guarded-store.js'
import type { UserActivity } from './user-activity.js'
import { type AppUser, mustBeId, readRecord, userKey, type UserRecord } from './user-record.js'

/** The users of the app, across all instances that share the store. */
export interface Users {
  /**
   * Lists users, newest first.
   *
   * @throws OAuthError `store_not_listable` if the store cannot list.
   */
  list(options?: ListOptions): Promise<Page<AppUser>>
  /**
   * The user with this ID, or `undefined`.
   *
   * @throws TypeError if the ID is not a non-empty string.
   */
  get(id: string): Promise<AppUser | undefined>
  /**
   * Deletes the user and ends all their sessions immediately. It does not block the user, who can
   * sign in again.
   *
   * @returns Whether the user existed.
   * @throws TypeError if the ID is not a non-empty string. OAuthError `store_not_listable` if the
   *   store cannot list.
   */
  delete(id: string): Promise<boolean>
}

/** What {@link AppUsers} depends on. */
export interface AppUsersDeps {
  readonly store: GuardedStore
  readonly sessions: Sessions
  readonly activity: UserActivity
  /** Whether the store keeps records: the cookie store does not. */
  readonly keepsRecords: boolean
}

/** The users in a store. */
export class AppUsers implements Users {
  readonly #store: GuardedStore
  readonly #sessions: Sessions
  readonly #activity: UserActivity
  readonly #keepsRecords: boolean

  constructor({ store, sessions, activity, keepsRecords }: AppUsersDeps) {
    this.#store = store
    this.#sessions = sessions
    this.#activity = activity
    this.#keepsRecords = keepsRecords
  }

  async list(options: ListOptions = {}): Promise<Page<AppUser>> {
    const page = parseFields(listFields, options, 'users.list()')
    const { entries, next } = await readPage(this.#store, 'user', undefined, page)
    return { items: entries.map(([, record]) => (record as UserRecord).user), next }
  }

  async get(id: string): Promise<AppUser | undefined> {
    if (!this.#keepsRecords) throw new OAuthError('store_not_listable')
    mustBeId(id, 'users.get()')
    return (await readRecord<UserRecord>(this.#store, userKey(id), 'user'))?.user
  }

  async delete(id: string): Promise<boolean> {
    // Without an ID the loop would end the sessions of all users.
    mustBeId(id, 'users.delete()')
    const keys: string[] = []
    for await (const [key] of everyEntry(this.#store, 'session', id)) keys.push(key)
    for (const key of keys) await this.#sessions.destroy(key, 'revoked')
    this.#activity.forget(id)
    return this.#store.delete(userKey(id))
  }
}
