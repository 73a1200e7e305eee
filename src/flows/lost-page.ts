import { clearCookie, readCookies, setCookie } from '../http/cookies.js'
import type { GateRequest } from '../http/gate-request.js'
import type { Mount } from '../http/mounts.js'

/**
 * What a login cannot return to: a posted form, or a page whose URL is too long. Sent in links and
 * cookies, so the values are fixed.
 */
export type LostPage = 'form' | 'page'

/** The first page after the login explains what was lost. Later, the user no longer expects it. */
const LIFETIME_SECONDS = 60

/** Sets the cookie that the first page after the login reads. */
export function rememberLostPage({ res, mount }: GateRequest, lost: LostPage): void {
  const { attributes } = mount.transactionCookie
  setCookie(res, cookieName(mount), lost, attributes, LIFETIME_SECONDS)
}

/** What the login of this browser could not return to. */
export function lostPageOf({ cookieHeader, mount }: GateRequest): LostPage | undefined {
  if (cookieHeader === undefined) return undefined
  return readCookies(cookieHeader, cookieName(mount)).find(
    (value): value is LostPage => value === 'form' || value === 'page',
  )
}

/** Clears the cookie: each loss is explained once. */
export function forgetLostPage({ res, mount }: GateRequest): void {
  clearCookie(res, cookieName(mount), mount.transactionCookie.attributes)
}

/** Whether this is the name of the cookie. */
export function isLostPageCookieName(mount: Mount, name: string): boolean {
  return name === cookieName(mount)
}

function cookieName({ transactionCookie }: Mount): string {
  return `${transactionCookie.prefix}lost`
}
