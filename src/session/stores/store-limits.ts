import { cookieStoreLimits, isCookieStore } from '../cookie-sessions.js'
import { isExpressSessionStore } from './express-session-store.js'
import type { SessionStore } from './store.js'

/** What an app gives up with the store that it was given, for the log. */
export function storeLimits({ lock, entries }: SessionStore, given: unknown): string[] {
  if (isCookieStore(given)) return [cookieStoreLimits]
  const limits: string[] = []
  if (isExpressSessionStore(given)) {
    limits.push(
      'the store was made for express-session: one check at a time, and no deleted session back, hold within this process and as far as they go across processes',
    )
  } else if (lock === undefined) {
    limits.push(
      'the store cannot lock: one check at a time per session holds within this process only',
    )
  }
  if (entries === undefined)
    limits.push(
      'the store cannot list: users and sessions cannot be listed, nor monthly active users counted (store_not_listable)',
    )
  return limits
}
