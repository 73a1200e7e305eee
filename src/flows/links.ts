import { isBelow, isSafePath } from '../http/request.js'
import type { Sealer } from '../http/encryption.js'
import type { Place, Places } from '../http/mounts.js'
import { isRecord } from '../schema.js'

/** What a link to a login asks for. */
export interface LoginRequest {
  /** Where to go after the login: a path of this site. */
  readonly returnPath: string
  /** `login`: the user must log in anew; `account`: the provider should offer another account; `scopes`: it should ask again for what the user declined. */
  readonly ask?: 'login' | 'account' | 'scopes' | undefined
  /** The login counts only if the provider says when the user logged in. */
  readonly needsAuthTime?: boolean | undefined
  readonly connection?: string | undefined
  /** How often this login came back without our cookie. */
  readonly attempts?: number | undefined
  /** The visitor was sent here from another host already. */
  readonly isMoved?: boolean | undefined
  /** Scopes beyond the configured ones, all of which the user must grant. */
  readonly scopes?: readonly string[] | undefined
  /** Scopes that the user granted before, and should not lose. */
  readonly keptScopes?: readonly string[] | undefined
}

export interface Links {
  /** A link to `/auth/authn`, with what it asks for sealed. */
  login(place: Place, request: LoginRequest): string
  /** What a link asks for; `undefined` when it is not one of ours, or too old. */
  open(place: Place, query: URLSearchParams): LoginRequest | undefined
  logout(place: Place): string
  /** A link to log out that needs no confirmation. */
  confirmedLogout(place: Place, sessionKey: string): string
  isConfirmed(place: Place, query: URLSearchParams, sessionKey: string): boolean
  /** A path of this site to return to, or the mount's root where the one given is none or would loop. */
  safeReturn(place: Place, path: string | undefined): string
}

const LOGIN_LINK_LIFE = 24 * 3_600_000
const CONFIRMATION_LIFE = 600_000

export function createLinks(
  sealer: Sealer,
  places: Pick<Places, 'special'>,
  basePath: string,
): Links {
  const sealed = (purpose: 'return' | 'confirm', place: Place, life: number, facts: object) =>
    sealer.seal(
      purpose,
      JSON.stringify({ ...facts, instance: place.instance, until: Date.now() + life }),
    )
  const opened = (
    purpose: 'return' | 'confirm',
    place: Place,
    token: string | null,
  ): Record<string, unknown> | undefined => {
    const text = token === null ? undefined : sealer.open(purpose, token)
    const facts: unknown = text === undefined ? undefined : JSON.parse(text)
    if (!isRecord(facts) || facts['instance'] !== place.instance) return undefined
    return Number(facts['until']) > Date.now() ? facts : undefined
  }
  const safeReturn = (place: Place, wanted: string | undefined) => {
    const path = wanted === undefined ? '' : encodePath(wanted)
    if (!isSafePath(path)) return `${place.path}/`
    const below = path.split(/[?#]/, 1)[0] ?? ''
    const isSpecial = isBelow(below, `${place.path}${basePath}`)
    return isSpecial ? `${place.path}/` : path
  }

  return {
    safeReturn,
    login(place, request) {
      const token = sealed('return', place, LOGIN_LINK_LIFE, request)
      const connection =
        request.connection === undefined
          ? ''
          : `connection=${encodeURIComponent(request.connection)}&`
      return `${places.special(place, 'authn')}?${connection}return_token=${token}`
    },
    open(place, query) {
      const facts = opened('return', place, query.get('return_token'))
      if (facts === undefined) return undefined
      const request = facts as unknown as LoginRequest
      return { ...request, returnPath: safeReturn(place, request.returnPath) }
    },
    logout: (place) => places.special(place, 'logout'),
    confirmedLogout: (place, sessionKey) =>
      `${places.special(place, 'logout')}?confirm=${sealed('confirm', place, CONFIRMATION_LIFE, { sessionKey })}`,
    isConfirmed: (place, query, sessionKey) =>
      opened('confirm', place, query.get('confirm'))?.['sessionKey'] === sessionKey,
  }
}

/** A path as an app may spell it, as one of a URI: the space and what is not ASCII percent-encoded. (RFC 3987, 3.1) */
function encodePath(path: string): string {
  return path.replace(/[ \u0080-\u{10ffff}]+/gu, (text) =>
    [...Buffer.from(text)].map((byte) => `%${byte.toString(16).toUpperCase()}`).join(''),
  )
}
