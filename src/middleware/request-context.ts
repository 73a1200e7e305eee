import type { ContextSource, LoginUrlOptions } from './context-source.js'

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
  readonly #source: ContextSource

  /** @internal */
  constructor(source: ContextSource) {
    this.#source = source
    this.lastCheckedAt = source.lastCheckedAt
    this.sessionExpiresAt = source.sessionExpiresAt
    this.accessTokenExpiresAt = source.accessTokenExpiresAt
  }

  /**
   * The user's access token, which may have expired: prefer {@link getAccessToken}. Decrypted when
   * it is read. `undefined` if the request is unauthenticated, for a managed application, and if
   * the secret that encrypted it is gone.
   */
  get accessToken(): string | undefined {
    return this.#source.tokens()?.accessToken || undefined
  }

  /**
   * The user's refresh token. Do not redeem it: many providers accept each refresh token once, and
   * the session would lose its own. `undefined` if the provider sent none, and where {@link
   * accessToken} is.
   */
  get refreshToken(): string | undefined {
    return this.#source.tokens()?.refreshToken
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
    const token = await this.#source.freshAccessToken()
    this.accessTokenExpiresAt = this.#source.accessTokenExpiresAt
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
    return this.#source.signal()
  }

  /**
   * A link that starts a login: a path of this site, which works for 24 hours. It returns to
   * `returnTo`, or to the mount point if that is not a path of this site or is one of the special
   * paths.
   */
  loginUrl(options: LoginUrlOptions = {}): string {
    return this.#source.loginUrl(options)
  }

  /** A link that ends this session: a path of this site. */
  logoutUrl(): string {
    return this.#source.logoutUrl()
  }
}
