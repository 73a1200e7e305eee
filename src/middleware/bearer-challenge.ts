import type { Rejection, TokenChallenge } from '../flows/rejection.js'
import type { OAuthError } from '../http/errors.js'
import type { GateRequest } from '../http/gate-request.js'
import type { Placement } from './placement.js'
import type { ResourceMetadata } from './resource-metadata.js'

/**
 * The challenge for clients with an access token, and for those that could get one. (RFC 6750, 3;
 * RFC 9728, 5.1)
 */
export class BearerChallenges {
  readonly #metadata: ResourceMetadata
  readonly #placement: Placement

  constructor(metadata: ResourceMetadata, placement: Placement) {
    this.#metadata = metadata
    this.#placement = placement
  }

  /** `undefined` for an error that no token could prevent. */
  of(request: GateRequest, error: OAuthError, rejection?: Rejection): string | undefined {
    const isToken = rejection?.stage === 'token'
    if (error.status !== 401 && !(isToken && error.status === 403)) return undefined
    const url = this.#metadata.urlOf(request)
    if (url !== undefined && this.#metadata.hasAuthorizationServers)
      this.#placement.checkMetadata(request.target.mountPath, url)
    const parameters = {
      ...(isToken && errorParameters(error, rejection.challenge)),
      ...(url !== undefined && { resource_metadata: url }),
    }
    const pairs = Object.entries(parameters).map(([name, value]) => `${name}="${quoted(value)}"`)
    return pairs.length === 0 ? 'Bearer' : `Bearer ${pairs.join(', ')}`
  }
}

function errorParameters(
  { code, message }: OAuthError,
  { scopes, maxAge }: TokenChallenge = {},
): Record<string, string> {
  if (maxAge !== undefined)
    return {
      error: 'insufficient_user_authentication',
      error_description: message,
      max_age: String(maxAge),
    }
  if (code !== 'invalid_token' && code !== 'insufficient_scope') return {}
  return {
    error: code,
    error_description: message,
    ...(scopes !== undefined && { scope: scopes.join(' ') }),
  }
}

/** RFC 9110, 5.6.4 */
function quoted(value: string): string {
  return value.replace(/[^\x20-\x7e]|["\\]/g, '?')
}
