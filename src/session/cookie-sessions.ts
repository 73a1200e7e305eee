import { OAuthError } from '../http/errors.js'
import type { Encrypter } from '../http/encryption.js'
import { randomId, sha256 } from '../http/ids.js'
import { isObject, parseJson } from '../http/json.js'
import { activityWriteInterval, isExpired } from './lifetimes.js'
import { encodeChunks, readChunkedCookies } from './session-cookie.js'
import { newSession, parseSession, type Session, type SessionStart } from './session.js'
import {
  type AnonymousReason,
  type EndReason,
  type OpenSession,
  type SessionResult,
  Sessions,
  type SessionsDeps,
  type SessionState,
} from './sessions.js'
import { deepFreeze } from './stores/deep-freeze.js'
import type { StoreRecord } from './stores/store.js'
import { plainTokens, readPlainTokens, type Tokens } from './tokens.js'

/**
 * The ID of a session of which this process has a newer revision than the cookie that the browser
 * sent.
 */
const OUTDATED = ''

/**
 * Sessions in cookies. The ID is the encrypted session, so each change results in a new ID and a
 * new cookie.
 */
export class CookieSessions extends Sessions {
  readonly #encrypter: Encrypter
  /**
   * `ended`: sessions that this process ended, which other processes do not learn. `newer`: for
   * requests with the previous cookie, and for responses whose headers were sent before a refresh
   * replaced the refresh token.
   */
  readonly #state: SessionState
  readonly #onEnd: SessionsDeps['onEnd']

  constructor(deps: SessionsDeps) {
    super(deps)
    this.#encrypter = deps.encrypter
    this.#state = deps.state
    this.#onEnd = deps.onEnd
  }

  find(
    cookieHeader: string | undefined,
    cookieName: string,
    now: number,
    instance: string,
  ): SessionResult {
    let reason: AnonymousReason = 'none'
    for (const { id, encrypted } of readChunkedCookies(cookieHeader, cookieName)) {
      const session = this.#decrypt(id, encrypted)
      // The limits of this instance do not apply to a session of another one.
      if (session !== undefined && session.record.instance !== instance) continue
      const result: SessionResult =
        session === undefined ? { reason: 'expired' } : this.#check(this.#latest(session), now)
      if (result.session !== undefined) return result
      if (reason === 'none') reason = result.reason
    }
    return { reason }
  }

  create(start: SessionStart, tokens: Tokens, now: number): OpenSession {
    const key = sha256(randomId())
    // Only lists of sessions use the browser, and sessions in cookies cannot be listed.
    const browser = { userAgent: undefined, ipAddress: undefined }
    return this.#encrypt(key, newSession({ ...start, browser }, now, plainTokens(tokens)))
  }

  update(
    session: OpenSession,
    changes: Partial<Session>,
    tokens?: Tokens,
  ): OpenSession | undefined {
    const { key, record } = session
    if (this.#state.ended.has(key) || this.#latest(session) !== session) return undefined
    const updated = this.#encrypt(key, {
      ...record,
      ...changes,
      revision: record.revision + 1,
      ...(tokens && plainTokens(tokens)),
    })
    this.#state.newer.set(key, updated)
    return updated
  }

  reload(session: OpenSession): OpenSession | undefined {
    return this.#check(this.#latest(session), Date.now()).session
  }

  destroy(key: string, reason: EndReason): boolean {
    const isRevoked = reason === 'revoked' || reason === 'ended'
    this.#state.ended.set(key, isRevoked ? 'revoked' : 'expired')
    this.#state.newer.delete(key)
    this.#onEnd(key, reason, true)
    return true
  }

  tokens({ record }: OpenSession): Tokens {
    return readPlainTokens(record)
  }

  hasTokens(): boolean {
    return true
  }

  recordActivity(session: OpenSession, now: number): OpenSession {
    const { key, record, id } = session
    const isDue =
      this.lifetimes.inactivityTimeoutMs > 0 &&
      now - record.lastActiveAt >= activityWriteInterval(this.lifetimes)
    return isDue || id === OUTDATED ? this.#encrypt(key, { ...record, lastActiveAt: now }) : session
  }

  protected lastActiveAt({ record }: OpenSession): number {
    return record.lastActiveAt
  }

  #encrypt(key: string, record: Session): OpenSession {
    for (const session of reductions(record)) {
      const json = JSON.stringify({ key, session })
      const id = encodeChunks(this.#encrypter.encrypt('session', json))
      if (id !== undefined) return { id, key, record: deepFreeze(record) }
    }
    throw new OAuthError('internal', { hint: TOO_LARGE })
  }

  #decrypt(id: string, encrypted: string): OpenSession | undefined {
    const value = parseJson(this.#encrypter.decrypt('session', encrypted))
    if (!isObject(value) || typeof value['key'] !== 'string') return undefined
    const record = parseSession(value['session'] as StoreRecord | undefined)
    return record && { id, key: value['key'], record }
  }

  #latest(session: OpenSession): OpenSession {
    const newer = this.#state.newer.get(session.key)
    if (newer === undefined || newer.record.revision <= session.record.revision) return session
    const lastActiveAt = Math.max(newer.record.lastActiveAt, session.record.lastActiveAt)
    return { id: OUTDATED, key: session.key, record: { ...newer.record, lastActiveAt } }
  }

  #check(session: OpenSession, now: number): SessionResult {
    const reason = this.#state.ended.get(session.key)
    if (reason !== undefined) return { reason }
    const { record } = session
    const { lifetimes, clockToleranceMs } = this
    return isExpired(record, this.lastActiveAt(session), lifetimes, now, clockToleranceMs)
      ? { reason: 'expired' }
      : { session }
  }
}

const TOO_LARGE =
  'the session is too large for cookieStore(), even without ID token and claims: use a store, or request fewer scopes and shorter tokens'

/**
 * The session, for when it is too long without the ID token, and then without the claims of the
 * user.
 */
function* reductions(session: Session): Generator<Session> {
  yield session
  // Only a logout at the provider uses the ID token. Without it, the provider may ask the user to
  // confirm.
  const tokens = plainTokens({ ...readPlainTokens(session), idToken: undefined })
  const withoutIdToken = { ...session, ...tokens }
  yield withoutIdToken
  yield { ...withoutIdToken, user: { ...session.user, claims: {} } }
}
