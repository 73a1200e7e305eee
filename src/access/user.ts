import type { Claims } from '../oauth/identity.js'

/** The person who is logged in. `key` is what an app should store: unique over all providers, and stable. */
export interface OAuthUser {
  /** `provider:id`. */
  readonly key: string
  /** The provider's own id of the user. */
  readonly id: string
  readonly name: string | undefined
  /** The primary e-mail, verified or not: see `emailVerified`. */
  readonly email: string | undefined
  readonly emailVerified: boolean
  readonly username: string | undefined
  readonly picture: string | undefined
  /** The name of the provider in the options. */
  readonly provider: string
  /** Of the organisations that some rule asks about, those the user is a member of. Teams and groups alike. */
  readonly organizations: readonly string[]
  readonly teams: readonly string[]
  readonly groups: readonly string[]
  /** What the provider said, as it said it. */
  readonly claims: Claims
}

/** What a set of rules said about the user, and when the user was last read from the provider for it. */
export interface StoredDecision {
  readonly at: number
  readonly allowed: boolean
  /** Which list let the user in, and its entry. */
  readonly matched?: { readonly list: string; readonly entry: string } | undefined
}
