import { readCookies, setCookie } from '../http/cookies.js'
import type { GateRequest } from '../http/gate-request.js'
import { sha256 } from '../http/ids.js'
import type { Mount } from '../http/mounts.js'

/** A page that stays open is reloaded the next day at most. */
const LIFETIME_SECONDS = 86_400

/**
 * Remembers the state of a rejected login in this browser: reloading the page repeats the callback,
 * whose response can be used only once. The cookie is sent to this callback path only.
 */
export function rememberRejectedLogin({ res, mount, target }: GateRequest, state: string): void {
  const { secure } = mount.transactionCookie.attributes
  const path = `${mount.publicPath}${target.path}`
  const attributes = { path, secure, sameSite: 'lax' as const }
  setCookie(res, rejectedLoginCookieName(mount), hashOf(state), attributes, LIFETIME_SECONDS)
}

/** Whether the login with this state was rejected in this browser. */
export function isRejectedLogin({ cookieHeader, mount }: GateRequest, state: string): boolean {
  return readCookies(cookieHeader, rejectedLoginCookieName(mount)).includes(hashOf(state))
}

/** The name of the cookie: one with a path cannot have the prefix `__Host-`. (RFC 6265bis, 4.1.3.2) */
export function rejectedLoginCookieName({ transactionCookie }: Mount): string {
  return `${transactionCookie.prefix.replace(/^__Host-/, '__Secure-')}rejected`
}

function hashOf(state: string): string {
  return sha256(state).slice(0, 16)
}
