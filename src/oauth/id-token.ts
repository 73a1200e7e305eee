import { timingSafeEqual } from 'node:crypto'
import type { Claims } from './identity.js'
import { IdTokenError, type JwtExpectations } from './jwt-checks.js'
import { type KeySource, verifyJwt } from './jwt.js'
import { accessTokenHash } from './signing-algorithms.js'

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
    throw new IdTokenError(
      'the ID token has no valid sub: expected a string of at most 255 ASCII characters',
    )
  if (exp === undefined) throw new IdTokenError('the ID token has no exp')
  checkNonce(claims, expected)
  if (atHash !== undefined && atHash !== accessTokenHash(expected.accessToken, algorithm))
    throw new IdTokenError('the at_hash of the ID token does not match the access token')
  return withAuthTime(claims, expected)
}

function checkNonce(
  { nonce: actual }: Claims,
  { nonce, requiresNonce }: IdTokenExpectations,
): void {
  if (nonce === undefined || (actual === undefined && !requiresNonce)) return
  if (typeof actual !== 'string' || !isEqual(actual, nonce))
    throw new IdTokenError('the ID token has an unexpected nonce')
}

/**
 * Checks `auth_time`, which some providers send as a string of digits, and returns the claims with
 * a number.
 */
function withAuthTime(
  claims: Claims,
  { authenticatedSince, clockTolerance }: IdTokenExpectations,
): Claims {
  const { auth_time: sent } = claims
  if (sent === undefined) return claims
  const authTime = typeof sent === 'string' && /^\d{1,12}$/.test(sent) ? Number(sent) : sent
  if (typeof authTime !== 'number')
    throw new IdTokenError('the auth_time of the ID token is not a number of seconds')
  if (authenticatedSince !== undefined && authTime < authenticatedSince / 1000 - clockTolerance)
    throw new IdTokenError('the provider did not authenticate the user again')
  return { ...claims, auth_time: authTime }
}

function isEqual(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
