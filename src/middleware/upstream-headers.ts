import type { IncomingHttpHeaders } from 'node:http'
import type { UserProfile } from '../access/user.js'
import { createPrivateNotes } from '../http/private-notes.js'
import type { UpstreamHeadersConfig } from '../options/config.js'
import type { Logger } from '../options/options.js'
import type { HeaderNames, HeaderTokens, HeaderUser, TokenName } from './header-names.js'
import { HiddenHeaders } from './hidden-headers.js'

/**
 * Characters. With longer values a request could exceed the 16 KiB that Node and most proxies
 * accept.
 */
const MAX_VALUE_LENGTH = 1024
/** Of all memberships together. */
const MAX_LIST_LENGTH = 4096

interface EncodedHeaders {
  readonly matched: HeaderUser['matched']
  readonly headers: readonly (readonly [name: string, value: string])[]
}

/** Sets the identity headers for the app and for a proxy behind the gate. */
export class UpstreamHeaders {
  readonly #config: UpstreamHeadersConfig
  readonly #names: HeaderNames
  readonly #logger: Logger
  /** The tokens for headers. One per instance: with nested gates each decrypts its own tokens. */
  readonly #tokens = createPrivateNotes<HeaderTokens>()
  readonly #accessors: PropertyDescriptorMap
  /** `undefined` if proxies copy the tokens. */
  readonly #hiddenTokens: HiddenHeaders | undefined
  /** Requests of a session in memory share the user object, so its values are encoded once. */
  readonly #encoded = new WeakMap<UserProfile, EncodedHeaders>()

  /** The headers of which a value was too long. */
  readonly #tooLong = new Set<string>()

  constructor(config: UpstreamHeadersConfig, names: HeaderNames, logger: Logger) {
    this.#config = config
    this.#names = names
    this.#logger = logger
    this.#accessors = this.#tokenAccessors()
    const isHidden = config.forwardTokens === 'hidden' && names.tokens.access !== undefined
    this.#hiddenTokens = isHidden ? new HiddenHeaders(this.#accessors) : undefined
  }

  /** Sets the headers of a user with a session. */
  set(
    headers: IncomingHttpHeaders,
    user: UserProfile,
    matched: HeaderUser['matched'],
    tokens: HeaderTokens,
  ): void {
    for (const [name, value] of this.#encode({ user, matched })) headers[name] = value
    const { forwardTokens, managed } = this.#config
    if (forwardTokens === false || managed.has(user.provider)) return
    if (tokens.headerTokens.length === 0) return
    this.#tokens.set(headers, tokens)
    if (this.#hiddenTokens !== undefined) return this.#hiddenTokens.addTo(headers)
    for (const token of tokens.headerTokens) {
      const name = this.#names.tokens[token]
      const accessor = name === undefined ? undefined : this.#accessors[name]
      if (name !== undefined && accessor !== undefined)
        Object.defineProperty(headers, name, accessor)
    }
  }

  /** Sets the headers of a user with an access token, which is not for the provider's API. */
  setForToken(headers: IncomingHttpHeaders, described: HeaderUser): void {
    for (const [name, value] of this.#encode(described)) headers[name] = value
  }

  #encode(described: HeaderUser): EncodedHeaders['headers'] {
    const { user, matched } = described
    const known = this.#encoded.get(user)
    if (known !== undefined && known.matched === matched) return known.headers
    const headers = this.#names.values.flatMap(([name, read]) => {
      const value = this.#valueOf(name, read(described, this.#config))
      return value === '' ? [] : [[name, value] as const]
    })
    this.#encoded.set(user, { matched, headers })
    return headers
  }

  /** `''` if there is no value, or if it is too long. */
  #valueOf(name: string, value: string | readonly string[] = ''): string {
    const isList = typeof value !== 'string'
    const encoded = isList ? encodeList(value) : encodeValue(value)
    const max = isList ? MAX_LIST_LENGTH : MAX_VALUE_LENGTH
    if (encoded.length <= max) return encoded
    if (!this.#tooLong.has(name))
      this.#logger.warn(
        `the header ${name} is left out for users whose value is longer than ${max} characters: read it from req.user instead`,
      )
    this.#tooLong.add(name)
    return ''
  }

  /** By the name of the header. */
  #tokenAccessors(): PropertyDescriptorMap {
    const tokens: TokenName[] =
      this.#config.forwardTokens === 'access' ? ['access'] : ['access', 'refresh']
    return Object.fromEntries(
      tokens.flatMap((token) => {
        const name = this.#names.tokens[token]
        return name === undefined ? [] : [[name, this.#tokenAccessor(name, token)]]
      }),
    )
  }

  /**
   * Other requests do not pay for the decryption of a token. One accessor serves all requests,
   * because V8 keeps objects with individual accessors in a slower form.
   */
  #tokenAccessor(name: string, token: TokenName): PropertyDescriptor {
    const notes = this.#tokens
    const accessor: PropertyDescriptor & ThisType<object> = {
      enumerable: this.#config.forwardTokens !== 'hidden',
      configurable: true,
      get() {
        const tokens = notes.get(this)
        return tokens?.headerTokens.includes(token) ? tokens.decryptToken(token) : undefined
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
}

/** Percent-encodes `%` and everything except printable ASCII, as UTF-8. */
function encodeValue(value: string): string {
  const plain = /^[\x20-\x24\x26-\x7e]*$/.test(value)
    ? value
    : value.replace(/[^\x20-\x24\x26-\x7e]/gu, percentEncode)
  return plain.trim()
}

/** Separates the values by commas, and percent-encodes those within them. */
function encodeList(values: readonly string[]): string {
  return values.map((value) => encodeValue(value).replaceAll(',', '%2C')).join(',')
}

function percentEncode(character: string): string {
  return [...Buffer.from(character)]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('')
}
