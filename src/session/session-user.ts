import type { OAuthUser, UserProfile } from '../access/user.js'
import type { Claims } from '../oauth/identity.js'

/** Where {@link SessionUser} reads the claims. */
export interface ClaimsReader {
  /** Decrypts the claims. */
  claims(): Claims
}

/** `req.user`. The claims are decrypted when they are read: most requests do not need them. */
export class SessionUser implements OAuthUser {
  readonly key: string
  readonly id: string
  readonly name: string | undefined
  readonly email: string | undefined
  readonly emailVerified: boolean
  readonly username: string | undefined
  readonly picture: string | undefined
  readonly provider: string
  readonly organizations: readonly string[]
  readonly teams: readonly string[]
  readonly groups: readonly string[]
  readonly #reader: ClaimsReader
  #claims: Claims | undefined

  constructor(user: UserProfile, reader: ClaimsReader) {
    this.key = user.key
    this.id = user.id
    this.name = user.name
    this.email = user.email
    this.emailVerified = user.emailVerified
    this.username = user.username
    this.picture = user.picture
    this.provider = user.provider
    this.organizations = user.organizations
    this.teams = user.teams
    this.groups = user.groups
    this.#reader = reader
  }

  get claims(): Claims {
    return (this.#claims ??= this.#reader.claims())
  }

  set claims(claims: Claims) {
    this.#claims = claims
  }

  /** Everything, including the claims. */
  toJSON(): OAuthUser {
    return Object.assign({}, this, { claims: this.claims })
  }
}
