import type { Background } from '../http/background.js'
import { readCookies } from '../http/cookies.js'
import type { Encrypter } from '../http/encryption.js'
import { isId, randomId, sha256 } from '../http/ids.js'
import type { AppRequest } from '../http/request.js'
import { absoluteExpiry, rowTtl } from './lifetimes.js'
import { type SealedData, seal, unseal } from './sealed-data.js'
import { firstSession } from './first-session.js'
import { SessionActivity } from './session-activity.js'
import type { SessionRows } from './session-rows.js'
import { changedSession, newSession, sharedBrowser } from './session.js'
import type { Session, SessionStart } from './session.js'
import { type EndKind, END_REASONS } from './end-reasons.js'
import type { SessionLookup, SessionRequest } from './session-result.js'
import type { SessionState } from './session-state.js'
import {
  type EndReason,
  OpenSession,
  type SessionResult,
  Sessions,
  type SessionsDeps,
} from './sessions.js'
import type { GuardedStore } from './stores/guarded-store.js'
import type { Awaitable, StoreRecord } from './stores/store.js'

/** What {@link StoredSessions} depends on. */
export interface StoredSessionsDeps extends SessionsDeps {
  readonly store: GuardedStore
  readonly rows: SessionRows
  /** For writes that no response waits for. */
  readonly background: Background
}

/** Cookies with the same name that are read. */
const MAX_CANDIDATES = 4
const NONE: SessionResult = { reason: 'none' }

/** Sessions in a store. The cookie holds a random ID; the key of the row is its SHA-256. */
export class StoredSessions extends Sessions {
  readonly #store: GuardedStore
  readonly #rows: SessionRows
  readonly #encrypter: Encrypter
  readonly #state: SessionState
  readonly #background: Background
  readonly #onEnd: SessionsDeps['onEnd']
  readonly #activity: SessionActivity

  constructor(deps: StoredSessionsDeps) {
    super(deps)
    this.#store = deps.store
    this.#rows = deps.rows
    this.#encrypter = deps.encrypter
    this.#state = deps.state
    this.#background = deps.background
    this.#onEnd = deps.onEnd
    this.#activity = new SessionActivity({ ...deps, state: deps.state.activity, places: this })
  }

  /** On the hot path: one cookie parse, one hash, one read. */
  find(request: SessionRequest): Awaitable<SessionResult> {
    const { cookieHeader, mount } = request
    const ids = readCookies(cookieHeader, mount.sessionCookie.name).filter(isId)
    const [id] = ids
    if (id === undefined) return NONE
    const key = sha256(id)
    const record = this.#store.get(key)
    const first =
      record instanceof Promise
        ? record.then((row) => this.#open(id, key, row, request))
        : this.#open(id, key, record, request)
    // Further cookies belong to another instance, or an attacker set them.
    if (ids.length === 1) return first
    return firstSession(first, ids.slice(1, MAX_CANDIDATES), async (other) => {
      const otherKey = sha256(other)
      return this.#open(other, otherKey, await this.#store.get(otherKey), request)
    })
  }

  async create(start: SessionStart, data: SealedData, now: number): Promise<OpenSession> {
    const id = randomId()
    const key = sha256(id)
    const browser = sharedBrowser(start.browser, this.#state.texts)
    const record = newSession({ ...start, browser }, now, seal(this.#encrypter, id, data))
    const written = this.#store.set(key, this.#rows.toRow(key, record), this.#ttl(record, now, now))
    await Promise.resolve(written).catch((error: unknown) => {
      // The store may have written the row nevertheless. No browser will have its cookie.
      this.#background.run(Promise.resolve(this.#store.delete(key)))
      throw error
    })
    return new OpenSession(id, key, record, this)
  }

  async update(
    session: OpenSession,
    changes: Partial<Session>,
    data?: Partial<SealedData>,
  ): Promise<OpenSession | undefined> {
    const { id, key, record } = session
    const lastActiveAt = this.lastActiveAt(session)
    const changed = changedSession(record, {
      seen: this.seenPlaces(session),
      ...changes,
      lastActiveAt,
      ...(data && seal(this.#encrypter, id, { ...session.unseal(), ...data })),
    })
    const ttl = this.#ttl(changed, lastActiveAt, Date.now())
    const isUpdated = await this.#store.update(key, this.#rows.toRow(key, changed), ttl)
    return isUpdated ? new OpenSession(id, key, changed, this) : undefined
  }

  async reload({ id, key, record }: OpenSession): Promise<OpenSession | undefined> {
    const row = await this.#store.get(key)
    const mount = { instanceId: record.instance }
    return (await this.#open(id, key, row, { now: Date.now(), mount })).session
  }

  override async findByKey(
    key: string,
    now: number,
    instanceId: string,
  ): Promise<OpenSession | undefined> {
    const row = await this.#store.get(key)
    return (await this.#open('', key, row, { now, mount: { instanceId } })).session
  }

  async destroy(key: string, reason: EndReason, req?: AppRequest): Promise<boolean> {
    this.#activity.forget(key)
    const { isRevocation, isExternal = false }: EndKind = END_REASONS[reason]
    if (isRevocation) this.#state.ended.set(key, 'revoked')
    const existed = await this.#store[isExternal ? 'remove' : 'delete'](key)
    this.#onEnd(key, reason, existed, req)
    return existed
  }

  recordActivity(session: OpenSession, now: number): OpenSession {
    this.#activity.record(session, now)
    return session
  }

  decrypt(id: string, record: Session): SealedData {
    return unseal(this.#encrypter, id, record)
  }

  protected lastActiveAt(session: OpenSession): number {
    return this.#activity.lastActiveAt(session)
  }

  #open(
    id: string,
    key: string,
    row: StoreRecord | undefined,
    lookup: SessionLookup,
  ): Awaitable<SessionResult> {
    const record = this.#rows.fromRow(key, row)
    if (record === undefined) return this.#missing(key, lookup)
    // The limits of this instance do not apply to a session of another one.
    if (record.instance !== lookup.mount.instanceId) return { reason: 'none', unusable: 'instance' }
    if (!this.isOfThisClient(record)) return { reason: 'expired', unusable: 'client' }
    // In every store, a session of another secret is unknown.
    if (!this.#encrypter.canDecrypt(record.sealed)) return { reason: 'expired', unusable: 'secret' }
    const session = new OpenSession(id, key, record, this)
    if (!this.isExpired(record, this.lastActiveAt(session), lookup.now)) return { session }
    return this.#store.isAtomic
      ? this.#expire(session, lookup)
      : this.#checkActivity(session, lookup)
  }

  #expire(session: OpenSession, { now, req }: SessionLookup): SessionResult {
    const expired = this.expired(session, now)
    this.#background.run(this.destroy(session.key, 'expired', req))
    return expired
  }

  /** Another process may have written activity apart from the session. */
  async #checkActivity(session: OpenSession, lookup: SessionLookup): Promise<SessionResult> {
    const lastActiveAt = await this.#activity.lastWrittenAt(session)
    return this.isExpired(session.record, lastActiveAt, lookup.now)
      ? this.#expire(session, lookup)
      : { session }
  }

  #missing(key: string, { req }: SessionLookup): SessionResult {
    const reason = this.#state.ended.get(key)
    if (reason !== undefined) return { reason }
    // Most stores delete expired rows themselves, so a session that was active in this process has
    // expired.
    if (!this.#activity.forget(key)) return { reason: 'expired', unusable: 'missing' }
    this.#onEnd(key, 'expired', true, req)
    return { reason: 'expired' }
  }

  /** If activity is stored apart from the session, its row must not expire before that is read. */
  #ttl(record: Session, lastActiveAt: number, now: number): number {
    return this.#store.isAtomic
      ? rowTtl(record, lastActiveAt, this.lifetimes, now)
      : Math.max(1, absoluteExpiry(record, this.lifetimes) - now)
  }
}
