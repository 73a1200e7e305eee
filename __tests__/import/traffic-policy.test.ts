import { afterEach, describe, expect, test } from '@jest/globals'
import { fromNgrokTrafficPolicy } from '../../src/import/index.js'
import { stopAll } from '../support/gate.js'
import {
  ada,
  client,
  eve,
  everyMethod,
  fixtures,
  importFixture,
  logInWith,
  names,
  providerIn,
  refusalOf,
  userWith,
  withProvider,
} from '../support/imported.js'

afterEach(stopAll)

const bob = userWith('bob@partner.example')

interface Expected {
  options: object
  command?: object
  /** In addition to the redirect URI, which differs if there is a provider. */
  differs?: string[]
  cannot?: string[]
}

const google = (rules: object) => ({ provider: { google: { ...client, ...rules } } })

const expected: Record<string, Expected> = {
  'admin-route.yaml': { options: google({ allOf: [{}] }), cannot: ['on_http_request[1]'] },
  'domain.yaml': { options: google({ emailDomains: ['acme.example'] }) },
  'either.yaml': {
    options: {
      provider: {
        gitlab: {
          ...client,
          allOf: [
            {
              emailAddresses: ['bob@partner.example'],
              emailDomains: ['acme.example', 'staff.example'],
            },
          ],
        },
      },
      authCheckInterval: 300,
    },
  },
  'emails.json': { options: google({ emailAddresses: ['ada@acme.example', 'bob@acme.example'] }) },
  'everything-else.yaml': {
    options: google({ allOf: [{}] }),
    cannot: [
      'on_tcp_connect[0].actions[0]',
      'on_http_request[0]',
      'on_http_request[1].actions[0]',
      'on_http_request[3].actions[0]',
      'on_http_request[4]',
      'on_http_request[5]',
    ],
  },
  'github.yaml': {
    options: {
      provider: { github: { ...client, scopes: ['repo', 'user'] } },
      maximumDuration: 28_800,
    },
    cannot: ['on_http_request[1].actions[0]'],
  },
  'guarded.yaml': {
    options: google({ emailDomains: ['acme.example'] }),
    differs: ['on_http_request[1]'],
  },
  'guide.yaml': {
    options: {
      ...google({
        scopes: ['email'],
        allOf: [
          { emailAddresses: ['ada@acme.example', 'bob@partner.example'] },
          { emailDomains: ['acme.example'] },
        ],
      }),
      optionsPassthrough: true,
    },
    differs: ['on_http_request[2].actions[0]', 'on_http_request[3].actions[0]', 'on_http_request'],
  },
  'inbound.json': {
    options: google({ emailDomains: ['acme.example'] }),
    cannot: ['outbound[0].actions[0]'],
  },
  'no-login.yaml': { options: { provider: {} }, cannot: ['on_http_request'] },
  'openid-connect.yaml': {
    options: {
      provider: {
        oidc: {
          type: 'oidc',
          ...client,
          issuer: 'https://id.acme.example',
          defaultScopes: ['openid', 'profile', 'email'],
          authorizationParams: { ui_locales: 'de' },
          emailDomains: ['acme.example'],
        },
      },
      maximumDuration: 86_400,
      inactivityTimeout: 5400,
      authCheckInterval: 300,
      cookie: { domain: 'acme.example' },
    },
    differs: ['on_http_request[0].actions[0].config.auth_id'],
  },
  'pattern.yaml': { options: google({ emailDomains: ['acme.example'] }) },
  'suffix.yaml': {
    options: google({ emailDomains: ['acme.example'] }),
    differs: ['on_http_request[1]'],
  },
  'vault-secret.yaml': {
    options: { provider: { google: { clientId: 'app-1', emailDomains: ['acme.example'] } } },
    cannot: ['on_http_request[0].actions[0].config.client_secret'],
  },
  'webhooks.yaml': {
    options: google({ emailDomains: ['acme.example', 'staff.example'] }),
    command: {
      allowPath: ['/webhook/*', '/webhook-test/*', '/health'].flatMap(everyMethod),
    },
    differs: ['on_http_request[1].actions[0]'],
  },
}

test.each(fixtures('traffic-policy'))('%s becomes our options, with a report', (file) => {
  const { options, command, differences, unsupported } = importFixture('traffic-policy', file)
  const wanted = expected[file] ?? { options: {} }
  expect(options).toEqual(wanted.options)
  expect(command).toEqual(wanted.command ?? {})
  const always = file === 'no-login.yaml' ? [] : ['redirect URI']
  expect(names(differences).sort()).toEqual([...always, ...(wanted.differs ?? [])].sort())
  expect(names(unsupported)).toEqual(wanted.cannot ?? [])
})

test('every expectation has its fixture', () => {
  expect(Object.keys(expected).sort()).toEqual(fixtures('traffic-policy').sort())
})

describe('a gate with imported options', () => {
  test.each([
    'domain.yaml',
    'either.yaml',
    'emails.json',
    'guarded.yaml',
    'guide.yaml',
    'inbound.json',
    'openid-connect.yaml',
    'pattern.yaml',
    'suffix.yaml',
    'webhooks.yaml',
  ])('%s lets the user with the address in, and rejects others', async (file) => {
    const { options } = importFixture('traffic-policy', file)
    expect(refusalOf(options)).toBeUndefined()
    const [allowed, denied] = await logInWith(options, ada, eve)
    expect(allowed).toMatchObject({ status: 200, user: { email: 'ada@acme.example' } })
    expect(denied).toMatchObject({ status: 403, code: 'not_authorized' })
  })

  test('two rules that deny must both be met; one rule with two lists is met by either', async () => {
    const [both] = await logInWith(importFixture('traffic-policy', 'guide.yaml').options, bob)
    const [either] = await logInWith(importFixture('traffic-policy', 'either.yaml').options, bob)
    expect([both?.code, either?.status]).toEqual(['not_authorized', 200])
  })

  test('github.yaml has no rule, so every user passes, as at ngrok', async () => {
    const [user] = await logInWith(importFixture('traffic-policy', 'github.yaml').options, eve)
    expect(user?.status).toBe(200)
  })

  test('suffix.yaml no longer lets a domain in that only ends like ours', async () => {
    const { options } = importFixture('traffic-policy', 'suffix.yaml')
    const [user] = await logInWith(options, userWith('eve@evil-acme.example'))
    expect(user?.code).toBe('not_authorized')
  })

  test.each(['admin-route.yaml', 'everything-else.yaml'])(
    '%s has a rule that cannot be expressed: its options start only once it is replaced',
    async (file) => {
      const { options } = importFixture('traffic-policy', file)
      expect(refusalOf(options)).toMatch(/allOf.* contains no rule/)
      const replaced = withProvider(options, { allOf: [{ emailDomains: ['acme.example'] }] })
      const [allowed, denied] = await logInWith(replaced, ada, eve)
      expect([allowed?.status, denied?.code]).toEqual([200, 'not_authorized'])
    },
  )

  test('vault-secret.yaml starts only with the secret', async () => {
    const { options } = importFixture('traffic-policy', 'vault-secret.yaml')
    expect(refusalOf(options)).toContain('clientSecret')
    const [allowed, denied] = await logInWith(withProvider(options, client), ada, eve)
    expect([allowed?.status, denied?.code]).toEqual([200, 'not_authorized'])
  })

  test('no-login.yaml names no provider', () => {
    const { options } = importFixture('traffic-policy', 'no-login.yaml')
    expect(refusalOf(options)).toContain('names no provider')
  })
})

describe('expressions', () => {
  const email = 'actions.ngrok.oauth.identity.email'
  /** The rules of a policy that denies under these expressions. */
  const rulesOf = (...expressions: string[]) => {
    const { options, unsupported } = fromNgrokTrafficPolicy({
      on_http_request: [
        { actions: [{ type: 'oauth', config: { provider: 'google', ...asNgrok } }] },
        { expressions, actions: [{ type: 'deny' }] },
      ],
    })
    const { clientId: _, clientSecret: __, ...rules } = providerIn(options)[1]
    return unsupported.length > 0 ? 'unsupported' : rules
  }
  const asNgrok = { client_id: 'app-1', client_secret: 'app-1-secret' }
  const domain = { emailDomains: ['acme.example'] }
  const address = { emailAddresses: ['a@acme.example'] }

  test.each<[string, object]>([
    [`!${email}.endsWith("@acme.example")`, domain],
    [`!(${email}.endsWith('@acme.example'))`, domain],
    [`!!!${email}.endsWith('@acme.example')`, domain],
    [`${email}.endsWith('@acme.example') == false`, { unsupported: true }],
    [`${email} != 'a@acme.example'`, address],
    [`'a@acme.example' != ${email}`, address],
    [`!('a@acme.example' == ${email})`, address],
    [`!(${email} in ['a@acme.example',])`, address],
    [`!(${email}.lowerAscii() in ['a@acme.example'])`, address],
    [`!(${email}.split('@')[1] in ['acme.example'])`, domain],
    [`!['acme.example'].exists(d, ${email}.endsWith('@' + d))`, domain],
    [`['acme.example'].all(d, !${email}.endsWith('@' + d))`, domain],
    [`!${email}.matches('@acme\\\\.example$')`, domain],
    [`!${email}.matches(r'^.+@acme\\.example$')`, domain],
    [`true && !${email}.endsWith('@acme.example')`, domain],
    [`false || !${email}.endsWith('@acme.example')`, domain],
    [
      `!(${email} == 'a@acme.example') && !(${email} == 'b@acme.example')`,
      { emailAddresses: ['a@acme.example', 'b@acme.example'] },
    ],
    [
      `${email} != 'a@acme.example' || !${email}.endsWith('@acme.example')`,
      { allOf: [address, domain] },
    ],
    ['false', {}],
  ])('%s', (expression, rules) => {
    expect(rulesOf(expression)).toEqual('unsupported' in rules ? 'unsupported' : rules)
  })

  test('all expressions of a rule must hold for it to deny', () => {
    expect(rulesOf(`${email} != 'a@acme.example'`, `!${email}.endsWith('@acme.example')`)).toEqual({
      allOf: [{ ...address, ...domain }],
    })
  })

  test.each([
    `${email} == 'a@acme.example'`,
    `${email}.endsWith('@evil.example')`,
    `${email} == ''`,
    `!${email}.startsWith('ada')`,
    `!${email}.contains('acme')`,
    `!${email}.matches('acme.example')`,
    `!${email}.endsWith('.acme.example')`,
    `!(${email} in vars.unknown)`,
    `!${email}.endsWith('@' + vars.unknown)`,
    `actions.ngrok.oauth.identity.name != 'Ada'`,
    `req.method == 'POST' && !${email}.endsWith('@acme.example')`,
    `req.url.path == '/admin' && !${email}.endsWith('@acme.example')`,
    `conn.client_ip != '10.0.0.1'`,
    `size(${email}) > 3`,
    `${email} in`,
    `${email} ? true : false`,
    `((((${email}`,
    `'unterminated`,
    'true',
    '!'.repeat(5000) + 'true',
    `${'('.repeat(5000)}true${')'.repeat(5000)}`,
    `req.url.path != '/public' && !${email}.endsWith('@acme.example')`,
    `req.method != 'GET' && !${email}.endsWith('@acme.example')`,
    // Conjunctive normal form: two to the power of forty clauses.
    Array.from(
      { length: 40 },
      (_, i) => `(${email} != 'a${i}@acme.example' || !${email}.endsWith('@acme${i}.example'))`,
    ).join(' && '),
  ])('is not converted, and reported: %s', (expression) => {
    expect(rulesOf(expression)).toBe('unsupported')
  })

  test('a rule without expressions denies every request, which is reported', () => {
    expect(rulesOf()).toBe('unsupported')
  })

  test('variables with expressions in them, or that a rule sets only sometimes, are unknown', () => {
    const policy = (value: unknown, expressions: string[]) => ({
      on_http_request: [
        { expressions, actions: [{ type: 'set-vars', config: { vars: [{ list: value }] } }] },
        { actions: [{ type: 'oauth', config: { provider: 'google', ...asNgrok } }] },
        { expressions: [`!(${email} in vars.list)`], actions: [{ type: 'deny' }] },
      ],
    })
    const unsupported = (value: unknown, ...expressions: string[]) =>
      names(fromNgrokTrafficPolicy(policy(value, expressions)).unsupported)
    expect(unsupported(['a@acme.example'])).toEqual([])
    expect(unsupported(['${req.host}'])).toEqual(['on_http_request[2]'])
    expect(unsupported(['a@acme.example'], "req.method == 'GET'")).toEqual(['on_http_request[2]'])
  })

  test.each([
    ["req.url.path.startsWith('/admin/')", 'on_http_request[0].expressions'],
    ["!req.url.path.startsWith('/public')", 'on_http_request[0].expressions'],
    ["req.host == 'a.example'", 'on_http_request[0].expressions'],
    [
      "!(req.url.path.startsWith('/hooks/') && req.method == 'POST')",
      'on_http_request[0].expressions',
    ],
  ])('a login only under %s becomes a login for all requests, which is reported', (when, name) => {
    const { command, unsupported } = fromNgrokTrafficPolicy({
      on_http_request: [
        { expressions: [when], actions: [{ type: 'oauth', config: { provider: 'google' } }] },
      ],
    })
    expect(command).toEqual({})
    expect(names(unsupported)).toEqual([name])
  })
})

describe('paths without a login', () => {
  const login = {
    expressions: ["!req.url.path.startsWith('/hooks/')"],
    actions: [{ type: 'oauth', config: { provider: 'google' } }],
  }
  const under = ["req.url.path.startsWith('/hooks/')"]
  const imported = (...rules: object[]) =>
    fromNgrokTrafficPolicy({ on_http_request: [login, ...rules] })

  test.each([
    { type: 'verify-webhook', config: { provider: 'github', secret: 's' } },
    { type: 'jwt-validation' },
    { type: 'basic-auth' },
    { type: 'restrict-ips' },
    { type: 'an-action-of-next-year' },
    { type: 'oauth', config: { provider: 'github' } },
  ])('need one if $type may have protected them', (action) => {
    const { command, unsupported } = imported({ expressions: under, actions: [action] })
    expect(command).toEqual({})
    expect(names(unsupported)).toEqual(['on_http_request[1].actions[0]', 'on_http_request'])
  })

  test('need none because of an action that protects nothing', () => {
    const { command } = imported({ actions: [{ type: 'log' }] })
    expect(command).toEqual({ allowPath: everyMethod('/hooks/*') })
  })
})

test('a list of the login and a rule that denies must both be met', () => {
  const { options } = fromNgrokTrafficPolicy({
    on_http_request: [
      {
        actions: [{ type: 'oauth', config: { provider: 'gitlab', email_domains: ['a.example'] } }],
      },
      {
        expressions: ["!actions.ngrok.oauth.identity.email.endsWith('@b.example')"],
        actions: [{ type: 'deny' }],
      },
    ],
  })
  expect(options.provider).toEqual({
    gitlab: { emailDomains: ['a.example'], allOf: [{ emailDomains: ['b.example'] }] },
  })
})

describe('what cannot be converted', () => {
  test('an endpoint of the API or of an agent is taken as a whole', () => {
    const policy = {
      on_http_request: [{ actions: [{ type: 'oauth', config: { provider: 'github' } }] }],
    }
    const agent = {
      name: 'app',
      url: 'https://app.ngrok.app',
      upstream: { url: 'http://localhost:3000/', protocol: 'http2' },
      pooling_enabled: true,
      traffic_policy: policy,
    }
    const { options, command, differences, unsupported } = fromNgrokTrafficPolicy(agent)
    expect(options).toEqual({ provider: { github: {} } })
    expect(command).toEqual({ target: 'http://localhost:3000' })
    expect(names(differences)).toContain('url')
    expect(names(unsupported)).toEqual(['upstream.protocol', 'pooling_enabled'])
    const api = { id: 'ep_1', traffic_policy: JSON.stringify(policy) }
    expect(fromNgrokTrafficPolicy(api).options).toEqual(options)
    expect(() => fromNgrokTrafficPolicy({ traffic_policy: 'on_http_request: []' })).toThrow(
      'must be an object',
    )
  })

  test('wrong types throw one TypeError', () => {
    expect(() =>
      fromNgrokTrafficPolicy({
        on_http_request: [
          { actions: [{ type: 'oauth', config: { provider: 7 } }], expressions: [1] },
          { actions: 'deny' },
          { actions: [{ type: 'oauth', config: 'google' }] },
        ],
      }),
    ).toThrow(
      'on_http_request[0].expressions must be an array of strings; on_http_request[1].actions must be an array of objects; on_http_request[2].actions[0].config must be an object',
    )
    expect(() => fromNgrokTrafficPolicy('policy')).toThrow(TypeError)
    expect(() =>
      fromNgrokTrafficPolicy({ on_http_request: [{ actions: [{ type: 'openid-connect' }] }] }),
    ).toThrow('on_http_request[0].actions[0].config.issuer_url is missing')
  })

  test('unknown phases, members and actions, and a second login, are reported', () => {
    const login = { type: 'oauth', config: { provider: 'google', client_id: 'a', color: 'red' } }
    const { unsupported } = fromNgrokTrafficPolicy({
      on_magic: [],
      on_http_request: [
        { actions: [{ ...login, when: 'always' }, login, { type: 'dance' }], mood: 'good' },
        { actions: [{ type: 'custom-response', config: { status_code: 200 } }] },
      ],
    })
    expect(names(unsupported)).toEqual([
      'on_magic',
      'on_http_request[0].mood',
      'on_http_request[0].actions[0].when',
      'on_http_request[0].actions[0].config.color',
      'on_http_request[0].actions[1]',
      'on_http_request[0].actions[2]',
      'on_http_request[1].actions[0]',
    ])
  })

  test('no report contains a secret of the policy', () => {
    for (const file of fixtures('traffic-policy')) {
      const { differences, unsupported } = importFixture('traffic-policy', file)
      expect(JSON.stringify([differences, unsupported])).not.toMatch(/secret'|-secret/)
    }
  })
})
