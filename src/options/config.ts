import type { Provider } from '../access/provider.js'
import type { Values } from '../schema/field.js'
import type { SessionStore } from '../session/stores/store.js'
import type { optionFields } from './fields.js'
import type { Logger } from './options.js'

/** The environment variables. */
export type Env = Readonly<Record<string, string | undefined>>

/** Attributes of the session cookie. */
export interface CookieConfig {
  /** Default: the host of the request. */
  readonly domain: string | undefined
  readonly sameSite: 'Lax' | 'None'
  /** Default: by the scheme of the request. */
  readonly secure: boolean | undefined
  /** Default: the mount path. */
  readonly path: string | undefined
}

/** What the upstream headers depend on. */
export interface UpstreamHeadersConfig {
  /** A prefix that ends with a dash, the name of a preset, or `false` for no headers. */
  readonly headerPrefix: string | false
  readonly forwardTokens: 'all' | 'access' | 'none'
  readonly hasSeveralProviders: boolean
  /** Names of the providers whose unverified email addresses count as verified. */
  readonly trustsEmailOf: ReadonlySet<string>
  /** Names of providers with a managed client: the app does not receive their tokens. */
  readonly managed: ReadonlySet<string>
}

/** The options that a configuration holds in another form. It holds all others unchanged. */
type ConvertedOption =
  | 'provider'
  | 'baseUrl'
  | 'basePath'
  | 'cookiePrefix'
  | 'cookie'
  | 'inactivityTimeout'
  | 'maximumDuration'
  | 'authCheckInterval'
  | 'authCheckGrace'
  | 'timeouts'
  | 'clockTolerance'
  | 'secret'
  | 'store'
  | 'headerPrefix'
  | 'forwardTokens'
  | 'logger'

/** The validated options under their own names, with defaults. Durations are in milliseconds. */
export interface Config extends Omit<Values<typeof optionFields>, ConvertedOption> {
  /** Origin and path, without a slash at the end. */
  readonly baseUrl: { readonly origin: string; readonly path: string } | undefined
  readonly basePath: string
  readonly cookiePrefix: string
  readonly cookie: CookieConfig
  /** 0: no limit. */
  readonly inactivityTimeoutMs: number
  /** 0: no limit. */
  readonly maximumDurationMs: number
  /** 0: only at login. */
  readonly authCheckIntervalMs: number
  readonly authCheckGraceMs: number
  /** The first secret encrypts, all of them decrypt. */
  readonly secret: readonly string[]
  /** From `headerPrefix`, `forwardTokens` and the providers. */
  readonly headers: UpstreamHeadersConfig
  readonly providers: readonly Provider[]
  readonly store: SessionStore
  /** The option `store`, before an express-session store is wrapped. */
  readonly storeOption: unknown
  readonly logger: Logger
  readonly timeouts: { readonly storeMs: number; readonly providerMs: number }
  readonly clockToleranceMs: number
}

/**
 * A configuration that may still lack `secret` and `store`: their defaults must not replace an
 * invalid option.
 */
export interface ConfigDraft extends Omit<Config, 'secret' | 'store'> {
  readonly secret: readonly string[] | undefined
  readonly store: SessionStore | undefined
}
