import type { ServerResponse } from 'node:http'
import { clearCookie, readCookiesByPrefix } from '../http/cookies.js'
import type { TransactionCookie } from '../http/mounts.js'
import type { ResponseMode } from './endpoints.js'

const MAX_COOKIES = 8
const MAX_COOKIE_BYTES = 4096
/**
 * Other sites on the domain can set cookies with this name; proxies limit the size of response
 * headers.
 */
const MAX_CLEARED_COOKIES = 16

/**
 * The cookie of a transaction with this response mode. Browsers send only cookies with
 * `SameSite=None` with a form that a page of another site posts, and accept them only with
 * `Secure`. (RFC 6265bis, 5.7)
 */
export function transactionCookieFor(
  cookie: TransactionCookie,
  responseMode: ResponseMode,
): TransactionCookie {
  if (responseMode === 'query') return cookie
  return { ...cookie, attributes: { ...cookie.attributes, sameSite: 'none', secure: true } }
}

/** The name of the cookie that binds a transaction to its browser. */
export function cookieName({ prefix }: TransactionCookie, cookieHash: string): string {
  return `${prefix}nonce.${cookieHash.slice(0, 8)}`
}

/** Whether this is the name of such a cookie. */
export function isTransactionCookieName({ prefix }: TransactionCookie, name: string): boolean {
  return name.startsWith(`${prefix}nonce.`) && /\.[0-9a-f]{8}$/.test(name)
}

/** Whether the browser has started a login. */
export function hasTransactionCookie(
  cookieHeader: string | undefined,
  cookie: TransactionCookie,
): boolean {
  return readCookiesByPrefix(cookieHeader, `${cookie.prefix}nonce.`).length > 0
}

/**
 * Clears the cookies of abandoned logins. Browsers send the oldest cookie first. (RFC 6265, 5.4)
 */
export function clearOldest(
  res: ServerResponse,
  cookieHeader: string | undefined,
  cookie: TransactionCookie,
): void {
  const ours = readCookiesByPrefix(cookieHeader, `${cookie.prefix}nonce.`).filter(({ name }) =>
    isTransactionCookieName(cookie, name),
  )
  let bytes = ours.reduce(
    (sum, { name, value }) => sum + name.length + value.length + 3,
    cookie.prefix.length + 64,
  )
  for (const [index, { name, value }] of ours.slice(0, MAX_CLEARED_COOKIES).entries()) {
    if (ours.length - index < MAX_COOKIES && bytes <= MAX_COOKIE_BYTES) return
    bytes -= name.length + value.length + 3
    clearCookie(res, name, cookie.attributes)
  }
}
