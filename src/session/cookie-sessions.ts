import { OAuthError } from '../http/errors.js'
import type { Encrypter } from '../http/encryption.js'
import { randomId, sha256 } from '../http/ids.js'
import { parseJson } from '../http/json.js'
import type { AppRequest } from '../http/request.js'
import { activityWriteInterval } from './lifetimes.js'
import { encodeChunks, readChunkedCookies } from './session-cookie.js'
import { packSession, unpackSession } from './packed-session.js'
import { type SealedData, sealPlain, unsealPlain } from './sealed-data.js'
import { newSession, type Session, type SessionStart } from './session.js'
import { END_REASONS } from './end-reasons.js'
import type { SessionRequest } from './session-result.js'
import type { SessionState } from './session-state.js'
import {
  type EndReason,
  OpenSession,
  type SessionResult,
  Sessions,
  type SessionsDeps,
} from './sessions.js'
import { deepFreeze } from './stores/deep-freeze.js'

/**
 * The ID of a session of which this process has a newer revision than the cookie that the browser
 * sent.
 */
const OUTDATED = ''

/** Cookies of version 1 (release 0.1.0) count as expired. */
const VERSION = 2

/** What a cookie contains, encrypted. */
type SessionCookie = [
  version: typeof VERSION,
  key: string,
  group: string,
  createdAt: number,
  revision: number,
  sealed: string,
  packed: string,
]

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

  find({ cookieHeader, mount, now }: SessionRequest): SessionResult {
    const { instanceId, sessionCookie } = mount
    let missed: SessionResult = { reason: 'none' }
    for (const { id, encrypted } of readChunkedCookies(cookieHeader, sessionCookie.name)) {
      const session = this.#decrypt(id, encrypted)
      // The limits of this instance do not apply to a session of another one.
      if (session !== undefined && session.record.instance !== instanceId) {
        missed = { ...missed, unusable: missed.unusable ?? 'instance' }
        continue
      }
      const result: SessionResult =
        session === undefined || !this.isOfThisClient(session.record)
          ? { reason: 'expired', unusable: session === undefined ? 'secret' : 'client' }
          : this.#check(this.#latest(session), now)
      if (result.session !== undefined) return result
      if (missed.reason === 'none') missed = result
    }
    return missed
  }

  create(start: SessionStart, data: SealedData, now: number): OpenSession {
    const key = sha256(randomId())
    // Only lists of sessions use the browser, and sessions in cookies cannot be listed.
    const browser = { userAgent: undefined, ipAddress: undefined }
    return this.#encrypt(key, newSession({ ...start, browser }, now, sealPlain(data)))
  }

  update(
    session: OpenSession,
    changes: Partial<Session>,
    data?: Partial<SealedData>,
  ): OpenSession | undefined {
    const { key, record } = session
    if (this.#state.ended.has(key) || this.#latest(session) !== session) return undefined
    const updated = this.#encrypt(key, {
      ...record,
      seen: this.seenPlaces(session),
      ...changes,
      revision: record.revision + 1,
      ...(data && sealPlain({ ...session.unseal(), ...data })),
    })
    this.#state.newer.set(key, updated)
    return updated
  }

  reload(session: OpenSession): OpenSession | undefined {
    return this.#check(this.#latest(session), Date.now()).session
  }

  destroy(key: string, reason: EndReason, req?: AppRequest): boolean {
    this.#state.ended.set(key, END_REASONS[reason].isRevocation ? 'revoked' : 'expired')
    this.#state.newer.delete(key)
    this.#onEnd(key, reason, true, req)
    return true
  }

  recordActivity(session: OpenSession, now: number): OpenSession {
    const { key, record, id } = session
    const isDue =
      this.lifetimes.inactivityTimeoutMs > 0 &&
      now - record.lastActiveAt >= activityWriteInterval(this.lifetimes)
    if (!isDue && id !== OUTDATED) return session
    return this.#encrypt(key, { ...record, lastActiveAt: now, seen: this.seenPlaces(session) })
  }

  override hasEnded(key: string): boolean {
    return this.#state.ended.has(key)
  }

  decrypt(_id: string, record: Session): SealedData {
    return unsealPlain(record)
  }

  protected lastActiveAt({ record }: OpenSession): number {
    return record.lastActiveAt
  }

  #encrypt(key: string, record: Session): OpenSession {
    for (const session of reductions(record)) {
      const { group, createdAt, revision, sealed } = session
      const head = [VERSION, key, group, createdAt, revision, sealed] as const
      const json = JSON.stringify([...head, packSession(session)] satisfies SessionCookie)
      const id = encodeChunks(this.#encrypter.encrypt('session', json))
      if (id !== undefined) return new OpenSession(id, key, deepFreeze(record), this)
    }
    throw new OAuthError('internal', { hint: TOO_LARGE })
  }

  #decrypt(id: string, encrypted: string): OpenSession | undefined {
    const value = parseJson(this.#encrypter.decrypt('session', encrypted))
    if (!Array.isArray(value) || value[0] !== VERSION) return undefined
    const [, key, group, createdAt, revision, sealed, packed] = value as SessionCookie
    const record = unpackSession(packed, { group, createdAt, revision, sealed })
    return new OpenSession(id, key, deepFreeze(record), this)
  }

  #latest(session: OpenSession): OpenSession {
    const newer = this.#state.newer.get(session.key)
    if (newer === undefined || newer.record.revision <= session.record.revision) return session
    const lastActiveAt = Math.max(newer.record.lastActiveAt, session.record.lastActiveAt)
    const record = { ...newer.record, lastActiveAt }
    return new OpenSession(OUTDATED, session.key, record, this)
  }

  #check(session: OpenSession, now: number): SessionResult {
    const reason = this.#state.ended.get(session.key)
    if (reason !== undefined) return { reason }
    const { record } = session
    return this.isExpired(record, this.lastActiveAt(session), now)
      ? this.expired(session, now)
      : { session }
  }
}

const TOO_LARGE =
  'the session is too large for cookieStore(), even without ID token and claims: use a store, request fewer scopes and shorter tokens, or return less from onLogin'

/**
 * The session, for when it is too long without the ID token, and then without the claims of the
 * user.
 */
function* reductions(session: Session): Generator<Session> {
  yield session
  // Only a logout at the provider uses the ID token. Without it, the provider may ask the user to
  // confirm.
  const withoutIdToken = { ...unsealPlain(session), idToken: undefined }
  yield { ...session, ...sealPlain(withoutIdToken) }
  yield { ...session, ...sealPlain({ ...withoutIdToken, claims: {} }) }
}
