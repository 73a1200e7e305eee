import { afterEach, describe, expect, test } from '@jest/globals'
import { type OAuthModuleOptions, oidcProvider } from '../../src/index.js'
import type { VendorName, VendorOptions } from '../../src/dev/vendors/index.js'
import { fakeDate, realDate } from '../support/clock.js'
import { startGate, stopAll, stopping } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { startOidcProvider } from '../support/oidc.js'
import { logIn, refusal, requestsTo, setUp } from '../support/providers.js'
import { INTERVAL, loggedIn } from '../support/recheck.js'

afterEach(async () => {
  realDate()
  await stopAll()
})

const checked = { authCheckInterval: INTERVAL }

/** A gate that re-checks its users, which is why it requests a refresh token. */
const start = (
  name: VendorName,
  provider: Record<string, unknown> = {},
  vendor: VendorOptions = {},
  options: Partial<OAuthModuleOptions> = checked,
) => setUp(name, provider, vendor, options)

const warningsOf = ({ logged }: { logged: string[] }) =>
  logged.filter((line) => line.startsWith('warn ') && line.includes('refresh token'))

/** Names the scope and the option, in development also on the page. */
function expectOfflineHint(lines: readonly string[], body: string) {
  for (const text of [lines.join('\n'), body])
    expect(text).toMatch(/The scope offline_access.*set offlineAccess: false/)
}

describe('the scope offline_access', () => {
  test.each([
    ['lists it', ['openid', 'offline_access'], true],
    ['lists other scopes', ['openid', 'profile', 'email'], false],
    ['lists nothing', undefined, true],
    ['has an empty array', [], true],
    ['has a string', 'openid', true],
  ])('A2 is requested as discovery allows: it %s', async (_, listed, isRequested) => {
    const { vendor, gate } = await start('oidc')
    vendor.settings.discovery = { scopes_supported: listed }
    const { authorization, status } = await logIn({ gate })
    expect(status).toBe(200)
    expect(authorization.get('scope')?.split(' ').includes('offline_access')).toBe(isRequested)
  })

  test.each([true, 'consent'])('A2 is requested if offlineAccess is %p', async (offlineAccess) => {
    const { vendor, gate } = await start('oidc', { offlineAccess })
    vendor.settings.discovery = { scopes_supported: ['openid'] }
    expect((await logIn({ gate })).authorization.get('scope')).toContain('offline_access')
  })

  test('A2 is requested if it is one of the scopes', async () => {
    const { vendor, gate } = await start('oidc', { scopes: ['offline_access'] })
    vendor.settings.discovery = { scopes_supported: ['openid'] }
    expect((await logIn({ gate })).authorization.get('scope')).toContain('offline_access')
  })

  test('A2 is not requested without authCheckInterval, nor with offlineAccess: false', async () => {
    for (const [provider, options] of [
      [{}, {}],
      [{ offlineAccess: false }, checked],
    ] as const) {
      const { gate } = await start('oidc', provider, {}, options)
      expect((await logIn({ gate })).authorization.get('scope')).not.toContain('offline_access')
    }
  })

  test('A2 is not pushed either if discovery leaves it out', async () => {
    const { vendor, gate } = await start('oidc', {}, { settings: { parRequired: true } })
    vendor.settings.discovery = { scopes_supported: ['openid', 'profile', 'email'] }
    expect((await logIn({ gate })).status).toBe(200)
    expect(requestsTo(vendor, 'par')[0]?.form?.['scope']).toBe('openid profile email')
  })

  test.each([
    ['invalid_scope', undefined],
    ['unauthorized_scope_error', undefined],
    ['invalid_request', 'Unsupported scope: offline_access'],
  ])('A2 a provider that rejects it with %s at the authorization endpoint', async (error, text) => {
    const { vendor, gate } = await start('oidc')
    vendor.settings.refuse = { error, ...(text !== undefined && { error_description: text }) }
    const attempt = await logIn({ gate })
    expect(attempt).toMatchObject({ status: 502, code: 'misconfigured' })
    expectOfflineHint(gate.logged, attempt.page.body)
  })

  test('A2 the hint lists the requested scopes if this one is not among them', async () => {
    const { vendor, gate } = await start('oidc', { offlineAccess: false, scopes: ['odd'] })
    vendor.settings.refuse = { error: 'invalid_scope' }
    await logIn({ gate })
    expect(gate.logged.join()).toContain('requested were the scopes openid profile email odd')
    expect(gate.logged.join()).not.toContain('offlineAccess')
  })

  test.each([
    ['Keycloak', 400, 'not_allowed', 'Offline tokens not allowed for the user or client'],
    ['others', 400, 'invalid_scope', undefined],
    ['others', 403, 'forbidden', 'offline_access is not permitted'],
  ])('A2 %s: rejected at the token endpoint (%i %s)', async (_, status, error, description) => {
    const { vendor, gate } = await start('oidc')
    vendor.respond('token', { status, body: { error, error_description: description } })
    const attempt = await logIn({ gate })
    expect(attempt).toMatchObject({ status: 502, code: 'misconfigured' })
    expectOfflineHint(gate.logged, attempt.page.body)
  })

  test('A2 rejected in a pushed request', async () => {
    const { vendor, gate } = await start('oidc', {}, { settings: { parRequired: true } })
    vendor.respond('par', { status: 400, body: { error: 'invalid_scope' } })
    const attempt = await logIn({ gate })
    expect(attempt).toMatchObject({ status: 502, code: 'misconfigured' })
    expectOfflineHint(gate.logged, attempt.page.body)
  })

  test('A2 the hint of a redirect URI that GitHub rejects contains the redirect URI', async () => {
    const { vendor, gate } = await start('github')
    vendor.settings.refuse = { error: 'redirect_uri_mismatch' }
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'misconfigured' })
    expect(gate.logged.join()).toContain(`${gate.origin}/auth/callback`)
  })
})

/** oidc-provider as it comes, and a gate whose client it knows. */
async function startStock(
  provider: Record<string, unknown> = {},
  client: Record<string, unknown> = {},
  options: Partial<OAuthModuleOptions> = checked,
) {
  const lifetimes = { accessToken: 1 }
  const server = stopping(await startOidcProvider({ loginAs: 'alice', lifetimes }))
  const gate = await startGate({
    ...options,
    authCheckEarly: false,
    provider: {
      op: oidcProvider({
        issuer: server.issuer,
        clientId: 'app-1',
        clientSecret: 'secret-of-app-1',
        ...provider,
      }),
    },
  })
  await server.setClient({
    client_id: 'app-1',
    client_secret: 'secret-of-app-1',
    redirect_uris: [gate.url('/auth/callback')],
    ...client,
  })
  return { server, gate }
}

describe('a refresh token that the provider does not issue', () => {
  test('A3 oidc-provider as it comes: one warning with the fix', async () => {
    const { gate } = await startStock()
    for (let count = 0; count < 3; count++) expect((await logIn({ gate })).status).toBe(200)
    expect(warningsOf(gate)).toEqual([
      expect.stringMatching(
        /"provider":"op".*set offlineAccess: 'consent'.*OpenID Connect Core, 11/,
      ),
    ])
  })

  test("A3 offlineAccess: 'consent' gets it, and the session outlives the access token", async () => {
    const statuses: number[] = []
    for (const offlineAccess of ['consent', true]) {
      const { server, gate } = await startStock({ offlineAccess }, {}, { authCheckInterval: 1 })
      const browser = createBrowser()
      const { authorization } = await logIn({ gate, browser })
      expect(authorization.get('prompt')).toBe(offlineAccess === 'consent' ? 'consent' : null)
      await new Promise((resolve) => setTimeout(resolve, 1200))
      statuses.push((await browser.get(gate.url('/'), { follow: false })).status)
      expect(await server.takeErrors()).toEqual([])
      expect(warningsOf(gate)).toHaveLength(offlineAccess === 'consent' ? 0 : 2)
    }
    expect(statuses).toEqual([200, 302])
  })

  test('A3 a client that may not use refresh tokens: the warning says so', async () => {
    const { gate } = await startStock(
      { offlineAccess: 'consent' },
      { grant_types: ['authorization_code'] },
    )
    expect((await logIn({ gate })).status).toBe(200)
    expect(warningsOf(gate).join()).toContain('the grant type refresh_token')
  })

  test.each<[string, VendorName, Record<string, unknown>, Partial<OAuthModuleOptions>]>([
    ['with offlineAccess: false', 'oidc', { offlineAccess: false }, checked],
    ['without authCheckInterval', 'oidc', {}, {}],
    ['for a vendor that decides itself', 'github', {}, checked],
  ])('A3 no warning %s', async (_, name, provider, options) => {
    const { gate } = await start(name, provider, { settings: { refreshTokens: false } }, options)
    expect((await logIn({ gate })).status).toBe(200)
    expect(warningsOf(gate)).toEqual([])
  })

  test('A3 no warning if discovery rules the scope out, or if the access token never expires', async () => {
    const { vendor, gate } = await start('oidc', {}, { settings: { refreshTokens: false } })
    vendor.settings.discovery = { scopes_supported: ['openid'] }
    await logIn({ gate })
    const other = await start('oauth2', {}, { settings: { refreshTokens: false } })
    other.vendor.settings.tokenLifetime = undefined
    await logIn(other)
    expect([...warningsOf(gate), ...warningsOf(other.gate)]).toEqual([])
  })

  test.each<[VendorName, Record<string, unknown>]>([
    ['google', {}],
    ['microsoft', {}],
    ['oauth2', {}],
    ['oidc', { offlineAccess: true }],
  ])('A3 one warning at %s', async (name, provider) => {
    const { gate } = await start(name, provider, { settings: { refreshTokens: false } })
    for (let count = 0; count < 2; count++) await logIn({ gate })
    expect(warningsOf(gate)).toHaveLength(1)
  })

  test('A3 one warning per provider', async () => {
    const settings = { refreshTokens: false }
    const first = await start('oidc', {}, { settings })
    const second = await start('oidc', {}, { settings })
    const { issuer, clientId, clientSecret } = second.vendor.options as Record<string, string>
    const op = (at: unknown) => oidcProvider({ ...{ clientId, clientSecret }, issuer: String(at) })
    const gate = await startGate({
      ...checked,
      provider: { one: op(first.vendor.options['issuer']), two: op(issuer) },
    })
    for (const name of ['one', 'two', 'one', 'two'])
      await createBrowser().get(gate.url(`/auth/authn?connection=${name}`))
    expect(warningsOf(gate).map((line) => /"provider":"(\w+)"/.exec(line)?.[1])).toEqual([
      'one',
      'two',
    ])
  })

  test('A3 an option without effect is reported', async () => {
    const { gate } = await start('linkedin', { offlineAccess: 'consent' })
    expect(gate.logged.join()).toContain('offlineAccess has no effect at linkedin')
    const other = await start('linkedin', { offlineAccess: false })
    expect(other.gate.logged.join()).not.toContain('no effect')
  })
})

describe("offlineAccess: 'consent'", () => {
  test.each([
    ['the configured prompt', { authorizationParams: { prompt: 'login' } }, '/', 'login consent'],
    ['a new login', {}, '/auth/authn', 'consent login'],
    ['the same prompt', { authorizationParams: { prompt: 'consent' } }, '/', 'consent'],
  ])('A3 is combined with %s', async (_, provider, path, prompt) => {
    const { gate } = await start('oidc', { offlineAccess: 'consent', ...provider })
    expect((await logIn({ gate }, path)).authorization.get('prompt')).toBe(prompt)
  })

  test('A3 at Google and Microsoft', async () => {
    for (const name of ['google', 'microsoft'] as const) {
      const { gate } = await start(name, { offlineAccess: 'consent' })
      const { authorization, status } = await logIn({ gate })
      expect([status, authorization.get('prompt')]).toEqual([200, 'consent'])
    }
  })

  test('A3 contradicts prompt=none', () => {
    const provider = oidcProvider({
      issuer: 'https://id.example',
      clientId: 'a',
      clientSecret: 'b',
      offlineAccess: 'consent',
      authorizationParams: { prompt: 'none' },
    })
    expect(refusal({ x: provider })).toMatch(/x\.offlineAccess cannot be 'consent'/)
  })
})

describe('a session that ends without a refresh token', () => {
  const settings = { refreshTokens: false, tokenLifetime: 60 }
  type Ended = { outcome: string; hint: string | undefined }

  test('A3 the event and the log contain the reason and the fix', async () => {
    const { gate, visit, clock } = await loggedIn('oidc', { vendor: { settings } })
    const events: Ended[] = []
    gate.middleware.on('recheck', (event) => events.push(event))
    clock.forward(INTERVAL + 1)
    expect((await visit()).status).toBe(302)
    const reason =
      /the access token has expired without a refresh token: set offlineAccess: 'consent'/
    expect(events).toMatchObject([{ outcome: 'ended', hint: expect.stringMatching(reason) }])
    expect(gate.logged.filter((line) => line.startsWith('warn a session ended'))).toEqual([
      expect.stringMatching(reason),
    ])
  })

  test.each([
    ['an access token of unknown lifetime', { ...settings, tokenLifetime: undefined }],
    ['an access token with a longer lifetime', { ...settings, tokenLifetime: 36_000 }],
  ])('A3 the reason is the same if the provider rejects %s', async (_, changed) => {
    const { vendor, gate, visit, clock } = await loggedIn('oidc', { vendor: { settings: changed } })
    const events: Ended[] = []
    gate.middleware.on('recheck', (event) => events.push(event))
    vendor.revokeTokens()
    clock.forward(INTERVAL + 1)
    expect((await visit()).status).toBe(302)
    expect(events[0]?.hint).toMatch(/status 401, and there is no refresh token: /)
  })

  test('A3 a rejected refresh token is another reason, with what the provider reported', async () => {
    const { vendor, gate, visit, clock } = await loggedIn('oidc', {
      vendor: { settings: { tokenLifetime: 60 } },
    })
    const events: Ended[] = []
    gate.middleware.on('recheck', (event) => events.push(event))
    vendor.revokeTokens()
    clock.forward(INTERVAL + 1)
    expect((await visit()).status).toBe(302)
    expect(events[0]?.hint).toContain('the error "invalid_grant" ("The refresh token is wrong')
    expect(gate.logged.join()).toContain('a session ended at a check')
  })

  test('A3 a session that stays has no reason', async () => {
    fakeDate()
    const { gate, visit, clock } = await loggedIn('oidc')
    const events: Ended[] = []
    gate.middleware.on('recheck', (event) => events.push(event))
    clock.forward(INTERVAL + 1)
    expect((await visit()).status).toBe(200)
    expect(events).toMatchObject([{ outcome: 'allowed', hint: undefined }])
  })
})
