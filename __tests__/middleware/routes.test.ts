import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Express } from 'express'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import {
  bodyOf,
  type Gate,
  oidcOf,
  startGate,
  stopAll,
  stopping,
  toCallback,
  valueOfCookie,
} from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { sendRawRequest } from '../support/raw.js'

let vendor: VendorServer
let gate: Gate
let cookie: string

beforeAll(async () => {
  vendor = stopping(await startVendor('oidc'))
  gate = await startGate({ provider: { idp: oidcOf(vendor) } })
  const browser = createBrowser()
  await browser.get(gate.url('/'))
  cookie = `ngrok.session=${valueOfCookie(browser, gate.origin)}`
})
beforeEach(() => {
  gate.reached.length = 0
})
afterAll(stopAll)

describe('S-022 S-030 the paths below /auth', () => {
  test.each([
    '/auth/',
    '/auth/x',
    '/auth/callback/',
    '/auth/callbackx',
    '/auth/authn/',
    '/auth/logout/x',
    '/AUTH/callback',
    '/Auth/Logout',
    '//auth/callback',
    '/auth//callback',
    '/./auth/callback',
    '/x/../auth/callback',
    '/auth/./callback',
    '/%61uth/callback',
    '/auth%2fcallback',
    '/auth/%63allback',
    '/auth;x/callback',
    '/auth\\callback',
    '/%2561uth/x',
    '/auth/../auth/callback',
    '/auth/backchannel-logout/x',
    '/auth/session/',
  ])('%s never reaches the app, with a session or without', async (target) => {
    for (const headers of [[], [`Cookie: ${cookie}`]]) {
      const answer = await sendRawRequest(gate.port, { target, headers })
      expect(answer.status).toBe(404)
      expect(answer.headers['location']).toBeUndefined()
      expect(answer.headers['set-cookie']).toBeUndefined()
    }
    expect(gate.reached).toEqual([])
  })

  test.each([
    '/auth',
    '/authx',
    '/authn',
    '/x/auth/callback',
    '/auth?x=/auth/callback',
    '/auth.html',
    '/x?a=/auth/',
    '/authority/x',
  ])('%s belongs to the app, behind the gate', async (target) => {
    expect((await sendRawRequest(gate.port, { target })).status).toBe(302)
    expect(
      (await sendRawRequest(gate.port, { target, headers: [`Cookie: ${cookie}`] })).status,
    ).toBe(200)
    expect(gate.reached).toEqual([`GET ${target}`])
  })

  test('of a basePath with capitals are matched case-insensitively', async () => {
    const other = await startGate({ provider: { idp: oidcOf(vendor) }, basePath: '/Auth' })
    const browser = createBrowser()
    await browser.get(other.url('/'))
    other.reached.length = 0
    for (const path of ['/Auth/x', '/auth/x', '/AUTH/x'])
      expect((await browser.get(other.url(path), { follow: false })).status).toBe(404)
    expect(other.reached).toEqual([])
  })

  test('an absolute-form target is matched by its path', async () => {
    expect(
      (
        await sendRawRequest(gate.port, {
          target: 'http://evil.example/auth/x',
          headers: [`Cookie: ${cookie}`],
        })
      ).status,
    ).toBe(404)
    const begun = await sendRawRequest(gate.port, { target: 'http://evil.example/page?x=1' })
    expect(new URL(begun.headers['location'] ?? '').searchParams.get('redirect_uri')).toBe(
      gate.url('/auth/callback'),
    )
  })

  test('methods that a path does not allow are rejected, with an Allow header', async () => {
    const table: [string, string, string][] = [
      ['POST', '/auth/authn', 'GET, HEAD'],
      ['DELETE', '/auth/session', 'GET, HEAD'],
      ['POST', '/auth/callback', 'GET, HEAD'],
      ['OPTIONS', '/auth/authn', 'GET, HEAD'],
      ['DELETE', '/auth/logout', 'GET, HEAD, POST'],
    ]
    for (const [method, target, allow] of table) {
      const answer = await sendRawRequest(gate.port, { method, target })
      expect([answer.status, answer.headers['allow']]).toEqual([405, allow])
    }
  })

  test('another basePath moves them all', async () => {
    const other = await startGate({ provider: { idp: oidcOf(vendor) }, basePath: '/sso/v1' })
    const page = await createBrowser().get(other.url('/x'))
    expect([page.status, page.url]).toEqual([200, other.url('/x')])
    expect((await createBrowser().get(other.url('/sso/v1/nothing'))).status).toBe(404)
    expect((await createBrowser().get(other.url('/auth/callback'), { follow: false })).status).toBe(
      302,
    )
  })
})

describe('/auth/session', () => {
  const read = async (headers: Record<string, string> = {}) => {
    const page = await createBrowser().get(gate.url('/auth/session'), {
      headers: { 'Sec-Fetch-Mode': 'cors', ...headers },
    })
    return { page, body: JSON.parse(page.body) as Record<string, unknown> }
  }

  test('returns the logged-in user, without tokens, CORS or a new cookie', async () => {
    const { page, body } = await read({ Cookie: cookie, Origin: 'https://evil.example' })
    expect([page.status, page.setCookie]).toEqual([200, []])
    expect(Object.keys(body).sort()).toEqual([
      'checkDueAt',
      'expiresAt',
      'idleExpiresAt',
      'loginUrl',
      'reason',
      'user',
    ])
    expect(body).toMatchObject({
      user: { key: 'idp:user-1' },
      reason: null,
      idleExpiresAt: null,
      checkDueAt: null,
    })
    expect(page.body).not.toMatch(/[Tt]oken"/)
    expect(Object.keys(page.headers).filter((name) => name.startsWith('access-control'))).toEqual(
      [],
    )
    expect(page.headers['cache-control']).toBe('no-store')
  })

  test('returns the reason for an anonymous request, with a login link', async () => {
    expect((await read()).body).toMatchObject({ user: null, reason: 'none', expiresAt: null })
    const { body } = await read({ Cookie: `ngrok.session=${'A'.repeat(43)}` })
    expect(body).toMatchObject({ user: null, reason: 'expired' })
    const landed = await createBrowser().get(gate.url(String(body['loginUrl'])))
    expect([landed.status, landed.url]).toEqual([200, gate.url('/')])
  })
})

describe('requests that are redirected to a login', () => {
  const statusOf = async (
    at: Gate,
    method: string,
    headers: Record<string, string | undefined>,
  ) => {
    const page = await createBrowser().request(method, at.url('/x?y=1'), undefined, {
      follow: false,
      headers,
    })
    return [page.status, page]
  }
  const silent = {
    Accept: '*/*',
    'Sec-Fetch-Mode': undefined,
    'Sec-Fetch-Dest': undefined,
    'Sec-Fetch-Site': undefined,
    'Sec-Fetch-User': undefined,
  }

  test.each<[string, string, Record<string, string | undefined>, number]>([
    ['a navigation', 'GET', {}, 302],
    ['a client without headers', 'GET', silent, 302],
    ['HEAD of one', 'HEAD', silent, 302],
    ['a form', 'POST', {}, 302],
    ['fetch()', 'GET', { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' }, 401],
    ['an image', 'GET', { 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' }, 401],
    ['an iframe', 'GET', { 'Sec-Fetch-Dest': 'iframe' }, 401],
    ['an object', 'GET', { 'Sec-Fetch-Dest': 'object' }, 401],
    ['a prefetch', 'GET', { 'Sec-Purpose': 'prefetch' }, 401],
    ['XMLHttpRequest', 'GET', { ...silent, 'X-Requested-With': 'XMLHttpRequest' }, 401],
    ['JSON', 'GET', { ...silent, Accept: 'application/json' }, 401],
    ['JSON or a page', 'GET', { ...silent, Accept: 'application/json, text/html' }, 302],
    ['an event stream', 'GET', { ...silent, Accept: 'text/event-stream' }, 401],
    ['a bearer token', 'GET', { ...silent, Authorization: 'Bearer x' }, 401],
    ['a POST without headers', 'POST', silent, 401],
    ['DELETE', 'DELETE', silent, 401],
    ['OPTIONS', 'OPTIONS', silent, 401],
  ])('%s', async (_, method, headers, status) => {
    const [actual, page] = (await statusOf(gate, method, headers)) as [
      number,
      Awaited<ReturnType<ReturnType<typeof createBrowser>['get']>>,
    ]
    expect(actual).toBe(status)
    expect(gate.reached).toEqual([])
    if (status === 302) return
    expect(page.setCookie).toEqual([])
    expect(page.headers).toMatchObject({
      'www-authenticate': 'Cookie realm="oauth-module"',
      'cache-control': 'no-store',
    })
    if (!/html/.test(String(page.headers['content-type']))) {
      expect(JSON.parse(page.body)).toMatchObject({
        error: 'login_required',
        login_url: expect.stringContaining(`${gate.origin}/auth/authn?return_token=`),
      })
    }
  })

  test('a frame gets a page with a link for the top window', async () => {
    const page = await createBrowser().get(gate.url('/x'), {
      headers: { 'Sec-Fetch-Dest': 'iframe' },
    })
    expect([page.status, page.body.includes('target="_top"')]).toEqual([401, true])
    expect(page.headers['content-security-policy']).toContain("frame-ancestors 'self'")
  })

  test("'redirect' always redirects, 'reject' never does", async () => {
    const redirects = await startGate({
      provider: { idp: oidcOf(vendor) },
      unauthenticated: 'redirect',
    })
    const rejects = await startGate({
      provider: { idp: oidcOf(vendor) },
      unauthenticated: 'reject',
      id: 'the app'.replace(' ', '-'),
    })
    for (const headers of [{}, { 'Sec-Fetch-Mode': 'cors' }, { Accept: 'application/json' }]) {
      expect((await statusOf(redirects, 'GET', headers))[0]).toBe(302)
      expect((await statusOf(rejects, 'GET', headers))[0]).toBe(401)
    }
    const page = await createBrowser().get(rejects.url('/'), { follow: false })
    expect(page.headers['www-authenticate']).toBe('Cookie realm="the-app"')
    expect(page.setCookie).toEqual([])
  })

  test("with 'pass' an anonymous request passes, with the reason", async () => {
    const passing = await startGate({ provider: { idp: oidcOf(vendor) }, unauthenticated: 'pass' })
    const seen = async (headers: Record<string, string> = {}) => {
      const page = await createBrowser().get(passing.url('/'), { headers })
      expect([page.status, page.headers['vary'], page.setCookie]).toEqual([200, 'Cookie', []])
      return bodyOf(page)
    }
    expect(await seen()).toMatchObject({
      user: null,
      oauth: { isAuthenticated: false, reason: 'none' },
    })
    expect(await seen({ Cookie: `ngrok.session=${'A'.repeat(43)}` })).toMatchObject({
      user: null,
      oauth: { reason: 'expired' },
    })
    const browser = createBrowser()
    await browser.get(passing.url('/auth/authn'))
    expect(bodyOf(await browser.get(passing.url('/')))).toMatchObject({
      user: { id: 'user-1' },
      oauth: { isAuthenticated: true },
    })
  })

  test('S-108 no user agent, IP address or health check path passes', async () => {
    for (const agent of ['GoogleHC/1.0', 'kube-probe/1.29', 'ELB-HealthChecker/2.0', 'ngrok']) {
      for (const path of [
        '/',
        '/healthz',
        '/ping',
        '/robots.txt',
        '/favicon.ico',
        '/.well-known/x',
      ]) {
        const page = await createBrowser().get(gate.url(path), {
          follow: false,
          headers: { 'User-Agent': agent, 'X-Forwarded-For': '127.0.0.1' },
        })
        expect(page.status).toBe(302)
      }
    }
  })

  test('S-105 headers that name another path or method change nothing', async () => {
    const open = await startGate({ provider: { idp: oidcOf(vendor) }, optionsPassthrough: true })
    for (const name of [
      'X-Forwarded-Uri',
      'X-Original-URL',
      'X-Rewrite-URL',
      'X-Forwarded-Prefix',
      'X-Original-Uri',
      'X-Forwarded-Path',
    ]) {
      expect(
        (
          await createBrowser().get(open.url('/x'), {
            follow: false,
            headers: { [name]: '/auth/session' },
          })
        ).status,
      ).toBe(302)
    }
    for (const name of [
      'X-Forwarded-Method',
      'X-HTTP-Method-Override',
      'X-Method-Override',
      'X-HTTP-Method',
    ]) {
      expect(
        (
          await createBrowser().get(open.url('/x?_method=OPTIONS'), {
            follow: false,
            headers: { [name]: 'OPTIONS' },
          })
        ).status,
      ).toBe(302)
    }
    expect(open.reached).toEqual([])
  })
})

describe('optionsPassthrough and enabled', () => {
  const forged = { 'ngrok-auth-user-id': 'forged', Ngrok_Auth_User_Email: 'forged@evil.example' }
  const hasForged = (page: { body: string }) => /forged/.test(JSON.stringify(bodyOf(page)))

  test('S-106 S-073 OPTIONS passes only with optionsPassthrough, without an identity, and forged headers are removed', async () => {
    const open = await startGate({ provider: { idp: oidcOf(vendor) }, optionsPassthrough: true })
    for (const [at, status] of [
      [gate, 401],
      [open, 200],
    ] as const) {
      const page = await createBrowser().request('OPTIONS', at.url('/x'), undefined, {
        follow: false,
        headers: { ...forged, 'Sec-Fetch-Mode': 'cors' },
      })
      expect(page.status).toBe(status)
      if (status === 200)
        expect([
          hasForged(page),
          bodyOf(page).user,
          bodyOf(page).oauth?.['isAuthenticated'],
        ]).toEqual([false, null, false])
    }
    expect((await createBrowser().get(open.url('/x'), { follow: false })).status).toBe(302)
    expect(
      (await createBrowser().request('OPTIONS', open.url('/auth/callback'), undefined)).status,
    ).toBe(405)
  })

  test('S-106 a method that a middleware changed to OPTIONS does not pass', async () => {
    const override = await startGate(
      { provider: { idp: oidcOf(vendor) }, optionsPassthrough: true },
      {
        before: (app) =>
          app.use((req, _res, next) => {
            Object.assign(req, { originalMethod: req.method, method: 'OPTIONS' })
            next()
          }),
      },
    )
    const page = await createBrowser().post(
      override.url('/x'),
      { a: 'b' },
      { follow: false, headers: { 'Sec-Fetch-Mode': 'cors' } },
    )
    expect([page.status, override.reached]).toEqual([401, []])
  })

  test('enabled: false passes every request to the app, but removes forged headers', async () => {
    const off = await startGate({ provider: { idp: oidcOf(vendor) }, enabled: false })
    for (const path of ['/', '/auth/callback', '/auth/logout']) {
      const page = await createBrowser().get(off.url(path), { follow: false, headers: forged })
      expect([page.status, hasForged(page), page.setCookie]).toEqual([200, false, []])
      expect(bodyOf(page)).toMatchObject({ user: null, oauth: { isAuthenticated: false } })
    }
  })

  test('req.oauth is an anonymous context where nothing is enforced', async () => {
    const routes = (app: Express) =>
      void app.use(
        (req, res) =>
          void res.json([
            req.oauth.isAuthenticated,
            req.oauth.reason,
            req.oauth.user ?? null,
            'user' in req,
          ]),
      )
    const off = await startGate({ provider: { idp: oidcOf(vendor) }, enabled: false }, { routes })
    const open = await startGate(
      { provider: { idp: oidcOf(vendor) }, optionsPassthrough: true },
      { routes },
    )
    const pages = [
      await createBrowser().get(off.url('/')),
      await createBrowser().request('OPTIONS', open.url('/'), undefined),
    ]
    expect(pages.map(({ status, body }) => [status, body])).toEqual(
      [1, 2].map(() => [200, '[false,"none",null,false]']),
    )
  })
})

test('neither a login started before nor a callback reaches the app, in any framework', async () => {
  for (const framework of ['express4', 'connect', 'http'] as const) {
    const other = await startGate({ provider: { idp: oidcOf(vendor) } }, { framework })
    const browser = createBrowser()
    const landed = await browser.get(await toCallback(browser, other.url('/deep?x=1')))
    expect([landed.status, landed.url]).toEqual([200, other.url('/deep?x=1')])
    expect(bodyOf(landed)).toMatchObject({ url: '/deep?x=1', user: { id: 'user-1' } })
    expect((await browser.get(other.url('/auth/x'))).status).toBe(404)
    expect(other.reached).toEqual(['GET /deep?x=1'])
  }
})
