import { afterEach, describe, expect, test } from '@jest/globals'
import { stopAll } from '../support/gate.js'
import {
  attemptOf,
  gateOf,
  logIn,
  refusal,
  requestsTo,
  setUp,
  startVendor,
} from '../support/providers.js'
import { createBrowser } from '../support/jar.js'
import { oidcProvider } from '../../src/index.js'

afterEach(stopAll)

describe('A5 audiences', () => {
  test.each([
    ['two, ours first', { aud: ['dev-client', '2109'], azp: 'dev-client' }],
    ['two, ours last', { aud: ['2109', 'dev-client'], azp: 'dev-client' }],
    ['many', { aud: ['account', 'dev-client', 'api', 'web'], azp: 'dev-client' }],
    ['ours twice', { aud: ['dev-client', 'dev-client'] }],
    ['ours alone, without azp', { aud: ['dev-client'], azp: null }],
  ])('A5 an ID token for %s is accepted if azp is our client', async (_, claims) => {
    const { vendor, gate } = await setUp('oidc')
    vendor.claims(claims)
    expect((await logIn({ gate })).status).toBe(200)
  })

  test.each([
    ['no azp', { aud: ['dev-client', 'other'] }, 'has several audiences in aud'],
    ['an azp of null', { aud: ['dev-client', 'other'], azp: null }, 'has several audiences in aud'],
    ['another azp', { aud: ['dev-client', 'other'], azp: 'other' }, 'an azp other than'],
    ['an azp in another case', { aud: ['dev-client', 'other'], azp: 'Dev-Client' }, 'an azp'],
    ['an array as azp', { aud: ['dev-client', 'other'], azp: ['dev-client'] }, 'an azp'],
    ['only our azp', { aud: ['other'], azp: 'dev-client' }, 'does not contain the client id'],
    ['nested audiences', { aud: [['dev-client']], azp: 'dev-client' }, 'does not contain'],
    ['audiences in one string', { aud: 'dev-client other', azp: 'dev-client' }, 'does not contain'],
  ])(
    'A5 an ID token for several audiences with %s is rejected, and the hint names the claim',
    async (_, claims, hint) => {
      const { vendor, gate } = await setUp('oidc')
      vendor.claims(claims)
      expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
      expect(gate.logged.join()).toContain(hint)
    },
  )

  test('A5 signed userinfo for several audiences is accepted if azp is our client', async () => {
    const { vendor, gate } = await setUp('oidc', {}, { settings: { userinfoJwt: true } })
    vendor.user.claims = { aud: ['dev-client', 'api'], azp: 'dev-client' }
    expect((await logIn({ gate })).status).toBe(200)
    vendor.user.claims = { aud: ['dev-client', 'api'], azp: 'api' }
    expect((await logIn({ gate })).status).toBe(502)
  })

  test('A5 a numeric client id may be a number in aud and azp', async () => {
    const { vendor, gate } = await setUp('oidc', {}, { clientId: '2109' })
    vendor.claims({ aud: [2109, 'other'], azp: 2109 })
    expect((await logIn({ gate })).status).toBe(200)
    vendor.claims({ aud: 2110 })
    expect((await logIn({ gate })).status).toBe(502)
  })

  test('A5 the ID token of a refresh follows the same rule', async () => {
    const { vendor, gate, browser } = await setUp(
      'oidc',
      {},
      { settings: { tokenLifetime: 1 } },
      { authCheckInterval: 1, authCheckEarly: false },
    )
    vendor.claims({ aud: ['dev-client', 'api'], azp: 'dev-client' })
    expect((await logIn({ gate, browser })).status).toBe(200)
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect((await logIn({ gate, browser })).page.history).toHaveLength(1)
    expect(requestsTo(vendor, 'token')).toHaveLength(2)
    vendor.claims({ aud: ['dev-client', 'api'], azp: 'api' }, { once: true })
    await new Promise((resolve) => setTimeout(resolve, 1500))
    const again = attemptOf(await browser.get(gate.url('/'), { follow: false }))
    expect(again.status).toBe(302)
  })
})

const keyPairAlgorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
] as const

describe('A6 signing algorithms', () => {
  test.each(keyPairAlgorithms)('A6 %s is accepted if discovery lists it', async (signingAlg) => {
    const { gate } = await setUp('oidc', {}, { settings: { signingAlg: signingAlg } })
    expect((await logIn({ gate })).status).toBe(200)
  })

  test.each(keyPairAlgorithms)('A6 %s is accepted with manual endpoints', async (signingAlg) => {
    const vendor = await startVendor('oidc', { settings: { signingAlg: signingAlg } })
    const at = (path: string) => `${vendor.origin}${path}`
    const endpoints = { authorization: at('/authorize'), token: at('/token'), jwks: at('/jwks') }
    const gate = await gateOf(vendor, { endpoints })
    expect((await logIn({ gate })).status).toBe(200)
    expect(requestsTo(vendor, 'discovery')).toEqual([])
  })

  test.each([
    ['no list', undefined],
    ['null as list', null],
    ['an empty list', []],
    ['a string as list', 'ES384'],
    ['the list with null', [null, 'ES384']],
  ])('A6 %s in discovery does not reject ES384', async (_, listed) => {
    const { vendor, gate } = await setUp('oidc', {}, { settings: { signingAlg: 'ES384' } })
    vendor.settings.discovery = { id_token_signing_alg_values_supported: listed }
    expect((await logIn({ gate })).status).toBe(200)
  })

  test('A6 EdDSA and Ed25519 are one algorithm, whichever name discovery and keys use', async () => {
    for (const [signingAlg, listed] of [
      ['EdDSA', 'Ed25519'],
      ['Ed25519', 'EdDSA'],
    ] as const) {
      const { vendor, gate } = await setUp('oidc', {}, { settings: { signingAlg } })
      vendor.settings.discovery = { id_token_signing_alg_values_supported: [listed] }
      const { keys } = (await (await fetch(`${vendor.origin}/jwks`)).json()) as { keys: object[] }
      vendor.respond('jwks', { body: { keys: keys.map((key) => ({ ...key, alg: listed })) } })
      expect((await logIn({ gate })).status).toBe(200)
      const named = await gateOf(vendor, { signingAlgorithms: ['EdDSA'] })
      expect((await logIn({ gate: named })).status).toBe(200)
    }
  })

  test('A6 the hint names the algorithm found, those allowed, and the option', async () => {
    const { vendor, gate } = await setUp('oidc', {}, { settings: { signingAlg: 'RS512' } })
    vendor.settings.discovery = { id_token_signing_alg_values_supported: ['RS256', 'ES256'] }
    expect((await logIn({ gate })).status).toBe(502)
    expect(gate.logged.join()).toContain(
      "signed with RS512; allowed are RS256, ES256: if the provider is meant to use it, set signingAlgorithms: ['RS512']",
    )
    const named = await gateOf(vendor, { signingAlgorithms: ['RS512'] })
    expect((await logIn({ gate: named })).status).toBe(200)
  })

  test('A6 the option replaces the list of discovery', async () => {
    const vendor = await startVendor('oidc')
    const gate = await gateOf(vendor, { signingAlgorithms: ['ES256', 'PS512'] })
    expect((await logIn({ gate })).status).toBe(502)
    expect(gate.logged.join()).toContain('signed with RS256; allowed are ES256, PS512')
  })

  test('A6 HS256 is accepted only if named, and is verified with the client secret', async () => {
    const { vendor, gate } = await setUp('oidc', {}, { settings: { signingAlg: 'HS256' } })
    expect((await logIn({ gate })).status).toBe(502)
    expect(gate.logged.join()).toContain("set signingAlgorithms: ['HS256']")
    const named = await gateOf(vendor, { signingAlgorithms: ['HS256'] })
    expect((await logIn({ gate: named })).status).toBe(200)
    expect(requestsTo(vendor, 'jwks')).toEqual([])
    vendor.claims({}, { signing: 'HS256-public-key' })
    expect((await logIn({ gate: named })).status).toBe(502)
    expect(named.logged.join()).toContain('the option clientSecret does not verify the HS256')
    vendor.claims({}, { signing: 'none' })
    expect((await logIn({ gate: named })).status).toBe(502)
  })

  test('A6 HS256 together with RS256: the public key is never the secret of an HS256 token', async () => {
    const { vendor, gate } = await setUp('oidc', { signingAlgorithms: ['RS256', 'HS256'] })
    expect((await logIn({ gate })).status).toBe(200)
    for (const [signing, status] of [
      ['HS256-secret', 200],
      ['HS256-public-key', 502],
      ['wrong-key', 502],
      ['bad-signature', 502],
    ] as const) {
      vendor.claims({}, { signing })
      expect([signing, (await logIn({ gate })).status]).toEqual([signing, status])
    }
  })

  test('A6 with HS256 alone no key set is required', async () => {
    const vendor = await startVendor('oidc', { settings: { signingAlg: 'HS256' } })
    vendor.settings.discovery = { jwks_uri: undefined }
    const gate = await gateOf(vendor, { signingAlgorithms: ['HS256'] })
    expect((await logIn({ gate })).status).toBe(200)
  })

  test('A6 signed userinfo may use an algorithm that discovery lists for it', async () => {
    const { vendor, gate } = await setUp(
      'oidc',
      {},
      { settings: { userinfoJwt: true, signingAlg: 'ES384' } },
    )
    vendor.settings.discovery = { userinfo_signing_alg_values_supported: ['ES384', 'none'] }
    expect((await logIn({ gate })).status).toBe(200)
  })

  test('A6 at_hash with the hash function of another algorithm is rejected', async () => {
    const { vendor, gate } = await setUp('oidc', {}, { settings: { signingAlg: 'ES384' } })
    vendor.claims((claims) => ({ ...claims, at_hash: String(claims['at_hash']).slice(0, 22) }))
    expect((await logIn({ gate })).status).toBe(502)
  })

  test('A6 encrypted ID tokens are named as such', async () => {
    const { vendor, gate } = await setUp('oidc')
    vendor.claims({}, { header: { enc: 'A256GCM' } })
    expect((await logIn({ gate })).status).toBe(502)
    expect(gate.logged.join()).toContain('is encrypted, which is not supported')
  })

  test('A6 HS256 without a client secret throws', () => {
    const provider = (more: object) => ({
      acme: oidcProvider({
        issuer: 'https://id.example',
        clientId: 'a',
        signingAlgorithms: ['HS256'],
        ...more,
      }),
    })
    expect(refusal(provider({ clientAuth: 'none' }))).toMatch(
      /acme\.signingAlgorithms cannot contain HS256/,
    )
    expect(refusal(provider({ clientSecret: 'b' }))).toBeUndefined()
    expect(refusal(provider({ clientSecret: 'b', signingAlgorithms: ['HS512'] as never }))).toMatch(
      /acme\.signingAlgorithms must contain only RS256, .*HS256/,
    )
  })

  test('A6 a provider without ID tokens: the log states that the option has no effect', async () => {
    const { gate } = await setUp('github', { signingAlgorithms: ['RS256'] })
    expect(gate.logged.join()).toContain('signingAlgorithms has no effect at github')
  })
})

const tokenClaims = ['at_hash', 'azp', 'auth_time', 'nbf', 'acr', 'amr', 'email', 'name', 'sid']

describe('A9 claims that are null', () => {
  test.each(tokenClaims)('A9 %s of an ID token may be null', async (name) => {
    const { vendor, gate } = await setUp('oidc')
    vendor.claims({ [name]: null })
    const { user } = await logIn({ gate })
    expect(user).toMatchObject({ email: 'ida@acme.example', name: 'Ida Novak' })
  })

  test.each(['iss', 'sub', 'aud', 'exp', 'iat', 'nonce'])(
    'A9 %s of an ID token is required, so null is rejected',
    async (name) => {
      const { vendor, gate } = await setUp('oidc')
      vendor.claims({ [name]: null })
      expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
    },
  )

  test('A9 null in the header of an ID token and in keys means absent', async () => {
    const { vendor, gate } = await setUp('oidc')
    const { keys } = (await (await fetch(`${vendor.origin}/jwks`)).json()) as { keys: object[] }
    const [key] = keys
    vendor.respond('jwks', { body: { keys: [{ ...key, alg: null, use: null, key_ops: null }] } })
    vendor.claims({}, { header: { typ: null, kid: null, jku: null, x5c: null } })
    expect((await logIn({ gate })).status).toBe(200)
  })

  test('A9 claims of a refreshed ID token may be null', async () => {
    const { vendor, gate, browser } = await setUp(
      'oidc',
      {},
      { settings: { tokenLifetime: 1 } },
      { authCheckInterval: 1, authCheckEarly: false },
    )
    expect((await logIn({ gate, browser })).status).toBe(200)
    vendor.claims({ at_hash: null, azp: null, auth_time: null, nonce: null, nbf: null })
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect((await logIn({ gate, browser })).page.history).toHaveLength(1)
    expect(requestsTo(vendor, 'token')).toHaveLength(2)
  })

  test('A9 a claim of userinfo that is null does not replace that of the ID token', async () => {
    const { vendor, gate } = await setUp('oidc', { groups: ['staff'], emailDomains: ['x.example'] })
    vendor.claims({ groups: ['staff'] })
    vendor.respond('userinfo', { body: { sub: 'user-1', groups: null, email: null, name: null } })
    const { user } = await logIn({ gate, browser: createBrowser() })
    expect(user).toMatchObject({ groups: ['staff'], email: 'ida@acme.example', name: 'Ida Novak' })
  })

  test('A9 email_verified of one response never verifies the address of another', async () => {
    const { vendor, gate } = await setUp('oidc', { emailDomains: ['acme.example'] })
    const statusOf = async (token: object, userinfo: object) => {
      vendor.claims({ ...token })
      vendor.respond('userinfo', { body: { sub: 'user-1', ...userinfo } })
      return (await logIn({ gate })).status
    }
    const verified = { email: 'ida@other.example', email_verified: true }
    const mine = { email: 'eve@acme.example' }
    expect(await statusOf(verified, { ...mine, email_verified: null })).toBe(403)
    expect(await statusOf(verified, mine)).toBe(403)
    const unverified = { ...mine, email_verified: false }
    expect(await statusOf(unverified, { email: null, email_verified: true })).toBe(403)
    expect(await statusOf({ ...mine, email_verified: true }, { email_verified: null })).toBe(200)
    expect(await statusOf({ ...mine, email_verified: true }, mine)).toBe(200)
    expect(await statusOf({}, { ...mine, email_verified: true })).toBe(200)
  })
})
