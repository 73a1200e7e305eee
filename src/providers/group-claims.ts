import { isObject } from '../http/json.js'
import { claimAt, claimStrings } from '../oauth/claim-paths.js'
import { isTrue } from '../oauth/claims.js'
import type { Claims, WantedMemberships } from '../oauth/identity.js'
import type { ProviderApi } from '../oauth/provider-api.js'
import { printable } from '../schema/suggestions.js'

/**
 * The groups in a claim. Warns the owner if it is missing, too large for the token, or of an
 * unusable shape.
 */
export function groupsIn({ warn }: ProviderApi, claims: Claims, path: string): readonly string[] {
  const value = claimAt(claims, path)
  const name = printable(path)
  if (value === undefined)
    warn(
      hasOverage(claims, path)
        ? `the provider left the claim ${name} out because it is too large (overage): rules on groups are not met. With Microsoft Entra ID, use the provider microsoft, which reads the groups from Graph`
        : `no claim ${name} in the claims of a user: rules on groups are not met. Add the scope that returns it, or set groupsClaim`,
    )
  const { strings, unusable } = claimStrings(value)
  if (unusable !== undefined)
    warn(
      `the claim ${name} is ${unusable}: rules on groups need an array of strings. Set groupsClaim to the path of one`,
    )
  return strings
}

/**
 * The wanted groups in a claim. `fold` returns what is compared. A claim that no rule needs may be
 * missing.
 */
export function wantedGroupsIn(
  api: ProviderApi,
  claims: Claims,
  path: string,
  wanted: WantedMemberships,
  fold = (group: string) => group,
): readonly string[] {
  const isNeeded = wanted.groups !== undefined && wanted.groups.length > 0
  if (!isNeeded && claimAt(claims, path) === undefined) return []
  return wantedOf(groupsIn(api, claims, path), wanted, fold)
}

/** Those of the groups that are wanted. */
export function wantedOf(
  groups: readonly string[],
  { groups: named = [], all }: WantedMemberships,
  fold = (group: string) => group,
): readonly string[] {
  const held = new Set(groups.map(fold))
  const namedOnes = new Set(named.map(fold))
  const others = all === true ? groups.filter((group) => !namedOnes.has(fold(group))) : []
  return [...named.filter((group) => held.has(fold(group))), ...others]
}

/**
 * Whether Entra left a claim out of the token because it has too many values. (OpenID Connect Core,
 * 5.6.2)
 * https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference#groups-overage-claim
 */
export function hasOverage(claims: Claims, path: string): boolean {
  const names = claims['_claim_names']
  const name = path.split('.', 1)[0] ?? ''
  return (isObject(names) && Object.hasOwn(names, name)) || isTrue(claims['hasgroups'])
}
