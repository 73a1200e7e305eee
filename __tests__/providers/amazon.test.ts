import { afterEach, expect, test } from '@jest/globals'
import { stopAll } from '../support/gate.js'
import { expectDenied, gateOf, logIn, refusal, requestsTo, setUp } from '../support/providers.js'

afterEach(stopAll)

const credentials = { clientId: 'a', clientSecret: 'b' }

test('AZ-1: sends code_challenge_method, since Amazon defaults to plain', async () => {
  const { gate } = await setUp('amazon')
  const { authorization, status } = await logIn({ gate })
  expect(status).toBe(200)
  expect(authorization.get('code_challenge_method')).toBe('S256')
})

test('AZ-2: requests only profile and the configured scopes', async () => {
  const { vendor, gate } = await setUp('amazon')
  expect((await logIn({ gate })).authorization.get('scope')).toBe('profile')
  const more = await logIn({ gate: await gateOf(vendor, { scopes: ['postal_code'] }) })
  expect(more.authorization.get('scope')).toBe('profile postal_code')
  expect(more.user).toMatchObject({ claims: { postal_code: '98101' } })
  expect(await logIn({ gate: await gateOf(vendor, { scopes: ['openid'] }) })).toMatchObject({
    status: 502,
    code: 'misconfigured',
  })
})

test('AZ-3: an email rule needs trustEmail', async () => {
  expect(refusal({ amazon: { ...credentials, emailDomains: ['acme.example'] } })).toMatch(
    /emailDomains cannot be met: Amazon .* trustEmail/,
  )
  const { vendor, gate } = await setUp('amazon')
  vendor.user.claims = { email_verified: true }
  const { seen } = await logIn({ gate })
  expect(seen.user).toMatchObject({ email: 'ama@acme.example', emailVerified: false })
  expect(seen.headers).not.toHaveProperty('ngrok-auth-user-email')
  const trusting = await gateOf(vendor, { emailDomains: ['acme.example'], trustEmail: true })
  expect((await logIn({ gate: trusting })).seen.headers).toMatchObject({
    'ngrok-auth-user-email': 'ama@acme.example',
  })
})

test('AZ-5: no token is ever part of a URL', async () => {
  const { vendor, gate } = await setUp('amazon')
  const { seen } = await logIn({ gate })
  const token = String(seen.headers['ngrok-auth-oauth-access-token'])
  expect(token).toMatch(/^Atza\|/)
  for (const { url } of vendor.requests) expect(decodeURIComponent(url)).not.toContain('Atza|')
  expect(requestsTo(vendor, 'userinfo')[0]?.headers.authorization).toBe(`Bearer ${token}`)
})

test('AZ-6: tokens of 2048 characters are not stored in cookies', async () => {
  const { gate, browser } = await setUp('amazon', {}, { settings: { tokenLength: 2048 } })
  const { seen } = await logIn({ gate, browser })
  expect(seen.headers['ngrok-auth-oauth-access-token']).toHaveLength(2048)
  expect(seen.headers['ngrok-auth-oauth-refresh-token']).toHaveLength(2048)
  expect(
    browser
      .cookies(gate.origin)
      .map(({ key, value }) => key + value)
      .join().length,
  ).toBeLessThan(500)
})

test('AZ-7: a user with only an id can log in', async () => {
  const { vendor, gate } = await setUp('amazon')
  vendor.settings.grantedScopes = ['profile:user_id']
  vendor.respond('userinfo', { body: { user_id: 'amzn1.account.ONLY' } })
  const { seen } = await logIn({ gate })
  expect(seen.user).toMatchObject({ id: 'amzn1.account.ONLY' })
  expect(seen.headers).not.toHaveProperty('ngrok-auth-user-name')
  expect(seen.headers).not.toHaveProperty('ngrok-auth-user-email')
  const trusting = await gateOf(vendor, { emailDomains: ['acme.example'], trustEmail: true })
  expectDenied(await logIn({ gate: trusting }))
})

test('a profile without user_id is rejected', async () => {
  const { vendor, gate } = await setUp('amazon')
  vendor.respond('userinfo', { body: { sub: 'x', id: 'y', name: 'Z' } })
  expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
})

test('a response without scope grants the requested scopes', async () => {
  const { gate } = await setUp('amazon', { scopes: ['postal_code'] })
  expect((await logIn({ gate })).seen.oauth).toMatchObject({ scopes: ['profile', 'postal_code'] })
})
