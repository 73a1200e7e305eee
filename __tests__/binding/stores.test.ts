import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { RedisStore } from 'connect-redis'
import { createClient } from 'redis'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { cookieStore, memoryStore, type OAuthModuleOptions } from '../../src/index.js'
import { redisStore } from '../../src/session/stores/redis/index.js'
import { type BoundClient, createBoundClient, createDevice } from '../support/bound-client.js'
import { fakeDate, realDate } from '../support/clock.js'
import { bodyOf, type Gate, oidcOf, startGate, stopAll } from '../support/gate.js'
import { type Browser, createBrowser } from '../support/jar.js'
import { createPrivateCa, type PrivateCa } from '../support/private-ca.js'
import { type RedisServer, startRedis } from '../support/redis.js'

type Store = NonNullable<OAuthModuleOptions['store']>

const SESSION = '__Host-ngrok.session'
const BOUND = '__Host-ngrok.bound'
const EXPIRED = 600 + 31

let vendor: VendorServer
let ca: PrivateCa
let server: RedisServer
const closing: (() => unknown)[] = []

beforeAll(async () => {
  vendor = await startVendor('oidc')
  ca = createPrivateCa(['localhost'])
  server = await startRedis()
})
afterEach(async () => {
  await stopAll()
  realDate()
  for (const close of closing.splice(0)) await close()
  await server.command('flushall')
})
afterAll(async () => {
  ca.remove()
  await Promise.all([vendor.close(), server.close()])
})

async function connected() {
  const client = createClient({ socket: { host: '127.0.0.1', port: server.port } })
  client.on('error', () => undefined)
  await client.connect()
  closing.push(() => client.destroy())
  return client
}

interface Kind {
  readonly name: string
  /** The stores of two processes. */
  readonly open: () => Promise<readonly [Store, Store]>
  /** Whether a proof counts once across processes. */
  readonly locks: boolean
  /** Whether the activity is stored with the session. */
  readonly isAtomic: boolean
  /** Whether a process learns what another one has ended or bound. */
  readonly keepsRecords: boolean
}

const kinds: readonly Kind[] = [
  {
    name: 'memoryStore',
    async open() {
      const store = memoryStore()
      return [store, store]
    },
    locks: true,
    isAtomic: true,
    keepsRecords: true,
  },
  {
    name: 'redisStore',
    open: async () => [redisStore(await connected()), redisStore(await connected())],
    locks: true,
    isAtomic: true,
    keepsRecords: true,
  },
  {
    name: 'connect-redis, a store of express-session',
    open: async () => [
      new RedisStore({ client: await connected() }),
      new RedisStore({ client: await connected() }),
    ],
    locks: false,
    isAtomic: false,
    keepsRecords: true,
  },
  {
    name: 'cookieStore',
    open: async () => [cookieStore(), cookieStore()],
    locks: false,
    isAtomic: true,
    keepsRecords: false,
  },
]

const script = { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty', Accept: '*/*' }

describe.each(kinds)('device-bound sessions with $name', ({ open, locks, keepsRecords }) => {
  async function start(options: Partial<OAuthModuleOptions> = {}) {
    const clock = fakeDate()
    const stores = await open()
    const startOn = (store: Store) =>
      startGate(
        { provider: { idp: oidcOf(vendor) }, deviceBound: true, id: 'app', store, ...options },
        { tls: ca },
      )
    const [one, two] = [await startOn(stores[0]), await startOn(stores[1])]
    return { clock, one, two, restart: () => startOn(stores[0]) }
  }

  async function bound(gate: Gate, device = createDevice()): Promise<BoundClient> {
    const client = createBoundClient(gate.origin, device)
    expect((await client.signIn(gate.url('/'))).status).toBe(200)
    expect((await client.register()).status).toBe(200)
    return client
  }

  const headerOf = ({ browser }: BoundClient, gate: Gate, names: readonly string[]) =>
    browser
      .cookies(gate.origin)
      .filter(({ key }) => names.some((name) => key === name || key.startsWith(`${name}.`)))
      .map(({ key, value }) => `${key}=${value}`)
      .join('; ')
  const both = (client: BoundClient, gate: Gate) => headerOf(client, gate, [SESSION, BOUND])
  const statusOf = async (gate: Gate, Cookie: string) =>
    (
      await createBrowser().get(gate.url('/api'), {
        headers: { ...script, Cookie },
        follow: false,
      })
    ).status
  const isBound = async (client: BoundClient, gate: Gate) =>
    bodyOf(await client.browser.get(gate.url('/'))).oauth?.['isDeviceBound']

  test('a binding counts in all processes, and after a restart', async () => {
    const { one, two, restart } = await start()
    const client = await bound(one)
    const gates = [one, two, await restart()]
    for (const gate of gates) {
      expect(await isBound(client, gate)).toBe(true)
      expect(await statusOf(gate, headerOf(client, one, [SESSION]))).toBe(401)
    }
  })

  test('any process renews the cookie, with a challenge of any, or asks for a proof', async () => {
    const { clock, one, two, restart } = await start()
    const client = await bound(one, createDevice('RS256'))
    clock.forward(EXPIRED)
    for (const gate of [two, one, await restart()]) {
      client.origin = gate.origin
      expect((await client.refresh()).status).toBe(200)
      expect(await statusOf(one, both(client, one))).toBe(200)
      const old = both(client, one)
      clock.forward(EXPIRED)
      expect(await statusOf(gate, old)).toBe(307)
      expect((await client.refresh({ proof: null })).status).toBe(403)
    }
  })

  test('tabs may renew it at the same time', async () => {
    const { one, two } = await start()
    const client = await bound(one)
    const { challenge = '' } = client
    const pages = await Promise.all(Array.from({ length: 4 }, () => client.refresh({ challenge })))
    expect(pages.map(({ status }) => status).sort()).toEqual([200, 403, 403, 403])
    for (let tab = 0; tab < 4; tab++) expect((await client.refresh()).status).toBe(200)
    const statuses = [one, two, one, two].map((gate) => statusOf(gate, both(client, one)))
    expect(await Promise.all(statuses)).toEqual([200, 200, 200, 200])
  })

  test('a proof counts once, across processes if the store can lock', async () => {
    const { one, two } = await start()
    const client = await bound(one)
    const { challenge = '' } = client
    expect((await client.refresh({ challenge })).status).toBe(200)
    expect((await client.refresh({ challenge })).status).toBe(403)
    client.origin = two.origin
    expect((await client.refresh({ challenge })).status).toBe(locks ? 403 : 200)
    expect((await client.refresh({ challenge })).status).toBe(403)
  })

  test('proofs of another session, another key, and another algorithm are rejected', async () => {
    const { one, two } = await start()
    const [victim, thief] = [await bound(one), await bound(two)]
    const identifier = victim.instructions?.session_identifier ?? ''
    const options = { headers: { Cookie: both(victim, one) } }
    const { challenge = '' } = victim
    const attempt = async (device = thief.device, signed = challenge) => {
      const page = await thief.refresh({ identifier, options, device, challenge: signed })
      return [page.status, page.setCookie]
    }
    expect(await attempt()).toEqual([400, []])
    expect(await attempt(createDevice('RS256'))).toEqual([400, []])
    expect(await attempt(createDevice('none'))).toEqual([400, []])
    expect(await attempt(victim.device, thief.challenge)).toEqual([403, []])
    expect((await victim.refresh({ challenge })).status).toBe(200)
  })

  test('clocks of processes may differ by the tolerance', async () => {
    const { clock, one, two } = await start()
    const client = await bound(one)
    clock.forward(-29)
    client.origin = two.origin
    expect(await statusOf(two, both(client, one))).toBe(200)
    expect((await client.refresh()).status).toBe(200)
    const renewed = both(client, one)
    clock.forward(29 + 629)
    expect(await statusOf(one, renewed)).toBe(307)
    clock.forward(3600)
    expect((await client.refresh({ proof: null })).status).toBe(403)
    // A challenge of the future, as after a clock was set back.
    clock.forward(-60)
    expect((await client.refresh()).status).toBe(403)
    expect((await client.refresh()).status).toBe(200)
  })

  test('a logout ends the key as well', async () => {
    const { one, two } = await start()
    const client = await bound(one)
    const copied = both(client, one)
    await client.browser.get(one.url('/auth/logout'), {
      headers: { 'Sec-Fetch-Site': 'same-origin' },
    })
    const names = client.browser.cookies(one.origin).map(({ key }) => key)
    expect(names.filter((name) => [SESSION, BOUND].includes(name))).toEqual([])
    expect(await statusOf(one, copied)).toBe(401)
    expect(JSON.parse((await client.refresh()).body)).toEqual({ continue: false })
    // Other processes do not learn the end of a session in a cookie.
    expect(await statusOf(two, copied)).toBe(keepsRecords ? 401 : 200)
  })

  test('a browser that has lost its key signs in again, and binds the new session', async () => {
    const { clock, one, two } = await start()
    const client = await bound(one)
    clock.forward(EXPIRED)
    client.browser.setCookie(`${BOUND}=; Path=/; Secure; Max-Age=0`, one.origin)
    expect((await client.refresh({ device: createDevice() })).status).toBe(400)
    expect((await client.signIn(two.url('/'))).status).toBe(200)
    client.origin = two.origin
    const device = createDevice()
    expect((await client.register({ device })).status).toBe(200)
    expect((await client.refresh({ device })).status).toBe(200)
    expect(await isBound(client, one)).toBe(true)
  })

  test('the first of two keys that register for one session wins', async () => {
    const { one, two } = await start()
    const client = createBoundClient(one.origin)
    await client.signIn(one.url('/'))
    // With the session cookie of the login, as the request of a page.
    const before = { headers: { Cookie: both(client, one) } }
    expect((await client.register({ options: before })).status).toBe(200)
    const other = createDevice()
    client.origin = two.origin
    const page = await client.register({ options: before, device: other })
    // A copy of the cookie from before the registration is a session of its own.
    expect(page.status).toBe(keepsRecords ? 400 : 200)
  })

  test('the end of the session at its limit ends the key', async () => {
    const { clock, one } = await start({ maximumDuration: 3600 })
    const client = await bound(one)
    clock.forward(3600 + 31)
    await client.refresh({ proof: null })
    expect(JSON.parse((await client.refresh()).body)).toEqual({ continue: false })
  })
})

const chrome =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36'
const [home, office, cafe] = ['93.184.216.34', '198.51.100.7', '203.0.113.99']
const from = (address: string) => ({ 'User-Agent': chrome, 'X-Forwarded-For': address })

describe.each(kinds)('onMove with $name', ({ open, isAtomic, keepsRecords }) => {
  async function start(options: Partial<OAuthModuleOptions>) {
    const clock = fakeDate()
    const moves: string[] = []
    const startOn = async (store: Store) => {
      const gate = await startGate(
        { provider: { idp: oidcOf(vendor) }, id: 'app', store, ...options },
        { before: (app) => app.set('trust proxy', 'loopback') },
      )
      gate.middleware.on('moved', ({ to }) => void moves.push(String(to.network)))
      return gate
    }
    const stores = await open()
    const [one, two] = [await startOn(stores[0]), await startOn(stores[1])]
    return { clock, moves, one, two }
  }
  const visit = (browser: Browser, gate: Gate, address: string, more = {}) =>
    browser.get(gate.url('/'), { headers: { ...from(address), ...more }, follow: 10 })
  function copyOf(browser: Browser, gate: Gate): Browser {
    const thief = createBrowser()
    for (const { key, value } of browser.cookies(gate.origin))
      thief.setCookie(`${key}=${value}; Path=/`, gate.origin)
    return thief
  }

  test("'tell' reports a network once, and all processes learn it with the activity", async () => {
    const { clock, moves, one, two } = await start({ inactivityTimeout: 600 })
    const browser = createBrowser()
    await visit(browser, one, home)
    await visit(browser, one, office)
    clock.forward(61)
    await visit(browser, one, home)
    await one.middleware.close()
    for (const address of [office, home, office]) await visit(browser, two, address)
    // Where activity is stored apart from the session, each process reports the network.
    const known = isAtomic ? ['198.51'] : ['198.51', '198.51']
    expect(moves).toEqual(known)
    await visit(browser, two, cafe)
    expect(moves).toEqual([...known, '203.0'])
  })

  test.each(['login', 'end'] as const)('%s ends the session for both', async (onMove) => {
    const { moves, one, two } = await start({ onMove })
    const browser = createBrowser()
    await visit(browser, one, home)
    const thief = copyOf(browser, one)
    expect((await visit(thief, two, cafe, script)).status).toBe(401)
    expect((await visit(browser, two, home, script)).status).toBe(401)
    // Other processes do not learn the end of a session in a cookie, but see the same move.
    expect((await visit(thief, one, cafe, script)).status).toBe(401)
    expect((await visit(copyOf(browser, one), one, home, script)).status).toBe(401)
    expect(moves).toEqual(keepsRecords ? ['203.0'] : ['203.0', '203.0'])
    expect((await visit(browser, one, home)).status).toBe(200)
  })

  test("'login' asks a user once for each network, in whichever process", async () => {
    const { moves, one, two } = await start({ onMove: 'login' })
    const browser = createBrowser()
    const addresses = [home, office, home, office, home, office]
    for (const [index, address] of addresses.entries())
      expect((await visit(browser, index % 2 === 0 ? one : two, address)).status).toBe(200)
    expect(moves).toEqual(['198.51'])
  })
})
