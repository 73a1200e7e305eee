import type { IncomingHttpHeaders } from 'node:http'
import { createPrivateNotes, type PrivateNotes } from './private-notes.js'

/** Shared by all copies and releases of this package: their gates may see one request. */
const key = Symbol.for('oauth-module.cookies')

const shared = globalThis as { [key]?: PrivateNotes<string> }
const hidden = (shared[key] ??= createPrivateNotes())

/** The cookies of gates that are no longer in the headers, in the form of a `Cookie` header. */
export function hiddenCookies(headers: IncomingHttpHeaders): string | undefined {
  return hidden.get(headers)
}

/**
 * Keeps cookies for other gates. In the headers, because a property of the request would cost more
 * than everything else.
 */
export function hideCookies(headers: IncomingHttpHeaders, cookies: string): void {
  hidden.set(headers, joinCookies(hiddenCookies(headers), cookies) ?? cookies)
}

/** Joins two `Cookie` headers. */
export function joinCookies(
  first: string | undefined,
  second: string | undefined,
): string | undefined {
  return first === undefined || second === undefined ? (first ?? second) : `${first}; ${second}`
}
