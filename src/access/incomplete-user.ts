import { OAuthError, ProviderError } from '../http/errors.js'
import { membershipLists, type Memberships } from '../oauth/identity.js'
import type { ProviderApi } from '../oauth/provider-api.js'
import type { Authorize } from './authorize.js'
import type { Decision } from './policy.js'

/** Why parts of the user could not be read; `undefined` if they were read. */
export interface Missing {
  readonly identity: unknown
  readonly memberships: unknown
}

/**
 * The error of an incomplete user. A hook of the app may return anything; our own hooks return an
 * `OAuthError`.
 */
export function failureOf({ identity, memberships }: Missing): OAuthError | undefined {
  const failure = identity ?? memberships ?? undefined
  if (failure === undefined || failure instanceof OAuthError) return failure
  return new ProviderError('unusable', 'provider_error', { hint: 'the user was read incompletely' })
}

/**
 * Whether an entry of a list matched what was read, so that nothing else can change the decision.
 * Without lists, the app still relies on the identity. A custom rule could allow a user because of
 * what is missing.
 */
export function isProven(
  decision: Decision,
  authorize: Authorize | undefined,
  missing: Missing,
): boolean {
  if (!decision.isAllowed || authorize !== undefined) return false
  return decision.matched !== undefined || (missing.identity ?? undefined) === undefined
}

/** Whether all wanted memberships were found. */
export function contains(found: Memberships, wanted: Required<Memberships>): boolean {
  return membershipLists.every((list) => wanted[list].every((one) => found[list]?.includes(one)))
}

/**
 * A denied API request means that the user has no such membership. Any other failure is
 * inconclusive.
 */
export function noneIfDenied(error: unknown, { warn }: ProviderApi): undefined {
  if (!(error instanceof ProviderError) || error.outcome !== 'denied') throw error
  warn(`memberships cannot be read: ${error.hint}`)
}
