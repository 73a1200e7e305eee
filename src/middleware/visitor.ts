import type { StoredDecision } from '../access/user.js'
import type { Links } from '../flows/links.js'
import type { Recheck } from '../flows/recheck.js'
import type { TokenRefresher } from '../flows/refresh-tokens.js'
import type { IncomingGateRequest } from '../http/gate-request.js'
import type { Mounts } from '../http/mounts.js'
import type { AnonymousReason, OpenSession, Sessions, Tokens } from '../session/sessions.js'
import type { HeaderTokens, TokenName } from './header-names.js'
import { renewCookie } from './renew-cookie.js'
import type { SessionSignals } from './session-signals.js'

/** Options of `req.oauth.loginUrl()`. */
export interface LoginUrlOptions {
  /** The path of this site to return to after the login. Default: the URL of this request. */
  returnTo?: string | undefined
  /** The name of the provider to sign in with. Default: the only one, or the one that the user chooses. */
  connection?: string | undefined
  /** Ask the provider to authenticate the user again. Default: `false`. */
  reauthenticate?: boolean | undefined
}

/** What visitors need from a configuration. */
export interface VisitorDeps {
  sessions: Sessions
  recheck: Recheck
  refresher: TokenRefresher
  links: Links
  mounts: Mounts
  signals: SessionSignals
  /** Names of the providers whose tokens the app does not receive. */
  managed: ReadonlySet<string>
}

/**
 * The source of one request's context, authenticated or not. A class, since closures created per request dominated the
 * hot path.
 */
export class Visitor implements HeaderTokens {
  readonly reason: AnonymousReason | undefined
  readonly #deps: VisitorDeps
  readonly #request: IncomingGateRequest
  readonly #decision: StoredDecision | undefined
  #session: OpenSession | undefined
  #signal: AbortSignal | undefined

  /** `reason` is why there is no session. */
  constructor(
    deps: VisitorDeps,
    request: IncomingGateRequest,
    session: OpenSession | undefined,
    reason: AnonymousReason | undefined,
  ) {
    this.#deps = deps
    this.#request = request
    this.#session = session
    this.#decision = session && deps.recheck.decision(session.record)
    this.reason = reason
  }

  get session(): OpenSession | undefined {
    return this.#session
  }

  get lastCheckedAt(): number | undefined {
    return this.#decision?.at
  }

  get sessionExpiresAt(): number | undefined {
    return this.#session && this.#deps.sessions.nextExpiry(this.#session.record, this.#request.now)
  }

  get matched(): StoredDecision['matched'] {
    return this.#decision?.matched
  }

  get headerTokens(): HeaderTokens['headerTokens'] {
    const record = this.#session?.record
    return record !== undefined && this.#deps.sessions.hasTokens(record) ? record.headerTokens : []
  }

  decryptToken(name: TokenName): string | undefined {
    const tokens = this.#session && this.#deps.sessions.tokens(this.#session)
    return name === 'access' ? tokens?.accessToken : tokens?.refreshToken
  }

  get accessTokenExpiresAt(): number | undefined {
    return this.#session?.record.accessTokenExpiresAt
  }

  /** The decrypted tokens; `undefined` if the app does not receive any. */
  tokens(): Tokens | undefined {
    const session = this.#session
    if (session === undefined || this.#deps.managed.has(session.record.user.provider))
      return undefined
    return this.#deps.sessions.tokens(session)
  }

  /** The access token, refreshed if it has expired. */
  async freshAccessToken(): Promise<string | undefined> {
    const { managed, sessions, refresher } = this.#deps
    const session = this.#session
    if (session === undefined || managed.has(session.record.user.provider)) return undefined
    const fresh = await refresher.withFreshToken(session)
    this.#session = renewCookie(sessions, this.#request, session, fresh)
    return sessions.tokens(fresh).accessToken || undefined
  }

  /** Aborts when the session ends; never without a session. */
  signal(): AbortSignal {
    if (this.#session === undefined) return new AbortController().signal
    const { req, res } = this.#request
    this.#signal ??= this.#deps.signals.open(this.#session, req, res ?? req.socket)
    return this.#signal
  }

  loginUrl({ returnTo, connection, reauthenticate }: LoginUrlOptions): string {
    const { links, mounts } = this.#deps
    const { mount, target } = this.#request
    return links.login(mount, {
      returnPath: links.safeReturnPath(mount, returnTo ?? mounts.publicTarget(mount, target)),
      connection,
      ask: reauthenticate === true ? 'login' : undefined,
    })
  }

  logoutUrl(): string {
    return this.#deps.links.logout(this.#request.mount)
  }
}
