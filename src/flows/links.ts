import { encodePath, isSafePath, isUnderPath } from '../http/paths.js'
import type { Encrypter } from '../http/encryption.js'
import type { Mount, Mounts } from '../http/mounts.js'
import { isObject, parseJson } from '../http/json.js'

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
  login(mount: Mount, request: LoginRequest): string
  /** What a link asks for; `undefined` when it is not one of ours, or too old. */
  open(mount: Mount, query: URLSearchParams): LoginRequest | undefined
  logout(mount: Mount): string
  /** A link to log out that needs no confirmation. */
  confirmedLogout(mount: Mount, sessionKey: string): string
  isConfirmed(mount: Mount, query: URLSearchParams, sessionKey: string): boolean
  /** A path of this site to return to, or the mount's root where the one given is none or would loop. */
  safeReturn(mount: Mount, path: string | undefined): string
}

const LOGIN_LINK_LIFE = 24 * 3_600_000
const CONFIRMATION_LIFE = 600_000

export function createLinks(
  encrypter: Encrypter,
  mounts: Pick<Mounts, 'specialPath'>,
  basePath: string,
): Links {
  const sealed = (purpose: 'return' | 'confirm', mount: Mount, life: number, facts: object) =>
    encrypter.encrypt(
      purpose,
      JSON.stringify({ ...facts, instance: mount.instance, until: Date.now() + life }),
    )
  const opened = (
    purpose: 'return' | 'confirm',
    mount: Mount,
    token: string | null,
  ): Record<string, unknown> | undefined => {
    const text = token === null ? undefined : encrypter.decrypt(purpose, token)
    const facts = parseJson(text)
    if (!isObject(facts) || facts['instance'] !== mount.instance) return undefined
    return Number(facts['until']) > Date.now() ? facts : undefined
  }
  const safeReturn = (mount: Mount, wanted: string | undefined) => {
    const path = wanted === undefined ? '' : encodePath(wanted)
    if (!isSafePath(path)) return `${mount.path}/`
    const below = path.split(/[?#]/, 1)[0] ?? ''
    const isSpecial = isUnderPath(below, `${mount.path}${basePath}`)
    return isSpecial ? `${mount.path}/` : path
  }

  return {
    safeReturn,
    login(mount, request) {
      const token = sealed('return', mount, LOGIN_LINK_LIFE, request)
      const connection =
        request.connection === undefined
          ? ''
          : `connection=${encodeURIComponent(request.connection)}&`
      return `${mounts.specialPath(mount, 'authn')}?${connection}return_token=${token}`
    },
    open(mount, query) {
      const facts = opened('return', mount, query.get('return_token'))
      if (facts === undefined) return undefined
      const request = facts as unknown as LoginRequest
      return { ...request, returnPath: safeReturn(mount, request.returnPath) }
    },
    logout: (mount) => mounts.specialPath(mount, 'logout'),
    confirmedLogout: (mount, sessionKey) =>
      `${mounts.specialPath(mount, 'logout')}?confirm=${sealed('confirm', mount, CONFIRMATION_LIFE, { sessionKey })}`,
    isConfirmed: (mount, query, sessionKey) =>
      opened('confirm', mount, query.get('confirm'))?.['sessionKey'] === sessionKey,
  }
}
