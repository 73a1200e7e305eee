import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { cookieStore, memoryStore, type SessionStore } from '../../src/index.js'
import { type AdminAccess, ADMIN_ACCESS } from '../../src/middleware/admin-access.js'
import { redisStore } from '../../src/session/stores/redis/index.js'
import { adminGate, idsOf, itemsOf, startAdmin } from '../support/admin.js'
import { fakeDate, realDate } from '../support/clock.js'
import { stopAll, stopping } from '../support/gate.js'
import { oddStore } from '../support/odd-store.js'
import { type RedisServer, startRedis } from '../support/redis.js'
import { libraries } from '../support/redis-clients.js'

afterEach(async () => {
  await stopAll()
  realDate()
})

const ada = { id: 'ada', email: 'ada@acme.example' }

describe('on Redis', () => {
  let redis: RedisServer
  beforeAll(async () => void (redis = await startRedis()), 60_000)
  afterAll(() => redis?.close())

  /** As in another process: its own client and store. */
  const newStore = async (prefix: string) => {
    const [library] = libraries
    if (library === undefined) throw new Error('there is no client library')
    const { client } = stopping(await library.single(redis.port))
    return redisStore(client, { prefix })
  }

  test('two gates have one API, and a deleted user is out in other processes, too', async () => {
    const store = await newStore('one:')
    const other = 'another secret of thirty-two characters'
    const shop = adminGate({ store, id: 'shop' })
    const blog = adminGate({ store, id: 'blog', cookiePrefix: 'blog.', secret: other })
    const app = await startAdmin({ '/shop': shop, '/blog': blog })
    const remote = adminGate({ store: await newStore('one:'), id: 'shop' })
    const elsewhere = await startAdmin({ '/shop': remote })
    const cookies = [
      await app.enter(shop, ada, '/shop'),
      await app.enter(blog, ada, '/blog'),
      await elsewhere.enter(remote, ada, '/shop'),
    ] as const
    const visits = () =>
      Promise.all([
        app.visit(cookies[0], '/shop'),
        elsewhere.visit(cookies[0], '/shop'),
        app.visit(cookies[1], '/blog'),
        elsewhere.visit(cookies[2], '/shop'),
      ])
    expect(await visits()).toEqual([200, 200, 200, 200])
    const sessions = itemsOf(await app.call('GET', '/app/sessions'))
    expect(sessions.map(({ route }) => (route as { id: string }).id).sort()).toEqual([
      'route-0',
      'route-0',
      'route-1',
    ])
    const [user] = idsOf(await elsewhere.call('GET', '/app/users'))
    expect(idsOf(await app.call('GET', '/app/users'))).toEqual([user])
    expect((await app.call('GET', '/app/usage')).body['monthly_active_users']).toBe(1)
    expect((await app.call('DELETE', `/app/users/${String(user)}`)).status).toBe(200)
    expect(await visits()).toEqual([401, 401, 401, 401])
    expect(itemsOf(await app.call('GET', '/app/sessions'))).toEqual([])
  })

  test('the users that another process has blocked are listed, until they are unblocked', async () => {
    const [one, other] = [await newStore('blocked:'), await newStore('blocked:')]
    const { users } = adminGate({ store: one }).auth
    const access = Reflect.get(adminGate({ store: other }).auth, ADMIN_ACCESS) as AdminAccess
    const listed = async () => {
      const ids: string[] = []
      for await (const { id } of access.blockedUsers(undefined, 10)) ids.push(id)
      return ids.sort()
    }
    for (let count = 0; count < 25; count++) await users.block(`idp:${count}`)
    await users.block('idp:1')
    expect(await listed()).toEqual(Array.from({ length: 25 }, (_, id) => `idp:${id}`).sort())
    for (let count = 1; count < 25; count++) await users.unblock(`idp:${count}`)
    expect(await listed()).toEqual(['idp:0'])
    // A row that would not block is not listed either.
    const row = { kind: 'block', group: 'idp:forged', createdAt: Date.now(), revision: 1 }
    await one.set('block-forged', row, 60_000)
    expect(await listed()).toEqual(['idp:0'])
  })

  test('pages of 100 list 250 users and sessions once', async () => {
    const gate = adminGate({ store: await newStore('pages:') })
    const app = await startAdmin({ '/': gate })
    for (let count = 0; count < 250; count++) await app.enter(gate, { id: `user-${count}` })
    for (const list of ['/app/users', '/app/sessions']) {
      const seen: string[] = []
      const sizes: number[] = []
      for (let path = list; path !== '';) {
        const response = await app.call('GET', path)
        const { next_page_uri: next } = response.body
        sizes.push(idsOf(response).length)
        seen.push(...idsOf(response))
        path = typeof next === 'string' ? next.slice(app.api.length) : ''
      }
      expect([sizes, new Set(seen).size]).toEqual([[100, 100, 50], 250])
    }
  })

  test('responds with 503 while Redis is away, and works again afterwards', async () => {
    const gate = adminGate({ store: await newStore('away:'), timeouts: { store: 0.5 } })
    const app = await startAdmin({ '/': gate })
    await app.enter(gate, ada)
    const [user] = idsOf(await app.call('GET', '/app/users'))
    redis.freeze()
    try {
      for (const [method, path] of [
        ['GET', '/app/users'],
        ['GET', '/app/usage'],
        ['DELETE', `/app/users/${String(user)}`],
      ] as const) {
        const { status, headers, body } = await app.call(method, path)
        expect([status, headers.get('retry-after')]).toEqual([503, '5'])
        expect(body).toEqual({
          error_code: 'store_unavailable',
          status_code: 503,
          msg: expect.any(String),
          details: {},
        })
      }
    } finally {
      redis.thaw()
    }
    expect(gate.logged.some((line) => /^error admin API: the store failed/.test(line))).toBe(true)
    expect((await app.call('GET', '/app/users')).status).toBe(200)
  })
})

describe('a store that cannot list', () => {
  test.each([
    ['an express-session store', () => oddStore()],
    ['cookieStore()', () => cookieStore()],
  ])('%s has no lists: 501', async (_, newStore) => {
    const gate = adminGate({ store: newStore() })
    const app = await startAdmin({ '/': gate })
    await app.enter(gate, ada)
    for (const path of ['/app/users', '/app/sessions', '/app/usage', '/app/users?limit=1']) {
      const { status, body } = await app.call('GET', path)
      expect(status).toBe(501)
      expect(body).toEqual({
        error_code: 'store_not_listable',
        status_code: 501,
        msg: expect.any(String),
        details: {},
      })
    }
  })
})

/** A store of an app, whose cursors are numbers of rows. */
function numberedStore(): SessionStore {
  const inner = memoryStore()
  const { get, set, update } = inner
  return {
    get,
    set,
    update,
    delete: (key) => inner.delete(key),
    async entries({ after, limit, ...query }) {
      const all = (await inner.entries?.({ ...query, limit: 1000 }))?.entries ?? []
      const start = Number(after ?? 0)
      const end = start + limit
      return { entries: all.slice(start, end), next: end < all.length ? String(end) : undefined }
    },
  }
}

describe('a store with other cursors', () => {
  test('has the same pages, also after an item that was deleted', async () => {
    const gate = adminGate({ store: numberedStore() })
    const app = await startAdmin({ '/': gate })
    for (let count = 0; count < 7; count++) {
      await app.enter(gate, { id: `user-${count}` })
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    const all = idsOf(await app.call('GET', '/app/users'))
    expect(all).toHaveLength(7)
    const next = async (id: string | undefined) =>
      idsOf(await app.call('GET', `/app/users?limit=3&before_id=${String(id)}`))
    expect(await next(all[2])).toEqual(all.slice(3, 6))
    await app.call('DELETE', `/app/users/${String(all[2])}`)
    expect(await next(all[2])).toEqual(all.slice(3, 6))
    expect(await next(all[5])).toEqual([all[6]])
    expect(await next(all[6])).toEqual([])
  })

  test('leaves out no item of the same millisecond as one that was deleted', async () => {
    fakeDate(Date.UTC(2030, 0, 15))
    const gate = adminGate({ store: numberedStore() })
    const app = await startAdmin({ '/': gate })
    for (let count = 0; count < 4; count++) await app.enter(gate, { id: `user-${count}` })
    const all = idsOf(await app.call('GET', '/app/users'))
    expect(all).toHaveLength(4)
    const after = async () => idsOf(await app.call('GET', `/app/users?before_id=${String(all[1])}`))
    expect(await after()).toEqual(all.slice(2))
    await app.call('DELETE', `/app/users/${String(all[1])}`)
    expect(await after()).toEqual(expect.arrayContaining(all.slice(2)))
  })
})
