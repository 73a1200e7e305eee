import { ProviderError } from '../http/errors.js'
import { isTooDeep } from '../http/json.js'
import type { ClientConfig } from './client-config.js'
import type { ServerMetadata } from './discovery.js'
import type { Claims } from './identity.js'
import type { AcceptsKey, SigningKeys } from './signing-keys.js'

/** Where the keys of an issuer come from. */
export interface KeySource {
  /** The key set, fetched when it is first needed. */
  keys(): Promise<SigningKeys>
  /** Fetches the keys again, at most once per minute. Resolves with whether it did. */
  refresh(): Promise<boolean>
}

/** What a signed token of a provider must match. */
export interface JwtExpectations {
  /** For hints, such as `the ID token`. */
  tokenName: string
  clientId: string
  algorithms: readonly string[]
  /** Seconds. */
  clockTolerance: number
  acceptsIssuer: (issuer: string, claims: Claims) => boolean
  acceptsKey: AcceptsKey | undefined
  /** Whether `iat` is required. Signed userinfo may omit it. (OpenID Connect Core, 5.3.2) */
  requiresIssuedAt: boolean
  /** Accepted values of `typ`, in lower case. Without `typ` a token is a `jwt`. (RFC 8725, 3.11) */
  types: readonly string[]
}

/** What an ID token of a provider must match; the base for its other tokens. */
export function jwtExpectations(config: ClientConfig, metadata: ServerMetadata): JwtExpectations {
  return {
    tokenName: 'the ID token',
    clientId: config.clientId,
    algorithms: metadata.algorithms,
    clockTolerance: config.clockTolerance,
    acceptsIssuer: (issuer, claims) =>
      config.acceptsIssuer?.(issuer, claims, metadata.issuer ?? '') ?? issuer === metadata.issuer,
    acceptsKey: config.acceptsKey,
    requiresIssuedAt: true,
    types: ['jwt'],
  }
}

/** A token whose signature and claims are verified. */
export interface VerifiedJwt {
  claims: Claims
  algorithm: string
}

/** An ID token, logout token or signed userinfo response that failed verification. */
export class IdTokenError extends ProviderError {
  constructor(hint: string) {
    super('down', 'provider_error', { hint })
    this.name = 'IdTokenError'
  }
}

/** No known key verifies the signature, and the keys could not be fetched again. The provider may have new keys. */
export class UnknownKeyError extends ProviderError {
  constructor(hint: string) {
    super('down', 'provider_error', { hint })
    this.name = 'UnknownKeyError'
  }
}

/**
 * Verifies signature, issuer, audience and times of a JWT. (RFC 8725, 3; OpenID Connect Core, 3.1.3.7)
 *
 * `jose` verifies the signature. The claims are checked here, since the issuer may depend on other claims (Microsoft's
 * `{tenantid}`, Google's issuer without a scheme), another audience is rejected, and hints state by how much clocks differ.
 */
export async function verifyJwt(
  token: unknown,
  keySource: KeySource,
  expected: JwtExpectations,
): Promise<VerifiedJwt> {
  const { tokenName: name } = expected
  const jose = await import('jose')
  if (typeof token !== 'string') throw new IdTokenError(`${name} is not a string`)
  const algorithm = checkHeader(token, jose.decodeProtectedHeader, expected)
  const verify = async () => (await keySource.keys()).verify(token, algorithm, expected.acceptsKey)
  let claims = await verify()
  // The provider may have rotated its keys. (OpenID Connect Core, 10.1.1)
  const isRefreshed = claims === undefined && (await keySource.refresh())
  if (isRefreshed) claims = await verify()
  if (claims === undefined) {
    const hint = `no key of the provider verifies the signature of ${name}`
    throw isRefreshed ? new IdTokenError(hint) : new UnknownKeyError(hint)
  }
  if (isTooDeep(claims)) throw new IdTokenError(`${name} is nested too deeply`)
  checkParties(claims, expected)
  checkTimes(claims, expected)
  return { claims, algorithm }
}

/** Checks the protected header and returns the algorithm. */
function checkHeader(
  token: string,
  decode: (token: string) => Claims,
  { tokenName: name, algorithms, types }: JwtExpectations,
): string {
  let header: Claims
  try {
    header = decode(token)
  } catch {
    throw new IdTokenError(`${name} is malformed`)
  }
  const { alg, kid, typ } = header
  if (typeof alg !== 'string' || !algorithms.includes(alg))
    throw new IdTokenError(`${name} is signed with an algorithm that is not allowed`)
  if (kid !== undefined && typeof kid !== 'string')
    throw new IdTokenError(`${name} has a malformed kid`)
  // Keys come from the provider's key set only, never from the token. (RFC 8725, 3.10)
  const forbidden = ['jwk', 'jku', 'x5u', 'x5c', 'crit'].find((parameter) => parameter in header)
  if (forbidden !== undefined)
    throw new IdTokenError(`the header of ${name} contains ${forbidden}, which is not allowed`)
  const type = typ === undefined ? 'jwt' : typ
  if (typeof type !== 'string' || !types.includes(type.toLowerCase()))
    throw new IdTokenError(`${name} has an unexpected typ`)
  return alg
}

/** Checks the issuer and the audience. */
function checkParties(
  claims: Claims,
  { tokenName: name, clientId, acceptsIssuer }: JwtExpectations,
): void {
  const { iss, aud, azp } = claims
  if (typeof iss !== 'string' || !acceptsIssuer(iss, claims))
    throw new IdTokenError(`${name} has an unexpected iss`)
  const audiences: unknown[] = Array.isArray(aud) ? aud : [aud]
  // Another audience could replay the token here. (OpenID Connect Core, 3.1.3.7, 3.)
  if (audiences.length === 0 || !audiences.every((audience) => audience === clientId))
    throw new IdTokenError(`${name} has an aud other than the client id`)
  if (azp !== undefined && azp !== clientId)
    throw new IdTokenError(`${name} has an azp other than the client id`)
}

function checkTimes(claims: Claims, expected: JwtExpectations): void {
  const { exp, nbf, iat } = claims
  const { tokenName: name, clockTolerance, requiresIssuedAt } = expected
  const now = Date.now() / 1000
  if (iat === undefined ? requiresIssuedAt : !isTime(iat))
    throw new IdTokenError(`${name} has no valid iat`)
  if (isTime(iat) && iat > now + clockTolerance)
    throw new IdTokenError(
      `${name} was issued in the future: the clocks differ by ${Math.round(iat - now)} s`,
    )
  if (exp !== undefined && !isTime(exp)) throw new IdTokenError(`${name} has a malformed exp`)
  if (isTime(exp) && exp <= now - clockTolerance)
    throw new IdTokenError(`${name} expired ${Math.round(now - exp)} s ago`)
  if (nbf !== undefined && !isTime(nbf)) throw new IdTokenError(`${name} has a malformed nbf`)
  if (isTime(nbf) && nbf > now + clockTolerance)
    throw new IdTokenError(`${name} is not valid for another ${Math.round(nbf - now)} s`)
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
