import { afterEach, describe, expect, test } from '@jest/globals'
import { adminRouter } from '../../src/admin/index.js'
import { memoryStore } from '../../src/index.js'
import {
  adminGate,
  type AdminApp,
  type AdminGate,
  audit,
  chrome,
  deploy,
  idsOf,
  itemsOf,
  startAdmin,
} from '../support/admin.js'
import { stopAll, stopping } from '../support/gate.js'
import { listen } from '../support/server.js'

afterEach(stopAll)

const ada = { id: 'ada', email: 'ada@acme.example', name: 'Ada Example', username: 'ada' }
const bob = { id: 'b/ö:b', email: 'bob@acme.example', name: 'Bob' }
const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
const URL_SAFE = /^[A-Za-z0-9_-]+$/

async function scene(options = {}): Promise<{ app: AdminApp; gate: AdminGate }> {
  const gate = adminGate({
    baseUrl: 'https://app.example',
    id: 'app',
    cookie: { secure: false },
    ...options,
  })
  return { gate, app: await startAdmin({ '/': gate }) }
}

describe('users', () => {
  test('have the fields of ngrok, and IDs for a path', async () => {
    const { app, gate } = await scene()
    await app.enter(gate, ada)
    await app.enter(gate, bob)
    const list = await app.call('GET', '/app/users')
    expect(list.status).toBe(200)
    expect(list.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(list.headers.get('cache-control')).toBe('no-store')
    expect(list.body).toEqual({
      application_users: expect.any(Array),
      uri: `${app.api}/app/users`,
      next_page_uri: null,
    })
    const user = itemsOf(list).find(({ email }) => email === ada.email)
    expect(user).toEqual({
      id: expect.stringMatching(URL_SAFE),
      uri: `${app.api}/app/users/${String(user?.['id'])}`,
      identity_provider: { name: 'idp', url: 'http://127.0.0.1:9' },
      provider_user_id: 'ada',
      username: 'ada',
      email: 'ada@acme.example',
      name: 'Ada Example',
      created_at: TIME,
      last_active: TIME,
      last_login: TIME,
    })
    for (const one of itemsOf(list)) {
      expect(one['id']).toMatch(URL_SAFE)
      expect((await app.call('GET', `/app/users/${String(one['id'])}`)).body).toEqual(one)
    }
  })

  test('a deleted one is out at the next request, with all sessions, and the log names the token', async () => {
    const { app, gate } = await scene()
    const cookies = [await app.enter(gate, ada), await app.enter(gate, ada)]
    const other = await app.enter(gate, bob)
    expect(await Promise.all(cookies.map((cookie) => app.visit(cookie)))).toEqual([200, 200])
    const user = itemsOf(await app.call('GET', '/app/users')).find(({ name }) => name === ada.name)
    const path = `/app/users/${String(user?.['id'])}`
    const { status, body } = await app.call('DELETE', path)
    expect([status, body]).toEqual([200, {}])
    expect(await Promise.all(cookies.map((cookie) => app.visit(cookie)))).toEqual([401, 401])
    expect(await app.visit(other)).toBe(200)
    expect(gate.revoked).toHaveLength(2)
    expect(gate.logged.filter((line) => line.includes('deleted a user'))).toEqual([
      expect.stringMatching(/info.*"tokenName":"deploy".*"user":"idp:ada"/),
    ])
    for (const method of ['GET', 'DELETE'])
      expect((await app.call(method, path)).body).toMatchObject({ error_code: 'not_found' })
    await app.enter(gate, ada)
    expect((await app.call('GET', path)).status).toBe(404)
  })
})

describe('sessions', () => {
  test('have the fields of ngrok, and no secrets', async () => {
    const { app, gate } = await scene()
    const cookie = await app.enter(gate, ada)
    const list = await app.call('GET', '/app/sessions')
    const [session] = itemsOf(list)
    const [user] = itemsOf(await app.call('GET', '/app/users'))
    expect(list.body).toMatchObject({ uri: `${app.api}/app/sessions`, next_page_uri: null })
    expect(session).toEqual({
      id: expect.stringMatching(URL_SAFE),
      uri: `${app.api}/app/sessions/${String(session?.['id'])}`,
      public_url: 'https://app.example',
      browser_session: {
        user_agent: {
          raw: chrome,
          browser_name: 'Chrome',
          browser_version: '126.0.0.0',
          device_type: 'Desktop',
          os_name: 'macOS',
          os_version: '10.15.7',
        },
        ip_address: expect.stringContaining('127.0.0.1'),
        location: null,
      },
      application_user: { id: user?.['id'], uri: user?.['uri'] },
      created_at: TIME,
      last_active: TIME,
      expires_at: TIME,
      endpoint: null,
      edge: { id: 'main', uri: `${app.api}/edges/https/main` },
      route: { id: 'route-0', uri: `${app.api}/edges/https/main/routes/route-0` },
    })
    expect((await app.call('GET', `/app/sessions/${String(session?.['id'])}`)).body).toEqual(
      session,
    )
    expect(JSON.stringify(list.body)).not.toContain(cookie.split('=')[1])
  })

  test('a deleted one is out at the next request, and no other one', async () => {
    const { app, gate } = await scene()
    const first = await app.enter(gate, ada)
    const [id] = idsOf(await app.call('GET', '/app/sessions'))
    const second = await app.enter(gate, ada)
    const { status, body } = await app.call('DELETE', `/app/sessions/${String(id)}`)
    expect([status, body]).toEqual([200, {}])
    expect([await app.visit(first), await app.visit(second)]).toEqual([401, 200])
    expect(gate.revoked).toHaveLength(1)
    expect(gate.logged.filter((line) => line.includes('ended a session'))).toEqual([
      expect.stringContaining(`"sessionHandle":"${String(gate.revoked[0])}"`),
    ])
    expect((await app.call('DELETE', `/app/sessions/${String(id)}`)).status).toBe(404)
    expect(idsOf(await app.call('GET', '/app/sessions'))).toHaveLength(1)
  })

  test('every deletion has its line in the log', async () => {
    const { app, gate } = await scene()
    for (let count = 0; count < 25; count++) await app.enter(gate, ada)
    for (const id of idsOf(await app.call('GET', '/app/sessions')))
      await app.call('DELETE', `/app/sessions/${id}`)
    expect(gate.logged.filter((line) => line.includes('ended a session'))).toHaveLength(25)
  })

  test('locate() supplies the location', async () => {
    const gate = adminGate()
    const places = [
      { country_code: 'DE', latitude: 1, longitude: 2, lat_long_radius_km: 3 },
      { country_code: 'FR' },
      undefined,
    ]
    const seen: string[] = []
    const locate = async (ip: string) => {
      seen.push(ip)
      return places[seen.length - 1]
    }
    const app = await startAdmin({ '/': gate }, { options: { locate } })
    await app.enter(gate, ada)
    const locations = []
    for (const _ of places)
      locations.push(
        (
          itemsOf(await app.call('GET', '/app/sessions'))[0]?.['browser_session'] as {
            location: unknown
          }
        ).location,
      )
    expect(locations).toEqual([
      places[0],
      { country_code: 'FR', latitude: null, longitude: null, lat_long_radius_km: null },
      null,
    ])
    expect(seen[0]).toContain('127.0.0.1')
  })

  test('locate() may fail', async () => {
    const gate = adminGate()
    const locate = () => Promise.reject(new Error('no database'))
    const app = await startAdmin({ '/': gate }, { options: { locate } })
    await app.enter(gate, ada)
    const list = await app.call('GET', '/app/sessions')
    expect([list.status, itemsOf(list)]).toEqual([
      200,
      [expect.objectContaining({ browser_session: expect.objectContaining({ location: null }) })],
    ])
    expect(
      gate.logged.filter((line) => /^error .*locate\(\) failed.*no database/.test(line)),
    ).toHaveLength(1)
  })
})

describe('pages', () => {
  test.each(['before_id', 'beforeId'])('follow each other by %s', async (name) => {
    const { app, gate } = await scene()
    for (let count = 0; count < 5; count++) await app.enter(gate, { ...ada, id: `user-${count}` })
    for (const path of ['/app/users', '/app/sessions']) {
      const all = idsOf(await app.call('GET', path))
      expect(new Set(all).size).toBe(5)
      const seen: string[] = []
      let query = '?limit=2'
      for (let page = 0; page < 3; page++) {
        const response = await app.call('GET', path + query)
        seen.push(...idsOf(response))
        const last = String(idsOf(response).at(-1))
        const next = page < 2 ? `${app.api}${path}?before_id=${last}&limit=2` : null
        expect(response.body['next_page_uri']).toBe(next)
        query = `?limit=2&${name}=${last}`
      }
      expect(seen).toEqual(all)
    }
  })

  test('continue after an item that was deleted in the meantime', async () => {
    const { app, gate } = await scene()
    for (let count = 0; count < 6; count++) await app.enter(gate, { ...ada, id: `user-${count}` })
    let path = '/app/users?limit=2'
    const deleted: string[] = []
    for (let page = 0; page < 3; page++) {
      const response = await app.call('GET', path)
      for (const id of idsOf(response)) {
        expect((await app.call('DELETE', `/app/users/${id}`)).status).toBe(200)
        deleted.push(id)
      }
      path = String(response.body['next_page_uri']).slice(app.api.length)
    }
    expect(new Set(deleted).size).toBe(6)
    expect(itemsOf(await app.call('GET', '/app/users'))).toEqual([])
  })

  test.each([
    ['limit=0', 'invalid_limit', 'limit'],
    ['limit=101', 'invalid_limit', 'limit'],
    ['limit=1e1', 'invalid_limit', 'limit'],
    ['limit=', 'invalid_limit', 'limit'],
    ['limit=1&limit=2', 'invalid_limit', 'limit'],
    ['before_id=x', 'invalid_before_id', 'before_id'],
    ['beforeId=ses_1_YQ', 'invalid_before_id', 'before_id'],
    ['before_id=usr_1_YR', 'invalid_before_id', 'before_id'],
    ['before_id=usr_1_YQ&beforeId=usr_2_YQ', 'invalid_before_id', 'before_id'],
  ])('of users with ?%s are rejected with 400', async (query, error_code, field) => {
    const { app } = await scene()
    const { status, body } = await app.call('GET', `/app/users?${query}`)
    expect([status, body]).toEqual([
      400,
      { error_code, status_code: 400, msg: expect.any(String), details: { field } },
    ])
  })
})

test('usage counts the users of a month', async () => {
  const { app, gate } = await scene()
  for (const user of [ada, bob, ada]) await app.enter(gate, user)
  const month = new Date().toISOString().slice(0, 7)
  const expected = { month, monthly_active_users: 2 }
  expect((await app.call('GET', `/app/usage?month=${month}`)).body).toEqual(expected)
  expect((await app.call('GET', '/app/usage')).body).toEqual(expected)
  expect((await app.call('GET', '/app/usage?month=2001-01')).body).toMatchObject({
    monthly_active_users: 0,
  })
  for (const month of ['2026-13', '2026-1', 'x'])
    expect((await app.call('GET', `/app/usage?month=${month}`)).body).toEqual({
      error_code: 'invalid_month',
      status_code: 400,
      msg: expect.any(String),
      details: { field: 'month' },
    })
})

describe('two gates', () => {
  test('that share a store have one API, which ends each session at its own gate', async () => {
    const store = memoryStore()
    const gates = {
      '/shop': adminGate({ store, baseUrl: 'https://app.example/shop', cookie: { secure: false } }),
      '/blog': adminGate({ store, cookiePrefix: 'blog.' }),
    }
    const app = await startAdmin(gates)
    const shop = await app.enter(gates['/shop'], ada, '/shop')
    const blog = await app.enter(gates['/blog'], ada, '/blog')
    const sessions = itemsOf(await app.call('GET', '/app/sessions'))
    const facts = sessions.map(({ public_url, route }) => [
      public_url,
      (route as { id: string }).id,
    ])
    expect(facts.sort()).toEqual([
      ['', 'route-1'],
      ['https://app.example/shop', 'route-0'],
    ])
    const ofBlog = sessions.find(({ public_url }) => public_url === '')
    await app.call('DELETE', `/app/sessions/${String(ofBlog?.['id'])}`)
    expect([gates['/shop'].revoked.length, gates['/blog'].revoked.length]).toEqual([0, 1])
    expect([await app.visit(shop, '/shop'), await app.visit(blog, '/blog')]).toEqual([200, 401])
    await app.enter(gates['/blog'], ada, '/blog')
    const [user] = idsOf(await app.call('GET', '/app/users'))
    await app.call('DELETE', `/app/users/${String(user)}`)
    expect([gates['/shop'].revoked.length, gates['/blog'].revoked.length]).toEqual([1, 2])
    expect(await app.visit(shop, '/shop')).toBe(401)
    expect(idsOf(await app.call('GET', '/app/sessions'))).toEqual([])
  })
})

describe.each(['express', 'express4', 'connect', 'http'] as const)('on %s', (framework) => {
  test('serves the API, and passes other paths on', async () => {
    const gate = adminGate()
    const app = await startAdmin({ '/': gate }, { framework })
    const cookie = await app.enter(gate, ada)
    const { body } = await app.call('GET', '/app/users?limit=1')
    expect(body).toMatchObject({ uri: `${app.api}/app/users`, next_page_uri: null })
    expect(itemsOf({ status: 200, headers: new Headers(), body })).toHaveLength(1)
    for (const path of [
      '/app/user',
      '/app/users/',
      '/app/users/x/y',
      '/apps/users',
      '/',
      '/App/users',
    ])
      expect((await app.call('GET', path)).body['error_code']).toBeUndefined()
    expect(await app.visit(cookie)).toBe(200)
    const head = await app.call('HEAD', '/app/users')
    expect([head.status, head.body['text']]).toEqual([200, ''])
  })
})

test('an ID that is not of this kind is not found', async () => {
  const { app, gate } = await scene()
  await app.enter(gate, ada)
  const [user] = idsOf(await app.call('GET', '/app/users'))
  const [session] = idsOf(await app.call('GET', '/app/sessions'))
  const wrong = ['x', '..', '%', '%00', `${String(user)}A`, String(session), 'a'.repeat(3000)]
  for (const id of wrong)
    for (const method of ['GET', 'DELETE']) {
      const { status, body } = await app.call(
        method,
        `/app/users/${id === '..' ? '%2e%2e%2f' : id}`,
      )
      expect([status, body['error_code']]).toEqual([404, 'not_found'])
    }
  expect((await app.call('DELETE', `/app/sessions/${String(user)}`)).status).toBe(404)
})

describe('other methods', () => {
  test.each([
    ['POST', '/app/users', 'GET, HEAD'],
    ['DELETE', '/app/users', 'GET, HEAD'],
    ['PATCH', '/app/users/x', 'GET, HEAD, DELETE'],
    ['PUT', '/app/sessions/x', 'GET, HEAD, DELETE'],
    ['OPTIONS', '/app/sessions', 'GET, HEAD'],
    ['DELETE', '/app/usage', 'GET, HEAD'],
  ])('%s %s is rejected with 405', async (method, path, allow) => {
    const { app } = await scene()
    const { status, headers, body } = await app.call(method, path)
    expect([status, headers.get('allow')]).toEqual([405, allow])
    expect(body).toEqual({
      error_code: 'method_not_allowed',
      status_code: 405,
      msg: expect.any(String),
      details: {},
    })
    expect(headers.get('access-control-allow-origin')).toBeNull()
  })
})

describe('tokens', () => {
  test('are required at every path and for every method', async () => {
    const { app, gate } = await scene()
    const cookie = await app.enter(gate, ada)
    for (const path of [
      '/app/users',
      '/app/users/x',
      '/app/sessions',
      '/app/sessions/x',
      '/app/usage',
    ])
      for (const method of ['GET', 'DELETE', 'POST']) {
        const headers = { cookie }
        const response = await fetch(app.api + path, { method, headers })
        expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
        expect(response.headers.get('set-cookie')).toBeNull()
        expect(await response.json()).toMatchObject({ error_code: 'ERR_NGROK_201', details: {} })
      }
  })

  test.each(['Basic eDp4', 'Bearer ', 'Bearer a b', `Token ${deploy}`])(
    'in the header "%s" are rejected',
    async (header) => {
      const { app } = await scene()
      expect((await app.call('GET', '/app/users', header)).body).toMatchObject({
        error_code: 'ERR_NGROK_201',
        status_code: 401,
      })
    },
  )

  test('that are wrong are rejected, and never logged', async () => {
    const { app, gate } = await scene()
    const wrong = `${deploy.slice(0, -1)}x`
    const { status, headers, body } = await app.call('GET', '/app/users', wrong)
    expect([status, headers.get('www-authenticate'), body['error_code']]).toEqual([
      401,
      'Bearer error="invalid_token"',
      'ERR_NGROK_203',
    ])
    expect(gate.logged.some((line) => line.includes('wrong token'))).toBe(true)
    expect(gate.logged.join('\n')).not.toMatch(/of-thirty-two-characters/)
  })

  test('that may only read get 403 for DELETE, before anything is looked up', async () => {
    const { app, gate } = await scene()
    const cookie = await app.enter(gate, ada)
    const [user] = idsOf(await app.call('GET', '/app/users', audit))
    for (const path of [`/app/users/${String(user)}`, '/app/users/x', '/app/sessions/x']) {
      const { status, body } = await app.call('DELETE', path, audit)
      expect([status, body['error_code']]).toEqual([403, 'read_only_token'])
    }
    expect(await app.visit(cookie)).toBe(200)
    expect(gate.logged.some((line) => /read-only.*"tokenName":"audit"/.test(line))).toBe(true)
  })

  test('that are wrong wait longer and longer, while a right one never waits', async () => {
    const { app } = await scene()
    const wrong = 'w'.repeat(40)
    const timed = async (token: string) => {
      const start = performance.now()
      const { status } = await app.call('GET', '/app/users', token)
      return { status, ms: performance.now() - start }
    }
    for (let count = 0; count < 3; count++) await app.call('GET', '/app/users', wrong)
    const fourth = await timed(wrong)
    const fifth = await timed(wrong)
    expect([fourth.status, fifth.status]).toEqual([401, 401])
    expect(fourth.ms).toBeGreaterThanOrEqual(240)
    expect(fifth.ms).toBeGreaterThanOrEqual(490)
    const waiting = timed(wrong)
    const right = await timed(deploy)
    expect(right.status).toBe(200)
    expect(right.ms).toBeLessThan(240)
    expect((await waiting).ms).toBeGreaterThanOrEqual(990)
  })

  test('that are wrong cannot occupy more than 100 responses', async () => {
    const { app } = await scene()
    const wrong = () => app.call('GET', '/app/users', 'w'.repeat(40))
    for (let count = 0; count < 3; count++) await wrong()
    const stop = new AbortController()
    const url = `${app.api}/app/users`
    const headers = { authorization: `Bearer ${'w'.repeat(40)}` }
    const flood = Array.from({ length: 130 }, () =>
      fetch(url, { headers, signal: stop.signal }).then(
        ({ status }) => status,
        () => 0,
      ),
    )
    const early = await Promise.race(
      flood.map(async (one) => ((await one) === 429 ? 429 : new Promise(() => undefined))),
    )
    expect(early).toBe(429)
    expect((await app.call('GET', '/app/users')).status).toBe(200)
    stop.abort()
    await Promise.all(flood)
  })

  test('do nothing if another middleware has responded in the meantime', async () => {
    const { auth } = adminGate()
    const router = adminRouter({ 'main/app': auth }, { tokens: { deploy } })
    const errors: unknown[] = []
    const server = stopping(
      await listen((req, res) => {
        router(req, res, (error) => void errors.push(error))
        res.end('timed out')
      }),
    )
    for (const token of [deploy, 'w'.repeat(40)]) {
      const headers = { authorization: `Bearer ${token}` }
      const response = await fetch(`${server.origin}/app/users`, { headers })
      expect(await response.text()).toBe('timed out')
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(errors).toEqual([])
  })
})
