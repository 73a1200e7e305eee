import { afterEach, describe, expect, test } from '@jest/globals'
import { type OAuth2Options, oauth2Provider, oidcProvider } from '../../src/index.js'
import {
  adminGate,
  type AdminApp,
  type AdminGate,
  type AdminResponse,
  audit,
  deploy,
  itemsOf,
  startAdmin,
} from '../support/admin.js'
import { fakeDate, realDate } from '../support/clock.js'
import { stopAll } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { providerOf, startVendor } from '../support/providers.js'
import { program } from '../support/recheck.js'

afterEach(async () => {
  await stopAll()
  realDate()
})

const PATH = '/api/v2/connections/main.route-0.acme'
const fetchUserProfile = () => ({ user_id: '1' })
const code: OAuth2Options = {
  authorizationUrl: 'https://auth.acme.example/authorize',
  tokenUrl: 'https://auth.acme.example/token',
  fetchUserProfile,
  clientId: 'acme-id',
  clientSecret: 'acme-secret-of-the-code',
  scopes: ['read', 'write'],
  displayName: 'Acme',
  tokenHeaders: { Authorization: 'Basic c2VjcmV0' },
}

interface Scene {
  readonly app: AdminApp
  readonly gate: AdminGate
  patch(body: object | string, headers?: Record<string, string>): Promise<AdminResponse>
  get(): Promise<Record<string, unknown>>
  options(): Record<string, unknown>
}

async function scene(acme: Partial<OAuth2Options> = {}): Promise<Scene> {
  const others = {
    github: { clientId: 'a', clientSecret: 'b' },
    idp: oidcProvider({ issuer: 'https://idp.example', clientId: 'a', clientSecret: 'b' }),
  }
  const options = { ...code, ...acme }
  const kept = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as unknown as OAuth2Options
  const gate = adminGate({
    provider: { acme: oauth2Provider(kept), ...others },
    configVersion: 1,
  })
  const app = await startAdmin({ '/': gate })
  return {
    app,
    gate,
    patch: (body, headers = {}) => app.call('PATCH', PATH, deploy, { body, headers }),
    get: async () => (await app.call('GET', PATH)).body,
    options: () => optionsOf(gate),
  }
}

/** The options of the connection that are in effect. */
function optionsOf({ auth }: AdminGate): Record<string, unknown> {
  const access = Reflect.get(auth, Symbol.for('oauth-module.admin')) as {
    configuration: { options: { provider: { acme: { options: Record<string, unknown> } } } }
  }
  return access.configuration.options.provider.acme.options
}

const same = {
  client_id: 'acme-id',
  authorizationURL: 'https://auth.acme.example/authorize',
  tokenURL: 'https://auth.acme.example/token',
}

describe('GET', () => {
  test('lists the connections of oauth2Provider() without secrets', async () => {
    const { app } = await scene()
    const { status, body } = await app.call('GET', '/api/v2/connections')
    expect([status, body]).toEqual([200, [(await app.call('GET', PATH)).body]])
    expect(JSON.stringify(body)).not.toMatch(/secret|Basic/)
  })

  test('returns one in the format of Auth0', async () => {
    const { app } = await scene()
    const { headers, body } = await app.call('GET', PATH)
    expect(headers.get('etag')).toBe('"1.0"')
    expect(body).toEqual({
      id: 'main.route-0.acme',
      name: 'acme',
      strategy: 'oauth2',
      display_name: 'Acme',
      options: {
        client_id: 'acme-id',
        authorizationURL: 'https://auth.acme.example/authorize',
        tokenURL: 'https://auth.acme.example/token',
        scope: 'read write',
        icon_url: null,
        authParams: {},
        authParamsMap: {},
        customHeaders: { Authorization: '' },
      },
    })
  })

  test.each([
    '/api/v2/connections/main.route-0.acme',
    '/api/v2/connections/main%2Froute-0.acme',
    '/api/v2/connections/main/route-0.acme',
    '/api/v2/connections/main.route-0.%61cme',
  ])('%s names the connection', async (path) => {
    const { app } = await scene()
    expect((await app.call('GET', path)).body).toMatchObject({ name: 'acme' })
  })

  test.each(['github', 'idp', 'Acme', 'acme.', '', 'x'.repeat(3000), '__proto__', '%00'])(
    'another one is not found: %s',
    async (name) => {
      const { app } = await scene()
      const path = `/api/v2/connections/main.route-0.${name}`
      for (const method of ['GET', 'PATCH']) {
        const content = method === 'PATCH' ? { body: { options: same } } : {}
        const { status, body } = await app.call(method, path, deploy, content)
        expect([status, body['error_code']]).toEqual([404, 'not_found'])
      }
    },
  )
})

describe('PATCH', () => {
  test('takes what a client of Auth0 sends, and names what it ignores', async () => {
    const { patch, get, options } = await scene()
    const { status, headers, body } = await patch({
      options: {
        client_id: 'new-id',
        client_secret: 'new-secret',
        icon_url: 'https://cdn.example.com/assets/icon.png',
        scripts: { fetchUserProfile: 'function fetchUserProfile(accessToken) { }' },
        authorizationURL: 'https://public-auth.example.com/oauth2/authorize',
        tokenURL: 'https://auth.example.com/oauth2/token',
        scope: 'auth',
        authParams: { custom_param: 'custom.param.value' },
        authParamsMap: { other_param: 'access_type' },
        customHeaders: { Header1: 'Value', Authorization: 'Basic bmV3' },
      },
      enabled_clients: ['client'],
      display_name: 'Connection Name',
    })
    expect([status, headers.get('etag')]).toEqual([200, '"1.1"'])
    const { ignored, x_warnings: warnings, ...rest } = body
    expect(warnings).toEqual([expect.stringContaining('ends with the process')])
    expect(ignored).toEqual(['options.scripts', 'enabled_clients'])
    expect(rest).toEqual(await get())
    expect(rest).toMatchObject({
      display_name: 'Connection Name',
      options: {
        client_id: 'new-id',
        icon_url: 'https://cdn.example.com/assets/icon.png',
        scope: 'auth',
        authParams: { custom_param: 'custom.param.value' },
        authParamsMap: { other_param: 'access_type' },
        customHeaders: { Header1: '', Authorization: '' },
      },
    })
    expect(options()).toMatchObject({
      clientId: 'new-id',
      clientSecret: 'new-secret',
      tokenUrl: 'https://auth.example.com/oauth2/token',
      tokenHeaders: { Header1: 'Value', Authorization: 'Basic bmV3' },
      fetchUserProfile,
    })
  })

  test('replaces all options, and what the JSON cannot express stays', async () => {
    const { patch, options } = await scene({
      trustEmail: true,
      emailDomains: ['acme.example'],
      pkce: false,
    })
    expect((await patch({ options: same })).status).toBe(200)
    expect(options()).toEqual({
      authorizationUrl: code.authorizationUrl,
      tokenUrl: code.tokenUrl,
      fetchUserProfile,
      clientId: 'acme-id',
      clientSecret: 'acme-secret-of-the-code',
      displayName: 'Acme',
      trustEmail: true,
      emailDomains: ['acme.example'],
      pkce: false,
    })
  })

  test('without options changes only the name', async () => {
    const { patch, get, options } = await scene()
    const before = await get()
    const { body } = await patch({ display_name: 'Acmé 株式会社' })
    expect(body).toMatchObject({ ...before, display_name: 'Acmé 株式会社', ignored: [] })
    expect(options()).toMatchObject({ ...code, displayName: 'Acmé 株式会社' })
  })

  test('takes what GET returns as options', async () => {
    const { patch, get, options } = await scene({ iconUrl: 'https://cdn.example/x.png' })
    const before = await get()
    const { status } = await patch({ options: before['options'] })
    expect([status, await get()]).toEqual([200, before])
    expect(options()).toMatchObject({
      clientSecret: code.clientSecret,
      tokenHeaders: code.tokenHeaders,
    })
  })

  test('of nothing changes nothing', async () => {
    const { patch, get, gate } = await scene()
    const { status, headers, body } = await patch({})
    expect([status, headers.get('etag'), body]).toEqual([
      200,
      '"1.0"',
      { ...(await get()), ignored: [], x_warnings: [] },
    ])
    expect(gate.logged.filter((line) => line.includes('admin API'))).toEqual([])
  })

  test('takes scopes in the ways of Auth0', async () => {
    const { patch } = await scene()
    for (const [scope, expected] of [
      ['a b', 'a b'],
      ['a,b', 'a b'],
      [' a  b a ', 'a b'],
      [['a', 'b c'], 'a b c'],
      ['', null],
      [[], null],
      [null, null],
    ]) {
      const { body } = await patch({ options: { ...same, scope } })
      expect(body).toMatchObject({ options: { scope: expected } })
    }
  })

  test('If-Match rejects a change that was made on an older state', async () => {
    const { patch } = await scene()
    expect((await patch({ display_name: 'A' }, { 'if-match': '"1.0"' })).status).toBe(200)
    const { status, body } = await patch({ display_name: 'B' }, { 'if-match': '"1.0"' })
    expect([status, body['error_code']]).toEqual([409, 'stale_version'])
  })
})

describe('a client secret', () => {
  test.each([
    ['authorizationURL', 'https://evil.example/authorize'],
    ['authorizationURL', 'https://auth.acme.example:8443/authorize'],
    ['tokenURL', 'https://evil.example/token'],
    ['tokenURL', 'https://auth.acme.example.evil.example/token'],
    ['tokenURL', 'http://127.0.0.1:1/token'],
    ['client_id', 'other'],
  ])('is required if %s changes to %s', async (name, value) => {
    const { patch, get, options } = await scene()
    const before = await get()
    for (const secret of [undefined, null, '']) {
      const changed = { ...same, [name]: value, client_secret: secret }
      const { status, body } = await patch({ options: changed })
      expect([status, body]).toEqual([
        400,
        {
          error_code: 'client_secret_required',
          status_code: 400,
          msg: expect.any(String),
          details: { field: 'options.client_secret' },
        },
      ])
    }
    expect(await get()).toEqual(before)
    expect(options()).toMatchObject(code)
    const changed = { ...same, [name]: value, client_secret: 'mine' }
    expect((await patch({ options: changed })).status).toBe(200)
    expect(options()['clientSecret']).toBe('mine')
  })

  test('stays if only the paths of the endpoints change', async () => {
    const { patch, options } = await scene()
    const changed = { ...same, tokenURL: 'https://AUTH.acme.example:443/v2/token' }
    expect((await patch({ options: changed })).status).toBe(200)
    expect(options()).toMatchObject({ clientSecret: code.clientSecret })
  })

  test('of a managed application stays in the environment', async () => {
    process.env['OAUTH_MODULE_ACME_CLIENT_ID'] = 'managed'
    process.env['OAUTH_MODULE_ACME_CLIENT_SECRET'] = 'managed-secret'
    try {
      const { patch, options } = await scene({
        clientId: undefined,
        clientSecret: undefined,
        scopes: undefined,
      })
      const { client_id: _, ...managed } = same
      expect((await patch({ options: managed })).status).toBe(200)
      expect(Object.keys(options())).not.toContain('clientId')
      const elsewhere = { ...managed, tokenURL: 'https://evil.example/token' }
      expect((await patch({ options: elsewhere })).body['error_code']).toBe(
        'client_secret_required',
      )
      expect(
        (await patch({ options: { ...managed, client_id: 'managed' } })).body['error_code'],
      ).toBe('client_secret_required')
    } finally {
      delete process.env['OAUTH_MODULE_ACME_CLIENT_ID']
      delete process.env['OAUTH_MODULE_ACME_CLIENT_SECRET']
    }
  })
})

describe('custom headers', () => {
  const elsewhere = { ...same, tokenURL: 'https://evil.example/token', client_secret: 'mine' }

  test('are removed if they are left out, also for another origin', async () => {
    const { patch, options } = await scene()
    await patch({ options: elsewhere })
    expect(options()['tokenHeaders']).toBeUndefined()
  })

  test('an empty value keeps that of before, whatever its case', async () => {
    const { patch, options } = await scene()
    await patch({ options: { ...same, customHeaders: { authorization: '', 'X-New': 'a' } } })
    expect(options()['tokenHeaders']).toEqual({ authorization: 'Basic c2VjcmV0', 'X-New': 'a' })
  })

  test('an empty value is rejected for another origin, and for a new header', async () => {
    const { patch, options } = await scene()
    for (const body of [
      { ...elsewhere, customHeaders: { Authorization: '' } },
      { ...same, customHeaders: { Authorization: '', 'X-New': '' } },
    ]) {
      const { status, body: error } = await patch({ options: body })
      expect([status, error['error_code']]).toEqual([400, 'ERR_NGROK_215'])
      expect(error['details']).toEqual({
        field: expect.stringMatching(/^options\.customHeaders\.(?:Authorization|X-New)$/),
      })
    }
    expect(options()['tokenHeaders']).toEqual(code.tokenHeaders)
  })
})

describe('what belongs in the code', () => {
  const userinfo = {
    fetchUserProfile: undefined,
    userinfoUrl: 'https://auth.acme.example/me',
  }

  test.each([
    ['options.scripts', { options: { ...same, scripts: { fetchUserProfile: '…' } } }],
    ['enabled_clients', { options: same, enabled_clients: ['a'] }],
    ['enabled_clients', { enabled_clients: ['a'] }],
  ])('%s is rejected if the code does not supply the function', async (field, body) => {
    const { patch, get } = await scene(userinfo)
    const before = await get()
    const { status, body: error } = await patch(body)
    expect([status, error['error_code'], error['details']]).toEqual([
      400,
      'belongs_in_code',
      { field },
    ])
    expect(error['msg']).toContain('code')
    expect(await get()).toEqual(before)
  })
})

describe('a body is rejected, and changes nothing,', () => {
  const record = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`n${n}`, 'x']))

  test.each<[string, object | string, string, string]>([
    ['an unknown field', { name: 'x' }, 'ERR_NGROK_214', 'name'],
    [
      'an unknown option',
      { options: { ...same, pkce_enabled: true } },
      'ERR_NGROK_214',
      'options.pkce_enabled',
    ],
    ['options that are a list', { options: [] }, 'ERR_NGROK_215', 'options'],
    ['a name that is a number', { display_name: 1 }, 'ERR_NGROK_215', 'display_name'],
    ['a long name', { display_name: 'x'.repeat(65) }, 'ERR_NGROK_215', 'display_name'],
    ['a name with a line break', { display_name: 'a\nb' }, 'ERR_NGROK_215', 'display_name'],
    [
      'a name that changes its direction',
      { display_name: 'a\u202eb' },
      'ERR_NGROK_215',
      'display_name',
    ],
    [
      'no authorization URL',
      { options: { ...same, authorizationURL: '' } },
      'missing_field',
      'options.authorizationURL',
    ],
    ['no token URL', { options: { ...same, tokenURL: null } }, 'missing_field', 'options.tokenURL'],
    [
      'no client ID',
      { options: { ...same, client_id: undefined } },
      'missing_field',
      'options.client_id',
    ],
    [
      'a relative URL',
      { options: { ...same, tokenURL: '/token' } },
      'ERR_NGROK_215',
      'options.tokenURL',
    ],
    [
      'a URL that is an object',
      { options: { ...same, tokenURL: {} } },
      'ERR_NGROK_215',
      'options.tokenURL',
    ],
    [
      'a plain http URL',
      { options: { ...same, tokenURL: 'http://auth.acme.example/t', client_secret: 's' } },
      'ERR_NGROK_7028',
      'options.tokenURL',
    ],
    [
      'a javascript: URL',
      { options: { ...same, tokenURL: 'javascript:alert(1)', client_secret: 's' } },
      'ERR_NGROK_7028',
      'options.tokenURL',
    ],
    [
      'a URL with a password',
      { options: { ...same, tokenURL: 'https://a:b@auth.acme.example/t' } },
      'ERR_NGROK_7028',
      'options.tokenURL',
    ],
    [
      'a URL that sets the client',
      { options: { ...same, authorizationURL: `${same.authorizationURL}?client_id=x` } },
      'ERR_NGROK_7028',
      'options.authorizationURL',
    ],
    [
      'a data: icon',
      { options: { ...same, icon_url: 'data:image/png;base64,AA' } },
      'ERR_NGROK_7028',
      'options.icon_url',
    ],
    [
      'an http icon',
      { options: { ...same, icon_url: 'http://cdn.example/x.png' } },
      'ERR_NGROK_7028',
      'options.icon_url',
    ],
    [
      'a scope that is a number',
      { options: { ...same, scope: 1 } },
      'ERR_NGROK_215',
      'options.scope',
    ],
    [
      'a scope with quotes',
      { options: { ...same, scope: '"a"' } },
      'ERR_NGROK_7028',
      'options.scope',
    ],
    [
      'many scopes',
      { options: { ...same, scope: Array.from({ length: 101 }, (_, n) => `s${n}`) } },
      'ERR_NGROK_7056',
      'options.scope',
    ],
    [
      'a long scope',
      { options: { ...same, scope: 'x'.repeat(513) } },
      'ERR_NGROK_7141',
      'options.scope',
    ],
    [
      'params that are a list',
      { options: { ...same, authParams: ['a'] } },
      'ERR_NGROK_215',
      'options.authParams',
    ],
    [
      'a param that is a number',
      { options: { ...same, authParams: { a: 1 } } },
      'ERR_NGROK_215',
      'options.authParams.a',
    ],
    [
      'a param of the protocol',
      { options: { ...same, authParams: { redirect_uri: 'x' } } },
      'ERR_NGROK_7028',
      'options.authParams',
    ],
    [
      'a mapped param of the protocol',
      { options: { ...same, authParamsMap: { state: 'x' } } },
      'ERR_NGROK_7028',
      'options.authParamsMap',
    ],
    [
      'many params',
      { options: { ...same, authParams: record(51) } },
      'ERR_NGROK_215',
      'options.authParams',
    ],
    [
      'a header of the connection',
      { options: { ...same, customHeaders: { Host: 'x' } } },
      'ERR_NGROK_7028',
      'options.customHeaders',
    ],
    [
      'a header with a line break',
      { options: { ...same, customHeaders: { a: 'x\r\ny: z' } } },
      'ERR_NGROK_7028',
      'options.customHeaders',
    ],
    [
      'scripts that are a string',
      { options: { ...same, scripts: 'x' } },
      'ERR_NGROK_215',
      'options.scripts',
    ],
    [
      'a script that is a number',
      { options: { ...same, scripts: { a: 1 } } },
      'ERR_NGROK_215',
      'options.scripts',
    ],
    ['clients that are a string', { enabled_clients: 'a' }, 'ERR_NGROK_215', 'enabled_clients'],
    ['no clients at all', { enabled_clients: [] }, 'ERR_NGROK_215', 'enabled_clients'],
    [
      'a field twice',
      '{"options":{"tokenURL":"a","tokenURL":"b"}}',
      'ERR_NGROK_213',
      'options.tokenURL',
    ],
    [
      '__proto__',
      '{"options":{"authParams":{"__proto__":"x"}}}',
      'ERR_NGROK_214',
      'options.authParams.__proto__',
    ],
    [
      'what follows the end, as in the example of Auth0',
      `{ "options": {} }, "display_name": "x"`,
      'ERR_NGROK_213',
      '',
    ],
  ])('with %s', async (_, body, code_, field) => {
    const { app, patch, get, options } = await scene()
    const before = await get()
    const response = await patch(body)
    expect([response.status, response.body]).toEqual([
      400,
      {
        error_code: code_,
        status_code: 400,
        msg: expect.any(String),
        details: field === '' ? {} : { field },
      },
    ])
    expect(await get()).toEqual(before)
    expect(options()).toMatchObject(code)
    expect((await app.call('GET', PATH)).headers.get('etag')).toBe('"1.0"')
  })
})

describe('tokens and methods', () => {
  test('a read-only token changes nothing', async () => {
    const { app } = await scene()
    const { status, body } = await app.call('PATCH', PATH, audit, { body: { display_name: 'x' } })
    expect([status, body['error_code']]).toEqual([403, 'read_only_token'])
  })

  test.each([
    ['PUT', PATH, 'GET, HEAD, PATCH'],
    ['DELETE', PATH, 'GET, HEAD, PATCH'],
    ['POST', '/api/v2/connections', 'GET, HEAD'],
  ])('%s %s is rejected with 405', async (method, path, allow) => {
    const { app } = await scene()
    const { status, headers } = await app.call(method, path)
    expect([status, headers.get('allow')]).toEqual([405, allow])
  })
})

describe('a session of the connection', () => {
  async function loggedIn() {
    const clock = fakeDate()
    const vendor = await startVendor('oauth2')
    const gate = adminGate({
      provider: providerOf(vendor, {}, 'acme'),
      configVersion: 1,
      authCheckInterval: 300,
      authCheckEarly: false,
    })
    const app = await startAdmin({ '/': gate })
    const browser = createBrowser()
    expect((await browser.get(app.origin)).body).toBe('the app')
    const { body } = await app.call('GET', PATH)
    const visit = async () => (await browser.get(app.origin, { headers: program })).status
    return { clock, vendor, app, visit, options: body['options'] as Record<string, unknown> }
  }

  test('ends if an endpoint moves, and its tokens never reach the new one', async () => {
    const { clock, app, visit, options } = await loggedIn()
    expect(await visit()).toBe(200)
    const elsewhere = await startVendor('oauth2')
    const moved = { ...options, client_secret: 'mine' }
    for (const [name, url] of [
      ['tokenURL', 'tokenUrl'],
      ['authorizationURL', 'authorizationUrl'],
    ] as const)
      Object.assign(moved, { [name]: elsewhere.options[url] })
    clock.forward(400)
    const { status, body } = await app.call('PATCH', PATH, deploy, { body: { options: moved } })
    expect([status, body['x_warnings']]).toEqual([
      200,
      ['Sessions of this connection that have ended: 1.', expect.stringContaining('memory')],
    ])
    expect(itemsOf(await app.call('GET', '/app/sessions'))).toEqual([])
    expect(await visit()).toBe(401)
    expect(elsewhere.requests).toEqual([])
  })

  test('ends if the client ID changes', async () => {
    const { app, visit, options } = await loggedIn()
    const changed = { ...options, client_id: 'other', client_secret: 'mine' }
    expect((await app.call('PATCH', PATH, deploy, { body: { options: changed } })).status).toBe(200)
    expect(await visit()).toBe(401)
  })

  test('stays if only name, icon and scopes change', async () => {
    const { app, visit, options } = await loggedIn()
    const changed = { ...options, scope: 'more', icon_url: 'https://cdn.example/x.png' }
    const body = { display_name: 'Acme', options: changed }
    expect((await app.call('PATCH', PATH, deploy, { body })).status).toBe(200)
    expect(await visit()).toBe(200)
  })
})

test('the audit log line names connection, version and fields, and no secret', async () => {
  const { patch, gate } = await scene()
  await patch({
    options: {
      ...same,
      tokenURL: 'https://other.example/token',
      client_secret: 'rotated',
      customHeaders: { 'X-Key': 'value-of-header' },
    },
  })
  const [line] = gate.logged.filter((one) => one.includes('changed a connection'))
  expect(line).toMatch(/"tokenName":"deploy","connection":"main\.route-0\.acme","version":"1"/)
  for (const field of [
    'client_secret',
    'customHeaders.Authorization',
    'customHeaders.X-Key',
    'scope',
    'tokenURL',
  ])
    expect(line).toContain(`options.${field}`)
  expect(gate.logged.join('\n')).not.toMatch(/rotated|value-of-header|secret-of-the-code|c2VjcmV0/)
})
