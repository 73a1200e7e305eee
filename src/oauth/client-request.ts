import { formEncode } from './client-auth.js'
import type { ClientConfig } from './client-config.js'
import type { ServerMetadata } from './discovery.js'
import { quote } from './quote.js'

/**
 * A request of the client to the token endpoint, or to another one that authenticates the client.
 */
export interface ClientRequest {
  /** For the hint. */
  readonly endpoint: 'token' | 'revocation' | 'pushed authorization request'
  readonly config: ClientConfig
  readonly metadata: ServerMetadata
  readonly params: URLSearchParams
  readonly headers: Headers
  /** The scopes of the authorization request; empty if they are not known. */
  readonly requestedScopes: readonly string[]
}

/** What an error response contains. */
export interface TokenError {
  readonly status: number
  readonly code: string | undefined
  readonly message: string | undefined
}

/** Parameters whose values may be logged. The values of all others may be secrets. */
const PUBLIC_PARAMS = new Set([
  ...['grant_type', 'client_id', 'redirect_uri', 'scope', 'client_assertion_type'],
  ...['response_type', 'code_challenge_method', 'prompt', 'max_age'],
])

/**
 * For the log. The error code must be well-formed (RFC 6749, 5.2), and neither part contains what
 * we sent as a secret.
 */
export function describeTokenError(
  { status, code, message }: TokenError,
  request: ClientRequest,
): string {
  const secrets = secretsOf(request)
  const text = message === undefined ? '' : ` (${quote(message, secrets)})`
  if (code === undefined) return `status ${status} and no error code${text}`
  const isWellFormed = /^(?:[A-Za-z_]{1,48}|\d{1,6})$/.test(code)
  const shown = isWellFormed ? `the error ${quote(code, secrets)}` : 'a malformed error code'
  return `status ${status} and ${shown}${text}`
}

/** What we sent to the endpoint, in the encodings in which a provider may repeat it. */
function secretsOf({ config, params, headers }: ClientRequest): readonly string[] {
  const values = [
    config.clientSecret ?? '',
    ...[...params].flatMap(([name, value]) => (PUBLIC_PARAMS.has(name) ? [] : [value])),
    ...Object.values(config.tokenHeaders),
    headers.get('authorization')?.replace(/^\w+ /, '') ?? '',
  ]
  return [
    ...new Set(values.flatMap((value) => [value, formEncode(value), encodeURIComponent(value)])),
  ]
}
