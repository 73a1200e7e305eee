import type { DevOptions } from './dev-provider.js'
import type { Authorize } from '../access/authorize.js'
import type { BearerOptions } from '../bearer/options.js'
import type { OnLogin } from '../flows/on-login.js'
import type { BrandingOption } from '../pages/branding.js'
import type { PagesOption } from '../pages/contexts.js'
import type { TextsOption } from '../pages/texts.js'
import type { BuiltinName, ProviderMap } from '../providers/index.js'
import type { ExpressSessionStore } from '../session/stores/express-session-store.js'
import type { SessionStore } from '../session/stores/store.js'
import type { SignalsOptions } from '../signals/options.js'
import type {
  BrowserSessionOptions,
  CookieOptions,
  Logger,
  LogoutOptions,
  OnError,
  ReportOnlyOptions,
  StolenSessionOptions,
  TimeoutOptions,
} from './option-groups.js'

export type { Authorize, Logger, OnError, OnLogin }

/**
 * Options of `oauthModule()`. Durations are in seconds, at most one year. `undefined` means absent,
 * except for options that restrict who may pass (`authorize`, and `clientId`, `clientSecret` and
 * the rules of a provider), where it throws. Mistakes and unknown options throw a `TypeError` that
 * lists all of them.
 */
export interface OAuthModuleOptions extends StolenSessionOptions {
  /**
   * One or more identity providers: a name, or an object of names. With several, a sign-in page
   * shows a button for each. `'dev'` is the development provider, which the gate starts itself; with
   * `OAUTH_MODULE_DEV=1` in the environment, it replaces the configured ones.
   */
  provider: BuiltinName | 'dev' | ProviderMap | { readonly dev: DevOptions }
  /**
   * `false` disables the gate: nothing is enforced and the special paths do not exist, but identity
   * headers of the client are still removed and `requireAuth()` still rejects. Default `true`.
   */
  enabled?: boolean | undefined
  /** Do not enforce authentication on OPTIONS requests. Default `false`. */
  optionsPassthrough?: boolean | undefined
  /**
   * Prefix of the cookie names: letters, digits, `.`, `_` and `-`, at most 64. Default `'ngrok.'`.
   */
  cookiePrefix?: string | undefined
  /**
   * Seconds without a request after which the user must sign in again. Not longer than
   * `maximumDuration`. Default `0`: no limit.
   */
  inactivityTimeout?: number | undefined
  /**
   * Maximum duration of a session in seconds. Default `0`: 400 days, the longest lifetime of a
   * cookie.
   */
  maximumDuration?: number | undefined
  /**
   * Seconds after which the next request reads the user from the provider again and evaluates all
   * rules before it passes. Default `0`: only at login.
   */
  authCheckInterval?: number | undefined
  /**
   * Seconds after `authCheckInterval` during which requests still pass while the provider is
   * unavailable. Requires `authCheckInterval`. Default `0`.
   */
  authCheckGrace?: number | undefined
  /**
   * Re-check in the background in the last fifth of an interval of at least a minute. Default
   * `true`.
   */
  authCheckEarly?: boolean | undefined
  /**
   * Encrypts login state and stored tokens: at least 32 characters. With several secrets, the first
   * encrypts and all decrypt, for rotation. Default: the environment variable `OAUTH_MODULE_SECRET`
   * (commas separate several). Without both: a random one; throws if `NODE_ENV` is `production`.
   */
  secret?: string | readonly string[] | undefined
  /**
   * Public URL of the mount point, without a query. Plain http requires loopback or `cookie.secure:
   * false`. Default: from each request.
   */
  baseUrl?: string | undefined
  /** Prefix of the special paths, below the mount point. Default `'/auth'`. */
  basePath?: string | undefined
  /**
   * Path of the redirect URI, below the mount point: keeps one that is already registered, such as
   * `'/auth/github/callback'`. With several providers, the first one listed has this path, and each
   * additional one has `<callbackPath>/NAME`, unless the provider has a `callbackPath` itself.
   * Default `<basePath>/callback`.
   */
  callbackPath?: string | undefined
  /**
   * Names of the upstream headers: a lowercase prefix with at least two segments (`'x-acme-'`), a
   * preset (`'oauth2-proxy'`, `'oauth2-proxy-nginx'`), or `false` for no headers. A preset requests
   * all memberships, and takes one rule list per provider: see `allOf`. Default `'ngrok-auth-'`.
   */
  headerPrefix?: string | false | undefined
  /**
   * Whether the upstream headers contain tokens. `'hidden'`: they can be read by name, as by
   * `req.get()`, but are not enumerable, so that neither a logger nor a proxy copies them. `true`:
   * enumerable, for a proxy behind the gate; `'access'`: likewise, without the refresh token;
   * `false`: none. Default `'hidden'` with ngrok's names, otherwise `false`.
   */
  forwardTokens?: boolean | 'hidden' | 'access' | undefined
  /** Whether `req.user` is set. Default `true`. */
  userProperty?: boolean | undefined
  /**
   * Where sessions are stored: a store of this package, a custom {@link SessionStore}, or an
   * express-session store. Default `memoryStore()`; throws in a worker of `node:cluster`.
   */
  store?: SessionStore | ExpressSessionStore | undefined
  /**
   * A custom rule in addition to the lists. Must settle within 5 seconds; if it throws, the request
   * is rejected. Default: none.
   */
  authorize?: Authorize | undefined
  /**
   * Finds or creates the account of a user who signs in, after the rules have allowed the user and
   * before the session exists, within 5 seconds. Returns nothing, or a small plain object (roles,
   * an account ID; at most 4096 bytes as JSON), which is kept in the session and available as
   * `req.oauth.account`. If it throws, the login fails. Default: none.
   */
  onLogin?: OnLogin | undefined
  /**
   * Version of `authorize`, at most 256 characters. A changed version checks all users again.
   * Without one, a decision of `authorize` counts only for that function in that process; elsewhere
   * it is called once per session. Default: none.
   */
  rulesVersion?: string | undefined
  /**
   * Rules that are evaluated but not enforced: the event `denied` reports the users they would
   * deny. Throws if it contains no rule. Default: none.
   */
  reportOnly?: ReportOnlyOptions | undefined
  /**
   * A login beyond this number ends the user's oldest session. Setting it requires a store that can
   * list sessions. Default 100.
   */
  sessionsPerUser?: number | undefined
  /**
   * What happens to a request without a session: `'redirect'` to the login, `'reject'` with 401,
   * `'pass'` it on; `'auto'` redirects navigations and rejects others. Default `'auto'`.
   */
  unauthenticated?: 'auto' | 'redirect' | 'reject' | 'pass' | undefined
  /**
   * Accepts access tokens of machines, agents and command-line tools: `Authorization: Bearer`. Such
   * a request never counts by its cookies. Default: none are accepted.
   */
  bearer?: BearerOptions | undefined
  /** Signals of other systems that end sessions or check users. Default: none. */
  signals?: SignalsOptions | undefined
  /** What logging out does beyond this session. */
  logout?: LogoutOptions | undefined
  /** Attributes of the session cookie. With `baseUrl`, the cookie must reach it. */
  cookie?: CookieOptions | undefined
  /** What sessions keep of the browser, and for how long: address and user agent. */
  browserSession?: BrowserSessionOptions | undefined
  /** Name, logo, accent color and support link on the built-in pages. Default: none. */
  branding?: BrandingOption | undefined
  /** Wording of the built-in pages, or a function of the language. Default: English. */
  texts?: TextsOption | undefined
  /** Custom pages instead of the built-in ones. Default: none. */
  pages?: PagesOption | undefined
  /**
   * Serve the script `/auth/client.js`, which signs users in again without leaving a page that
   * includes it. Default `true`.
   */
  clientScript?: boolean | undefined
  /**
   * Instances with the same `id`, store and secret share logins. Visible ASCII, at most 128
   * characters. Default: the mount path and the cookie prefix.
   */
  id?: string | undefined
  /**
   * Follows the changes of the configuration that the admin API keeps in the store: they take effect
   * in all processes, within 5 seconds, and no request passes before they have been read. A change
   * applies as long as this number is the one that it was made on: raise it in a release whose
   * options must take precedence. At most 1,000,000,000. It cannot change while the process runs, and
   * needs a store that keeps records and, with any other than `memoryStore()`, the option `secret`.
   * Default: the store is not followed.
   */
  configVersion?: number | undefined
  /** Time limits. */
  timeouts?: TimeoutOptions | undefined
  /** Seconds by which the clocks of provider and stores may differ, at most 600. Default `30`. */
  clockTolerance?: number | undefined
  /**
   * Handles error responses: responds or calls `next()` within 5 seconds, otherwise the built-in
   * response is sent. A function without the parameter `res` only observes. Default: the built-in
   * page or JSON.
   */
  onError?: OnError | undefined
  /**
   * Receives log messages: pino, winston, `console`, or an object with these methods. Default:
   * warnings and errors on stderr, and the rest with `NODE_DEBUG=oauth-module`.
   */
  logger?: Logger | undefined
}
