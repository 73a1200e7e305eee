import { Rejection } from '../flows/rejection.js'
import type { IncomingGateRequest } from '../http/gate-request.js'
import type { Mounts } from '../http/mounts.js'
import { isSafeMountPath, readTarget } from '../http/paths.js'
import type { AppRequest } from '../http/request.js'
import type { Config } from '../options/config.js'
import type { SessionResult } from '../session/sessions.js'
import type { ErrorReporter } from './error-reporter.js'
import type { Gate } from './gate.js'
import type { OAuthContext } from './oauth-context.js'
import type { OwnCookies } from './own-cookies.js'
import type { HeaderStripper } from './strip-headers.js'
import type { TokenRequests } from './token-requests.js'
import type { UnguardedUpgrades } from './unguarded-upgrades.js'
import type { UpgradeOrigins } from './upgrade-origins.js'
import type { Visitors } from './visitors.js'

/** Options of `authenticate()`. */
export interface AuthenticateOptions {
  /**
   * Origins whose pages may open a WebSocket, in addition to the app's own origin. Default: none.
   */
  origin?: string | readonly string[] | undefined
  /**
   * Where the middleware is mounted, for requests that do not pass through it. Default: the mount
   * of earlier requests that contains the path, otherwise the root.
   */
  mount?: string | undefined
}

/** What {@link Sockets} depends on. */
export interface SocketsDeps {
  readonly config: Pick<Config, 'enabled'>
  readonly gate: Gate
  readonly mounts: Mounts
  readonly headerStripper: HeaderStripper
  readonly ownCookies: OwnCookies
  readonly unguardedUpgrades: UnguardedUpgrades
  readonly upgradeOrigins: UpgradeOrigins
  readonly visitors: Visitors
  readonly reporter: ErrorReporter
  /** `undefined` without the option `bearer`. */
  readonly tokenRequests: TokenRequests | undefined
}

/**
 * Authenticates requests that do not pass through middleware: upgrades, and servers without a
 * framework.
 */
export class Sockets {
  readonly #deps: SocketsDeps

  constructor(deps: SocketsDeps) {
    this.#deps = deps
  }

  /**
   * The context of an authenticated request; otherwise `undefined`. Rejects if the session cannot
   * be checked.
   */
  async authenticate(
    req: AppRequest,
    options: AuthenticateOptions,
  ): Promise<OAuthContext | undefined> {
    const { config, gate, headerStripper, unguardedUpgrades, upgradeOrigins, visitors } = this.#deps
    unguardedUpgrades.guard(req)
    headerStripper.strip(req, req.headers)
    if (!config.enabled) return undefined
    const request = this.#requestOf(req, options.mount)
    if (request === undefined || !upgradeOrigins.isAllowed(req, options.origin)) return undefined
    const { tokenRequests } = this.#deps
    if (tokenRequests?.includes(request)) return tokenRequests.authenticate(request)
    const { session } = await this.#resultOf(async () => gate.authenticate(request))
    return session === undefined ? undefined : visitors.attach(request, session)
  }

  /**
   * Removes everything from a request that only the gate may set, and the cookies of the gate. For a
   * proxy that passes the request on without a session.
   */
  exempt(req: AppRequest): void {
    const { headerStripper, unguardedUpgrades } = this.#deps
    unguardedUpgrades.guard(req)
    headerStripper.strip(req, req.headers)
    this.#requestOf(req, undefined)
  }

  /** A denied user is unauthenticated here, because there is no page to show. */
  async #resultOf(run: () => Promise<SessionResult>): Promise<SessionResult> {
    try {
      return await run()
    } catch (thrown) {
      if (!(thrown instanceof Rejection)) throw thrown
      if (thrown.stage !== 'session') throw thrown.error
      this.#deps.reporter.log(thrown.error, thrown)
      return { reason: 'denied' }
    }
  }

  #requestOf(req: AppRequest, mountPath: string | undefined): IncomingGateRequest | undefined {
    const { mounts, ownCookies } = this.#deps
    const { headers } = req
    const target = readTarget(req)
    if (req.baseUrl === undefined)
      target.mountPath = mountPath ?? mounts.mountPathOf(req.url ?? '/')
    if (!isSafeMountPath(target.mountPath)) return undefined
    const mount = target.isRouted
      ? mounts.of(req, target, headers)
      : mounts.ofUnrouted(req, target.mountPath)
    const cookieHeader = ownCookies.take(req, headers, mount)
    return { req, headers, cookieHeader, res: undefined, mount, target, now: Date.now() }
  }
}
