import type { Denial } from '../access/policy.js'
import type { OAuthUser } from '../access/user.js'
import type { CheckResult } from '../flows/check-result.js'
import type { OpenSession } from '../session/sessions.js'
import { newDecisionId } from './error-handler.js'
import type { SessionEvent } from './event-types.js'
import type { Events } from './events.js'
import { abortSignals, type SignalState } from './session-signals.js'

/** The payload of an event about a session. */
export function sessionEvent({ key, record }: OpenSession): SessionEvent {
  return { user: record.user, provider: record.provider, sessionHandle: key }
}

/** Emits the result of a re-check, and aborts the signals of a user whom it denied. `duration` is in milliseconds. */
export function emitCheck(
  events: Events,
  signals: SignalState,
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
  const latest = result.outcome === 'ended' ? session : result.session
  events.emit('recheck', { ...sessionEvent(latest), outcome: result.outcome, duration })
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
