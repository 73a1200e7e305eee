import { OAuthError } from '../http/errors.js'
import { parseFields } from '../schema/read-fields.js'
import type { BlockedUsers } from './blocked-users.js'
import { listFields, type ListOptions, type Page, readPage } from './paging.js'
import type { Sessions } from './sessions.js'
import type { GuardedStore } from './stores/guarded-store.js'
import type { UserActivity } from './user-activity.js'
import { type AppUser, mustBeId, readRecord, userKey, type UserRecord } from './user-record.js'
import { recordedSessions, sessionsOfUser } from './user-sessions.js'

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
  /**
   * Blocks a user in all processes of the store: ends all their sessions immediately, and rejects
   * their logins with 403 until {@link unblock}. The user need not have signed in before, and stays
   * blocked when deleted.
   *
   * @returns Whether the user was not blocked before.
   * @throws TypeError if the ID is not a non-empty string. OAuthError `store_not_listable` if the
   *   store cannot list: the latest sessions have ended, logins and re-checks are rejected, and any
   *   other session is denied at its next re-check. With `cookieStore()`, nothing is blocked.
   */
  block(id: string): Promise<boolean>
  /**
   * Lets a blocked user sign in again.
   *
   * @returns Whether the user was blocked.
   * @throws TypeError if the ID is not a non-empty string.
   */
  unblock(id: string): Promise<boolean>
}

/** What {@link AppUsers} depends on. */
export interface AppUsersDeps {
  readonly store: GuardedStore
  readonly sessions: Sessions
  readonly blockedUsers: BlockedUsers
  readonly activity: UserActivity
  /** Whether the store keeps records: the cookie store does not. */
  readonly keepsRecords: boolean
  /** Ends what the user has open without a session. */
  readonly onBlocked: (id: string) => void
}

/** The users in a store. */
export class AppUsers implements Users {
  readonly #store: GuardedStore
  readonly #sessions: Sessions
  readonly #blockedUsers: BlockedUsers
  readonly #activity: UserActivity
  readonly #keepsRecords: boolean
  readonly #onBlocked: AppUsersDeps['onBlocked']

  constructor({ store, sessions, blockedUsers, activity, ...deps }: AppUsersDeps) {
    this.#onBlocked = deps.onBlocked
    this.#keepsRecords = deps.keepsRecords
    this.#store = store
    this.#sessions = sessions
    this.#blockedUsers = blockedUsers
    this.#activity = activity
  }

  async list(options: ListOptions = {}): Promise<Page<AppUser>> {
    const page = parseFields(listFields, options, 'users.list()')
    const { entries, next } = await readPage(this.#store, 'user', undefined, page)
    return { items: entries.map(([, record]) => (record as UserRecord).user), next }
  }

  async get(id: string): Promise<AppUser | undefined> {
    this.#mustKeepRecords()
    mustBeId(id, 'users.get()')
    return (await readRecord<UserRecord>(this.#store, userKey(id), 'user'))?.user
  }

  async delete(id: string): Promise<boolean> {
    // Without an ID the loop would end the sessions of all users.
    mustBeId(id, 'users.delete()')
    await this.#endSessions(sessionsOfUser(this.#store, id))
    this.#activity.forget(id)
    return this.#store.remove(userKey(id))
  }

  async block(id: string): Promise<boolean> {
    this.#mustKeepRecords()
    mustBeId(id, 'users.block()')
    // First: a login that does not see the block has stored its session before, so that it ends
    // here.
    const isNew = await this.#blockedUsers.add(id)
    this.#onBlocked(id)
    if (this.#store.entries === undefined)
      await this.#endSessions(recordedSessions(this.#store, id))
    // Throws if the store cannot list: there may be more sessions.
    await this.#endSessions(sessionsOfUser(this.#store, id))
    return isNew
  }

  async unblock(id: string): Promise<boolean> {
    this.#mustKeepRecords()
    mustBeId(id, 'users.unblock()')
    return this.#blockedUsers.remove(id)
  }

  async #endSessions(rows: ReturnType<typeof sessionsOfUser>): Promise<void> {
    const keys: string[] = []
    for await (const [key] of rows) keys.push(key)
    for (const key of keys) await this.#sessions.destroy(key, 'revoked')
  }

  #mustKeepRecords(): void {
    if (!this.#keepsRecords) throw new OAuthError('store_not_listable')
  }
}
