import type { ServerResponse } from 'node:http'
import { hasBearerToken } from '../bearer/read-token.js'
import { TEST_LOGINS, type TestLoginAccess } from '../flows/test-login.js'
import { OAuthError } from '../http/errors.js'
import type { AppRequest } from '../http/request.js'
import type { Config } from '../options/config.js'
import { ADMIN_ACCESS } from './admin-access.js'
import { GateAdminAccess } from './gate-admin-access.js'
import { bareRequest } from './bare-request.js'
import type { Composition } from './composition.js'
import type { ConfigurationAccess } from './configuration/access.js'
import type { GateState } from './gate-state.js'
import type { OAuthMiddleware } from './oauth-middleware.js'

/** The key of {@link ProxyAccess} on a middleware. */
const PROXY_ACCESS = Symbol('oauth-module proxy access')

/** What the command needs of a gate besides the middleware itself. */
export interface ProxyAccess {
  /** The configuration that is in force. */
  readonly config: Config
  /**
   * Whether the gate responds to this path itself, whatever the spelling. `path` is without the
   * query.
   */
  isSpecialPath(path: string): boolean
  /** Whether the request has an access token, valid or not, with the option `bearer`. */
  hasAccessToken(req: AppRequest): boolean
  /** The challenges of a request without a session. (RFC 9110, 11.6.1) */
  challengeOf(req: AppRequest, res: ServerResponse): string
  /**
   * The origin that browsers use; `undefined` without a valid `Host`. Known once the gate has seen the
   * request.
   */
  publicOrigin(req: AppRequest): string | undefined
  /** Whether the request is not an upgrade from a page of another site. (RFC 6455, 10.2) */
  mayUpgrade(req: AppRequest): boolean
  /** Removes identity headers and our cookies from a request that needs no session. */
  exempt(req: AppRequest): void
  /** Logs an error of the upstream, and responds with its page. */
  fail(req: AppRequest, res: ServerResponse, error: OAuthError): void
}

/** The access of the command to a middleware. Throws for a function of another kind. */
export function proxyAccessOf(middleware: OAuthMiddleware): ProxyAccess {
  const access: unknown = Reflect.get(middleware, PROXY_ACCESS)
  if (access instanceof CurrentAccess) return access
  throw new TypeError('not a middleware of oauthModule()')
}

/**
 * Adds what `oauth-module/testing`, `oauth-module/admin` and the command need to a middleware, under
 * hidden keys.
 */
export function defineInternals(
  middleware: OAuthMiddleware,
  current: () => Composition,
  state: GateState,
  configuration: ConfigurationAccess,
): void {
  const { basePath } = current().config
  const { tickets } = state.testLogins
  const testLogins: TestLoginAccess = { basePath, tickets }
  Object.defineProperty(middleware, TEST_LOGINS, { value: testLogins })
  Object.defineProperty(middleware, PROXY_ACCESS, { value: new CurrentAccess(current) })
  const adminAccess = new GateAdminAccess(middleware, current, state, configuration)
  Object.defineProperty(middleware, ADMIN_ACCESS, { value: adminAccess })
}

class CurrentAccess implements ProxyAccess {
  readonly #current: () => Composition

  constructor(current: () => Composition) {
    this.#current = current
  }

  get config(): Config {
    return this.#current().config
  }

  isSpecialPath(path: string): boolean {
    const { resourceMetadata, specialPaths } = this.#current()
    return specialPaths.includes(path) || resourceMetadata?.isMetadataPath(path) === true
  }

  hasAccessToken(req: AppRequest): boolean {
    return this.config.bearer !== undefined && hasBearerToken(req, req.headers)
  }

  challengeOf(req: AppRequest, res: ServerResponse): string {
    const { bearerChallenges, mounts } = this.#current()
    const request = bareRequest(mounts, req, res)
    const bearer = bearerChallenges?.of(request, new OAuthError('login_required'))
    return `${bearer === undefined ? '' : `${bearer}, `}Cookie realm="${request.mount.realm}"`
  }

  publicOrigin(req: AppRequest): string | undefined {
    return this.#current().mounts.publicOrigin(req)
  }

  mayUpgrade(req: AppRequest): boolean {
    const { origin } = req.headers
    return origin === undefined || this.#current().mounts.isOwnOrigin(req, origin)
  }

  exempt(req: AppRequest): void {
    this.#current().sockets.exempt(req)
  }

  fail(req: AppRequest, res: ServerResponse, error: OAuthError): void {
    const { errorHandler, mounts } = this.#current()
    errorHandler.handleUpstream(bareRequest(mounts, req, res), error)
  }
}
