import { afterEach, describe, expect, test } from '@jest/globals'
import { authorizationOf, stopAll, untilCallback } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { expectDenied, gateOf, logIn, refusal, requestsTo, setUp } from '../support/providers.js'

afterEach(stopAll)

const credentials = { clientId: 'a', clientSecret: 'b' }

describe('the issuer', () => {
  test('GO-1: an ID token may omit the scheme of its issuer', async () => {
    const { gate } = await setUp('google', {}, { settings: { schemelessIssuer: true } })
    expect((await logIn({ gate })).user).toMatchObject({ id: '110248495921238986420' })
  })

  test.each([
    ['a longer host', (issuer: string) => `${issuer.replace('http://', '')}.evil`],
    ['a longer URL', (issuer: string) => `${issuer}.evil`],
    ['another scheme', (issuer: string) => issuer.replace('http:', 'https:')],
    ['a slash more', (issuer: string) => `${issuer}/`],
    ['a list', (issuer: string) => [issuer]],
  ])('GO-1: %s is another issuer', async (_, spoil) => {
    const { vendor, gate } = await setUp('google')
    vendor.claims({ iss: spoil(vendor.origin) })
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
  })

  test('GO-1: other providers accept no issuer without a scheme', async () => {
    const { vendor, gate } = await setUp('oidc')
    vendor.claims({ iss: vendor.origin.replace('http://', '') })
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
  })

  test.each([
    ["Google's", true, 200],
    ['no', false, 200],
    ['another', 'https://evil.example', 400],
  ])(
    'GO-8: %s issuer in the callback, although Google does not declare it',
    async (_, issInCallback, status) => {
      const { vendor, gate } = await setUp('google')
      vendor.settings.issInCallback = issInCallback
      expect((await logIn({ gate })).status).toBe(status)
    },
  )
})

describe('the authorization request', () => {
  test('GO-3: a login without a refresh token works', async () => {
    const { vendor, gate } = await setUp('google', { offlineAccess: true })
    const first = await logIn({ gate })
    expect(first.authorization.get('access_type')).toBe('offline')
    expect(first.seen.headers).toHaveProperty('ngrok-auth-oauth-refresh-token')
    vendor.settings.refreshTokens = false
    const second = await logIn({ gate })
    expect(second.seen.headers).not.toHaveProperty('ngrok-auth-oauth-refresh-token')
    expect(second.seen.headers).toHaveProperty('ngrok-auth-oauth-access-token')
  })

  test('GO-3: offline access is requested only if needed', async () => {
    const { gate } = await setUp('google')
    const { authorization } = await logIn({ gate })
    expect(authorization.get('access_type')).toBeNull()
    expect(authorization.get('prompt')).toBeNull()
  })

  test('GO-6: a new login sends prompt=select_account, never prompt=login', async () => {
    const { gate, browser } = await setUp('google')
    const page = await browser.get(gate.url('/auth/authn'), { follow: false })
    expect(authorizationOf(page).getAll('prompt')).toEqual(['select_account'])
    expect((await browser.get(page.location ?? '')).status).toBe(200)
  })

  test('GO-7: two reasons for a prompt result in one parameter', async () => {
    const { gate, browser } = await setUp('google', { offlineAccess: true })
    const page = await browser.get(gate.url('/auth/authn'), { follow: false })
    expect(authorizationOf(page).getAll('prompt')).toEqual(['consent select_account'])
    expect((await browser.get(page.location ?? '')).status).toBe(200)
  })

  test('GO-9: long scope names satisfy the short ones', async () => {
    const { vendor, gate } = await setUp('google', { scopes: ['email', 'profile'] })
    const attempt = await logIn({ gate })
    expect(attempt.authorization.get('scope')).toBe('openid email profile')
    expect(attempt.seen.oauth).toMatchObject({
      scopes: expect.arrayContaining(['email', 'https://www.googleapis.com/auth/userinfo.email']),
    })
    vendor.settings.grantedScopes = ['openid', 'profile']
    expect(await logIn({ gate })).toMatchObject({ status: 403, code: 'access_denied' })
  })
})

describe('the hosted domain', () => {
  test.each([
    ['the same', 'acme.example', 'acme.example', 200],
    ['another case', 'Acme.Example', 'acme.example', 200],
    ['none', 'acme.example', undefined, 403],
    ['another', 'acme.example', 'evil.example', 403],
    ['a longer one', 'acme.example', 'acme.example.evil.example', 403],
    ['any, for *', '*', 'whatever.example', 200],
    ['none, for *', '*', undefined, 403],
    ['an empty one, for *', '*', '', 403],
  ])('GO-4: an account with %s', async (_, hostedDomain, hd, status) => {
    const { vendor, gate } = await setUp('google', { hostedDomain })
    vendor.user.hd = hd
    const attempt = await logIn({ gate })
    expect(attempt.status).toBe(status)
    expect(attempt.authorization.get('hd')).toBe(hostedDomain.toLowerCase())
  })

  test('GO-4: a hosted domain applies in addition to the lists', async () => {
    const { vendor, gate } = await setUp('google', {
      hostedDomain: 'acme.example',
      emailDomains: ['acme.example'],
    })
    expect((await logIn({ gate })).status).toBe(200)
    vendor.user.hd = undefined
    expectDenied(await logIn({ gate }))
    vendor.user = { ...vendor.user, hd: 'acme.example', email: 'a@gmail.com' }
    expectDenied(await logIn({ gate }))
  })

  test('GO-4: a malformed hosted domain throws', () => {
    expect(refusal({ google: { ...credentials, hostedDomain: 'not a domain' } })).toMatch(
      /provider\.google\.hostedDomain must be/,
    )
  })
})

describe('email and groups', () => {
  test.each([
    ['true', true, 200],
    ['the text true', 'true', 200],
    ['false', false, 403],
    ['the text false', 'false', 403],
    ['one', 1, 403],
    ['nothing', undefined, 403],
  ])('GO-5: email_verified is %s', async (_, email_verified, status) => {
    const { vendor, gate } = await setUp('google', { emailDomains: ['acme.example'] })
    vendor.user.claims = { email_verified }
    expect((await logIn({ gate })).status).toBe(status)
  })

  test.each([
    'a@evilcorp.com',
    'a@corp.com.evil.io',
    '"a@corp.com"@evil.io',
    'a@eu.corp.com',
    'a@b@corp.com',
    'a@corp.com.',
    'a@corp。com',
    'corp.com',
  ])('GO-11: %s is not at corp.com', async (email) => {
    const { vendor, gate } = await setUp('google', { emailDomains: ['corp.com'] })
    vendor.user.email = email
    expectDenied(await logIn({ gate }))
  })

  test('GO-11: USER@CORP.COM is at corp.com', async () => {
    const { vendor, gate } = await setUp('google', { emailDomains: ['corp.com'] })
    vendor.user.email = 'USER@CORP.COM'
    expect((await logIn({ gate })).status).toBe(200)
  })

  test('GO-10: a rule on groups throws', () => {
    expect(refusal({ google: { ...credentials, groups: ['staff'] } as never })).toMatch(
      /unknown option 'groups'/,
    )
  })
})

test('the id does not depend on the email', async () => {
  const { vendor, gate } = await setUp('google')
  const before = await logIn({ gate, browser: createBrowser() })
  vendor.user.email = 'new@acme.example'
  expect((await logIn({ gate })).user['key']).toBe(before.user['key'])
})

test('with a configured issuer Google is discovered there', async () => {
  const { vendor } = await setUp('google')
  const { endpoints } = vendor.options as { endpoints: { issuer: string } }
  const gate = await gateOf(vendor, { endpoints: { issuer: endpoints.issuer } })
  expect((await logIn({ gate })).status).toBe(200)
  expect(requestsTo(vendor, 'discovery')).toHaveLength(1)
  expect(
    await createBrowser().get(gate.url('/auth/authn'), { follow: untilCallback }),
  ).toMatchObject({ status: 302 })
})
