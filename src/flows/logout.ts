import type { Background } from '../http/background.js'
import { clearCookie, readCookies } from '../http/cookies.js'
import { OAuthError } from '../http/errors.js'
import type { GateRequest } from '../http/gate-request.js'
import type { Mounts } from '../http/mounts.js'
import { isPrefetch } from '../http/request.js'
import { redirect } from '../http/response.js'
import type { Responder } from '../pages/respond.js'
import type { TextName } from '../pages/texts.js'
import { clearSessionCookie } from '../session/session-cookie.js'
import type { OpenSession, Sessions } from '../session/sessions.js'
import type { Connections } from './connection.js'
import type { Links } from './links.js'
import type { LoginLoopDetector } from './login-loop.js'
import { providerLogoutUrl } from './provider-logout.js'

/** The `logout` option. */
export interface LogoutBehavior {
  readonly revokeTokens: boolean
  readonly endProviderSession: boolean
  /** Path to redirect to after the logout. Default: the signed-out page. */
  readonly returnTo: string | undefined
  readonly clearSiteData: boolean
}

/** What {@link Logout} depends on. */
export interface LogoutDeps {
  readonly sessions: Sessions
  readonly connections: Connections
  readonly links: Links
  readonly loginLoop: LoginLoopDetector
  readonly mounts: Mounts
  readonly responder: Responder
  readonly behavior: LogoutBehavior
  /** Whether a request comes from the device of its session, if that is bound. */
  readonly isProven: (request: GateRequest, session: OpenSession) => boolean
  readonly background: Background
  /** Called with the session that was ended. */
  readonly onLogout: (request: GateRequest, session: OpenSession) => void
}

/** The number of session cookies that are read from a request. */
const MAX_SESSIONS = 4

/** https://www.w3.org/TR/clear-site-data/#header */
const CLEARED_DATA = '"cache", "cookies", "storage"'

/** Ends the session in the store, in the browser and, depending on the options, at the provider. */
export class Logout {
  readonly #deps: LogoutDeps

  constructor(deps: LogoutDeps) {
    this.#deps = deps
  }

  /**
   * `/auth/logout`. Asks for confirmation first, unless the request comes from this site or is
   * confirmed.
   */
  async handle(request: GateRequest, query: URLSearchParams): Promise<void> {
    const { cookieHeader, req, res, mount } = request
    const { behavior, links, loginLoop, onLogout } = this.#deps
    const { session } = await this.#deps.sessions.find(request)
    const isConfirmed =
      session !== undefined &&
      req.method === 'POST' &&
      links.isConfirmedLogout(mount, query, session.key)
    if (session !== undefined && !isConfirmed && !isFromThisSite(request))
      return this.#confirmFirst(request, session)
    // The record first: if the store fails, the user still has the cookie and can try again.
    if (session !== undefined) await this.#endSessions(request, session)
    clearSessionCookie(res, cookieHeader, mount.sessionCookie)
    if (readCookies(cookieHeader, mount.boundCookie.name).length > 0)
      clearCookie(res, mount.boundCookie.name, mount.boundCookie.attributes)
    loginLoop.forget(request)
    // Not for other sites: without a session, nothing was confirmed.
    if (behavior.clearSiteData && (session !== undefined || isFromThisSite(request)))
      res.setHeader('Clear-Site-Data', CLEARED_DATA)
    if (session === undefined) return this.#respond(request, undefined)
    this.#revokeTokens(session)
    this.#respond(request, await this.#providerLogoutUrl(request, session))
    onLogout(request, session)
  }

  #confirmFirst(request: GateRequest, session: OpenSession): void {
    const { links, connections, responder, isProven } = this.#deps
    const { key, record } = session
    const { name, email, username, provider } = record.user
    const label = connections.get(provider)?.provider.label ?? provider
    const confirmUrl = links.confirmedLogout(request.mount, key)
    const context = {
      confirmUrl,
      cancelUrl: links.safeReturnPath(request.mount),
      user: isProven(request, session) ? { name, email, username, provider: label } : undefined,
    }
    responder.page(request, { confirm_url: confirmUrl }, 'confirmLogout', context)
  }

  /** Another session cookie, of another path or domain, would keep the user signed in. */
  async #endSessions(request: GateRequest, first: OpenSession): Promise<void> {
    let session: OpenSession | undefined = first
    for (let count = 0; session !== undefined && count < MAX_SESSIONS; count++) {
      await this.#deps.sessions.destroy(session.key, 'logout')
      session = (await this.#deps.sessions.find(request)).session
    }
    // The signed-out page would be wrong: a copy of the cookie is still valid.
    if (session !== undefined)
      throw new OAuthError('store_unavailable', { hint: 'the store still returns the session' })
  }

  #revokeTokens(session: OpenSession): void {
    const { connections, behavior, background } = this.#deps
    const connection = connections.get(session.record.user.provider)
    // A managed client is shared with other apps, whose tokens a revocation may end as well. (RFC
    // 7009, 2.1)
    if (!behavior.revokeTokens || connection === undefined || connection.provider.isManaged) return
    const { accessToken, refreshToken } = session.unseal()
    if (accessToken !== '') background.run(connection.client.revoke({ accessToken, refreshToken }))
  }

  async #providerLogoutUrl(
    request: GateRequest,
    session: OpenSession,
  ): Promise<string | undefined> {
    const { connections, mounts, behavior, isProven } = this.#deps
    const { req, mount } = request
    const connection = connections.get(session.record.user.provider)
    if (!behavior.endProviderSession || connection === undefined) return undefined
    const { idToken } = session.unseal()
    const { clientId, logoutHint } = connection.provider
    return providerLogoutUrl(connection.client, {
      clientId,
      // Not for someone who has copied the session cookie: it contains who the user is.
      idToken: logoutHint && isProven(request, session) ? idToken : undefined,
      returnUrl: () => `${mounts.origin(req)}${mounts.specialPath(mount, 'logout')}`,
    })
  }

  #respond(request: GateRequest, providerUrl: string | undefined): void {
    const { links, responder, behavior } = this.#deps
    const { mount } = request
    if (providerUrl !== undefined) return this.#leave(request, providerUrl, 'signOutAtProvider')
    if (behavior.returnTo !== undefined)
      return this.#leave(request, behavior.returnTo, 'signedOutHere')
    const returnPath = links.safeReturnPath(mount)
    const loginUrl = links.login(mount, { returnPath, ask: 'account' })
    const json = { signed_out: true, login_url: links.absolute(request, loginUrl) }
    responder.page(request, json, 'signedOut', { loginUrl })
  }

  /**
   * Redirects, or shows a page with a link: browsers apply `form-action` to redirects after a form,
   * and the URL, or a login that it leads to, may be on another site. (Content Security Policy 3,
   * 6.4.1)
   */
  #leave(request: GateRequest, url: string, message: TextName): void {
    const { responder } = this.#deps
    if (request.req.method !== 'POST') return redirect(request.res, url)
    responder.page(request, { signed_out: true, continue_url: url }, 'continue', { url, message })
  }
}

/** Other sites, and browsers that prefetch, must not sign the user out. */
function isFromThisSite({ req, headers }: GateRequest): boolean {
  const site = headers['sec-fetch-site']
  return !isPrefetch(req) && (site === undefined || site === 'same-origin' || site === 'none')
}
