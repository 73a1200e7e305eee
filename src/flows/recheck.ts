import type { IncomingMessage } from 'node:http'
import { OAuthError, ProviderError } from '../http/errors.js'
import type { Session } from '../session/session.js'
import type { LiveSession, Sessions } from '../session/sessions.js'
import type { StoredDecision } from '../access/user.js'
import type { Flights } from '../session/session-lock.js'
import type { UserEvaluation, UserEvaluator } from '../access/evaluate-user.js'
import type { Connection } from './login.js'
import { createPauses } from './backoff.js'
import { createRefresh, isEnd, newerThan } from './refresh-tokens.js'
import { type Check, createReread } from './reread-user.js'

/** What became of a check. */
export type CheckResult =
  | { readonly is: 'allowed'; readonly live: LiveSession }
  | {
      readonly is: 'denied'
      readonly live: LiveSession
      readonly identified: UserEvaluation | undefined
    }
  /** The grant or the row is gone: log in again. */
  | { readonly is: 'ended' }
  /** Nothing is known; the session stays. */
  | { readonly is: 'failed'; readonly error: OAuthError }

export interface RecheckConfig {
  connections: ReadonlyMap<string, Connection>
  evaluators: ReadonlyMap<string, UserEvaluator>
  sessions: Sessions
  flights: Flights
  /** Milliseconds; 0: only at login, and when the rules have changed. */
  interval: number
  /** Milliseconds. */
  grace: number
  isEarly: boolean
  onChecked(live: LiveSession, result: CheckResult, duration: number): void
  onIdentified(evaluation: UserEvaluation): void
}

type CheckNeed = 'none' | 'early' | 'now' | 'denied'

export interface Recheck {
  /** Whether provider and client of the session are those of the configuration. */
  knows(session: Session): boolean
  /** Whether the request has to wait for a check, or is refused by an earlier one. Compares times, and no more. */
  need(session: Session, now: number): CheckNeed
  /** The verdict that is in force. */
  verdict(session: Session): StoredDecision | undefined
  /** Reads the user again and asks every rule; shared by all who ask for the same session. */
  check(live: LiveSession, req: IncomingMessage): Promise<CheckResult>
  /** Starts a check beside the request. */
  checkEarly(live: LiveSession, req: IncomingMessage): void
  /** These rules let the user in, though others refused since: the row is to be kept for longer than a refused one's. */
  readmit(live: LiveSession): void
  /** The session with an access token that is valid: refreshed when it has run out. */
  withFreshToken(live: LiveSession): Promise<LiveSession>
  /** Until when requests pass without a check that succeeds, in milliseconds. */
  toleratedUntil(session: Session): number
  /** When the next check is due, in milliseconds; `undefined` when none is. */
  dueAt(session: Session): number | undefined
}

/** A denied user may be let in again at any time, but a reload must not become a flood. */
const DENIED_PAUSE = 5_000
const EARLY_FROM_INTERVAL = 60_000
const MAX_VERDICTS = 2

export function createRecheck(config: RecheckConfig): Recheck {
  const {
    connections,
    evaluators,
    sessions,
    flights,
    interval,
    grace,
    isEarly,
  } = config
  const pauses = createPauses()
  const refresh = createRefresh({ connections, sessions, flights, pauses })
  const reread = createReread({ sessions, refresh })
  const fingerprintOf = (session: Session) => evaluators.get(session.provider)?.fingerprint ?? ''
  const verdictOf = (session: Session): StoredDecision | undefined =>
    session.verdicts[fingerprintOf(session)]

  const need = (session: Session, now: number): CheckNeed => {
    const verdict = verdictOf(session)
    if (verdict === undefined) return 'now'
    const age = now - verdict.at
    // A clock that was set back must not put a check off.
    if (!verdict.allowed) return Math.abs(age) >= DENIED_PAUSE ? 'now' : 'denied'
    if (interval === 0) return 'none'
    if (age >= interval || age < -interval) return 'now'
    return isEarly && interval >= EARLY_FROM_INTERVAL && age >= interval * 0.8 ? 'early' : 'none'
  }

  const settle = async (
    { live, startedAt, scopes }: Check,
    evaluation: UserEvaluation | undefined,
  ): Promise<CheckResult> => {
    const { user = live.session.user, decision } = evaluation ?? {}
    const isAllowed = decision?.isAllowed === true
    const verdict: StoredDecision = {
      at: startedAt,
      allowed: isAllowed,
      matched: isAllowed ? decision.matched : undefined,
    }
    const written = await flights.write(live, (session) => {
      // Where no lock reaches, another process may have asked later and answered sooner: what it found out stands.
      if ((verdictOf(session)?.at ?? 0) > startedAt) return undefined
      return {
        user,
        scopes,
        verdicts: latest(session.verdicts, fingerprintOf(session), verdict),
        deniedSince: isAllowed ? undefined : (session.deniedSince ?? startedAt),
      }
    })
    if (written === undefined) return { is: 'ended' }
    return verdictOf(written.session)?.allowed === true
      ? { is: 'allowed', live: written }
      : { is: 'denied', live: written, identified: evaluation }
  }

  const run = async (
    live: LiveSession,
    req: IncomingMessage,
    isAgain = false,
  ): Promise<CheckResult> => {
    const connection = connections.get(live.session.provider)
    const evaluator = evaluators.get(live.session.provider)
    if (connection === undefined || evaluator === undefined) return { is: 'ended' }
    const check: Check = {
      live,
      req,
      connection,
      evaluator,
      startedAt: Date.now(),
      isRefreshed: false,
      scopes: live.session.scopes,
    }
    try {
      const evaluation = await reread(check)
      if (evaluation.user.key !== live.session.user.key)
        throw new ProviderError('ended', 'login_required', {
          hint: 'the provider now names another user',
        })
      config.onIdentified(evaluation)
      const result = await settle(check, evaluation)
      pauses.end(live.key)
      return result
    } catch (error) {
      return settleFailure(check, error, isAgain)
    }
  }

  const settleFailure = async (
    check: Check,
    error: unknown,
    isAgain: boolean,
  ): Promise<CheckResult> => {
    if (!(error instanceof OAuthError)) throw error
    const { live, req } = check
    // The provider no longer shows what the rules ask for: a withdrawn permission.
    if (error instanceof ProviderError && error.outcome === 'denied')
      return settle(check, undefined)
    if (!isEnd(error)) {
      pauses.begin(live.key, error)
      return { is: 'failed', error }
    }
    const newer = isAgain ? undefined : await newerThan(live, sessions, flights)
    if (newer !== undefined) return run(newer, req, true)
    flights.unsaved.delete(live.key)
    await sessions.destroy(live.key, 'ended')
    return { is: 'ended' }
  }

  /** For a while after the check was due, an outage does not lock out those who passed the last one. */
  const withGrace = async (live: LiveSession, result: CheckResult): Promise<CheckResult> => {
    if (
      result.is !== 'failed' ||
      !(result.error instanceof ProviderError) ||
      result.error.outcome !== 'down'
    )
      return result
    const verdict = verdictOf(live.session)
    const isWithin =
      interval > 0 &&
      verdict?.allowed === true &&
      Math.abs(Date.now() - verdict.at) < interval + grace
    if (!isWithin) return result
    // It may have ended while the provider kept us waiting.
    const current = await sessions.reload(live)
    return current === undefined ? { is: 'ended' } : { is: 'allowed', live: current }
  }

  // Only those who ask the same rules share an answer.
  const checkOnce = (live: LiveSession, req: IncomingMessage): Promise<CheckResult> =>
    flights.share(`${live.key} ${fingerprintOf(live.session)}`, async () => {
      const startedAt = Date.now()
      const result = await flights
        .locked<CheckResult>(live, async (current) => {
          if (current === undefined) return { is: 'ended' }
          // Whoever held the lock before may have checked already.
          const isDone = verdictOf(current.session)?.at !== verdictOf(live.session)?.at
          const still = isDone ? need(current.session, Date.now()) : 'now'
          if (still === 'none') return { is: 'allowed', live: current }
          if (still === 'denied') return { is: 'denied', live: current, identified: undefined }
          return run(current, req)
        })
        .catch((error: unknown): CheckResult => {
          // The lock could not be had.
          if (error instanceof ProviderError) return { is: 'failed', error }
          throw error
        })
      config.onChecked(live, result, Date.now() - startedAt)
      return result
    })

  return {
    need,
    verdict: verdictOf,
    knows({ provider: name, clientId, issuer }) {
      const provider = connections.get(name)?.provider
      return (
        provider !== undefined &&
        clientId === provider.clientId &&
        issuer === (provider.issuer ?? '')
      )
    },
    async check(live, req) {
      const error = pauses.reason(live.key)
      return withGrace(
        live,
        error === undefined ? await checkOnce(live, req) : { is: 'failed', error },
      )
    },
    checkEarly(live, req) {
      if (pauses.reason(live.key) === undefined) flights.beside(checkOnce(live, req))
    },
    readmit(live) {
      if (live.session.deniedSince === undefined) return
      flights.beside(
        flights.write(live, ({ deniedSince }) =>
          deniedSince === undefined ? undefined : { deniedSince: undefined },
        ),
      )
    },
    withFreshToken: refresh.withFreshToken,
    toleratedUntil(session) {
      const verdict = verdictOf(session)
      return interval === 0 || verdict === undefined
        ? Number.POSITIVE_INFINITY
        : verdict.at + interval + grace
    },
    dueAt(session) {
      const verdict = verdictOf(session)
      return interval === 0 || verdict === undefined ? undefined : verdict.at + interval
    },
  }
}

/** What a visitor is told when a check failed: the session stands, it only could not be checked. */
export function unchecked(error: OAuthError): OAuthError {
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
