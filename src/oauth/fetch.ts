import { ProviderError } from '../http/errors.js'
import { proxyFix, reasonOf } from './network-hints.js'
import { outcomeOfFailure, providerTimeout } from './provider-errors.js'
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
  /** The address of the client, if it is known and the client has not logged in yet. */
  address?: string | undefined
}

interface FetchLimits {
  concurrency?: number
  maxWaiting?: number | undefined
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
  readonly #queue: RequestQueue
  #failures = 0
  #pausedUntil = 0

  /** `maxWaiting`: requests beyond this number that wait for their turn are rejected. */
  constructor({ concurrency = CONCURRENCY, maxWaiting }: FetchLimits = {}) {
    this.#queue = new RequestQueue(concurrency, maxWaiting)
  }

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
    return this.#queue.run(deadline, () => this.#exchange(url, options), options.address)
  }

  /** Counts a failed login of the client at this address. */
  countFailedLogin(address: string | undefined): void {
    this.#queue.countFailure(address)
  }

  async #exchange(url: string, options: RequestOptions): Promise<Response> {
    const response = await send(url, options).catch((error: unknown) => {
      this.#countFailure()
      throw requestError(error, url, options.deadline)
    })
    // The provider responds. What is wrong with the body may concern a single user.
    this.#failures = 0
    const { status, headers } = response
    const bytes = await readBody(response, options.maxBytes ?? MAX_BYTES).catch(
      (error: unknown) => {
        throw bodyError(error, response, options.deadline)
      },
    )
    return new Response(NULL_BODY_STATUSES.includes(status) ? null : bytes, { status, headers })
  }

  /** The pause varies, so that processes do not resume at the same moment. */
  #countFailure(): void {
    if (++this.#failures < MAX_FAILURES) return
    this.#failures = 0
    this.#pausedUntil = Date.now() + PAUSE_MS * (0.75 + Math.random() / 2)
  }
}

function send(
  url: string,
  { method = 'GET', headers, body, deadline }: RequestOptions,
): Promise<Response> {
  return fetch(url, {
    method,
    headers,
    body: body ?? null,
    // Following a redirect of the token endpoint would send the client secret to another host.
    redirect: 'manual',
    signal: deadline,
  })
}

/** The error of a request without a response. */
function requestError(cause: unknown, url: string, deadline: AbortSignal): ProviderError {
  if (deadline.aborted) return providerTimeout('down', hostOf(url), proxyFix(url))
  return new ProviderError('down', 'provider_unreachable', {
    hint: `the request to ${hostOf(url)} failed${reasonOf(cause, url)}`,
    cause,
  })
}

/** The error of a response whose body is too large, malformed, incomplete or too slow. */
function bodyError(
  cause: unknown,
  { status, url }: Response,
  deadline: AbortSignal,
): ProviderError {
  if (cause instanceof ProviderError) return cause
  const outcome = outcomeOfFailure(status)
  if (deadline.aborted) return providerTimeout(outcome, hostOf(url))
  return new ProviderError(outcome, 'provider_unreachable', {
    hint: `the response of ${hostOf(url)} ended early${reasonOf(cause, url)}`,
    cause,
  })
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'the provider'
}
