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

/** The time for the whole exchange is up. */
export function providerTimeout(): ProviderError {
  return new ProviderError('down', 'provider_timeout', {
    hint: 'the provider did not respond in time',
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
  return status === 429 ? 'throttled' : 'down'
}

/** Too many requests. `Retry-After` in seconds (RFC 9110, 10.2.3); a date is ignored. */
export function throttled({ headers }: ApiResponse, hint: string): ProviderError {
  const seconds = Number(headers.get('retry-after'))
  const retryAfter = Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 3600) : undefined
  return new ProviderError('throttled', 'provider_busy', { hint, retryAfter })
}
