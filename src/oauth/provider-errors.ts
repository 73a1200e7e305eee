import { type OAuthErrorCode, ProviderError, type ProviderOutcome } from '../http/errors.js'
import { isObject } from '../http/json.js'
import { asString } from './claims.js'
import type { ApiResponse } from './provider-api.js'
import type { ProviderDefinition } from './definition.js'

type FaultReader = Pick<ProviderDefinition, 'readError' | 'outcomeOf'>

/** Errors of the token endpoint (RFC 6749, 5.2) and GitHub's own. Compared whole: a description may quote any of them. */
const tokenErrors = new Map<string, { outcome: ProviderOutcome; code: OAuthErrorCode }>(
  Object.entries({
    invalid_grant: { outcome: 'ended', code: 'login_expired' },
    bad_verification_code: { outcome: 'ended', code: 'login_expired' },
    bad_refresh_token: { outcome: 'ended', code: 'login_expired' },
    // Microsoft, when a rule of the tenant wants to see the user again. (OpenID Connect Core, 3.1.2.6)
    interaction_required: { outcome: 'ended', code: 'login_expired' },
    login_required: { outcome: 'ended', code: 'login_expired' },
    consent_required: { outcome: 'ended', code: 'login_expired' },
    unverified_user_email: { outcome: 'denied', code: 'email_unverified' },
    access_denied: { outcome: 'denied', code: 'access_denied' },
    invalid_client: { outcome: 'owner', code: 'misconfigured' },
    unauthorized_client: { outcome: 'owner', code: 'misconfigured' },
    unsupported_grant_type: { outcome: 'owner', code: 'misconfigured' },
    invalid_scope: { outcome: 'owner', code: 'misconfigured' },
    incorrect_client_credentials: { outcome: 'owner', code: 'misconfigured' },
    redirect_uri_mismatch: { outcome: 'owner', code: 'misconfigured' },
    temporarily_unavailable: { outcome: 'throttled', code: 'provider_busy' },
    slow_down: { outcome: 'throttled', code: 'provider_busy' },
  }),
)

/** Why the token endpoint gave no token. */
export function tokenEndpointError(answer: ApiResponse, reader: FaultReader): ProviderError {
  const { status, body } = answer
  const known = tokenErrors.get(errorCode(body, reader) ?? '')
  const hint = `the token endpoint answered ${status} with the error ${printable(errorCode(body, reader))}`
  const outcome = reader.outcomeOf?.(answer)
  if (outcome === 'throttled' || status === 429) return throttled(answer, hint)
  if (known) return new ProviderError(known.outcome, known.code, { hint })
  return new ProviderError(
    outcome ?? 'down',
    outcome === 'owner' ? 'misconfigured' : 'provider_error',
    { hint },
  )
}

/** Why an API or the userinfo endpoint gave no data. */
export function apiError(answer: ApiResponse, reader: FaultReader, what: string): ProviderError {
  const { status } = answer
  const hint = `${what} answered with status ${status}`
  const outcome = reader.outcomeOf?.(answer) ?? outcomeOfStatus(status)
  if (outcome === 'throttled') return throttled(answer, hint)
  return new ProviderError(outcome, outcome === 'owner' ? 'misconfigured' : 'provider_error', {
    hint,
  })
}

function outcomeOfStatus(status: number): ProviderOutcome {
  if (status === 401) return 'ended'
  if (status === 403 || status === 404) return 'denied'
  return status === 429 ? 'throttled' : 'down'
}

function throttled({ headers }: ApiResponse, hint: string): ProviderError {
  const seconds = Number(headers.get('retry-after'))
  const retryAfter = Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 3600) : undefined
  return new ProviderError('throttled', 'provider_busy', { hint, retryAfter })
}

function errorCode(body: unknown, { readError }: FaultReader): string | undefined {
  const own = readError?.(body)?.code
  return own ?? (isObject(body) ? asString(body['error']) : undefined)
}

/**
 * For the log. A provider may repeat what it was sent, the client secret included: of its answers nothing is shown or
 * logged but an error code that looks like one. (RFC 6749, 5.2)
 */
function printable(code: string | undefined): string {
  if (code === undefined) return '"none"'
  return /^(?:[A-Za-z_]{1,48}|\d{1,6})$/.test(code) ? `"${code}"` : 'that is no error code'
}
