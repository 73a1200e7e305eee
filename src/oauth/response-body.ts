import { isTooDeep, parseJson } from '../http/json.js'
import { outcomeOfFailure, providerError } from './provider-errors.js'

/** Reads a body completely. Rejects with a `ProviderError` when it exceeds `maxBytes`. */
export async function readBody(
  response: Response,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let size = 0
  // The limit applies to the decompressed size: a small body can decompress to a huge one.
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > maxBytes)
      throw providerError(
        outcomeOfFailure(response.status),
        `the response of the provider exceeds ${maxBytes} bytes`,
      )
    chunks.push(chunk)
  }
  const bytes = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.length
  }
  return bytes
}

/** The body as UTF-8, without a byte order mark. `undefined` if it is not UTF-8. */
export async function readText(response: Response): Promise<string | undefined> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await response.arrayBuffer())
  } catch {
    return undefined
  }
}

/**
 * Parses JSON of any content type. `undefined` if it is malformed, not UTF-8, or nested too deeply.
 */
export async function readJson(response: Response): Promise<unknown> {
  const value = parseJson(await readText(response))
  return isTooDeep(value) ? undefined : value
}

/**
 * Like {@link readJson}; a JWT (RFC 7519, 3) is returned as a string, since some providers send it
 * with another content type.
 */
export async function readJsonOrJwt(response: Response): Promise<unknown> {
  const text = await readText(response)
  const value = parseJson(text)
  if (value !== undefined) return isTooDeep(value) ? undefined : value
  const isJwt = /^application\/jwt\b/i.test(response.headers.get('content-type') ?? '')
  const jwt = text?.trim()
  return isJwt || (jwt !== undefined && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(jwt)) ? jwt : undefined
}
