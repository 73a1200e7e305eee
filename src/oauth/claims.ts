import { ProviderError } from '../http/errors.js'
import { isObject } from '../http/json.js'
import type { Claims, Identity } from './identity.js'

const MAX_STRING_LENGTH = 2048
const MAX_USER_ID_LENGTH = 255

/** A non-empty string of external data; `undefined` for anything else. */
export function asString(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= MAX_STRING_LENGTH
    ? value
    : undefined
}

/** Whether a claim is `true` or `'true'`, as some vendors spell it. `1` and `'false'` are not. */
export function isTrue(value: unknown): boolean {
  return value === true || value === 'true'
}

/** The non-empty strings of an array; empty for anything else. */
export function asStrings(value: unknown): string[] {
  return Array.isArray(value)
    ? value.filter((item): item is string => typeof item === 'string' && item !== '')
    : []
}

/** An object of external data. Throws a `ProviderError` for anything else, arrays included. */
export function asObject(value: unknown): Record<string, unknown> {
  if (isObject(value)) return value
  throw new ProviderError('unusable', 'provider_error', {
    hint: 'the provider did not return a JSON object',
  })
}

/**
 * The user's id: a string of at most 255 characters, or an integer. Throws a `ProviderError` for
 * anything else.
 */
export function asUserId(value: unknown): string {
  const id = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value
  const isValid =
    typeof id === 'string' &&
    id !== '' &&
    id.length <= MAX_USER_ID_LENGTH &&
    !/[\u0000-\u001f\u007f]/.test(id)
  if (isValid) return id
  throw new ProviderError('unusable', 'provider_error', {
    hint: 'the provider returned no valid user id',
  })
}

/** Converts the standard claims. (OpenID Connect Core, 5.1) */
export function identityFromClaims(claims: Claims): Identity {
  return {
    id: asUserId(claims['sub']),
    name: asString(claims['name']),
    email: asString(claims['email']),
    emailVerified: isTrue(claims['email_verified']),
    username: asString(claims['preferred_username']) ?? asString(claims['nickname']),
    picture: asString(claims['picture']),
    claims,
  }
}

/** The `sub` of an ID token. */
export function subjectOf(claims: Claims | undefined): string | undefined {
  return typeof claims?.['sub'] === 'string' ? claims['sub'] : undefined
}

const LOGIN_CLAIMS = ['iss', 'sub', 'tid', 'oid', 'sid', 'auth_time', 'acr', 'amr']

/**
 * The claims of an ID token that describe the login rather than the user, and therefore stay true.
 */
export function boundClaims(claims: Claims | undefined): Claims {
  return Object.fromEntries(
    LOGIN_CLAIMS.flatMap((name) => (claims?.[name] === undefined ? [] : [[name, claims[name]]])),
  )
}
