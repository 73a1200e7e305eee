import type { Decision } from '../access/policy.js'
import type { OAuthUser, UserProfile } from '../access/user.js'
import type { Claims } from '../oauth/identity.js'
import { type ClaimsReader, SessionUser } from '../session/session-user.js'

/** What is known of a token that its issuer has signed, or confirmed. Times are in milliseconds. */
export interface TokenFacts {
  /** SHA-256 of the token. */
  readonly key: string
  readonly user: OAuthUser
  /** The decision of the lists, without `authorize`. */
  readonly decision: Decision
  readonly scopes: readonly string[]
  /** Whether the lists accept an email address that is not verified. */
  readonly trustsEmail: boolean
  /** `undefined` for an opaque token whose issuer does not tell. */
  readonly expiresAt: number | undefined
  readonly issuedAt: number | undefined
  /** When the user signed in for the token. */
  readonly authenticatedAt: number | undefined
  readonly verifiedAt: number
  /** Until when this result may be used. */
  readonly validUntil: number
}

/** A verified access token and its user. Many requests share it. */
export class VerifiedToken implements ClaimsReader {
  readonly facts: Omit<TokenFacts, 'user'>
  readonly profile: UserProfile
  /** Text takes less memory than objects, and an app may change what it reads. */
  readonly #claims: string

  constructor({ user, ...facts }: TokenFacts) {
    this.facts = facts
    this.profile = new SessionUser(user, this)
    this.#claims = JSON.stringify(user.claims)
  }

  claims(): Claims {
    return JSON.parse(this.#claims) as Claims
  }

  /** A new copy of the user, which the app may change. */
  user(): OAuthUser {
    return new SessionUser(this.profile, this)
  }

  /** An estimate of the memory that the token takes, in characters. */
  get size(): number {
    return this.#claims.length + 1024
  }
}
