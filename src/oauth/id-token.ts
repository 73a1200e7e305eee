import { createHash, timingSafeEqual } from 'node:crypto'
import type { Claims } from './identity.js'
import { IdTokenError, type JwtExpectations, type KeySource, verifyJwt } from './jwt.js'

/** What an ID token must match. */
export interface IdTokenExpectations extends JwtExpectations {
  /** The `nonce` of the authorization request; `undefined` at a refresh. */
  nonce: string | undefined
  /** Whether `nonce` is required: some vendors omit it. One that is present must always match. */
  requiresNonce: boolean
  accessToken: string
  /** Rejects an earlier `auth_time`, if there is one. Milliseconds. */
  authenticatedSince?: number | undefined
}

/** Verifies an ID token and returns its claims. (OpenID Connect Core, 3.1.3.7) */
export async function verifyIdToken(
  token: unknown,
  keySource: KeySource,
  expected: IdTokenExpectations,
): Promise<Claims> {
  const { claims, algorithm } = await verifyJwt(token, keySource, expected)
  const { sub, exp, at_hash: atHash } = claims
  if (typeof sub !== 'string' || sub === '' || sub.length > 255 || /[^\x20-\x7e]/.test(sub))
    throw new IdTokenError('the ID token has no valid sub')
  if (exp === undefined) throw new IdTokenError('the ID token has no exp')
  checkNonce(claims, expected)
  if (atHash !== undefined && atHash !== accessTokenHash(expected.accessToken, algorithm))
    throw new IdTokenError('the at_hash of the ID token does not match the access token')
  checkAuthTime(claims, expected)
  return claims
}

function checkNonce(
  { nonce: actual }: Claims,
  { nonce, requiresNonce }: IdTokenExpectations,
): void {
  if (nonce === undefined || (actual === undefined && !requiresNonce)) return
  if (typeof actual !== 'string' || !isEqual(actual, nonce))
    throw new IdTokenError('the ID token has an unexpected nonce')
}

function checkAuthTime(
  { auth_time: authTime }: Claims,
  { authenticatedSince, clockTolerance }: IdTokenExpectations,
): void {
  if (authTime === undefined) return
  if (typeof authTime !== 'number') throw new IdTokenError('the ID token has a malformed auth_time')
  if (authenticatedSince !== undefined && authTime < authenticatedSince / 1000 - clockTolerance)
    throw new IdTokenError('the provider did not authenticate the user again')
}

/** `at_hash`: the left half of the hash with the algorithm's hash function. (OpenID Connect Core, 3.1.3.6) */
function accessTokenHash(accessToken: string, algorithm: string): string {
  // Ed25519 uses SHA-512, all other allowed algorithms SHA-256. (RFC 8032, 5.1)
  const digest = createHash(algorithm.startsWith('Ed') ? 'sha512' : 'sha256')
    .update(accessToken)
    .digest()
  return digest.subarray(0, digest.length / 2).toString('base64url')
}

function isEqual(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
