import { ProviderError } from '../http/errors.js'
import type { Claims } from './identity.js'

/** A token answer in the form of RFC 6749, 5.1, the ID token apart: it is verified by ourselves. */
export interface TokenResponse {
  plain: { access_token: string; token_type: string; refresh_token?: string; expires_in?: number }
  idToken: unknown
  scopes: readonly string[] | undefined
  raw: Claims
}

/** Longer than any vendor's; a token of this size still fits a store. */
const MAX_TOKEN = 64 * 1024
const LONGEST = 10 * 366 * 86_400

export function parseTokenResponse(answer: Claims, openid: boolean): TokenResponse {
  const accessToken = tokenOf(answer['access_token'])
  if (accessToken === undefined) throw unusable('no usable access_token')
  const type = answer['token_type']
  // OAuth 2.0 servers that leave the type out mean bearer; OpenID Connect demands it. (RFC 6749, 7.1)
  if (type === undefined ? openid : typeof type !== 'string' || type.toLowerCase() !== 'bearer')
    throw unusable('a token_type that is not Bearer')
  const refreshToken = tokenOf(answer['refresh_token'])
  const expiresIn = secondsOf(answer['expires_in'])
  return {
    plain: {
      access_token: accessToken,
      token_type: 'bearer',
      ...(refreshToken !== undefined && { refresh_token: refreshToken }),
      ...(expiresIn !== undefined && { expires_in: expiresIn }),
    },
    idToken: answer['id_token'] ?? undefined,
    scopes: readScopes(answer['scope']),
    raw: answer,
  }
}

/** A space or comma separated text (RFC 6749, 3.3; GitHub, LinkedIn) or a list (Twitch). */
function readScopes(scope: unknown): readonly string[] | undefined {
  if (Array.isArray(scope))
    return scope.filter((one): one is string => typeof one === 'string' && one !== '')
  return typeof scope === 'string' ? scope.split(/[\s,]+/).filter((one) => one !== '') : undefined
}

/** Visible ASCII (RFC 6749, A.12), blanks around it taken off; anything else could break out of a header. */
function tokenOf(value: unknown): string | undefined {
  const token = typeof value === 'string' ? value.replace(/^ +| +$/g, '') : ''
  return /^[\x20-\x7e]+$/.test(token) && token.length <= MAX_TOKEN ? token : undefined
}

/** Number or text; what makes no sense is not known. */
function secondsOf(value: unknown): number | undefined {
  const seconds = typeof value === 'string' && /^\d{1,12}$/.test(value) ? Number(value) : value
  if (typeof seconds !== 'number' || !Number.isFinite(seconds) || seconds <= 0) return undefined
  return Math.min(Math.floor(seconds), LONGEST)
}

function unusable(what: string): ProviderError {
  return new ProviderError('down', 'provider_error', { hint: `the token answer has ${what}` })
}
