import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import session from 'express-session'
import { type ExpressSessionStore, oauth2Provider, type SessionStore } from '../../src/index.js'
import { redisStore } from '../../src/session/stores/redis/index.js'
import { type AdminApp, adminGate, type AdminGate, deploy, startAdmin } from '../support/admin.js'
import { stopAll, stopping } from '../support/gate.js'
import { createBrowser, linksOf } from '../support/jar.js'
import { oddStore } from '../support/odd-store.js'
import { startVendor } from '../support/providers.js'
import { program } from '../support/recheck.js'
import { type RedisServer, startRedis } from '../support/redis.js'
import { libraries } from '../support/redis-clients.js'

afterEach(stopAll)

const PATH = '/edges/https/main/routes/route-0/oauth'
const CONNECTION = '/api/v2/connections/main.route-0.acme'
const acme = oauth2Provider({
  authorizationUrl: 'https://auth.acme.example/authorize',
  tokenUrl: 'https://auth.acme.example/token',
  fetchUserProfile: () => ({ user_id: '1' }),
  clientId: 'acme-id',
  clientSecret: 'acme-secret',
})
const github = { clientId: 'gh-id', clientSecret: 'gh-secret' }
type Store = SessionStore | ExpressSessionStore

function gateWith(store: Store, provider: object = github): AdminGate {
  return adminGate({ provider: { github: provider, acme }, configVersion: 1, id: 'app', store })
}

function withDomain(clientId: string, domain: string) {
  return { provider: { github: { client_id: clientId, email_domains: [domain] } } }
}

const onlyAcme = withDomain('gh-id', 'acme.example')

/** Repeats a call until its response is as expected. */
async function until<T>(call: () => Promise<T>, isDone: (result: T) => boolean): Promise<T> {
  for (const start = Date.now(); ;) {
    const result = await call()
    if (isDone(result) || Date.now() - start > 30_000) return result
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** One process changes the configuration, and the other one follows it. */
async function testTwo(newStore: () => Store | Promise<Store>) {
  const { options } = await startVendor('github')
  const first = gateWith(await newStore(), options)
  const second = gateWith(await newStore(), options)
  const one = await startAdmin({ '/': first })
  const two = await startAdmin({ '/': second })
  const browser = createBrowser()
  const visit = async ({ origin }: AdminApp) =>
    (await browser.get(origin, { headers: program })).status
  const page = await browser.get(one.origin)
  const link = linksOf(page).find((href) => href.includes('connection=github'))
  expect((await browser.get(String(link))).body).toBe('the app')
  expect([await visit(one), await visit(two)]).toEqual([200, 200])
  const clientId = String(options['clientId'])
  const elsewhere = withDomain(clientId, 'elsewhere.example')
  const put = await one.call('PUT', PATH, deploy, { body: elsewhere })
  expect([put.status, put.body['x_warnings']]).toEqual([200, [expect.stringContaining('acme')]])
  expect(await visit(one)).toBe(403)
  expect(
    await until(
      () => visit(two),
      (status) => status !== 200,
    ),
  ).toBe(403)
  const get = await two.call('GET', PATH)
  expect(get.headers.get('etag')).toBe('"1.1"')
  expect(get.body).toMatchObject(elsewhere)
  const stale = await two.call('PUT', PATH, deploy, {
    body: elsewhere,
    headers: { 'if-match': '"1.0"' },
  })
  expect(stale.status).toBe(409)
  const patch = await two.call('PATCH', CONNECTION, deploy, { body: { display_name: 'Acme' } })
  expect([patch.status, patch.headers.get('etag')]).toEqual([200, '"1.2"'])
  expect((await one.call('GET', CONNECTION)).body).toMatchObject({ display_name: 'Acme' })
  expect((await one.call('GET', PATH)).body).toMatchObject(elsewhere)
}

/** A script that returns the values of all keys. */
const ALL_VALUES = `
  local values = {}
  for _, key in ipairs(redis.call('keys', ARGV[1])) do
    local type = redis.call('type', key).ok
    if type == 'string' then table.insert(values, redis.call('get', key)) end
    if type == 'hash' then
      for _, value in ipairs(redis.call('hgetall', key)) do table.insert(values, value) end
    end
  end
  return values`

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

  test('a change in one process takes effect in the other one', () =>
    testTwo(() => newStore('two:')))

  test('of changes for one state from two processes, one wins', async () => {
    const gates = [gateWith(await newStore('race:')), gateWith(await newStore('race:'))]
    const apps = await Promise.all(gates.map((gate) => startAdmin({ '/': gate })))
    const responses = await Promise.all(
      Array.from({ length: 6 }).flatMap((_, round) =>
        apps.map((app, index) =>
          app.call('PUT', PATH, deploy, {
            body: {
              provider: { github: { client_id: 'gh-id', organizations: [`o-${round}-${index}`] } },
            },
            headers: { 'if-match': '"1.0"' },
          }),
        ),
      ),
    )
    expect(responses.map(({ status }) => status).sort()).toEqual([200, ...Array(11).fill(409)])
    const states = await Promise.all(apps.map(async (app) => (await app.call('GET', PATH)).body))
    expect(states[0]).toEqual(states[1])
  })

  test('no secret is readable in the store', async () => {
    const gate = gateWith(await newStore('sealed:'))
    const app = await startAdmin({ '/': gate })
    const github = { client_id: 'visible-id', client_secret: 'sealed-secret-of-github' }
    expect((await app.call('PUT', PATH, deploy, { body: { provider: { github } } })).status).toBe(
      200,
    )
    const everything = await redis.command('eval', ALL_VALUES, '0', 'sealed:*')
    expect(everything.length).toBeGreaterThan(100)
    expect(everything).not.toMatch(/sealed-secret|visible-id|gh-secret|acme-secret/)
  })

  test('responds with 503 while Redis is away, and nothing changes', async () => {
    const gate = adminGate({
      provider: { github, acme },
      configVersion: 1,
      id: 'app',
      store: await newStore('away:'),
      timeouts: { store: 0.5 },
    })
    const app = await startAdmin({ '/': gate })
    await app.call('GET', PATH)
    redis.freeze()
    try {
      for (const [method, path, body] of [
        ['GET', PATH, undefined],
        ['PUT', PATH, onlyAcme],
        ['PATCH', CONNECTION, { display_name: 'x' }],
      ] as const) {
        const response = await app.call(method, path, deploy, { body })
        expect([response.status, response.body['error_code']]).toEqual([503, 'store_unavailable'])
      }
    } finally {
      redis.thaw()
    }
    const after = await app.call('GET', PATH)
    expect([after.status, after.headers.get('etag')]).toEqual([200, '"1.0"'])
  })
})

describe('an express-session store', () => {
  test('that can list has all of it', () => {
    const store = new session.MemoryStore()
    return testTwo(() => store)
  })

  test('that cannot list keeps the configuration as well', () => {
    const store = oddStore()
    return testTwo(() => store)
  })
})
