import type { IncomingMessage } from 'node:http'
import { parseMemberships } from '../oauth/run-hook.js'
import { isAuthorized } from './authorize.js'
import type { UserEvaluation, UserEvaluator } from './evaluate-user.js'
import { NO_LOSS } from './lost-claims.js'
import type { OAuthUser } from './user.js'

/** Evaluates every rule for a user who was not read from the provider, as in tests. */
export async function evaluateGivenUser(
  evaluator: UserEvaluator,
  given: OAuthUser,
  req: IncomingMessage,
): Promise<UserEvaluation> {
  const user = { ...given, ...namedMemberships(given, evaluator) }
  const { authorize, authorizeId } = evaluator
  const lists = evaluator.explain(user)
  const isDecidedByLists = !lists.isAllowed || authorize === undefined
  const isAllowed = isDecidedByLists || (await isAuthorized(authorize, user, req))
  return {
    user,
    decision: isAllowed ? lists : { isAllowed: false, code: 'not_authorized', tried: [] },
    decidedBy: isDecidedByLists ? undefined : authorizeId,
    isIncomplete: false,
    isInconclusive: false,
    loss: NO_LOSS,
    lost: NO_LOSS,
  }
}

/** The memberships that a rule names. Membership in a team counts for its organization. */
function namedMemberships({ organizations, teams, groups }: OAuthUser, evaluator: UserEvaluator) {
  const slugs = teams.map((team) => team.toLowerCase())
  const parents = slugs.filter((team) => team.includes('/')).map((team) => team.split('/')[0])
  const { incomplete: _, ...named } = parseMemberships(
    {
      organizations: [...organizations.map((name) => name.toLowerCase()), ...parents],
      teams: slugs,
      groups,
    },
    evaluator.memberships,
  )
  return named
}
