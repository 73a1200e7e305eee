import { json, oauthError } from './responses.js'
import { authorize } from './authorize.js'
import { idToken, standardClaims } from './claims.js'
import { asCaller, discovery, jwks, revocation } from './endpoints.js'
import { redeem, standardError, tokenResponse } from './token.js'
import type { VendorResponse, VendorUser } from './types.js'
import { withClaims, type Exchange, type Profile, type Vendor } from './vendor.js'

/**
 * https://learn.microsoft.com/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2
 */
export const linkedin: Profile = {
  name: 'linkedin',
  settings: {
    tokenLifetime: 5_183_999,
    tokenLength: 1000,
    // Partners only.
    refreshTokens: false,
    clientAuth: ['client_secret_post'],
    refuseCodeVerifier: true,
  },
  users: [
    {
      id: '782bbtaQ',
      name: 'Lior Benami',
      email: 'lior@acme.example',
      emailVerified: true,
      picture: 'https://media.example/lior.png',
    },
  ],
  options: ({ url }) => ({
    endpoints: {
      issuer: url('/oauth'),
      authorization: url('/oauth/v2/authorization'),
      token: url('/oauth/v2/accessToken'),
      userinfo: url('/v2/userinfo'),
      jwks: url('/oauth/openid/jwks'),
      revocation: url('/oauth/v2/revoke'),
    },
  }),
  routes: (vendor) => [
    discovery('/oauth/.well-known/openid-configuration', vendor, metadata(vendor)),
    jwks('/oauth/openid/jwks', vendor),
    {
      endpoint: 'authorize',
      methods: ['GET'],
      path: '/oauth/v2/authorization',
      respond: (exchange) => authorizePage(exchange, vendor),
    },
    {
      endpoint: 'token',
      methods: ['POST'],
      path: '/oauth/v2/accessToken',
      respond: (exchange) => token(exchange, vendor),
    },
    revocation('/oauth/v2/revoke', vendor),
    {
      endpoint: 'userinfo',
      methods: ['GET'],
      path: '/v2/userinfo',
      respond: (exchange) =>
        asCaller(
          exchange,
          vendor,
          ({ user, grant }) =>
            json(200, withClaims(user, { sub: String(user.id), ...claims(user, grant.scopes) })),
          {
            unauthorized: () =>
              apiError(
                401,
                65_601,
                'REVOKED_ACCESS_TOKEN',
                'The token used in the request has been revoked by the user',
              ),
            throttled: () =>
              apiError(
                429,
                101,
                'TOO_MANY_REQUESTS',
                'Resource level throttle limit for calls to this resource is reached',
              ),
          },
        ),
    },
  ],
}

/** Neither the client authentication methods nor the grant types are in it. */
function metadata({ url }: Vendor) {
  return {
    issuer: url('/oauth'),
    authorization_endpoint: url('/oauth/v2/authorization'),
    token_endpoint: url('/oauth/v2/accessToken'),
    userinfo_endpoint: url('/v2/userinfo'),
    jwks_uri: url('/oauth/openid/jwks'),
    response_types_supported: ['code'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: ['openid', 'profile', 'email'],
  }
}

function authorizePage(exchange: Exchange, vendor: Vendor): VendorResponse {
  return authorize(exchange, vendor, {
    denial: { error: 'user_cancelled_login', error_description: 'The user cancelled the login.' },
    refuse: (_, scopes) => {
      const unknown = scopes.find((scope) => !['openid', 'profile', 'email'].includes(scope))
      if (unknown === undefined) return undefined
      return {
        error: 'unauthorized_scope_error',
        error_description: `Scope "${unknown}" is not authorized for your application`,
      }
    },
  })
}

async function token(exchange: Exchange, vendor: Vendor): Promise<VendorResponse> {
  const outcome = await redeem(exchange, vendor, {
    accessTokenPrefix: 'AQ',
    refreshTokenPrefix: 'AQ',
    ignoresPkce: true,
  })
  if (outcome.error) {
    const { status, error } = standardError(outcome)
    return oauthError(status, error, outcome.description)
  }
  const { grant, user } = outcome
  const body = {
    ...tokenResponse(outcome),
    ...(outcome.refreshToken === undefined ? {} : { refresh_token_expires_in: 31_536_000 }),
    scope: [...grant.scopes].sort().join(','),
    token_type: 'Bearer',
  }
  if (outcome.grantType === 'refresh_token' || !grant.scopes.includes('openid'))
    return json(200, body)
  const { locale: _, ...inToken } = claims(user, grant.scopes)
  const id = await idToken(vendor, outcome, {
    issuer: vendor.url('/oauth'),
    subject: String(user.id),
    claims: inToken,
    omitsNonce: true,
  })
  return json(200, { ...body, id_token: id })
}

/** `locale` is an object, not a tag. */
function claims(user: VendorUser, scopes: readonly string[]): Record<string, unknown> {
  const { preferred_username: _, ...standard } = standardClaims(user, scopes)
  return {
    ...standard,
    ...(scopes.includes('profile') ? { locale: { country: 'US', language: 'en' } } : {}),
  }
}

function apiError(
  status: number,
  serviceErrorCode: number,
  code: string,
  message: string,
): VendorResponse {
  return json(status, { status, serviceErrorCode, code, message })
}
