import type { ServerResponse } from 'node:http'
import { cookieLines, nameOfLine } from '../http/cookies.js'
import type { IncomingGateRequest } from '../http/gate-request.js'
import { isObject } from '../http/json.js'
import { writeSessionCookie } from '../session/session-cookie.js'
import type { OpenSession, Sessions } from '../session/sessions.js'

/**
 * Sets the session cookie again if the ID of the session has changed, as it does with
 * `cookieStore()`.
 */
export function renewCookie(
  sessions: Sessions,
  { res, cookieHeader, mount, now }: IncomingGateRequest,
  before: OpenSession,
  after: OpenSession,
): OpenSession {
  if (after.id !== before.id && res !== undefined && !res.headersSent) {
    const { name } = mount.sessionCookie
    const maxAgeMs = sessions.expiry(after).expiresAt - now
    writeSessionCookie(res, cookieHeader, mount.sessionCookie, after.id, maxAgeMs)
    const isOurs = (cookie: string) => cookie === name || cookie.startsWith(`${name}.`)
    protectHeaders(
      res,
      cookieLines(res).filter((line) => isOurs(nameOfLine(line))),
    )
  }
  return after
}

/**
 * Sends the cookies whatever `Set-Cookie` the app or its upstream sets, in addition to theirs, and
 * forbids caches to store a response with the user's cookie. Headers reach the client only through
 * `writeHead`, which Node calls itself if the app does not.
 */
function protectHeaders(res: ServerResponse, cookies: readonly string[]): void {
  const writeHead: unknown = Reflect.get(res, 'writeHead')
  if (typeof writeHead !== 'function') return
  res.writeHead = function (this: ServerResponse, ...args: unknown[]) {
    const rest = args.filter((arg) => !setHeaders(this, arg))
    const lines = cookieLines(this)
    const names = new Set(lines.map(nameOfLine))
    const missing = cookies.filter((line) => !names.has(nameOfLine(line)))
    this.setHeader('Set-Cookie', [...lines, ...missing])
    this.setHeader('Cache-Control', 'private, no-store')
    Reflect.apply(writeHead, this, rest)
    return this
  }
}

/**
 * Sets the headers that `writeHead` was called with: an object, an array of names and values, or an
 * array of pairs. Returns whether the argument has one of these forms.
 */
function setHeaders(res: ServerResponse, arg: unknown): boolean {
  if (isObject(arg)) {
    for (const [name, value] of Object.entries(arg)) setHeader(res, name, value)
    return true
  }
  if (!Array.isArray(arg)) return false
  const parts: readonly unknown[] = Array.isArray(arg[0]) ? arg.flat() : arg
  // Node reports it.
  if (parts.length % 2 !== 0) return false
  const values = new Map<string, unknown[]>()
  for (let index = 0; index < parts.length; index += 2) {
    const name = String(parts[index]).toLowerCase()
    values.set(name, [values.get(name) ?? [], parts[index + 1]].flat())
  }
  for (const [name, all] of values) setHeader(res, name, all.length === 1 ? all[0] : all)
  return true
}

/** Node validates the value. */
function setHeader(res: ServerResponse, name: string, value: unknown): void {
  res.setHeader(name, value as string | string[])
}
