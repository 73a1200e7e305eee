import type { IncomingMessage } from 'node:http'
import { LRUCache } from 'lru-cache'
import { OAuthError, ProviderFault } from '../errors.js'
import type { Claims, IdentitySource } from '../oauth/provider.js'
import type { TokenSet } from '../oauth/client.js'
import type { Session } from '../session/session.js'
import type { LiveSession, Sessions, Tokens } from '../session/sessions.js'
import type { Refusal } from '../policy.js'
import type { OAuthUser, Verdict } from '../user.js'
import { type Identified, type Identifier, subjectOf } from './identify.js'
import type { Connection } from './login.js'
import type { Flights } from './flights.js'

/** What became of a check. */
export type CheckResult =
  | { readonly is: 'allowed'; readonly live: LiveSession }
  | { readonly is: 'denied'; readonly live: LiveSession; readonly identified: Identified | undefined }
  /** The grant or the row is gone: log in again. */
  | { readonly is: 'ended' }
  /** Nothing is known; the session stays. */
  | { readonly is: 'failed'; readonly error: OAuthError }

export interface RecheckConfig {
  connections: ReadonlyMap<string, Connection>
  identifiers: ReadonlyMap<string, Identifier>
  sessions: Sessions
  flights: Flights
  /** Milliseconds; 0: only at login, and when the rules have changed. */
  interval: number
  /** Milliseconds. */
  grace: number
  isEarly: boolean
  onChecked(live: LiveSession, result: CheckResult, duration: number): void
  /** The rules on trial would have refused this user. */
  onTrial(user: OAuthUser, decision: Refusal): void
}

export type CheckNeed = 'none' | 'early' | 'now' | 'denied'

export interface Recheck {
  /** Whether the request has to wait for a check, or is refused by an earlier one. Compares times, and no more. */
  need(session: Session, now: number): CheckNeed
  /** The verdict that is in force. */
  verdict(session: Session): Verdict | undefined
  /** Reads the user again and asks every rule; shared by all who ask for the same session. */
  check(live: LiveSession, req: IncomingMessage): Promise<CheckResult>
  /** Starts a check beside the request. */
  checkEarly(live: LiveSession, req: IncomingMessage): void
  /** The session with an access token that is valid: refreshed when it has run out. */
  withFreshToken(live: LiveSession): Promise<LiveSession>
  /** When the next check is due, in milliseconds; `undefined` when none is. */
  dueAt(session: Session): number | undefined
}

/** A denied user may be let in again at any time, but a reload must not become a flood. */
const DENIED_PAUSE = 5_000
/** After a failure the provider is left alone for this session for so long. */
const FAILURE_PAUSE = 5_000
const EARLY_FROM_INTERVAL = 60_000
/** A token that runs out on its way is no use. */
const EXPIRY_MARGIN = 5_000
const MAX_VERDICTS = 2
const MAX_WRITE_TRIES = 5

export function createRecheck(config: RecheckConfig): Recheck {
  const { connections, identifiers, sessions, flights, interval, grace, isEarly } = config
  const failures = new LRUCache<string, { until: number; error: OAuthError }>({ max: 10_000 })
  const fingerprintOf = (session: Session) => identifiers.get(session.provider)?.fingerprint ?? ''
  const verdictOf = (session: Session): Verdict | undefined => session.verdicts[fingerprintOf(session)]

  const need = (session: Session, now: number): CheckNeed => {
    const verdict = verdictOf(session)
    if (verdict === undefined) return 'now'
    if (!verdict.allowed) return now - verdict.at >= DENIED_PAUSE ? 'now' : 'denied'
    if (interval === 0) return 'none'
    const age = now - verdict.at
    // A clock that was set back must not put the check off.
    if (age >= interval || age < -interval) return 'now'
    return isEarly && interval >= EARLY_FROM_INTERVAL && age >= interval * 0.8 ? 'early' : 'none'
  }

  /** Fresh tokens are in the store before anybody uses them: the old ones may be worth nothing now. */
  const saveTokens = async (live: LiveSession, tokens: Tokens, expiresAt: number | undefined): Promise<LiveSession | undefined> => {
    flights.unsaved.set(live.key, { tokens, expiresAt })
    const saved = await write(live, { accessTokenExpiresAt: expiresAt }, tokens)
    flights.unsaved.delete(live.key)
    return saved
  }

  /** Writes over what others wrote meanwhile, never over a deletion. */
  const write = async (live: LiveSession, changes: Partial<Session>, tokens?: Tokens): Promise<LiveSession | undefined> => {
    let current: LiveSession | undefined = live
    for (let attempt = 0; current !== undefined && attempt < MAX_WRITE_TRIES; attempt++) {
      const written = await sessions.update(current, changes, tokens)
      if (written !== undefined) return written
      current = await sessions.reload(current)
    }
    if (current === undefined) return undefined
    throw new OAuthError('store_unavailable', { hint: 'the session changes all the time' })
  }

  const refresh = async (live: LiveSession, tokens: Tokens, connection: Connection): Promise<{ live: LiveSession; tokens: Tokens; claims: Claims | undefined }> => {
    if (tokens.refreshToken === undefined) throw new ProviderFault('ended', 'login_required', { hint: 'the access token is no longer valid, and there is no refresh token' })
    const { redirectUri } = live.session
    const fresh: TokenSet = await connection.client.refresh(tokens.refreshToken, redirectUri)
    if (fresh.claims && subjectOf(fresh.claims) !== live.session.subject) throw new ProviderFault('ended', 'login_required', { hint: 'the refreshed ID token is about another user' })
    const merged: Tokens = {
      accessToken: fresh.accessToken,
      refreshToken: fresh.refreshToken ?? tokens.refreshToken,
      idToken: fresh.idToken ?? tokens.idToken,
    }
    const saved = await saveTokens(live, merged, fresh.expiresAt)
    if (saved === undefined) throw new ProviderFault('ended', 'login_required', { hint: 'the session ended while its tokens were refreshed' })
    return { live: saved, tokens: merged, claims: fresh.claims }
  }

  /** Tokens that a write lost are still here: they come first. */
  const recover = async (live: LiveSession): Promise<LiveSession> => {
    const lost = flights.unsaved.get(live.key)
    if (lost === undefined) return live
    const saved = await saveTokens(live, lost.tokens, lost.expiresAt)
    if (saved === undefined) throw new ProviderFault('ended', 'login_required', { hint: 'the session is gone' })
    return saved
  }

  /** Whoever held the lock before may have refreshed already. */
  const freshen = async (live: LiveSession | undefined, connection: Connection): Promise<LiveSession> => {
    if (live === undefined) throw new OAuthError('login_required')
    const recovered = await recover(live)
    return hasExpired(recovered.session) ? (await refresh(recovered, sessions.tokens(recovered), connection)).live : recovered
  }

  const readUser = async (start: LiveSession, req: IncomingMessage, connection: Connection, identifier: Identifier) => {
    let live = await recover(start)
    let tokens = sessions.tokens(live)
    let claims: Claims | undefined
    let isRefreshed = false
    const renew = async () => {
      ;({ live, tokens, claims } = await refresh(live, tokens, connection))
      isRefreshed = true
    }
    if (tokens.accessToken === '' || hasExpired(live.session)) await renew()
    const identify = () => {
      const source: IdentitySource = connection.client.source({
        accessToken: tokens.accessToken,
        claims: claims ?? live.session.boundClaims,
        hasFreshClaims: claims !== undefined,
        scopes: live.session.scopes,
        subject: live.session.subject,
        tokens: {},
      })
      return identifier.identify(source, req)
    }
    try {
      return { live, identified: await identify() }
    } catch (error) {
      if (!(error instanceof ProviderFault) || error.outcome !== 'ended' || isRefreshed || tokens.refreshToken === undefined) throw error
      await renew()
      const identified = await identify()
      return { live, identified }
    }
  }

  const judge = async (live: LiveSession, identified: Identified): Promise<CheckResult> => {
    const { session } = live
    if (identified.user.key !== session.user.key) throw new ProviderFault('ended', 'login_required', { hint: 'the provider now names another user' })
    const isAllowed = identified.decision.isAllowed
    if (identified.trial?.isAllowed === false) config.onTrial(identified.user, identified.trial)
    const now = Date.now()
    const verdict: Verdict = { at: now, allowed: isAllowed, matched: identified.decision.isAllowed ? identified.decision.matched : undefined }
    const written = await write(live, {
      user: identified.user,
      verdicts: latest(session.verdicts, fingerprintOf(session), verdict),
      deniedSince: isAllowed ? undefined : (session.deniedSince ?? now),
    })
    if (written === undefined) return { is: 'ended' }
    return isAllowed ? { is: 'allowed', live: written } : { is: 'denied', live: written, identified }
  }

  const run = async (live: LiveSession, req: IncomingMessage): Promise<CheckResult> => {
    const connection = connections.get(live.session.provider)
    const identifier = identifiers.get(live.session.provider)
    if (connection === undefined || identifier === undefined) return { is: 'ended' }
    try {
      const read = await readUser(live, req, connection, identifier)
      const result = await judge(read.live, read.identified)
      failures.delete(live.key)
      return result
    } catch (error) {
      return settleFailure(live, error, req)
    }
  }

  const settleFailure = async (live: LiveSession, error: unknown, req: IncomingMessage): Promise<CheckResult> => {
    if (!(error instanceof OAuthError)) throw error
    const outcome = error instanceof ProviderFault ? error.outcome : undefined
    if (outcome === 'denied') return deny(live)
    if (outcome !== 'ended') {
      failures.set(live.key, { until: Date.now() + FAILURE_PAUSE, error })
      return { is: 'failed', error }
    }
    // Where no lock reaches it, another process may have refreshed with the same token: then the row has newer ones.
    const current = await sessions.reload(live)
    if (current !== undefined && current.session.tokens !== live.session.tokens && !flights.unsaved.has(live.key)) return run(current, req)
    flights.unsaved.delete(live.key)
    await sessions.destroy(live.key, 'ended')
    return { is: 'ended' }
  }

  /** The provider no longer shows what the rules ask for: a withdrawn permission. */
  const deny = async (live: LiveSession): Promise<CheckResult> => {
    const now = Date.now()
    const verdicts = latest(live.session.verdicts, fingerprintOf(live.session), { at: now, allowed: false })
    const written = await write(live, { verdicts, deniedSince: live.session.deniedSince ?? now })
    return written === undefined ? { is: 'ended' } : { is: 'denied', live: written, identified: undefined }
  }

  /** For a while after the check was due, an outage does not lock out those who passed the last one. */
  const withGrace = (live: LiveSession, result: CheckResult): CheckResult => {
    if (result.is !== 'failed' || !(result.error instanceof ProviderFault) || result.error.outcome !== 'down') return result
    const verdict = verdictOf(live.session)
    const isWithin = verdict?.allowed === true && Date.now() < verdict.at + interval + grace && interval > 0
    return isWithin ? { is: 'allowed', live } : result
  }

  const checkOnce = (live: LiveSession, req: IncomingMessage): Promise<CheckResult> =>
    flights.share(live.key, async () => {
      const startedAt = Date.now()
      const result = await flights.locked<CheckResult>(live, async (current) => {
        // Whoever held the lock before may have checked already.
        if (current === undefined) return { is: 'ended' }
        const isDone = current !== live && verdictOf(current.session)?.at !== verdictOf(live.session)?.at
        if (isDone && need(current.session, Date.now()) === 'none') return { is: 'allowed', live: current }
        if (isDone && need(current.session, Date.now()) === 'denied') return { is: 'denied', live: current, identified: undefined }
        return run(current, req)
      })
      config.onChecked(live, result, Date.now() - startedAt)
      return result
    })

  return {
    need,
    verdict: verdictOf,
    async check(live, req) {
      const failed = failures.get(live.key)
      if (failed !== undefined && Date.now() < failed.until) return withGrace(live, { is: 'failed', error: failed.error })
      return withGrace(live, await checkOnce(live, req))
    },
    checkEarly(live, req) {
      const failed = failures.get(live.key)
      if (failed === undefined || Date.now() >= failed.until) flights.beside(checkOnce(live, req))
    },
    async withFreshToken(live) {
      const connection = connections.get(live.session.provider)
      if (connection === undefined) throw new OAuthError('login_required')
      await flights.settled(live.key)
      const current = (await sessions.reload(live)) ?? live
      if (!hasExpired(current.session)) return current
      return flights
        .share(`${live.key} token`, () => flights.locked(current, (locked) => freshen(locked, connection)))
        .catch(async (error: unknown) => {
          if (!(error instanceof ProviderFault) || error.outcome !== 'ended') throw error
          await sessions.destroy(live.key, 'ended')
          throw new OAuthError('login_required', { cause: error, hint: error.hint })
        })
    },
    dueAt(session) {
      const verdict = verdictOf(session)
      return interval === 0 || verdict === undefined ? undefined : verdict.at + interval
    },
  }
}

function hasExpired({ accessTokenExpiresAt }: Session): boolean {
  return accessTokenExpiresAt !== undefined && Date.now() >= accessTokenExpiresAt - EXPIRY_MARGIN
}

/** The verdict in force and the one before: two releases side by side must not send each other checking. */
function latest(verdicts: Session['verdicts'], fingerprint: string, verdict: Verdict): Record<string, Verdict> {
  const others = Object.entries(verdicts).filter(([name]) => name !== fingerprint).sort(([, a], [, b]) => b.at - a.at)
  return Object.fromEntries([[fingerprint, verdict] as const, ...others].slice(0, MAX_VERDICTS))
}
