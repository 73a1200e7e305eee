import { afterEach, describe, expect, test } from '@jest/globals'
import { oidcProvider } from '../../src/index.js'
import type { VendorServer } from '../../src/dev/vendors/index.js'
import { startGate, stopAll } from '../support/gate.js'
import { logIn, refusal, startVendor } from '../support/providers.js'

afterEach(stopAll)

const client = { clientId: 'dev-client', clientSecret: 'dev-client-secret' }
const POLICY_PATH = '/contoso.onmicrosoft.com/b2c_1_signin/v2.0'

/** Azure AD B2C: the issuer names the tenant by its ID, and has no discovery document. */
async function startB2c() {
  const vendor = await startVendor('oidc', {
    settings: { basePath: POLICY_PATH, issInCallback: false },
  })
  const issuer = `${vendor.origin}/775527ff-9a37-4307-8b3d-cc311f58d925/v2.0/`
  vendor.settings.discovery = {
    ...{ issuer, userinfo_endpoint: undefined },
    ...{ authorization_response_iss_parameter_supported: undefined },
  }
  vendor.claims({ iss: issuer, emails: ['ida@acme.example'], email: undefined })
  return { vendor, issuer, url: (path: string) => `${vendor.origin}${POLICY_PATH}${path}` }
}

const endpointsOf = ({ url }: Awaited<ReturnType<typeof startB2c>>) => ({
  ...{ authorization: url('/authorize'), token: url('/token'), jwks: url('/jwks') },
})

/** The hint of a failed login at an issuer. */
async function hintFor(issuer: string): Promise<string> {
  const gate = await startGate({ provider: { idp: oidcProvider({ ...client, issuer }) } })
  expect((await logIn({ gate })).status).toBe(502)
  return gate.logged.find((line) => line.startsWith('error ') || line.startsWith('warn ')) ?? ''
}

describe('A15: Azure AD B2C, whose issuer differs from the location of its discovery document', () => {
  test('the hint names the issuer of the document and the option endpoints', async () => {
    const { issuer, url } = await startB2c()
    const hint = await hintFor(url(''))
    expect(hint).toContain(issuer)
    expect(hint).toMatch(/as with Azure AD B2C.*set endpoints.*authorization, token and jwks/)
  })

  test('the issuer of the document, where no discovery document is: the hint names endpoints', async () => {
    const { issuer } = await startB2c()
    expect(await hintFor(issuer)).toMatch(
      /status 404.*set endpoints.*authorization, token and jwks/,
    )
  })

  test('the login works with this issuer and these endpoints', async () => {
    const b2c = await startB2c()
    const provider = oidcProvider({
      ...{ ...client, issuer: b2c.issuer, endpoints: endpointsOf(b2c) },
      ...{ claims: { email: 'emails.0' }, trustEmail: true, emailDomains: ['acme.example'] },
    })
    const gate = await startGate({ provider: { idp: provider } })
    expect((await logIn({ gate })).user['email']).toBe('ida@acme.example')
  })

  test.each<[unknown, Record<string, string>, RegExp]>([
    [['ida@acme.example'], {}, /set claims: \{ email: 'emails\.0' \}/],
    [['ida@acme.example'], { email: 'emails' }, /'emails' is an array.*'emails\.0'/],
    [[], { email: 'emails.0' }, /no email in the claims/],
    [[], {}, /no email in the claims/],
    [[{ value: 'ida@acme.example' }], {}, /no email in the claims/],
  ])('emails: %j with claims: %j denies with a hint', async (emails, claims, hint) => {
    const b2c = await startB2c()
    b2c.vendor.claims({ iss: b2c.issuer, emails, email: undefined })
    const provider = oidcProvider({
      ...{ ...client, issuer: b2c.issuer, endpoints: endpointsOf(b2c) },
      ...{ claims, trustEmail: true, emailDomains: ['acme.example'] },
    })
    const gate = await startGate({ provider: { idp: provider } })
    expect((await logIn({ gate })).status).toBe(403)
    expect(gate.logged.join('\n')).toMatch(hint)
  })
})

describe('A15: an issuer of Microsoft in oidcProvider()', () => {
  test.each([
    ['https://login.microsoftonline.com/common/v2.0', 'common'],
    ['https://login.microsoftonline.com/organizations/v2.0/', 'organizations'],
    ['https://login.microsoftonline.com/consumers/v2.0', 'consumers'],
    ['https://login.microsoftonline.com/Common', 'common'],
    ['https://login.microsoftonline.us/common/v2.0', 'common'],
    ['https://login.microsoftonline.com/{tenantid}/v2.0', 'common'],
  ])(
    'that is shared by tenants throws and leads to the provider microsoft: %s',
    (issuer, tenant) => {
      const message = refusal({ entra: oidcProvider({ ...client, issuer }) })
      expect(message).toMatch(/oauthModule\.provider\.entra\.issuer .*the provider microsoft/)
      expect(message).toContain(`tenant: '${tenant}'`)
    },
  )

  test.each([
    'https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0',
    'https://login.microsoftonline.com/contoso.com/v2.0',
    'https://id.example/common/v2.0',
    'https://contoso.ciamlogin.com/common/v2.0',
  ])('of one tenant, or of another host, is accepted: %s', (issuer) => {
    expect(refusal({ entra: oidcProvider({ ...client, issuer }) })).toBeUndefined()
  })

  test.each(['https://login.microsoftonline.com/{tenantid}/v2.0', 'https://sts.windows.net/abc/'])(
    'that discovery contradicts by %s leads to the provider microsoft at the first login',
    async (discovered) => {
      const vendor: VendorServer = await startVendor('oidc')
      vendor.settings.discovery = { issuer: discovered }
      expect(await hintFor(vendor.origin)).toMatch(/use the provider microsoft.*tenant/)
    },
  )
})

test('A15: an issuer that differs only by a slash leads to the issuer, not to endpoints', async () => {
  const vendor = await startVendor('oidc')
  const hint = await hintFor(`${vendor.origin}/`)
  expect(hint).toContain(`set the option issuer to exactly \\"${vendor.origin}\\"`)
  expect(hint).not.toContain('endpoints')
})

test('A15: an issuer with a query, as in a URL of Azure AD B2C, throws and names endpoints', () => {
  const issuer = 'https://contoso.b2clogin.com/contoso.onmicrosoft.com/v2.0?p=b2c_1_signin'
  expect(refusal({ idp: oidcProvider({ ...client, issuer }) })).toMatch(
    /idp\.issuer must have no query.*set endpoints/,
  )
})
