import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { memoryStore, type SessionStore } from '../../src/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { tried, triedTimes } from '../support/cases.js'
import {
  authorizationOf,
  bodyOf,
  type Gate,
  oidcOf,
  startGate,
  stopAll,
  stopping,
  toCallback,
  untilCallback,
} from '../support/gate.js'
import { createBrowser, linksOf } from '../support/jar.js'
import { type OidcServer, startOidcProvider } from '../support/oidc.js'
import { sendRawRequest } from '../support/raw.js'

const parameters = [
  'client_id',
  'code_challenge',
  'code_challenge_method',
  'nonce',
  'redirect_uri',
  'response_type',
  'scope',
  'state',
]

let vendor: VendorServer
let gate: Gate

beforeAll(async () => {
  vendor = stopping(await startVendor('oidc'))
  gate = await startGate({ provider: { idp: oidcOf(vendor) } })
})
afterAll(stopAll)

describe('with oidc-provider, which requires PKCE', () => {
  let oidc: OidcServer
  let real: Gate

  beforeAll(async () => {
    oidc = stopping(
      await startOidcProvider({
        loginAs: 'alice',
        lifetimes: { code: 5, accessToken: 5, idToken: 5 },
      }),
    )
    const provider = {
      idp: oidcOf({
        options: { issuer: oidc.issuer, clientId: 'app', clientSecret: 'app-secret-app-secret' },
      } as unknown as VendorServer),
    }
    real = await startGate({ provider })
    await oidc.setClient({
      client_id: 'app',
      client_secret: 'app-secret-app-secret',
      redirect_uris: [real.url('/auth/callback')],
      token_endpoint_auth_method: 'client_secret_post',
    })
  })

  test('a deep link leads to the provider and back, including its query', async () => {
    const browser = createBrowser()
    const target = '/reports/2026?tab=costs&q=a%20b+c&empty=&x=%2F%C3%A9#'.replace('#', '')
    const page = await browser.get(real.url(target))
    expect(page.status).toBe(200)
    expect(page.url).toBe(real.url(target))
    expect(bodyOf(page)).toMatchObject({
      url: target,
      user: {
        key: 'idp:alice',
        id: 'alice',
        name: 'Alice Example',
        email: 'alice@example.com',
        emailVerified: true,
        username: 'alice',
        provider: 'idp',
      },
      oauth: { isAuthenticated: true, provider: 'idp', scopes: ['openid', 'profile', 'email'] },
    })
    expect(await oidc.takeErrors()).toEqual([])
  })

  test('the session outlives the tokens', async () => {
    const browser = createBrowser()
    await browser.get(real.url('/'))
    const { oauth } = bodyOf(await browser.get(real.url('/')))
    expect(Number(oauth?.['accessTokenExpiresAt'])).toBeLessThan(
      Number(oauth?.['sessionExpiresAt']),
    )
    expect(Number(oauth?.['accessTokenExpiresAt'])).toBeGreaterThan(Date.now() - 5_000)
  })

  test('a user who cancels sees the reason and can try again', async () => {
    await oidc.deny(true)
    const page = await createBrowser().get(real.url('/x?y=1'))
    await oidc.deny(false)
    expect(page.status).toBe(403)
    expect(page.body).toContain('access_denied')
    expect(page.body).toContain('the user said no')
    const again = await createBrowser().get(linksOf(page)[0] ?? '')
    expect(again.url).toBe(real.url('/x?y=1'))
  })

  test('S-013 an explicit login forces a new login and ends at the start page', async () => {
    const browser = createBrowser()
    await browser.get(real.url('/deep'))
    const page = await browser.get(real.url('/auth/authn'))
    const first = page.history.find(({ url }) => url.startsWith(oidc.issuer))
    expect(new URL(first?.url ?? '').searchParams.get('prompt')).toBe('login')
    expect(page.status).toBe(200)
    expect(page.url).toBe(real.url('/'))
  })
})

describe('the authorization request', () => {
  test('S-001 uses the code flow, PKCE S256, state and nonce, each once', async () => {
    const page = await createBrowser().get(gate.url('/x'), { follow: false })
    const params = authorizationOf(page)
    expect(page.status).toBe(302)
    expect([...params.keys()].sort()).toEqual(parameters)
    expect(Object.fromEntries(params)).toMatchObject({
      client_id: vendor.clientId,
      code_challenge_method: 'S256',
      redirect_uri: gate.url('/auth/callback'),
      response_type: 'code',
      scope: 'openid profile email',
    })
    expect(params.get('code_challenge')).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(params.get('nonce')).toMatch(/^[A-Za-z0-9_-]{43}$/)
  })

  test('S-001 the verifier sent to the token endpoint hashes to the challenge', async () => {
    vendor.requests.length = 0
    await createBrowser().get(gate.url('/'))
    const challenge = vendor.requests
      .find(({ endpoint }) => endpoint === 'authorize')
      ?.query.get('code_challenge')
    const form = vendor.requests.find(({ endpoint }) => endpoint === 'token')?.form
    expect(
      createHash('sha256')
        .update(form?.['code_verifier'] ?? '')
        .digest('base64url'),
    ).toBe(challenge)
    expect(form?.['redirect_uri']).toBe(gate.url('/auth/callback'))
  })

  test('S-001 uses PKCE S256 even if discovery omits it or names only plain', async () => {
    for (const methods of [undefined, ['plain']]) {
      vendor.settings.discovery = { code_challenge_methods_supported: methods }
      const other = await startGate({ provider: { idp: oidcOf(vendor) } })
      const params = authorizationOf(await createBrowser().get(other.url('/'), { follow: false }))
      expect(params.get('code_challenge_method')).toBe('S256')
    }
    vendor.settings.discovery = {}
  })

  test('S-002 state, nonce and challenge never repeat, nor does the cookie', async () => {
    const browser = createBrowser()
    const seen = { state: new Set(), nonce: new Set(), challenge: new Set(), cookie: new Set() }
    const count = 1000
    for (let index = 0; index < count; index++) {
      const page = await browser.get(gate.url('/'), { follow: false })
      const params = authorizationOf(page)
      seen.state.add(params.get('state'))
      seen.nonce.add(params.get('nonce'))
      seen.challenge.add(params.get('code_challenge'))
      seen.cookie.add(page.setCookie.at(-1)?.split(';')[0])
    }
    triedTimes(count)
    expect(Object.values(seen).map(({ size }) => size)).toEqual(Array(4).fill(count))
  })

  test("S-012 contains nothing of the browser's query", async () => {
    const evil =
      'scope=admin&client_id=evil&redirect_uri=https://evil.example/&response_type=token&prompt=none&state=x&nonce=x&code_challenge_method=plain'
    for (const path of [`/page?${evil}`, `/auth/authn?${evil}`]) {
      const page = await createBrowser().get(gate.url(path), { follow: false })
      const params = authorizationOf(page)
      expect(page.location).not.toContain('evil.example')
      expect(params.getAll('scope')).toEqual(['openid profile email'])
      for (const name of parameters) expect(params.getAll(name)).toHaveLength(1)
      expect(params.get('client_id')).toBe(vendor.clientId)
      expect(params.get('prompt')).toBe(path.startsWith('/auth') ? 'login' : null)
    }
  })

  test('S-012 keeps the query of the authorization endpoint, which cannot repeat our parameters', async () => {
    vendor.settings.discovery = {
      authorization_endpoint: `${vendor.origin}/authorize?tenant=7&client_id=evil&state=evil&scope=evil`,
    }
    const other = await startGate({ provider: { idp: oidcOf(vendor) } })
    const params = authorizationOf(await createBrowser().get(other.url('/'), { follow: false }))
    vendor.settings.discovery = {}
    expect(params.get('tenant')).toBe('7')
    for (const name of parameters) expect(params.getAll(name)).toHaveLength(1)
    expect(params.get('client_id')).toBe(vendor.clientId)
    expect([...params.values()]).not.toContain('evil')
  })

  test.each(['?', '#', '?#top'])('an authorization endpoint that ends in %s', async (end) => {
    vendor.settings.discovery = { authorization_endpoint: `${vendor.origin}/authorize${end}` }
    const other = await startGate({ provider: { idp: oidcOf(vendor) } })
    const { location } = await createBrowser().get(other.url('/'), { follow: false })
    vendor.settings.discovery = {}
    expect(location).toMatch(/\/authorize\?response_type=code&[^?#]+$/)
  })

  test('options add static and mapped parameters, and allowed scopes', async () => {
    const provider = oidcOf(vendor, {
      scopes: ['groups'],
      connectionScopes: ['calendar', 'mail'],
      authorizationParams: { audience: 'api', prompt: 'consent' },
      authorizationParamsMap: { login_hint: 'who', ui_locales: 'lang' },
    })
    const other = await startGate({ provider: { idp: provider } })
    const query = 'who=ada%40example.com&lang=de&lang=fr&connection_scope=calendar,admin'
    const params = authorizationOf(
      await createBrowser().get(other.url(`/auth/authn?${query}`), { follow: false }),
    )
    expect(Object.fromEntries(params)).toMatchObject({
      audience: 'api',
      prompt: 'consent login',
      login_hint: 'ada@example.com',
      scope: 'openid profile email groups calendar',
    })
    expect(params.has('ui_locales')).toBe(false)
    expect(params.has('connection_scope')).toBe(false)
  })

  test('S-016 requests only the documented scopes, and organization scopes only if a rule needs them', async () => {
    const github = stopping(await startVendor('github'))
    const scopesOf = async (more: object) => {
      const other = await startGate({ provider: { github: { ...github.options, ...more } } })
      return authorizationOf(await createBrowser().get(other.url('/'), { follow: false })).get(
        'scope',
      )
    }
    expect(await scopesOf({})).toBe('read:user user:email')
    expect(await scopesOf({ organizations: ['acme'] })).toBe('read:user user:email read:org')
    expect(await scopesOf({ scopes: ['gist', 'read:user'] })).toBe('read:user user:email gist')
  })
})

describe('the return path', () => {
  test('S-048 common deep links are restored byte for byte', async () => {
    const targets = [
      '/',
      '/?',
      '/?a=1&a=2',
      '/a//b/',
      '/%7Euser/%2e',
      "/it's;v=1?x[]=1&y={z}",
      '/?next=https://example.com/?a=b',
      '/%E6%97%A5?q=%E6%9C%AC',
      '/a%5Cb',
    ]
    for (const target of tried(targets)) {
      const browser = createBrowser()
      const callback = await sendRawRequest(gate.port, {
        target,
        headers: ['Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document'],
      })
      const [cookie] = callback.headers['set-cookie']?.split(';') ?? []
      browser.setCookie(`${cookie}; Path=/`, gate.origin)
      const back = await toCallback(browser, callback.headers['location'] ?? '')
      const landed = await browser.get(back, { follow: false })
      expect(landed.headers.location).toBe(target)
    }
  })

  test.each([
    ['//evil.example/'],
    ['/\\evil.example'],
    ['/%0d%0aSet-Cookie:x'],
    ['http://evil.example/x'],
    ['/auth/logout'],
    ['/AUTH/logout'],
    [`/${'a'.repeat(5000)}`],
  ])('S-046 S-050 S-052 for the target %s stays on this site, outside of /auth', async (target) => {
    const begun = await sendRawRequest(gate.port, { target })
    const header = begun.headers['location'] ?? ''
    // The special paths have their own responses and start no login.
    if (!header.startsWith(vendor.origin)) return expect([404, 200]).toContain(begun.status)
    const browser = createBrowser()
    browser.setCookie(`${begun.headers['set-cookie']?.split(';')[0]}; Path=/`, gate.origin)
    const landed = await browser.get(await toCallback(browser, header), { follow: false })
    expect(landed.status).toBe(302)
    expect(landed.headers.location).toMatch(/^\/(?![/\\])[\x21-\x7e]*$/)
    expect(new URL(landed.headers.location ?? '', gate.origin).origin).toBe(gate.origin)
    expect(landed.headers.location?.length).toBeLessThanOrEqual(4096)
  })

  test('S-052 of an unsafe method is the start page', async () => {
    const browser = createBrowser()
    const begun = await browser.post(gate.url('/form?x=1'), { a: 'b' }, { follow: untilCallback })
    expect((await browser.get(begun.location ?? '', { follow: false })).headers.location).toBe('/')
    expect(begun.history[0]?.status).toBe(302)
  })

  test('S-051 in a plain query parameter is ignored', async () => {
    const names = [
      'url',
      'next',
      'returnTo',
      'return_to',
      'redirect',
      'redirect_uri',
      'rd',
      'r',
      'dest',
      'return_token',
      'continue',
      'target',
    ]
    const browser = createBrowser()
    const query = names
      .map((name) => `${name}=${encodeURIComponent('https://evil.example/')}`)
      .join('&')
    const callback = await toCallback(browser, gate.url(`/auth/authn?${query}`))
    expect((await browser.get(callback, { follow: false })).headers.location).toBe('/')
  })

  test('S-050 of loginUrl() is neither a special path nor off-site, in any spelling', async () => {
    const passing = await startGate(
      { provider: { idp: oidcOf(vendor) }, unauthenticated: 'pass' },
      {
        routes: (app) =>
          app.get(
            '/link',
            (req, res) => void res.end(req.oauth.loginUrl({ returnTo: String(req.query['to']) })),
          ),
      },
    )
    const landingOf = async (to: string) => {
      const browser = createBrowser()
      const link = (await browser.get(passing.url(`/link?to=${encodeURIComponent(to)}`))).body
      const callback = await toCallback(browser, passing.url(link))
      return (await browser.get(callback, { follow: false })).headers.location
    }
    for (const to of tried([
      '/auth/logout',
      '/auth/authn?x=1',
      '/AUTH/logout',
      '//auth/logout',
      '/x/../auth/logout',
      '/%61uth/logout',
      'https://evil.example/',
      'javascript:alert(1)',
      'x',
      '',
    ])) {
      expect([to, await landingOf(to)]).toEqual([to, '/'])
    }
    expect(await landingOf('/authors?x=1#y')).toBe('/authors?x=1#y')
  })

  test('an encrypted return token keeps the path, forces no new login, and works only for its instance', async () => {
    const refused = await createBrowser().get(gate.url('/kept?a=1'), {
      headers: {
        'Sec-Fetch-Mode': 'cors',
        'Sec-Fetch-Dest': 'empty',
        Accept: 'application/json',
        Referer: gate.url('/kept?a=1'),
      },
    })
    const link = new URL((JSON.parse(refused.body) as { login_url: string }).login_url, gate.origin)
    expect(link.pathname).toBe('/auth/authn')
    const browser = createBrowser()
    const begun = await browser.get(link.href, { follow: false })
    expect(authorizationOf(begun).has('prompt')).toBe(false)
    const landed = await browser.get(link.href)
    expect(landed.url).toBe(gate.url('/kept?a=1'))

    const other = await startGate({ provider: { idp: oidcOf(vendor) }, id: 'another' })
    const elsewhere = await createBrowser().get(other.origin + link.pathname + link.search)
    expect(elsewhere.url).toBe(other.url('/'))
    const forged = link.href.slice(0, -2) + (link.href.endsWith('A') ? 'BB' : 'AA')
    expect((await createBrowser().get(forged)).url).toBe(gate.url('/'))
  })
})

describe('concurrent logins', () => {
  test('S-007 five tabs finish in any order, each at its own URL, and one session remains', async () => {
    const store = memoryStore()
    const tabs = await startGate({ provider: { idp: oidcOf(vendor) }, store })
    const browser = createBrowser()
    const callbacks: string[] = []
    for (const tab of ['a', 'b', 'c', 'd', 'e'])
      callbacks.push(await toCallback(browser, tabs.url(`/tab/${tab}`)))
    for (const index of [2, 0, 4, 1, 3]) {
      const page = await browser.get(callbacks[index] ?? '')
      expect([page.status, page.url]).toEqual([200, tabs.url(`/tab/${'abcde'[index]}`)])
    }
    expect((await store.entries?.({ kind: 'session', limit: 10 }))?.entries).toHaveLength(1)
  })

  test('S-008 abandoned logins leave at most 8 cookies of 4 KiB in total', async () => {
    const browser = createBrowser()
    for (let index = 0; index < 40; index++)
      await browser.get(gate.url(`/poll/${index}`), { follow: false })
    const cookies = browser.cookies(gate.origin)
    expect(cookies.length).toBe(8)
    expect(cookies.map((cookie) => cookie.cookieString()).join('; ').length).toBeLessThan(4096)
    const polling = { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' }
    for (let index = 0; index < 10; index++)
      expect((await browser.get(gate.url('/api'), { headers: polling })).setCookie).toEqual([])
    const latest = await toCallback(browser, gate.url('/latest'))
    expect((await browser.get(latest)).url).toBe(gate.url('/latest'))
  })

  test('S-008 older transaction cookies are dropped to stay below 4 KiB', async () => {
    const long = Array.from(
      { length: 6 },
      (_, index) => `ngrok.nonce.0000000${index}=${'x'.repeat(1200)}`,
    ).join('; ')
    const page = await createBrowser().get(gate.url('/'), {
      follow: false,
      headers: { Cookie: `${long}; mine=1; ngrok.nonce.other=1` },
    })
    const dropped = page.setCookie
      .filter((line) => /Max-Age=0/.test(line))
      .map((line) => line.split('=')[0])
    expect(dropped).toEqual(
      [
        'ngrok.nonce.00000000',
        'ngrok.nonce.00000001',
        'ngrok.nonce.00000002',
        'ngrok.nonce.00000003',
      ].slice(0, dropped.length),
    )
    expect(6 * 1220 - dropped.length * 1220 + 100).toBeLessThan(4096)
  })

  test('S-067 hundreds of planted cookies produce no response that proxies reject, and are removed after some logins', async () => {
    const browser = createBrowser()
    let planted = Array.from(
      { length: 100 },
      (_, index) => `ngrok.nonce.${String(index).padStart(8, '0')}`,
    )
    for (let turn = 0; turn < 8; turn++) {
      const page = await browser.get(gate.url('/'), {
        follow: false,
        headers: { Cookie: planted.map((name) => `${name}=x`).join('; ') },
      })
      expect(page.setCookie.length).toBeLessThanOrEqual(17)
      const dropped = page.setCookie
        .filter((line) => /Max-Age=0/.test(line))
        .map((line) => line.split('=')[0])
      planted = planted.filter((name) => !dropped.includes(name))
    }
    expect(planted.length).toBeLessThan(8)
  })

  test('S-009 a login in progress stores nothing on the server', async () => {
    const calls: string[] = []
    const inner = memoryStore()
    const store: SessionStore = {
      ...inner,
      get: (key) => (calls.push('get'), inner.get(key)),
      set: (key, record, ttl) => (calls.push(`set ${record.kind}`), inner.set(key, record, ttl)),
    }
    const counted = await startGate({ provider: { idp: oidcOf(vendor) }, store })
    for (let index = 0; index < 50; index++)
      await createBrowser().get(counted.url('/'), { follow: false })
    expect(calls).toEqual([])
    await createBrowser().get(counted.url('/'))
    expect(calls.filter((call) => call === 'set session')).toHaveLength(1)
  })

  test('S-014 an abandoned login does not change the session', async () => {
    const browser = createBrowser()
    const before = bodyOf(await browser.get(gate.url('/')))
    await browser.get(gate.url('/auth/authn'), { follow: false })
    const after = bodyOf(await browser.get(gate.url('/')))
    expect(after.oauth?.['sessionHandle']).toBe(before.oauth?.['sessionHandle'])
    expect(after.oauth?.['isAuthenticated']).toBe(true)
  })
})
