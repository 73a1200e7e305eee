import { createHmac, randomBytes } from 'node:crypto'
import { json } from './responses.js'
import type { VendorResponse, VendorUser } from './types.js'
import { bearerToken, withClaims, type Exchange, type Route, type Vendor } from './vendor.js'

/** https://developers.facebook.com/docs/graph-api/reference/user */
export function graphRoutes(vendor: Vendor): Route[] {
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
  respond: (caller: Caller) => VendorResponse,
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
  return respond({ user, scopes: grant.scopes, userIndex: grant.userIndex, exchange, vendor })
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
    .map((field) => field.split(/[.{(]/, 1)[0] ?? '')
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

/** The error for an invalid access token. */
export function deadToken(): VendorResponse {
  return failure('Error validating access token: the session has been invalidated.', 190, {
    error_subcode: 467,
  })
}

/** https://developers.facebook.com/docs/graph-api/guides/error-handling */
export function failure(
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
