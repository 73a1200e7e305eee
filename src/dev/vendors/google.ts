import { json, oauthError } from './responses.js'
import { authorize } from './authorize.js'
import { idToken, standardClaims } from './claims.js'
import { asCaller, discovery, jwks } from './endpoints.js'
import { redeem, standardError, tokenResponse } from './token.js'
import type { VendorResponse, VendorUser } from './types.js'
import { withClaims, type Exchange, type Profile, type Vendor } from './vendor.js'

const LONG_SCOPES: Record<string, string> = {
  email: 'https://www.googleapis.com/auth/userinfo.email',
  profile: 'https://www.googleapis.com/auth/userinfo.profile',
}

/** https://developers.google.com/identity/openid-connect/openid-connect */
export const google: Profile = {
  name: 'google',
  settings: { issInCallback: true, tokenLifetime: 3599 },
  users: [
    {
      id: '110248495921238986420',
      name: 'Gwen Okafor',
      email: 'gwen@acme.example',
      emailVerified: true,
      hd: 'acme.example',
      picture: 'https://lh3.example/gwen.png',
    },
  ],
  options: ({ origin, url }) => ({
    endpoints: {
      issuer: origin,
      authorization: url('/o/oauth2/v2/auth'),
      token: url('/token'),
      userinfo: url('/v1/userinfo'),
      jwks: url('/oauth2/v3/certs'),
      revocation: url('/revoke'),
    },
  }),
  routes: (vendor) => [
    discovery('/.well-known/openid-configuration', vendor, metadata(vendor)),
    jwks('/oauth2/v3/certs', vendor),
    {
      endpoint: 'authorize',
      methods: ['GET', 'POST'],
      path: '/o/oauth2/v2/auth',
      respond: (exchange) => authorizePage(exchange, vendor),
    },
    {
      endpoint: 'token',
      methods: ['POST'],
      path: '/token',
      respond: (exchange) => token(exchange, vendor),
    },
    {
      endpoint: 'userinfo',
      methods: ['GET', 'POST'],
      path: '/v1/userinfo',
      respond: (exchange) =>
        asCaller(exchange, vendor, ({ user, grant }) =>
          json(200, withClaims(user, { sub: String(user.id), ...claims(user, grant.scopes) })),
        ),
    },
    {
      endpoint: 'revocation',
      methods: ['POST'],
      path: '/revoke',
      respond: (exchange) => revoke(exchange, vendor),
    },
  ],
}

function metadata({ origin, url }: Vendor) {
  return {
    issuer: origin,
    authorization_endpoint: url('/o/oauth2/v2/auth'),
    token_endpoint: url('/token'),
    userinfo_endpoint: url('/v1/userinfo'),
    revocation_endpoint: url('/revoke'),
    jwks_uri: url('/oauth2/v3/certs'),
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: ['openid', 'email', 'profile'],
    token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
    code_challenge_methods_supported: ['plain', 'S256'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
  }
}

function authorizePage(exchange: Exchange, vendor: Vendor): VendorResponse {
  return authorize(exchange, vendor, {
    issuer: vendor.origin,
    prompts: ['none', 'consent', 'select_account'],
    challengeMethods: ['S256', 'plain'],
    errorsOnPage: true,
    refuse: (_, scopes) => {
      const unknown = scopes.find(
        (scope) => !['openid', 'email', 'profile'].includes(scope) && !scope.startsWith('https://'),
      )
      return unknown === undefined
        ? undefined
        : {
            error: 'invalid_scope',
            error_description: `Some requested scopes were invalid: ${unknown}`,
          }
    },
  })
}

async function token(exchange: Exchange, vendor: Vendor): Promise<VendorResponse> {
  const outcome = await redeem(exchange, vendor, {
    accessTokenPrefix: 'ya29.',
    refreshTokenPrefix: '1//',
    hasRefreshToken: ({ params, isNewConsent }) =>
      params.get('access_type') === 'offline' && isNewConsent,
  })
  if (outcome.error) {
    const { status, error } = standardError(outcome)
    return oauthError(status, error, outcome.description)
  }
  const { grant, user } = outcome
  const issuer = vendor.settings.schemelessIssuer ? new URL(vendor.origin).host : vendor.origin
  const body = {
    ...tokenResponse(outcome),
    scope: grant.scopes.map((scope) => LONG_SCOPES[scope] ?? scope).join(' '),
    token_type: 'Bearer',
  }
  if (!grant.scopes.includes('openid')) return json(200, body)
  const extra = { azp: vendor.clientId, ...claims(user, grant.scopes) }
  const id = await idToken(vendor, outcome, {
    issuer,
    subject: String(user.id),
    claims: extra,
    hasAccessTokenHash: true,
  })
  return json(200, { ...body, id_token: id })
}

function claims(user: VendorUser, scopes: readonly string[]) {
  const { preferred_username: _, ...standard } = standardClaims(user, scopes.map(shortScope))
  return { ...standard, ...(user.hd === undefined ? {} : { hd: user.hd }) }
}

function shortScope(scope: string): string {
  return Object.keys(LONG_SCOPES).find((short) => LONG_SCOPES[short] === scope) ?? scope
}

/** Revoking either token ends the grant. Client authentication is not required. */
function revoke({ params }: Exchange, vendor: Vendor): VendorResponse {
  const isKnown = vendor.grants.revoke(params.get('token') ?? '', true)
  return isKnown ? json(200, {}) : oauthError(400, 'invalid_token', 'Token expired or revoked')
}
