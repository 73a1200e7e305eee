import type { IncomingHttpHeaders } from 'node:http'
import { type CookieAttributes, readCookies } from './cookies.js'
import { hiddenCookies, joinCookies } from './hidden-cookies.js'
import { OAuthError } from './errors.js'
import { MAX_MOUNTS, MountMemory, type MountState } from './mount-memory.js'
import { type ClientView, isHttps, isHttpsOfUnrouted, readOrigin } from './origin.js'
import type { RequestTarget } from './paths.js'
import type { AppRequest } from './request.js'

/** Name prefix and attributes of the cookies that bind a transaction to its browser. */
export interface TransactionCookie {
  readonly prefix: string
  readonly attributes: CookieAttributes
}

/** A path at which the app uses the middleware, and the cookies of that path. */
export interface Mount {
  /**
   * The `id` option, or the path in the app. A login counts only at the instance that started it.
   */
  readonly instanceId: string
  /** The realm of `WWW-Authenticate`. */
  readonly realm: string
  /**
   * The path as the browser sees it, in front of a proxy: `''` at the root, otherwise without a
   * final slash.
   */
  readonly publicPath: string
  /** Whether the browser uses https. */
  readonly isHttps: boolean
  readonly sessionCookie: { readonly name: string; readonly attributes: CookieAttributes }
  readonly boundCookie: Mount['sessionCookie']
  readonly transactionCookie: TransactionCookie
}

/** The options that mounts depend on. */
export interface MountsConfig {
  readonly id: string | undefined
  /** Origin and path of the option `baseUrl`. */
  readonly baseUrl: { readonly origin: string; readonly path: string } | undefined
  readonly basePath: string
  readonly cookiePrefix: string
  readonly cookie: {
    readonly domain: string | undefined
    readonly sameSite: 'Lax' | 'None'
    readonly secure: boolean | undefined
    readonly path: string | undefined
  }
}

/** Finds the mount of a request, and builds the paths and origins that the browser sees. */
export class Mounts {
  readonly #config: MountsConfig
  readonly #memory: MountMemory
  readonly #isPublicHttps: boolean | undefined
  readonly #routed = new Map<string, Mount>()
  readonly #unrouted = new Map<string, Mount>()
  /** How the clients of requests that no router has seen use the app. */
  readonly #views = new WeakMap<AppRequest, ClientView>()

  constructor(config: MountsConfig, state: MountState) {
    this.#config = config
    this.#memory = new MountMemory(state)
    this.#isPublicHttps = config.baseUrl?.origin.startsWith('https:')
  }

  /** The mount that a request came through. */
  of(
    req: AppRequest,
    { mountPath, isRouted }: RequestTarget,
    headers?: IncomingHttpHeaders,
  ): Mount {
    if (!isRouted) {
      this.#memory.learn(mountPath, undefined)
      return this.ofUnrouted(req, mountPath)
    }
    const secure = this.#isPublicHttps ?? isHttps(req, headers)
    const known = this.#routed.get(secure ? `s${mountPath}` : mountPath)
    if (known !== undefined) return known
    this.#memory.learn(mountPath, req.app)
    return this.#add(this.#routed, mountPath, secure)
  }

  /**
   * The mount of a request that no router has seen: scheme and trust are those of the mount's
   * earlier requests.
   */
  ofUnrouted(req: AppRequest, mountPath: string): Mount {
    const view = this.#isPublicHttps === undefined ? this.#viewOf(req, mountPath) : undefined
    const secure = this.#isPublicHttps ?? view?.isHttps ?? isHttps(req)
    const known = this.#unrouted.get(secure ? `s${mountPath}` : mountPath)
    return known ?? this.#add(this.#unrouted, mountPath, secure)
  }

  /** Records that a request with a session came through its mount. */
  confirm(req: AppRequest, { mountPath, isRouted }: RequestTarget, { isHttps }: Mount): void {
    if (isRouted) this.#memory.confirm(mountPath, isHttps, req)
  }

  /** The mount path for the URL of a request that no router has seen. */
  mountPathOf(url: string): string {
    return this.#memory.mountPathOf(url)
  }

  /**
   * Scheme and host as the browser sees them. Throws `invalid_callback` if the `Host` header is
   * missing or malformed.
   */
  origin(req: AppRequest): string {
    const origin = this.publicOrigin(req)
    if (origin !== undefined) return origin
    throw new OAuthError('invalid_callback', {
      message: 'The request does not name a valid host.',
      hint: 'the Host header is missing or malformed',
    })
  }

  /** As {@link origin}, but `undefined` if the `Host` header is missing or malformed. */
  publicOrigin(req: AppRequest): string | undefined {
    return this.#config.baseUrl?.origin ?? readOrigin(req, this.#views.get(req))
  }

  /**
   * Whether a page of this origin belongs to the app: also on a host other than that of `baseUrl`.
   */
  isOwnOrigin(req: AppRequest, origin: string): boolean {
    return (
      origin === this.#config.baseUrl?.origin || origin === readOrigin(req, this.#views.get(req))
    )
  }

  /** Path and query of a request as the browser sees them. */
  publicTarget({ publicPath }: Mount, { original, mountPath }: RequestTarget): string {
    return (
      publicPath + (original.startsWith(mountPath) ? original.slice(mountPath.length) : original)
    )
  }

  /** Path of a special path below `basePath`, such as `logout`, as the browser sees it. */
  specialPath({ publicPath }: Mount, name: string): string {
    return `${publicPath}${this.#config.basePath}/${name}`
  }

  /** How the client of a request uses the app, as far as the request does not show it. */
  #viewOf(req: AppRequest, mountPath: string): ClientView | undefined {
    const earlier = this.#memory.earlierRequests(mountPath)
    // Without Express, a request shows everything.
    if (earlier !== undefined && earlier.app === undefined) return undefined
    const view = {
      app: earlier?.app,
      isHttps: isHttpsOfUnrouted(req, earlier) ?? this.#sendsSecureCookie(req, mountPath),
    }
    this.#views.set(req, view)
    return view
  }

  /** Browsers send a cookie with the prefix of secure cookies over https only. */
  #sendsSecureCookie(req: AppRequest, mountPath: string): boolean {
    if (this.#config.cookie.secure !== undefined) return false
    const { name } = this.#create(mountPath, true).sessionCookie
    const cookies = joinCookies(hiddenCookies(req.headers), req.headers.cookie)
    return readCookies(cookies, name).length > 0
  }

  #add(mounts: Map<string, Mount>, mountPath: string, isHttps: boolean): Mount {
    const mount = this.#create(mountPath, isHttps)
    if (mounts.size < MAX_MOUNTS) mounts.set(isHttps ? `s${mountPath}` : mountPath, mount)
    return mount
  }

  #create(mountPath: string, isHttps: boolean): Mount {
    const { id, baseUrl, cookie, cookiePrefix } = this.#config
    const publicPath = baseUrl?.path ?? mountPath
    const secure = cookie.secure ?? isHttps
    const attributes: CookieAttributes = {
      path: cookie.path ?? (publicPath === '' ? '/' : publicPath),
      domain: cookie.domain,
      secure,
      // Browsers reject `SameSite=None` without `Secure`. (RFC 6265bis, 5.7)
      sameSite: cookie.sameSite === 'None' && secure ? 'none' : 'lax',
    }
    const isHostOnly = attributes.path === '/' && cookie.domain === undefined
    // RFC 6265bis, 4.1.3
    const prefix = secure ? (isHostOnly ? '__Host-' : '__Secure-') : ''
    return {
      // Gates at the same path must not share logins by accident, for example those of two apps.
      instanceId: id ?? `${mountPath} ${cookiePrefix}`,
      realm: id ?? (mountPath === '' ? 'oauth-module' : mountPath),
      publicPath,
      isHttps,
      sessionCookie: { name: `${prefix}${cookiePrefix}session`, attributes },
      boundCookie: { name: `${prefix}${cookiePrefix}bound`, attributes },
      // Only the callback reads it, so it needs neither `cookie.domain` nor `cookie.path`.
      transactionCookie: {
        prefix: `${secure ? '__Host-' : ''}${cookiePrefix}`,
        attributes: { path: '/', secure, sameSite: attributes.sameSite },
      },
    }
  }
}
