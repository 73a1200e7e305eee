import type { VendorResponse, VendorServer } from '../../src/dev/vendors/index.js'
import type { OAuthModuleOptions } from '../../src/index.js'
import { type Gate, oidcOf, startGate } from './gate.js'
import { createBrowser, type Page } from './jar.js'
import { startVendor } from './providers.js'

/** Tests may stand the clock still. */
const realNow = () => performance.now()
export const sleep = (milliseconds: number) =>
  new Promise((resolve) => setTimeout(resolve, milliseconds))

export interface Flooded {
  vendor: VendorServer
  gate: Gate
  /** Responses to the next token requests, in place of the vendor's own. */
  replies: VendorResponse[]
  /** The highest number of token requests in progress since the last call. */
  mostAtOnce(): number
  /**
   * The number of token requests in progress while `requests` are: the provider responds to them
   * when there are `enough`, or no more for a second.
   */
  inProgress(enough: number, requests: () => Promise<unknown>): Promise<number>
}

/** A gate behind a proxy, at a provider whose token endpoint takes `delayMs`. */
export async function setUp(
  delayMs: number,
  trustsProxy = true,
  options: Partial<OAuthModuleOptions> = {},
): Promise<Flooded> {
  const vendor = await startVendor('oidc')
  const gate = await startGate(
    { provider: { idp: oidcOf(vendor) }, timeouts: { provider: 60 }, ...options },
    { before: (app) => app.set('trust proxy', trustsProxy) },
  )
  let current = 0
  let most = 0
  let isHeld = false
  const replies: VendorResponse[] = []
  vendor.respond('token', async () => {
    most = Math.max(most, ++current)
    await sleep(delayMs)
    while (isHeld) await sleep(10)
    current--
    return replies.shift()
  })
  const settled = async (enough: number) => {
    let seen = 0
    let since = realNow()
    while (current < enough && (current === 0 || realNow() - since < 1_000)) {
      if (current !== seen) [seen, since] = [current, realNow()]
      await sleep(10)
    }
    return current
  }
  return {
    vendor,
    gate,
    replies,
    mostAtOnce() {
      const result = most
      most = 0
      return result
    },
    async inProgress(enough, requests) {
      isHeld = true
      const done = requests()
      const count = await settled(enough)
      isHeld = false
      await done
      return count
    },
  }
}

export const from = (address: string) => ({ 'X-Forwarded-For': address })

/** Starts a login, and returns to the callback with a made-up code. */
export async function redeemJunk(gate: Gate, headers: Record<string, string>): Promise<Page> {
  const browser = createBrowser()
  const start = await browser.get(gate.url('/'), { follow: false, headers })
  const state = new URL(String(start.location)).searchParams.get('state')
  const query = new URLSearchParams({
    code: 'junk',
    state: String(state),
    iss: new URL(String(start.location)).origin,
  })
  return browser.get(gate.url(`/auth/callback?${query}`), { follow: false, headers })
}

export async function redeemMany(count: number, gate: Gate, headers: Record<string, string>) {
  return Promise.all(Array.from({ length: count }, () => redeemJunk(gate, headers)))
}

/** A client without an account that keeps this number of callbacks in flight until it is stopped. */
export function flood(count: number, gate: Gate, headers: Record<string, string>) {
  let isRunning = true
  const statuses: number[] = []
  const clients = Array.from({ length: count }, async () => {
    while (isRunning) statuses.push((await redeemJunk(gate, headers)).status)
  })
  return {
    statuses,
    async stop() {
      isRunning = false
      await Promise.all(clients)
    },
  }
}

export async function logInFrom(gate: Gate, headers: Record<string, string>) {
  const startedAt = Date.now()
  const { status } = await createBrowser().get(gate.url('/'), { headers })
  return { status, seconds: (Date.now() - startedAt) / 1000 }
}
