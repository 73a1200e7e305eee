import type { Provider } from '../access/provider.js'
import type { CallbackPaths } from '../http/special-paths.js'
import type { Values } from '../schema/field.js'
import type { SessionStore } from '../session/stores/store.js'
import type { SignalsConfig } from '../signals/config.js'
import type { optionFields } from './fields.js'
import type { DevProviderConfig } from './dev-provider.js'
import type { Log } from './logger.js'

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
  /** Whether the app and what is behind it see the cookies of the gate. */
  readonly forward: boolean
}

/** What the upstream headers depend on. */
export interface UpstreamHeadersConfig {
  /** A prefix that ends with a dash, the name of a preset, or `false` for no headers. */
  readonly headerPrefix: string | false
  readonly forwardTokens: 'hidden' | true | 'access' | false
  readonly hasSeveralProviders: boolean
  /** Names of the providers whose unverified email addresses count as verified. */
  readonly trustsEmailOf: ReadonlySet<string>
  /** Names of the providers whose users have GitHub's headers. */
  readonly github: ReadonlySet<string>
  /** Names of providers with a managed client: the app does not receive their tokens. */
  readonly managed: ReadonlySet<string>
}

/** The options that a configuration holds in another form. It holds all others unchanged. */
type ConvertedOption =
  | 'provider'
  | 'baseUrl'
  | 'basePath'
  | 'callbackPath'
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
  | 'signals'

/** The validated options under their own names, with defaults. Durations are in milliseconds. */
export interface Config extends Omit<Values<typeof optionFields>, ConvertedOption> {
  /** Origin and path, without a slash at the end. */
  readonly baseUrl: { readonly origin: string; readonly path: string } | undefined
  readonly basePath: string
  /** From the options `callbackPath` and the names of the providers. */
  readonly callbackPaths: CallbackPaths
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
  /** Present if one of the providers is the development provider. */
  readonly devProvider: DevProviderConfig | undefined
  readonly store: SessionStore
  /** The option `store`, before an express-session store is wrapped. */
  readonly storeOption: unknown
  readonly logger: Log
  readonly timeouts: { readonly storeMs: number; readonly providerMs: number }
  readonly clockToleranceMs: number
  readonly signals: SignalsConfig | undefined
}

/**
 * A configuration that may still lack `secret` and `store`: their defaults must not replace an
 * invalid option.
 */
export interface ConfigDraft extends Omit<Config, 'secret' | 'store'> {
  readonly secret: readonly string[] | undefined
  readonly store: SessionStore | undefined
}
