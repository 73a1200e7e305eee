import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { memoryStore, type OAuthModuleOptions } from '../../src/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { redisStore } from '../../src/session/stores/redis/index.js'
import { type Gate, oidcOf, startGate, stopAll, stopping, toCallback } from '../support/gate.js'
import { type Browser, createBrowser } from '../support/jar.js'
import { oddStore } from '../support/odd-store.js'
import { program } from '../support/recheck.js'
import { startRedis, type RedisServer } from '../support/redis.js'
import { libraries } from '../support/redis-clients.js'

let vendor: VendorServer
let server: RedisServer

beforeAll(async () => {
  vendor = stopping(await startVendor('oidc'))
  server = stopping(await startRedis())
})
afterAll(stopAll)

async function connect(prefix: string, index = 0) {
  const { client } = stopping(await (libraries[index] ?? never()).single(server.port))
  return redisStore(client, { prefix })
}

function never(): never {
  throw new Error('no such client library')
}

const start = (options: Partial<OAuthModuleOptions>) =>
  startGate({ provider: { idp: oidcOf(vendor) }, id: 'app', ...options })

async function logIn(gate: Gate): Promise<Browser> {
  const browser = createBrowser()
  expect((await browser.get(gate.url('/'))).status).toBe(200)
  return browser
}

const isIn = async (browser: Browser, gate: Gate) =>
  (await browser.get(gate.url('/'), { headers: program })).status === 200

async function signedIn(browsers: readonly Browser[], gate: Gate): Promise<boolean[]> {
  return Promise.all(browsers.map((browser) => isIn(browser, gate)))
}

describe('C8: the number of sessions of an account is limited in every store', () => {
  const rowsOf: Record<string, () => Promise<[OAuthModuleOptions['store'], () => unknown]>> = {
    async memory() {
      const store = memoryStore()
      const count = async () =>
        (await store.entries?.({ kind: 'session', limit: 1000 }))?.entries.length
      return [store, count]
    },
    async Redis() {
      const count = async () =>
        (await server.command('keys', 'cap:row:*'))
          .split('\n')
          .filter((key) => /^cap:row:[0-9a-f]{64}$/.test(key)).length
      return [await connect('cap:'), count]
    },
    async 'an express-session store without a list'() {
      const store = oddStore()
      const ours = /^oauth-module\.[0-9a-f]{64}$/
      return [store, () => [...store.rows.keys()].filter((sid) => ours.test(sid)).length]
    },
  }

  test.each(Object.keys(rowsOf))(
    'C8: %s: of 110 logins of one account, the latest 100 remain, and each end is in the log and an event',
    async (name) => {
      const [store, count] = (await rowsOf[name]?.()) ?? never()
      const gate = await start({ store })
      const ended: unknown[] = []
      gate.middleware.on('revoked', (event) => void ended.push(event))
      const first = await logIn(gate)
      for (let batch = 0; batch < 11; batch++)
        await Promise.all(Array.from({ length: 10 }, () => logIn(gate)))
      expect(await count()).toBe(100)
      expect(await isIn(first, gate)).toBe(false)
      expect(ended).toHaveLength(11)
      const limit = { reason: 'limit', limit: 'sessionsPerUser' }
      expect(ended[0]).toMatchObject({ sessionHandle: expect.any(String), ...limit })
      expect(ended[0]).toHaveProperty('origin.ipAddress', '127.0.0.1')
      const lines = gate.logged.filter((line) => line.includes('ended the oldest session'))
      expect(lines.length).toBeGreaterThan(0)
      expect(lines[0]).toMatch(
        /^warn .*"provider":"idp".*at most 100 sessions: set sessionsPerUser/,
      )
    },
    60_000,
  )

  test('C8: the sessions of another account are not affected', async () => {
    const gate = await start({ sessionsPerUser: 1 })
    const [ada] = vendor.users
    const other = await logIn(gate)
    vendor.user = { ...vendor.user, id: 'another', username: 'another' }
    const browsers = [await logIn(gate), await logIn(gate)]
    vendor.user = ada ?? never()
    expect(await signedIn([other, ...browsers], gate)).toEqual([true, false, true])
  })

  test('C8: sessions that were signed out do not count', async () => {
    const gate = await start({ sessionsPerUser: 2 })
    const kept = await logIn(gate)
    for (let login = 0; login < 5; login++) {
      const browser = await logIn(gate)
      const headers = { 'Sec-Fetch-Site': 'same-origin' }
      expect((await browser.get(gate.url('/auth/logout'), { headers })).status).toBe(200)
    }
    const latest = await logIn(gate)
    expect(await signedIn([kept, latest], gate)).toEqual([true, true])
  })

  test('C8: a login that cannot be recorded leaves no session behind', async () => {
    const inner = memoryStore()
    const store = {
      ...inner,
      set: (...args: Parameters<typeof inner.set>) => {
        if (args[1].kind === 'user') throw new Error('full')
        return inner.set(...args)
      },
    }
    const gate = await start({ store })
    expect((await createBrowser().get(gate.url('/'))).status).toBe(503)
    expect((await inner.entries?.({ kind: 'session', limit: 10 }))?.entries).toEqual([])
  })
})

describe('C12: two tabs that sign in at once', () => {
  test.each(libraries.map(({ name }, index) => [name, index] as const))(
    'C12: with sessionsPerUser: 1, two processes on one Redis (%s) keep exactly one of the two sessions, 20 of 20 times',
    async (name, index) => {
      const prefix = `tabs-${name.replace(' ', '')}:`
      const processes = await Promise.all(
        [0, 1].map(async () => start({ sessionsPerUser: 1, store: await connect(prefix, index) })),
      )
      for (let round = 0; round < 20; round++) {
        // Half of the rounds are the first logins of the account.
        if (round % 2 === 0) await server.command('flushall')
        const tabs = await Promise.all(
          processes.map(async (gate) => {
            const browser = createBrowser()
            return { gate, browser, callback: await toCallback(browser, gate.url('/')) }
          }),
        )
        const pages = await Promise.all(
          tabs.map(({ browser, callback }) => browser.get(callback, { follow: false })),
        )
        expect(pages.map(({ status }) => status)).toEqual([302, 302])
        const passed = await Promise.all(tabs.map(({ browser, gate }) => isIn(browser, gate)))
        expect(passed.filter(Boolean)).toHaveLength(1)
      }
    },
    60_000,
  )

  test('C12: ten at once in one process: two remain with sessionsPerUser: 2', async () => {
    const gate = await start({ sessionsPerUser: 2 })
    const browsers = await Promise.all(Array.from({ length: 10 }, () => logIn(gate)))
    expect((await signedIn(browsers, gate)).filter(Boolean)).toHaveLength(2)
  })

  test('C12: the login that exceeds the limit keeps its session, although the clocks of other processes are ahead', async () => {
    const store = memoryStore()
    const gate = await start({ sessionsPerUser: 1, store })
    const ahead = await logIn(gate)
    const [[key, row] = never()] =
      (await store.entries?.({ kind: 'session', limit: 1 }))?.entries ?? []
    await store.set(key, { ...row, createdAt: row.createdAt + 20_000 }, 60_000)
    const here = await logIn(gate)
    expect(await signedIn([ahead, here], gate)).toEqual([false, true])
  })
})
