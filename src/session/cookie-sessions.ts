import { LRUCache } from 'lru-cache'
import { OAuthError } from '../http/errors.js'
import { randomId, sha256 } from '../http/ids.js'
import { isObject, parseJson } from '../http/json.js'
import { deepFreeze } from './stores/deep-freeze.js'
import { encodeChunks, readChunkedCookies } from './session-cookie.js'
import {
  absoluteExpiry,
  idleExpiry,
  isExpired,
  type Session,
  remaining,
  activityWriteInterval,
} from './session.js'
import {
  parseSession,
  headerTokensOf,
  type OpenSession,
  type AnonymousReason,
  newSession,
  type Sessions,
  type SessionResult,
  type SessionsConfig,
  type Tokens,
} from './sessions.js'
import type { SessionStore } from './stores/store.js'

/** Sessions of which this process has a newer state than their visitor's cookie may have. */
const MAX_NEWER = 1_000
/** In the place of an id: the cookie that came holds an older state than this process knows. */
const OUTDATED = ''
/** Tells this store from others, also where two copies of the package are loaded. */
const mark = Symbol.for('oauth-module cookie store')

/**
 * Sessions in the visitor's cookie, sealed: for those without any store, as on serverless platforms. It cannot revoke from afar, list, or share a
 * check between processes, and a copy of the cookie stays good until the session's own limits: set them.
 */
export function cookieStore(): SessionStore {
  const store: SessionStore = {
    get: () => undefined,
    set: () => undefined,
    update: () => false,
    delete: () => false,
  }
  return Object.assign(store, { [mark]: true })
}

export function isCookieStore(store: unknown): boolean {
  return typeof store === 'object' && store !== null && mark in store
}

/** What the cookie store gives up, for the log. */
export const cookieStoreLimits =
  'sessions live in cookies: none can be revoked from afar, users and sessions cannot be listed (store_not_listable), back-channel logout does not exist, ' +
  'a re-check is not shared between processes, and a copy of a cookie stays good after a logout elsewhere'

/** Sessions whose id is the session itself, sealed: another id means that the cookie has to be set anew. */
export function createCookieSessions({
  encrypter,
  lifetimes,
  clockTolerance,
  onEnd,
}: SessionsConfig): Sessions {
  // What this process ended stays ended here; other processes cannot know.
  const ended = new LRUCache<string, AnonymousReason>({ max: 10_000 })
  // Requests that came with the cookie before, and answers that could no longer set the new one: the old refresh token may be spent.
  const newer = new LRUCache<string, OpenSession>({ max: MAX_NEWER })

  const sealed = (key: string, session: Session): OpenSession => {
    for (const part of leaner(session)) {
      const id = encodeChunks(encrypter.encrypt('session', JSON.stringify({ key, session: part })))
      if (id !== undefined) return { id, key, record: deepFreeze(session) }
    }
    throw new OAuthError('internal', { hint: TOO_LARGE })
  }
  const opened = (text: string): Omit<OpenSession, 'id'> | undefined => {
    const value = parseJson(encrypter.decrypt('session', text))
    if (!isObject(value) || typeof value['key'] !== 'string') return undefined
    const session = parseSession(value['session'] as Session)
    return session && { key: value['key'], record: session }
  }
  const newest = (session: OpenSession): OpenSession => {
    const known = newer.get(session.key)
    if (known === undefined || known.record.revision <= session.record.revision) return session
    const lastActiveAt = Math.max(known.record.lastActiveAt, session.record.lastActiveAt)
    return { id: OUTDATED, key: session.key, record: { ...known.record, lastActiveAt } }
  }
  const judge = (session: OpenSession, now: number): SessionResult => {
    const reason = ended.get(session.key)
    if (reason !== undefined) return { reason }
    return isExpired(
      session.record,
      session.record.lastActiveAt,
      lifetimes(),
      now,
      clockTolerance(),
    )
      ? { reason: 'expired' }
      : { session }
  }

  return {
    find(cookieHeader, cookieName, now, instance) {
      let reason: AnonymousReason = 'none'
      for (const { id, text } of readChunkedCookies(cookieHeader, cookieName)) {
        const session = opened(text)
        // Another instance's limits are not ours to apply.
        if (session !== undefined && session.record.instance !== instance) continue
        const found: SessionResult =
          session === undefined ? { reason: 'expired' } : judge(newest({ id, ...session }), now)
        if (found.session !== undefined) return found
        if (reason === 'none') reason = found.reason
      }
      return { reason }
    },
    async create(start, tokens, now) {
      const key = sha256(randomId())
      // Only lists of sessions say where a login came from.
      const browser = { userAgent: undefined, ipAddress: undefined }
      return sealed(key, newSession({ ...start, browser }, now, keepTokens(tokens)))
    },
    async update(session, changes, tokens) {
      const { key, record } = session
      if (ended.has(key) || newest(session) !== session) return undefined
      const updated = sealed(key, {
        ...record,
        ...changes,
        revision: record.revision + 1,
        ...(tokens && keepTokens(tokens)),
      })
      newer.set(key, updated)
      return updated
    },
    async reload(session) {
      return judge(newest(session), Date.now()).session
    },
    async destroy(key, reason) {
      ended.set(key, reason === 'revoked' || reason === 'ended' ? 'revoked' : 'expired')
      newer.delete(key)
      onEnd(key, reason, true)
      return true
    },
    tokens: ({ record }) => JSON.parse(record.tokens),
    hasTokens: () => true,
    recordActivity(session, now) {
      const limits = lifetimes()
      const isDue =
        limits.inactivityTimeout > 0 &&
        now - session.record.lastActiveAt >= activityWriteInterval(limits)
      return isDue || session.id === OUTDATED
        ? sealed(session.key, { ...session.record, lastActiveAt: now })
        : session
    },
    expiry({ record }) {
      return {
        expiresAt: absoluteExpiry(record, lifetimes()),
        idleExpiresAt: idleExpiry(record.lastActiveAt, lifetimes()),
      }
    },
    nextExpiry: (session, now) => now + remaining(session, now, lifetimes(), now),
    drain: async () => undefined,
  }
}

const TOO_LARGE =
  'the session is too large for cookieStore(), even without ID token and claims: use a store, or ask for fewer scopes and shorter tokens'

/** The session, then what is left of it where it is too long: what the provider said is convenience, who the user is, is not. */
function* leaner(session: Session): Generator<Session> {
  yield session
  const tokens: Tokens = JSON.parse(session.tokens)
  // A provider can be told to log out without it, though it may ask then.
  const withoutIdToken = { ...session, ...keepTokens({ ...tokens, idToken: undefined }) }
  yield withoutIdToken
  yield { ...withoutIdToken, user: { ...session.user, claims: {} } }
}

/** Sealed with the rest of the session, and not once more: twice is longer and no safer. */
function keepTokens(tokens: Tokens): Pick<Session, 'tokens' | 'headerTokens'> {
  return { tokens: JSON.stringify(tokens), headerTokens: headerTokensOf(tokens) }
}
