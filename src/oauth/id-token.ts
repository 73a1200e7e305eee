import { createHash, timingSafeEqual } from 'node:crypto'
import type { CryptoKey, JWK } from 'jose'
import { ProviderError } from '../http/errors.js'
import { isObject, isTooDeep } from '../http/json.js'
import type { Claims } from './identity.js'

/** Keys of an issuer. `refresh` fetches them again, at most once a minute, and says whether it did. */
export interface KeySet {
  keys(): Promise<readonly SigningKey[]>
  refresh(): Promise<boolean>
}

export interface SigningKey {
  readonly jwk: JWK
  readonly imported: Map<string, Promise<CryptoKey | Uint8Array>>
}

export interface JwtExpectations {
  clientId: string
  algorithms: readonly string[]
  /** Seconds. */
  clockTolerance: number
  acceptsIssuer(issuer: string, claims: Claims): boolean
  acceptsKey?: ((key: Claims, claims: Claims) => boolean) | undefined
  /** Whether the token must say when it was made; signed userinfo need not. (OpenID Connect Core, 5.3.2) */
  requiresIssuedAt: boolean
  /** Types a token's header may name; an absent one counts as `jwt`. */
  types: readonly string[]
}

export interface IdTokenExpectations extends JwtExpectations {
  /** What the authorization request sent; `undefined` at a refresh. */
  nonce: string | undefined
  /** Whether the token must hold it: some vendors leave it out. One that is there must fit. */
  requiresNonce: boolean
  accessToken: string
  /** The user must have logged in at this moment or later, in milliseconds, if the token says when. */
  authenticatedSince?: number | undefined
}

/** Algorithms that can be believed with a public key alone; what a provider uses of them is all that counts. */
export const signingAlgorithms: readonly string[] = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519']

/** An ID token that must not be believed. */
export class IdTokenError extends ProviderError {
  constructor(hint: string) {
    super('down', 'provider_error', { hint })
    this.name = 'IdTokenFault'
  }
}

/** No key that is known fits: the token is forged, or the provider has keys that could not be fetched yet. */
export class UnknownKeyError extends ProviderError {
  constructor(hint: string) {
    super('down', 'provider_error', { hint })
    this.name = 'UnknownKeyFault'
  }
}

function reject(hint: string): never {
  throw new IdTokenError(hint)
}

/**
 * The claims of a JWT whose signature, issuer, audience and times are right. (RFC 8725, 3; OpenID Connect Core, 3.1.3.7)
 */
export async function verifyJwt(
  token: unknown,
  keySet: KeySet,
  expected: JwtExpectations,
): Promise<Claims> {
  const jose = await import('jose')
  if (typeof token !== 'string') return reject('the ID token is not a text')
  const header = readHeader(token, jose.decodeProtectedHeader, expected)
  let claims = await verifySignature(jose, token, header, await keySet.keys(), expected)
  // An unknown key: the issuer may have changed its keys a moment ago.
  const isRefreshed = claims === undefined && (await keySet.refresh())
  if (isRefreshed)
    claims = await verifySignature(jose, token, header, await keySet.keys(), expected)
  if (claims === undefined) {
    const hint = 'no key of the provider fits the signature of its ID token'
    // Its new keys may be what could not be fetched: then nothing is known.
    throw isRefreshed ? new IdTokenError(hint) : new UnknownKeyError(hint)
  }
  if (isTooDeep(claims)) reject('the ID token nests too deeply')
  checkClaims(claims, expected)
  return claims
}

/** The claims of an ID token, all of OpenID Connect Core, 3.1.3.7 checked. */
export async function verifyIdToken(
  token: unknown,
  keySet: KeySet,
  expected: IdTokenExpectations,
): Promise<Claims> {
  const claims = await verifyJwt(token, keySet, expected)
  const { sub, nonce, exp } = claims
  if (typeof sub !== 'string' || sub === '' || sub.length > 255 || /[^\x20-\x7e]/.test(sub))
    reject('the ID token has no usable sub')
  if (typeof exp !== 'number') reject('the ID token has no exp')
  const checksNonce =
    expected.nonce !== undefined && (expected.requiresNonce || nonce !== undefined)
  if (checksNonce && !(typeof nonce === 'string' && isEqual(nonce, expected.nonce ?? '')))
    reject('the ID token has another nonce')
  const atHash = claims['at_hash']
  if (atHash !== undefined && atHash !== accessTokenHash(token, expected.accessToken))
    reject('the ID token belongs to another access token')
  const authTime = claims['auth_time']
  if (authTime !== undefined && typeof authTime !== 'number')
    reject('the ID token has a malformed auth_time')
  if (expected.authenticatedSince !== undefined && typeof authTime === 'number') {
    const earliest = expected.authenticatedSince / 1000 - expected.clockTolerance
    if (authTime < earliest) reject('the provider did not log the user in again')
  }
  return claims
}

type Header = { alg: string; kid: string | undefined }

function readHeader(
  token: string,
  decode: (token: string) => Claims,
  { algorithms, types }: JwtExpectations,
): Header {
  let header: Claims
  try {
    header = decode(token)
  } catch {
    return reject('the ID token is malformed')
  }
  const { alg, kid, typ } = header
  if (typeof alg !== 'string' || !algorithms.includes(alg))
    return reject('the ID token is signed with an algorithm that is not allowed')
  if (kid !== undefined && typeof kid !== 'string')
    return reject('the ID token names its key in a malformed way')
  // A token never says itself which key to believe. (RFC 8725, 3.10)
  if (['jwk', 'jku', 'x5u', 'x5c', 'crit'].some((name) => name in header))
    return reject('the ID token brings a key of its own')
  if (!types.includes(typeof typ === 'string' ? typ.toLowerCase() : typ === undefined ? 'jwt' : ''))
    return reject('the token is of another type')
  return { alg, kid }
}

async function verifySignature(
  jose: typeof import('jose'),
  token: string,
  { alg, kid }: Header,
  keys: readonly SigningKey[],
  { acceptsKey }: JwtExpectations,
): Promise<Claims | undefined> {
  const candidates = keys
    .filter(({ jwk }) => (kid === undefined || jwk.kid === kid) && mayVerify(jwk, alg))
    .slice(0, 16)
  for (const { jwk, imported } of candidates) {
    const key = imported.get(alg) ?? jose.importJWK(publicPart(jwk), alg)
    imported.set(alg, key)
    try {
      const { payload } = await jose.compactVerify(token, await key, { algorithms: [alg] })
      const claims: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
      if (isObject(claims) && (acceptsKey?.({ ...jwk }, claims) ?? true)) return claims
    } catch {
      // Not this key; two keys may share an id.
    }
  }
  return undefined
}

function mayVerify(jwk: JWK, alg: string): boolean {
  if (jwk.use !== undefined && jwk.use !== 'sig') return false
  if (jwk.alg !== undefined && jwk.alg !== alg) return false
  if (alg === 'ES256') return jwk.kty === 'EC' && jwk.crv === 'P-256'
  if (alg === 'EdDSA' || alg === 'Ed25519') return jwk.kty === 'OKP' && jwk.crv === 'Ed25519'
  return jwk.kty === 'RSA'
}

function publicPart({ kty, n, e, crv, x, y }: JWK): JWK {
  return JSON.parse(JSON.stringify({ kty, n, e, crv, x, y }))
}

function checkClaims(
  claims: Claims,
  { clientId, acceptsIssuer, clockTolerance, requiresIssuedAt }: JwtExpectations,
): void {
  const { iss, aud, azp, exp, nbf, iat } = claims
  const now = Date.now() / 1000
  if (typeof iss !== 'string' || !acceptsIssuer(iss, claims))
    reject('the ID token is of another issuer')
  const audiences: unknown[] = Array.isArray(aud) ? aud : [aud]
  // Every audience must be us: another one could replay the token here.
  if (audiences.length === 0 || !audiences.every((audience) => audience === clientId))
    reject('the ID token is for somebody else')
  if (azp !== undefined && azp !== clientId) reject('the ID token was issued to somebody else')
  const lacksIat =
    iat === undefined ? requiresIssuedAt : typeof iat !== 'number' || !Number.isFinite(iat)
  if (lacksIat) reject('the ID token has no iat')
  if (Number(iat) > now + clockTolerance)
    reject(
      `the ID token is from the future: the clocks differ by ${Math.round(Number(iat) - now)} s`,
    )
  if (exp !== undefined && !(typeof exp === 'number' && Number.isFinite(exp)))
    reject('the ID token has a malformed exp')
  if (typeof exp === 'number' && exp <= now - clockTolerance)
    reject(`the ID token expired ${Math.round(now - exp)} s ago`)
  if (nbf !== undefined && !(typeof nbf === 'number' && nbf <= now + clockTolerance))
    reject('the ID token is not valid yet')
}

/** Left half of the hash of the access token (OpenID Connect Core, 3.1.3.6); all our algorithms but EdDSA use SHA-256. */
function accessTokenHash(token: unknown, accessToken: string): string {
  const header = JSON.parse(
    Buffer.from(String(token).split('.', 1)[0] ?? '', 'base64url').toString(),
  )
  const digest = createHash(/^Ed/.test(header.alg) ? 'sha512' : 'sha256')
    .update(accessToken)
    .digest()
  return digest.subarray(0, digest.length / 2).toString('base64url')
}

function isEqual(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
