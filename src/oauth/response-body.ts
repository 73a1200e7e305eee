import { ProviderError } from '../http/errors.js'
import { isTooDeep } from '../http/json.js'

/** Reads a body completely. Rejects when it exceeds `maxBytes`. */
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
      throw new ProviderError('down', 'provider_error', {
        hint: `the response of the provider exceeds ${maxBytes} bytes`,
      })
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

/** Parses JSON of any content type. `undefined` if it is malformed, not UTF-8, or nested too deeply. */
export async function readJson(response: Response): Promise<unknown> {
  try {
    const value: unknown = JSON.parse(
      new TextDecoder('utf-8', { fatal: true }).decode(await response.arrayBuffer()),
    )
    return isTooDeep(value) ? undefined : value
  } catch {
    return undefined
  }
}
