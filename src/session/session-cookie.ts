import type { ServerResponse } from 'node:http'
import {
  clearCookie,
  type CookieAttributes,
  readCookies,
  readCookiesByPrefix,
  setCookie,
} from '../http/cookies.js'

/** The name and the attributes of the session cookie of a mount. */
export interface SessionCookie {
  readonly name: string
  readonly attributes: CookieAttributes
}

/**
 * Browsers accept at least 4096 bytes of name, value and attributes (RFC 6265, section 6.1); this
 * leaves room for name and attributes.
 */
const CHUNK_LENGTH = 3800
/** Servers limit the size of all request headers together. */
const MAX_CHUNKS = 3
/**
 * Cookies with the same name that are read. Further ones belong to other mounts, or an attacker set
 * them.
 */
const MAX_CANDIDATES = 4

/**
 * Sets the session cookie, split into several cookies if the ID is too long for one.
 *
 * @param maxAge Milliseconds.
 */
export function writeSessionCookie(
  res: ServerResponse,
  cookieHeader: string | undefined,
  cookie: SessionCookie,
  id: string,
  maxAge: number,
): void {
  const { name, attributes } = cookie
  const count = Math.ceil(id.length / CHUNK_LENGTH)
  for (let index = 0; index < count; index++) {
    setCookie(
      res,
      chunkName(name, index),
      id.slice(index * CHUNK_LENGTH, (index + 1) * CHUNK_LENGTH),
      attributes,
      Math.ceil(maxAge / 1000),
    )
  }
  clearFrom(res, cookieHeader, cookie, count)
}

/** Clears the session cookie, and all further cookies of a long session. */
export function clearSessionCookie(
  res: ServerResponse,
  cookieHeader: string | undefined,
  cookie: SessionCookie,
): void {
  clearCookie(res, cookie.name, cookie.attributes)
  clearFrom(res, cookieHeader, cookie, 1)
}

/** Whether this is the name of a session cookie, or of a further cookie of a long session. */
export function isSessionCookieName({ name }: SessionCookie, candidate: string): boolean {
  if (!candidate.startsWith(name)) return false
  if (candidate.length === name.length) return true
  for (let index = 1; index < MAX_CHUNKS; index++)
    if (candidate === chunkName(name, index)) return true
  return false
}

function chunkName(name: string, index: number): string {
  return index === 0 ? name : `${name}.${index}`
}

/** Clears the cookies of a longer session, from the index `first` on. */
function clearFrom(
  res: ServerResponse,
  cookieHeader: string | undefined,
  { name, attributes }: SessionCookie,
  first: number,
): void {
  const sent = new Set(readCookiesByPrefix(cookieHeader, `${name}.`).map((cookie) => cookie.name))
  for (let index = first; index < MAX_CHUNKS; index++)
    if (sent.has(chunkName(name, index))) clearCookie(res, chunkName(name, index), attributes)
}

/**
 * Encodes an encrypted session as the ID of a session that may be split into several cookies. It
 * begins with their number, so that a remaining cookie of a longer session is not read. `undefined`
 * if it is too long.
 */
export function encodeChunks(encrypted: string): string | undefined {
  const count = Math.ceil((encrypted.length + 2) / CHUNK_LENGTH)
  return count <= MAX_CHUNKS ? `${count}.${encrypted}` : undefined
}

/**
 * Reads the IDs of {@link encodeChunks} from the cookies of a request. It may have several with the
 * same name.
 */
export function* readChunkedCookies(
  cookieHeader: string | undefined,
  name: string,
): Generator<{ id: string; encrypted: string }> {
  for (const [mount, first] of readCookies(cookieHeader, name).slice(0, MAX_CANDIDATES).entries()) {
    const count = /^[1-3](?=\.)/.exec(first)?.[0]
    if (count === undefined) continue
    const rest = Array.from({ length: Number(count) - 1 }, (_, index) => {
      const values = readCookies(cookieHeader, chunkName(name, index + 1))
      return values[mount] ?? values[0] ?? ''
    })
    const id = [first, ...rest].join('')
    yield { id, encrypted: id.slice(2) }
  }
}
