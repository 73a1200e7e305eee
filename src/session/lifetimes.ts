import type { Session } from './session.js'

/** The limits of sessions in milliseconds; 0 means no limit. */
export interface Lifetimes {
  /** A session expires after this time without a request. */
  readonly inactivityTimeoutMs: number
  /** A session expires this long after the login, however active it is. */
  readonly maximumDurationMs: number
}

/** Browsers limit cookies to 400 days (RFC 6265bis, section 5.5), so no session lasts longer. */
export const MAX_SESSION_MS = 400 * 86_400_000

/**
 * How long the row of a denied user is kept, so that a user who regains access does not need a new
 * login.
 */
const DENIED_SESSION_MS = 86_400_000
const MAX_ACTIVITY_WRITE_INTERVAL_MS = 60_000
const ACTIVITY_WRITE_INTERVAL_WITHOUT_TIMEOUT_MS = 3_600_000

/** When the session expires without another request; `undefined` without an inactivity timeout. */
export function idleExpiry(
  lastActiveAt: number,
  { inactivityTimeoutMs }: Lifetimes,
): number | undefined {
  return inactivityTimeoutMs === 0 ? undefined : lastActiveAt + inactivityTimeoutMs
}

/** When the session expires at the latest. */
export function absoluteExpiry(session: Session, { maximumDurationMs }: Lifetimes): number {
  const expiresAt =
    session.createdAt + (maximumDurationMs === 0 ? MAX_SESSION_MS : maximumDurationMs)
  return session.deniedSince === undefined
    ? expiresAt
    : Math.min(expiresAt, session.deniedSince + DENIED_SESSION_MS)
}

/**
 * Whether the session has expired at `now`.
 *
 * @param clockToleranceMs How far in the future `createdAt` may be: the clocks of two processes may
 *   differ.
 */
export function isExpired(
  session: Session,
  lastActiveAt: number,
  lifetimes: Lifetimes,
  now: number,
  clockToleranceMs: number,
): boolean {
  if (session.createdAt > now + clockToleranceMs) return true
  if (now >= absoluteExpiry(session, lifetimes)) return true
  const idleExpiresAt = idleExpiry(lastActiveAt, lifetimes)
  return idleExpiresAt !== undefined && now >= idleExpiresAt
}

/** How long activity may remain unwritten: a tenth of the inactivity timeout, at most a minute. */
export function activityWriteInterval({ inactivityTimeoutMs }: Lifetimes): number {
  return inactivityTimeoutMs === 0
    ? ACTIVITY_WRITE_INTERVAL_WITHOUT_TIMEOUT_MS
    : Math.min(inactivityTimeoutMs / 10, MAX_ACTIVITY_WRITE_INTERVAL_MS)
}

/** The time until the session expires, in milliseconds; at least 1. */
export function remaining(
  session: Session,
  lastActiveAt: number,
  lifetimes: Lifetimes,
  now: number,
): number {
  const idleExpiresAt = idleExpiry(lastActiveAt, lifetimes) ?? Number.POSITIVE_INFINITY
  return Math.max(1, Math.min(idleExpiresAt, absoluteExpiry(session, lifetimes)) - now)
}

/**
 * How long the store keeps the row, in milliseconds: longer than the idle expiry, because some
 * activity is not written yet.
 */
export function rowTtl(
  session: Session,
  lastActiveAt: number,
  lifetimes: Lifetimes,
  now: number,
): number {
  const ttl = remaining(session, lastActiveAt, lifetimes, now) + activityWriteInterval(lifetimes)
  return Math.max(1, Math.min(ttl, absoluteExpiry(session, lifetimes) - now))
}
