import { createHmac } from 'node:crypto'
import { afterEach, describe, expect, test } from '@jest/globals'
import type { VendorEndpoint, VendorResponse, VendorServer } from '../../src/dev/vendors/index.js'
import { stopAll } from '../support/gate.js'
import { gateOf, logIn, requestsTo, setUp, startVendor } from '../support/providers.js'

afterEach(stopAll)

/** Changes the vendor's own response of an endpoint. */
function change(
  vendor: VendorServer,
  endpoint: VendorEndpoint,
  modify: (
    response: Required<VendorResponse> & { json: Record<string, unknown> },
  ) => VendorResponse,
) {
  const override = async (request: VendorServer['requests'][number]) => {
    // The vendor itself responds to the repeated request.
    vendor.respond(endpoint, undefined)
    const response = await fetch(`${vendor.origin}${request.url}`, {
      method: request.method,
      ...(request.method === 'POST' && { body: request.body }),
      headers: {
        'content-type': String(request.headers['content-type'] ?? ''),
        ...(request.headers.authorization !== undefined && {
          authorization: request.headers.authorization,
        }),
      },
    })
    vendor.respond(endpoint, override)
    const headers = { 'content-type': response.headers.get('content-type') ?? '' }
    const body = await response.text()
    const json = (body.startsWith('{') ? JSON.parse(body) : {}) as Record<string, unknown>
    return modify({ status: response.status, headers, body, json })
  }
  vendor.respond(endpoint, override)
}

const endpoints = ['token', 'userinfo', 'discovery', 'jwks'] as const

describe('A11 statuses and content types', () => {
  test.each(
    endpoints.flatMap((endpoint) =>
      [201, 202, 203, 206].map((status) => [endpoint, status] as const),
    ),
  )('A11 %s may respond with status %i', async (endpoint, status) => {
    const { vendor, gate } = await setUp('oidc')
    change(vendor, endpoint, (response) => ({ ...response, status }))
    expect((await logIn({ gate })).status).toBe(200)
  })

  test.each(
    endpoints.flatMap((endpoint) =>
      ['text/plain', 'text/html', 'application/octet-stream', 'text/javascript', ''].map(
        (type) => [endpoint, type] as const,
      ),
    ),
  )('A11 %s may send its JSON as "%s"', async (endpoint, type) => {
    const { vendor, gate } = await setUp('oidc')
    change(vendor, endpoint, ({ body }) => ({
      body,
      headers: type ? { 'content-type': type } : {},
    }))
    expect((await logIn({ gate })).status).toBe(200)
  })

  test.each(['text/plain', 'application/json', 'text/html', ''])(
    'A11 a token response may be a form that is sent as "%s"',
    async (type) => {
      const { vendor, gate } = await setUp('oauth2')
      change(vendor, 'token', ({ json }) => ({
        headers: type ? { 'content-type': type } : {},
        body: new URLSearchParams(json as Record<string, string>).toString(),
      }))
      expect((await logIn({ gate })).status).toBe(200)
    },
  )

  test('A11 a token response may be JSON that is sent as a form', async () => {
    const { vendor, gate } = await setUp('oidc')
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    change(vendor, 'token', ({ body }) => ({ body, headers }))
    expect((await logIn({ gate })).status).toBe(200)
  })

  test.each(['text/plain', 'application/jose', 'application/json', ''])(
    'A11 signed userinfo may be sent as "%s", and is still verified',
    async (type) => {
      const { vendor, gate } = await setUp('oidc', {}, { settings: { userinfoJwt: true } })
      const headers: Record<string, string> = type ? { 'content-type': type } : {}
      change(vendor, 'userinfo', ({ body }) => ({ body, headers }))
      expect((await logIn({ gate })).status).toBe(200)
      change(vendor, 'userinfo', ({ body }) => ({
        headers,
        body: `${String(body).split('.').slice(0, 2).join('.')}.AAAA`,
      }))
      expect((await logIn({ gate })).status).toBe(502)
    },
  )

  test('A11 userinfo may be JSON that is sent as a JWT', async () => {
    const { vendor, gate } = await setUp('oidc')
    const headers = { 'content-type': 'application/jwt' }
    change(vendor, 'userinfo', ({ body }) => ({ body, headers }))
    expect((await logIn({ gate })).status).toBe(200)
  })

  test.each([200, 201, 202])('A11 a pushed request may be accepted with %i', async (status) => {
    const { vendor, gate } = await setUp('oidc', {}, { settings: { parRequired: true } })
    change(vendor, 'par', ({ body }) => ({
      status,
      body,
      headers: { 'content-type': 'text/plain' },
    }))
    expect((await logIn({ gate })).status).toBe(200)
  })

  test.each([200, 202, 204])('A11 a revocation may be accepted with %i', async (status) => {
    const { vendor, gate, browser } = await setUp(
      'oidc',
      {},
      {},
      { logout: { revokeTokens: true } },
    )
    expect((await logIn({ gate, browser })).status).toBe(200)
    vendor.respond('revocation', { status })
    await browser.get(gate.url('/auth/logout'))
    await gate.middleware.close()
    expect(requestsTo(vendor, 'revocation')).toHaveLength(1)
    expect(gate.logged.filter((line) => line.startsWith('warn'))).toEqual([])
  })
})

describe('A11 hints state what was found', () => {
  test.each<[VendorEndpoint, VendorResponse, string]>([
    [
      'token',
      { headers: { 'content-type': 'text/html' }, body: '<p>x' },
      'status 200 and a body of the type text/html that is not valid JSON',
    ],
    ['token', { status: 204 }, 'status 204 and a body that is not valid JSON'],
    [
      'token',
      { status: 302, headers: { location: 'https://sso.example/x?y' } },
      'status 302, a redirect to https://sso.example, which is not followed',
    ],
    ['token', { body: {} }, 'the token response has no valid access_token'],
    [
      'userinfo',
      { headers: { 'content-type': 'text/html' }, body: '<p>x' },
      'the userinfo endpoint responded with status 200 and a body of the type text/html',
    ],
    [
      'userinfo',
      { status: 302, headers: { location: '/login' } },
      'status 302, a redirect to another path',
    ],
    [
      'discovery',
      { headers: { 'content-type': 'text/html' }, body: '<p>x' },
      '/.well-known/openid-configuration responded with status 200 and a body of the type text/html',
    ],
    ['jwks', { status: 500 }, '/jwks responded with status 500'],
  ])('A11 %s with %j', async (endpoint, response, hint) => {
    const { vendor, gate } = await setUp('oidc')
    vendor.respond(endpoint, response)
    expect((await logIn({ gate })).status).toBe(502)
    expect(gate.logged.join()).toContain(hint)
  })

  test('A11 an unexpected typ is named', async () => {
    const { vendor, gate } = await setUp('oidc')
    vendor.claims({}, { header: { typ: 'at+jwt' } })
    expect((await logIn({ gate })).status).toBe(502)
    expect(gate.logged.join()).toContain('has the typ at+jwt in its header; expected jwt')
  })
})

describe('A11 redirects', () => {
  const redirectTo = (location: string, status = 302) => ({ status, headers: { location } })

  test.each(
    (['discovery', 'jwks'] as const).flatMap((endpoint) =>
      [301, 302, 303, 307, 308].map((status) => [endpoint, status] as const),
    ),
  )('A11 a redirect of %s on its own origin with %i is followed', async (endpoint, status) => {
    const { vendor, gate } = await setUp('oidc')
    change(vendor, endpoint, (response) => response)
    vendor.respond(endpoint, ({ url }) =>
      url.includes('moved') ? undefined : redirectTo(`${url}?moved`, status),
    )
    expect((await logIn({ gate })).status).toBe(200)
    expect(requestsTo(vendor, endpoint)).toHaveLength(2)
  })

  test.each(['discovery', 'jwks'] as const)(
    'A11 a redirect of %s to another origin is not followed, and the hint names it',
    async (endpoint) => {
      const other = await startVendor('oidc')
      const { vendor, gate } = await setUp('oidc')
      for (const location of [other.origin, other.origin.replace('http', 'https')]) {
        vendor.respond(endpoint, ({ url }) => redirectTo(`${location}${url}`))
        expect((await logIn({ gate: await gateOf(vendor) })).status).toBe(502)
      }
      vendor.respond(endpoint, ({ url }) => redirectTo(`//${new URL(other.origin).host}${url}`))
      vendor.respond(endpoint, ({ url }) => redirectTo(`${other.origin}${url}`))
      expect((await logIn({ gate })).status).toBe(502)
      expect(gate.logged.join()).toContain(`a redirect to ${other.origin}, which is not followed`)
      expect(other.requests).toEqual([])
    },
  )

  test.each(['discovery', 'jwks'] as const)(
    'A11 a redirect of %s that leaves its origin later, or never ends, is not followed',
    async (endpoint) => {
      const other = await startVendor('oidc')
      const { vendor, gate } = await setUp('oidc')
      vendor.respond(endpoint, ({ url }) =>
        redirectTo(url.includes('moved') ? `${other.origin}${url}` : `${url}?moved`),
      )
      expect((await logIn({ gate })).status).toBe(502)
      expect(other.requests).toEqual([])
      vendor.requests.length = 0
      vendor.respond(endpoint, ({ url }) => redirectTo(url))
      expect((await logIn({ gate: await gateOf(vendor) })).status).toBe(502)
      expect(requestsTo(vendor, endpoint)).toHaveLength(6)
    },
  )

  test.each(['token', 'userinfo'] as const)(
    'A11 a redirect of %s is not followed, not even on its own origin',
    async (endpoint) => {
      const { vendor, gate } = await setUp('oidc')
      for (const status of [301, 302, 303, 307, 308]) {
        vendor.requests.length = 0
        vendor.respond(endpoint, ({ url }) =>
          url.includes('moved') ? undefined : redirectTo(`${url}?moved`, status),
        )
        expect((await logIn({ gate })).status).toBe(502)
        expect(requestsTo(vendor, endpoint)).toHaveLength(1)
      }
    },
  )
})

describe('A11 types', () => {
  test('A11 numbers for strings and strings for numbers, if only one meaning is possible', async () => {
    const { vendor, gate } = await setUp('oidc')
    vendor.claims((claims) => ({ ...claims, auth_time: String(claims['auth_time']) }))
    change(vendor, 'token', ({ json }) => ({ body: { ...json, expires_in: '3600' } }))
    expect((await logIn({ gate })).status).toBe(200)
  })

  test('A11 a number as sub is rejected, in the ID token as in userinfo', async () => {
    const { vendor, gate } = await setUp('oidc')
    vendor.user.id = '4711'
    vendor.claims({ sub: 4711 })
    expect((await logIn({ gate })).status).toBe(502)
    vendor.claims()
    change(vendor, 'userinfo', ({ json }) => ({ body: { ...json, sub: 4711 } }))
    expect((await logIn({ gate })).status).toBe(502)
  })

  test('A11 auth_time that is not a number of seconds is named', async () => {
    const { vendor, gate } = await setUp('oidc')
    for (const authTime of ['yesterday', [], {}, '1e9', '-1', true]) {
      vendor.claims({ auth_time: authTime })
      expect((await logIn({ gate })).status).toBe(502)
    }
    expect(gate.logged.join()).toContain('the auth_time of the ID token is not a number of seconds')
  })

  test('A11 a login that must be new is rejected if auth_time is an old string', async () => {
    const { vendor, gate } = await setUp('oidc')
    vendor.claims({ auth_time: '1000000000' })
    expect((await logIn({ gate }, '/auth/authn')).status).toBe(502)
    expect(gate.logged.join()).toContain('did not authenticate the user again')
  })

  test('A11 key ids may be numbers', async () => {
    const { vendor, gate } = await setUp('oidc')
    const { keys } = (await (await fetch(`${vendor.origin}/jwks`)).json()) as { keys: object[] }
    const of = (kid: unknown) => ({ body: { keys: keys.map((key) => ({ ...key, kid })) } })
    for (const [inKey, inToken] of [
      [7, '7'],
      ['7', 7],
      [7, 7],
    ]) {
      vendor.respond('jwks', of(inKey))
      vendor.claims({}, { header: { kid: inToken } })
      expect((await logIn({ gate: await gateOf(vendor) })).status).toBe(200)
    }
    vendor.claims({}, { header: { kid: '8' } })
    expect((await logIn({ gate })).status).toBe(502)
  })

  test.each([
    ['a thumbprint', { x5t: 'abc', 'x5t#S256': 'abc' }],
    ['a content type', { cty: 'JWT' }],
    ['a nonce', { nonce: 'abc' }],
    ['an unknown parameter', { 'urn:example': { a: 1 } }],
    ['a long typ', { typ: 'application/JWT' }],
  ])('A11 an ID token with %s in its header is accepted', async (_, header) => {
    const { vendor, gate } = await setUp('oidc')
    vendor.claims({}, { header })
    expect((await logIn({ gate })).status).toBe(200)
  })

  test('A11 a token response of OpenID Connect may omit token_type', async () => {
    const { vendor, gate } = await setUp('oidc')
    change(vendor, 'token', ({ json: { token_type: _, ...rest } }) => ({ body: rest }))
    expect((await logIn({ gate })).status).toBe(200)
    for (const token_type of ['DPoP', '', 'N_A', ['Bearer'], 0]) {
      change(vendor, 'token', ({ json }) => ({ body: { ...json, token_type } }))
      expect((await logIn({ gate })).status).toBe(502)
    }
  })

  test('A11 flags of discovery may be strings', async () => {
    const { vendor, gate } = await setUp('oidc', {}, { settings: { parRequired: true } })
    vendor.settings.discovery = { require_pushed_authorization_requests: 'true' }
    expect((await logIn({ gate })).status).toBe(200)
    expect(requestsTo(vendor, 'par')).toHaveLength(1)
  })
})

describe('A9 members that are null', () => {
  test.each(['token_type', 'expires_in', 'refresh_token', 'scope', 'error', 'error_description'])(
    'A9 %s of a token response may be null',
    async (name) => {
      const { vendor, gate } = await setUp('oidc')
      change(vendor, 'token', ({ json }) => ({ body: { ...json, [name]: null } }))
      expect((await logIn({ gate })).status).toBe(200)
    },
  )

  test.each(['access_token', 'id_token'])(
    'A9 %s is required, so null is rejected',
    async (name) => {
      const { vendor, gate } = await setUp('oidc')
      change(vendor, 'token', ({ json }) => ({ body: { ...json, [name]: null } }))
      expect((await logIn({ gate })).status).toBe(502)
      expect(gate.logged.join()).toMatch(new RegExp(`no (valid )?${name}`))
    },
  )

  test('A9 id_token may be null without OpenID Connect', async () => {
    const { vendor, gate } = await setUp('oauth2')
    change(vendor, 'token', ({ json }) => ({ body: { ...json, id_token: null } }))
    expect((await logIn({ gate })).status).toBe(200)
  })

  test('A9 every optional member of userinfo may be null', async () => {
    const { vendor, gate } = await setUp('oidc')
    for (const name of ['name', 'email', 'email_verified', 'picture', 'preferred_username', 'x']) {
      change(vendor, 'userinfo', ({ json }) => ({ body: { ...json, [name]: null } }))
      const { user } = await logIn({ gate })
      expect(Object.values(user['claims'] as object)).not.toContain(null)
    }
    vendor.respond('userinfo', { body: { sub: null } })
    expect((await logIn({ gate })).status).toBe(502)
  })

  test('A9 every optional member of discovery may be null or empty', async () => {
    for (const value of [null, '']) {
      const vendor = await startVendor('oidc')
      vendor.settings.discovery = {
        userinfo_endpoint: value,
        revocation_endpoint: value,
        end_session_endpoint: value,
        pushed_authorization_request_endpoint: value,
        require_pushed_authorization_requests: null,
        authorization_response_iss_parameter_supported: null,
      }
      expect((await logIn({ gate: await gateOf(vendor) })).status).toBe(200)
    }
    const vendor = await startVendor('oidc')
    vendor.settings.discovery = { token_endpoint: null }
    const gate = await gateOf(vendor)
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'misconfigured' })
    expect(gate.logged.join()).toContain('the discovery document has no token_endpoint')
  })
})

test('A6 a symmetric key that the provider publishes never verifies an ID token', async () => {
  const { vendor, gate } = await setUp('oidc', { signingAlgorithms: ['RS256', 'HS256'] })
  const key = { kty: 'oct', k: Buffer.from('published').toString('base64url'), alg: 'HS256' }
  vendor.respond('jwks', { body: { keys: [key] } })
  const sign = (secret: string) =>
    change(vendor, 'token', ({ json }) => {
      const header = Buffer.from(JSON.stringify({ alg: 'HS256' })).toString('base64url')
      const input = `${header}.${String(json['id_token']).split('.')[1]}`
      const signature = createHmac('sha256', secret).update(input).digest('base64url')
      return { body: { ...json, id_token: `${input}.${signature}` } }
    })
  sign('published')
  expect((await logIn({ gate })).status).toBe(502)
  sign(vendor.clientSecret)
  expect((await logIn({ gate })).status).toBe(200)
})
