import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import express from 'express'
import {
  memoryStore,
  oauthModule,
  type OAuthModuleOptions,
  type SessionStore,
  type StoreRecord,
} from '../../src/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { tried, triedTimes } from '../support/cases.js'
import { fakeDate, realDate } from '../support/clock.js'
import {
  bodyOf,
  cookieLine,
  oidcOf,
  secret,
  startGate,
  stopAll,
  stopping,
  toCallback,
  valueOfCookie,
} from '../support/gate.js'
import { createBrowser } from '../support/jar.js'

let vendor: VendorServer

beforeAll(async () => {
  vendor = stopping(await startVendor('oidc'))
})
afterEach(realDate)
afterAll(stopAll)

const start = (options: Partial<OAuthModuleOptions> = {}) =>
  startGate({ provider: { idp: oidcOf(vendor) }, ...options })

async function rows(store: SessionStore): Promise<number | undefined> {
  return (await store.entries?.({ kind: 'session', limit: 1000 }))?.entries.length
}

describe('the session id', () => {
  test('S-054 is a new one at every login, and the old one becomes invalid', async () => {
    const store = memoryStore()
    const gate = await start({ store })
    const browser = createBrowser()
    await browser.get(gate.url('/'))
    const first = valueOfCookie(browser, gate.origin)
    await browser.get(gate.url('/auth/authn'))
    const second = valueOfCookie(browser, gate.origin)
    expect(second).not.toBe(first)
    expect(await rows(store)).toBe(1)
    const old = await createBrowser().get(gate.url('/'), {
      follow: false,
      headers: { Cookie: `ngrok.session=${first}` },
    })
    expect(old.status).toBe(302)
    expect(
      (await createBrowser().get(gate.url('/'), { headers: { Cookie: `ngrok.session=${second}` } }))
        .status,
    ).toBe(200)
  })

  test('S-054 S-056 of the browser is never reused, known or not', async () => {
    const gate = await start()
    const other = createBrowser()
    await other.get(gate.url('/'))
    const planted = ['A'.repeat(43), valueOfCookie(other, gate.origin)]
    for (const id of tried(planted)) {
      const browser = createBrowser()
      browser.setCookie(`ngrok.session=${id}; Path=/`, gate.origin)
      await browser.get(gate.url('/auth/authn'))
      expect(valueOfCookie(browser, gate.origin)).not.toBe(id)
    }
  })

  test('S-055 has 256 random bits, and the store never sees it', async () => {
    const seen: string[] = []
    const inner = memoryStore()
    const store: SessionStore = {
      ...inner,
      set: (key, record, ttl) => (
        seen.push(key, JSON.stringify(record)),
        inner.set(key, record, ttl)
      ),
    }
    const gate = await start({ store })
    const ids = new Set<string>()
    for (let count = 0; count < 20; count++) {
      const browser = createBrowser()
      await browser.get(gate.url('/'))
      ids.add(valueOfCookie(browser, gate.origin))
    }
    triedTimes(20)
    expect(ids.size).toBe(20)
    for (const id of ids) {
      expect(id).toMatch(/^[A-Za-z0-9_-]{43}$/)
      expect(seen.some((text) => text.includes(id))).toBe(false)
    }
  })

  test('S-055 that is malformed causes no store read; a well-formed one causes one', async () => {
    let reads = 0
    const inner = memoryStore()
    const gate = await start({
      store: { ...inner, get: (key: string) => (reads++, inner.get(key)) },
    })
    for (const value of tried([
      '',
      'x',
      'A'.repeat(42),
      'A'.repeat(44),
      `${'A'.repeat(42)}=`,
      `"${'A'.repeat(43)}"`,
      `${'A'.repeat(42)}ä`,
    ])) {
      const page = await createBrowser().get(gate.url('/'), {
        follow: false,
        headers: { Cookie: `ngrok.session=${encodeURI(value)}` },
      })
      expect(page.status).toBe(302)
    }
    expect(reads).toBe(0)
    await createBrowser().get(gate.url('/'), {
      follow: false,
      headers: { Cookie: `ngrok.session=${'A'.repeat(43)}` },
    })
    expect(reads).toBe(1)
  })

  test('S-067 is searched in at most four cookies of our name', async () => {
    let reads = 0
    const inner = memoryStore()
    const gate = await start({
      store: { ...inner, get: (key: string) => (reads++, inner.get(key)) },
    })
    const browser = createBrowser()
    await browser.get(gate.url('/'))
    const good = `ngrok.session=${valueOfCookie(browser, gate.origin)}`
    const bad = (count: number) =>
      Array.from(
        { length: count },
        (_, index) => `ngrok.session=${String(index).repeat(43).slice(0, 43)}`,
      )
    const statusOf = async (cookies: string[]) =>
      (
        await createBrowser().get(gate.url('/'), {
          follow: false,
          headers: { Cookie: cookies.join('; ') },
        })
      ).status
    expect(await statusOf([...bad(3), good])).toBe(200)
    expect(await statusOf([...bad(4), good])).toBe(302)
    reads = 0
    expect(await statusOf([good, ...bad(3)])).toBe(200)
    expect(reads).toBe(1)
  })
})

describe('lifetimes', () => {
  test('S-063 a request before the inactivity timeout passes and counts as activity, one after it does not pass', async () => {
    const clock = fakeDate()
    const store = memoryStore()
    const gate = await start({ inactivityTimeout: 600, store })
    const browser = createBrowser()
    await browser.get(gate.url('/'))
    for (let count = 0; count < 4; count++) {
      clock.forward(599)
      expect((await browser.get(gate.url('/'), { follow: false })).status).toBe(200)
    }
    clock.forward(601)
    expect((await browser.get(gate.url('/'), { follow: false })).status).toBe(302)
    await gate.middleware.close()
    expect(await rows(store)).toBe(0)
  })

  test('S-063 one process is exact although not every request is written', async () => {
    const clock = fakeDate()
    const gate = await start({ inactivityTimeout: 600 })
    const browser = createBrowser()
    await browser.get(gate.url('/'))
    const statusOf = async () => (await browser.get(gate.url('/'), { follow: false })).status
    clock.forward(50)
    expect(await statusOf()).toBe(200)
    clock.forward(599)
    expect(await statusOf()).toBe(200)
    clock.forward(601)
    expect(await statusOf()).toBe(302)
  })

  test('S-063 activity is written rarely, and another process does not end a session late', async () => {
    const clock = fakeDate()
    const store = memoryStore()
    const [one, two] = [
      await start({ inactivityTimeout: 600, store }),
      await start({ inactivityTimeout: 600, store }),
    ]
    const browser = createBrowser()
    await browser.get(one.url('/'))
    const Cookie = `ngrok.session=${valueOfCookie(browser, one.origin)}`
    clock.forward(100)
    await browser.get(one.url('/'))
    clock.forward(590)
    expect(
      (await createBrowser().get(two.url('/'), { follow: false, headers: { Cookie } })).status,
    ).toBe(200)
    clock.forward(601)
    expect(
      (await createBrowser().get(two.url('/'), { follow: false, headers: { Cookie } })).status,
    ).toBe(302)
  })

  test('S-064 the maximum duration ends a session regardless of activity', async () => {
    const clock = fakeDate()
    const gate = await start({ inactivityTimeout: 100, maximumDuration: 1000 })
    const browser = createBrowser()
    const { setCookie } = await browser.get(await toCallback(browser, gate.url('/')), {
      follow: false,
    })
    expect(cookieLine(setCookie, 'ngrok.session')).toContain('Max-Age=1000;')
    const Cookie = `ngrok.session=${valueOfCookie(browser, gate.origin)}`
    for (let time = 90; time < 1000; time += 90) {
      clock.forward(90)
      expect(
        (await createBrowser().get(gate.url('/'), { follow: false, headers: { Cookie } })).status,
      ).toBe(200)
    }
    clock.forward(11)
    expect(
      (await createBrowser().get(gate.url('/'), { follow: false, headers: { Cookie } })).status,
    ).toBe(302)
  })

  test.each<[string, Partial<OAuthModuleOptions>]>([
    ['S-063 the inactivity timeout', { inactivityTimeout: 600 }],
    ['S-064 the maximum duration', { maximumDuration: 600 }],
  ])(
    '%s applies with a store that does not expire records, and the row is deleted',
    async (_, limits) => {
      const clock = fakeDate()
      const inner = memoryStore()
      const store: SessionStore = {
        ...inner,
        set: (key, record) => inner.set(key, record, 10_000_000_000),
        update: (key, record) => inner.update(key, record, 10_000_000_000),
      }
      const gate = await start({ ...limits, store })
      const browser = createBrowser()
      await browser.get(gate.url('/'))
      const Cookie = `ngrok.session=${valueOfCookie(browser, gate.origin)}`
      const statusOf = async () =>
        (await createBrowser().get(gate.url('/'), { follow: false, headers: { Cookie } })).status
      clock.forward(599)
      expect(await statusOf()).toBe(200)
      clock.forward(601)
      expect(await statusOf()).toBe(302)
      await gate.middleware.close()
      expect(await rows(store)).toBe(0)
    },
  )

  test('without limits a session lasts 400 days', async () => {
    const clock = fakeDate()
    const gate = await start()
    const browser = createBrowser()
    const { setCookie } = await browser.get(await toCallback(browser, gate.url('/')), {
      follow: false,
    })
    expect(cookieLine(setCookie, 'ngrok.session')).toContain(`Max-Age=${400 * 86_400};`)
    const Cookie = `ngrok.session=${valueOfCookie(browser, gate.origin)}`
    clock.forward(399 * 86_400)
    expect(
      (await createBrowser().get(gate.url('/'), { follow: false, headers: { Cookie } })).status,
    ).toBe(200)
    clock.forward(86_401)
    expect(
      (await createBrowser().get(gate.url('/'), { follow: false, headers: { Cookie } })).status,
    ).toBe(302)
  })

  test('S-065 a clock that steps back does not extend a session, one that steps forward ends it', async () => {
    const clock = fakeDate(Date.UTC(2038, 0, 19, 3, 0, 0))
    const gate = await start({ maximumDuration: 3600 })
    const login = async () => {
      const browser = createBrowser()
      await browser.get(gate.url('/'))
      return `ngrok.session=${valueOfCookie(browser, gate.origin)}`
    }
    const statusOf = async (Cookie: string) =>
      (await createBrowser().get(gate.url('/'), { follow: false, headers: { Cookie } })).status
    const cookie = await login()
    clock.forward(-20)
    expect(await statusOf(cookie)).toBe(200)
    clock.forward(-3600)
    expect(await statusOf(cookie)).toBe(302)
    const second = await login()
    clock.forward(3601)
    expect(await statusOf(second)).toBe(302)
  })

  test('the remaining time is in req.oauth and in /auth/session, which does not count as activity', async () => {
    const clock = fakeDate()
    const gate = await start({ inactivityTimeout: 600, maximumDuration: 1000 })
    const browser = createBrowser()
    const at = Date.now()
    const { oauth } = bodyOf(await browser.get(gate.url('/')))
    expect(oauth).toMatchObject({
      createdAt: at,
      lastCheckedAt: at,
      sessionExpiresAt: at + 600_000,
    })
    clock.forward(500)
    const status = JSON.parse((await browser.get(gate.url('/auth/session'))).body)
    expect(status).toMatchObject({
      reason: null,
      expiresAt: at + 1_000_000,
      idleExpiresAt: at + 600_000,
    })
    clock.forward(99)
    expect(bodyOf(await browser.get(gate.url('/'))).oauth?.['sessionExpiresAt']).toBe(
      at + 1_000_000,
    )
  })
})

describe('ownership of a session', () => {
  test('S-045 a session is valid only for its instance, provider, issuer and client', async () => {
    const store = memoryStore()
    const other = stopping(await startVendor('oidc'))
    const gate = await start({ store, id: 'app' })
    const browser = createBrowser()
    await browser.get(gate.url('/'))
    const Cookie = `ngrok.session=${valueOfCookie(browser, gate.origin)}`
    const statusAt = async (options: Partial<OAuthModuleOptions>) => {
      const second = await start({ store, id: 'app', ...options })
      return (await createBrowser().get(second.url('/'), { follow: false, headers: { Cookie } }))
        .status
    }
    expect(await statusAt({})).toBe(200)
    expect(await statusAt({ inactivityTimeout: 60, pages: {} })).toBe(200)
    expect(await statusAt({ provider: { idp: oidcOf(vendor), second: oidcOf(other) } })).toBe(200)
    expect(await statusAt({ id: 'other' })).toBe(302)
    expect(await statusAt({ provider: { another: oidcOf(vendor) } })).toBe(302)
    expect(await statusAt({ provider: { idp: oidcOf(vendor, { clientId: 'another' }) } })).toBe(302)
    expect(await statusAt({ provider: { idp: oidcOf(other) } })).toBe(302)
  })

  test('changes to req.user do not affect other requests', async () => {
    const gate = await startGate(
      { provider: { idp: oidcOf(vendor) } },
      {
        routes: (app) =>
          app.get('/spoil', (req, res) => {
            const user = req.oauth.user as unknown as Record<string, unknown>
            const attempts = [
              () => (user['email'] = 'evil@example.com'),
              () => (user['admin'] = true),
              () => (user['organizations'] as string[]).push('evil'),
              () => ((user['claims'] as Record<string, unknown>)['admin'] = true),
            ]
            for (const attempt of attempts) {
              try {
                attempt()
              } catch {
                // Frozen: as good as unchanged.
              }
            }
            res.end('done')
          }),
      },
    )
    const browser = createBrowser()
    const before = bodyOf(await browser.get(gate.url('/'))).user
    expect((await browser.get(gate.url('/spoil'))).body).toBe('done')
    expect(bodyOf(await browser.get(gate.url('/'))).user).toEqual(before)
  })

  test('req.user keeps an earlier value, or stays unset if userProperty is false', async () => {
    const gate = await startGate(
      { provider: { idp: oidcOf(vendor) } },
      {
        before: (app) =>
          app.use((req, _res, next) => {
            Object.assign(req, { user: { mine: true } })
            next()
          }),
      },
    )
    expect(bodyOf(await createBrowser().get(gate.url('/')))).toMatchObject({
      user: { mine: true },
      oauth: { user: { id: 'user-1' } },
    })
    const without = await start({ userProperty: false })
    expect(bodyOf(await createBrowser().get(without.url('/')))).toMatchObject({
      user: null,
      oauth: { user: { id: 'user-1' } },
    })
  })

  test('req.oauth shows no tokens when inspected, and returns them by its methods', async () => {
    const found: unknown[] = []
    const gate = await startGate(
      { provider: { idp: oidcOf(vendor, { offlineAccess: true }) } },
      {
        routes: (app) =>
          app.get('/tokens', (req, res) => {
            const { oauth } = req
            found.push(
              oauth.accessToken,
              oauth.refreshToken,
              JSON.stringify(oauth),
              Object.keys(oauth),
              (req as { user?: unknown }).user === oauth.user,
            )
            res.end()
          }),
      },
    )
    await createBrowser().get(gate.url('/tokens'))
    const [access, refresh, json, keys, isSame] = found as [
      string,
      string,
      string,
      string[],
      boolean,
    ]
    expect([access, refresh].map((token) => token.length)).toEqual([40, 40])
    expect(json).not.toContain(access)
    expect(json).not.toContain(refresh)
    expect(keys).not.toContain('accessToken')
    expect(isSame).toBe(true)
  })

  test('getAccessToken() that refreshes updates the token, its header and its expiry', async () => {
    const clock = fakeDate()
    const other = stopping(await startVendor('oidc', { settings: { tokenLifetime: 60 } }))
    const gate = await startGate(
      { provider: { idp: oidcOf(other, { offlineAccess: true }) } },
      {
        routes: (app) =>
          app.get('/fresh', async ({ oauth, headers }, res) => {
            const before = [oauth.accessToken, oauth.accessTokenExpiresAt]
            const fresh = await oauth.getAccessToken()
            res.json({
              before,
              after: [oauth.accessToken, oauth.accessTokenExpiresAt],
              fresh,
              header: headers['ngrok-auth-oauth-access-token'],
            })
          }),
      },
    )
    const browser = createBrowser()
    await browser.get(gate.url('/'))
    const first = Date.now()
    clock.forward(120)
    const { before, after, fresh, header } = JSON.parse(
      (await browser.get(gate.url('/fresh'))).body,
    )
    expect(before).toEqual([expect.any(String), first + 60_000])
    expect(after).toEqual([fresh, Date.now() + 60_000])
    expect([header, fresh === before[0]]).toEqual([fresh, false])
  })

  test('tokens are encrypted in the store', async () => {
    const written: string[] = []
    const inner = memoryStore()
    const gate = await start({
      store: {
        ...inner,
        set: (key: string, record: StoreRecord, ttl: number) => (
          written.push(JSON.stringify(record)),
          inner.set(key, record, ttl)
        ),
      },
    })
    const { headers } = bodyOf(await createBrowser().get(gate.url('/')))
    const token = headers['ngrok-auth-oauth-access-token'] ?? ''
    expect(token).toHaveLength(40)
    expect(written.join()).not.toContain(token)
  })
})

describe('the cookie', () => {
  const attributesOf = (line: string) =>
    line
      .split('; ')
      .slice(1)
      .filter((part) => !/^(?:Max-Age|Expires)=/.test(part))
      .sort()

  test('S-057 over http on loopback is host-only, HttpOnly and Lax', async () => {
    const gate = await start()
    const browser = createBrowser()
    const begun = await browser.get(gate.url('/'), { follow: false })
    expect(begun.setCookie).toHaveLength(1)
    expect(begun.setCookie[0]).toMatch(
      /^ngrok\.nonce\.[0-9a-f]{8}=[A-Za-z0-9_-]{43}; Max-Age=600; /,
    )
    expect(attributesOf(begun.setCookie[0] ?? '')).toEqual(['HttpOnly', 'Path=/', 'SameSite=Lax'])
    const done = await browser.get(await toCallback(browser, gate.url('/')), { follow: false })
    expect(attributesOf(cookieLine(done.setCookie, 'ngrok.session'))).toEqual([
      'HttpOnly',
      'Path=/',
      'SameSite=Lax',
    ])
  })

  test('S-069 S-070 is set only at the login; the app may make its response public', async () => {
    const gate = await startGate(
      { provider: { idp: oidcOf(vendor) }, inactivityTimeout: 60 },
      {
        routes: (app) => {
          app.get(
            '/public',
            (_req, res) => void res.set('Cache-Control', 'public, max-age=60').end('x'),
          )
          app.get('/stream', (_req, res) => {
            res.flushHeaders()
            res.write('a')
            res.end('b')
          })
        },
      },
    )
    const browser = createBrowser()
    await browser.get(gate.url('/'))
    for (const path of ['/', '/public', '/stream']) {
      const page = await browser.get(gate.url(path))
      expect([page.status, page.setCookie]).toEqual([200, []])
      expect(page.headers['cache-control']).toBe(
        path === '/public' ? 'public, max-age=60' : 'private',
      )
    }
  })

  describe('over https', () => {
    const directory = mkdtempSync(join(tmpdir(), 'certificate-'))
    const servers: Server[] = []
    afterAll(() => {
      rmSync(directory, { recursive: true })
      for (const server of servers) server.close().closeAllConnections()
    })

    async function serve(options: Partial<OAuthModuleOptions>, mount = '/'): Promise<string> {
      const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
      const args = [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '1',
        '-subj',
        '/CN=localhost',
        '-keyout',
        key,
        '-out',
        cert,
      ]
      if (servers.length === 0) execFileSync('openssl', args, { stdio: 'ignore' })
      const silent = () => undefined
      const auth = oauthModule({
        provider: { idp: oidcOf(vendor) },
        secret,
        logger: { debug: silent, info: silent, warn: silent, error: silent },
        ...options,
      })
      const app = express()
        .use(mount, auth)
        .use((req, res) => void res.json(req.oauth))
      const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, app)
      servers.push(server)
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      return `https://localhost:${(server.address() as AddressInfo).port}`
    }

    test.each<[string, Partial<OAuthModuleOptions>, string, string, string[]]>([
      [
        'at the root',
        {},
        '/',
        '__Host-ngrok.session',
        ['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure'],
      ],
      [
        'at a mount',
        {},
        '/app',
        '__Secure-ngrok.session',
        ['HttpOnly', 'Path=/app', 'SameSite=Lax', 'Secure'],
      ],
      [
        'with a path',
        { cookie: { path: '/x' } },
        '/',
        '__Secure-ngrok.session',
        ['HttpOnly', 'Path=/x', 'SameSite=Lax', 'Secure'],
      ],
      [
        'with SameSite None',
        { cookie: { sameSite: 'None' } },
        '/',
        '__Host-ngrok.session',
        ['HttpOnly', 'Path=/', 'SameSite=None', 'Secure'],
      ],
      [
        'with another prefix',
        { cookiePrefix: 'acme_' },
        '/',
        '__Host-acme_session',
        ['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure'],
      ],
      [
        'without Secure',
        { cookie: { secure: false } },
        '/',
        'ngrok.session',
        ['HttpOnly', 'Path=/', 'SameSite=Lax'],
      ],
    ])(
      'S-057 S-058 S-059 the name and attributes of the cookie %s, and logging out removes it',
      async (_, options, mount, name, attributes) => {
        const origin = await serve(options, mount)
        const base = origin + (mount === '/' ? '' : mount)
        const browser = createBrowser()
        const callback = await toCallback(browser, `${base}/page`)
        const done = await browser.get(callback, { follow: false })
        const line = cookieLine(done.setCookie, name)
        expect(line.startsWith(`${name}=`)).toBe(true)
        expect(attributesOf(line)).toEqual(attributes)
        const nonce = cookieLine(
          done.setCookie,
          attributes.includes('Secure')
            ? `__Host-${options.cookiePrefix ?? 'ngrok.'}nonce.`
            : 'ngrok.nonce.',
        )
        expect(attributesOf(nonce)).toContain('Path=/')
        const gone = await browser.get(`${base}/auth/logout`)
        expect(attributesOf(cookieLine(gone.setCookie, name))).toEqual(attributes)
        expect(cookieLine(gone.setCookie, name)).toMatch(/Max-Age=0; .*Expires=Thu, 01 Jan 1970/)
        expect(browser.cookies(`${base}/x/`)).toEqual([])
      },
    )

    test('S-058 exactly one cookie name is read: over https the plain one is ignored', async () => {
      const origin = await serve({})
      const browser = createBrowser()
      await browser.get(`${origin}/`)
      const id = valueOfCookie(browser, origin, '__Host-ngrok.session')
      const statusWith = async (name: string) =>
        (
          await createBrowser().get(`${origin}/`, {
            follow: false,
            headers: { Cookie: `${name}=${id}` },
          })
        ).status
      expect(await statusWith('__Host-ngrok.session')).toBe(200)
      for (const name of [
        'ngrok.session',
        '__Secure-ngrok.session',
        '__host-ngrok.session',
        '__Host-ngrok.Session',
      ])
        expect(await statusWith(name)).toBe(302)
    })
  })

  test('behind a proxy that Express trusts, the scheme is that of the proxy', async () => {
    const forwarded = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'app.example' }
    const trusting = await startGate(
      { provider: { idp: oidcOf(vendor) } },
      { before: (app) => void app.set('trust proxy', 'loopback') },
    )
    const page = await createBrowser().get(trusting.url('/'), { follow: false, headers: forwarded })
    expect(page.setCookie[0]).toMatch(/^__Host-ngrok\.nonce\./)
    expect(new URL(page.location ?? '').searchParams.get('redirect_uri')).toBe(
      'https://app.example/auth/callback',
    )
    const wary = await start()
    const other = await createBrowser().get(wary.url('/'), { follow: false, headers: forwarded })
    expect(other.setCookie[0]).toMatch(/^ngrok\.nonce\./)
    expect(new URL(other.location ?? '').searchParams.get('redirect_uri')).toBe(
      wary.url('/auth/callback'),
    )
  })
})
