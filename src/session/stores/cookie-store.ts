import type { SessionStore } from './store.js'

/** Marks a cookie store, also when two copies of the package are loaded. */
const mark = Symbol.for('oauth-module cookie store')

/**
 * Keeps each session, encrypted, in the visitor's cookie: for apps without any store, for example on serverless platforms.
 *
 * It cannot revoke sessions remotely, list users or sessions, receive back-channel logout, or share a re-check between
 * processes. A copy of the cookie remains valid until the session expires, even after a logout: set `maximumDuration` and
 * `inactivityTimeout`.
 *
 * ```ts
 * import { cookieStore, oauthModule } from 'oauth-module'
 *
 * export const auth = oauthModule({
 *   provider: { github: { clientId: 'id', clientSecret: 'secret', organizations: ['acme'] } },
 *   store: cookieStore(),
 *   maximumDuration: 8 * 3600,
 *   inactivityTimeout: 3600,
 * })
 * ```
 *
 * @returns A store for the option `store`.
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

/** Whether the value was created by {@link cookieStore}, of this copy of the package or another one. */
export function isCookieStore(store: unknown): boolean {
  return typeof store === 'object' && store !== null && mark in store
}
