import { OAuthError } from '../http/errors.js'
import type { AppRequest } from '../http/request.js'
import { parseFields } from '../schema/read-fields.js'
import { custom } from '../schema/types.js'
import { listFields, type ListOptions, type Page, readPage } from './paging.js'
import { type BrowserSessionConfig, keptBrowser, type Session } from './session.js'
import type { SessionRows } from './session-rows.js'
import type { Sessions } from './sessions.js'
import type { GuardedStore } from './stores/guarded-store.js'
import type { StoreRecord } from './stores/store.js'
import { mustBeHandle } from './user-record.js'

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
  /** Whether the session is bound to the device of its browser: see the option `deviceBound`. */
  readonly isDeviceBound: boolean
  /**
   * When the session was last noticed in another browser or network: see the option `onMove`.
   * Written with the activity. `undefined` without `onMove` and without listeners of `moved`.
   */
  readonly movedAt: number | undefined
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

/** A session with the `id` of the instance at which the user signed in. */
export interface InstanceSession {
  readonly session: AppSession
  readonly instance: string
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
   * @throws TypeError if the value cannot be a handle; it does not reach the store.
   */
  get(id: string): Promise<AppSession | undefined>
  /**
   * Ends the session. It takes effect from its next request, in all processes.
   *
   * @returns Whether the session existed.
   * @throws TypeError if the value cannot be a handle; it does not reach the store.
   */
  revoke(id: string): Promise<boolean>
}

/** What {@link AppSessions} depends on. */
export interface AppSessionsDeps {
  readonly store: GuardedStore
  readonly sessions: Sessions
  readonly rows: SessionRows
  /** When a session expires at the latest, in milliseconds. */
  readonly expiresAt: (session: Session) => number
  /** Whether the store keeps records: the cookie store does not. */
  readonly keepsRecords: boolean
  readonly browserSession: BrowserSessionConfig
}

/** The list of all sessions in a store. */
export class AppSessions implements SessionList {
  readonly #store: GuardedStore
  readonly #sessions: Sessions
  readonly #rows: SessionRows
  readonly #expiresAt: (session: Session) => number
  readonly #keepsRecords: boolean
  readonly #browserSession: BrowserSessionConfig

  constructor(deps: AppSessionsDeps) {
    const { store, sessions, rows, expiresAt, keepsRecords, browserSession } = deps
    this.#store = store
    this.#sessions = sessions
    this.#rows = rows
    this.#expiresAt = expiresAt
    this.#keepsRecords = keepsRecords
    this.#browserSession = browserSession
  }

  async list(
    options: ListOptions & { userId?: string | undefined } = {},
  ): Promise<Page<AppSession>> {
    const { userId, ...page } = parseFields(sessionListFields, options, 'sessions.list()')
    const { entries, next } = await readPage(this.#store, 'session', userId, page)
    return { items: entries.flatMap(([key, row]) => this.describe(key, row)?.session ?? []), next }
  }

  async get(id: string): Promise<AppSession | undefined> {
    return this.describe(id, await this.row(id))?.session
  }

  /** The row of a session, or of another record. */
  async row(id: string): Promise<StoreRecord | undefined> {
    this.#mustKeepRecords()
    mustBeHandle(id, 'sessions.get()')
    return this.#store.get(id)
  }

  /** `req` is the request that causes this, if one does. */
  async revoke(id: string, req?: AppRequest): Promise<boolean> {
    this.#mustKeepRecords()
    mustBeHandle(id, 'sessions.revoke()')
    const record = await this.#store.get(id)
    // The store has records of other kinds too, which must not be deleted by a handle.
    if ((record?.kind ?? 'session') !== 'session') return false
    return this.#sessions.destroy(id, 'revoked', req)
  }

  /** The session of a row, and its instance; `undefined` for other rows. */
  describe(key: string, row: StoreRecord | undefined): InstanceSession | undefined {
    const session = this.#rows.fromRow(key, row)
    if (session === undefined) return undefined
    return {
      instance: session.instance,
      session: {
        id: key,
        userId: session.user.key,
        browserSession: keptBrowser(session, this.#browserSession, Date.now()),
        isDeviceBound: session.device !== undefined,
        movedAt: session.seen?.movedAt,
        createdAt: session.createdAt,
        lastActive: session.lastActiveAt,
        expiresAt: this.#expiresAt(session),
      },
    }
  }

  #mustKeepRecords(): void {
    if (!this.#keepsRecords) throw new OAuthError('store_not_listable')
  }
}
