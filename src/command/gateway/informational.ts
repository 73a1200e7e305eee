import type { InformationEvent } from 'node:http'
import type { GatewayResponse } from './messages.js'

/** Passes an interim response on. (RFC 9110, 15.2; HTTP/1.0 has none) */
export function passInformation(
  { statusCode, headers }: InformationEvent,
  res: GatewayResponse,
): void {
  if (res.headersSent || res.destroyed || res.req.httpVersion === '1.0') return
  if (statusCode === 102) res.writeProcessing()
  const { link } = headers
  if (statusCode !== 103 || link === undefined) return
  try {
    res.writeEarlyHints({ link })
  } catch {
    // Node checks the syntax of links. The response has them as well.
  }
}
