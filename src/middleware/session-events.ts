import type { Denial } from '../access/policy.js'
import type { OAuthUser } from '../access/user.js'
import type { Move } from '../binding/moves.js'
import { type CheckResult, SESSION_GONE } from '../flows/check-result.js'
import type { EventOrigin } from '../http/event-origin.js'
import type { AppRequest } from '../http/request.js'
import type { Logger } from '../options/options.js'
import { type EndKind, END_REASONS, type EndReason } from '../session/end-reasons.js'
import type { OpenSession } from '../session/sessions.js'
import { evaluatedRules, newDecisionId } from './error-reporter.js'
import type { MoveEvent, OAuthEvents, SessionEvent } from './event-types.js'
import type { Events } from './events.js'
import { abortSignals, type SignalState } from './session-signals.js'

/** The payload of an event about a session, which a request has caused. */
export function sessionEvent(session: OpenSession, origin: EventOrigin): SessionEvent {
  const user = session.user()
  return { user, provider: user.provider, sessionHandle: session.key, origin }
}

/**
 * Emits the result of a re-check, logs why it ended the session, and aborts the signals of a user
 * that it denied. `duration` is in milliseconds.
 */
export function emitCheck(
  { events, signals, logger }: { events: Events; signals: SignalState; logger: Logger },
  session: OpenSession,
  result: CheckResult,
  duration: number,
  origin: EventOrigin,
): void {
  if (result.outcome === 'denied') abortSignals(signals, session.key, 'denied')
  if (result.outcome === 'failed') {
    const { code, hint } = result.error
    const outcome = 'outcome' in result.error ? String(result.error.outcome) : 'failed'
    const { provider } = session.record.user
    logger.warn('a re-check failed, and the session is kept', { code, provider, hint, outcome })
    events.emit('recheck_failed', { ...sessionEvent(session, origin), outcome, code, hint })
    return
  }
  const { outcome } = result
  const latest = outcome === 'ended' ? session : result.session
  const hint = outcome === 'ended' ? result.hint : undefined
  if (hint !== undefined && result !== SESSION_GONE) {
    const { key: sessionHandle, record } = session
    const { provider } = record.user
    logger.warn('a session ended at a check', { reason: 'ended', provider, hint, sessionHandle })
  }
  events.emit('recheck', { ...sessionEvent(latest, origin), outcome, duration, hint })
}

/** Reports that a session is used with another browser or in another network. */
export function emitMove(
  { events, logger }: { events: Events; logger: Logger },
  session: OpenSession,
  { parts, from, to }: Move,
  action: MoveEvent['action'],
  req: AppRequest,
): void {
  const sessionHandle = session.key
  const { provider } = session.record.user
  const { families, networks } = from
  logger.info('a session moved', { sessionHandle, provider, parts: parts.join(', '), action })
  const event = { ...sessionEvent(session, events.originOf(req)), parts, to, action }
  events.emit('moved', { ...event, from: { families, networks } })
}

/** Reports the end of a session; `req` is the request that caused it, if one did. */
export function reportEnd(
  { events, logger }: { events: Events; logger: Logger },
  sessionHandle: string,
  reason: EndReason,
  req: AppRequest | undefined,
): void {
  const { event, hint }: EndKind = END_REASONS[reason]
  // The check logs why.
  if (reason !== 'ended') logger.info('a session ended', { reason, hint, sessionHandle })
  if (event === undefined) return
  const origin = req && events.originOf(req)
  if (event === 'expired') events.emit(event, { sessionHandle, origin })
  if (isRevoked(reason))
    events.emit('revoked', {
      sessionHandle,
      reason,
      origin,
      ...(reason === 'limit' && { limit: 'sessionsPerUser' }),
    })
}

function isRevoked(reason: EndReason): reason is OAuthEvents['revoked']['reason'] {
  const { event }: EndKind = END_REASONS[reason]
  return event === 'revoked'
}

/** Emits a denial by the report-only rules. */
export function emitReportOnlyDenial(
  events: Events,
  user: OAuthUser,
  denial: Denial,
  req: AppRequest,
): void {
  const { provider } = user
  const decisionId = newDecisionId()
  const { code } = denial
  events.emit('denied', {
    user,
    provider,
    code,
    ...evaluatedRules(denial),
    decisionId,
    isReportOnly: true,
    origin: events.originOf(req),
  })
}
