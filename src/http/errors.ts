import {
  ERROR_CODES,
  type ErrorAudience,
  type ErrorKind,
  type OAuthErrorCode,
} from './error-codes.js'

export type { ErrorAudience, OAuthErrorCode } from './error-codes.js'

/** The details of one {@link OAuthError}, beyond what follows from its code. */
export interface OAuthErrorDetails {
  /**
   * Shown to the user. Default: the message of the code. Contains neither secrets nor external
   * text.
   */
  message?: string | undefined
  /**
   * What the provider reported; cut at 512 characters. External text: escape it wherever it is
   * shown.
   */
  providerMessage?: string | undefined
  /** For the `Retry-After` header, in seconds. Default: 5 for status 503, otherwise none. */
  retryAfter?: number | undefined
  /** For the owner's log: what failed, without secrets. */
  hint?: string | undefined
  /** The error that led to this one. */
  cause?: unknown
}

/**
 * Why a request was rejected. Passed to `onError`, and thrown by `authenticate()`. Any other error
 * is a bug.
 */
export class OAuthError extends Error {
  /** Stable: use it to tell errors apart. */
  readonly code: OAuthErrorCode
  /** The HTTP status of the response. */
  readonly status: number
  /** Who can fix it. */
  readonly audience: ErrorAudience
  /** Whether trying again can help. */
  readonly retryable: boolean
  /**
   * What the provider reported, at most 512 characters. External text: escape it wherever you show
   * it.
   */
  readonly providerMessage: string | undefined
  /** After how many seconds to try again. */
  readonly retryAfter: number | undefined
  /** For your log: what failed, without secrets. Do not show it to users. */
  readonly hint: string | undefined

  constructor(code: OAuthErrorCode, details: OAuthErrorDetails = {}) {
    const { message, status, audience, retryable }: ErrorKind = ERROR_CODES[code]
    const { cause } = details
    const { stackTraceLimit } = Error
    // Each request without a session causes an error, and its stack would be most of the cost.
    if (audience === 'user') Error.stackTraceLimit = 0
    super(details.message ?? message, cause === undefined ? undefined : { cause })
    Error.stackTraceLimit = stackTraceLimit
    this.name = 'OAuthError'
    this.code = code
    this.status = status
    this.audience = audience
    this.retryable = retryable
    this.providerMessage = details.providerMessage?.slice(0, 512)
    this.retryAfter = details.retryAfter ?? (status === 503 ? 5 : undefined)
    this.hint = details.hint
  }
}

/**
 * What a failed request to a provider means for a user who is already signed in:
 * - `ended`: the grant no longer exists, so the session ends
 * - `denied`: the provider no longer grants access to what a rule needs, so the user is denied
 * - `down`: the provider did not respond, or responded with a 5xx status, so nothing is known about
 *   the user
 * - `unusable`: the provider responded, but not with a user. Unlike an outage, a user may cause
 *   that with their own profile, so `authCheckGrace` does not apply
 * - `throttled`: the provider limits the rate of requests, so nothing is known about the user
 * - `owner`: the provider rejects our client, so the owner has to fix the configuration
 */
export type ProviderOutcome = 'ended' | 'denied' | 'down' | 'unusable' | 'throttled' | 'owner'

/**
 * A provider rejected a request, or failed. `code` decides the response to a login, `outcome` that
 * of a re-check.
 */
export class ProviderError extends OAuthError {
  /** What it means for a user who is already signed in. */
  readonly outcome: ProviderOutcome

  constructor(outcome: ProviderOutcome, code: OAuthErrorCode, details: OAuthErrorDetails = {}) {
    super(code, details)
    this.name = 'ProviderError'
    this.outcome = outcome
  }
}
