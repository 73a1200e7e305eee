import type { Background } from '../http/background.js'
import { readCookies } from '../http/cookies.js'
import type { Encrypter } from '../http/encryption.js'
import { isId, randomId, sha256 } from '../http/ids.js'
import { activityWriteInterval, isExpired, rowTtl } from './lifetimes.js'
import { newSession, parseSession, type Session, type SessionStart } from './session.js'
import {
  type EndReason,
  type OpenSession,
  type SessionResult,
  Sessions,
  type SessionsDeps,
  type SessionState,
} from './sessions.js'
import { deepFreeze } from './stores/deep-freeze.js'
import type { GuardedStore } from './stores/guarded-store.js'
import type { Awaitable, StoreRecord } from './stores/store.js'
import { decryptTokens, encryptTokens, type Tokens } from './tokens.js'

/** What {@link StoredSessions} depends on. */
export interface StoredSessionsDeps extends SessionsDeps {
  readonly store: GuardedStore
  /** For writes that no response waits for. */
  readonly background: Background
}

/** Cookies with the same name that are read. */
const MAX_CANDIDATES = 4
const NONE: SessionResult = { reason: 'none' }
const EXPIRED: SessionResult = { reason: 'expired' }

/** Sessions in a store. The cookie holds a random ID; the key of the row is its SHA-256. */
export class StoredSessions extends Sessions {
  readonly #store: GuardedStore
  readonly #encrypter: Encrypter
  readonly #state: SessionState
  readonly #background: Background
  readonly #onEnd: SessionsDeps['onEnd']
  readonly #writeIntervalMs: number

  constructor(deps: StoredSessionsDeps) {
    super(deps)
    this.#store = deps.store
    this.#encrypter = deps.encrypter
    this.#state = deps.state
    this.#background = deps.background
    this.#onEnd = deps.onEnd
    this.#writeIntervalMs = activityWriteInterval(deps.lifetimes)
  }

  /** On the hot path: one cookie parse, one hash, one read. */
  find(
    cookieHeader: string | undefined,
    cookieName: string,
    now: number,
    instance: string,
  ): Awaitable<SessionResult> {
    const ids = readCookies(cookieHeader, cookieName).filter(isId)
    const [id] = ids
    if (id === undefined) return NONE
    const key = sha256(id)
    const record = this.#store.get(key)
    if (record instanceof Promise)
      return record.then((row) =>
        this.#firstOf(ids, this.#open(id, key, row, now, instance), now, instance),
      )
    return this.#firstOf(ids, this.#open(id, key, record, now, instance), now, instance)
  }

  async create(start: SessionStart, tokens: Tokens, now: number): Promise<OpenSession> {
    const id = randomId()
    const key = sha256(id)
    const record = newSession(start, now, encryptTokens(this.#encrypter, id, tokens))
    await this.#store.set(key, record, rowTtl(record, now, this.lifetimes, now))
    return { id, key, record }
  }

  async update(
    session: OpenSession,
    changes: Partial<Session>,
    tokens?: Tokens,
  ): Promise<OpenSession | undefined> {
    const { id, key, record } = session
    const lastActiveAt = this.lastActiveAt(session)
    const changed: Session = deepFreeze({
      ...record,
      ...changes,
      lastActiveAt,
      revision: record.revision + 1,
      ...(tokens && encryptTokens(this.#encrypter, id, tokens)),
    })
    const ttl = rowTtl(changed, lastActiveAt, this.lifetimes, Date.now())
    return (await this.#store.update(key, changed, ttl)) ? { id, key, record: changed } : undefined
  }

  async reload({ id, key, record }: OpenSession): Promise<OpenSession | undefined> {
    const row = await this.#store.get(key)
    return this.#open(id, key, row, Date.now(), record.instance).session
  }

  async destroy(key: string, reason: EndReason): Promise<boolean> {
    this.#state.activity.delete(key)
    if (reason !== 'logout' && reason !== 'expired') this.#state.ended.set(key, 'revoked')
    const existed = await this.#store.delete(key)
    this.#onEnd(key, reason, existed)
    return existed
  }

  tokens({ id, record }: OpenSession): Tokens {
    return decryptTokens(this.#encrypter, id, record)
  }

  hasTokens({ tokens }: Session): boolean {
    return this.#encrypter.canDecrypt(tokens)
  }

  recordActivity(session: OpenSession, now: number): OpenSession {
    const { key, record } = session
    const known = this.#state.activity.get(key)
    const writtenAt = Math.max(record.lastActiveAt, known?.writtenAt ?? 0)
    const isDue = now - writtenAt >= this.#writeIntervalMs
    if (known === undefined)
      this.#state.activity.set(key, { at: now, writtenAt: isDue ? now : writtenAt })
    else {
      known.at = now
      if (isDue) known.writtenAt = now
    }
    if (isDue) this.#background.run(this.#writeActivity(session, now))
    return session
  }

  protected lastActiveAt({ key, record }: OpenSession): number {
    return Math.max(record.lastActiveAt, this.#state.activity.get(key)?.at ?? 0)
  }

  #open(
    id: string,
    key: string,
    row: StoreRecord | undefined,
    now: number,
    instance: string,
  ): SessionResult {
    const record = parseSession(row)
    if (record === undefined) return this.#missing(key)
    // The limits of this instance do not apply to a session of another one.
    if (record.instance !== instance) return NONE
    const session: OpenSession = { id, key, record }
    const lastActiveAt = this.lastActiveAt(session)
    if (!isExpired(record, lastActiveAt, this.lifetimes, now, this.clockToleranceMs))
      return { session }
    this.#background.run(this.destroy(key, 'expired'))
    return EXPIRED
  }

  #missing(key: string): SessionResult {
    const reason = this.#state.ended.get(key)
    if (reason !== undefined) return { reason }
    // Most stores delete expired rows themselves, so a session that was active in this process has
    // expired.
    if (this.#state.activity.delete(key)) this.#onEnd(key, 'expired', true)
    return EXPIRED
  }

  /**
   * Reads further cookies only if the first has no session: they belong to another instance, or an
   * attacker set them.
   */
  #firstOf(
    ids: readonly string[],
    first: SessionResult,
    now: number,
    instance: string,
  ): Awaitable<SessionResult> {
    if (first.session !== undefined || ids.length === 1) return first
    return this.#findNext(ids, first, now, instance)
  }

  async #findNext(
    ids: readonly string[],
    first: SessionResult,
    now: number,
    instance: string,
  ): Promise<SessionResult> {
    for (const id of ids.slice(1, MAX_CANDIDATES)) {
      const key = sha256(id)
      const result = this.#open(id, key, await this.#store.get(key), now, instance)
      if (result.session !== undefined) return result
    }
    return first
  }

  /** If another write comes first, its row contains the activity as well. */
  async #writeActivity({ key, record }: OpenSession, now: number): Promise<void> {
    const active = deepFreeze({ ...record, lastActiveAt: now, revision: record.revision + 1 })
    await this.#store.update(key, active, rowTtl(active, now, this.lifetimes, now))
  }
}
