import type { RuleList } from '../access/rules.js'
import type { OAuthUser } from '../access/user.js'
import { OAuthError } from '../http/errors.js'
import type { LoginRequest } from './links.js'

/**
 * What was rejected: a `login`; a request of a `session` whose user the rules deny; or a request by
 * a `guard` (`requireAuth`).
 */
export type RejectionStage = 'login' | 'session' | 'guard'

/** Context of a rejection for its page, events and the log. */
export interface RejectionDetails {
  /** Default `'login'`. */
  readonly stage?: RejectionStage | undefined
  /** The login that "try again" starts. Default: a login that returns to the current request. */
  readonly retry?: LoginRequest | undefined
  /** Name of the provider. */
  readonly provider?: string | undefined
  /** The user that the rules deny. */
  readonly user?: OAuthUser | undefined
  /** The rule lists of which no entry matched. */
  readonly tried?: readonly RuleList[] | undefined
}

/** An {@link OAuthError}, with what was rejected and how the user can try again. */
export class Rejection extends Error {
  readonly error: OAuthError
  readonly stage: RejectionStage
  readonly retry: LoginRequest | undefined
  readonly provider: string | undefined
  readonly user: OAuthUser | undefined
  readonly tried: readonly RuleList[]

  constructor(
    error: OAuthError,
    { stage = 'login', retry, provider, user, tried = [] }: RejectionDetails,
  ) {
    super(error.message, { cause: error })
    this.error = error
    this.stage = stage
    this.retry = retry
    this.provider = provider
    this.user = user
    this.tried = tried
  }
}

/**
 * Rethrows an error of a login; adds to an {@link OAuthError} how to try again, and the provider.
 */
export function rejectLogin(error: unknown, retry: LoginRequest, provider: string): never {
  throw error instanceof OAuthError ? new Rejection(error, { retry, provider }) : error
}
