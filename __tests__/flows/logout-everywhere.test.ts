import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { memoryStore, oauthModule, type OAuthModuleOptions, oidcProvider } from '../../src/index.js'
import { type VendorName, startVendor } from '../../src/dev/vendors/index.js'
import { providerOf, requestsTo } from '../support/providers.js'
import { fakeDate, realDate } from '../support/clock.js'
import {
  bodyOf,
  cookieLine,
  type Gate,
  secret,
  startGate,
  stopAll,
  stopping,
  valueOfCookie,
} from '../support/gate.js'
import { type Browser, createBrowser, formOf, linksOf } from '../support/jar.js'
import { type OidcServer, startOidcProvider } from '../support/oidc.js'
import { sendRaw } from '../support/raw.js'

let server: OidcServer

beforeAll(async () => {
  server = stopping(await startOidcProvider({ loginAs: 'alice', refreshTokens: 'always' }))
})
afterEach(realDate)
afterAll(stopAll)

const fromElsewhere = { 'Sec-Fetch-Site': 'cross-site' }

/** An app behind a gate, registered at the provider under a client of its own. */
async function register(
  options: Partial<OAuthModuleOptions> = {},
  at = server,
): Promise<Gate & { clientId: string }> {
  const clientId = `client-${Math.random().toString(36).slice(2)}`
  const provider = oidcProvider({
    issuer: at.issuer,
    clientId,
    clientSecret: 'a-secret',
    displayName: 'The provider',
  })
  const gate = await startGate({ provider: { op: provider }, ...options })
  await at.setClient({
    client_id: clientId,
    client_secret: 'a-secret',
    token_endpoint_auth_method: 'client_secret_post',
    redirect_uris: [gate.url('/auth/callback')],
    post_logout_redirect_uris: [gate.url('/auth/logout')],
  })
  return { ...gate, clientId }
}

async function logIn(gate: Gate): Promise<Browser> {
  const browser = createBrowser()
  const page = await browser.get(gate.url('/'))
  if (page.status !== 200) throw new Error(`no login: ${page.status} ${page.body}`)
  return browser
}

const isIn = async (browser: Browser, gate: Gate) =>
  (await browser.get(gate.url('/'), { follow: false })).status === 200

describe('logout.endProviderSession', () => {
  test('redirects to the provider, which confirms, logs out and redirects back to our page', async () => {
    const gate = await register({ logout: { endProviderSession: true } })
    const browser = await logIn(gate)
    const asked = await browser.get(gate.url('/auth/logout'))
    const [ours] = asked.history
    const sent = new URL(ours?.headers.location ?? '')
    expect([ours?.status, sent.origin, sent.pathname]).toEqual([302, server.issuer, '/session/end'])
    expect(sent.searchParams.get('post_logout_redirect_uri')).toBe(gate.url('/auth/logout'))
    expect(sent.searchParams.get('client_id')).toBe(gate.clientId)
    const hint = JSON.parse(
      Buffer.from(
        sent.searchParams.get('id_token_hint')?.split('.')[1] ?? '',
        'base64url',
      ).toString(),
    )
    expect(hint).toMatchObject({ iss: server.issuer, aud: gate.clientId, sub: 'alice' })
    // Signed out here already, whatever becomes of the rest.
    expect(cookieLine(ours?.setCookie ?? [], 'ngrok.session=;')).toContain('Max-Age=0')
    expect(await isIn(browser, gate)).toBe(false)
    const form = formOf(asked)
    const back = await browser.post(form.action, form.fields)
    expect([back.status, new URL(back.url).origin + new URL(back.url).pathname]).toEqual([
      200,
      gate.url('/auth/logout'),
    ])
    expect(back.body).toContain('You are signed out')
    expect(await server.takeErrors()).toEqual([])
    // The provider's session is gone: the next login is not silent.
    await server.loginAs(null)
    expect((await browser.get(gate.url('/'))).body).toContain('Who are you?')
    await server.loginAs('alice')
  })

  test('then redirects to logout.returnTo', async () => {
    const gate = await register({ logout: { endProviderSession: true, returnTo: '/bye' } })
    const browser = await logIn(gate)
    const form = formOf(await browser.get(gate.url('/auth/logout')))
    const back = await browser.post(form.action, form.fields, {
      follow: (url) => !url.endsWith('/bye'),
    })
    expect(back.location).toBe(gate.url('/bye'))
  })

  test('a confirmed POST responds 200 with a link, since form-action blocks redirects to another site', async () => {
    const gate = await register({ logout: { endProviderSession: true } })
    const browser = await logIn(gate)
    const form = formOf(await browser.get(gate.url('/auth/logout'), { headers: fromElsewhere }))
    const page = await browser.post(form.action, form.fields, { follow: false })
    expect([page.status, page.location]).toEqual([200, undefined])
    const onward = new URL(linksOf(page)[0] ?? '')
    expect([onward.origin, onward.pathname]).toEqual([server.issuer, '/session/end'])
    expect(await isIn(browser, gate)).toBe(false)
  })

  test('a confirmed POST links to logout.returnTo as well', async () => {
    const gate = await register({ logout: { returnTo: '/bye' } })
    const browser = await logIn(gate)
    const form = formOf(await browser.get(gate.url('/auth/logout'), { headers: fromElsewhere }))
    const page = await browser.post(form.action, form.fields, { follow: false })
    expect([page.status, linksOf(page)]).toEqual([200, [gate.url('/bye')]])
    expect(page.body).toContain('You are signed out')
  })

  test('a provider that is down and was never discovered does not prevent the local logout', async () => {
    const doomed = stopping(await startOidcProvider({ loginAs: 'alice' }))
    const store = memoryStore()
    const options: Partial<OAuthModuleOptions> = { store, id: 'app' }
    const gate = await register(options, doomed)
    const browser = await logIn(gate)
    // A second process, which has discovered nothing yet.
    const op = oidcProvider({
      issuer: doomed.issuer,
      clientId: gate.clientId,
      clientSecret: 'a-secret',
    })
    const fresh = await startGate({
      ...options,
      provider: { op },
      timeouts: { provider: 0.5 },
      logout: { endProviderSession: true, revokeTokens: true },
    })
    await doomed.fault({ path: '/', connection: 'hang' })
    const Cookie = `ngrok.session=${valueOfCookie(browser, gate.origin)}`
    const page = await createBrowser().get(fresh.url('/auth/logout'), { headers: { Cookie } })
    expect([page.status, page.history.length]).toEqual([200, 1])
    expect(page.body).toContain('You are signed out')
    expect(await isIn(browser, gate)).toBe(false)
    await fresh.middleware.close()
    expect(fresh.logged.filter((line) => line.startsWith('error'))).toHaveLength(1)
  })

  test('a slow provider does not delay the logout, and the logout event is emitted', async () => {
    const vendor = stopping(await startVendor('oidc'))
    const shared = { store: memoryStore(), id: 'app', provider: providerOf(vendor) }
    const gate = await startGate(shared)
    const browser = await logIn(gate)
    // A second process, which has discovered nothing yet, and would wait for as long as the
    // provider takes.
    const fresh = await startGate({
      ...shared,
      timeouts: { provider: 60 },
      logout: { endProviderSession: true },
    })
    const logouts: unknown[] = []
    fresh.middleware.on('logout', (facts) => logouts.push(facts))
    let answer: () => void = () => undefined
    vendor.respond('discovery', () => new Promise((resolve) => (answer = () => resolve(undefined))))
    const Cookie = `ngrok.session=${valueOfCookie(browser, gate.origin)}`
    const page = await createBrowser().get(fresh.url('/auth/logout'), {
      follow: false,
      headers: { Cookie },
    })
    answer()
    vendor.respond('discovery', undefined)
    expect([page.status, page.body.includes('You are signed out')]).toEqual([200, true])
    expect([await isIn(browser, gate), logouts.length]).toEqual([false, 1])
  })

  test('a request without a Host header is logged out as well', async () => {
    const gate = await register({ logout: { endProviderSession: true } })
    const logouts: unknown[] = []
    gate.middleware.on('logout', (facts) => logouts.push(facts))
    const browser = await logIn(gate)
    const bytes = `GET /auth/logout HTTP/1.0\r\nCookie: ngrok.session=${valueOfCookie(browser, gate.origin)}\r\nSec-Fetch-Site: same-origin\r\n\r\n`
    const answer = await sendRaw(gate.port, bytes)
    expect([answer.status, answer.body.includes('You are signed out')]).toEqual([200, true])
    expect(answer.headers['set-cookie']).toMatch(/^ngrok\.session=;/)
    expect([await isIn(browser, gate), logouts.length]).toEqual([false, 1])
  })

  test('without it no request goes to the provider', async () => {
    const gate = await register()
    const browser = await logIn(gate)
    await server.takeRequests()
    expect((await browser.get(gate.url('/auth/logout'))).history).toHaveLength(1)
    await gate.middleware.close()
    expect(await server.takeRequests()).toEqual([])
  })
})

describe('logout.revokeTokens', () => {
  test('ends the grant: both tokens stop working', async () => {
    const gate = await register({ logout: { revokeTokens: true } })
    const browser = await logIn(gate)
    const { headers } = bodyOf(await browser.get(gate.url('/')))
    const userinfo = () =>
      fetch(`${server.issuer}/me`, {
        headers: { authorization: `Bearer ${headers['ngrok-auth-oauth-access-token']}` },
      })
    expect((await userinfo()).status).toBe(200)
    await server.takeRequests()
    expect((await browser.get(gate.url('/auth/logout'))).body).toContain('You are signed out')
    await gate.middleware.close()
    const requests = await server.takeRequests()
    expect(requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /token/revocation',
    ])
    expect(Object.fromEntries(new URLSearchParams(requests[0]?.body))).toMatchObject({
      token: headers['ngrok-auth-oauth-refresh-token'],
      client_id: gate.clientId,
    })
    expect((await userinfo()).status).toBe(401)
    expect(await server.takeErrors()).not.toContainEqual(expect.stringContaining('revocation'))
  })

  test('an error of the provider does not prevent the logout', async () => {
    const gate = await register({ logout: { revokeTokens: true } })
    const browser = await logIn(gate)
    await server.fault({ path: '/token/revocation', status: 503, times: 1 })
    expect((await browser.get(gate.url('/auth/logout'))).status).toBe(200)
    expect(await isIn(browser, gate)).toBe(false)
    await gate.middleware.close()
    expect(gate.logged.filter((line) => line.startsWith('error'))).toHaveLength(1)
  })

  /** The vendors in their own ways, and what each is sent. */
  const ways: [VendorName, string, string][] = [
    ['github', 'application', 'DELETE'],
    ['google', 'revocation', 'POST'],
    ['gitlab', 'revocation', 'POST'],
    ['linkedin', 'revocation', 'POST'],
    ['twitch', 'revocation', 'POST'],
    ['facebook', 'permissions', 'DELETE'],
    ['oidc', 'revocation', 'POST'],
    ['oauth2', 'revocation', 'POST'],
  ]

  test.each(ways)('%s revokes the token', async (name, endpoint, method) => {
    const vendor = stopping(await startVendor(name))
    const more = name === 'oauth2' ? { endpoints: { revocation: `${vendor.origin}/revoke` } } : {}
    const gate = await startGate({
      provider: providerOf(vendor, more),
      logout: { revokeTokens: true },
    })
    const browser = await logIn(gate)
    vendor.requests.length = 0
    expect((await browser.get(gate.url('/auth/logout'))).status).toBe(200)
    await gate.middleware.close()
    const sent = vendor.requests.filter((request) => request.endpoint !== 'discovery')
    expect(sent.map((request) => [request.endpoint, request.method])).toEqual([[endpoint, method]])
    expect(sent[0]?.status).toBeLessThan(300)
    expect(gate.logged.filter((line) => line.startsWith('error'))).toEqual([])
  })

  test.each<VendorName>(['microsoft', 'amazon'])(
    '%s has no revocation endpoint, and no request is sent',
    async (name) => {
      const vendor = stopping(await startVendor(name))
      const gate = await startGate({ provider: providerOf(vendor), logout: { revokeTokens: true } })
      const browser = await logIn(gate)
      vendor.requests.length = 0
      expect((await browser.get(gate.url('/auth/logout'))).status).toBe(200)
      await gate.middleware.close()
      expect(vendor.requests).toEqual([])
      expect(gate.logged.filter((line) => line.startsWith('error'))).toEqual([])
    },
  )

  test('is ignored for a managed application, whose tokens are shared among apps', async () => {
    const vendor = stopping(await startVendor('github'))
    const { clientId, clientSecret, ...rest } = vendor.options
    const names = ['OAUTH_MODULE_GITHUB_CLIENT_ID', 'OAUTH_MODULE_GITHUB_CLIENT_SECRET']
    Object.assign(process.env, { [String(names[0])]: clientId, [String(names[1])]: clientSecret })
    try {
      const gate = await startGate({
        provider: { github: rest as { endpoints: object } },
        logout: { revokeTokens: true },
      })
      const browser = await logIn(gate)
      vendor.requests.length = 0
      expect((await browser.get(gate.url('/auth/logout'))).status).toBe(200)
      await gate.middleware.close()
      expect(requestsTo(vendor, 'application')).toEqual([])
    } finally {
      for (const name of names) delete process.env[name]
    }
  })
})

describe('sessionsPerUser', () => {
  test('a login above the limit ends the oldest session of the user, and of no other user', async () => {
    const gate = await register({ sessionsPerUser: 2 })
    const revoked: string[] = []
    gate.middleware.on('revoked', ({ sessionHandle }) => void revoked.push(sessionHandle))
    await server.loginAs('bob')
    const bob = await logIn(gate)
    await server.loginAs('alice')
    const first = await logIn(gate)
    const handle = String(bodyOf(await first.get(gate.url('/'))).oauth?.['sessionHandle'])
    const second = await logIn(gate)
    expect([await isIn(first, gate), await isIn(second, gate)]).toEqual([true, true])
    const third = await logIn(gate)
    const all = [first, second, third, bob]
    expect(await Promise.all(all.map((browser) => isIn(browser, gate)))).toEqual([
      false,
      true,
      true,
      true,
    ])
    expect(revoked).toEqual([handle])
  })

  test('logging in again in the same browser ends that session, and no other', async () => {
    const gate = await register({ sessionsPerUser: 2 })
    const [one, two] = [await logIn(gate), await logIn(gate)]
    await two.get(gate.url('/auth/authn'))
    expect([await isIn(one, gate), await isIn(two, gate)]).toEqual([true, true])
  })

  test('a login does not end itself if the clock of another process is ahead', async () => {
    const gate = await register({ sessionsPerUser: 1 })
    const clock = fakeDate(Date.now() + 10_000)
    const ahead = await logIn(gate)
    clock.forward(-10)
    const here = await logIn(gate)
    expect([await isIn(ahead, gate), await isIn(here, gate)]).toEqual([false, true])
  })

  test('a denied session is not counted', async () => {
    const clock = fakeDate(Date.now())
    const authorize: OAuthModuleOptions['authorize'] = (_, req) =>
      req.headers['x-network'] !== 'outside'
    const gate = await register({ sessionsPerUser: 2, authCheckInterval: 20, authorize })
    const first = await logIn(gate)
    clock.forward(1)
    const denied = await logIn(gate)
    clock.forward(20)
    expect(await isIn(first, gate)).toBe(true)
    expect(
      (await denied.get(gate.url('/'), { follow: false, headers: { 'X-Network': 'outside' } }))
        .status,
    ).toBe(403)
    const second = await logIn(gate)
    expect([await isIn(first, gate), await isIn(second, gate)]).toEqual([true, true])
  })

  test('sessions of another instance in the same store are not counted', async () => {
    const store = memoryStore()
    const here = await register({ store, id: 'here', sessionsPerUser: 1 })
    const there = await register({ store, id: 'there', sessionsPerUser: 1 })
    const browser = await logIn(there)
    await logIn(here)
    expect(await isIn(browser, there)).toBe(true)
  })

  const blind = () => {
    const { entries: _, ...store } = memoryStore()
    return store
  }

  test.each<[string, Partial<OAuthModuleOptions>, RegExp]>([
    [
      'a store that cannot list',
      { store: blind(), sessionsPerUser: 3 },
      /oauthModule\(?\)?\.?.*sessionsPerUser.*store that can list/,
    ],
    ['zero', { sessionsPerUser: 0 }, /sessionsPerUser must be an integer of at least 1/],
    ['a fraction', { sessionsPerUser: 1.5 }, /sessionsPerUser must be an integer of at least 1/],
  ])('%s is rejected at construction', (_, options, message) => {
    const logger = { debug() {}, info() {}, warn() {}, error() {} }
    const provider = {
      op: oidcProvider({ issuer: server.issuer, clientId: 'a', clientSecret: 'b' }),
    }
    expect(() => oauthModule({ provider, secret, logger, ...options })).toThrow(message)
  })
})
