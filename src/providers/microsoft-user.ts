import { parseEmail } from '../access/email.js'
import { asString, asUserId, identityFromClaims, isTrue } from '../oauth/claims.js'
import type { ProviderDefinition } from '../oauth/definition.js'
import type { Claims, Identity } from '../oauth/identity.js'
import type { ProviderApi } from '../oauth/provider-api.js'

interface UserOptions {
  /** Whether users of a single tenant sign in. */
  readonly isOneTenant: boolean
  /** Whether the same object ID may exist in several tenants. */
  readonly hasManyTenants: boolean
  readonly verifiedEmailClaim: string | undefined
  readonly emailClaim: string | undefined
}

/** How users are read, and when their email addresses count. */
export function userRules({
  isOneTenant,
  hasManyTenants,
  verifiedEmailClaim,
  emailClaim,
}: UserOptions) {
  return {
    identity: identityOf({
      hasManyTenants,
      isEmailVerified: emailCheck(verifiedEmailClaim, isOneTenant),
      emailClaim,
      // `verifiedEmailClaim` is about the claim `email` only.
      isOtherVerified: isOneTenant && verifiedEmailClaim === undefined,
    }),
    emailClaimDecides: verifiedEmailClaim !== undefined,
    ...(verifiedEmailClaim === undefined &&
      !isOneTenant && {
        emailNeverVerified:
          "every tenant can put any email address into its tokens. Set tenant to your own, or verifiedEmailClaim: 'xms_edov'",
      }),
  } satisfies Partial<ProviderDefinition>
}

/** Within one tenant, its administrators control the addresses. */
function emailCheck(claim: string | undefined, isOneTenant: boolean) {
  return (claims: Claims) =>
    claim === undefined
      ? isOneTenant
      : isTrue(claims[claim]) || claims[claim] === 1 || claims[claim] === '1'
}

function identityOf({
  hasManyTenants,
  isEmailVerified,
  emailClaim,
  isOtherVerified,
}: {
  hasManyTenants: boolean
  isEmailVerified: (claims: Claims) => boolean
  emailClaim: string | undefined
  isOtherVerified: boolean
}) {
  return async ({ userinfo, claims: idTokenClaims }: ProviderApi): Promise<Identity> => {
    // Only the ID token contains `oid`, `tid` and `verifiedEmailClaim`.
    const claims = { ...(await userinfo()), ...idTokenClaims }
    const oid = asUserId(claims['oid'])
    const identity = identityFromClaims(claims)
    const other = otherEmail(claims, emailClaim)
    return {
      ...identity,
      id: hasManyTenants ? `${asUserId(claims['tid'])}.${oid}` : oid,
      email: identity.email ?? other,
      emailVerified:
        identity.email === undefined
          ? other !== undefined && isOtherVerified
          : isEmailVerified(claims),
      // Its URL requires the access token, so pages cannot show it.
      picture: undefined,
    }
  }
}

/**
 * An address in another claim. The UPN of a guest (`ada_home.example#EXT#@…`) belongs to no
 * mailbox.
 */
function otherEmail(claims: Claims, emailClaim: string | undefined): string | undefined {
  const email = emailClaim === undefined ? undefined : asString(claims[emailClaim])
  return email !== undefined && parseEmail(email) && !/#ext#/i.test(email) ? email : undefined
}
