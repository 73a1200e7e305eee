import type { IncomingMessage } from 'node:http'
import type { UserEvaluation, UserEvaluator } from '../access/evaluate-user.js'
import { recheckScopes } from '../access/granted-scopes.js'
import { ProviderError } from '../http/errors.js'
import type { Claims } from '../oauth/identity.js'
import type { ProviderApi } from '../oauth/provider-api.js'
import { printable } from '../schema/suggestions.js'
import { runHook } from '../oauth/run-hook.js'
import type { BlockedUsers } from '../session/blocked-users.js'
import { hasExpiredToken } from '../session/session.js'
import type { OpenSession } from '../session/sessions.js'
import { lostSinceLogin } from './check-status.js'
import type { Connection } from './connection.js'
import { grantEnded, isEnded } from './grant-ended.js'
import { refreshTokenFix } from './offline-access.js'
import type { TokenRefresher } from './refresh-tokens.js'
import type { RefreshedTokens, SessionTokens } from './session-tokens.js'
import { unlessBlocked } from './unless-blocked.js'

/** What {@link UserReader} depends on. */
export interface UserReaderDeps {
  readonly connection: Connection
  readonly evaluator: UserEvaluator
  readonly blockedUsers: BlockedUsers
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
    const { evaluator, blockedUsers, req } = this.#deps
    const { evaluation, api } = await this.#readWithValidToken()
    if (evaluation.user.key !== this.#session.record.user.key)
      throw new ProviderError('ended', 'login_required', {
        hint: 'the provider returned a different user',
      })
    this.#rejectInconclusive(evaluation)
    evaluator.evaluateReportOnly(evaluation, api, req)
    return unlessBlocked(evaluation, blockedUsers)
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

  async #readWith({ session, tokens }: SessionTokens): Promise<UserReading> {
    const { scopes } = session.record
    const { boundClaims, subject } = session.unseal()
    const { connection, evaluator, req } = this.#deps
    const { provider, client } = connection
    const api = client.api({
      accessToken: tokens.accessToken,
      claims: this.#refreshed?.claims ?? boundClaims,
      hasFreshClaims: this.#refreshed?.claims !== undefined,
      isLogin: false,
      scopes,
      subject,
      tokens: { ...tokenResponse(tokens, scopes), ...this.#refreshed?.response },
    })
    await runHook('validate', api, () => provider.validate?.(api))
    this.#scopes = await recheckScopes(provider, api)
    const last = { user: session.user(), lost: lostSinceLogin(session) }
    return { api, evaluation: await evaluator.evaluate(api, req, last) }
  }

  /**
   * The ID tokens of some providers have claims that userinfo lacks. Before a missing claim denies
   * the user, or removes memberships that guards and headers use, a refresh requests a new ID
   * token.
   */
  #needsIdToken(
    { decision, loss, isInconclusive }: UserEvaluation,
    { tokens }: SessionTokens,
  ): boolean {
    const canRefresh = this.#refreshed === undefined && tokens.refreshToken !== undefined
    if (!canRefresh || !this.#deps.connection.provider.openid) return false
    if (!decision.isAllowed) return isInconclusive || loss.claims.length > 0
    return loss.parts.some((part) => part !== 'claims')
  }

  /**
   * A login returns claims that no check does. Without one, a user that the rules allow would be
   * denied.
   */
  #rejectInconclusive({ isInconclusive, lost }: UserEvaluation): void {
    if (!isInconclusive) return
    const { provider } = this.#deps.connection
    const names = lost.claims.slice(0, MAX_NAMED_CLAIMS).map(printable).join(', ')
    const isRefreshed = this.#refreshed !== undefined
    const fix = isRefreshed ? '' : `, or request a refresh token: ${refreshTokenFix(provider)}`
    throw grantEnded(
      `the claims ${names} of the login are missing from userinfo${isRefreshed ? ' and from the refreshed tokens' : ''}: the rules may need them, so the user signs in again. Have the provider return them from the userinfo endpoint, or in the ID token of a refresh${fix}`,
    )
  }
}

/** In the log. */
const MAX_NAMED_CLAIMS = 10

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
