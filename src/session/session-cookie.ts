import type { ServerResponse } from 'node:http'
import {
  clearCookie,
  type CookieAttributes,
  readCookies,
  readCookiesByPrefix,
  setCookie,
} from '../http/cookies.js'

/** How the session cookie of a place is named and set. */
export interface SessionCookie {
  readonly name: string
  readonly attributes: CookieAttributes
}

/** Browsers take 4096 bytes of name, value and attributes (RFC 6265bis, 5.6); this leaves room for the latter. */
const CHUNK = 3800
/** Beyond it, with what else is in a request, servers refuse the header block. */
const MAX_CHUNKS = 3
/** Of several cookies of our name the further ones are another mount's, or planted. */
const MAX_CANDIDATES = 4

/** Sets the cookie, in several where it is too long for one. `maxAge` in milliseconds. */
export function writeSessionCookie(
  res: ServerResponse,
  cookieHeader: string | undefined,
  cookie: SessionCookie,
  id: string,
  maxAge: number,
): void {
  const { name, attributes } = cookie
  const count = Math.ceil(id.length / CHUNK)
  for (let index = 0; index < count; index++) {
    setCookie(
      res,
      chunkName(name, index),
      id.slice(index * CHUNK, (index + 1) * CHUNK),
      attributes,
      Math.ceil(maxAge / 1000),
    )
  }
  clearFrom(res, cookieHeader, cookie, count)
}

export function clearSessionCookie(
  res: ServerResponse,
  cookieHeader: string | undefined,
  cookie: SessionCookie,
): void {
  clearCookie(res, cookie.name, cookie.attributes)
  clearFrom(res, cookieHeader, cookie, 1)
}

function chunkName(name: string, index: number): string {
  return index === 0 ? name : `${name}.${index}`
}

/** What an earlier, longer session left behind. */
function clearFrom(
  res: ServerResponse,
  cookieHeader: string | undefined,
  { name, attributes }: SessionCookie,
  first: number,
): void {
  const sent = new Set(readCookiesByPrefix(cookieHeader, `${name}.`).map((one) => one.name))
  for (let index = first; index < MAX_CHUNKS; index++)
    if (sent.has(chunkName(name, index))) clearCookie(res, chunkName(name, index), attributes)
}

/** A text as an id that may take several cookies: it says how many, so that one left behind is not read along. `undefined`: too long. */
export function encodeChunks(text: string): string | undefined {
  const count = Math.ceil((text.length + 2) / CHUNK)
  return count <= MAX_CHUNKS ? `${count}.${text}` : undefined
}

/** What {@link encodeChunks} made, put together from the cookies of a request; there may be several. */
export function* readChunkedCookies(
  cookieHeader: string | undefined,
  name: string,
): Generator<{ id: string; text: string }> {
  for (const [mount, first] of readCookies(cookieHeader, name).slice(0, MAX_CANDIDATES).entries()) {
    const count = /^[1-3](?=\.)/.exec(first)?.[0]
    if (count === undefined) continue
    const rest = Array.from({ length: Number(count) - 1 }, (_, index) => {
      const values = readCookies(cookieHeader, chunkName(name, index + 1))
      return values[mount] ?? values[0] ?? ''
    })
    const id = [first, ...rest].join('')
    yield { id, text: id.slice(2) }
  }
}
