import { type OAuthErrorCode, ProviderError, type ProviderOutcome } from '../http/errors.js'
import { isObject } from '../http/json.js'
import { asString } from './claims.js'
import type { ProviderDefinition } from './definition.js'
import type { ApiResponse } from './provider-api.js'

type ErrorReader = Pick<ProviderDefinition, 'readError' | 'outcomeOf'>

const grantEnded = { outcome: 'ended', code: 'login_expired' } as const
const misconfigured = { outcome: 'owner', code: 'misconfigured' } as const
const busy = { outcome: 'throttled', code: 'provider_busy' } as const

/** Errors of the token endpoint. (RFC 6749, 5.2) Compared exactly: a description may quote any of them. */
const tokenErrors = new Map<string, { outcome: ProviderOutcome; code: OAuthErrorCode }>([
  ['invalid_grant', grantEnded],
  // GitHub. https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors
  ['bad_verification_code', grantEnded],
  ['bad_refresh_token', grantEnded],
  ['unverified_user_email', { outcome: 'denied', code: 'email_unverified' }],
  ['incorrect_client_credentials', misconfigured],
  ['redirect_uri_mismatch', misconfigured],
  // Microsoft, when a policy of the tenant requires the user to sign in again. (OpenID Connect Core, 3.1.2.6)
  ['interaction_required', grantEnded],
  ['login_required', grantEnded],
  ['consent_required', grantEnded],
  ['access_denied', { outcome: 'denied', code: 'access_denied' }],
  ['invalid_client', misconfigured],
  ['unauthorized_client', misconfigured],
  ['unsupported_grant_type', misconfigured],
  ['invalid_scope', misconfigured],
  ['temporarily_unavailable', busy],
  ['slow_down', busy],
])

/** The error for a token response without tokens; also for pushed requests and revocations. */
export function tokenEndpointError(response: ApiResponse, reader: ErrorReader): ProviderError {
  const { status, body } = response
  const error = errorCode(body, reader)
  const hint = `the token endpoint responded with status ${status} and ${describeCode(error)}`
  const outcome = reader.outcomeOf?.(response)
  if (outcome === 'throttled' || status === 429) return throttled(response, hint)
  const known = tokenErrors.get(error ?? '')
  if (known) return new ProviderError(known.outcome, known.code, { hint })
  return providerError(outcome ?? 'down', hint)
}

/** The error for an API or userinfo response without data. `name` is the subject of the hint. */
export function apiError(response: ApiResponse, reader: ErrorReader, name: string): ProviderError {
  const { status } = response
  const hint = `${name} responded with status ${status}`
  const outcome = reader.outcomeOf?.(response) ?? outcomeOfStatus(status)
  return outcome === 'throttled' ? throttled(response, hint) : providerError(outcome, hint)
}

/** The time for the whole exchange is up. */
export function providerTimeout(): ProviderError {
  return new ProviderError('down', 'provider_timeout', {
    hint: 'the provider did not respond in time',
  })
}

function providerError(outcome: ProviderOutcome, hint: string): ProviderError {
  return new ProviderError(outcome, outcome === 'owner' ? 'misconfigured' : 'provider_error', {
    hint,
  })
}

function outcomeOfStatus(status: number): ProviderOutcome {
  if (status === 401) return 'ended'
  if (status === 403 || status === 404) return 'denied'
  return status === 429 ? 'throttled' : 'down'
}

/** `Retry-After` in seconds (RFC 9110, 10.2.3); a date is ignored. */
function throttled({ headers }: ApiResponse, hint: string): ProviderError {
  const seconds = Number(headers.get('retry-after'))
  const retryAfter = Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 3600) : undefined
  return new ProviderError('throttled', 'provider_busy', { hint, retryAfter })
}

function errorCode(body: unknown, { readError }: ErrorReader): string | undefined {
  const code = readError?.(body)?.code
  return code ?? (isObject(body) ? asString(body['error']) : undefined)
}

/**
 * For the log. Providers may repeat the request with its client secret, so only a well-formed error code of their response
 * is shown or logged. (RFC 6749, 5.2)
 */
function describeCode(code: string | undefined): string {
  if (code === undefined) return 'no error code'
  return /^(?:[A-Za-z_]{1,48}|\d{1,6})$/.test(code)
    ? `the error "${code}"`
    : 'a malformed error code'
}
