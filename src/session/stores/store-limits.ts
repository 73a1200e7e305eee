import { isCookieStore } from './cookie-store.js'
import { isExpressSessionStore } from './express-session-store.js'
import type { SessionStore } from './store.js'

const COOKIE_STORE_LIMITS =
  'sessions are stored in cookies: they cannot be revoked remotely, users and sessions cannot be listed (store_not_listable), users cannot be blocked, there is no back-channel logout, ' +
  'a re-check is not shared between processes, and a copy of a cookie remains valid after a logout'

/**
 * The features that an app cannot use with its store, for the log.
 *
 * @param option The option `store`, which may be a store made for express-session.
 */
export function storeLimits(store: SessionStore, option: unknown): string[] {
  if (isCookieStore(option)) return [COOKIE_STORE_LIMITS]
  const limits: string[] = []
  if (isExpressSessionStore(option)) {
    limits.push(
      'the store was made for express-session: one check at a time per session, and deleted sessions that stay deleted, are guaranteed within this process only',
    )
  } else if (store.lock === undefined) {
    limits.push(
      'the store cannot lock: one check at a time per session is guaranteed within this process only',
    )
  }
  if (store.entries === undefined) {
    limits.push(
      'the store cannot list: users and sessions cannot be listed, monthly active users cannot be counted, and blocking a user ends only the latest sessions before their next re-check (store_not_listable)',
    )
  }
  return limits
}
