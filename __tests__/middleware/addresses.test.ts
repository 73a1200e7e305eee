import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { tried } from '../support/cases.js'
import {
  authorizationOf,
  bodyOf,
  cookieLine,
  oidcOf,
  startGate,
  stopAll,
  stopping,
  toCallback,
} from '../support/gate.js'
import { createBrowser, linksOf } from '../support/jar.js'
import { sendRawRequest } from '../support/raw.js'
import { listen } from '../support/server.js'

let vendor: VendorServer

beforeAll(async () => {
  vendor = stopping(await startVendor('oidc'))
})
afterEach(() => {
  process.env['NODE_ENV'] = 'test'
})
afterAll(stopAll)

const redirectUriOf = (location: string | undefined) =>
  new URL(location ?? '').searchParams.get('redirect_uri')

describe('S-010 the redirect URI', () => {
  const headers = [
    'X-Forwarded-Host: evil.example',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Port: 81',
    'Forwarded: host=evil.example;proto=https',
    'X-Original-Host: evil.example',
    'X-Host: evil.example',
    'X-Forwarded-Server: evil.example',
    'X-Forwarded-Prefix: /evil',
  ]
  test('without baseUrl comes only from Host, in every framework', async () => {
    for (const framework of ['express', 'express4', 'connect', 'http'] as const) {
      const gate = await startGate({ provider: { idp: oidcOf(vendor) } }, { framework })
      expect(
        redirectUriOf((await sendRawRequest(gate.port, { headers })).headers['location']),
      ).toBe(gate.url('/auth/callback'))
    }
  })

  test('with baseUrl comes from baseUrl, with any request headers', async () => {
    const gate = await startGate({
      provider: { idp: oidcOf(vendor) },
      baseUrl: 'https://app.example/tools/',
    })
    for (const line of tried([
      'Host: app.example',
      ...headers.map((header) => `Host: app.example\r\n${header}`),
    ])) {
      const answer = await sendRawRequest(gate.port, { headers: line.split('\r\n') })
      expect(redirectUriOf(answer.headers['location'])).toBe(
        'https://app.example/tools/auth/callback',
      )
      expect(answer.headers['set-cookie']).toMatch(
        /^__Host-ngrok\.nonce\.[0-9a-f]{8}=.*; Path=\/; .*Secure/,
      )
    }
  })

  test.each([
    'evil@localhost',
    'localhost/x',
    'localhost\\evil',
    'localhost:99999x',
    'a b',
    '[::1',
    'localhost,evil.example',
    "localhost'",
    'localhost:80:80',
    'ä.example',
  ])('a Host of %s starts no login', async (host) => {
    const gate = await startGate({ provider: { idp: oidcOf(vendor) } })
    const answer = await sendRawRequest(gate.port, { headers: [`Host: ${host}`] })
    expect(answer.status).toBe(400)
    expect(answer.headers['set-cookie']).toBeUndefined()
    expect(gate.reached).toEqual([])
  })

  test('two Host headers start no login', async () => {
    const gate = await startGate({ provider: { idp: oidcOf(vendor) } })
    for (const headers of [
      ['Host: localhost', 'Host: evil.example'],
      ['Host: evil.example', 'HOST: localhost'],
    ]) {
      const answer = await sendRawRequest(gate.port, { headers })
      expect([answer.status, answer.headers['location'], answer.headers['set-cookie']]).toEqual([
        400,
        undefined,
        undefined,
      ])
    }
  })

  test('S-011 is the same in both requests, even if the callback arrives at another host name', async () => {
    const gate = await startGate({ provider: { idp: oidcOf(vendor) } })
    const browser = createBrowser()
    const callback = await toCallback(browser, gate.url('/x'))
    const cookie = browser
      .cookies(gate.origin)
      .map((one) => one.cookieString())
      .join('; ')
    const { pathname, search } = new URL(callback)
    const answer = await sendRawRequest(gate.port, {
      target: pathname + search,
      headers: ['Host: 127.0.0.1', `Cookie: ${cookie}`],
    })
    expect(answer.status).toBe(302)
    expect(
      vendor.requests.filter(({ endpoint }) => endpoint === 'token').at(-1)?.form?.['redirect_uri'],
    ).toBe(gate.url('/auth/callback'))
  })

  test('in production without baseUrl is logged once, so that it can be registered', async () => {
    process.env['NODE_ENV'] = 'production'
    const gate = await startGate({ provider: { idp: oidcOf(vendor) } })
    for (let count = 0; count < 3; count++)
      await createBrowser().get(gate.url('/'), { follow: false })
    const told = gate.logged.filter(
      (line) => line.startsWith('warn') && line.includes(gate.url('/auth/callback')),
    )
    expect(told).toHaveLength(1)
  })
})

describe('a host other than that of baseUrl', () => {
  test('an explicit login is redirected there with its allowed parameters only', async () => {
    const carrying = {
      connectionScopes: ['groups'],
      authorizationParamsMap: { login_hint: 'hint', ui_locales: 'lang' },
    }
    const [a, b] = [
      oidcOf(vendor, carrying),
      oidcOf(vendor, { authorizationParamsMap: { login_hint: 'hint', acr_values: 'level' } }),
    ]
    const query = 'connection_scope=groups&hint=ida&level=2&other=x&connection=a&lang=de'
    for (const provider of [{ a }, { a, b }]) {
      const gate = await startGate({ provider, baseUrl: 'https://app.example' })
      const moved = await createBrowser().get(gate.url(`/auth/authn?${query}`), { follow: false })
      const there = new URL(moved.location ?? '')
      expect([moved.status, there.origin, there.pathname, there.searchParams.has('other')]).toEqual(
        [302, 'https://app.example', '/auth/authn', false],
      )
      const answer = await sendRawRequest(gate.port, {
        target: there.pathname + there.search,
        headers: ['Host: app.example'],
      })
      const asked = new URL(answer.headers['location'] ?? '').searchParams
      expect([
        asked.get('login_hint'),
        asked.get('ui_locales'),
        asked.get('scope')?.split(' ').includes('groups'),
      ]).toEqual(['ida', 'de', true])
    }
  })

  test('a choice of providers is redirected there with the allowed parameters of all providers, each once', async () => {
    const provider = {
      a: oidcOf(vendor, { authorizationParamsMap: { login_hint: 'hint' } }),
      b: oidcOf(vendor, { authorizationParamsMap: { login_hint: 'hint', acr_values: 'level' } }),
    }
    const gate = await startGate({ provider, baseUrl: 'https://app.example' })
    const moved = await createBrowser().get(gate.url('/auth/authn?hint=ida&level=2'), {
      follow: false,
    })
    const there = new URL(moved.location ?? '')
    expect([there.searchParams.getAll('hint'), there.searchParams.getAll('level')]).toEqual([
      ['ida'],
      ['2'],
    ])
    const page = await sendRawRequest(gate.port, {
      target: there.pathname + there.search,
      headers: ['Host: app.example', 'Sec-Fetch-Mode: navigate'],
    })
    expect(page.status).toBe(200)
    for (const [name, level] of [
      ['a', null],
      ['b', '2'],
    ] as const) {
      const link = linksOf({ url: 'https://app.example/', body: page.body }).find((one) =>
        one.includes(`connection=${name}`),
      )
      const { pathname, search } = new URL(link ?? '')
      const begun = await sendRawRequest(gate.port, {
        target: pathname + search,
        headers: ['Host: app.example'],
      })
      const asked = new URL(begun.headers['location'] ?? '').searchParams
      expect([asked.getAll('login_hint'), asked.get('acr_values')]).toEqual([['ida'], level])
    }
  })

  test('a navigation is redirected there before the login starts, and keeps its path', async () => {
    const free = await listen(() => undefined)
    await free.close()
    const served = await startGate(
      { provider: { idp: oidcOf(vendor) }, baseUrl: free.origin },
      { port: free.port },
    )
    const browser = createBrowser()
    const begun = await browser.get(`http://127.0.0.1:${served.port}/deep?x=1`, { follow: false })
    expect([begun.status, begun.setCookie]).toEqual([302, []])
    expect(new URL(begun.location ?? '').origin).toBe(served.origin)
    expect(new URL(begun.location ?? '').pathname).toBe('/auth/authn')
    const landed = await browser.get(begun.location ?? '')
    expect([landed.status, landed.url]).toEqual([200, served.url('/deep?x=1')])
  })

  test('a proxy that changes Host causes no loop: the login starts after one redirect', async () => {
    const gate = await startGate({
      provider: { idp: oidcOf(vendor) },
      baseUrl: 'https://app.example',
    })
    const moved = await sendRawRequest(gate.port, {
      target: '/deep',
      headers: ['Host: internal:8080'],
    })
    const { pathname, search } = new URL(moved.headers['location'] ?? '')
    const begun = await sendRawRequest(gate.port, {
      target: pathname + search,
      headers: ['Host: internal:8080'],
    })
    expect(begun.status).toBe(302)
    expect(begun.headers['location']?.startsWith(vendor.origin)).toBe(true)
    expect(redirectUriOf(begun.headers['location'])).toBe('https://app.example/auth/callback')
  })
})

describe('plain http', () => {
  test('on another machine starts no login unless Secure is disabled', async () => {
    const strict = await startGate({ provider: { idp: oidcOf(vendor) } })
    const refused = await sendRawRequest(strict.port, { headers: ['Host: app.example'] })
    expect([refused.status, refused.headers['set-cookie']]).toEqual([502, undefined])
    expect(refused.body).toContain('misconfigured')
    expect(strict.logged.at(-1)).toContain('trust proxy')
    const open = await startGate({ provider: { idp: oidcOf(vendor) }, cookie: { secure: false } })
    const begun = await sendRawRequest(open.port, { headers: ['Host: app.example'] })
    expect(redirectUriOf(begun.headers['location'])).toBe('http://app.example/auth/callback')
  })

  test.each(['localhost', 'app.localhost', '127.0.0.1', '127.1.2.3', '[::1]'])(
    'on %s starts a login',
    async (host) => {
      const gate = await startGate({ provider: { idp: oidcOf(vendor) } })
      expect((await sendRawRequest(gate.port, { headers: [`Host: ${host}`] })).status).toBe(302)
    },
  )

  test('host names that only look like loopback do not count', async () => {
    const gate = await startGate({ provider: { idp: oidcOf(vendor) } })
    for (const host of [
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      'evillocalhost',
      '10.0.0.1',
    ]) {
      expect((await sendRawRequest(gate.port, { headers: [`Host: ${host}`] })).status).toBe(502)
    }
  })
})

describe('S-031 below a mount', () => {
  test.each(['express', 'express4', 'connect'] as const)(
    'of %s the special paths, the return path and the cookie path are below it',
    async (framework) => {
      const gate = await startGate(
        { provider: { idp: oidcOf(vendor) } },
        { framework, mount: '/app' },
      )
      const browser = createBrowser()
      const begun = await browser.get(gate.url('/app/deep?x=1'), { follow: false })
      expect(authorizationOf(begun).get('redirect_uri')).toBe(gate.url('/app/auth/callback'))
      const done = await browser.get(await toCallback(browser, begun.location ?? ''), {
        follow: false,
      })
      expect(done.headers.location).toBe('/app/deep?x=1')
      expect(cookieLine(done.setCookie, 'ngrok.session')).toContain('Path=/app;')
      expect((await browser.get(gate.url('/app/deep'))).status).toBe(200)
      for (const path of ['/app', '/app/', '/app?x=1'])
        expect((await browser.get(gate.url(path), { follow: false })).status).toBe(200)
      expect((await createBrowser().get(gate.url('/app'), { follow: false })).status).toBe(302)
      expect((await browser.get(gate.url('/app/auth/nothing'))).status).toBe(404)
      // Outside of the mount the gate sees nothing.
      expect(bodyOf(await createBrowser().get(gate.url('/auth/callback'))).oauth).toBeNull()
    },
  )

  test('with a route parameter each mount is its own instance', async () => {
    const gate = await startGate({ provider: { idp: oidcOf(vendor) } }, { mount: '/:tenant/inner' })
    const browser = createBrowser()
    const landed = await browser.get(gate.url('/a/inner/x?y=1'))
    expect([landed.status, landed.url]).toEqual([200, gate.url('/a/inner/x?y=1')])
    const [cookie] = browser.cookies(gate.url('/a/inner/x')).map((one) => one.cookieString())
    expect(
      (
        await createBrowser().get(gate.url('/b/inner/x'), {
          follow: false,
          headers: { Cookie: cookie },
        })
      ).status,
    ).toBe(302)
  })

  test('of one instance each mount has its own cookie, and a login at one is not taken for a lost login at another', async () => {
    const gate = await startGate(
      { provider: { idp: oidcOf(vendor) }, id: 'shared' },
      { mount: '/:tenant' },
    )
    const browser = createBrowser()
    const mounts = ['/a/x', '/b/x', '/c/x', '/d/x', '/e/x']
    for (const path of mounts) expect((await browser.get(gate.url(path))).status).toBe(200)
    for (const path of mounts)
      expect((await browser.get(gate.url(path), { follow: false })).status).toBe(200)
  })

  test('an earlier middleware that rewrites req.url grants no access, and the original URL counts', async () => {
    const gate = await startGate(
      { provider: { idp: oidcOf(vendor) } },
      {
        before: (app) =>
          app.use((req, _res, next) => {
            req.url = '/public'
            next()
          }),
      },
    )
    const browser = createBrowser()
    const begun = await browser.get(gate.url('/secret?x=1'), { follow: false })
    expect([begun.status, gate.reached]).toEqual([302, []])
  })

  test('with a path in baseUrl the proxy may have removed it', async () => {
    const gate = await startGate({
      provider: { idp: oidcOf(vendor) },
      baseUrl: 'https://app.example/tools',
    })
    const begun = await sendRawRequest(gate.port, {
      target: '/deep?x=1',
      headers: ['Host: app.example'],
    })
    const browser = createBrowser()
    browser.setCookie(
      `${begun.headers['set-cookie']?.split(';')[0]}; Path=/; Secure`,
      'https://app.example/',
    )
    const callback = new URL(await toCallback(createBrowser(), begun.headers['location'] ?? ''))
    expect(callback.href.startsWith('https://app.example/tools/auth/callback?')).toBe(true)
    const cookie = begun.headers['set-cookie']?.split(';')[0] ?? ''
    const done = await sendRawRequest(gate.port, {
      target: `/auth/callback${callback.search}`,
      headers: ['Host: app.example', `Cookie: ${cookie}`],
    })
    expect([done.status, done.headers['location']]).toEqual([302, '/tools/deep?x=1'])
    expect(done.headers['set-cookie']).toMatch(/__Secure-ngrok\.session=[^;]+; .*Path=\/tools/)
  })
})
