import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Authorize } from '../access/authorize.js'
import type { Rules } from '../access/rules.js'
import type { OAuthError } from '../http/errors.js'
import type { PagesOption } from '../pages/contexts.js'
import type { BuiltinName, ProviderMap } from '../providers/index.js'
import type { ExpressSessionStore } from '../session/stores/express-session-store.js'
import type { SessionStore } from '../session/stores/store.js'

export type { Authorize }

/** Receives log messages, such as `console`. Never receives a secret. Errors that it throws are ignored. */
export interface Logger {
  /** For developers of this package. */
  debug(message: string, details?: object): void
  /** The effect of the configuration. */
  info(message: string, details?: object): void
  /** Something that the operator should change. */
  warn(message: string, details?: object): void
  /** Something that failed. */
  error(message: string, details?: object): void
}

/**
 * Handles an error response. `next()` without an argument forwards the error to the app's error handler. It cannot let a
 * request pass.
 */
export type OnError = (
  error: OAuthError,
  req: IncomingMessage,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => unknown

/**
 * Options of `oauthModule()`. Durations are in seconds, at most 400 days. `undefined` means absent. Mistakes and unknown
 * options throw a `TypeError` that lists all of them.
 */
export interface OAuthModuleOptions {
  /** One or more identity providers: a name, or an object of names. With several, a sign-in page shows a button for each. */
  provider: BuiltinName | ProviderMap
  /**
   * `false` disables the gate: nothing is enforced and the special paths do not exist, but identity headers of the client are
   * still removed and `requireAuth()` still rejects. Default `true`.
   */
  enabled?: boolean | undefined
  /** Do not enforce authentication on OPTIONS requests. Default `false`. */
  optionsPassthrough?: boolean | undefined
  /** Prefix of the cookie names: letters, digits, `.`, `_` and `-`, at most 64. Default `'ngrok.'`. */
  cookiePrefix?: string | undefined
  /** Seconds without a request after which the user must sign in again. Not longer than `maximumDuration`. Default `0`: no limit. */
  inactivityTimeout?: number | undefined
  /** Maximum duration of a session in seconds. Default `0`: 400 days, the longest lifetime of a cookie. */
  maximumDuration?: number | undefined
  /**
   * Seconds after which the next request reads the user from the provider again and evaluates all rules before it passes.
   * Default `0`: only at login.
   */
  authCheckInterval?: number | undefined
  /**
   * Seconds after `authCheckInterval` during which requests still pass while the provider is unavailable. Requires
   * `authCheckInterval`. Default `0`.
   */
  authCheckGrace?: number | undefined
  /** Re-check in the background in the last fifth of an interval of at least a minute. Default `true`. */
  authCheckEarly?: boolean | undefined
  /**
   * Encrypts login state and stored tokens: at least 32 characters. With several secrets, the first encrypts and all decrypt,
   * for rotation. Default: the environment variable `OAUTH_MODULE_SECRET` (commas separate several). Without both: a random
   * one; throws if `NODE_ENV` is `production`.
   */
  secret?: string | readonly string[] | undefined
  /** Public URL of the mount point, without a query. Plain http requires loopback or `cookie.secure: false`. Default: from each request. */
  baseUrl?: string | undefined
  /** Prefix of the special paths, below the mount point. Default `'/auth'`. */
  basePath?: string | undefined
  /**
   * Names of the upstream headers: a lowercase prefix with at least two segments (`'x-acme-'`), a preset (`'oauth2-proxy'`,
   * `'oauth2-proxy-nginx'`), or `false` for no headers. Default `'ngrok-auth-'`.
   */
  headerPrefix?: string | false | undefined
  /** Whether the upstream headers contain tokens: all, only the access token, or none. Default `true` with ngrok's names, otherwise `false`. */
  forwardTokens?: boolean | 'access' | undefined
  /** Whether `req.user` is set. Default `true`. */
  userProperty?: boolean | undefined
  /**
   * Where sessions are stored: a store of this package, a custom {@link SessionStore}, or an express-session store. Default
   * `memoryStore()`; throws in a worker of `node:cluster`.
   */
  store?: SessionStore | ExpressSessionStore | undefined
  /** A custom rule in addition to the lists. Must settle within 5 seconds; if it throws, the request is rejected. Default: none. */
  authorize?: Authorize | undefined
  /** Version of `authorize`, at most 256 characters. A changed version checks all users again. Default: none. */
  rulesVersion?: string | undefined
  /** Rules that are evaluated but not enforced: the event `denied` reports the users they would deny. Throws if it contains no rule. Default: none. */
  reportOnly?:
    | (Rules & {
        /** A custom rule. Default: none. */
        authorize?: Authorize | undefined
      })
    | undefined
  /** A login beyond this number ends the user's oldest session. Requires a store that can list sessions. Default: no limit. */
  sessionsPerUser?: number | undefined
  /**
   * What happens to a request without a session: `'redirect'` to the login, `'reject'` with 401, `'pass'` it on; `'auto'`
   * redirects navigations and rejects others. Default `'auto'`.
   */
  unauthenticated?: 'auto' | 'redirect' | 'reject' | 'pass' | undefined
  /** What logging out does beyond this session. */
  logout?:
    | {
        /** Revoke the tokens at the provider (RFC 7009), if it supports that. Never for a managed application. Default `false`. */
        revokeTokens?: boolean | undefined
        /** End the session at the provider (OpenID Connect RP-Initiated Logout 1.0), if it supports that. Default `false`. */
        endProviderSession?: boolean | undefined
        /** Path of this site to redirect to; not one of the special paths. Default: the signed-out page. */
        returnTo?: string | undefined
        /**
         * Have the browser delete everything that it keeps for this origin (`Clear-Site-Data`: cache, storage, and the cookies of
         * the whole registrable domain), including the data of the app. Requires https. Default `false`.
         */
        clearSiteData?: boolean | undefined
      }
    | undefined
  /** Attributes of the session cookie. With `baseUrl`, the cookie must reach it. */
  cookie?:
    | {
        /** Domain of the cookie. Default: only the host of the request. */
        domain?: string | undefined
        /** `'None'` requires https. Default `'Lax'`. */
        sameSite?: 'Lax' | 'None' | undefined
        /** Whether the cookie is sent only over https. Default: by the scheme of `baseUrl` or of the request. */
        secure?: boolean | undefined
        /** Path of the cookie. Default: the mount path. */
        path?: string | undefined
      }
    | undefined
  /** Custom pages instead of the built-in ones. Default: none. */
  pages?: PagesOption | undefined
  /** Instances with the same `id`, store and secret share logins. Visible ASCII, at most 128 characters. Default: the mount path. */
  id?: string | undefined
  /** Time limits. */
  timeouts?:
    | {
        /** Seconds for a whole exchange with the provider, at most 300. Default `10`. */
        provider?: number | undefined
        /** Seconds for one store operation, at most 60. Default `2`. */
        store?: number | undefined
      }
    | undefined
  /** Seconds by which the clocks of provider and stores may differ, at most 600. Default `30`. */
  clockTolerance?: number | undefined
  /**
   * Handles error responses: responds or calls `next()` within 5 seconds, otherwise the built-in response is sent. A
   * function without the parameter `res` only observes. Default: the built-in page or JSON.
   */
  onError?: OnError | undefined
  /** Receives log messages. Default: process warnings, and the rest with `NODE_DEBUG=oauth-module`. */
  logger?: Logger | undefined
}
