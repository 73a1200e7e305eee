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
import type { SignalStreams } from '../signals/streams.js'
import { bareRequest } from './bare-request.js'
import { compose, type Composition } from './composition.js'
import { GateConfiguration } from './configuration/gate-configuration.js'
import { stopDevProvider } from './dev-provider.js'
import type { Events } from './events.js'
import { createGateState, type GateState } from './gate-state.js'
import { Guard } from './guard.js'
import { addGuardRules } from './guard-memberships.js'
import { defineInternals } from './internals.js'
import type { OAuthContext } from './oauth-context.js'
import type { OAuthMiddleware } from './oauth-middleware.js'
import { callNext, type Next, type Outcome } from './outcome.js'
import { type Handler, passHandler } from './pass-handler.js'
import { watchPlacement, type WatchedPlacement } from './placement-watch.js'
import { checkReadiness } from './readiness.js'
import { type GuardRules, parseGuardRules } from './require-auth.js'
import { metadataHandler } from './resource-metadata.js'
import type { AuthenticateOptions } from './sockets.js'

/**
 * One instance of the middleware. Only this class has the current configuration, and replaces it.
 */
export class Instance {
  readonly #state: GateState
  #current: Composition
  readonly #configuration: GateConfiguration
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
  readonly signals: SignalStreams = {
    createStream: (name, options) => this.#streams().createStream(name, options),
    verifyStream: (name, options) => this.#streams().verifyStream(name, options),
    streamStatus: (name) => this.#streams().streamStatus(name),
  }
  readonly on: Events['on'] = (name, listener) => this.#current.events.on(name, listener)
  readonly once: Events['once'] = (name, listener) => this.#current.events.once(name, listener)
  readonly off: Events['off'] = (name, listener) => this.#current.events.off(name, listener)

  constructor(options: OAuthModuleOptions) {
    const config = parseOptions(options)
    this.#state = createGateState(config.id)
    this.#current = compose(config, this.#state)
    this.#configuration = new GateConfiguration(options, {
      current: () => this.#current,
      apply: (config) => this.#apply(config),
    })
    this.#placement = { state: this.#state.placement, current: () => this.#current.placement }
    const { logger, store, storeOption } = config
    for (const limit of storeLimits(store, storeOption, config.signals !== undefined))
      logger.warn(limit)
    logger.debug('the gate is set up')
    this.#configuration.start()
    this.#current.receivers?.start()
  }

  /** Checks where the app uses the middleware. In development, also observes `req.oauth`. */
  watchPlacementOf(middleware: OAuthMiddleware): void {
    const { state } = this.#placement
    state.middleware = middleware
    state.isObserving = process.env['NODE_ENV'] !== 'production'
    this.#stopWatching = watchPlacement(this.#placement)
  }

  defineInternals(middleware: OAuthMiddleware): void {
    defineInternals(middleware, () => this.#current, this.#state, this.#configuration)
  }

  handle(req: AppRequest, res: ServerResponse, next: Next): void {
    const { events, gate, requestEvents } = this.#current
    if (events.hasListener('http_request_complete')) requestEvents.begin(req, res)
    callNext(this.#configuration.isReady ? gate.handle(req, res) : this.#await(req, res), next)
  }

  requireAuth(rules: GuardRules | undefined): Handler {
    const { config } = this.#current
    const parsed = parseGuardRules(rules, config)
    warnOfMilliseconds(config.logger, { 'requireAuth().maxAge': parsed.maxAgeMs })
    const { guardMemberships, passes } = this.#state
    // The gate must read the memberships of this guard from the next request on.
    if (addGuardRules(guardMemberships, parsed.lists)) this.#compose(config)
    const guard = new Guard(parsed)
    return passHandler(passes, 'requireAuth', (pass, req) => guard.handle(pass, req, this.#current))
  }

  devices(): Handler {
    const { passes } = this.#state
    return passHandler(passes, 'devices', (pass) => this.#current.devices.handle(pass))
  }

  resourceMetadata(): Handler {
    const handler = metadataHandler(() => this.#current.resourceMetadata)
    this.#state.placement.servesMetadata = true
    return handler
  }

  async authenticate(
    req: IncomingMessage,
    options: AuthenticateOptions = {},
  ): Promise<OAuthContext | undefined> {
    if (!this.#configuration.isReady && !(await this.#configuration.loaded())) {
      this.#current.sockets.exempt(req)
      throw this.#configuration.notLoaded()
    }
    return this.#current.sockets.authenticate(req, options)
  }

  async monthlyActiveUsers(month?: string): Promise<number> {
    return this.#current.userActivity.countMonth(month)
  }

  reconfigure(options: OAuthModuleOptions): void {
    this.#configuration.reconfigure(options)
  }

  explain(user: OAuthUser): Decision {
    const { evaluators, tokenEvaluators } = this.#current
    const evaluator = evaluators.get(user.provider) ?? tokenEvaluators.get(user.provider)
    return evaluator?.explain(user) ?? { isAllowed: false, code: 'not_authorized', tried: [] }
  }

  async ready(): Promise<void> {
    await checkReadiness(this.#current, this.#configuration)
  }

  async close(): Promise<void> {
    const { signals, receivers, background, store, config } = this.#current
    this.#stopWatching?.()
    signals.close()
    this.#state.tokenSignals.close()
    await this.#configuration.close()
    await receivers?.close()
    await background.drain()
    await store.close?.()
    await stopDevProvider(this.#state.devProvider)
    config.logger.flush()
  }

  #streams(): SignalStreams {
    const { receivers } = this.#current
    if (receivers === undefined) throw new TypeError('the option signals has no transmitters')
    return receivers.streams
  }

  /** Before the stored configuration has been read, nothing is known about who may pass. */
  async #await(req: AppRequest, res: ServerResponse): Promise<Outcome> {
    if (await this.#configuration.loaded()) return this.#current.gate.handle(req, res)
    const { errorHandler, mounts, sockets } = this.#current
    sockets.exempt(req)
    return errorHandler.handle(bareRequest(mounts, req, res), this.#configuration.notLoaded())
  }

  /** Replaces the configuration. Logins that started under the current one can still return. */
  #apply(config: Config): void {
    const { callbackPaths } = this.#current.config
    const until = Date.now() + LIFETIME_MS
    const { retiredCallbackPaths } = this.#state
    retireCallbackPaths(retiredCallbackPaths, callbackPaths, config.callbackPaths, until)
    this.#compose(config)
  }

  /** Open signals follow the new configuration, whose rules may differ. */
  #compose(config: Config): void {
    const { receivers, background } = this.#current
    if (receivers !== undefined) background.run(receivers.stop())
    this.#current = compose(config, this.#state)
    this.#current.receivers?.start()
    this.#current.signals.adopt()
    background.run(this.#state.tokenSignals.checkAll())
  }
}
