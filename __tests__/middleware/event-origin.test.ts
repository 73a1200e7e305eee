import { afterEach, describe, expect, test } from '@jest/globals'
import type { Express } from 'express'
import {
  type EventOrigin,
  memoryStore,
  type OAuthEventName,
  type OAuthModuleOptions,
  type SessionStore,
} from '../../src/index.js'
import { eventNames } from '../../src/middleware/event-types.js'
import { fakeDate, realDate } from '../support/clock.js'
import { type Gate, type GateSetup, startGate, stopAll } from '../support/gate.js'
import { type Browser, createBrowser } from '../support/jar.js'
import { logIn, providerOf, startVendor } from '../support/providers.js'
import { INTERVAL, program } from '../support/recheck.js'

afterEach(async () => {
  await stopAll()
  realDate()
})

const UA = 'Mozilla/5.0 (test browser)'

/** The origins of all events of a gate from now on, as `name: origin`. */
function originsOf({ middleware }: Gate): [OAuthEventName, EventOrigin | undefined][] {
  const origins: [OAuthEventName, EventOrigin | undefined][] = []
  for (const name of eventNames)
    middleware.on(name, (payload) => {
      origins.push([name, 'origin' in payload ? payload.origin : undefined])
    })
  return origins
}

async function until(isDone: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !isDone(); turn++)
    await new Promise((resolve) => setTimeout(resolve, 10))
}

/** As an app behind a proxy, with middleware that numbers requests. */
const behindProxy = (app: Express) => {
  let count = 0
  app.set('trust proxy', true)
  app.use((req, _res, next) => {
    Object.assign(req, { id: `req-${++count}` })
    next()
  })
}

interface Started {
  readonly gate: Gate
  readonly vendor: Awaited<ReturnType<typeof startVendor>>
  readonly browser: Browser
}

async function start(
  options: Partial<OAuthModuleOptions> = {},
  setup: GateSetup = { before: behindProxy },
  provider: Record<string, unknown> = {},
): Promise<Started> {
  const vendor = await startVendor('oidc')
  const gate = await startGate({ provider: providerOf(vendor, provider), ...options }, setup)
  return { gate, vendor, browser: createBrowser() }
}

const from = (address: string) => ({ headers: { 'X-Forwarded-For': address } })

describe('the origin of an event', () => {
  test('is the address that the app sees, the user agent, and the ID of the request', async () => {
    const { gate, browser } = await start()
    const origins = originsOf(gate)
    await browser.get(gate.url('/'), from('203.0.113.7, 10.0.0.1'))
    await browser.get(gate.url('/auth/logout'), {
      headers: { 'Sec-Fetch-Site': 'same-origin', 'X-Forwarded-For': '2001:db8::7' },
    })
    await until(() => origins.length === 6)
    const seen = (name: OAuthEventName) => origins.filter(([one]) => one === name)
    const origin = { ipAddress: '203.0.113.7', userAgent: UA }
    expect(seen('login')).toEqual([['login', { ...origin, requestId: 'req-2' }]])
    expect(seen('logout')).toEqual([
      ['logout', { ipAddress: '2001:db8::7', userAgent: UA, requestId: 'req-4' }],
    ])
    expect(seen('http_request_complete').map(([, one]) => one?.requestId)).toEqual([
      'req-1',
      'req-2',
      'req-3',
      'req-4',
    ])
  })

  test('is that of the socket without a trusted proxy, and without an ID if the app has none', async () => {
    for (const framework of ['express', 'express4', 'connect', 'http'] as const) {
      const { gate, browser } = await start({}, { framework })
      const origins = originsOf(gate)
      await browser.get(gate.url('/'), from('203.0.113.7'))
      const login = origins.find(([name]) => name === 'login')
      expect([framework, login?.[1]]).toEqual([
        framework,
        { ipAddress: '127.0.0.1', userAgent: UA, requestId: undefined },
      ])
    }
  })

  test('is part of denials, failed logins, checks, expiry, and ends that requests cause', async () => {
    const clock = fakeDate()
    const { gate, vendor, browser } = await start(
      {
        authCheckInterval: INTERVAL,
        authCheckEarly: false,
        inactivityTimeout: 10 * INTERVAL,
        sessionsPerUser: 1,
        reportOnly: { emailDomains: ['elsewhere.example'] },
      },
      { before: behindProxy },
      { emailDomains: ['acme.example'] },
    )
    const origins = originsOf(gate)
    const visit = (address: string, one = browser) => one.get(gate.url('/'), from(address))
    await visit('203.0.113.1')
    // Beyond the limit of sessions, and in place of the session of the browser.
    const other = createBrowser()
    await visit('203.0.113.2', other)
    await other.get(gate.url('/auth/authn'), from('203.0.113.3'))
    clock.forward(INTERVAL)
    await visit('203.0.113.4', other)
    vendor.respond('userinfo', { status: 500 })
    clock.forward(INTERVAL)
    await visit('203.0.113.5', other)
    vendor.respond('userinfo', undefined)
    clock.forward(10 * INTERVAL)
    await other.get(gate.url('/api'), {
      headers: { ...program, 'X-Forwarded-For': '203.0.113.6' },
    })
    await until(() => origins.some(([name]) => name === 'expired'))
    vendor.user = { ...vendor.user, email: 'ida@elsewhere.example' }
    await visit('203.0.113.7', createBrowser())
    await createBrowser().get(gate.url('/auth/callback?code=x&state=y'), from('203.0.113.8'))
    const seen = origins
      .filter(([name]) => name !== 'http_request_complete')
      .map(([name, origin]) => `${name} ${origin?.ipAddress ?? 'none'}`)
    for (const [, origin] of origins)
      expect([origin?.userAgent, origin?.requestId]).toEqual([UA, expect.stringMatching(/^req-/)])
    expect(seen.sort()).toEqual(
      [
        'login 203.0.113.1',
        'denied 203.0.113.1',
        'login 203.0.113.2',
        'denied 203.0.113.2',
        'revoked 203.0.113.2',
        'login 203.0.113.3',
        'denied 203.0.113.3',
        'revoked 203.0.113.3',
        'recheck 203.0.113.4',
        'denied 203.0.113.4',
        'recheck_failed 203.0.113.5',
        'expired 203.0.113.6',
        'denied 203.0.113.7',
        'login_failed 203.0.113.7',
        'login_failed 203.0.113.8',
      ].sort(),
    )
  })

  test('is part of a move, and of the end that follows', async () => {
    const { gate, browser } = await start({ onMove: 'end' })
    const origins = originsOf(gate)
    await browser.get(gate.url('/'), from('93.184.216.34'))
    await browser.get(gate.url('/'), { ...from('203.0.113.99'), follow: false })
    const ends = origins.filter(([name]) => name === 'moved' || name === 'revoked')
    expect(ends.map(([name, origin]) => [name, origin?.ipAddress])).toEqual([
      ['moved', '203.0.113.99'],
      ['revoked', '203.0.113.99'],
    ])
  })

  test('is part of store_error', async () => {
    const inner = memoryStore()
    let isDown = false
    const store: SessionStore = {
      ...inner,
      get: (key) => (isDown ? Promise.reject(new Error('connection refused')) : inner.get(key)),
    }
    const { gate, browser } = await start({ store })
    await logIn({ gate, browser })
    const origins = originsOf(gate)
    isDown = true
    await browser.get(gate.url('/'), from('203.0.113.7'))
    const [name, origin] = origins[0] ?? []
    expect([name, origin?.ipAddress]).toEqual(['store_error', '203.0.113.7'])
  })

  test('of a session that its user ends on the page of devices is the request of that page', async () => {
    const { gate, browser } = await start(
      {},
      {
        before: behindProxy,
        routes: (app, auth) => void app.use('/devices', auth.devices()),
      },
    )
    await createBrowser().get(gate.url('/'), from('203.0.113.1'))
    await browser.get(gate.url('/'), from('203.0.113.2'))
    const origins = originsOf(gate)
    const { body } = await browser.get(gate.url('/devices'), { headers: program })
    const { token, devices } = JSON.parse(body) as {
      token: string
      devices: { id: string; isCurrent: boolean }[]
    }
    const session = devices.find(({ isCurrent }) => !isCurrent)?.id ?? ''
    await browser.post(
      gate.url('/devices'),
      { token, session },
      { headers: { 'X-Forwarded-For': '203.0.113.3', Origin: gate.origin } },
    )
    const ends = origins.filter(([name]) => name === 'revoked')
    expect(ends.map(([, origin]) => origin?.ipAddress)).toEqual(['203.0.113.3'])
  })

  test('is absent if no request is the cause', async () => {
    const { gate, browser } = await start()
    await logIn({ gate, browser })
    const origins = originsOf(gate)
    const [session] = (await gate.middleware.sessions.list()).items
    await gate.middleware.sessions.revoke(String(session?.id))
    expect(origins).toEqual([['revoked', undefined]])
  })

  test('leaves out what the option browserSession turns off', async () => {
    const cases = [
      [{ ipAddress: false }, { userAgent: UA }],
      [{ userAgent: false }, { ipAddress: '203.0.113.7' }],
      [{ ipAddress: false, userAgent: false }, {}],
    ] as const
    for (const [browserSession, kept] of cases) {
      const { gate, browser } = await start({ browserSession })
      const origins = originsOf(gate)
      await browser.get(gate.url('/'), from('203.0.113.7'))
      expect(origins.length).toBeGreaterThan(1)
      for (const [, origin] of origins)
        expect(origin).toEqual({ ...kept, requestId: expect.stringMatching(/^req-/) })
    }
  })

  test('is bounded, and contains no control characters', async () => {
    const ids: unknown[] = ['x\r\n\u202e\u0000y', 'i'.repeat(1000), { id: 1 }, '', 7, '\u0007']
    const { gate, browser } = await start(
      {},
      {
        before: (app) => {
          app.set('trust proxy', true)
          app.use((req, _res, next) => {
            Object.assign(req, { id: ids.shift() })
            next()
          })
        },
      },
    )
    const origins = originsOf(gate)
    const headers = {
      ...program,
      'X-Forwarded-For': `\u0085<b>${'9'.repeat(5000)}`,
      'User-Agent': `Mozilla/5.0\u0085\u009b31m ${'x'.repeat(5000)}`,
    }
    const count = ids.length
    for (let request = 0; request < count; request++) await browser.get(gate.url('/'), { headers })
    await until(() => origins.length === count)
    expect(origins.map(([, origin]) => origin?.requestId)).toEqual([
      'xy',
      'i'.repeat(200),
      undefined,
      undefined,
      '7',
      undefined,
    ])
    for (const [, origin] of origins) {
      expect(origin?.userAgent).toMatch(/^Mozilla\/5\.031m x+$/)
      expect(origin?.userAgent?.length).toBeLessThanOrEqual(512)
      expect(origin?.ipAddress).toMatch(/^<b>9+$/)
      expect(origin?.ipAddress?.length).toBeLessThanOrEqual(64)
    }
  })

  test('is not read while a user who is signed in only makes requests', async () => {
    let reads = 0
    const { gate, browser } = await start(
      {},
      {
        before: (app) =>
          void app.use((req, _res, next) => {
            Object.defineProperty(req, 'id', { get: () => ++reads })
            next()
          }),
      },
    )
    await logIn({ gate, browser })
    reads = 0
    for (let request = 0; request < 5; request++) await browser.get(gate.url('/'))
    expect([gate.reached.length, reads]).toEqual([6, 0])
    originsOf(gate)
    await browser.get(gate.url('/'))
    expect(reads).toBe(1)
  })
})
