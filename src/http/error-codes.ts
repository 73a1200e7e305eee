/** Who can fix an error: the user in the browser (`user`), or the owner of the app (`owner`). */
export type ErrorAudience = 'user' | 'owner'

/** What follows from an error's code. */
export interface ErrorKind {
  readonly status: number
  readonly audience: ErrorAudience
  readonly retryable: boolean
  /** The heading of the page. */
  readonly title: string
  /**
   * The sentence below the heading, in JSON and in the log. Adds to the title, and is clear without
   * it.
   */
  readonly message: string
}

/**
 * Every error code. Adding one takes a row here and a row in the troubleshooting section of the
 * README.
 */
export const ERROR_CODES = {
  login_required: {
    status: 401,
    audience: 'user',
    retryable: true,
    title: 'Please sign in',
    message: 'You need to sign in first.',
  },
  login_expired: {
    status: 400,
    audience: 'user',
    retryable: true,
    title: 'This sign-in has expired',
    message:
      'This sign-in is no longer valid. It took too long, was already used, or was started in another browser.',
  },
  invalid_callback: {
    status: 400,
    audience: 'user',
    retryable: true,
    title: 'Sign-in failed',
    message: 'The response to this sign-in is not valid.',
  },
  cookie_lost: {
    status: 400,
    audience: 'owner',
    retryable: true,
    title: 'Sign-in failed',
    message: 'Your browser did not send back the cookie that this sign-in needs.',
  },
  access_denied: {
    status: 403,
    audience: 'user',
    retryable: true,
    title: 'Sign-in was not completed',
    message: 'Sign-in was canceled or denied.',
  },
  not_authorized: {
    status: 403,
    audience: 'user',
    retryable: true,
    title: 'This account has no access',
    message: 'This account is not allowed to use this application.',
  },
  email_unverified: {
    status: 403,
    audience: 'user',
    retryable: true,
    title: 'Your email address is not verified',
    message:
      'This application requires a verified email address. Verify it with the provider, then try again.',
  },
  provider_error: {
    status: 502,
    audience: 'owner',
    retryable: true,
    title: 'Sign-in failed',
    message: 'The sign-in provider sent a response that cannot be used.',
  },
  provider_unreachable: {
    status: 502,
    audience: 'owner',
    retryable: true,
    title: 'No connection to the sign-in provider',
    message: 'The sign-in provider cannot be reached.',
  },
  provider_timeout: {
    status: 504,
    audience: 'owner',
    retryable: true,
    title: 'No response from the sign-in provider',
    message: 'The sign-in provider took too long to respond.',
  },
  provider_busy: {
    status: 503,
    audience: 'user',
    retryable: true,
    title: 'Sign-in failed',
    message: 'The sign-in provider is busy. Try again in a moment.',
  },
  misconfigured: {
    status: 502,
    audience: 'owner',
    retryable: false,
    title: 'Sign-in is not configured correctly',
    message: 'The owner of this application needs to correct its sign-in configuration.',
  },
  recheck_unavailable: {
    status: 503,
    audience: 'user',
    retryable: true,
    title: 'Your access cannot be checked right now',
    message:
      'We could not confirm that you may still use this application. You are still signed in. Try again in a moment.',
  },
  store_unavailable: {
    status: 503,
    audience: 'user',
    retryable: true,
    title: 'Your session cannot be loaded right now',
    message:
      'We could not look up your session. You have not been signed out. Try again in a moment.',
  },
  store_not_listable: {
    status: 501,
    audience: 'owner',
    retryable: false,
    title: 'Sessions cannot be listed',
    message: 'The session store does not support listing.',
  },
  not_found: {
    status: 404,
    audience: 'user',
    retryable: false,
    title: 'Page not found',
    message: 'There is nothing at this URL.',
  },
  method_not_allowed: {
    status: 405,
    audience: 'user',
    retryable: false,
    title: 'Method not allowed',
    message: 'This URL does not support this HTTP method.',
  },
  internal: {
    status: 500,
    audience: 'owner',
    retryable: true,
    title: 'Something went wrong',
    message: 'An error occurred in this application.',
  },
} as const satisfies Record<string, ErrorKind>

/**
 * The stable codes of {@link OAuthError}. Each has one HTTP status; the README lists causes and
 * fixes.
 */
export type OAuthErrorCode = keyof typeof ERROR_CODES
