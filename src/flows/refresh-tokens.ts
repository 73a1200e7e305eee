import { OAuthError, ProviderError } from '../http/errors.js'
import type { TokenSet } from '../oauth/client.js'
import { IdTokenError } from '../oauth/id-token.js'
import type { Claims } from '../oauth/definition.js'
import type { Session } from '../session/session.js'
import type { LiveSession, Sessions, Tokens } from '../session/sessions.js'
import type { Flights } from '../session/session-lock.js'
import { subjectOf } from '../access/evaluate-user.js'
import type { Connection } from './login.js'
import type { Pauses } from './backoff.js'

export interface RefreshConfig {
  connections: ReadonlyMap<string, Connection>
  sessions: Sessions
  flights: Flights
  pauses: Pauses
}

/** A session with the tokens that a refresh gave it, the claims of its new ID token, and all that the answer said. */
export interface Refreshed {
  readonly live: LiveSession
  readonly claims: Claims | undefined
  readonly answer: Claims
}

export interface Refresh {
  /** Replaces the session's tokens. To be called with its lock held. */
  tokens(live: LiveSession, connection: Connection): Promise<Refreshed>
  /** Tokens that a failed write left behind come first. To be called with the lock held. */
  recover(live: LiveSession): Promise<LiveSession>
  /** The session with an access token that is valid: refreshed when it has run out. */
  withFreshToken(live: LiveSession): Promise<LiveSession>
}

/** A token that runs out on its way is no use. */
const EXPIRY_MARGIN = 5_000

export function createRefresh({ connections, sessions, flights, pauses }: RefreshConfig): Refresh {
  /** Fresh tokens are in the store before anybody uses them: the old ones may be worth nothing now. */
  const save = async (
    live: LiveSession,
    tokens: Tokens,
    expiresAt: number | undefined,
  ): Promise<LiveSession> => {
    flights.unsaved.set(live.key, { tokens, expiresAt })
    const saved = await flights.write(live, () => ({ accessTokenExpiresAt: expiresAt }), tokens)
    flights.unsaved.delete(live.key)
    return saved ?? ended('the session ended while its tokens were refreshed')
  }

  const recover: Refresh['recover'] = async (live) => {
    const lost = flights.unsaved.get(live.key)
    return lost === undefined ? live : save(live, lost.tokens, lost.expiresAt)
  }

  const tokens: Refresh['tokens'] = async (live, { client }) => {
    const old = sessions.tokens(live)
    if (old.refreshToken === undefined)
      return ended('the access token is no longer valid, and there is no refresh token')
    const merge = (fresh: Pick<TokenSet, 'accessToken' | 'refreshToken' | 'idToken'>): Tokens => ({
      accessToken: fresh.accessToken,
      refreshToken: fresh.refreshToken ?? old.refreshToken,
      idToken: fresh.idToken ?? old.idToken,
    })
    try {
      const fresh = await client.refresh(old.refreshToken, live.session.redirectUri, (answer) => {
        // The old refresh token may be spent now, whatever becomes of the rest of the answer.
        flights.unsaved.set(live.key, { tokens: merge(answer), expiresAt: answer.expiresAt })
      })
      if (
        fresh.claims &&
        live.session.subject !== undefined &&
        subjectOf(fresh.claims) !== live.session.subject
      )
        ended('the refreshed ID token is about another user')
      return {
        live: await save(live, merge(fresh), fresh.expiresAt),
        claims: fresh.claims,
        answer: fresh.response,
      }
    } catch (error) {
      if (error instanceof IdTokenError) ended('the refreshed ID token cannot be believed', error)
      // Other processes know the old token only: tell them before they try it.
      if (flights.unsaved.has(live.key) && !isEnd(error)) await recover(live).catch(() => undefined)
      throw error
    }
  }

  const renew = async (locked: LiveSession, connection: Connection): Promise<LiveSession> => {
    const live = await recover(locked)
    if (!hasExpired(live.session)) return live
    if (sessions.tokens(live).refreshToken === undefined)
      throw new OAuthError('login_required', {
        hint: 'the access token has run out, and there is no refresh token',
      })
    const paused = pauses.reason(live.key)
    if (paused !== undefined) throw paused
    try {
      return (await tokens(live, connection)).live
    } catch (error) {
      if (!isEnd(error)) {
        if (error instanceof OAuthError) pauses.begin(live.key, error)
        throw error
      }
      const newer = await newerThan(live, sessions, flights)
      if (newer !== undefined) return newer
      flights.unsaved.delete(live.key)
      await sessions.destroy(live.key, 'ended')
      throw new OAuthError('login_required', { cause: error, hint: error.hint })
    }
  }

  return {
    tokens,
    recover,
    async withFreshToken(live) {
      const connection = connections.get(live.session.provider)
      if (connection === undefined)
        throw new OAuthError('login_required', { hint: 'the provider is no longer configured' })
      await flights.settled(live.key)
      const current = await sessions.reload(live)
      if (current === undefined)
        throw new OAuthError('login_required', { hint: 'the session has ended' })
      if (!hasExpired(current.session) && !flights.unsaved.has(live.key)) return current
      return flights.share(`${live.key} token`, () =>
        flights.locked(current, async (locked) => {
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
  live: LiveSession,
  sessions: Sessions,
  { unsaved }: Flights,
): Promise<LiveSession | undefined> {
  const current = await sessions.reload(live)
  return current !== undefined &&
    current.session.tokens !== live.session.tokens &&
    !unsaved.has(live.key)
    ? current
    : undefined
}

function ended(hint: string, cause?: unknown): never {
  throw new ProviderError('ended', 'login_required', { hint, cause })
}
