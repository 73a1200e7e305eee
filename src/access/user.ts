import type { Claims, Identity, MembershipList, Memberships } from '../oauth/identity.js'

/** A user without the provider's claims. */
export interface UserProfile {
  /** `provider:id`. */
  readonly key: string
  /** The user's id at the provider. */
  readonly id: string
  /** The full name. */
  readonly name: string | undefined
  /** The primary email address. May be unverified: see {@link OAuthUser.emailVerified}. */
  readonly email: string | undefined
  /** Whether the provider has verified the email address. */
  readonly emailVerified: boolean
  /** The user name or handle at the provider. */
  readonly username: string | undefined
  /** URL of a picture. */
  readonly picture: string | undefined
  /** Name of the provider in the options. */
  readonly provider: string
  /** The user's organizations, limited to those that a rule names. */
  readonly organizations: readonly string[]
  /** The user's teams, limited to those that a rule names. */
  readonly teams: readonly string[]
  /** The user's groups, limited to those that a rule names. */
  readonly groups: readonly string[]
}

/**
 * The authenticated user. Store {@link UserProfile.key} in your app: it is unique across providers
 * and does not change.
 */
export interface OAuthUser extends UserProfile {
  /**
   * The provider's claims or profile, unchanged. Decrypted when they are read, and therefore not
   * copied by `{ ...req.user }`; JSON contains them.
   */
  readonly claims: Claims
}

/** A user as the provider describes them. */
export function userOf(
  provider: string,
  identity: Identity,
  { organizations, teams, groups }: Required<Memberships>,
): OAuthUser {
  const { id, name, email, emailVerified, username, picture, claims } = identity
  return {
    key: `${provider}:${id}`,
    ...{ id, name, email, emailVerified, username, picture, provider },
    ...{ organizations, teams, groups, claims },
  }
}

/** What a rule may need of a user: the verified email address, memberships, or any claim. */
export type LostPart = 'claims' | 'email' | MembershipList

/** What checks could not read: claims that the provider returned earlier, and now no longer. */
export interface Loss {
  /** Paths of the claims. */
  readonly claims: readonly string[]
  /** What the user lacks because of them. */
  readonly parts: readonly LostPart[]
}

/** The decision of one set of rules, as stored in a session. */
export interface StoredDecision {
  /** When the check started that read the user. Milliseconds. */
  readonly at: number
  readonly allowed: boolean
  /**
   * The `authorize` function that decided, after the lists had allowed the user: see
   * `authorizeId()`. It counts only for the same function.
   */
  readonly decidedBy?: string | undefined
  /** The entry of a rule list that matched. */
  readonly matched?: { readonly list: string; readonly entry: string } | undefined
  /** If there are several rule sets: the entry of each that matched. */
  readonly matches?: readonly { readonly list: string; readonly entry: string }[] | undefined
  /** The user was read incompletely: the rules were met without what is missing. */
  readonly incomplete?: true | undefined
  /** What the user lacks since the login. */
  readonly lost?: Loss | undefined
}
