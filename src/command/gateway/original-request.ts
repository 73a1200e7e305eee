import type { GatewayRequest } from './messages.js'

/** Who asks: nginx, or a proxy that passes every response on to the browser (Traefik, Caddy). */
export type AuthRequestMode = true | 'forward'

/** How a proxy names the original request. */
const ORIGINAL = { uri: 'x-original-uri', method: 'x-original-method' } as const
const FORWARDED = { uri: 'x-forwarded-uri', method: 'x-forwarded-method' } as const

/** Longer than any URL that a server accepts. */
const MAX_URI_LENGTH = 16_384

/**
 * Gives a subrequest the URL and the method of the original request. Returns what is wrong if both
 * pairs of headers are present and differ: one of them may come from the client.
 */
export function restoreOriginal(req: GatewayRequest, mode: AuthRequestMode): string | undefined {
  const { headers } = req
  const pairs = mode === 'forward' ? [FORWARDED, ORIGINAL] : [ORIGINAL, FORWARDED]
  const [first, second] = pairs
    .map(({ uri, method }) => ({ uri: headers[uri], method: headers[method] }))
    .filter(({ uri, method }) => uri !== undefined || method !== undefined)
  if (first === undefined) return undefined
  if (second !== undefined && (second.uri !== first.uri || second.method !== first.method))
    return 'The proxy names two original requests: have it set or remove X-Original-URI, X-Original-Method, X-Forwarded-Uri, and X-Forwarded-Method.'
  const { uri, method = 'GET' } = first
  if (typeof uri !== 'string' || uri.length > MAX_URI_LENGTH || !/^\/[\x21-\x7e]*$/.test(uri))
    return 'The original URL is missing, or is not a path.'
  if (typeof method !== 'string' || !/^[A-Z-]{1,32}$/.test(method))
    return 'The original method is not a method.'
  req.url = uri
  req.method = method
  return undefined
}
