import { isObject } from '../http/json.js'
import { asString } from '../oauth/claims.js'
import { ProviderError } from '../http/errors.js'
import type { Identity, MembershipResult, WantedMemberships } from '../oauth/identity.js'
import type { ProviderApi } from '../oauth/provider-api.js'
import { strings } from '../schema/types.js'
import { hasOverage, wantedGroupsIn, wantedOf } from './group-claims.js'

const OBJECT_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** The option `groups` of the provider `microsoft`. */
export const objectIds = strings({
  check: (item) =>
    OBJECT_ID.test(item)
      ? undefined
      : 'has an entry that is not an object ID: copy it from the group in the Entra admin center',
  normalize: (item) => item.toLowerCase(),
})
  .rejectUndefined()
  .describe('Object IDs of groups whose members may pass.')

/** The groups of the token; from Graph if there are more than a token can contain. */
export async function memberships(
  api: ProviderApi,
  wanted: WantedMemberships,
  { claims }: Identity,
): Promise<MembershipResult> {
  const fold = (id: string) => id.toLowerCase()
  if (!hasOverage(claims, 'groups'))
    return { groups: wantedGroupsIn(api, claims, 'groups', wanted, fold) }
  const { ids, failure } = await readGroups(api)
  return { groups: wantedOf(ids, wanted, fold), incomplete: failure }
}

/** https://learn.microsoft.com/graph/api/user-list-transitivememberof */
async function readGroups({ apiList }: ProviderApi) {
  const ids: string[] = []
  try {
    const entries = await apiList('/me/transitiveMemberOf?$select=id&$top=999', (page) =>
      ids.push(...page.filter(isObject).flatMap(({ id }) => asString(id) ?? [])),
    )
    // Beyond the page limit, an incomplete list must not decide.
    return { ids: entries === undefined ? [] : ids, failure: undefined }
  } catch (failure) {
    if (failure instanceof ProviderError && failure.outcome === 'denied') throw failure
    return { ids, failure }
  }
}
