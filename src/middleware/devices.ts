import type { Links } from '../flows/links.js'
import type { Logout } from '../flows/logout.js'
import { shownAddress } from '../http/client-address.js'
import { OAuthError } from '../http/errors.js'
import { readForm } from '../http/form.js'
import type { GateRequest } from '../http/gate-request.js'
import type { Mounts } from '../http/mounts.js'
import { wantsHtml } from '../http/request.js'
import { redirect, sendJson } from '../http/response.js'
import type { UserAgents } from '../http/user-agent.js'
import type { Responder } from '../pages/respond.js'
import type { AppSession, AppSessions } from '../session/session-list.js'
import type { OpenSession } from '../session/sessions.js'
import type { GuardedStore } from '../session/stores/guarded-store.js'
import { sessionsOfUser } from '../session/user-sessions.js'
import type { ErrorHandler } from './error-handler.js'
import type { GatePass } from './gate-pass.js'
import { toGuardRejection } from './guard.js'
import type { LoginRedirect } from './login-redirect.js'
import { type Outcome, RESPONDED } from './outcome.js'

/** What {@link Devices} depends on. */
export interface DevicesDeps {
  readonly store: GuardedStore
  /** Whether the store keeps records: the cookie store does not. */
  readonly keepsRecords: boolean
  readonly sessionList: AppSessions
  readonly links: Links
  readonly mounts: Mounts
  readonly logout: Logout
  readonly responder: Responder
  readonly loginRedirect: LoginRedirect
  readonly errorHandler: ErrorHandler
}

/** Sessions that are shown, the newest first. */
const MAX_SHOWN = 100
/** A form has a token and the ID of a session. */
const MAX_FORM_BYTES = 4096
/** What the token of the forms is bound to. */
const ACTION = 'devices'
/** The value of the field `session` that ends all of them. */
const EVERYWHERE = 'all'

/** `auth.devices()`: shows users their own sessions, and ends them. */
export class Devices {
  readonly #deps: DevicesDeps
  #userAgents: Promise<UserAgents> | undefined

  constructor(deps: DevicesDeps) {
    this.#deps = deps
  }

  /** Responds to a request that has passed the gate. */
  async handle(pass: GatePass): Promise<Outcome> {
    const { errorHandler, loginRedirect } = this.#deps
    const { request, rejection, session } = pass
    try {
      if (rejection !== undefined) throw toGuardRejection(rejection)
      if (session === undefined) return await loginRedirect.start(request, {})
      await this.#respond(request, session)
      return RESPONDED
    } catch (error) {
      return errorHandler.handle(request, error)
    }
  }

  async #respond(request: GateRequest, session: OpenSession): Promise<void> {
    const { req, res } = request
    if (!this.#deps.keepsRecords) throw new OAuthError('store_not_listable')
    if (req.method === 'GET' || req.method === 'HEAD') return this.#show(request, session)
    if (req.method !== 'POST') {
      res.setHeader('Allow', 'GET, HEAD, POST')
      throw new OAuthError('method_not_allowed')
    }
    const form = await readForm(req, res, MAX_FORM_BYTES)
    if (!this.#isOwnForm(request, session, form)) throw new OAuthError('invalid_form')
    return this.#signOut(request, session, form.get('session') ?? '')
  }

  /** Neither another site nor an earlier session can have created the form. */
  #isOwnForm({ req, headers, mount }: GateRequest, { key }: OpenSession, form: URLSearchParams) {
    const { links, mounts } = this.#deps
    const { origin } = headers
    const isFromOwnPage =
      origin === undefined
        ? (headers['sec-fetch-site'] ?? 'same-origin') === 'same-origin'
        : mounts.isOwnOrigin(req, origin)
    return isFromOwnPage && links.isFormToken(mount, key, ACTION, form.get('token'))
  }

  async #signOut(request: GateRequest, session: OpenSession, id: string): Promise<void> {
    const { logout } = this.#deps
    const own = await this.#sessionsOf(session)
    const ended = id === EVERYWHERE ? own : own.filter((one) => one.id === id)
    // This one last: if the store fails, the user still has it and can try again.
    for (const one of ended)
      if (one.id !== session.key) await this.#deps.sessionList.revoke(one.id, request.req)
    if (ended.some((one) => one.id === session.key) || id === EVERYWHERE)
      return logout.handle(request, new URLSearchParams())
    if (wantsHtml(request.req)) redirect(request.res, this.#pathOf(request), 303)
    else sendJson(request.res, 200, { signedOut: ended.map((one) => one.id) })
  }

  async #show(request: GateRequest, session: OpenSession): Promise<void> {
    const { links, responder } = this.#deps
    const { mount } = request
    const all = await this.#sessionsOf(session)
    const userAgents = await this.#loadUserAgents()
    const devices = all.slice(0, MAX_SHOWN).map((one) => ({
      ...describe(one, userAgents),
      isCurrent: one.id === session.key,
    }))
    // This one is the first, also if it is older than those that are shown.
    devices.sort((one, other) => Number(other.isCurrent) - Number(one.isCurrent))
    const token = links.formToken(mount, session.key, ACTION)
    const formUrl = this.#pathOf(request)
    const startUrl = links.safeReturnPath(mount)
    responder.page(request, { devices, token }, 'devices', {
      ...{ devices, token, formUrl, startUrl, now: request.now },
      everywhere: EVERYWHERE,
    })
  }

  async #sessionsOf({ record }: OpenSession): Promise<readonly AppSession[]> {
    const { store, sessionList } = this.#deps
    const own: AppSession[] = []
    for await (const [key, row] of sessionsOfUser(store, record.user.key)) {
      const found = sessionList.describe(key, row)
      if (found?.session.userId === record.user.key) own.push(found.session)
    }
    return own.sort((one, other) => other.createdAt - one.createdAt)
  }

  /** Loaded when they are first needed: no other request needs them. */
  #loadUserAgents(): Promise<UserAgents> {
    this.#userAgents ??= import('../http/user-agent.js').then(({ UserAgents }) => new UserAgents())
    return this.#userAgents
  }

  /** Where the page is, as the browser sees it, without a query. */
  #pathOf({ mount, target }: GateRequest): string {
    const { links, mounts } = this.#deps
    const [path] = mounts.publicTarget(mount, target).split('?', 1)
    return links.safeReturnPath(mount, path)
  }
}

/** A session as its user sees it. Times are in milliseconds. */
function describe(
  { id, browserSession, isDeviceBound, createdAt, lastActive, expiresAt }: AppSession,
  userAgents: UserAgents,
) {
  const view = userAgents.view(browserSession.userAgent)
  return {
    id,
    browser: view.browser_name,
    system: view.os_name,
    deviceType: view.device_type,
    ipAddress: shownAddress(browserSession.ipAddress) ?? null,
    isDeviceBound,
    createdAt,
    lastActive,
    expiresAt,
  }
}
