import type { ServerResponse } from 'node:http'
import { serialize } from 'cookie'

/** How cookies are set. All of them are `HttpOnly`. */
export interface CookieAttributes {
  path: string
  domain?: string | undefined
  secure: boolean
  sameSite: 'lax' | 'none'
}

/**
 * The values of all cookies with exactly this name, in the order sent. Only spaces and tabs are
 * trimmed (RFC 6265, 5.2): trimming all Unicode whitespace would accept other names as well.
 */
export function readCookies(header: string | undefined, name: string): string[] {
  const values: string[] = []
  if (header === undefined || !header.includes(name)) return values
  for (const pair of cookiePairs(header)) if (pair.name === name) values.push(pair.value)
  return values
}

/**
 * The cookies with names that start with `prefix`, in the order sent: browsers send the oldest
 * first.
 */
export function readCookiesByPrefix(
  header: string | undefined,
  prefix: string,
): { name: string; value: string }[] {
  if (header === undefined || !header.includes(prefix)) return []
  return cookiePairs(header).filter((pair) => pair.name.startsWith(prefix))
}

function cookiePairs(header: string): { name: string; value: string }[] {
  const pairs: { name: string; value: string }[] = []
  let start = 0
  while (start < header.length) {
    let end = header.indexOf(';', start)
    if (end === -1) end = header.length
    const equals = header.indexOf('=', start)
    if (equals !== -1 && equals < end) {
      pairs.push({
        name: trimWhitespace(header, start, equals),
        value: trimWhitespace(header, equals + 1, end),
      })
    }
    start = end + 1
  }
  return pairs
}

function trimWhitespace(value: string, start: number, end: number): string {
  while (start < end && isWhitespace(value.charCodeAt(start))) start++
  while (end > start && isWhitespace(value.charCodeAt(end - 1))) end--
  return value.slice(start, end)
}

function isWhitespace(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/** Adds a cookie to the response, in place of one with the same name. `maxAge` is in seconds. */
export function setCookie(
  res: ServerResponse,
  name: string,
  value: string,
  attributes: CookieAttributes,
  maxAge: number,
): void {
  appendCookie(res, name, cookieLine(name, value, attributes, { maxAge }))
}

/**
 * Deletes a cookie. Takes the attributes that it was set with: browsers ignore the deletion
 * otherwise.
 */
export function clearCookie(res: ServerResponse, name: string, attributes: CookieAttributes): void {
  appendCookie(res, name, cookieLine(name, '', attributes, { maxAge: 0, expires: new Date(0) }))
}

function cookieLine(
  name: string,
  value: string,
  { path, domain, secure, sameSite }: CookieAttributes,
  lifetime: { maxAge: number; expires?: Date },
): string {
  return serialize(name, value, {
    path,
    secure,
    sameSite,
    httpOnly: true,
    ...lifetime,
    ...(domain !== undefined && { domain }),
  })
}

function appendCookie(res: ServerResponse, name: string, cookie: string): void {
  const present = res.getHeader('Set-Cookie')
  const lines = Array.isArray(present) ? present : present === undefined ? [] : [String(present)]
  const others = lines.filter((other) => !other.startsWith(`${name}=`))
  res.setHeader('Set-Cookie', [...others, cookie])
}
