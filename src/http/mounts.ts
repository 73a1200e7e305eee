import type { IncomingHttpHeaders } from 'node:http'
import type { CookieAttributes } from './cookies.js'
import type { AppRequest } from './request.js'
import { isHttps, readOrigin } from './origin.js'
import type { RequestTarget } from './paths.js'
import { OAuthError } from './errors.js'

/** How transaction cookies are named and set; depends on the scheme of the request. */
export interface TransactionCookie {
  readonly prefix: string
  readonly attributes: CookieAttributes
}

/** Where a request meets the module: its mount point, as the visitor sees it, and the cookies that go with it. */
export interface Mount {
  /** Of the instance: logins count only where it is the same. */
  readonly instance: string
  /** The path of the mount as the visitor sees it: `''` at the root. */
  readonly path: string
  readonly sessionCookie: { readonly name: string; readonly attributes: CookieAttributes }
  readonly transactionCookie: TransactionCookie
}

export interface MountsConfig {
  id: string | undefined
  publicUrl: { readonly origin: string; readonly path: string } | undefined
  basePath: string
  cookie: {
    readonly prefix: string
    readonly domain: string | undefined
    readonly sameSite: 'lax' | 'none'
    readonly secure: boolean | undefined
    readonly path: string | undefined
  }
}

export interface Mounts {
  of(req: AppRequest, target: RequestTarget, headers?: IncomingHttpHeaders): Mount
  /** Scheme and host the visitor uses; refuses a request that does not say. */
  origin(req: AppRequest): string
  /** Somebody who is logged in came by this mount: it is one, and not what a visitor made up. */
  confirm(mountPath: string): void
  /** The mount that a path outside of any router belongs to, of those that requests came through. */
  mountPathOf(url: string): string
  /** Where the visitor wanted to go, as the visitor sees it. */
  publicPath(mount: Mount, target: RequestTarget): string
  /** Address of a special path, without the origin. */
  specialPath(mount: Mount, name: string): string
}

/** Mounts with parameters in their path are many; beyond these they are put together anew. */
const MAX_MOUNTS = 256

/** `mountPaths` collects those that requests came through, `confirmed` those of visitors who were logged in. */
export function createMounts(
  { id, publicUrl, basePath, cookie }: MountsConfig,
  mountPaths: Set<string>,
  confirmed = new Set<string>(),
): Mounts {
  const mounts = new Map<string, Mount>()
  const publicIsHttps = publicUrl?.origin.startsWith('https:')

  const build = (mountPath: string, secure: boolean): Mount => {
    const path = publicUrl?.path ?? mountPath
    const attributes: CookieAttributes = {
      path: cookie.path ?? (path === '' ? '/' : path),
      domain: cookie.domain,
      secure,
      sameSite: cookie.sameSite === 'none' && secure ? 'none' : 'lax',
    }
    const isHostBound = attributes.path === '/' && cookie.domain === undefined
    const prefix = secure ? (isHostBound ? '__Host-' : '__Secure-') : ''
    return {
      instance: id ?? mountPath,
      path,
      sessionCookie: { name: `${prefix}${cookie.prefix}session`, attributes },
      // Always for this host and all its paths: the callback is the only one to read it.
      transactionCookie: {
        prefix: `${secure ? '__Host-' : ''}${cookie.prefix}`,
        attributes: { path: '/', secure, sameSite: attributes.sameSite },
      },
    }
  }

  return {
    of(req, { mountPath }, headers) {
      const secure = cookie.secure ?? publicIsHttps ?? isHttps(req, headers)
      const key = secure ? `s${mountPath}` : mountPath
      const known = mounts.get(key)
      if (known !== undefined) return known
      const mount = build(mountPath, secure)
      if (mounts.size < MAX_MOUNTS) {
        mounts.set(key, mount)
        if (mountPaths.size < MAX_MOUNTS) mountPaths.add(mountPath)
      }
      return mount
    },
    origin(req) {
      const origin = publicUrl?.origin ?? readOrigin(req)
      if (origin !== undefined) return origin
      throw new OAuthError('invalid_callback', {
        message: 'The request does not say which host it is for.',
        hint: 'the Host header is missing or malformed',
      })
    },
    confirm(mountPath) {
      if (confirmed.has(mountPath)) return
      const [oldest] = confirmed
      if (oldest !== undefined && confirmed.size >= MAX_MOUNTS) confirmed.delete(oldest)
      confirmed.add(mountPath)
    },
    mountPathOf(url) {
      const [path = ''] = url.split('?', 1)
      const around = [...confirmed, ...mountPaths].filter(
        (mountPath) => path === mountPath || path.startsWith(`${mountPath}/`),
      )
      const known = confirmed.size > 0 ? confirmed : mountPaths
      const only = known.size === 1 ? [...known][0] : undefined
      return around.sort((a, b) => b.length - a.length)[0] ?? only ?? ''
    },
    publicPath: ({ path }, { original, mountPath }) =>
      path + (original.startsWith(mountPath) ? original.slice(mountPath.length) : original),
    specialPath: (mount, name) => `${mount.path}${basePath}/${name}`,
  }
}
