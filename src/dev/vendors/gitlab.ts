import { json, oauthError, text } from './responses.js'
import { authorize } from './authorize.js'
import { asksToSignInAgain, idToken, standardClaims } from './claims.js'
import { asCaller, discovery, jwks, revocation } from './endpoints.js'
import { redeem, standardError, tokenResponse } from './token.js'
import type { VendorResponse, VendorUser } from './types.js'
import { withClaims, type Exchange, type Profile, type Route, type Vendor } from './vendor.js'

const SCOPES = ['openid', 'profile', 'email', 'read_user', 'read_api', 'api']

/**
 * https://docs.gitlab.com/api/oauth2/ and
 * https://docs.gitlab.com/integration/openid_connect_provider/
 */
export const gitlab: Profile = {
  name: 'gitlab',
  settings: { tokenLifetime: 7200, idTokenLifetime: 120, rotateRefreshTokens: true },
  users: [
    {
      id: '4711',
      username: 'tanuki',
      name: 'Tani Kowalski',
      email: 'tani@acme.example',
      emailVerified: true,
      groups: ['acme', 'acme/platform'],
      directGroups: ['acme'],
      picture: 'https://gitlab.example/tani.png',
    },
  ],
  options: ({ url }) => ({ baseUrl: url('') }),
  routes(vendor) {
    const { basePath } = vendor.settings
    return [
      discovery(`${basePath}/.well-known/openid-configuration`, vendor, metadata(vendor)),
      jwks(`${basePath}/oauth/discovery/keys`, vendor),
      {
        endpoint: 'authorize',
        methods: ['GET'],
        path: `${basePath}/oauth/authorize`,
        respond: (exchange) => authorizePage(exchange, vendor),
      },
      {
        endpoint: 'token',
        methods: ['POST'],
        path: `${basePath}/oauth/token`,
        respond: (exchange) => token(exchange, vendor),
      },
      revocation(`${basePath}/oauth/revoke`, vendor),
      ...apiRoutes(vendor),
    ]
  },
}

/** The endpoints for access tokens: userinfo, the REST API, and the token's own description. */
function apiRoutes(vendor: Vendor): Route[] {
  const { basePath } = vendor.settings
  const errors = {
    unauthorized: () =>
      json(401, { error: 'invalid_token', error_description: 'The access token expired' }),
    // gitlab.com often sends no Retry-After.
    throttled: () => text(429, 'Retry later\n'),
  }
  return [
    {
      endpoint: 'userinfo',
      methods: ['GET', 'POST'],
      path: `${basePath}/oauth/userinfo`,
      respond: (exchange) =>
        asCaller(
          exchange,
          vendor,
          ({ user, grant }) => json(200, userinfo(user, grant.scopes, vendor)),
          errors,
        ),
    },
    {
      endpoint: 'user',
      methods: ['GET'],
      path: `${basePath}/api/v4/user`,
      respond: (exchange) =>
        asCaller(exchange, vendor, ({ user }) => json(200, apiUser(user)), errors),
    },
    {
      endpoint: 'tokeninfo',
      methods: ['GET'],
      path: `${basePath}/oauth/token/info`,
      respond: (exchange) =>
        asCaller(
          exchange,
          vendor,
          ({ user, grant }) =>
            json(200, { resource_owner_id: Number(user.id), scope: grant.scopes }),
          errors,
        ),
    },
  ]
}

function metadata({ url }: Vendor) {
  return {
    issuer: url(''),
    authorization_endpoint: url('/oauth/authorize'),
    token_endpoint: url('/oauth/token'),
    revocation_endpoint: url('/oauth/revoke'),
    userinfo_endpoint: url('/oauth/userinfo'),
    jwks_uri: url('/oauth/discovery/keys'),
    scopes_supported: SCOPES,
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    code_challenge_methods_supported: ['plain', 'S256'],
  }
}

function authorizePage(exchange: Exchange, vendor: Vendor): VendorResponse {
  return authorize(exchange, vendor, {
    supportsFormPost: true,
    challengeMethods: ['S256', 'plain'],
    asksToSignInAgain,
    refuse: (_, scopes) =>
      scopes.every((scope) => SCOPES.includes(scope))
        ? undefined
        : {
            error: 'invalid_scope',
            error_description: 'The requested scope is invalid, unknown, or malformed.',
          },
  })
}

async function token(exchange: Exchange, vendor: Vendor): Promise<VendorResponse> {
  const outcome = await redeem(exchange, vendor, {
    redirectUri: { code: true, refresh: true },
    refreshEndsAccessTokens: true,
  })
  if (outcome.error) {
    const { status, error } = standardError(outcome)
    return oauthError(status, error, outcome.description)
  }
  const { grant, user } = outcome
  const createdAt = Math.floor(Date.now() / 1000)
  const body = {
    ...tokenResponse(outcome),
    token_type: 'Bearer',
    scope: grant.scopes.join(' '),
    created_at: createdAt,
  }
  if (!grant.scopes.includes('openid')) return json(200, body)
  const { email, email_verified } = standardClaims(user, grant.scopes)
  const claims = { email, email_verified, groups_direct: user.directGroups ?? user.groups ?? [] }
  const id = await idToken(vendor, outcome, {
    issuer: vendor.url(''),
    subject: String(user.id),
    claims,
    alwaysAuthTime: true,
  })
  return json(200, { ...body, id_token: id })
}

/** Userinfo has all groups, the ID token only the direct ones. */
function userinfo(user: VendorUser, scopes: readonly string[], { url }: Vendor) {
  const standard = standardClaims(user, scopes)
  const profile = { nickname: user.username, profile: url(`/${user.username ?? ''}`) }
  return withClaims(user, {
    sub: String(user.id),
    ...standard,
    ...profile,
    groups: user.groups ?? [],
  })
}

function apiUser({ id, username, name, email, picture }: VendorUser) {
  return {
    id: Number(id),
    username,
    name,
    email,
    avatar_url: picture ?? null,
    state: 'active',
    locked: false,
    confirmed_at: '2024-01-01T00:00:00Z',
  }
}
