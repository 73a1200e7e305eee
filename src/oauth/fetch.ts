import { ProviderError } from '../http/errors.js'
import { isTooDeep } from '../http/json.js'

/** Sends one request to a provider. The answer's body is read whole, and bounded, before it is handed on. */
export type ProviderFetch = (url: string, init: OutboundInit) => Promise<Response>

interface OutboundInit {
  method?: string | undefined
  headers: Headers
  body?: RequestInit['body'] | undefined
  /** The end of the whole exchange that this request is a part of. */
  deadline: AbortSignal
  maxBytes?: number | undefined
}

interface OutboundLimits {
  /** Requests under way at once; as many again may wait four times over. */
  concurrency: number
  /** After this many failures in a row the provider is left alone for about a second. */
  failuresBeforePause: number
}

const MAX_BYTES = 256 * 1024
const PAUSE = 1_000

/**
 * The door to a provider: no redirect is followed (a redirected token request would hand the client secret to another
 * host), bodies are bounded, and a provider that hangs or fails cannot take the process with it.
 */
export function createProviderFetch({
  concurrency,
  failuresBeforePause,
}: OutboundLimits): ProviderFetch {
  let running = 0
  let failures = 0
  let pausedUntil = 0
  const waiting: (() => void)[] = []

  const enter = async (deadline: AbortSignal): Promise<void> => {
    if (Date.now() < pausedUntil)
      throw new ProviderError('down', 'provider_unreachable', {
        hint: 'the provider failed repeatedly just now',
      })
    if (running < concurrency) {
      running++
      return
    }
    if (waiting.length >= concurrency * 4)
      throw new ProviderError('down', 'provider_busy', {
        hint: 'too many requests to the provider are under way',
      })
    await new Promise<void>((resolve, reject) => {
      const go = () => {
        deadline.removeEventListener('abort', giveUp)
        resolve()
      }
      const giveUp = () => {
        waiting.splice(waiting.indexOf(go), 1)
        reject(timedOut())
      }
      waiting.push(go)
      deadline.addEventListener('abort', giveUp, { once: true })
    })
  }
  // A place is handed to the next in line: `running` stays as it is then.
  const leave = () => {
    const next = waiting.shift()
    if (next) next()
    else running--
  }

  return async (url, { method = 'GET', headers, body, deadline, maxBytes = MAX_BYTES }) => {
    if (deadline.aborted) throw timedOut()
    await enter(deadline)
    try {
      const response = await fetch(url, {
        method,
        headers,
        body: body ?? null,
        redirect: 'manual',
        signal: deadline,
      })
      const bytes = await readBody(response, maxBytes)
      failures = 0
      return new Response(nullBody(response.status) ? null : bytes, {
        status: response.status,
        headers: response.headers,
      })
    } catch (error) {
      if (error instanceof ProviderError) throw error
      if (++failures >= failuresBeforePause) {
        failures = 0
        pausedUntil = Date.now() + PAUSE * (0.75 + Math.random() / 2)
      }
      if (deadline.aborted) throw timedOut()
      throw new ProviderError('down', 'provider_unreachable', {
        hint: `the request to ${hostOf(url)} failed${reasonOf(error)}`,
        cause: error,
      })
    } finally {
      leave()
    }
  }
}

function timedOut(): ProviderError {
  return new ProviderError('down', 'provider_timeout', {
    hint: 'the provider did not answer in time',
  })
}

async function readBody(response: Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let size = 0
  // Counted after decompression: a small body can unpack to a huge one.
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > maxBytes)
      throw new ProviderError('down', 'provider_error', {
        hint: `the provider's answer is larger than ${maxBytes} bytes`,
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

function nullBody(status: number): boolean {
  return status === 204 || status === 205 || status === 304
}

/** `fetch` itself says no more than that it failed; what is wrong is the code of its cause: `ENOTFOUND`, `CERT_HAS_EXPIRED` … */
function reasonOf(error: unknown): string {
  const { cause } = Object(error) as { cause?: unknown }
  const { code } = Object(cause) as { code?: unknown }
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? `: ${code}` : ''
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'the provider'
}

/** JSON, in whatever content type it comes; only well-formed UTF-8, and of some sensible depth. */
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
