import { bearerError, json } from './answers.js'
import { isClientAuthenticated } from './client-auth.js'
import type { Grant } from './grants.js'
import type { VendorAnswer, VendorUser } from './types.js'
import { bearerToken, type Exchange, type Route, type Vendor } from './vendor.js'

export interface Caller {
  user: VendorUser
  grant: Grant
  accessToken: string
  /** In ms. */
  expiresAt: number
}

export interface ApiErrors {
  unauthorized?: () => VendorAnswer
  throttled?: () => VendorAnswer
}

/** Answers who comes with a live access token, and refuses the others in the vendor's words. */
export function asCaller(
  { request }: Exchange,
  vendor: Vendor,
  answer: (caller: Caller) => VendorAnswer | Promise<VendorAnswer>,
  { unauthorized, throttled }: ApiErrors = {},
): VendorAnswer | Promise<VendorAnswer> {
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
  return answer({ ...found, accessToken })
}

export function discovery(path: string, vendor: Vendor, document: Record<string, unknown>): Route {
  return {
    endpoint: 'discovery',
    methods: ['GET'],
    path,
    answer: () => json(200, { ...document, ...vendor.settings.discovery }),
  }
}

export function jwks(path: string, vendor: Vendor, extra?: Record<string, unknown>): Route {
  return {
    endpoint: 'jwks',
    methods: ['GET'],
    path,
    answer: async () => json(200, await vendor.idTokens.jwks(extra)),
  }
}

/** RFC 7009. */
export function revocation(path: string, vendor: Vendor): Route {
  return {
    endpoint: 'revocation',
    methods: ['POST'],
    path,
    async answer(exchange) {
      if (!(await isClientAuthenticated(exchange, vendor)))
        return json(401, { error: 'invalid_client' })
      vendor.grants.revoke(exchange.params.get('token') ?? '', true)
      return json(200, {})
    },
  }
}
