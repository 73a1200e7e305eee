import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  defineProvider,
  githubProvider,
  gitlabProvider,
  oauth2Provider,
  oidcProvider,
} from '../../src/index.js'
import type { VendorServer } from '../../src/dev/vendors/index.js'
import { type Gate, startGate, stopAll, stopping } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { type OidcServer, startOidcProvider } from '../support/oidc.js'
import { gateOf, logIn, refusal, startVendor } from '../support/providers.js'

const client = { clientId: 'app', clientSecret: 'app-secret' }
const inCluster = 'http://keycloak:8080'

afterAll(stopAll)

/** Reaches the same server as 127.0.0.1, but is not a loopback address by name. */
const internal = (url: string) => url.replace('127.0.0.1', '0.0.0.0')

const warningsIn = (gate: Gate) => gate.logged.filter((line) => line.includes('insecureHttp'))

describe('A14: a provider over plain http outside loopback', () => {
  const endpoints = { authorization: 'https://id.example/a', token: 'https://id.example/t' }
  const oauth2 = {
    ...client,
    authorizationUrl: 'https://id.example/authorize',
    tokenUrl: 'https://id.example/token',
    userinfoUrl: 'https://id.example/me',
  }
  test.each([
    ['issuer', (more: object) => oidcProvider({ ...client, issuer: inCluster, ...more })],
    ['baseUrl', (more: object) => githubProvider({ ...client, baseUrl: inCluster, ...more })],
    ['baseUrl', (more: object) => gitlabProvider({ ...client, baseUrl: inCluster, ...more })],
    [
      'endpoints.api',
      (more: object) => githubProvider({ ...client, endpoints: { api: inCluster }, ...more }),
    ],
    [
      'authorizationUrl',
      (more: object) => oauth2Provider({ ...oauth2, authorizationUrl: inCluster, ...more }),
    ],
    ['tokenUrl', (more: object) => oauth2Provider({ ...oauth2, tokenUrl: inCluster, ...more })],
    [
      'userinfoUrl',
      (more: object) => oauth2Provider({ ...oauth2, userinfoUrl: inCluster, ...more }),
    ],
    [
      'issuer',
      (more: object) =>
        defineProvider({
          ...client,
          openid: true,
          scopes: ['openid'],
          issuer: inCluster,
          endpoints,
          ...more,
        }),
    ],
  ])('throws for %s and names insecureHttp, which permits it', (name, provider) => {
    const [line, ...more] = (refusal({ acme: provider({}) }) ?? '').split('\n')
    expect([line, more]).toEqual([
      `oauthModule.provider.acme.${name} must be an https URL: plain http is accepted only on this machine, or with insecureHttp: true in a network that you trust`,
      [],
    ])
    expect(refusal({ acme: provider({ insecureHttp: false }) })).toContain(name)
    expect(refusal({ acme: provider({ insecureHttp: true }) })).toBeUndefined()
  })

  test('accepts no other scheme with insecureHttp', () => {
    for (const issuer of ['ftp://keycloak', 'javascript:alert(1)', 'ws://keycloak'])
      expect(refusal({ acme: oidcProvider({ ...client, issuer, insecureHttp: true }) })).toContain(
        'issuer must be an',
      )
    const iconUrl = 'http://cdn.example/icon.svg'
    expect(
      refusal({
        acme: oidcProvider({ ...client, issuer: inCluster, insecureHttp: true, iconUrl }),
      }),
    ).toContain('iconUrl must be an https URL')
  })

  test('logs users in with insecureHttp and logs one warning', async () => {
    const vendor = await startVendor('oidc')
    vendor.settings.publicOrigin = internal(vendor.origin)
    const gate = await gateOf(vendor, { insecureHttp: true })
    const attempts = [await logIn({ gate }), await logIn({ gate })]
    expect(attempts.map(({ status }) => status)).toEqual([200, 200])
    expect(attempts[0]?.page.history.map(({ url }) => new URL(url).hostname)).toContain('0.0.0.0')
    expect(warningsIn(gate)).toEqual([expect.stringMatching(/^warn .*oidc.*plain http/)])
    const secure = await startGate({
      provider: { acme: oidcProvider({ ...client, issuer: vendor.origin }) },
    })
    expect(warningsIn(secure)).toEqual([])
  })

  test('is rejected as an endpoint of the discovery document, with a hint that names insecureHttp', async () => {
    const vendor = await startVendor('oidc')
    const token_endpoint = `${internal(vendor.origin)}/token`
    vendor.settings.discovery = { token_endpoint }
    const strict = await gateOf(vendor)
    expect(await logIn({ gate: strict })).toMatchObject({ status: 502, code: 'provider_error' })
    expect(strict.logged.join()).toMatch(/token_endpoint .* plain http: set insecureHttp: true/)
    const gate = await gateOf(vendor, { insecureHttp: true })
    expect((await logIn({ gate })).status).toBe(200)
    const replaced = await gateOf(vendor, { endpoints: { token: `${vendor.origin}/token` } })
    expect((await logIn({ gate: replaced })).status).toBe(200)
    vendor.settings.discovery = { token_endpoint: 'javascript:alert(1)' }
    const odd = await gateOf(vendor, { insecureHttp: true })
    expect(await logIn({ gate: odd })).toMatchObject({ status: 502, code: 'provider_error' })
  })
})

describe('A14: one host name of the provider for the browser and another for the server', () => {
  let oidc: OidcServer
  beforeAll(async () => {
    oidc = stopping(
      await startOidcProvider({
        loginAs: 'alice',
        refreshTokens: 'always',
        lifetimes: { accessToken: 3 },
      }),
    )
  })

  const splitEndpoints = (origin: string) => ({
    authorization: `${origin}/auth`,
    endSession: `${origin}/session/end`,
    token: `${internal(origin)}/token`,
    userinfo: `${internal(origin)}/me`,
    jwks: `${internal(origin)}/jwks`,
    revocation: `${internal(origin)}/token/revocation`,
  })

  async function startSplit(): Promise<Gate> {
    const gate = await startGate({
      provider: {
        kc: oidcProvider({
          ...client,
          issuer: oidc.issuer,
          insecureHttp: true,
          endpoints: splitEndpoints(oidc.issuer),
        }),
      },
      authCheckInterval: 3,
      logout: { endProviderSession: true, revokeTokens: true },
    })
    await oidc.setClient({
      client_id: client.clientId,
      client_secret: client.clientSecret,
      token_endpoint_auth_method: 'client_secret_post',
      redirect_uris: [gate.url('/auth/callback')],
      post_logout_redirect_uris: [gate.url('/auth/logout')],
      backchannel_logout_uri: gate.url('/auth/backchannel-logout'),
    })
    await oidc.takeRequests()
    return gate
  }

  /** The paths that were requested at each host name. */
  async function pathsByHost() {
    const paths: Record<string, Set<string>> = { '127.0.0.1': new Set(), '0.0.0.0': new Set() }
    for (const { headers, path } of await oidc.takeRequests()) {
      const [host = ''] = String(headers.host).split(':')
      paths[host]?.add(path.startsWith('/interaction') || path.startsWith('/auth/') ? 'page' : path)
    }
    return { browser: [...(paths['127.0.0.1'] ?? [])], server: [...(paths['0.0.0.0'] ?? [])] }
  }

  test('endpoints lead each to its own: login, re-check and logout of a real provider', async () => {
    const gate = await startSplit()
    const browser = createBrowser()
    const { user } = await logIn({ gate, browser })
    expect(user['id']).toBe('alice')
    expect(await pathsByHost()).toEqual({
      browser: ['/auth', 'page'],
      server: ['/token', '/jwks', '/me'],
    })
    await sleep(3100)
    expect((await browser.get(gate.url('/'))).status).toBe(200)
    expect(await pathsByHost()).toEqual({ browser: [], server: ['/token', '/me'] })
    const out = await browser.get(gate.url('/auth/logout'), {
      headers: { 'Sec-Fetch-Site': 'same-origin' },
    })
    expect(new URL(out.url).hostname).toBe('127.0.0.1')
    await gate.middleware.close()
    expect(await pathsByHost()).toEqual({
      browser: ['/session/end'],
      server: ['/token/revocation'],
    })
  })

  test('a logout token of the issuer that browsers see ends the session', async () => {
    const gate = await startSplit()
    const browser = createBrowser()
    await logIn({ gate, browser })
    const responses = await oidc.endSessions('alice')
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]))
    expect((await browser.get(gate.url('/'), { follow: false })).status).toBe(302)
  })

  test('an issuer that browsers do not see is rejected, with a hint that leads to endpoints', async () => {
    const gate = await startGate({
      provider: {
        kc: oidcProvider({ ...client, issuer: internal(oidc.issuer), insecureHttp: true }),
      },
    })
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'misconfigured' })
    expect(gate.logged.join()).toMatch(/issuer .*127\.0\.0\.1.* instead of .*0\.0\.0\.0.*endpoints/)
  })

  const hosts = (vendor: VendorServer) =>
    Object.fromEntries(
      vendor.requests.map(({ endpoint, headers }) => [
        endpoint,
        String(headers['host']).split(':')[0],
      ]),
    )

  test('authorizationUrl of oauth2Provider may be at another host than tokenUrl', async () => {
    const vendor = await startVendor('oauth2')
    const { tokenUrl, userinfoUrl } = vendor.options as Record<string, string>
    const gate = await gateOf(vendor, {
      tokenUrl: internal(String(tokenUrl)),
      userinfoUrl: internal(String(userinfoUrl)),
      insecureHttp: true,
    })
    expect((await logIn({ gate })).status).toBe(200)
    expect(hosts(vendor)).toEqual({
      authorize: '127.0.0.1',
      token: '0.0.0.0',
      userinfo: '0.0.0.0',
    })
  })

  test('baseUrl of github is what browsers see, and endpoints are for the server', async () => {
    const vendor = await startVendor('github', { settings: { ghes: true } })
    const { baseUrl } = vendor.options as Record<string, string>
    const gate = await gateOf(vendor, {
      endpoints: {
        token: `${internal(String(baseUrl))}/login/oauth/access_token`,
        api: `${internal(String(baseUrl))}/api/v3`,
      },
      insecureHttp: true,
    })
    expect((await logIn({ gate })).status).toBe(200)
    expect(hosts(vendor)).toEqual({
      authorize: '127.0.0.1',
      token: '0.0.0.0',
      user: '0.0.0.0',
      emails: '0.0.0.0',
    })
  })

  test('baseUrl of gitlab is what browsers see, and endpoints are for the server', async () => {
    const vendor = await startVendor('gitlab')
    const back = internal(vendor.origin)
    const gate = await gateOf(vendor, {
      endpoints: {
        token: `${back}/oauth/token`,
        userinfo: `${back}/oauth/userinfo`,
        jwks: `${back}/oauth/discovery/keys`,
        revocation: `${back}/oauth/revoke`,
      },
      insecureHttp: true,
    })
    expect((await logIn({ gate })).status).toBe(200)
    expect(hosts(vendor)).toEqual({
      authorize: '127.0.0.1',
      token: '0.0.0.0',
      userinfo: '0.0.0.0',
      jwks: '0.0.0.0',
    })
  })
})
