import type { Socket } from 'node:net'
import type { EventEmitter } from 'node:events'
import { OAuthError } from '../../http/errors.js'
import type { GatewayRequest } from './messages.js'

/** Hop-by-hop headers of an upgrade that the gateway does not make. */
const UPGRADE_HEADERS = new Set(['connection', 'upgrade', 'http2-settings'])

/** Whether a request asks for a WebSocket. */
export function isWebSocket({ headers, method }: GatewayRequest): boolean {
  return method === 'GET' && headers.upgrade?.trim().toLowerCase() === 'websocket'
}

/**
 * Has the server handle a request that asks for another protocol as if it did not, as a server may.
 * (RFC 9110, 7.8) Java's client asks for HTTP/2 in its first request on every connection.
 */
export function ignoreUpgrade(
  server: EventEmitter,
  req: GatewayRequest,
  socket: Socket,
  head: Buffer,
): void {
  const lines = [`${req.method} ${req.url} HTTP/${req.httpVersion}`]
  for (let index = 0; index < req.rawHeaders.length; index += 2) {
    const name = req.rawHeaders[index] ?? ''
    if (!UPGRADE_HEADERS.has(name.toLowerCase()))
      lines.push(`${name}: ${req.rawHeaders[index + 1] ?? ''}`)
  }
  if (/\bclose\b/i.test(req.headers.connection ?? '')) lines.push('Connection: close')
  const start = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  socket.unshift(Buffer.concat([start, head]))
  server.emit('connection', socket)
}

/** The status and the body of the response to an upgrade whose session cannot be checked. */
export function refusalOf(error: unknown): { status: number; body: object } {
  const { code, status, message } = error instanceof OAuthError ? error : new OAuthError('internal')
  return { status, body: { error: code, message } }
}
