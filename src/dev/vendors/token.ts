import { createHash } from 'node:crypto'
import type { Exchange, Vendor } from './vendor.js'
import type { VendorUser } from './types.js'
import type { Grant } from './grants.js'
import { isClientAuthenticated } from './client-auth.js'

/** How a vendor's token endpoint differs from RFC 6749. */
export interface TokenRules {
  accessTokenPrefix?: string
  refreshTokenPrefix?: string
  /** Whether a code and a refresh token require the redirect URI. If sent, it must be the same. */
  redirectUri?: { code?: boolean; refresh?: boolean }
  /** The method of a challenge without one. Default: `plain` (RFC 7636, section 4.3). */
  defaultChallengeMethod?: 'S256' | 'plain'
  /** The vendor does not support PKCE. */
  ignoresPkce?: boolean
  /** Tokens never expire, regardless of the settings. */
  neverExpires?: boolean
  /** Whether this grant has a refresh token. Default: yes. */
  hasRefreshToken?(grant: Grant): boolean
  /** Whether refreshing revokes the earlier access tokens. */
  refreshEndsAccessTokens?: boolean
  /** Whether the old refresh token stays valid after a rotation. */
  keepsOldRefreshToken?: boolean
}

/** A rejected token request. */
export interface TokenFailure {
  error:
    | 'invalid_client'
    | 'invalid_grant'
    | 'invalid_request'
    | 'unsupported_grant_type'
    | 'redirect_uri_mismatch'
  description: string
  /** The `grant_type` of the request. */
  grantType: string
}

/** The tokens of an accepted token request. */
export interface TokenSuccess {
  error?: undefined
  grantType: 'authorization_code' | 'refresh_token'
  grant: Grant
  user: VendorUser
  accessToken: string
  /** In seconds. `undefined` if the token does not expire. */
  expiresIn?: number | undefined
  /** `undefined` if the response has none. */
  refreshToken?: string | undefined
}

/** Decides about a token request. The profile formats the response. */
export async function redeem(
  exchange: Exchange,
  vendor: Vendor,
  rules: TokenRules,
): Promise<TokenFailure | TokenSuccess> {
  const { form = {} } = exchange.request
  // Optional with a code at GitHub.
  const grantType = form['grant_type'] ?? (form['code'] === undefined ? '' : 'authorization_code')
  const fail = (error: TokenFailure['error'], description: string) => ({
    error,
    description,
    grantType,
  })

  if (exchange.request.method !== 'POST')
    return fail('invalid_request', 'The token endpoint takes POST only.')
  const isUnwanted = vendor.settings.refuseCodeVerifier && form['code_verifier'] !== undefined
  if (isUnwanted || !(await isClientAuthenticated(exchange, vendor))) {
    return fail('invalid_client', 'Client authentication failed.')
  }
  if (grantType === 'authorization_code') return redeemCode(form, vendor, rules, fail)
  if (grantType === 'refresh_token') return redeemRefreshToken(form, vendor, rules, fail)
  return fail('unsupported_grant_type', 'This grant type is not supported.')
}

type Fail = (error: TokenFailure['error'], description: string) => TokenFailure

function redeemCode(
  form: Record<string, string>,
  vendor: Vendor,
  rules: TokenRules,
  fail: Fail,
): TokenFailure | TokenSuccess {
  const found = vendor.grants.takeCode(form['code'])
  if (!found) return fail('invalid_grant', 'The code is wrong, used or expired.')
  const { grant, user } = found
  if (grant.params.get('client_id') !== vendor.clientId)
    return fail('invalid_grant', 'The code is another client’s.')
  if (!isSameRedirectUri(form['redirect_uri'], grant, rules.redirectUri?.code ?? true)) {
    return fail(
      'redirect_uri_mismatch',
      'The redirect_uri is not the one of the authorization request.',
    )
  }
  if (
    !rules.ignoresPkce &&
    !isVerified(form['code_verifier'], grant, rules.defaultChallengeMethod ?? 'plain')
  ) {
    return fail('invalid_grant', 'The code_verifier does not fit the code_challenge.')
  }
  const hasRefreshToken = vendor.settings.refreshTokens && (rules.hasRefreshToken?.(grant) ?? true)
  return {
    grantType: 'authorization_code',
    grant,
    user,
    ...accessTokenFor(grant, vendor, rules),
    refreshToken: hasRefreshToken
      ? vendor.grants.issueRefreshToken(grant, rules.refreshTokenPrefix)
      : undefined,
  }
}

function redeemRefreshToken(
  form: Record<string, string>,
  vendor: Vendor,
  rules: TokenRules,
  fail: Fail,
): TokenFailure | TokenSuccess {
  const token = form['refresh_token']
  const found = vendor.grants.byRefreshToken(token)
  if (!found || token === undefined)
    return fail('invalid_grant', 'The refresh token is wrong, used or revoked.')
  const { grant, user } = found
  if (!isSameRedirectUri(form['redirect_uri'], grant, rules.redirectUri?.refresh ?? false)) {
    return fail(
      'redirect_uri_mismatch',
      'The redirect_uri is not the one of the authorization request.',
    )
  }
  const rotates = vendor.settings.rotateRefreshTokens
  if (rules.refreshEndsAccessTokens)
    for (const each of grant.accessTokens) vendor.grants.revoke(each)
  if (rotates && !rules.keepsOldRefreshToken) vendor.grants.revoke(token)
  return {
    grantType: 'refresh_token',
    grant,
    user,
    ...accessTokenFor(grant, vendor, rules),
    refreshToken: rotates
      ? vendor.grants.issueRefreshToken(grant, rules.refreshTokenPrefix)
      : undefined,
  }
}

function accessTokenFor(
  grant: Grant,
  vendor: Vendor,
  { accessTokenPrefix, neverExpires }: TokenRules,
) {
  const expiresIn = neverExpires ? undefined : vendor.settings.tokenLifetime
  return {
    accessToken: vendor.grants.issueAccessToken(grant, accessTokenPrefix, expiresIn ?? Infinity),
    expiresIn,
  }
}

function isSameRedirectUri(sent: string | undefined, grant: Grant, isRequired: boolean): boolean {
  return sent === undefined ? !isRequired : sent === grant.redirectUri
}

/** RFC 7636, 4.6. A verifier without a challenge is rejected as well. (RFC 9700, 4.8.2) */
function isVerified(
  verifier: string | undefined,
  { params }: Grant,
  defaultMethod: string,
): boolean {
  const challenge = params.get('code_challenge')
  if (challenge === null || verifier === undefined)
    return challenge === null && verifier === undefined
  const method = params.get('code_challenge_method') ?? defaultMethod
  return (
    challenge ===
    (method === 'S256' ? createHash('sha256').update(verifier).digest('base64url') : verifier)
  )
}

/** The scopes in a token response. */
export function listedScopes(granted: readonly string[], { settings }: Vendor): string[] {
  return granted.filter((scope) => !settings.unlistedScopes.includes(scope))
}

/** The standard members of a token response (RFC 6749, section 5.1). */
export function tokenResponse({ accessToken, expiresIn, refreshToken }: TokenSuccess) {
  return {
    access_token: accessToken,
    ...(expiresIn === undefined ? {} : { expires_in: expiresIn }),
    ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
  }
}

/** The error as in RFC 6749, section 5.2. Only GitHub has `redirect_uri_mismatch`. */
export function standardError({ error }: TokenFailure): { status: number; error: string } {
  if (error === 'invalid_client') return { status: 401, error }
  return { status: 400, error: error === 'redirect_uri_mismatch' ? 'invalid_grant' : error }
}
