import { type OAuthErrorCode, ProviderError, type ProviderOutcome } from '../http/errors.js'
import { isObject } from '../http/json.js'
import { asString } from './claims.js'
import { clientAuthMethod } from './client-auth.js'
import { type ClientRequest, describeTokenError, type TokenError } from './client-request.js'
import type { ClientConfig } from './client-config.js'
import { describeResponse } from './describe-response.js'
import type { ApiResponse } from './provider-api.js'
import { outcomeOfFailure, providerError, throttled } from './provider-errors.js'

const grantEnded = { outcome: 'ended', code: 'login_expired' } as const
const misconfigured = { outcome: 'owner', code: 'misconfigured' } as const
const busy = { outcome: 'throttled', code: 'provider_busy' } as const

/**
 * Errors of the token endpoint. (RFC 6749, 5.2) Compared exactly: a description may quote any of
 * them.
 */
const tokenErrors = new Map<string, { outcome: ProviderOutcome; code: OAuthErrorCode }>([
  ['invalid_grant', grantEnded],
  // GitHub.
  // https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors
  ['bad_verification_code', grantEnded],
  ['bad_refresh_token', grantEnded],
  ['unverified_user_email', { outcome: 'denied', code: 'email_unverified' }],
  ['incorrect_client_credentials', misconfigured],
  ['redirect_uri_mismatch', misconfigured],
  // oidc-provider and LinkedIn
  ['invalid_redirect_uri', misconfigured],
  // Microsoft, when a policy of the tenant requires the user to sign in again. (OpenID Connect
  // Core, 3.1.2.6)
  ['interaction_required', grantEnded],
  ['login_required', grantEnded],
  ['consent_required', grantEnded],
  ['access_denied', { outcome: 'denied', code: 'access_denied' }],
  ['invalid_client', misconfigured],
  ['unauthorized_client', misconfigured],
  ['unsupported_grant_type', misconfigured],
  ['invalid_scope', misconfigured],
  // Keycloak, for users without the role offline_access
  ['not_allowed', misconfigured],
  ['temporarily_unavailable', busy],
  ['slow_down', busy],
])

const CLIENT_ERRORS = ['invalid_client', 'unauthorized_client', 'incorrect_client_credentials']
const REDIRECT_URI_ERRORS = ['redirect_uri_mismatch', 'invalid_redirect_uri']
const SCOPE_ERRORS = ['invalid_scope', 'not_allowed']

/** The error for a token response without tokens; also for pushed requests and revocations. */
export function tokenEndpointError(response: ApiResponse, request: ClientRequest): ProviderError {
  const { status, body } = response
  const { config } = request
  const reported = config.readError?.(body)
  const members = isObject(body) ? body : {}
  const code = reported?.code ?? asString(members['error'])
  const message = reported === undefined ? asString(members['error_description']) : reported.message
  const error = { status, code, message }
  const summary = `the ${request.endpoint} endpoint responded with ${code === undefined && message === undefined ? describeResponse(response) : describeTokenError(error, request)}`
  const outcome = config.outcomeOf?.(response)
  if (outcome === 'throttled' || status === 429) return throttled(response, summary)
  const fix = fixOf(error, request)
  if (fix !== undefined) return providerError('owner', `${summary}: ${fix}`)
  const known = tokenErrors.get(code ?? '')
  if (known === undefined) return providerError(outcome ?? outcomeOfFailure(status), summary)
  return new ProviderError(known.outcome, known.code, {
    hint:
      isRedemption(request) && code === 'invalid_grant' ? `${summary}: ${EXPIRED_CODE}` : summary,
  })
}

const EXPIRED_CODE =
  'the authorization code is wrong, used or expired, or was issued for another redirect URI'

/** How the owner can fix the error; `undefined` if it is not the configuration. */
function fixOf(error: TokenError, request: ClientRequest): string | undefined {
  const { code = '' } = error
  // A rejected client has status 401 (RFC 6749, 5.2), which other errors should not have.
  if (CLIENT_ERRORS.includes(code) || (error.status === 401 && !tokenErrors.has(code)))
    return clientFix(request)
  if (isRedirectUriError(error, request))
    return redirectUriFix(request.params.get('redirect_uri') ?? '(none was sent)')
  return isOfflineError(error, request)
    ? offlineFix(request.config.offline?.scopes ?? [])
    : undefined
}

/** The fix if a provider rejects the redirect URI. */
export function redirectUriFix(redirectUri: string): string {
  return `register exactly this redirect URI at the provider: ${redirectUri}; if browsers use another URL, set baseUrl, and to keep a registered path, callbackPath`
}

/** The fix if a provider rejects the scope that requests a refresh token. */
export function offlineFix(scopes: readonly string[]): string {
  const [scope = 'offline_access'] = scopes
  return `The scope ${scope}, which requests a refresh token, may be the cause: set offlineAccess: false (and leave it out of scopes), or allow it for this client and its users at the provider`
}

function clientFix({ config, metadata }: ClientRequest): string {
  const check = 'the provider rejected the client: check clientId and clientSecret'
  if (config.hasFixedClientAuth) return check
  if (hasAuthorization(config))
    return `${check}; the Authorization header in tokenHeaders replaces clientAuth`
  const used = `clientAuth is '${clientAuthMethod(config, metadata)}'${config.clientAuth === undefined ? ' by default' : ''}`
  const listed = metadata.clientAuthMethods.filter((method) => /^[a-z_]{1,40}$/.test(method))
  return listed.length === 0
    ? `${check}, and clientAuth: ${used}, and discovery lists no methods`
    : `${check}, and clientAuth: ${used}, and discovery lists ${listed.slice(0, 8).join(', ')}`
}

/**
 * Whether an `Authorization` header from the option `tokenHeaders` replaces client authentication.
 * (RFC 6749, 2.3)
 */
export function hasAuthorization({ tokenHeaders }: Pick<ClientConfig, 'tokenHeaders'>): boolean {
  return Object.keys(tokenHeaders).some((name) => name.toLowerCase() === 'authorization')
}

/**
 * Keycloak, Okta, Entra and others report a wrong redirect URI as `invalid_grant` with a
 * description. Many servers always repeat the whole sentence of RFC 6749, 5.2, which names every
 * cause. At a refresh, a new login helps.
 */
function isRedirectUriError({ code = '', message = '' }: TokenError, request: ClientRequest) {
  if (REDIRECT_URI_ERRORS.includes(code)) return true
  const { params } = request
  if (!params.has('redirect_uri') || params.get('grant_type') === 'refresh_token') return false
  if (!['invalid_grant', 'invalid_request'].includes(code)) return false
  return message
    .slice(0, 1024)
    .split(/[.;!] /)
    .some(
      (sentence) =>
        /redirect[ _-]?ur[il]|redirection ur[il]|reply (?:address|url)/i.test(sentence) &&
        /match|incorrect|invalid|wrong|identical|\bnot\b/i.test(sentence) &&
        !/expired|revoked|verifier/i.test(sentence),
    )
}

function isOfflineError({ code = '', message = '' }: TokenError, request: ClientRequest): boolean {
  const scopes = request.config.offline?.scopes ?? []
  if (/offline[ _]?(?:access|token)/i.test(message))
    return scopes.length > 0 || code === 'not_allowed'
  return (
    SCOPE_ERRORS.includes(code) && scopes.some((scope) => request.requestedScopes.includes(scope))
  )
}

function isRedemption({ params }: ClientRequest): boolean {
  return params.get('grant_type') === 'authorization_code'
}
