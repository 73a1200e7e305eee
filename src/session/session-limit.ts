import type { AppRequest } from '../http/request.js'
import type { OpenSession, Sessions } from './sessions.js'
import type { Session } from './session.js'
import type { SessionRows } from './session-rows.js'
import type { GuardedStore } from './stores/guarded-store.js'
import type { UserRecord } from './user-record.js'
import type { UserRecords } from './user-records.js'

/** What {@link SessionLimit} depends on. */
export interface SessionLimitDeps {
  readonly store: GuardedStore
  readonly rows: SessionRows
  readonly sessions: Sessions
  readonly records: UserRecords
  /** Maximum number of sessions of a user at one instance. */
  readonly sessionsPerUser: number
  /** Called when the limit has ended the oldest sessions of a user. */
  readonly onLimit: (session: OpenSession) => void
}

/**
 * Ends the oldest sessions of users who have too many.
 *
 * The order is that of the record of the user, to which each login appends its session: two logins
 * at once agree on it, whatever the clocks of their processes say.
 */
export class SessionLimit {
  readonly #deps: SessionLimitDeps

  constructor(deps: SessionLimitDeps) {
    this.#deps = deps
  }

  /**
   * Ends sessions that are older than a new one. Denied sessions do not count.
   *
   * @param user The record of the user, with the new session.
   * @param req The request of the login.
   */
  async apply(session: OpenSession, user: UserRecord, req: AppRequest): Promise<void> {
    const { sessions, sessionsPerUser, onLimit } = this.#deps
    const older = olderKeys(session, user)
    if (older.length < sessionsPerUser) return
    const rows = await Promise.all(older.map((key) => this.#read(key)))
    const counted = older.filter(
      (_, index) => rows[index]?.deniedSince === undefined && rows[index],
    )
    const excess = counted.slice(0, Math.max(0, counted.length + 1 - sessionsPerUser))
    for (const key of excess) await sessions.destroy(key, 'limit', req)
    if (excess.length > 0) onLimit(session)
    const ended = new Set([...excess, ...older.filter((_, index) => rows[index] === undefined)])
    if (ended.size > 0) await this.#forget(user, ended)
  }

  async #read(key: string): Promise<Session | undefined> {
    const { store, rows } = this.#deps
    return rows.fromRow(key, await store.get(key))
  }

  async #forget({ user }: UserRecord, ended: ReadonlySet<string>): Promise<void> {
    await this.#deps.records.change(
      user.id,
      (present) =>
        present && { ...present, sessions: present.sessions?.filter(([, key]) => !ended.has(key)) },
    )
  }
}

/** The sessions of the instance from before a new one, the oldest first. */
function olderKeys({ key: latest, record }: OpenSession, { sessions = [] }: UserRecord): string[] {
  const keys = sessions.filter(([instance]) => instance === record.instance).map(([, key]) => key)
  return keys.slice(0, keys.indexOf(latest))
}
