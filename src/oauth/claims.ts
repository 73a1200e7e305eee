import { ProviderError } from '../http/errors.js'
import { isObject } from '../http/json.js'
import type { Claims, Identity } from './identity.js'

/** Foreign data as a text: anything else, and an empty text, is nothing. */
export function asString(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= 2048 ? value : undefined
}

/** Only the text `true` and the value `true` say yes: `"false"` and `1` do not. */
export function isTrue(value: unknown): boolean {
  return value === true || value === 'true'
}

export function asStrings(value: unknown): string[] {
  return Array.isArray(value)
    ? value.filter((item): item is string => typeof item === 'string' && item !== '')
    : []
}

/** A user's id: a text of printable characters, or a whole number. Without one nobody can be told apart. */
export function asUserId(value: unknown): string {
  const id = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value
  if (typeof id !== 'string' || id === '' || id.length > 255 || /[\u0000-\u001f\u007f]/.test(id)) {
    throw new ProviderError('down', 'provider_error', {
      hint: 'the provider gave no usable user id',
    })
  }
  return id
}

/** The standard claims (OpenID Connect Core, 5.1) as an identity. */
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

/** An API's answer as an object; a list or a text in its place is no answer. */
export function asObject(value: unknown): Record<string, unknown> {
  if (isObject(value)) return value
  throw new ProviderError('down', 'provider_error', {
    hint: 'the provider answered with something else than an object',
  })
}

/** The `sub` of an ID token. */
export function subjectOf(claims: Claims | undefined): string | undefined {
  return typeof claims?.['sub'] === 'string' ? claims['sub'] : undefined
}

const LOGIN_CLAIMS = ['iss', 'sub', 'tid', 'oid', 'sid', 'auth_time', 'acr', 'amr']

/** The claims of an ID token that describe the login rather than the user, and so do not become outdated. */
export function boundClaims(claims: Claims | undefined): Claims {
  return Object.fromEntries(
    LOGIN_CLAIMS.flatMap((name) => (claims?.[name] === undefined ? [] : [[name, claims[name]]])),
  )
}
