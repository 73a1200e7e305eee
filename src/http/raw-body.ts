import type { ServerResponse } from 'node:http'
import type { AppRequest } from './request.js'

/** How long a client may take to send a body. */
const BODY_TIMEOUT_MS = 5_000

/** Why a body could not be read. */
export type BodyFault = 'too large' | 'late' | 'incomplete' | 'parsed'

/** A body, byte for byte, or why it could not be read. */
export type RawBody =
  | { readonly bytes: Buffer; readonly fault?: undefined }
  | { readonly bytes?: undefined; readonly fault: BodyFault }

/**
 * Reads a body as it was sent. `parsed`: a body parser in front has read it and left only the
 * result, from which the bytes that a signature covers cannot be restored. The connection of a body
 * that was not read completely ends with the response.
 */
export async function readRawBody(
  req: AppRequest & { body?: unknown; rawBody?: unknown },
  res: ServerResponse,
  maxBytes: number,
): Promise<RawBody> {
  try {
    const body = keptBytes(req)
    if (body !== undefined) return body.length > maxBytes ? { fault: 'too large' } : { bytes: body }
    if (req.readableEnded || isParsed(req.body)) return { fault: 'parsed' }
    return await readStream(req, maxBytes)
  } finally {
    // HTTP/2 has no such header: there, a connection is not blocked by one body.
    if (!req.complete && req.httpVersionMajor === 1) res.setHeader('Connection', 'close')
  }
}

/** `express.raw()` and `express.text()` keep the bytes; some platforms leave them in `rawBody`. */
function keptBytes({ body, rawBody }: { body?: unknown; rawBody?: unknown }): Buffer | undefined {
  const kept = [rawBody, body].find((one) => Buffer.isBuffer(one) || typeof one === 'string')
  return kept === undefined ? undefined : Buffer.from(kept as string)
}

/** Body parsers leave an empty object for a body that they did not read. */
function isParsed(body: unknown): boolean {
  return typeof body === 'object' && body !== null && Object.keys(body).length > 0
}

/** Not an async iterator: leaving one early closes the connection. */
function readStream(req: AppRequest, maxBytes: number): Promise<RawBody> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    const settle = (result: RawBody) => {
      clearTimeout(timer)
      req.off('data', onData)
      if (result.fault !== undefined) req.pause()
      resolve(result)
    }
    const onData = (chunk: Buffer) => {
      size += chunk.length
      if (size > maxBytes) settle({ fault: 'too large' })
      else chunks.push(chunk)
    }
    const timer = setTimeout(settle, BODY_TIMEOUT_MS, { fault: 'late' })
    if (Number(req.headers['content-length']) > maxBytes) return settle({ fault: 'too large' })
    req.on('data', onData)
    req.on('end', () => settle({ bytes: Buffer.concat(chunks) }))
    req.on('error', () => settle({ fault: 'incomplete' }))
    req.on('close', () => settle({ fault: 'incomplete' }))
  })
}
