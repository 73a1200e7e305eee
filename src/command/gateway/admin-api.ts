import { adminRouter } from '../../admin/index.js'
import { sendJson } from '../../http/response.js'
import type { OAuthMiddleware } from '../../middleware/oauth-middleware.js'
import type { GatewayRequest, GatewayResponse } from './messages.js'

/** The gate under the IDs of an edge and a route. */
const ADMIN_MODULE = 'main/app'

/** The admin API of the command, next to the special paths: at `/auth/admin`. */
export class AdminApiRoutes {
  readonly #mountPath: string
  readonly #router: ReturnType<typeof adminRouter>

  /** Throws a `TypeError` if the token is not long enough. */
  constructor(auth: OAuthMiddleware, basePath: string, token: string) {
    this.#mountPath = `${basePath}/admin`
    this.#router = adminRouter({ [ADMIN_MODULE]: auth }, { tokens: { command: token } })
  }

  /** Responds to a request for the API. Returns whether it was one. */
  handle(req: GatewayRequest, res: GatewayResponse): boolean {
    const { url = '' } = req
    if (!url.startsWith(`${this.#mountPath}/`)) return false
    if (req.isExpectant) res.writeContinue()
    const mounted = Object.assign(req, {
      baseUrl: this.#mountPath,
      originalUrl: url,
      url: url.slice(this.#mountPath.length),
    })
    this.#router(mounted, res, (error) =>
      error === undefined
        ? sendJson(res, 404, { error: 'not_found', message: 'Not found.' })
        : sendJson(res, 500, { error: 'internal', message: 'An error occurred.' }),
    )
    return true
  }
}

/** The routes with this token; `undefined` without one. */
export function adminApiRoutes(
  auth: OAuthMiddleware,
  basePath: string,
  token: string | undefined,
): AdminApiRoutes | undefined {
  return token === undefined ? undefined : new AdminApiRoutes(auth, basePath, token)
}
