import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { VendorServer } from '../../src/dev/vendors/index.js'
import { AuthServer, type AuthServerSettings } from '../../src/command/gateway/index.js'
import { startCommand, type TestCommand } from '../support/command.js'
import { startDeployedCaddy, startDeployedNginx } from '../support/deployed-proxies.js'
import { secret, stopAll, stopping } from '../support/gate.js'
import { recordingLogger, startUpstream, type TestUpstream } from '../support/gateway.js'
import { createBrowser } from '../support/jar.js'
import { providerOf, startVendor } from '../support/providers.js'
import type { TlsProxy } from '../support/tls-proxies.js'
import { API, startTokenIssuer, type TokenIssuer } from '../support/token-issuer.js'

const folder = mkdtempSync(join(tmpdir(), 'oauth-module-'))
let vendor: VendorServer
let idp: TokenIssuer
let upstream: TestUpstream

beforeAll(async () => {
  vendor = await startVendor('github')
  idp = await startTokenIssuer()
  upstream = await startUpstream((req, res) => {
    res.setHeader('content-type', 'application/json')
    res.end(JSON.stringify({ url: req.url, method: req.method, headers: req.headers }))
  })
})
afterAll(async () => {
  await stopAll()
  rmSync(folder, { recursive: true })
})

interface Seen {
  url: string
  method: string
  headers: Record<string, string>
}
const seenBy = (body: string) => JSON.parse(body) as Seen

describe.each([
  ['nginx', '--auth-request', startDeployedNginx],
  ['Caddy', '--auth-request=forward', startDeployedCaddy],
])('%s with the file of examples/deploy', (name, flag, startProxy) => {
  let command: TestCommand
  let proxy: TlsProxy
  beforeAll(async () => {
    const file = join(folder, `${name}.json`)
    const { clientId, clientSecret, options } = vendor
    writeFileSync(
      file,
      JSON.stringify({
        provider: { github: { clientId, clientSecret, ...options } },
        bearer: { issuers: [{ issuer: idp.origin, audience: API }] },
      }),
    )
    command = await startCommand([flag, '--trusted-proxy', 'loopback', '--config', file])
    proxy = await startProxy(new URL(command.origin).port, upstream.port)
  })

  test('a navigation logs in and returns to its page; the app sees identity and no cookie of ours', async () => {
    const browser = createBrowser()
    browser.setCookie('theme=dark; path=/; secure', proxy.url('/'))
    const page = await browser.get(proxy.url('/reports?a=1&b=%2F'))
    expect([page.status, page.url]).toEqual([200, proxy.url('/reports?a=1&b=%2F')])
    const { url, headers } = seenBy(page.body)
    expect(url).toBe('/reports?a=1&b=%2F')
    expect(headers['ngrok-auth-user-email']).toBe('octavia@acme.example')
    expect(headers['ngrok-auth-user-id']).toMatch(/^\d+$/)
    expect(headers['cookie']).toBe('theme=dark')
    expect(JSON.stringify(headers)).not.toMatch(/ngrok\.session|x-oauth-/)

    const posted = await browser.post(proxy.url('/save'), { a: 'b' })
    expect(seenBy(posted.body)).toMatchObject({ url: '/save', method: 'POST' })
    // The special paths belong to the gate.
    const session = await browser.get(proxy.url('/auth/session'))
    expect(JSON.parse(session.body)).toMatchObject({ user: { email: 'octavia@acme.example' } })
  })

  test('an anonymous request, forged headers or not, does not reach the app', async () => {
    const forged = {
      'ngrok-auth-user-id': '4711',
      ngrok_auth_user_id: '4711',
      'x-oauth-cookie': 'a=b',
      'x-original-method': 'OPTIONS',
      'x-original-uri': '/health',
      'x-forwarded-uri': '/health',
      'x-forwarded-method': 'OPTIONS',
      'x-forwarded-for': '127.0.0.1',
    }
    for (const headers of [{}, forged]) {
      const page = await createBrowser().get(proxy.url('/reports'), { follow: false, headers })
      expect(page.status).toBe(302)
      expect(page.body).not.toContain('headers')
    }
    const fetched = {
      accept: 'application/json',
      'sec-fetch-mode': 'cors',
      'sec-fetch-dest': 'empty',
    }
    const api = await createBrowser().get(proxy.url('/api'), { follow: false, headers: fetched })
    expect([302, 401]).toContain(api.status)
    expect(api.body).not.toContain('headers')
  })

  test('identity headers of a signed-in client are replaced', async () => {
    const browser = createBrowser()
    await browser.get(proxy.url('/'))
    const headers = { 'ngrok-auth-user-id': '4711', 'ngrok-auth-user-name': 'Mallory' }
    const page = await browser.get(proxy.url('/'), { headers })
    expect(page.body).not.toMatch(/4711|Mallory/)
    expect(seenBy(page.body).headers['ngrok-auth-user-email']).toBe('octavia@acme.example')
  })

  test('an access token passes with the identity of its user; any other gets the 401 with the challenge', async () => {
    const send = async (path: string, token?: string) =>
      createBrowser().get(proxy.url(path), {
        follow: false,
        headers: {
          'sec-fetch-mode': '',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
      })
    const page = await send('/reports', await idp.token())
    expect(page.status).toBe(200)
    expect(seenBy(page.body).headers['ngrok-auth-user-id']).toBe('ada')
    const rejected = await send('/reports', await idp.token({ aud: 'other' }))
    expect(rejected.status).toBe(401)
    const metadata = proxy.url('/.well-known/oauth-protected-resource')
    expect(String(rejected.headers['www-authenticate'])).toContain(
      `resource_metadata="${metadata}"`,
    )
    const { status, body } = await send('/.well-known/oauth-protected-resource')
    expect([status, JSON.parse(body)]).toEqual([
      200,
      expect.objectContaining({ resource: proxy.origin, authorization_servers: [idp.origin] }),
    ])
  })

  test('the session ends with the logout', async () => {
    const browser = createBrowser()
    await browser.get(proxy.url('/'))
    const page = await browser.get(proxy.url('/auth/logout'))
    expect(page.body).toMatch(/[Ss]igned out/)
    expect((await browser.get(proxy.url('/'), { follow: false })).status).toBe(302)
  })
})

describe('auth requests', () => {
  async function startServer(settings: Partial<AuthServerSettings> = {}) {
    const server = new AuthServer({
      mode: true,
      options: { provider: providerOf(vendor), secret },
      logger: recordingLogger([]),
      ...settings,
    })
    await server.listen({ host: '127.0.0.1', port: 0 })
    return stopping({
      url: (path: string) => `http://localhost:${server.port}${path}`,
      close: () => server.close(),
    })
  }
  const trustedProxies = ['loopback']
  const ask = async (
    server: { url(path: string): string },
    headers: Record<string, string> = {},
    browser = createBrowser(),
  ) => browser.get(server.url('/check'), { follow: false, headers })

  test('a 401 names an absolute login URL that returns to the original page', async () => {
    const server = await startServer({ trustedProxies })
    const page = await ask(server, {
      'x-original-uri': '/deep/page?x=1',
      'x-original-method': 'GET',
    })
    expect(page.status).toBe(401)
    const login = String(page.headers['x-oauth-login-url'])
    expect(login).toContain(server.url('/auth/authn?return_token='))
    expect(login).not.toContain('deep')
    const browser = createBrowser()
    const start = await browser.get(login, {
      follow: (url) => !url.startsWith(server.url('/deep')),
    })
    expect(start.headers['location'] ?? start.url).toContain('/deep/page?x=1')
    expect((await ask(server, {}, browser)).status).toBe(202)
  })

  test('the original URL counts only from a trusted proxy', async () => {
    const server = await startServer()
    const page = await ask(server, { 'x-original-uri': 'not a path', 'x-original-method': 'GET' })
    expect(page.status).toBe(401)
  })

  test.each([
    [{ 'x-original-uri': '/a', 'x-forwarded-uri': '/b' }],
    [{ 'x-original-uri': '/a', 'x-original-method': 'GET', 'x-forwarded-method': 'OPTIONS' }],
    [{ 'x-original-uri': 'https://elsewhere.example/' }],
    [{ 'x-original-uri': '/a b' }],
    [{ 'x-original-uri': '/a', 'x-original-method': 'get' }],
    [{ 'x-original-method': 'GET' }],
  ])('%j is rejected with 400', async (headers) => {
    const server = await startServer({ trustedProxies })
    expect((await ask(server, headers)).status).toBe(400)
  })

  test.each([
    ['/auth/session', true],
    ['/AUTH/logout', true],
    ['/admin/%252e%252e/auth/session', true],
    ['/admin/\\..\\..\\auth/session', true],
    ['/auth;x/session?a=b', 'forward'],
    ['/auth/health', 'forward'],
  ] as const)(
    'a special path as the original URL (%s) is not allowed to pass to the app',
    async (uri, mode) => {
      const server = await startServer({ trustedProxies, mode })
      for (const prefix of ['x-original', 'x-forwarded']) {
        const headers = { [`${prefix}-uri`]: uri, [`${prefix}-method`]: 'GET' }
        expect((await ask(server, headers)).status).toBe(403)
      }
    },
  )

  test('a disabled gate hides the cookies of earlier sessions from the app', async () => {
    const options = { provider: providerOf(vendor), secret, enabled: false }
    const server = await startServer({ trustedProxies, options })
    const page = await ask(server, { cookie: 'a=b; ngrok.session=secret' })
    expect([page.status, page.headers['x-oauth-cookie']]).toEqual([202, 'a=b'])
  })

  test('forward: navigations are redirected, others get 401', async () => {
    const server = await startServer({ trustedProxies, mode: 'forward' })
    const original = { 'x-forwarded-uri': '/page', 'x-forwarded-method': 'GET' }
    const page = await ask(server, original)
    expect([page.status, page.headers['location']]).toEqual([
      302,
      expect.stringContaining(vendor.origin),
    ])
    const headers = { ...original, 'x-forwarded-method': 'POST', 'sec-fetch-mode': 'cors' }
    expect((await ask(server, headers)).status).toBe(401)
  })

  test('the page about a form that was not sent is no permission to pass', async () => {
    const gate = await startServer({ trustedProxies, mode: 'forward' })
    const browser = createBrowser()
    const posted = await browser.post(gate.url('/save'), { a: 'b' }, { follow: false })
    expect(posted.status).toBe(302)
    // The login ends at the start page, which the proxy then asks about.
    const follow = (url: string) =>
      url.startsWith(gate.url('/auth/')) || !url.startsWith(gate.url('/'))
    await browser.get(String(posted.headers['location']), { follow })
    const original = { 'x-forwarded-uri': '/', 'x-forwarded-method': 'GET' }
    const first = await ask(gate, original, browser)
    expect([first.status, first.body]).toEqual([403, expect.stringContaining('form')])
    expect((await ask(gate, original, browser)).status).toBe(202)
  })

  test('an upgrade from a page of another site is anonymous', async () => {
    const server = await startServer({ trustedProxies })
    const browser = createBrowser()
    await browser.get(server.url('/auth/authn'), { follow: 5 })
    expect((await ask(server, {}, browser)).status).toBe(202)
    const upgrade = { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' }
    const from = (origin: string) => ask(server, { ...upgrade, origin }, browser)
    expect((await from(new URL(server.url('/')).origin)).status).toBe(202)
    expect((await from('https://elsewhere.example')).status).toBe(401)
    // nginx leaves `Upgrade` out of its subrequests.
    const key = { 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==', origin: 'https://a.example' }
    expect((await ask(server, key, browser)).status).toBe(401)
  })

  test.each([
    [{ unauthenticated: 'reject' as const }, 'unauthenticated has no effect'],
    [{ optionsPassthrough: true }, 'optionsPassthrough cannot be combined'],
  ])('%j is rejected', (options, message) => {
    const all = { provider: providerOf(vendor), secret, ...options }
    expect(() => new AuthServer({ mode: true, options: all })).toThrow(message)
  })

  test.each([
    [['--allow-path', 'GET /health'], 'allowPath cannot be combined with authRequest'],
    [['3000'], 'authRequest takes no target'],
  ])('%j is rejected by the command', async (args, message) => {
    await expect(startCommand(['--auth-request', '--oauth', 'dev', ...args])).rejects.toThrow(
      message,
    )
  })
})
