import { afterAll, afterEach, describe, expect, test } from '@jest/globals'
import { oauth2Provider, oidcProvider } from '../../src/index.js'
import { vendorNames } from '../../src/dev/vendors/index.js'
import { examine, REDIRECT_URI, summary, wrong } from '../support/doctor.js'
import { stopAll } from '../support/gate.js'
import { startOidcProvider, type OidcServer } from '../support/oidc.js'
import { providerOf, requestsTo, startVendor } from '../support/providers.js'
import { listen } from '../support/server.js'

afterEach(stopAll)

describe('a healthy provider', () => {
  test.each(vendorNames)('%s yields no error and no warning', async (name) => {
    const vendor = await startVendor(name, { settings: { redirectUris: [REDIRECT_URI] } })
    const findings = await examine({ provider: providerOf(vendor) })
    expect(wrong(findings)).toEqual([])
    expect(requestsTo(vendor, 'token').some(({ form }) => form?.['code'] !== undefined)).toBe(true)
    expect(requestsTo(vendor, 'authorize')).toHaveLength(1)
    expect(findings).toContainEqual(
      expect.objectContaining({
        code: 'redirect_uri',
        problem: expect.stringContaining(REDIRECT_URI),
      }),
    )
  })
})

describe('a wrong client', () => {
  test.each(vendorNames)('%s rejects the secret', async (name) => {
    const vendor = await startVendor(name)
    const findings = await examine({
      provider: providerOf(vendor, { clientSecret: 'another-secret-than-the-registered' }),
    })
    expect(summary(findings)).toEqual(['error credentials/client_rejected'])
    expect(JSON.stringify(findings)).not.toContain('another-secret')
    expect(wrong(findings)[0]?.fix).toMatch(/^Check clientId and clientSecret/)
  })

  test.each(vendorNames)('%s does not know the ID', async (name) => {
    const vendor = await startVendor(name)
    const findings = await examine({ provider: providerOf(vendor, { clientId: 'another' }) })
    expect(summary(findings)).toEqual([
      'error authorization/client_unknown',
      'error credentials/client_rejected',
    ])
  })
})

describe('a redirect URI that is not registered', () => {
  test.each(['page', 'error', 'home'] as const)(
    'is found if the provider responds with: %s',
    async (mismatch) => {
      for (const name of ['github', 'oidc'] as const) {
        const redirectUris = ['https://app.example.com/other']
        const vendor = await startVendor(name, { settings: { redirectUris, mismatch } })
        const findings = await examine({ provider: providerOf(vendor) })
        const severity = mismatch === 'home' ? 'warning' : 'error'
        expect(summary(findings)).toEqual([`${severity} authorization/redirect_uri_rejected`])
        expect(wrong(findings)[0]?.fix).toContain(REDIRECT_URI)
      }
    },
  )

  test('is found in a pushed request', async () => {
    const vendor = await startVendor('oidc', { settings: { parRequired: true } })
    expect(summary(await examine({ provider: providerOf(vendor) }))).toEqual([])
    vendor.respond('par', {
      status: 400,
      headers: { 'content-type': 'application/json' },
      body: '{"error":"invalid_redirect_uri"}',
    })
    const findings = await examine({ provider: providerOf(vendor) })
    expect(summary(findings)).toEqual(['error authorization/pushed_request_rejected'])
    expect(wrong(findings)[0]?.fix).toContain(REDIRECT_URI)
  })
})

describe('the response to an authorization request', () => {
  test.each([
    ['invalid_scope', 'error authorization/scope_rejected'],
    ['unauthorized_client', 'error authorization/client_not_allowed'],
    ['invalid_request', 'error authorization/authorization_request_rejected'],
    ['server_error', 'warning authorization/authorization_endpoint_failed'],
  ])('%s is a finding', async (error, expected) => {
    const vendor = await startVendor('oidc', { settings: { refuse: { error } } })
    const findings = await examine({ provider: providerOf(vendor) })
    expect(summary(findings)).toEqual([expected])
    expect(wrong(findings)[0]?.problem).toContain(error)
  })

  test('is found in the form of a page', async () => {
    const vendor = await startVendor('oidc', { settings: { refuse: { error: 'invalid_scope' } } })
    const provider = providerOf(vendor, { responseMode: 'form_post' })
    expect(summary(await examine({ provider }))).toEqual(['error authorization/scope_rejected'])
  })

  test.each(['login_required', 'consent_required'])('%s is none', async (error) => {
    const vendor = await startVendor('oidc', { settings: { refuse: { error } } })
    expect(summary(await examine({ provider: providerOf(vendor) }))).toEqual([])
  })

  test('names the scope that requests a refresh token', async () => {
    const vendor = await startVendor('oidc', { settings: { refuse: { error: 'invalid_scope' } } })
    const findings = await examine({ provider: providerOf(vendor), authCheckInterval: 300 })
    expect(wrong(findings)[0]?.fix).toContain('offlineAccess: false')
  })

  test('is a page with 404 for an unknown client, as at GitHub', async () => {
    const vendor = await startVendor('github')
    vendor.respond('authorize', { status: 404, headers: {}, body: 'Not Found' })
    const findings = await examine({ provider: providerOf(vendor) })
    expect(summary(findings)).toEqual(['error authorization/client_unknown'])
  })

  test('is no finding if the provider rejects programs that are not browsers', async () => {
    const vendor = await startVendor('oidc')
    for (const status of [401, 403, 429]) {
      vendor.respond('authorize', { status, headers: {}, body: 'Are you a robot?' })
      expect(summary(await examine({ provider: providerOf(vendor) }))).toEqual([])
    }
  })
})

describe('the authorization endpoint', () => {
  test('may be on the same origin as the app', async () => {
    const vendor = await startVendor('oidc')
    vendor.respond('authorize', { status: 302, headers: { location: '/login' }, body: '' })
    const provider = providerOf(vendor)
    expect(summary(await examine({ provider, baseUrl: `${vendor.origin}/app` }))).not.toContain(
      'error authorization/redirect_uri_rejected',
    )
  })

  test('returns to another address of the app', async () => {
    const vendor = await startVendor('oidc')
    const location = 'http://127.0.0.1:4999/welcome?code=1'
    vendor.respond('authorize', { status: 302, headers: { location }, body: '' })
    const findings = await examine({ provider: providerOf(vendor) })
    expect(summary(findings)).toEqual(['error authorization/redirect_uri_rejected'])
    expect(wrong(findings)[0]?.problem).toContain('http://127.0.0.1:4999/welcome,')
  })

  test.each([
    [500, 'warning authorization/authorization_endpoint_failed'],
    [400, 'error authorization/authorization_request_rejected'],
  ])('responds with an error page that is not recognized: %s', async (status, expected) => {
    const vendor = await startVendor('oidc')
    vendor.respond('authorize', { status, headers: {}, body: '<p>Oops</p>' })
    const findings = await examine({ provider: providerOf(vendor) })
    expect(summary(findings)).toEqual([expected])
    expect(wrong(findings)[0]?.problem).toContain('"Oops"')
  })

  test('may be reachable only for browsers', async () => {
    const vendor = await startVendor('oauth2')
    const provider = providerOf(vendor, { authorizationUrl: 'https://idp.invalid/authorize' })
    expect(summary(await examine({ provider }))).toEqual([
      expect.stringMatching(/^warning authorization\/(?:host_unknown|dns_unavailable)$/),
    ])
  })
})

describe('the token endpoint', () => {
  const json = (status: number, body: object) => ({
    status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

  test.each([
    [429, { error: 'slow_down' }, ['warning credentials/provider_busy']],
    [400, { error: 'unsupported_grant_type' }, ['error credentials/token_request_rejected']],
    [400, { error: 'redirect_uri_mismatch' }, ['error credentials/redirect_uri_rejected']],
    [
      200,
      { access_token: 'a-token', token_type: 'bearer' },
      ['warning credentials/accepts_any_code'],
    ],
    [400, { error: 'invalid_grant' }, []],
  ])('responds with %s %j', async (status, body, expected) => {
    const vendor = await startVendor('oauth2')
    vendor.respond('token', json(status, body))
    expect(summary(await examine({ provider: providerOf(vendor) }))).toEqual(expected)
  })

  test('responds with an error that does not show whether the client was accepted', async () => {
    const vendor = await startVendor('oauth2')
    vendor.respond('token', json(400, { error: 'invalid_request' }))
    const findings = await examine({ provider: providerOf(vendor) })
    expect(summary(findings)).toEqual([])
    expect(findings.map(({ code }) => code)).toContain('credentials_unknown')
  })

  test('responds to requests of programs, but not to a token request', async () => {
    const vendor = await startVendor('oauth2')
    vendor.respond('token', ({ method }) => (method === 'POST' ? 'hang' : undefined))
    const provider = providerOf(vendor)
    expect(summary(await examine({ provider, timeouts: { provider: 0.3 } }))).toEqual([
      'error credentials/token_endpoint_unreachable',
    ])
  })
})

describe('discovery', () => {
  test('with another issuer', async () => {
    const vendor = await startVendor('oidc')
    const issuer = `${vendor.origin}/`
    const findings = await examine({ provider: providerOf(vendor, { issuer }) })
    expect(summary(findings)).toEqual(['error provider/issuer_mismatch'])
    expect(wrong(findings)[0]?.fix).toBe(`Set the option issuer to exactly "${vendor.origin}".`)
  })

  test('without a required endpoint', async () => {
    const discovery = { token_endpoint: undefined }
    const vendor = await startVendor('oidc', { settings: { discovery } })
    const findings = await examine({ provider: providerOf(vendor) })
    expect(summary(findings)).toEqual(['error provider/discovery_invalid'])
    expect(wrong(findings)[0]?.problem).toBe('The discovery document has no token_endpoint.')
  })

  test('that does not exist', async () => {
    const vendor = await startVendor('oidc')
    const issuer = `${vendor.origin}/realms/acme`
    const findings = await examine({ provider: providerOf(vendor, { issuer }) })
    expect(summary(findings)).toEqual(['error provider/discovery_invalid'])
    expect(wrong(findings)[0]?.fix).toContain('Is the option issuer right?')
  })

  test('that lists fewer scopes than requested', async () => {
    const vendor = await startVendor('oidc')
    const findings = await examine({ provider: providerOf(vendor, { scopes: ['roles'] }) })
    expect(summary(findings)).toEqual(['warning provider/scopes_not_listed'])
    expect(wrong(findings)[0]?.problem).toContain('roles')
  })
})

describe('the keys of the provider', () => {
  test('have none for the algorithms', async () => {
    const vendor = await startVendor('oidc')
    vendor.respond('jwks', {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ keys: [{ kty: 'EC', crv: 'P-256', use: 'sig', x: 'AA', y: 'AA' }] }),
    })
    const findings = await examine({ provider: providerOf(vendor) })
    expect(summary(findings)).toEqual(['error provider/no_signing_key'])
    expect(wrong(findings)[0]?.problem).toContain('RS256')
  })

  test('cannot be fetched', async () => {
    const vendor = await startVendor('oidc')
    vendor.respond('jwks', { status: 404, headers: {}, body: 'Not Found' })
    const findings = await examine({ provider: providerOf(vendor) })
    expect(summary(findings)).toEqual(['error provider/keys_unavailable'])
  })

  test('sign with an algorithm that the options do not allow', async () => {
    const vendor = await startVendor('oidc')
    const provider = providerOf(vendor, { signingAlgorithms: ['ES256'] })
    const findings = await examine({ provider })
    expect(summary(findings)).toEqual(['error provider/algorithm_mismatch'])
    expect(wrong(findings)[0]?.fix).toContain("signingAlgorithms: ['RS256']")
  })
})

describe('oidc-provider', () => {
  let idp: OidcServer
  const client = {
    client_id: 'app',
    client_secret: 'the secret of the client, long enough',
    redirect_uris: [REDIRECT_URI],
  }
  const provider = (more: Record<string, unknown> = {}) => ({
    acme: oidcProvider({
      issuer: idp.issuer,
      clientId: client.client_id,
      clientSecret: client.client_secret,
      ...more,
    }),
  })

  afterAll(() => idp.close())

  test('is healthy', async () => {
    idp = await startOidcProvider({ clients: [client] })
    expect(wrong(await examine({ provider: provider() }))).toEqual([])
  })

  test('rejects the client ID', async () => {
    expect(summary(await examine({ provider: provider({ clientId: 'other' }) }))).toEqual([
      'error authorization/client_unknown',
      'error credentials/client_rejected',
    ])
  })

  test('rejects the client secret', async () => {
    const findings = await examine({ provider: provider({ clientSecret: 'not this secret' }) })
    expect(summary(findings)).toEqual(['error credentials/client_rejected'])
  })

  test('rejects the redirect URI', async () => {
    const findings = await examine({ provider: provider(), callbackPath: '/callback' })
    expect(summary(findings)).toEqual(['error authorization/redirect_uri_rejected'])
    expect(wrong(findings)[0]?.fix).toContain('http://127.0.0.1:4999/callback')
  })

  test('rejects a scope that the client does not have', async () => {
    await idp.setClient({ ...client, scope: 'openid email' })
    const findings = await examine({ provider: provider() })
    expect(summary(findings)).toEqual(['error authorization/scope_rejected'])
    await idp.setClient(client)
  })
})

describe('a provider over plain OAuth 2.0', () => {
  test('whose clock differs', async () => {
    const date = new Date(Date.now() + 600_000).toUTCString()
    const server = await listen((_, res) => {
      res.writeHead(400, { date, 'content-type': 'application/json' })
      res.end('{"error":"invalid_grant"}')
    })
    const url = `http://127.0.0.1:${server.port}`
    const findings = await examine({
      provider: {
        acme: oauth2Provider({
          ...{ authorizationUrl: `${url}/authorize`, tokenUrl: `${url}/token` },
          ...{ userinfoUrl: `${url}/userinfo`, clientId: 'app', clientSecret: 'the client secret' },
        }),
      },
    })
    await server.close()
    expect(summary(findings)).toContain('error provider/clock_differs')
    expect(wrong(findings)[0]?.problem).toMatch(
      /^The clock of this machine is (?:599|600) s behind/,
    )
  })
})
