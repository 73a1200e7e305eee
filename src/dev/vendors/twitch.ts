import { json } from './responses.js'
import { authorize } from './authorize.js'
import { idToken } from './claims.js'
import { discovery, jwks } from './endpoints.js'
import { apiRoutes, claims, problem, requestedClaims } from './twitch-api.js'
import { redeem, tokenResponse, type TokenFailure } from './token.js'
import type { VendorResponse } from './types.js'
import { bearerToken, type Exchange, type Profile, type Vendor } from './vendor.js'

/** https://dev.twitch.tv/docs/authentication/getting-tokens-oidc */
export const twitch: Profile = {
  name: 'twitch',
  settings: { tokenLifetime: 14_124, tokenLength: 30, clientAuth: ['client_secret_post'] },
  users: [
    {
      id: '141981764',
      username: 'TessaPlays',
      email: 'tessa@acme.example',
      emailVerified: true,
      picture: 'https://static.example/tessa.png',
    },
  ],
  options: ({ url }) => ({
    endpoints: {
      issuer: url('/oauth2'),
      authorization: url('/oauth2/authorize'),
      token: url('/oauth2/token'),
      userinfo: url('/oauth2/userinfo'),
      jwks: url('/oauth2/keys'),
      revocation: url('/oauth2/revoke'),
      api: url('/oauth2'),
    },
  }),
  routes: (vendor) => [
    discovery('/oauth2/.well-known/openid-configuration', vendor, metadata(vendor)),
    jwks('/oauth2/keys', vendor),
    {
      endpoint: 'authorize',
      methods: ['GET'],
      path: '/oauth2/authorize',
      respond: (exchange) => authorizePage(exchange, vendor),
    },
    {
      endpoint: 'token',
      methods: ['POST'],
      path: '/oauth2/token',
      respond: (exchange) => token(exchange, vendor),
    },
    {
      endpoint: 'validate',
      methods: ['GET'],
      path: '/oauth2/validate',
      respond: (exchange) => validate(exchange, vendor),
    },
    {
      endpoint: 'revocation',
      methods: ['POST'],
      path: '/oauth2/revoke',
      respond: (exchange) => revoke(exchange, vendor),
    },
    ...apiRoutes(vendor),
  ],
}

/** Twitch lists neither PKCE nor revocation, and only one of its scopes. */
function metadata({ url }: Vendor) {
  return {
    issuer: url('/oauth2'),
    authorization_endpoint: url('/oauth2/authorize'),
    token_endpoint: url('/oauth2/token'),
    userinfo_endpoint: url('/oauth2/userinfo'),
    jwks_uri: url('/oauth2/keys'),
    claims_parameter_supported: true,
    claims_supported: [
      'aud',
      'azp',
      'email',
      'email_verified',
      'exp',
      'iat',
      'iss',
      'picture',
      'preferred_username',
      'sub',
      'updated_at',
    ],
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['id_token', 'code', 'token', 'code id_token', 'token id_token'],
    scopes_supported: ['openid'],
    subject_types_supported: ['public'],
    token_endpoint_auth_methods_supported: ['client_secret_post'],
  }
}

function authorizePage(exchange: Exchange, vendor: Vendor): VendorResponse {
  return authorize(exchange, vendor, {
    extras: ({ scopes }) => ({ scope: scopes.join(' ') }),
    refuse(params) {
      const isReadable = params.get('claims') === null || requestedClaims(params) !== undefined
      return isReadable
        ? undefined
        : { error: 'invalid_request', error_description: 'claims is not JSON' }
    },
  })
}

async function token(exchange: Exchange, vendor: Vendor): Promise<VendorResponse> {
  const outcome = await redeem(exchange, vendor, { ignoresPkce: true })
  if (outcome.error) return tokenFailure(outcome)
  const { grant, user } = outcome
  const sent = exchange.request.form?.['refresh_token']
  const body = {
    ...tokenResponse(outcome),
    // Every response has a refresh token, which may be the old one.
    refresh_token: outcome.refreshToken ?? sent,
    scope: grant.scopes,
    token_type: 'bearer',
  }
  if (outcome.grantType === 'refresh_token' || !grant.scopes.includes('openid'))
    return json(200, body)
  const extra = { azp: vendor.clientId, ...claims(user, grant, 'id_token') }
  return json(200, {
    ...body,
    id_token: await idToken(vendor, outcome, {
      issuer: vendor.url('/oauth2'),
      subject: String(user.id),
      claims: extra,
    }),
  })
}

function tokenFailure({ error, grantType, description }: TokenFailure): VendorResponse {
  if (error === 'invalid_client') return problem(403, 'invalid client secret')
  if (error === 'invalid_grant')
    return problem(
      400,
      grantType === 'refresh_token' ? 'Invalid refresh token' : 'Invalid authorization code',
    )
  return problem(
    400,
    error === 'redirect_uri_mismatch'
      ? 'Parameter redirect_uri does not match registered URI'
      : description,
  )
}

/** https://dev.twitch.tv/docs/authentication/validate-tokens: accepts the scheme `OAuth`. */
function validate({ request }: Exchange, vendor: Vendor): VendorResponse {
  const found = vendor.grants.byAccessToken(bearerToken(request, ['oauth', 'bearer']))
  if (!found) return problem(401, 'invalid access token')
  const { user, grant, expiresAt } = found
  const left = expiresAt === Infinity ? 0 : Math.floor((expiresAt - Date.now()) / 1000)
  return json(200, {
    client_id: vendor.clientId,
    login: user.username?.toLowerCase(),
    scopes: grant.scopes,
    user_id: String(user.id),
    expires_in: left,
  })
}

function revoke({ params }: Exchange, vendor: Vendor): VendorResponse {
  if (params.get('client_id') !== vendor.clientId) return problem(404, 'client does not exist')
  return vendor.grants.revoke(params.get('token') ?? '', true)
    ? { status: 200 }
    : problem(400, 'Invalid token')
}
