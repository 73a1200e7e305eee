import { randomBytes } from 'node:crypto'
import { isClientAuthenticated } from './client-auth.js'
import { json, oauthError } from './responses.js'
import type { VendorResponse } from './types.js'
import type { Exchange, Vendor } from './vendor.js'

const REQUEST_URI = 'urn:ietf:params:oauth:request_uri:'

/** Pushed authorization requests, RFC 9126. */
export async function push(exchange: Exchange, vendor: Vendor): Promise<VendorResponse> {
  if (!(await isClientAuthenticated(exchange, vendor)))
    return oauthError(401, 'invalid_client', 'Client authentication failed.')
  const params = new URLSearchParams(exchange.params)
  if (params.has('request_uri'))
    return oauthError(400, 'invalid_request', 'A pushed request has no request_uri.')
  for (const name of ['client_secret', 'client_assertion', 'client_assertion_type'])
    params.delete(name)
  if (!params.has('client_id')) params.set('client_id', vendor.clientId)
  const requestUri = REQUEST_URI + randomBytes(16).toString('base64url')
  vendor.pushedRequests.set(requestUri, { params, expiresAt: Date.now() + 60_000 })
  return json(201, { request_uri: requestUri, expires_in: 60 })
}
