import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import connect from 'connect'
import express, { type Express, Router } from 'express'
import express4 from 'express4'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import {
  memoryStore,
  oauthModule,
  type OAuthContext,
  type OAuthMiddleware,
  type OAuthModuleOptions,
} from '../../src/index.js'
import { SECRET, silent } from '../support/corpus.js'
import { fakeDate, realDate } from '../support/clock.js'
import { type Browser, createBrowser } from '../support/jar.js'
import { plainOf } from '../support/plain.js'
import { sendRawRequest } from '../support/raw.js'
import { listen, type Listening } from '../support/server.js'

type Handler = (req: IncomingMessage, res: ServerResponse) => void

let vendor: VendorServer
beforeAll(async () => {
  vendor = await startVendor('oauth2')
})
afterAll(() => vendor.close())

const running: Listening[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()))
  vendor.requests.length = 0
  realDate()
})

async function serve(handler: Handler): Promise<Listening> {
  const server = await listen(handler)
  running.push(server)
  return server
}

const gate = (options: Partial<OAuthModuleOptions> = {}): OAuthMiddleware =>
  oauthModule({ provider: { acme: plainOf(vendor) }, secret: SECRET, logger: silent, ...options })

interface Seen {
  app: string
  url: string
  user: string | null
  header: string | null
}

/** The response of an app: its name, and the user that it sees. */
const appNamed =
  (app: string): Handler =>
  (req, res) => {
    const { user, originalUrl } = req as IncomingMessage & {
      user?: { id: string }
      originalUrl?: string
    }
    const seen: Seen = {
      app,
      url: originalUrl ?? req.url ?? '',
      user: user?.id ?? null,
      header: String(req.headers['ngrok-auth-user-id'] ?? '') || null,
    }
    res.setHeader('Content-Type', 'application/json')
    res.end(JSON.stringify(seen))
  }

const redirectUris = () => [
  ...new Set(
    vendor.requests
      .filter(({ endpoint }) => endpoint === 'authorize')
      .map(({ query }) => query.get('redirect_uri') ?? ''),
  ),
]
const stopped = { follow: false as const }

async function expectLogin(browser: Browser, url: string, app: string): Promise<void> {
  const page = await browser.get(url)
  expect([page.status, page.url]).toEqual([200, url])
  const seen = JSON.parse(page.body) as Seen
  expect(seen).toMatchObject({ app, user: String(vendor.user.id), header: String(vendor.user.id) })
}

const session = (browser: Browser, url: string) =>
  browser.cookies(url).filter(({ key }) => key.endsWith('session'))
const newApps: [string, () => Express][] = [
  ['Express 5', () => express()],
  ['Express 4', () => express4()],
]

describe.each(newApps)('mounted in %s', (_, newApp) => {
  test('S-031 at the root: callback, cookie path and return path are at the root', async () => {
    const app = newApp().use(gate()).use(appNamed('root'))
    const { origin } = await serve(app)
    const browser = createBrowser()
    await expectLogin(browser, `${origin}/deep/er?x=1&y`, 'root')
    expect(redirectUris()).toEqual([`${origin}/auth/callback`])
    expect(session(browser, `${origin}/`).map(({ path }) => path)).toEqual(['/'])
  })

  test('S-031 at a path: everything is below it, and the rest of the site is open', async () => {
    const app = newApp()
    app.use('/app', gate(), appNamed('inside'))
    app.use(appNamed('outside'))
    const { origin } = await serve(app)
    const browser = createBrowser()
    await expectLogin(browser, `${origin}/app/deep?x=1`, 'inside')
    expect(redirectUris()).toEqual([`${origin}/app/auth/callback`])
    expect(session(browser, `${origin}/app/x`).map(({ path }) => path)).toEqual(['/app'])
    expect(session(browser, `${origin}/`)).toEqual([])
    const free = await createBrowser().get(`${origin}/auth/authn`, stopped)
    expect(JSON.parse(free.body)).toMatchObject({ app: 'outside', user: null })
    const bare = await createBrowser().get(`${origin}/app`)
    expect([bare.status, new URL(bare.url).pathname]).toEqual([200, '/app'])
  })

  test('S-031 in nested routers: the mount is the whole path', async () => {
    const app = newApp()
    const inner = Router()
    const outer = Router()
    inner.use(gate(), appNamed('nested'))
    outer.use('/b', inner)
    app.use('/a', outer)
    const { origin } = await serve(app)
    const browser = createBrowser()
    await expectLogin(browser, `${origin}/a/b/deep?x=1`, 'nested')
    expect(redirectUris()).toEqual([`${origin}/a/b/auth/callback`])
    expect(session(browser, `${origin}/a/b/x`).map(({ path }) => path)).toEqual(['/a/b'])
    const out = await browser.get(`${origin}/a/b/auth/logout`, {
      headers: { 'Sec-Fetch-Site': 'same-origin' },
    })
    expect([out.status, session(browser, `${origin}/a/b/x`)]).toEqual([200, []])
  })

  test('S-047 below a route parameter, a path that a URL cannot contain is not redirected to', async () => {
    const app = newApp()
    const both = { a: plainOf(vendor), b: plainOf(vendor) }
    app.use('/:tenant', gate({ provider: both }), appNamed('tenants'))
    const { port } = await serve(app)
    for (const target of [
      '/\\evil.example/x',
      '/\\evil.example',
      '/\\/evil.example/x',
      '/a;b/x',
      '/a"b/x',
      '/a\\b/x',
    ]) {
      for (const path of [target, `${target}/auth/authn`, `${target}/auth/logout`]) {
        const answer = await sendRawRequest(port, { target: path })
        expect([
          path,
          answer.status,
          answer.headers['location'],
          answer.headers['set-cookie'],
        ]).toEqual([path, 404, undefined, undefined])
        expect(answer.body).not.toContain('evil.example')
      }
    }
    const fine = await sendRawRequest(port, { target: '/acme/x' })
    expect([fine.status, fine.headers['location']?.startsWith('/acme/auth/authn?')]).toEqual([
      302,
      true,
    ])
  })

  test('below a route parameter, a disabled gate rejects no request, and builds no URL from such a path', async () => {
    const app = newApp()
    app.use('/:tenant', gate({ enabled: false }))
    app.use((req: IncomingMessage & { oauth?: OAuthContext }, res: ServerResponse) =>
      res.end(JSON.stringify([req.oauth?.loginUrl(), req.headers])),
    )
    const { port } = await serve(app)
    for (const target of ['/a;b/x', '/a|b/x', '/\\evil.example/x']) {
      const answer = await sendRawRequest(port, {
        target,
        headers: ['ngrok-auth-user-id: attacker'],
      })
      expect([target, answer.status]).toEqual([target, 200])
      expect(answer.body).toMatch(/^\["\/auth\/authn\?/)
      expect(answer.body).not.toContain('attacker')
    }
  })

  test('S-009 below a route parameter, the number of remembered mounts is limited', async () => {
    const app = newApp()
    app.use('/:tenant', gate(), appNamed('tenants'))
    const { server, port } = await serve(app)
    for (let turn = 0; turn < 300; turn++) await sendRawRequest(port, { target: `/t${turn}/x` })
    const known: unknown = Reflect.get(server, Symbol.for('oauth-module.instances'))
    expect(known).toBeInstanceOf(Map)
    expect((known as Map<string, unknown>).size).toBeLessThanOrEqual(256)
  })

  test('S-031 behind a middleware that rewrites req.url: the original URL decides', async () => {
    const app = newApp()
    app.use((req, _res, next) => {
      if (req.url.startsWith('/hidden')) req.url = '/public'
      if (req.url.startsWith('/trick')) req.url = '/auth/session'
      next()
    })
    app.use(gate(), appNamed('rewritten'))
    const { origin } = await serve(app)
    const browser = createBrowser()
    const out = await createBrowser().get(`${origin}/hidden?x=1`, stopped)
    expect([out.status, out.location?.startsWith(vendor.origin)]).toEqual([302, true])
    const page = await browser.get(`${origin}/hidden?x=1`)
    expect([page.status, page.url]).toEqual([200, `${origin}/hidden?x=1`])
    expect((await createBrowser().get(`${origin}/trick`, stopped)).status).toBe(302)
  })

  test('S-031 behind a middleware that rewrites a special path: it stays special', async () => {
    const app = newApp()
    app.use((req, _res, next) => {
      req.url = `/v1${req.url}`
      next()
    })
    app.use(gate(), appNamed('moved'))
    const { origin } = await serve(app)
    await expectLogin(createBrowser(), `${origin}/x?y=1`, 'moved')
    expect((await createBrowser().get(`${origin}/auth/nothing`)).status).toBe(404)
  })

  test('behind a proxy with `trust proxy`: scheme and host are those of the client', async () => {
    const app = newApp()
    app.set('trust proxy', 1)
    app.use(gate(), appNamed('proxied'))
    const { port } = await serve(app)
    const forwarded = ['X-Forwarded-Proto: https', 'X-Forwarded-Host: app.example.com']
    const begun = await sendRawRequest(port, { target: '/deep', headers: forwarded })
    expect(new URL(begun.headers['location'] ?? '').searchParams.get('redirect_uri')).toBe(
      'https://app.example.com/auth/callback',
    )
    expect(begun.headers['set-cookie']).toMatch(/^__Host-ngrok\.nonce\.[0-9a-f]{8}=.*; Secure/)
    const { headers } = await fetch(begun.headers['location'] ?? '', { redirect: 'manual' })
    const callback = headers.get('location')
    const { search } = new URL(callback ?? '')
    const last = await sendRawRequest(port, {
      target: `/auth/callback${search}`,
      headers: [...forwarded, `Cookie: ${begun.headers['set-cookie']?.split(';')[0]}`],
    })
    expect([last.status, last.headers['location']]).toEqual([302, '/deep'])
    expect(last.headers['set-cookie']).toMatch(/__Host-ngrok\.session=[^;]+; .*Path=\/; .*Secure/)
  })

  test('behind a proxy without `trust proxy`: its headers are ignored', async () => {
    const app = newApp()
    app.use(gate(), appNamed('proxied'))
    const { origin, port } = await serve(app)
    const headers = [
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: evil.example',
      'Forwarded: host=evil.example;proto=https',
    ]
    const begun = await sendRawRequest(port, { target: '/deep', headers })
    expect(new URL(begun.headers['location'] ?? '').searchParams.get('redirect_uri')).toBe(
      `${origin}/auth/callback`,
    )
    expect(begun.headers['set-cookie']).not.toContain('Secure')
  })

  test('behind a proxy that removes a prefix, with baseUrl: URLs for the client have the prefix', async () => {
    const app = newApp()
    const { server, origin } = await serve((req, res) => {
      // The proxy: /shop/x arrives as /x.
      req.url = (req.url ?? '/').replace(/^\/shop(?=\/|$)/, '') || '/'
      app(req as never, res as never)
    })
    app.use(gate({ baseUrl: `${origin}/shop` }), appNamed('prefixed'))
    const browser = createBrowser()
    await expectLoginAt(browser, `${origin}/shop/deep?x=1`)
    expect(redirectUris()).toEqual([`${origin}/shop/auth/callback`])
    expect(session(browser, `${origin}/shop/x`).map(({ path }) => path)).toEqual(['/shop'])
    expect(server.listening).toBe(true)
  })

  test('with baseUrl a request to another host is redirected to it before the login starts', async () => {
    const app = newApp()
    const { origin, port } = await serve(app)
    app.use(gate({ baseUrl: origin }), appNamed('canonical'))
    const other = `http://127.0.0.1:${port}`
    const page = await createBrowser().get(`${other}/deep?x=1`)
    expect([page.status, page.url]).toEqual([200, `${origin}/deep?x=1`])
    expect(redirectUris()).toEqual([`${origin}/auth/callback`])
  })
})

async function expectLoginAt(browser: Browser, url: string): Promise<void> {
  const page = await browser.get(url)
  expect([page.status, page.url, (JSON.parse(page.body) as Seen).user]).toEqual([
    200,
    url,
    String(vendor.user.id),
  ])
}

const assemblies: [
  string,
  (parts: { first: Handler & OAuthMiddleware; second: Handler & OAuthMiddleware }) => Handler,
][] = [
  [
    'Express 5',
    ({ first, second }) =>
      express().use('/one', first, appNamed('one')).use('/two', second, appNamed('two')),
  ],
  [
    'Express 4',
    ({ first, second }) =>
      (express4() as unknown as Express)
        .use('/one', first, appNamed('one'))
        .use('/two', second, appNamed('two')),
  ],
  [
    'Connect',
    ({ first, second }) =>
      connect()
        .use('/one', first)
        .use('/one', appNamed('one'))
        .use('/two', second)
        .use('/two', appNamed('two')),
  ],
]

describe.each(assemblies)('two instances side by side in %s', (_, assemble) => {
  const sideBySide = async (a: Partial<OAuthModuleOptions>, b: Partial<OAuthModuleOptions>) => {
    const parts = { first: gate(a), second: gate(b) } as {
      first: Handler & OAuthMiddleware
      second: Handler & OAuthMiddleware
    }
    return serve(assemble(parts))
  }

  test('S-004, S-045 at two paths with one store and secret each have their own login and cookie', async () => {
    const store = memoryStore()
    const { origin, port } = await sideBySide({ store }, { store })
    const browser = createBrowser()
    await expectLogin(browser, `${origin}/one/x`, 'one')
    const second = await browser.get(`${origin}/two/x`, stopped)
    expect([second.status, second.location?.startsWith(vendor.origin)]).toEqual([302, true])
    const [cookie] = session(browser, `${origin}/one/x`)
    const replayed = await sendRawRequest(port, {
      target: '/two/x',
      headers: [`Cookie: ${cookie?.key}=${cookie?.value}`],
    })
    expect(replayed.status).toBe(302)
    await expectLogin(browser, `${origin}/two/x`, 'two')
    expect(session(browser, `${origin}/two/x`)[0]?.value).not.toBe(cookie?.value)
  })

  test('S-004 reject the states of each other', async () => {
    const { origin } = await sideBySide({}, {})
    const browser = createBrowser()
    const back = await browser.get(`${origin}/one/x`, {
      follow: (url) => !url.includes('/auth/callback'),
    })
    const stolen = await browser.get(String(back.location).replace('/one/', '/two/'), stopped)
    expect([stolen.status, session(browser, `${origin}/two/x`)]).toEqual([400, []])
  })

  test('keep their session when the other is logged out', async () => {
    const store = memoryStore()
    const { origin } = await sideBySide({ store }, { store })
    const browser = createBrowser()
    await expectLogin(browser, `${origin}/one/x`, 'one')
    await expectLogin(browser, `${origin}/two/x`, 'two')
    expect(
      (
        await browser.get(`${origin}/two/auth/logout`, {
          headers: { 'Sec-Fetch-Site': 'same-origin' },
        })
      ).status,
    ).toBe(200)
    expect((await browser.get(`${origin}/one/x`, stopped)).status).toBe(200)
    expect((await browser.get(`${origin}/two/x`, stopped)).status).toBe(302)
    // A login at the one is none of the other's business either.
    await expectLogin(browser, `${origin}/two/x`, 'two')
    expect((await browser.get(`${origin}/one/x`, stopped)).status).toBe(200)
  })

  test('with one id, store and cookie share the login and the logout', async () => {
    const shared = { store: memoryStore(), id: 'shared', cookie: { path: '/' } }
    const { origin } = await sideBySide(shared, shared)
    const browser = createBrowser()
    await expectLogin(browser, `${origin}/one/x`, 'one')
    const second = await browser.get(`${origin}/two/x`, stopped)
    expect([second.status, (JSON.parse(second.body) as Seen).app]).toEqual([200, 'two'])
    await browser.get(`${origin}/two/auth/logout`, { headers: { 'Sec-Fetch-Site': 'same-origin' } })
    expect((await browser.get(`${origin}/one/x`, stopped)).status).toBe(302)
  })

  test('with one id and two stores share nothing', async () => {
    const shared = { id: 'shared', cookie: { path: '/' } }
    const { origin } = await sideBySide(shared, shared)
    const browser = createBrowser()
    await expectLogin(browser, `${origin}/one/x`, 'one')
    expect((await browser.get(`${origin}/two/x`, stopped)).status).toBe(302)
  })
})

test('at one mount, with their own prefixes, special paths and ids, stay separate', async () => {
  const store = memoryStore()
  const one = gate({ store, id: 'one' })
  const two = gate({ store, id: 'two', cookiePrefix: 'two.', basePath: '/auth-two' })
  const apps = { one: appNamed('one'), two: appNamed('two') }
  const { origin } = await serve((req, res) => {
    const isSecond = /^\/(?:two|auth-two)\//.test(req.url ?? '')
    if (isSecond) two(req, res, () => apps.two(req, res))
    else one(req, res, () => apps.one(req, res))
  })
  const browser = createBrowser()
  await expectLogin(browser, `${origin}/one/x`, 'one')
  expect((await browser.get(`${origin}/two/x`, stopped)).status).toBe(302)
  await expectLogin(browser, `${origin}/two/x`, 'two')
  await browser.get(`${origin}/auth/logout`, { headers: { 'Sec-Fetch-Site': 'same-origin' } })
  expect((await browser.get(`${origin}/two/x`, stopped)).status).toBe(200)
  expect((await browser.get(`${origin}/one/x`, stopped)).status).toBe(302)
  // The cookie of one is invalid under the name of the other.
  const [cookie] = session(browser, `${origin}/two/x`)
  expect(
    (
      await createBrowser().get(`${origin}/one/x`, {
        ...stopped,
        headers: { Cookie: `ngrok.session=${cookie?.value}` },
      })
    ).status,
  ).toBe(302)
})

describe.each(newApps)('nested instances in %s', (_, newApp) => {
  async function nested(
    inner: Partial<OAuthModuleOptions> = {},
    outer: Partial<OAuthModuleOptions> = {},
  ) {
    const app = newApp()
    const store = memoryStore()
    app.use('/', gate({ store, ...outer }))
    app.use('/admin', gate({ store, ...inner }), appNamed('admin'))
    app.use(appNamed('app'))
    return serve(app)
  }

  test('require both logins, have a cookie each, and logging out of the inner one keeps the outer one', async () => {
    const { origin } = await nested()
    const browser = createBrowser()
    await expectLogin(browser, `${origin}/x`, 'app')
    await expectLogin(browser, `${origin}/admin/x`, 'admin')
    expect(
      session(browser, `${origin}/admin/x`)
        .map(({ path }) => path)
        .sort(),
    ).toEqual(['/', '/admin'])
    // Both again, in one request: neither takes the other's cookie for a forged or a dead one.
    expect((await browser.get(`${origin}/admin/x`, stopped)).status).toBe(200)
    await browser.get(`${origin}/admin/auth/logout`, {
      headers: { 'Sec-Fetch-Site': 'same-origin' },
    })
    expect((await browser.get(`${origin}/x`, stopped)).status).toBe(200)
    expect((await browser.get(`${origin}/admin/x`, stopped)).status).toBe(302)
  })

  test('logging out of the outer one blocks the inner one too, without ending its session', async () => {
    const { origin } = await nested()
    const browser = createBrowser()
    await expectLogin(browser, `${origin}/x`, 'app')
    await expectLogin(browser, `${origin}/admin/x`, 'admin')
    await browser.get(`${origin}/auth/logout`, { headers: { 'Sec-Fetch-Site': 'same-origin' } })
    expect((await browser.get(`${origin}/admin/x`, stopped)).status).toBe(302)
    await expectLogin(browser, `${origin}/x`, 'app')
    expect((await browser.get(`${origin}/admin/x`, stopped)).status).toBe(200)
  })

  test('neither lifetime nor inactivity timeout of the inner one ends a session of the outer one', async () => {
    for (const inner of [{ maximumDuration: 3600 }, { inactivityTimeout: 3600 }]) {
      const clock = fakeDate()
      const store = memoryStore()
      const app = newApp()
      // The browser sends the outer one's cookie to both.
      app.use('/admin', gate({ store, ...inner }), appNamed('admin'))
      app.use('/', gate({ store }), appNamed('app'))
      const { origin } = await serve(app)
      const browser = createBrowser()
      await expectLogin(browser, `${origin}/x`, 'app')
      clock.forward(7200)
      expect((await browser.get(`${origin}/admin/x`, stopped)).status).toBe(302)
      expect((await browser.get(`${origin}/x`, stopped)).status).toBe(200)
    }
  })

  test('an inner one whose rules do not match denies only its own paths', async () => {
    const { origin } = await nested({
      provider: { acme: plainOf(vendor, { emailDomains: ['other.example'] }) },
    })
    const browser = createBrowser()
    await expectLogin(browser, `${origin}/x`, 'app')
    expect((await browser.get(`${origin}/admin/x`)).status).toBe(403)
    expect((await browser.get(`${origin}/x`, stopped)).status).toBe(200)
  })

  test('the headers are those of the innermost gate', async () => {
    const { origin } = await nested({ headerPrefix: 'x-inner-' })
    const browser = createBrowser()
    await browser.get(`${origin}/x`)
    const page = await browser.get(`${origin}/admin/x`)
    // The inner gate strips `ngrok-auth-*` like everything that comes from outside of it.
    expect(JSON.parse(page.body)).toMatchObject({ app: 'admin', header: null })
  })

  test('S-077 each of two gates with different header names decrypts only its own tokens, and only those it forwards', async () => {
    const app = newApp()
    app.use(gate({ headerPrefix: 'x-outer-', forwardTokens: true, cookiePrefix: 'outer.' }))
    app.use(
      '/in',
      gate({ headerPrefix: 'x-inner-', forwardTokens: 'access', cookiePrefix: 'inner.' }),
    )
    app.use((req: IncomingMessage, res: ServerResponse) => res.end(JSON.stringify(req.headers)))
    const { origin } = await serve(app)
    const browser = createBrowser()
    const headers = async (path: string) =>
      JSON.parse((await browser.get(origin + path)).body) as Record<string, string>
    const outer = await headers('/')
    const both = await headers('/in/')
    expect(both['x-inner-oauth-access-token']).toEqual(expect.any(String))
    expect(both['x-inner-oauth-access-token']).not.toBe(outer['x-outer-oauth-access-token'])
    for (const name of ['x-outer-oauth-access-token', 'x-outer-oauth-refresh-token'])
      expect(both[name]).toBe(outer[name])
  })
})

describe('mounted in Connect', () => {
  test('S-031 at a path: callback and return path are below it', async () => {
    const app = connect()
      .use('/app', gate())
      .use('/app', appNamed('connect'))
      .use(appNamed('outside'))
    const { origin } = await serve(app)
    const browser = createBrowser()
    for (const path of ['/app/deep?x=1', '/app/?x', '/app?x=1', '/app'])
      await expectLoginAt(createBrowser(), `${origin}${path}`)
    await expectLogin(browser, `${origin}/app/deep`, 'connect')
    expect(redirectUris()).toEqual([`${origin}/app/auth/callback`])
    expect(session(browser, `${origin}/app/x`).map(({ path }) => path)).toEqual(['/app'])
    expect(JSON.parse((await createBrowser().get(`${origin}/other`, stopped)).body)).toMatchObject({
      app: 'outside',
      user: null,
    })
  })

  test('S-010 X-Forwarded-* is never read', async () => {
    const { origin, port } = await serve(connect().use(gate()).use(appNamed('connect')))
    const begun = await sendRawRequest(port, {
      headers: ['X-Forwarded-Host: evil.example', 'X-Forwarded-Proto: https'],
    })
    expect(new URL(begun.headers['location'] ?? '').searchParams.get('redirect_uri')).toBe(
      `${origin}/auth/callback`,
    )
  })
})

describe('in front of plain node:http', () => {
  test('the app runs as next(), with and without baseUrl', async () => {
    const middleware = gate()
    const app = appNamed('bare')
    const { origin } = await serve((req, res) => middleware(req, res, () => app(req, res)))
    const browser = createBrowser()
    await expectLogin(browser, `${origin}/deep?x=1`, 'bare')
    expect(redirectUris()).toEqual([`${origin}/auth/callback`])
    const server = createServer()
    const behind = await serve((req, res) => server.emit('request', req, res))
    const second = gate({ baseUrl: `${behind.origin}/base` })
    server.on('request', (req: IncomingMessage, res: ServerResponse) => {
      req.url = (req.url ?? '/').replace(/^\/base(?=\/|$)/, '') || '/'
      second(req, res, () => app(req, res))
    })
    await expectLoginAt(createBrowser(), `${behind.origin}/base/deep`)
    expect(redirectUris()).toContain(`${behind.origin}/base/auth/callback`)
  })
})
