import type { ErrorKind } from './error-kinds.js'
import { TOKEN_ERROR_CODES } from './token-error-codes.js'

export type { ErrorAudience, ErrorKind } from './error-kinds.js'

/**
 * Every error code. Adding one takes a row here and a heading in `docs/troubleshooting.md`.
 */
export const ERROR_CODES = {
  login_required: {
    status: 401,
    audience: 'user',
    retryable: true,
    title: 'Please sign in',
    message: 'You need to sign in first.',
    hint: "the request has no session, and is not a navigation that could start a login: clients follow login_url. To redirect all requests, set unauthenticated: 'redirect'",
  },
  login_expired: {
    status: 400,
    audience: 'user',
    retryable: true,
    title: 'This sign-in has expired',
    message:
      'This sign-in is no longer valid. It took too long, was already used, or was started in another browser.',
    hint: 'the login took too long, was already used, or started in another browser: the user can try again',
  },
  invalid_callback: {
    status: 400,
    audience: 'user',
    retryable: true,
    title: 'Sign-in failed',
    message: 'The response to this sign-in is not valid.',
    hint: 'the callback is not a valid response of the provider: is the redirect URI registered for the right provider?',
  },
  cookie_lost: {
    status: 400,
    audience: 'owner',
    retryable: true,
    title: 'Sign-in failed',
    message: 'Your browser did not send back the cookie that this sign-in needs.',
    hint: 'the browser did not send a cookie back: check baseUrl, cookie.domain, cookie.path and cookie.secure',
  },
  access_denied: {
    status: 403,
    audience: 'user',
    retryable: true,
    title: 'Sign-in was not completed',
    message: 'Sign-in was canceled or denied.',
    hint: 'the user or the provider canceled the sign-in: move scopes that a login does not need to optionalScopes',
  },
  not_authorized: {
    status: 403,
    audience: 'user',
    retryable: true,
    title: 'This account has no access',
    message: 'This account is not allowed to use this application.',
    hint: 'the rules deny the user: authorize returned false, or the tenant or hostedDomain is another one',
  },
  email_unverified: {
    status: 403,
    audience: 'user',
    retryable: true,
    title: 'Your email address is not verified',
    message:
      'This application requires a verified email address. Verify it with the provider, then try again.',
    hint: 'the provider does not report the email address as verified: the user can verify it there. Set trustEmail: true only if you accept unverified addresses',
  },
  device_required: {
    status: 403,
    audience: 'user',
    retryable: true,
    title: 'This page needs a protected browser',
    message:
      'This part of the application is only open to browsers that can bind your session to this device. Sign in again with one that can, such as a current version of Chrome or Edge.',
    hint: "the session is not bound to a device within 30 s of the login, and the route requires it: requireAuth({ deviceBound: 'required' }). The browser may not support it, or has no hardware for keys",
  },
  provider_error: {
    status: 502,
    audience: 'owner',
    retryable: true,
    title: 'Sign-in failed',
    message: 'The sign-in provider sent a response that cannot be used.',
    hint: 'the provider sent a response that cannot be used: check its status and your endpoints',
  },
  provider_unreachable: {
    status: 502,
    audience: 'owner',
    retryable: true,
    title: 'No connection to the provider',
    message: 'The sign-in provider cannot be reached.',
    hint: 'check the network from this server to the provider, and its host name',
  },
  provider_timeout: {
    status: 504,
    audience: 'owner',
    retryable: true,
    title: 'No response from the provider',
    message: 'The sign-in provider took too long to respond.',
    hint: 'check the network from this server to the provider, or extend timeouts.provider',
  },
  provider_busy: {
    status: 503,
    audience: 'user',
    retryable: true,
    title: 'Sign-in failed',
    message: 'The sign-in provider is busy. Try again in a moment.',
    hint: 'the provider limits requests: check the rate limits of your registration',
  },
  misconfigured: {
    status: 502,
    audience: 'owner',
    retryable: false,
    title: 'Sign-in is not configured correctly',
    message: 'The owner of this application needs to correct its sign-in configuration.',
    hint: 'check clientId, clientSecret, the redirect URI, scopes and issuer',
  },
  recheck_unavailable: {
    status: 503,
    audience: 'user',
    retryable: true,
    title: 'Your access cannot be checked right now',
    message:
      'We could not confirm that you may still use this application. You are still signed in. Try again in a moment.',
    hint: 'the user could not be re-checked, and the session is kept: authCheckGrace bridges outages of the provider',
  },
  store_unavailable: {
    status: 503,
    audience: 'user',
    retryable: true,
    title: 'Your session cannot be loaded right now',
    message:
      'We could not look up your session. You have not been signed out. Try again in a moment.',
    hint: 'the store failed or is too slow: check it, or extend timeouts.store',
  },
  store_not_listable: {
    status: 501,
    audience: 'owner',
    retryable: false,
    title: 'Sessions cannot be listed',
    message: 'The session store does not support listing.',
    hint: 'this store cannot list: use memoryStore() or redisStore()',
  },
  invalid_form: {
    status: 403,
    audience: 'user',
    retryable: true,
    title: 'Nothing was changed',
    message: 'This form is too old, or came from another page. Open the page again.',
    hint: 'the token or the origin of a form is not valid: it is older than an hour, of another session, or from another site; behind a proxy, set baseUrl',
  },
  ...TOKEN_ERROR_CODES,
  not_found: {
    status: 404,
    audience: 'user',
    retryable: false,
    title: 'Page not found',
    message: 'There is nothing at this URL.',
    hint: 'a client requested a path under basePath that does not exist',
  },
  method_not_allowed: {
    status: 405,
    audience: 'user',
    retryable: false,
    title: 'Method not allowed',
    message: 'This URL does not support this HTTP method.',
    hint: 'a client requested a special path with a method that it does not support',
  },
  upstream_unreachable: {
    status: 502,
    audience: 'owner',
    retryable: true,
    title: 'The application cannot be reached',
    message:
      'The application behind this address is not running, or has just stopped. Try again in a moment.',
    hint: 'the target of the command refuses connections, or closes them without a response: start the app, and compare its port',
  },
  upstream_timeout: {
    status: 504,
    audience: 'owner',
    retryable: true,
    title: 'No response from the application',
    message: 'The application behind this address took too long to respond.',
    hint: 'the target of the command accepts no connections within 10 s, or sends no response within 5 min: see its log',
  },
  internal: {
    status: 500,
    audience: 'owner',
    retryable: true,
    title: 'Something went wrong',
    message: 'An error occurred in this application.',
    hint: 'a function in the options failed, or this is a bug: see the cause',
  },
} as const satisfies Record<string, ErrorKind>

/**
 * The stable codes of {@link OAuthError}. Each has one HTTP status; `docs/troubleshooting.md` lists
 * causes and fixes.
 */
export type OAuthErrorCode = keyof typeof ERROR_CODES
