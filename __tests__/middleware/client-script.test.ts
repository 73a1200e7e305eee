import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { cookieStore } from '../../src/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { authorizationOf, oidcOf, startGate, stopAll, stopping } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { sendRawRequest } from '../support/raw.js'

let vendor: VendorServer
const provider = () => ({ idp: oidcOf(vendor) })

beforeAll(async () => {
  vendor = stopping(await startVendor('oidc'))
})
afterAll(stopAll)

const MAX_BYTES = 3000

test('the code that the gate serves is that of src/browser', () => {
  execFileSync(process.execPath, ['scripts/client-code.js', '--check'], { stdio: 'pipe' })
})

describe('/auth/client.js', () => {
  test('and its dialogs have at most 3 kB each with gzip, and are cached', async () => {
    const gate = await startGate({ provider: provider(), branding: { accentColor: '#5b5bd6' } })
    for (const path of ['/auth/client.js', '/auth/client.js?module', '/auth/client.js?dialogs']) {
      const response = await fetch(gate.url(path), { headers: { 'Accept-Encoding': 'gzip' } })
      const { headers } = response
      const etag = String(headers.get('etag'))
      expect(response.status).toBe(200)
      expect(headers.get('content-encoding')).toBe('gzip')
      expect(Number(headers.get('content-length'))).toBeLessThanOrEqual(MAX_BYTES)
      expect(Number(headers.get('content-length'))).toBeGreaterThan(1000)
      expect(headers.get('content-type')).toBe('text/javascript; charset=utf-8')
      expect(headers.get('cache-control')).toBe('private, max-age=3600')
      expect(headers.get('vary')).toBe('Accept-Encoding')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
      expect(headers.get('set-cookie')).toBeNull()
      const again = await fetch(gate.url(path), { headers: { 'If-None-Match': etag } })
      expect([again.status, await again.text()]).toEqual([304, ''])
      expect(again.headers.get('etag')).toBe(etag)
    }
    expect(gate.reached).toEqual([])
  })

  test('is sent as it is to clients that do not accept gzip', async () => {
    const gate = await startGate({ provider: provider() })
    const request = (encoding: string, method = 'GET') =>
      sendRawRequest(gate.port, {
        method,
        target: '/auth/client.js',
        headers: [`Accept-Encoding: ${encoding}`],
      })
    for (const encoding of ['identity', 'gzip;q=0', 'gzip; q=0.0, br'])
      expect((await request(encoding)).headers['content-encoding']).toBeUndefined()
    expect((await request('br, gzip;q=0.5')).headers['content-encoding']).toBe('gzip')
    const head = await request('identity', 'HEAD')
    expect([head.status, head.body]).toEqual([200, ''])
  })

  test('contains the path of the special paths as the browser sees it', async () => {
    const gate = await startGate({ provider: provider(), basePath: '/login' }, { mount: '/admin' })
    const script = await fetch(gate.url('/admin/login/client.js'))
    expect(await script.text()).toMatch(/\("\/admin\/login"\)$/)
    const proxied = await startGate({ provider: provider(), baseUrl: 'https://app.example/x' })
    const other = await fetch(proxied.url('/auth/client.js'))
    expect(await other.text()).toMatch(/\("\/x\/auth"\)$/)
  })

  test('has the texts of the preferred language, and the color of the brand', async () => {
    const texts = (language: string) =>
      language === 'de' ? { sessionEndedTitle: 'Ihre Sitzung ist beendet' } : undefined
    const branding = { accentColor: '#5b5bd6' }
    const gate = await startGate({ provider: provider(), texts, branding })
    const dialogs = (language: string) =>
      fetch(gate.url('/auth/client.js?dialogs'), { headers: { 'Accept-Language': language } })
    const german = await dialogs('de-CH')
    const text = await german.text()
    expect(text).toContain('Ihre Sitzung ist beendet')
    expect(text).toContain('"lang":"de"')
    expect(text).toContain('#5b5bd6')
    expect(german.headers.get('vary')).toBe('Accept-Encoding, Accept-Language')
    expect(await (await dialogs('fr')).text()).toContain('Your session has ended')
  })

  test('texts of the app cannot end its strings', async () => {
    const hostile = '"+alert(1)+"\u2028`${alert(1)}</script>\\'
    const gate = await startGate({ provider: provider(), texts: { sessionEndedTitle: hostile } })
    const text = await (await fetch(gate.url('/auth/client.js?dialogs'))).text()
    const [, json] = /^const texts=(.*),colors=\[/s.exec(text) ?? []
    expect(JSON.parse(String(json))).toMatchObject({ sessionEndedTitle: hostile })
  })

  test('does not exist with clientScript: false', async () => {
    const gate = await startGate({ provider: provider(), clientScript: false })
    for (const query of ['', '?module', '?dialogs', '?signed-in'])
      expect((await fetch(gate.url(`/auth/client.js${query}`))).status).toBe(404)
  })

  test('exports its members as a module', async () => {
    const gate = await startGate({ provider: provider() })
    const response = await fetch(gate.url('/auth/client.js?module'), {
      headers: { 'Accept-Encoding': 'gzip' },
    })
    const text = await response.text()
    expect(text).toMatch(/^export const \{signIn,signInHere,signOut,session,on,configure\}=/m)
  })
})

describe('a login in a window', () => {
  test('ends at a page that closes it, whatever page its link returns to', async () => {
    const gate = await startGate({ provider: provider() }, { mount: '/admin' })
    const browser = createBrowser()
    const rejected = await browser.get(gate.url('/admin/api'), {
      headers: { Accept: 'application/json', Referer: gate.url('/admin/page') },
      follow: false,
    })
    const { login_url } = JSON.parse(rejected.body) as { login_url: string }
    const page = await browser.get(`${login_url}&popup=1`)
    expect(page.url).toBe(gate.url('/admin/auth/client.js?signed-in'))
    expect(page.body).toContain('You can close this window.')
    const nonce = /<script nonce="([^"]+)">/.exec(page.body)?.[1]
    expect(page.headers['content-security-policy']).toContain(`script-src 'nonce-${nonce}'`)
    expect(page.headers['cache-control']).toBe('no-store')
  })

  test('with several providers leads through the sign-in page to the same page', async () => {
    const gate = await startGate({ provider: { one: oidcOf(vendor), two: oidcOf(vendor) } })
    const browser = createBrowser()
    const page = await browser.get(gate.url('/auth/authn?popup=1'))
    const link = /href="([^"]*connection=two[^"]*)"/.exec(page.body)?.[1]?.replaceAll('&amp;', '&')
    const end = await browser.get(gate.url(String(link)))
    expect(end.url).toBe(gate.url('/auth/client.js?signed-in'))
  })

  test('without a session, that page is the start page', async () => {
    const gate = await startGate({ provider: provider() })
    const page = await createBrowser().get(gate.url('/auth/client.js?signed-in'), { follow: false })
    expect([page.status, page.location]).toEqual([302, gate.url('/')])
  })

  test('the parameter of the window cannot name another page', async () => {
    const gate = await startGate({ provider: provider() })
    for (const value of ['https://evil.example/', '//evil.example', '/other']) {
      const browser = createBrowser()
      const page = await browser.get(
        gate.url(`/auth/authn?popup=${encodeURIComponent(value)}&signed-in=${value}`),
      )
      expect(page.url).toBe(gate.url('/auth/client.js?signed-in'))
    }
  })

  test('the login_url of a guard meets its demand', async () => {
    const gate = await startGate(
      { provider: provider() },
      { routes: (app, auth) => app.use('/transfer', auth.requireAuth({ maxAge: 60 })) },
    )
    const browser = createBrowser()
    await browser.get(gate.url('/'))
    const { now } = Date
    Date.now = () => now() + 300_000
    try {
      const rejected = await browser.get(gate.url('/transfer'), {
        headers: { Accept: 'application/json' },
        follow: false,
      })
      expect(rejected.status).toBe(401)
      const { login_url } = JSON.parse(rejected.body) as { login_url: string }
      const login = await browser.get(`${login_url}&popup=1`, { follow: false })
      expect(authorizationOf(login).get('prompt')).toBe('login')
    } finally {
      Date.now = now
    }
  })
})

describe('a POST request to /auth/client.js', () => {
  const session = { 'Sec-Fetch-Site': 'same-origin', Accept: 'application/json' }

  test.each(['memoryStore', 'cookieStore'])(
    'counts as activity of the session, unlike /auth/session: %s',
    async (store) => {
      const gate = await startGate({
        provider: provider(),
        inactivityTimeout: 600,
        ...(store === 'cookieStore' && { store: cookieStore() }),
      })
      const browser = createBrowser()
      await browser.get(gate.url('/'))
      const { now } = Date
      const read = async (method: string, path: string, headers = session) => {
        const { body } = await browser.request(method, gate.url(path), undefined, { headers })
        return (JSON.parse(body) as { idleExpiresAt: number }).idleExpiresAt
      }
      try {
        const before = await read('GET', '/auth/session')
        Date.now = () => now() + 300_000
        expect(await read('GET', '/auth/session')).toBe(before)
        const other = { ...session, 'Sec-Fetch-Site': 'cross-site' }
        expect(await read('POST', '/auth/client.js', other)).toBe(before)
        const active = await read('POST', '/auth/client.js')
        expect(active).toBeGreaterThanOrEqual(before + 299_000)
        expect(await read('GET', '/auth/session')).toBe(active)
      } finally {
        Date.now = now
      }
      expect(gate.reached).toEqual(['GET /'])
    },
  )

  test('without a session responds like /auth/session', async () => {
    const gate = await startGate({ provider: provider() })
    const { status, body } = await createBrowser().post(gate.url('/auth/client.js'), '', {
      headers: session,
    })
    expect([status, JSON.parse(body)]).toEqual([
      200,
      expect.objectContaining({ user: null, reason: 'none' }),
    ])
  })
})
