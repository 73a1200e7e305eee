import { Rejection } from '../flows/rejection.js'
import type { IncomingGateRequest } from '../http/gate-request.js'
import type { Mounts } from '../http/mounts.js'
import { isAllowedOrigin } from '../http/origin.js'
import { isSafeMountPath, readTarget } from '../http/paths.js'
import type { AppRequest } from '../http/request.js'
import type { Config } from '../options/config.js'
import type { SessionResult } from '../session/sessions.js'
import type { Gate } from './gate.js'
import type { OAuthContext } from './oauth-context.js'
import type { HeaderStripper } from './strip-headers.js'
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
  readonly config: Pick<Config, 'enabled' | 'baseUrl'>
  readonly gate: Gate
  readonly mounts: Mounts
  readonly headerStripper: HeaderStripper
  readonly visitors: Visitors
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
    const { config, gate, headerStripper, visitors } = this.#deps
    headerStripper.strip(req, req.headers)
    // A page of another site would use the user's cookie. (RFC 6455, 10.2)
    const isCrossOrigin =
      req.headers.upgrade !== undefined &&
      !isAllowedOrigin(req, config.baseUrl?.origin, options.origin)
    if (!config.enabled || isCrossOrigin) return undefined
    const request = this.#requestOf(req, options.mount)
    if (request === undefined) return undefined
    const { session } = await denialAsResult(async () => gate.authenticate(request))
    return session === undefined ? undefined : visitors.attach(request, session)
  }

  #requestOf(req: AppRequest, mountPath: string | undefined): IncomingGateRequest | undefined {
    const { mounts } = this.#deps
    const { headers } = req
    const target = readTarget(req)
    if (req.baseUrl === undefined)
      target.mountPath = mountPath ?? mounts.mountPathOf(req.url ?? '/')
    if (!isSafeMountPath(target.mountPath)) return undefined
    const mount = mounts.of(req, target, headers)
    return { req, headers, res: undefined, mount, target, now: Date.now() }
  }
}

/** A denied user is unauthenticated here, because there is no page to show. */
async function denialAsResult(run: () => Promise<SessionResult>): Promise<SessionResult> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof Rejection) return { reason: 'denied' }
    throw error
  }
}
