import {
  type MembershipList,
  membershipLists,
  type Memberships,
  type WantedMemberships,
} from '../oauth/identity.js'
import type { Authorize } from './authorize.js'
import { concernsLists } from './lost-claims.js'
import { Policy } from './policy.js'
import type { Rules } from './rules.js'
import type { Loss } from './user.js'

/** Memberships to read from a provider. */
export type Wanted = Required<Memberships> & WantedMemberships

/** Rules that are evaluated together. */
export interface RuleSet {
  readonly policy: Policy
  readonly authorize: Authorize | undefined
  /** The memberships to read from the provider. */
  readonly memberships: Wanted
}

/** Report-only rules, for a provider that supports these membership lists. */
export function reportOnlyRules(
  { authorize, ...rules }: Rules & { readonly authorize?: Authorize | undefined },
  membershipLists: readonly MembershipList[] | undefined,
): RuleSet {
  const policy = new Policy(rules)
  return { policy, authorize, memberships: union([policy.memberships], membershipLists) }
}

/**
 * Whether something may be lost that these rules need. A session has only the memberships of its
 * own rules.
 */
export function mayLack({ policy, authorize, memberships }: RuleSet, lost: Loss): boolean {
  const needsClaims = authorize !== undefined || hasEntries(memberships)
  return (needsClaims && lost.parts.length > 0) || concernsLists(lost, policy.lists)
}

/**
 * All memberships of the sets, in the lists that the provider supports. With `isAll`, every other
 * one as well.
 */
export function union(
  sets: readonly Required<Memberships>[],
  supported: readonly MembershipList[] = [],
  isAll = false,
): Wanted {
  const entries = (list: MembershipList) =>
    supported.includes(list) ? [...new Set(sets.flatMap((set) => set[list]))].sort() : []
  return {
    organizations: entries('organizations'),
    teams: entries('teams'),
    groups: entries('groups'),
    ...(isAll && supported.length > 0 && { all: true }),
  }
}

/** Whether at least one membership is wanted. */
export function hasEntries(memberships: Wanted): boolean {
  return memberships.all === true || membershipLists.some((list) => memberships[list].length > 0)
}
