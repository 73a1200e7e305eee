import { randomBytes } from 'node:crypto'
import type { VendorSettings } from './settings.js'
import type { VendorUser } from './types.js'

/** What a user allowed a client to do. */
export interface Grant {
  /** The user's place in `users`: who stands there may change while tokens live. */
  place: number
  scopes: string[]
  redirectUri: string
  /** The authorization request. */
  params: URLSearchParams
  /** When the user signed in, in seconds. */
  authTime: number
  /** The user was asked, and said yes. */
  isNewConsent: boolean
  accessTokens: Set<string>
  refreshTokens: Set<string>
}

interface Issued {
  grant: Grant
  expiresAt: number
}

export type Grants = ReturnType<typeof createGrants>

/** Codes and tokens that the server gave out and still honours. */
export function createGrants(settings: VendorSettings, users: VendorUser[]) {
  const codes = new Map<string, Issued>()
  const accessTokens = new Map<string, Issued>()
  const refreshTokens = new Map<string, Issued>()
  const consents = new Set<number>()

  function issue(
    kind: Map<string, Issued>,
    grant: Grant,
    prefix: string,
    lifetime: number | undefined,
  ) {
    const token =
      prefix +
      randomBytes(settings.tokenLength)
        .toString('hex')
        .slice(0, Math.max(20, settings.tokenLength - prefix.length))
    kind.set(token, {
      grant,
      expiresAt: lifetime === undefined ? Infinity : Date.now() + lifetime * 1000,
    })
    return token
  }

  function live(kind: Map<string, Issued>, token: string | undefined) {
    const issued = token === undefined ? undefined : kind.get(token)
    if (!issued || issued.expiresAt <= Date.now()) return undefined
    const user = users[issued.grant.place]
    return user && !user.blocked
      ? { grant: issued.grant, user, expiresAt: issued.expiresAt }
      : undefined
  }

  return {
    /** Whether the user never said yes to this client before. */
    consent(place: number): boolean {
      const isNew = !consents.has(place)
      consents.add(place)
      return isNew
    },
    issueCode: (grant: Grant) => issue(codes, grant, '', settings.codeLifetime),
    /** A code serves once, whatever comes of it. */
    takeCode(code: string | undefined) {
      const found = live(codes, code)
      if (code !== undefined) codes.delete(code)
      return found
    },
    issueAccessToken(grant: Grant, prefix = '', lifetime = settings.tokenLifetime) {
      const token = issue(accessTokens, grant, prefix, lifetime)
      grant.accessTokens.add(token)
      return token
    },
    issueRefreshToken(grant: Grant, prefix = '') {
      const token = issue(refreshTokens, grant, prefix, undefined)
      grant.refreshTokens.add(token)
      return token
    },
    byAccessToken: (token: string | undefined) => live(accessTokens, token),
    byRefreshToken: (token: string | undefined) => live(refreshTokens, token),
    /** One token; with `wholeGrant` all that came of the same login. */
    revoke(token: string, wholeGrant = false): boolean {
      const issued = accessTokens.get(token) ?? refreshTokens.get(token)
      if (!issued) return false
      const { grant } = issued
      const dead = wholeGrant ? [...grant.accessTokens, ...grant.refreshTokens] : [token]
      for (const each of dead) {
        accessTokens.delete(each)
        refreshTokens.delete(each)
      }
      return true
    },
    /** Everything, or everything of the user in this place, the consent too. */
    revokeAll(place?: number): void {
      for (const kind of [codes, accessTokens, refreshTokens]) {
        for (const [token, { grant }] of kind)
          if (place === undefined || grant.place === place) kind.delete(token)
      }
      if (place === undefined) consents.clear()
      else consents.delete(place)
    },
  }
}
