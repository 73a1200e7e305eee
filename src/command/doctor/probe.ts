import { readBody } from '../../oauth/response-body.js'
import { REQUEST_TIMEOUT_MS } from './network.js'

/** A response, or why there is none. */
export type Probed =
  | {
      readonly failure?: undefined
      readonly status: number
      readonly headers: Headers
      readonly body: string
      /** How far the clock of the server is ahead; `undefined` without the header `Date`. */
      readonly clockOffsetMs: number | undefined
    }
  | { readonly failure: Error }

interface ProbeOptions {
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly timeoutMs?: number | undefined
}

const MAX_BYTES = 512 * 1024

/** What a browser sends with a navigation. `fetch` adds its own `Sec-Fetch-Mode`. */
export const NAVIGATION = {
  accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8',
  'accept-language': 'en',
  'user-agent': 'Mozilla/5.0 (compatible; oauth-module doctor)',
} as const

/** Sends a GET request without cookies. Follows no redirect, and never rejects. */
export async function probe(url: string, options: ProbeOptions = {}): Promise<Probed> {
  const { headers = { 'user-agent': 'oauth-module' }, timeoutMs = REQUEST_TIMEOUT_MS } = options
  const sentAt = Date.now()
  try {
    const signal = AbortSignal.timeout(timeoutMs)
    const response = await fetch(url, { headers, redirect: 'manual', signal })
    const receivedAt = Date.now()
    const date = Date.parse(response.headers.get('date') ?? '')
    const body = await readBody(response, MAX_BYTES).catch(() => new Uint8Array())
    return {
      status: response.status,
      headers: response.headers,
      body: new TextDecoder().decode(body),
      clockOffsetMs: Number.isNaN(date) ? undefined : offset(date, sentAt, receivedAt),
    }
  } catch (cause) {
    // `fetch` may throw errors of another realm.
    return { failure: new Error('the request failed', { cause }) }
  }
}

/** The server has read its clock at some time between the two. */
function offset(date: number, sentAt: number, receivedAt: number): number {
  if (date < sentAt) return date - sentAt
  return date > receivedAt ? date - receivedAt : 0
}
