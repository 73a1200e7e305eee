import { EventEmitter } from 'node:events'
import http2, { type Http2Server, type OutgoingHttpHeaders } from 'node:http2'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import type { OAuthModuleOptions, SessionStore } from '../../src/index.js'
import { memoryStore, type OAuthMiddleware, oauthModule } from '../../src/index.js'
import {
  bodyOf,
  type Gate,
  oidcOf,
  secret,
  startGate,
  stopAll,
  stopping,
  toCallback,
  valueOfCookie,
} from '../support/gate.js'
import { createBrowser, linksOf, type Page } from '../support/jar.js'
import { codeOf, loggedIn, program } from '../support/recheck.js'

let vendor: VendorServer
let gate: Gate

beforeAll(async () => {
  vendor = stopping(await startVendor('oidc'))
  gate = await startGate({ provider: { idp: oidcOf(vendor) } })
})
afterEach(() => void jest.useRealTimers())
afterAll(stopAll)

type Headers = Record<string, string | undefined>

const start = (options: Partial<OAuthModuleOptions> = {}, mount = '/') =>
  startGate({ provider: { idp: oidcOf(vendor) }, ...options }, { mount })

/** A browser without Fetch Metadata, as on plain http hosts or in old versions. */
const silent: Headers = {
  'Sec-Fetch-Mode': undefined,
  'Sec-Fetch-Dest': undefined,
  'Sec-Fetch-Site': undefined,
  'Sec-Fetch-User': undefined,
}
const basic = { Authorization: 'Basic dXNlcjpwYXNz' }

describe('B3 what counts as a navigation', () => {
  const visit = (headers: Headers, method = 'GET', at = gate) =>
    createBrowser().request(method, at.url('/deep?x=1'), undefined, { follow: false, headers })

  test.each<[string, string, Headers]>([
    ['GET with Basic credentials of a proxy', 'GET', basic],
    ['GET with a bearer token', 'GET', { Authorization: 'Bearer x' }],
    ['GET with Negotiate', 'GET', { Authorization: 'Negotiate YII=' }],
    ['HEAD with Basic credentials', 'HEAD', basic],
    ['a form with Basic credentials', 'POST', basic],
    ['an Android web view', 'GET', { ...basic, 'X-Requested-With': 'com.example.app' }],
    ['a page that may also be JSON', 'GET', { Accept: 'text/html, application/json' }],
  ])('B3 %s: redirected', async (_, method, headers) => {
    const page = await visit(headers, method)
    expect([page.status, page.location?.startsWith(vendor.origin)]).toEqual([302, true])
  })

  test.each<[string, string, Headers, 'json' | 'html']>([
    ['fetch() with Basic credentials', 'GET', { ...program, ...basic }, 'json'],
    ['fetch() for HTML', 'GET', { 'Sec-Fetch-Mode': 'cors', Accept: 'text/html' }, 'json'],
    ['a same-origin fetch()', 'GET', { 'Sec-Fetch-Mode': 'same-origin' }, 'json'],
    ['XMLHttpRequest for HTML', 'GET', { ...silent, 'X-Requested-With': 'XMLHttpRequest' }, 'json'],
    ['XMLHttpRequest in lower case', 'GET', { 'X-Requested-With': 'xmlhttprequest' }, 'json'],
    ['JSON in a navigation', 'GET', { Accept: 'application/json' }, 'json'],
    ['an event stream', 'GET', { ...silent, Accept: 'text/event-stream' }, 'json'],
    ['curl with credentials', 'GET', { ...silent, ...basic, Accept: '*/*' }, 'json'],
    ['a script of a tool', 'DELETE', { ...silent, Accept: '*/*' }, 'json'],
    ['a frame with Basic credentials', 'GET', { ...basic, 'Sec-Fetch-Dest': 'iframe' }, 'html'],
    ['an embed', 'GET', { 'Sec-Fetch-Dest': 'embed' }, 'html'],
    ['a prefetch', 'GET', { ...basic, 'Sec-Purpose': 'prefetch;prerender' }, 'html'],
    ['an old browser with Basic credentials', 'GET', { ...silent, ...basic }, 'html'],
  ])('B3 %s: 401 without a login', async (_, method, headers, form) => {
    const page = await visit(headers, method)
    expect([page.status, page.setCookie]).toEqual([401, []])
    expect(page.headers).toMatchObject({
      'www-authenticate': 'Cookie realm="oauth-module"',
      'cache-control': 'no-store',
    })
    expect(page.headers['content-type']).toContain(form)
  })

  test('B3 a user who is allowed again passes at a reload with Basic credentials', async () => {
    let isAllowed = true
    const scene = await loggedIn('oidc', { options: { authorize: () => isAllowed } })
    isAllowed = false
    scene.clock.forward(301)
    expect((await scene.visit('/', basic)).status).toBe(403)
    isAllowed = true
    scene.clock.forward(6)
    expect((await scene.visit('/', { ...program, ...basic })).status).toBe(403)
    expect((await scene.visit('/', basic)).status).toBe(200)
  })
})

describe('B4 the login links of requests that a page sends', () => {
  const loginUrlOf = (page: Page) => String((JSON.parse(page.body) as Headers)['login_url'])
  const landingOf = async (loginUrl: string) => (await createBrowser().get(loginUrl)).url
  const ask = (headers: Headers, { at = gate, method = 'GET', path = '/api/items?x=1' } = {}) =>
    createBrowser().request(method, at.url(path), undefined, {
      follow: false,
      headers: { ...program, ...headers },
    })

  test.each(['GET', 'POST', 'PUT', 'DELETE', 'HEAD'])(
    'B4 of %s lead back to the page, not to the API',
    async (method) => {
      const page = await ask({ Referer: gate.url('/app/list?page=2') }, { method })
      expect(page.status).toBe(401)
      if (method === 'HEAD') return
      const loginUrl = loginUrlOf(page)
      expect(loginUrl).toMatch(new RegExp(`^${gate.origin}/auth/authn\\?return_token=`))
      expect(await landingOf(loginUrl)).toBe(gate.url('/app/list?page=2'))
    },
  )

  test.each<[string, () => string | undefined]>([
    ['is missing', () => undefined],
    ['belongs to another site', () => 'https://evil.example/app/list'],
    ['belongs to another port', () => 'http://localhost:1/app/list'],
    ['belongs to another scheme', () => gate.url('/app').replace('http:', 'https:')],
    ['is a special path', () => gate.url('/auth/logout')],
    ['is a special path in another spelling', () => gate.url('/x/../AUTH/logout')],
    ['is the origin only', () => `${gate.origin}/`],
    ['has two slashes', () => `${gate.origin}//evil.example/`],
    ['is no URL', () => '/app/list'],
    ['has no origin', () => 'about:blank'],
    ['has credentials of another host', () => `${gate.origin}@evil.example/`],
  ])('B4 lead to the root if the Referer %s', async (_, referer) => {
    const page = await ask({ Referer: referer() })
    expect(await landingOf(loginUrlOf(page))).toBe(gate.url('/'))
  })

  test('B4 lead to the root of the mount, or to a page next to it', async () => {
    const mounted = await start({}, '/team')
    const landing = async (referer?: string) =>
      landingOf(loginUrlOf(await ask({ Referer: referer }, { at: mounted, path: '/team/api' })))
    expect(await landing()).toBe(mounted.url('/team/'))
    expect(await landing(mounted.url('/team/page'))).toBe(mounted.url('/team/page'))
    const link = loginUrlOf(
      await ask({ Referer: mounted.url('/start') }, { at: mounted, path: '/team/api' }),
    )
    const landed = await createBrowser().get(link, { follow: (url) => !url.endsWith('/start') })
    expect(landed.location).toBe(mounted.url('/start'))
  })

  test('B4 name the origin of baseUrl, whose pages and those of the requested host count', async () => {
    const based = await start({ baseUrl: 'https://app.example/base' })
    for (const referer of ['https://app.example/base/p?q=1', based.url('/base/p?q=1')]) {
      const page = await ask({ Referer: referer }, { at: based })
      const link = new URL(loginUrlOf(page))
      expect(link.origin + link.pathname).toBe('https://app.example/base/auth/authn')
    }
  })

  test('B4 of a frame lead back to the page that contains it', async () => {
    for (const dest of ['iframe', 'frame', 'embed', 'object']) {
      const page = await createBrowser().get(gate.url('/widget'), {
        headers: { 'Sec-Fetch-Dest': dest, Referer: gate.url('/dashboard?d=1') },
      })
      expect(page.body).toContain('target="_top"')
      expect(await landingOf(linksOf(page)[0] ?? '')).toBe(gate.url('/dashboard?d=1'))
    }
  })

  test('B4 of /auth/session lead back to the page', async () => {
    const read = async (referer: string | undefined) => {
      const page = await ask({ Referer: referer }, { path: '/auth/session' })
      return new URL(String((JSON.parse(page.body) as Headers)['loginUrl']), gate.origin).href
    }
    expect(await landingOf(await read(gate.url('/app#/x')))).toBe(gate.url('/app'))
    expect(await landingOf(await read('https://evil.example/app'))).toBe(gate.url('/'))
    expect(await landingOf(await read(undefined))).toBe(gate.url('/'))
  })

  test('B4 of a guard and of a denied user lead back to the page', async () => {
    const guarded = await startGate(
      { provider: { idp: oidcOf(vendor) } },
      { routes: (app, auth) => void app.use('/api', auth.requireAuth({ emailDomains: ['x.y'] })) },
    )
    const browser = createBrowser()
    await browser.get(guarded.url('/'))
    const page = await browser.get(guarded.url('/api/items'), {
      headers: { ...program, Referer: guarded.url('/app') },
    })
    expect(page.status).toBe(403)
    expect((await browser.get(loginUrlOf(page))).url).toBe(guarded.url('/app'))
  })

  test('B4 of a page lead back to this page', async () => {
    const rejecting = await start({ unauthenticated: 'reject' })
    const headers = { Referer: rejecting.url('/list') }
    const page = await createBrowser().get(rejecting.url('/item?x=1'), { headers })
    expect(page.status).toBe(401)
    const callback = await createBrowser().get(linksOf(page)[0] ?? '')
    expect(callback.url).toBe(rejecting.url('/item?x=1'))
    const posted = await createBrowser().post(rejecting.url('/save'), {}, { headers })
    expect((await createBrowser().get(linksOf(posted)[0] ?? '')).url).toBe(rejecting.url('/list'))
  })
})

describe('B4 a login does not help while something is down', () => {
  test('B4 the JSON of recheck_unavailable has no login_url', async () => {
    const scene = await loggedIn('oidc')
    scene.vendor.respond('userinfo', { status: 503 })
    scene.vendor.respond('token', { status: 503 })
    scene.clock.forward(301)
    const json = await scene.visit('/api', { ...program, Referer: scene.gate.url('/app') })
    expect([json.status, codeOf(json)]).toEqual([503, 'recheck_unavailable'])
    expect(Object.keys(JSON.parse(json.body) as object).sort()).toEqual(['error', 'message'])
    expect(Number(json.headers['retry-after'])).toBeGreaterThan(0)
    const page = await scene.visit('/page?x=1')
    expect([page.status, linksOf(page)]).toEqual([503, [scene.gate.url('/page?x=1')]])
  })

  test('B4 nor has that of store_unavailable; a frame can try itself again', async () => {
    const memory = memoryStore()
    let isDown = false
    const store: SessionStore = {
      ...memory,
      get: (key) => {
        if (isDown) throw new Error('connection refused')
        return memory.get(key)
      },
    }
    const failing = await start({ store })
    const browser = createBrowser()
    expect(bodyOf(await browser.get(failing.url('/'))).user).toBeTruthy()
    isDown = true
    for (const path of ['/api', '/auth/session']) {
      const json = await browser.get(failing.url(path), { headers: program })
      expect([json.status, codeOf(json)]).toEqual([503, 'store_unavailable'])
      expect(JSON.parse(json.body)).not.toHaveProperty('login_url')
    }
    const headers = { 'Sec-Fetch-Dest': 'iframe', Referer: failing.url('/dashboard') }
    const frame = await browser.get(failing.url('/widget?x=1'), { headers })
    expect([frame.status, linksOf(frame)]).toEqual([503, [failing.url('/widget?x=1')]])
  })
})

describe('B13 HTTP/2', () => {
  const middlewares: OAuthMiddleware[] = []
  const servers: Http2Server[] = []
  afterEach(async () => {
    await Promise.all(middlewares.splice(0).map((one) => one.close()))
    for (const server of servers.splice(0)) server.close()
  })

  /** A server with the gate, and a function that sends one request. */
  async function startHttp2(options: Partial<OAuthModuleOptions> = {}) {
    const middleware = oauthModule({ provider: { idp: oidcOf(vendor) }, secret, ...options })
    middlewares.push(middleware)
    const server = http2.createServer((req, res) => {
      // The compatibility API of HTTP/2 has other classes than HTTP/1.
      middleware(req as unknown as IncomingMessage, res as unknown as ServerResponse, () =>
        res.end(String((req as unknown as { user?: { id: string } }).user?.id)),
      )
    })
    servers.push(server)
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    return async (headers: OutgoingHttpHeaders) => {
      const client = http2.connect(`http://127.0.0.1:${port}`)
      const stream = client.request(headers)
      const response = new Promise<http2.IncomingHttpHeaders>((resolve) =>
        stream.once('response', resolve),
      )
      try {
        const body = await text(stream)
        return { headers: await response, body }
      } finally {
        client.close()
      }
    }
  }

  const redirectUriOf = (headers: http2.IncomingHttpHeaders) =>
    new URL(headers.location ?? 'about:blank').searchParams.get('redirect_uri')

  test('B13 a login works without Host: the redirect URI has the :authority', async () => {
    const send = await startHttp2()
    const begun = await send({ ':path': '/deep?x=1', ':authority': 'localhost:4443' })
    expect(begun.headers[':status']).toBe(302)
    expect(redirectUriOf(begun.headers)).toBe('http://localhost:4443/auth/callback')
    const callback = new URL(await toCallback(createBrowser(), begun.headers.location ?? ''))
    const [nonce = ''] = begun.headers['set-cookie']?.[0]?.split(';') ?? []
    const done = await send({
      ':path': callback.pathname + callback.search,
      ':authority': 'localhost:4443',
      cookie: nonce,
    })
    expect([done.headers[':status'], done.headers.location]).toEqual([302, '/deep?x=1'])
    const session = done.headers['set-cookie']?.find((line) => line.startsWith('ngrok.session='))
    const page = await send({ ':path': '/', cookie: session?.split(';')[0] })
    expect([page.headers[':status'], page.body]).toEqual([200, 'user-1'])
  })

  test('B13 a Host that equals :authority is accepted, another one is not', async () => {
    const send = await startHttp2()
    const same = await send({ ':authority': 'localhost:4443', host: 'LOCALHOST:4443' })
    expect(redirectUriOf(same.headers)).toBe('http://localhost:4443/auth/callback')
    for (const host of ['evil.example', 'localhost']) {
      const other = await send({ ':authority': 'localhost:4443', host })
      expect([host, other.headers[':status']]).toEqual([host, 400])
    }
  })

  test('B13 an :authority that is not a host is rejected, without a login', async () => {
    const send = await startHttp2()
    for (const authority of ['user@localhost', 'localhost:x', 'a,b']) {
      // The gate answers 400, unless Node rejects the request itself, as Node 22 and later do with most of these.
      const outcome = await send({ ':authority': authority }).then(
        ({ headers }) => [headers[':status'], headers.location],
        (error: unknown) => String(error),
      )
      expect([
        [400, undefined],
        'Error [ERR_HTTP2_STREAM_ERROR]: Stream closed with error code NGHTTP2_PROTOCOL_ERROR',
      ]).toContainEqual(outcome)
    }
  })

  test('B13 the :authority is compared with baseUrl, and is the origin of login_url', async () => {
    const send = await startHttp2({ baseUrl: 'http://localhost:4443' })
    const moved = await send({ ':authority': 'other.example' })
    expect(moved.headers.location).toMatch(/^http:\/\/localhost:4443\/auth\/authn\?/)
    const stays = await send({ ':authority': 'localhost:4443' })
    expect(redirectUriOf(stays.headers)).toBe('http://localhost:4443/auth/callback')
    const free = await startHttp2()
    const headers = { 'sec-fetch-mode': 'cors', referer: 'http://localhost:4443/app' }
    const json = await free({ ...headers, ':authority': 'localhost:4443' })
    expect(JSON.parse(json.body)).toHaveProperty(
      'login_url',
      expect.stringContaining('http://localhost:4443/auth/authn?'),
    )
  })
})

describe('B13 requests of test tools', () => {
  /** A response like those of mock libraries: no socket, nothing but what middleware calls. */
  class MockResponse extends EventEmitter {
    statusCode = 200
    headersSent = false
    readonly headers: Record<string, unknown> = {}
    body: string | undefined

    setHeader(name: string, value: unknown) {
      this.headers[name.toLowerCase()] = value
    }

    getHeader(name: string) {
      return this.headers[name.toLowerCase()]
    }

    end(body?: string) {
      this.body = body
      this.headersSent = true
      this.emit('finish')
    }
  }

  /** Resolves when the response has ended, or when the app receives the request. */
  function inject(req: object, at = gate.middleware) {
    const res = new MockResponse()
    return new Promise<{ res: MockResponse; user: unknown }>((resolve, reject) => {
      const settle = () => resolve({ res, user: (req as { user?: unknown }).user })
      res.once('finish', settle)
      at(req as IncomingMessage, res as unknown as ServerResponse, (error) =>
        error === undefined ? settle() : reject(error),
      )
    })
  }

  const host = 'localhost:3000'

  test('B13 work without rawHeaders, headersDistinct and a socket', async () => {
    const begun = await inject({ method: 'GET', url: '/deep', headers: { host } })
    expect(begun.res.statusCode).toBe(302)
    expect(String(begun.res.headers['location'])).toMatch(new RegExp(`^${vendor.origin}/`))
    const json = await inject({ method: 'POST', url: '/api', headers: { host, ...lower(program) } })
    expect([json.res.statusCode, JSON.parse(json.res.body ?? '')]).toMatchObject([
      401,
      { error: 'login_required' },
    ])
  })

  test('B13 lose forged headers, and may name them in Connection', async () => {
    const headers: Record<string, string> = {
      host,
      'ngrok-auth-user-id': 'forged',
      ngrok_auth_user_id: 'forged',
      connection: 'keep-alive, ngrok-auth-user-id',
    }
    const passing = await start({ unauthenticated: 'pass' })
    await inject({ method: 'GET', url: '/', headers }, passing.middleware)
    expect(headers).toEqual({ host, connection: 'keep-alive' })
  })

  test('B13 have a user with a session, and through connect-style mounts', async () => {
    const browser = createBrowser()
    await browser.get(gate.url('/'))
    const cookie = `ngrok.session=${valueOfCookie(browser, gate.origin)}`
    for (const more of [{}, { originalUrl: '/x', baseUrl: '' }, { socket: {} }, { app: {} }]) {
      const { user } = await inject({
        method: 'GET',
        url: '/x',
        headers: { host, cookie },
        ...more,
      })
      expect(user).toMatchObject({ id: 'user-1' })
    }
  })

  test('B13 without a host are rejected with a reason, not by an exception', async () => {
    const { res } = await inject({ method: 'GET', url: '/', headers: {} })
    expect([res.statusCode, res.body?.includes('invalid_callback')]).toEqual([400, true])
  })

  test('B13 authenticate() accepts them as well', async () => {
    const req = { method: 'GET', url: '/', headers: { host, upgrade: 'websocket' } }
    expect(await gate.middleware.authenticate(req as unknown as IncomingMessage)).toBeUndefined()
  })
})

function lower(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  )
}
