import type { OAuthError } from '../http/errors.js'
import type { RuleList } from '../access/policy.js'
import type { OAuthUser } from '../access/user.js'
import type { LoginRequest } from './links.js'

/** What is known of a login that failed, or of a session that the rules refuse. */
export interface RejectionDetails {
  /** What trying again asks for; without it: a login that comes back to this request. */
  readonly retry?: LoginRequest | undefined
  readonly provider?: string | undefined
  /** Who logged in, when the rules refused them. */
  readonly user?: OAuthUser | undefined
  /** The lists that no entry of matched. */
  readonly tried?: readonly RuleList[] | undefined
  /** It is about somebody who is logged in, not about a login. */
  readonly isSession?: boolean | undefined
  /** A guard of one route refuses, not the gate. */
  readonly isGuard?: boolean | undefined
}

/** A login that did not come to a session, or a session that no longer opens the door; and what helps then. */
export class Rejection extends Error {
  readonly error: OAuthError
  readonly retry: LoginRequest | undefined
  readonly provider: string | undefined
  readonly user: OAuthUser | undefined
  readonly tried: readonly RuleList[]
  readonly isSession: boolean
  readonly isGuard: boolean

  constructor(
    error: OAuthError,
    { retry, provider, user, tried = [], isSession = false, isGuard = false }: RejectionDetails,
  ) {
    super(error.message, { cause: error })
    this.error = error
    this.retry = retry
    this.provider = provider
    this.user = user
    this.tried = tried
    this.isSession = isSession
    this.isGuard = isGuard
  }
}
