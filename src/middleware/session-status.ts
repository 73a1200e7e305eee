import type { Links } from '../flows/links.js'
import type { SessionDecisions } from '../flows/session-decisions.js'
import type { GateRequest } from '../http/gate-request.js'
import { sendJson } from '../http/response.js'
import type { Sessions } from '../session/sessions.js'
import type { TokenRequests } from './token-requests.js'

/**
 * `/auth/session`: the session as JSON for the app's front end. Does not count as activity and
 * checks nothing.
 */
export class SessionStatus {
  readonly #sessions: Sessions
  readonly #decisions: SessionDecisions
  readonly #links: Links
  readonly #tokenRequests: TokenRequests | undefined

  constructor(
    sessions: Sessions,
    decisions: SessionDecisions,
    links: Links,
    tokenRequests: TokenRequests | undefined,
  ) {
    this.#sessions = sessions
    this.#decisions = decisions
    this.#links = links
    this.#tokenRequests = tokenRequests
  }

  /**
   * Responds with the user, the reason if there is none, and the times (milliseconds) at which
   * something changes.
   */
  async respond(request: GateRequest): Promise<void> {
    const { res, cookieHeader, mount, now } = request
    if (this.#tokenRequests?.includes(request)) return this.#describeToken(request)
    const { name } = mount.sessionCookie
    const result = await this.#sessions.find(cookieHeader, name, now, mount.instanceId)
    const { session } = result
    const links = this.#links
    const loginUrl = links.login(mount, { returnPath: links.refererPathOf(request) })
    if (session === undefined) {
      const times = { expiresAt: null, idleExpiresAt: null, checkDueAt: null }
      sendJson(res, 200, { user: null, reason: result.reason, ...times, loginUrl })
      return
    }
    const isDenied = this.#decisions.of(session)?.allowed === false
    const { expiresAt, idleExpiresAt } = this.#sessions.expiry(session)
    sendJson(res, 200, {
      user: isDenied ? null : session.user(),
      reason: isDenied ? 'denied' : null,
      expiresAt,
      idleExpiresAt: idleExpiresAt ?? null,
      checkDueAt: this.#decisions.checkDueAt(session) ?? null,
      loginUrl,
    })
  }

  /** Throws the rejection of a token that is not valid. */
  async #describeToken(request: GateRequest): Promise<void> {
    const { mount, res } = request
    const links = this.#links
    const result = await this.#tokenRequests?.find(request)
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
}
