import { ProviderError } from '../http/errors.js'
import { isTooDeep, withoutNull } from '../http/json.js'
import type { ClientConfig } from './client-config.js'
import type { ServerMetadata } from './discovery.js'
import type { Claims } from './identity.js'
import {
  checkHeader,
  checkParties,
  checkTimes,
  IdTokenError,
  type JwtExpectations,
} from './jwt-checks.js'
import { loadJose } from './libraries.js'
import { type SigningKeys, verifyWithSecret } from './signing-keys.js'

/** Where the keys of an issuer come from. */
export interface KeySource {
  /** The key set, fetched when it is first needed. */
  keys(): Promise<SigningKeys>
  /** Fetches the keys again, at most once per minute. Resolves with whether it did. */
  refresh(): Promise<boolean>
}

/** What an ID token of a provider must match; the base for its other tokens. */
export function jwtExpectations(config: ClientConfig, metadata: ServerMetadata): JwtExpectations {
  return {
    tokenName: 'the ID token',
    clientId: config.clientId,
    clientSecret: config.clientSecret,
    algorithms: config.signingAlgorithms ?? metadata.algorithms,
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

/**
 * No known key verifies the signature, and the keys could not be fetched again. The provider may
 * have new keys.
 */
export class UnknownKeyError extends ProviderError {
  constructor(hint: string) {
    super('down', 'provider_error', { hint })
    this.name = 'UnknownKeyError'
  }
}

/**
 * Verifies signature, issuer, audience and times of a JWT. (RFC 8725, 3; OpenID Connect Core,
 * 3.1.3.7)
 *
 * `jose` verifies the signature. The claims are checked here, since the issuer may depend on other
 * claims (Microsoft's `{tenantid}`, Google's issuer without a scheme), another audience is
 * rejected, and hints state by how much clocks differ.
 */
export async function verifyJwt(
  token: unknown,
  keySource: KeySource,
  expected: JwtExpectations,
): Promise<VerifiedJwt> {
  const { tokenName: name } = expected
  const jose = await loadJose()
  if (typeof token !== 'string') throw new IdTokenError(`${name} is not a string`)
  const { algorithm } = checkHeader(token, jose.decodeProtectedHeader, expected)
  const signed =
    algorithm === 'HS256'
      ? await verifySecret(token, expected)
      : await verifyKeys(token, algorithm, keySource, expected)
  if (isTooDeep(signed)) throw new IdTokenError(`${name} is nested too deeply`)
  const claims = withoutNull(signed)
  checkParties(claims, expected)
  checkTimes(claims, expected)
  return { claims, algorithm }
}

/** What the signature of a JWT must match. */
type SignatureExpectations = Pick<
  JwtExpectations,
  'tokenName' | 'algorithms' | 'types' | 'acceptsKey'
>

/** Verifies header and signature of a JWT. Its claims are not checked. */
export async function verifySignature(
  token: string,
  keySource: KeySource,
  expected: SignatureExpectations,
): Promise<{ claims: Claims; type: string }> {
  const jose = await loadJose()
  const { algorithm, type } = checkHeader(token, jose.decodeProtectedHeader, expected)
  const claims = await verifyKeys(token, algorithm, keySource, expected)
  if (isTooDeep(claims)) throw new IdTokenError(`${expected.tokenName} is nested too deeply`)
  return { claims: withoutNull(claims), type }
}

async function verifyKeys(
  token: string,
  algorithm: string,
  keySource: KeySource,
  { tokenName: name, acceptsKey }: Pick<JwtExpectations, 'tokenName' | 'acceptsKey'>,
): Promise<Claims> {
  const verify = async () => (await keySource.keys()).verify(token, algorithm, acceptsKey)
  let claims = await verify()
  // The provider may have rotated its keys. (OpenID Connect Core, 10.1.1)
  const isRefreshed = claims === undefined && (await keySource.refresh())
  if (isRefreshed) claims = await verify()
  if (claims !== undefined) return claims
  const hint = `no key of the provider verifies the signature of ${name}`
  throw isRefreshed ? new IdTokenError(hint) : new UnknownKeyError(hint)
}

async function verifySecret(
  token: string,
  { tokenName: name, clientSecret }: JwtExpectations,
): Promise<Claims> {
  const claims =
    clientSecret === undefined ? undefined : await verifyWithSecret(token, clientSecret)
  if (claims !== undefined) return claims
  throw new IdTokenError(`the option clientSecret does not verify the HS256 signature of ${name}`)
}
