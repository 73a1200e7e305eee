import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Decision } from '../access/policy.js'
import type { OAuthUser } from '../access/user.js'
import type { AppRequest } from '../http/request.js'
import { retireCallbackPaths } from '../http/special-paths.js'
import { LIFETIME_MS } from '../oauth/transaction.js'
import type { Config } from '../options/config.js'
import { warnOfMilliseconds } from '../options/durations.js'
import type { OAuthModuleOptions } from '../options/options.js'
import { parseOptions } from '../options/parse-options.js'
import type { SessionList } from '../session/session-list.js'
import { storeLimits } from '../session/stores/store-limits.js'
import type { Users } from '../session/users.js'
import { compose, type Composition } from './composition.js'
import { stopDevProvider } from './dev-provider.js'
import type { Events } from './events.js'
import { createGateState, type GateState } from './gate-state.js'
import { Guard } from './guard.js'
import { addGuardRules } from './guard-memberships.js'
import { defineInternals } from './internals.js'
import type { OAuthContext } from './oauth-context.js'
import type { OAuthMiddleware } from './oauth-middleware.js'
import { callNext, type Next } from './outcome.js'
import { watchPlacement, type WatchedPlacement } from './placement-watch.js'
import { checkReadiness } from './readiness.js'
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
  instance.watchPlacementOf(middleware)
  instance.defineInternals(middleware)
  return middleware
}

const NO_GATE =
  'requireAuth() needs the middleware in front of it, and nothing between the two may replace req.headers: app.use(auth), then app.use(auth.requireAuth())'

/**
 * One instance of the middleware. Only this class has the current configuration, and replaces it.
 */
class Instance {
  readonly #state: GateState
  #current: Composition
  readonly #placement: WatchedPlacement
  #stopWatching: (() => void) | undefined

  readonly users: Users = {
    list: (options) => this.#current.users.list(options),
    get: (id) => this.#current.users.get(id),
    delete: (id) => this.#current.users.delete(id),
    block: (id) => this.#current.users.block(id),
    unblock: (id) => this.#current.users.unblock(id),
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
    this.#placement = { state: this.#state.placement, current: () => this.#current.placement }
    const { logger, store, storeOption } = config
    for (const limit of storeLimits(store, storeOption)) logger.warn(limit)
    logger.debug('the gate is set up')
  }

  /** Checks where the app uses the middleware. In development, also observes `req.oauth`. */
  watchPlacementOf(middleware: OAuthMiddleware): void {
    const { state } = this.#placement
    state.middleware = middleware
    state.isObserving = process.env['NODE_ENV'] !== 'production'
    this.#stopWatching = watchPlacement(this.#placement)
  }

  defineInternals(middleware: OAuthMiddleware): void {
    defineInternals(middleware, () => this.#current, this.#state)
  }

  handle(req: AppRequest, res: ServerResponse, next: Next): void {
    const { events, gate, requestEvents } = this.#current
    if (events.hasListener('http_request_complete')) requestEvents.begin(req, res)
    callNext(gate.handle(req, res), next)
  }

  requireAuth(
    rules: GuardRules | undefined,
  ): (req: AppRequest, res: ServerResponse, next: Next) => void {
    const { providers, logger } = this.#current.config
    const parsed = parseGuardRules(rules, providers)
    warnOfMilliseconds(logger, { 'requireAuth().maxAge': parsed.maxAgeMs })
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
    const { callbackPaths } = this.#current.config
    const config = parseOptions(options, this.#current.config)
    const until = Date.now() + LIFETIME_MS
    const { retiredCallbackPaths } = this.#state
    retireCallbackPaths(retiredCallbackPaths, callbackPaths, config.callbackPaths, until)
    this.#compose(config)
  }

  explain(user: OAuthUser): Decision {
    const evaluator = this.#current.evaluators.get(user.provider)
    return evaluator?.explain(user) ?? { isAllowed: false, code: 'not_authorized', tried: [] }
  }

  async ready(): Promise<void> {
    await checkReadiness(this.#current)
  }

  async close(): Promise<void> {
    const { signals, background, store, config } = this.#current
    this.#stopWatching?.()
    signals.close()
    await background.drain()
    await store.close?.()
    await stopDevProvider(this.#state.devProvider)
    config.logger.flush()
  }

  /** Open signals follow the new configuration, whose rules may differ. */
  #compose(config: Config): void {
    this.#current = compose(config, this.#state)
    this.#current.signals.adopt()
  }
}
