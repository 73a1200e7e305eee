import type { DeviceBinding } from '../binding/device-binding.js'
import type { Links } from '../flows/links.js'
import type { SessionDecisions } from '../flows/session-decisions.js'
import type { GateRequest } from '../http/gate-request.js'
import { sendJson } from '../http/response.js'
import type { OpenSession, SessionResult, Sessions } from '../session/sessions.js'
import type { TokenRequests } from './token-requests.js'
import type { Visitors } from './visitors.js'

/** What {@link SessionStatus} depends on. */
export interface SessionStatusDeps {
  readonly sessions: Sessions
  readonly decisions: SessionDecisions
  readonly links: Links
  readonly visitors: Visitors
  readonly tokenRequests: TokenRequests | undefined
  /** `undefined` without the option `deviceBound`. */
  readonly binding: DeviceBinding | undefined
}

/**
 * `/auth/session`: the session as JSON for the app's front end. Does not count as activity and
 * checks nothing.
 */
export class SessionStatus {
  readonly #deps: SessionStatusDeps

  constructor(deps: SessionStatusDeps) {
    this.#deps = deps
  }

  /**
   * Responds with the user, the reason if there is none, and the times (milliseconds) at which
   * something changes. With `isActivity`, the request counts as one of the session.
   */
  async respond(request: GateRequest, { isActivity = false } = {}): Promise<void> {
    const { res, mount } = request
    if (this.#deps.tokenRequests?.includes(request)) return this.#describeToken(request)
    const result = await this.#find(request)
    const found = result.session
    const { links } = this.#deps
    const loginUrl = links.login(mount, { returnPath: links.refererPathOf(request) })
    if (found === undefined) {
      const times = { expiresAt: null, idleExpiresAt: null, checkDueAt: null }
      sendJson(res, 200, { user: null, reason: result.reason, ...times, loginUrl })
      return
    }
    const isDenied = this.#deps.decisions.of(found)?.allowed === false
    const session = isActivity && !isDenied ? this.#recordActivity(request, found) : found
    const { expiresAt, idleExpiresAt } = this.#deps.sessions.expiry(session)
    sendJson(res, 200, {
      user: isDenied ? null : session.user(),
      reason: isDenied ? 'denied' : null,
      expiresAt,
      idleExpiresAt: idleExpiresAt ?? null,
      checkDueAt: this.#deps.decisions.checkDueAt(session) ?? null,
      loginUrl,
    })
  }

  /** The cookie of a bound session alone reveals nothing. */
  async #find(request: GateRequest): Promise<SessionResult> {
    const { binding, sessions } = this.#deps
    const result = await sessions.find(request)
    const { session } = result
    const isProven = session === undefined || (binding?.isProven(request, session) ?? true)
    return isProven ? result : { reason: 'expired' }
  }

  /** Throws the rejection of a token that is not valid. */
  async #describeToken(request: GateRequest): Promise<void> {
    const { mount, res } = request
    const { links } = this.#deps
    const result = await this.#deps.tokenRequests?.find(request)
    const isAllowed = result !== undefined && result.denial === undefined
    sendJson(res, 200, {
      user: isAllowed ? result.token.user() : null,
      reason: isAllowed ? null : 'denied',
      expiresAt: result?.token.facts.expiresAt ?? null,
      idleExpiresAt: null,
      checkDueAt: null,
      loginUrl: links.login(mount, { returnPath: links.refererPathOf(request) }),
    })
  }

  /** Not for other sites, whose pages could keep a session that its user has left. */
  #recordActivity(request: GateRequest, session: OpenSession): OpenSession {
    const { 'sec-fetch-site': site = 'same-origin' } = request.headers
    if (site !== 'same-origin') return session
    const active = this.#deps.sessions.recordActivity(session, request.now)
    return this.#deps.visitors.renewCookie(request, session, active)
  }
}
