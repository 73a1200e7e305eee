import type { ServerResponse } from 'node:http'
import { isObject, isTooDeep } from '../http/json.js'
import type { AppRequest } from '../http/request.js'
import { AdminError } from './errors.js'
import { BODY_TIMEOUT_SECONDS, MAX_BODY_BYTES } from './limits.js'
import { parseStrictJson } from './strict-json.js'

/** A request whose body a parser of the app, such as `express.json()`, may have read. */
export interface BodyRequest extends AppRequest {
  readonly body?: unknown
}

/** What is read of a longer body, so that a client that sends it reads the response. */
const MAX_DISCARDED_BYTES = 1024 * 1024
const MAX_DEPTH = 10
/** For the whole body, however slowly it arrives. */
const TIMEOUT_MS = BODY_TIMEOUT_SECONDS * 1000

/**
 * The body of a request: a JSON object. Rejects with an {@link AdminError} if it is not one, if it is
 * longer than 64 kB, or if it does not arrive within 10 seconds.
 */
export async function readBody(
  req: BodyRequest,
  res: ServerResponse,
  timeoutMs = TIMEOUT_MS,
): Promise<Record<string, unknown>> {
  checkContentType(req)
  const value = req.readableDidRead
    ? parsedBody(req)
    : parseStrictJson(await read(req, res, timeoutMs))
  if (!isObject(value))
    throw new AdminError('ERR_NGROK_213', { message: 'The body must be a JSON object.' })
  return value
}

function checkContentType({ headers }: BodyRequest): void {
  const { 'content-type': type, 'content-encoding': encoding = 'identity' } = headers
  if (type === undefined) throw new AdminError('ERR_NGROK_216')
  const isJson = /^application\/json[ \t]*(?:;[ \t]*charset="?utf-8"?[ \t]*)?;?$/i.test(type.trim())
  if (!isJson || !/^identity$/i.test(encoding)) throw new AdminError('ERR_NGROK_210')
}

/**
 * What another parser has made of the body. Repeated names are lost then, and no other check. Some
 * parsers leave the bytes, or the text.
 */
function parsedBody({ body }: BodyRequest): unknown {
  if (body instanceof Uint8Array || typeof body === 'string') {
    const bytes = Buffer.from(body)
    if (bytes.length > MAX_BODY_BYTES) throw new AdminError('payload_too_large')
    return parseStrictJson(bytes)
  }
  if (body === undefined || isTooDeep(body, MAX_DEPTH))
    throw new AdminError('ERR_NGROK_213', {
      message:
        body === undefined
          ? 'Another middleware has read the body, and left nothing of it.'
          : 'The body is nested too deeply.',
    })
  return parseStrictJson(checkedLength(Buffer.from(JSON.stringify(body))))
}

function checkedLength(bytes: Buffer): Buffer {
  if (bytes.length > MAX_BODY_BYTES) throw new AdminError('payload_too_large')
  return bytes
}

/** Reads the bytes. A body that is too long, or too slow, ends the connection. */
function read(req: BodyRequest, res: ServerResponse, timeoutMs: number): Promise<Buffer> {
  if (Number(req.headers['content-length'] ?? 0) > MAX_DISCARDED_BYTES)
    throw closing(res, tooLarge())
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    const end = (act: () => void) => {
      clearTimeout(timer)
      req.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose)
      act()
    }
    const fail = (error: AdminError) => end(() => reject(closing(res, error)))
    const onData = (chunk: Buffer) => {
      length += chunk.length
      if (length <= MAX_BODY_BYTES) chunks.push(chunk)
      else if (length > MAX_DISCARDED_BYTES) fail(tooLarge())
    }
    const onEnd = () =>
      length > MAX_BODY_BYTES ? fail(tooLarge()) : end(() => resolve(Buffer.concat(chunks)))
    const onError = () => fail(new AdminError('ERR_NGROK_212'))
    const onClose = onError
    const timer = setTimeout(() => fail(new AdminError('body_timeout')), timeoutMs)
    req.on('data', onData).once('end', onEnd).once('error', onError).once('close', onClose)
  })
}

function tooLarge(): AdminError {
  return new AdminError('payload_too_large')
}

/** The rest of the body is not read: the connection cannot serve another request. */
function closing(res: ServerResponse, error: AdminError): AdminError {
  if (!res.headersSent) res.setHeader('Connection', 'close')
  return error
}
