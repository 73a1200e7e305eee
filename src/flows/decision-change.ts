import type { StoredDecision, UserProfile } from '../access/user.js'
import type { Session } from '../session/session.js'
import type { SessionDecisions } from './session-decisions.js'

/** What is known when a check starts. */
export interface CheckStart {
  /** Milliseconds. */
  readonly startedAt: number
  /** The request of a signal that the check answers. */
  readonly checkRequestedAt: number | undefined
}

/** What a check has found. */
export interface CheckedUser {
  readonly user: UserProfile
  readonly scopes: readonly string[]
  readonly decision: StoredDecision
}

/** How a check changes the session as it is stored when the check ends; `undefined`: not at all. */
export function decisionChange(
  decisions: SessionDecisions,
  { user, scopes, decision }: CheckedUser,
  { startedAt, checkRequestedAt }: CheckStart,
): (record: Session) => Partial<Session> | undefined {
  return (record) => {
    // Without a lock across processes, a check that started later may have finished first: keep its
    // decision.
    if ((decisions.ofRules(record)?.at ?? 0) > startedAt) return undefined
    // A signal that arrived since this check started requires another one.
    const isAnswered =
      checkRequestedAt !== undefined && record.checkRequestedAt === checkRequestedAt
    // What other rules have decided is in doubt as well.
    const base = isAnswered ? { ...record, verdicts: {} } : record
    return {
      user,
      scopes,
      verdicts: decisions.withDecision(base, decision),
      ...(isAnswered && { checkRequestedAt: undefined }),
      deniedSince: decision.allowed ? undefined : (record.deniedSince ?? startedAt),
    }
  }
}
