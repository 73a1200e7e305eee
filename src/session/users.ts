import { LRUCache } from 'lru-cache'
import { OAuthError } from '../http/errors.js'
import { sha256 } from '../http/ids.js'
import { readOptions } from '../schema.js'
import { isCookieStore } from './cookie-sessions.js'
import { callStore } from './stores/guarded-store.js'
import { MAX_SESSION_MS, type Session } from './session.js'
import type { OpenSession, Sessions } from './sessions.js'
import type { EntriesPage, SessionStore, StoreRecord } from './stores/store.js'
import type { OAuthUser } from '../access/user.js'

/** Somebody who logged in at least once. Times are in milliseconds. */
export interface AppUser {
  /** `provider:id`, as `req.user.key`. */
  readonly id: string
  readonly identityProvider: { readonly name: string; readonly url: string }
  readonly providerUserId: string
  readonly username: string | undefined
  readonly email: string | undefined
  readonly name: string | undefined
  readonly createdAt: number
  /** Exact to the hour. */
  readonly lastActive: number
  readonly lastLogin: number
}

/** A login of somebody, without its secrets. Times are in milliseconds. */
export interface AppSession {
  /** As `req.oauth.sessionHandle`. */
  readonly id: string
  readonly userId: string
  readonly browserSession: {
    readonly userAgent: string | undefined
    readonly ipAddress: string | undefined
  }
  readonly createdAt: number
  readonly lastActive: number
  readonly expiresAt: number
}

export interface ListOptions {
  /** Continue behind the page that this came with, as `next`. */
  after?: string | undefined
  /** At most so many; 100 by default, 1000 at most. */
  limit?: number | undefined
}

export interface Page<T> {
  readonly items: readonly T[]
  readonly next: string | undefined
}

/** The users of the app, over all instances of the store. */
export interface Users {
  /** Newest first. Rejects with `store_not_listable` where the store cannot list. */
  list(options?: ListOptions): Promise<Page<AppUser>>
  get(id: string): Promise<AppUser | undefined>
  /** Removes the user and ends all their sessions at once. It is no ban: they may log in again. */
  delete(id: string): Promise<boolean>
}

export interface SessionList {
  /** Newest first; of one user, or of all. */
  list(options?: ListOptions & { userId?: string | undefined }): Promise<Page<AppSession>>
  get(id: string): Promise<AppSession | undefined>
  /** Ends the session: from the next request on, everywhere. */
  revoke(id: string): Promise<boolean>
}

export interface AppUsers {
  readonly users: Users
  readonly sessions: SessionList
  /** Users who were active in a month of UTC, `'YYYY-MM'`; default: this one. */
  monthlyActiveUsers(month?: string): Promise<number>
  noteLogin(session: Session, now: number): Promise<void>
  /** Ends the oldest sessions of this one's user and instance, beyond so many; never this one. A denied one counts for nothing. */
  endOldest(latest: OpenSession, count: number): Promise<void>
  noteActivity(user: OAuthUser, now: number): void
}

interface UserRecord extends StoreRecord {
  readonly kind: 'user'
  readonly user: AppUser
}

export interface AppUsersConfig {
  store: SessionStore
  storeTimeout: () => number
  sessions: Sessions
  expiresAt(session: Session): number
  providerUrl(provider: string): string
  beside(work: Promise<unknown>): void
}

const HOUR = 3_600_000

export function createAppUsers({
  store,
  storeTimeout,
  sessions,
  expiresAt,
  providerUrl,
  beside,
}: AppUsersConfig): AppUsers {
  const noted = new LRUCache<string, number>({ max: 10_000 })
  let month = { start: 0, end: 0 }
  /** Asked at every request, so worked out once a month. */
  const monthStart = (now: number) => {
    if (now < month.start || now >= month.end) {
      const date = new Date(now)
      month = {
        start: Date.UTC(date.getUTCFullYear(), date.getUTCMonth()),
        end: Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1),
      }
    }
    return month.start
  }
  const keepsRows = !isCookieStore(store)
  const mustKeepRows = () => {
    if (!keepsRows) throw new OAuthError('store_not_listable')
  }
  const userKey = (id: string) => `user-${sha256(id)}`
  const read = async <R extends StoreRecord>(key: string, kind: string) => {
    const record = await callStore(() => store.get(key), storeTimeout())
    return record?.kind === kind ? (record as R) : undefined
  }
  const entries = async (
    kind: string,
    group: string | undefined,
    { after, limit = 100 }: ListOptions = {},
  ): Promise<EntriesPage> => {
    const list = store.entries?.bind(store)
    if (list === undefined) throw new OAuthError('store_not_listable')
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > 1000)
      throw new TypeError('limit must be a whole number from 1 to 1000')
    return callStore(() => list({ kind, group, after, limit }), storeTimeout())
  }
  const everyOf = async function* (kind: string, group: string) {
    let after: string | undefined
    do {
      const page: EntriesPage = await entries(kind, group, { after, limit: 1000 })
      yield* page.entries
      after = page.next
    } while (after !== undefined)
  }
  const shown = (key: string, session: Session): AppSession => ({
    id: key,
    userId: session.user.key,
    browserSession: session.browser,
    createdAt: session.createdAt,
    lastActive: session.lastActiveAt,
    expiresAt: expiresAt(session),
  })

  /** The user's record as it should be now: created, or brought up to date. */
  const write = async (user: OAuthUser, now: number, isLogin: boolean) => {
    const key = userKey(user.key)
    const present = await read<UserRecord>(key, 'user')
    // Another process, or this one before it was started anew, has written it already.
    const isKnown =
      present !== undefined &&
      now - present.user.lastActive < HOUR &&
      monthOf(present.user.lastActive) === monthOf(now)
    if (isKnown && !isLogin) return
    // First: whoever has the record below is taken for counted.
    const month = monthOf(now)
    const active: StoreRecord = { kind: 'active', group: month, createdAt: now, revision: 1 }
    const activeKey = `active-${month}-${sha256(user.key)}`
    if ((await read(activeKey, 'active')) === undefined)
      await callStore(() => store.set(activeKey, active, MAX_SESSION_MS), storeTimeout())
    // What a later release has written beside it stays.
    const record: UserRecord = {
      ...present,
      kind: 'user',
      group: user.provider,
      createdAt: present?.createdAt ?? now,
      revision: (present?.revision ?? 0) + 1,
      user: {
        ...present?.user,
        id: user.key,
        identityProvider: { name: user.provider, url: providerUrl(user.provider) },
        providerUserId: user.id,
        username: user.username,
        email: user.email,
        name: user.name,
        createdAt: present?.createdAt ?? now,
        lastActive: now,
        lastLogin: isLogin ? now : (present?.user.lastLogin ?? now),
      },
    }
    // A user who was deleted meanwhile comes back by logging in, not by being active.
    if (isLogin) await callStore(() => store.set(key, record, MAX_SESSION_MS), storeTimeout())
    else if (present !== undefined)
      await callStore(() => store.update(key, record, MAX_SESSION_MS), storeTimeout())
  }

  return {
    users: {
      async list(options = {}) {
        readOptions(options, 'users.list()').only(['after', 'limit'])
        const page = await entries('user', undefined, options)
        return {
          items: page.entries.map(([, record]) => (record as UserRecord).user),
          next: page.next,
        }
      },
      async get(id) {
        mustKeepRows()
        mustBeId(id, 'users.get()')
        return (await read<UserRecord>(userKey(id), 'user'))?.user
      },
      async delete(id) {
        // Without one, the list below would be of everybody's sessions.
        mustBeId(id, 'users.delete()')
        const keys: string[] = []
        for await (const [key] of everyOf('session', id)) keys.push(key)
        for (const key of keys) await sessions.destroy(key, 'revoked')
        noted.delete(id)
        return callStore(() => store.delete(userKey(id)), storeTimeout())
      },
    },
    sessions: {
      async list(options = {}) {
        readOptions(options, 'sessions.list()').only(['userId', 'after', 'limit'])
        const { userId } = options
        if (userId !== undefined) mustBeId(userId, 'sessions.list().userId')
        const page = await entries('session', userId, options)
        return {
          items: page.entries.map(([key, record]) => shown(key, record as Session)),
          next: page.next,
        }
      },
      async get(id) {
        mustKeepRows()
        mustBeId(id, 'sessions.get()')
        const session = await read<Session>(id, 'session')
        return session && shown(id, session)
      },
      async revoke(id) {
        mustKeepRows()
        mustBeId(id, 'sessions.revoke()')
        const record = await callStore(() => store.get(id), storeTimeout())
        // A handle names a session and no other record: those live in the store as well.
        return (record?.kind ?? 'session') === 'session' ? sessions.destroy(id, 'revoked') : false
      },
    },
    async monthlyActiveUsers(month = monthOf(Date.now())) {
      if (!/^\d{4}-(?:0[1-9]|1[0-2])$/.test(month))
        throw new TypeError("month must be of the form 'YYYY-MM'")
      let count = 0
      for await (const _ of everyOf('active', month)) count++
      return count
    },
    async endOldest({ key: latest, record: { user, instance } }, count) {
      const others: string[] = []
      // By the clock of another process the latest need not be the newest.
      for await (const [key, record] of everyOf('session', user.key)) {
        const other = record as Session
        if (key !== latest && other.instance === instance && other.deniedSince === undefined)
          others.push(key)
      }
      for (const key of others.slice(count - 1)) await sessions.destroy(key, 'revoked')
    },
    noteLogin: async ({ user }, now) => {
      if (!keepsRows) return
      noted.set(user.key, now)
      await write(user, now, true)
    },
    noteActivity(user, now) {
      if (!keepsRows) return
      const at = noted.get(user.key) ?? 0
      if (now - at < HOUR && at >= monthStart(now)) return
      noted.set(user.key, now)
      const written = write(user, now, false).catch((error: unknown) => {
        noted.delete(user.key)
        throw error
      })
      beside(written)
    },
  }
}

function monthOf(time: number): string {
  return new Date(time).toISOString().slice(0, 7)
}

function mustBeId(id: unknown, at: string): void {
  if (typeof id !== 'string' || id === '')
    throw new TypeError(`${at} takes an id: a text that is not empty`)
}
