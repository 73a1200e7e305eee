import type { ServerResponse } from 'node:http'
import { OAuthError } from './errors.js'
import { isObject } from './json.js'
import type { AppRequest } from './request.js'

/** How long a client may take to send a form. */
const BODY_TIMEOUT_MS = 5_000

/** Whether the body of a request is a URL-encoded form. */
export function isForm({ headers }: AppRequest): boolean {
  return /^application\/x-www-form-urlencoded *(?:;|$)/i.test(headers['content-type'] ?? '')
}

/**
 * A URL-encoded body, from the stream or from a body parser that ran first. Empty for other content
 * types. Rejects with an `OAuthError` if the body is longer than `maxBytes`, ends early, or takes
 * longer than 5 seconds. The connection of a body that was not read completely ends with the
 * response.
 */
export async function readForm(
  req: AppRequest & { body?: unknown },
  res: ServerResponse,
  maxBytes: number,
): Promise<URLSearchParams> {
  try {
    if (!isForm(req)) return new URLSearchParams()
    return parsedForm(req.body) ?? new URLSearchParams(await readBody(req, maxBytes))
  } finally {
    // HTTP/2 has no such header: there, a connection is not blocked by one body.
    if (!req.complete && req.httpVersionMajor === 1) res.setHeader('Connection', 'close')
  }
}

/** Body parsers leave an empty object for a body that they did not read. */
function parsedForm(body: unknown): URLSearchParams | undefined {
  if (typeof body === 'string' || Buffer.isBuffer(body)) return new URLSearchParams(body.toString())
  if (!isObject(body) || Object.keys(body).length === 0) return undefined
  // Body parsers turn `name[x]` into objects: not form fields, and `name[toString]` cannot be
  // converted to a string.
  const strings = (value: unknown) =>
    [value].flat().filter((item): item is string => typeof item === 'string')
  return new URLSearchParams(
    Object.entries(body).flatMap(([name, value]) =>
      strings(value).map((item): [string, string] => [name, item]),
    ),
  )
}

/**
 * Not an async iterator: leaving one early closes the connection, so the client would get no
 * response.
 */
function readBody(req: AppRequest, maxBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    if (req.readableEnded) return resolve('')
    const chunks: Buffer[] = []
    let size = 0
    const fail = (hint: string, cause?: unknown) => {
      clearTimeout(timer)
      req.off('data', onData).pause()
      reject(new OAuthError('invalid_callback', { hint, cause }))
    }
    const onData = (chunk: Buffer) => {
      size += chunk.length
      if (size > maxBytes) fail('the body is too large')
      else chunks.push(chunk)
    }
    const timer = setTimeout(fail, BODY_TIMEOUT_MS, 'the body did not arrive in time')
    req.on('data', onData)
    req.on('end', () => {
      clearTimeout(timer)
      resolve(Buffer.concat(chunks).toString())
    })
    req.on('error', (cause) => fail('the body ended early', cause))
    req.on('close', () => fail('the body ended early'))
  })
}
