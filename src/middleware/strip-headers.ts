import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { distinctHeadersOf, rawHeadersOf } from '../http/request-headers.js'
import type { HeaderNames } from './header-names.js'
import { HiddenHeaderRemover } from './hidden-headers.js'

/**
 * Removes the headers that only the gate may set, in every spelling that an upstream could read as
 * one of them.
 */
export class HeaderStripper {
  readonly #prefixes: readonly string[]
  readonly #names: ReadonlySet<string>
  readonly #firstLetters: ReadonlySet<number>
  readonly #hidden = new HiddenHeaderRemover((name) => this.#isReserved(name))

  constructor({ reservedPrefixes, reservedNames }: HeaderNames) {
    this.#prefixes = reservedPrefixes
    // Upstreams in the style of CGI cannot distinguish `ngrok-auth-` from `ngrok-auth`.
    this.#names = new Set(['ngrok-auth', ...reservedNames])
    this.#firstLetters = new Set([...reservedPrefixes, ...reservedNames].map(firstLetterOf))
  }

  /** Strips `headers`, `headersDistinct`, `rawHeaders`, and the names that `Connection` lists. */
  strip(req: IncomingMessage, headers: IncomingHttpHeaders): void {
    // Middleware before the gate may have removed a name from `headers` only.
    if (this.#isInHeaders(headers) || this.#isInRawHeaders(req.rawHeaders)) this.#stripAll(req)
    this.#hidden.removeFrom(headers)
    const { connection } = headers
    if (connection !== undefined && connection.length > 10) this.#stripConnection(req, connection)
  }

  #isInHeaders(headers: IncomingHttpHeaders): boolean {
    for (const name in headers) if (this.#isReserved(name)) return true
    return false
  }

  /** Test tools that inject requests leave `rawHeaders` out. */
  #isInRawHeaders(raw: readonly string[] | undefined): boolean {
    if (raw === undefined) return false
    for (let index = 0; index < raw.length; index += 2)
      if (this.#isReserved(raw[index] ?? '')) return true
    return false
  }

  /** Compares the first letter before folding the name, which is slower. */
  #isReserved(name: string): boolean {
    if (!this.#firstLetters.has(firstLetterOf(name))) return false
    const folded = foldName(name)
    return this.#names.has(folded) || this.#prefixes.some((prefix) => folded.startsWith(prefix))
  }

  #stripAll(req: IncomingMessage): void {
    for (const headers of [req.headers, distinctHeadersOf(req)])
      for (const name of Object.getOwnPropertyNames(headers))
        if (this.#isReserved(name)) Reflect.deleteProperty(headers, name)
    const raw = rawHeadersOf(req)
    const kept = raw.filter((_, index) => !this.#isReserved(raw[index - (index % 2)] ?? ''))
    raw.splice(0, raw.length, ...kept)
  }

  /**
   * A proxy behind the gate would remove the headers that `Connection` lists (RFC 9110, section
   * 7.6.1).
   */
  #stripConnection(req: IncomingMessage, connection: string): void {
    const tokens = connection.split(',')
    const kept = tokens.filter((token) => !this.#isReserved(token.trim()))
    if (kept.length === tokens.length) return
    const distinct = distinctHeadersOf(req)
    const value = kept.join(',').trim()
    if (value === '') delete req.headers.connection
    else req.headers.connection = value
    if (value === '') delete distinct['connection']
    else distinct['connection'] = [value]
    const raw = rawHeadersOf(req)
    for (let index = 0; index < raw.length; index += 2)
      if (raw[index]?.toLowerCase() === 'connection') raw[index + 1] = value
  }
}

/**
 * How a CGI-style upstream could read the name: everything except letters and digits is one
 * separator.
 */
function foldName(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
}

/** The code of the first letter in lower case. */
function firstLetterOf(name: string): number {
  const code = name.charCodeAt(0) | 0x20
  return code >= 0x61 && code <= 0x7a ? code : foldName(name).charCodeAt(0)
}
