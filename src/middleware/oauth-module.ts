import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Decision } from '../access/policy.js'
import type { OAuthUser } from '../access/user.js'
import type { AppRequest } from '../http/request.js'
import type { Config } from '../options/config.js'
import type { OAuthModuleOptions } from '../options/options.js'
import { parseOptions } from '../options/parse-options.js'
import type { SessionList } from '../session/session-list.js'
import { storeLimits } from '../session/stores/store-limits.js'
import type { Users } from '../session/users.js'
import { compose, type Composition } from './composition.js'
import type { Events } from './events.js'
import { createGateState, type GateState } from './gate-state.js'
import { Guard } from './guard.js'
import { addGuardRules } from './guard-memberships.js'
import type { OAuthContext } from './oauth-context.js'
import type { OAuthMiddleware } from './oauth-middleware.js'
import { callNext, type Next } from './outcome.js'
import { type GuardRules, parseGuardRules } from './require-auth.js'
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
  const instance = new Instance(parseOptions(options))
  const { users, sessions, on, once, off } = instance
  return Object.assign(
    (req: AppRequest, res: ServerResponse, next: Next) => instance.handle(req, res, next),
    {
      requireAuth: (rules?: GuardRules) => instance.requireAuth(rules),
      authenticate: (req: IncomingMessage, options?: AuthenticateOptions) =>
        instance.authenticate(req, options),
      users,
      sessions,
      monthlyActiveUsers: (month?: string) => instance.monthlyActiveUsers(month),
      reconfigure: (options: OAuthModuleOptions) => instance.reconfigure(options),
      explain: (user: OAuthUser) => instance.explain(user),
      on,
      once,
      off,
      ready: () => instance.ready(),
      close: () => instance.close(),
    },
  )
}

const NO_GATE =
  'requireAuth() needs the middleware in front of it, and nothing between the two may replace req.headers: app.use(auth), then app.use(auth.requireAuth())'

/**
 * One instance of the middleware. Only this class knows the current configuration, and replaces it.
 */
class Instance {
  readonly #state: GateState
  #current: Composition

  readonly users: Users = {
    list: (options) => this.#current.users.list(options),
    get: (id) => this.#current.users.get(id),
    delete: (id) => this.#current.users.delete(id),
  }
  readonly sessions: SessionList = {
    list: (options) => this.#current.sessionList.list(options),
    get: (id) => this.#current.sessionList.get(id),
    revoke: (id) => this.#current.sessionList.revoke(id),
  }
  readonly on: Events['on'] = (name, listener) => this.#current.events.on(name, listener)
  readonly once: Events['once'] = (name, listener) => this.#current.events.once(name, listener)
  readonly off: Events['off'] = (name, listener) => this.#current.events.off(name, listener)

  constructor(config: Config) {
    this.#state = createGateState(config.id)
    this.#current = compose(config, this.#state)
    const { logger, store, storeOption } = config
    for (const limit of storeLimits(store, storeOption)) logger.warn(limit)
    logger.debug('the gate is set up')
  }

  handle(req: AppRequest, res: ServerResponse, next: Next): void {
    const { events, gate, requestEvents } = this.#current
    if (events.hasListener('http_request_complete')) requestEvents.begin(req, res)
    callNext(gate.handle(req, res), next)
  }

  requireAuth(rules: GuardRules = {}): (req: AppRequest, res: ServerResponse, next: Next) => void {
    const parsed = parseGuardRules(rules, this.#current.config.providers)
    const { guardMemberships, passes } = this.#state
    // The gate must read the memberships of this guard from the next request on.
    if (addGuardRules(guardMemberships, parsed.lists)) this.#compose(this.#current.config)
    const guard = new Guard(parsed)
    return (req, res, next) => {
      const pass = passes.of(req)
      if (pass === undefined) return next(new Error(NO_GATE))
      const request = { ...pass.request, res }
      callNext(guard.handle({ ...pass, request }, req, this.#current), next)
    }
  }

  async authenticate(
    req: IncomingMessage,
    options: AuthenticateOptions = {},
  ): Promise<OAuthContext | undefined> {
    return this.#current.sockets.authenticate(req, options)
  }

  async monthlyActiveUsers(month?: string): Promise<number> {
    return this.#current.userActivity.countMonth(month)
  }

  reconfigure(options: OAuthModuleOptions): void {
    this.#compose(parseOptions(options, this.#current.config))
  }

  explain(user: OAuthUser): Decision {
    const evaluator = this.#current.evaluators.get(user.provider)
    return evaluator?.explain(user) ?? { isAllowed: false, code: 'not_authorized', tried: [] }
  }

  async ready(): Promise<void> {
    const { connections } = this.#current
    await Promise.all([...connections.values()].map(({ client }) => client.ready()))
  }

  async close(): Promise<void> {
    const { signals, background, store } = this.#current
    signals.close()
    await background.drain()
    await store.close?.()
  }

  /** Open signals follow the new configuration, whose rules may differ. */
  #compose(config: Config): void {
    this.#current = compose(config, this.#state)
    this.#current.signals.adopt()
  }
}
