import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { createCache } from './create-cache.js'
import type { EarlierRequests } from './mount-memory.js'
import { OAuthError } from './errors.js'
import type { AppRequest } from './request.js'

/** How a client uses the app, where the request itself does not show it. */
export interface ClientView {
  readonly app: AppRequest['app']
  readonly isHttps: boolean
}

/**
 * The origin that the browser sees: scheme and host, or `undefined` if `Host` is missing or
 * malformed.
 */
export function readOrigin(req: AppRequest, view?: ClientView): string | undefined {
  const { 'x-forwarded-host': forwardedHost } = req.headers
  const host = trustedForwarded(req, forwardedHost, view?.app) ?? requestHost(req)
  if (host === undefined || !/^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/.test(host))
    return undefined
  const origin = `${(view?.isHttps ?? isHttps(req)) ? 'https' : 'http'}://${host}`
  return parseOrigin(origin)?.origin
}

/** Clients choose the hosts, so few are kept. */
const parsedOrigins = createCache<URL>({ max: 100 })

/** Parses an origin once: a login needs it several times. `undefined` if it is not a URL. */
export function parseOrigin(origin: string): Readonly<URL> | undefined {
  const known = parsedOrigins.get(origin)
  if (known !== undefined || !URL.canParse(origin)) return known
  const url = new URL(origin)
  parsedOrigins.set(origin, url)
  return url
}

/**
 * The host that the client requests: `Host`, or `:authority` in HTTP/2 (RFC 9113, 8.3.1).
 * `undefined` if it is ambiguous: Node uses the first of several `Host` lines, but a proxy may have
 * used another one. (RFC 9112, 3.2)
 */
export function requestHost({ headers, rawHeaders }: AppRequest): string | undefined {
  // Test tools that inject requests leave `rawHeaders` out.
  if (rawHeaders !== undefined && hasSeveralHosts(rawHeaders)) return undefined
  const { host } = headers
  const authority = headers[':authority']
  if (typeof authority !== 'string') return host
  return host === undefined || host.toLowerCase() === authority.toLowerCase()
    ? authority
    : undefined
}

function hasSeveralHosts(rawHeaders: readonly string[]): boolean {
  let count = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    if (name.length === 4 && name.toLowerCase() === 'host') count++
  }
  return count > 1
}

/** Whether the client uses https: the socket is encrypted, or a trusted proxy reports https. */
export function isHttps(req: AppRequest, headers = req.headers): boolean {
  return isEncrypted(req) || isHttpsScheme(trustedForwarded(req, headers['x-forwarded-proto']))
}

/**
 * As {@link isHttps} for a request that no router has seen: trust is that of earlier requests, and
 * so is the scheme if a trusted proxy leaves it out. `undefined` if they do not show it.
 */
export function isHttpsOfUnrouted(
  req: AppRequest,
  earlier: EarlierRequests | undefined,
): boolean | undefined {
  if (isEncrypted(req)) return true
  if (earlier === undefined) return undefined
  if (!isProxyTrusted(req, earlier.app)) return false
  const reported = trustedForwarded(req, req.headers['x-forwarded-proto'], earlier.app)
  if (reported !== undefined) return isHttpsScheme(reported)
  return earlier.isHttps.size === 1 ? earlier.isHttps.has(true) : undefined
}

function isEncrypted({ socket }: AppRequest): boolean {
  return (socket as Socket & Partial<TLSSocket>)?.encrypted === true
}

function isHttpsScheme(scheme: string | undefined): boolean {
  return scheme?.toLowerCase() === 'https'
}

/**
 * The first value of a forwarded header, if the app trusts the proxy. `trust proxy fn` is slower
 * than reading the header.
 */
function trustedForwarded(
  req: AppRequest,
  header: string | string[] | undefined,
  app?: AppRequest['app'],
): string | undefined {
  const line = Array.isArray(header) ? header[0] : header
  const value = line?.split(',', 1)[0]?.trim() || undefined
  return value !== undefined && isProxyTrusted(req, app) ? value : undefined
}

/** Only Express has a setting for trusted proxies. Without it, `X-Forwarded-*` is ignored. */
function isProxyTrusted(req: AppRequest, app?: AppRequest['app']): boolean {
  const trust = (req.app ?? app)?.get?.('trust proxy fn')
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

/**
 * Whether tokens may be sent to a URL: https, or http on this machine; with `insecureHttp`, http on
 * any host.
 */
export function isAllowedUrl(url: string, insecureHttp = false): boolean {
  if (!URL.canParse(url)) return false
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || (protocol === 'http:' && (insecureHttp || isLoopback(hostname)))
}

/**
 * Throws `misconfigured` for a login over plain http outside loopback: codes and cookies could be
 * read on the network. (RFC 6749, 3.1.2.1)
 */
export function rejectPlainHttp(origin: string, allowsHttp: boolean): void {
  const { protocol, hostname } = parseOrigin(origin) ?? new URL(origin)
  if (protocol === 'https:' || isLoopback(hostname) || allowsHttp) return
  throw new OAuthError('misconfigured', {
    hint: `logins over plain http are rejected on "${hostname}": serve the app over https; behind a proxy, set baseUrl or Express' "trust proxy"; to allow http, set cookie.secure: false`,
  })
}
