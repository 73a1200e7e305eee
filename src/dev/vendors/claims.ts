import { halfHash } from './id-tokens.js'
import type { TokenSuccess } from './token.js'
import type { VendorUser } from './types.js'
import { withClaims, type Vendor } from './vendor.js'

const whenPresent = (claims: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(claims).filter(([, value]) => value !== undefined && value !== null),
  )

/** The claims of the scopes `profile` and `email` (OpenID Connect Core 1.0, section 5.4). */
export function standardClaims(
  user: VendorUser,
  scopes: readonly string[],
): Record<string, unknown> {
  const [given, ...rest] = (user.name ?? '').split(' ')
  const profile = {
    name: user.name,
    given_name: given || undefined,
    family_name: rest.join(' ') || undefined,
    preferred_username: user.username,
    picture: user.picture,
  }
  const email = {
    email: user.email,
    email_verified: user.email ? (user.emailVerified ?? true) : undefined,
  }
  return whenPresent({
    ...(scopes.includes('profile') ? profile : {}),
    ...(scopes.includes('email') ? email : {}),
  })
}

/** How a vendor builds its ID tokens. */
export interface IdTokenRules {
  issuer: string
  subject: string
  claims: Record<string, unknown>
  /** The vendor does not return `nonce`. */
  omitsNonce?: boolean
  /** Always send `auth_time`. Default: only if the request has `max_age`. */
  alwaysAuthTime?: boolean
  /** Send `at_hash`. */
  hasAccessTokenHash?: boolean
}

/** The ID token of a token response. */
export function idToken(
  vendor: Vendor,
  { grant, user, accessToken, grantType }: TokenSuccess,
  rules: IdTokenRules,
): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const nonce =
    grantType === 'authorization_code' && !rules.omitsNonce ? grant.params.get('nonce') : null
  const hasAuthTime = rules.alwaysAuthTime || grant.params.has('max_age')
  const claims = {
    iss: rules.issuer,
    sub: rules.subject,
    aud: vendor.clientId,
    iat: now,
    exp: now + vendor.settings.idTokenLifetime,
    ...(nonce === null ? {} : { nonce }),
    ...(hasAuthTime ? { auth_time: grant.authTime } : {}),
    ...(rules.hasAccessTokenHash
      ? { at_hash: halfHash(accessToken, vendor.settings.signingAlg) }
      : {}),
    ...rules.claims,
  }
  return vendor.idTokens.sign(withClaims(user, claims))
}

/** Whether `prompt=login` or `max_age=0` requests a new sign-in. */
export function asksToSignInAgain(params: URLSearchParams): boolean {
  return (params.get('prompt') ?? '').split(' ').includes('login') || params.get('max_age') === '0'
}
