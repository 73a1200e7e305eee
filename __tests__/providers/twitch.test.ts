import { afterEach, expect, test } from '@jest/globals'
import { authorizationOf, stopAll } from '../support/gate.js'
import { expectDenied, gateOf, logIn, refusal, requestsTo, setUp } from '../support/providers.js'

afterEach(stopAll)

test('TW-1: the claims are requested, for the ID token and for userinfo', async () => {
  const { gate } = await setUp('twitch', { emailDomains: ['acme.example'] })
  const attempt = await logIn({ gate })
  expect(attempt.user).toMatchObject({
    id: '141981764',
    name: 'TessaPlays',
    username: 'TessaPlays',
    email: 'tessa@acme.example',
    emailVerified: true,
  })
  const wanted = { email: null, email_verified: null, picture: null, preferred_username: null }
  expect(JSON.parse(attempt.authorization.get('claims') ?? '')).toEqual({
    id_token: wanted,
    userinfo: wanted,
  })
})

test.each([
  ['a list', ['openid', 'user:read:email', 'bits:read']],
  ['a text', 'openid user:read:email bits:read'],
])('TW-2: scopes may be %s', async (_, scope) => {
  const { vendor, gate } = await setUp('twitch', { scopes: ['bits:read'] })
  const spoil = (body: unknown) => ({ ...(body as object), scope })
  vendor.respond('token', async (request) => {
    vendor.respond('token', undefined)
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await fetch(`${vendor.origin}${request.url}`, {
      method: 'POST',
      headers,
      body: request.body,
    })
    return { body: spoil(await answer.json()) }
  })
  expect((await logIn({ gate })).seen.oauth).toMatchObject({
    scopes: ['openid', 'user:read:email', 'bits:read'],
  })
})

test('TW-2: a scope that is not in the response was not granted', async () => {
  const { vendor, gate } = await setUp('twitch', { scopes: ['bits:read'] })
  vendor.settings.grantedScopes = ['openid', 'user:read:email']
  expect(await logIn({ gate })).toMatchObject({ status: 403, code: 'access_denied' })
})

test.each([
  [400, 'Invalid authorization code', 400, 'login_expired'],
  [403, 'invalid client secret', 502, 'misconfigured'],
  [400, 'Parameter redirect_uri does not match registered URI', 502, 'misconfigured'],
  [500, 'something else', 502, 'provider_error'],
])(
  'TW-3: an error without an `error` member is an error: %i %s',
  async (status, message, answered, code) => {
    const { vendor, gate } = await setUp('twitch')
    vendor.respond('token', { status, body: { status, message } })
    const attempt = await logIn({ gate })
    expect(attempt).toMatchObject({ status: answered, code })
    expect(requestsTo(vendor, 'userinfo')).toEqual([])
  },
)

test('TW-4: the secret is sent in the body, since Twitch does not support Basic', async () => {
  const { vendor, gate } = await setUp('twitch')
  expect((await logIn({ gate })).status).toBe(200)
  expect(requestsTo(vendor, 'token')[0]?.headers.authorization).toBeUndefined()
  expect(refusal({ twitch: { clientId: 'a', clientSecret: 'b', clientAuth: 'basic' } })).toContain(
    'clientAuth is fixed',
  )
})

test('TW-5: an email that is null is absent', async () => {
  const { vendor, gate } = await setUp('twitch')
  vendor.user.emailVerified = false
  const { seen } = await logIn({ gate })
  expect(seen.user).toMatchObject({ emailVerified: false })
  expect(seen.user?.claims).not.toHaveProperty('email')
  expect(seen.user).not.toHaveProperty('email')
  expect(seen.headers).not.toHaveProperty('ngrok-auth-user-email')
  expectDenied(await logIn({ gate: await gateOf(vendor, { emailDomains: ['acme.example'] }) }))
})

test('TW-8: force_verify is sent as the only option, and does not count as a new login', async () => {
  const { vendor, gate, browser } = await setUp('twitch')
  const page = await browser.get(gate.url('/auth/authn'), { follow: false })
  expect(authorizationOf(page).get('force_verify')).toBe('true')
  expect(authorizationOf(page).get('prompt')).toBeNull()
  vendor.claims({ auth_time: 1000 })
  expect((await browser.get(page.location ?? '')).status).toBe(200)
})

test('PKCE, which Twitch does not document, is not used, and the nonce is verified', async () => {
  const { vendor, gate } = await setUp('twitch', {}, { settings: { refuseCodeVerifier: true } })
  expect((await logIn({ gate })).authorization.has('code_challenge')).toBe(false)
  vendor.claims({ nonce: undefined })
  expect((await logIn({ gate })).status).toBe(502)
})
