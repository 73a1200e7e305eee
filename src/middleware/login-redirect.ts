import type { Links, LoginRequest, ReturnTarget } from '../flows/links.js'
import type { Login } from '../flows/login.js'
import { Rejection } from '../flows/rejection.js'
import { OAuthError } from '../http/errors.js'
import type { GateRequest } from '../http/gate-request.js'
import { isNavigation } from '../http/request.js'
import type { Config } from '../options/config.js'
import type { CookieConflicts } from './cookie-conflicts.js'
import { type Outcome, RESPONDED } from './outcome.js'
import type { PageAssets } from './page-assets.js'
import type { Placement } from './placement.js'
import type { RequestEvents } from './request-events.js'

/** What a login must provide, without the path to return to. */
export type LoginDemand = Omit<LoginRequest, 'returnPath' | 'lost'>

/** What {@link LoginRedirect} depends on. */
export interface LoginRedirectDeps {
  readonly login: Login
  readonly links: Links
  readonly cookieConflicts: CookieConflicts
  readonly pageAssets: PageAssets
  readonly placement: Placement
  readonly requestEvents: RequestEvents
}

/** Redirects requests without a sufficient session to a login that returns to the same page. */
export class LoginRedirect {
  readonly #deps: LoginRedirectDeps

  constructor(deps: LoginRedirectDeps) {
    this.#deps = deps
  }

  /**
   * Redirects to the login. Throws `login_required` (401) instead with the mode `reject`, and with
   * `auto` if the request is not a navigation.
   */
  start(
    request: GateRequest,
    demand: LoginDemand = {},
    mode: Exclude<Config['unauthenticated'], 'pass'> = 'auto',
  ): Promise<Outcome> {
    const { login, links, cookieConflicts, pageAssets, placement, requestEvents } = this.#deps
    const isRejected = mode === 'reject' || (mode === 'auto' && !isNavigation(request.req))
    if (isRejected) {
      pageAssets.check(request)
      throw rejectionOf(demand, links.pageTargetOf(request))
    }
    requestEvents.block(request.req, 'login')
    placement.rejectUnreachable(request.req)
    cookieConflicts.check(request)
    return login.start(request, { ...demand, ...links.targetOf(request) }).then(() => RESPONDED)
  }
}

/** The links of the response lead to a login that meets the demand. */
function rejectionOf(demand: LoginDemand, target: ReturnTarget): OAuthError | Rejection {
  const error = new OAuthError('login_required')
  if (Object.keys(demand).length === 0) return error
  return new Rejection(error, { stage: 'check', retry: { ...demand, ...target } })
}
