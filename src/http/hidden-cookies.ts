import type { IncomingHttpHeaders } from 'node:http'

/** Shared by all copies of this package: gates of several copies may see one request. */
const hiddenKey = Symbol.for('oauth-module.cookies')

interface HeadersWithCookies extends IncomingHttpHeaders {
  [hiddenKey]?: unknown
}

/** Holds cookies in a private member, so that they are not printed or copied with the request. */
class HiddenCookies {
  readonly #header: string

  constructor(header: string) {
    this.#header = header
  }

  read(): string {
    return this.#header
  }
}

/** The cookies of gates that are no longer in the headers, in the form of a `Cookie` header. */
export function hiddenCookies(headers: HeadersWithCookies): string | undefined {
  const hidden = headers[hiddenKey]
  return isHiddenCookies(hidden) ? hidden.read() : undefined
}

/**
 * Keeps cookies for other gates. A property of the headers, because one of the request would cost
 * more than everything else.
 */
export function hideCookies(headers: IncomingHttpHeaders, cookies: string): void {
  const hidden = joinCookies(hiddenCookies(headers), cookies)
  const value = new HiddenCookies(hidden ?? cookies)
  Object.defineProperty(headers, hiddenKey, { value, configurable: true })
}

/** Joins two `Cookie` headers. */
export function joinCookies(
  first: string | undefined,
  second: string | undefined,
): string | undefined {
  return first === undefined || second === undefined ? (first ?? second) : `${first}; ${second}`
}

/** Not `instanceof`: another copy of this package has another class. */
function isHiddenCookies(value: unknown): value is Pick<HiddenCookies, 'read'> {
  return typeof value === 'object' && value !== null && 'read' in value
}
