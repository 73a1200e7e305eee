import type { UserEvaluation } from '../access/evaluate-user.js'
import { OAuthError, type OAuthErrorCode } from '../http/errors.js'
import type { OpenSession } from '../session/sessions.js'

/** The result of a check. */
export type CheckResult =
  | { readonly outcome: 'allowed'; readonly session: OpenSession }
  | {
      readonly outcome: 'denied'
      readonly session: OpenSession
      /** `undefined` if an earlier check denied the user, or the user withdrew a permission at the provider. */
      readonly evaluation: UserEvaluation | undefined
    }
  /** The grant or the session has ended: the user must sign in again. */
  | { readonly outcome: 'ended' }
  /** The check did not reach a decision. The session remains. */
  | { readonly outcome: 'failed'; readonly error: OAuthError }

/** Checks in progress, by session key and rules. Outlives a configuration. */
export type PendingChecks = Map<string, Promise<CheckResult>>

const LOCAL_CODES: ReadonlySet<OAuthErrorCode> = new Set([
  'misconfigured',
  'internal',
  'store_unavailable',
  'recheck_unavailable',
])

/** The error of a request whose check failed. The session remains. */
export function recheckUnavailable(error: OAuthError): OAuthError {
  if (LOCAL_CODES.has(error.code)) return error
  const { hint, retryAfter } = error
  return new OAuthError('recheck_unavailable', { cause: error, hint, retryAfter })
}
