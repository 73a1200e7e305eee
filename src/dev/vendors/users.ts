/** An address in GitHub's `/user/emails`. */
export interface VendorEmail {
  email: string
  primary: boolean
  verified: boolean
  visibility?: 'public' | 'private' | null
}

/** A membership in a GitHub organization. */
export interface VendorOrganization {
  login: string
  id?: number
  /** `pending` is an invitation that the user has not accepted. Default: `active`. */
  state?: 'active' | 'pending'
  /** Missing from lists without an error, as with access restrictions and SAML. */
  hidden?: boolean
}

/** A membership in a GitHub team. */
export interface VendorTeam {
  organization: string
  slug: string
  name?: string
  id?: number
  parent?: { slug: string; name?: string; id?: number }
  state?: 'active' | 'pending'
  /**
   * A membership through a child team. Lists do not contain it, but the membership endpoint
   * confirms it.
   */
  inherited?: boolean
}

/** An account at the provider. Changes take effect with the next response. */
export interface VendorUser {
  /** The ID at the provider; `sub` in OpenID Connect. */
  id: string | number
  /** The user name or handle. Default: none. */
  username?: string | undefined
  /** The full name. Default: none. */
  name?: string | null | undefined
  /** The email address. Default: none. */
  email?: string | null | undefined
  /** Whether the email address is verified, as the vendor spells it. Default: not sent. */
  emailVerified?: boolean | string | undefined
  /** GitHub: the response of `/user/emails`. Default: `email` as the primary address. */
  emails?: VendorEmail[] | undefined
  /** GitHub. A string is the login of an organization. */
  organizations?: (string | VendorOrganization)[] | undefined
  /** GitHub. A string is `organization/slug`. */
  teams?: (string | VendorTeam)[] | undefined
  /**
   * GitLab: full paths, including inherited memberships. Microsoft: object IDs. Others: the claim
   * `groups`.
   */
  groups?: string[] | undefined
  /** GitLab: direct memberships only. Default: `groups`. */
  directGroups?: string[] | undefined
  /** URL of the profile picture. Default: none. */
  picture?: string | undefined
  /** Google's hosted domain. */
  hd?: string | undefined
  /** Microsoft's tenant. */
  tid?: string | undefined
  /** Facebook: the permissions that the user has declined. */
  declined?: string[] | undefined
  /** Suspended at the provider: tokens of this user are rejected. */
  blocked?: boolean | undefined
  /** Merged into the ID token and the profile. `undefined` removes a claim. */
  claims?: Record<string, unknown> | undefined
}
