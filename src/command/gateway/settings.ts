import type { Logger, OAuthModuleOptions } from '../../options/options.js'
import { AllowedPaths } from './allowed-paths.js'
import type { ListenAddress } from './listen.js'
import { TrustedProxies } from './trusted-proxies.js'

/** What {@link startGateway} is called with. */
export interface GatewaySettings extends GatewayRules {
  readonly listen: ListenAddress
  /** Default: JSON lines, `debug` and `info` on stdout, `warn` and `error` on stderr. */
  readonly logger?: Logger | undefined
  /** Limits in milliseconds. Tests shorten them. */
  readonly limits?: Partial<GatewayLimits> | undefined
}

/** The settings that `reconfigure()` replaces. */
export interface GatewayRules {
  /** Options of the gate. Its lines go to the gateway's logger, unless it has its own. */
  readonly options: OAuthModuleOptions
  /** `http://host:port` or `https://host:port` of the upstream. */
  readonly target: URL
  /** Entries such as `GET /health` or `GET /assets/*`, which need no session. */
  readonly allowPaths?: readonly string[] | undefined
  /**
   * Addresses and networks of proxies whose `X-Forwarded-*` headers are believed: `10.0.0.0/8`,
   * `::1`, or `loopback`, `linklocal`, `uniquelocal`.
   */
  readonly trustedProxies?: readonly string[] | undefined
  /** Serves the admin API below the base path, for requests with this token. Default: none. */
  readonly adminToken?: string | undefined
  /** Whether a line is logged for each request. Default `true`. */
  readonly logsRequests?: boolean | undefined
}

/** Limits in milliseconds. `docs/proxying.md` explains them. */
export interface GatewayLimits {
  /** Until a connection to the upstream exists. */
  readonly connectMs: number
  /** Until the upstream responds, since it last accepted a part of the request. */
  readonly responseMs: number
  /** How long the rest of an upload is read after its response has been sent. */
  readonly lingerMs: number
  /** How long requests in flight may take once the gateway closes. */
  readonly drainMs: number
}

/** The limits of the command. */
export const DEFAULT_LIMITS: GatewayLimits = {
  connectMs: 10_000,
  // Browsers and most clients give up after five minutes.
  responseMs: 300_000,
  lingerMs: 30_000,
  // `docker stop` kills the process after ten seconds.
  drainMs: 8000,
}

/** Parsed {@link GatewayRules}. */
export interface ParsedRules {
  readonly options: OAuthModuleOptions
  readonly target: URL
  readonly allowedPaths: AllowedPaths
  readonly trustedProxies: TrustedProxies
  readonly adminToken: string | undefined
  readonly logsRequests: boolean
}

/** Throws a `TypeError` that names the setting and the fix. */
export function parseRules(rules: GatewayRules, logger: Logger): ParsedRules {
  const { options, target, allowPaths = [], trustedProxies = [] } = rules
  const { adminToken, logsRequests = true } = rules
  rejectTarget(target)
  return {
    options: { logger, ...options },
    target,
    allowedPaths: new AllowedPaths(allowPaths),
    trustedProxies: new TrustedProxies(trustedProxies),
    adminToken,
    logsRequests,
  }
}

function rejectTarget({ protocol, pathname, search, hash, username, password }: URL): void {
  const isOrigin = pathname === '/' && search === '' && hash === ''
  if (!/^https?:$/.test(protocol) || !isOrigin || username !== '' || password !== '')
    throw new TypeError('target must be http://host:port, without path and credentials')
}
