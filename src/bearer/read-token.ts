import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { OAuthError } from '../http/errors.js'
import { rawHeadersOf } from '../http/request-headers.js'

/** Characters of a token. Requests with more than 16 KiB of headers need a special setting of Node. */
const MAX_TOKEN_LENGTH = 16 * 1024

/**
 * RFC 6750, 2.1; the scheme in any case: RFC 9110, 11.1. Also in front of a tab, which other
 * programs accept: such a token is malformed, and its request must not pass by a cookie.
 */
const BEARER = /^bearer(?:\s|$)/i
const NAME = 'authorization'
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/

/**
 * Whether a request has a bearer token, well-formed or not. Tokens in the query or in a form are
 * never read: they would end up in logs. (RFC 6750, 5.3)
 */
export function hasBearerToken(req: IncomingMessage, headers: IncomingHttpHeaders): boolean {
  const { authorization } = headers
  if (authorization === undefined) return false
  // Node keeps only the first of several headers, and another program may read another one.
  return BEARER.test(authorization) || authorizations(req).some((value) => BEARER.test(value))
}

/**
 * What follows the scheme, of a request for which {@link hasBearerToken} is true. The format is
 * checked by {@link checkTokenFormat}, for tokens that are not known yet.
 */
export function readBearerToken(req: IncomingMessage, headers: IncomingHttpHeaders): string {
  if (authorizations(req).length > 1)
    throw new OAuthError('invalid_token', {
      hint: 'the request has several Authorization headers: it may have only one',
    })
  const { authorization = '' } = headers
  let start = 'bearer'.length
  while (authorization[start] === ' ') start++
  // Before anything else is done with it.
  if (authorization.length - start > MAX_TOKEN_LENGTH) throw new OAuthError('payload_too_large')
  return authorization.slice(start)
}

/** Throws the error of a token that is malformed. (RFC 6750, 2.1) */
export function checkTokenFormat(token: string): void {
  if (TOKEN.test(token)) return
  throw new OAuthError('invalid_token', {
    hint: 'the Authorization header is not of the form "Bearer <token>"',
  })
}

/** The values of all `Authorization` headers. A loop: every request with a token runs it. */
function authorizations(req: IncomingMessage): readonly string[] {
  const raw = rawHeadersOf(req)
  const values: string[] = []
  for (let index = 0; index < raw.length; index += 2)
    if (raw[index]?.length === NAME.length && raw[index]?.toLowerCase() === NAME)
      values.push(raw[index + 1] ?? '')
  return values
}
