import { afterEach, describe, expect, test } from '@jest/globals'
import { oidcProvider } from '../../src/index.js'
import type { VendorName } from '../../src/dev/vendors/index.js'
import { authorizationOf, startGate, stopAll } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import {
  gateOf,
  logIn,
  providerOf,
  refusal,
  requestsTo,
  setUp,
  startVendor,
} from '../support/providers.js'
import { type BuiltinName, builtinProviders } from '../../src/providers/index.js'

afterEach(stopAll)

const builtin = Object.keys(builtinProviders) as BuiltinName[]
const discoverable: VendorName[] = ['google', 'microsoft', 'linkedin', 'twitch']

describe('discovery documents', () => {
  test.each(discoverable)('X-1: %s logs in although its document omits fields', async (name) => {
    const vendor = await startVendor(name)
    const { endpoints } = vendor.options as { endpoints: { issuer: string } }
    const gate = await gateOf(vendor, { endpoints: { issuer: endpoints.issuer } })
    expect((await logIn({ gate })).status).toBe(200)
    expect(requestsTo(vendor, 'discovery')).toHaveLength(1)
  })

  test.each(builtin)('X-1: %s works without one', async (name) => {
    const { vendor, gate } = await setUp(name)
    expect((await logIn({ gate })).status).toBe(200)
    expect(vendor.requests.filter(({ url }) => url.includes('.well-known'))).toEqual([])
  })
})

describe('users', () => {
  test('X-2, X-3: equal ids and emails at two providers are two users', async () => {
    const [one, two] = [await startVendor('oidc'), await startVendor('oidc')]
    const gate = await startGate({
      provider: {
        one: oidcProvider(one.options as never),
        two: oidcProvider(two.options as never),
      },
    })
    const browser = createBrowser()
    const keys: unknown[] = []
    for (const name of ['one', 'two']) {
      const page = await browser.get(gate.url(`/auth/authn?connection=${name}`))
      keys.push((JSON.parse(page.body) as { user: { key: string } }).user.key)
    }
    expect(keys).toEqual(['one:user-1', 'two:user-1'])
  })

  test.each<VendorName>(['facebook', 'amazon', 'microsoft'])(
    'X-10: %s never marks an email as verified, so an email rule throws',
    async (name) => {
      const vendor = await startVendor(name)
      expect(refusal(providerOf(vendor, { emailDomains: ['acme.example'] }))).toMatch(
        /emailDomains cannot be met/,
      )
      const gate = await gateOf(vendor, { emailDomains: ['acme.example'], trustEmail: true })
      expect((await logIn({ gate })).status).toBe(200)
    },
  )

  test('X-11: no page shows the picture of a user', async () => {
    const { vendor, gate } = await setUp('oidc', { emailDomains: ['elsewhere.example'] })
    vendor.user.picture = '"><img src=x onerror=alert(1)>'
    const { page, status } = await logIn({ gate })
    expect(status).toBe(403)
    expect(page.body).not.toContain('<img')
    expect(page.body).not.toContain('onerror')
  })

  test('X-12: a built-in name in another case is rejected with the correct name', () => {
    expect(refusal({ GitHub: { clientId: 'a', clientSecret: 'b' } as never })).toMatch(
      /write github in lower case/,
    )
  })
})

describe('requests', () => {
  test.each<[VendorName, Record<string, string>]>([
    ['github', { prompt: 'select_account' }],
    ['google', { prompt: 'select_account' }],
    ['microsoft', { prompt: 'login' }],
    ['gitlab', { prompt: 'login', max_age: '0' }],
    ['facebook', { auth_type: 'reauthenticate' }],
    ['linkedin', {}],
    ['twitch', { force_verify: 'true' }],
    ['amazon', {}],
    ['oidc', { prompt: 'login', max_age: '0' }],
    ['oauth2', {}],
  ])('X-8: %s gets %j for a new login', async (name, expected) => {
    const { gate, browser } = await setUp(name)
    const plain = authorizationOf(await browser.get(gate.url('/'), { follow: false }))
    const forced = authorizationOf(await browser.get(gate.url('/auth/authn'), { follow: false }))
    const added = [...forced].filter(([key]) => !plain.has(key))
    expect(Object.fromEntries(added)).toEqual(expected)
    expect([...forced.keys()]).toHaveLength(new Set(forced.keys()).size)
  })

  test.each<[VendorName, Record<string, string>]>([
    ['github', { prompt: 'select_account' }],
    ['google', { prompt: 'select_account' }],
    ['microsoft', { prompt: 'select_account' }],
    ['gitlab', { prompt: 'login' }],
    ['facebook', { auth_type: 'reauthenticate' }],
    ['linkedin', {}],
    ['twitch', { force_verify: 'true' }],
    ['amazon', {}],
    ['oidc', { prompt: 'select_account' }],
    ['oauth2', {}],
  ])('X-8: %s gets %j for another account', async (name, expected) => {
    const { gate, browser } = await setUp(name, {}, {}, { authorize: () => false })
    const plain = authorizationOf(await browser.get(gate.url('/'), { follow: false }))
    const { page } = await logIn({ gate, browser })
    const [another = ''] = [
      ...page.body.matchAll(/<a[^>]*href="([^"]*)"[^>]*>\s*Use another account/g),
    ].map(([, href = '']) => href.replaceAll('&amp;', '&'))
    const asked = authorizationOf(
      await browser.get(new URL(another, gate.origin).href, { follow: false }),
    )
    expect(Object.fromEntries([...asked].filter(([key]) => !plain.has(key)))).toEqual(expected)
  })

  test('X-8: a configured prompt is combined with ours, which replaces `none`', async () => {
    for (const [prompt, expected] of [
      ['consent', 'consent login'],
      ['none', 'login'],
      ['login', 'login'],
    ]) {
      const { gate, browser } = await setUp('oidc', { authorizationParams: { prompt } })
      const page = await browser.get(gate.url('/auth/authn'), { follow: false })
      expect(authorizationOf(page).getAll('prompt')).toEqual([expected])
    }
  })
})

describe('errors of the token endpoint', () => {
  const html = {
    status: 502,
    headers: { 'content-type': 'text/html' },
    body: '<html><script>alert(1)</script>',
  }
  test.each(builtin)('X-6: %s: an HTML page instead of JSON', async (name) => {
    const { vendor, gate } = await setUp(name)
    vendor.respond('token', html)
    const attempt = await logIn({ gate })
    expect(attempt).toMatchObject({ status: 502, code: 'provider_error' })
    expect(attempt.page.body).not.toContain('<script')
  })

  test.each([
    ['invalid_grant', 400, 'login_expired'],
    ['invalid_client', 502, 'misconfigured'],
    ['invalid_scope', 502, 'misconfigured'],
    ['temporarily_unavailable', 503, 'provider_busy'],
    ['constructor', 502, 'provider_error'],
  ])('X-6: %s as defined in RFC 6749', async (error, status, code) => {
    const { vendor, gate } = await setUp('oidc')
    vendor.respond('token', { status: 400, body: { error, error_description: 'said <i>so</i>' } })
    const attempt = await logIn({ gate })
    expect(attempt).toMatchObject({ status, code })
    expect(gate.logged.join()).toContain(error)
  })

  test('X-5: a granted scope named like a property of Object.prototype is a scope', async () => {
    const { vendor, gate } = await setUp('github')
    vendor.settings.grantedScopes = ['read:user', 'user:email']
    vendor.respond('user', { body: { id: 1, login: 'x' } })
    vendor.respond('emails', { body: [] })
    vendor.respond('token', {
      body: { access_token: 't', token_type: 'bearer', scope: 'constructor,__proto__' },
    })
    expect((await logIn({ gate })).seen.oauth).toMatchObject({
      scopes: ['constructor', '__proto__'],
    })
  })

  test.each(builtin)(
    'X-9: %s: no failure exposes a secret in a page or in the log',
    async (name) => {
      const { vendor } = await setUp(name)
      for (const endpoint of ['token', name === 'github' ? 'user' : 'userinfo'] as const) {
        const gate = await gateOf(vendor)
        vendor.respond(endpoint, (request) => ({
          status: 500,
          body: {
            error: 'server_error',
            error_description: 'oops',
            echo: request.body,
            headers: request.headers,
          },
        }))
        const { page, authorization, status } = await logIn({ gate })
        expect(status).toBe(502)
        vendor.respond(endpoint, undefined)
        const told = page.body + gate.logged.join()
        const sent = vendor.requests.flatMap(({ form = {}, headers }) => [
          form['code'],
          form['client_secret'],
          form['code_verifier'],
          String(headers.authorization).split(' ')[1],
        ])
        for (const secret of [...sent, authorization.get('state')])
          if (secret) expect(told).not.toContain(secret)
        expect(sent.filter(Boolean).length).toBeGreaterThan(1)
      }
    },
  )
})
