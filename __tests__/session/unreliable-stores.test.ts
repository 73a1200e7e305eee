import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { memoryStore, OAuthError, type SessionStore, type StoreRecord } from '../../src/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { type Gate, oidcOf, startGate, stopAll, stopping } from '../support/gate.js'
import { type Browser, createBrowser } from '../support/jar.js'
import { type LogoutTokens, startLogoutTokens } from '../support/logout-tokens.js'
import { program } from '../support/recheck.js'

let vendor: VendorServer
let tokens: LogoutTokens

beforeAll(async () => {
  vendor = stopping(await startVendor('oidc'))
  tokens = await startLogoutTokens(vendor)
})
afterAll(stopAll)

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const LAG_MS = 800

/** Ways in which a store can be unreliable. Each wraps a working one, once `begin` was called. */
interface Unreliable {
  readonly store: SessionStore
  begin(): void
}

type Wrap = (inner: SessionStore, hasBegun: () => boolean) => Partial<SessionStore>

const habits: Record<string, Wrap> = {
  'whose reads lag behind its writes': (inner, hasBegun) => {
    const deleted = new Map<string, { record: StoreRecord; until: number }>()
    return {
      async get(key) {
        const old = deleted.get(key)
        return old !== undefined && old.until > Date.now() ? old.record : inner.get(key)
      },
      async delete(key) {
        const record = await inner.get(key)
        if (hasBegun() && record) deleted.set(key, { record, until: Date.now() + LAG_MS })
        return inner.delete(key)
      },
    }
  },
  'that reports deletions and does nothing': (inner, hasBegun) => ({
    delete: (key) => (hasBegun() ? true : inner.delete(key)),
  }),
  'that reports writes and does nothing': (inner, hasBegun) => ({
    set: (key, record, ttl) => (hasBegun() ? undefined : inner.set(key, record, ttl)),
    update: (key, record, ttl) => (hasBegun() ? true : inner.update(key, record, ttl)),
  }),
  'that writes again what it was given before, after a deletion': (inner, hasBegun) => ({
    async delete(key) {
      const record = await inner.get(key)
      const existed = await inner.delete(key)
      if (hasBegun() && record) void inner.set(key, record, 60_000)
      return existed
    },
  }),
  'that lists nothing': (inner, hasBegun) => ({
    entries: (query) =>
      hasBegun() ? { entries: [], next: undefined } : (inner.entries?.(query) ?? never()),
  }),
  'that lists in another shape': (inner, hasBegun) => ({
    entries: async (query) => {
      const page = await inner.entries?.(query)
      return hasBegun() ? (page?.entries.map(([, record]) => record) as never) : (page ?? never())
    },
  }),
  'whose list does not end': (inner, hasBegun) => ({
    entries: async (query) => {
      const page = (await inner.entries?.(query)) ?? never()
      return hasBegun() ? { entries: page.entries, next: 'same' } : page
    },
  }),
  'that lists the records of everyone': (inner, hasBegun) => ({
    entries: (query) =>
      inner.entries?.(hasBegun() ? { ...query, group: undefined } : query) ?? never(),
  }),
  'that loses half of its records': (inner, hasBegun) => ({
    get: (key) => (hasBegun() && /[02468ace]$/.test(key) ? undefined : inner.get(key)),
  }),
  'that times out': (inner, hasBegun) => ({
    delete: (key) => (hasBegun() ? new Promise(() => undefined) : inner.delete(key)),
  }),
  'that times out and deletes later': (inner, hasBegun) => ({
    async delete(key) {
      if (hasBegun()) await sleep(400)
      return inner.delete(key)
    },
  }),
}

function never(): never {
  throw new Error('the memory store lists')
}

function unreliable(wrap: Wrap): Unreliable {
  const inner = memoryStore()
  let hasBegun = false
  return {
    store: { ...inner, ...wrap(inner, () => hasBegun) },
    begin: () => void (hasBegun = true),
  }
}

async function start(habit: string) {
  const { store, begin } = unreliable(habits[habit] ?? never())
  const gate = await startGate({
    provider: { idp: oidcOf(vendor) },
    store,
    timeouts: { store: 0.2 },
  })
  const other = await logInAs('other', gate)
  const browser = await logInAs('ada', gate)
  begin()
  return { gate, browser, other }
}

async function logInAs(id: string, gate: Gate): Promise<Browser> {
  vendor.user = { ...vendor.user, id, username: id }
  const browser = createBrowser()
  expect((await browser.get(gate.url('/'))).status).toBe(200)
  return browser
}

const statusOf = async (browser: Browser, gate: Gate) =>
  (await browser.get(gate.url('/'), { headers: program })).status

/** `true` if the call reports success, otherwise the code of its error. */
async function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  try {
    return await call
  } catch (error) {
    if (error instanceof OAuthError) return error.code
    throw error
  }
}

describe.each(Object.keys(habits))('unreliable stores: a store %s', (habit) => {
  const ways: Record<string, (gate: Gate, browser: Browser) => Promise<unknown>> = {
    'sessions.revoke()': async ({ middleware, url }, browser) => {
      const { body } = await browser.get(url('/'), { headers: program })
      const { oauth } = JSON.parse(body || '{}')
      return outcomeOf(middleware.sessions.revoke(String(oauth?.sessionHandle)))
    },
    'users.delete()': ({ middleware }) => outcomeOf(middleware.users.delete('idp:ada')),
    'a logout token': async (gate) => (await tokens.send(gate)) === 200,
    'a logout': async (gate, browser) => {
      const cookies = browser.cookies(gate.origin).map((cookie) => cookie.cookieString())
      const headers = { Cookie: cookies.join('; '), 'Sec-Fetch-Site': 'same-origin' }
      return (await createBrowser().get(gate.url('/auth/logout'), { headers })).status === 200
    },
  }

  test.each(Object.keys(ways))(
    'unreliable stores: %s reports success only if the session has ended, and no other user is signed out',
    async (way) => {
      const { gate, browser, other } = await start(habit)
      const otherStatus = await statusOf(other, gate)
      const isDone = await ways[way]?.(gate, browser)
      const status = await statusOf(browser, gate)
      expect([200, 401, 503]).toContain(status)
      // Of a lost index nothing remains that leads to the session: the log tells the owner.
      const isReported = gate.logged.some((line) => line.includes('names no session of this app'))
      if (isDone === true && !isReported) expect(status).not.toBe(200)
      expect(await statusOf(other, gate)).toBe(otherStatus)
      expect((await createBrowser().get(gate.url('/'), { headers: program })).status).toBe(401)
    },
  )
})

describe('unreliable stores: a store that returns shared objects', () => {
  test('unreliable stores: what an app changes in req.user does not change the session', async () => {
    const rows = new Map<string, StoreRecord>()
    const store: SessionStore = {
      get: (key) => rows.get(key),
      set: (key, record) => void rows.set(key, structuredClone(record)),
      update: (key, record) => rows.has(key) && !!rows.set(key, structuredClone(record)),
      delete: (key) => rows.delete(key),
    }
    const gate = await startGate(
      { provider: { idp: oidcOf(vendor) }, store },
      {
        routes: (app) =>
          app.get('/grab', (req, res) => {
            const user = req.user as unknown as Record<string, unknown>
            try {
              user['groups'] = ['admins']
              user['email'] = 'root@acme.example'
            } catch {
              // The user is frozen.
            }
            res.end()
          }),
      },
    )
    const browser = await logInAs('ada', gate)
    await browser.get(gate.url('/grab'))
    const { user } = JSON.parse((await browser.get(gate.url('/'))).body)
    expect([user.groups, user.email]).not.toContain('root@acme.example')
    expect(user.groups ?? []).not.toContain('admins')
  })
})
