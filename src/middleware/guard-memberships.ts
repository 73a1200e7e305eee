import { type MembershipList, membershipLists, type Memberships } from '../oauth/identity.js'
import type { Rules } from '../access/rules.js'

/** The organizations, teams and groups that guards of routes ask about, which the gate reads together with its own. */
export type GuardMemberships = Readonly<Record<MembershipList, Set<string>>>

export function createGuardMemberships(): GuardMemberships {
  return { organizations: new Set(), teams: new Set(), groups: new Set() }
}

/** Adds the lists of a guard. Returns whether the gate has to read more than before. */
export function addGuardRules(known: GuardMemberships, rules: Rules): boolean {
  const isNew = membershipLists.some((list) => rules[list]?.some((one) => !known[list].has(one)))
  for (const list of membershipLists) for (const one of rules[list] ?? []) known[list].add(one)
  return isNew
}

/** The entries of all guards, as arrays. */
export function membershipsOf(known: GuardMemberships): Required<Memberships> {
  return {
    organizations: [...known.organizations],
    teams: [...known.teams],
    groups: [...known.groups],
  }
}
