import { createServer } from 'node:http'
import { createLogger } from '../../options/logger.js'
import type { Logger } from '../../options/options.js'
import { oauthModule } from '../../middleware/oauth-module.js'
import { proxyAccessOf } from '../../middleware/internals.js'
import { adminApiRoutes } from './admin-api.js'
import { Exchanges } from './exchanges.js'
import { ForwardedHeaders } from './forwarded-headers.js'
import { Health } from './health.js'
import { JsonLog } from './json-log.js'
import { listen, type ListenAddress, portOf } from './listen.js'
import type { Routing } from './routing.js'
import { GatewayRequest, GatewayResponse, type GatewayServer } from './messages.js'
import { Requests } from './requests.js'
import {
  DEFAULT_LIMITS,
  type GatewayLimits,
  type GatewayRules,
  type GatewaySettings,
  type ParsedRules,
  parseRules,
} from './settings.js'
import { Sockets } from './sockets.js'
import { Upstream } from './upstream.js'

/** A running gateway. */
export interface Gateway {
  /** Where it listens. */
  readonly port: number
  /**
   * Replaces options, target, and lists for the requests that arrive from now on. Requests in flight
   * end under the earlier ones.
   *
   * @throws TypeError that names what is invalid; then everything stays as it was.
   */
  reconfigure(rules: GatewayRules): void
  /**
   * Accepts no connections any more, and ends sockets and event streams, whose clients connect
   * again. Other requests in flight may take eight more seconds. Then closes the gate and its store.
   */
  close(): Promise<void>
}

/**
 * Puts the gate in front of an upstream, as a reverse proxy. Needs neither the provider nor the
 * upstream to start. Rejects with the error of `listen()`.
 *
 * @throws TypeError that names what is invalid.
 */
export async function startGateway(settings: GatewaySettings): Promise<Gateway> {
  const gateway = new RunningGateway(settings)
  await gateway.listen(settings.listen)
  return gateway
}

/** Longer than load balancers keep idle connections, so that these end them. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000
const HEADERS_TIMEOUT_MS = 60_000

class RunningGateway implements Gateway {
  readonly #server: GatewayServer
  readonly #limits: GatewayLimits
  readonly #logger: Logger
  readonly #log: Logger & { flush(): void }
  readonly #jsonLog: JsonLog | undefined
  readonly #sockets: Sockets
  /** The upstreams of earlier configurations, which requests may still use. */
  readonly #retired: Upstream[] = []
  #routing: Routing
  #closing: Promise<void> | undefined

  constructor({ limits, logger, ...rules }: GatewaySettings) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits }
    this.#jsonLog = logger === undefined ? new JsonLog() : undefined
    this.#logger = logger ?? this.#jsonLog ?? new JsonLog()
    this.#log = createLogger(this.#logger)
    this.#routing = this.#createRouting(parseRules(rules, this.#logger))
    // A slow upload may take longer than any limit for a whole request.
    this.#server = createServer({
      IncomingMessage: GatewayRequest,
      ServerResponse: GatewayResponse,
      requestTimeout: 0,
      headersTimeout: HEADERS_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    })
    this.#sockets = new Sockets(this.#server, () => this.#routing)
    new Requests(this.#limits.lingerMs, () => this.#routing).serve(this.#server)
  }

  get port(): number {
    return portOf(this.#server)
  }

  listen(address: ListenAddress): Promise<void> {
    return listen(this.#server, address, () => this.#end())
  }

  reconfigure(rules: GatewayRules): void {
    const parsed = parseRules(rules, this.#logger)
    const { auth, upstream, ...kept } = this.#routing
    auth.reconfigure(parsed.options)
    const isSameTarget = parsed.target.origin === upstream.origin
    this.#routing = {
      ...kept,
      ...parsed,
      auth,
      adminApi: adminApiRoutes(auth, kept.access.config.basePath, parsed.adminToken),
      upstream: isSameTarget ? upstream : this.#createUpstream(parsed.target),
      forwarded: new ForwardedHeaders(parsed.trustedProxies, parsed.options.baseUrl),
    }
    if (!isSameTarget) {
      upstream.closeIdle()
      this.#retired.push(upstream)
    }
    this.#routing.health.reset()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const { exchanges, health } = this.#routing
    health.close()
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#sockets.close()
    await exchanges.drain()
    this.#server.closeAllConnections()
    await closed
    await this.#end()
  }

  async #end(): Promise<void> {
    const { auth, exchanges, upstream } = this.#routing
    exchanges.stop()
    for (const one of [...this.#retired, upstream]) one.close()
    this.#log.flush()
    await auth.close()
    this.#jsonLog?.flush()
  }

  #createRouting(rules: ParsedRules): Routing {
    const auth = oauthModule(rules.options)
    const access = proxyAccessOf(auth)
    return {
      ...rules,
      auth,
      access,
      adminApi: adminApiRoutes(auth, access.config.basePath, rules.adminToken),
      upstream: this.#createUpstream(rules.target),
      forwarded: new ForwardedHeaders(rules.trustedProxies, rules.options.baseUrl),
      exchanges: new Exchanges(this.#limits),
      health: new Health({
        ready: () => auth.ready(),
        upstream: () => this.#routing.upstream.address,
      }),
      logger: this.#logger,
    }
  }

  #createUpstream(target: URL): Upstream {
    return new Upstream({
      target,
      upgradeMs: this.#limits.responseMs,
      onFailure: ({ req, res }, error) => this.#routing.access.fail(req, res, error),
      onBroken: ({ code, message, hint }) => this.#log.error(message, { code, hint }),
    })
  }
}
