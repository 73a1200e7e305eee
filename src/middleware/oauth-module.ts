import type { IncomingMessage, ServerResponse } from 'node:http'
import type { OAuthUser } from '../access/user.js'
import type { AppRequest } from '../http/request.js'
import type { OAuthModuleOptions } from '../options/options.js'
import { Instance } from './instance.js'
import type { OAuthMiddleware } from './oauth-middleware.js'
import type { Next } from './outcome.js'
import type { GuardRules } from './require-auth.js'
import type { AuthenticateOptions } from './sockets.js'

/**
 * Puts a login in front of everything that is mounted behind it. Needs no network.
 *
 * @throws TypeError that names the option and the fix if an option is invalid.
 *
 * ```ts
 * import express from 'express'
 * import { oauthModule } from 'oauth-module'
 *
 * const app = express()
 * app.use(
 *   oauthModule({
 *     provider: {
 *       github: {
 *         clientId: process.env.GITHUB_CLIENT_ID,
 *         clientSecret: process.env.GITHUB_CLIENT_SECRET,
 *         organizations: ['acme'],
 *       },
 *     },
 *   }),
 * )
 * ```
 */
export function oauthModule(options: OAuthModuleOptions): OAuthMiddleware {
  const instance = new Instance(options)
  const { users, sessions, signals, on, once, off } = instance
  const middleware = Object.assign(
    (req: AppRequest, res: ServerResponse, next: Next) => instance.handle(req, res, next),
    {
      // `requireAuth(undefined)` names rules that do not exist; `requireAuth()` names none.
      requireAuth: (...given: [rules?: GuardRules]) =>
        instance.requireAuth(given.length === 0 ? {} : given[0]),
      authenticate: (req: IncomingMessage, options?: AuthenticateOptions) =>
        instance.authenticate(req, options),
      users,
      sessions,
      signals,
      monthlyActiveUsers: (month?: string) => instance.monthlyActiveUsers(month),
      reconfigure: (options: OAuthModuleOptions) => instance.reconfigure(options),
      explain: (user: OAuthUser) => instance.explain(user),
      devices: () => instance.devices(),
      resourceMetadata: () => instance.resourceMetadata(),
      on,
      once,
      off,
      ready: () => instance.ready(),
      close: () => instance.close(),
    },
  )
  instance.watchPlacementOf(middleware)
  instance.defineInternals(middleware)
  return middleware
}
