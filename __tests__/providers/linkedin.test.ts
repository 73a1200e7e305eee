import { afterEach, expect, test } from '@jest/globals'
import { parseProviders } from '../../src/providers/parse-provider.js'
import { Mistakes } from '../../src/schema/field.js'
import { stopAll } from '../support/gate.js'
import { expectDenied, gateOf, logIn, refusal, requestsTo, setUp } from '../support/providers.js'

afterEach(stopAll)

test('LI-1: the secret is sent in the body, since LinkedIn does not support Basic', async () => {
  const { vendor, gate } = await setUp('linkedin')
  expect((await logIn({ gate })).status).toBe(200)
  const [token] = requestsTo(vendor, 'token')
  expect(token?.headers.authorization).toBeUndefined()
  expect(token?.form).toMatchObject({ client_secret: vendor.clientSecret })
  expect(
    refusal({ linkedin: { clientId: 'a', clientSecret: 'b', clientAuth: 'basic' } }),
  ).toContain('clientAuth is fixed')
})

test('LI-2: PKCE is not used', async () => {
  const { vendor, gate } = await setUp('linkedin')
  const { authorization, status } = await logIn({ gate })
  expect(status).toBe(200)
  expect(authorization.has('code_challenge')).toBe(false)
  expect(requestsTo(vendor, 'token')[0]?.form).not.toHaveProperty('code_verifier')
})

test('LI-3: an ID token without nonce is accepted only from LinkedIn, one with a wrong nonce never', async () => {
  const { vendor, gate } = await setUp('linkedin')
  expect((await logIn({ gate })).status).toBe(200)
  vendor.claims({ nonce: 'another' })
  expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
  vendor.claims({ nonce: '' })
  expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
  const elsewhere = await setUp('google')
  elsewhere.vendor.claims({ nonce: undefined })
  expect(await logIn(elsewhere)).toMatchObject({ status: 502, code: 'provider_error' })
})

test('LI-3: a nonce in the ID token is verified', async () => {
  const { vendor, gate } = await setUp('linkedin')
  const nonces: (string | null)[] = []
  vendor.claims((claims) => {
    nonces.push(requestsTo(vendor, 'authorize').at(-1)?.query.get('nonce') ?? null)
    return { ...claims, nonce: nonces.at(-1) }
  })
  expect((await logIn({ gate })).status).toBe(200)
  expect(nonces).toEqual([expect.stringMatching(/^.{40,}$/)])
})

test('LI-4: the former issuer is rejected', async () => {
  const { vendor, gate } = await setUp('linkedin')
  vendor.claims({ iss: vendor.origin })
  expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
})

test('LI-5: scopes are separated by commas', async () => {
  const { vendor, gate } = await setUp('linkedin', { scopes: ['email', 'profile'] })
  expect((await logIn({ gate })).seen.oauth).toMatchObject({
    scopes: ['email', 'openid', 'profile'],
  })
  vendor.settings.grantedScopes = ['openid', 'profile']
  expect((await logIn({ gate })).seen.oauth).toMatchObject({ scopes: ['openid', 'profile'] })
})

test('LI-6: a locale that is an object is ignored', async () => {
  const { gate } = await setUp('linkedin')
  expect((await logIn({ gate })).user).toMatchObject({
    claims: { locale: { country: 'US', language: 'en' } },
  })
})

test.each(['user_cancelled_login', 'user_cancelled_authorize', 'access_denied'])(
  'LI-7: %s means that the user canceled',
  async (error) => {
    const { vendor, gate } = await setUp('linkedin')
    vendor.settings.refuse = { error, error_description: 'The user cancelled the login.' }
    expect(await logIn({ gate })).toMatchObject({ status: 403, code: 'access_denied' })
  },
)

test('LI-7: a scope that the app may not request is a configuration error', async () => {
  const { gate } = await setUp('linkedin', { scopes: ['r_liteprofile'] })
  expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'misconfigured' })
})

test('LI-8: long tokens are not stored in cookies', async () => {
  const { gate, browser } = await setUp('linkedin', {}, { settings: { tokenLength: 4000 } })
  const { seen } = await logIn({ gate, browser })
  expect(seen.headers['ngrok-auth-oauth-access-token']).toHaveLength(4000)
  const cookies = browser.cookies(gate.origin).map(({ key, value }) => key + value)
  expect(cookies.join().length).toBeLessThan(500)
})

test('LI-9: without an email the login works, an email rule does not match', async () => {
  const { vendor, gate } = await setUp('linkedin')
  vendor.user.email = undefined
  expect((await logIn({ gate })).seen.headers).not.toHaveProperty('ngrok-auth-user-email')
  expectDenied(await logIn({ gate: await gateOf(vendor, { emailDomains: ['acme.example'] }) }))
})

test('LI-10: there is no refresh token, and no header for it', async () => {
  const { gate } = await setUp('linkedin', { offlineAccess: true })
  const { seen, authorization } = await logIn({ gate })
  expect(seen.headers).not.toHaveProperty('ngrok-auth-oauth-refresh-token')
  expect(authorization.get('scope')).toBe('openid profile email')
})

test('every endpoint of the LinkedIn test server is configured in the provider, without discovery', async () => {
  const { vendor } = await setUp('linkedin')
  const [provider] = parseProviders(
    { linkedin: { clientId: 'a', clientSecret: 'b' } },
    { env: {}, timeoutMs: 1, clockToleranceMs: 0, offlineAccess: false },
    new Mistakes('provider'),
  )
  const { issuer, ...played } = vendor.options['endpoints'] as Record<string, string>
  expect(issuer).toBeDefined()
  expect(Object.keys(provider?.endpoints ?? {}).sort()).toEqual(Object.keys(played).sort())
})
