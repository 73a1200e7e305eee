import type { UserEvaluation } from '../access/evaluate-user.js'
import { addLoss, NO_LOSS, stillLost } from '../access/lost-claims.js'
import type { Loss, StoredDecision } from '../access/user.js'
import type { OpenSession } from '../session/sessions.js'

/** When sessions are checked again. */
export interface CheckTiming {
  /** 0: only at login, and after the rules have changed. */
  readonly intervalMs: number
  /** How long after the due time requests of an allowed session pass while the provider is down. */
  readonly graceMs: number
  /** Whether a check may start in the background before it is due. */
  readonly isEarly: boolean
}

/**
 * What a request of a session requires: `fresh`, no check; `early`, a check in the background;
 * `due`, a check that the request waits for; `authorize`, a call of `authorize` on the stored user,
 * because another process or function decided; `denied`, no check, because the rules denied the
 * user a moment ago.
 */
export type CheckStatus = 'fresh' | 'early' | 'due' | 'authorize' | 'denied'

/**
 * A denied user may be allowed again at any time, but reloading the page must not flood the
 * provider.
 */
const DENIED_PAUSE_MS = 5_000
/** What could not be read is read again, in the background: guards of routes may need it. */
const INCOMPLETE_PAUSE_MS = 30_000
const MIN_EARLY_INTERVAL_MS = 60_000
const EARLY_FROM = 0.8
/**
 * Two, so that two releases with different rules can share sessions without checking them at each
 * request.
 */
const MAX_STORED_DECISIONS = 2

/**
 * The status of a session at `now`. Called for every request of a session, so it only compares
 * times.
 */
export function checkStatus(
  decision: StoredDecision | undefined,
  { intervalMs, isEarly }: CheckTiming,
  now: number,
): CheckStatus {
  if (decision === undefined) return 'due'
  const age = now - decision.at
  // A clock that was set back must not postpone a check.
  if (!decision.allowed) return Math.abs(age) >= DENIED_PAUSE_MS ? 'due' : 'denied'
  if (intervalMs > 0 && (age >= intervalMs || age < -intervalMs)) return 'due'
  if (decision.incomplete === true && isEarly && age >= INCOMPLETE_PAUSE_MS) return 'early'
  if (intervalMs === 0) return 'fresh'
  return isEarly && intervalMs >= MIN_EARLY_INTERVAL_MS && age >= intervalMs * EARLY_FROM
    ? 'early'
    : 'fresh'
}

/** When the next check is due, in milliseconds; `undefined` if none is. */
export function checkDueAt(
  decision: StoredDecision | undefined,
  { intervalMs }: CheckTiming,
): number | undefined {
  return intervalMs === 0 || decision === undefined ? undefined : decision.at + intervalMs
}

/** When requests stop passing without a successful check, in milliseconds. */
export function graceEndsAt(decision: StoredDecision | undefined, timing: CheckTiming): number {
  const dueAt = checkDueAt(decision, timing)
  return dueAt === undefined ? Number.POSITIVE_INFINITY : dueAt + timing.graceMs
}

/** Whether requests of the session pass with its old decision while the provider is down. */
export function isWithinGrace(
  decision: StoredDecision | undefined,
  { intervalMs, graceMs }: CheckTiming,
  now: number,
): boolean {
  return (
    intervalMs > 0 &&
    decision?.allowed === true &&
    Math.abs(now - decision.at) < intervalMs + graceMs
  )
}

/**
 * A decision as it is stored. Without an evaluation, the provider no longer shows what the rules
 * need.
 */
export function storedDecision(
  at: number,
  evaluation: Pick<UserEvaluation, 'decision' | 'decidedBy' | 'isIncomplete' | 'lost'> | undefined,
): StoredDecision {
  const { decision, decidedBy, isIncomplete, lost } = evaluation ?? {}
  const loss = lost !== undefined && lost.parts.length > 0 && { lost }
  if (decision?.isAllowed !== true) return { at, allowed: false, decidedBy, ...loss }
  return {
    at,
    allowed: true,
    decidedBy,
    matched: decision.matched,
    ...(decision.matches && { matches: decision.matches }),
    ...(isIncomplete && { incomplete: true as const }),
    ...loss,
  }
}

/** What the user of a session lacks since its login. */
export function lostSinceLogin(session: OpenSession): Loss {
  const lost = Object.values(session.record.verdicts).flatMap((decision) => decision.lost ?? [])
  // Claims are encrypted: read them only if there was a loss.
  return lost.length === 0 ? NO_LOSS : stillLost(lost.reduce(addLoss), session.claims())
}

/** The decisions by fingerprint of the rules: the new one, and the latest of the others. */
export function withDecision(
  decisions: Readonly<Record<string, StoredDecision>>,
  fingerprint: string,
  decision: StoredDecision,
): Record<string, StoredDecision> {
  const others = Object.entries(decisions)
    .filter(([name]) => name !== fingerprint)
    .sort(([, a], [, b]) => b.at - a.at)
  return Object.fromEntries(
    [[fingerprint, decision] as const, ...others].slice(0, MAX_STORED_DECISIONS),
  )
}
