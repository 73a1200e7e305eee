import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

/** A request as Express, Connect and bare `node:http` hand it to a middleware. */
export interface AppRequest extends IncomingMessage {
  originalUrl?: string | undefined
  baseUrl?: string | undefined
  protocol?: string | undefined
  ip?: string | undefined
  app?: { get?: ((setting: string) => unknown) | undefined } | undefined
}

export interface RequestTarget {
  /** Where the module is mounted, as seen in the request: `''` at the root, never ending in a slash. */
  mountPath: string
  /** Path and query as the client sent them, the mount included. */
  original: string
  /** Path below the mount, without the query. */
  path: string
  /** The query without its question mark, as sent. */
  query: string
}

/** Express keeps the mount in `baseUrl`; Connect only shows it as what it took off `url`. */
export function readTarget(req: AppRequest): RequestTarget {
  const { originalUrl, baseUrl } = req
  const original = stripOrigin(originalUrl ?? req.url ?? '/')
  const mountPath =
    typeof baseUrl === 'string'
      ? withoutSlash(baseUrl)
      : originalUrl === undefined
        ? ''
        : hiddenMount(original, stripOrigin(req.url ?? '/'))
  const below =
    mountPath !== '' && original.startsWith(mountPath) ? original.slice(mountPath.length) : original
  const mark = below.indexOf('?')
  const path = mark === -1 ? below : below.slice(0, mark)
  return {
    mountPath,
    original,
    path: path === '' ? '/' : path,
    query: mark === -1 ? '' : below.slice(mark + 1),
  }
}

/** What a router took off the front of `original`. */
function hiddenMount(original: string, url: string): string {
  if (original.length <= url.length) return ''
  if (original.endsWith(url)) return withoutSlash(original.slice(0, -url.length))
  // Connect turns `/app` and `/app?x` into `/` and `/?x` below the mount `/app`.
  const mark = original.indexOf('?')
  return url === '/' || url.startsWith('/?')
    ? withoutSlash(original.slice(0, mark === -1 ? undefined : mark))
    : ''
}

function withoutSlash(path: string): string {
  return path.endsWith('/') ? path.replace(/\/+$/, '') : path
}

/** An absolute-form target (RFC 9112, 3.2.2) names a host that nobody checked: only its path counts. */
function stripOrigin(target: string): string {
  if (target.startsWith('/')) return target
  const match = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i.exec(target)
  const rest = match === null ? '/' : target.slice(match[0].length)
  return rest.startsWith('/') ? rest : `/${rest}`
}

/**
 * Whether a path could be read as one below `basePath` by some router: in another case, with doubled slashes, dot
 * segments or percent-encoding. The app never receives a request to any of these.
 */
export function isUnderPath(path: string, basePath: string): boolean {
  if (path.startsWith(basePath) && path.charCodeAt(basePath.length) === 0x2f) return true
  // Nothing unusual in either: the plain spelling, above, was the only one.
  if (!/[%\\A-Z;]|\/[/.]/.test(path) && !/[A-Z]/.test(basePath)) return false
  const plain = plainPath(path)
  return plain.startsWith(`${basePath.toLowerCase()}/`)
}

function plainPath(path: string): string {
  let decoded = path
  for (let round = 0; round < 2 && decoded.includes('%'); round++) {
    decoded = decoded.replace(/%[0-9a-f]{2}/gi, (code) =>
      String.fromCharCode(Number.parseInt(code.slice(1), 16)),
    )
  }
  const segments: string[] = []
  for (const part of decoded.replaceAll('\\', '/').toLowerCase().split('/')) {
    const segment = part.split(';', 1)[0] ?? ''
    if (segment === '..') segments.pop()
    else if (segment !== '' && segment !== '.') segments.push(segment)
  }
  const end = /[/\\]$|%2f$/i.test(path) ? '/' : ''
  return `/${segments.join('/')}${end}`
}

/** Whether a mount point, which a visitor may have made up, can stand in addresses and cookies. */
export function isSafeMountPath(mountPath: string): boolean {
  return /^(?:\/[A-Za-z0-9._~!$&'()*+,=:@%-]+)*$/.test(mountPath)
}

/** Printable ASCII without the space; the path starts with one slash and stays on its origin however it is read. */
export function isSafePath(target: string): boolean {
  if (target.length > 2048 || !/^\/(?![/\\])[\x21-\x7e]*$/.test(target)) return false
  if ((target.split(/[?#]/, 1)[0] ?? '').includes('\\')) return false
  try {
    const url = new URL(target, 'https://origin.invalid')
    return url.origin === 'https://origin.invalid' && !url.pathname.startsWith('//')
  } catch {
    return false
  }
}

/** The origin the visitor sees: scheme and host, or `undefined` when `Host` is absent or malformed. */
export function readOrigin(req: AppRequest): string | undefined {
  const forwarded = trustedForwarded(req, req.headers['x-forwarded-host'])
  const host = forwarded ?? singleHost(req)
  if (host === undefined || !/^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/.test(host))
    return undefined
  try {
    const origin = new URL(`${isHttps(req) ? 'https' : 'http'}://${host}`).origin
    return origin
  } catch {
    return undefined
  }
}

/** Of several `Host` lines Node takes the first, and somebody on the way may have taken another. (RFC 9112, 3.2) */
function singleHost({ headers, rawHeaders = [] }: AppRequest): string | undefined {
  const lines = rawHeaders.filter((name, index) => index % 2 === 0 && /^host$/i.test(name))
  return lines.length > 1 ? undefined : headers.host
}

/** Only Express says whom to believe: without it, `X-Forwarded-*` is never read. */
function isProxyTrusted(req: AppRequest): boolean {
  const trust = req.app?.get?.('trust proxy fn')
  return typeof trust === 'function' && trust(req.socket?.remoteAddress, 0) === true
}

export function isHttps(req: AppRequest, headers = req.headers): boolean {
  if ((req.socket as Socket & Partial<TLSSocket>)?.encrypted === true) return true
  return trustedForwarded(req, headers['x-forwarded-proto'])?.toLowerCase() === 'https'
}

/** What a proxy says, where it is trusted: asked only when one says anything. */
function trustedForwarded(
  req: AppRequest,
  header: string | string[] | undefined,
): string | undefined {
  const said = firstOf(header)
  return said !== undefined && isProxyTrusted(req) ? said : undefined
}

function firstOf(header: string | string[] | undefined): string | undefined {
  const value = Array.isArray(header) ? header[0] : header
  return value?.split(',', 1)[0]?.trim() || undefined
}

export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(?:\.\d{1,3}){3}$/.test(hostname)
  )
}

/**
 * Whether a person is about to see the answer in a tab. Clients that say nothing (curl) count as navigating; what says
 * that it is something else cannot follow a redirect to a login.
 */
export function isNavigation(req: AppRequest): boolean {
  const { headers } = req
  const mode = headers['sec-fetch-mode']
  if (mode !== undefined && mode !== 'navigate') return false
  if (isFramed(req) || isPrefetch(req) || headers['x-requested-with'] === 'XMLHttpRequest')
    return false
  if (headers.upgrade !== undefined || headers.authorization !== undefined) return false
  const accept = headers.accept
  if (accept !== undefined && /json|text\/event-stream/i.test(accept) && !/html/i.test(accept))
    return false
  return req.method === 'GET' || req.method === 'HEAD' || mode === 'navigate'
}

export function isPrefetch(req: AppRequest): boolean {
  return /prefetch/i.test(String(req.headers['sec-purpose'] ?? req.headers.purpose ?? ''))
}

/** Whether a frame, an embed or an object asks. */
export function isFramed(req: AppRequest): boolean {
  return /^(?:i?frame|fencedframe|embed|object)$/.test(String(req.headers['sec-fetch-dest'] ?? ''))
}

/** Whether the client would rather have a page than JSON. */
export function wantsHtml(req: AppRequest): boolean {
  if (isFramed(req)) return true
  const accept = req.headers.accept
  return isNavigation(req) || (accept !== undefined && /text\/html/i.test(accept))
}
