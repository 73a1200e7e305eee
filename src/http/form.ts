import { OAuthError } from '../errors.js'
import { isRecord } from '../read.js'
import type { AppRequest } from './request.js'

/** A urlencoded body; read by ourselves unless a parser in front of us has read it already. */
export async function readForm(req: AppRequest & { body?: unknown }, maxBytes: number): Promise<URLSearchParams> {
  if (!/^application\/x-www-form-urlencoded\b/i.test(req.headers['content-type'] ?? '')) return new URLSearchParams()
  if (isRecord(req.body)) {
    return new URLSearchParams(Object.entries(req.body).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
  }
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of req) {
    size += chunk.length
    if (size > maxBytes) throw new OAuthError('invalid_callback', { hint: 'the body is too large' })
    chunks.push(chunk)
  }
  return new URLSearchParams(Buffer.concat(chunks).toString())
}
