import { loginHosts } from '../http/browser-host.js'
import { OAuthError } from '../http/errors.js'
import type { GateRequest } from '../http/gate-request.js'
import type { Mounts } from '../http/mounts.js'
import { isLoopback, requestHost } from '../http/origin.js'
import { redirect } from '../http/response.js'
import type { Memberships } from '../oauth/identity.js'
import type { Transactions } from '../oauth/transaction.js'
import type { Responder } from '../pages/respond.js'
import { authorizationParams, carriedParams, scopesToRequest } from './authorization-params.js'
import type { Connection, Connections } from './connection.js'
import type { Links, LoginRequest } from './links.js'
import type { LoginLoopDetector } from './login-loop.js'
import { offlineRequest } from './offline-access.js'

/** What {@link Login} depends on. */
export interface LoginDeps {
  readonly connections: Connections
  readonly transactions: Transactions
  readonly links: Links
  readonly loginLoop: LoginLoopDetector
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
    const { links, loginLoop } = this.#deps
    loginLoop.check(request)
    if (this.#isOnOtherHost(request, loginRequest)) return this.#move(request, loginRequest)
    if (this.#onlyConnection === undefined)
      return redirect(request.res, links.login(request.mount, loginRequest))
    return this.#redirectToProvider(request, loginRequest, this.#onlyConnection)
  }

  /** `/auth/authn`: starts the login of a link, or shows the sign-in page. */
  async handle(request: GateRequest, query: URLSearchParams): Promise<void> {
    const { connections, links } = this.#deps
    // Without a valid link, the user chose to sign in, possibly with another account.
    const loginRequest = links.readLogin(request.mount, query) ?? {
      returnPath: links.safeReturnPath(request.mount),
      ask: 'login' as const,
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
      ? this.#showProviders(request, loginRequest, query)
      : this.#redirectToProvider(request, loginRequest, connection, query)
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

  #showProviders(request: GateRequest, loginRequest: LoginRequest, query: URLSearchParams): void {
    const { connections, links, responder } = this.#deps
    const providers = [...connections.values()].map(({ provider }) => {
      const { name, label, iconUrl, color } = provider
      const link = links.login(request.mount, { ...loginRequest, connection: name })
      return { name, label, iconUrl, color, url: link + carriedParams([provider], query) }
    })
    const json = {
      connections: providers.map(({ name, label, url }) => ({
        name,
        label,
        login_url: links.absolute(request, url),
      })),
    }
    responder.page(request, json, 'signIn', { providers })
  }

  async #redirectToProvider(
    request: GateRequest,
    loginRequest: LoginRequest,
    connection: Connection,
    query?: URLSearchParams,
  ): Promise<void> {
    const { req, res, mount, now } = request
    const { transactions, mounts, guardedMemberships } = this.#deps
    const { provider, client, callbackName } = connection
    const origin = mounts.origin(req)
    rejectPlainHttp(origin, this.#deps.allowsHttp)
    const redirectUri = `${origin}${mounts.specialPath(mount, callbackName)}`
    this.#deps.onRedirectUri(redirectUri)
    const offline = await offlineRequest(connection)
    const scopes = scopesToRequest(provider, offline, guardedMemberships, loginRequest, query)
    const transaction = transactions.start(res, req.headers.cookie, mount.transactionCookie, {
      provider: provider.name,
      clientId: provider.clientId,
      instance: mount.instanceId,
      redirectUri,
      returnPath: loginRequest.returnPath,
      scopes,
      demandedScopes: loginRequest.scopes ?? [],
      startedAt: now,
      reauthenticates: loginRequest.ask === 'login' && provider.forcesLogin === true,
      needsAuthTime: loginRequest.needsAuthTime === true,
      attempts: loginRequest.attempts ?? 0,
      hosts: loginHosts(req, redirectUri),
    })
    const url = await client.authorizationUrl({
      ...authorizationParams(provider, offline, loginRequest.ask, query),
      response_type: 'code',
      client_id: provider.clientId,
      redirect_uri: redirectUri,
      ...(scopes.length > 0 && { scope: scopes.join(provider.scopeSeparator ?? ' ') }),
      state: transaction.state,
      ...(provider.openid && { nonce: transaction.nonce }),
      ...(provider.pkce !== false && {
        code_challenge: transaction.codeChallenge,
        code_challenge_method: 'S256',
      }),
    })
    redirect(res, url)
  }
}

/** Over plain http, codes and cookies can be read on the network. (RFC 6749, 3.1.2.1) */
function rejectPlainHttp(origin: string, allowsHttp: boolean): void {
  const { protocol, hostname } = new URL(origin)
  if (protocol === 'https:' || isLoopback(hostname) || allowsHttp) return
  throw new OAuthError('misconfigured', {
    hint: `logins over plain http are rejected on ${hostname}: serve the app over https; behind a proxy, set baseUrl or Express' "trust proxy"; to allow http, set cookie.secure: false`,
  })
}
