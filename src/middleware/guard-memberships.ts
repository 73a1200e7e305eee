import { type MembershipList, membershipLists, type Memberships } from '../oauth/identity.js'
import { type Rules, ruleSets } from '../access/rules.js'

/**
 * The organizations, teams and groups that guards name. The gate reads them together with those of
 * its own rules.
 */
export type GuardMemberships = Readonly<Record<MembershipList, Set<string>>>

/** Empty state for the memberships of guards. */
export function createGuardMemberships(): GuardMemberships {
  return { organizations: new Set(), teams: new Set(), groups: new Set() }
}

/** Adds the lists of a guard. Returns whether the gate has to read more than before. */
export function addGuardRules(known: GuardMemberships, rules: Rules): boolean {
  const named = ruleSets(rules).flatMap(({ set }) =>
    membershipLists.flatMap((list) => (set[list] ?? []).map((entry) => ({ list, entry }))),
  )
  const isNew = named.some(({ list, entry }) => !known[list].has(entry))
  for (const { list, entry } of named) known[list].add(entry)
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
