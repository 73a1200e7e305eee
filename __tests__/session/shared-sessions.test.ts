import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { RedisStore } from 'connect-redis'
import session from 'express-session'
import { createClient } from 'redis'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { Encrypter } from '../../src/http/encryption.js'
import { sha256 } from '../../src/http/ids.js'
import { SessionLock } from '../../src/session/session-lock.js'
import { GuardedStore } from '../../src/session/stores/guarded-store.js'
import { KeyedQueue } from '../../src/session/stores/keyed-queue.js'
import { memoryStore, type OAuthModuleOptions, type SessionStore } from '../../src/index.js'
import { redisStore } from '../../src/session/stores/redis/index.js'
import type { OpenSession, Sessions } from '../../src/session/sessions.js'
import { bodyOf, oidcOf, secret, startGate, stopAll, valueOfCookie } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { oddStore } from '../support/odd-store.js'
import { eventually } from '../support/programs.js'
import { startRedis, type RedisServer } from '../support/redis.js'
import { libraries } from '../support/redis-clients.js'

let vendor: VendorServer
let server: RedisServer
const closing: (() => unknown)[] = []

beforeAll(async () => {
  vendor = await startVendor('oidc')
  server = await startRedis()
})
afterEach(async () => {
  await stopAll()
  for (const close of closing.splice(0)) await close()
  await server.command('flushall')
})
afterAll(async () => {
  await Promise.all([vendor?.close(), server?.close()])
})

async function connected() {
  const client = createClient({ socket: { host: '127.0.0.1', port: server.port } }).on(
    'error',
    () => undefined,
  )
  await client.connect()
  closing.push(() => client.destroy())
  return client
}

const kinds: [name: string, make: () => Promise<NonNullable<OAuthModuleOptions['store']>>][] = [
  ['redisStore', async () => redisStore(await connected())],
  ['connect-redis', async () => new RedisStore({ client: await connected(), prefix: 'sess:' })],
]

describe.each(kinds)('%s, with the express-session of the app in the same Redis', (_, make) => {
  /** An app that counts visits in a session of its own. */
  const start = async (more: Partial<OAuthModuleOptions> = {}) => {
    const own = new RedisStore({ client: await connected(), prefix: 'sess:' })
    return startGate(
      { provider: { idp: oidcOf(vendor) }, store: await make(), id: 'shared', ...more },
      {
        before: (app) =>
          app.use(
            session({ store: own, secret: 'of the app', resave: false, saveUninitialized: true }),
          ),
        routes: (app) =>
          app.get('/count', (req, res) => {
            const counted = req.session as typeof req.session & { views?: number }
            counted.views = (counted.views ?? 0) + 1
            res.send(`${counted.views} ${req.oauth.user?.email}`)
          }),
      },
    )
  }

  test('a login is valid in every process, and both sessions coexist', async () => {
    const [one, two] = [await start(), await start()]
    const browser = createBrowser()
    expect((await browser.get(one.url('/count'))).body).toBe(`1 ${vendor.user.email}`)
    for (const count of [2, 3]) {
      const page = await browser.get(two.url('/count'))
      expect(page.status).toBe(200)
      expect(page.history).toHaveLength(1)
      expect(page.body).toBe(`${count} ${vendor.user.email}`)
    }
  })

  test('S-071 a revocation in one process applies in the other from the next request', async () => {
    const [one, two] = [await start(), await start()]
    const browser = createBrowser()
    await browser.get(one.url('/count'))
    const [listed] = (await two.middleware.sessions.list()).items
    expect(listed?.userId).toBe(`idp:${vendor.user.id}`)
    expect((await two.middleware.users.list()).items.map(({ email }) => email)).toEqual([
      vendor.user.email,
    ])
    expect(await two.middleware.monthlyActiveUsers()).toBe(1)
    expect(await two.middleware.sessions.revoke(listed?.id ?? '')).toBe(true)
    expect((await browser.get(one.url('/count'), { follow: false })).status).toBe(302)
    expect((await one.middleware.sessions.list()).items).toEqual([])
  })

  test('S-071 deleting a user ends all their sessions', async () => {
    const gate = await start()
    const browsers = [createBrowser(), createBrowser()]
    for (const browser of browsers) await browser.get(gate.url('/count'))
    expect(await gate.middleware.users.delete(`idp:${vendor.user.id}`)).toBe(true)
    for (const browser of browsers)
      expect((await browser.get(gate.url('/count'), { follow: false })).status).toBe(302)
    expect((await gate.middleware.users.list()).items).toEqual([])
  })

  test('logging out ends this session and keeps that of the app', async () => {
    const gate = await start()
    const browser = createBrowser()
    await browser.get(gate.url('/count'))
    expect(
      (
        await browser.get(gate.url('/auth/logout'), {
          headers: { 'Sec-Fetch-Site': 'same-origin' },
        })
      ).status,
    ).toBe(200)
    expect((await browser.get(gate.url('/count'), { follow: false })).status).toBe(302)
    expect((await browser.get(gate.url('/count'))).body).toMatch(/^2 /)
  })

  test('a dump of the store plus the secret exposes no token without the session id', async () => {
    const gate = await start()
    const browser = createBrowser()
    const page = await browser.get(gate.url('/'))
    const token = bodyOf(page).headers['ngrok-auth-oauth-access-token'] ?? ''
    expect(token.length).toBeGreaterThan(10)
    const dump: string[] = []
    for (const key of (await server.command('keys', '*')).split('\n')) {
      const isText = (await server.command('type', key)) === 'string'
      dump.push(key, await server.command(...(isText ? ['get', key] : ['zrange', key, '0', '-1'])))
    }
    const all = dump.join('\n')
    const id = valueOfCookie(browser, gate.url('/'))
    expect(all).toContain(sha256(id))
    expect(all).not.toContain(token)
    expect(all).not.toContain(id)
    const encrypter = new Encrypter([secret])
    const words = new Set(all.match(/[A-Za-z0-9_:@.-]+/g))
    const sealed = [...words].filter((word) => word.length > 100)
    expect(sealed.length).toBeGreaterThan(0)
    const open = (text: string, context: string) =>
      ['tokens', 'session', 'state', 'return']
        .map((purpose) => encrypter.decrypt(purpose as 'tokens', text, context))
        .find((found) => found !== undefined)
    for (const text of sealed)
      for (const context of ['', ...words]) expect(open(text, context)).toBeUndefined()
    expect(sealed.map((text) => open(text, id)).join()).toContain(token)
  })
})

describe('a missing feature of a store', () => {
  const entryless = (): SessionStore => {
    const { get, set, update, delete: remove } = memoryStore()
    return { get, set, update, delete: remove }
  }

  test('is reported at construction', async () => {
    const warnings = async (store: OAuthModuleOptions['store']) => {
      const gate = await startGate({ provider: { idp: oidcOf(vendor) }, store })
      return gate.logged
        .filter((line) => /^warn .*the store/.test(line))
        .map((line) => line.replace(/:.*/, ''))
    }
    expect(await warnings(redisStore(await connected()))).toEqual([])
    expect(await warnings(memoryStore())).toEqual([])
    expect(await warnings(new session.MemoryStore())).toEqual([
      'warn the store was made for express-session',
    ])
    expect(await warnings(oddStore())).toEqual([
      'warn the store was made for express-session',
      'warn the store cannot list',
    ])
    expect(await warnings(entryless())).toEqual([
      'warn the store cannot lock',
      'warn the store cannot list',
    ])
  })

  test('results in store_not_listable when it is used', async () => {
    for (const store of [oddStore(), entryless()]) {
      const gate = await startGate({ provider: { idp: oidcOf(vendor) }, store })
      expect((await createBrowser().get(gate.url('/'))).status).toBe(200)
      const { sessions, users, monthlyActiveUsers } = gate.middleware
      for (const ask of [() => sessions.list(), () => users.list(), () => monthlyActiveUsers()]) {
        await expect(ask()).rejects.toMatchObject({ code: 'store_not_listable', status: 501 })
      }
    }
  })

  test('an express-session store may be repeated in reconfigure(), and not be replaced', async () => {
    const store = new session.MemoryStore()
    const options = { provider: { idp: oidcOf(vendor) }, store }
    const gate = await startGate(options)
    const browser = createBrowser()
    await browser.get(gate.url('/'))
    gate.middleware.reconfigure({ ...options, inactivityTimeout: 600 })
    gate.middleware.reconfigure({ ...options, inactivityTimeout: 900 })
    expect((await browser.get(gate.url('/'))).history).toHaveLength(1)
    expect(() =>
      gate.middleware.reconfigure({ ...options, store: new session.MemoryStore() }),
    ).toThrow('reconfigure().store')
  })
})

describe('a re-check across processes', () => {
  test.each(libraries)(
    'happens once, with the lock of the store over $name',
    async ({ single }) => {
      const gates = await Promise.all(
        Array.from({ length: 3 }, async () => {
          const { client, close } = await single(server.port)
          closing.push(close)
          return startGate({
            provider: { idp: oidcOf(vendor) },
            store: redisStore(client),
            id: 'shared',
            authCheckInterval: 1,
            authCheckEarly: false,
          })
        }),
      )
      const [first] = gates
      const browser = createBrowser()
      await browser.get(first?.url('/') ?? '')
      await new Promise((resolve) => setTimeout(resolve, 1050))
      vendor.requests.length = 0
      const pages = await Promise.all(
        gates.flatMap((gate) => [1, 2, 3].map(() => browser.get(gate.url('/'), { follow: false }))),
      )
      expect(pages.map(({ status }) => status)).toEqual(Array.from({ length: 9 }, () => 200))
      expect(vendor.requests.filter(({ endpoint }) => endpoint === 'userinfo').length).toBe(1)
      expect(await server.command('keys', '*:lock:*')).toBe('')
    },
  )

  test('a lock that is acquired too late is released', async () => {
    const inner = memoryStore()
    let delay = 150
    const store: SessionStore = {
      ...inner,
      async lock(key, ttl) {
        await new Promise((resolve) => setTimeout(resolve, delay))
        return inner.lock?.(key, ttl)
      },
    }
    const live = { key: 'k' } as unknown as OpenSession
    const sessions = { reload: async () => live } as unknown as Sessions
    const sessionLock = new SessionLock({
      store: new GuardedStore(store, 50),
      sessions,
      queue: new KeyedQueue(),
      providerTimeoutMs: 950,
      storeTimeoutMs: 50,
      // The lock is held for more than a minute if it is not released.
      authorizeCount: 12,
      onUnlockError: () => undefined,
    })
    await expect(sessionLock.withLock(live, async () => 'held')).rejects.toMatchObject({
      code: 'store_unavailable',
    })
    delay = 0
    expect(
      await eventually(
        'the lock is free',
        () => sessionLock.withLock(live, async () => 'held'),
        2000,
      ),
    ).toBe('held')
  })
})
