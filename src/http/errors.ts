/** Who can do something about an error: the visitor, or the owner of the app. */
export type ErrorAudience = 'user' | 'owner'

interface ErrorKind {
  status: number
  audience: ErrorAudience
  retryable: boolean
  message: string
}

const kinds = {
  login_required: {
    status: 401,
    audience: 'user',
    retryable: true,
    message: 'You need to sign in first.',
  },
  login_expired: {
    status: 400,
    audience: 'user',
    retryable: true,
    message:
      'This login is no longer valid. It was open for too long, was used already, or was started in another browser.',
  },
  invalid_callback: {
    status: 400,
    audience: 'user',
    retryable: true,
    message: 'The answer that came back from the login is not one that we can use.',
  },
  cookie_lost: {
    status: 400,
    audience: 'owner',
    retryable: true,
    message: 'Your browser did not send back the cookie that ties this login to it.',
  },
  access_denied: {
    status: 403,
    audience: 'user',
    retryable: true,
    message: 'The login was cancelled or refused.',
  },
  not_authorized: {
    status: 403,
    audience: 'user',
    retryable: true,
    message: 'This account may not use this application.',
  },
  email_unverified: {
    status: 403,
    audience: 'user',
    retryable: true,
    message:
      'The e-mail address of this account is not verified. Confirm it at the provider, then try again.',
  },
  provider_error: {
    status: 502,
    audience: 'owner',
    retryable: true,
    message: 'The login provider gave an answer that we cannot use.',
  },
  provider_unreachable: {
    status: 502,
    audience: 'owner',
    retryable: true,
    message: 'The login provider cannot be reached.',
  },
  provider_timeout: {
    status: 504,
    audience: 'owner',
    retryable: true,
    message: 'The login provider took too long to answer.',
  },
  provider_busy: {
    status: 503,
    audience: 'user',
    retryable: true,
    message: 'The login provider is busy. Try again in a moment.',
  },
  misconfigured: {
    status: 502,
    audience: 'owner',
    retryable: false,
    message:
      'The login is not set up correctly. The owner of this application has to correct its configuration.',
  },
  recheck_unavailable: {
    status: 503,
    audience: 'user',
    retryable: true,
    message:
      'We cannot check right now whether you may still use this application. You are still signed in. Try again in a moment.',
  },
  store_unavailable: {
    status: 503,
    audience: 'user',
    retryable: true,
    message:
      'We cannot look up your session right now. You are not signed out. Try again in a moment.',
  },
  store_not_listable: {
    status: 501,
    audience: 'owner',
    retryable: false,
    message: 'The session store cannot list what it holds.',
  },
  not_found: {
    status: 404,
    audience: 'user',
    retryable: false,
    message: 'There is nothing at this address.',
  },
  method_not_allowed: {
    status: 405,
    audience: 'user',
    retryable: false,
    message: 'This address does not take this method.',
  },
  internal: {
    status: 500,
    audience: 'owner',
    retryable: true,
    message: 'Something went wrong in this application.',
  },
} satisfies Record<string, ErrorKind>

/** The stable codes of {@link OAuthError}; each has one HTTP status. */
export type OAuthErrorCode = keyof typeof kinds

/** What an error says beyond its code. */
export interface OAuthErrorDetails {
  /** Plain words for the visitor; default: the code's own sentence. Never holds a secret nor foreign text. */
  message?: string | undefined
  /** What the provider said, at most 512 characters. Foreign text: escape it wherever it is shown. */
  providerMessage?: string | undefined
  /** For the `Retry-After` header, in seconds. */
  retryAfter?: number | undefined
  /** For the owner's log: what failed, without secrets. */
  hint?: string | undefined
  cause?: unknown
}

/**
 * Why a visitor was refused. `code` is stable, `status` is the HTTP status of the answer, `audience` says who can do
 * something about it, `retryable` whether trying again can help.
 */
export class OAuthError extends Error {
  readonly code: OAuthErrorCode
  readonly status: number
  readonly audience: ErrorAudience
  readonly retryable: boolean
  readonly providerMessage: string | undefined
  readonly retryAfter: number | undefined
  readonly hint: string | undefined

  constructor(code: OAuthErrorCode, details: OAuthErrorDetails = {}) {
    const kind: ErrorKind = kinds[code]
    super(
      details.message ?? kind.message,
      details.cause === undefined ? undefined : { cause: details.cause },
    )
    this.name = 'OAuthError'
    this.code = code
    this.status = kind.status
    this.audience = kind.audience
    this.retryable = kind.retryable
    this.providerMessage = details.providerMessage?.slice(0, 512)
    this.retryAfter = details.retryAfter ?? (kind.status === 503 ? 5 : undefined)
    this.hint = details.hint
  }
}

/**
 * What a provider's refusal means for somebody who is logged in already: `ended`, the grant is gone; `denied`, the
 * provider no longer shows what a rule asks for; `down` and `throttled`, nothing is known; `owner`, our client is refused.
 */
export type ProviderOutcome = 'ended' | 'denied' | 'down' | 'throttled' | 'owner'

/** A provider refused or failed. At a login its `code` decides the answer, at a re-check its `outcome`. */
export class ProviderError extends OAuthError {
  readonly outcome: ProviderOutcome

  constructor(outcome: ProviderOutcome, code: OAuthErrorCode, details: OAuthErrorDetails = {}) {
    super(code, details)
    this.name = 'ProviderFault'
    this.outcome = outcome
  }
}
