import type { Rejection } from '../flows/rejection.js'
import { rejectStrayResponse } from '../flows/stray-response.js'
import type { GateRequest } from '../http/gate-request.js'
import type { Mounts } from '../http/mounts.js'
import { isNavigation } from '../http/request.js'
import { redirect } from '../http/response.js'
import type { Transactions } from '../oauth/transaction.js'
import type { Config } from '../options/config.js'
import type { AnonymousReason, AnonymousResult } from '../session/sessions.js'
import { addVary } from './cache-headers.js'
import type { ErrorHandler } from './error-handler.js'
import type { GatePasses } from './gate-pass.js'
import type { LoginRedirect } from './login-redirect.js'
import type { Awaitable } from '../session/stores/store.js'
import { type Outcome, PASS, RESPONDED } from './outcome.js'
import type { RequestEvents } from './request-events.js'
import type { Visitors } from './visitors.js'

/** What {@link AnonymousRequests} depends on. */
export interface AnonymousRequestsDeps {
  readonly config: Pick<Config, 'unauthenticated'>
  readonly transactions: Transactions
  readonly mounts: Mounts
  readonly visitors: Visitors
  readonly passes: GatePasses
  readonly loginRedirect: LoginRedirect
  readonly errorHandler: ErrorHandler
  readonly requestEvents: RequestEvents
}

/** Requests without a session: the option `unauthenticated`, and those that need none. */
export class AnonymousRequests {
  readonly #deps: AnonymousRequestsDeps

  constructor(deps: AnonymousRequestsDeps) {
    this.#deps = deps
  }

  /** Starts a login, rejects the request, or passes it on. */
  handle(incoming: GateRequest, result: AnonymousResult): Awaitable<Outcome> {
    const { reason, unusable, mustRefresh, seen } = result
    if (mustRefresh === true) return this.#refresh(incoming)
    const { config, errorHandler, loginRedirect, transactions } = this.#deps
    const request = { ...incoming, unusableSession: unusable }
    if (unusable !== undefined) errorHandler.logUnusable(unusable)
    if (isNavigation(request.req)) rejectStrayResponse(request, transactions)
    if (config.unauthenticated === 'pass') return this.pass(request, reason)
    return loginRedirect.start(request, seen && { seen }, config.unauthenticated)
  }

  /**
   * The browser renews the cookie of a bound session before it follows the redirect, which keeps
   * method and body.
   */
  #refresh(request: GateRequest): Outcome {
    const { mounts, requestEvents } = this.#deps
    const { req, res, mount, target } = request
    requestEvents.block(req, 'refresh')
    redirect(res, mounts.publicTarget(mount, target), 307)
    return RESPONDED
  }

  /** Passes a request on as unauthenticated; with a rejection if the rules deny its user. */
  pass(request: GateRequest, reason: AnonymousReason, rejection?: Rejection): Outcome {
    const { passes, requestEvents, visitors } = this.#deps
    visitors.attachAnonymous(request, reason)
    passes.add({ request, session: undefined, rejection })
    requestEvents.allow(request.req, undefined)
    addVary(request.res)
    return PASS
  }

  /** Lets a request pass without enforcing authentication. */
  passExempt(request: GateRequest): Outcome {
    const { passes, requestEvents, visitors } = this.#deps
    visitors.attachAnonymous(request, 'none')
    passes.add({ request, session: undefined, isExempt: true })
    requestEvents.allow(request.req, undefined)
    return PASS
  }
}
