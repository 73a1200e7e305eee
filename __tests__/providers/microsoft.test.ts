import { afterEach, describe, expect, test } from '@jest/globals'
import { authorizationOf, stopAll } from '../support/gate.js'
import { expectDenied, gateOf, logIn, refusal, requestsTo, setUp } from '../support/providers.js'

afterEach(stopAll)

const credentials = { clientId: 'a', clientSecret: 'b' }
const consumers = '9188040d-6c67-4c5b-b112-36a304b66dad'
const home = '72f988bf-86f1-41af-91ab-2d7cd011db47'
const other = '11111111-2222-3333-4444-555555555555'

const tenantOf = (tenant: string) => ({ settings: { tenant } })

describe('the issuer', () => {
  test('MS-1: the issuer is a template that is filled with the tenant of the token', async () => {
    const { vendor, gate } = await setUp('microsoft')
    expect((await logIn({ gate })).user).toMatchObject({ name: 'Mara Lindqvist' })
    vendor.user.tid = other
    expect((await logIn({ gate })).status).toBe(200)
  })

  test.each([
    [
      'the issuer of another tenant',
      ({ iss }: Record<string, unknown>) => ({ iss: String(iss).replace(home, other) }),
    ],
    ['the tenant of another issuer', () => ({ tid: other })],
    ['an issuer elsewhere', () => ({ iss: `https://evil.example/${home}/v2.0` })],
    [
      'the template itself',
      ({ iss }: Record<string, unknown>) => ({ iss: String(iss).replace(home, '{tenantid}') }),
    ],
    ['no tenant', () => ({ tid: undefined })],
  ])('MS-2: %s is rejected', async (_, spoil) => {
    const { vendor, gate } = await setUp('microsoft')
    vendor.claims((claims) => ({ ...claims, ...spoil(claims) }))
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
  })

  test.each(['x/../../evil', 'common', '', '{tenantid}', `${home}/x`, home.toUpperCase()])(
    'MS-3: the tenant %j is rejected',
    async (tid) => {
      const { vendor, gate } = await setUp('microsoft')
      vendor.user.tid = tid
      expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
    },
  )

  test('MS-2, MS-3: only the claims decide if no key has an issuer', async () => {
    const { vendor, gate } = await setUp('microsoft')
    const single = await gateOf(vendor, { tenant: 'acme.example' })
    const keys = await fetch(`${vendor.origin}/common/discovery/v2.0/keys`).then(
      (response) => response.json() as Promise<{ keys: object[] }>,
    )
    vendor.respond('jwks', {
      body: { keys: keys.keys.map((key) => ({ ...key, issuer: undefined })) },
    })
    expect([(await logIn({ gate })).status, (await logIn({ gate: single })).status]).toEqual([
      200, 200,
    ])
    vendor.claims({ tid: other })
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
    expect(await logIn({ gate: single })).toMatchObject({ status: 502, code: 'provider_error' })
    vendor.claims()
    vendor.user.tid = 'common'
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
  })

  test('MS-15: a key of another issuer is rejected', async () => {
    const { vendor, gate } = await setUp('microsoft')
    vendor.settings.keyIssuer = `${vendor.origin}/${consumers}/v2.0`
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
    vendor.user.tid = consumers
    expect((await logIn({ gate: await gateOf(vendor) })).status).toBe(200)
  })
})

describe('who may log in', () => {
  test.each([
    ['common', home, 200],
    ['common', consumers, 200],
    ['organizations', home, 200],
    ['organizations', consumers, 403],
    ['consumers', consumers, 200],
    ['consumers', home, 403],
    [home, home, 200],
    [home, other, 403],
    [home, consumers, 403],
    [home.toUpperCase(), home, 200],
  ])('MS-4, MS-5: tenant %s, account of %s: %i', async (tenant, tid, status) => {
    const { vendor, gate } = await setUp('microsoft', { tenant }, tenantOf(tenant))
    vendor.user.tid = tid
    const attempt = await logIn({ gate })
    expect(attempt.status).toBe(status)
    if (status === 403) expectDenied(attempt, 'Mara Lindqvist')
  })

  test('MS-5: the domain of a tenant stands for the id in the discovery document', async () => {
    const { vendor, gate } = await setUp('microsoft', {}, tenantOf('acme.example'))
    expect((await logIn({ gate })).user).toMatchObject({
      id: '2d5f3b0a-6f0e-4b0a-9a57-0d1b0a3e7c11',
    })
    expect(requestsTo(vendor, 'discovery').map(({ url }) => url)).toEqual([
      '/acme.example/v2.0/.well-known/openid-configuration',
    ])
    vendor.user.tid = other
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
  })

  test('MS-5: a domain whose document names no tenant is rejected', async () => {
    const { vendor, gate } = await setUp('microsoft', {}, tenantOf('acme.example'))
    vendor.settings.discovery = { issuer: `${vendor.origin}/{tenantid}/v2.0` }
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'misconfigured' })
  })

  test('a tenant applies in addition to the lists', async () => {
    const { vendor, gate } = await setUp(
      'microsoft',
      { tenant: home, emailDomains: ['acme.example'] },
      tenantOf(home),
    )
    expect((await logIn({ gate })).status).toBe(200)
    vendor.user.tid = other
    expectDenied(await logIn({ gate }))
  })

  test('an issuer template selects another cloud', async () => {
    const { vendor } = await setUp('microsoft', {}, tenantOf(home))
    const gate = await gateOf(vendor, { endpoints: { issuer: `${vendor.origin}/{tenantid}/v2.0` } })
    expect((await logIn({ gate })).status).toBe(200)
    expect(requestsTo(vendor, 'discovery').map(({ url }) => url)).toEqual([
      `/${home}/v2.0/.well-known/openid-configuration`,
    ])
  })

  test.each(['everybody', 'a b', '../common', 'x/y'])('the tenant %j throws', (tenant) => {
    expect(refusal({ microsoft: { ...credentials, tenant } })).toMatch(
      /provider\.microsoft\.tenant must be/,
    )
  })
})

describe('email', () => {
  test.each(['common', 'organizations', 'consumers'])(
    'MS-6: in the tenant %s an email rule throws',
    (tenant) => {
      expect(
        refusal({ microsoft: { ...credentials, tenant, emailDomains: ['corp.com'] } }),
      ).toMatch(/emailDomains cannot be met: .*xms_edov/)
      expect(
        refusal({
          microsoft: { ...credentials, tenant, emailDomains: ['corp.com'], trustEmail: true },
        }),
      ).toBeUndefined()
      expect(
        refusal({
          microsoft: {
            ...credentials,
            tenant,
            emailDomains: ['corp.com'],
            verifiedEmailClaim: 'xms_edov',
          },
        }),
      ).toBeUndefined()
    },
  )

  test.each([
    ['true', true, 200],
    ['1', 1, 200],
    ['the text 1', '1', 200],
    ['the text true', 'true', 200],
    ['false', false, 403],
    ['the text 0', '0', 403],
    ['the text false', 'false', 403],
    ['nothing', undefined, 403],
  ])('MS-6: xms_edov is %s', async (_, xms_edov, status) => {
    const { vendor, gate } = await setUp('microsoft', {
      emailDomains: ['corp.com'],
      verifiedEmailClaim: 'xms_edov',
    })
    vendor.user = { ...vendor.user, email: 'ceo@corp.com', claims: { xms_edov } }
    const attempt = await logIn({ gate })
    expect(attempt.status).toBe(status)
    expect(attempt.code).toBe(status === 200 ? undefined : 'email_unverified')
  })

  test('MS-6: the claim takes precedence over trustEmail', async () => {
    const { vendor, gate } = await setUp('microsoft', {
      emailDomains: ['corp.com'],
      verifiedEmailClaim: 'xms_edov',
      trustEmail: true,
    })
    vendor.user = { ...vendor.user, email: 'ceo@corp.com', claims: { xms_edov: false } }
    expect(await logIn({ gate })).toMatchObject({ status: 403, code: 'email_unverified' })
  })

  test('MS-6: within one tenant its emails count', async () => {
    const { gate } = await setUp('microsoft', { emailDomains: ['acme.example'] }, tenantOf(home))
    expect((await logIn({ gate })).seen.headers).toMatchObject({
      'ngrok-auth-user-email': 'mara@acme.example',
    })
  })

  test('MS-6: an unverified email has no header', async () => {
    const { gate } = await setUp('microsoft')
    const { seen } = await logIn({ gate })
    expect(seen.user).toMatchObject({ email: 'mara@acme.example', emailVerified: false })
    expect(seen.headers).not.toHaveProperty('ngrok-auth-user-email')
  })
})

describe('the user id', () => {
  test('MS-7: the id is oid, with the tenant if several can log in; never the email or sub', async () => {
    const oid = '2d5f3b0a-6f0e-4b0a-9a57-0d1b0a3e7c11'
    const { vendor, gate } = await setUp('microsoft')
    expect((await logIn({ gate })).user).toMatchObject({
      id: `${home}.${oid}`,
      key: `microsoft:${home}.${oid}`,
    })
    vendor.user.email = 'renamed@acme.example'
    expect((await logIn({ gate })).user).toMatchObject({ id: `${home}.${oid}` })
    const single = await setUp('microsoft', {}, tenantOf(home))
    expect((await logIn(single)).user).toMatchObject({ id: oid })
  })

  test('MS-7: userinfo determines neither the id nor whether the email is verified', async () => {
    const { vendor, gate } = await setUp('microsoft', { verifiedEmailClaim: 'xms_edov' })
    const { id, claims } = (await logIn({ gate })).user as {
      id: string
      claims: Record<string, unknown>
    }
    vendor.claims({ xms_edov: false })
    vendor.respond('userinfo', {
      body: { sub: claims['sub'], oid: other, tid: other, email: 'ceo@corp.com', xms_edov: true },
    })
    expect((await logIn({ gate })).user).toMatchObject({ id, emailVerified: false })
  })

  test('MS-7: a token without oid is rejected', async () => {
    const { vendor, gate } = await setUp('microsoft')
    vendor.claims({ oid: undefined })
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
  })

  test('MS-11: an opaque access token works, and the response may grant more scopes than requested', async () => {
    const { gate } = await setUp('microsoft')
    const { seen } = await logIn({ gate })
    expect(seen.headers['ngrok-auth-oauth-access-token']).not.toContain('.')
    expect(seen.oauth).toMatchObject({ scopes: expect.arrayContaining(['User.Read']) })
  })

  test('MS-12: without a rule on groups, Graph is never requested', async () => {
    const { vendor, gate } = await setUp('microsoft', {}, { settings: { groupsOverage: true } })
    expect((await logIn({ gate })).status).toBe(200)
    expect(requestsTo(vendor, 'groups')).toEqual([])
  })
})

describe('requests', () => {
  test('MS-8: PKCE is used although the document does not declare it', async () => {
    const { vendor, gate } = await setUp('microsoft')
    const { authorization } = await logIn({ gate })
    expect(authorization.get('code_challenge_method')).toBe('S256')
    expect(requestsTo(vendor, 'token')[0]?.form).toHaveProperty('code_verifier')
  })

  test('MS-9: offline_access is requested only if a refresh token is needed', async () => {
    const { vendor, gate } = await setUp('microsoft', { offlineAccess: true })
    const attempt = await logIn({ gate })
    expect(attempt.authorization.get('scope')).toBe('openid profile email offline_access')
    expect(attempt.seen.headers).toHaveProperty('ngrok-auth-oauth-refresh-token')
    expect((await logIn({ gate: await gateOf(vendor) })).authorization.get('scope')).toBe(
      'openid profile email',
    )
  })

  test('MS-14: no request has an Origin header', async () => {
    const { vendor, gate } = await setUp('microsoft')
    await logIn({ gate })
    const ours = vendor.requests.filter(({ endpoint }) => endpoint !== 'authorize')
    expect(ours.map(({ endpoint }) => endpoint).sort()).toEqual(['jwks', 'token', 'userinfo'])
    for (const { headers } of ours) expect(headers).not.toHaveProperty('origin')
  })

  test('/auth/authn forces a new login', async () => {
    const { gate, browser } = await setUp('microsoft')
    const page = await browser.get(gate.url('/auth/authn'), { follow: false })
    expect(authorizationOf(page).get('prompt')).toBe('login')
    expect((await browser.get(page.location ?? '')).status).toBe(200)
  })
})
