import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { secret, stopAll, stopping } from '../support/gate.js'
import { type Browser, createBrowser } from '../support/jar.js'
import { type Postgres, startPostgres } from '../support/postgres.js'
import { type RedisServer, startRedis } from '../support/redis.js'
import { EFFECTS, effectOn } from '../support/signal-events.js'
import type { Closed, SignalProcessSetup } from '../support/signal-process.js'
import { CAEP, RISC, startTransmitter, type TestTransmitter } from '../support/transmitter.js'

const AUDIENCE = 'app'

interface GateProcess {
  child: ChildProcess
  url(path: string): string
  stop(): Promise<void>
}

async function startProcess(setup: SignalProcessSetup): Promise<GateProcess> {
  const child = fork(join(process.cwd(), '__tests__/support/signal-process.ts'), {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  stopping({ close: stop })
  child.send(setup)
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return { child, stop, url: (path) => `http://localhost:${port}${path}` }
}

let vendor: VendorServer
let transmitter: TestTransmitter
let email: unknown

beforeAll(async () => {
  vendor = stopping(await startVendor('oidc'))
  transmitter = stopping(await startTransmitter({ audience: AUDIENCE }))
  email = vendor.user.email
})
afterEach(() => void Object.assign(vendor.user, { email }))
afterAll(stopAll)

function setupFor(store: SignalProcessSetup['store']): SignalProcessSetup {
  const { issuer, clientId, clientSecret } = vendor.options as SignalProcessSetup['provider']
  return {
    ...{ store, secret, transmitter: { issuer: transmitter.issuer, audience: AUDIENCE } },
    provider: { issuer, clientId, clientSecret, emailDomains: ['acme.example'] },
  }
}

const user = () => ({ format: 'iss_sub', iss: vendor.origin, sub: String(vendor.user.id) })
const tokenOf = (event: string) => transmitter.token(transmitter.claims(event, user()))
const push = async ({ url }: GateProcess, token: string) =>
  (await transmitter.push(url('/auth/signals'), token)).status

async function logIn({ url }: GateProcess): Promise<Browser> {
  const browser = createBrowser()
  const page = await browser.get(url('/'))
  if (page.status !== 200) throw new Error(`no login: ${page.status} ${page.body}`)
  return browser
}

/** Opens a stream at each process, and resolves with when and why they close. */
async function openStreams(browser: Browser, processes: readonly GateProcess[]) {
  const streams = await Promise.all(
    processes.map(async ({ url }) => {
      const cookie = browser.cookies(url('/')).join('; ')
      const response = await fetch(url('/stream'), {
        headers: { cookie, 'Sec-Fetch-Mode': 'cors' },
      })
      const reader = response.body?.getReader()
      await reader?.read()
      return reader
    }),
  )
  // Each stream is checked when it is opened: later signals must find it by themselves.
  await sleep(1_000)
  const closed = processes.map(({ child }) => once(child, 'message') as Promise<[Closed]>)
  return async () => {
    const all = await Promise.all(closed)
    for (const reader of streams) {
      const { value } = (await reader?.read()) ?? {}
      expect(Buffer.from(value ?? []).toString()).toBe('closed\n')
    }
    return all.map(([one]) => one)
  }
}

/** How many commands Redis has processed, without those that keep connections alive, and this one. */
async function commandsOf(redis: RedisServer): Promise<number> {
  const info = await redis.command('info', 'commandstats')
  return [...info.matchAll(/cmdstat_(\S+?):calls=(\d+)/g)]
    .filter(([, name]) => !['ping', 'info'].includes(String(name)))
    .reduce((sum, [, , calls]) => sum + Number(calls), 0)
}

const now = () => performance.timeOrigin + performance.now()

/** A busy machine may take much longer than the store does. `SHOW_LATENCY=1` prints the numbers. */
function expectSoon(what: string, sentAt: number, closed: readonly Closed[]): void {
  const latencies = closed.map(({ closedAt }) => Math.round(closedAt - sentAt))
  if (process.env['SHOW_LATENCY'] === '1')
    process.stdout.write(`${what}: closed after ${latencies.join(', ')} ms\n`)
  expect(Math.max(...latencies)).toBeLessThan(20_000)
}

describe('four processes over Redis', () => {
  let redis: RedisServer
  let processes: GateProcess[]
  let first: GateProcess
  let others: GateProcess[]

  beforeAll(async () => {
    redis = stopping(await startRedis())
    const setup = setupFor({ redisPort: redis.port })
    processes = await Promise.all(Array.from({ length: 4 }, () => startProcess(setup)))
    ;[first, ...others] = processes as [GateProcess, ...GateProcess[]]
  }, 120_000)

  test('a session of one is that of all', async () => {
    const browser = await logIn(first)
    vendor.requests.length = 0
    for (const { url } of others)
      expect((await browser.get(url('/'), { follow: false })).status).toBe(200)
    expect(vendor.requests).toEqual([])
  }, 60_000)

  test('each event type that arrives at one has its effect at the next request in another', async () => {
    const effects: Record<string, string> = {}
    let browser = await logIn(first)
    for (const [index, event] of Object.keys(EFFECTS).entries()) {
      const other = others[index % others.length] ?? first
      expect(await push(first, tokenOf(event))).toBe(202)
      effects[event] = await effectOn(browser, other.url('/'), vendor)
      if (effects[event] === 'ends') browser = await logIn(first)
    }
    expect(effects).toEqual(EFFECTS)
  }, 120_000)

  test('a change causes one check, at whichever process sees the next request', async () => {
    const browser = await logIn(first)
    expect(await push(first, tokenOf(`${CAEP}credential-change`))).toBe(202)
    vendor.requests.length = 0
    for (const { url } of others)
      expect((await browser.get(url('/'), { follow: false })).status).toBe(200)
    expect(vendor.requests.filter(({ endpoint }) => endpoint === 'userinfo')).toHaveLength(1)
  }, 60_000)

  test('a token is accepted once, whichever process it reaches, also after a restart', async () => {
    await logIn(first)
    const token = tokenOf(`${CAEP}session-revoked`)
    expect(await push(first, token)).toBe(202)
    const browser = await logIn(first)
    for (const other of others) expect(await push(other, token)).toBe(202)
    await first.stop()
    first = await startProcess(setupFor({ redisPort: redis.port }))
    expect(await push(first, token)).toBe(202)
    expect(await effectOn(browser, first.url('/'), vendor)).toBe('nothing')
  }, 120_000)

  test('a revocation at one closes the streams of the others', async () => {
    const browser = await logIn(first)
    const closed = await openStreams(browser, others)
    const sentAt = now()
    expect(await push(first, tokenOf(`${RISC}sessions-revoked`))).toBe(202)
    const all = await closed()
    expect(all.map(({ code }) => code)).toEqual(others.map(() => 'login_required'))
    expectSoon('Redis, revocation', sentAt, all)
    for (const { url } of others)
      expect((await browser.get(url('/'), { follow: false })).status).toBe(302)
  }, 120_000)

  test('open streams cost Redis nothing, because it notifies the processes', async () => {
    const browser = await logIn(first)
    const closed = await openStreams(browser, others)
    const before = await commandsOf(redis)
    await sleep(2_500)
    // Reading the sessions again would take a command for each process and second.
    expect((await commandsOf(redis)) - before).toBeLessThan(3)
    expect(await push(first, tokenOf(`${RISC}account-disabled`))).toBe(202)
    await closed()
  }, 120_000)

  test('a change at one closes the streams of the others if the check denies the user', async () => {
    const browser = await logIn(first)
    const closed = await openStreams(browser, others)
    Object.assign(vendor.user, { email: 'ida@elsewhere.example' })
    const sentAt = now()
    expect(await push(first, tokenOf(`${CAEP}token-claims-change`))).toBe(202)
    const all = await closed()
    expect(all.map(({ code }) => code)).toEqual(others.map(() => 'not_authorized'))
    expectSoon('Redis, change', sentAt, all)
  }, 120_000)
})

describe('two processes over a store for express-session that cannot notify', () => {
  let postgres: Postgres
  let near: GateProcess
  let far: GateProcess

  beforeAll(async () => {
    postgres = stopping(await startPostgres())
    const setup = setupFor({ postgresUrl: postgres.url })
    near = await startProcess(setup)
    far = await startProcess(setup)
  }, 120_000)

  test.each([
    ['a revocation', `${CAEP}session-revoked`, 'login_required'],
    ['a change whose check denies the user', `${CAEP}credential-change`, 'not_authorized'],
  ])(
    '%s at one closes the streams of the other, which reads their sessions again and again',
    async (what, event, code) => {
      const browser = await logIn(near)
      const closed = await openStreams(browser, [far])
      Object.assign(vendor.user, { email: 'ida@elsewhere.example' })
      const sentAt = now()
      expect(await push(near, tokenOf(event))).toBe(202)
      const all = await closed()
      expect(all.map((one) => one.code)).toEqual([code])
      expectSoon(`PostgreSQL, ${what}`, sentAt, all)
    },
    120_000,
  )
})
