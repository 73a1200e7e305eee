import type { Provider } from '../access/provider.js'
import { OAuthError, type OAuthErrorCode } from '../http/errors.js'

/** The user declined, or did not complete a step that the provider requires. (RFC 6749, 4.1.2.1; OpenID Connect Core, 3.1.2.6) */
const USER_ERRORS = [
  'access_denied',
  'login_required',
  'consent_required',
  'interaction_required',
  'account_selection_required',
]

/** The request or the registration of the client is wrong. The last three are codes of single vendors. */
const CONFIGURATION_ERRORS = [
  'unauthorized_client',
  'invalid_scope',
  'invalid_request',
  'unsupported_response_type',
  'unauthorized_scope_error',
  'invalid_client',
  'redirect_uri_mismatch',
]

/** Characters that could disturb a page or a log: control characters, line separators and directional formatting. */
const UNSAFE_CHARACTERS = /[\u0000-\u001f\u007f\u2028-\u202f\u2066-\u2069]+/g

/** The error of an authorization response. (RFC 6749, 4.1.2.1) */
export function authorizationError(provider: Provider, query: URLSearchParams): OAuthError {
  const error = query.get('error') ?? ''
  const hint = `${provider.name} responded with the error ${JSON.stringify(error.slice(0, 64))}`
  if (error === '') return new OAuthError('invalid_callback', { hint })
  const description = query.get('error_description')?.replace(UNSAFE_CHARACTERS, ' ').trim()
  return new OAuthError(codeOf(error, provider), {
    hint,
    providerMessage: description || undefined,
  })
}

function codeOf(error: string, { denialErrors = [] }: Provider): OAuthErrorCode {
  if (USER_ERRORS.includes(error) || denialErrors.includes(error)) return 'access_denied'
  if (error === 'temporarily_unavailable') return 'provider_busy'
  return CONFIGURATION_ERRORS.includes(error) ? 'misconfigured' : 'provider_error'
}
