import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { memoryStore } from '../../src/index.js'
import type { StoreRecord } from '../../src/index.js'
import { secret, stopAll, stopping } from '../support/gate.js'
import type { GateProcessSetup } from '../support/gate-process.js'
import { type Browser, createBrowser } from '../support/jar.js'
import { startRedis } from '../support/redis.js'
import { listen } from '../support/server.js'

afterAll(stopAll)

/** A store behind a socket, as Redis is. */
async function startStoreServer(): Promise<string> {
  const store = memoryStore()
  const held = new Map<string, () => unknown>()
  const methods: Record<string, (...args: never[]) => unknown> = {
    get: (key: string) => store.get(key),
    set: (key: string, record: StoreRecord, ttl: number) => store.set(key, record, ttl),
    update: (key: string, record: StoreRecord, ttl: number) => store.update(key, record, ttl),
    delete: (key: string) => store.delete(key),
    async lock(key: string, ttl: number) {
      const unlock = await store.lock?.(key, ttl)
      if (!unlock) return undefined
      const handle = randomUUID()
      held.set(handle, unlock)
      return handle
    },
    unlock: (handle: string) => held.get(handle)?.(),
  }
  const server = stopping(
    await listen(async (req, res) => {
      const chunks: Buffer[] = []
      for await (const chunk of req) chunks.push(chunk as Buffer)
      const { method, args } = JSON.parse(Buffer.concat(chunks).toString()) as {
        method: string
        args: never[]
      }
      res.end(JSON.stringify({ result: await methods[method]?.(...args) }))
    }),
  )
  return `http://127.0.0.1:${server.port}`
}

interface GateProcess {
  child: ChildProcess
  url(path: string): string
}

async function startGateProcess(setup: GateProcessSetup): Promise<GateProcess> {
  const child = fork(join(process.cwd(), '__tests__/support/gate-process.ts'), {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  stopping({
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  })
  child.send(setup)
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return { child, url: (path) => `http://localhost:${port}${path}` }
}

async function startPair(
  vendor: VendorServer,
  more: Partial<GateProcessSetup>,
): Promise<{ gates: [GateProcess, GateProcess]; browser: Browser }> {
  const { issuer, clientId, clientSecret } = vendor.options as GateProcessSetup['provider']
  const setup = {
    storeUrl: '',
    provider: { issuer, clientId, clientSecret },
    secret,
    authCheckInterval: 1,
    ...more,
  }
  // Both are reached as localhost, whose cookies know no ports.
  const gates = await Promise.all([startGateProcess(setup), startGateProcess(setup)])
  const browser = createBrowser()
  const page = await browser.get(gates[0].url('/'))
  if (page.status !== 200) throw new Error(`no login: ${page.status} ${page.body}`)
  vendor.requests.length = 0
  return { gates, browser }
}

const countOf = (vendor: VendorServer, endpoint: string) =>
  vendor.requests.filter((request) => request.endpoint === endpoint).length
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Seconds: longer than 200 requests take. */
const INTERVAL = 3

const stores: [string, () => Promise<string>][] = [
  ['a store behind a socket', startStoreServer],
  ['Redis', async () => `redis://127.0.0.1:${stopping(await startRedis()).port}`],
]

describe.each(stores)('two processes that share %s', (_, makeStore) => {
  test('S-094 200 simultaneous requests after the interval: one token request, one user request, and the token stays valid', async () => {
    const vendor = stopping(await startVendor('oidc', { settings: { tokenLifetime: 5 } }))
    const { gates, browser } = await startPair(vendor, {
      storeUrl: await makeStore(),
      authCheckInterval: INTERVAL,
    })
    const spent: string[] = []
    vendor.respond('token', ({ form }) => (spent.push(String(form?.['refresh_token'])), undefined))
    for (let round = 1; round <= 2; round++) {
      await sleep(INTERVAL * 1000 + 50)
      // The provider is asked while everybody is there already.
      vendor.respond('userinfo', async () => (await sleep(400), undefined))
      const startedAt = performance.now()
      const before = spent.length
      const pages = await Promise.all(
        Array.from({ length: 200 }, (_, index) =>
          browser.get(gates[index % 2]?.url('/') ?? '', { follow: false }),
        ),
      )
      expect(new Set(pages.map(({ status }) => status))).toEqual(new Set([200]))
      expect(spent.length).toBeGreaterThan(before)
      // On a busy machine, the next interval begins before the last request has arrived.
      const laterIntervals = Math.floor((performance.now() - startedAt) / (INTERVAL * 1000))
      expect(spent.length - before).toBeLessThanOrEqual(1 + laterIntervals)
      expect(countOf(vendor, 'userinfo')).toBe(spent.length)
    }
    expect(new Set(spent).size).toBe(spent.length)
  })

  // Mostly waits for the lock: both stores at the same time.
  test.concurrent(
    'S-094 when the lock holder dies during the check, another process takes over, and the session stays',
    async () => {
      const vendor = stopping(await startVendor('oidc'))
      const { gates, browser } = await startPair(vendor, {
        storeUrl: await makeStore(),
        timeouts: { provider: 1.2, store: 0.5 },
      })
      await sleep(1_050)
      const asked = new Promise<void>((resolve) =>
        vendor.respond('userinfo', () => (resolve(), 'hang'), { once: true }),
      )
      const dying = browser.get(gates[0].url('/'), { follow: false }).catch(() => undefined)
      await asked
      gates[0].child.kill('SIGKILL')
      await dying
      const statuses: number[] = []
      // Until the lock of the dead process expires a request may get 503, but never a login.
      while (statuses.at(-1) !== 200 && statuses.length < 60) {
        statuses.push((await browser.get(gates[1].url('/'), { follow: false })).status)
        if (statuses.at(-1) !== 200) await sleep(300)
      }
      expect([...new Set(statuses)].filter((status) => status !== 503)).toEqual([200])
    },
    60_000,
  )
})
