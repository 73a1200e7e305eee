/**
 * Claims of an ID token, a userinfo response or a vendor's profile. External data: check the type
 * of every member.
 */
export type Claims = Readonly<Record<string, unknown>>

/**
 * The user as read from the provider. Its members correspond to the standard claims. (OpenID
 * Connect Core, 5.1)
 */
export interface Identity {
  /**
   * Stable and unique at the provider, and never reassigned: `sub` in OpenID Connect. At most 255
   * characters.
   */
  id: string
  /** Full name, for display. */
  name?: string | undefined
  /**
   * Email address. Rules use it only if `emailVerified` is `true`, or with the option `trustEmail`.
   */
  email?: string | undefined
  /** Whether the provider has verified that the email address belongs to the user. */
  emailVerified: boolean
  /** The name that the user signs in with. It may change: do not use it as a key. */
  username?: string | undefined
  /** URL of the profile picture. */
  picture?: string | undefined
  /** Everything else that the provider returned. Stored in the session, so it must be JSON. */
  claims: Claims
  /**
   * The error because of which something is missing, such as the email address. The user passes
   * only if a rule is met without it; otherwise it is thrown. Default: nothing is missing.
   */
  incomplete?: unknown
}

/** The rule lists whose entries are memberships, read from the provider's API or from a claim. */
export type MembershipList = 'organizations' | 'teams' | 'groups'

/** All names of {@link MembershipList}. */
export const membershipLists: readonly MembershipList[] = ['organizations', 'teams', 'groups']

/** Memberships of a user. Those that a rule names are spelled as in the rule. */
export type Memberships = Readonly<Partial<Record<MembershipList, readonly string[]>>>

/** The memberships that the hook `memberships` reads. */
export interface WantedMemberships extends Memberships {
  /**
   * Whether all other memberships are wanted as well, spelled as the provider spells them: for the
   * groups header of oauth2-proxy. A hook may ignore it.
   */
  readonly all?: boolean | undefined
}

/** The result of the hook `memberships`. */
export interface MembershipResult extends Memberships {
  /**
   * The error because of which memberships may be missing. The user passes only if the rules are
   * met by those that were read; otherwise it is thrown. Default: nothing is missing.
   */
  readonly incomplete?: unknown
}
