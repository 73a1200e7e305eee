import type { Links } from '../flows/links.js'
import type { SessionDecisions } from '../flows/session-decisions.js'
import type { TokenRefresher } from '../flows/refresh-tokens.js'
import type { IncomingGateRequest } from '../http/gate-request.js'
import type { Mounts } from '../http/mounts.js'
import type { Config } from '../options/config.js'
import { type Lifetimes, remaining } from '../session/lifetimes.js'
import type { OpenSession, Sessions, Tokens } from '../session/sessions.js'
import type { ContextSource, LoginUrlOptions } from './context-source.js'
import type { HeaderTokens, HeaderUser, TokenName } from './header-names.js'
import { renewCookie } from './renew-cookie.js'
import type { SessionSignals } from './session-signals.js'
import type { TokenErrors } from './token-errors.js'

/** What {@link Visitor} depends on. */
export interface VisitorDeps {
  readonly config: Lifetimes & Pick<Config, 'deviceBound' | 'headers'>
  readonly sessions: Sessions
  readonly decisions: SessionDecisions
  readonly refresher: TokenRefresher
  readonly links: Links
  readonly mounts: Mounts
  readonly signals: SessionSignals
  readonly tokenErrors: TokenErrors
}

const NO_TOKENS: HeaderTokens['headerTokens'] = []

/**
 * The source of one request's context, authenticated or not. A class, because closures created per
 * request dominated the hot path.
 */
export class Visitor implements ContextSource, HeaderTokens {
  /** When the user was last read from the provider. */
  readonly lastCheckedAt: number | undefined
  /** When the session expires without another request. */
  readonly sessionExpiresAt: number | undefined
  /** The entries of rule lists that matched. */
  readonly matched: HeaderUser['matched']
  readonly headerTokens: HeaderTokens['headerTokens']
  /** Whether the session is bound to a device, and that is enforced. */
  readonly isDeviceBound: boolean
  readonly #deps: VisitorDeps
  readonly #request: IncomingGateRequest
  #session: OpenSession | undefined
  #signal: AbortSignal | undefined

  constructor(deps: VisitorDeps, request: IncomingGateRequest, session: OpenSession | undefined) {
    this.#deps = deps
    this.#request = request
    this.#session = session
    const record = session?.record
    const decision = session && deps.decisions.of(session)
    const { config } = deps
    const { now } = request
    this.matched = decision?.matches ?? decision?.matched
    this.lastCheckedAt = decision?.at
    this.sessionExpiresAt = record && now + remaining(record, now, config, now)
    this.isDeviceBound = config.deviceBound && record?.device !== undefined
    const forwardsTokens = record !== undefined && config.headers.forwardTokens !== false
    this.headerTokens = forwardsTokens ? record.headerTokens : NO_TOKENS
  }

  /** Decrypts a token for its upstream header. */
  decryptToken(name: TokenName): string | undefined {
    const tokens = this.#session?.unseal()
    return name === 'access' ? tokens?.accessToken : tokens?.refreshToken
  }

  /** When the access token expires. Changes with {@link freshAccessToken}. */
  get accessTokenExpiresAt(): number | undefined {
    return this.#session?.record.accessTokenExpiresAt
  }

  /** The decrypted tokens; `undefined` if the app does not receive any. */
  tokens(): Tokens | undefined {
    const session = this.#session
    if (
      session === undefined ||
      this.#deps.config.headers.managed.has(session.record.user.provider)
    )
      return undefined
    return session.unseal()
  }

  /** The access token, refreshed if it has expired. */
  async freshAccessToken(): Promise<string | undefined> {
    const { config, sessions, refresher, tokenErrors } = this.#deps
    const session = this.#session
    if (session === undefined || config.headers.managed.has(session.record.user.provider))
      return undefined
    const fresh = await refresher
      .withFreshToken(session, this.#request.req)
      .catch((error: unknown) => {
        tokenErrors.add(error, this.#request)
        throw error
      })
    this.#session = renewCookie(sessions, this.#request, session, fresh)
    return fresh.unseal().accessToken || undefined
  }

  /** Aborts when the session ends; never without a session. */
  signal(): AbortSignal {
    if (this.#session === undefined) return new AbortController().signal
    const { req, res } = this.#request
    this.#signal ??= this.#deps.signals.open(this.#session, req, res ?? req.socket)
    return this.#signal
  }

  /** A link that starts a login. */
  loginUrl({ returnTo, connection, reauthenticate }: LoginUrlOptions): string {
    const { links, mounts } = this.#deps
    const { mount, target } = this.#request
    return links.login(mount, {
      returnPath: links.safeReturnPath(mount, returnTo ?? mounts.publicTarget(mount, target)),
      connection,
      ask: reauthenticate === true ? 'login' : undefined,
    })
  }

  /** A link that ends the session. */
  logoutUrl(): string {
    return this.#deps.links.logout(this.#request.mount)
  }
}
