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
 * @param hasSignals Whether the option `signals` is set.
 */
export function storeLimits(store: SessionStore, option: unknown, hasSignals = false): string[] {
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
  return hasSignals ? [...limits, ...signalLimits(store)] : limits
}

function signalLimits(store: SessionStore): string[] {
  const limits: string[] = []
  if (store.watch === undefined)
    limits.push(
      'the store cannot notify processes: after a signal, sockets and streams in other processes close within about a second, because each process reads the sessions of its open ones again every second, or at a hundred per second if there are more',
    )
  if (store.entries === undefined)
    limits.push(
      'the store cannot list: a signal ends or re-checks the latest sessions of a user only, and signals about all members of a group are dropped (store_not_listable)',
    )
  return limits
}
