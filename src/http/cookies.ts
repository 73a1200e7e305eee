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
  if (header === undefined) return values
  // Compared in place: the gate reads its cookies at every request.
  for (let start = 0; start < header.length;) {
    const end = endOfPair(header, start)
    const nameAt = afterWhitespace(header, start, end)
    const equals = afterWhitespace(header, nameAt + name.length, end)
    if (equals < end && header.charCodeAt(equals) === EQUALS && header.startsWith(name, nameAt))
      values.push(trimWhitespace(header, equals + 1, end))
    start = end + 1
  }
  return values
}

const EQUALS = 0x3d

function afterWhitespace(value: string, start: number, end: number): number {
  let at = start
  while (at < end && isWhitespace(value.charCodeAt(at))) at++
  return at
}

function endOfPair(header: string, start: number): number {
  const end = header.indexOf(';', start)
  return end === -1 ? header.length : end
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

/** Tells the cookies of a gate from those of the app. */
export interface OwnCookieNames {
  /** What own names start with: compared before a name is cut out, which is slower. */
  readonly prefixes: readonly string[]
  /** Whether a gate reads the cookie of this name. */
  isOwn(name: string): boolean
}

/** A `Cookie` header, separated into the cookies that a gate reads and all others. */
export interface SplitCookies {
  readonly own: string | undefined
  /** As sent, byte for byte, but without the own ones. */
  readonly others: string | undefined
}

/** Separates the cookies of a gate from all others. Pairs without a name are never its own. */
export function splitCookies(header: string, names: OwnCookieNames): SplitCookies {
  let own: string | undefined
  let others = ''
  let keptFrom = 0
  let start = 0
  while (start < header.length) {
    const end = endOfPair(header, start)
    if (isOwnPair(header, start, end, names)) {
      const pair = header.slice(start, end)
      own = own === undefined ? pair : `${own};${pair}`
      others += header.slice(keptFrom, start)
      keptFrom = end + 1
    }
    start = end + 1
  }
  if (own === undefined) return { own, others: header }
  const rest = header.slice(keptFrom)
  // The separator in front of a removed last pair.
  return { own, others: withoutLeadingSpace(rest === '' ? others.slice(0, -1) : others + rest) }
}

function isOwnPair(header: string, from: number, end: number, names: OwnCookieNames): boolean {
  const start = afterWhitespace(header, from, end)
  if (!startsWithAny(header, start, names.prefixes)) return false
  const equals = header.indexOf('=', start)
  return equals !== -1 && equals < end && names.isOwn(trimWhitespace(header, start, equals))
}

function startsWithAny(header: string, start: number, prefixes: readonly string[]): boolean {
  for (const prefix of prefixes) if (header.startsWith(prefix, start)) return true
  return false
}

/** `undefined` if nothing else is left. */
function withoutLeadingSpace(pairs: string): string | undefined {
  const start = afterWhitespace(pairs, 0, pairs.length)
  return start === pairs.length ? undefined : pairs.slice(start)
}

function cookiePairs(header: string): { name: string; value: string }[] {
  const pairs: { name: string; value: string }[] = []
  let start = 0
  while (start < header.length) {
    const end = endOfPair(header, start)
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
  const others = cookieLines(res).filter((line) => nameOfLine(line) !== name)
  res.setHeader('Set-Cookie', [...others, cookie])
}

/** The `Set-Cookie` lines that are set on a response so far. */
export function cookieLines(res: ServerResponse): string[] {
  const present = res.getHeader('Set-Cookie')
  return present === undefined ? [] : [present].flat().map(String)
}

/** The name of the cookie that a `Set-Cookie` line sets. */
export function nameOfLine(line: string): string {
  return line.slice(0, Math.max(0, line.indexOf('='))).trim()
}
