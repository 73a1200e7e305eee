import { OAuthError, ProviderError } from '../http/errors.js'
import type { TokenSet } from '../oauth/client.js'
import { IdTokenError } from '../oauth/id-token.js'
import type { Claims } from '../oauth/identity.js'
import type { Session } from '../session/session.js'
import type { OpenSession, Sessions, Tokens } from '../session/sessions.js'
import type { SessionLock } from '../session/session-lock.js'
import { subjectOf } from '../access/evaluate-user.js'
import type { Connection } from './connection.js'
import type { Backoff } from './backoff.js'

export interface TokenRefresherConfig {
  connections: ReadonlyMap<string, Connection>
  sessions: Sessions
  sessionLock: SessionLock
  pauses: Backoff
}

/** A session with the tokens that a refresh gave it, the claims of its new ID token, and all that the answer said. */
export interface Refreshed {
  readonly session: OpenSession
  readonly claims: Claims | undefined
  readonly answer: Claims
}

export interface TokenRefresher {
  /** Replaces the session's tokens. To be called with its lock held. */
  tokens(session: OpenSession, connection: Connection): Promise<Refreshed>
  /** Tokens that a failed write left behind come first. To be called with the lock held. */
  recover(session: OpenSession): Promise<OpenSession>
  /** The session with an access token that is valid: refreshed when it has run out. */
  withFreshToken(session: OpenSession): Promise<OpenSession>
}

/** A token that runs out on its way is no use. */
const EXPIRY_MARGIN = 5_000

export function createTokenRefresher({
  connections,
  sessions,
  sessionLock,
  pauses: backoff,
}: TokenRefresherConfig): TokenRefresher {
  /** Fresh tokens are in the store before anybody uses them: the old ones may be worth nothing now. */
  const save = async (
    session: OpenSession,
    tokens: Tokens,
    expiresAt: number | undefined,
  ): Promise<OpenSession> => {
    sessionLock.unsaved.set(session.key, { tokens, expiresAt })
    const saved = await sessionLock.write(
      session,
      () => ({ accessTokenExpiresAt: expiresAt }),
      tokens,
    )
    sessionLock.unsaved.delete(session.key)
    return saved ?? ended('the session ended while its tokens were refreshed')
  }

  const recover: TokenRefresher['recover'] = async (session) => {
    const lost = sessionLock.unsaved.get(session.key)
    return lost === undefined ? session : save(session, lost.tokens, lost.expiresAt)
  }

  const tokens: TokenRefresher['tokens'] = async (session, { client }) => {
    const old = sessions.tokens(session)
    if (old.refreshToken === undefined)
      return ended('the access token is no longer valid, and there is no refresh token')
    const merge = (fresh: Pick<TokenSet, 'accessToken' | 'refreshToken' | 'idToken'>): Tokens => ({
      accessToken: fresh.accessToken,
      refreshToken: fresh.refreshToken ?? old.refreshToken,
      idToken: fresh.idToken ?? old.idToken,
    })
    try {
      const fresh = await client.refresh(old.refreshToken, session.record.redirectUri, (answer) => {
        // The old refresh token may be spent now, whatever becomes of the rest of the answer.
        sessionLock.unsaved.set(session.key, { tokens: merge(answer), expiresAt: answer.expiresAt })
      })
      if (
        fresh.claims &&
        session.record.subject !== undefined &&
        subjectOf(fresh.claims) !== session.record.subject
      )
        ended('the refreshed ID token is about another user')
      return {
        session: await save(session, merge(fresh), fresh.expiresAt),
        claims: fresh.claims,
        answer: fresh.response,
      }
    } catch (error) {
      if (error instanceof IdTokenError) ended('the refreshed ID token cannot be believed', error)
      // Other processes know the old token only: tell them before they try it.
      if (sessionLock.unsaved.has(session.key) && !isEnd(error))
        await recover(session).catch(() => undefined)
      throw error
    }
  }

  const renew = async (locked: OpenSession, connection: Connection): Promise<OpenSession> => {
    const session = await recover(locked)
    if (!hasExpired(session.record)) return session
    if (sessions.tokens(session).refreshToken === undefined)
      throw new OAuthError('login_required', {
        hint: 'the access token has run out, and there is no refresh token',
      })
    const paused = backoff.error(session.key)
    if (paused !== undefined) throw paused
    try {
      return (await tokens(session, connection)).session
    } catch (error) {
      if (!isEnd(error)) {
        if (error instanceof OAuthError) backoff.start(session.key, error)
        throw error
      }
      const newer = await newerThan(session, sessions, sessionLock)
      if (newer !== undefined) return newer
      sessionLock.unsaved.delete(session.key)
      await sessions.destroy(session.key, 'ended')
      throw new OAuthError('login_required', { cause: error, hint: error.hint })
    }
  }

  return {
    tokens,
    recover,
    async withFreshToken(session) {
      const connection = connections.get(session.record.provider)
      if (connection === undefined)
        throw new OAuthError('login_required', { hint: 'the provider is no longer configured' })
      await sessionLock.settled(session.key)
      const current = await sessions.reload(session)
      if (current === undefined)
        throw new OAuthError('login_required', { hint: 'the session has ended' })
      if (!hasExpired(current.record) && !sessionLock.unsaved.has(session.key)) return current
      return sessionLock.run(`${session.key} token`, () =>
        sessionLock.withLock(current, async (locked) => {
          if (locked === undefined)
            throw new OAuthError('login_required', { hint: 'the session has ended' })
          return renew(locked, connection)
        }),
      )
    },
  }
}

export function hasExpired({ accessTokenExpiresAt }: Session): boolean {
  return accessTokenExpiresAt !== undefined && Date.now() >= accessTokenExpiresAt - EXPIRY_MARGIN
}

export function isEnd(error: unknown): error is ProviderError {
  return error instanceof ProviderError && error.outcome === 'ended'
}

/** Where no lock reaches it, another process may have refreshed with the same token: then the row has newer ones. */
export async function newerThan(
  session: OpenSession,
  sessions: Sessions,
  { unsaved }: SessionLock,
): Promise<OpenSession | undefined> {
  const current = await sessions.reload(session)
  return current !== undefined &&
    current.record.tokens !== session.record.tokens &&
    !unsaved.has(session.key)
    ? current
    : undefined
}

function ended(hint: string, cause?: unknown): never {
  throw new ProviderError('ended', 'login_required', { hint, cause })
}
