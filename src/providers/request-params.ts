import { record, strings } from '../schema/types.js'

/** Parameters that the security of a login depends on: no option may set them. */
export const reservedParams = new Set<string>([
  'state',
  'client_id',
  'redirect_uri',
  'response_type',
  'response_mode',
  'code_challenge',
  'code_challenge_method',
  'nonce',
  'scope',
  'request',
  'request_uri',
  // Parameters of the token request: URLs end up in logs and in the browser history.
  'client_secret',
  'client_assertion',
  'client_assertion_type',
  'code_verifier',
])

/**
 * Combines two values of `prompt`. `none` must not be combined with others. (OpenID Connect Core,
 * 3.1.2.1)
 */
export function mergePrompts(configured: string | undefined, more: string): string {
  if (configured === undefined) return more
  const prompts = [...configured.split(' '), ...more.split(' ')].filter((value) => value !== 'none')
  return [...new Set(prompts)].join(' ')
}

/** Parameters of `/auth/authn` that are not forwarded. */
const AUTHN_PARAMS = new Set(['connection', 'connection_scope', 'return_token'])

/** Headers that `fetch` sets for the connection or the body. */
const FORBIDDEN_HEADERS = new Set([
  'host',
  'content-length',
  'content-type',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'upgrade',
  'expect',
  'te',
  'trailer',
])

/** An array of scopes (RFC 6749, A.4). Commas separate scopes at some providers. */
export const scopesField = strings({
  check: (scope) =>
    /^[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]+$/.test(scope)
      ? undefined
      : 'has an entry that is not a scope: one scope per entry, without whitespace, commas and quotes',
})

/** Parameters of every authorization request. */
export const authorizationParamsField = record((name) =>
  reservedParams.has(name) ? `must not set ${name}` : undefined,
)

/** Query parameters of `/auth/authn` that are forwarded to the provider. */
export const authorizationParamsMapField = record((name, from) => {
  if (reservedParams.has(name)) return `must not set ${name}`
  if (!/^[A-Za-z0-9_.-]{1,64}$/.test(from)) return 'must map to names of query parameters'
  return AUTHN_PARAMS.has(from) ? `must not read ${from}: it is reserved for the login` : undefined
})

/** Headers of every token request. */
export const tokenHeadersField = record(
  (name, value) => {
    if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) return 'has a name that is not a header name'
    if (FORBIDDEN_HEADERS.has(name.toLowerCase())) return `must not set ${name.toLowerCase()}`
    return /^[\t\x20-\x7e]*$/.test(value) ? undefined : 'has a value that is not a header value'
  },
  (headers) => {
    const names = Object.keys(headers).map((name) => name.toLowerCase())
    return new Set(names).size === names.length ? undefined : 'contains the same header twice'
  },
)
