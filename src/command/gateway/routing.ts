import type { Logger } from '../../options/options.js'
import type { ProxyAccess } from '../../middleware/internals.js'
import type { OAuthMiddleware } from '../../middleware/oauth-middleware.js'
import type { AdminApiRoutes } from './admin-api.js'
import type { Exchanges } from './exchanges.js'
import { type ForwardedHeaders, stripMethodOverrides } from './forwarded-headers.js'
import type { Health } from './health.js'
import type { GatewayRequest } from './messages.js'
import type { ParsedRules } from './settings.js'
import type { Upstream } from './upstream.js'

/** What requests are handled with; replaced as a whole. */
export interface Routing extends ParsedRules {
  readonly auth: OAuthMiddleware
  readonly access: ProxyAccess
  readonly upstream: Upstream
  readonly forwarded: ForwardedHeaders
  readonly exchanges: Exchanges
  readonly health: Health
  /** With the setting `adminToken`. */
  readonly adminApi: AdminApiRoutes | undefined
  /** For the lines of requests. */
  readonly logger: Logger
}

/** Whether the request needs no session. */
export function isAllowed({ access, allowedPaths }: Routing, req: GatewayRequest): boolean {
  const { method, url = '' } = req
  if (!allowedPaths.includes(method, url)) return false
  return !access.isSpecialPath(url.split('?', 1)[0] ?? '')
}

/** Removes what could be taken for an identity, or for another method. */
export function exempt({ access }: Routing, req: GatewayRequest): void {
  access.exempt(req)
  stripMethodOverrides(req)
}
