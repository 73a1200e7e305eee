import { LRUCache } from 'lru-cache'
import { OAuthError } from '../http/errors.js'
import { randomId, sha256 } from '../http/encryption.js'
import { isRecord } from '../schema.js'
import { deepFreeze } from './stores/deep-freeze.js'
import { chunked, readChunked } from './session-cookie.js'
import {
  absoluteEnd,
  idleEnd,
  isExpired,
  type Session,
  timeToLive,
  touchInterval,
} from './session.js'
import {
  asSession,
  headerTokensOf,
  type LiveSession,
  type MissReason,
  newSession,
  type Sessions,
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
  const ended = new LRUCache<string, MissReason>({ max: 10_000 })
  // Requests that came with the cookie before, and answers that could no longer set the new one: the old refresh token may be spent.
  const newer = new LRUCache<string, LiveSession>({ max: MAX_NEWER })

  const sealed = (key: string, session: Session): LiveSession => {
    for (const part of leaner(session)) {
      const id = chunked(encrypter.encrypt('session', JSON.stringify({ key, session: part })))
      if (id !== undefined) return { id, key, session: deepFreeze(session) }
    }
    throw new OAuthError('internal', { hint: TOO_LARGE })
  }
  const opened = (text: string): Omit<LiveSession, 'id'> | undefined => {
    const json = encrypter.decrypt('session', text)
    const value: unknown = json === undefined ? undefined : JSON.parse(json)
    if (!isRecord(value) || typeof value['key'] !== 'string') return undefined
    const session = asSession(value['session'] as Session)
    return session && { key: value['key'], session }
  }
  const newest = (live: LiveSession): LiveSession => {
    const known = newer.get(live.key)
    if (known === undefined || known.session.revision <= live.session.revision) return live
    const lastActiveAt = Math.max(known.session.lastActiveAt, live.session.lastActiveAt)
    return { id: OUTDATED, key: live.key, session: { ...known.session, lastActiveAt } }
  }
  const judge = (live: LiveSession, now: number): LiveSession | MissReason => {
    const reason = ended.get(live.key)
    if (reason !== undefined) return reason
    return isExpired(live.session, live.session.lastActiveAt, lifetimes(), now, clockTolerance())
      ? 'expired'
      : live
  }

  return {
    find(cookieHeader, cookieName, now, instance) {
      let reason: MissReason = 'none'
      for (const { id, text } of readChunked(cookieHeader, cookieName)) {
        const live = opened(text)
        // Another instance's limits are not ours to apply.
        if (live !== undefined && live.session.instance !== instance) continue
        const found = live === undefined ? 'expired' : judge(newest({ id, ...live }), now)
        if (typeof found !== 'string') return found
        if (reason === 'none') reason = found
      }
      return reason
    },
    async create(start, tokens, now) {
      const key = sha256(randomId())
      // Only lists of sessions say where a login came from.
      const browser = { userAgent: undefined, ipAddress: undefined }
      return sealed(key, newSession({ ...start, browser }, now, keepTokens(tokens)))
    },
    async update(live, changes, tokens) {
      const { key, session } = live
      if (ended.has(key) || newest(live) !== live) return undefined
      const updated = sealed(key, {
        ...session,
        ...changes,
        revision: session.revision + 1,
        ...(tokens && keepTokens(tokens)),
      })
      newer.set(key, updated)
      return updated
    },
    async reload(live) {
      const found = judge(newest(live), Date.now())
      return typeof found === 'string' ? undefined : found
    },
    async destroy(key, reason) {
      ended.set(key, reason === 'revoked' || reason === 'ended' ? 'revoked' : 'expired')
      newer.delete(key)
      onEnd(key, reason, true)
      return true
    },
    tokens: ({ session }) => JSON.parse(session.tokens),
    hasTokens: () => true,
    touch(live, now) {
      const limits = lifetimes()
      const isDue =
        limits.inactivityTimeout > 0 && now - live.session.lastActiveAt >= touchInterval(limits)
      return isDue || live.id === OUTDATED
        ? sealed(live.key, { ...live.session, lastActiveAt: now })
        : live
    },
    ends({ session }) {
      return {
        expiresAt: absoluteEnd(session, lifetimes()),
        idleExpiresAt: idleEnd(session.lastActiveAt, lifetimes()),
      }
    },
    nextEnd: (session, now) => now + timeToLive(session, now, lifetimes(), now),
    settle: async () => undefined,
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
