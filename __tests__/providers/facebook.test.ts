import { afterEach, describe, expect, test } from '@jest/globals'
import { createHmac } from 'node:crypto'
import { oidcProvider } from '../../src/index.js'
import { authorizationOf, startGate, stopAll } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import {
  expectDenied,
  gateOf,
  logIn,
  refusal,
  remote,
  requestsTo,
  retryLink,
  setUp,
} from '../support/providers.js'

afterEach(stopAll)

const credentials = { clientId: 'a', clientSecret: 'b' }

describe('tokens', () => {
  test('FB-1: no discovery document is requested', async () => {
    const { vendor, gate } = await setUp('facebook')
    expect((await logIn({ gate })).status).toBe(200)
    expect(
      vendor.requests.map(({ url }) => url).filter((url) => url.includes('.well-known')),
    ).toEqual([])
  })

  test('FB-1: a discovery document without a token endpoint is reported', async () => {
    const { vendor } = await setUp('oidc')
    vendor.settings.discovery = { token_endpoint: undefined, userinfo_endpoint: undefined }
    const gate = await startGate({
      provider: { fb: oidcProvider({ ...credentials, issuer: vendor.origin }) },
    })
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'misconfigured' })
    expect(gate.logged.join()).toContain('token_endpoint')
  })

  test('FB-2: a nested error is parsed: its code and its message are logged, and not shown', async () => {
    const { vendor, gate } = await setUp('facebook')
    vendor.respond('token', {
      status: 400,
      body: {
        error: { message: 'Bad <b>thing</b>', type: 'OAuthException', code: 191, fbtrace_id: 'x' },
      },
    })
    const attempt = await logIn({ gate }, '/', remote)
    expect(attempt).toMatchObject({ status: 502, code: 'provider_error' })
    expect(attempt.page.body).not.toMatch(/Bad|\[object Object\]/)
    expect(gate.logged.join()).toContain('191')
    expect(gate.logged.join()).toContain('Bad <b>thing</b>')
  })

  test('FB-2: a wrong secret is a configuration error, a used code can be retried by the user', async () => {
    const { vendor } = await setUp('facebook')
    expect(await logIn({ gate: await gateOf(vendor, { clientSecret: 'wrong' }) })).toMatchObject({
      status: 502,
      code: 'misconfigured',
    })
    const gate = await gateOf(vendor)
    vendor.respond('token', {
      status: 400,
      body: {
        error: {
          message: 'This authorization code has been used.',
          type: 'OAuthException',
          code: 100,
          error_subcode: 36_009,
        },
      },
    })
    expect(await logIn({ gate })).toMatchObject({ status: 400, code: 'login_expired' })
  })

  test('FB-6: a rate limit with status 400 does not end a session, an expired token does', async () => {
    const { vendor, gate } = await setUp('facebook')
    vendor.settings.throttled = true
    expect(await logIn({ gate })).toMatchObject({ status: 503, code: 'provider_busy' })
    vendor.settings.throttled = false
    vendor.respond('userinfo', {
      status: 400,
      body: {
        error: {
          message: 'Session has expired',
          type: 'OAuthException',
          code: 190,
          error_subcode: 463,
        },
      },
    })
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
  })

  test('FB-8: every call has the proof of its token', async () => {
    const { vendor, gate } = await setUp('facebook', {}, { settings: { proofRequired: true } })
    const attempt = await logIn({ gate })
    const [first, second] = requestsTo(vendor, 'token')
    expect(second?.form).toMatchObject({ grant_type: 'fb_exchange_token' })
    expect(first?.form).toMatchObject({ grant_type: 'authorization_code' })
    const [me] = requestsTo(vendor, 'userinfo')
    const token = String(me?.headers.authorization).replace('Bearer ', '')
    expect(me?.query.get('appsecret_proof')).toBe(
      createHmac('sha256', vendor.clientSecret).update(token).digest('hex'),
    )
    expect(token).toBe(attempt.seen.headers['ngrok-auth-oauth-access-token'])
    expect(token).not.toBe(second?.form?.['fb_exchange_token'])
  })

  test('FB-10: a token response without expires_in has an unknown expiry', async () => {
    const { vendor, gate } = await setUp('facebook', {}, { settings: { tokenLifetime: undefined } })
    vendor.respond('token', (request) =>
      request.form?.['grant_type'] === 'fb_exchange_token'
        ? { body: { access_token: request.form['fb_exchange_token'], token_type: 'bearer' } }
        : undefined,
    )
    const { seen } = await logIn({ gate })
    expect(seen.oauth).not.toHaveProperty('accessTokenExpiresAt', expect.anything())
    // The end of the token that was exchanged is not that of the one it was exchanged for.
    vendor.settings.tokenLifetime = 60
    expect((await logIn({ gate })).seen.oauth).not.toHaveProperty(
      'accessTokenExpiresAt',
      expect.anything(),
    )
  })

  test('FB-8: the request that revokes permissions has the proof as well', async () => {
    const { vendor, gate, browser } = await setUp(
      'facebook',
      {},
      { settings: { proofRequired: true } },
      { logout: { revokeTokens: true } },
    )
    await logIn({ gate, browser })
    vendor.requests.length = 0
    await browser.get(gate.url('/auth/logout'))
    await gate.middleware.close()
    expect(vendor.requests).toMatchObject([
      { endpoint: 'permissions', method: 'DELETE', status: 200 },
    ])
  })
})

describe('the user', () => {
  test('FB-3: without an email the login works, without an email header', async () => {
    const { vendor, gate } = await setUp('facebook')
    vendor.user.email = undefined
    const { seen } = await logIn({ gate })
    expect(seen.headers).not.toHaveProperty('ngrok-auth-user-email')
    expect(seen.headers).toMatchObject({ 'ngrok-auth-user-name': 'Femi Adeyemi' })
    expectDenied(
      await logIn({
        gate: await gateOf(vendor, { emailDomains: ['acme.example'], trustEmail: true }),
      }),
    )
  })

  test('FB-4: an email rule needs trustEmail', async () => {
    expect(refusal({ facebook: { ...credentials, emailDomains: ['acme.example'] } })).toMatch(
      /emailDomains cannot be met: Facebook .* trustEmail/,
    )
    expect(refusal({ facebook: { ...credentials, emailAddresses: ['a@acme.example'] } })).toMatch(
      /emailAddresses cannot be met/,
    )
    const { gate } = await setUp('facebook', { emailDomains: ['acme.example'], trustEmail: true })
    expect((await logIn({ gate })).seen.headers).toMatchObject({
      'ngrok-auth-user-email': 'femi@acme.example',
    })
  })

  test('FB-4: an email marked as verified is not verified', async () => {
    const { vendor, gate } = await setUp('facebook')
    // The Graph returns the requested fields, and has no such field.
    vendor.respond('userinfo', {
      body: {
        id: '1',
        name: 'F',
        email: 'femi@acme.example',
        email_verified: true,
        verified: true,
      },
    })
    const { seen } = await logIn({ gate })
    expect(seen.user).toMatchObject({ email: 'femi@acme.example', emailVerified: false })
    expect(seen.headers).not.toHaveProperty('ngrok-auth-user-email')
  })

  test('FB-5: a declined permission is detected and requested again', async () => {
    const { vendor, gate } = await setUp('facebook', { scopes: ['email'] })
    vendor.user.declined = ['email']
    const browser = createBrowser()
    const attempt = await logIn({ gate, browser })
    expect(attempt).toMatchObject({ status: 403, code: 'access_denied' })
    const again = await browser.get(retryLink(attempt.page), { follow: false })
    expect(authorizationOf(again).get('auth_type')).toBe('rerequest')
    expect((await browser.get(again.location ?? '')).status).toBe(200)
  })

  test('FB-9: a profile without a picture works', async () => {
    const { vendor, gate } = await setUp('facebook')
    expect((await logIn({ gate })).user).toMatchObject({
      picture: 'https://graph.example/femi.jpg',
    })
    vendor.user.picture = undefined
    expect((await logIn({ gate })).user).not.toHaveProperty('picture')
    vendor.user.claims = { picture: { data: null } }
    expect((await logIn({ gate })).user).not.toHaveProperty('picture')
  })
})

describe('the return path', () => {
  test('FB-7: the URL after the login does not inherit #_=_', async () => {
    const { gate, browser } = await setUp('facebook')
    const page = await browser.get(gate.url('/deep?x=1'))
    const landing = page.history.at(-2)
    expect(landing?.url).toMatch(/#_=_$/)
    expect(landing?.headers.location).toBe('/deep?x=1#')
  })

  test('FB-7: the URL is unchanged with other providers', async () => {
    const { gate, browser } = await setUp('google')
    const page = await browser.get(gate.url('/deep?x=1'))
    expect(page.history.at(-2)?.headers.location).toBe('/deep?x=1')
  })

  test('a user who cancels gets the page for that', async () => {
    const { vendor, gate } = await setUp('facebook')
    vendor.settings.refuse = {
      error: 'access_denied',
      error_reason: 'user_denied',
      error_description: 'Permissions error',
    }
    expect(await logIn({ gate })).toMatchObject({ status: 403, code: 'access_denied' })
  })

  test('/auth/authn requires the password again', async () => {
    const { gate, browser } = await setUp('facebook')
    const page = await browser.get(gate.url('/auth/authn'), { follow: false })
    expect(Object.fromEntries(authorizationOf(page))).toMatchObject({
      auth_type: 'reauthenticate',
      scope: 'public_profile,email',
    })
  })
})
