import type { AnonymousReason, Tokens } from '../session/sessions.js'
import type { Session } from '../session/session.js'
import type { OAuthUser } from '../access/user.js'

/** What {@link OAuthContext.loginUrl} asks for. */
export interface LoginUrlOptions {
  /** A path of this site to go to after the login. Default: the address of this request. */
  returnTo?: string | undefined
  /** The provider to log in with. Default: the only one, or the user's choice. */
  connection?: string | undefined
  /** Ask the provider to let the user log in anew. */
  reauthenticate?: boolean | undefined
}

export type { AnonymousReason }

/** What the context of one request is made from. */
export interface Visitor {
  /** The session and its public name; absent when nobody is logged in. */
  readonly session: { readonly key: string; readonly record: Session } | undefined
  readonly reason: AnonymousReason | undefined
  readonly lastCheckedAt: number | undefined
  readonly sessionExpiresAt: number | undefined
  accessTokenExpiresAt(): number | undefined
  tokens(): Tokens | undefined
  freshAccessToken(): Promise<string | undefined>
  signal(): AbortSignal
  loginUrl(options: LoginUrlOptions): string
  logoutUrl(): string
}

/** `req.oauth`: who is logged in, and what goes with it. Times are in milliseconds. */
export class OAuthContext {
  readonly isAuthenticated: boolean
  readonly user: OAuthUser | undefined
  /** The name of the provider in the options. */
  readonly provider: string | undefined
  /** Names the session without revealing it: for logs, and for `sessions.revoke()`. */
  readonly sessionHandle: string | undefined
  /** What the user granted. */
  readonly scopes: readonly string[]
  readonly createdAt: number | undefined
  /** When the user was last read from the provider. */
  readonly lastCheckedAt: number | undefined
  /** When the session ends unless there is another request. */
  readonly sessionExpiresAt: number | undefined
  /** `undefined` when nobody knows. Follows {@link getAccessToken}. */
  accessTokenExpiresAt: number | undefined
  /** Why nobody is logged in; `undefined` when somebody is. */
  readonly reason: AnonymousReason | undefined
  readonly #source: Visitor

  constructor(source: Visitor) {
    const { session } = source
    const record = session?.record
    this.#source = source
    this.isAuthenticated = session !== undefined
    // A copy: one session serves many requests, and an app may write to its `req.user`.
    this.user = record && { ...record.user }
    this.provider = record?.provider
    this.sessionHandle = session?.key
    this.scopes = record?.scopes ?? []
    this.createdAt = record?.createdAt
    this.lastCheckedAt = source.lastCheckedAt
    this.sessionExpiresAt = source.sessionExpiresAt
    this.accessTokenExpiresAt = source.accessTokenExpiresAt()
    this.reason = source.reason
  }

  /** The user's access token. Opened when read; `undefined` with a managed application. It may have run out: see {@link getAccessToken}. */
  get accessToken(): string | undefined {
    return this.#source.tokens()?.accessToken || undefined
  }

  /** The user's refresh token. Never redeem it yourself: it may be good for one use only. */
  get refreshToken(): string | undefined {
    return this.#source.tokens()?.refreshToken
  }

  /**
   * The user's access token, refreshed first when it has run out; `undefined` when nobody is logged in, and with a
   * managed application. Rejects with an {@link OAuthError}: `login_required` when the grant is gone, a 5xx code when
   * the provider or the store is down.
   */
  async getAccessToken(): Promise<string | undefined> {
    const token = await this.#source.freshAccessToken()
    this.accessTokenExpiresAt = this.#source.accessTokenExpiresAt()
    return token
  }

  /** Aborts when this process learns that the login has ended, or that its user is refused: for sockets and streams. */
  get signal(): AbortSignal {
    return this.#source.signal()
  }

  /** A link that logs the user in and comes back. */
  loginUrl(options: LoginUrlOptions = {}): string {
    return this.#source.loginUrl(options)
  }

  /** A link that logs the user out. */
  logoutUrl(): string {
    return this.#source.logoutUrl()
  }
}
