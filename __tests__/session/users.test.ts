import { afterEach, describe, expect, test } from '@jest/globals'
import { memoryStore, OAuthError, type SessionStore } from '../../src/index.js'
import type { VendorUser } from '../../src/dev/vendors/index.js'
import { gateOf, logIn, startVendor } from '../support/providers.js'
import { program } from '../support/recheck.js'
import { fakeDate, realDate } from '../support/clock.js'
import { type Gate, stopAll } from '../support/gate.js'
import { type Browser, createBrowser } from '../support/jar.js'

afterEach(async () => {
  await stopAll()
  realDate()
})

const HOUR = 3600
const people: VendorUser[] = ['ada', 'bob', 'cyd'].map((id) => ({
  id,
  username: id,
  name: `${id} x`,
  email: `${id}@acme.example`,
  emailVerified: true,
}))

async function scene(store: SessionStore = memoryStore(), start = Date.UTC(2030, 0, 15)) {
  const clock = fakeDate(start)
  const vendor = await startVendor('oidc', {
    users: structuredClone(people),
    settings: { personaPage: false },
  })
  const gate = await gateOf(vendor, {}, { store, id: 'app' })
  const { users, sessions, monthlyActiveUsers } = gate.middleware
  const enter = async (name: string, browser = createBrowser(), at: Gate = gate) => {
    vendor.user = vendor.users.find(({ id }) => id === name) as VendorUser
    await logIn({ gate: at, browser })
    return browser
  }
  const visit = (browser: Browser, at: Gate = gate) =>
    browser.get(at.url('/api'), { headers: program })
  const settled = async () => {
    await gate.middleware.close()
  }
  return { clock, vendor, gate, users, sessions, monthlyActiveUsers, enter, visit, settled, store }
}

test('a session id matches only session records of the store', async () => {
  const { store, users, sessions, enter, settled, monthlyActiveUsers } = await scene()
  await enter('ada')
  await settled()
  for (const kind of ['user', 'active']) {
    const [[key] = ['']] = (await store.entries?.({ kind, limit: 10 }))?.entries ?? []
    expect(key).toMatch(new RegExp(`^${kind}-`))
    expect([await sessions.get(key), await sessions.revoke(key)]).toEqual([undefined, false])
  }
  expect(await users.get('oidc:ada')).toMatchObject({ id: 'oidc:ada' })
  expect(await monthlyActiveUsers()).toBe(1)
  const [session] = (await sessions.list()).items
  expect(await sessions.revoke(String(session?.id))).toBe(true)
  expect(await sessions.revoke(String(session?.id))).toBe(false)
})

describe('users', () => {
  test('lists users who logged in, newest first, with the fields of ngrok and without secrets', async () => {
    const { clock, enter, users, vendor } = await scene()
    await enter('ada')
    clock.forward(10)
    await enter('bob')
    const { items, next } = await users.list()
    expect(items.map(({ id }) => id)).toEqual(['oidc:bob', 'oidc:ada'])
    expect(next).toBeUndefined()
    expect(items[1]).toEqual({
      id: 'oidc:ada',
      identityProvider: { name: 'oidc', url: vendor.origin },
      providerUserId: 'ada',
      username: 'ada',
      email: 'ada@acme.example',
      name: 'ada x',
      createdAt: Date.now() - 10_000,
      lastActive: Date.now() - 10_000,
      lastLogin: Date.now() - 10_000,
    })
    expect(await users.get('oidc:ada')).toEqual(items[1])
    expect(await users.get('oidc:nobody')).toBeUndefined()
  })

  test('lists pages, with each user on exactly one', async () => {
    const { clock, enter, users } = await scene()
    for (const { id } of people) {
      await enter(String(id))
      clock.forward(1)
    }
    const seen: string[] = []
    let after: string | undefined
    do {
      const page = await users.list({ after, limit: 2 })
      seen.push(...page.items.map(({ id }) => id))
      after = page.next
    } while (after !== undefined)
    expect(seen).toEqual(['oidc:cyd', 'oidc:bob', 'oidc:ada'])
    for (const limit of [0, -1, 1.5, 1001, Number.NaN])
      await expect(users.list({ limit })).rejects.toThrow(TypeError)
  })

  test('a second login updates name, email and time, not the creation time', async () => {
    const { clock, enter, users, vendor } = await scene()
    await enter('ada')
    clock.forward(HOUR)
    vendor.users[0] = {
      ...(vendor.users[0] as VendorUser),
      name: 'Ada Married',
      email: 'new@acme.example',
    }
    await enter('ada')
    expect(await users.get('oidc:ada')).toMatchObject({
      name: 'Ada Married',
      email: 'new@acme.example',
      createdAt: Date.now() - HOUR * 1000,
      lastLogin: Date.now(),
    })
    expect((await users.list()).items).toHaveLength(1)
  })

  test('last_active is written at most once an hour, and not by anonymous requests', async () => {
    const writes: string[] = []
    const inner = memoryStore()
    const note =
      (method: 'set' | 'update') =>
      (...args: Parameters<SessionStore['set']>) => {
        if (args[1].kind === 'user') writes.push(method)
        return inner[method](...args) as never
      }
    const { clock, enter, users, visit, settled } = await scene({
      ...inner,
      set: note('set'),
      update: note('update'),
    })
    const browser = await enter('ada')
    const login = Date.now()
    for (let minute = 0; minute < 59; minute++) {
      clock.forward(60)
      await visit(browser)
    }
    await settled()
    expect([writes, (await users.get('oidc:ada'))?.lastActive]).toEqual([['set'], login])
    clock.forward(60)
    await visit(browser)
    await visit(browser)
    await settled()
    expect([writes, (await users.get('oidc:ada'))?.lastActive]).toEqual([
      ['set', 'update'],
      login + HOUR * 1000,
    ])
  })

  test('a restarted process does not write unchanged records', async () => {
    const writes: string[] = []
    const inner = memoryStore()
    const store = {
      ...inner,
      update: (...args: Parameters<SessionStore['update']>) => (
        args[1].kind === 'user' && writes.push('update'),
        inner.update(...args)
      ),
    }
    const { clock, enter, vendor, visit } = await scene(store)
    const browser = await enter('ada')
    const again = await gateOf(vendor, {}, { store, id: 'app' })
    const cookie = browser
      .cookies(again.origin)
      .map((one) => one.cookieString())
      .join('; ')
    clock.forward(60)
    expect(
      (await browser.get(again.url('/api'), { headers: { ...program, Cookie: cookie } })).status,
    ).toBe(200)
    await again.middleware.close()
    expect(writes).toEqual([])
    expect((await visit(browser)).status).toBe(200)
  })

  test('S-071 deleting ends all sessions of the user immediately and removes the record, without a ban', async () => {
    const { enter, users, sessions, visit } = await scene()
    const [first, second, other] = [await enter('ada'), await enter('ada'), await enter('bob')]
    expect(await users.delete('oidc:ada')).toBe(true)
    expect([
      (await visit(first)).status,
      (await visit(second)).status,
      (await visit(other)).status,
    ]).toEqual([401, 401, 200])
    expect((await sessions.list()).items.map(({ userId }) => userId)).toEqual(['oidc:bob'])
    expect(await users.get('oidc:ada')).toBeUndefined()
    expect(await users.delete('oidc:ada')).toBe(false)
    expect((await visit(await enter('ada'))).status).toBe(200)
    expect(await users.get('oidc:ada')).toBeDefined()
  })

  test('a missing id or a misspelled option throws instead of matching all users', async () => {
    const { users, sessions, enter } = await scene()
    await enter('ada')
    const nobody = undefined as unknown as string
    for (const mistake of [
      () => users.delete(nobody),
      () => users.delete(''),
      () => users.get(nobody),
      () => users.list({ userId: 'x' } as object),
      () => sessions.get(nobody),
      () => sessions.revoke(nobody),
      () => sessions.list({ user: 'x' } as object),
      () => sessions.list({ userId: '' }),
    ]) {
      await expect(mistake()).rejects.toThrow(TypeError)
    }
    expect((await sessions.list()).items).toHaveLength(1)
  })

  test('activity does not restore a deleted user', async () => {
    const { clock, enter, users, visit, settled, gate } = await scene()
    const browser = await enter('ada')
    clock.forward(2 * HOUR)
    gate.middleware.on('http_request_complete', () => undefined)
    await Promise.all([visit(browser), users.delete('oidc:ada')])
    await settled()
    expect(await users.get('oidc:ada')).toBeUndefined()
  })
})

describe('sessions', () => {
  test('S-071 are listed newest first, of one user or of all, with their origin', async () => {
    const { clock, enter, sessions, gate } = await scene()
    const browser = await enter('ada')
    clock.forward(1)
    await enter('bob')
    clock.forward(1)
    await enter('ada')
    expect((await sessions.list()).items.map(({ userId }) => userId)).toEqual([
      'oidc:ada',
      'oidc:bob',
      'oidc:ada',
    ])
    const { items } = await sessions.list({ userId: 'oidc:ada' })
    expect(items).toHaveLength(2)
    const seen = JSON.parse((await browser.get(gate.url('/'))).body) as {
      oauth: { sessionHandle: string }
    }
    expect(items[1]).toMatchObject({
      id: seen.oauth.sessionHandle,
      userId: 'oidc:ada',
      browserSession: {
        userAgent: 'Mozilla/5.0 (test browser)',
        ipAddress: expect.stringContaining('127.0.0.1'),
      },
      createdAt: Date.now() - 2000,
      expiresAt: expect.any(Number),
    })
    expect(await sessions.get(seen.oauth.sessionHandle)).toEqual(items[1])
    expect(await sessions.get('nothing')).toBeUndefined()
    const text = JSON.stringify(items)
    for (const cookie of browser.cookies(gate.origin)) expect(text).not.toContain(cookie.value)
  })

  test('S-071 a revoked one ends with the next request, and no other one, with the reason', async () => {
    const { clock, enter, sessions, visit, gate } = await scene()
    const first = await enter('ada')
    clock.forward(1)
    const second = await enter('ada')
    const [newest] = (await sessions.list()).items
    expect(await sessions.revoke(String(newest?.id))).toBe(true)
    expect(await sessions.revoke(String(newest?.id))).toBe(false)
    expect([(await visit(first)).status, (await visit(second)).status]).toEqual([200, 401])
    expect(JSON.parse((await second.get(gate.url('/auth/session'))).body).reason).toBe('revoked')
  })

  test('a handle is not accepted as a cookie, nor the key of another record as a session', async () => {
    const { enter, sessions, gate, store } = await scene()
    await enter('ada')
    const [session] = (await sessions.list()).items
    const page = await createBrowser().get(gate.url('/api'), {
      headers: { ...program, Cookie: `ngrok.session=${session?.id}` },
    })
    expect(page.status).toBe(401)
    const [userKey] = (await store.entries?.({ kind: 'user', limit: 1 }))?.entries[0] ?? []
    expect(await sessions.get(String(userKey))).toBeUndefined()
    await sessions.revoke(String(userKey))
    expect((await gate.middleware.users.list()).items).toHaveLength(1)
  })
})

describe('monthlyActiveUsers()', () => {
  test('counts each user once a month, by activity and by login', async () => {
    const { clock, enter, visit, monthlyActiveUsers, settled } = await scene()
    const browser = await enter('ada')
    await enter('ada')
    await enter('bob')
    expect(await monthlyActiveUsers()).toBe(2)
    expect(await monthlyActiveUsers('2029-12')).toBe(0)
    clock.set(Date.UTC(2030, 0, 31, 23, 59, 50))
    await visit(browser)
    clock.set(Date.UTC(2030, 1, 1, 0, 0, 10))
    expect(await monthlyActiveUsers()).toBe(0)
    await visit(browser)
    await settled()
    expect([
      await monthlyActiveUsers(),
      await monthlyActiveUsers('2030-01'),
      await monthlyActiveUsers('2030-02'),
    ]).toEqual([1, 2, 1])
  })

  test('a write that fails is retried at the next request', async () => {
    const inner = memoryStore()
    let isDown = false
    const store = {
      ...inner,
      set: (...args: Parameters<SessionStore['set']>) =>
        isDown ? Promise.reject(new Error('down')) : inner.set(...args),
    }
    const { clock, enter, visit, monthlyActiveUsers, settled } = await scene(store)
    const browser = await enter('ada')
    clock.set(Date.UTC(2030, 1, 1))
    isDown = true
    expect((await visit(browser)).status).toBe(200)
    await settled()
    isDown = false
    await visit(browser)
    await settled()
    expect(await monthlyActiveUsers()).toBe(1)
  })

  test.each(['2030', '2030-13', '2030-1', 'now', '2030-01-01'])('%s is rejected', async (month) => {
    const { monthlyActiveUsers } = await scene()
    await expect(monthlyActiveUsers(month)).rejects.toThrow(TypeError)
  })
})

test('a store without entries() reports it, and revokes single sessions', async () => {
  const { entries: _, count: __, ...store } = memoryStore()
  const { enter, users, sessions, monthlyActiveUsers, visit, gate } = await scene(store)
  const browser = await enter('ada')
  for (const asked of [
    users.list(),
    sessions.list(),
    monthlyActiveUsers(),
    users.delete('oidc:ada'),
  ]) {
    await expect(asked).rejects.toMatchObject({ code: 'store_not_listable', status: 501 })
    await expect(asked).rejects.toBeInstanceOf(OAuthError)
  }
  const { oauth } = JSON.parse((await browser.get(gate.url('/'))).body) as {
    oauth: { sessionHandle: string }
  }
  expect(await sessions.revoke(oauth.sessionHandle)).toBe(true)
  expect((await visit(browser)).status).toBe(401)
})

test('an app may wrap methods of its store after oauthModule()', async () => {
  const { store, users, sessions } = await scene()
  const { entries } = store
  const asked: string[] = []
  store.entries = (query) => {
    asked.push(query.kind)
    return entries?.(query) ?? { entries: [], next: undefined }
  }
  await users.list()
  await sessions.list()
  expect(asked).toEqual(['user', 'session'])
})
