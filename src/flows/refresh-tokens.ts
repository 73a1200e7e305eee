import type { LRUCache } from 'lru-cache'
import { createCache } from '../http/create-cache.js'
import { OAuthError } from '../http/errors.js'
import type { AppRequest } from '../http/request.js'
import { singleFlight } from '../http/single-flight.js'
import type { Background } from '../http/background.js'
import { subjectOf } from '../oauth/claims.js'
import { IdTokenError } from '../oauth/jwt-checks.js'
import { hasExpiredToken } from '../session/session.js'
import type { SessionLock } from '../session/session-lock.js'
import type { OpenSession, Sessions, Tokens } from '../session/sessions.js'
import type { Backoff } from './backoff.js'
import type { Connection } from './connection.js'
import { grantEnded, isEnded } from './grant-ended.js'
import { refreshTokenFix } from './offline-access.js'
import { type RefreshedTokens, type SessionTokens, withNewTokens } from './session-tokens.js'

/** State of token refreshes. Outlives a configuration. */
export interface TokenRefresherState {
  /**
   * Refreshed tokens that are not in the store yet, by session key. The old ones may be invalid.
   */
  readonly unsaved: LRUCache<string, { tokens: Tokens; expiresAt: number | undefined }>
  /** Refreshes in progress, by session key. */
  readonly pending: Map<string, Promise<OpenSession>>
}

/** Empty state for {@link TokenRefresher}. */
export function createTokenRefresherState(): TokenRefresherState {
  return { unsaved: createCache({ max: 10_000 }), pending: new Map() }
}

/** What {@link TokenRefresher} depends on. */
export interface TokenRefresherDeps {
  readonly connections: ReadonlyMap<string, Connection>
  readonly sessions: Sessions
  readonly sessionLock: SessionLock
  readonly backoff: Backoff
  readonly background: Background
  readonly state: TokenRefresherState
  /** Called if the provider has ended the grant at a refresh for the app, without a check. */
  readonly onEnded: (req: AppRequest, session: OpenSession, hint: string) => void
}

/**
 * Refreshes the tokens of sessions. A new token is stored before it is used, because the old one
 * may be invalid by then.
 */
export class TokenRefresher {
  readonly #deps: TokenRefresherDeps

  constructor(deps: TokenRefresherDeps) {
    this.#deps = deps
  }

  /**
   * The session of a request with a valid access token. Throws an `OAuthError` if there is none.
   */
  async withFreshToken(session: OpenSession, req: AppRequest): Promise<OpenSession> {
    const { connections, sessions, sessionLock, background, state } = this.#deps
    const connection = connections.get(session.record.user.provider)
    if (connection === undefined) throw loginRequired('the provider is no longer configured')
    await sessionLock.settled(session.key)
    const current = await sessions.reload(session)
    if (current === undefined) throw loginRequired('the session has ended')
    if (!hasExpiredToken(current.record) && !state.unsaved.has(session.key)) return current
    return singleFlight(state.pending, session.key, () =>
      background.track(
        sessionLock.withLock(current, async (locked) => {
          if (locked === undefined) throw loginRequired('the session has ended')
          return this.#refreshIfExpired(locked, connection, req)
        }),
      ),
    )
  }

  /**
   * The session's tokens, after writing those that could not be stored earlier. Requires the
   * session's lock.
   */
  async load(session: OpenSession): Promise<SessionTokens> {
    const { state } = this.#deps
    const unsaved = state.unsaved.get(session.key)
    if (unsaved === undefined) return { session, tokens: session.unseal() }
    const { tokens, expiresAt } = unsaved
    return { session: await this.#save(session, tokens, expiresAt), tokens }
  }

  /** Replaces the session's tokens. Requires the session's lock. */
  async refresh(
    current: SessionTokens,
    { provider, client }: Connection,
  ): Promise<RefreshedTokens> {
    const { session, tokens } = current
    const { unsaved } = this.#deps.state
    if (tokens.refreshToken === undefined)
      throw grantEnded(
        `the access token has expired without a refresh token: ${refreshTokenFix(provider)}`,
      )
    try {
      const fresh = await client.refresh(
        tokens.refreshToken,
        session.unseal().redirectUri,
        (unverified) => {
          // The provider may have invalidated the old refresh token, even if the rest of its
          // response is unusable.
          const { expiresAt } = unverified
          unsaved.set(session.key, { tokens: withNewTokens(tokens, unverified), expiresAt })
        },
      )
      const { subject } = session.unseal()
      if (fresh.claims && subject !== undefined && subjectOf(fresh.claims) !== subject)
        throw grantEnded('the refreshed ID token has a different sub')
      const merged = withNewTokens(tokens, fresh)
      return {
        session: await this.#save(session, merged, fresh.expiresAt),
        tokens: merged,
        claims: fresh.claims,
        response: fresh.response,
      }
    } catch (error) {
      if (error instanceof IdTokenError)
        throw grantEnded('the refreshed ID token is invalid', error)
      // Other processes have only the old refresh token: store the new one before they use it.
      if (unsaved.has(session.key) && !isEnded(error))
        await this.load(session).catch(() => undefined)
      throw error
    }
  }

  /**
   * Without a lock across processes, another one may have used the refresh token. Then the store
   * has new tokens.
   */
  async refreshedElsewhere(session: OpenSession): Promise<OpenSession | undefined> {
    const { sessions, state } = this.#deps
    const current = await sessions.reload(session)
    return current !== undefined &&
      current.record.sealed !== session.record.sealed &&
      !state.unsaved.has(session.key)
      ? current
      : undefined
  }

  /** Ends a session whose grant the provider has ended. */
  async end(session: OpenSession): Promise<void> {
    this.#deps.state.unsaved.delete(session.key)
    await this.#deps.sessions.destroy(session.key, 'ended')
  }

  async #refreshIfExpired(
    locked: OpenSession,
    connection: Connection,
    req: AppRequest,
  ): Promise<OpenSession> {
    const { backoff } = this.#deps
    const current = await this.load(locked)
    const { session, tokens } = current
    if (!hasExpiredToken(session.record)) return session
    if (tokens.refreshToken === undefined)
      throw loginRequired('the access token has expired, and there is no refresh token')
    const pauseError = backoff.error(session.key)
    if (pauseError !== undefined) throw pauseError
    try {
      return (await this.refresh(current, connection)).session
    } catch (error) {
      if (error instanceof OAuthError && !isEnded(error)) backoff.start(session.key, error)
      if (!isEnded(error)) throw error
      const newer = await this.refreshedElsewhere(session)
      if (newer !== undefined) return newer
      await this.end(session)
      this.#deps.onEnded(req, session, error.hint ?? error.code)
      throw new OAuthError('login_required', { cause: error, hint: error.hint })
    }
  }

  async #save(
    session: OpenSession,
    tokens: Tokens,
    expiresAt: number | undefined,
  ): Promise<OpenSession> {
    const { sessionLock, state } = this.#deps
    state.unsaved.set(session.key, { tokens, expiresAt })
    const change = () => ({ accessTokenExpiresAt: expiresAt })
    const saved = await sessionLock.write(session, change, tokens)
    state.unsaved.delete(session.key)
    if (saved === undefined) throw grantEnded('the session ended while its tokens were refreshed')
    return saved
  }
}

function loginRequired(hint: string): OAuthError {
  return new OAuthError('login_required', { hint })
}
