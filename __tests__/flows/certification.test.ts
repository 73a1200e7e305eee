// The relying-party tests of the OpenID Foundation's conformance suite, by the names of its modules, against a provider
// that misbehaves as the module does. docs/certification.md lists them.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { VendorServer } from '../../src/dev/vendors/index.js'
import { realDate } from '../support/clock.js'
import { bodyOf, type Gate, stopAll, valueOfCookie } from '../support/gate.js'
import { createBrowser, formOf, type Page } from '../support/jar.js'
import { attemptOf, requestsTo, setUp } from '../support/providers.js'
import { INTERVAL, loggedIn, program } from '../support/recheck.js'

afterEach(async () => {
  realDate()
  await stopAll()
})

/** A login at the end of which the provider posts its response, if it was requested so. */
async function logIn(gate: Gate, browser = createBrowser()): Promise<Page> {
  const page = await browser.get(gate.url('/'))
  if (!page.body.includes('<form')) return page
  const { action, fields } = formOf(page)
  return browser.post(action, fields, { from: page.url })
}

describe.each([
  ['basic', {}],
  ['form post basic', { responseMode: 'form_post' }],
])('the plan oidcc-client-%s:', (_, options) => {
  let vendor: VendorServer
  let gate: Gate
  beforeEach(async () => {
    ;({ vendor, gate } = await setUp('oidc', options))
  })

  const expectAccepted = async () => {
    const page = await logIn(gate)
    expect([page.status, bodyOf(page).user?.['id']]).toEqual([200, 'user-1'])
    return page
  }

  /** The app is not reached, there is no session, and nothing is requested with the token. */
  const expectRejected = async () => {
    const browser = createBrowser()
    const { status, code } = attemptOf(await logIn(gate, browser))
    expect([status, code]).toEqual([502, 'provider_error'])
    expect(gate.reached).toEqual([])
    expect(() => valueOfCookie(browser, gate.origin)).toThrow('no cookie')
  }

  const expectTokenRejected = async () => {
    await expectRejected()
    expect(requestsTo(vendor, 'token')).toHaveLength(1)
    expect(requestsTo(vendor, 'userinfo')).toEqual([])
  }

  test('S-033 oidcc-client-test: a code flow is completed, with a token request and a userinfo request', async () => {
    await expectAccepted()
    expect(requestsTo(vendor, 'token')).toHaveLength(1)
    expect(requestsTo(vendor, 'userinfo')).toHaveLength(1)
  })

  test('S-033 oidcc-client-test-invalid-iss: an ID token of another issuer is rejected', async () => {
    vendor.claims({ iss: 'https://elsewhere.example' })
    await expectTokenRejected()
  })

  test('S-033 oidcc-client-test-missing-sub: an ID token without sub is rejected', async () => {
    vendor.claims({ sub: undefined })
    await expectTokenRejected()
  })

  test('S-033 oidcc-client-test-invalid-aud: an ID token for another client is rejected', async () => {
    vendor.claims({ aud: `${vendor.clientId}-other` })
    await expectTokenRejected()
  })

  test('S-033 oidcc-client-test-missing-iat: an ID token without iat is rejected', async () => {
    vendor.claims({ iat: undefined })
    await expectTokenRejected()
  })

  test('S-033 oidcc-client-test-kid-absent-single-jwks: without kid, the only key verifies the ID token', async () => {
    vendor.claims({}, { signing: 'no-kid' })
    await expectAccepted()
  })

  test('S-033 oidcc-client-test-kid-absent-multiple-jwks: without kid, the key that matches verifies the ID token', async () => {
    const other = await setUp('oidc')
    other.vendor.rotateKeys()
    const keysOf = async ({ origin }: VendorServer) =>
      ((await (await fetch(`${origin}/jwks`)).json()) as { keys: { kid: string }[] }).keys
    const keys = [...(await keysOf(other.vendor)), ...(await keysOf(vendor))]
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(2)
    vendor.respond('jwks', { body: { keys } })
    vendor.claims({}, { signing: 'no-kid' })
    await expectAccepted()
  })

  test('S-033 oidcc-client-test-idtoken-sig-rs256: an ID token that is signed with RS256 is accepted', async () => {
    vendor.settings.signingAlg = 'RS256'
    await expectAccepted()
  })

  test('S-033 S-037 oidcc-client-test-idtoken-sig-none: an ID token without a signature is rejected, also if discovery lists none', async () => {
    vendor.settings.discovery = { id_token_signing_alg_values_supported: ['none', 'RS256'] }
    vendor.claims({}, { signing: 'none' })
    await expectTokenRejected()
  })

  test('S-033 S-037 oidcc-client-test-invalid-sig-rs256: an ID token with a wrong RS256 signature is rejected', async () => {
    vendor.claims({}, { signing: 'bad-signature' })
    await expectTokenRejected()
  })

  test('S-033 S-040 oidcc-client-test-userinfo-invalid-sub: userinfo with another sub than the ID token is rejected', async () => {
    vendor.respond('userinfo', { body: { sub: 'user-2', name: 'Somebody Else' } })
    await expectRejected()
  })

  test('S-033 S-038 oidcc-client-test-nonce-invalid: an ID token with another nonce is rejected', async () => {
    vendor.claims({ nonce: 'A'.repeat(43) })
    await expectTokenRejected()
  })

  test('S-033 oidcc-client-test-scope-userinfo-claims: the scopes are requested, and their claims are read from userinfo', async () => {
    const page = await expectAccepted()
    const scopes = requestsTo(vendor, 'authorize')[0]?.query.get('scope')?.split(' ')
    expect(scopes).toEqual(expect.arrayContaining(['openid', 'profile', 'email']))
    expect(bodyOf(page).user).toMatchObject({ name: 'Ida Novak', email: 'ida@acme.example' })
  })

  test('S-033 S-044 oidcc-client-test-client-secret-basic: the client authenticates with client_secret_basic', async () => {
    vendor.settings.clientAuth = ['client_secret_basic']
    await expectAccepted()
    const [request] = requestsTo(vendor, 'token')
    const credentials = Buffer.from(`${vendor.clientId}:${vendor.clientSecret}`).toString('base64')
    expect(request?.headers['authorization']).toBe(`Basic ${credentials}`)
    expect(request?.form?.['client_secret']).toBeUndefined()
  })
})

describe('the plan oidcc-client-config:', () => {
  test('S-034 oidcc-client-test-discovery-openid-config: the endpoints are those of the discovery document', async () => {
    const { vendor, gate } = await setUp('oidc')
    expect((await logIn(gate)).status).toBe(200)
    const [first] = vendor.requests
    expect(first?.url).toBe('/.well-known/openid-configuration')
    const requested = vendor.requests.map(({ endpoint }) => endpoint)
    expect(requested).toEqual(expect.arrayContaining(['authorize', 'token', 'jwks', 'userinfo']))
  })

  test('S-034 oidcc-client-test-discovery-jwks-uri-keys: the keys are those of jwks_uri', async () => {
    const [{ vendor, gate }, other] = await Promise.all([setUp('oidc'), setUp('oidc')])
    other.vendor.rotateKeys()
    vendor.settings.discovery = { jwks_uri: `${other.vendor.origin}/jwks` }
    expect(attemptOf(await logIn(gate)).code).toBe('provider_error')
    expect(requestsTo(other.vendor, 'jwks').length).toBeGreaterThan(0)
    expect(requestsTo(vendor, 'jwks')).toEqual([])
  })

  test('S-034 oidcc-client-test-discovery-issuer-mismatch: a discovery document with another issuer is rejected', async () => {
    const { vendor, gate } = await setUp('oidc')
    vendor.settings.discovery = { issuer: `${vendor.origin}/other` }
    expect(attemptOf(await logIn(gate))).toMatchObject({ status: 502, code: 'misconfigured' })
    expect(requestsTo(vendor, 'authorize')).toEqual([])
  })

  test('S-034 S-037 oidcc-client-test-idtoken-sig-none: an ID token without a signature is rejected', async () => {
    const { vendor, gate } = await setUp('oidc')
    vendor.claims({}, { signing: 'none' })
    expect(attemptOf(await logIn(gate))).toMatchObject({ status: 502, code: 'provider_error' })
    expect(gate.reached).toEqual([])
  })

  test('S-034 S-041 oidcc-client-test-signing-key-rotation-just-before-signing: keys that change before the ID token is signed are fetched again', async () => {
    const { vendor, gate } = await setUp('oidc')
    await gate.middleware.ready()
    const known = requestsTo(vendor, 'jwks').length
    expect(known).toBe(1)
    vendor.respond('token', () => {
      vendor.rotateKeys()
      return undefined
    })
    expect((await logIn(gate)).status).toBe(200)
    expect(requestsTo(vendor, 'jwks')).toHaveLength(known + 1)
  })

  test('S-034 S-041 oidcc-client-test-signing-key-rotation: keys that change between two logins are fetched again', async () => {
    const { vendor, gate } = await setUp('oidc')
    expect((await logIn(gate)).status).toBe(200)
    vendor.rotateKeys()
    expect((await logIn(gate)).status).toBe(200)
    expect(requestsTo(vendor, 'jwks')).toHaveLength(2)
  })
})

describe('the plan oidcc-client-refreshtoken:', () => {
  /** A session whose next request refreshes the tokens; the provider returns a new ID token. */
  const start = () =>
    loggedIn('oidc', {
      vendor: { settings: { tokenLifetime: 60, refreshesIdToken: true } },
      options: { authCheckInterval: INTERVAL },
    })

  const expectEnded = async ({ clock, visit, vendor }: Awaited<ReturnType<typeof start>>) => {
    clock.forward(INTERVAL)
    expect((await visit('/', program)).status).toBe(401)
    expect(requestsTo(vendor, 'token')).toHaveLength(1)
    expect(requestsTo(vendor, 'userinfo')).toEqual([])
    vendor.claims()
    expect((await visit('/', program)).status).toBe(401)
  }

  test('S-035 oidcc-client-test-refresh-token: a refreshed ID token of the same user is accepted', async () => {
    const scene = await start()
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(200)
    expect(scene.count()).toEqual({ token: 1, userinfo: 1 })
  })

  test('S-035 oidcc-client-test-refresh-token-invalid-issuer: a refreshed ID token of another issuer ends the session', async () => {
    const scene = await start()
    scene.vendor.claims({ iss: 'https://elsewhere.example' })
    await expectEnded(scene)
  })

  test('S-035 oidcc-client-test-refresh-token-invalid-sub: a refreshed ID token of another user ends the session', async () => {
    const scene = await start()
    scene.vendor.claims({ sub: 'user-2' })
    await expectEnded(scene)
  })
})
