import { afterEach, describe, expect, test } from '@jest/globals'
import { realDate } from '../support/clock.js'
import { loggedIn } from '../support/recheck.js'
import { oidcProvider } from '../../src/index.js'
import type { VendorOptions, VendorResponse } from '../../src/dev/vendors/index.js'
import { type Gate, startGate, stopAll, stopping } from '../support/gate.js'
import { startOidcProvider } from '../support/oidc.js'
import {
  logIn,
  providerOf,
  requestsTo,
  type Setting,
  remote,
  setUp,
  startVendor,
} from '../support/providers.js'

afterEach(async () => {
  realDate()
  await stopAll()
})

const errorsOf = ({ logged }: Gate) =>
  logged.filter((line) => line.startsWith('error ')).map((line) => line.replaceAll('\\"', '"'))

/** The log of a login that failed, and the code of its page. */
async function failure({ gate, vendor }: Pick<Setting, 'gate' | 'vendor'>) {
  const attempt = await logIn({ gate }, '/', remote)
  expect(attempt.status).toBeGreaterThanOrEqual(400)
  return { code: attempt.code, page: attempt.page.body, log: gate.logged.join('\n'), vendor }
}

/** A login whose token request gets this response. */
async function failWith(
  response: VendorResponse,
  vendorOptions: VendorOptions = {},
  provider: Record<string, unknown> = {},
) {
  const setting = await setUp('oidc', provider, vendorOptions)
  setting.vendor.respond('token', response)
  return failure(setting)
}

const oauthError = (error: string, description?: string, status = 400): VendorResponse => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: { error, error_description: description },
})

describe('client authentication', () => {
  const secrets = { clientId: 'dev-client', clientSecret: 'a-secret_with.safe*characters' }
  const onlyBasic = { ...secrets, settings: { clientAuth: ['client_secret_basic' as const] } }

  test('A10 follows discovery: Basic if it lists only client_secret_basic', async () => {
    const { vendor, gate } = await setUp('oidc', {}, onlyBasic)
    expect((await logIn({ gate })).status).toBe(200)
    const [token] = requestsTo(vendor, 'token')
    expect(token?.headers.authorization).toMatch(/^Basic /)
    expect(token?.form).not.toHaveProperty('client_secret')
  })

  test.each([
    ['both', ['client_secret_basic', 'client_secret_post']],
    ['nothing', undefined],
    ['an empty array', []],
    ['a string', 'client_secret_basic'],
    ['only private_key_jwt and none', ['private_key_jwt', 'none']],
  ])('A10 is in the body if discovery lists %s', async (_, listed) => {
    const { vendor, gate } = await setUp('oidc')
    vendor.settings.discovery = { token_endpoint_auth_methods_supported: listed }
    expect((await logIn({ gate })).status).toBe(200)
    expect(requestsTo(vendor, 'token')[0]?.form).toHaveProperty('client_secret')
  })

  test('A10 an option takes precedence over discovery', async () => {
    const { vendor, gate } = await setUp('oidc', { clientAuth: 'post' })
    vendor.settings.discovery = { token_endpoint_auth_methods_supported: ['client_secret_basic'] }
    expect((await logIn({ gate })).status).toBe(200)
    expect(requestsTo(vendor, 'token')[0]?.form).toHaveProperty('client_secret')
  })

  test('A10 refreshes, pushed requests and revocations use the same method', async () => {
    const vendor = await startVendor('oidc', {
      ...onlyBasic,
      settings: { ...onlyBasic.settings, parRequired: true },
    })
    const gate = await startGate({
      provider: providerOf(vendor),
      logout: { revokeTokens: true },
    })
    const { page } = await logIn({ gate })
    expect(page.status).toBe(200)
    expect(requestsTo(vendor, 'par')[0]?.headers.authorization).toMatch(/^Basic /)
  })

  test.each(['oidc', 'oauth2'] as const)(
    'A10 a server that does not decode Basic credentials accepts safe characters (%s)',
    async (name) => {
      const settings = { clientAuth: ['client_secret_basic' as const], rawBasic: true }
      const clientId = 'my-app_1.example*'
      const { gate } = await setUp(
        name,
        { clientAuth: 'basic' },
        { ...secrets, clientId, settings },
      )
      expect((await logIn({ gate })).status).toBe(200)
    },
  )

  test('A10 all other characters are form-encoded', async () => {
    const clientSecret = `a b~c!d'e(f)g%h+i:j/ü"`
    const { vendor, gate } = await setUp(
      'oidc',
      { clientAuth: 'basic' },
      { clientSecret, settings: { clientAuth: ['client_secret_basic'] } },
    )
    expect((await logIn({ gate })).status).toBe(200)
    const header = String(requestsTo(vendor, 'token')[0]?.headers.authorization)
    expect(Buffer.from(header.slice('Basic '.length), 'base64').toString()).toBe(
      'dev-client:a+b%7Ec%21d%27e%28f%29g%25h%2Bi%3Aj%2F%C3%BC%22',
    )
  })

  test('A10 the hint for a rejected client names clientAuth and what discovery lists', async () => {
    const settings = { clientAuth: ['private_key_jwt' as const] }
    const { code, log } = await failure(await setUp('oidc', {}, { settings }))
    expect(code).toBe('misconfigured')
    expect(log).toContain(
      "check clientId and clientSecret, and clientAuth: clientAuth is 'post' by default, and discovery lists private_key_jwt",
    )
  })

  test.each([
    ['a configured method', { clientAuth: 'basic' }, "clientAuth is 'basic', and discovery lists"],
    [
      'an Authorization header of our own',
      { tokenHeaders: { Authorization: 'Basic bm9uc2Vuc2U=' } },
      'the Authorization header in tokenHeaders replaces clientAuth',
    ],
  ])('A10 the hint names %s', async (_, provider, hint) => {
    const { log } = await failWith(oauthError('invalid_client', undefined, 401), {}, provider)
    expect(log).toContain(hint)
  })

  test.each([
    ['no body', { status: 401 }],
    ['a page', { status: 401, body: '<html>', headers: { 'content-type': 'text/html' } }],
    ['an unknown error', oauthError('bad_client', undefined, 401)],
    ['unauthorized_client', oauthError('unauthorized_client')],
  ])('A10 status 401 with %s is a rejected client as well', async (_, response) => {
    const { code, log } = await failWith(response)
    expect(code).toBe('misconfigured')
    expect(log).toContain("clientAuth is 'post' by default")
  })

  test('A10 the hint of a built-in provider does not name an option that it fixes', async () => {
    const { code, log } = await failure(await setUp('gitlab', { clientSecret: 'wrong' }))
    expect([code, log.includes('clientSecret'), log.includes('clientAuth')]).toEqual([
      'misconfigured',
      true,
      false,
    ])
  })

  test('A10 oidc-provider as it comes: the hint for a wrong secret contains its list', async () => {
    const server = stopping(await startOidcProvider({ loginAs: 'alice' }))
    const client = { clientId: 'app-1', clientSecret: 'secret_of-app-1' }
    const gate = await startGate({
      provider: { op: oidcProvider({ issuer: server.issuer, ...client, clientSecret: 'wrong' }) },
    })
    await server.setClient({
      client_id: client.clientId,
      client_secret: client.clientSecret,
      redirect_uris: [`http://localhost:${gate.port}/auth/callback`],
    })
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'misconfigured' })
    expect(errorsOf(gate).join()).toMatch(
      /client authentication failed.*clientAuth is 'post' by default, and discovery lists .*client_secret_basic/,
    )
  })
})

describe('the description of an error', () => {
  test('A18 is in the log, and not on the page', async () => {
    const { page, log } = await failWith(oauthError('invalid_client', 'The moon is full.', 401))
    expect(log).toContain('The moon is full.')
    expect(page).not.toContain('moon')
  })

  test.each(['github', 'facebook', 'twitch', 'amazon', 'oauth2'] as const)(
    'A18 is in the log at %s',
    async (name) => {
      const { page, log } = await failure(await setUp(name, { clientSecret: 'another one' }))
      expect(log).toMatch(/the error \\".*\\" \(\\"[A-Za-z]/)
      expect(page).not.toContain('(&quot;')
    },
  )

  test('A18 is in the log of a rejected pushed request', async () => {
    const setting = await setUp('oidc', {}, { settings: { parRequired: true } })
    setting.vendor.respond('par', oauthError('invalid_request', 'Not today.'))
    const { log, page } = await failure(setting)
    expect(log).toContain('the pushed authorization request endpoint responded with status 400')
    expect(log).toContain('Not today.')
    expect(page).not.toContain('Not today')
  })

  test('A18 is printable and bounded', async () => {
    const description = `first\r\nerror second\u2028\u202ethird\u0000${'x'.repeat(5000)}`
    const { log } = await failWith(oauthError('invalid_request', description.slice(0, 2000)))
    expect(log).toContain('first error second third')
    expect(log).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u2028\u202e]/)
    expect(log).not.toContain('x'.repeat(300))
  })

  test.each([
    ['an array', ['a']],
    ['an object', { a: 1 }],
    ['a number', 7],
    ['null', null],
  ])('A18 is left out if it is %s', async (_, description) => {
    const { code, log } = await failWith(oauthError('invalid_client', description as never, 401))
    expect(code).toBe('misconfigured')
    expect(log).toContain('the error \\"invalid_client\\": ')
  })

  const clientSecret = 's3cr+t/of the=client&42'
  test.each<[string, (form: Record<string, string>, body: string) => string]>([
    ['the client secret', ({ client_secret }) => `no: ${client_secret}`],
    ['the code', ({ code }) => `no: ${code}`],
    ['the code verifier', ({ code_verifier }) => `no: ${code_verifier}`],
    ['the whole request', (_, body) => `no: ${body}`],
    ['the first half of the code', ({ code = '' }) => `no: ${code.slice(0, 20)}`],
    ['the code without a space', ({ code = '' }) => `no:${code}!`],
  ])('A18 does not repeat %s', async (_, describe) => {
    const setting = await setUp('oidc', {}, { clientSecret })
    let form: Record<string, string> = {}
    setting.vendor.respond('token', (request) => {
      form = request.form ?? {}
      return oauthError('invalid_client', describe(form, request.body), 401)
    })
    const { log } = await failure(setting)
    expect(log).toContain('no:')
    for (const secret of [clientSecret, form['code'], form['code_verifier']]) {
      const encoded = encodeURIComponent(String(secret))
      for (const part of [String(secret).slice(0, 12), encoded.slice(0, 12)])
        expect(log).not.toContain(part)
    }
  })

  test('A18 does not repeat Basic credentials or headers of our own', async () => {
    const setting = await setUp('oidc', {
      clientAuth: 'basic',
      tokenHeaders: { 'x-api-key': 'the-key-of-the-app' },
    })
    setting.vendor.respond('token', ({ headers }) =>
      oauthError(
        'invalid_client',
        `no: ${headers.authorization} ${String(headers['x-api-key'])}`,
        401,
      ),
    )
    const { log } = await failure(setting)
    expect(log).toContain('no: Basic …')
    expect(log).not.toMatch(/the-key|ZGV2LWNsaW/)
  })
})

describe('a wrong redirect URI', () => {
  test.each([
    ['GitHub, Google', 'redirect_uri_mismatch', 'Bad Request'],
    ['Keycloak', 'invalid_grant', 'Incorrect redirect_uri'],
    ['oidc-provider', 'invalid_redirect_uri', "redirect_uri did not match any of the client's"],
    [
      'Okta',
      'invalid_grant',
      "The 'redirect_uri' does not match the redirection URI used in the authorization request.",
    ],
    [
      'Entra',
      'invalid_grant',
      "AADSTS500112: The reply address 'https://a/' does not match the reply address 'https://b/' provided when requesting Authorization code.",
    ],
    ['Entra v1', 'invalid_request', 'AADSTS50011: The redirect URI specified does not match.'],
    [
      'Ory Hydra',
      'invalid_grant',
      "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client. The 'redirect_uri' from this request does not match the one from the authorize request.",
    ],
    ['others', 'invalid_grant', 'Redirect URI mismatch'],
  ])('A18 as %s reports it is the owner’s fault', async (_, error, description) => {
    const setting = await setUp('oidc')
    setting.vendor.respond('token', oauthError(error, description))
    const { code, log } = await failure(setting)
    expect(code).toBe('misconfigured')
    expect(log).toContain(
      `register exactly this redirect URI at the provider: ${setting.gate.origin}/auth/callback`,
    )
  })

  test.each([
    [
      'the whole sentence of RFC 6749, as GitLab sends it',
      'The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client.',
    ],
    [
      'several causes, as LinkedIn names them',
      'Unable to retrieve access token: appid/redirect uri/code verifier does not match authorization code. Or authorization code expired.',
    ],
    ['another cause', 'Code not valid'],
    ['no cause, as oidc-provider does', 'grant request is invalid'],
    ['no description', undefined],
  ])('A18 %s: it is a login that may be tried again', async (_, description) => {
    const { code, log } = await failWith(oauthError('invalid_grant', description))
    expect(code).toBe('login_expired')
    expect(log).toContain('or was issued for another redirect URI')
  })

  test('A18 at GitHub', async () => {
    const setting = await setUp('github')
    setting.vendor.respond('token', { body: { error: 'redirect_uri_mismatch' } })
    const { code, log } = await failure(setting)
    expect([code, log.includes('/auth/callback')]).toEqual(['misconfigured', true])
  })

  test('A18 of oidc-provider as it comes, at a pushed request', async () => {
    const server = stopping(await startOidcProvider({ requirePushedRequests: true }))
    const client = { clientId: 'app-1', clientSecret: 'secret_of-app-1' }
    await server.setClient({
      client_id: client.clientId,
      client_secret: client.clientSecret,
      redirect_uris: ['https://app.example/elsewhere'],
    })
    const gate = await startGate({
      provider: {
        op: oidcProvider({ issuer: server.issuer, ...client, clientAuth: 'basic' }),
      },
    })
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'misconfigured' })
    expect(errorsOf(gate).join()).toContain(
      `this redirect URI at the provider: ${gate.origin}/auth`,
    )
  })
})

test('A18 a refresh that is rejected for its redirect URI ends the session: a new login helps', async () => {
  const { vendor, visit, clock } = await loggedIn('gitlab')
  vendor.settings.tokenLifetime = 60
  vendor.respond('token', oauthError('invalid_grant', 'Incorrect redirect_uri'), { once: true })
  clock.forward(7300)
  const page = await visit()
  expect([page.status, page.location?.startsWith(vendor.origin)]).toEqual([302, true])
})
