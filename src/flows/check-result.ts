import type { UserEvaluation } from '../access/evaluate-user.js'
import { OAuthError, type OAuthErrorCode } from '../http/errors.js'
import type { OpenSession } from '../session/sessions.js'

/** The result of a check. */
export type CheckResult =
  | { readonly outcome: 'allowed'; readonly session: OpenSession }
  | {
      readonly outcome: 'denied'
      readonly session: OpenSession
      /** `undefined` if an earlier check denied the user, or the provider did not let us read them. */
      readonly evaluation: UserEvaluation | undefined
    }
  /** The grant or the session has ended: the user must log in again. */
  | { readonly outcome: 'ended' }
  /** Nothing was decided; the session stays. */
  | { readonly outcome: 'failed'; readonly error: OAuthError }

/** Checks in progress, by session key and rules. Outlives a configuration. */
export type PendingChecks = Map<string, Promise<CheckResult>>

const OWN_CODES: ReadonlySet<OAuthErrorCode> = new Set([
  'misconfigured',
  'internal',
  'store_unavailable',
  'recheck_unavailable',
])

/** The error that a visitor gets when a check failed: the session stays, only the check was not possible. */
export function recheckUnavailable(error: OAuthError): OAuthError {
  if (OWN_CODES.has(error.code)) return error
  const { hint, retryAfter } = error
  return new OAuthError('recheck_unavailable', { cause: error, hint, retryAfter })
}
