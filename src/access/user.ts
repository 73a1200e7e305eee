import type { Claims } from '../oauth/identity.js'

/**
 * The authenticated user. Store {@link OAuthUser.key} in your app: it is unique across providers
 * and does not change.
 */
export interface OAuthUser {
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
  /** The provider's claims or profile, unchanged. */
  readonly claims: Claims
}

/** The decision of one set of rules, as stored in a session. */
export interface StoredDecision {
  /** When the check started that read the user. Milliseconds. */
  readonly at: number
  readonly allowed: boolean
  /** The entry of a rule list that matched. */
  readonly matched?: { readonly list: string; readonly entry: string } | undefined
  /** The user was read incompletely: the rules were met without what is missing. */
  readonly incomplete?: true | undefined
}
