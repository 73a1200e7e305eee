import { json } from './responses.js'
import { asCaller, type Caller } from './endpoints.js'
import type { Grant } from './grants.js'
import type { VendorResponse, VendorUser } from './types.js'
import { withClaims, type Exchange, type Route, type Vendor } from './vendor.js'

/**
 * The parameter `claims` (OpenID Connect Core 1.0, section 5.5); `undefined` if it is not a JSON
 * object.
 */
export function requestedClaims(
  params: URLSearchParams,
): Record<string, object | null> | undefined {
  try {
    const claims: unknown = JSON.parse(params.get('claims') ?? '{}')
    return typeof claims === 'object' && claims !== null
      ? (claims as Record<string, object | null>)
      : undefined
  } catch {
    return undefined
  }
}

/** Only the claims that the `claims` parameter requests for this target. */
export function claims(
  user: VendorUser,
  { params, scopes }: Grant,
  target: 'id_token' | 'userinfo',
) {
  const isVerified = user.emailVerified !== false && Boolean(user.email)
  const mayReadEmail = scopes.includes('user:read:email')
  const all: Record<string, unknown> = {
    ...(mayReadEmail ? { email: isVerified ? user.email : null, email_verified: isVerified } : {}),
    picture: user.picture,
    preferred_username: user.username ?? String(user.id),
    updated_at: '2024-01-01T00:00:00Z',
  }
  const requested = Object.keys(requestedClaims(params)?.[target] ?? {})
  return Object.fromEntries(Object.entries(all).filter(([name]) => requested.includes(name)))
}

const errors = {
  unauthorized: () => problem(401, 'Invalid OAuth token'),
  throttled: () =>
    json(
      429,
      { status: 429, message: 'Too Many Requests' },
      { 'ratelimit-limit': '800', 'ratelimit-remaining': '0', 'ratelimit-reset': '0' },
    ),
}

/** https://dev.twitch.tv/docs/api/reference/#get-users */
export function apiRoutes(vendor: Vendor): Route[] {
  return [
    {
      endpoint: 'userinfo',
      methods: ['GET'],
      path: '/oauth2/userinfo',
      respond: (exchange) =>
        asCaller(
          exchange,
          vendor,
          ({ user, grant }) => {
            const base = {
              iss: vendor.url('/oauth2'),
              sub: String(user.id),
              aud: vendor.clientId,
              azp: vendor.clientId,
            }
            return json(200, withClaims(user, { ...base, ...claims(user, grant, 'userinfo') }))
          },
          errors,
        ),
    },
    {
      endpoint: 'user',
      methods: ['GET'],
      path: '/helix/users',
      respond: (exchange) =>
        asCaller(exchange, vendor, (caller) => helixUsers(caller, exchange, vendor), errors),
    },
  ]
}

function helixUsers(
  { user, grant }: Caller,
  { request }: Exchange,
  { clientId }: Vendor,
): VendorResponse {
  if (request.headers['client-id'] !== clientId)
    return problem(401, 'Client ID and OAuth token do not match')
  const mayReadEmail = grant.scopes.includes('user:read:email') && user.emailVerified !== false
  const { id, username = String(id), picture = '' } = user
  const data = {
    id: String(id),
    login: username.toLowerCase(),
    display_name: username,
    profile_image_url: picture,
    ...(mayReadEmail ? { email: user.email } : {}),
  }
  return json(200, { data: [data] })
}

/** Twitch's errors have no member `error`. */
export function problem(status: number, message: string): VendorResponse {
  return json(status, { status, message })
}
