import type { IncomingMessage } from 'node:http'
import { readOrigin } from './request.js'

/** Whether the page that opens a socket is the app's own, or one that was named. (RFC 6455, 10.2) */
export function isAllowedOrigin(
  req: IncomingMessage,
  publicOrigin: string | undefined,
  others: string | readonly string[] = [],
): boolean {
  const { origin } = req.headers
  // No browser leaves it out: a program is no page of another site.
  if (origin === undefined) return true
  if ([others].flat().includes(origin)) return true
  if (publicOrigin !== undefined) return origin === publicOrigin
  const own = readOrigin(req)
  return own !== undefined && URL.canParse(origin) && new URL(origin).host === new URL(own).host
}
