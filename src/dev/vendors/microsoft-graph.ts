import { createHash } from 'node:crypto'
import { json } from './responses.js'
import { standardClaims } from './claims.js'
import { asCaller } from './endpoints.js'
import type { VendorResponse, VendorUser } from './types.js'
import { withClaims, type Exchange, type Route, type Vendor } from './vendor.js'

/** The subject, which differs for each app (OpenID Connect Core 1.0, section 8.1). */
export function pairwise(user: VendorUser, { clientId }: Vendor): string {
  return createHash('sha256').update(`${clientId} ${user.id}`).digest('base64url')
}

const errors = {
  unauthorized: () =>
    json(401, {
      error: {
        code: 'InvalidAuthenticationToken',
        message: 'Access token is empty, expired or invalid.',
      },
    }),
  throttled: () =>
    json(
      429,
      { error: { code: 'TooManyRequests', message: 'Too many requests.' } },
      { 'retry-after': '10' },
    ),
}

/**
 * https://learn.microsoft.com/entra/identity-platform/userinfo and
 * https://learn.microsoft.com/graph/api/overview
 */
export function graphRoutes(vendor: Vendor): Route[] {
  return [
    {
      endpoint: 'userinfo',
      methods: ['GET', 'POST'],
      path: '/oidc/userinfo',
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
      path: '/v1.0/me',
      respond: (exchange) =>
        asCaller(
          exchange,
          vendor,
          ({ user }) =>
            json(200, {
              id: user.id,
              displayName: user.name,
              mail: user.email,
              userPrincipalName: user.username,
            }),
          errors,
        ),
    },
    {
      endpoint: 'groups',
      methods: ['GET'],
      path: '/v1.0/me/transitiveMemberOf',
      respond: (exchange) =>
        asCaller(exchange, vendor, ({ user }) => memberOf(user, exchange, vendor), errors),
    },
  ]
}

function userinfo(user: VendorUser, scopes: readonly string[], vendor: Vendor) {
  const { preferred_username: _, email_verified: __, ...standard } = standardClaims(user, scopes)
  return withClaims(user, { sub: pairwise(user, vendor), ...standard })
}

/** Pages of 100 groups. `@odata.nextLink` is the URL of the next page. */
function memberOf(
  { groups = [] }: VendorUser,
  { request }: Exchange,
  { origin, settings }: Vendor,
): VendorResponse {
  const start = Number(request.query.get('$skiptoken') ?? 0) || 0
  const value = groups
    .slice(start, start + 100)
    .map((id) => ({ '@odata.type': '#microsoft.graph.group', id }))
  const next = `${settings.nextPageOrigin ?? origin}/v1.0/me/transitiveMemberOf?$skiptoken=${start + 100}`
  return json(200, { value, ...(start + 100 < groups.length ? { '@odata.nextLink': next } : {}) })
}
