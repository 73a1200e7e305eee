import { createHmac, randomBytes } from 'node:crypto'
import { json } from './responses.js'
import { authorize } from './authorize.js'
import { isClientAuthenticated } from './client-auth.js'
import { redeem, tokenResponse, type TokenFailure } from './token.js'
import type { VendorResponse, VendorUser } from './types.js'
import {
  bearerToken,
  withClaims,
  type Exchange,
  type Profile,
  type Route,
  type Vendor,
} from './vendor.js'

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
    ...graph(vendor),
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
      // Asked once more, the user gives what was declined before.
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

function graph(vendor: Vendor): Route[] {
  return [
    {
      endpoint: 'userinfo',
      methods: ['GET'],
      path: '/{version}/me',
      respond: (exchange) => asUser(exchange, vendor, me),
    },
    {
      endpoint: 'permissions',
      methods: ['GET', 'DELETE'],
      path: '/{version}/me/permissions',
      respond: (exchange) => asUser(exchange, vendor, permissions),
    },
    {
      endpoint: 'tokeninfo',
      methods: ['GET'],
      path: '/{version}/debug_token',
      respond: (exchange) => debugToken(exchange, vendor),
    },
  ]
}

interface Caller {
  user: VendorUser
  scopes: readonly string[]
  userIndex: number
  exchange: Exchange
  vendor: Vendor
}

function asUser(
  exchange: Exchange,
  vendor: Vendor,
  answer: (caller: Caller) => VendorResponse,
): VendorResponse {
  const token =
    bearerToken(exchange.request) ??
    exchange.params.get('access_token') ??
    exchange.request.query.get('access_token') ??
    undefined
  const found = vendor.grants.byAccessToken(token)
  if (!found || token === undefined) return deadToken()
  const proof =
    exchange.request.query.get('appsecret_proof') ?? exchange.params.get('appsecret_proof')
  if (proof === null && vendor.settings.proofRequired) {
    return failure('API calls from the server require an appsecret_proof argument', 100, {
      type: 'GraphMethodException',
    })
  }
  const expected = createHmac('sha256', vendor.clientSecret).update(token).digest('hex')
  if (proof !== null && proof !== expected) {
    return failure('Invalid appsecret_proof provided in the API argument', 100, {
      type: 'GraphMethodException',
    })
  }
  if (vendor.settings.throttled) return failure('(#4) Application request limit reached', 4)
  const { user, grant } = found
  return answer({ user, scopes: grant.scopes, userIndex: grant.userIndex, exchange, vendor })
}

/** Only `id` and `name`, unless `fields` names more. */
function me({ user, scopes, exchange }: Caller): VendorResponse {
  const mayReadEmail = scopes.includes('email') && !user.declined?.includes('email')
  const all: Record<string, unknown> = withClaims(user, {
    id: String(user.id),
    name: user.name ?? undefined,
    email: mayReadEmail ? (user.email ?? undefined) : undefined,
    picture: user.picture && {
      data: { height: 50, width: 50, is_silhouette: false, url: user.picture },
    },
  })
  // `picture.width(100)` and `picture{url}` are fields, too.
  const fields = (exchange.request.query.get('fields') ?? 'id,name')
    .split(',')
    .map((field) => field.replace(/[.{(].*$/, ''))
  return json(200, Object.fromEntries(['id', ...fields].map((field) => [field, all[field]])))
}

function permissions({ user, scopes, userIndex, exchange, vendor }: Caller): VendorResponse {
  if (exchange.request.method === 'DELETE') {
    vendor.grants.revokeAll(userIndex)
    return json(200, { success: true })
  }
  const status = (permission: string) =>
    user.declined?.includes(permission) ? 'declined' : 'granted'
  const all = [...new Set(['public_profile', ...scopes])]
  return json(200, { data: all.map((permission) => ({ permission, status: status(permission) })) })
}

function debugToken({ request }: Exchange, vendor: Vendor): VendorResponse {
  if (request.query.get('access_token') !== `${vendor.clientId}|${vendor.clientSecret}`)
    return deadToken()
  const found = vendor.grants.byAccessToken(request.query.get('input_token') ?? undefined)
  if (!found)
    return json(200, {
      data: { is_valid: false, error: { code: 190, message: 'Invalid OAuth access token.' } },
    })
  const { user, grant, expiresAt } = found
  const data = {
    app_id: vendor.clientId,
    user_id: String(user.id),
    is_valid: true,
    scopes: grant.scopes,
    expires_at: Math.floor(expiresAt / 1000),
  }
  return json(200, { data })
}

function deadToken(): VendorResponse {
  return failure('Error validating access token: the session has been invalidated.', 190, {
    error_subcode: 467,
  })
}

function tokenFailure({ error, description }: TokenFailure): VendorResponse {
  if (error === 'invalid_client') return failure('Error validating client secret.', 1)
  if (error === 'redirect_uri_mismatch')
    return failure('Error validating verification code.', 100, { error_subcode: 36_008 })
  return failure(description, 100, { error_subcode: 36_009 })
}

function failure(
  message: string,
  code: number,
  extra: Record<string, unknown> = {},
): VendorResponse {
  return json(400, {
    error: {
      message,
      type: 'OAuthException',
      code,
      ...extra,
      fbtrace_id: randomBytes(8).toString('base64url'),
    },
  })
}
