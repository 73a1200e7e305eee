import { setTimeout as sleep } from 'node:timers/promises'
import type { Request, Response } from 'express'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { RedisStore } from 'connect-redis'
import session from 'express-session'
import { createClient } from 'redis'
import {
  type Account,
  cookieStore,
  memoryStore,
  oauthModule,
  type OAuthModuleOptions,
  type OAuthUser,
} from '../../src/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { redisStore } from '../../src/session/stores/redis/index.js'
import { bodyOf, oidcOf, secret, startGate, stopAll } from '../support/gate.js'
import { createBrowser, linksOf } from '../support/jar.js'
import { startRedis, type RedisServer } from '../support/redis.js'

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
})
afterAll(async () => {
  await Promise.all([vendor?.close(), server?.close()])
})

type OnLogin = NonNullable<OAuthModuleOptions['onLogin']>

const start = (onLogin: unknown, more: Partial<OAuthModuleOptions> = {}) =>
  startGate({ provider: { idp: oidcOf(vendor) }, onLogin: onLogin as OnLogin, ...more })

const raise = (error: unknown): never => {
  throw error
}

async function connected() {
  const client = createClient({ socket: { host: '127.0.0.1', port: server.port } })
  await client.connect()
  closing.push(() => client.destroy())
  return client
}

const account = { id: 7, roles: ['editor', 'ops'], plan: { name: 'Zoë', trial: false, ends: null } }

const stores: [string, () => Promise<NonNullable<OAuthModuleOptions['store']>>][] = [
  ['memoryStore()', async () => memoryStore()],
  ['cookieStore()', async () => cookieStore()],
  ['redisStore()', async () => redisStore(await connected())],
  ['connect-redis', async () => new RedisStore({ client: await connected() })],
  ["express-session's MemoryStore", async () => new session.MemoryStore()],
]

describe('E3: onLogin', () => {
  test.each(stores)(
    'E3: what onLogin returns is req.oauth.account, at every request and after re-checks and refreshes, with %s',
    async (_, store) => {
      const gate = await start(() => account, { store: await store(), authCheckInterval: 1 })
      // Counts as expired at once.
      vendor.settings.tokenLifetime = 4
      const browser = createBrowser()
      const first = bodyOf(await browser.get(gate.url('/')))
      expect(first.oauth?.['account']).toEqual(account)
      for (let turn = 0; turn < 2; turn++) {
        await sleep(1050)
        const next = bodyOf(await browser.get(gate.url('/'), { follow: false }))
        expect(next.oauth).toMatchObject({ account, createdAt: first.oauth?.['createdAt'] })
        expect(next.oauth?.['lastCheckedAt']).not.toBe(first.oauth?.['lastCheckedAt'])
      }
      vendor.settings.tokenLifetime = 3600
    },
    30_000,
  )

  test('E3: it is awaited after the rules and before the session, with a copy of the user and the request', async () => {
    const calls: string[] = []
    const gate = await start(
      async (user: OAuthUser, req: { headers: Record<string, string> }) => {
        calls.push(
          `onLogin ${user.key} ${user.claims['sub'] as string} ${req.headers['user-agent']}`,
        )
        Object.assign(user, { name: 'changed' })
        ;(user.groups as string[]).push('admins')
        await sleep(50)
        calls.push('done')
      },
      { authorize: () => calls.push('authorize') > 0 },
    )
    gate.middleware.on('login', () => void calls.push('login'))
    const page = bodyOf(await createBrowser().get(gate.url('/')))
    expect(calls).toEqual([
      'authorize',
      expect.stringMatching(/^onLogin idp:(\S+) \1 Mozilla/),
      'done',
      'login',
    ])
    expect(page.user).toMatchObject({ name: 'Ida Novak', groups: [] })
    expect(page.oauth?.['account']).toBeUndefined()
  })

  test('E3: it runs once per login, not at requests and re-checks', async () => {
    let calls = 0
    const gate = await start(() => ({ calls: ++calls }))
    const browser = createBrowser()
    for (let turn = 0; turn < 3; turn++) await browser.get(gate.url('/'))
    expect(calls).toBe(1)
    await createBrowser().get(gate.url('/'))
    expect(calls).toBe(2)
  })

  test('E3: it does not run for a user whom the rules deny, or who is blocked', async () => {
    let calls = 0
    const onLogin = () => void calls++
    const denied = await start(onLogin, { authorize: () => false })
    expect((await createBrowser().get(denied.url('/'))).status).toBe(403)
    const gate = await start(onLogin)
    const { key } = bodyOf(await createBrowser().get(gate.url('/'))).user as { key: string }
    await gate.middleware.users.block(key)
    expect((await createBrowser().get(gate.url('/'))).status).toBe(403)
    expect(calls).toBe(1)
  })

  test('E3: another login replaces the account, and reconfigure() the function', async () => {
    const gate = await start(() => ({ version: 1 }))
    const browser = createBrowser()
    await browser.get(gate.url('/'))
    gate.middleware.reconfigure({
      provider: { idp: oidcOf(vendor) },
      onLogin: () => ({ version: 2 }),
    })
    expect(bodyOf(await browser.get(gate.url('/'))).oauth?.['account']).toEqual({ version: 1 })
    const page = await browser.get(gate.url('/auth/authn'))
    expect(bodyOf(page).oauth?.['account']).toEqual({ version: 2 })
  })

  test.each([
    ['memoryStore()', () => memoryStore()],
    ["express-session's MemoryStore", () => new session.MemoryStore()],
    ['cookieStore()', () => cookieStore()],
  ])(
    'E3: the account is frozen and independent of the returned object, with %s',
    async (_, store) => {
      const returned = { roles: ['editor'] }
      const gate = await startGate(
        { provider: { idp: oidcOf(vendor) }, store: store(), onLogin: () => returned },
        {
          routes: (app) =>
            app.get('/try', (req: Request, res: Response) => {
              const roles = req.oauth.account?.['roles'] as string[]
              expect(Object.isFrozen(req.oauth.account)).toBe(true)
              expect(() => roles.push('admin')).toThrow(TypeError)
              res.json(roles)
            }),
        },
      )
      const browser = createBrowser()
      await browser.get(gate.url('/'))
      returned.roles.push('admin')
      expect((await browser.get(gate.url('/try'))).body).toBe('["editor"]')
    },
  )

  test('E3: a request without a session has no account', async () => {
    const gate = await start(() => account, { unauthenticated: 'pass' })
    const anonymous = bodyOf(await createBrowser().get(gate.url('/')))
    expect(anonymous.oauth).toMatchObject({ isAuthenticated: false })
    expect(anonymous.oauth?.['account']).toBeUndefined()
  })

  test('E3: an app declares the type of its account', () => {
    const typed: OAuthModuleOptions = {
      provider: 'github',
      onLogin: async (user) => (user.emailVerified ? { roles: ['reader'] } : undefined),
    }
    const roles = (read: Account) => read['roles']
    expect([typeof typed.onLogin, roles({ roles: [] })]).toEqual(['function', []])
  })
})

describe('E3: an onLogin that fails', () => {
  const circular: Record<string, unknown> = {}
  circular['self'] = circular

  const failures: [string, unknown, RegExp][] = [
    ['throws', () => raise(new Error('secret of the database')), /onLogin failed/],
    ['rejects', async () => raise(new Error('secret of the database')), /onLogin failed/],
    ['throws a string', () => raise('secret of the database'), /onLogin failed/],
    ['rejects with undefined', () => Promise.reject(), /onLogin failed/],
    ['returns a string', () => 'admin', /must return a plain object, or nothing/],
    ['returns false', () => false, /must return a plain object, or nothing/],
    ['returns an array', () => ['admin'], /must return a plain object/],
    [
      'returns a class instance',
      () => new URL('https://app.example'),
      /must return a plain object/,
    ],
    ['returns a Map', () => new Map(), /must return a plain object/],
    ['returns a Date inside', () => ({ at: { created: new Date() } }), /at\.created is none/],
    ['returns a BigInt inside', () => ({ id: 7n }), /id is none of these/],
    ['returns NaN inside', () => ({ id: NaN }), /id is none of these/],
    ['returns a function inside', () => ({ find: () => 1 }), /find is none of these/],
    ['returns undefined in an array', () => ({ roles: [undefined] }), /roles\.0 is none/],
    ['returns a circular object', () => circular, /self is none of these/],
    ['returns a toJSON inside', () => ({ toJSON: () => 'admin' }), /toJSON is none/],
    ['returns 4097 bytes', () => ({ a: 'x'.repeat(4097 - 8) }), /at most 4096 bytes.*not 4097/],
  ]

  test.each(failures)(
    'E3: onLogin that %s: the login fails, there is no session, and the log gives the hint',
    async (_, onLogin, hint) => {
      const gate = await start(onLogin)
      const events: string[] = []
      gate.middleware.on('login', () => void events.push('login'))
      gate.middleware.on('login_failed', ({ code }) => void events.push(`login_failed ${code}`))
      const browser = createBrowser()
      const page = await browser.get(gate.url('/'))
      expect([page.status, events]).toEqual([500, ['login_failed internal']])
      expect(page.body).not.toContain('secret of the database')
      expect(browser.cookies(gate.origin).map(({ key }) => key)).not.toContain('ngrok.session')
      expect((await gate.middleware.sessions.list()).items).toEqual([])
      expect(gate.logged.filter((line) => line.startsWith('error'))).toEqual([
        expect.stringMatching(hint),
      ])
      expect(gate.logged.join('\n')).toContain('"provider":"idp"')
      // The page offers to try again.
      expect(linksOf(page).some((link) => link.includes('/auth/authn'))).toBe(true)
    },
  )

  test('E3: the log contains what onLogin threw', async () => {
    const gate = await start(() => raise(new Error('the database is down')))
    await createBrowser().get(gate.url('/'))
    expect(gate.logged.join('\n')).toContain('the database is down')
  })

  test('E3: onLogin that takes longer than 5 seconds fails the login', async () => {
    const gate = await start(() => sleep(6000))
    const page = await createBrowser().get(gate.url('/'))
    expect([page.status, gate.reached]).toEqual([500, []])
    expect(gate.logged.join('\n')).toContain('onLogin did not respond within 5 seconds')
  }, 20_000)

  test('E3: the previous session stays if onLogin fails', async () => {
    let isDown = false
    const gate = await start(() => (isDown ? raise(new Error('down')) : account))
    const browser = createBrowser()
    const before = bodyOf(await browser.get(gate.url('/')))
    isDown = true
    expect((await browser.get(gate.url('/auth/authn'))).status).toBe(500)
    const after = bodyOf(await browser.get(gate.url('/')))
    expect(after.oauth?.['sessionHandle']).toBe(before.oauth?.['sessionHandle'])
  })

  test.each([
    ['4096 bytes', () => ({ a: 'x'.repeat(4096 - 8) })],
    ['undefined members', () => ({ id: 1, gone: undefined })],
    ['an object without a prototype', () => Object.assign(Object.create(null), { id: 1 })],
    ['null', () => null],
    ['an empty object', () => ({})],
  ])('E3: %s can be returned', async (_, onLogin) => {
    const gate = await start(onLogin, { store: new session.MemoryStore() })
    const page = await createBrowser().get(gate.url('/'))
    expect(bodyOf(page).oauth?.['account'] ?? null).toEqual(JSON.parse(JSON.stringify(onLogin())))
  })

  test('E3: an onLogin that is not a function throws at construction', () => {
    for (const onLogin of ['x', {}, true, null])
      expect(() =>
        oauthModule({ secret, provider: { idp: oidcOf(vendor) }, onLogin: onLogin as never }),
      ).toThrow('oauthModule.onLogin must be a function')
  })
})

describe('E3: the stored account', () => {
  test('E3: cannot be changed by someone who can write to the store', async () => {
    const store = new session.MemoryStore()
    const gate = await start(() => ({ roles: ['reader'] }), { store })
    const browser = createBrowser()
    await browser.get(gate.url('/'))
    const rows = (store as unknown as { sessions: Record<string, string> }).sessions
    for (const [sid, row] of Object.entries(rows)) rows[sid] = row.replace('reader', 'admins')
    expect((await browser.get(gate.url('/'), { follow: false })).status).toBe(302)
  })

  test('E3: with __proto__ as a name changes no prototype', async () => {
    const gate = await start(() => JSON.parse('{"__proto__":{"isAdmin":true},"id":1}') as object, {
      store: new session.MemoryStore(),
    })
    const { account } = bodyOf(await createBrowser().get(gate.url('/'))).oauth as never
    expect((account as { isAdmin?: boolean }).isAdmin).toBeUndefined()
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined()
  })
})
