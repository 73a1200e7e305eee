import type { ServerResponse } from 'node:http'
import { Rejection } from '../flows/rejection.js'
import type { Recheck } from '../flows/recheck.js'
import type { SessionDecisions } from '../flows/session-decisions.js'
import type { GateRequest, IncomingGateRequest } from '../http/gate-request.js'
import type { Mounts } from '../http/mounts.js'
import { isSafeMountPath, readTarget } from '../http/paths.js'
import { type AppRequest, isNavigation, isUpgrade } from '../http/request.js'
import type { SpecialPaths } from '../http/special-paths.js'
import type { Config } from '../options/config.js'
import type { OpenSession, SessionResult, Sessions } from '../session/sessions.js'
import type { Awaitable } from '../session/stores/store.js'
import type { UserActivity } from '../session/user-activity.js'
import type { AnonymousRequests } from './anonymous-requests.js'
import { presetPrivate } from './cache-headers.js'
import { type ErrorHandler, rejectionOfCheck, rejectionOfUser } from './error-handler.js'
import type { GatePasses } from './gate-pass.js'
import type { LostPages } from './lost-pages.js'
import type { OptionsPassthrough } from './options-passthrough.js'
import type { OwnCookies } from './own-cookies.js'
import { type Outcome, PASS, RESPONDED } from './outcome.js'
import type { Placement } from './placement.js'
import type { Possession } from './possession.js'
import { rejectMount } from './reject-mount.js'
import type { RequestEvents } from './request-events.js'
import type { ResourceMetadata } from './resource-metadata.js'
import type { Routes } from './routes.js'
import type { HeaderStripper } from './strip-headers.js'
import type { TokenRequests } from './token-requests.js'
import type { UnguardedUpgrades } from './unguarded-upgrades.js'
import type { UpgradeOrigins } from './upgrade-origins.js'
import type { Visitors } from './visitors.js'

/** What {@link Gate} depends on. */
export interface GateDeps {
  readonly config: Pick<Config, 'enabled' | 'unauthenticated'>
  readonly mounts: Mounts
  readonly specialPaths: SpecialPaths
  readonly headerStripper: HeaderStripper
  readonly optionsPassthrough: OptionsPassthrough
  readonly upgradeOrigins: UpgradeOrigins
  readonly ownCookies: OwnCookies
  readonly lostPages: LostPages
  readonly unguardedUpgrades: UnguardedUpgrades
  readonly placement: Placement
  readonly sessions: Sessions
  readonly possession: Possession
  readonly decisions: SessionDecisions
  readonly recheck: Recheck
  /** `undefined` if the store keeps no records of users. */
  readonly userActivity: UserActivity | undefined
  readonly visitors: Visitors
  readonly passes: GatePasses
  readonly routes: Routes
  readonly anonymous: AnonymousRequests
  readonly errorHandler: ErrorHandler
  readonly requestEvents: RequestEvents
  /** Both are `undefined` without the option `bearer`. */
  readonly tokenRequests: TokenRequests | undefined
  readonly resourceMetadata: ResourceMetadata | undefined
}

/**
 * Handles every request. An authenticated one takes one cookie parse, one hash, one store read and
 * a comparison of times. With a synchronous store it creates no promise, which would take as long
 * as everything else.
 */
export class Gate {
  readonly #deps: GateDeps

  constructor(deps: GateDeps) {
    this.#deps = deps
  }

  /** Decides what happens to a request of Express, Connect or `node:http`. */
  handle(req: AppRequest, res: ServerResponse): Awaitable<Outcome> {
    const { config, headerStripper, mounts, ownCookies, placement } = this.#deps
    const { routes, specialPaths } = this.#deps
    const { headers } = req
    placement.enter(req)
    headerStripper.strip(req, headers)
    const target = readTarget(req)
    if (!isSafeMountPath(target.mountPath)) {
      if (config.enabled) return rejectMount(res)
      // A disabled gate rejects nothing, but must not build URLs from such a path either.
      target.mountPath = ''
    }
    const isSpecial = specialPaths.includes(target.path)
    const mount = mounts.of(req, target, headers)
    const cookieHeader = config.enabled ? ownCookies.take(req, headers, mount) : undefined
    const request: GateRequest = { req, headers, cookieHeader, res, mount, target, now: Date.now() }
    if (!config.enabled) return this.#deps.anonymous.passExempt(request)
    this.#deps.unguardedUpgrades.watch(request)
    try {
      const outcome = isSpecial ? routes.handle(request) : this.#decide(request)
      if (!(outcome instanceof Promise)) return outcome
      return outcome.catch((error: unknown) => this.#reject(request, error))
    } catch (error) {
      return this.#reject(request, error)
    }
  }

  #decide(request: GateRequest): Awaitable<Outcome> {
    const { optionsPassthrough, resourceMetadata, tokenRequests, upgradeOrigins } = this.#deps
    if (resourceMetadata?.includes(request)) return resourceMetadata.respond(request)
    if (optionsPassthrough.applies(request.req)) return this.#deps.anonymous.passExempt(request)
    if (isUpgrade(request.headers) && !upgradeOrigins.isAllowed(request.req))
      return this.#deps.anonymous.handle(request, { reason: 'none' })
    if (tokenRequests?.includes(request)) return tokenRequests.handle(request)
    const result = this.authenticate(request)
    return result instanceof Promise
      ? result.then((settled) => this.#pass(request, settled))
      : this.#pass(request, result)
  }

  /**
   * The session of a request, re-checked if that is due. Throws a {@link Rejection} if the rules
   * deny the user.
   */
  authenticate(request: IncomingGateRequest): Awaitable<SessionResult> {
    const result = this.#deps.sessions.find(request)
    return result instanceof Promise
      ? result.then((settled) => this.#checkSession(request, settled))
      : this.#checkSession(request, result)
  }

  #checkSession(request: IncomingGateRequest, result: SessionResult): Awaitable<SessionResult> {
    const { session } = result
    if (session === undefined) return result
    return this.#deps.possession.check(request, session) ?? this.#checkDecision(request, session)
  }

  #checkDecision(request: IncomingGateRequest, session: OpenSession): Awaitable<SessionResult> {
    const { decisions, recheck } = this.#deps
    const status = decisions.status(session, request.now)
    if (status === 'fresh') return this.#recordActivity(request, session, session)
    if (status === 'early') {
      recheck.checkEarly(session, request.req)
      return this.#recordActivity(request, session, session)
    }
    return this.#recheckNow(request, session, status === 'due')
  }

  /**
   * Re-checks the session before the request passes. For a denied user, only navigations cause
   * another check.
   */
  async #recheckNow(
    request: IncomingGateRequest,
    session: OpenSession,
    isDue: boolean,
  ): Promise<SessionResult> {
    const { decisions, recheck, sessions, visitors } = this.#deps
    const unusable = sessions.isUnused(session) ? 'check' : undefined
    const isDenied = decisions.of(session)?.allowed === false
    if (isDenied && !(isDue && isNavigation(request.req))) throw rejectionOfUser(session)
    const result = await recheck.check(session, request.req)
    if (result.outcome === 'allowed') return this.#recordActivity(request, session, result.session)
    if (result.outcome === 'ended') return { reason: 'expired', unusable }
    if (result.outcome === 'denied') visitors.renewCookie(request, session, result.session)
    throw rejectionOfCheck(session, result)
  }

  #recordActivity(
    request: IncomingGateRequest,
    before: OpenSession,
    checked: OpenSession,
  ): SessionResult {
    const { recheck, sessions, userActivity, visitors } = this.#deps
    if (checked.record.deniedSince !== undefined) recheck.clearDenial(checked)
    userActivity?.recordActivity(checked.record.user, request.now)
    const session = sessions.recordActivity(checked, request.now)
    if (session.id !== before.id) visitors.renewCookie(request, before, session)
    return { session }
  }

  #pass(request: GateRequest, result: SessionResult): Awaitable<Outcome> {
    const { session } = result
    if (session === undefined) return this.#deps.anonymous.handle(request, result)
    const { lostPages, mounts, passes, requestEvents, visitors } = this.#deps
    if (lostPages.explain(request)) return RESPONDED
    // First, because `attach` may give the headers a prototype to which V8 adds notes more slowly.
    passes.add({ request, session })
    visitors.attach(request, session)
    mounts.confirm(request.req, request.target, request.mount)
    requestEvents.allow(request.req, session.record.user)
    presetPrivate(request.res)
    return PASS
  }

  /** With `unauthenticated: 'pass'`, a denied user is unauthenticated, unless the check failed. */
  async #reject(request: GateRequest, thrown: unknown): Promise<Outcome> {
    const { anonymous, config, errorHandler } = this.#deps
    const isDenied = thrown instanceof Rejection && thrown.stage === 'session'
    if (!isDenied || config.unauthenticated !== 'pass') return errorHandler.handle(request, thrown)
    errorHandler.logDenial(thrown)
    return anonymous.pass(request, 'denied', thrown)
  }
}
