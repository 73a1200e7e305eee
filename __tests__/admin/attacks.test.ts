import { afterEach, describe, expect, test } from '@jest/globals'
import { encodeId } from '../../src/admin/ids.js'
import { memoryStore } from '../../src/index.js'
import { adminGate, audit, deploy, idsOf, startAdmin } from '../support/admin.js'
import { ada, navigate, root, startPages } from '../support/admin-pages.js'
import { fakeDate, realDate } from '../support/clock.js'
import { stopAll } from '../support/gate.js'

afterEach(async () => {
  await stopAll()
  realDate()
})

const markup = '"><script>alert(1)</script><!--'

describe('a hostile user', () => {
  test('puts markup into IDs, addresses, user agents and request IDs, and it is harmless on every page', async () => {
    const app = await startPages({
      before: (express) => {
        express.set('trust proxy', true)
        express.use((req, _res, next) => {
          Object.assign(req, { id: `${markup}\r\nforged line` })
          req.headers['x-forwarded-for'] = `${markup}${'9'.repeat(5000)}`
          next()
        })
      },
      options: {
        locate: () => ({
          ...{ country_code: markup, latitude: null, longitude: null },
          lat_long_radius_km: null,
        }),
      },
    })
    const admin = await app.enter(root)
    await app.enter({ ...ada, id: markup })
    const { text } = await app.get('/users', admin)
    const path = `/users/${/users\/(usr_[\w-]+)"><bdi>Ada/.exec(text)?.[1] ?? ''}`
    for (const action of ['end-sessions', 'block']) {
      const form = { token: await app.tokenOf(`${path}/${action}`, admin) }
      const headers = { 'user-agent': `${markup}\u009b31m` }
      expect((await app.post(`${path}/${action}`, form, admin, headers)).status).toBe(303)
    }
    const pages = ['/', '/users', '/users?show=blocked', path, '/sessions', '/audit']
    for (const page of pages) {
      const { status, text } = await app.get(page, admin)
      expect([page, status]).toEqual([page, 200])
      expect(text).not.toMatch(/<script|<!--/)
      expect(text.match(/<\/body>/g)).toHaveLength(1)
    }
    expect((await app.get('/audit', admin)).text).toContain('&lt;script')
    for (const line of app.gate.logged) expect(line).not.toMatch(/[\r\n\u009b]/)
    // Rows are bounded, whatever a proxy reports.
    const [session] = (await app.gate.auth.sessions.list()).items
    expect(session?.browserSession.ipAddress?.length).toBeLessThanOrEqual(64)
  })

  test('reaches neither the API nor the pages by headers that other software obeys', async () => {
    const app = await startPages()
    const cookie = await app.enter(ada)
    const headers = {
      'x-original-url': '/admin/users',
      'x-rewrite-url': '/admin/users',
      'x-http-method-override': 'DELETE',
      'x-user': root.email,
      'ngrok-auth-user-email': root.email,
      'x-forwarded-user': root.email,
    }
    const page = await app.get('/users', cookie, headers)
    expect([page.status, page.text.includes(root.email)]).toEqual([403, false])
    const api = await fetch(`${app.origin}/admin/app/users`, { headers: { ...headers, cookie } })
    expect(api.status).toBe(401)
  })

  test('finds no spelling of a path that skips the gate', async () => {
    const app = await startPages()
    const cookie = await app.enter(ada)
    for (const path of [
      '/admin//users',
      '/admin/users/',
      '/admin/%75sers',
      '/admin/users%2f',
      '/admin/./users',
      '/admin/x/../users',
      '/admin/users;x=1',
      '/ADMIN/users',
      '/admin/users?show=blocked',
      '/admin/blocked/usr_1_YQ/unblock',
    ]) {
      const { text } = await navigate(app.origin + path, { headers: { cookie } })
      expect([path, /<main|idp:/.test(text) && !/no access/.test(text)]).toEqual([path, false])
    }
  })
})

describe('a hostile administrator with a read-only token', () => {
  const options = { configVersion: 1, store: memoryStore() }

  test('changes nothing by any method, header or spelling', async () => {
    const gate = adminGate(options)
    const app = await startAdmin({ '/': gate }, { options: { allowDisable: true } })
    const cookie = await app.enter(gate, ada)
    const [user, session] = [
      ...idsOf(await app.call('GET', '/app/users', audit)),
      ...idsOf(await app.call('GET', '/app/sessions', audit)),
    ]
    const edge = '/edges/https/main/routes/route-0/oauth'
    const { headers } = await app.call('GET', edge, audit)
    const body = { provider: {}, enabled: false }
    for (const path of [`/app/users/${user}`, `/app/sessions/${session}`, edge])
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'get', 'HEAD', 'OPTIONS', 'PROPFIND'])
        for (const more of [
          {},
          { 'x-http-method-override': 'DELETE', 'x-method-override': 'DELETE' },
          { 'if-match': '*' },
        ]) {
          const sent = method === 'HEAD' || method === 'get' ? {} : { body }
          const { status } = await app.call(method, path, audit, { headers: more, ...sent })
          const isRead = method === 'HEAD' || method === 'get'
          expect([method, path, status]).toEqual([method, path, isRead ? 200 : 403])
        }
    expect(await app.visit(cookie)).toBe(200)
    const after = await app.call('GET', edge, audit)
    expect(after.headers.get('etag')).toBe(headers.get('etag'))
    expect(after.body['enabled']).toBe(true)
  })

  test('does not see a secret, and neither do those who may write', async () => {
    const clientSecret = 'the-client-secret-of-the-code'
    const gate = adminGate({
      ...options,
      provider: { github: { clientId: 'x', clientSecret, organizations: ['acme'] } },
    })
    const app = await startAdmin({ '/': gate })
    const cookie = await app.enter(gate, { ...ada, organizations: ['acme'] })
    const [user] = idsOf(await app.call('GET', '/app/users', audit))
    const [session] = idsOf(await app.call('GET', '/app/sessions', audit))
    const id = cookie.split('=')[1] ?? ''
    for (const path of [
      '/app/users',
      `/app/users/${user}`,
      '/app/sessions',
      `/app/sessions/${session}`,
      '/app/usage',
      '/edges/https/main/routes/route-0/oauth',
      '/api/v2/connections',
    ])
      for (const token of [audit, deploy]) {
        const { status, body, headers } = await app.call('GET', path, token)
        const text = JSON.stringify([body, [...headers]])
        expect([path, status]).toEqual([path, 200])
        for (const secret of [clientSecret, id, 'a secret for tests', deploy, audit])
          expect([path, id.length > 20, text.includes(secret)]).toEqual([path, true, false])
      }
  })
})

describe('IDs', () => {
  test('of other records of the store are no users, sessions or blocked users', async () => {
    const store = memoryStore()
    const app = await startPages({ gate: { store } })
    const admin = await app.enter(root)
    await app.enter(ada)
    const { auth } = app.gate
    await auth.users.block('idp:bob')
    for (const kind of ['user', 'session', 'block', 'active', 'audit']) {
      const { entries = [] } = (await store.entries?.({ kind, limit: 50 })) ?? {}
      for (const [key, { createdAt }] of entries) {
        if (kind !== 'session') {
          const path = `/sessions/${encodeId('session', { id: key, createdAt })}/end`
          expect([kind, (await app.get(path, admin)).status]).toEqual([kind, 404])
        }
        const id = encodeId('user', { id: key, createdAt })
        for (const path of [`/users/${id}`, `/users/${id}/block`, `/blocked/${id}/unblock`])
          expect([kind, path, (await app.get(path, admin)).status]).toEqual([kind, path, 404])
      }
    }
    // Neither can a user who is not blocked be unblocked there, nor one with a forged token.
    const blocked = `/blocked/${encodeId('user', { id: 'idp:bob', createdAt: 1 })}/unblock`
    const other = `/blocked/${encodeId('user', { id: 'idp:ada', createdAt: 1 })}/unblock`
    expect((await app.get(other, admin)).status).toBe(404)
    const token = await app.tokenOf('/users?q=x', admin).catch(() => 'forged')
    expect((await app.post(blocked, { token }, admin)).status).toBe(403)
    expect((await app.get('/users?show=blocked', admin)).text).toContain('idp:bob')
  })

  test('of sessions of another gate in the same store, which is no module and has its own secret, lead nowhere', async () => {
    const store = memoryStore()
    const shop = adminGate({ store: { ...store }, id: 'shop' })
    const secret = 'another secret of thirty-two characters'
    const other = adminGate({ store: { ...store }, id: 'other', secret })
    const [app, elsewhere] = [await startAdmin({ '/': shop }), await startAdmin({ '/': other })]
    await app.enter(shop, ada)
    const cookie = await elsewhere.enter(other, ada)
    const [foreign] = (await other.auth.sessions.list()).items
    expect(idsOf(await app.call('GET', '/app/sessions'))).toHaveLength(1)
    const id = encodeId('session', { id: foreign?.id ?? '', createdAt: foreign?.createdAt ?? 0 })
    for (const method of ['GET', 'DELETE'])
      expect((await app.call(method, `/app/sessions/${id}`)).status).toBe(404)
    expect(await elsewhere.visit(cookie)).toBe(200)
  })
})

describe('what the option retention keeps', () => {
  test('earlier configurations leave the history after its time, and the current one stays', async () => {
    const clock = fakeDate()
    const app = await startPages({
      gate: { configVersion: 1 },
      options: { retention: { history: 3600 } },
    })
    const admin = await app.enter(root)
    const url = `${app.origin}/admin/edges/https/main/routes/app/oauth`
    const headers = { authorization: `Bearer ${deploy}`, 'content-type': 'application/json' }
    for (const maximum_duration of [100_000, 200_000, 300_000]) {
      const body = JSON.stringify({ provider: {}, maximum_duration })
      expect((await fetch(url, { method: 'PUT', headers, body })).status).toBe(200)
      clock.forward(1)
    }
    const versions = async () =>
      [...(await app.get('/configuration', admin)).text.matchAll(/<td[^>]*>Version (\d)/g)].map(
        (match) => match[1],
      )
    expect(await versions()).toEqual(['3', '2', '1'])
    clock.forward(3590)
    expect(await versions()).toEqual(['3', '2', '1'])
    clock.forward(20)
    expect(await versions()).toEqual(['3'])
    expect((await app.get('/configuration/changes?version=1', admin)).status).toBe(404)
  })

  test('countries of the addresses come from locate(), and only codes of countries are shown', async () => {
    const country = (country_code: string) => ({
      locate: () => ({ country_code, latitude: 1, longitude: 2, lat_long_radius_km: 3 }),
    })
    const german = await startPages({ options: country('DE') })
    expect((await german.get('/sessions', await german.enter(root))).text).toContain('Germany')
    const odd = await startPages({ options: country('de-DE<b>') })
    const { status, text } = await odd.get('/sessions', await odd.enter(root))
    expect([status, text.includes('de-DE')]).toEqual([200, false])
  })
})
