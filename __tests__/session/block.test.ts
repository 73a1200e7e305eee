import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { RedisStore } from 'connect-redis'
import { createClient } from 'redis'
import {
  cookieStore,
  memoryStore,
  type OAuthEvents,
  type OAuthModuleOptions,
  type SessionStore,
  type StoreRecord,
} from '../../src/index.js'
import type { VendorUser } from '../../src/dev/vendors/index.js'
import { redisStore } from '../../src/session/stores/redis/index.js'
import { fakeDate, realDate } from '../support/clock.js'
import { type Gate, startGate, stopAll } from '../support/gate.js'
import { type Browser, createBrowser } from '../support/jar.js'
import { providerOf, startVendor } from '../support/providers.js'
import { codeOf, program } from '../support/recheck.js'
import { type RedisServer, startRedis } from '../support/redis.js'

type Store = NonNullable<OAuthModuleOptions['store']>

let server: RedisServer
const closing: (() => unknown)[] = []

beforeAll(async () => {
  server = await startRedis()
})
afterEach(async () => {
  await stopAll()
  realDate()
  for (const close of closing.splice(0)) await close()
  await server.command('flushall')
})
afterAll(() => server.close())

async function connected() {
  const client = createClient({ socket: { host: '127.0.0.1', port: server.port } })
  client.on('error', () => undefined)
  await client.connect()
  closing.push(() => client.destroy())
  return client
}

const people: VendorUser[] = ['ada', 'bob'].map((id) => ({
  id,
  username: id,
  name: `${id} x`,
  email: `${id}@acme.example`,
  emailVerified: true,
}))

/** Two processes with one store each, which may be the same. */
async function scene(stores: readonly Store[], options: Partial<OAuthModuleOptions> = {}) {
  const vendor = await startVendor('oidc', {
    users: structuredClone(people),
    settings: { personaPage: false },
  })
  const start = (store: Store) =>
    startGate({ provider: providerOf(vendor), store, id: 'app', ...options })
  const gates = await Promise.all(stores.map(start))
  const denials: OAuthEvents['denied'][] = []
  for (const { middleware } of gates) middleware.on('denied', (denial) => denials.push(denial))
  const [gate, other = gate] = gates as [Gate, Gate?]
  const enter = async (name: string, browser = createBrowser(), at: Gate = gate) => {
    vendor.user = vendor.users.find(({ id }) => id === name) as VendorUser
    return { browser, page: await browser.get(at.url('/')) }
  }
  const statusOf = async (browser: Browser, at: Gate = gate) =>
    (await browser.get(at.url('/api'), { headers: program })).status
  return { gate, other, users: gate.middleware.users, enter, statusOf, denials }
}

/** The same memory, without the methods that not every store has. */
function withHooks(hooks: Partial<SessionStore>): SessionStore {
  return { ...memoryStore(), ...hooks }
}

const kinds: [name: string, open: () => Promise<readonly Store[]>][] = [
  [
    'one memory store',
    async () => {
      const store = memoryStore()
      return [store, store]
    },
  ],
  ['redisStore', async () => [redisStore(await connected()), redisStore(await connected())]],
  [
    'connect-redis, a store of express-session',
    async () => [
      new RedisStore({ client: await connected() }),
      new RedisStore({ client: await connected() }),
    ],
  ],
]

describe.each(kinds)('users.block() with %s', (_, open) => {
  test('ends all sessions in all processes, rejects logins, and leaves others alone', async () => {
    const { gate, other, users, enter, statusOf, denials } = await scene(await open())
    const first = await enter('ada')
    const second = await enter('ada', createBrowser(), other)
    const bob = await enter('bob')
    expect([first.page.status, second.page.status, bob.page.status]).toEqual([200, 200, 200])
    expect(await users.block('oidc:ada')).toBe(true)
    expect(await users.block('oidc:ada')).toBe(false)
    expect([await statusOf(first.browser), await statusOf(first.browser, other)]).toEqual([
      401, 401,
    ])
    expect(await statusOf(second.browser, other)).toBe(401)
    expect(await statusOf(bob.browser, other)).toBe(200)
    for (const at of [gate, other]) {
      const { page } = await enter('ada', createBrowser(), at)
      expect([page.status, codeOf(page)]).toEqual([403, 'not_authorized'])
    }
    expect(denials.map(({ user, code, tried }) => [user.key, code, tried])).toEqual([
      ['oidc:ada', 'not_authorized', []],
      ['oidc:ada', 'not_authorized', []],
    ])
    expect(gate.logged.join('\n')).toContain('the user is blocked: users.unblock()')
  })

  test('is undone by users.unblock() of another process', async () => {
    const { other, users, enter } = await scene(await open())
    await users.block('oidc:ada')
    expect((await enter('ada')).page.status).toBe(403)
    expect(await other.middleware.users.unblock('oidc:ada')).toBe(true)
    expect(await other.middleware.users.unblock('oidc:ada')).toBe(false)
    expect((await enter('ada')).page.status).toBe(200)
  })
})

describe('users.block()', () => {
  test('applies to a user who has never signed in, and remains when the user is deleted', async () => {
    const { users, enter } = await scene([memoryStore()])
    await users.block('oidc:ada')
    expect(await users.get('oidc:ada')).toBeUndefined()
    await users.delete('oidc:ada')
    expect((await enter('ada')).page.status).toBe(403)
  })

  test('remains for years, longer than any session', async () => {
    const clock = fakeDate()
    const { users, enter } = await scene([memoryStore()])
    await users.block('oidc:ada')
    clock.forward(500 * 86_400)
    expect((await enter('ada')).page.status).toBe(403)
  })

  test('throws for a value that is not an ID', async () => {
    const { users } = await scene([memoryStore()])
    for (const id of [undefined, '', 1, {}, null]) {
      await expect(users.block(id as string)).rejects.toThrow(TypeError)
      await expect(users.unblock(id as string)).rejects.toThrow(TypeError)
    }
  })

  test('aborts the signals of open sockets and streams', async () => {
    const signals: AbortSignal[] = []
    const vendor = await startVendor('oidc')
    const gate = await startGate(
      { provider: providerOf(vendor), store: memoryStore() },
      {
        routes: (app) =>
          app.get('/stream', (req, res) => {
            signals.push(req.oauth.signal)
            res.write('open')
            req.oauth.signal.addEventListener('abort', () => res.end(' closed'))
          }),
      },
    )
    const browser = createBrowser()
    await browser.get(gate.url('/'))
    const stream = browser.get(gate.url('/stream'))
    while (signals.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    await gate.middleware.users.block(`oidc:${vendor.user.id}`)
    expect((await stream).body).toBe('open closed')
    expect(signals[0]?.aborted).toBe(true)
  })

  test('a request of a session still takes one read of the store', async () => {
    const read: string[] = []
    const memory = memoryStore()
    const get = (key: string) => {
      read.push(key)
      return memory.get(key)
    }
    const { users, enter, statusOf } = await scene([{ ...memory, get }])
    await users.block('oidc:bob')
    const { browser } = await enter('ada')
    read.length = 0
    expect(await statusOf(browser)).toBe(200)
    expect(read).toHaveLength(1)
  })
})

describe('a login during which the user is blocked', () => {
  const block = async (users: { block(id: string): Promise<boolean> }) => users.block('oidc:ada')

  test.each([
    ['before its session is stored', 'before'],
    ['after its session is stored', 'after'],
  ])('is rejected, and no session remains: %s', async (_, when) => {
    const memory = memoryStore()
    const hooks: { onSession?: () => Promise<unknown> } = {}
    const set = async (key: string, record: StoreRecord, ttl: number) => {
      const hook = record.kind === 'session' ? hooks.onSession : undefined
      if (when === 'before') await hook?.()
      await memory.set(key, record, ttl)
      if (when === 'after') await hook?.()
    }
    const { gate, users, enter } = await scene([{ ...memory, set }])
    hooks.onSession = () => block(users)
    const { page, browser } = await enter('ada')
    expect([page.status, codeOf(page)]).toEqual([403, 'not_authorized'])
    expect(gate.reached).toEqual([])
    expect(browser.cookies(gate.origin).map(({ key }) => key)).not.toContain('ngrok.session')
    expect((await memory.entries?.({ kind: 'session', limit: 10 }))?.entries).toEqual([])
  })

  test('creates a session that the block ends, if the block comes after the last check', async () => {
    const memory = memoryStore()
    let reads = 0
    const hooks: { onLastRead?: () => Promise<unknown> } = {}
    const get = async (key: string) => {
      const record = await memory.get(key)
      // The block is read before and after the session is created.
      if (key.startsWith('block-') && ++reads === 2) await hooks.onLastRead?.()
      return record
    }
    const { users, enter, statusOf } = await scene([{ ...memory, get }])
    hooks.onLastRead = () => block(users)
    const { page, browser } = await enter('ada')
    expect(page.status).toBe(403)
    expect(await statusOf(browser)).toBe(401)
    expect((await memory.entries?.({ kind: 'session', limit: 10 }))?.entries).toEqual([])
  })
})

describe('what a store cannot do', () => {
  test('without a list, block() reports it, ends the sessions in the record of the user, and rejects logins', async () => {
    const { entries: _, ...store } = memoryStore()
    const { users, enter, statusOf } = await scene([store])
    const { browser } = await enter('ada')
    await expect(users.block('oidc:ada')).rejects.toMatchObject({
      code: 'store_not_listable',
      status: 501,
    })
    expect(await statusOf(browser)).toBe(401)
    expect((await enter('ada')).page.status).toBe(403)
    expect(await users.unblock('oidc:ada')).toBe(true)
    expect((await enter('ada')).page.status).toBe(200)
  })

  test('a session that block() could not find is denied at its next re-check', async () => {
    const clock = fakeDate()
    const { entries, ...store } = memoryStore()
    const options = { authCheckInterval: 300, authCheckEarly: false }
    const { gate, users, enter } = await scene([store], options)
    const { browser } = await enter('ada')
    const [[key] = ['']] = (await entries?.({ kind: 'user', limit: 10 }))?.entries ?? []
    await store.delete(key)
    await expect(users.block('oidc:ada')).rejects.toMatchObject({ code: 'store_not_listable' })
    clock.forward(301)
    const page = await browser.get(gate.url('/'))
    expect([page.status, codeOf(page)]).toEqual([403, 'not_authorized'])
    await users.unblock('oidc:ada')
    clock.forward(10)
    expect((await browser.get(gate.url('/'))).status).toBe(200)
  })

  test('with cookieStore(), block() and unblock() report it and block nothing', async () => {
    const { users, enter } = await scene([cookieStore()])
    for (const call of [users.block('oidc:ada'), users.unblock('oidc:ada')])
      await expect(call).rejects.toMatchObject({ code: 'store_not_listable' })
    expect((await enter('ada')).page.status).toBe(200)
  })

  test('if the store fails during a login, no one gets in', async () => {
    const memory = memoryStore()
    const get = (key: string) => {
      if (key.startsWith('block-')) throw new Error('down')
      return memory.get(key)
    }
    const { gate, enter } = await scene([withHooks({ get })])
    const { page } = await enter('ada')
    expect([page.status, codeOf(page), gate.reached]).toEqual([503, 'store_unavailable', []])
  })
})
