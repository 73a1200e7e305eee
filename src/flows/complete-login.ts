import type { UserEvaluator } from '../access/evaluate-user.js'
import type { OAuthUser, StoredDecision } from '../access/user.js'
import { OAuthError } from '../http/errors.js'
import type { GateRequest } from '../http/gate-request.js'
import { redirect } from '../http/response.js'
import { boundClaims, subjectOf } from '../oauth/claims.js'
import { MAX_SESSION_MS } from '../session/lifetimes.js'
import { writeSessionCookie } from '../session/session-cookie.js'
import type { LogoutIndex } from '../session/logout-index.js'
import type { AppSessions } from '../session/session-list.js'
import type { OpenSession, Sessions } from '../session/sessions.js'
import type { UserActivity } from '../session/user-activity.js'
import { storedDecision } from './check-status.js'
import type { LoginLoopDetector } from './login-loop.js'
import { type LoginGrant, type MatchedLogin, redeemCode } from './redeem-code.js'
import { Rejection, rejectLogin } from './rejection.js'

/** What {@link LoginCompletion} depends on. */
export interface LoginCompletionDeps {
  readonly evaluators: ReadonlyMap<string, UserEvaluator>
  readonly sessions: Sessions
  readonly loginLoop: LoginLoopDetector
  /** `undefined` if the store keeps no records of users. */
  readonly userActivity: UserActivity | undefined
  readonly logoutIndex: LogoutIndex
  readonly sessionList: AppSessions
  /** Maximum number of sessions of a user. The oldest ones end. */
  readonly sessionsPerUser: number | undefined
  /** Milliseconds; 0: no limit. */
  readonly maximumDurationMs: number
  /** Called with the new session. */
  readonly onLogin: (session: OpenSession) => void
}

/** The user of a login that the rules allow. */
interface AllowedUser {
  readonly user: OAuthUser
  /** The decisions that the session starts with, by fingerprint of the rules. */
  readonly verdicts: Readonly<Record<string, StoredDecision>>
}

/**
 * Completes logins: redeems the code, evaluates the user, creates the session and redirects to the
 * return path.
 */
export class LoginCompletion {
  readonly #deps: LoginCompletionDeps

  constructor(deps: LoginCompletionDeps) {
    this.#deps = deps
  }

  /** Throws a {@link Rejection} if the login failed or the rules deny the user. */
  async complete(request: GateRequest, login: MatchedLogin, code: string): Promise<void> {
    const { headers, res, mount, now } = request
    const { sessions, loginLoop, maximumDurationMs, onLogin } = this.#deps
    const session = await this.#logIn(request, login, code).catch((error: unknown) =>
      rejectLogin(error, login.retry, login.connection.provider.name),
    )
    await this.#recordLogin(session, now)
    onLogin(session)
    const lostSessionKey = loginLoop.record(request, session)
    if (lostSessionKey !== undefined) await sessions.destroy(lostSessionKey, 'logout')
    const maxAgeMs = maximumDurationMs === 0 ? MAX_SESSION_MS : maximumDurationMs
    writeSessionCookie(res, headers.cookie, mount.sessionCookie, session.id, maxAgeMs)
    redirect(res, locationOf(login))
  }

  async #logIn(request: GateRequest, login: MatchedLogin, code: string): Promise<OpenSession> {
    const grant = await redeemCode(login, code, request.now)
    const allowed = await this.#evaluate(request, login, grant)
    return this.#createSession(request, login, grant, allowed)
  }

  /** Reads the user from the provider and applies the rules. */
  async #evaluate(
    { req, now }: GateRequest,
    { connection: { provider, client }, retry }: MatchedLogin,
    { tokens, scopes }: LoginGrant,
  ): Promise<AllowedUser> {
    const evaluator = this.#deps.evaluators.get(provider.name)
    if (evaluator === undefined)
      throw new OAuthError('internal', { hint: 'the provider has no rules' })
    const api = client.api({
      accessToken: tokens.accessToken,
      claims: tokens.claims ?? {},
      scopes,
      subject: subjectOf(tokens.claims),
      hasFreshClaims: true,
      isLogin: true,
      tokens: tokens.response,
    })
    const evaluation = await evaluator.evaluate(api, req)
    const { user, decision } = evaluation
    evaluator.evaluateReportOnly(user, api, req)
    if (!decision.isAllowed) {
      const { code, tried, hint } = decision
      throw new Rejection(new OAuthError(code, { hint }), {
        retry,
        provider: provider.name,
        user,
        tried,
      })
    }
    const { fingerprint } = evaluator
    return {
      user,
      verdicts: { [fingerprint]: storedDecision(now, evaluation) },
    }
  }

  /**
   * The session has a new id, against session fixation, and replaces the previous one of the
   * browser.
   */
  async #createSession(
    { req, headers, mount, now }: GateRequest,
    { transaction, connection: { provider } }: MatchedLogin,
    { tokens, scopes, authTime }: LoginGrant,
    { user, verdicts }: AllowedUser,
  ): Promise<OpenSession> {
    const { sessions } = this.#deps
    const { accessToken, refreshToken, idToken, claims, expiresAt } = tokens
    const cookieName = mount.sessionCookie.name
    const previous = await sessions.find(headers.cookie, cookieName, now, mount.instanceId)
    const session = await sessions.create(
      {
        instance: mount.instanceId,
        provider: provider.name,
        issuer: provider.issuer ?? '',
        clientId: provider.clientId,
        user,
        subject: subjectOf(claims),
        boundClaims: boundClaims(claims),
        redirectUri: transaction.redirectUri,
        browser: {
          userAgent: headers['user-agent']?.slice(0, 512),
          ipAddress: req.ip ?? req.socket?.remoteAddress,
        },
        scopes,
        authTime,
        accessTokenExpiresAt: expiresAt,
        verdicts,
      },
      { accessToken, refreshToken, idToken },
      now,
    )
    if (previous.session !== undefined) await sessions.destroy(previous.session.key, 'logout')
    return session
  }

  /**
   * Records the user, registers the session for back-channel logout, and applies the limit of
   * sessions.
   */
  async #recordLogin(session: OpenSession, now: number): Promise<void> {
    const { sessions, userActivity, logoutIndex, sessionList, sessionsPerUser } = this.#deps
    const { key, record } = session
    await userActivity?.recordLogin(record.user, now)
    if (record.subject !== undefined)
      await logoutIndex.add(key, record, sessions.expiry(session).expiresAt - now)
    if (sessionsPerUser !== undefined) await sessionList.endOldest(session, sessionsPerUser)
  }
}

/**
 * A browser appends the fragment of the callback's URL to a location that has none. (RFC 9110,
 * 10.2.2)
 */
function locationOf({ connection, retry: { returnPath } }: MatchedLogin): string {
  const hasFragment = connection.provider.hasCallbackFragment === true
  return hasFragment && !returnPath.includes('#') ? `${returnPath}#` : returnPath
}
