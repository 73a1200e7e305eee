import type { IncomingHttpHeaders } from 'node:http'
import type { OAuthUser } from '../access/user.js'
import type { UpstreamHeadersConfig } from '../options/config.js'
import type { HeaderNames, HeaderTokens, HeaderUser, TokenName } from './header-names.js'

/**
 * Characters. With longer values a request could exceed the 16 KiB that Node and most proxies
 * accept.
 */
const MAX_VALUE_LENGTH = 1024

interface EncodedHeaders {
  readonly matched: HeaderUser['matched']
  readonly headers: readonly (readonly [name: string, value: string])[]
}

/** Sets the identity headers for the app and for a proxy behind the gate. */
export class UpstreamHeaders {
  readonly #config: UpstreamHeadersConfig
  readonly #names: HeaderNames
  /**
   * The key of a request's tokens in its headers. One per instance: with nested gates each decrypts
   * its own tokens.
   */
  readonly #tokensKey = Symbol('oauth-module tokens')
  readonly #accessors: Readonly<Record<TokenName, PropertyDescriptor | undefined>>
  /** Requests of a session in memory share the user object, so its values are encoded once. */
  readonly #encoded = new WeakMap<OAuthUser, EncodedHeaders>()

  constructor(config: UpstreamHeadersConfig, names: HeaderNames) {
    this.#config = config
    this.#names = names
    this.#accessors = {
      access: tokenAccessor(this.#names.tokens.access, 'access', this.#tokensKey),
      refresh: tokenAccessor(this.#names.tokens.refresh, 'refresh', this.#tokensKey),
    }
  }

  /** Sets the headers of a user with a session. */
  set(
    headers: IncomingHttpHeaders,
    user: OAuthUser,
    matched: HeaderUser['matched'],
    tokens: HeaderTokens,
  ): void {
    for (const [name, value] of this.#encode(user, matched)) headers[name] = value
    const { forwardTokens, managed } = this.#config
    if (forwardTokens === 'none' || managed.has(user.provider)) return
    for (const token of tokens.headerTokens)
      if (token === 'access' || forwardTokens === 'all') this.#defineToken(headers, token, tokens)
  }

  #encode(user: OAuthUser, matched: HeaderUser['matched']): EncodedHeaders['headers'] {
    const known = this.#encoded.get(user)
    if (known !== undefined && known.matched === matched) return known.headers
    const headers = this.#names.values.flatMap(([name, read]) => {
      const value = encodeValue(read({ user, matched }, this.#config))
      return value === undefined ? [] : [[name, value] as const]
    })
    this.#encoded.set(user, { matched, headers })
    return headers
  }

  #defineToken(headers: IncomingHttpHeaders, token: TokenName, tokens: HeaderTokens): void {
    const name = this.#names.tokens[token]
    const accessor = this.#accessors[token]
    if (name === undefined || accessor === undefined) return
    Object.defineProperty(headers, this.#tokensKey, { value: tokens, configurable: true })
    Object.defineProperty(headers, name, accessor)
  }
}

/**
 * An enumerable accessor: a copy of the headers contains the token, and other requests do not pay
 * for its decryption. One accessor serves all requests, because V8 keeps objects with individual
 * accessors in a slower form.
 */
function tokenAccessor(
  name: string | undefined,
  token: TokenName,
  tokensKey: symbol,
): PropertyDescriptor | undefined {
  if (name === undefined) return undefined
  const accessor: PropertyDescriptor & ThisType<Record<symbol, HeaderTokens | undefined>> = {
    enumerable: true,
    configurable: true,
    get() {
      return this[tokensKey]?.decryptToken(token)
    },
    set(value: unknown) {
      Object.defineProperty(this, name, {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      })
    },
  }
  return accessor
}

/**
 * Percent-encodes `%` and everything except printable ASCII, as UTF-8. `undefined` for empty and
 * too long values.
 */
function encodeValue(value: string | undefined): string | undefined {
  if (value === undefined || value === '') return undefined
  const plain = /^[\x20-\x24\x26-\x7e]*$/.test(value)
    ? value
    : value.replace(/[^\x20-\x24\x26-\x7e]/gu, percentEncode)
  const trimmed = plain.trim()
  return trimmed === '' || trimmed.length > MAX_VALUE_LENGTH ? undefined : trimmed
}

function percentEncode(character: string): string {
  return [...Buffer.from(character)]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('')
}
