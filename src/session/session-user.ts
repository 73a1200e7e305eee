import type { OAuthUser, UserProfile } from '../access/user.js'
import { makePlain } from '../http/make-plain.js'
import { createPrivateNotes } from '../http/private-notes.js'
import type { Claims } from '../oauth/identity.js'

/** Where {@link SessionUser} reads the claims. */
export interface ClaimsReader {
  /** Decrypts the claims. */
  claims(): Claims
}

/** Not members of the class: those of a copy would throw. */
const readers = createPrivateNotes<ClaimsReader>()

/**
 * `req.user`. The claims are decrypted when they are read, because most requests do not need them.
 * Copies of the object have none.
 */
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
    readers.set(this, reader)
  }

  get claims(): Claims {
    const claims = readers.get(this)?.claims()
    if (claims !== undefined) this.claims = claims
    return claims as Claims
  }

  set claims(claims: Claims) {
    readers.set(this, { claims: () => claims })
  }

  /** Everything, including the claims. */
  toJSON(): OAuthUser {
    return Object.assign({}, this, { claims: this.claims })
  }
}

makePlain(SessionUser.prototype)
