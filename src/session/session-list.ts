import { OAuthError } from '../http/errors.js'
import { parseFields } from '../schema/read-fields.js'
import { custom } from '../schema/types.js'
import { everyEntry, listFields, type ListOptions, type Page, readPage } from './paging.js'
import type { Session } from './session.js'
import type { OpenSession, Sessions } from './sessions.js'
import type { GuardedStore } from './stores/guarded-store.js'
import { mustBeId, readRecord } from './user-record.js'

const sessionListFields = {
  ...listFields,
  userId: custom((value, mistakes) =>
    typeof value === 'string' && value !== ''
      ? value
      : mistakes.add('must be an ID: a non-empty string'),
  ),
}

/** A session of a user, without its secrets. Times are in milliseconds. */
export interface AppSession {
  /** The same as `req.oauth.sessionHandle`. */
  readonly id: string
  /** The `id` of the {@link AppUser}, the same as `req.user.key`. */
  readonly userId: string
  /** The browser of the login. */
  readonly browserSession: {
    /** The `User-Agent` header, at most 512 characters. */
    readonly userAgent: string | undefined
    /** `req.ip` of Express, otherwise the address of the socket. */
    readonly ipAddress: string | undefined
  }
  /** When the user signed in. */
  readonly createdAt: number
  /**
   * When the session was last used. Written every tenth of the inactivity timeout, at most once per
   * minute.
   */
  readonly lastActive: number
  /** When the session expires at the latest. */
  readonly expiresAt: number
}

/** The sessions of the app, across all instances that share the store. */
export interface SessionList {
  /**
   * Lists the sessions of one user, or of all users, newest first.
   *
   * @throws OAuthError `store_not_listable` if the store cannot list.
   */
  list(options?: ListOptions & { userId?: string | undefined }): Promise<Page<AppSession>>
  /**
   * The session with this handle, or `undefined`.
   *
   * @throws TypeError if the ID is not a non-empty string.
   */
  get(id: string): Promise<AppSession | undefined>
  /**
   * Ends the session. It takes effect from its next request, in all processes.
   *
   * @returns Whether the session existed.
   * @throws TypeError if the ID is not a non-empty string.
   */
  revoke(id: string): Promise<boolean>
}

/** What {@link AppSessions} depends on. */
export interface AppSessionsDeps {
  readonly store: GuardedStore
  readonly sessions: Sessions
  /** When a session expires at the latest, in milliseconds. */
  readonly expiresAt: (session: Session) => number
  /** Whether the store keeps records: the cookie store does not. */
  readonly keepsRecords: boolean
}

/** The list of all sessions in a store. */
export class AppSessions implements SessionList {
  readonly #store: GuardedStore
  readonly #sessions: Sessions
  readonly #expiresAt: (session: Session) => number
  readonly #keepsRecords: boolean

  constructor({ store, sessions, expiresAt, keepsRecords }: AppSessionsDeps) {
    this.#store = store
    this.#sessions = sessions
    this.#expiresAt = expiresAt
    this.#keepsRecords = keepsRecords
  }

  async list(
    options: ListOptions & { userId?: string | undefined } = {},
  ): Promise<Page<AppSession>> {
    const { userId, ...page } = parseFields(sessionListFields, options, 'sessions.list()')
    const { entries, next } = await readPage(this.#store, 'session', userId, page)
    return { items: entries.map(([key, record]) => this.#describe(key, record as Session)), next }
  }

  async get(id: string): Promise<AppSession | undefined> {
    this.#mustKeepRecords()
    mustBeId(id, 'sessions.get()')
    const session = await readRecord<Session>(this.#store, id, 'session')
    return session && this.#describe(id, session)
  }

  async revoke(id: string): Promise<boolean> {
    this.#mustKeepRecords()
    mustBeId(id, 'sessions.revoke()')
    const record = await this.#store.get(id)
    // The store has records of other kinds too, which must not be deleted by a handle.
    if ((record?.kind ?? 'session') !== 'session') return false
    return this.#sessions.destroy(id, 'revoked')
  }

  /**
   * Ends the oldest sessions of the user and instance of `latest`, so that at most `count` remain.
   * It never ends `latest`, and denied sessions do not count.
   */
  async endOldest({ key: latest, record: { user, instance } }: OpenSession, count: number) {
    const others: string[] = []
    // If the clocks of processes differ, the latest session is not necessarily the first.
    for await (const [key, record] of everyEntry(this.#store, 'session', user.key)) {
      const other = record as Session
      if (key !== latest && other.instance === instance && other.deniedSince === undefined)
        others.push(key)
    }
    for (const key of others.slice(count - 1)) await this.#sessions.destroy(key, 'revoked')
  }

  #describe(key: string, session: Session): AppSession {
    return {
      id: key,
      userId: session.user.key,
      browserSession: session.browser,
      createdAt: session.createdAt,
      lastActive: session.lastActiveAt,
      expiresAt: this.#expiresAt(session),
    }
  }

  #mustKeepRecords(): void {
    if (!this.#keepsRecords) throw new OAuthError('store_not_listable')
  }
}
