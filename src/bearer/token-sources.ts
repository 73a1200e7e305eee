import { isObject, parseJson } from '../http/json.js'
import type { Claims } from '../oauth/identity.js'
import type { EntryRules } from './entry-rules.js'
import type { IssuerClient } from './issuer-client.js'
import { checkNotKeyBound, checkTokenTimes, isForAudience } from './token-claims.js'
import { checkIsAccessToken, TokenError } from './token-kind.js'

/** An issuer, and the entries of `bearer.issuers` for it. */
export interface TokenIssuer {
  readonly client: IssuerClient
  readonly entries: readonly EntryRules[]
}

/** The claims of a token that its issuer has signed, or confirmed. */
export interface CheckedToken {
  readonly claims: Claims
  readonly entry: EntryRules
  readonly client: IssuerClient
}

/** Finds the issuer of a token, and checks the token. */
export class TokenSources {
  readonly #issuers: readonly TokenIssuer[]
  /** Seconds. */
  readonly #clockTolerance: number
  /** `bearer.resource`. */
  readonly #resource: string | undefined

  constructor(
    issuers: readonly TokenIssuer[],
    clockTolerance: number,
    resource: string | undefined,
  ) {
    this.#issuers = issuers
    this.#clockTolerance = clockTolerance
    this.#resource = resource
  }

  /** Throws a {@link TokenError} for a token that is not valid, and the errors of the issuer. */
  async check(token: string, address: string | undefined): Promise<CheckedToken> {
    const unverified = unverifiedClaims(token)
    const issuer = unverified && this.#issuers.find(({ client }) => client.isIssuerOf(unverified))
    if (issuer !== undefined) return this.#checkJwt(token, issuer)
    // A JWT of another issuer must not be sent to ours.
    if (unverified?.['iss'] !== undefined)
      throw new TokenError('no entry of bearer.issuers has the iss of the token')
    return this.#introspect(token, address)
  }

  async #checkJwt(token: string, { client, entries }: TokenIssuer): Promise<CheckedToken> {
    const { claims, type } = await client.verify(token)
    // Decided before by another decoder than that of the signature.
    if (!client.isIssuerOf(claims)) throw new TokenError('the token has an ambiguous iss')
    checkTokenTimes(claims, this.#clockTolerance, true)
    checkIsAccessToken(type, claims, client.issuer)
    checkNotKeyBound(claims)
    return { claims, client, entry: this.#entryFor(claims, entries) }
  }

  /** Asks the issuers of opaque tokens, one after the other. */
  async #introspect(token: string, address: string | undefined): Promise<CheckedToken> {
    const failures: unknown[] = []
    for (const { client, entries } of this.#issuers) {
      const introspected = entries.filter(({ introspection }) => introspection !== undefined)
      const [config] = introspected.flatMap(({ introspection }) => introspection ?? [])
      if (config === undefined) continue
      try {
        const claims = await client.introspect(token, config, address)
        if (claims !== undefined) return this.#confirm(claims, { client, entries: introspected })
      } catch (error) {
        if (error instanceof TokenError) throw error
        failures.push(error)
      }
    }
    // One of them could have accepted the token.
    if (failures.length > 0) throw failures[0]
    throw new TokenError('the token is not a JWT, and no issuer reports it as active')
  }

  #confirm(claims: Claims, { client, entries }: TokenIssuer): CheckedToken {
    const { iss, token_type: type, token_use: use } = claims
    if (iss !== undefined && !client.isIssuerOf(claims) && iss !== client.issuer)
      throw new TokenError('the introspection response has another iss', { isForOwner: true })
    // RFC 7662 endpoints also report refresh tokens as active. (2.1)
    const isOther = [use, claims['typ']].some((kind) => /refresh|offline|id/i.test(textOf(kind)))
    if (isOther || (type !== undefined && !/^(?:bearer|access_token|dpop)$/i.test(textOf(type))))
      throw new TokenError('the issuer reports another kind of token: send the access token')
    checkTokenTimes(claims, this.#clockTolerance, false)
    checkNotKeyBound(claims)
    return { claims, client, entry: this.#entryFor(claims, entries) }
  }

  #entryFor(claims: Claims, entries: readonly EntryRules[]): EntryRules {
    const entry = entries.find(({ audience }) => isForAudience(claims, audience))
    if (entry !== undefined) return entry
    throw new TokenError(this.#audienceHint(claims), { isForOwner: true })
  }

  #audienceHint(claims: Claims): string {
    if (claims['aud'] === undefined)
      return 'the token has no aud: have the issuer set it to the audience of bearer.issuers'
    const resource = this.#resource
    // Clients request tokens for the resource that the metadata names. (RFC 8707)
    return resource !== undefined && isForAudience(claims, [resource])
      ? 'the aud of the token is bearer.resource: add it to the audience of this issuer'
      : 'the aud of the token is not the audience of bearer.issuers'
  }
}

/** The claims of a JWT before its signature is verified; `undefined` for any other token. */
function unverifiedClaims(token: string): Claims | undefined {
  const [header = '', payload = '', signature, ...more] = token.split('.', 5)
  if (signature === undefined || more.length > 0) return undefined
  const { alg } = decode(header) ?? {}
  return alg === undefined ? undefined : decode(payload)
}

function decode(part: string): Claims | undefined {
  const json = parseJson(Buffer.from(part, 'base64url').toString())
  return isObject(json) ? json : undefined
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
