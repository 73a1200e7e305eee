import type { UserEvaluation } from '../access/evaluate-user.js'
import { OAuthError, type OAuthErrorCode, ProviderError } from '../http/errors.js'
import type { OpenSession } from '../session/sessions.js'

/** The result of a check. */
export type CheckResult =
  | { readonly outcome: 'allowed'; readonly session: OpenSession }
  | {
      readonly outcome: 'denied'
      readonly session: OpenSession
      /**
       * `undefined` if an earlier check denied the user, or the user withdrew a permission at the
       * provider.
       */
      readonly evaluation: UserEvaluation | undefined
    }
  /** The grant or the session has ended: the user must sign in again. */
  | {
      readonly outcome: 'ended'
      /** Why, for the owner. */
      readonly hint: string
    }
  /** The check did not reach a decision. The session remains. */
  | { readonly outcome: 'failed'; readonly error: OAuthError }

/** The session was deleted while it was checked, for example by a logout. */
export const SESSION_GONE = {
  outcome: 'ended',
  hint: 'the session ended during the check',
} as const

/** Whether the check failed because the provider is down. */
export function isDown(result: CheckResult): boolean {
  return (
    result.outcome === 'failed' &&
    result.error instanceof ProviderError &&
    result.error.outcome === 'down'
  )
}

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

/** The session of a check that allowed it. Throws the error that a request would result in. */
export function allowedSession(result: CheckResult): OpenSession {
  if (result.outcome === 'allowed') return result.session
  if (result.outcome === 'failed') throw recheckUnavailable(result.error)
  throw new OAuthError(result.outcome === 'denied' ? 'not_authorized' : 'login_required')
}
