import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Decision } from '../access/policy.js'
import type { OAuthUser } from '../access/user.js'
import type { AppRequest } from '../http/request.js'
import type { OAuthModuleOptions } from '../options/options.js'
import type { SessionList } from '../session/session-list.js'
import type { Users } from '../session/users.js'
import type { SignalStreams } from '../signals/streams.js'
import type { Events } from './events.js'
import type { OAuthContext } from './oauth-context.js'
import type { Next } from './outcome.js'
import type { GuardRules } from './require-auth.js'
import type { AuthenticateOptions } from './sockets.js'

/** The middleware of `oauthModule()`, for Express, Connect and bare `node:http`. */
export interface OAuthMiddleware {
  (req: AppRequest, res: ServerResponse, next: Next): void
  /**
   * A guard for one route behind the gate. A user who does not meet its rules gets the gate's
   * denied page. A user who lacks a scope or a recent login is sent to a login and returns to the
   * same page.
   *
   * @throws TypeError for invalid rules, for rules that no provider can meet, and for rules that
   *   are present but `undefined`.
   *
   * ```ts
   * import express from 'express'
   * import { oauthModule } from 'oauth-module'
   *
   * const app = express()
   * const auth = oauthModule({ provider: 'github' })
   * app.use(auth)
   * app.use('/admin', auth.requireAuth({ teams: ['acme/admins'] }))
   * ```
   */
  requireAuth(rules?: GuardRules): (req: AppRequest, res: ServerResponse, next: Next) => void
  /**
   * A page behind the gate on which users see their own sessions: this device and the others, each
   * with a button that signs out there, and one that signs out everywhere. Requests that are not
   * navigations get JSON. It has the look and the language of the built-in pages.
   *
   * ```ts
   * import express from 'express'
   * import { oauthModule } from 'oauth-module'
   *
   * const app = express()
   * const auth = oauthModule({ provider: 'github' })
   * app.use(auth)
   * app.use('/devices', auth.devices())
   * ```
   */
  devices(): (req: AppRequest, res: ServerResponse, next: Next) => void
  /**
   * Authenticates a request that does not pass through the middleware, such as a WebSocket upgrade,
   * and sets its upstream headers. Resolves to `undefined` if the request is unauthenticated, or is
   * an upgrade from a page of another origin.
   *
   * @throws OAuthError (status 503) if the store or the provider is down.
   *
   * ```ts
   * import { createServer } from 'node:http'
   * import { oauthModule } from 'oauth-module'
   *
   * const auth = oauthModule({ provider: 'github' })
   * createServer().on('upgrade', async (req, socket) => {
   *   const oauth = await auth.authenticate(req).catch(() => undefined)
   *   if (oauth === undefined) socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n')
   * })
   * ```
   */
  authenticate(
    req: IncomingMessage,
    options?: AuthenticateOptions,
  ): Promise<OAuthContext | undefined>
  /** The users of the app, over all instances that share the store. */
  readonly users: Users
  /** The sessions of the app, over all instances that share the store. */
  readonly sessions: SessionList
  /** The streams of the transmitters in the option `signals`. */
  readonly signals: SignalStreams
  /**
   * The number of users who were active in a month (UTC), over all instances that share the store.
   *
   * @param month `'YYYY-MM'`. Default: the current month.
   * @throws OAuthError `store_not_listable` if the store cannot list.
   */
  monthlyActiveUsers(month?: string): Promise<number>
  /**
   * Applies another configuration in this process. It must be complete: absent options get their
   * defaults. `secret`, `store`, `id`, `cookiePrefix`, `basePath`, `cookie` and `configVersion` cannot
   * change. A stored configuration stays in effect on top of it.
   *
   * @throws TypeError for invalid options; the previous configuration then stays in place.
   */
  reconfigure(options: OAuthModuleOptions): void
  /**
   * Evaluates the lists for a user: the entry that matched, or the lists that were evaluated. Does
   * not call `authorize`.
   */
  explain(user: OAuthUser): Decision
  /**
   * A handler of `/.well-known/oauth-protected-resource` (RFC 9728), where clients with access tokens
   * find the authorization servers. A gate at the root responds there itself: this is for a gate at
   * a path, and belongs in front of everything else at the root.
   *
   * @throws TypeError without the option `bearer`.
   *
   * ```ts
   * import express from 'express'
   * import { oauthModule } from 'oauth-module'
   *
   * const app = express()
   * const issuer = 'https://id.example.com'
   * const auth = oauthModule({
   *   provider: 'google',
   *   bearer: {
   *     issuers: [{ issuer, audience: 'https://app.example.com/mcp' }],
   *     resource: 'https://app.example.com/mcp',
   *   },
   * })
   * app.use(auth.resourceMetadata())
   * app.use('/mcp', auth)
   * ```
   */
  resourceMetadata(): (req: AppRequest, res: ServerResponse, next: Next) => void
  /** Adds a listener for an event. */
  readonly on: Events['on']
  /** Adds a listener for the next event of this name. */
  readonly once: Events['once']
  /** Removes a listener. */
  readonly off: Events['off']
  /**
   * Loads what the first login needs, and checks what can be known before the first user comes: each
   * provider with its issuer, keys and clock, and the store. Every problem is logged. Only a login
   * shows whether a provider accepts the redirect URI and the client secret.
   *
   * @throws AggregateError whose `errors` are all problems.
   */
  ready(): Promise<void>
  /**
   * Waits for running checks and writes, stops timers, and closes what the store opened. Call it
   * after your server has closed.
   */
  close(): Promise<void>
}
