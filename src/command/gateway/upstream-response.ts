import type { IncomingMessage } from 'node:http'
import { hopByHopNames } from './forwarded-headers.js'
import type { GatewayResponse } from './messages.js'
import { invalidStatus } from './upstream-error.js'

/** Bytes that are copied faster than they are written separately. */
const MAX_SHORT_BODY = 4096

/** Sends the upstream's response to the client as it arrives. */
export function sendResponse(from: IncomingMessage, res: GatewayResponse): void {
  // Node accepts more than it sends, and would throw once the body arrives.
  const { statusCode = 0, statusMessage = '' } = from
  if (statusCode < 200) throw invalidStatus()
  res.statusCode = statusCode
  res.statusMessage = statusMessage.replace(/[^\t\x20-\x7e\x80-\xff]/g, '')
  copyHeaders(from, res)
  process.nextTick(sendBody, from, res)
}

/**
 * Once the parser has read what has arrived. A body that is complete needs no stream, and a short one
 * is written together with the head.
 */
function sendBody(from: IncomingMessage, res: GatewayResponse): void {
  // What follows the head may have been invalid.
  if (res.headersSent || res.destroyed) return
  if (!from.complete || !res.hasHeader('content-length')) return streamBody(from, res)
  const body = from.read() as Buffer | null
  if (body === null) res.end()
  else if (body.length > MAX_SHORT_BODY) res.end(body)
  else res.end(body.toString('latin1'), 'latin1')
}

function streamBody(from: IncomingMessage, res: GatewayResponse): void {
  const { req } = res
  const hasLength = res.hasHeader('content-length')
  // Without a length or chunks, a client takes an ordinary end for the end of the response.
  if (req.httpVersion === '1.0' && !hasLength && req.method !== 'HEAD')
    from.once('error', () => res.socket?.resetAndDestroy())
  from.once('end', () => addTrailers(from, res))
  from.once('close', () => {
    if (!from.complete) res.destroy()
  })
  // A part that arrives after the client has disconnected; `close` follows.
  res.on('error', () => undefined)
  from.pipe(res)
  // The head waits for the first part of the body, so that both are sent at once. Streams may have
  // none for a long time.
  if (!hasLength)
    setImmediate(() => {
      if (!res.headersSent && !res.destroyed) res.flushHeaders()
    })
}

/** Keeps spelling and repetition. Headers that the gate has set are replaced, except `Vary`. */
function copyHeaders(from: IncomingMessage, res: GatewayResponse): void {
  const { rawHeaders, headers } = from
  const dropped = hopByHopNames(headers.connection)
  const seen = new Set<string>()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    const value = rawHeaders[index + 1] ?? ''
    const key = name.toLowerCase()
    if (dropped.has(key)) continue
    if (seen.has(key) || key === 'vary' || key === 'set-cookie') res.appendHeader(name, value)
    else res.setHeader(name, value)
    seen.add(key)
  }
}

/** What delimits a message is not a trailer; not every parser rejects it. (RFC 9110, 6.5.1) */
const FRAMING = /^(?:content-length|transfer-encoding)$/i

/** Only chunks can carry trailers. (RFC 9112, 7.1.2) */
function addTrailers(from: IncomingMessage, res: GatewayResponse): void {
  if (from.rawTrailers.length === 0 || !res.chunkedEncoding) return
  const lines: [string, string][] = []
  for (let index = 0; index < from.rawTrailers.length; index += 2) {
    const name = from.rawTrailers[index] ?? ''
    if (!FRAMING.test(name)) lines.push([name, from.rawTrailers[index + 1] ?? ''])
  }
  res.addTrailers(lines)
}
