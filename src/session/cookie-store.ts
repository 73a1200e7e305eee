import { LRUCache } from 'lru-cache'
import { OAuthError } from '../errors.js'
import { readCookies } from '../http/cookies.js'
import { randomId, sha256 } from '../http/seal.js'
import { isRecord } from '../read.js'
import { chunkName, MAX_CHUNKS } from './session-cookie.js'
import { absoluteEnd, idleEnd, isExpired, type Session, timeToLive, touchInterval } from './session.js'
import { asSession, newSession, openTokens, sealTokens, type LiveSession, type MissReason, type Sessions, type SessionsConfig } from './sessions.js'
import type { SessionStore } from './store.js'

const MAX_ID = 3800 * MAX_CHUNKS
const cookieStores = new WeakSet<object>()

/**
 * Sessions in the visitor's cookie, sealed: for those without any store, as on serverless platforms. It cannot revoke from afar, list, or share a
 * check between processes, and a copy of the cookie stays good until the session's own limits: set them.
 */
export function cookieStore(): SessionStore {
  const store: SessionStore = { get: () => undefined, set: () => undefined, update: () => false, delete: () => false }
  cookieStores.add(store)
  return store
}

export function isCookieStore(store: SessionStore): boolean {
  return cookieStores.has(store)
}

/** Sessions whose id is the session itself, sealed: another id means that the cookie has to be set anew. */
export function createCookieSessions({ sealer, lifetimes, clockTolerance, onEnd }: SessionsConfig): Sessions {
  // What this process ended stays ended here; other processes cannot know.
  const ended = new LRUCache<string, MissReason>({ max: 10_000 })

  const sealed = (key: string, session: Session): LiveSession => {
    const id = sealer.seal('session', JSON.stringify({ key, session }))
    if (id.length <= MAX_ID) return { id, key, session }
    // What the provider said is convenience; who the user is, is not.
    const { claims: _, ...user } = session.user
    const small = sealer.seal('session', JSON.stringify({ key, session: { ...session, user: { ...user, claims: {} } } }))
    if (small.length <= MAX_ID) return { id: small, key, session }
    throw new OAuthError('internal', { hint: 'the session is too large for cookieStore(): use a store, or ask for fewer scopes and shorter tokens' })
  }
  const opened = (id: string): LiveSession | undefined => {
    const text = sealer.open('session', id)
    const value: unknown = text === undefined ? undefined : JSON.parse(text)
    if (!isRecord(value) || typeof value['key'] !== 'string') return undefined
    const session = asSession(value['session'] as Session)
    return session && { id, key: value['key'], session }
  }
  const judge = (live: LiveSession, now: number): LiveSession | MissReason => {
    const reason = ended.get(live.key)
    if (reason !== undefined) return reason
    return isExpired(live.session, live.session.lastActiveAt, lifetimes(), now, clockTolerance) ? 'expired' : live
  }

  return {
    find(cookieHeader, cookieName, now, instance) {
      const [first] = readCookies(cookieHeader, cookieName)
      if (first === undefined || first === '') return 'none'
      const rest = Array.from({ length: MAX_CHUNKS - 1 }, (_, index) => readCookies(cookieHeader, chunkName(cookieName, index + 1))[0] ?? '')
      const live = opened([first, ...rest].join(''))
      if (live === undefined) return 'expired'
      return live.session.instance === instance ? judge(live, now) : 'none'
    },
    async create(start, tokens, now) {
      const key = sha256(randomId())
      return sealed(key, newSession(start, now, sealTokens(sealer, key, tokens)))
    },
    async update({ key, session }, changes, tokens) {
      if (ended.has(key)) return undefined
      return sealed(key, { ...session, ...changes, revision: session.revision + 1, ...(tokens && sealTokens(sealer, key, tokens)) })
    },
    async reload(live) {
      const found = judge(live, Date.now())
      return typeof found === 'string' ? undefined : found
    },
    async destroy(key, reason) {
      ended.set(key, reason === 'revoked' || reason === 'ended' ? 'revoked' : 'expired')
      onEnd(key, reason, true)
      return true
    },
    tokens: ({ key, session }) => openTokens(sealer, key, session),
    touch(live, now) {
      const limits = lifetimes()
      const isDue = limits.inactivityTimeout > 0 && now - live.session.lastActiveAt >= touchInterval(limits)
      return isDue ? sealed(live.key, { ...live.session, lastActiveAt: now }) : live
    },
    ends({ session }) {
      return { expiresAt: absoluteEnd(session, lifetimes()), idleExpiresAt: idleEnd(session.lastActiveAt, lifetimes()) }
    },
    nextEnd: (session, now) => now + timeToLive(session, now, lifetimes(), now),
    settle: async () => undefined,
  }
}
