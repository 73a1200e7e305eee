import { ProviderError, type ProviderOutcome } from '../http/errors.js'
import type { ProviderDefinition } from './definition.js'
import { describeResponse } from './describe-response.js'
import type { ApiResponse } from './provider-api.js'

/** The error for an API or userinfo response without data. `name` is the subject of the hint. */
export function apiError(
  response: ApiResponse,
  reader: Pick<ProviderDefinition, 'outcomeOf'>,
  name: string,
): ProviderError {
  const { status } = response
  const hint = `${name} responded with ${describeResponse(response)}`
  const outcome = reader.outcomeOf?.(response) ?? outcomeOfStatus(status)
  return outcome === 'throttled' ? throttled(response, hint) : providerError(outcome, hint)
}

/**
 * The time for the whole exchange is up. `outcome` is that of a response that has begun; `fix` may
 * be the solution if none has.
 */
export function providerTimeout(
  outcome: ProviderOutcome = 'down',
  host = 'the provider',
  fix?: string,
): ProviderError {
  const hint = `${host} did not respond in time`
  return new ProviderError(outcome, 'provider_timeout', {
    hint: fix === undefined ? hint : `${hint}. Hint: ${fix}`,
  })
}

/** An error whose meaning follows only from the outcome. */
export function providerError(outcome: ProviderOutcome, hint: string): ProviderError {
  return new ProviderError(outcome, outcome === 'owner' ? 'misconfigured' : 'provider_error', {
    hint,
  })
}

function outcomeOfStatus(status: number): ProviderOutcome {
  if (status === 401) return 'ended'
  if (status === 403 || status === 404) return 'denied'
  return status === 429 ? 'throttled' : outcomeOfFailure(status)
}

/** The outcome of a response without data, whose status has no other meaning. */
export function outcomeOfFailure(status: number): ProviderOutcome {
  return status >= 500 ? 'down' : 'unusable'
}

/** Codes of Node and of `fetch()` for a server that cannot be reached or does not respond. */
const UNREACHABLE = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['EPIPE', 'ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT'],
])

/**
 * The outcome of what a hook of the app threw: `down` only for a failed request. Anything else may
 * be due to the profile of this user.
 */
export function outcomeOfThrown(thrown: unknown): ProviderOutcome {
  const { code, cause } = Object(thrown) as { code?: unknown; cause?: unknown }
  const { code: causeCode } = Object(cause) as { code?: unknown }
  return [code, causeCode].some((found) => UNREACHABLE.has(String(found))) ? 'down' : 'unusable'
}

/** Too many requests. `Retry-After` in seconds (RFC 9110, 10.2.3); a date is ignored. */
export function throttled({ headers }: ApiResponse, hint: string): ProviderError {
  const seconds = Number(headers.get('retry-after'))
  const retryAfter = Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 3600) : undefined
  return new ProviderError('throttled', 'provider_busy', { hint, retryAfter })
}
