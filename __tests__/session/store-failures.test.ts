import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { memoryStore, type SessionStore } from '../../src/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { type Gate, oidcOf, startGate, stopAll, stopping, toCallback } from '../support/gate.js'
import { type Browser, createBrowser, linksOf } from '../support/jar.js'

let vendor: VendorServer

beforeAll(async () => {
  vendor = stopping(await startVendor('oidc'))
})
afterAll(stopAll)

/** Ways in which one operation of a store can go wrong. */
const faults: Record<string, () => never | Promise<never>> = {
  throws: () => {
    throw new Error('connect ECONNREFUSED secret.redis.internal')
  },
  rejects: () => Promise.reject(new Error('READONLY')),
  'never responds': () => new Promise(() => undefined),
  'rejects without an error': () => Promise.reject(undefined),
}
const names = Object.keys(faults)

function faultyStore(): {
  store: SessionStore
  break(operation: 'get' | 'set' | 'update' | 'delete', fault: string | undefined): void
  rows(): number
} {
  const inner = memoryStore()
  const broken = new Map<string, string>()
  const wrap =
    <A extends unknown[], R>(name: string, run: (...args: A) => R) =>
    (...args: A): R => {
      const fault = faults[broken.get(name) ?? '']
      return fault ? (fault() as R) : run(...args)
    }
  return {
    store: {
      ...inner,
      get: wrap('get', inner.get),
      set: wrap('set', inner.set),
      update: wrap('update', inner.update),
      delete: wrap('delete', inner.delete),
    },
    break: (operation, fault) =>
      fault === undefined ? broken.delete(operation) : broken.set(operation, fault),
    rows: () => {
      const page = inner.entries?.({ kind: 'session', limit: 100 })
      return page && 'entries' in page ? page.entries.length : -1
    },
  }
}

async function start(
  more: object = {},
): Promise<{ gate: Gate; faulty: ReturnType<typeof faultyStore>; browser: Browser }> {
  const faulty = faultyStore()
  const gate = await startGate({
    provider: { idp: oidcOf(vendor) },
    store: faulty.store,
    timeouts: { store: 0.15 },
    ...more,
  })
  const browser = createBrowser()
  await browser.get(gate.url('/'))
  return { gate, faulty, browser }
}

test('a store that returns null has no such record', async () => {
  const inner = memoryStore()
  const store = { ...inner, get: (key: string) => inner.get(key) ?? null } as SessionStore
  const gate = await startGate({ provider: { idp: oidcOf(vendor) }, store })
  const unknown = `ngrok.session=${'A'.repeat(43)}`
  const page = await createBrowser().get(gate.url('/'), {
    follow: false,
    headers: { Cookie: unknown },
  })
  expect(page.status).toBe(302)
  expect(await gate.middleware.sessions.revoke('a'.repeat(64))).toBe(false)
  expect(await gate.middleware.users.get('idp:nobody')).toBeUndefined()
  expect((await createBrowser().get(gate.url('/'))).status).toBe(200)
})

describe('S-111 a store that cannot be read', () => {
  test.each(names)(
    'that %s: requests with a cookie get 503, the cookie stays, and no login starts',
    async (fault) => {
      const { gate, faulty, browser } = await start()
      faulty.break('get', fault)
      gate.reached.length = 0
      const before = vendor.requests.length
      // Outside of development, the page has no hint for the owner.
      const page = await browser.get(gate.url('/x'), { headers: { Via: '1.1 proxy' } })
      expect(page.status).toBe(503)
      expect(page.history).toHaveLength(1)
      expect(page.setCookie).toEqual([])
      expect(page.headers).toMatchObject({ 'retry-after': '5', 'cache-control': 'no-store' })
      expect(page.body).toContain('store_unavailable')
      expect(page.body).not.toContain('redis')
      expect(gate.reached).toEqual([])
      expect(vendor.requests.length).toBe(before)
      // As soon as the store is back the session is, too: "try again" is the same page, not a
      // login.
      faulty.break('get', undefined)
      expect(linksOf(page)).toEqual([gate.url('/x')])
      expect((await browser.get(gate.url('/x'), { follow: false })).status).toBe(200)
    },
  )

  test('responds in JSON to requests that are not navigations, also with unauthenticated "pass"', async () => {
    for (const unauthenticated of ['auto', 'pass', 'reject', 'redirect'] as const) {
      const { gate, faulty, browser } = await start()
      const other = await startGate({
        provider: { idp: oidcOf(vendor) },
        store: faulty.store,
        unauthenticated,
      })
      faulty.break('get', 'rejects')
      const Cookie = browser
        .cookies(gate.origin)
        .map((cookie) => cookie.cookieString())
        .join('; ')
      const page = await createBrowser().get(other.url('/x'), {
        follow: false,
        headers: { Cookie, Accept: 'application/json', 'Sec-Fetch-Mode': 'cors' },
      })
      expect(page.status).toBe(503)
      expect(JSON.parse(page.body)).toMatchObject({ error: 'store_unavailable' })
      expect(other.reached).toEqual([])
    }
  })

  test('does not prevent a login without a cookie', async () => {
    const { gate, faulty } = await start()
    faulty.break('get', 'never responds')
    expect((await createBrowser().get(gate.url('/'), { follow: false })).status).toBe(302)
  })

  test('results in 503 on /auth/session as well', async () => {
    const { gate, faulty, browser } = await start()
    faulty.break('get', 'throws')
    expect((await browser.get(gate.url('/auth/session'))).status).toBe(503)
  })

  test('is logged with its cause', async () => {
    const { gate, faulty, browser } = await start()
    faulty.break('get', 'throws')
    await browser.get(gate.url('/'))
    expect(gate.logged.find((line) => line.startsWith('error'))).toContain('ECONNREFUSED')
  })
})

describe('S-027 a store that cannot be written', () => {
  test.each(names)('that %s: a login ends without a session and a cookie', async (fault) => {
    const { gate, faulty } = await start()
    const browser = createBrowser()
    const callback = await toCallback(browser, gate.url('/x'))
    const before = faulty.rows()
    faulty.break('set', fault)
    const page = await browser.get(callback, { follow: false })
    expect(page.status).toBe(503)
    expect(page.headers['retry-after']).toBeDefined()
    expect(page.setCookie.some((line) => line.startsWith('ngrok.session'))).toBe(false)
    expect(faulty.rows()).toBe(before)
    faulty.break('set', undefined)
    expect((await browser.get(gate.url('/x'))).status).toBe(200)
  })

  test('that rejects only the row of the session, later: no cookie is set', async () => {
    const inner = memoryStore()
    const store: SessionStore = {
      ...inner,
      set: async (key, record, ttl) => {
        if (record.kind !== 'session') return inner.set(key, record, ttl)
        await new Promise((resolve) => setImmediate(resolve))
        throw new Error('the disk is full')
      },
    }
    const gate = await startGate({ provider: { idp: oidcOf(vendor) }, store })
    const page = await createBrowser().get(gate.url('/x'))
    expect([page.status, gate.reached]).toEqual([503, []])
    const [callback] = page.history.slice(-1)
    expect(callback?.setCookie.some((line) => line.startsWith('ngrok.session'))).toBe(false)
  })

  test('that is slow is awaited: the row exists before the browser returns', async () => {
    const order: string[] = []
    const inner = memoryStore()
    const store: SessionStore = {
      ...inner,
      set: async (key, record, ttl) => {
        // Nothing else delays the response.
        if (record.kind !== 'session') return inner.set(key, record, ttl)
        await new Promise((resolve) => setTimeout(resolve, 150))
        await inner.set(key, record, ttl)
        order.push('stored')
      },
    }
    const gate = await startGate({ provider: { idp: oidcOf(vendor) }, store })
    const browser = createBrowser()
    const callback = await toCallback(browser, gate.url('/x'))
    const page = await browser.get(callback, { follow: false })
    order.push('answered')
    expect([page.status, order]).toEqual([302, ['stored', 'answered']])
    expect((await browser.get(gate.url('/x'), { follow: false })).status).toBe(200)
  })

  test.each(names)(
    'does not fail a request when activity cannot be recorded (%s)',
    async (fault) => {
      const { gate, faulty, browser } = await start({ inactivityTimeout: 1 })
      faulty.break('update', fault)
      await new Promise((resolve) => setTimeout(resolve, 120))
      expect((await browser.get(gate.url('/'), { follow: false })).status).toBe(200)
    },
  )
})

describe('a store with unexpected contents', () => {
  test.each<[string, unknown]>([
    ['a newer version', { kind: 'session', version: 99, group: 'x', createdAt: 1, revision: 1 }],
    ['another kind', { kind: 'user', group: 'x', createdAt: 1, revision: 1 }],
    ['an empty object', {}],
    [
      'half a session',
      { kind: 'session', version: 1, user: { key: 'x' }, createdAt: 1, revision: 1 },
    ],
  ])('S-116 %s is ignored: the user logs in again', async (_, record) => {
    const inner = memoryStore()
    const store: SessionStore = { ...inner, get: () => record as ReturnType<typeof inner.get> }
    const gate = await startGate({ provider: { idp: oidcOf(vendor) }, store })
    const page = await createBrowser().get(gate.url('/'), {
      follow: false,
      headers: { Cookie: `ngrok.session=${'A'.repeat(43)}` },
    })
    expect(page.status).toBe(302)
  })
})
