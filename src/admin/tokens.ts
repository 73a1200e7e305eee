import type { ServerResponse } from 'node:http'
import { clientAddress } from '../http/client-address.js'
import { createCache } from '../http/create-cache.js'
import { isSameHash, sha256 } from '../http/ids.js'
import type { AppRequest } from '../http/request.js'
import { AdminError } from './errors.js'

/** A token of the API. */
export interface AdminToken {
  readonly name: string
  readonly token: string
  readonly isReadOnly: boolean
}

interface KnownToken {
  readonly name: string
  readonly isReadOnly: boolean
  readonly hash: string
}

/** Wrong tokens of one address that are answered at once: someone who copies a token may err. */
const FREE_ATTEMPTS = 3
const FIRST_DELAY_MS = 250
const MAX_DELAY_MS = 8_000
/** Responses that wait at the same time, for all addresses. */
const MAX_WAITING = 100
const MEMORY_MS = 600_000
const MAX_ADDRESSES = 10_000

/** Checks the tokens of requests. */
export class AdminTokens {
  readonly #known: readonly KnownToken[]
  /** The number of wrong tokens, by address. */
  readonly #wrong = createCache<number>({ max: MAX_ADDRESSES, ttl: MEMORY_MS })
  #waiting = 0

  constructor(tokens: readonly AdminToken[]) {
    this.#known = tokens.map(({ token, ...rest }) => ({ ...rest, hash: sha256(token) }))
  }

  /**
   * The token of a request. Rejects if there is none, and for a wrong one the later, the more of
   * them an address has sent. A known token never waits.
   */
  async check(req: AppRequest, res: ServerResponse): Promise<KnownToken> {
    const { authorization = '' } = req.headers
    const [, token] = /^bearer ([\x21-\x7e]+)$/i.exec(authorization) ?? []
    if (token === undefined)
      throw new AdminError('ERR_NGROK_201', { headers: { 'WWW-Authenticate': 'Bearer' } })
    const known = this.#find(sha256(token))
    if (known !== undefined) return known
    await this.#slowDown(clientAddress(req) ?? '', res)
    throw new AdminError('ERR_NGROK_203', {
      headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"' },
    })
  }

  /** Compares with every token, so that the time does not depend on which one it is. */
  #find(hash: string): KnownToken | undefined {
    const matches = this.#known.filter((known) => isSameHash(known.hash, hash))
    return matches[0]
  }

  async #slowDown(address: string, res: ServerResponse): Promise<void> {
    const wrong = (this.#wrong.get(address) ?? 0) + 1
    this.#wrong.set(address, wrong)
    if (wrong <= FREE_ATTEMPTS) return
    const delayMs = Math.min(FIRST_DELAY_MS * 2 ** (wrong - FREE_ATTEMPTS - 1), MAX_DELAY_MS)
    if (this.#waiting >= MAX_WAITING) {
      const retryAfter = String(MAX_DELAY_MS / 1000)
      throw new AdminError('too_many_requests', { headers: { 'Retry-After': retryAfter } })
    }
    this.#waiting++
    await delay(delayMs, res)
    this.#waiting--
  }
}

/** Ends early when the client disconnects. */
function delay(ms: number, res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      res.removeListener('close', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    res.once('close', end)
  })
}
