import { parseOrigin, requestHost } from './origin.js'
import type { AppRequest } from './request.js'

/**
 * The hosts of a login, if they differ from that of its redirect URI. Sent encrypted, so the names
 * of the fields are fixed.
 */
export interface LoginHosts {
  /** The host in the address bar of the browser, as far as the request shows it. */
  readonly browserHost?: string | undefined
  /** The `Host` header, which a proxy may have changed. */
  readonly requestHost?: string | undefined
}

const HOST = /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/

/** The hosts of a request that starts a login with a redirect URI of this origin. */
export function loginHosts(req: AppRequest, origin: string): LoginHosts {
  const { host } = parseOrigin(origin) ?? new URL(origin)
  const other = (found: string | undefined) =>
    found !== undefined && !isSameHost(found, host) ? found : undefined
  return { browserHost: other(reportedHost(req)), requestHost: other(validHost(requestHost(req))) }
}

/**
 * The host on which a login started and the one to which its response came, if they differ: the
 * browser sends the cookie of one to no other. (RFC 6265, 5.1.3)
 */
export function changedHosts(
  req: AppRequest,
  redirectUri: string,
  started: LoginHosts,
): readonly [started: string, returned: string] | undefined {
  const { host } = new URL(redirectUri)
  const { browserHost, requestHost: before = host } = started
  const reported = reportedHost(req)
  // A proxy that reports the same host for both requests hides the one of the browser.
  if (browserHost !== undefined && !(reported && isSameHost(browserHost, reported)))
    return [browserHost, host]
  const now = validHost(requestHost(req))
  return now === undefined || isSameHost(before, now) ? undefined : [before, now]
}

/**
 * What proxies and browsers report about the host in the address bar. Clients can forge all of it,
 * so it serves explanations only. (RFC 7239, 5.3; Fetch Metadata, 2.3)
 */
function reportedHost({ headers }: AppRequest): string | undefined {
  const forwarded = /(?:^|[;,])\s*host="?([^";,\s]+)/i.exec(headers.forwarded ?? '')?.[1]
  const isFromThisSite = headers['sec-fetch-site'] === 'same-origin'
  const page = isFromThisSite ? (headers.origin ?? headers.referer ?? '') : ''
  return [
    firstOf(headers['x-forwarded-host']),
    forwarded,
    firstOf(headers['x-original-host']),
    page !== '' && URL.canParse(page) ? new URL(page).host : undefined,
  ]
    .map(validHost)
    .find((host) => host !== undefined)
}

function firstOf(header: string | string[] | undefined): string | undefined {
  return String(header ?? '')
    .split(',', 1)[0]
    ?.trim()
}

function validHost(host: string | undefined): string | undefined {
  return host !== undefined && HOST.test(host) ? host : undefined
}

/** Cookies do not depend on the port. (RFC 6265, 8.5) */
function isSameHost(a: string, b: string): boolean {
  return withoutPort(a) === withoutPort(b)
}

function withoutPort(host: string): string {
  return host.replace(/:\d{1,5}$/, '').toLowerCase()
}
