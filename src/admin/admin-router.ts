import type { ServerResponse } from 'node:http'
import { addressOf } from '../http/event-origin.js'
import { readOrigin } from '../http/origin.js'
import { readTarget, type RequestTarget } from '../http/paths.js'
import type { AppRequest } from '../http/request.js'
import { sendJson } from '../http/response.js'
import { describeError } from '../middleware/error-reporter.js'
import type { Next } from '../middleware/outcome.js'
import { Administration } from './administration.js'
import { AdminApi } from './api.js'
import { AuditLog } from './audit-log.js'
import { readBody } from './body.js'
import { Connections } from './connections/connections.js'
import { EdgeModules } from './edges/edge-modules.js'
import { AdminError, fromStoreError, isStoreError, sendError } from './errors.js'
import type { AdministeredModule } from './administered-module.js'
import { type AdminConfig, type AdminOptions, parseAdmin } from './options.js'
import { AdminPages } from './pages/admin-pages.js'
import { Reply } from './reply.js'
import type { AdminApis } from './resources.js'
import { allowedMethods, findResource, type FoundResource, operationOf } from './routes.js'
import { Locator } from './locator.js'
import { AdminTokens } from './tokens.js'
import { Views } from './views.js'

/** The handler of {@link adminRouter}, for Express, Connect and bare `node:http`. */
export type AdminHandler = (req: AppRequest, res: ServerResponse, next: Next) => void

/**
 * An API to see who is signed in, and to end sessions and the access of users, in the format of
 * ngrok's App Users API. Mount it next to the gates, in front of them: it checks its own tokens, and
 * neither cookies nor sessions. Requests for other paths go to `next()`.
 *
 * ```ts
 * import express from 'express'
 * import { oauthModule } from 'oauth-module'
 * import { adminRouter } from 'oauth-module/admin'
 *
 * const auth = oauthModule({ provider: 'github', baseUrl: 'https://app.example.com' })
 * const app = express()
 * app.use(
 *   '/admin-api',
 *   adminRouter({ 'main/app': auth }, { tokens: { deploy: String(process.env.ADMIN_TOKEN) } }),
 * )
 * app.use(auth)
 * ```
 *
 * @param modules The gates, by the IDs of an edge and a route that you choose, as in `main/app`. All
 *   of them must share one store.
 * @param options Tokens, and optionally where addresses are.
 * @throws TypeError that names the option and the fix if an argument is invalid.
 */
export function adminRouter(
  modules: Readonly<Record<string, AdministeredModule>>,
  options: AdminOptions,
): AdminHandler {
  const router = new AdminRouter(parseAdmin(modules, options))
  return (req, res, next) => router.handle(req, res, next)
}

class AdminRouter {
  readonly #config: AdminConfig
  readonly #tokens: AdminTokens
  readonly #apis: AdminApis
  readonly #pages: AdminPages | undefined

  constructor(config: AdminConfig) {
    const { gates, tokens, locate, retention, allowDisable, pages } = config
    this.#config = config
    this.#tokens = new AdminTokens(tokens)
    const administration = new Administration(gates)
    const locator = new Locator(locate, (error) =>
      this.#logger.error('admin API: locate() failed', describeError(error)),
    )
    const auditLog = new AuditLog({ gates, retentionMs: retention.audit })
    auditLog.recordSignals()
    const changes = { gates, auditLog, historyMs: retention.history }
    this.#apis = {
      users: new AdminApi({ administration, views: new Views(locator), auditLog }),
      edges: new EdgeModules({ ...changes, mayDisable: allowDisable }),
      connections: new Connections({ ...changes, administration }),
    }
    const logger = () => this.#logger
    this.#pages = pages && new AdminPages({ ...pages, administration, locator, auditLog, logger })
  }

  handle(req: AppRequest, res: ServerResponse, next: Next): void {
    const target = readTarget(req)
    const resource = findResource(target.path)
    if (resource === undefined)
      return this.#pages === undefined ? next() : this.#pages.handle(req, res, next)
    this.#respond(req, res, target, resource).catch((error: unknown) => {
      // Another middleware responded, such as one that limits the time of a request.
      if (res.headersSent) return
      if (error instanceof AdminError) sendError(res, error)
      else if (isStoreError(error)) {
        const { code, hint } = error
        this.#logger.error('admin API: the store failed', { code, hint })
        sendError(res, fromStoreError(error))
      } else next(error)
    })
  }

  async #respond(
    req: AppRequest,
    res: ServerResponse,
    target: RequestTarget,
    resource: FoundResource,
  ): Promise<void> {
    const tokenName = await this.#authorize(req, res)
    const operation = operationOf(resource, req.method)
    if (operation === undefined) {
      const headers = { Allow: allowedMethods(resource) }
      throw new AdminError('method_not_allowed', { headers })
    }
    const result = await operation.run(this.#apis, {
      base: this.#originOf(req) + target.mountPath,
      query: target.query,
      params: resource.params,
      tokenName,
      origin: this.#config.gates[0].access.originOf(req),
      ifMatch: req.headers['if-match'],
      body: () => readBody(req, res),
    })
    const { body, headers } = result instanceof Reply ? result : new Reply(result, {})
    sendJson(res, 200, body, headers)
  }

  /** The name of the token. */
  async #authorize(req: AppRequest, res: ServerResponse): Promise<string> {
    try {
      const { name, isReadOnly } = await this.#tokens.check(req, res)
      const isRead = req.method === 'GET' || req.method === 'HEAD'
      if (isRead || !isReadOnly) return name
      this.#logger.audit('admin API: rejected a read-only token', {
        tokenName: name,
        ipAddress: addressOf(req),
      })
    } catch (error) {
      if (error instanceof AdminError && error.code === 'ERR_NGROK_203')
        this.#logger.warn('admin API: a request had a wrong token', { ipAddress: addressOf(req) })
      throw error
    }
    throw new AdminError('read_only_token')
  }

  /**
   * Scheme and host as the client sees them, for URIs in responses. Behind a proxy, only `baseUrl`
   * may show that clients use https.
   */
  #originOf(req: AppRequest): string {
    const origin = readOrigin(req)
    if (origin === undefined) return ''
    const host = new URL(origin).host
    const publicUrls = this.#config.gates.flatMap(({ access }) => access.baseUrl ?? [])
    const publicUrl = publicUrls.find((url) => new URL(url).host === host)
    return publicUrl === undefined ? origin : new URL(publicUrl).origin
  }

  get #logger() {
    return this.#config.gates[0].access.logger
  }
}
