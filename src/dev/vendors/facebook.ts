import { json } from './responses.js'
import { authorize } from './authorize.js'
import { isClientAuthenticated } from './client-auth.js'
import { deadToken, failure, graphRoutes } from './facebook-graph.js'
import { redeem, tokenResponse, type TokenFailure } from './token.js'
import type { VendorResponse } from './types.js'
import type { Exchange, Profile, Vendor } from './vendor.js'

const LONG_LIFETIME = 5_183_944

/** https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow */
export const facebook: Profile = {
  name: 'facebook',
  settings: {
    tokenLifetime: 5400,
    refreshTokens: false,
    clientAuth: ['client_secret_post'],
    tokenLength: 180,
  },
  users: [
    {
      id: '10158000000000001',
      name: 'Femi Adeyemi',
      email: 'femi@acme.example',
      picture: 'https://graph.example/femi.jpg',
    },
  ],
  options: ({ url }) => ({
    endpoints: {
      authorization: url('/v25.0/dialog/oauth'),
      token: url('/v25.0/oauth/access_token'),
      userinfo: url('/v25.0/me'),
      api: url('/v25.0'),
    },
  }),
  routes: (vendor) => [
    {
      endpoint: 'authorize',
      methods: ['GET'],
      path: '/{version}/dialog/oauth',
      respond: (exchange) => authorizePage(exchange, vendor),
    },
    {
      endpoint: 'token',
      methods: ['GET', 'POST'],
      path: '/{version}/oauth/access_token',
      respond: (exchange) => token(exchange, vendor),
    },
    ...graphRoutes(vendor),
  ],
}

function authorizePage(exchange: Exchange, vendor: Vendor): VendorResponse {
  return authorize(exchange, vendor, {
    scopeSeparator: /[ ,]+/,
    responseTypes: ['code', 'code granted_scopes', 'granted_scopes code', 'code,granted_scopes'],
    asksToSignInAgain: (params) => params.get('auth_type') === 'reauthenticate',
    denial: {
      error: 'access_denied',
      error_reason: 'user_denied',
      error_description: 'Permissions error',
    },
    fragment: '_=_',
    extras({ userIndex, params, scopes }) {
      const user = vendor.users[userIndex]
      // With `rerequest`, the user grants the permissions that were declined before.
      if (user && params.get('auth_type') === 'rerequest') user.declined = []
      if (!params.get('response_type')?.includes('granted_scopes')) return {}
      const declined = scopes.filter((scope) => user?.declined?.includes(scope))
      const granted = scopes.filter((scope) => !declined.includes(scope))
      return { granted_scopes: granted.join(','), denied_scopes: declined.join(',') }
    },
  })
}

/** Documented as a GET with everything in the query; a form works as well. */
async function token(exchange: Exchange, vendor: Vendor): Promise<VendorResponse> {
  const form = Object.fromEntries(exchange.params)
  const request = { ...exchange.request, method: 'POST', form }
  if (form['grant_type'] === 'fb_exchange_token')
    return longLived({ ...exchange, request }, form, vendor)
  if (form['grant_type'] === 'refresh_token') return failure('Unsupported grant type', 100)
  const outcome = await redeem({ ...exchange, request }, vendor, { accessTokenPrefix: 'EAA' })
  return outcome.error
    ? tokenFailure(outcome)
    : json(200, { ...tokenResponse(outcome), token_type: 'bearer' })
}

async function longLived(
  exchange: Exchange,
  form: Record<string, string>,
  vendor: Vendor,
): Promise<VendorResponse> {
  if (!(await isClientAuthenticated(exchange, vendor)))
    return failure('Error validating client secret.', 1)
  const found = vendor.grants.byAccessToken(form['fb_exchange_token'])
  if (!found) return deadToken()
  const accessToken = vendor.grants.issueAccessToken(found.grant, 'EAA', LONG_LIFETIME)
  return json(200, { access_token: accessToken, token_type: 'bearer', expires_in: LONG_LIFETIME })
}

function tokenFailure({ error, description }: TokenFailure): VendorResponse {
  if (error === 'invalid_client') return failure('Error validating client secret.', 1)
  if (error === 'redirect_uri_mismatch')
    return failure('Error validating verification code.', 100, { error_subcode: 36_008 })
  return failure(description, 100, { error_subcode: 36_009 })
}
