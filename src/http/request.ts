import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** A request as Express, Connect and bare `node:http` pass it to a middleware. */
export interface AppRequest extends IncomingMessage {
  originalUrl?: string | undefined
  baseUrl?: string | undefined
  protocol?: string | undefined
  ip?: string | undefined
  app?: { get?: ((setting: string) => unknown) | undefined } | undefined
}

/**
 * Whether the response will be shown in a browser tab. Clients that send none of these headers
 * (curl) count as navigating. Scripts, frames and sockets do not: they cannot follow a redirect to
 * a provider. A browser may send `Authorization` with every navigation, for the basic
 * authentication of a proxy.
 */
export function isNavigation(req: AppRequest): boolean {
  if (isFromScript(req) || isFramed(req) || isPrefetch(req)) return false
  const { headers } = req
  if (headers['sec-fetch-mode'] === 'navigate') return true
  return headers.authorization === undefined && isSafeMethod(req)
}

/**
 * Whether the client asks for another protocol, such as WebSocket: by `Upgrade`, or in HTTP/2 by an
 * extended CONNECT. (RFC 8441, 4)
 */
export function isUpgrade(headers: IncomingHttpHeaders): boolean {
  return headers.upgrade !== undefined || headers[':protocol'] !== undefined
}

/** Whether a script or a socket reads the response. */
function isFromScript({ headers }: AppRequest): boolean {
  const { accept, 'sec-fetch-mode': mode, 'x-requested-with': requestedWith } = headers
  if (mode !== undefined && mode !== 'navigate') return true
  if (isUpgrade(headers) || /^xmlhttprequest$/i.test(String(requestedWith ?? ''))) return true
  return accept !== undefined && /json|text\/event-stream/i.test(accept) && !/html/i.test(accept)
}

/** Whether the request only reads, so that it can be repeated. (RFC 9110, 9.2.1) */
export function isSafeMethod({ method }: AppRequest): boolean {
  return method === 'GET' || method === 'HEAD'
}

/** `Sec-Purpose` is standard; Safari and old versions of Chrome and Firefox send others. */
const PURPOSE_HEADERS = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz']

/** Whether the browser loads the page speculatively. */
export function isPrefetch({ headers }: AppRequest): boolean {
  return PURPOSE_HEADERS.some((name) => /prefetch|preview/i.test(String(headers[name] ?? '')))
}

/**
 * Whether the response is for a frame, an `<embed>` or an `<object>` (Fetch Metadata,
 * `Sec-Fetch-Dest`).
 */
export function isFramed(req: AppRequest): boolean {
  return /^(?:i?frame|fencedframe|embed|object)$/.test(req.headers['sec-fetch-dest'] ?? '')
}

/** Whether the client prefers a page to JSON. */
export function wantsHtml(req: AppRequest): boolean {
  if (isFramed(req)) return true
  // `no-cors`: an image or a style sheet, whose response no script reads.
  if (isFromScript(req) && req.headers['sec-fetch-mode'] !== 'no-cors') return false
  return isNavigation(req) || /text\/html/i.test(req.headers.accept ?? '')
}

/** Whether the request loads a page into a tab, so that its URL can be opened again. */
export function isPageRequest(req: AppRequest): boolean {
  if (isFromScript(req) || isFramed(req) || isPrefetch(req)) return false
  return isSafeMethod(req) && wantsHtml(req)
}
