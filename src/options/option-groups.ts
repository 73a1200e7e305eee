import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Authorize } from '../access/authorize.js'
import type { Rules } from '../access/rules.js'
import type { OAuthError } from '../http/errors.js'

/** What logging out does beyond this session: the option `logout`. */
export interface LogoutOptions {
  /**
   * Revoke the tokens at the provider (RFC 7009), if it supports that. Never for a managed
   * application. Default `false`.
   */
  revokeTokens?: boolean | undefined
  /**
   * End the session at the provider (OpenID Connect RP-Initiated Logout 1.0), if it supports
   * that. Default `false`.
   */
  endProviderSession?: boolean | undefined
  /**
   * Path of this site to redirect to; not one of the special paths. Default: the signed-out
   * page.
   */
  returnTo?: string | undefined
  /**
   * Have the browser delete everything that it keeps for this origin (`Clear-Site-Data`:
   * cache, storage, and the cookies of the whole registrable domain), including the data of
   * the app. Requires https. Default `false`.
   */
  clearSiteData?: boolean | undefined
}

/** Attributes of the session cookie: the option `cookie`. */
export interface CookieOptions {
  /** Domain of the cookie. Default: only the host of the request. */
  domain?: string | undefined
  /** `'None'` requires https. Default `'Lax'`. */
  sameSite?: 'Lax' | 'None' | undefined
  /**
   * Whether the cookie is sent only over https. Default: by the scheme of `baseUrl` or of the
   * request.
   */
  secure?: boolean | undefined
  /** Path of the cookie. Default: the mount path. */
  path?: string | undefined
  /**
   * Whether the app, and a proxy behind it, see the cookies of the gate, which grant access
   * to the session. Default `false`: they are removed from the request, and only gates see
   * them.
   */
  forward?: boolean | undefined
}

/** What sessions keep of the browser: the option `browserSession`. */
export interface BrowserSessionOptions {
  /** Whether sessions keep the address of the login. Default `true`. */
  ipAddress?: boolean | undefined
  /** Whether sessions keep the `User-Agent` of the login. Default `true`. */
  userAgent?: boolean | undefined
  /**
   * Seconds after the login after which both are no longer shown, and are removed when the session
   * is next written: at a request of its user, an hour after the previous one at the latest. Default
   * `0`: they are kept as long as the session.
   */
  maxAge?: number | undefined
}

/** Time limits: the option `timeouts`. */
export interface TimeoutOptions {
  /** Seconds for a whole exchange with the provider, at most 300. Default `10`. */
  provider?: number | undefined
  /** Seconds for one store operation, at most 60. Default `2`. */
  store?: number | undefined
}

/** Rules that are evaluated but not enforced: the option `reportOnly`. */
export type ReportOnlyOptions = Rules & {
  /** A custom rule. Default: none. */
  authorize?: Authorize | undefined
}

/**
 * Receives log messages, such as pino, winston, or `console`. `details` contains `code`, `provider`
 * and `hint`, as far as they are known. pino and bunyan receive `details` first. The same line
 * comes at most once a minute. It never contains a secret. Errors that a logger throws are ignored.
 */
export interface Logger {
  /** Details of single logins. */
  debug(message: string, details?: object): void
  /** Refused requests, ended sessions, and the effect of the configuration. */
  info(message: string, details?: object): void
  /** Something that the owner of the app should change. */
  warn(message: string, details?: object): void
  /** Something that failed. */
  error(message: string, details?: object): void
}

/**
 * Handles an error response. `next()` without an argument forwards the error to the app's error
 * handler. It cannot let a request pass.
 */
export type OnError = (
  error: OAuthError,
  req: IncomingMessage,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => unknown

/** What happens to sessions whose cookie was copied. */
export interface StolenSessionOptions {
  /**
   * Binds sessions to a key of the browser's device (Device Bound Session Credentials), in browsers
   * that support it, over https: a copied session cookie then grants no access after some minutes.
   * Not with `cookie.domain`. Default `false`.
   */
  deviceBound?: boolean | undefined
  /**
   * What happens to a session that suddenly arrives with another family of user agents or from
   * another network: `'tell'` emits the event `moved`; `'login'` ends the session, and asks for a
   * login, which both places then belong to; `'end'` ends it and forgets where it was used. Default
   * `'tell'`.
   */
  onMove?: 'tell' | 'login' | 'end' | undefined
}
