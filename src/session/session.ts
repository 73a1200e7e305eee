import type { StoreRecord } from './stores/store.js'
import type { Claims } from '../oauth/identity.js'
import type { OAuthUser, StoredDecision } from '../access/user.js'

/** A login, as the store keeps it. Plain JSON. */
export interface Session extends StoreRecord {
  readonly kind: 'session'
  readonly version: 1
  /** The instance, provider, issuer and client that the session was made by; it counts for no other. */
  readonly instance: string
  readonly provider: string
  readonly issuer: string
  readonly clientId: string
  readonly user: OAuthUser
  /** The `sub` of the ID token, where there is one. */
  readonly subject: string | undefined
  /** Claims of the ID token that stay true: who, where, and which login. */
  readonly boundClaims: Claims
  /** Of the login: some providers want it again at a refresh. */
  readonly redirectUri: string
  readonly scopes: readonly string[]
  readonly lastActiveAt: number
  /** When the user last logged in at the provider, if it says so. */
  readonly authTime: number | undefined
  readonly accessTokenExpiresAt: number | undefined
  /** Which tokens there are that fit a request header. */
  readonly headerTokens: readonly ('access' | 'refresh')[]
  /** Access, refresh and ID token, sealed with a key that needs the session id. */
  readonly tokens: string
  /** Verdicts by fingerprint of the rules: the two latest. */
  readonly verdicts: Readonly<Record<string, StoredDecision>>
  /** Since when the rules refuse the user; the row outlives it by a day at most. */
  readonly deniedSince: number | undefined
  /** Where the login came from, for lists of sessions. */
  readonly browser: {
    readonly userAgent: string | undefined
    readonly ipAddress: string | undefined
  }
}

export const SESSION_VERSION = 1

/** How long a refused user's row is kept, so that one who is let in again needs no new login. */
const DENIED_LIFE = 86_400_000

/** Browsers keep no cookie longer (RFC 6265bis, 5.5). */
export const MAX_SESSION_MS = 400 * 86_400_000

export interface Lifetimes {
  /** Milliseconds; 0 is no limit. */
  readonly inactivityTimeout: number
  readonly maximumDuration: number
}

/** When the session ends unless there is a request before; `undefined` when nothing ends it. */
export function idleExpiry(
  lastActiveAt: number,
  { inactivityTimeout }: Lifetimes,
): number | undefined {
  return inactivityTimeout === 0 ? undefined : lastActiveAt + inactivityTimeout
}

/** When the session ends in any case. */
export function absoluteExpiry(session: Session, { maximumDuration }: Lifetimes): number {
  const end = session.createdAt + (maximumDuration === 0 ? MAX_SESSION_MS : maximumDuration)
  return session.deniedSince === undefined ? end : Math.min(end, session.deniedSince + DENIED_LIFE)
}

/** `tolerance`: how far in the future a session may have begun, for clocks that differ. */
export function isExpired(
  session: Session,
  lastActiveAt: number,
  lifetimes: Lifetimes,
  now: number,
  tolerance: number,
): boolean {
  if (session.createdAt > now + tolerance) return true
  if (now >= absoluteExpiry(session, lifetimes)) return true
  const idle = idleExpiry(lastActiveAt, lifetimes)
  return idle !== undefined && now >= idle
}

/** How long activity may go unwritten: a tenth of the inactivity timeout, at most a minute. */
export function activityWriteInterval({ inactivityTimeout }: Lifetimes): number {
  return inactivityTimeout === 0 ? 3_600_000 : Math.min(inactivityTimeout / 10, 60_000)
}

/** What is left of the session's limits, in milliseconds. */
export function remaining(
  session: Session,
  lastActiveAt: number,
  lifetimes: Lifetimes,
  now: number,
): number {
  const idle = idleExpiry(lastActiveAt, lifetimes) ?? Number.POSITIVE_INFINITY
  return Math.max(1, Math.min(idle, absoluteExpiry(session, lifetimes)) - now)
}

/** How long a store should keep the row: activity that is not written yet counts, too. */
export function rowTtl(
  session: Session,
  lastActiveAt: number,
  lifetimes: Lifetimes,
  now: number,
): number {
  const left = remaining(session, lastActiveAt, lifetimes, now)
  return Math.max(
    1,
    Math.min(left + activityWriteInterval(lifetimes), absoluteExpiry(session, lifetimes) - now),
  )
}
