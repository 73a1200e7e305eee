import type { OptionReader } from '../schema.js'

/** Parameters that make a login safe: no option sets them. */
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
  // These belong to the token request: in an address they would be seen by everybody on the way.
  'client_secret',
  'client_assertion',
  'client_assertion_type',
  'code_verifier',
])

/** What stands in every authorization request. */
export function readParams(options: OptionReader): Record<string, string> {
  return (
    options.record('authorizationParams', (name) =>
      reservedParams.has(name) ? `must not set ${name}` : undefined,
    ) ?? {}
  )
}

/** What of a login link's query goes on to the provider. */
export function readParamsMap(options: OptionReader): Record<string, string> {
  const map = options.record('authorizationParamsMap', (name, from) => {
    if (reservedParams.has(name)) return `must not set ${name}`
    return /^[A-Za-z0-9_.-]{1,64}$/.test(from) ? undefined : 'must map to names of query parameters'
  })
  for (const from of Object.values(map ?? {})) {
    if (['connection', 'connection_scope', 'return_token'].includes(from))
      options.fail('authorizationParamsMap', `must not read ${from}: it has a meaning of its own`)
  }
  return map ?? {}
}

/** What goes with every token request. */
export function readTokenHeaders(options: OptionReader): Record<string, string> {
  const forbidden = new Set([
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
  const headers =
    options.record('tokenHeaders', (name, value) => {
      if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) return 'has a name that is no header name'
      if (forbidden.has(name.toLowerCase())) return `must not set ${name.toLowerCase()}`
      return /^[\t\x20-\x7e]*$/.test(value) ? undefined : 'has a value that no header may have'
    }) ?? {}
  const names = Object.keys(headers).map((name) => name.toLowerCase())
  if (new Set(names).size !== names.length)
    options.fail('tokenHeaders', 'names the same header twice')
  return headers
}

/** RFC 6749, A.4. */
export function checkScope(scope: string): string | undefined {
  return /^[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]+$/.test(scope)
    ? undefined
    : 'has an entry that is no scope: one scope an entry, without blanks, commas and quotes'
}
