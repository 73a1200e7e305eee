import { randomUUID } from 'node:crypto'
import { json } from './responses.js'
import { authorize } from './authorize.js'
import { errorPage } from './pages.js'
import { redeem, standardError, tokenResponse } from './token.js'
import type { VendorResponse } from './types.js'
import { bearerToken, withClaims, type Exchange, type Profile, type Vendor } from './vendor.js'

const SCOPES = ['profile', 'profile:user_id', 'postal_code']

/** https://developer.amazon.com/docs/login-with-amazon/authorization-code-grant.html */
export const amazon: Profile = {
  name: 'amazon',
  settings: { tokenLength: 360, clientAuth: ['client_secret_post', 'client_secret_basic', 'none'] },
  users: [{ id: 'amzn1.account.AEXAMPLE4711', name: 'Ama Boateng', email: 'ama@acme.example' }],
  options: ({ url }) => ({
    endpoints: {
      authorization: url('/ap/oa'),
      token: url('/auth/o2/token'),
      userinfo: url('/user/profile'),
    },
  }),
  routes: (vendor) => [
    {
      endpoint: 'authorize',
      methods: ['GET'],
      path: '/ap/oa',
      respond: (exchange) => authorizePage(exchange, vendor),
    },
    {
      endpoint: 'token',
      methods: ['POST'],
      path: '/auth/o2/token',
      respond: (exchange) => token(exchange, vendor),
    },
    {
      endpoint: 'userinfo',
      methods: ['GET'],
      path: '/user/profile',
      respond: (exchange) => profile(exchange, vendor),
    },
    {
      endpoint: 'tokeninfo',
      methods: ['GET'],
      path: '/auth/o2/tokeninfo',
      respond: (exchange) => tokenInfo(exchange, vendor),
    },
  ],
}

function authorizePage(exchange: Exchange, vendor: Vendor): VendorResponse {
  if (!isSecure(exchange.params.get('redirect_uri')))
    return errorPage('Error 400', 'The redirect_uri must use https.')
  return authorize(exchange, vendor, {
    challengeMethods: ['S256', 'plain'],
    refuse: (_, scopes) =>
      scopes.length > 0 && scopes.every((scope) => SCOPES.includes(scope))
        ? undefined
        : { error: 'invalid_scope', error_description: 'An unknown scope was requested' },
  })
}

function isSecure(redirectUri: string | null): boolean {
  if (redirectUri === null || !URL.canParse(redirectUri)) return false
  const { protocol, hostname } = new URL(redirectUri)
  return protocol === 'https:' || hostname === 'localhost' || hostname === '127.0.0.1'
}

async function token(exchange: Exchange, vendor: Vendor): Promise<VendorResponse> {
  const { headers, form = {} } = exchange.request
  const hasSecret = headers.authorization !== undefined || form['client_secret'] !== undefined
  const isPublicRefresh = !hasSecret && form['grant_type'] === 'refresh_token'
  // The secret is required unless the code was requested with PKCE.
  if (!hasSecret && (isPublicRefresh || form['code_verifier'] === undefined))
    return failure(401, 'invalid_client', 'Client authentication failed')
  const outcome = await redeem(exchange, vendor, {
    accessTokenPrefix: 'Atza|',
    refreshTokenPrefix: 'Atzr|',
    defaultChallengeMethod: 'plain',
    hasRefreshToken: () => hasSecret,
  })
  if (outcome.error) {
    const { status, error } = standardError(outcome)
    return failure(status, error, outcome.description)
  }
  // Every refresh returns both tokens. The refresh token may be the same.
  const refreshToken = outcome.refreshToken ?? form['refresh_token']
  const body = { ...tokenResponse(outcome), token_type: 'bearer' }
  return json(200, refreshToken === undefined ? body : { ...body, refresh_token: refreshToken })
}

function profile({ request }: Exchange, vendor: Vendor): VendorResponse {
  const header = request.headers['x-amz-access-token']
  const found = vendor.grants.byAccessToken(
    bearerToken(request) ?? (typeof header === 'string' ? header : undefined),
  )
  if (!found) return deadToken()
  if (vendor.settings.throttled) return failure(429, 'Throttled', 'Rate exceeded')
  const { user, grant } = found
  const { scopes } = grant
  if (!scopes.some((scope) => scope.startsWith('profile')))
    return failure(401, 'insufficient_scope', 'The access token lacks the profile scope')
  const more = scopes.includes('profile')
    ? { name: user.name ?? undefined, email: user.email ?? undefined }
    : {}
  const postalCode = scopes.includes('postal_code') ? { postal_code: '98101' } : {}
  return json(200, withClaims(user, { user_id: String(user.id), ...more, ...postalCode }))
}

function tokenInfo({ request }: Exchange, vendor: Vendor): VendorResponse {
  const found = vendor.grants.byAccessToken(request.query.get('access_token') ?? undefined)
  if (!found) return deadToken()
  const { user, expiresAt } = found
  const left = expiresAt === Infinity ? 3600 : Math.floor((expiresAt - Date.now()) / 1000)
  return json(200, {
    aud: vendor.clientId,
    user_id: String(user.id),
    iss: 'https://www.amazon.com',
    exp: left,
    app_id: vendor.clientId,
  })
}

function deadToken(): VendorResponse {
  return failure(400, 'invalid_token', 'The request has an invalid parameter : access_token')
}

function failure(status: number, error: string, description: string): VendorResponse {
  return json(status, { error, error_description: description, request_id: randomUUID() })
}
