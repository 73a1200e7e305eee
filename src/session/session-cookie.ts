import type { ServerResponse } from 'node:http'
import { clearCookie, type CookieAttributes, readCookiesByPrefix, setCookie } from '../http/cookies.js'

/** How the session cookie of a place is named and set. */
export interface SessionCookie {
  readonly name: string
  readonly attributes: CookieAttributes
}

/** Browsers take 4096 bytes of name, value and attributes (RFC 6265bis, 5.6); this leaves room for the latter. */
const CHUNK = 3800
/** Beyond it, with what else is in a request, servers refuse the header block. */
export const MAX_CHUNKS = 3

/** Sets the cookie, in several where it is too long for one. `maxAge` in milliseconds. */
export function writeSessionCookie(res: ServerResponse, cookieHeader: string | undefined, cookie: SessionCookie, id: string, maxAge: number): void {
  const { name, attributes } = cookie
  const count = Math.ceil(id.length / CHUNK)
  for (let index = 0; index < count; index++) {
    setCookie(res, chunkName(name, index), id.slice(index * CHUNK, (index + 1) * CHUNK), attributes, Math.ceil(maxAge / 1000))
  }
  clearFrom(res, cookieHeader, cookie, count)
}

export function clearSessionCookie(res: ServerResponse, cookieHeader: string | undefined, cookie: SessionCookie): void {
  clearCookie(res, cookie.name, cookie.attributes)
  clearFrom(res, cookieHeader, cookie, 1)
}

export function chunkName(name: string, index: number): string {
  return index === 0 ? name : `${name}.${index}`
}

/** What an earlier, longer session left behind. */
function clearFrom(res: ServerResponse, cookieHeader: string | undefined, { name, attributes }: SessionCookie, first: number): void {
  const sent = new Set(readCookiesByPrefix(cookieHeader, `${name}.`).map((one) => one.name))
  for (let index = first; index < MAX_CHUNKS; index++) if (sent.has(chunkName(name, index))) clearCookie(res, chunkName(name, index), attributes)
}
