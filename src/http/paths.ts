import type { AppRequest } from './request.js'

/** The path and query of a request, split at the mount point. */
export interface RequestTarget {
  /**
   * Where the middleware is mounted, as seen in the request: `''` at the root, never with a
   * trailing slash.
   */
  mountPath: string
  /** Path and query as the client sent them, including the mount path. */
  original: string
  /** Path below the mount, without the query. */
  path: string
  /** The query without its question mark, as sent. */
  query: string
  /** Whether the request came through a router. Upgrades and bare `node:http` have none. */
  isRouted: boolean
}

/** Express keeps the mount path in `baseUrl`. Connect only removes it from `url`. */
export function readTarget(req: AppRequest): RequestTarget {
  const { originalUrl, baseUrl } = req
  const original = stripOrigin(originalUrl ?? req.url ?? '/')
  const mountPath =
    typeof baseUrl === 'string'
      ? withoutFinalSlashes(baseUrl)
      : originalUrl === undefined
        ? ''
        : removedPrefix(original, stripOrigin(req.url ?? '/'))
  const below =
    mountPath !== '' && original.startsWith(mountPath) ? original.slice(mountPath.length) : original
  const mark = below.indexOf('?')
  const path = mark === -1 ? below : below.slice(0, mark)
  return {
    mountPath,
    original,
    path: path === '' ? '/' : path,
    query: mark === -1 ? '' : below.slice(mark + 1),
    isRouted: originalUrl !== undefined,
  }
}

/** What a router removed from the beginning of `original`. */
function removedPrefix(original: string, url: string): string {
  if (original.length <= url.length) return ''
  if (original.endsWith(url)) return withoutFinalSlashes(original.slice(0, -url.length))
  // At the mount `/app`, Connect turns `/app` and `/app?x` into `/` and `/?x`.
  const mark = original.indexOf('?')
  return url === '/' || url.startsWith('/?')
    ? withoutFinalSlashes(original.slice(0, mark === -1 ? undefined : mark))
    : ''
}

/** The path without slashes at its end. A regular expression would take quadratic time. */
export function withoutFinalSlashes(path: string): string {
  let end = path.length
  while (end > 0 && path.charCodeAt(end - 1) === 0x2f) end--
  return path.slice(0, end)
}

/**
 * The host of an absolute-form target (RFC 9112, 3.2.2) is unverified, so only the path is used.
 */
function stripOrigin(target: string): string {
  if (target.startsWith('/')) return target
  const match = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i.exec(target)
  const rest = match === null ? '/' : target.slice(match[0].length)
  return rest.startsWith('/') ? rest : `/${rest}`
}

/**
 * Whether any router could resolve `path` to a path below `basePath`: ignoring case, or after
 * removing doubled slashes, dot segments, path parameters or percent-encoding. Such requests never
 * reach the app.
 */
export function isUnderPath(path: string, basePath: string): boolean {
  if (path.startsWith(basePath) && path.charCodeAt(basePath.length) === 0x2f) return true
  // Without unusual characters, only the plain spelling above can match.
  if (!/[%\\A-Z;]|\/[/.]/.test(path) && !/[A-Z]/.test(basePath)) return false
  return normalizePath(path).startsWith(`${basePath.toLowerCase()}/`)
}

/** Whether any router could resolve `path` to `special`, as in {@link isUnderPath}. */
export function isSamePath(path: string, special: string): boolean {
  if (path === special) return true
  // Most requests end here: every other spelling of a path has one of these characters.
  if (!/[%\\A-Z;]|\/[/.]|\/$/.test(path) && !/[A-Z]|\/$/.test(special)) return false
  return comparablePath(path) === comparablePath(special)
}

/** The path as routers compare it: without case, encoding, and slashes at the end. */
export function comparablePath(path: string): string {
  return withoutFinalSlashes(normalizePath(path))
}

function normalizePath(path: string): string {
  let decoded = path
  for (let round = 0; round < 2 && decoded.includes('%'); round++) {
    decoded = decoded.replace(/%[0-9a-f]{2}/gi, (code) =>
      String.fromCharCode(Number.parseInt(code.slice(1), 16)),
    )
  }
  const segments: string[] = []
  for (const part of decoded.replaceAll('\\', '/').toLowerCase().split('/')) {
    // `split` would take several times as long, for each of up to a million segments.
    const mark = part.indexOf(';')
    const segment = mark === -1 ? part : part.slice(0, mark)
    if (segment === '..') segments.pop()
    else if (segment !== '' && segment !== '.') segments.push(segment)
  }
  const end = /[/\\]$|%2f$/i.test(path) ? '/' : ''
  return `/${segments.join('/')}${end}`
}

/**
 * Whether a mount path, which the client controls when the mount has parameters, may appear in URLs
 * and cookies.
 */
export function isSafeMountPath(mountPath: string): boolean {
  return mountPath === '' || /^(?:\/[A-Za-z0-9._~!$&'()*+,=:@%-]+)*$/.test(mountPath)
}

/** Characters of path and query. Login links and `state` contain them encrypted. */
export const MAX_PATH_LENGTH = 4096

/** Printable ASCII after exactly one slash. */
const PATH = /^\/(?:[\x21-\x2e\x30-\x5b\x5d-\x7e][\x21-\x7e]*)?$/

/**
 * Whether a redirect to `path` stays on this origin in every browser: printable ASCII after exactly
 * one slash.
 */
export function isSafePath(path: string): boolean {
  if (path.length > MAX_PATH_LENGTH || !PATH.test(path)) return false
  // Only dot segments, and backslashes, which browsers read as slashes, could lead elsewhere.
  if (!/\/(?:\.|%2e)|\\/i.test(path)) return true
  if ((path.split(/[?#]/, 1)[0] ?? '').includes('\\')) return false
  try {
    const url = new URL(path, 'https://origin.invalid')
    return url.origin === 'https://origin.invalid' && !url.pathname.startsWith('//')
  } catch {
    return false
  }
}

/**
 * Percent-encodes spaces and non-ASCII characters, so that a path written by an app is a URI path
 * (RFC 3987, 3.1).
 */
export function encodePath(path: string): string {
  return path.replace(/[ \u0080-\u{10ffff}]+/gu, (characters) =>
    [...Buffer.from(characters)].map((byte) => `%${byte.toString(16).toUpperCase()}`).join(''),
  )
}
