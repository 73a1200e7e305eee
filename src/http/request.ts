import type { IncomingMessage } from 'node:http'

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

/** Whether a script or a socket reads the response. */
function isFromScript({ headers }: AppRequest): boolean {
  const { accept, upgrade, 'sec-fetch-mode': mode, 'x-requested-with': requestedWith } = headers
  if (mode !== undefined && mode !== 'navigate') return true
  if (upgrade !== undefined || /^xmlhttprequest$/i.test(String(requestedWith ?? ''))) return true
  return accept !== undefined && /json|text\/event-stream/i.test(accept) && !/html/i.test(accept)
}

/** Whether the request only reads, so that it can be repeated. (RFC 9110, 9.2.1) */
export function isSafeMethod({ method }: AppRequest): boolean {
  return method === 'GET' || method === 'HEAD'
}

/**
 * Whether the browser loads the page speculatively; `Purpose` is what Safari and old Chrome send.
 */
export function isPrefetch(req: AppRequest): boolean {
  return /prefetch/i.test(String(req.headers['sec-purpose'] ?? req.headers.purpose ?? ''))
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
