import type { OAuthUser } from '../access/user.js'
import type { Account } from '../session/account.js'
import type { AnonymousReason, OpenSession } from '../session/sessions.js'
import type { LoginUrlOptions, Visitor } from './visitor.js'

/** What `req.oauth` has in common for authenticated and anonymous requests. */
export abstract class RequestContext {
  /**
   * When the user was last read from the provider. `undefined` if the request is unauthenticated.
   */
  readonly lastCheckedAt: number | undefined
  /**
   * When the session ends if no other request follows. `undefined` if the request is
   * unauthenticated.
   */
  readonly sessionExpiresAt: number | undefined
  /**
   * When the access token expires. `undefined` if the provider does not send this time, or if the
   * request is unauthenticated. {@link getAccessToken} updates it.
   */
  accessTokenExpiresAt: number | undefined
  readonly #visitor: Visitor

  /** @internal */
  constructor(visitor: Visitor) {
    this.#visitor = visitor
    this.lastCheckedAt = visitor.lastCheckedAt
    this.sessionExpiresAt = visitor.sessionExpiresAt
    this.accessTokenExpiresAt = visitor.accessTokenExpiresAt
  }

  /**
   * The user's access token, which may have expired: prefer {@link getAccessToken}. Decrypted when
   * it is read. `undefined` if the request is unauthenticated, for a managed application, and if
   * the secret that encrypted it is gone.
   */
  get accessToken(): string | undefined {
    return this.#visitor.tokens()?.accessToken || undefined
  }

  /**
   * The user's refresh token. Do not redeem it: many providers accept each refresh token once, and
   * the session would lose its own. `undefined` if the provider sent none, and where {@link
   * accessToken} is.
   */
  get refreshToken(): string | undefined {
    return this.#visitor.tokens()?.refreshToken
  }

  /**
   * The user's access token, refreshed first if it has expired. `undefined` where {@link
   * accessToken} is. Rejects with an {@link OAuthError}: `login_required` if the grant has ended,
   * or the token has expired and there is no refresh token; a 5xx code if the provider or the store
   * is down. In Express, pass it on with `next(error)`, or let it reject in Express 5: unless an
   * error handler of your app responds, a navigation gets a login and returns to the same page, and
   * any other request gets the JSON of the gate.
   *
   * ```ts
   * app.get('/repositories', async (req, res) => {
   *   const token = await req.oauth.getAccessToken()
   *   const response = await fetch('https://api.github.com/user/repos', {
   *     headers: { Authorization: `Bearer ${token}` },
   *   })
   *   res.json(await response.json())
   * })
   * ```
   */
  async getAccessToken(): Promise<string | undefined> {
    const token = await this.#visitor.freshAccessToken()
    this.accessTokenExpiresAt = this.#visitor.accessTokenExpiresAt
    return token
  }

  /**
   * Aborts when this process learns that the session has ended or that the rules deny its user, for
   * sockets and streams. The reason is an {@link OAuthError}. A re-check that is due runs on a
   * timer, without a request. Never aborts if the request is unauthenticated.
   *
   * ```ts
   * app.get('/events', (req, res) => {
   *   res.type('text/event-stream').flushHeaders()
   *   const timer = setInterval(() => res.write(`data: ${Date.now()}\n\n`), 1000)
   *   res.on('close', () => clearInterval(timer))
   *   req.oauth.signal.addEventListener('abort', () => res.end())
   * })
   * ```
   */
  get signal(): AbortSignal {
    return this.#visitor.signal()
  }

  /**
   * A link that starts a login: a path of this site, which works for 24 hours. It returns to
   * `returnTo`, or to the mount point if that is not a path of this site or is one of the special
   * paths.
   */
  loginUrl(options: LoginUrlOptions = {}): string {
    return this.#visitor.loginUrl(options)
  }

  /** A link that ends this session: a path of this site. */
  logoutUrl(): string {
    return this.#visitor.logoutUrl()
  }
}

/** The context of a request with a session whose user the rules allow. */
export class AuthenticatedContext extends RequestContext {
  /** Whether the request has a session whose user the rules allow. */
  readonly isAuthenticated = true
  /** The user, as in `req.user`. A copy, so the app may change it. */
  readonly user: OAuthUser
  /** The name of the user's provider in the options. */
  readonly provider: string
  /** The public ID of the session, for logs and for `sessions.revoke()`. It grants no access. */
  readonly sessionHandle: string
  /** The scopes that the user has granted. */
  readonly scopes: readonly string[]
  /** When the user signed in. */
  readonly createdAt: number
  /**
   * What the option `onLogin` returned at the login of this session, frozen. `undefined` if it
   * returned nothing. Declare its type as `OAuthModule.Account`.
   */
  readonly account: Account | undefined
  /** Only unauthenticated requests have a reason. */
  readonly reason = undefined

  /** @internal */
  constructor(visitor: Visitor, session: OpenSession) {
    super(visitor)
    const { record } = session
    // One session serves many requests, and an app may change its `req.user`.
    this.user = session.user()
    this.provider = record.user.provider
    this.sessionHandle = session.key
    this.scopes = record.scopes
    this.createdAt = record.createdAt
    this.account = record.account
  }
}

/**
 * The context of an unauthenticated request: with `unauthenticated: 'pass'`, and where
 * authentication is not enforced.
 */
export class AnonymousContext extends RequestContext {
  /** Whether the request has a session whose user the rules allow. */
  readonly isAuthenticated = false
  /** Only authenticated requests have a user. */
  readonly user = undefined
  /** Only authenticated requests have a provider. */
  readonly provider = undefined
  /** Only authenticated requests have a session. */
  readonly sessionHandle = undefined
  /** Empty: no user has granted scopes. */
  readonly scopes: readonly string[] = []
  /** Only authenticated requests have a session. */
  readonly createdAt = undefined
  /** Only authenticated requests have an account. */
  readonly account = undefined
  /** Why the request is unauthenticated. */
  readonly reason: AnonymousReason

  /** @internal */
  constructor(visitor: Visitor, reason: AnonymousReason) {
    super(visitor)
    this.reason = reason
  }
}

/**
 * `req.oauth`: the user of a request and the session. All times are in milliseconds since the
 * epoch.
 *
 * ```ts
 * app.get('/me', (req, res) => {
 *   if (!req.oauth.isAuthenticated) return res.redirect(req.oauth.loginUrl())
 *   res.json({ name: req.oauth.user.name, signOut: req.oauth.logoutUrl() })
 * })
 * ```
 */
export type OAuthContext = AuthenticatedContext | AnonymousContext
