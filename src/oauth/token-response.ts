import { ProviderError } from '../http/errors.js'
import { withoutNull } from '../http/json.js'
import type { Claims } from './identity.js'

/** A parsed token response. (RFC 6749, 5.1) */
export interface TokenResponse {
  /** The response for openid-client, without the ID token, which `verifyIdToken` verifies. */
  plain: { access_token: string; token_type: string; refresh_token?: string; expires_in?: number }
  idToken: unknown
  /** `undefined` if the response has no `scope`. */
  scopes: readonly string[] | undefined
  raw: Claims
}

/** Longer than the tokens of any vendor, and small enough for a store. */
const MAX_TOKEN_LENGTH = 64 * 1024
const MAX_LIFETIME_SECONDS = 10 * 366 * 86_400

/** Throws a `ProviderError` if the response has no usable access token. */
export function parseTokenResponse(body: Claims): TokenResponse {
  const response = withoutNull(body)
  const accessToken = readToken(response['access_token'])
  if (accessToken === undefined) throw unusable('no valid access_token')
  const type = response['token_type']
  // Some servers omit the type, although it is required. (RFC 6749, 5.1)
  if (type !== undefined && (typeof type !== 'string' || type.toLowerCase() !== 'bearer'))
    throw unusable('a token_type other than Bearer')
  const refreshToken = readToken(response['refresh_token'])
  const expiresIn = readSeconds(response['expires_in'])
  return {
    plain: {
      access_token: accessToken,
      token_type: 'bearer',
      ...(refreshToken !== undefined && { refresh_token: refreshToken }),
      ...(expiresIn !== undefined && { expires_in: expiresIn }),
    },
    idToken: response['id_token'],
    scopes: readScopes(response['scope']),
    raw: response,
  }
}

/**
 * A string separated by spaces (RFC 6749, 3.3) or commas (GitHub, LinkedIn), or an array (Twitch).
 */
function readScopes(scope: unknown): readonly string[] | undefined {
  if (Array.isArray(scope))
    return scope.filter((item): item is string => typeof item === 'string' && item !== '')
  return typeof scope === 'string' ? scope.split(/[\s,]+/).filter((item) => item !== '') : undefined
}

/** Printable ASCII (RFC 6749, A.12), trimmed. Other characters could inject headers. */
function readToken(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > MAX_TOKEN_LENGTH) return undefined
  return /^[\x20-\x7e]*$/.test(value) ? value.trim() || undefined : undefined
}

/** A positive number, or a string of digits as some vendors send it. */
function readSeconds(value: unknown): number | undefined {
  const seconds = typeof value === 'string' && /^\d{1,12}$/.test(value) ? Number(value) : value
  if (typeof seconds !== 'number' || !Number.isFinite(seconds) || seconds <= 0) return undefined
  return Math.min(Math.floor(seconds), MAX_LIFETIME_SECONDS)
}

function unusable(problem: string): ProviderError {
  return new ProviderError('unusable', 'provider_error', {
    hint: `the token response has ${problem}`,
  })
}
