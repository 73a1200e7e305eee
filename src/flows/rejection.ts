import { type Denial, denialHint } from '../access/policy.js'
import type { RuleList } from '../access/rules.js'
import type { OAuthUser } from '../access/user.js'
import { OAuthError, type OAuthErrorCode } from '../http/errors.js'
import type { LoginRequest } from './links.js'

/**
 * What was rejected: a `login`; a request of a `session` whose user the rules deny, or whose
 * `check` failed; a request by a `guard` (`requireAuth`); or one with an access `token`.
 */
export type RejectionStage = 'login' | 'session' | 'check' | 'guard' | 'token'

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
  /** Whether the owner can probably fix it, although the code of the error is for users. */
  readonly isForOwner?: boolean | undefined
  /** With several rule sets, those that are not met. */
  readonly unmet?: readonly string[] | undefined
  /** For a client with an access token: the challenge that names what it needs. */
  readonly challenge?: TokenChallenge | undefined
}

/** Parameters of the challenge for a client with an access token. */
export interface TokenChallenge {
  /** The scopes that a token needs. (RFC 6750, 3) */
  readonly scopes?: readonly string[] | undefined
  /** How long ago the user may have signed in, in seconds. (RFC 9470, 3) */
  readonly maxAge?: number | undefined
}

/** An {@link OAuthError}, with what was rejected and how the user can try again. */
export class Rejection extends Error {
  readonly error: OAuthError
  readonly stage: RejectionStage
  readonly retry: LoginRequest | undefined
  readonly provider: string | undefined
  readonly user: OAuthUser | undefined
  readonly tried: readonly RuleList[]
  readonly unmet: readonly string[] | undefined
  readonly isForOwner: boolean
  readonly challenge: TokenChallenge | undefined

  constructor(
    error: OAuthError,
    {
      stage = 'login',
      retry,
      provider,
      user,
      tried = [],
      unmet,
      isForOwner = false,
      challenge,
    }: RejectionDetails,
  ) {
    const { stackTraceLimit } = Error
    // The stack of `error` shows where it comes from.
    Error.stackTraceLimit = 0
    super(error.message, { cause: error })
    Error.stackTraceLimit = stackTraceLimit
    this.error = error
    this.stage = stage
    this.retry = retry
    this.provider = provider
    this.user = user
    this.tried = tried
    this.unmet = unmet
    this.isForOwner = isForOwner || error.audience === 'owner'
    this.challenge = challenge
  }
}

/** The rejection of a login whose user the rules deny. */
export function denialOf(
  user: OAuthUser,
  denial: Denial,
  provider: string,
  retry: LoginRequest,
): Rejection {
  const { code, tried, unmet } = denial
  const error = new OAuthError(code, { hint: denialHint(denial) })
  return new Rejection(error, { retry, provider, user, tried, unmet })
}

/**
 * Rethrows an error of a login; adds to an {@link OAuthError} how to try again, and the provider.
 */
export function rejectLogin(error: unknown, retry: LoginRequest, provider: string): never {
  throw error instanceof OAuthError ? new Rejection(error, { retry, provider }) : error
}

/** As {@link reject}, if the owner can probably fix it although the code is for users. */
export function rejectForOwner(code: OAuthErrorCode, retry: LoginRequest, hint: string): never {
  throw new Rejection(new OAuthError(code, { hint }), { retry, isForOwner: true })
}

/** Throws the rejection of a callback. */
export function reject(code: OAuthErrorCode, retry: LoginRequest, hint: string): never {
  throw new Rejection(new OAuthError(code, { hint }), { retry })
}
