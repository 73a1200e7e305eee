import { afterEach, describe, expect, test } from '@jest/globals'
import { generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import { type OAuthError, oidcProvider } from '../../src/index.js'
import type { SigningFault } from '../../src/dev/vendors/index.js'
import { startGate, stopAll, toCallback } from '../support/gate.js'
import { fakeDate, realDate } from '../support/clock.js'
import { createBrowser } from '../support/jar.js'
import {
  expectDenied,
  gateOf,
  logIn,
  refusal,
  requestsTo,
  retryLink,
  setUp,
  startVendor,
} from '../support/providers.js'

afterEach(async () => {
  realDate()
  await stopAll()
})

describe('discovery', () => {
  test('is requested at the first login, and not again at later logins', async () => {
    const { vendor, gate } = await setUp('oidc')
    expect(vendor.requests).toEqual([])
    await Promise.all([logIn({ gate }), logIn({ gate }), logIn({ gate })])
    await logIn({ gate })
    expect(requestsTo(vendor, 'discovery')).toHaveLength(1)
    expect(requestsTo(vendor, 'jwks')).toHaveLength(1)
  })

  test('keeps the path of an issuer', async () => {
    const { vendor, gate } = await setUp('oidc', {}, { settings: { basePath: '/realms/one' } })
    expect((await logIn({ gate })).status).toBe(200)
    expect(requestsTo(vendor, 'discovery')[0]?.url).toBe(
      '/realms/one/.well-known/openid-configuration',
    )
  })

  test.each([
    ['a slash more', (issuer: string) => `${issuer}/`],
    ['another host', () => 'https://evil.example'],
    ['another path', (issuer: string) => `${issuer}/x`],
    ['none', () => undefined],
  ])('OI-1: a document with %s is rejected, and the log names both issuers', async (_, spoil) => {
    const { vendor, gate } = await setUp('oidc')
    const issuer = spoil(vendor.origin)
    vendor.settings.discovery = { issuer }
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'misconfigured' })
    expect(gate.logged.join()).toContain(`instead of \\"${vendor.origin}\\"`)
    if (issuer !== undefined) expect(gate.logged.join()).toContain(`the issuer \\"${issuer}\\"`)
  })

  test('OI-1: a trailing slash is part of the issuer', async () => {
    const { vendor } = await setUp('oidc')
    const gate = await gateOf(vendor, { issuer: `${vendor.origin}/` })
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'misconfigured' })
    vendor.settings.discovery = { issuer: `${vendor.origin}/` }
    vendor.settings.issInCallback = `${vendor.origin}/`
    vendor.claims({ iss: `${vendor.origin}/` })
    expect((await logIn({ gate })).status).toBe(200)
  })

  test.each(['authorization_endpoint', 'token_endpoint', 'jwks_uri', 'userinfo_endpoint'])(
    'OI-2: a %s without TLS is rejected',
    async (member) => {
      const { vendor, gate } = await setUp('oidc')
      for (const url of [
        'http://idp.example/x',
        'javascript:alert(1)',
        'file:///etc/passwd',
        '/relative',
        7,
      ]) {
        vendor.settings.discovery = { [member]: url }
        expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
      }
      vendor.settings.discovery = {}
      expect((await logIn({ gate })).status).toBe(200)
    },
  )

  test('OI-2: an issuer without TLS throws, unless it is a loopback address', () => {
    const options = { clientId: 'a', clientSecret: 'b' }
    expect(refusal({ x: oidcProvider({ ...options, issuer: 'http://idp.example' }) })).toMatch(
      /issuer must be .*https/,
    )
    expect(
      refusal({ x: oidcProvider({ ...options, issuer: 'http://127.0.0.1:1' }) }),
    ).toBeUndefined()
    expect(refusal({ x: oidcProvider({ ...options, issuer: 'idp.example' }) })).toMatch(
      /issuer must be an absolute URL/,
    )
    expect(refusal({ x: oidcProvider({ ...options } as never) })).toMatch(/issuer is missing/)
  })

  test.each([
    ['an error', { status: 503 }, 502],
    ['no JSON', { body: '<html>' }, 502],
    ['a list', { headers: { 'content-type': 'application/json' }, body: '[]' }, 502],
    ['a redirect', { status: 302, headers: { location: 'https://evil.example' } }, 502],
    ['a huge body', 'huge-body' as const, 502],
    ['a reset', 'reset' as const, 502],
    ['nothing', 'hang' as const, 504],
  ])(
    'OI-3: %s results in an error page with a retry link, and is not cached',
    async (_, answer, status) => {
      const { vendor, gate } = await setUp('oidc', {}, {}, { timeouts: { provider: 1 } })
      vendor.respond('discovery', answer)
      const browser = createBrowser()
      const failed = await logIn({ gate, browser }, '/deep')
      expect(failed.status).toBe(status)
      vendor.respond('discovery', undefined)
      const again = await browser.get(retryLink(failed.page))
      expect(JSON.parse(again.body)).toMatchObject({ url: '/deep', user: { id: 'user-1' } })
    },
  )

  test('OI-3: is requested again after an hour, and the old document is used while that fails', async () => {
    const clock = fakeDate()
    const { vendor, gate } = await setUp('oidc')
    expect((await logIn({ gate })).status).toBe(200)
    vendor.respond('discovery', { status: 503 })
    vendor.respond('jwks', { status: 503 })
    clock.forward(3601)
    expect((await logIn({ gate })).status).toBe(200)
    expect((await logIn({ gate })).status).toBe(200)
    expect(requestsTo(vendor, 'discovery').length).toBeGreaterThan(1)
    expect(requestsTo(vendor, 'jwks').length).toBeGreaterThan(1)
  })

  test('OI-3: concurrent logins share one request', async () => {
    const { vendor, gate } = await setUp('oidc')
    vendor.respond('discovery', { status: 503 })
    const attempts = await Promise.all(Array.from({ length: 10 }, () => logIn({ gate })))
    expect(attempts.map(({ status }) => status)).toEqual(attempts.map(() => 502))
    expect(requestsTo(vendor, 'discovery').length).toBeLessThan(10)
  })
})

describe('keys', () => {
  test('OI-4: new keys are fetched when a token has an unknown key id', async () => {
    const { vendor, gate } = await setUp('oidc')
    expect((await logIn({ gate })).status).toBe(200)
    vendor.rotateKeys()
    expect((await logIn({ gate })).status).toBe(200)
    expect(requestsTo(vendor, 'jwks')).toHaveLength(2)
  })

  test('C13: keys that cannot be fetched again are used for 24 hours, with a warning, and then no longer', async () => {
    const clock = fakeDate()
    const { vendor, gate } = await setUp('oidc')
    expect((await logIn({ gate })).status).toBe(200)
    vendor.respond('jwks', { status: 503 })
    clock.forward(23 * 3600)
    expect((await logIn({ gate })).status).toBe(200)
    expect((await logIn({ gate })).status).toBe(200)
    expect(gate.logged.filter((line) => /^warn .*24 hours/.test(line))).toHaveLength(1)
    clock.forward(3601)
    const attempt = await logIn({ gate })
    expect([attempt.status, attempt.code]).toEqual([502, 'provider_error'])
    expect(gate.logged.at(-1)).toContain('/jwks responded with status 503')
    vendor.respond('jwks', undefined)
    expect((await logIn({ gate })).status).toBe(200)
    clock.forward(23 * 3600)
    expect((await logIn({ gate })).status).toBe(200)
  })

  test.each([
    ['do not respond', 'hang' as const, 504],
    ['are withdrawn', { body: { keys: [] } }, 502],
    ['are malformed', { body: { keys: 'none' } }, 502],
  ])(
    'C13: a day after the keys were fetched, keys that %s verify no token',
    async (_, answer, status) => {
      const clock = fakeDate()
      const { vendor, gate } = await setUp('oidc', {}, {}, { timeouts: { provider: 1 } })
      expect((await logIn({ gate })).status).toBe(200)
      vendor.respond('jwks', answer)
      clock.forward(24 * 3600 + 1)
      expect((await logIn({ gate })).status).toBe(status)
    },
  )

  test('C13: a clock that is set back by days does not extend the use of old keys', async () => {
    const clock = fakeDate()
    const { vendor, gate } = await setUp('oidc')
    expect((await logIn({ gate })).status).toBe(200)
    vendor.respond('jwks', { status: 503 })
    clock.forward(-25 * 3600)
    expect((await logIn({ gate })).status).toBe(502)
  })

  test('OI-4: many unknown key ids fetch the keys once', async () => {
    const { vendor, gate } = await setUp('oidc')
    await logIn({ gate })
    vendor.claims({}, { signing: 'unknown-kid' })
    for (let count = 0; count < 5; count++) expect((await logIn({ gate })).status).toBe(502)
    expect(requestsTo(vendor, 'jwks')).toHaveLength(2)
    vendor.claims()
    expect((await logIn({ gate })).status).toBe(200)
  })

  test.each<[SigningFault, number]>([
    ['none', 502],
    ['HS256-secret', 502],
    ['HS256-public-key', 502],
    ['wrong-key', 502],
    ['bad-signature', 502],
    ['no-kid', 200],
  ])('OI-5: a token signed with %s: %i', async (signing, status) => {
    const { vendor, gate } = await setUp('oidc')
    vendor.claims({}, { signing })
    expect((await logIn({ gate })).status).toBe(status)
    expect(requestsTo(vendor, 'userinfo')).toHaveLength(status === 200 ? 1 : 0)
  })

  test('OI-5: a token signed with ES256 is accepted only if the document lists ES256', async () => {
    const { vendor, gate } = await setUp('oidc', {}, { settings: { signingAlg: 'ES256' } })
    expect((await logIn({ gate })).status).toBe(200)
    vendor.settings.discovery = { id_token_signing_alg_values_supported: ['RS256'] }
    expect((await logIn({ gate: await gateOf(vendor) })).status).toBe(502)
  })

  test.each([
    ['a key of its own', { jwk: { kty: 'RSA', n: 'x', e: 'AQAB' } }],
    ['an address of keys', { jku: 'https://evil.example/jwks' }],
    ['a certificate', { x5c: ['x'] }],
    ['an unknown extension', { crit: ['x'], x: 1 }],
    ['another type', { typ: 'at+jwt' }],
  ])('OI-5: a token with %s in its header is rejected', async (_, header) => {
    const { vendor, gate } = await setUp('oidc')
    vendor.claims({}, { header })
    expect((await logIn({ gate })).status).toBe(502)
  })
})

describe('claims', () => {
  test.each([
    ['another audience', { aud: 'other' }],
    ['a second audience', { aud: ['dev-client', 'other'] }],
    ['a second audience and its azp', { aud: ['dev-client', 'other'], azp: 'other' }],
    ['another azp', { azp: 'other' }],
    ['no audience', { aud: [] }],
    ['another issuer', { iss: 'https://evil.example' }],
    ['another nonce', { nonce: 'x' }],
    ['no nonce', { nonce: undefined }],
    ['no sub', { sub: undefined }],
    ['a long sub', { sub: 'x'.repeat(256) }],
    ['no end', { exp: undefined }],
    ['an end in the past', { exp: 1000 }],
    ['a birth in the future', { iat: 99_999_999_999 }],
    ['another access token', { at_hash: 'x' }],
  ])('OI-6: a token with %s is rejected', async (_, claims) => {
    const { vendor, gate } = await setUp('oidc')
    vendor.claims(claims)
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
  })

  test('OI-6: an aud array with only our client id is accepted', async () => {
    const { vendor, gate } = await setUp('oidc')
    vendor.claims({ aud: ['dev-client'], azp: 'dev-client' })
    expect((await logIn({ gate })).status).toBe(200)
  })

  test('OI-7: the session outlives the ID token', async () => {
    const { vendor, gate, browser } = await setUp('oidc', {}, {}, { clockTolerance: 0 })
    vendor.settings.idTokenLifetime = 3
    expect((await logIn({ gate, browser })).status).toBe(200)
    await new Promise((resolve) => setTimeout(resolve, 3100))
    expect((await logIn({ gate, browser })).page.history).toHaveLength(1)
  })

  test('OI-8: userinfo of another subject is rejected', async () => {
    const { vendor, gate } = await setUp('oidc')
    for (const body of [{ sub: 'somebody-else' }, { name: 'No Sub' }, { sub: ['user-1'] }]) {
      vendor.respond('userinfo', { body })
      expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
    }
  })

  test('signed userinfo is verified', async () => {
    const { vendor, gate } = await setUp('oidc', {}, { settings: { userinfoJwt: true } })
    expect((await logIn({ gate })).user).toMatchObject({ name: 'Ida Novak' })
    vendor.respond('userinfo', (request) => {
      const [header, payload] = String(request.headers.authorization).split('.')
      return { headers: { 'content-type': 'application/jwt' }, body: `${header}.${payload}.x` }
    })
    expect((await logIn({ gate })).status).toBe(502)
  })

  test('OI-14: without an ID token the login fails, whatever userinfo contains', async () => {
    const { vendor, gate } = await setUp('oidc')
    vendor.respond('token', { body: { access_token: 't', token_type: 'Bearer' } })
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
    expect(requestsTo(vendor, 'userinfo')).toEqual([])
  })

  test('groups come from the configured claim and are compared exactly', async () => {
    const { vendor, gate } = await setUp('oidc', { groups: ['staff'] })
    vendor.user.claims = { groups: ['staff'], roles: ['admin'] }
    expect((await logIn({ gate })).user).toMatchObject({ groups: ['staff'] })
    expect(
      (await logIn({ gate: await gateOf(vendor, { groups: ['admin'], groupsClaim: 'roles' }) }))
        .status,
    ).toBe(200)
    for (const groups of [['Staff'], ['staff-2'], { staff: true }, undefined, [['staff']]]) {
      vendor.user.claims = { groups }
      expectDenied(await logIn({ gate }))
    }
  })
})

describe('logins', () => {
  test('OI-9: two concurrent logins finish in any order', async () => {
    const { gate, browser } = await setUp('oidc')
    const first = await toCallback(browser, gate.url('/first'))
    const second = await toCallback(browser, gate.url('/second'))
    expect((await browser.get(second)).url).toBe(gate.url('/second'))
    expect((await browser.get(first)).url).toBe(gate.url('/first'))
  })

  test('OI-10: a state works once', async () => {
    const { vendor, gate, browser } = await setUp('oidc')
    const callback = await toCallback(browser, gate.url('/'))
    const cookies = browser.cookies(gate.origin).map((cookie) => cookie.cookieString())
    expect((await browser.get(callback)).status).toBe(200)
    const replay = await createBrowser().get(callback, { headers: { Cookie: cookies.join('; ') } })
    expect(replay.status).toBe(400)
    expect(requestsTo(vendor, 'token')).toHaveLength(1)
  })

  test('OI-11: the response of one provider is rejected by another', async () => {
    const [one, two] = [await startVendor('oidc'), await startVendor('oidc')]
    const provider = {
      one: oidcProvider(one.options as never),
      two: oidcProvider(two.options as never),
    }
    const gate = await startGate({ provider })
    const browser = createBrowser()
    const mine = await toCallback(browser, gate.url('/auth/authn?connection=one'))
    const swapped = new URL(mine)
    swapped.pathname = '/auth/callback/two'
    expect((await browser.get(swapped.href)).status).toBe(400)
    const again = new URL(await toCallback(browser, gate.url('/auth/authn?connection=one')))
    again.searchParams.set('iss', two.origin)
    expect((await browser.get(again.href)).status).toBe(400)
    expect([...requestsTo(one, 'token'), ...requestsTo(two, 'token')]).toEqual([])
  })

  test('OI-11: a response without iss is rejected if the document announces it', async () => {
    const { vendor, gate } = await setUp('oidc')
    vendor.settings.discovery = { authorization_response_iss_parameter_supported: true }
    vendor.settings.issInCallback = false
    expect(await logIn({ gate })).toMatchObject({ status: 400, code: 'invalid_callback' })
  })

  test('OI-12: an error without a valid state is rejected, escaped, and does not affect a login in progress', async () => {
    const { gate, browser } = await setUp('oidc')
    const callback = await toCallback(browser, gate.url('/'))
    const page = await browser.get(
      gate.url('/auth/callback?error=<script>alert(1)</script>&error_description=<script>'),
    )
    expect(page.status).toBe(400)
    expect(page.body).not.toContain('<script')
    expect(page.setCookie).toEqual([])
    expect((await browser.get(callback)).status).toBe(200)
  })

  test('OI-13: client id and secret are form-encoded inside Basic', async () => {
    const clientId = 'a:b%c+d é'
    const clientSecret = 's&=:%/+ ü"'
    const { vendor, gate } = await setUp(
      'oidc',
      { clientAuth: 'basic' },
      { clientId, clientSecret, settings: { clientAuth: ['client_secret_basic'] } },
    )
    expect((await logIn({ gate })).status).toBe(200)
    expect(requestsTo(vendor, 'token')[0]?.form).not.toHaveProperty('client_secret')
  })

  test('a private key authenticates the client, in either form', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const settings = {
      clientAuth: ['private_key_jwt' as const],
      clientKey: { ...publicKey.export({ format: 'jwk' }), alg: 'ES256' },
    }
    const { vendor } = await setUp('oidc', {}, { settings })
    for (const clientSecret of [
      String(privateKey.export({ format: 'pem', type: 'pkcs8' })),
      JSON.stringify(privateKey.export({ format: 'jwk' })),
    ]) {
      const gate = await gateOf(vendor, { clientAuth: 'private_key_jwt', clientSecret })
      expect((await logIn({ gate })).status).toBe(200)
    }
    expect(JSON.stringify(requestsTo(vendor, 'token'))).not.toContain('PRIVATE')
    expect(
      refusal({
        x: oidcProvider({
          issuer: vendor.origin,
          clientId: 'a',
          clientSecret: 'no key',
          clientAuth: 'private_key_jwt',
        }),
      }),
    ).toMatch(/clientSecret must be a private key/)
  })

  test('an authorization request is pushed if the server requires it', async () => {
    const { vendor, gate } = await setUp('oidc', {}, { settings: { parRequired: true } })
    const { authorization, status } = await logIn({ gate })
    expect(status).toBe(200)
    expect([...authorization.keys()].sort()).toEqual(['client_id', 'request_uri'])
    expect(requestsTo(vendor, 'par')[0]?.form).toHaveProperty('code_challenge')
  })

  test.each([
    [401, 'invalid_client', 'misconfigured', 502],
    [400, 'invalid_request', 'provider_error', 502],
    [503, 'temporarily_unavailable', 'provider_busy', 503],
    [429, 'slow_down', 'provider_busy', 503],
  ])(
    'S-099 a pushed request that is rejected with %i %s results in %s, without exposing the error message',
    async (status, error, code, own) => {
      const seen: OAuthError[] = []
      const { vendor, gate } = await setUp(
        'oidc',
        {},
        { settings: { parRequired: true } },
        { onError: (one, _req, _res, next) => (seen.push(one), next(one)) },
      )
      vendor.respond('par', ({ body }) => ({
        status,
        body: { error, error_description: `got ${body}`, echo: body },
      }))
      const { page } = await logIn({ gate })
      expect(seen).toMatchObject([{ code, status: own }])
      const told = [
        inspect(seen, { depth: 20, showHidden: true }),
        gate.logged.join('\n'),
        page.body,
      ].join('\n')
      const challenge = requestsTo(vendor, 'par')[0]?.form?.['code_challenge'] ?? ''
      expect(challenge).toMatch(/.{40}/)
      for (const secret of [vendor.clientSecret, challenge]) expect(told).not.toContain(secret)
    },
  )
})
