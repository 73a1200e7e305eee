import type { Tokens } from '../session/sessions.js'

/** Options of `req.oauth.loginUrl()`. */
export interface LoginUrlOptions {
  /** The path of this site to return to after the login. Default: the URL of this request. */
  returnTo?: string | undefined
  /**
   * The name of the provider to sign in with. Default: the only one, or the one that the user
   * chooses.
   */
  connection?: string | undefined
  /** Ask the provider to authenticate the user again. Default: `false`. */
  reauthenticate?: boolean | undefined
}

/** What `req.oauth` of one request reads from. */
export interface ContextSource {
  /** Whether the session is bound to a device, and that is enforced. */
  readonly isDeviceBound?: boolean
  /** When the user was last read from the provider. */
  readonly lastCheckedAt: number | undefined
  /** When the session expires without another request. */
  readonly sessionExpiresAt: number | undefined
  /** When the access token expires. */
  readonly accessTokenExpiresAt: number | undefined
  /** The decrypted tokens; `undefined` if the app does not receive any. */
  tokens(): Tokens | undefined
  /** The access token, refreshed if it has expired. */
  freshAccessToken(): Promise<string | undefined>
  /** Aborts when access ends. */
  signal(): AbortSignal
  /** A link that starts a login. */
  loginUrl(options: LoginUrlOptions): string
  /** A link that ends the session. */
  logoutUrl(): string
}
