import type { IncomingHttpHeaders } from 'node:http'
import type { CookieAttributes } from './cookies.js'
import { OAuthError } from './errors.js'
import { isHttps, readOrigin } from './origin.js'
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
  /**
   * The path as the browser sees it, in front of a proxy: `''` at the root, otherwise without a
   * final slash.
   */
  readonly publicPath: string
  readonly sessionCookie: { readonly name: string; readonly attributes: CookieAttributes }
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

/** The mount paths of earlier requests. Outlives a configuration. */
export interface MountState {
  /** Every mount path that a request had. */
  readonly knownPaths: Set<string>
  /**
   * Paths of requests with a session. Unauthenticated clients can request any path that a router
   * accepts.
   */
  readonly confirmedPaths: Set<string>
}

/** A mount path with parameters has many values. Beyond this number they are not remembered. */
const MAX_MOUNTS = 256

/** Empty state for {@link Mounts}. */
export function createMountState(): MountState {
  return { knownPaths: new Set(), confirmedPaths: new Set() }
}

/** Finds the mount of a request, and builds the paths and origins that the browser sees. */
export class Mounts {
  readonly #config: MountsConfig
  readonly #state: MountState
  readonly #mounts = new Map<string, Mount>()
  readonly #isPublicHttps: boolean | undefined

  constructor(config: MountsConfig, state: MountState) {
    this.#config = config
    this.#state = state
    this.#isPublicHttps = config.baseUrl?.origin.startsWith('https:')
  }

  /** The mount that a request came through. */
  of(req: AppRequest, { mountPath }: RequestTarget, headers?: IncomingHttpHeaders): Mount {
    const isSecure = this.#config.cookie.secure ?? this.#isPublicHttps ?? isHttps(req, headers)
    const key = isSecure ? `s${mountPath}` : mountPath
    const known = this.#mounts.get(key)
    if (known !== undefined) return known
    const mount = this.#create(mountPath, isSecure)
    if (this.#mounts.size < MAX_MOUNTS) {
      this.#mounts.set(key, mount)
      const { knownPaths } = this.#state
      if (knownPaths.size < MAX_MOUNTS) knownPaths.add(mountPath)
    }
    return mount
  }

  /** Records that a request with a session came through the mount. */
  confirm(mountPath: string): void {
    const { confirmedPaths } = this.#state
    if (confirmedPaths.has(mountPath)) return
    const [oldest] = confirmedPaths
    if (oldest !== undefined && confirmedPaths.size >= MAX_MOUNTS) confirmedPaths.delete(oldest)
    confirmedPaths.add(mountPath)
  }

  /**
   * The mount path for the URL of a request that no router has seen, such as an upgrade: the
   * longest known one that contains the URL, else the only one in use, else the root.
   */
  mountPathOf(url: string): string {
    const { confirmedPaths, knownPaths } = this.#state
    const [path = ''] = url.split('?', 1)
    const [longest] = [...confirmedPaths, ...knownPaths]
      .filter((mountPath) => path === mountPath || path.startsWith(`${mountPath}/`))
      .sort((a, b) => b.length - a.length)
    const inUse = confirmedPaths.size > 0 ? confirmedPaths : knownPaths
    const [only] = inUse.size === 1 ? inUse : []
    return longest ?? only ?? ''
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
    return this.#config.baseUrl?.origin ?? readOrigin(req)
  }

  /**
   * Whether a page of this origin belongs to the app: also on a host other than that of `baseUrl`.
   */
  isOwnOrigin(req: AppRequest, origin: string): boolean {
    return origin === this.#config.baseUrl?.origin || origin === readOrigin(req)
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

  #create(mountPath: string, secure: boolean): Mount {
    const { id, baseUrl, cookie, cookiePrefix } = this.#config
    const publicPath = baseUrl?.path ?? mountPath
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
      instanceId: id ?? mountPath,
      publicPath,
      sessionCookie: { name: `${prefix}${cookiePrefix}session`, attributes },
      // Only the callback reads it, so it needs neither `cookie.domain` nor `cookie.path`.
      transactionCookie: {
        prefix: `${secure ? '__Host-' : ''}${cookiePrefix}`,
        attributes: { path: '/', secure, sameSite: attributes.sameSite },
      },
    }
  }
}
