import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { AppRequest } from './request.js'

/**
 * The origin that the browser sees: scheme and host, or `undefined` if `Host` is missing or
 * malformed.
 */
export function readOrigin(req: AppRequest): string | undefined {
  const host = trustedForwarded(req, req.headers['x-forwarded-host']) ?? requestHost(req)
  if (host === undefined || !/^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/.test(host))
    return undefined
  const origin = `${isHttps(req) ? 'https' : 'http'}://${host}`
  return URL.canParse(origin) ? new URL(origin).origin : undefined
}

/**
 * The host that the client requests: `Host`, or `:authority` in HTTP/2 (RFC 9113, 8.3.1).
 * `undefined` if it is ambiguous: Node uses the first of several `Host` lines, but a proxy may have
 * used another one. (RFC 9112, 3.2)
 */
export function requestHost({ headers, rawHeaders }: AppRequest): string | undefined {
  // Test tools that inject requests leave `rawHeaders` out.
  const names = (rawHeaders ?? []).filter((_, index) => index % 2 === 0)
  const lines = names.filter((name) => /^host$/i.test(name))
  if (lines.length > 1) return undefined
  const { host } = headers
  const authority = headers[':authority']
  if (typeof authority !== 'string') return host
  return host === undefined || host.toLowerCase() === authority.toLowerCase()
    ? authority
    : undefined
}

/** Whether the client uses https: the socket is encrypted, or a trusted proxy reports https. */
export function isHttps(req: AppRequest, headers = req.headers): boolean {
  if ((req.socket as Socket & Partial<TLSSocket>)?.encrypted === true) return true
  return trustedForwarded(req, headers['x-forwarded-proto'])?.toLowerCase() === 'https'
}

/**
 * The first value of a forwarded header, if the app trusts the proxy. `trust proxy fn` is slower
 * than reading the header.
 */
function trustedForwarded(
  req: AppRequest,
  header: string | string[] | undefined,
): string | undefined {
  const line = Array.isArray(header) ? header[0] : header
  const value = line?.split(',', 1)[0]?.trim() || undefined
  return value !== undefined && isProxyTrusted(req) ? value : undefined
}

/** Only Express has a setting for trusted proxies. Without it, `X-Forwarded-*` is ignored. */
function isProxyTrusted(req: AppRequest): boolean {
  const trust = req.app?.get?.('trust proxy fn')
  return isTrustFunction(trust) && trust(req.socket?.remoteAddress, 0) === true
}

function isTrustFunction(value: unknown): value is (address: unknown, hop: number) => unknown {
  return typeof value === 'function'
}

/** Whether a host name of a `URL` always means this machine (RFC 6761, 6.3). */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(?:\.\d{1,3}){3}$/.test(hostname)
  )
}

/** Whether tokens may be sent to a URL: https, or http on this machine. */
export function isAllowedUrl(url: string): boolean {
  if (!URL.canParse(url)) return false
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))
}

/**
 * Whether the page that requests a WebSocket may connect: it belongs to this app or to one of the
 * allowed origins. (RFC 6455, 10.2)
 */
export function isAllowedOrigin(
  req: IncomingMessage,
  publicOrigin: string | undefined,
  allowed: string | readonly string[] = [],
): boolean {
  const { origin } = req.headers
  // Browsers always send `Origin`, so the client is not a page of another site.
  if (origin === undefined) return true
  if ([allowed].flat().includes(origin)) return true
  if (publicOrigin !== undefined) return origin === publicOrigin
  const appOrigin = readOrigin(req)
  return (
    appOrigin !== undefined &&
    URL.canParse(origin) &&
    new URL(origin).host === new URL(appOrigin).host
  )
}
