import { afterEach, describe, expect, test } from '@jest/globals'
import type { OAuthModuleOptions } from '../../src/index.js'
import { oauth2Provider } from '../../src/index.js'
import {
  adminGate,
  type AdminApp,
  type AdminGate,
  audit,
  deploy,
  startAdmin,
} from '../support/admin.js'
import { stopAll } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { providerOf, startVendor } from '../support/providers.js'
import { program } from '../support/recheck.js'

afterEach(async () => {
  await stopAll()
  for (const name of Object.keys(process.env))
    if (/^OAUTH_MODULE_\w+_CLIENT_/.test(name)) delete process.env[name]
})

const PATH = '/edges/https/main/routes/route-0/oauth'
const github = { clientId: 'gh-id', clientSecret: 'gh-secret-of-the-code', organizations: ['acme'] }
const acme = oauth2Provider({
  authorizationUrl: 'https://auth.acme.example/authorize',
  tokenUrl: 'https://auth.acme.example/token',
  userinfoUrl: 'https://auth.acme.example/me',
  clientId: 'acme-id',
  clientSecret: 'acme-secret',
})

interface Scene {
  readonly app: AdminApp
  readonly gate: AdminGate
  put(
    body: object | string,
    headers?: Record<string, string>,
  ): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }>
  get(): Promise<Record<string, unknown>>
}

async function scene(
  options: Partial<OAuthModuleOptions> = {},
  admin: { allowDisable?: boolean } = {},
): Promise<Scene> {
  const gate = adminGate({ provider: { github }, configVersion: 1, ...options })
  const app = await startAdmin({ '/': gate }, { options: admin })
  return {
    app,
    gate,
    put: (body, headers = {}) => app.call('PUT', PATH, deploy, { body, headers }),
    get: async () => (await app.call('GET', PATH)).body,
  }
}

/** A module with one provider. */
const withGithub = (members: object) => ({
  provider: { github: { client_id: 'gh-id', ...members } },
})

describe('GET', () => {
  test('returns the configuration of the code in the format of ngrok, without secrets', async () => {
    const { app } = await scene({
      provider: { github: { ...github, emailAddresses: ['ada@acme.example'] }, acme },
      inactivityTimeout: 3600,
      maximumDuration: 86_400,
      authCheckInterval: 300,
      optionsPassthrough: true,
    })
    const { status, headers, body } = await app.call('GET', PATH)
    expect(status).toBe(200)
    expect(headers.get('etag')).toBe('"1.0"')
    expect(body).toEqual({
      enabled: true,
      provider: {
        amazon: null,
        facebook: null,
        github: {
          client_id: 'gh-id',
          scopes: [],
          email_addresses: ['ada@acme.example'],
          email_domains: [],
          teams: [],
          organizations: ['acme'],
        },
        gitlab: null,
        google: null,
        linkedin: null,
        microsoft: null,
        twitch: null,
      },
      options_passthrough: true,
      cookie_prefix: 'ngrok.',
      inactivity_timeout: 3600,
      maximum_duration: 86_400,
      auth_check_interval: 300,
      x_other_providers: ['acme'],
    })
    expect(JSON.stringify(body)).not.toMatch(/secret/)
  })

  test('also works if the gate does not follow the store, and then every change is 501', async () => {
    const gate = adminGate({ provider: { github } })
    const app = await startAdmin({ '/': gate })
    const { status, body } = await app.call('GET', PATH)
    expect([status, body['enabled']]).toEqual([200, true])
    const put = await app.call('PUT', PATH, deploy, { body: withGithub({}) })
    expect([put.status, put.body['error_code']]).toEqual([501, 'config_not_followed'])
    expect(put.body['msg']).toContain('configVersion')
  })

  test.each([
    '/edges/https/main/routes/other/oauth',
    '/edges/https/other/routes/route-0/oauth',
    '/edges/https/main/routes/%00/oauth',
    '/edges/https/main/routes/%/oauth',
    '/edges/https/main/routes/route-0%2f/oauth',
  ])('%s is not found', async (path) => {
    const { app } = await scene()
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const content = method === 'PUT' ? { body: withGithub({}) } : {}
      const { status, body } = await app.call(method, path, deploy, content)
      // Without allowDisable, a DELETE is rejected in any case.
      expect([status, body['error_code']]).toEqual([404, 'not_found'])
    }
  })

  test('an encoded spelling of the path is the same resource', async () => {
    const { app } = await scene()
    const path = '/edges/https/%6dain/routes/route%2D0/oauth'
    expect((await app.call('GET', path)).status).toBe(200)
  })
})

describe('PUT', () => {
  const module = {
    enabled: true,
    provider: {
      github: {
        client_id: 'new-id',
        client_secret: 'new-secret',
        scopes: ['repo'],
        email_addresses: ['Ada@acme.example'],
        email_domains: ['acme.example'],
        teams: ['acme/admins', '12345'],
        organizations: ['acme'],
      },
      google: { client_id: 'g-id', client_secret: 'g-secret' },
    },
    options_passthrough: true,
    cookie_prefix: 'ngrok.',
    inactivity_timeout: 60,
    maximum_duration: 120,
    auth_check_interval: 30,
  }

  test.each<[string, (module: object) => object]>([
    ['the module itself', (given) => given],
    ['the module with its IDs', (given) => ({ edge_id: 'main', id: 'route-0', module: given })],
    ['only the member module', (given) => ({ module: given })],
  ])('takes %s, and replaces everything', async (_, wrap) => {
    const { app, put, get, gate } = await scene({ provider: { github, acme } })
    const { status, headers, body } = await put(wrap(module), { 'ngrok-version': '2' })
    expect([status, headers.get('etag')]).toEqual([200, '"1.1"'])
    const { x_warnings: warnings, ...rest } = body
    expect(rest).toEqual(await get())
    expect(rest).toMatchObject({
      ...module,
      provider: {
        amazon: null,
        github: {
          client_id: 'new-id',
          scopes: ['repo'],
          email_addresses: ['Ada@acme.example'],
          email_domains: ['acme.example'],
          teams: ['acme/admins', '12345'],
          organizations: ['acme'],
        },
        google: { client_id: 'g-id', scopes: [], email_addresses: [], email_domains: [] },
      },
      x_other_providers: ['acme'],
    })
    expect(JSON.stringify(body)).not.toMatch(/new-secret|g-secret/)
    expect(warnings).toEqual([
      expect.stringContaining('google'),
      expect.stringContaining('ends with the process'),
    ])
    const signIn = await fetch(app.origin + '/auth/authn', { redirect: 'manual' })
    expect(await signIn.text()).toMatch(/GitHub[^]*Google/)
    expect(gate.logged.join('\n')).not.toMatch(/new-secret|g-secret/)
  })

  test('takes what GET returns', async () => {
    const { put, get } = await scene({ provider: { github, acme }, inactivityTimeout: 60 })
    const before = await get()
    const { status, body } = await put(before)
    expect(status).toBe(200)
    expect(await get()).toEqual(before)
    const again = await put(body)
    expect([again.status, again.body]).toEqual([200, body])
  })

  test('absent members have the defaults of ngrok, and null is the same as absent', async () => {
    const { put, get } = await scene({ inactivityTimeout: 60, optionsPassthrough: true })
    const given = {
      ...withGithub({ scopes: null, teams: [], email_domains: [] }),
      enabled: null,
      options_passthrough: null,
      cookie_prefix: '',
      inactivity_timeout: null,
    }
    expect((await put(given)).status).toBe(200)
    expect(await get()).toMatchObject({
      enabled: true,
      options_passthrough: false,
      cookie_prefix: 'ngrok.',
      inactivity_timeout: 0,
      provider: { github: { organizations: [] }, google: null },
    })
  })

  test('a removed user is out at the next request, and in again after the opposite change', async () => {
    const vendor = await startVendor('github')
    const { app, put, get } = await scene({ provider: providerOf(vendor) })
    const browser = createBrowser()
    expect((await browser.get(app.origin)).body).toBe('the app')
    const visit = async () => (await browser.get(app.origin, { headers: program })).status
    const { provider } = (await get()) as { provider: { github: { client_id: string } } }
    const rule = (domain: string) =>
      put({ provider: { github: { ...provider.github, email_domains: [domain] } } })
    expect([(await rule('elsewhere.example')).status, await visit()]).toEqual([200, 403])
    expect([(await rule('acme.example')).status, await visit()]).toEqual([200, 200])
  })

  test('keeps what the JSON cannot express', async () => {
    const seen: string[] = []
    const { app, gate, put } = await scene({
      provider: { github: { ...github, trustEmail: true, displayName: 'Our GitHub' }, acme },
      authorize: (user) => {
        seen.push(user.id)
        return user.id !== '2'
      },
    })
    await put(withGithub({ client_secret: 'x', email_domains: ['acme.example'] }))
    const page = await (await fetch(app.origin + '/auth/authn')).text()
    expect(page).toContain('Our GitHub')
    expect(page).toContain('acme')
    const users = ['1', '2'].map((id) => ({ id, email: `${id}@acme.example`, provider: 'github' }))
    const [ada] = users
    if (ada === undefined) throw new Error('there is no user')
    expect(await app.visit(await app.enter(gate, ada))).toBe(200)
    expect(seen).toContain('1')
  })

  test('leaves out the scopes that LinkedIn no longer grants, and reports it', async () => {
    const { put, get } = await scene()
    const linkedin = {
      client_id: 'l',
      client_secret: 's',
      scopes: ['r_emailaddress', 'r_liteprofile', 'w_member_social'],
    }
    const { status, body } = await put({ provider: { linkedin } })
    expect(status).toBe(200)
    expect(body['x_warnings']).toContainEqual(expect.stringContaining('r_liteprofile'))
    expect(await get()).toMatchObject({ provider: { linkedin: { scopes: ['w_member_social'] } } })
  })
})

describe('a client secret', () => {
  const open = { organizations: ['acme'] }

  test('stays with an equal client ID if it is left out or empty', async () => {
    const { put, gate } = await scene()
    for (const secret of [undefined, null, ''])
      expect((await put(withGithub({ ...open, client_secret: secret }))).status).toBe(200)
    expect(clientOf(gate, 'github')).toEqual(['gh-id', 'gh-secret-of-the-code'])
  })

  test('never stays with another client ID', async () => {
    const { put, gate } = await scene()
    const { status, body } = await put({ provider: { github: { ...open, client_id: 'other' } } })
    expect([status, body['error_code'], body['details']]).toEqual([
      400,
      'ERR_NGROK_7033',
      { field: 'provider.github.client_secret' },
    ])
    expect(clientOf(gate, 'github')).toEqual(['gh-id', 'gh-secret-of-the-code'])
  })

  test('does not go from one provider to another one', async () => {
    const { put } = await scene()
    const google = { client_id: 'gh-id' }
    const { status, body } = await put({ provider: { google } })
    expect([status, body['error_code']]).toEqual([400, 'ERR_NGROK_7033'])
  })

  test('of the code does not come back after another one was set', async () => {
    const { put } = await scene()
    await put({ provider: { github: { ...open, client_id: 'other', client_secret: 'x' } } })
    const { status, body } = await put(withGithub(open))
    expect([status, body['error_code']]).toEqual([400, 'ERR_NGROK_7033'])
  })

  test('without an ID is rejected', async () => {
    const { put } = await scene()
    const { body } = await put({ module: { provider: { github: { client_secret: 'x' } } } })
    expect(body).toMatchObject({
      error_code: 'ERR_NGROK_7033',
      details: { field: 'module.provider.github.client_id' },
    })
  })

  test('left out together with the ID means the managed application', async () => {
    const { put, get, gate } = await scene()
    const given = { provider: { github: open } }
    expect((await put(given)).body).toMatchObject({
      error_code: 'ERR_NGROK_5535',
      status_code: 400,
      details: { field: 'provider.github' },
    })
    process.env['OAUTH_MODULE_GITHUB_CLIENT_ID'] = 'managed-id'
    process.env['OAUTH_MODULE_GITHUB_CLIENT_SECRET'] = 'managed-secret'
    expect((await put(given)).status).toBe(200)
    expect(clientOf(gate, 'github')).toEqual(['managed-id', 'managed-secret'])
    const shown = await get()
    expect(shown).toMatchObject({ provider: { github: { client_id: null } } })
    expect(JSON.stringify(shown)).not.toContain('managed')
    expect((await put({ provider: { github: { client_id: 'managed-id' } } })).body).toMatchObject({
      error_code: 'ERR_NGROK_7033',
    })
    const scoped = { provider: { github: { ...open, scopes: ['repo'] } } }
    expect((await put(scoped)).body).toMatchObject({
      error_code: 'ERR_NGROK_7034',
      details: { field: 'provider.github.scopes' },
    })
  })
})

/** The client of a provider as the gate uses it. */
function clientOf({ auth }: AdminGate, name: string): unknown[] {
  const access = Reflect.get(auth, Symbol.for('oauth-module.admin')) as {
    configuration: { options: { provider: Record<string, Record<string, unknown>> } }
  }
  const provider = access.configuration.options.provider[name]
  const variable = `OAUTH_MODULE_${name.toUpperCase()}_CLIENT_`
  return [
    provider?.['clientId'] ?? process.env[`${variable}ID`],
    provider?.['clientSecret'] ?? process.env[`${variable}SECRET`],
  ]
}

describe('a body is rejected, and changes nothing,', () => {
  const many = (count: number, item: (index: number) => string) =>
    Array.from({ length: count }, (_, index) => item(index))
  const gh = (members: object) => withGithub({ client_secret: 's', ...members })
  const at = (field: string) => `provider.github.${field}`

  test.each<[string, string, object | string, string, string]>([
    ['an unknown field', '400', { ...gh({}), foo: 1 }, 'ERR_NGROK_214', 'foo'],
    [
      'a field of our options',
      '400',
      { ...gh({}), inactivityTimeout: 1 },
      'ERR_NGROK_214',
      'inactivityTimeout',
    ],
    ['an unknown field of a provider', '400', gh({ groups: ['x'] }), 'ERR_NGROK_214', at('groups')],
    [
      'teams of Google',
      '400',
      { provider: { google: { teams: [] } } },
      'ERR_NGROK_214',
      'provider.google.teams',
    ],
    [
      'an unknown field next to module',
      '400',
      { module: gh({}), enabled: true },
      'ERR_NGROK_214',
      'enabled',
    ],
    ['another edge', '400', { edge_id: 'x', module: gh({}) }, 'ERR_NGROK_215', 'edge_id'],
    ['another route', '400', { id: 'x', module: gh({}) }, 'ERR_NGROK_215', 'id'],
    ['no module', '400', { module: null }, 'missing_field', 'module'],
    ['a module that is a list', '400', { module: [] }, 'ERR_NGROK_215', 'module'],
    ['a string as enabled', '400', { ...gh({}), enabled: 'true' }, 'ERR_NGROK_215', 'enabled'],
    ['a number as enabled', '400', { ...gh({}), enabled: 1 }, 'ERR_NGROK_215', 'enabled'],
    [
      'a string as options_passthrough',
      '400',
      { ...gh({}), options_passthrough: 'no' },
      'ERR_NGROK_215',
      'options_passthrough',
    ],
    ['no provider', '400', {}, 'ERR_NGROK_7037', 'provider'],
    ['an empty provider', '400', { provider: {} }, 'ERR_NGROK_7037', 'provider'],
    ['only null providers', '400', { provider: { github: null } }, 'ERR_NGROK_7037', 'provider'],
    ['a list of providers', '400', { provider: [] }, 'ERR_NGROK_215', 'provider'],
    ['the name of a provider', '400', { provider: 'github' }, 'ERR_NGROK_215', 'provider'],
    ['an unknown provider', '400', { provider: { okta: {} } }, 'ERR_NGROK_7165', 'provider.okta'],
    [
      'a provider that is a string',
      '400',
      { provider: { github: 'x' } },
      'ERR_NGROK_215',
      'provider.github',
    ],
    ['a client ID that is a number', '400', gh({ client_id: 1 }), 'ERR_NGROK_215', at('client_id')],
    [
      'a client ID with a line break',
      '400',
      gh({ client_id: 'a\nb' }),
      'ERR_NGROK_215',
      at('client_id'),
    ],
    [
      'a long client ID',
      '400',
      gh({ client_id: 'x'.repeat(2049) }),
      'ERR_NGROK_7137',
      at('client_id'),
    ],
    [
      'a long client secret',
      '400',
      gh({ client_secret: 'x'.repeat(8193) }),
      'ERR_NGROK_7138',
      at('client_secret'),
    ],
    [
      'a client secret with NUL',
      '400',
      gh({ client_secret: 'a\u0000' }),
      'ERR_NGROK_215',
      at('client_secret'),
    ],
    ['scopes that are a string', '400', gh({ scopes: 'a b' }), 'ERR_NGROK_215', at('scopes')],
    ['a scope with a space', '400', gh({ scopes: ['a b'] }), 'ERR_NGROK_215', at('scopes[0]')],
    ['a scope that is a number', '400', gh({ scopes: ['a', 1] }), 'ERR_NGROK_215', at('scopes[1]')],
    [
      'many scopes',
      '400',
      gh({ scopes: many(101, (n) => `s${n}`) }),
      'ERR_NGROK_7056',
      at('scopes'),
    ],
    ['a long scope', '400', gh({ scopes: ['x'.repeat(513)] }), 'ERR_NGROK_7141', at('scopes[0]')],
    [
      'an address without @',
      '400',
      gh({ email_addresses: ['a@b.de', 'x'] }),
      'ERR_NGROK_7043',
      at('email_addresses[1]'),
    ],
    [
      'an address with a Unicode domain',
      '400',
      gh({ email_addresses: ['a@münchen.de'] }),
      'ERR_NGROK_7043',
      at('email_addresses[0]'),
    ],
    [
      'an address with invalid punycode',
      '400',
      gh({ email_addresses: ['a@xn--999999999.de'] }),
      'ERR_NGROK_7045',
      at('email_addresses[0]'),
    ],
    [
      'an address with the Kelvin sign',
      '400',
      gh({ email_addresses: ['\u212A@acme.example'] }),
      'ERR_NGROK_7043',
      at('email_addresses[0]'),
    ],
    [
      'two addresses that differ in case',
      '400',
      gh({ email_addresses: ['a@b.de', 'A@B.de'] }),
      'ERR_NGROK_7046',
      at('email_addresses[1]'),
    ],
    [
      'an empty address',
      '400',
      gh({ email_addresses: [''] }),
      'ERR_NGROK_7051',
      at('email_addresses[0]'),
    ],
    [
      'an address of whitespace',
      '400',
      gh({ email_addresses: [' '] }),
      'ERR_NGROK_7051',
      at('email_addresses[0]'),
    ],
    [
      'a long address',
      '400',
      gh({ email_addresses: [`${'x'.repeat(260)}@b.de`] }),
      'ERR_NGROK_7139',
      at('email_addresses[0]'),
    ],
    [
      'many addresses',
      '400',
      gh({ email_addresses: many(1001, (n) => `u${n}@acme.example`) }),
      'ERR_NGROK_7060',
      at('email_addresses'),
    ],
    [
      'null among addresses',
      '400',
      gh({ email_addresses: [null] }),
      'ERR_NGROK_215',
      at('email_addresses[0]'),
    ],
    [
      'a wildcard domain',
      '400',
      gh({ email_domains: ['*.acme.example'] }),
      'ERR_NGROK_7039',
      at('email_domains[0]'),
    ],
    [
      'a domain with @',
      '400',
      gh({ email_domains: ['@acme.example'] }),
      'ERR_NGROK_7039',
      at('email_domains[0]'),
    ],
    [
      'a Unicode domain',
      '400',
      gh({ email_domains: ['münchen.de'] }),
      'ERR_NGROK_7039',
      at('email_domains[0]'),
    ],
    [
      'a domain with invalid punycode',
      '400',
      gh({ email_domains: ['xn--999999999.de'] }),
      'ERR_NGROK_7044',
      at('email_domains[0]'),
    ],
    [
      'a domain twice',
      '400',
      gh({ email_domains: ['a.de', 'A.DE'] }),
      'ERR_NGROK_7047',
      at('email_domains[1]'),
    ],
    [
      'an empty domain',
      '400',
      gh({ email_domains: [''] }),
      'ERR_NGROK_7052',
      at('email_domains[0]'),
    ],
    [
      'a long domain',
      '400',
      gh({ email_domains: [`${'x'.repeat(254)}.de`] }),
      'ERR_NGROK_7140',
      at('email_domains[0]'),
    ],
    [
      'many domains',
      '400',
      gh({ email_domains: many(1001, (n) => `d${n}.example`) }),
      'ERR_NGROK_7061',
      at('email_domains'),
    ],
    [
      'a team without organization',
      '400',
      gh({ teams: ['admins'] }),
      'ERR_NGROK_7040',
      at('teams[0]'),
    ],
    ['a team that is a number', '400', gh({ teams: [123] }), 'ERR_NGROK_215', at('teams[0]')],
    ['a team twice', '400', gh({ teams: ['a/b', 'A/B'] }), 'ERR_NGROK_7048', at('teams[1]')],
    ['an empty team', '400', gh({ teams: ['a/b', ''] }), 'ERR_NGROK_7053', at('teams[1]')],
    [
      'a long team',
      '400',
      gh({ teams: [`a/${'x'.repeat(200)}`] }),
      'ERR_NGROK_7144',
      at('teams[0]'),
    ],
    [
      'many teams',
      '400',
      gh({ teams: many(201, (n) => `a/t${n}`) }),
      'ERR_NGROK_7057',
      at('teams'),
    ],
    [
      'an organization with a space',
      '400',
      gh({ organizations: ['a b'] }),
      'ERR_NGROK_215',
      at('organizations[0]'),
    ],
    [
      'an organization twice',
      '400',
      gh({ organizations: ['a', 'A'] }),
      'ERR_NGROK_7049',
      at('organizations[1]'),
    ],
    [
      'an empty organization',
      '400',
      gh({ organizations: [''] }),
      'ERR_NGROK_7054',
      at('organizations[0]'),
    ],
    [
      'a long organization',
      '400',
      gh({ organizations: ['x'.repeat(101)] }),
      'ERR_NGROK_7145',
      at('organizations[0]'),
    ],
    [
      'many organizations',
      '400',
      gh({ organizations: many(201, (n) => `o${n}`) }),
      'ERR_NGROK_7058',
      at('organizations'),
    ],
    [
      'a list of an object',
      '400',
      gh({ organizations: { 0: 'a' } }),
      'ERR_NGROK_215',
      at('organizations'),
    ],
    [
      'a negative interval',
      '400',
      { ...gh({}), auth_check_interval: -1 },
      'ERR_NGROK_7035',
      'auth_check_interval',
    ],
    [
      'a long interval',
      '400',
      { ...gh({}), auth_check_interval: 31_536_001 },
      'ERR_NGROK_7158',
      'auth_check_interval',
    ],
    [
      'a fraction of seconds',
      '400',
      { ...gh({}), auth_check_interval: 1.5 },
      'ERR_NGROK_215',
      'auth_check_interval',
    ],
    [
      'a duration as a string',
      '400',
      { ...gh({}), maximum_duration: '1h' },
      'ERR_NGROK_215',
      'maximum_duration',
    ],
    [
      'a negative duration',
      '400',
      { ...gh({}), maximum_duration: -1 },
      'ERR_NGROK_215',
      'maximum_duration',
    ],
    [
      'a long duration',
      '400',
      { ...gh({}), maximum_duration: 31_536_001 },
      'ERR_NGROK_7161',
      'maximum_duration',
    ],
    [
      'a long timeout',
      '400',
      { ...gh({}), inactivity_timeout: 31_536_001 },
      'ERR_NGROK_7092',
      'inactivity_timeout',
    ],
    [
      'a huge timeout',
      '400',
      '{"inactivity_timeout":1e300}',
      'ERR_NGROK_215',
      'inactivity_timeout',
    ],
    [
      'a timeout longer than the duration',
      '400',
      { ...gh({}), inactivity_timeout: 2, maximum_duration: 1 },
      'ERR_NGROK_7028',
      'inactivity_timeout',
    ],
    [
      'another cookie prefix',
      '400',
      { ...gh({}), cookie_prefix: 'acme.' },
      'cookie_prefix_fixed',
      'cookie_prefix',
    ],
    [
      'a cookie prefix with other characters',
      '400',
      { ...gh({}), cookie_prefix: '__Host-' },
      'ERR_NGROK_7042',
      'cookie_prefix',
    ],
    [
      'a long cookie prefix',
      '400',
      { ...gh({}), cookie_prefix: 'x'.repeat(65) },
      'ERR_NGROK_7136',
      'cookie_prefix',
    ],
    [
      'a cookie prefix that is a number',
      '400',
      { ...gh({}), cookie_prefix: 1 },
      'ERR_NGROK_215',
      'cookie_prefix',
    ],
    ['a field twice', '400', '{"enabled":true,"enabled":false}', 'ERR_NGROK_213', 'enabled'],
    [
      '__proto__',
      '400',
      '{"module":{"__proto__":{"enabled":false}}}',
      'ERR_NGROK_214',
      'module.__proto__',
    ],
    ['no JSON', '400', 'enabled=false', 'ERR_NGROK_213', ''],
    ['a list', '400', '[]', 'ERR_NGROK_213', ''],
    ['enabled: false', '403', { ...gh({}), enabled: false }, 'disable_not_allowed', 'enabled'],
  ])('with %s', async (_, status, body, code, field) => {
    const { put, get, app, gate } = await scene()
    const before = await get()
    const response = await put(body)
    expect([String(response.status), response.body]).toEqual([
      status,
      {
        error_code: code,
        status_code: Number(status),
        msg: expect.any(String),
        details: field === '' ? {} : { field },
      },
    ])
    expect(await get()).toEqual(before)
    expect((await app.call('GET', PATH)).headers.get('etag')).toBe('"1.0"')
    expect(gate.logged.filter((line) => line.includes('admin API'))).toEqual([])
  })

  test.each(['microsoft', 'facebook', 'amazon'])(
    'with a list of email addresses for %s, unless the code trusts them',
    async (name) => {
      const given = { client_id: 'i', client_secret: 's', email_domains: ['acme.example'] }
      const body = { provider: { [name]: given } }
      const { put } = await scene()
      expect((await put(body)).body).toMatchObject({
        error_code: 'email_unverified',
        status_code: 400,
        details: { field: `provider.${name}.email_domains` },
      })
      const trusting = { clientId: 'i', clientSecret: 's', trustEmail: true }
      const trusted = await scene({
        provider: { [name]: trusting } as NonNullable<OAuthModuleOptions['provider']>,
      })
      expect((await trusted.put(body)).status).toBe(200)
      // trustEmail stays with the provider of the code, also after it was removed.
      expect((await trusted.put(withGithub({ client_secret: 's' }))).status).toBe(200)
      expect((await trusted.put(body)).status).toBe(200)
    },
  )

  test('with a provider that the code has created by a function', async () => {
    const { put } = await scene({ provider: { acme, github: acme } })
    expect((await put(withGithub({ client_secret: 's' }))).body).toMatchObject({
      error_code: 'provider_in_code',
      details: { field: 'provider.github' },
    })
    const none = await put({ provider: {} })
    expect([none.status, none.body['x_other_providers']]).toEqual([200, ['acme', 'github']])
  })

  test('as a whole, with the options that reconfigure() rejects', async () => {
    const { put, get } = await scene({ authCheckInterval: 60, authCheckGrace: 60 })
    const before = await get()
    const { status, body } = await put(withGithub({}))
    expect([status, body['error_code']]).toEqual([400, 'ERR_NGROK_7028'])
    expect(body['msg']).toContain('authCheckGrace has no effect')
    expect(await get()).toEqual(before)
  })
})

describe('access for everyone', () => {
  test('results in a warning and an entry of the audit log', async () => {
    const { put, gate } = await scene()
    const { body } = await put(withGithub({ organizations: [] }))
    expect(body['x_warnings']).toContainEqual(
      'Everyone who can sign in at github may pass: no rule is set.',
    )
    const lines = gate.logged.filter((line) => line.includes('admin API'))
    expect(lines).toContainEqual(
      expect.stringMatching(/^warn .*Everyone who can sign in at github/),
    )
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^info admin API: opened a gate.*"tokenName":"deploy".*"providers":"github"/,
      ),
    )
  })

  test('is not reported if a rule or authorize() remains', async () => {
    const { put } = await scene({ authorize: () => true })
    expect((await put(withGithub({}))).body['x_warnings']).toEqual([
      expect.stringContaining('ends with the process'),
    ])
  })
})

describe('disabling', () => {
  test.each(['PUT', 'DELETE'])('with %s needs allowDisable', async (method) => {
    const { app, get } = await scene()
    const body = { ...withGithub({}), enabled: false }
    const content = method === 'PUT' ? { body } : {}
    const { status, body: error } = await app.call(method, PATH, deploy, content)
    expect([status, error['error_code']]).toEqual([403, 'disable_not_allowed'])
    expect(await app.visit('')).toBe(401)
    expect(await get()).toMatchObject({ enabled: true })
  })

  test.each(['PUT', 'DELETE'])(
    'with %s and allowDisable lets every request pass',
    async (method) => {
      const { app, get, gate, put } = await scene({}, { allowDisable: true })
      const body = { ...withGithub({ organizations: ['acme'] }), enabled: false }
      const response = await app.call(method, PATH, deploy, method === 'PUT' ? { body } : {})
      expect(response.status).toBe(200)
      if (method === 'DELETE') expect(response.body).toEqual({})
      expect(await app.visit('')).toBe(200)
      expect(await get()).toMatchObject({
        enabled: false,
        provider: { github: { client_id: 'gh-id', organizations: ['acme'] } },
      })
      const lines = gate.logged.filter((line) => line.includes('admin API'))
      expect(lines).toContainEqual(expect.stringMatching(/^warn .*every request passes/))
      expect(lines).toContainEqual(
        expect.stringMatching(/^info admin API: disabled a gate.*"tokenName":"deploy"/),
      )
      await put(withGithub({ organizations: ['acme'] }))
      expect(await app.visit('')).toBe(401)
    },
  )
})

describe('versions', () => {
  const body = withGithub({ organizations: ['acme'] })

  test('If-Match rejects a change that was made on an older state', async () => {
    const { app, put } = await scene()
    const { headers } = await app.call('GET', PATH)
    const etag = String(headers.get('etag'))
    const first = await put(withGithub({ organizations: ['one'] }), { 'if-match': etag })
    expect(first.status).toBe(200)
    const second = await put(withGithub({ organizations: ['two'] }), { 'if-match': etag })
    expect([second.status, second.body['error_code'], second.body['details']]).toEqual([
      409,
      'stale_version',
      { field: 'If-Match' },
    ])
    const third = await put(body, { 'if-match': String(first.headers.get('etag')) })
    expect(third.status).toBe(200)
    expect((await put(withGithub({ organizations: ['four'] }))).status).toBe(200)
  })

  test.each([
    ['*', 200],
    ['"1.0"', 200],
    [' "1.0" ', 200],
    ['"x", "1.0"', 200],
    ['"x","y"', 409],
    ['W/"1.0"', 409],
    ['"1.1"', 409],
    ['"2.0"', 409],
    ['""', 409],
    ['1.0', 400],
    ['"1.0', 400],
    ['"1.0" "2"', 400],
    ['*, "1.0"', 400],
    ['', 400],
  ])('If-Match: %s results in %i', async (ifMatch, status) => {
    const { put } = await scene()
    expect((await put(body, { 'if-match': ifMatch })).status).toBe(status)
  })

  test('of two changes for the same state at the same time, one is rejected', async () => {
    const { put, get } = await scene()
    const names = Array.from({ length: 8 }, (_, index) => `org-${index}`)
    const responses = await Promise.all(
      names.map((name) => put(withGithub({ organizations: [name] }), { 'if-match': '"1.0"' })),
    )
    const statuses = responses.map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    expect(statuses.filter((status) => status === 409)).toHaveLength(7)
    const winner = names[statuses.indexOf(200)]
    expect(await get()).toMatchObject({ provider: { github: { organizations: [winner] } } })
  })

  test('without If-Match, the last of many changes wins, and none fails', async () => {
    const { app, put } = await scene()
    const responses = await Promise.all(
      Array.from({ length: 8 }, (_, n) => put(withGithub({ organizations: [`org-${n}`] }))),
    )
    expect(responses.map(({ status }) => status)).toEqual(Array(8).fill(200))
    expect((await app.call('GET', PATH)).headers.get('etag')).toBe('"1.8"')
  })
})

describe('tokens and methods', () => {
  test('a read-only token reads, and changes nothing', async () => {
    const { app } = await scene({}, { allowDisable: true })
    expect((await app.call('GET', PATH, audit)).status).toBe(200)
    for (const method of ['PUT', 'DELETE']) {
      const content = method === 'PUT' ? { body: withGithub({}) } : {}
      const { status, body } = await app.call(method, PATH, audit, content)
      expect([status, body['error_code']]).toEqual([403, 'read_only_token'])
    }
    expect((await app.call('PUT', PATH, null, { body: withGithub({}) })).status).toBe(401)
    expect((await app.call('GET', PATH)).headers.get('etag')).toBe('"1.0"')
  })

  test.each(['POST', 'PATCH', 'OPTIONS'])('%s is rejected with 405', async (method) => {
    const { app } = await scene()
    const { status, headers } = await app.call(method, PATH)
    expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD, PUT, DELETE'])
  })

  test('HEAD has no body', async () => {
    const { app } = await scene()
    const { status, headers, body } = await app.call('HEAD', PATH)
    expect([status, headers.get('etag'), body['text']]).toEqual([200, '"1.0"', ''])
  })
})

test('the audit log line names token, gate, version and the fields, and no secret', async () => {
  const { put, gate } = await scene()
  await put({
    provider: { github: { client_id: 'gh-id', client_secret: 'rotated', organizations: ['b'] } },
    inactivity_timeout: 60,
  })
  const [line] = gate.logged.filter((one) => one.includes('replaced the configuration'))
  expect(line).toMatch(
    /"tokenName":"deploy","module":"main\/route-0","version":"1","changed":"inactivity_timeout, provider\.github\.client_secret, provider\.github\.organizations"/,
  )
  expect(gate.logged.join('\n')).not.toMatch(/rotated|gh-secret/)
})
