import { ProviderError } from '../http/errors.js'
import { providerTimeout } from './provider-errors.js'
import { RequestQueue } from './request-queue.js'
import { readBody } from './response-body.js'

interface RequestOptions {
  method?: string | undefined
  headers: Headers
  body?: RequestInit['body'] | undefined
  /** Aborts when the time for the whole exchange is up. */
  deadline: AbortSignal
  /** Limit of the response body. Default 256 KiB. */
  maxBytes?: number | undefined
}

const CONCURRENCY = 50
const MAX_FAILURES = 10
const PAUSE_MS = 1_000
const MAX_BYTES = 256 * 1024

/** Statuses whose responses have no body. (Fetch Standard, 2.2.3) */
const NULL_BODY_STATUSES = [204, 205, 304]

/**
 * Sends all requests to a provider. Response bodies are read completely and are limited in size;
 * after repeated failures requests are rejected for about a second, so that a provider that does
 * not respond cannot exhaust the process.
 */
export class ProviderFetch {
  readonly #queue = new RequestQueue(CONCURRENCY)
  #failures = 0
  #pausedUntil = 0

  /**
   * Rejects with a `ProviderError` when the provider does not respond. Resolves with any status,
   * redirects included.
   */
  async fetch(url: string, options: RequestOptions): Promise<Response> {
    const { deadline } = options
    if (deadline.aborted) throw providerTimeout()
    if (Date.now() < this.#pausedUntil)
      throw new ProviderError('down', 'provider_unreachable', {
        hint: 'requests to the provider failed repeatedly',
      })
    return this.#queue.run(deadline, async () => {
      try {
        const response = await send(url, options)
        this.#failures = 0
        return response
      } catch (error) {
        if (error instanceof ProviderError) throw error
        this.#countFailure()
        if (deadline.aborted) throw providerTimeout()
        throw new ProviderError('down', 'provider_unreachable', {
          hint: `the request to ${hostOf(url)} failed${reasonOf(error)}`,
          cause: error,
        })
      }
    })
  }

  /** The pause varies, so that processes do not resume at the same moment. */
  #countFailure(): void {
    if (++this.#failures < MAX_FAILURES) return
    this.#failures = 0
    this.#pausedUntil = Date.now() + PAUSE_MS * (0.75 + Math.random() / 2)
  }
}

async function send(
  url: string,
  { method = 'GET', headers, body, deadline, maxBytes = MAX_BYTES }: RequestOptions,
): Promise<Response> {
  const response = await fetch(url, {
    method,
    headers,
    body: body ?? null,
    // Following a redirect of the token endpoint would send the client secret to another host.
    redirect: 'manual',
    signal: deadline,
  })
  const bytes = await readBody(response, maxBytes)
  return new Response(NULL_BODY_STATUSES.includes(response.status) ? null : bytes, {
    status: response.status,
    headers: response.headers,
  })
}

/**
 * The code of the cause, such as `ENOTFOUND` or `CERT_HAS_EXPIRED`: the message of the error is
 * only `fetch failed`.
 */
function reasonOf(error: unknown): string {
  const { cause } = Object(error) as { cause?: unknown }
  const { code } = Object(cause) as { code?: unknown }
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? `: ${code}` : ''
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'the provider'
}
