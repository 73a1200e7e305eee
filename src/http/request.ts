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
 * Whether the response will be shown in a browser tab. Clients that send none of these headers (curl) count as
 * navigating. Scripts, frames and sockets do not: they cannot follow a redirect to a provider.
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

/** Whether the browser loads the page speculatively; `Purpose` is what Safari and old Chrome send. */
export function isPrefetch(req: AppRequest): boolean {
  return /prefetch/i.test(String(req.headers['sec-purpose'] ?? req.headers.purpose ?? ''))
}

/** Whether the response is for a frame, an `<embed>` or an `<object>` (Fetch Metadata, `Sec-Fetch-Dest`). */
export function isFramed(req: AppRequest): boolean {
  return /^(?:i?frame|fencedframe|embed|object)$/.test(req.headers['sec-fetch-dest'] ?? '')
}

/** Whether the client prefers a page to JSON. */
export function wantsHtml(req: AppRequest): boolean {
  if (isFramed(req)) return true
  const accept = req.headers.accept
  return isNavigation(req) || (accept !== undefined && /text\/html/i.test(accept))
}
