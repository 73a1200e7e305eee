import { json, oauthError, redirect } from './responses.js'
import { authorize } from './authorize.js'
import { asksToSignInAgain, idToken, standardClaims } from './claims.js'
import { asCaller, discovery, jwks, revocation } from './endpoints.js'
import { push } from './pushed-requests.js'
import { errorPage, signedOutPage } from './pages.js'
import { redeem, listedScopes, standardError, tokenResponse } from './token.js'
import type { VendorResponse, VendorUser } from './types.js'
import { withClaims, type Exchange, type Profile, type Vendor } from './vendor.js'

/** A provider that follows OpenID Connect Core 1.0. */
export const oidc: Profile = {
  name: 'oidc',
  settings: { rotateRefreshTokens: true, issInCallback: true },
  users: [
    {
      id: 'user-1',
      username: 'ida',
      name: 'Ida Novak',
      email: 'ida@acme.example',
      emailVerified: true,
      groups: ['staff'],
      picture: 'https://pictures.example/ida.png',
    },
  ],
  options: ({ url }) => ({ issuer: url('') }),
  routes(vendor) {
    const { basePath } = vendor.settings
    return [
      discovery(`${basePath}/.well-known/openid-configuration`, vendor, metadata(vendor)),
      jwks(`${basePath}/jwks`, vendor),
      {
        endpoint: 'authorize',
        methods: ['GET', 'POST'],
        path: `${basePath}/authorize`,
        respond: (exchange) => authorizePage(exchange, vendor),
      },
      {
        endpoint: 'par',
        methods: ['POST'],
        path: `${basePath}/par`,
        respond: (exchange) => push(exchange, vendor),
      },
      {
        endpoint: 'token',
        methods: ['POST'],
        path: `${basePath}/token`,
        respond: (exchange) => token(exchange, vendor),
      },
      revocation(`${basePath}/revoke`, vendor),
      {
        endpoint: 'endSession',
        methods: ['GET', 'POST'],
        path: `${basePath}/logout`,
        respond: (exchange) => endSession(exchange, vendor),
      },
      {
        endpoint: 'userinfo',
        methods: ['GET', 'POST'],
        path: `${basePath}/userinfo`,
        respond: (exchange) =>
          asCaller(exchange, vendor, ({ user, grant }) => userinfo(user, grant.scopes, vendor)),
      },
    ]
  },
}

function metadata({ url, settings }: Vendor) {
  return {
    issuer: url(''),
    authorization_endpoint: url('/authorize'),
    token_endpoint: url('/token'),
    userinfo_endpoint: url('/userinfo'),
    jwks_uri: url('/jwks'),
    revocation_endpoint: url('/revoke'),
    end_session_endpoint: url('/logout'),
    pushed_authorization_request_endpoint: url('/par'),
    require_pushed_authorization_requests: settings.parRequired,
    authorization_response_iss_parameter_supported: settings.issInCallback === true,
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'form_post'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    subject_types_supported: ['public'],
    scopes_supported: ['openid', 'profile', 'email', 'groups', 'offline_access'],
    id_token_signing_alg_values_supported: [settings.signingAlg],
    ...(settings.userinfoJwt
      ? { userinfo_signing_alg_values_supported: [settings.signingAlg] }
      : {}),
    token_endpoint_auth_methods_supported: settings.clientAuth,
    ...(settings.clientAuth.includes('private_key_jwt')
      ? { token_endpoint_auth_signing_alg_values_supported: ['RS256', 'ES256'] }
      : {}),
    code_challenge_methods_supported: ['S256'],
    prompt_values_supported: settings.prompts,
  }
}

function authorizePage(exchange: Exchange, vendor: Vendor): VendorResponse {
  const requestUri = exchange.params.get('request_uri')
  const pushed = vendor.pushedRequests.get(requestUri ?? '')
  const isOwn = pushed?.params.get('client_id') === exchange.params.get('client_id')
  if (requestUri !== null && (!pushed || !isOwn || pushed.expiresAt <= Date.now())) {
    return errorPage('Invalid request', 'The request_uri is wrong, used or expired.')
  }
  const params = pushed?.params ?? exchange.params
  const response = authorize({ ...exchange, params }, vendor, {
    issuer: vendor.url(''),
    supportsFormPost: true,
    prompts: vendor.settings.prompts,
    challengeMethods: ['S256'],
    asksToSignInAgain,
    refuse(_, scopes) {
      if (vendor.settings.parRequired && !pushed) {
        return {
          error: 'invalid_request',
          error_description: 'Authorization requests must be pushed.',
        }
      }
      return scopes.includes('openid')
        ? undefined
        : { error: 'invalid_scope', error_description: 'The scope must contain openid.' }
    },
  })
  // A request_uri is valid until the login ends; the persona page is part of it.
  if (response.status === 302 && requestUri !== null) vendor.pushedRequests.delete(requestUri)
  return response
}

async function token(exchange: Exchange, vendor: Vendor): Promise<VendorResponse> {
  const outcome = await redeem(exchange, vendor, {
    hasRefreshToken: ({ scopes }) => scopes.includes('offline_access'),
  })
  if (outcome.error) {
    const { status, error } = standardError(outcome)
    return oauthError(status, error, outcome.description)
  }
  const { grant, user } = outcome
  const claims = userClaims(user, grant.scopes)
  const rules = {
    issuer: vendor.url(''),
    subject: String(user.id),
    claims,
    alwaysAuthTime: true,
    hasAccessTokenHash: true,
  }
  const hasIdToken = outcome.grantType !== 'refresh_token' || vendor.settings.refreshesIdToken
  return json(200, {
    ...tokenResponse(outcome),
    token_type: 'Bearer',
    scope: listedScopes(grant.scopes, vendor).join(' '),
    ...(hasIdToken ? { id_token: await idToken(vendor, outcome, rules) } : {}),
  })
}

function userClaims(user: VendorUser, scopes: readonly string[]) {
  return {
    ...standardClaims(user, scopes),
    ...(scopes.includes('groups') && user.groups ? { groups: user.groups } : {}),
  }
}

async function userinfo(
  user: VendorUser,
  scopes: readonly string[],
  vendor: Vendor,
): Promise<VendorResponse> {
  const claims = withClaims(user, { sub: String(user.id), ...userClaims(user, scopes) })
  if (!vendor.settings.userinfoJwt) return json(200, claims)
  const jwt = await vendor.idTokens.signJwt({
    iss: vendor.url(''),
    aud: vendor.clientId,
    ...claims,
  })
  return {
    status: 200,
    headers: { 'content-type': 'application/jwt', 'cache-control': 'no-store' },
    body: jwt,
  }
}

/** RP-Initiated Logout 1.0: redirects only if the request names a client. */
function endSession({ params }: Exchange, vendor: Vendor): VendorResponse {
  const to = params.get('post_logout_redirect_uri')
  const isOurs = params.has('id_token_hint') || params.get('client_id') === vendor.clientId
  if (to === null || !isOurs || !URL.canParse(to)) return signedOutPage()
  const url = new URL(to)
  const state = params.get('state')
  if (state !== null) url.searchParams.set('state', state)
  return redirect(url.href)
}
