import { createServer } from 'node:http'
import { proxyAccessOf } from '../../middleware/internals.js'
import { oauthModule } from '../../middleware/oauth-module.js'
import type { Logger, OAuthModuleOptions } from '../../options/options.js'
import { adminApiRoutes } from './admin-api.js'
import { AuthRequests, type AuthRouting } from './auth-requests.js'
import { Health } from './health.js'
import { JsonLog } from './json-log.js'
import { listen, type ListenAddress, portOf } from './listen.js'
import { GatewayRequest, GatewayResponse, type GatewayServer } from './messages.js'
import type { AuthRequestMode } from './original-request.js'
import { DEFAULT_LIMITS } from './settings.js'
import { TrustedProxies } from './trusted-proxies.js'

/** The settings of an {@link AuthServer} that `reconfigure()` replaces. */
export interface AuthRules {
  /** Options of the gate. The mode decides on `unauthenticated`. */
  readonly options: OAuthModuleOptions
  /** Addresses and networks of the proxies that ask. */
  readonly trustedProxies?: readonly string[] | undefined
  /** Serves the admin API below the base path, for requests with this token. Default: none. */
  readonly adminToken?: string | undefined
  /** Whether a line is logged for each request. Default `true`. */
  readonly logsRequests?: boolean | undefined
}

/** What {@link AuthServer} is created with. */
export interface AuthServerSettings extends AuthRules {
  readonly mode: AuthRequestMode
  readonly logger?: Logger | undefined
}

/** Answers the question of a proxy whether a request may pass. */
export class AuthServer {
  readonly #server: GatewayServer
  readonly #mode: AuthRequestMode
  readonly #logger: Logger
  #routing: AuthRouting

  /** Throws a `TypeError` that names what is invalid. */
  constructor({ mode, logger = new JsonLog(), ...rules }: AuthServerSettings) {
    this.#mode = mode
    this.#logger = logger
    const { options, ...parsed } = this.#parse(rules)
    const auth = oauthModule(options)
    const access = proxyAccessOf(auth)
    this.#routing = {
      auth,
      access,
      adminApi: adminApiRoutes(auth, access.config.basePath, rules.adminToken),
      ...parsed,
      health: new Health({ ready: () => auth.ready() }),
      logger,
    }
    this.#server = createServer({
      IncomingMessage: GatewayRequest,
      ServerResponse: GatewayResponse,
    })
    new AuthRequests(mode, () => this.#routing).serve(this.#server)
  }

  /** Where it listens. */
  get port(): number {
    return portOf(this.#server)
  }

  /** Rejects with the error of `listen()`. */
  listen(address: ListenAddress): Promise<void> {
    return listen(this.#server, address, () => this.#routing.auth.close())
  }

  /** Replaces options and proxies. Throws a `TypeError`; then everything stays as it was. */
  reconfigure(rules: AuthRules): void {
    const { options, ...parsed } = this.#parse(rules)
    const { auth, access } = this.#routing
    auth.reconfigure(options)
    const adminApi = adminApiRoutes(auth, access.config.basePath, rules.adminToken)
    this.#routing = { ...this.#routing, ...parsed, adminApi }
    this.#routing.health.reset()
  }

  /** Ends when the responses in flight have been sent. */
  async close(): Promise<void> {
    this.#routing.health.close()
    const timer = setTimeout(() => this.#server.closeAllConnections(), DEFAULT_LIMITS.drainMs)
    await new Promise((resolve) => {
      this.#server.close(resolve)
      this.#server.closeIdleConnections()
    })
    clearTimeout(timer)
    await this.#routing.auth.close()
  }

  #parse({ options, trustedProxies = [], logsRequests = true }: AuthRules) {
    if (options.unauthenticated !== undefined)
      throw new TypeError(
        'configuration.unauthenticated has no effect with authRequest: the proxy decides what follows a 401',
      )
    // A client could name the method OPTIONS in a header that the proxy does not set.
    if (options.optionsPassthrough === true)
      throw new TypeError(
        'configuration.optionsPassthrough cannot be combined with authRequest: have the proxy respond to OPTIONS requests',
      )
    return {
      options: {
        logger: this.#logger,
        ...options,
        unauthenticated: this.#mode === 'forward' ? ('auto' as const) : ('pass' as const),
      },
      trustedProxies: new TrustedProxies(trustedProxies),
      logsRequests,
    }
  }
}
