import type { Identity, MembershipResult, Memberships, WantedMemberships } from './identity.js'
import type { ProviderApi } from './provider-api.js'

/** The hook `memberships` of a provider. */
export type MembershipsHook = (
  api: ProviderApi,
  wanted: WantedMemberships,
  identity: Identity,
  isEnough: (memberships: Memberships) => boolean,
) => Promise<MembershipResult>
