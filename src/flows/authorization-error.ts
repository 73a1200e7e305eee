import type { Provider } from '../access/provider.js'
import { OAuthError, type OAuthErrorCode } from '../http/errors.js'
import { offlineFix, redirectUriFix } from '../oauth/token-errors.js'
import type { ConsumedTransaction } from '../oauth/transaction.js'

/**
 * The user declined, or did not complete a step that the provider requires. (RFC 6749, 4.1.2.1;
 * OpenID Connect Core, 3.1.2.6)
 */
const USER_ERRORS = [
  'access_denied',
  'login_required',
  'consent_required',
  'interaction_required',
  'account_selection_required',
]

/**
 * The request or the registration of the client is wrong. The last three are codes of single
 * vendors.
 */
const CONFIGURATION_ERRORS = [
  'unauthorized_client',
  'invalid_scope',
  'invalid_request',
  'unsupported_response_type',
  'unauthorized_scope_error',
  'invalid_client',
  'redirect_uri_mismatch',
]

/** The provider rejected one of the scopes. */
const SCOPE_ERRORS = ['invalid_scope', 'unauthorized_scope_error']

/**
 * Characters that could disturb a page or a log: control characters, line separators and
 * directional formatting.
 */
const UNSAFE_CHARACTERS = /[\u0000-\u001f\u007f\u2028-\u202f\u2066-\u2069]+/g

/** The error of an authorization response. (RFC 6749, 4.1.2.1) */
export function authorizationError(
  provider: Provider,
  transaction: Pick<ConsumedTransaction, 'scopes' | 'redirectUri'>,
  query: URLSearchParams,
): OAuthError {
  const error = query.get('error') ?? ''
  const summary = `${provider.name} responded with the error ${JSON.stringify(error.slice(0, 64))}`
  if (error === '') return new OAuthError('invalid_callback', { hint: summary })
  const description = query.get('error_description')?.replace(UNSAFE_CHARACTERS, ' ').trim()
  const fix = fixOf(error, description, provider, transaction)
  return new OAuthError(codeOf(error, provider), {
    hint: fix === undefined ? summary : `${summary}: ${fix}`,
    providerMessage: description || undefined,
  })
}

/** How the owner can fix the error, if it is about a scope or the redirect URI. */
function fixOf(
  error: string,
  description: string | undefined,
  { offline }: Provider,
  { scopes, redirectUri }: Pick<ConsumedTransaction, 'scopes' | 'redirectUri'>,
): string | undefined {
  if (error === 'redirect_uri_mismatch') return redirectUriFix(redirectUri)
  const offlineScopes = (offline?.scopes ?? []).filter((scope) => scopes.includes(scope))
  const isNamed = offlineScopes.some((scope) => description?.includes(scope))
  if (!SCOPE_ERRORS.includes(error) && !isNamed) return undefined
  const requested = `requested were the scopes ${scopes.join(' ')}`
  return offlineScopes.length === 0 ? requested : `${requested}. ${offlineFix(offlineScopes)}`
}

function codeOf(error: string, { denialErrors = [] }: Provider): OAuthErrorCode {
  if (USER_ERRORS.includes(error) || denialErrors.includes(error)) return 'access_denied'
  if (error === 'temporarily_unavailable') return 'provider_busy'
  return CONFIGURATION_ERRORS.includes(error) ? 'misconfigured' : 'provider_error'
}
