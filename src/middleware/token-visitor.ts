import type { VerifiedToken } from '../bearer/verified-token.js'
import type { IncomingGateRequest } from '../http/gate-request.js'
import type { ContextSource, LoginUrlOptions } from './context-source.js'
import type { WatchedToken } from './open-token.js'
import type { TokenSignals } from './token-signals.js'
import type { Visitor } from './visitor.js'

/** What {@link TokenVisitor} depends on. */
export interface TokenVisitorDeps {
  readonly signals: TokenSignals
  /** The token of this request under the current configuration. */
  readonly current: Pick<WatchedToken, 'isOutdated' | 'check'>
}

/** The source of the context of a request with an access token. */
export class TokenVisitor implements ContextSource {
  readonly lastCheckedAt: number
  readonly sessionExpiresAt: number | undefined
  readonly accessTokenExpiresAt: number | undefined
  readonly #deps: TokenVisitorDeps
  readonly #request: IncomingGateRequest
  readonly #anonymous: Visitor
  readonly #token: Omit<WatchedToken, 'isOutdated' | 'check'>
  #signal: AbortSignal | undefined

  /** `anonymous` creates the links. */
  constructor(
    deps: TokenVisitorDeps,
    request: IncomingGateRequest,
    token: VerifiedToken,
    anonymous: Visitor,
  ) {
    const { verifiedAt, expiresAt, issuedAt = verifiedAt } = token.facts
    this.#deps = deps
    this.#request = request
    this.#anonymous = anonymous
    this.#token = { userKey: token.profile.key, issuedAt, expiresAt }
    this.lastCheckedAt = verifiedAt
    this.sessionExpiresAt = expiresAt
    this.accessTokenExpiresAt = expiresAt
  }

  /** The token is for this app. The app must not send it on. */
  tokens(): undefined {
    return undefined
  }

  async freshAccessToken(): Promise<undefined> {
    return undefined
  }

  signal(): AbortSignal {
    const { signals, current } = this.#deps
    const { req, res } = this.#request
    const { isOutdated, check } = current
    const watched = { ...this.#token, isOutdated, check }
    this.#signal ??= signals.open(watched, res ?? req.socket)
    return this.#signal
  }

  loginUrl(options: LoginUrlOptions): string {
    return this.#anonymous.loginUrl(options)
  }

  logoutUrl(): string {
    return this.#anonymous.logoutUrl()
  }
}
