import { isCookieStore } from './cookie-store.js'
import { isExpressSessionStore } from './express-session-store.js'
import type { SessionStore } from './store.js'

const COOKIE_STORE_LIMITS =
  'sessions live in cookies: they cannot be revoked remotely, users and sessions cannot be listed (store_not_listable), there is no back-channel logout, ' +
  'a re-check is not shared between processes, and a copy of a cookie remains valid after a logout'

/**
 * What an app gives up with its store, for the log.
 *
 * @param given The option `store`, which may be a store made for express-session.
 */
export function storeLimits(store: SessionStore, given: unknown): string[] {
  if (isCookieStore(given)) return [COOKIE_STORE_LIMITS]
  const limits: string[] = []
  if (isExpressSessionStore(given)) {
    limits.push(
      'the store was made for express-session: that each session has one check at a time, and that deleted sessions stay deleted, is exact within this process and best effort across processes',
    )
  } else if (store.lock === undefined) {
    limits.push(
      'the store cannot lock: that each session has one check at a time holds within this process only',
    )
  }
  if (store.entries === undefined) {
    limits.push(
      'the store cannot list: users and sessions cannot be listed, and monthly active users cannot be counted (store_not_listable)',
    )
  }
  return limits
}
