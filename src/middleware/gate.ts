import type { ServerResponse } from 'node:http'
import { Rejection } from '../flows/rejection.js'
import type { Recheck } from '../flows/recheck.js'
import { OAuthError } from '../http/errors.js'
import type { GateRequest, IncomingGateRequest } from '../http/gate-request.js'
import type { Mounts } from '../http/mounts.js'
import { isSafeMountPath, isUnderPath, readTarget } from '../http/paths.js'
import { type AppRequest, isNavigation } from '../http/request.js'
import { sendJson } from '../http/response.js'
import type { Config } from '../options/config.js'
import type { AnonymousReason, OpenSession, SessionResult, Sessions } from '../session/sessions.js'
import type { Awaitable } from '../session/stores/store.js'
import type { UserActivity } from '../session/user-activity.js'
import { addVary, presetPrivate } from './cache-headers.js'
import { type ErrorHandler, rejectionOfCheck, rejectionOfUser } from './error-handler.js'
import type { GatePasses } from './gate-pass.js'
import type { LoginRedirect } from './login-redirect.js'
import { type Outcome, PASS, RESPONDED } from './outcome.js'
import type { RequestEvents } from './request-events.js'
import type { Routes } from './routes.js'
import type { HeaderStripper } from './strip-headers.js'
import type { Visitors } from './visitors.js'

/** What {@link Gate} depends on. */
export interface GateDeps {
  readonly config: Pick<Config, 'enabled' | 'optionsPassthrough' | 'unauthenticated' | 'basePath'>
  readonly mounts: Mounts
  readonly headerStripper: HeaderStripper
  readonly sessions: Sessions
  readonly recheck: Recheck
  /** `undefined` if the store keeps no records of users. */
  readonly userActivity: UserActivity | undefined
  readonly visitors: Visitors
  readonly passes: GatePasses
  readonly routes: Routes
  readonly loginRedirect: LoginRedirect
  readonly errorHandler: ErrorHandler
  readonly requestEvents: RequestEvents
}

/**
 * Handles every request. An authenticated one takes one cookie parse, one hash, one store read and a comparison of times.
 * With a synchronous store it creates no promise, which would take as long as everything else.
 */
export class Gate {
  readonly #deps: GateDeps

  constructor(deps: GateDeps) {
    this.#deps = deps
  }

  /** Decides what happens to a request of Express, Connect or `node:http`. */
  handle(req: AppRequest, res: ServerResponse): Awaitable<Outcome> {
    const { config, headerStripper, mounts, routes } = this.#deps
    const { headers } = req
    headerStripper.strip(req, headers)
    const target = readTarget(req)
    if (!isSafeMountPath(target.mountPath)) {
      if (config.enabled) return rejectMount(res)
      // A disabled gate rejects nothing, but must not build URLs from such a path either.
      target.mountPath = ''
    }
    const isSpecial = isUnderPath(target.path, config.basePath)
    const mount = mounts.of(req, target, headers)
    const request: GateRequest = { req, headers, res, mount, target, now: Date.now() }
    if (!config.enabled) return this.#passExempt(request)
    try {
      const outcome = isSpecial ? routes.handle(request) : this.#decide(request)
      if (!(outcome instanceof Promise)) return outcome
      return outcome.catch((error: unknown) => this.#reject(request, error))
    } catch (error) {
      return this.#reject(request, error)
    }
  }

  #decide(request: GateRequest): Awaitable<Outcome> {
    const { optionsPassthrough } = this.#deps.config
    if (optionsPassthrough && methodOf(request.req) === 'OPTIONS') return this.#passExempt(request)
    const result = this.authenticate(request)
    return result instanceof Promise
      ? result.then((settled) => this.#pass(request, settled))
      : this.#pass(request, result)
  }

  /** The session of a request, re-checked if that is due. Throws a {@link Rejection} if the rules deny the user. */
  authenticate(request: IncomingGateRequest): Awaitable<SessionResult> {
    const { headers, mount, now } = request
    const { name } = mount.sessionCookie
    const result = this.#deps.sessions.find(headers.cookie, name, now, mount.instanceId)
    return result instanceof Promise
      ? result.then((settled) => this.#checkSession(request, settled))
      : this.#checkSession(request, result)
  }

  #checkSession(request: IncomingGateRequest, result: SessionResult): Awaitable<SessionResult> {
    const { recheck } = this.#deps
    const { session } = result
    if (session === undefined) return result
    if (!recheck.isOfThisClient(session.record)) return { reason: 'expired' }
    const status = recheck.checkStatus(session.record, request.now)
    if (status === 'fresh') return this.#recordActivity(request, session, session)
    if (status === 'early') {
      recheck.checkEarly(session, request.req)
      return this.#recordActivity(request, session, session)
    }
    return this.#recheckNow(request, session, status === 'due')
  }

  /** Re-checks the session before the request passes. For a denied user, only navigations cause another check. */
  async #recheckNow(
    request: IncomingGateRequest,
    session: OpenSession,
    isDue: boolean,
  ): Promise<SessionResult> {
    const { recheck, visitors } = this.#deps
    const { req } = request
    const isDenied = recheck.decision(session.record)?.allowed === false
    if (isDenied && !(isDue && isNavigation(req))) throw rejectionOfUser(session.record.user)
    const result = await recheck.check(session, req)
    if (result.outcome === 'allowed') return this.#recordActivity(request, session, result.session)
    if (result.outcome === 'ended') return { reason: 'expired' }
    if (result.outcome === 'denied') visitors.renewCookie(request, session, result.session)
    throw rejectionOfCheck(result)
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

  #pass(request: GateRequest, { session, reason }: SessionResult): Awaitable<Outcome> {
    if (session === undefined) return this.#handleAnonymous(request, reason)
    const { mounts, passes, requestEvents, visitors } = this.#deps
    visitors.attach(request, session)
    mounts.confirm(request.target.mountPath)
    passes.add({ request, session })
    requestEvents.allow(request.req, session.record.user)
    presetPrivate(request.res)
    return PASS
  }

  async #handleAnonymous(request: GateRequest, reason: AnonymousReason): Promise<Outcome> {
    const { unauthenticated } = this.#deps.config
    if (unauthenticated === 'pass') return this.#passAnonymous(request, reason)
    return this.#deps.loginRedirect.start(request, {}, unauthenticated)
  }

  #passAnonymous(request: GateRequest, reason: AnonymousReason, rejection?: Rejection): Outcome {
    const { passes, requestEvents, visitors } = this.#deps
    visitors.attachAnonymous(request, reason)
    passes.add({ request, session: undefined, rejection })
    requestEvents.allow(request.req, undefined)
    addVary(request.res)
    return PASS
  }

  /** Lets a request pass without enforcing authentication. */
  #passExempt(request: GateRequest): Outcome {
    const { passes, requestEvents, visitors } = this.#deps
    visitors.attachAnonymous(request, 'none')
    passes.add({ request, session: undefined, isExempt: true })
    requestEvents.allow(request.req, undefined)
    return PASS
  }

  /** With `unauthenticated: 'pass'`, requests of a denied user pass as unauthenticated, but not if the check failed. */
  async #reject(request: GateRequest, thrown: unknown): Promise<Outcome> {
    const isDenied = thrown instanceof Rejection && thrown.stage === 'session'
    if (isDenied && this.#deps.config.unauthenticated === 'pass')
      return this.#passAnonymous(request, 'denied', thrown)
    return this.#deps.errorHandler.handle(request, thrown)
  }
}

/** Cookies and URLs cannot be built from such a mount path. */
function rejectMount(res: ServerResponse): Outcome {
  const { code, message, status } = new OAuthError('not_found')
  sendJson(res, status, { error: code, message })
  return RESPONDED
}

/** The method that the client sent: a method override of the app must not turn a POST into OPTIONS. */
function methodOf(req: AppRequest & { originalMethod?: unknown }): string | undefined {
  return typeof req.originalMethod === 'string' ? req.originalMethod : req.method
}
