import type { OAuthUser, StoredDecision } from '../access/user.js'
import { addressOf } from '../http/event-origin.js'
import type { GateRequest } from '../http/gate-request.js'
import { boundClaims, subjectOf } from '../oauth/claims.js'
import type { Account } from '../session/account.js'
import type { BlockedUsers } from '../session/blocked-users.js'
import { MAX_SESSION_MS } from '../session/lifetimes.js'
import { mergePlaces, type SeenPlaces } from '../http/places.js'
import { writeSessionCookie } from '../session/session-cookie.js'
import { type LogoutIndex, identifierHash } from '../session/logout-index.js'
import type { SessionLimit } from '../session/session-limit.js'
import type { OpenSession, Sessions } from '../session/sessions.js'
import type { UserActivity } from '../session/user-activity.js'
import type { UserEmails } from '../session/user-emails.js'
import type { Connection } from './connection.js'
import type { LoginRequest } from './links.js'
import type { LoginLoopDetector } from './login-loop.js'
import type { LoginGrant } from './redeem-code.js'
import { denialOf, rejectLogin } from './rejection.js'
import { BLOCKED } from './unless-blocked.js'

/** What {@link NewSessions} depends on. */
export interface NewSessionsDeps {
  readonly blockedUsers: BlockedUsers
  readonly sessions: Sessions
  readonly loginLoop: LoginLoopDetector
  /** `undefined` if the store keeps no records of users. */
  readonly userActivity: UserActivity | undefined
  readonly logoutIndex: LogoutIndex
  /** `undefined` without the option `signals`. */
  readonly userEmails: UserEmails | undefined
  readonly sessionLimit: SessionLimit
  /** Milliseconds; 0: no limit. */
  readonly maximumDurationMs: number
  /** Where a request comes from; `undefined` if nothing follows when sessions move. */
  readonly placeOf: (request: GateRequest) => SeenPlaces | undefined
  /** Called with each session whose cookie is set. */
  readonly onAttach: (request: GateRequest, session: OpenSession) => void
  /** Called with the new session. */
  readonly onSession: (request: GateRequest, session: OpenSession) => void
}

/** A login of a user that the rules allow. */
export interface AllowedLogin {
  readonly connection: Connection
  /** The login that "try again" starts. */
  readonly retry: LoginRequest
  readonly redirectUri: string
  /** Key of the session that the login replaces, if the browser does not send its cookie. */
  readonly replacedKey: string | undefined
  /** Where the session was used that the login replaces, because it moved. */
  readonly seen?: SeenPlaces | undefined
  readonly grant: LoginGrant
  readonly user: OAuthUser
  /** The decisions that the session starts with, by fingerprint of the rules. */
  readonly verdicts: Readonly<Record<string, StoredDecision>>
  /** The result of `onLogin`. */
  readonly account: Account | undefined
}

/** Creates the session of a login, and sets its cookie. */
export class NewSessions {
  readonly #deps: NewSessionsDeps

  constructor(deps: NewSessionsDeps) {
    this.#deps = deps
  }

  /** Throws a {@link Rejection} if the session could not be stored, or the user is blocked. */
  async start(request: GateRequest, login: AllowedLogin): Promise<OpenSession> {
    const { sessions, onSession } = this.#deps
    const reject = (error: unknown) =>
      rejectLogin(error, login.retry, login.connection.provider.name)
    const session = await this.#create(request, login).catch(reject)
    await this.#recordLogin(request, session).catch(async (error: unknown) => {
      // No browser will have its cookie.
      await Promise.resolve(sessions.destroy(session.key, 'unused')).catch(() => undefined)
      reject(error)
    })
    await this.#endIfBlocked(request, session, login)
    onSession(request, session)
    await this.attach(request, session)
    return session
  }

  /** Sets the cookie of the session. */
  async attach(request: GateRequest, session: OpenSession): Promise<void> {
    const { cookieHeader, res, mount } = request
    const { sessions, loginLoop, maximumDurationMs, onAttach } = this.#deps
    const lostSessionKey = loginLoop.record(request, session)
    if (lostSessionKey !== undefined) await sessions.destroy(lostSessionKey, 'unused')
    const maxAgeMs = maximumDurationMs === 0 ? MAX_SESSION_MS : maximumDurationMs
    writeSessionCookie(res, cookieHeader, mount.sessionCookie, session.id, maxAgeMs)
    onAttach(request, session)
  }

  /**
   * The session has a new id, against session fixation, and replaces the previous one of the
   * browser.
   */
  async #create(request: GateRequest, login: AllowedLogin): Promise<OpenSession> {
    const { req, headers, mount, now } = request
    const { sessions, placeOf } = this.#deps
    const { tokens, scopes, authTime } = login.grant
    const { accessToken, refreshToken, idToken, claims, expiresAt } = tokens
    const { claims: userClaims, ...user } = login.user
    const previous = await sessions.find(request)
    const session = await sessions.create(
      {
        instance: mount.instanceId,
        client: login.connection.clientKey,
        user,
        sid: identifierHash(claims?.['sid']),
        browser: {
          userAgent: headers['user-agent']?.slice(0, 512),
          ipAddress: addressOf(req),
        },
        scopes,
        authTime,
        accessTokenExpiresAt: expiresAt,
        verdicts: login.verdicts,
        account: login.account,
        seen: mergePlaces(login.seen, placeOf(request)),
      },
      {
        ...{ accessToken, refreshToken, idToken },
        claims: userClaims,
        subject: subjectOf(claims),
        boundClaims: boundClaims(claims),
        redirectUri: login.redirectUri,
      },
      now,
    )
    const replacedKey = previous.session?.key ?? login.replacedKey
    if (replacedKey !== undefined) await sessions.destroy(replacedKey, 'replaced', req)
    return session
  }

  /** A user who was blocked during the login: the block may not have found the new session. */
  async #endIfBlocked(
    { req }: GateRequest,
    session: OpenSession,
    login: AllowedLogin,
  ): Promise<void> {
    const { blockedUsers, sessions } = this.#deps
    const user = session.user()
    if (!(await blockedUsers.has(user.key))) return
    await sessions.destroy(session.key, 'revoked', req)
    throw denialOf(user, BLOCKED, user.provider, login.retry)
  }

  /**
   * Records the user, registers the session for back-channel logout, and applies the limit of
   * sessions.
   */
  async #recordLogin({ req, now }: GateRequest, session: OpenSession): Promise<void> {
    const { sessions, userActivity, userEmails, logoutIndex, sessionLimit } = this.#deps
    const user = await userActivity?.recordLogin(session, now)
    if (session.unseal().subject !== undefined)
      await logoutIndex.add(session, sessions.expiry(session).expiresAt - now)
    await userEmails?.add(session)
    if (user !== undefined) await sessionLimit.apply(session, user, req)
  }
}
