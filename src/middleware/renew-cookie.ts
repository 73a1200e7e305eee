import type { ServerResponse } from 'node:http'
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
  { req, res, mount, now }: IncomingGateRequest,
  before: OpenSession,
  after: OpenSession,
): OpenSession {
  if (after.id !== before.id && res !== undefined && !res.headersSent) {
    const maxAgeMs = sessions.expiry(after).expiresAt - now
    writeSessionCookie(res, req.headers.cookie, mount.sessionCookie, after.id, maxAgeMs)
    forbidStoring(res)
  }
  return after
}

/**
 * Caches must not store a response with the user's cookie, whatever `Cache-Control` the app sets.
 */
function forbidStoring(res: ServerResponse): void {
  const writeHead: unknown = Reflect.get(res, 'writeHead')
  if (typeof writeHead !== 'function') return
  res.writeHead = function (this: ServerResponse, ...args: unknown[]) {
    this.setHeader('Cache-Control', 'private, no-store')
    Reflect.apply(writeHead, this, args.map(withoutCacheControl))
    return this
  }
}

/**
 * `writeHead` accepts headers as an object, as an array of names and values, or as an array of
 * pairs.
 */
function withoutCacheControl(arg: unknown): unknown {
  const isOther = (name: unknown) => !/^cache-control$/i.test(String(name))
  if (isObject(arg))
    return Object.fromEntries(Object.entries(arg).filter(([name]) => isOther(name)))
  if (!Array.isArray(arg)) return arg
  const parts: readonly unknown[] = arg
  return Array.isArray(parts[0])
    ? parts.filter((pair) => isOther(Array.isArray(pair) ? pair[0] : pair))
    : parts.filter((_, index) => isOther(parts[index - (index % 2)]))
}
