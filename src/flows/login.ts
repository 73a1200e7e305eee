import { loginHosts } from '../http/browser-host.js'
import { clientAddress } from '../http/client-address.js'
import { OAuthError } from '../http/errors.js'
import type { GateRequest } from '../http/gate-request.js'
import type { Mounts } from '../http/mounts.js'
import { rejectPlainHttp, requestHost } from '../http/origin.js'
import { redirect } from '../http/response.js'
import type { Memberships } from '../oauth/identity.js'
import type { Transaction, Transactions } from '../oauth/transaction.js'
import { transactionCookieFor } from '../oauth/transaction-cookie.js'
import type { Sessions } from '../session/sessions.js'
import type { Responder } from '../pages/respond.js'
import {
  authorizationParams,
  carriedParams,
  protocolParams,
  scopesToRequest,
} from './authorization-params.js'
import type { Connection, Connections } from './connection.js'
import type { Links, LoginRequest } from './links.js'
import type { LoginLoopDetector } from './login-loop.js'
import type { LoginRestarts } from './login-restarts.js'
import { offlineRequest } from './offline-access.js'
import { rejectLogin } from './rejection.js'
import { requestedLogin } from './requested-login.js'
import { showProviders } from './sign-in-page.js'

/** What {@link Login} depends on. */
export interface LoginDeps {
  readonly connections: Connections
  readonly transactions: Transactions
  readonly sessions: Sessions
  readonly links: Links
  readonly loginLoop: LoginLoopDetector
  readonly loginRestarts: LoginRestarts
  readonly mounts: Mounts
  readonly responder: Responder
  /** The origin of the `baseUrl` option. */
  readonly publicUrl: { readonly origin: string } | undefined
  /** Whether `cookie.secure` is `false`, which permits plain http on any host. */
  readonly allowsHttp: boolean
  /** The memberships that guards (`requireAuth`) name. */
  readonly guardedMemberships: Required<Memberships>
  /** Called with the redirect URI of each authorization request. */
  readonly onRedirectUri: (redirectUri: string) => void
}

/**
 * Starts logins: redirects the browser to the authorization endpoint of a provider. (RFC 6749,
 * 4.1.1) The provider redirects it back to {@link Callback}.
 */
export class Login {
  readonly #deps: LoginDeps
  readonly #onlyConnection: Connection | undefined
  readonly #publicHost: string | undefined

  constructor(deps: LoginDeps) {
    this.#deps = deps
    const { connections, publicUrl } = deps
    if (connections.size === 1) [this.#onlyConnection] = connections.values()
    this.#publicHost = publicUrl && new URL(publicUrl.origin).host
  }

  /**
   * Starts a login for a request without a session; with several providers, redirects to the
   * sign-in page. Throws `cookie_lost` if previous logins had no effect.
   */
  async start(request: GateRequest, loginRequest: LoginRequest): Promise<void> {
    const { links, loginLoop, loginRestarts } = this.#deps
    loginRestarts.check(request, loginRequest)
    loginLoop.check(request, loginRequest)
    if (this.#isOnOtherHost(request, loginRequest)) return this.#move(request, loginRequest)
    if (this.#onlyConnection === undefined)
      return redirect(request.res, links.login(request.mount, loginRequest))
    return this.#startAt(this.#onlyConnection, request, loginRequest)
  }

  /** `/auth/authn`: starts the login of a link, or shows the sign-in page. */
  async handle(request: GateRequest, query: URLSearchParams): Promise<void> {
    const { connections, links, loginLoop, loginRestarts } = this.#deps
    const loginRequest = requestedLogin(links, request.mount, query)
    if (loginRequest.isRetry !== true) {
      await loginLoop.checkLink(request, loginRequest)
      loginRestarts.check(request, loginRequest)
    }
    const name = query.get('connection') ?? loginRequest.connection
    const connection = name === undefined ? this.#onlyConnection : connections.get(name)
    if (name && connection === undefined)
      throw new OAuthError('not_found', { message: 'There is no sign-in option of this name.' })
    if (this.#isOnOtherHost(request, loginRequest)) {
      const candidates = connection === undefined ? [...connections.values()] : [connection]
      const params = carriedParams(
        candidates.map(({ provider }) => provider),
        query,
      )
      return this.#move(request, { ...loginRequest, connection: name }, params)
    }
    return connection === undefined
      ? showProviders(this.#deps, request, loginRequest, query)
      : this.#startAt(connection, request, loginRequest, query)
  }

  /**
   * A login must start on the host of its redirect URI, because the transaction cookie is bound to
   * that host.
   */
  #isOnOtherHost({ req }: GateRequest, { isMoved }: LoginRequest): boolean {
    if (this.#publicHost === undefined || isMoved) return false
    const host = requestHost(req)
    return host !== undefined && host !== this.#publicHost
  }

  /**
   * Redirects to the same login on the host of `baseUrl`; only once, in case a proxy changes the
   * `Host` header.
   */
  #move({ res, mount }: GateRequest, loginRequest: LoginRequest, params = ''): void {
    const { links, publicUrl } = this.#deps
    const path = links.login(mount, { ...loginRequest, isMoved: true })
    redirect(res, `${publicUrl?.origin}${path}${params}`)
  }

  /** Throws a {@link Rejection} that names the provider. */
  async #startAt(
    connection: Connection,
    request: GateRequest,
    loginRequest: LoginRequest,
    query?: URLSearchParams,
  ): Promise<void> {
    await this.#redirectToProvider(connection, request, loginRequest, query).catch(
      (error: unknown) => rejectLogin(error, loginRequest, connection.provider.name),
    )
  }

  async #redirectToProvider(
    connection: Connection,
    request: GateRequest,
    loginRequest: LoginRequest,
    query: URLSearchParams | undefined,
  ): Promise<void> {
    const { req, res, cookieHeader, mount, now } = request
    const { transactions, links, loginRestarts, mounts, guardedMemberships } = this.#deps
    const { provider, client, callbackPath } = connection
    const origin = mounts.origin(req)
    rejectPlainHttp(origin, this.#deps.allowsHttp)
    const redirectUri = `${origin}${mount.publicPath}${callbackPath}`
    this.#deps.onRedirectUri(redirectUri)
    const offline = await offlineRequest(connection)
    const scopes = scopesToRequest(provider, offline, guardedMemberships, loginRequest, query)
    const { responseMode } = provider
    const cookie = transactionCookieFor(mount.transactionCookie, responseMode)
    const content: Transaction = {
      provider: provider.name,
      clientId: connection.loginClient,
      instance: mount.instanceId,
      redirectUri,
      returnPath: loginRequest.returnPath,
      lost: loginRequest.lost,
      scopes,
      demandedScopes: loginRequest.scopes ?? [],
      startedAt: now,
      reauthenticates: loginRequest.ask === 'login' && provider.forcesLogin === true,
      needsAuthTime: loginRequest.needsAuthTime === true,
      attempts: loginRequest.attempts ?? 0,
      hosts: loginHosts(req, origin),
      seen: loginRequest.seen,
      ...(responseMode === 'form_post' && {
        responseMode,
        sessionKey: await this.#sessionKey(request),
      }),
    }
    const { maxStateLength } = provider
    const limit = { startPage: links.safeReturnPath(mount), maxStateLength }
    const transaction = transactions.start(res, cookieHeader, cookie, content, limit)
    loginRestarts.record(request, transaction.cookieName, loginRequest.returnPath, redirectUri)
    const params = {
      ...(await authorizationParams(connection, offline, loginRequest.ask, query)),
      ...protocolParams(provider, redirectUri, scopes, transaction),
    }
    redirect(res, await client.authorizationUrl(params, () => clientAddress(req)))
  }

  /**
   * The session that the login will replace: browsers send its cookie now, but not with a posted
   * callback.
   */
  async #sessionKey(request: GateRequest): Promise<string | undefined> {
    return (await this.#deps.sessions.find(request)).session?.key
  }
}
