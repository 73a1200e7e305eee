import { ProviderError } from '../http/errors.js'
import { withoutNull } from '../http/json.js'
import type { Claims } from './identity.js'
import { canonicalAlgorithm, isSigningAlgorithm, SIGNING_ALGORITHMS } from './signing-algorithms.js'
import type { AcceptsKey } from './signing-keys.js'

/** What a signed token of a provider must match. */
export interface JwtExpectations {
  /** For hints, such as `the ID token`. */
  tokenName: string
  clientId: string
  /** The key of `HS256`. */
  clientSecret: string | undefined
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

/** An ID token, logout token or signed userinfo response that failed verification. */
export class IdTokenError extends ProviderError {
  constructor(hint: string) {
    super('unusable', 'provider_error', { hint })
    this.name = 'IdTokenError'
  }
}

/** The members of a header that decide how a token is verified. */
export interface JwtHeader {
  algorithm: string
  /** In lower case, without the prefix `application/`; `jwt` if it is absent. */
  type: string
}

/** Checks the protected header. */
export function checkHeader(
  token: string,
  decode: (token: string) => Claims,
  {
    tokenName: name,
    algorithms,
    types,
  }: Pick<JwtExpectations, 'tokenName' | 'algorithms' | 'types'>,
): JwtHeader {
  let header: Claims
  try {
    header = withoutNull(decode(token))
  } catch {
    throw new IdTokenError(`${name} is malformed`)
  }
  const { alg, kid, typ = 'jwt', enc } = header
  if (enc !== undefined)
    throw new IdTokenError(`${name} is encrypted, which is not supported: set the provider to sign`)
  if (typeof alg !== 'string' || !algorithms.includes(canonicalAlgorithm(alg)))
    throw new IdTokenError(`${name} ${describeAlgorithm(alg, algorithms)}`)
  if (kid !== undefined && typeof kid !== 'string' && typeof kid !== 'number')
    throw new IdTokenError(`${name} has a malformed kid`)
  // Keys come from the provider's key set only, never from the token. (RFC 8725, 3.10)
  const forbidden = ['jwk', 'jku', 'x5u', 'x5c', 'crit'].find((parameter) => parameter in header)
  if (forbidden !== undefined)
    throw new IdTokenError(`the header of ${name} contains ${forbidden}, which is not allowed`)
  // The prefix may be left out. (RFC 7515, 4.1.9)
  const type = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : ''
  if (!types.includes(type))
    throw new IdTokenError(
      `${name} has the typ ${shown(type)} in its header; expected ${types.join(' or ')}`,
    )
  return { algorithm: alg, type }
}

/** The algorithm found, those allowed, and the option that allows it. */
function describeAlgorithm(alg: unknown, algorithms: readonly string[]): string {
  const found = typeof alg === 'string' ? canonicalAlgorithm(alg) : ''
  const problem = `is signed with ${shown(found)}; allowed are ${algorithms.join(', ') || 'none'}`
  return isSigningAlgorithm(found)
    ? `${problem}: if the provider is meant to use it, set signingAlgorithms: ['${found}']`
    : problem
}

const REGISTERED_VALUES: ReadonlySet<string> = new Set([
  ...SIGNING_ALGORITHMS,
  ...['HS384', 'HS512', 'none', 'jwt', 'at+jwt', 'logout+jwt'],
])

/** A short well-formed value of the header, for hints. Quoted if it may be made up. */
function shown(value: string): string {
  if (REGISTERED_VALUES.has(value)) return value
  return /^[A-Za-z0-9.+_-]{1,32}$/.test(value) ? JSON.stringify(value) : 'a malformed value'
}

/** Checks the issuer and the audience. */
export function checkParties(
  claims: Claims,
  { tokenName: name, clientId, acceptsIssuer }: JwtExpectations,
): void {
  const { iss, aud, azp } = claims
  if (typeof iss !== 'string' || !acceptsIssuer(iss, claims))
    throw new IdTokenError(`${name} has an unexpected iss`)
  const isOurs = (value: unknown) => value === clientId || isNumberOf(value, clientId)
  const audiences: unknown[] = Array.isArray(aud) ? aud : [aud]
  if (!audiences.some(isOurs))
    throw new IdTokenError(`${name} does not contain the client id in aud: is clientId correct?`)
  if (azp !== undefined && !isOurs(azp))
    throw new IdTokenError(`${name} has an azp other than the client id`)
  // Another audience could replay the token here, unless it was issued to us. (OpenID Connect Core,
  // 3.1.3.7, 3. to 5.)
  if (azp === undefined && !audiences.every(isOurs))
    throw new IdTokenError(
      `${name} has several audiences in aud: set the provider to send the client id alone, or in azp`,
    )
}

/** Whether a number is a client id, which some providers send without quotes. */
function isNumberOf(value: unknown, clientId: string): boolean {
  return Number.isSafeInteger(value) && String(value) === clientId
}

/** Checks `exp`, `nbf` and `iat`. (RFC 7519, 4.1) */
export function checkTimes(
  claims: Claims,
  expected: Pick<JwtExpectations, 'tokenName' | 'clockTolerance' | 'requiresIssuedAt'>,
): void {
  const { exp, nbf, iat } = claims
  const { tokenName: name, clockTolerance, requiresIssuedAt } = expected
  const now = Date.now() / 1000
  if (iat === undefined ? requiresIssuedAt : !isTime(iat))
    throw new IdTokenError(`${name} has no valid iat`)
  if (isTime(iat) && iat > now + clockTolerance)
    throw new IdTokenError(
      `${name} was issued in the future: the clocks differ by ${Math.round(iat - now)} s. ${CLOCKS}`,
    )
  if (exp !== undefined && !isTime(exp)) throw new IdTokenError(`${name} has a malformed exp`)
  if (isTime(exp) && exp <= now - clockTolerance)
    throw new IdTokenError(`${name} expired ${Math.round(now - exp)} s ago. ${CLOCKS}`)
  if (nbf !== undefined && !isTime(nbf)) throw new IdTokenError(`${name} has a malformed nbf`)
  if (isTime(nbf) && nbf > now + clockTolerance)
    throw new IdTokenError(`${name} is not valid for another ${Math.round(nbf - now)} s. ${CLOCKS}`)
}

const CLOCKS = 'Synchronize the clocks of this server and of the provider'

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
