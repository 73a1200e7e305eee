import type { Provider } from '../../access/provider.js'
import { quote } from '../../oauth/quote.js'
import { offlineFix, redirectUriFix } from '../../oauth/token-errors.js'
import type { AuthorizationRequest } from './authorization-request.js'
import { error, type Problem, warning } from './finding.js'

/** No one is signed in, so that these are no surprise, and nothing is wrong. */
const EXPECTED = [
  'login_required',
  'interaction_required',
  'consent_required',
  'account_selection_required',
]

const REDIRECT_URI_ERRORS = ['redirect_uri_mismatch', 'invalid_redirect_uri', 'redirect_mismatch']
const SCOPE_ERRORS = ['invalid_scope', 'unauthorized_scope_error']
const CLIENT_ERRORS = ['invalid_client', 'invalid_client_id', 'application_suspended']

/**
 * What an error response to an authorization request means; `undefined` for a response that is not
 * an error. (RFC 6749, 4.1.2.1)
 */
export function errorResponseProblem(
  { offline }: Provider,
  { scopes }: AuthorizationRequest,
  redirectUri: string,
  params: URLSearchParams,
): Problem | undefined {
  const code = params.get('error')
  if (code === null || EXPECTED.includes(code)) return undefined
  const description = params.get('error_description')
  const summary = `the provider rejected the authorization request with the error ${quote(code, [])}${description === null ? '' : ` (${quote(description, [])})`}`
  if (REDIRECT_URI_ERRORS.includes(code))
    return error('redirect_uri_rejected', summary, redirectUriFix(redirectUri))
  if (CLIENT_ERRORS.includes(code)) return error('client_unknown', summary, 'check clientId')
  const offlineScopes = (offline?.scopes ?? []).filter((scope) => scopes.includes(scope))
  const isNamed = offlineScopes.some((scope) => description?.includes(scope))
  if (SCOPE_ERRORS.includes(code) || isNamed)
    return error('scope_rejected', summary, scopeFix(scopes, offlineScopes))
  if (code === 'unauthorized_client' || code === 'unsupported_response_type')
    return error(
      'client_not_allowed',
      summary,
      'allow the authorization code flow (response type code) for this client at the provider',
    )
  if (code === 'server_error' || code === 'temporarily_unavailable')
    return warning('authorization_endpoint_failed', summary, 'run the doctor again later')
  return error(
    'authorization_request_rejected',
    summary,
    'check authorizationParams, scopes, and the settings of this client at the provider',
  )
}

function scopeFix(scopes: readonly string[], offlineScopes: readonly string[]): string {
  const fix = `allow these scopes for this client at the provider, or remove those that it does not have: ${scopes.join(' ')}`
  return offlineScopes.length === 0 ? fix : `${fix}. ${offlineFix(offlineScopes)}`
}
