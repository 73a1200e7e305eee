import { isForm, readForm } from '../http/form.js'
import { OAuthError } from '../http/errors.js'
import type { GateRequest } from '../http/gate-request.js'
import type { ResponseMode } from '../oauth/endpoints.js'
import { authorizationError } from './authorization-error.js'
import type { LoginRequest } from './links.js'
import type { MatchedLogin } from './redeem-code.js'
import { reject, Rejection } from './rejection.js'

/** An authorization response, before it is matched to a login. */
export interface AuthorizationResponse {
  readonly mode: ResponseMode
  readonly params: URLSearchParams
}

/** Parameters of an authorization response, none of which may be repeated. (RFC 6749, 3.1) */
const STANDARD_PARAMS = ['code', 'state', 'iss', 'error', 'error_description']

/** `code` is printable ASCII. (RFC 6749, A.11) */
const CODE = /^[\x20-\x7e]+$/

const MAX_BODY_BYTES = 64 * 1024

/**
 * Reads an authorization response from the query, or from a posted form. (OAuth 2.0 Form Post
 * Response Mode, 2)
 */
export async function readAuthorizationResponse(
  request: GateRequest,
  query: URLSearchParams,
  retry: LoginRequest,
): Promise<AuthorizationResponse> {
  const isPost = request.req.method === 'POST'
  const params = isPost ? await readPostedForm(request, retry) : query
  const repeated = STANDARD_PARAMS.find((name) => params.getAll(name).length > 1)
  if (repeated !== undefined)
    reject('invalid_callback', retry, `the callback repeats the parameter ${repeated}`)
  return { mode: isPost ? 'form_post' : 'query', params }
}

async function readPostedForm(
  { req, res }: GateRequest,
  retry: LoginRequest,
): Promise<URLSearchParams> {
  const form = await readForm(req, res, MAX_BODY_BYTES).catch((error: unknown) => {
    throw error instanceof OAuthError ? new Rejection(error, { retry }) : error
  })
  if (!isForm(req))
    reject(
      'invalid_callback',
      retry,
      'the posted callback is not of the type application/x-www-form-urlencoded',
    )
  if (form.size === 0)
    reject(
      'invalid_callback',
      retry,
      'the form of the callback is empty. If other middleware reads bodies, it must set req.body, or run after the gate',
    )
  return form
}

/**
 * The code of an authorization response, after the checks against mix-up attacks. (RFC 9207, 2.4;
 * RFC 9700, 4.4.2)
 */
export async function readCode(
  { transaction, connection: { provider, client }, retry }: MatchedLogin,
  params: URLSearchParams,
): Promise<string> {
  const { issuer, isRequired } = await client.callbackIssuer()
  const iss = params.get('iss')
  if (issuer !== undefined && (iss === null ? isRequired : iss !== issuer))
    reject('invalid_callback', retry, 'the iss of the callback is missing or unexpected (RFC 9207)')
  if (params.has('error'))
    throw new Rejection(authorizationError(provider, transaction, params), {
      retry,
      provider: provider.name,
    })
  const code = params.get('code') ?? ''
  return CODE.test(code)
    ? code
    : reject('invalid_callback', retry, 'the callback has no valid code')
}

/** The provider's own parameters of a response. Of a repeated one, the first counts. */
export function vendorParams(params: URLSearchParams): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...params].filter(([name]) => !STANDARD_PARAMS.includes(name)).reverse(),
  )
}
