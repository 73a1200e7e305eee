import type { ErrorKind } from './error-kinds.js'

/** The error codes of requests with an access token. (RFC 6750, 3.1) */
export const TOKEN_ERROR_CODES = {
  invalid_token: {
    status: 401,
    audience: 'user',
    retryable: false,
    title: 'The access token is not valid',
    message: 'The access token is invalid, has expired, or is meant for another service.',
    hint: 'no entry of bearer.issuers accepts the token: check its issuer, audience, and expiry',
  },
  insufficient_scope: {
    status: 403,
    audience: 'user',
    retryable: false,
    title: 'The access token does not cover this',
    message: 'The access token lacks a scope that this request needs.',
    hint: 'the client needs a token with the scopes of requireAuth(), which WWW-Authenticate names',
  },
  too_many_requests: {
    status: 429,
    audience: 'user',
    retryable: true,
    title: 'Too many requests',
    message: 'There are too many requests at the moment. Try again later.',
    hint: 'too many access tokens are being checked at the issuer: a client sends tokens that are not valid',
  },
  payload_too_large: {
    status: 413,
    audience: 'user',
    retryable: false,
    title: 'The request is too large',
    message: 'The request is larger than this application accepts.',
    hint: 'an access token has more than 16 KiB: have the issuer put fewer claims into it',
  },
} as const satisfies Record<string, ErrorKind>
