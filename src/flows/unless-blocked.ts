import type { UserEvaluation } from '../access/evaluate-user.js'
import type { Denial } from '../access/policy.js'
import type { BlockedUsers } from '../session/blocked-users.js'

/** The decision on a blocked user, whatever the rules say. */
export const BLOCKED: Denial = {
  isAllowed: false,
  code: 'not_authorized',
  tried: [],
  hint: 'the user is blocked: users.unblock() lets the user sign in again',
}

/** The evaluation, or a denial if the user is blocked. */
export async function unlessBlocked<Evaluation extends Pick<UserEvaluation, 'user' | 'decision'>>(
  evaluation: Evaluation,
  blockedUsers: BlockedUsers,
): Promise<Evaluation> {
  const { user, decision } = evaluation
  if (!decision.isAllowed || !(await blockedUsers.has(user.key))) return evaluation
  return { ...evaluation, decision: BLOCKED }
}
