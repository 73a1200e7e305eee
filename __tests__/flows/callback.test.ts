import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { memoryStore, type SessionStore } from '../../src/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { tried } from '../support/cases.js'
import { fakeDate, realDate } from '../support/clock.js'
import {
  bodyOf,
  type Gate,
  oidcOf,
  startGate,
  stopAll,
  stopping,
  toCallback,
  untilCallback,
  valueOfCookie,
} from '../support/gate.js'
import { type Browser, createBrowser, linksOf, type Page } from '../support/jar.js'

let vendor: VendorServer
let gate: Gate
const store = memoryStore({ maxPerUser: 1000 })

/** So that a second callback arrives while the first one waits. */
function slowTokenEndpoint(): void {
  vendor.respond('token', async () => {
    await sleep(300)
    return undefined
  })
}

beforeAll(async () => {
  vendor = stopping(await startVendor('oidc'))
  gate = await startGate({ provider: { idp: oidcOf(vendor) }, store })
})
afterEach(() => {
  realDate()
  vendor.claims()
  vendor.settings.issInCallback = true
  vendor.settings.discovery = {}
  vendor.respond('token', undefined)
  gate.reached.length = 0
})
afterAll(stopAll)

const tokenRequests = () => vendor.requests.filter(({ endpoint }) => endpoint === 'token').length
const sessionsIn = async () =>
  (await store.entries?.({ kind: 'session', limit: 10_000 }))?.entries.length

const cookiesOf = (browser: Browser) =>
  browser
    .cookies(gate.origin)
    .map((cookie) => cookie.cookieString())
    .join('; ')

/** Expects a rejected callback: a page with a link, no session, nothing of the app. */
function expectRefusal(page: Page, status: number, code: string): void {
  expect([page.status, page.body.match(/Error code <code>(\w+)/)?.[1]]).toEqual([status, code])
  expect(page.setCookie.filter((line) => line.startsWith('ngrok.session'))).toEqual([])
  expect(page.headers['cache-control']).toBe('no-store')
  expect(page.location).toBeUndefined()
  expect(gate.reached).toEqual([])
}

function withParams(callback: string, change: (params: URLSearchParams) => void): string {
  const url = new URL(callback)
  change(url.searchParams)
  return url.href
}

describe('a state', () => {
  test('S-003 without the cookie of its browser is rejected before the code is redeemed', async () => {
    const [victim, attacker] = [createBrowser(), createBrowser()]
    const callback = await toCallback(attacker, gate.url('/x'))
    const before = tokenRequests()
    expectRefusal(await victim.get(callback, { follow: false }), 400, 'login_expired')
    await toCallback(victim, gate.url('/y'))
    expectRefusal(await victim.get(callback, { follow: false }), 400, 'login_expired')
    expect(tokenRequests()).toBe(before)
  })

  test('S-003 with the renamed cookie of another login is rejected before the code is redeemed', async () => {
    const browser = createBrowser()
    const first = await toCallback(browser, gate.url('/1'))
    const [firstCookie] = browser.cookies(gate.origin)
    await toCallback(browser, gate.url('/2'))
    const second = browser.cookies(gate.origin).find(({ key }) => key !== firstCookie?.key)
    browser.setCookie(`${firstCookie?.key}=${second?.value}; Path=/`, gate.origin)
    const before = tokenRequests()
    expectRefusal(await browser.get(first, { follow: false }), 400, 'login_expired')
    expect(tokenRequests()).toBe(before)
  })

  test('S-005 works once: a replay in the same browser fails', async () => {
    const browser = createBrowser()
    const callback = await toCallback(browser, gate.url('/x'))
    const cookies = cookiesOf(browser)
    expect((await browser.get(callback, { follow: false })).status).toBe(302)
    const before = tokenRequests()
    expectRefusal(
      await createBrowser().get(callback, { follow: false, headers: { Cookie: cookies } }),
      400,
      'login_expired',
    )
    expect(tokenRequests()).toBe(before)
  })

  test('S-005 sent twice at once creates one session, and both responses sign the browser in to it', async () => {
    slowTokenEndpoint()
    const browser = createBrowser()
    const callback = await toCallback(browser, gate.url('/x'))
    const headers = { Cookie: cookiesOf(browser) }
    const before = await sessionsIn()
    const tokenRequestsBefore = tokenRequests()
    const both = await Promise.all(
      [1, 2].map(() => createBrowser().get(callback, { follow: false, headers })),
    )
    expect(both.map(({ status, location }) => [status, location]).sort()).toEqual([
      [302, gate.url('/')],
      [302, gate.url('/x')],
    ])
    const [first, second] = both.map(
      ({ setCookie }) => /^ngrok\.session=([^;]+)/m.exec(setCookie.join('\n'))?.[1],
    )
    expect(first).toMatch(/^[\w-]{43}$/)
    expect(second).toBe(first)
    expect(await sessionsIn()).toBe(Number(before) + 1)
    expect(tokenRequests()).toBe(tokenRequestsBefore + 1)
  })

  test('S-005 sent twice at once by different browsers signs in only the one that started the login', async () => {
    slowTokenEndpoint()
    const browser = createBrowser()
    const callback = await toCallback(browser, gate.url('/x'))
    const [own, other] = await Promise.all([
      browser.get(callback, { follow: false }),
      createBrowser().get(callback, { follow: false }),
    ])
    expect(own.status).toBe(302)
    expectRefusal(other, 400, 'login_expired')
  })

  test('S-005 sent twice at once and rejected: the second starts a new login instead of "expired"', async () => {
    slowTokenEndpoint()
    const browser = createBrowser()
    const callback = await toCallback(browser, gate.url('/x'))
    const failed = withParams(callback, (params) => params.set('code', 'wrong'))
    const headers = { Cookie: cookiesOf(browser) }
    const both = await Promise.all(
      [1, 2].map(() => createBrowser().get(failed, { follow: false, headers })),
    )
    const [retried, rejected] = both.sort((a, b) => a.status - b.status)
    expect([retried?.status, rejected?.status]).toEqual([302, 400])
    expect(new URL(retried?.location ?? '').pathname).toBe('/auth/authn')
    expect(both.flatMap(({ setCookie }) => setCookie).join()).not.toContain('ngrok.session=')
  })

  test('S-005 is consumed by a failed callback as well', async () => {
    const browser = createBrowser()
    const callback = await toCallback(browser, gate.url('/x'))
    const headers = { Cookie: cookiesOf(browser) }
    const failed = withParams(callback, (params) => params.set('code', 'wrong'))
    expectRefusal(await browser.get(failed, { follow: false, headers }), 400, 'login_expired')
    expectRefusal(await browser.get(callback, { follow: false, headers }), 400, 'login_expired')
    expect(gate.logged.at(-1)).toContain('already used')
  })

  test.each([
    [599, 302],
    [601, 400],
  ])('S-005 after %i seconds gets %i', async (seconds, status) => {
    const clock = fakeDate()
    // The provider's code lives longer: only our own transaction is in question.
    vendor.settings.codeLifetime = 1200
    const fresh = await startGate({ provider: { idp: oidcOf(vendor) } })
    const browser = createBrowser()
    const callback = await toCallback(browser, fresh.url('/x'))
    const headers = {
      Cookie: browser
        .cookies(fresh.origin)
        .map((cookie) => cookie.cookieString())
        .join('; '),
    }
    clock.forward(seconds)
    const page = await browser.get(callback, { follow: false, headers })
    vendor.settings.codeLifetime = 600
    expect(page.status).toBe(status)
    if (status === 400) expect(fresh.logged.at(-1)).toContain('has expired')
  })

  test('S-006 that is changed, truncated or encrypted with another secret is rejected', async () => {
    const browser = createBrowser()
    const callback = new URL(await toCallback(browser, gate.url('/x')))
    const headers = {
      Cookie: browser
        .cookies(gate.origin)
        .map((cookie) => cookie.cookieString())
        .join('; '),
    }
    const state = callback.searchParams.get('state') ?? ''
    const spoiled = [...state].map(
      (letter, index) =>
        `${state.slice(0, index)}${letter === 'A' ? 'B' : 'A'}${state.slice(index + 1)}`,
    )
    const plain = Buffer.from(
      JSON.stringify({ returnPath: '/evil', startedAt: Date.now(), cookieHash: 'x' }),
    ).toString('base64url')
    const before = tokenRequests()
    for (const wrong of tried([
      ...spoiled.filter((_, index) => index % 5 === 0 || index > state.length - 4),
      state.slice(0, -1),
      `${state}A`,
      '',
      plain,
      '=',
      '%00',
    ])) {
      callback.searchParams.set('state', wrong)
      const page = await browser.get(callback.href, { follow: false, headers })
      expect(page.status).toBe(400)
    }
    expect(tokenRequests()).toBe(before)
  })

  test('S-004 of another instance, client or provider with the same secret is rejected', async () => {
    const port = gate.port
    for (const other of [
      { id: 'other' },
      { provider: { idp: oidcOf(vendor, { clientId: 'another-client' }) } },
      { provider: { other: oidcOf(vendor) } },
    ]) {
      const second = await startGate({ provider: { idp: oidcOf(vendor) }, ...other })
      const browser = createBrowser()
      const callback = await toCallback(browser, gate.url('/x'))
      // Cookies know no ports: both apps see this one.
      const page = await browser.get(callback.replace(`:${port}`, `:${second.port}`), {
        follow: false,
      })
      expect(page.status).toBe(400)
      expect(page.setCookie.filter((line) => line.startsWith('ngrok.session'))).toEqual([])
    }
  })

  test('S-066 the two cookies are not interchangeable', async () => {
    const browser = createBrowser()
    const callback = await toCallback(browser, gate.url('/x'))
    const [nonce] = browser.cookies(gate.origin)
    const asSession = await createBrowser().get(gate.url('/'), {
      follow: false,
      headers: { Cookie: `ngrok.session=${nonce?.value}` },
    })
    expect(asSession.status).toBe(302)
    const other = createBrowser()
    await other.get(gate.url('/'))
    gate.reached.length = 0
    const sessionId = valueOfCookie(other, gate.origin)
    const before = tokenRequests()
    expectRefusal(
      await createBrowser().get(callback, {
        follow: false,
        headers: { Cookie: `${nonce?.key}=${sessionId}` },
      }),
      400,
      'login_expired',
    )
    expect(tokenRequests()).toBe(before)
  })
})

describe('the parameters', () => {
  test.each(['code', 'state', 'iss', 'error'])(
    'S-017 %s twice is rejected, and the code is not redeemed',
    async (name) => {
      const browser = createBrowser()
      const callback = await toCallback(browser, gate.url('/x'))
      const before = tokenRequests()
      const twice = withParams(callback, (params) => {
        for (let count = params.getAll(name).length; count < 2; count++)
          params.append(name, params.get(name) ?? 'access_denied')
      })
      expectRefusal(await browser.get(twice, { follow: false }), 400, 'invalid_callback')
      expect(tokenRequests()).toBe(before)
    },
  )

  test('S-019 a callback with an error never logs in, whatever other parameters it has', async () => {
    const browser = createBrowser()
    const callback = await toCallback(browser, gate.url('/x'))
    const before = tokenRequests()
    expectRefusal(
      await browser.get(`${callback}&error=server_error&error_description=out+of+order`, {
        follow: false,
      }),
      502,
      'provider_error',
    )
    expect(tokenRequests()).toBe(before)
  })

  test.each([
    ['access_denied', 403, 'access_denied'],
    ['login_required', 403, 'access_denied'],
    ['consent_required', 403, 'access_denied'],
    ['interaction_required', 403, 'access_denied'],
    ['server_error', 502, 'provider_error'],
    ['something_else', 502, 'provider_error'],
    ['invalid_scope', 502, 'misconfigured'],
    ['unauthorized_client', 502, 'misconfigured'],
    ['temporarily_unavailable', 503, 'provider_busy'],
  ])('the error %s results in %i %s', async (error, status, code) => {
    vendor.settings.refuse = { error, error_description: '<b>what happened</b>' }
    const page = await createBrowser().get(gate.url('/x'))
    vendor.settings.refuse = undefined
    expectRefusal(page, status, code)
    expect(page.body).toContain('&lt;b&gt;what happened&lt;/b&gt;')
    expect(page.headers['retry-after'] !== undefined).toBe(status === 503)
  })

  test('S-098 the error description is not shown without a valid state', async () => {
    for (const state of ['', '&state=abc']) {
      const page = await createBrowser().get(
        gate.url(`/auth/callback?error=access_denied&error_description=call+0900+123456${state}`),
      )
      expectRefusal(page, 400, 'login_expired')
      expect(page.body).not.toContain('0900')
    }
  })

  test('S-098 at most 512 characters of a description are shown, and no control characters', async () => {
    const browser = createBrowser()
    const callback = withParams(await toCallback(browser, gate.url('/x')), (params) => {
      params.delete('code')
      params.set('error', 'access_denied')
      params.set('error_description', `a\u202e\nb${'x'.repeat(2000)}`)
    })
    const page = await browser.get(callback, { follow: false })
    expect(page.body).toMatch(/a bx{509}</)
    expect(page.body).not.toContain('x'.repeat(510))
  })

  test('S-020 tokens in the query are ignored', async () => {
    const browser = createBrowser()
    const callback = withParams(await toCallback(browser, gate.url('/x')), (params) => {
      params.delete('code')
      params.set('access_token', 'front-channel')
      params.set('id_token', 'front.channel.token')
    })
    expectRefusal(await browser.get(callback, { follow: false }), 400, 'invalid_callback')
  })

  test('S-021 a code with control characters is rejected; any other is sent unchanged', async () => {
    for (const code of ['a\u0000b', 'a\nb', 'ä', '']) {
      const browser = createBrowser()
      const before = tokenRequests()
      const callback = withParams(await toCallback(browser, gate.url('/x')), (params) =>
        params.set('code', code),
      )
      expectRefusal(await browser.get(callback, { follow: false }), 400, 'invalid_callback')
      expect(tokenRequests()).toBe(before)
    }
    const browser = createBrowser()
    const odd = 'a b+c&client_id=evil%41/"'
    await browser.get(
      withParams(await toCallback(browser, gate.url('/x')), (params) => params.set('code', odd)),
    )
    const { form } = vendor.requests.filter(({ endpoint }) => endpoint === 'token').at(-1) ?? {}
    expect(form).toMatchObject({ code: odd, client_id: vendor.clientId })
  })

  test('a code of another origin is rejected', async () => {
    const [victim, attacker] = [createBrowser(), createBrowser()]
    const stolen =
      new URL(await toCallback(attacker, gate.url('/x'))).searchParams.get('code') ?? ''
    const callback = withParams(await toCallback(victim, gate.url('/x')), (params) =>
      params.set('code', stolen),
    )
    expectRefusal(await victim.get(callback, { follow: false }), 400, 'login_expired')
  })

  test.each([
    ['another issuer', 'https://evil.example', 400],
    ['none although discovery announces it', false, 400],
    ['the right one', true, 302],
  ])('S-015 iss of %s', async (_, issInCallback, status) => {
    const browser = createBrowser()
    vendor.settings.issInCallback = true
    await browser.get(gate.url('/x'), { follow: false })
    vendor.settings.issInCallback = issInCallback
    const before = tokenRequests()
    const page = await browser.get(await toCallback(browser, gate.url('/x')), { follow: false })
    expect(page.status).toBe(status)
    expect(tokenRequests()).toBe(status === 302 ? before + 1 : before)
  })

  test('S-015 an error of another issuer is rejected as well', async () => {
    vendor.settings.issInCallback = 'https://evil.example'
    vendor.settings.refuse = { error: 'access_denied', error_description: 'call 0900' }
    const page = await createBrowser().get(gate.url('/x'))
    vendor.settings.refuse = undefined
    expectRefusal(page, 400, 'invalid_callback')
    expect(page.body).not.toContain('0900')
  })
})

describe('the responses of the provider', () => {
  const hour = 3600
  const now = () => Math.floor(Date.now() / 1000)
  test.each<
    [
      string,
      Record<string, unknown> | ((claims: Record<string, unknown>) => Record<string, unknown>),
      object?,
    ]
  >([
    ['S-038 another issuer', { iss: 'https://evil.example' }],
    ['S-036 S-038 no issuer', { iss: undefined }],
    [
      'S-038 an issuer with a slash more',
      (claims) => ({ ...claims, iss: `${String(claims['iss'])}/` }),
    ],
    ['S-038 another audience', { aud: 'another-client' }],
    ['S-036 S-038 no audience', { aud: undefined }],
    ['S-036 S-038 an audience more', { aud: ['dev-client', 'another-client'] }],
    ['S-038 another authorized party', { azp: 'another-client' }],
    ['S-038 another nonce', { nonce: 'x'.repeat(43) }],
    ['S-036 S-038 no nonce', { nonce: undefined }],
    ['S-038 an array as nonce', (claims) => ({ ...claims, nonce: [claims['nonce']] })],
    ['S-038 no sub', { sub: undefined }],
    ['S-038 an empty sub', { sub: '' }],
    ['S-038 a number as sub', { sub: 7 }],
    ['S-036 S-038 no exp', { exp: undefined }],
    ['S-038 a text as exp', { exp: String(now() + hour) }],
    ['S-038 no iat', { iat: undefined }],
    ['S-038 nbf in the future', { nbf: now() + hour }],
    ['S-036 S-039 expired', { iat: now() - 2 * hour, exp: now() - hour }],
    ['S-039 issued in the future', { iat: now() + hour, exp: now() + 2 * hour }],
    ['S-037 no signature', {}, { signing: 'none' }],
    ['S-037 the signature of the secret', {}, { signing: 'HS256-secret' }],
    ['S-037 the signature of the public key as a secret', {}, { signing: 'HS256-public-key' }],
    ['S-037 another key', {}, { signing: 'wrong-key' }],
    ['S-037 a spoiled signature', {}, { signing: 'bad-signature' }],
    ['S-037 a key of its own', {}, { header: { jwk: { kty: 'RSA', n: 'x', e: 'AQAB' } } }],
    ['S-037 the address of a key', {}, { header: { jku: 'https://evil.example/keys' } }],
    ['S-037 an unknown critical header', {}, { header: { crit: ['b64'], b64: false } }],
    ['a hash of another access token', { at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }],
  ])('S-028 %s in the ID token: rejected, and nothing is stored', async (_, claims, how = {}) => {
    const before = await sessionsIn()
    vendor.claims(claims, how)
    expectRefusal(await createBrowser().get(gate.url('/x')), 502, 'provider_error')
    expect(await sessionsIn()).toBe(before)
  })

  test('S-037 an algorithm that the provider does not announce is rejected, even if the key matches', async () => {
    vendor.settings.discovery = {
      id_token_signing_alg_values_supported: ['ES256', 'none', 'HS256'],
    }
    const fresh = await startGate({ provider: { idp: oidcOf(vendor) } })
    expect((await createBrowser().get(fresh.url('/x'))).status).toBe(502)
    expect(fresh.logged.at(-1)).toContain('is signed with RS256; allowed are')
  })

  test('S-033 an ID token without a key id is accepted if one key matches', async () => {
    vendor.claims({}, { signing: 'no-kid' })
    expect((await createBrowser().get(gate.url('/x'))).status).toBe(200)
  })

  test('S-036 S-038 an audience array with only our client id is accepted', async () => {
    vendor.claims({ aud: [vendor.clientId] })
    expect((await createBrowser().get(gate.url('/x'))).status).toBe(200)
  })

  test('S-039 clocks may differ by 20 seconds in either direction', async () => {
    for (const claims of [{ iat: now() + 20 }, { iat: now() - hour, exp: now() - 20 }]) {
      vendor.claims(claims)
      expect((await createBrowser().get(gate.url('/x'))).status).toBe(200)
    }
  })

  test('S-034 S-041 a new key of the provider is fetched, once for many unknown key ids', async () => {
    const rotating = stopping(await startVendor('oidc'))
    const fresh = await startGate({ provider: { idp: oidcOf(rotating) } })
    expect((await createBrowser().get(fresh.url('/'))).status).toBe(200)
    rotating.rotateKeys()
    expect((await createBrowser().get(fresh.url('/'))).status).toBe(200)
    rotating.claims({}, { signing: 'unknown-kid' })
    const fetched = () => rotating.requests.filter(({ endpoint }) => endpoint === 'jwks').length
    const before = fetched()
    for (let index = 0; index < 5; index++)
      expect((await createBrowser().get(fresh.url('/'))).status).toBe(502)
    expect(fetched()).toBe(before)
  })

  test.each<[string, object]>([
    ['an error with status 200', { body: { error: 'server_error' } }],
    ['no access token', { body: { token_type: 'Bearer', id_token: 'x' } }],
    ['another token type', { body: { access_token: 'a', token_type: 'mac', id_token: 'x' } }],
    ['a list', { body: [{ access_token: 'a', token_type: 'Bearer' }] }],
    ['a page', { headers: { 'content-type': 'text/html' }, body: '<p>proxy error' }],
    ['an empty response', { body: '' }],
    ['no ID token', { body: { access_token: 'a', token_type: 'Bearer' } }],
    ['status 500', { status: 500, body: { access_token: 'a', token_type: 'Bearer' } }],
    ['a redirect', { status: 307, headers: { location: 'http://127.0.0.1:9/steal' } }],
  ])('S-043 S-109 %s from the token endpoint fails the login', async (_, answer) => {
    const end = vendor.respond('token', answer)
    const page = await createBrowser().get(gate.url('/x'))
    end()
    expectRefusal(page, 502, 'provider_error')
  })

  test('invalid_client is a configuration error, and the user can try again when it is corrected', async () => {
    const wrong = await startGate({
      provider: { idp: oidcOf(vendor, { clientSecret: 'another secret' }) },
    })
    const page = await createBrowser().get(wrong.url('/x'))
    expect(page.status).toBe(502)
    expect(page.body).toContain('misconfigured')
    expect(linksOf(page)).toEqual([expect.stringContaining('/auth/authn?return_token=')])
    expect(wrong.logged.join('\n')).toContain('invalid_client')
    expect(wrong.logged.join('\n')).not.toContain('another secret')
  })

  test('S-040 userinfo of another subject is rejected', async () => {
    for (const sub of ['user-2', undefined, 7]) {
      const end = vendor.respond('userinfo', {
        body: { sub, email: 'ida@acme.example', email_verified: true },
      })
      const page = await createBrowser().get(gate.url('/x'))
      end()
      expectRefusal(page, 502, 'provider_error')
    }
  })

  test.each<[string, 'hang' | 'reset' | 'slow-body' | 'huge-body' | 'truncated', number]>([
    ['never responds', 'hang', 504],
    ['trickles', 'slow-body', 504],
    ['resets the connection', 'reset', 502],
    ['sends too much', 'huge-body', 502],
    ['breaks off', 'truncated', 502],
  ])('S-109 a token endpoint that %s', async (_, fault, status) => {
    const quick = await startGate({
      provider: { idp: oidcOf(vendor) },
      timeouts: { provider: 0.4 },
    })
    const browser = createBrowser()
    const callback = await toCallback(browser, quick.url('/x'))
    const end = vendor.respond('token', fault)
    const page = await browser.get(callback, { follow: false })
    end()
    expect(page.status).toBe(status)
    expect(page.setCookie.some((line) => line.startsWith('ngrok.session'))).toBe(false)
    expect(quick.reached).toEqual([])
  })

  test('S-042 a failed discovery is retried, and one request serves all waiting logins', async () => {
    const fresh = await startGate({ provider: { idp: oidcOf(vendor) } })
    vendor.respond('discovery', { status: 503 }, { once: true })
    expect((await createBrowser().get(fresh.url('/'), { follow: false })).status).toBe(502)
    vendor.requests.length = 0
    const all = await Promise.all(
      Array.from({ length: 10 }, () => createBrowser().get(fresh.url('/'), { follow: false })),
    )
    expect(all.map(({ status }) => status)).toEqual(Array(10).fill(302))
    expect(vendor.requests.filter(({ endpoint }) => endpoint === 'discovery')).toHaveLength(1)
  })

  test('S-034 a discovery document of another issuer is rejected', async () => {
    vendor.settings.discovery = { issuer: 'https://evil.example' }
    const fresh = await startGate({ provider: { idp: oidcOf(vendor) } })
    const page = await createBrowser().get(fresh.url('/'), { follow: false })
    expect([page.status, page.body.includes('misconfigured')]).toEqual([502, true])
  })

  test('S-044 a secret with special characters arrives unchanged in the body or in Basic, and never in a URL', async () => {
    const secret = 'p%20+:&=/ü"$'
    vendor.clientSecret = secret
    for (const clientAuth of ['post', 'basic']) {
      const fresh = await startGate({ provider: { idp: oidcOf(vendor, { clientAuth }) } })
      expect((await createBrowser().get(fresh.url('/'))).status).toBe(200)
    }
    vendor.clientSecret = 'dev-client-secret'
    const encoded = new URLSearchParams({ secret }).toString().slice('secret='.length)
    for (const { url } of vendor.requests)
      expect([url.includes(encoded), url.includes('client_secret')]).toEqual([false, false])
  })
})

describe('the response', () => {
  test('S-026 redirects away from the URL with the code, without a body and with no-store', async () => {
    const browser = createBrowser()
    const page = await browser.get(await toCallback(browser, gate.url('/x')), { follow: false })
    expect([page.status, page.body]).toEqual([302, ''])
    expect(page.headers).toMatchObject({
      location: '/x',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    })
  })

  test('S-023 the back button of a logged-in user leads to the start page and keeps the session', async () => {
    const browser = createBrowser()
    const callback = await toCallback(browser, gate.url('/x'))
    const { oauth } = bodyOf(await browser.get(callback))
    for (let count = 0; count < 2; count++) {
      const page = await browser.get(callback, { follow: false })
      expect([page.status, page.headers.location]).toEqual([302, '/'])
      expect(page.setCookie.filter((line) => line.startsWith('ngrok.session'))).toEqual([])
    }
    expect(bodyOf(await browser.get(gate.url('/'))).oauth?.['sessionHandle']).toBe(
      oauth?.['sessionHandle'],
    )
  })

  test('S-024 a browser without cookies gets a page instead of a loop, the third time with the cause', async () => {
    const visit = async (url: string) => {
      const browser: Browser = createBrowser()
      const back = await browser.get(url, { follow: untilCallback })
      return createBrowser().get(back.location ?? '', { follow: false })
    }
    const codes: (string | undefined)[] = []
    let page = await visit(gate.url('/x'))
    for (let count = 0; count < 4; count++) {
      codes.push(page.body.match(/Error code <code>(\w+)/)?.[1])
      expect(page.status).toBe(400)
      page = await visit(linksOf(page)[0] ?? '')
    }
    expect(codes).toEqual(['login_expired', 'login_expired', 'cookie_lost', 'login_expired'])
  })

  const rowsIn = async (store: SessionStore) =>
    (await store.entries?.({ kind: 'session', limit: 100 }))?.entries.length

  test.each<[string, object, string | undefined]>([
    ['domain', { domain: 'other.example' }, undefined],
    ['path', { path: '/elsewhere' }, undefined],
    [
      'path, with an invalid cookie of our name',
      { path: '/elsewhere' },
      `ngrok.session=${'A'.repeat(43)}`,
    ],
  ])(
    'S-024 a session cookie that is never sent back ends the loop with the cause, and one row: its %s',
    async (_, cookie, Cookie) => {
      const store = memoryStore()
      const lossy = await startGate({ provider: { idp: oidcOf(vendor) }, store, cookie })
      const browser = createBrowser()
      if (Cookie !== undefined) browser.setCookie(Cookie, lossy.origin)
      const page = await browser.get(lossy.url('/x'), { follow: 28 })
      expect([page.status, page.body.match(/Error code <code>(\w+)/)?.[1], lossy.reached]).toEqual([
        400,
        'cookie_lost',
        [],
      ])
      expect(await rowsIn(store)).toBe(1)
      const again = await browser.get(linksOf(page)[0] ?? '', { follow: 28 })
      expect([again.status, await rowsIn(store)]).toEqual([400, 1])
    },
  )

  test('S-024 logging out and in many times below a mount is not taken for a lost cookie', async () => {
    const mounted = await startGate({ provider: { idp: oidcOf(vendor) } }, { mount: '/app' })
    const browser = createBrowser()
    for (let count = 0; count < 6; count++) {
      expect((await browser.get(mounted.url('/app/x'))).status).toBe(200)
      await browser.get(mounted.url('/app/auth/logout'), {
        headers: { 'Sec-Fetch-Site': 'same-origin' },
      })
    }
  })

  test('S-024 the same callback without a cookie still gets 400', async () => {
    const callback = await toCallback(createBrowser(), gate.url('/x'))
    for (let count = 0; count < 10; count++)
      expect((await createBrowser().get(callback)).status).toBe(400)
  })

  test.each([
    ['Sec-Purpose: prefetch', { 'Sec-Purpose': 'prefetch' }],
    ['Sec-Purpose: prefetch;prerender', { 'Sec-Purpose': 'prefetch;prerender' }],
    ['Purpose: prefetch', { Purpose: 'prefetch' }],
    ['X-Purpose: preview', { 'X-Purpose': 'preview' }],
    ['X-Moz: prefetch', { 'X-Moz': 'prefetch' }],
  ])(
    'S-029 C13: a callback with %s gets 400 and redeems no code; the navigation then completes the login',
    async (_, headers) => {
      const browser = createBrowser()
      const callback = await toCallback(browser, gate.url('/x'))
      const before = tokenRequests()
      const prefetch = await browser.get(callback, { follow: false, headers })
      expect([prefetch.status, prefetch.setCookie, tokenRequests()]).toEqual([400, [], before])
      expect(bodyOf(await browser.get(callback)).url).toBe('/x')
    },
  )

  test('S-029 a prefetch of a page starts no login, and the navigation that follows does', async () => {
    const browser = createBrowser()
    const headers = { 'Sec-Purpose': 'prefetch' }
    const prefetch = await browser.get(gate.url('/x'), { follow: false, headers })
    expect([prefetch.status, prefetch.setCookie, prefetch.location]).toEqual([401, [], undefined])
    expect(gate.reached).toEqual([])
    expect(bodyOf(await browser.get(gate.url('/x'))).url).toBe('/x')
  })

  test('S-029 C13: a prefetch of /auth/authn starts no login', async () => {
    const page = await createBrowser().get(gate.url('/auth/authn'), {
      follow: false,
      headers: { 'Sec-Purpose': 'prefetch' },
    })
    expect([page.status, page.setCookie, page.location]).toEqual([401, [], undefined])
  })

  test('S-025 HEAD redeems no code and keeps the transaction; other methods are rejected', async () => {
    const browser = createBrowser()
    const callback = await toCallback(browser, gate.url('/x'))
    const before = tokenRequests()
    const head = await browser.request('HEAD', callback, undefined, { follow: false })
    expect([head.status, head.setCookie]).toEqual([200, []])
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const page = await browser.request(method, callback, method === 'POST' ? 'a=b' : undefined, {
        follow: false,
      })
      expect([page.status, page.headers['allow']]).toEqual([405, 'GET, HEAD'])
    }
    expect(tokenRequests()).toBe(before)
    expect((await browser.get(callback, { follow: false })).status).toBe(302)
  })

  test('S-022 no request to the callback reaches the app', async () => {
    for (const query of [
      '',
      '?',
      '?&',
      '?%',
      '?code',
      '?code=x',
      '?state=%E0%A4%A',
      '?__proto__[x]=1&state[]=a',
      `?state=${'a'.repeat(8000)}`,
    ]) {
      const page = await createBrowser().get(gate.url(`/auth/callback${query}`), { follow: false })
      expect(page.status).toBe(400)
    }
    expect(gate.reached).toEqual([])
  })
})

describe('B6 a proxy that replaces Host', () => {
  type Headers = Record<string, string | undefined>
  const codeOf = (page: { body: string }) => /Error code <code>(\w+)/.exec(page.body)?.[1]

  /** Starts a login with these headers; its response comes without the cookie. */
  async function visit(at: Gate, before: Headers, after: Headers = {}) {
    const begun = await createBrowser().get(at.url('/x'), { headers: before, follow: false })
    const callback = await toCallback(createBrowser(), begun.location ?? '')
    return createBrowser().get(at.origin + new URL(callback).pathname + new URL(callback).search, {
      follow: false,
      headers: after,
    })
  }

  test.each<[string, Headers]>([
    ['X-Forwarded-Host', { 'X-Forwarded-Host': 'app.example, inner' }],
    ['X-Original-Host', { 'X-Original-Host': 'app.example' }],
    ['Forwarded', { Forwarded: 'for=192.0.2.1;host="app.example";proto=https' }],
    [
      'the Referer of a link on the same site',
      { Referer: 'https://app.example/a', 'Sec-Fetch-Site': 'same-origin' },
    ],
    ['another Host header', { Host: '127.0.0.1:3000' }],
  ])('B6 is named by cookie_lost at once, with both hosts: %s', async (_, before) => {
    const page = await visit(gate, before)
    const started = before['Host'] ?? 'app.example'
    expect([page.status, codeOf(page)]).toEqual([400, 'cookie_lost'])
    expect(page.body).toContain(`started on ${started}, but its response came to localhost:`)
    expect(gate.logged.join('\n')).toContain('proxy_set_header Host $host')
    const again = await createBrowser().get(linksOf(page)[0] ?? '')
    expect([again.status, again.url]).toEqual([200, gate.url('/x')])
  })

  test('B6 and one that replaces it in the response only', async () => {
    const page = await visit(gate, {}, { Host: 'backend:3000' })
    expect([codeOf(page), page.body.includes('came to backend:3000')]).toEqual([
      'cookie_lost',
      true,
    ])
  })

  test.each<[string, Headers, Headers]>([
    ['other browsers', {}, {}],
    ['other ports', {}, { Host: 'localhost:1' }],
    [
      'a Referer of another site',
      { Referer: 'https://a.example/', 'Sec-Fetch-Site': 'cross-site' },
      {},
    ],
    ['the same reported host twice', { 'X-Forwarded-Host': 'in' }, { 'X-Forwarded-Host': 'in' }],
    ['a reported host that is none', { 'X-Forwarded-Host': '<b>x</b>' }, {}],
    ['a reported host that is too long', { 'X-Forwarded-Host': 'a'.repeat(300) }, {}],
  ])('B6 is not blamed for %s', async (_, before, after) => {
    expect(codeOf(await visit(gate, before, after))).toBe('login_expired')
  })

  test('B6 is harmless with baseUrl', async () => {
    const based = await startGate({
      provider: { idp: oidcOf(vendor) },
      baseUrl: 'http://app.localhost:3000',
    })
    const begin = async (headers: Headers) => {
      const moved = await createBrowser().get(based.url('/x'), { headers, follow: false })
      const { pathname, search } = new URL(moved.location ?? '')
      return based.origin + pathname + search
    }
    const inner = { Host: 'backend:3000' }
    const browser = createBrowser()
    const back = await toCallback(browser, await begin(inner), { headers: inner }).catch(String)
    expect(back).toMatch(/^http:\/\/app\.localhost:3000\/auth\/callback/)
    const { pathname, search } = new URL(back)
    const lost = await createBrowser().get(based.origin + pathname + search, { headers: inner })
    expect(codeOf(lost)).toBe('login_expired')
    const done = await browser.get(based.origin + pathname + search, {
      headers: inner,
      follow: false,
    })
    expect([done.status, done.headers.location]).toEqual([302, '/x'])
  })
})
