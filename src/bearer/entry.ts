import type { EvaluatedProvider, Provider } from '../access/provider.js'
import { rulesOf } from '../access/rules.js'
import { identityFromClaims, isTrue } from '../oauth/claims.js'
import type { ProviderApi } from '../oauth/provider-api.js'
import type { Claims, Identity } from '../oauth/identity.js'
import { wantedGroupsIn } from '../providers/group-claims.js'
import type { BearerIssuerConfig } from './fields.js'
import type { IntrospectionConfig } from './introspection.js'
import { hasTenants, isGoogle } from './issuers.js'
import { tokenIdentity, userIdOf } from './token-claims.js'

/** The users of an entry of `bearer.issuers`, as far as their tokens describe them. */
export function providerOf(
  entry: BearerIssuerConfig,
  provider: Provider | undefined,
  readsAllMemberships: boolean,
): EvaluatedProvider {
  return provider === undefined
    ? ownProvider(entry, readsAllMemberships)
    : { ...provider, ...sharedBy(entry, provider) }
}

/** Users of an entry with its own lists have the issuer in place of the name of a provider. */
function ownProvider(entry: BearerIssuerConfig, readsAllMemberships: boolean): EvaluatedProvider {
  const { issuer, trustEmail, idClaim = 'sub', groupsClaim = 'groups' } = entry
  return {
    name: issuer,
    rules: rulesOf(entry),
    rulesKey: '',
    openid: false,
    trustEmail,
    readsAllMemberships,
    membershipLists: ['groups'],
    identity: async ({ claims }) =>
      tokenIdentity(identityFromClaims({ ...claims, sub: userIdOf(claims, idClaim) }), claims, {
        idClaim: undefined,
        hasTenants: hasTenants(issuer),
      }),
    memberships: async (api, wanted, { claims }) => ({
      groups: wantedGroupsIn(api, claims, groupsClaim, wanted),
    }),
  }
}

/** The provider reads its own users from the claims, so that they have the same ID as at a login. */
function sharedBy({ idClaim, trustEmail }: BearerIssuerConfig, provider: Provider) {
  const { identity: read, emailClaimDecides, issuer = '' } = provider
  // Microsoft: the ID is `oid`, with several tenants after `tid`.
  const isMicrosoft = hasTenants(issuer)
  return {
    // Nothing can be lost that an earlier token had.
    openid: false,
    trustEmail,
    identity: async (api: ProviderApi): Promise<Identity> => {
      const { claims } = api
      const subject = isMicrosoft ? 'oid' : 'sub'
      const id = userIdOf(claims, idClaim ?? subject)
      const given = withClaims(api, idClaim === undefined ? claims : { ...claims, [subject]: id })
      const identity = await (read === undefined ? identityFromClaims(given.claims) : read(given))
      // The claim `email` of Microsoft is not verified by the tenant in access tokens.
      const emailVerified =
        emailClaimDecides === undefined ? identity.emailVerified : isTrue(claims['email_verified'])
      return tokenIdentity({ ...identity, emailVerified }, claims, {
        idClaim: isMicrosoft ? undefined : idClaim,
        hasTenants: false,
      })
    },
  }
}

function withClaims(api: ProviderApi, claims: Claims): ProviderApi {
  return { ...api, claims, userinfo: async () => claims }
}

/** How the issuer of an entry checks opaque tokens; `undefined` if they are not accepted. */
export function introspectionOf(
  { issuer, introspection }: BearerIssuerConfig,
  provider: Provider | undefined,
): IntrospectionConfig | undefined {
  const isGoogleIssuer = isGoogle(issuer)
  if (introspection === undefined && !isGoogleIssuer) return undefined
  const { endpoint, clientId, clientSecret, clientAuth } = introspection ?? {}
  const { clientAuth: providerAuth } = provider ?? {}
  return {
    isGoogle: isGoogleIssuer,
    endpoint,
    clientId: clientId ?? provider?.clientId ?? '',
    clientSecret: clientSecret ?? provider?.clientSecret ?? '',
    clientAuth:
      clientAuth ??
      (providerAuth === 'post' || providerAuth === 'basic' ? providerAuth : undefined),
  }
}
