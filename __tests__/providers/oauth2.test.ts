import { afterEach, describe, expect, test } from '@jest/globals'
import { oauth2Provider, type OAuth2Options } from '../../src/index.js'
import type { VendorServer } from '../../src/dev/vendors/index.js'
import { authorizationOf, startGate, stopAll } from '../support/gate.js'
import { createBrowser, linksOf } from '../support/jar.js'
import { gateOf, logIn, refusal, requestsTo, setUp, startVendor } from '../support/providers.js'

afterEach(stopAll)

const urls = {
  authorizationUrl: 'https://idp.example/authorize',
  tokenUrl: 'https://idp.example/token',
  userinfoUrl: 'https://idp.example/me',
}
const credentials = { clientId: 'a', clientSecret: 'b' }

const complaint = (options: Partial<OAuth2Options>) =>
  refusal({ custom: oauth2Provider({ ...urls, ...credentials, ...options }) })
const urlOf = (vendor: VendorServer, name: string) => String(vendor.options[name])

describe('the connection', () => {
  test.each(['-a', 'a-', 'a_b', 'a.b', 'é', '', 'a b', 'a/b', '-', 'a'.repeat(65)])(
    'CO-1: %j is rejected as a name',
    (name) => {
      expect(refusal({ [name]: oauth2Provider({ ...urls, ...credentials }) })).toMatch(
        /a name starts and ends with a letter or digit/,
      )
    },
  )

  test.each(['a', 'A1-b2', '7', 'my-idp'])('CO-1: %j is accepted as a name', (name) => {
    expect(refusal({ [name]: oauth2Provider({ ...urls, ...credentials }) })).toBeUndefined()
  })

  test('a login needs two URLs and a way to read the user', () => {
    expect(complaint({})).toBeUndefined()
    expect(complaint({ userinfoUrl: undefined })).toMatch(
      /userinfoUrl is missing: .*fetchUserProfile/,
    )
    expect(
      complaint({ userinfoUrl: undefined, fetchUserProfile: async () => ({ user_id: 1 }) }),
    ).toBeUndefined()
    expect(complaint({ authorizationUrl: undefined as never })).toMatch(
      /authorizationUrl is missing/,
    )
    expect(complaint({ tokenUrl: undefined as never })).toMatch(/tokenUrl is missing/)
    expect(complaint({ tokenUrl: 'http://idp.example/token' })).toMatch(
      /tokenUrl must be an https URL/,
    )
    expect(complaint({ authorizationUrl: '/authorize' })).toMatch(
      /authorizationUrl must be an absolute URL/,
    )
    expect(complaint({ userinfoUrl: 'https://me:secret@idp.example' })).toMatch(
      /userinfoUrl must not contain a user/,
    )
    expect(complaint({ fetchUserProfile: 'code' as never })).toMatch(
      /fetchUserProfile must be a function/,
    )
    expect(complaint({ token_url: 'https://x.example' } as never)).toMatch(/write tokenUrl/)
  })

  test('CO-9: a query in the authorization URL is kept, and overrides no parameter', async () => {
    const { vendor } = await setUp('oauth2')
    const gate = await gateOf(vendor, {
      authorizationUrl: `${urlOf(vendor, 'authorizationUrl')}?tenant=1&kind=a`,
      authorizationParams: { kind: 'b' },
    })
    const { authorization, status } = await logIn({ gate })
    expect(status).toBe(200)
    expect(authorization.getAll('tenant')).toEqual(['1'])
    expect(authorization.getAll('kind')).toEqual(['b'])
  })

  test.each([
    'state=1',
    'client_id=x',
    'redirect_uri=x',
    'scope=x',
    'response_mode=form_post',
    'code_challenge=x',
    'request=x',
  ])('CO-9: %s in the authorization URL throws', (query) => {
    expect(complaint({ authorizationUrl: `https://idp.example/authorize?${query}` })).toMatch(
      /authorizationUrl must not set/,
    )
  })

  test('a query in the token URL is kept, for any spelling of the host', async () => {
    const { vendor } = await setUp('oauth2')
    const tokenUrl = `${urlOf(vendor, 'tokenUrl')}?tenant=1`.replace('http:', 'HTTP:')
    const gate = await gateOf(vendor, { tokenUrl, tokenHeaders: { 'X-One': '1' } })
    expect((await logIn({ gate })).status).toBe(200)
    const [token] = requestsTo(vendor, 'token')
    expect(token?.url).toBe('/token?tenant=1')
    expect(token?.headers['x-one']).toBe('1')
  })

  test('PKCE is on, and can be disabled', async () => {
    const { vendor, gate } = await setUp('oauth2')
    expect((await logIn({ gate })).authorization.get('code_challenge_method')).toBe('S256')
    vendor.settings.refuseCodeVerifier = true
    const without = await logIn({ gate: await gateOf(vendor, { pkce: false }) })
    expect(without.status).toBe(200)
    expect(without.authorization.has('code_challenge')).toBe(false)
  })

  test('a callback of another issuer is rejected if the issuer is configured', async () => {
    const { vendor } = await setUp('oauth2', {}, { settings: { issInCallback: true } })
    expect((await logIn({ gate: await gateOf(vendor, { issuer: vendor.origin }) })).status).toBe(
      200,
    )
    expect(
      await logIn({ gate: await gateOf(vendor, { issuer: `${vendor.origin}/other` }) }),
    ).toMatchObject({ status: 400, code: 'invalid_callback' })
  })

  test('name and icon are on the sign-in page, and connection=NAME redirects directly', async () => {
    const [one, two] = [await startVendor('oauth2'), await startVendor('oauth2')]
    const provider = {
      one: oauth2Provider({
        ...(one.options as never as OAuth2Options),
        displayName: 'The <One>',
        iconUrl: 'https://icons.example/one.png',
      }),
      two: oauth2Provider(two.options as never),
    }
    const gate = await startGate({ provider })
    const browser = createBrowser()
    const page = await browser.get(gate.url('/auth/authn'))
    expect(page.body).toContain('The &lt;One&gt;')
    expect(page.body).toContain('src="https://icons.example/one.png"')
    expect(page.body).toMatch(/<bdi>two<\/bdi>/)
    const direct = await browser.get(gate.url('/auth/authn?connection=two'))
    expect(JSON.parse(direct.body)).toMatchObject({ user: { key: 'two:u-77' } })
    expect((await browser.get(gate.url('/auth/authn?connection=three'))).status).toBe(404)
    expect(complaint({ iconUrl: 'http://icons.example/one.png' })).toMatch(
      /iconUrl must be an https URL/,
    )
  })
})

describe('scopes', () => {
  test.each([
    ['a list', ['read', 'user:email'], {}, 'read user:email'],
    ['a text', ' read  user:email ', {}, 'read user:email'],
    ['a list for commas', ['read', 'user:email'], { scopeSeparator: ',' }, 'read,user:email'],
  ])('CO-12: %s', async (_, scopes, more, sent) => {
    const { gate } = await setUp('oauth2', { scopes, ...more })
    expect((await logIn({ gate })).authorization.get('scope')).toBe(sent)
  })

  test('CO-12: without scopes there is no scope parameter', async () => {
    const { gate } = await setUp('oauth2')
    expect((await logIn({ gate })).authorization.has('scope')).toBe(false)
  })

  test('CO-12: an entry with whitespace or a comma, an empty array, and another separator throw', () => {
    expect(complaint({ scopes: ['read write'] })).toMatch(/scopes has an entry that is not a scope/)
    expect(complaint({ scopes: 'read,write' })).toMatch(/scopes has an entry that is not a scope/)
    expect(complaint({ scopes: ' ' })).toMatch(/scopes is an empty array/)
    expect(complaint({ scopeSeparator: ';' as never })).toMatch(/scopeSeparator must be one of/)
  })

  test.each([
    ['a comma', ',', {}],
    ['a space, configured', ' ', { connectionScopeSeparator: ' ' as const }],
  ])('connection_scope adds only allowed scopes, separated by %s', async (_, separator, more) => {
    const { gate, browser } = await setUp('oauth2', {
      scopes: ['base'],
      connectionScopes: ['extra', 'more'],
      ...more,
    })
    const asked = ['extra', 'admin', 'more'].join(separator)
    const page = await browser.get(
      gate.url(`/auth/authn?connection_scope=${encodeURIComponent(asked)}`),
      { follow: false },
    )
    expect(authorizationOf(page).get('scope')).toBe('base extra more')
    const none = await browser.get(gate.url('/auth/authn?connection_scope=admin'), {
      follow: false,
    })
    expect(authorizationOf(none).get('scope')).toBe('base')
  })

  test('connection_scope is ignored if no scopes are allowed', async () => {
    const { gate, browser } = await setUp('oauth2', { scopes: ['base'] })
    const page = await browser.get(gate.url('/auth/authn?connection_scope=base,admin'), {
      follow: false,
    })
    expect(authorizationOf(page).get('scope')).toBe('base')
  })
})

describe('parameters of the authorization request', () => {
  const sent = async (more: object, query: string) => {
    const { gate, browser } = await setUp('oauth2', more as Record<string, unknown>)
    return authorizationOf(await browser.get(gate.url(`/auth/authn${query}`), { follow: false }))
  }

  test('static ones are sent with every request', async () => {
    const { gate, browser } = await setUp('oauth2', {
      authorizationParams: { custom_param: 'custom.param.value' },
    })
    for (const path of ['/', '/auth/authn']) {
      const page = await browser.get(gate.url(path), { follow: false })
      expect(authorizationOf(page).getAll('custom_param')).toEqual(['custom.param.value'])
    }
  })

  test('CO-7: a mapped one comes from /auth/authn; others are not forwarded', async () => {
    const params = await sent(
      { authorizationParamsMap: { custom_param: 'access_type' } },
      '?access_type=x%26state%3D1&other=1&custom_param=direct',
    )
    expect(params.getAll('custom_param')).toEqual(['x&state=1'])
    expect(params.has('access_type')).toBe(false)
    expect(params.has('other')).toBe(false)
    expect(params.getAll('state')).toHaveLength(1)
  })

  test('CO-7: a repeated one is omitted', async () => {
    expect(
      (
        await sent(
          { authorizationParamsMap: { custom_param: 'access_type' } },
          '?access_type=a&access_type=b',
        )
      ).has('custom_param'),
    ).toBe(false)
  })

  test('CO-8: the request takes precedence over the static value', async () => {
    const options = {
      authorizationParams: { custom_param: 'static' },
      authorizationParamsMap: { custom_param: 'access_type' },
    }
    expect((await sent(options, '?access_type=asked')).getAll('custom_param')).toEqual(['asked'])
    expect((await sent(options, '')).getAll('custom_param')).toEqual(['static'])
  })

  test('CO-7: a mapped parameter survives the choice of a provider', async () => {
    const vendor = await startVendor('oauth2')
    const options = vendor.options as never as OAuth2Options
    const provider = {
      one: oauth2Provider({ ...options, authorizationParamsMap: { custom_param: 'access_type' } }),
      two: oauth2Provider(options),
    }
    const gate = await startGate({ provider })
    const browser = createBrowser()
    const page = await browser.get(gate.url('/auth/authn?access_type=x'))
    const [first = '', second = ''] = linksOf(page).filter((link) => link.includes('/auth/authn'))
    expect(authorizationOf(await browser.get(first, { follow: false })).get('custom_param')).toBe(
      'x',
    )
    expect(second).not.toContain('access_type')
  })

  test.each([
    'state',
    'client_id',
    'redirect_uri',
    'response_type',
    'response_mode',
    'code_challenge',
    'code_challenge_method',
    'nonce',
    'scope',
    'request',
    'request_uri',
  ])('CO-7: %s is reserved', (name) => {
    expect(complaint({ authorizationParams: { [name]: 'x' } })).toMatch(
      new RegExp(`authorizationParams must not set ${name}`),
    )
    expect(complaint({ authorizationParamsMap: { [name]: 'access_type' } })).toMatch(
      new RegExp(`authorizationParamsMap must not set ${name}`),
    )
  })

  test.each(['connection', 'connection_scope', 'return_token'])(
    'CO-7: %s of /auth/authn cannot be mapped',
    (name) => {
      expect(complaint({ authorizationParamsMap: { custom_param: name } })).toMatch(
        /authorizationParamsMap must not read/,
      )
    },
  )
})

describe('the token endpoint', () => {
  test('CO-10: extra headers are sent only there', async () => {
    const { vendor, gate } = await setUp('oauth2', {
      tokenHeaders: { Header1: 'Value', 'X-Api-Key': 'k' },
    })
    expect((await logIn({ gate })).status).toBe(200)
    const [token] = requestsTo(vendor, 'token')
    expect(token?.headers).toMatchObject({ header1: 'Value', 'x-api-key': 'k' })
    for (const { endpoint, headers } of vendor.requests)
      if (endpoint !== 'token') expect(headers).not.toHaveProperty('header1')
  })

  test.each(['post', 'basic'])(
    'CO-10: an Authorization header replaces our credentials (%s)',
    async (clientAuth) => {
      const { vendor } = await setUp('oauth2')
      const authorization = `Basic ${Buffer.from(`${vendor.clientId}:${vendor.clientSecret}`).toString('base64')}`
      const gate = await gateOf(vendor, {
        clientAuth,
        clientSecret: 'not the one that counts',
        tokenHeaders: { authorization },
      })
      expect((await logIn({ gate })).status).toBe(200)
      const [token] = requestsTo(vendor, 'token')
      expect(
        token?.rawHeaders.filter((name) => name.toLowerCase() === 'authorization'),
      ).toHaveLength(1)
      expect(token?.headers.authorization).toBe(authorization)
      expect(token?.form).not.toHaveProperty('client_secret')
      expect(requestsTo(vendor, 'userinfo')[0]?.headers.authorization).toMatch(/^Bearer /)
    },
  )

  test.each([
    ['a line feed', { 'X-One': 'a\nb' }, /has a value that is not a header value/],
    ['a carriage return', { 'X-One': 'a\rX: y' }, /has a value that is not a header value/],
    ['a letter beyond ASCII', { 'X-One': 'é' }, /has a value that is not a header value/],
    ['a name with whitespace', { 'X One': 'a' }, /has a name that is not a header name/],
    ['a name that is ours', { 'Content-Type': 'a' }, /must not set content-type/],
  ])('CO-11: %s throws', (_, tokenHeaders, message) => {
    expect(complaint({ tokenHeaders })).toMatch(message)
  })

  test.each([
    ['missing', undefined, 200],
    ['Bearer', 'Bearer', 200],
    ['bearer', 'bearer', 200],
    ['BEARER', 'BEARER', 200],
    ['MAC', 'MAC', 502],
    ['DPoP', 'DPoP', 502],
    ['no text', 5, 502],
  ])('CO-13: a token_type that is %s', async (_, token_type, status) => {
    const { vendor, gate } = await setUp('oauth2')
    vendor.respond('token', { body: { access_token: 't', token_type } })
    vendor.respond('userinfo', { body: { sub: 'x' } })
    expect((await logIn({ gate })).status).toBe(status)
  })

  test.each([301, 302, 303, 307, 308])(
    'CO-15: a redirect (%i) is not followed with the secret',
    async (status) => {
      const other = await startVendor('oauth2')
      const { vendor, gate } = await setUp('oauth2')
      vendor.respond('token', { status, headers: { location: `${other.origin}/token` } })
      expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
      vendor.respond('token', undefined)
      vendor.respond('userinfo', { status, headers: { location: `${other.origin}/me` } })
      expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
      expect(other.requests).toEqual([])
    },
  )

  test.each([
    ['a number', 3600, 3600],
    ['a text', '3600', 3600],
    ['zero', 0, undefined],
    ['negative', -5, undefined],
    ['no number', 'soon', undefined],
    ['a list', [3600], undefined],
    ['missing', undefined, undefined],
    ["LinkedIn's", 5_183_999, 5_183_999],
    ['huge', 1e300, 10 * 366 * 86_400],
  ])('CO-16, X-7: expires_in is %s', async (_, expires_in, seconds) => {
    const { vendor, gate } = await setUp('oauth2')
    vendor.respond('token', { body: { access_token: 't', token_type: 'bearer', expires_in } })
    vendor.respond('userinfo', { body: { sub: 'x' } })
    const before = Date.now()
    const { accessTokenExpiresAt } = (await logIn({ gate })).seen.oauth ?? {}
    if (seconds === undefined) expect(accessTokenExpiresAt).toBeUndefined()
    else
      expect(Math.round((Number(accessTokenExpiresAt) - before) / 60_000)).toBe(
        Math.round(seconds / 60),
      )
  })

  test('credentials are sent in the body, in a header, or not at all', async () => {
    const { vendor } = await setUp(
      'oauth2',
      {},
      { settings: { clientAuth: ['client_secret_post', 'client_secret_basic', 'none'] } },
    )
    for (const clientAuth of ['post', 'basic', 'none']) {
      vendor.requests.length = 0
      const gate = await gateOf(vendor, {
        clientAuth,
        ...(clientAuth === 'none' && { clientSecret: undefined }),
      })
      expect((await logIn({ gate })).status).toBe(200)
      const [token] = requestsTo(vendor, 'token')
      expect('client_secret' in (token?.form ?? {})).toBe(clientAuth === 'post')
      expect(String(token?.headers.authorization).startsWith('Basic ')).toBe(clientAuth === 'basic')
    }
  })
})

describe('userinfo', () => {
  test.each([
    ['sub', { sub: 'a', id: 'b', user_id: 'c' }, 'a'],
    ['id', { id: 'b', user_id: 'c' }, 'b'],
    ['user_id', { user_id: 'c' }, 'c'],
    ['a number', { id: 0 }, '0'],
  ])('CO-2: the id is read from %s', async (_, body, id) => {
    const { vendor, gate } = await setUp('oauth2')
    vendor.respond('userinfo', { body })
    expect((await logIn({ gate })).user).toMatchObject({ id })
  })

  test.each<unknown>([
    {},
    { sub: '' },
    { sub: '', id: 7 },
    { id: {} },
    { id: 1.5 },
    { id: true },
    { sub: 'a\nb' },
    { sub: 'x'.repeat(256) },
    [],
    'text',
    null,
  ])('CO-2: %j is rejected', async (body) => {
    const { vendor, gate } = await setUp('oauth2')
    vendor.respond('userinfo', {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
  })

  test.each([
    ['true', true, 200],
    ['false', false, 403],
    ['missing', undefined, 403],
  ])('CO-6, X-10: email_verified is %s', async (_, emailVerified, status) => {
    const { vendor, gate } = await setUp('oauth2', { emailDomains: ['acme.example'] })
    vendor.user.emailVerified = emailVerified
    expect((await logIn({ gate })).status).toBe(status)
    expect(
      (
        await logIn({
          gate: await gateOf(vendor, { emailDomains: ['acme.example'], trustEmail: true }),
        })
      ).status,
    ).toBe(200)
  })

  test('CO-14: a response that is too large is rejected without being read', async () => {
    const { vendor, gate } = await setUp('oauth2')
    vendor.respond('userinfo', 'huge-body')
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
    vendor.respond('userinfo', { body: { sub: 'x', filler: 'y'.repeat(1024 * 1024) } })
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
  })
})
