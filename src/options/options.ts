import type { OAuthError } from '../http/errors.js'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Authorize } from '../access/authorize.js'
import type { LogoutBehavior } from '../flows/logout.js'
import type { PagesOption } from '../pages/contexts.js'
import type { Rules } from '../access/rules.js'
import { type Provider } from '../access/provider.js'
import type { BuiltinName, ProviderMap } from '../providers/index.js'
import type { ExpressSessionStore } from '../session/stores/express-session-store.js'
import type { memoryStore } from '../session/stores/memory-store.js'
import type { Lifetimes } from '../session/lifetimes.js'
import type { SessionStore } from '../session/stores/store.js'

/** Takes messages; never sees a secret. */
export interface Logger {
  debug(message: string, facts?: object): void
  info(message: string, facts?: object): void
  warn(message: string, facts?: object): void
  error(message: string, facts?: object): void
}

export type { Authorize }

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

/** Names of `headerPrefix` that stand for another product's headers. */
export const headerPresets = ['oauth2-proxy', 'oauth2-proxy-nginx'] as const
export type HeaderPreset = (typeof headerPresets)[number]

export function isHeaderPreset(name: string): name is HeaderPreset {
  return headerPresets.some((preset) => preset === name)
}

export interface UpstreamHeadersConfig {
  /** A prefix that ends in a dash, the name of a preset, or `false` for no headers. */
  headerPrefix: string | false
  forwardTokens: 'all' | 'access' | 'none'
  hasSeveralProviders: boolean
  /** Names of the providers whose e-mail counts though nobody verified it. */
  trustsEmailOf: ReadonlySet<string>
  /** Names of the providers whose tokens the app does not get. */
  managed: ReadonlySet<string>
}

/** Options of `oauthModule()`. All times are in seconds. */
export interface OAuthModuleOptions {
  /** One or more identity providers; several give a sign-in page with a button each. */
  provider: BuiltinName | ProviderMap
  /** `false`: nothing is enforced and no special path exists; identity headers from the client are still removed. Default `true`. */
  enabled?: boolean | undefined
  /** Do not enforce a login on OPTIONS requests. Default `false`. */
  optionsPassthrough?: boolean | undefined
  /** Of the names of our cookies. Letters, digits, `.`, `_` and `-`. Default `'ngrok.'`. */
  cookiePrefix?: string | undefined
  /** Seconds without a request after which the user must log in again. Default `0`: none. */
  inactivityTimeout?: number | undefined
  /** Seconds that a session lasts at most. Default `0`: no limit of its own. */
  maximumDuration?: number | undefined
  /**
   * A request after this many seconds re-reads the user from the provider and asks every rule again before it passes.
   * Default `0`: only at login.
   */
  authCheckInterval?: number | undefined
  /** Seconds past the due time that requests pass on the old verdict while the provider is down. Default `0`. */
  authCheckGrace?: number | undefined
  /** Start a check in the background in the last fifth of an interval of a minute or more. Default `true`. */
  authCheckEarly?: boolean | undefined
  /**
   * Seals login state and stored tokens: 32 characters at least. The first seals, all open, so that a secret can be
   * rotated. Default: `OAUTH_MODULE_SECRET` (commas separate several).
   */
  secret?: string | readonly string[] | undefined
  /** The public URL of the mount point. Default: from the request. */
  baseUrl?: string | undefined
  /** The special paths, below the mount. Default `'/auth'`. */
  basePath?: string | undefined
  /** Names of the upstream headers: a prefix, a preset (`'oauth2-proxy'`, `'oauth2-proxy-nginx'`), or `false` for none. Default `'ngrok-auth-'`. */
  headerPrefix?: string | false | undefined
  /** Whether tokens are among the upstream headers. Default `true` with ngrok's names, else `false`. */
  forwardTokens?: boolean | 'access' | undefined
  /** Whether `req.user` is set. Default `true`. */
  userProperty?: boolean | undefined
  /** Where sessions live: a store of ours, one of your own, or any store made for express-session. Default {@link memoryStore}. */
  store?: SessionStore | ExpressSessionStore | undefined
  /** A rule of one's own, on top of the lists. 5 seconds at most; throwing refuses the request. */
  authorize?: Authorize | undefined
  /** Stands for a changed `authorize`: another version makes everybody be checked again. */
  rulesVersion?: string | undefined
  /** Rules tried beside the real ones: they change nothing, and whom they would refuse is told by the event `denied`. */
  reportOnly?: (Rules & { authorize?: Authorize | undefined }) | undefined
  /** A login beyond so many ends the user's oldest session. Default: no limit. Needs a store that can list. */
  sessionsPerUser?: number | undefined
  /** What happens to a request without a session. Default `'auto'`: navigations are redirected, others get 401. */
  unauthenticated?: 'auto' | 'redirect' | 'reject' | 'pass' | undefined
  /** What logging out does beyond this session. */
  logout?:
    | {
        /** Revoke the tokens at the provider, where it can. Never those of a managed application. Default `false`. */
        revokeTokens?: boolean | undefined
        /** End the session at the provider as well (RP-Initiated Logout 1.0), where it can. Default `false`. */
        endProviderSession?: boolean | undefined
        /** A path of this site to go to. Default: our page. */
        returnTo?: string | undefined
      }
    | undefined
  /** Attributes of the session cookie. Default: this host, `Lax`, `Secure` by scheme, the mount path. */
  cookie?:
    | {
        domain?: string | undefined
        sameSite?: 'Lax' | 'None' | undefined
        secure?: boolean | undefined
        path?: string | undefined
      }
    | undefined
  /** Pages of one's own. */
  pages?: PagesOption | undefined
  /** Instances with the same id, store and secret share logins. Default: the mount path. */
  id?: string | undefined
  /** Seconds for a whole exchange with the provider (default 10), and for one store operation (default 2). */
  timeouts?: { provider?: number | undefined; store?: number | undefined } | undefined
  /** Seconds that clocks may differ. Default `30`. */
  clockTolerance?: number | undefined
  /**
   * Handles error responses: responds or calls `next()` within 5 seconds, otherwise the built-in response is sent. A
   * function without the parameter `res` only observes.
   */
  onError?: OnError | undefined
  /** Default: `NODE_DEBUG=oauth-module`, and process warnings. */
  logger?: Logger | undefined
}

/** The options, checked, with their defaults; times in milliseconds. */
export interface Config {
  readonly isEnabled: boolean
  readonly passesOptions: boolean
  readonly unauthenticated: 'auto' | 'redirect' | 'reject' | 'pass'
  readonly setsUser: boolean
  readonly id: string | undefined
  readonly publicUrl: { readonly origin: string; readonly path: string } | undefined
  readonly basePath: string
  readonly cookie: CookieConfig
  readonly lifetimes: Lifetimes
  readonly check: { readonly interval: number; readonly grace: number; readonly isEarly: boolean }
  readonly trial: (Rules & { authorize?: Authorize | undefined }) | undefined
  readonly secrets: readonly string[]
  readonly headers: UpstreamHeadersConfig
  readonly providers: readonly Provider[]
  readonly authorize: Authorize | undefined
  readonly rulesVersion: string | undefined
  readonly store: SessionStore
  /** The store as it was given. */
  readonly givenStore: unknown
  readonly pages: PagesOption | undefined
  readonly onError: OnError | undefined
  readonly logger: Logger
  readonly storeTimeout: number
  readonly clockTolerance: number
  readonly logout: LogoutBehavior
  readonly sessionsPerUser: number | undefined
}

export interface CookieConfig {
  readonly prefix: string
  readonly domain: string | undefined
  readonly sameSite: 'lax' | 'none'
  readonly secure: boolean | undefined
  readonly path: string | undefined
}
