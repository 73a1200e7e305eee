import type { IncomingMessage } from 'node:http'
import { OAuthError, ProviderError } from '../http/errors.js'
import type { Session } from '../session/session.js'
import type { OpenSession, Sessions } from '../session/sessions.js'
import type { StoredDecision } from '../access/user.js'
import type { SessionLock } from '../session/session-lock.js'
import type { UserEvaluation, UserEvaluator } from '../access/evaluate-user.js'
import type { Connection } from './connection.js'
import { Backoff } from './backoff.js'
import { createTokenRefresher, isEnd, newerThan } from './refresh-tokens.js'
import { type RunningCheck, createUserReader } from './reread-user.js'

/** What became of a check. */
export type CheckResult =
  | { readonly outcome: 'allowed'; readonly session: OpenSession }
  | {
      readonly outcome: 'denied'
      readonly session: OpenSession
      readonly evaluation: UserEvaluation | undefined
    }
  /** The grant or the row is gone: log in again. */
  | { readonly outcome: 'ended' }
  /** Nothing is known; the session stays. */
  | { readonly outcome: 'failed'; readonly error: OAuthError }

export interface RecheckConfig {
  connections: ReadonlyMap<string, Connection>
  evaluators: ReadonlyMap<string, UserEvaluator>
  sessions: Sessions
  sessionLock: SessionLock
  /** Milliseconds; 0: only at login, and when the rules have changed. */
  interval: number
  /** Milliseconds. */
  grace: number
  isEarly: boolean
  onChecked(session: OpenSession, result: CheckResult, duration: number): void
  onIdentified(evaluation: UserEvaluation): void
}

type CheckStatus = 'fresh' | 'early' | 'due' | 'denied'

export interface Recheck {
  /** Whether provider and client of the session are those of the configuration. */
  isOfThisClient(session: Session): boolean
  /** Whether the request has to wait for a check, or is refused by an earlier one. Compares times, and no more. */
  checkStatus(session: Session, now: number): CheckStatus
  /** The verdict that is in force. */
  decision(session: Session): StoredDecision | undefined
  /** Reads the user again and asks every rule; shared by all who ask for the same session. */
  check(session: OpenSession, req: IncomingMessage): Promise<CheckResult>
  /** Starts a check beside the request. */
  checkEarly(session: OpenSession, req: IncomingMessage): void
  /** These rules let the user in, though others refused since: the row is to be kept for longer than a refused one's. */
  clearDenial(session: OpenSession): void
  /** The session with an access token that is valid: refreshed when it has run out. */
  withFreshToken(session: OpenSession): Promise<OpenSession>
  /** Until when requests pass without a check that succeeds, in milliseconds. */
  graceEndsAt(session: Session): number
  /** When the next check is due, in milliseconds; `undefined` when none is. */
  checkDueAt(session: Session): number | undefined
}

/** A denied user may be let in again at any time, but a reload must not become a flood. */
const DENIED_PAUSE = 5_000
const EARLY_FROM_INTERVAL = 60_000
const MAX_VERDICTS = 2

export function createRecheck(config: RecheckConfig): Recheck {
  const { connections, evaluators, sessions, sessionLock, interval, grace, isEarly } = config
  const backoff = new Backoff()
  const refresh = createTokenRefresher({ connections, sessions, sessionLock, pauses: backoff })
  const reread = createUserReader({ sessions, refresh })
  const fingerprintOf = (session: Session) => evaluators.get(session.provider)?.fingerprint ?? ''
  const verdictOf = (session: Session): StoredDecision | undefined =>
    session.verdicts[fingerprintOf(session)]

  const need = (session: Session, now: number): CheckStatus => {
    const verdict = verdictOf(session)
    if (verdict === undefined) return 'due'
    const age = now - verdict.at
    // A clock that was set back must not put a check off.
    if (!verdict.allowed) return Math.abs(age) >= DENIED_PAUSE ? 'due' : 'denied'
    if (interval === 0) return 'fresh'
    if (age >= interval || age < -interval) return 'due'
    return isEarly && interval >= EARLY_FROM_INTERVAL && age >= interval * 0.8 ? 'early' : 'fresh'
  }

  const settle = async (
    { session, startedAt, scopes }: RunningCheck,
    evaluation: UserEvaluation | undefined,
  ): Promise<CheckResult> => {
    const { user = session.record.user, decision } = evaluation ?? {}
    const isAllowed = decision?.isAllowed === true
    const verdict: StoredDecision = {
      at: startedAt,
      allowed: isAllowed,
      matched: isAllowed ? decision.matched : undefined,
    }
    const written = await sessionLock.write(session, (session) => {
      // Where no lock reaches, another process may have asked later and answered sooner: what it found out stands.
      if ((verdictOf(session)?.at ?? 0) > startedAt) return undefined
      return {
        user,
        scopes,
        verdicts: latest(session.verdicts, fingerprintOf(session), verdict),
        deniedSince: isAllowed ? undefined : (session.deniedSince ?? startedAt),
      }
    })
    if (written === undefined) return { outcome: 'ended' }
    return verdictOf(written.record)?.allowed === true
      ? { outcome: 'allowed', session: written }
      : { outcome: 'denied', session: written, evaluation }
  }

  const run = async (
    session: OpenSession,
    req: IncomingMessage,
    isAgain = false,
  ): Promise<CheckResult> => {
    const connection = connections.get(session.record.provider)
    const evaluator = evaluators.get(session.record.provider)
    if (connection === undefined || evaluator === undefined) return { outcome: 'ended' }
    const check: RunningCheck = {
      session,
      req,
      connection,
      evaluator,
      startedAt: Date.now(),
      isRefreshed: false,
      scopes: session.record.scopes,
    }
    try {
      const evaluation = await reread(check)
      if (evaluation.user.key !== session.record.user.key)
        throw new ProviderError('ended', 'login_required', {
          hint: 'the provider now names another user',
        })
      config.onIdentified(evaluation)
      const result = await settle(check, evaluation)
      backoff.clear(session.key)
      return result
    } catch (error) {
      return settleFailure(check, error, isAgain)
    }
  }

  const settleFailure = async (
    check: RunningCheck,
    error: unknown,
    isAgain: boolean,
  ): Promise<CheckResult> => {
    if (!(error instanceof OAuthError)) throw error
    const { session, req } = check
    // The provider no longer shows what the rules ask for: a withdrawn permission.
    if (error instanceof ProviderError && error.outcome === 'denied')
      return settle(check, undefined)
    if (!isEnd(error)) {
      backoff.start(session.key, error)
      return { outcome: 'failed', error }
    }
    const newer = isAgain ? undefined : await newerThan(session, sessions, sessionLock)
    if (newer !== undefined) return run(newer, req, true)
    sessionLock.unsaved.delete(session.key)
    await sessions.destroy(session.key, 'ended')
    return { outcome: 'ended' }
  }

  /** For a while after the check was due, an outage does not lock out those who passed the last one. */
  const withGrace = async (session: OpenSession, result: CheckResult): Promise<CheckResult> => {
    if (
      result.outcome !== 'failed' ||
      !(result.error instanceof ProviderError) ||
      result.error.outcome !== 'down'
    )
      return result
    const verdict = verdictOf(session.record)
    const isWithin =
      interval > 0 &&
      verdict?.allowed === true &&
      Math.abs(Date.now() - verdict.at) < interval + grace
    if (!isWithin) return result
    // It may have ended while the provider kept us waiting.
    const current = await sessions.reload(session)
    return current === undefined ? { outcome: 'ended' } : { outcome: 'allowed', session: current }
  }

  // Only those who ask the same rules share an answer.
  const checkOnce = (session: OpenSession, req: IncomingMessage): Promise<CheckResult> =>
    sessionLock.run(`${session.key} ${fingerprintOf(session.record)}`, async () => {
      const startedAt = Date.now()
      const result = await sessionLock
        .withLock<CheckResult>(session, async (current) => {
          if (current === undefined) return { outcome: 'ended' }
          // Whoever held the lock before may have checked already.
          const isDone = verdictOf(current.record)?.at !== verdictOf(session.record)?.at
          const still = isDone ? need(current.record, Date.now()) : 'due'
          if (still === 'fresh') return { outcome: 'allowed', session: current }
          if (still === 'denied')
            return { outcome: 'denied', session: current, evaluation: undefined }
          return run(current, req)
        })
        .catch((error: unknown): CheckResult => {
          // The lock could not be had.
          if (error instanceof ProviderError) return { outcome: 'failed', error }
          throw error
        })
      config.onChecked(session, result, Date.now() - startedAt)
      return result
    })

  return {
    checkStatus: need,
    decision: verdictOf,
    isOfThisClient({ provider: name, clientId, issuer }) {
      const provider = connections.get(name)?.provider
      return (
        provider !== undefined &&
        clientId === provider.clientId &&
        issuer === (provider.issuer ?? '')
      )
    },
    async check(session, req) {
      const error = backoff.error(session.key)
      return withGrace(
        session,
        error === undefined ? await checkOnce(session, req) : { outcome: 'failed', error },
      )
    },
    checkEarly(session, req) {
      if (backoff.error(session.key) === undefined)
        sessionLock.inBackground(checkOnce(session, req))
    },
    clearDenial(session) {
      if (session.record.deniedSince === undefined) return
      sessionLock.inBackground(
        sessionLock.write(session, ({ deniedSince }) =>
          deniedSince === undefined ? undefined : { deniedSince: undefined },
        ),
      )
    },
    withFreshToken: refresh.withFreshToken,
    graceEndsAt(session) {
      const verdict = verdictOf(session)
      return interval === 0 || verdict === undefined
        ? Number.POSITIVE_INFINITY
        : verdict.at + interval + grace
    },
    checkDueAt(session) {
      const verdict = verdictOf(session)
      return interval === 0 || verdict === undefined ? undefined : verdict.at + interval
    },
  }
}

/** What a visitor is told when a check failed: the session stands, it only could not be checked. */
export function recheckUnavailable(error: OAuthError): OAuthError {
  if (
    ['misconfigured', 'internal', 'store_unavailable', 'recheck_unavailable'].includes(error.code)
  )
    return error
  return new OAuthError('recheck_unavailable', {
    cause: error,
    hint: error.hint,
    retryAfter: error.retryAfter,
  })
}

/** The verdict in force and the one before: two releases side by side must not send each other checking. */
function latest(
  verdicts: Session['verdicts'],
  fingerprint: string,
  verdict: StoredDecision,
): Record<string, StoredDecision> {
  const others = Object.entries(verdicts)
    .filter(([name]) => name !== fingerprint)
    .sort(([, a], [, b]) => b.at - a.at)
  return Object.fromEntries([[fingerprint, verdict] as const, ...others].slice(0, MAX_VERDICTS))
}
