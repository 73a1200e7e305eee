import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { memoryStore, type SessionStore } from '../../src/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { redisStore } from '../../src/session/stores/redis/index.js'
import { type Gate, oidcOf, startGate, stopAll, stopping } from '../support/gate.js'
import { type Browser, createBrowser } from '../support/jar.js'
import { type LogoutTokens, startLogoutTokens } from '../support/logout-tokens.js'
import { program } from '../support/recheck.js'
import { startRedis, type RedisServer } from '../support/redis.js'
import { type ClientLibrary, libraries } from '../support/redis-clients.js'

let vendor: VendorServer
let server: RedisServer
let tokens: LogoutTokens

beforeAll(async () => {
  vendor = stopping(await startVendor('oidc'))
  server = stopping(await startRedis())
  tokens = await startLogoutTokens(vendor)
})
afterAll(stopAll)

async function start(store: SessionStore) {
  const gate = await startGate({ provider: { idp: oidcOf(vendor) }, id: 'app', store })
  return { gate, userId: `idp:${String(vendor.user.id)}` }
}

async function startOnRedis(prefix: string) {
  const { client } = stopping(await (libraries[0] as ClientLibrary).single(server.port))
  return start(redisStore(client, { prefix }))
}

async function logIn(gate: Gate): Promise<Browser> {
  const browser = createBrowser()
  expect((await browser.get(gate.url('/'))).status).toBe(200)
  return browser
}

const signedIn = (browsers: readonly Browser[], gate: Gate) =>
  Promise.all(
    browsers.map(
      async (browser) => (await browser.get(gate.url('/'), { headers: program })).status === 200,
    ),
  )

async function loseIndexes(prefix: string): Promise<void> {
  const keys = await server.command('keys', `${prefix}index:*`)
  await server.command('del', ...keys.split('\n'))
}

describe('C10: an index of sessions that was lost', () => {
  test('C10: users.delete() ends the sessions from before and after the loss', async () => {
    const { gate, userId } = await startOnRedis('delete:')
    const before = [await logIn(gate), await logIn(gate)]
    await loseIndexes('delete:')
    const after = await logIn(gate)
    expect(await gate.middleware.users.delete(userId)).toBe(true)
    expect(await signedIn([...before, after], gate)).toEqual([false, false, false])
    expect(await gate.middleware.users.delete(userId)).toBe(false)
  })

  test('C10: a logout token ends the sessions from before the loss', async () => {
    const { gate } = await startOnRedis('token:')
    const browsers = [await logIn(gate), await logIn(gate)]
    await loseIndexes('token:')
    expect(await tokens.send(gate)).toBe(200)
    expect(await signedIn(browsers, gate)).toEqual([false, false])
  })

  test('C10: while Redis rejects writes of the index, logins get 503 and leave no session; afterwards users.delete() ends all', async () => {
    const { gate, userId } = await startOnRedis('zadd:')
    const before = await logIn(gate)
    await server.command('acl', 'setuser', 'default', '-zadd')
    expect((await createBrowser().get(gate.url('/'))).status).toBe(503)
    await server.command('acl', 'setuser', 'default', '+zadd')
    await gate.middleware.close()
    const rows = (await server.command('keys', 'zadd:row:*')).split('\n')
    expect(rows.filter((key) => /:[0-9a-f]{64}$/.test(key))).toHaveLength(1)
    await loseIndexes('zadd:')
    expect(await gate.middleware.users.delete(userId)).toBe(true)
    expect(await signedIn([before], gate)).toEqual([false])
  })

  test('C10: while the index cannot be read, users.delete() and lists reject, and a logout token gets 503', async () => {
    const { gate, userId } = await startOnRedis('read:')
    const browser = await logIn(gate)
    await server.command('acl', 'setuser', 'default', '-zrevrangebylex')
    const { users, sessions } = gate.middleware
    const unavailable = { code: 'store_unavailable', status: 503 }
    await expect(users.delete(userId)).rejects.toMatchObject(unavailable)
    await expect(sessions.list()).rejects.toMatchObject(unavailable)
    expect(await tokens.send(gate)).toBe(503)
    await server.command('acl', 'setuser', 'default', '+zrevrangebylex')
    expect(await signedIn([browser], gate)).toEqual([true])
    expect(await users.delete(userId)).toBe(true)
    expect(await signedIn([browser], gate)).toEqual([false])
  })

  test('C10: if the record of the user is lost instead, the index is enough', async () => {
    const { gate, userId } = await startOnRedis('record:')
    const browsers = [await logIn(gate), await logIn(gate)]
    await server.command('del', ...(await server.command('keys', 'record:row:user-*')).split('\n'))
    expect(await gate.middleware.users.delete(userId)).toBe(false)
    expect(await signedIn(browsers, gate)).toEqual([false, false])
  })

  test('C10: a list that lags behind the writes of the store does not hide a new session from users.delete()', async () => {
    const inner = memoryStore()
    const store = { ...inner, entries: () => ({ entries: [], next: undefined }) }
    const { gate, userId } = await start(store)
    const browsers = [await logIn(gate), await logIn(gate)]
    expect(await gate.middleware.users.delete(userId)).toBe(true)
    expect(await signedIn(browsers, gate)).toEqual([false, false])
  })
})
