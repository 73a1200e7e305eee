import type { IncomingMessage } from 'node:http'
import type { UserEvaluation, UserEvaluator } from '../access/evaluate-user.js'
import { recheckScopes } from '../access/granted-scopes.js'
import type { OAuthUser } from '../access/user.js'
import { ProviderError } from '../http/errors.js'
import { type Claims, membershipLists } from '../oauth/identity.js'
import type { ProviderApi } from '../oauth/provider-api.js'
import { runHook } from '../oauth/run-hook.js'
import { hasExpiredToken } from '../session/session.js'
import type { OpenSession } from '../session/sessions.js'
import type { Connection } from './connection.js'
import { grantEnded, isEnded } from './grant-ended.js'
import { refreshTokenFix } from './offline-access.js'
import type { RefreshedTokens, SessionTokens, TokenRefresher } from './refresh-tokens.js'

/** What {@link UserReader} depends on. */
export interface UserReaderDeps {
  readonly connection: Connection
  readonly evaluator: UserEvaluator
  readonly refresher: TokenRefresher
  readonly req: IncomingMessage
}

interface UserReading {
  readonly evaluation: UserEvaluation
  readonly api: ProviderApi
}

/**
 * Reads the user of one session again, once. Refreshes the tokens at most once: if the access token
 * has expired, if the provider rejects it, or if a new ID token may have claims that userinfo
 * lacks. Requires the session's lock.
 */
export class UserReader {
  readonly #deps: UserReaderDeps
  #session: OpenSession
  #scopes: readonly string[]
  #refreshed: RefreshedTokens | undefined

  constructor(session: OpenSession, deps: UserReaderDeps) {
    this.#deps = deps
    this.#session = session
    this.#scopes = session.record.scopes
  }

  /** Throws a `ProviderError` with the outcome `ended` if the provider returns a different user. */
  async read(): Promise<UserEvaluation> {
    const { evaluator, req } = this.#deps
    const { evaluation, api } = await this.#readWithValidToken()
    if (evaluation.user.key !== this.#session.record.user.key)
      throw new ProviderError('ended', 'login_required', {
        hint: 'the provider returned a different user',
      })
    evaluator.evaluateReportOnly(evaluation.user, api, req)
    return evaluation
  }

  /** The session; after a refresh, with its new tokens. */
  get session(): OpenSession {
    return this.#session
  }

  /** The scopes that are still granted. */
  get scopes(): readonly string[] {
    return this.#scopes
  }

  async #readWithValidToken(): Promise<UserReading> {
    let current = await this.#deps.refresher.load(this.#session)
    this.#session = current.session
    if (current.tokens.accessToken === '' || hasExpiredToken(current.session.record))
      current = await this.#refresh(current)
    try {
      const reading = await this.#readWith(current)
      return this.#needsIdToken(reading.evaluation, current)
        ? await this.#readWith(await this.#refresh(current))
        : reading
    } catch (error) {
      if (!isEnded(error) || this.#refreshed !== undefined) throw error
      if (current.tokens.refreshToken === undefined) throw this.#endedWithoutRefreshToken(error)
      return this.#readWith(await this.#refresh(current))
    }
  }

  /** The provider may shorten the lifetime of access tokens, or not state it. */
  #endedWithoutRefreshToken(error: ProviderError): ProviderError {
    const fix = refreshTokenFix(this.#deps.connection.provider)
    return grantEnded(`${error.hint}, and there is no refresh token: ${fix}`, error)
  }

  async #refresh(current: SessionTokens): Promise<SessionTokens> {
    const { refresher, connection } = this.#deps
    this.#refreshed = await refresher.refresh(current, connection)
    this.#session = this.#refreshed.session
    return this.#refreshed
  }

  async #readWith({ session: { record }, tokens }: SessionTokens): Promise<UserReading> {
    const { connection, evaluator, req } = this.#deps
    const { provider, client } = connection
    const api = client.api({
      accessToken: tokens.accessToken,
      claims: this.#refreshed?.claims ?? record.boundClaims,
      hasFreshClaims: this.#refreshed?.claims !== undefined,
      isLogin: false,
      scopes: record.scopes,
      subject: record.subject,
      tokens: { ...tokenResponse(tokens, record.scopes), ...this.#refreshed?.response },
    })
    await runHook('validate', api, () => provider.validate?.(api))
    this.#scopes = await recheckScopes(provider, api)
    return { api, evaluation: await evaluator.evaluate(api, req) }
  }

  /**
   * The ID tokens of some providers have claims that userinfo lacks. Before a missing claim denies
   * the user, or removes memberships that guards and headers use, a refresh requests a new ID
   * token. Without a refresh token, a denied user must sign in again, and missing memberships are
   * removed.
   */
  #needsIdToken({ user, decision }: UserEvaluation, { tokens }: SessionTokens): boolean {
    if (this.#refreshed !== undefined || !this.#deps.connection.provider.openid) return false
    const before = this.#session.record.user
    const canRecover = tokens.refreshToken !== undefined && hasLess(before, user)
    if (decision.isAllowed && !canRecover) return false
    return Object.keys(before.claims).some(
      (name) => !(name in user.claims) && !PROTOCOL_CLAIMS.has(name),
    )
  }
}

/** Whether the user has no longer the verified email address or a membership. */
function hasLess(before: OAuthUser, user: OAuthUser): boolean {
  return (
    (before.emailVerified && !user.emailVerified) ||
    membershipLists.some((list) => before[list].some((entry) => !user[list].includes(entry)))
  )
}

/** The part of the token response that is stored: hooks receive it if there is no new response. */
function tokenResponse(
  { accessToken, refreshToken, idToken }: SessionTokens['tokens'],
  scopes: readonly string[],
): Claims {
  return {
    access_token: accessToken,
    token_type: 'bearer',
    scope: scopes.join(' '),
    ...(refreshToken !== undefined && { refresh_token: refreshToken }),
    ...(idToken !== undefined && { id_token: idToken }),
  }
}

/** Claims that only ID tokens have. */
const PROTOCOL_CLAIMS: ReadonlySet<string> = new Set([
  ...['iss', 'aud', 'exp', 'iat', 'nbf', 'nonce', 'azp', 'jti', 'sid'],
  ...['at_hash', 'c_hash', 's_hash'],
  ...['auth_time', 'acr', 'amr'],
])
