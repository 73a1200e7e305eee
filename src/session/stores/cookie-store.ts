import type { SessionStore } from './store.js'

/** Marks a cookie store, also when two copies of the package are loaded. */
const cookieStoreMark = Symbol.for('oauth-module cookie store')

/**
 * Keeps each session, encrypted, in a cookie of the user: for apps without a store, for example on
 * serverless platforms.
 *
 * It cannot revoke sessions remotely, list users or sessions, receive back-channel logout, or share
 * a re-check between processes. A copy of the cookie remains valid until the session expires, even
 * after a logout: set `maximumDuration` and `inactivityTimeout`.
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
  return Object.assign(store, { [cookieStoreMark]: true })
}

/**
 * Whether the value was created by {@link cookieStore}, of this copy of the package or another one.
 */
export function isCookieStore(store: unknown): boolean {
  return typeof store === 'object' && store !== null && cookieStoreMark in store
}
