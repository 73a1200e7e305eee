import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import connectPg from 'connect-pg-simple'
import pg from 'pg'
import session from 'express-session'
import { createClient } from 'redis'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import {
  type Authorize,
  cookieStore,
  memoryStore,
  type OAuthModuleOptions,
  type SessionStore,
  type StoreRecord,
} from '../../src/index.js'
import { redisStore } from '../../src/session/stores/redis/index.js'
import { fakeDate, realDate } from '../support/clock.js'
import {
  bodyOf,
  type Gate,
  oidcOf,
  secret,
  startGate,
  stopAll,
  valueOfCookie,
} from '../support/gate.js'
import { type Browser, createBrowser } from '../support/jar.js'
import { startPostgres, type Postgres } from '../support/postgres.js'
import { startRedis, type RedisServer } from '../support/redis.js'

let vendor: VendorServer
let redis: RedisServer
let postgres: Postgres
const closing: (() => unknown)[] = []

beforeAll(async () => {
  ;[vendor, redis, postgres] = await Promise.all([
    startVendor('oidc'),
    startRedis(),
    startPostgres(),
  ])
}, 60_000)
afterEach(async () => {
  await stopAll()
  for (const close of closing.splice(0)) await close()
  await redis.command('flushall')
  vendor.requests.length = 0
  realDate()
})
afterAll(async () => {
  await Promise.all([vendor?.close(), redis?.close(), postgres?.close()])
})

async function connected() {
  const client = createClient({ socket: { host: '127.0.0.1', port: redis.port } })
  await client.connect()
  closing.push(() => client.destroy())
  return client
}

/** The only session in Redis. */
async function sessionRow(client: Awaited<ReturnType<typeof connected>>) {
  for (const key of await client.keys('*')) {
    const json = (await client.type(key)) === 'string' ? await client.get(key) : undefined
    if (json?.includes('"kind":"session"')) return { key, json }
  }
  throw new Error('no session')
}

const stores: [name: string, make: () => Promise<NonNullable<OAuthModuleOptions['store']>>][] = [
  ['memoryStore', async () => memoryStore()],
  ['a copy of memoryStore', async () => ({ ...memoryStore() })],
  ['redisStore', async () => redisStore(await connected())],
  ['cookieStore', async () => cookieStore()],
  ['express-session', async () => new session.MemoryStore()],
]

/** Requests the page with the session of a browser that logged in at another gate. */
async function visitWith(browser: Browser, from: Gate, to: Gate, cookie = 'ngrok.session') {
  const headers = { Cookie: `${cookie}=${valueOfCookie(browser, from.origin)}` }
  return createBrowser().get(to.url('/'), { follow: false, headers })
}

async function logIn(gate: Gate): Promise<Browser> {
  const browser = createBrowser()
  const page = await browser.get(gate.url('/'))
  expect(page.status).toBe(200)
  return browser
}

/** Two gates on one store. */
async function pairOn(
  make: (typeof stores)[number][1],
  lax: Partial<OAuthModuleOptions>,
  strict: Partial<OAuthModuleOptions>,
) {
  const shared = { provider: { idp: oidcOf(vendor) }, store: await make() }
  return [
    await startGate({ ...shared, ...lax }),
    await startGate({ ...shared, ...strict }),
  ] as const
}

describe.each(stores)('C1: two gates on one store: %s', (_, make) => {
  const pair = (lax: Partial<OAuthModuleOptions>, strict: Partial<OAuthModuleOptions>) =>
    pairOn(make, lax, strict)

  test('C1: a session of the same instance counts at both', async () => {
    const [one, other] = await pair({}, {})
    expect((await visitWith(await logIn(one), one, other)).status).toBe(200)
  })

  test('C1: a session of a gate with another secret is unknown', async () => {
    const [lax, strict] = await pair({}, { secret: 'another secret, longer than 32 characters' })
    expect((await visitWith(await logIn(lax), lax, strict)).status).toBe(302)
  })

  test('C1: a session counts while its secret is one of several, and not after that', async () => {
    const next = 'the next secret of the app, longer than 32 characters'
    const [old, both] = await pair({}, { secret: [next, secret] })
    const browser = await logIn(old)
    expect((await visitWith(browser, old, both)).status).toBe(200)
    both.middleware.reconfigure({ provider: { idp: oidcOf(vendor) } })
    expect((await visitWith(browser, old, both)).status).toBe(200)
  })

  test('C1: a session of a gate with another cookiePrefix is unknown', async () => {
    const [lax, strict] = await pair({}, { cookiePrefix: 'admin.' })
    expect((await visitWith(await logIn(lax), lax, strict, 'admin.session')).status).toBe(302)
  })

  test('C1: a session of a gate with another id, client or provider is unknown', async () => {
    const browserOf = async (more: Partial<OAuthModuleOptions>) => {
      const [lax, strict] = await pair({}, more)
      return (await visitWith(await logIn(lax), lax, strict)).status
    }
    expect(await browserOf({ id: 'strict' })).toBe(302)
    expect(await browserOf({ provider: { other: oidcOf(vendor) } })).toBe(302)
    expect(await browserOf({ provider: { idp: oidcOf(vendor, { clientId: 'another' }) } })).toBe(
      302,
    )
  })

  test.each<[string, Authorize]>([
    ['denies', () => false],
    [
      'throws',
      () => {
        throw new Error('down')
      },
    ],
  ])(
    'C1: a session of a gate without authorize does not pass one that %s',
    async (name, authorize) => {
      const [lax, strict] = await pair({}, { authorize })
      const { status } = await visitWith(await logIn(lax), lax, strict)
      expect(status).toBe(name === 'denies' ? 403 : 500)
    },
  )

  test('C1: authorize of another gate is called once, on the stored user, without the provider', async () => {
    const seen: unknown[] = []
    const authorize: Authorize = ({ email, claims }) => {
      seen.push([email, claims['sub']])
      return true
    }
    const [lax, strict] = await pair({ authorize: () => true }, { authorize })
    const browser = await logIn(lax)
    vendor.requests.length = 0
    for (let count = 0; count < 3; count++)
      expect((await visitWith(browser, lax, strict)).status).toBe(200)
    expect(seen).toEqual([['ida@acme.example', 'user-1']])
    expect(vendor.requests).toEqual([])
    expect((await visitWith(browser, lax, lax)).status).toBe(200)
  })

  test('C1: reconfigure() with a stricter authorize denies sessions at once', async () => {
    const provider = { idp: oidcOf(vendor) }
    const gate = await startGate({ provider, store: await make(), authorize: () => true })
    const browser = await logIn(gate)
    gate.middleware.reconfigure({ provider, secret, authorize: () => false })
    expect((await browser.get(gate.url('/'), { follow: false })).status).toBe(403)
    gate.middleware.reconfigure({ provider, secret, authorize: () => true })
    expect((await browser.get(gate.url('/'), { follow: false })).status).toBe(200)
  })

  test('C1: with the same rulesVersion, the stored decision counts everywhere', async () => {
    const calls: string[] = []
    const named = (name: string) => ({
      rulesVersion: '7',
      authorize: () => calls.push(name) > 0,
    })
    const [one, other] = await pair(named('one'), named('other'))
    expect((await visitWith(await logIn(one), one, other)).status).toBe(200)
    expect(calls).toEqual(['one'])
  })
})

describe('an authorize that never settles', () => {
  const statuses = new Map<string, number>()
  // Each visit waits for five seconds.
  beforeAll(async () => {
    await Promise.all(
      stores.map(async ([name, make]) => {
        const authorize = () => new Promise<boolean>(() => undefined)
        const [lax, strict] = await pairOn(make, {}, { authorize })
        const { status } = await visitWith(await logIn(lax), lax, strict)
        statuses.set(name, status)
      }),
    )
  })

  test.each(stores)('C1: a session of another gate does not pass it: %s', (name) => {
    expect(statuses.get(name)).toBe(500)
  })
})

test('C1: users that one gate denies pass another one of the same id without a check at each request', async () => {
  const clock = fakeDate()
  const shared = { provider: { idp: oidcOf(vendor) }, store: memoryStore() }
  const lax = await startGate({ ...shared, authorize: () => true })
  const strict = await startGate({ ...shared, authorize: () => false })
  const browser = await logIn(lax)
  vendor.requests.length = 0
  for (let count = 0; count < 4; count++) {
    expect((await visitWith(browser, lax, strict)).status).toBe(403)
    expect((await visitWith(browser, lax, lax)).status).toBe(200)
  }
  expect(vendor.requests).toEqual([])
  clock.forward(6)
  expect((await visitWith(browser, lax, strict)).status).toBe(403)
  expect((await visitWith(browser, lax, lax)).status).toBe(200)
})

describe('C14: a row that was written without the secret is not a session', () => {
  /** The row of the session, as Redis has it, and a way to replace it. */
  const setUp = async () => {
    const client = await connected()
    const gate = await startGate({ provider: { idp: oidcOf(vendor) }, store: redisStore(client) })
    const browser = await logIn(gate)
    const { key, json } = await sessionRow(client)
    const row = JSON.parse(json) as { record: StoreRecord }
    const visit = async () => (await browser.get(gate.url('/'), { follow: false })).status
    const write = (record: object) => client.set(key, JSON.stringify({ ...row, record }))
    return { client, gate, browser, key, row, visit, write }
  }

  test.each<[string, (record: Record<string, unknown>) => object]>([
    ['another user', (record) => ({ ...record, group: 'idp:user-2' })],
    ['another time of login', (record) => ({ ...record, createdAt: Date.now() + 5 })],
    ['another revision', (record) => ({ ...record, revision: 7 })],
    [
      'another email address',
      (record) => ({ ...record, session: String(record['session']).replace('ida@', 'eve@') }),
    ],
    [
      'other tokens',
      (record) => ({ ...record, sealed: `${String(record['sealed']).slice(0, -4)}AAAA` }),
    ],
    ['no code', ({ mac: _, ...record }) => record],
    ['an empty code', (record) => ({ ...record, mac: '' })],
    ['a longer code', (record) => ({ ...record, mac: `${String(record['mac'])}AA` })],
    ['version 1', (record) => ({ ...record, v: 1 })],
    ['an object instead of the packed fields', (record) => ({ ...record, session: {} })],
    [
      'the format of the memory store',
      ({ mac: _, session: __, ...record }) => ({ ...record, user: { key: 'idp:eve' } }),
    ],
  ])('C14: with %s', async (_, change) => {
    const { row, visit, write } = await setUp()
    expect(await visit()).toBe(200)
    await write(change({ ...row.record }))
    expect(await visit()).toBe(302)
    await write(row.record)
    expect(await visit()).toBe(200)
  })

  test('C14: a copy of a row under another key, which an attacker chose', async () => {
    const { client, gate, key, row } = await setUp()
    const { hash } = await import('node:crypto')
    const id = 'A'.repeat(43)
    await client.set(key.replace(/[0-9a-f]{64}$/, hash('sha256', id)), JSON.stringify(row))
    const page = await createBrowser().get(gate.url('/'), {
      follow: false,
      headers: { Cookie: `ngrok.session=${id}` },
    })
    expect(page.status).toBe(302)
  })

  test('C14: it is in no list, and does not count for sessionsPerUser', async () => {
    const { gate, row, write } = await setUp()
    expect((await gate.middleware.sessions.list()).items).toHaveLength(1)
    await write({ ...row.record, mac: 'A'.repeat(22) })
    expect((await gate.middleware.sessions.list()).items).toEqual([])
  })

  test('C14: users and their activity stay readable', async () => {
    const { gate } = await setUp()
    expect((await gate.middleware.users.list()).items).toHaveLength(1)
    expect(await gate.middleware.monthlyActiveUsers()).toBe(1)
  })
})

test('a session takes at most 600 bytes in Redis in addition to what is encrypted', async () => {
  const client = await connected()
  const gate = await startGate({ provider: { idp: oidcOf(vendor) }, store: redisStore(client) })
  const userAgent =
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36'
  await createBrowser().get(gate.url('/'), { headers: { 'User-Agent': userAgent } })
  const { json } = await sessionRow(client)
  const { sealed } = (JSON.parse(json) as { record: { sealed: string } }).record
  expect(json.length - sealed.length).toBeLessThanOrEqual(600)
})

test('the claims of a user are encrypted in the store, and part of the JSON of req.user', async () => {
  const client = await connected()
  const gate = await startGate(
    { provider: { idp: oidcOf(vendor) }, store: redisStore(client) },
    { routes: (app) => app.get('/me', (req, res) => res.json([req.user, req.user?.claims])) },
  )
  const browser = await logIn(gate)
  const [user, claims] = JSON.parse((await browser.get(gate.url('/me'))).body) as [
    { claims: object },
    object,
  ]
  expect(user.claims).toEqual(claims)
  expect(claims).toHaveProperty('sub')
  const { json } = await sessionRow(client)
  expect(json).not.toContain('preferred_username')
})

describe('C11: activity in a store without conditional writes', () => {
  /** Two gates with their own pools, as in two processes. */
  const pair = async (more: Partial<OAuthModuleOptions>) => {
    const PgStore = connectPg(session)
    const open = () => {
      const pool = new pg.Pool({ connectionString: postgres.url })
      const store = new PgStore({
        pool,
        createTableIfMissing: true,
        pruneSessionInterval: false,
      })
      closing.push(() => pool.end())
      return store
    }
    const options = { provider: { idp: oidcOf(vendor) }, ...more }
    return [
      await startGate({ ...options, store: open() }),
      await startGate({ ...options, store: open() }),
    ] as const
  }

  test('C11: a logout at one process is not undone by activity at another, 60 times', async () => {
    const [one, other] = await pair({ inactivityTimeout: 1 })
    const logOut = async () => {
      const browser = await logIn(one)
      const cookie = `ngrok.session=${valueOfCookie(browser, one.origin)}`
      await new Promise((resolve) => setTimeout(resolve, 110))
      await Promise.all([
        browser.get(one.url('/auth/logout'), { headers: { 'Sec-Fetch-Site': 'same-origin' } }),
        createBrowser().get(other.url('/'), { follow: false, headers: { Cookie: cookie } }),
      ])
      const page = await createBrowser().get(other.url('/'), {
        follow: false,
        headers: { Cookie: cookie },
      })
      expect(page.status).toBe(302)
    }
    // Three browsers at a time, since each of them waits.
    const twenty = async () => {
      for (let count = 0; count < 20; count++) await logOut()
    }
    await Promise.all([twenty(), twenty(), twenty()])
  })

  test('C11: activity at one process keeps the session for the other one', async () => {
    const clock = fakeDate()
    const [one, other] = await pair({ inactivityTimeout: 600 })
    const browser = await logIn(one)
    for (let count = 0; count < 5; count++) {
      clock.forward(400)
      expect((await browser.get(one.url('/'), { follow: false })).status).toBe(200)
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect((await visitWith(browser, one, other)).status).toBe(200)
    clock.forward(601)
    expect((await visitWith(browser, one, other)).status).toBe(302)
    expect((await browser.get(one.url('/'), { follow: false })).status).toBe(302)
  })

  test('C11: an activity row that was written without the secret keeps no session', async () => {
    const clock = fakeDate()
    const store: SessionStore = { ...memoryStore(), isAtomic: false }
    const gate = await startGate({
      provider: { idp: oidcOf(vendor) },
      store,
      inactivityTimeout: 600,
    })
    const browser = await logIn(gate)
    const key = String(bodyOf(await browser.get(gate.url('/'))).oauth?.['sessionHandle'])
    clock.forward(601)
    const forged = {
      kind: 'seen',
      group: '',
      createdAt: Date.now(),
      revision: 1,
      mac: 'A'.repeat(22),
    }
    await store.set(`seen-${key}`, forged, 1000)
    expect((await browser.get(gate.url('/'), { follow: false })).status).toBe(302)
  })
})
