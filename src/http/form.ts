import { OAuthError } from './errors.js'
import { isObject } from './json.js'
import type { AppRequest } from './request.js'

/**
 * A URL-encoded body, from the stream or from a body parser that ran first. Empty for other content
 * types. Rejects with an `OAuthError` if the body is longer than `maxBytes` or ends early.
 */
export async function readForm(
  req: AppRequest & { body?: unknown },
  maxBytes: number,
): Promise<URLSearchParams> {
  if (!/^application\/x-www-form-urlencoded\b/i.test(req.headers['content-type'] ?? ''))
    return new URLSearchParams()
  return parsedForm(req.body) ?? new URLSearchParams(await readBody(req, maxBytes))
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
    req.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > maxBytes)
        reject(new OAuthError('invalid_callback', { hint: 'the body is too large' }))
      else chunks.push(chunk)
    })
    req.on('end', () => resolve(Buffer.concat(chunks).toString()))
    req.on('error', (cause) =>
      reject(new OAuthError('invalid_callback', { cause, hint: 'the body ended early' })),
    )
    req.on('close', () =>
      reject(new OAuthError('invalid_callback', { hint: 'the body ended early' })),
    )
  })
}
