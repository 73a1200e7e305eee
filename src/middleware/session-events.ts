import type { Denial } from '../access/policy.js'
import type { OAuthUser } from '../access/user.js'
import { type CheckResult, SESSION_GONE } from '../flows/check-result.js'
import type { Logger } from '../options/options.js'
import type { OpenSession } from '../session/sessions.js'
import { newDecisionId } from './error-handler.js'
import type { SessionEvent } from './event-types.js'
import type { Events } from './events.js'
import { abortSignals, type SignalState } from './session-signals.js'

/** The payload of an event about a session. */
export function sessionEvent({ key, record }: OpenSession): SessionEvent {
  return { user: record.user, provider: record.provider, sessionHandle: key }
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
): void {
  if (result.outcome === 'denied') abortSignals(signals, session.key, 'denied')
  if (result.outcome === 'failed') {
    const { code, hint } = result.error
    const outcome = 'outcome' in result.error ? String(result.error.outcome) : 'failed'
    events.emit('recheck_failed', { ...sessionEvent(session), outcome, code, hint })
    return
  }
  const { outcome } = result
  const latest = outcome === 'ended' ? session : result.session
  const hint = outcome === 'ended' ? result.hint : undefined
  if (hint !== undefined && result !== SESSION_GONE)
    logger.warn('a session ended at a check', { provider: session.record.provider, hint })
  events.emit('recheck', { ...sessionEvent(latest), outcome, duration, hint })
}

/** Emits a denial by the report-only rules. */
export function emitReportOnlyDenial(
  events: Events,
  user: OAuthUser,
  { code, tried }: Denial,
): void {
  const { provider } = user
  const decisionId = newDecisionId()
  events.emit('denied', { user, provider, code, tried, decisionId, isReportOnly: true })
}
