import type { Encrypter } from '../http/encryption.js'
import type { GateRequest } from '../http/gate-request.js'
import type { Mount, Mounts } from '../http/mounts.js'
import { encodePath, isSafePath, MAX_PATH_LENGTH } from '../http/paths.js'
import { isFramed, isPageRequest, isSafeMethod, wantsHtml } from '../http/request.js'
import type { SpecialPaths } from '../http/special-paths.js'
import type { SeenPlaces } from '../http/places.js'
import { LinkTokens } from './link-tokens.js'
import type { LostPage } from './lost-page.js'

/**
 * How to sign in, and the page to return to. Sent encrypted in login links, so the names of its
 * fields are fixed.
 */
export interface LoginRequest {
  /** Path and query on this site. */
  readonly returnPath: string
  /** What `returnPath` stands in for, if the login cannot return to it. */
  readonly lost?: LostPage | undefined
  /**
   * What the provider should request of the user: `login`, to authenticate again; `account`, to
   * choose an account; `scopes`, to grant scopes that were declined.
   */
  readonly ask?: 'login' | 'account' | 'scopes' | undefined
  /** Whether the login fails without `auth_time` in the ID token. */
  readonly needsAuthTime?: boolean | undefined
  /** Name of the provider. Default: the only one, else the user chooses. */
  readonly connection?: string | undefined
  /** How many callbacks of this login have come without its cookie. */
  readonly attempts?: number | undefined
  /** Whether this login was already redirected to the host of `baseUrl`. */
  readonly isMoved?: boolean | undefined
  /** Whether the user tries again after a page that explained why the previous logins failed. */
  readonly isRetry?: boolean | undefined
  /** Scopes beyond the configured ones. The login fails if the user does not grant all of them. */
  readonly scopes?: readonly string[] | undefined
  /** Granted earlier, requested again. */
  readonly keptScopes?: readonly string[] | undefined
  /** Where a session was used that this login replaces, because it moved. */
  readonly seen?: SeenPlaces | undefined
}

/** Where a login returns to. */
export type ReturnTarget = Pick<LoginRequest, 'returnPath' | 'lost'>

/** What {@link Links} depends on. */
export interface LinksDeps {
  readonly encrypter: Encrypter
  readonly mounts: Mounts
  readonly specialPaths: SpecialPaths
}

const LOGIN_LINK_TTL_MS = 24 * 3_600_000
const LOGOUT_CONFIRMATION_TTL_MS = 600_000
const FORM_TTL_MS = 3_600_000

/** Creates and reads links to the special paths, whose tokens only this app can create. */
export class Links {
  readonly #deps: LinksDeps
  readonly #tokens: LinkTokens

  constructor(deps: LinksDeps) {
    this.#deps = deps
    this.#tokens = new LinkTokens(deps.encrypter)
  }

  /** A link to `/auth/authn` that carries the login request. */
  login(mount: Mount, request: LoginRequest): string {
    const token = this.#tokens.shared('return', mount, LOGIN_LINK_TTL_MS, request)
    const connection =
      request.connection === undefined
        ? ''
        : `connection=${encodeURIComponent(request.connection)}&`
    return `${this.#deps.mounts.specialPath(mount, 'authn')}?${connection}return_token=${token}`
  }

  /** The login request of a link; `undefined` if the link is invalid or has expired. */
  readLogin(mount: Mount, query: URLSearchParams): LoginRequest | undefined {
    const data = this.#tokens.read('return', mount, query.get('return_token'))
    if (data === undefined) return undefined
    const request = data as unknown as LoginRequest
    return { ...request, returnPath: this.safeReturnPath(mount, request.returnPath) }
  }

  /** The page that ends a login in a window of its own: see `middleware/client-script.ts`. */
  closingPage(mount: Mount): string {
    return `${this.#deps.mounts.specialPath(mount, 'client.js')}?signed-in`
  }

  /** A link to `/auth/logout`. */
  logout(mount: Mount): string {
    return this.#deps.mounts.specialPath(mount, 'logout')
  }

  /** A link that ends one session without asking for confirmation. */
  confirmedLogout(mount: Mount, sessionKey: string): string {
    const token = this.#tokens.create('confirm', mount, LOGOUT_CONFIRMATION_TTL_MS, { sessionKey })
    return `${this.logout(mount)}?confirm=${token}`
  }

  /** Whether the query is that of {@link confirmedLogout} for this session. */
  isConfirmedLogout(mount: Mount, query: URLSearchParams, sessionKey: string): boolean {
    return this.#tokens.read('confirm', mount, query.get('confirm'))?.['sessionKey'] === sessionKey
  }

  /** A token for a form of a session, against requests of other sites. Valid for an hour. */
  formToken(mount: Mount, sessionKey: string, action: string): string {
    return this.#tokens.create('form', mount, FORM_TTL_MS, { sessionKey, action })
  }

  /** Whether the token is that of {@link formToken} for this session and action. */
  isFormToken(mount: Mount, sessionKey: string, action: string, token: string | null): boolean {
    const data = this.#tokens.read('form', mount, token)
    return data?.['sessionKey'] === sessionKey && data['action'] === action
  }

  /**
   * The path if it is on this site and not a special path, which would cause a loop; otherwise the
   * start page. The page that closes a window is one that does not.
   */
  safeReturnPath(mount: Mount, returnPath?: string): string {
    const startPage = `${mount.publicPath}/`
    const path = returnPath === undefined ? '' : encodePath(returnPath)
    if (!isSafePath(path)) return startPage
    if (path === this.closingPage(mount)) return path
    const [pathname = ''] = path.split(/[?#]/, 1)
    return this.#deps.specialPaths.includes(pathname, mount.publicPath) ? startPage : path
  }

  /**
   * Where to return to after a login: the URL of the request if it is for a document, the page of
   * the form if it posts one, otherwise the start page.
   */
  targetOf(request: GateRequest): ReturnTarget {
    const { req, headers, mount, target } = request
    if (!isSafeMethod(req)) return { returnPath: this.refererPathOf(request), lost: 'form' }
    const isDocument = /^(?:document|empty)?$/.test(headers['sec-fetch-dest'] ?? '')
    if (!isDocument) return { returnPath: this.safeReturnPath(mount) }
    const path = this.#deps.mounts.publicTarget(mount, target)
    const isTooLong = encodePath(path).length > MAX_PATH_LENGTH
    return { returnPath: this.safeReturnPath(mount, path), ...(isTooLong && { lost: 'page' }) }
  }

  /**
   * The page that shows the response: the request itself, or the page whose form, script or frame
   * sent it.
   */
  pageTargetOf(request: GateRequest): ReturnTarget {
    const { req } = request
    const isPosted = !isSafeMethod(req) && wantsHtml(req) && !isFramed(req)
    if (isPageRequest(req) || isPosted) return this.targetOf(request)
    return { returnPath: this.refererPathOf(request) }
  }

  /**
   * The page of this app that sent a request, by its `Referer`; otherwise the start page. (RFC
   * 9110, 10.1.3)
   */
  refererPathOf({ req, headers, mount }: GateRequest): string {
    const { referer } = headers
    if (referer === undefined || !URL.canParse(referer)) return this.safeReturnPath(mount)
    const { origin, pathname, search } = new URL(referer)
    const isOwn = this.#deps.mounts.isOwnOrigin(req, origin)
    return this.safeReturnPath(mount, isOwn ? pathname + search : undefined)
  }

  /** Where the user can repeat a request, in the same window or frame. */
  repeatPathOf(request: GateRequest): string {
    const { req, mount, target } = request
    if (!isSafeMethod(req)) return this.refererPathOf(request)
    return this.safeReturnPath(mount, this.#deps.mounts.publicTarget(mount, target))
  }

  /**
   * The absolute URL of one of our links, for JSON: the client may run on another origin than the
   * app.
   */
  absolute({ req }: GateRequest, path: string): string {
    return `${this.#deps.mounts.publicOrigin(req) ?? ''}${path}`
  }
}
