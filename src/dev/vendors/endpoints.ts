import { bearerError, json } from './responses.js'
import { isClientAuthenticated } from './client-auth.js'
import type { Grant } from './grants.js'
import type { VendorResponse, VendorUser } from './types.js'
import { bearerToken, type Exchange, type Route, type Vendor } from './vendor.js'

/** The user and the grant of an API request. */
export interface Caller {
  user: VendorUser
  grant: Grant
  accessToken: string
  /** In milliseconds. */
  expiresAt: number
}

/** The vendor's own error responses. */
export interface ApiErrors {
  unauthorized?: () => VendorResponse
  throttled?: () => VendorResponse
}

/** Responds to requests with a valid access token, and to others with the vendor's own errors. */
export function asCaller(
  { request }: Exchange,
  vendor: Vendor,
  respond: (caller: Caller) => VendorResponse | Promise<VendorResponse>,
  { unauthorized, throttled }: ApiErrors = {},
): VendorResponse | Promise<VendorResponse> {
  const accessToken = bearerToken(request)
  const found = vendor.grants.byAccessToken(accessToken)
  if (!found || accessToken === undefined) {
    return (
      unauthorized?.() ??
      bearerError(401, 'invalid_token', 'The access token is invalid or has expired.')
    )
  }
  if (vendor.settings.throttled)
    return throttled?.() ?? json(429, { error: 'too_many_requests' }, { 'retry-after': '1' })
  return respond({ ...found, accessToken })
}

/** The route of the discovery document (OpenID Connect Discovery 1.0, section 4). */
export function discovery(path: string, vendor: Vendor, document: Record<string, unknown>): Route {
  return {
    endpoint: 'discovery',
    methods: ['GET'],
    path,
    respond: () => json(200, { ...document, ...vendor.settings.discovery }),
  }
}

/** The route of the key set (RFC 7517). `extra` is added to each key. */
export function jwks(path: string, vendor: Vendor, extra?: Record<string, unknown>): Route {
  return {
    endpoint: 'jwks',
    methods: ['GET'],
    path,
    respond: async () => json(200, await vendor.idTokens.jwks(extra)),
  }
}

/** The route that revokes tokens (RFC 7009). */
export function revocation(path: string, vendor: Vendor): Route {
  return {
    endpoint: 'revocation',
    methods: ['POST'],
    path,
    async respond(exchange) {
      if (!(await isClientAuthenticated(exchange, vendor)))
        return json(401, { error: 'invalid_client' })
      vendor.grants.revoke(exchange.params.get('token') ?? '', true)
      return json(200, {})
    },
  }
}
