import { randomBytes } from 'node:crypto'
import type { VendorSettings } from './settings.js'
import type { VendorUser } from './types.js'

/** What a user has allowed a client to do. */
export interface Grant {
  /** The index of the user in `users`. The user at this index may change while tokens are valid. */
  userIndex: number
  scopes: string[]
  redirectUri: string
  /** The authorization request. */
  params: URLSearchParams
  /** When the user signed in, in seconds. */
  authTime: number
  /** The user was asked for consent in this login. */
  isNewConsent: boolean
  accessTokens: Set<string>
  refreshTokens: Set<string>
}

/** A valid code or token. */
export interface LiveGrant {
  grant: Grant
  user: VendorUser
  /** In milliseconds. */
  expiresAt: number
}

type IssuedTokens = Map<string, Pick<LiveGrant, 'grant' | 'expiresAt'>>

/** The valid codes and tokens of a server. */
export class Grants {
  readonly #settings: VendorSettings
  readonly #users: readonly VendorUser[]
  readonly #codes: IssuedTokens = new Map()
  readonly #accessTokens: IssuedTokens = new Map()
  readonly #refreshTokens: IssuedTokens = new Map()
  readonly #consents = new Set<number>()

  constructor(settings: VendorSettings, users: readonly VendorUser[]) {
    this.#settings = settings
    this.#users = users
  }

  /** Remembers the user's consent. Returns whether it is the first one. */
  consent(userIndex: number): boolean {
    const isNew = !this.#consents.has(userIndex)
    this.#consents.add(userIndex)
    return isNew
  }

  issueCode(grant: Grant): string {
    return this.#issue(this.#codes, grant, '', this.#settings.codeLifetime)
  }

  /** Redeems a code. A code is valid once, whether the redemption succeeds or not. */
  takeCode(code: string | undefined): LiveGrant | undefined {
    const found = this.#find(this.#codes, code)
    if (code !== undefined) this.#codes.delete(code)
    return found
  }

  /** `lifetime` is in seconds. */
  issueAccessToken(grant: Grant, prefix = '', lifetime = this.#settings.tokenLifetime): string {
    const token = this.#issue(this.#accessTokens, grant, prefix, lifetime)
    grant.accessTokens.add(token)
    return token
  }

  issueRefreshToken(grant: Grant, prefix = ''): string {
    const token = this.#issue(this.#refreshTokens, grant, prefix, undefined)
    grant.refreshTokens.add(token)
    return token
  }

  byAccessToken(token: string | undefined): LiveGrant | undefined {
    return this.#find(this.#accessTokens, token)
  }

  byRefreshToken(token: string | undefined): LiveGrant | undefined {
    return this.#find(this.#refreshTokens, token)
  }

  /**
   * Revokes one token, or with `wholeGrant` all tokens of the same login. Returns whether the token
   * was valid.
   */
  revoke(token: string, wholeGrant = false): boolean {
    const issued = this.#accessTokens.get(token) ?? this.#refreshTokens.get(token)
    if (!issued) return false
    const { grant } = issued
    const revoked = wholeGrant ? [...grant.accessTokens, ...grant.refreshTokens] : [token]
    for (const each of revoked) {
      this.#accessTokens.delete(each)
      this.#refreshTokens.delete(each)
    }
    return true
  }

  /** Revokes all tokens and consents, or those of one user. */
  revokeAll(userIndex?: number): void {
    for (const kind of [this.#codes, this.#accessTokens, this.#refreshTokens]) {
      for (const [token, { grant }] of kind)
        if (userIndex === undefined || grant.userIndex === userIndex) kind.delete(token)
    }
    if (userIndex === undefined) this.#consents.clear()
    else this.#consents.delete(userIndex)
  }

  #issue(kind: IssuedTokens, grant: Grant, prefix: string, lifetime: number | undefined): string {
    const { tokenLength } = this.#settings
    const random = randomBytes(tokenLength).toString('hex')
    const token = prefix + random.slice(0, Math.max(20, tokenLength - prefix.length))
    const expiresAt = lifetime === undefined ? Infinity : Date.now() + lifetime * 1000
    kind.set(token, { grant, expiresAt })
    return token
  }

  #find(kind: IssuedTokens, token: string | undefined): LiveGrant | undefined {
    const issued = token === undefined ? undefined : kind.get(token)
    if (!issued || issued.expiresAt <= Date.now()) return undefined
    const { grant, expiresAt } = issued
    const user = this.#users[grant.userIndex]
    return user && !user.blocked ? { grant, user, expiresAt } : undefined
  }
}
