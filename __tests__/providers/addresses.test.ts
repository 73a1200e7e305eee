import { afterEach, describe, expect, test } from '@jest/globals'
import { parseProviders } from '../../src/providers/parse-provider.js'
import { Mistakes } from '../../src/schema/field.js'
import { authorizationOf, startGate, stopAll } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'

afterEach(stopAll)

const credentials = { clientId: 'a', clientSecret: 'b' }
const defaults = { env: {}, timeoutMs: 1000, clockToleranceMs: 30_000, offlineAccess: false }

/** Vendors of tests bring addresses of their own; these are the ones that users get. */
const addresses: Record<string, Record<string, string>> = {
  github: {
    issuer: 'https://github.com/login/oauth',
    authorization: 'https://github.com/login/oauth/authorize',
    token: 'https://github.com/login/oauth/access_token',
    api: 'https://api.github.com',
  },
  google: {
    issuer: 'https://accounts.google.com',
    authorization: 'https://accounts.google.com/o/oauth2/v2/auth',
    token: 'https://oauth2.googleapis.com/token',
    userinfo: 'https://openidconnect.googleapis.com/v1/userinfo',
    jwks: 'https://www.googleapis.com/oauth2/v3/certs',
    revocation: 'https://oauth2.googleapis.com/revoke',
  },
  microsoft: {
    issuer: 'https://login.microsoftonline.com/{tenantid}/v2.0',
    authorization: 'https://login.microsoftonline.com/common/oauth2/v2.0/authorize',
    token: 'https://login.microsoftonline.com/common/oauth2/v2.0/token',
    userinfo: 'https://graph.microsoft.com/oidc/userinfo',
    api: 'https://graph.microsoft.com/v1.0',
    jwks: 'https://login.microsoftonline.com/common/discovery/v2.0/keys',
    endSession: 'https://login.microsoftonline.com/common/oauth2/v2.0/logout',
  },
  gitlab: {
    issuer: 'https://gitlab.com',
    authorization: 'https://gitlab.com/oauth/authorize',
    token: 'https://gitlab.com/oauth/token',
    userinfo: 'https://gitlab.com/oauth/userinfo',
    jwks: 'https://gitlab.com/oauth/discovery/keys',
    revocation: 'https://gitlab.com/oauth/revoke',
  },
  facebook: {
    authorization: 'https://www.facebook.com/v25.0/dialog/oauth',
    token: 'https://graph.facebook.com/v25.0/oauth/access_token',
    userinfo: 'https://graph.facebook.com/v25.0/me',
    api: 'https://graph.facebook.com/v25.0',
  },
  linkedin: {
    issuer: 'https://www.linkedin.com/oauth',
    authorization: 'https://www.linkedin.com/oauth/v2/authorization',
    token: 'https://www.linkedin.com/oauth/v2/accessToken',
    userinfo: 'https://api.linkedin.com/v2/userinfo',
    jwks: 'https://www.linkedin.com/oauth/openid/jwks',
    revocation: 'https://www.linkedin.com/oauth/v2/revoke',
  },
  twitch: {
    issuer: 'https://id.twitch.tv/oauth2',
    authorization: 'https://id.twitch.tv/oauth2/authorize',
    token: 'https://id.twitch.tv/oauth2/token',
    userinfo: 'https://id.twitch.tv/oauth2/userinfo',
    jwks: 'https://id.twitch.tv/oauth2/keys',
    revocation: 'https://id.twitch.tv/oauth2/revoke',
    api: 'https://id.twitch.tv/oauth2',
  },
  amazon: {
    authorization: 'https://www.amazon.com/ap/oa',
    token: 'https://api.amazon.com/auth/o2/token',
    userinfo: 'https://api.amazon.com/user/profile',
  },
}

describe.each(Object.entries(addresses))('%s', (name, { issuer, ...endpoints }) => {
  test('LI-4 is found and trusted at the URLs of the vendor', () => {
    const [provider] = parseProviders({ [name]: credentials }, defaults, new Mistakes('provider'))
    expect(provider?.issuer).toBe(issuer)
    expect(provider?.endpoints).toEqual(endpoints)
  })

  test('redirects to the vendor without a previous request to it', async () => {
    const gate = await startGate({ provider: { [name]: credentials } })
    const page = await createBrowser().get(gate.url('/'), { follow: false })
    expect(page.location?.split('?')[0]).toBe(endpoints['authorization'])
    expect(authorizationOf(page).get('client_id')).toBe('a')
  })
})

test('MS-5 a tenant is part of the URLs of Microsoft', () => {
  const [provider] = parseProviders(
    { microsoft: { ...credentials, tenant: 'organizations' } },
    defaults,
    new Mistakes('provider'),
  )
  const { authorization, token, jwks } = provider?.endpoints ?? {}
  for (const url of [authorization, token, jwks])
    expect(url).toMatch(/^https:\/\/login\.microsoftonline\.com\/organizations\//)
})

test('GH-20 an Enterprise Server is found only at its own URLs', () => {
  const [provider] = parseProviders(
    { github: { ...credentials, baseUrl: 'https://ghe.example.com/' } },
    defaults,
    new Mistakes('provider'),
  )
  expect([provider?.issuer, provider?.endpoints]).toEqual([
    'https://ghe.example.com/login/oauth',
    {
      authorization: 'https://ghe.example.com/login/oauth/authorize',
      token: 'https://ghe.example.com/login/oauth/access_token',
      api: 'https://ghe.example.com/api/v3',
    },
  ])
})
