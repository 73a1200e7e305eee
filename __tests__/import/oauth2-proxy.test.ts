import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from '@jest/globals'
import { fromOAuth2Proxy, type OAuth2ProxyFiles } from '../../src/import/index.js'
import { settingTypes } from '../../src/import/oauth2-proxy/setting-types.js'
import { stopAll } from '../support/gate.js'
import {
  ada,
  client,
  eve,
  everyMethod,
  fixturePath,
  fixtures,
  importFixture,
  logInWith,
  names,
  refusalOf,
  withProvider,
} from '../support/imported.js'
import type { VendorUser } from '../../src/dev/vendors/index.js'

afterEach(stopAll)

const kind = 'oauth2-proxy'

const contentOf = (file: string) => readFileSync(fixturePath(kind, file), 'utf8')
const files: Record<string, OAuth2ProxyFiles> = {
  'google-emails.cfg': {
    authenticated_emails_file: contentOf('google-emails.txt'),
    client_secret_file: contentOf('google-secret.txt'),
  },
}
const imported = (file: string) => importFixture(kind, file, files[file])

/** What every configuration becomes unless it states something else. */
const defaults = {
  maximumDuration: 604_800,
  secret: 'OQINaROshtE9TcZkNAm-5Zs2Pv3xaWytBmc5W7sPX7w=',
  store: 'cookie',
  headerPrefix: 'oauth2-proxy',
  forwardTokens: false,
  basePath: '/oauth2',
  callbackPath: '/oauth2/callback',
}
const target = 'http://127.0.0.1:8080'
const listen = '127.0.0.1:4180'

interface Expected {
  provider: object
  options?: object
  /** Options that the defaults have, and this configuration has not. */
  without?: string[]
  command?: object
  /** In addition to the cookie, the store, and the paths. */
  differs?: string[]
  cannot?: string[]
  allowed?: Partial<VendorUser>
  denied?: Partial<VendorUser>
}

const tenant = '11111111-2222-3333-4444-555555555555'
const group = 'aaaaaaaa-0000-4000-8000-000000000001'
const issuer = 'https://id.acme.example'

const expected: Record<string, Expected> = {
  'alpha.yaml': {
    provider: {
      oidc: {
        type: 'oidc',
        ...client,
        displayName: 'Acme',
        issuer,
        optionalScopes: ['groups'],
        signingAlgorithms: ['RS256'],
        groups: ['engineering'],
      },
    },
    options: { forwardTokens: 'access' },
    differs: ['email_domains', 'x-forwarded-user'],
    cannot: [
      'providers[0].loginURLParameters',
      'injectRequestHeaders[3] (X-Department)',
      'injectRequestHeaders[4] (X-Static)',
    ],
    allowed: { groups: ['engineering'] },
    denied: { groups: ['sales'] },
  },
  'azure-common.cfg': {
    provider: { microsoft: { ...client, emailDomains: ['acme.example'] } },
    differs: ['x-forwarded-user'],
    cannot: ['email_domains'],
  },
  'enterprise.cfg': {
    provider: {
      github: {
        ...client,
        baseUrl: 'https://ghe.acme.example',
        defaultScopes: ['user:email', 'read:org'],
        allOf: [
          { emailDomains: ['acme.example'] },
          { organizations: ['acme'], teams: ['partner/dev'] },
        ],
      },
    },
    allowed: { organizations: ['partner'], teams: ['partner/dev'] },
    denied: { organizations: ['partner'], teams: ['partner/sales'] },
  },
  'entra.cfg': {
    provider: {
      microsoft: {
        ...client,
        tenant,
        offlineAccess: true,
        defaultScopes: ['openid', 'profile', 'email'],
        allOf: [{ emailDomains: ['acme.example'] }, { groups: [group] }],
      },
    },
    options: { authCheckInterval: 1800, cookie: { domain: '.acme.example' } },
    differs: ['cookie_refresh', 'x-forwarded-user'],
    allowed: { tid: tenant, groups: [group] },
    denied: { tid: tenant, groups: ['bbbbbbbb-0000-4000-8000-000000000002'] },
  },
  'github-org-team.cfg': {
    provider: {
      github: {
        ...client,
        allOf: [{ organizations: ['acme'] }, { teams: ['acme/ops', 'acme/dev'] }],
      },
    },
    options: {
      maximumDuration: 86_400,
      authCheckInterval: 3600,
      cookiePrefix: 'acme_proxy.',
      forwardTokens: 'access',
      baseUrl: 'https://app.acme.example',
    },
    command: { listen: '0.0.0.0:4180' },
    differs: ['email_domains', 'cookie_refresh'],
    allowed: { organizations: ['acme'], teams: ['acme/dev'] },
    denied: { organizations: ['acme'], teams: ['acme/sales'] },
  },
  'github-teams.flags': {
    provider: {
      github: {
        ...client,
        allOf: [
          { emailDomains: ['acme.example', 'partner.example'] },
          { teams: ['acme/ops', 'partner/dev'] },
        ],
      },
    },
    command: { target: 'http://localhost:3000' },
    allowed: { organizations: ['partner'], teams: ['partner/dev'] },
    denied: { email: 'eve@evil.example', organizations: ['acme'], teams: ['acme/ops'] },
  },
  'gitlab.cfg': {
    provider: {
      gitlab: {
        ...client,
        baseUrl: 'https://gitlab.acme.example',
        groups: ['acme/platform', 'acme/ops'],
      },
    },
    options: {
      basePath: '/login',
      callbackPath: '/custom/callback',
      baseUrl: 'https://app.acme.example',
    },
    differs: ['email_domains', 'x-forwarded-user'],
    allowed: { groups: ['acme/ops'] },
    denied: { groups: ['acme'] },
  },
  'google-emails.cfg': {
    provider: {
      google: {
        ...client,
        allOf: [
          {
            emailAddresses: ['bob@partner.example', 'eve@partner.example'],
            emailDomains: ['acme.example'],
          },
        ],
      },
    },
    options: { maximumDuration: 5400 },
    without: ['secret'],
    differs: ['x-forwarded-user'],
    cannot: ['cookie_secret'],
    allowed: { email: 'bob@partner.example' },
    denied: { email: 'other@partner.example' },
  },
  'keycloak-groups.cfg': {
    provider: {
      keycloak: {
        type: 'oidc',
        ...client,
        displayName: 'Keycloak',
        issuer: 'https://id.acme.example/realms/staff',
        trustEmail: true,
        optionalScopes: ['groups'],
        allOf: [{ emailDomains: ['acme.example'] }, { groups: ['/engineering', '/ops'] }],
      },
    },
    options: { cookie: { secure: false }, baseUrl: 'http://oauth2-proxy.localtest.me:4180' },
    command: { target: 'http://httpbin' },
    differs: ['x-forwarded-user'],
    cannot: ['whitelist_domains'],
    allowed: { groups: ['/ops'], emailVerified: false },
    denied: { groups: ['/sales'] },
  },
  'keycloak-roles.env': {
    provider: {
      keycloak: {
        type: 'oidc',
        ...client,
        issuer: 'https://id.acme.example/realms/staff',
        groupsClaim: 'realm_access.roles',
        groups: ['admin', 'editor'],
      },
    },
    command: { target: 'http://app:8080', listen: '0.0.0.0:4180' },
    differs: ['OAUTH2_PROXY_EMAIL_DOMAINS', 'OAUTH2_PROXY_ALLOWED_ROLES', 'x-forwarded-user'],
    cannot: ['OAUTH2_PROXY_REVERSE_PROXY', 'redirect_url'],
    allowed: { claims: { realm_access: { roles: ['editor'] } } },
    denied: { claims: { realm_access: { roles: ['viewer'] } } },
  },
  'linkedin.json': {
    provider: { linkedin: { ...client, emailDomains: ['acme.example'] } },
    allowed: {},
    denied: { email: 'eve@evil.example' },
  },
  'nginx.cfg': {
    provider: { oidc: { type: 'oidc', ...client, issuer, emailDomains: ['acme.example'] } },
    options: {
      headerPrefix: 'oauth2-proxy-nginx',
      forwardTokens: 'access',
      optionsPassthrough: true,
    },
    command: {
      target: undefined,
      listen: '0.0.0.0:4180',
      authRequest: true,
      trustedProxy: ['127.0.0.1', '10.0.0.0/8'],
    },
    differs: ['email_domains', 'x-auth-request-user', 'real_client_ip_header', 'upstreams'],
    cannot: ['redirect_url'],
    allowed: {},
    denied: { email: 'eve@evil.example' },
  },
  'no-discovery.cfg': {
    provider: {
      oidc: {
        type: 'oidc',
        ...client,
        issuer,
        trustEmail: true,
        claims: { email: 'upn' },
        emailDomains: ['acme.example'],
        endpoints: {
          authorization: `${issuer}/authorize`,
          token: `${issuer}/token`,
          userinfo: `${issuer}/userinfo`,
          jwks: `${issuer}/jwks`,
        },
      },
    },
    options: { headerPrefix: false },
    allowed: { email: 'x@evil.example', claims: { upn: 'ada@acme.example' } },
    denied: { claims: { upn: 'eve@evil.example' } },
  },
  'not-ours.cfg': {
    provider: { google: { ...client, allOf: [{ emailDomains: ['acme.example'] }, {}] } },
    differs: [
      'x-forwarded-user',
      'google_admin_email',
      'google_service_account_json',
      'request_logging',
    ],
    cannot: [
      'email_domain_typo',
      'google_groups',
      'pass_authorization_header',
      'basic_auth_password',
      'banner',
      'upstreams',
      'tls_cert_file',
      'htpasswd_file',
      'skip_jwt_bearer_tokens',
      'extra_jwt_issuers',
      'trusted_ips',
      'signature_key',
      'provider_ca_files',
      'custom_templates_dir',
    ],
  },
  'redis.cfg': {
    provider: {
      oidc: {
        type: 'oidc',
        ...client,
        issuer,
        defaultScopes: ['openid', 'email', 'profile'],
        authorizationParams: { prompt: 'login', acr_values: 'urn:acme:mfa' },
        groupsClaim: 'roles',
        groups: ['staff'],
      },
    },
    options: {
      store: 'redis://:redis-secret@redis:6379/1',
      logout: { endProviderSession: true },
    },
    differs: ['backend_logout_url', 'email_domains', 'cookie_samesite', 'x-forwarded-user'],
    allowed: { claims: { roles: ['staff'] } },
    denied: { claims: { roles: ['guest'] } },
  },
  'skip-routes.cfg': {
    provider: { google: { ...client, emailDomains: ['acme.example'] } },
    command: {
      allowPath: [
        ...everyMethod('/robots.txt'),
        'GET /health',
        ...everyMethod('/static/*'),
        ...everyMethod('/favicon.ico'),
        'POST /hooks/*',
      ],
    },
    differs: ['x-forwarded-user', 'api_routes'],
    cannot: ['skip_auth_routes'],
    allowed: {},
    denied: { email: 'eve@evil.example' },
  },
  'subdomains.cfg': {
    provider: { google: { ...client, emailDomains: ['.acme.example'] } },
    differs: ['x-forwarded-user'],
    cannot: ['email_domains'],
  },
}

test.each(fixtures(kind))('%s becomes our options, with a report of what differs', (file) => {
  const { options, command, differences, unsupported } = imported(file)
  const wanted = expected[file] as Expected
  const all: Record<string, unknown> = { ...defaults, ...wanted.options, provider: wanted.provider }
  for (const name of wanted.without ?? []) delete all[name]
  expect(options).toEqual(all)
  expect(command).toEqual({ target, listen, ...wanted.command })
  const always = [
    /^-*cookie[_-](?:secret|name)$|_COOKIE_SECRET$/,
    /^session_store_type$/,
    /^\//,
    /skip_provider/,
  ]
  const found = names(differences).filter((name) => !always.some((one) => one.test(name)))
  expect(found.sort()).toEqual([...(wanted.differs ?? [])].sort())
  expect(names(unsupported).sort()).toEqual([...(wanted.cannot ?? [])].sort())
})

test('every expectation has its fixture', () => {
  expect(Object.keys(expected).sort()).toEqual(fixtures(kind).sort())
})

describe('a gate with imported options', () => {
  const complete = Object.entries(expected).filter(([, { allowed }]) => allowed !== undefined)

  test.each(complete)('%s lets the right user in, and rejects the wrong one', async (file, how) => {
    const { options } = imported(file)
    expect(refusalOf(options)).toBeUndefined()
    const [allowed, denied] = await logInWith(
      options,
      { ...ada, ...how.allowed },
      { ...ada, ...how.denied },
    )
    expect(allowed?.page.body).toContain('"user"')
    expect(allowed?.status).toBe(200)
    expect(denied).toMatchObject({ status: 403, code: 'not_authorized' })
  })

  test('the app sees the headers and paths of oauth2-proxy', async () => {
    const { options } = imported('github-org-team.cfg')
    const [attempt] = await logInWith(options, {
      ...ada,
      organizations: ['acme'],
      teams: ['acme/dev'],
    })
    expect(attempt?.seen.headers).toMatchObject({
      'x-forwarded-user': 'ada',
      'x-forwarded-email': 'ada@acme.example',
      'x-forwarded-preferred-username': 'ada',
      'x-forwarded-groups': 'acme,acme:dev',
      'x-forwarded-access-token': expect.any(String),
    })
    expect(attempt?.authorization.get('redirect_uri')).toMatch(/\/oauth2\/callback$/)
  })

  test('without cookies of tokens, no token reaches the app', async () => {
    const [attempt] = await logInWith(imported('linkedin.json').options, ada)
    expect(Object.keys(attempt?.seen.headers ?? {})).not.toContain('x-forwarded-access-token')
    expect(attempt?.seen.headers['x-forwarded-email']).toBe('ada@acme.example')
  })

  test('both email and team are required, as there', async () => {
    const { options } = imported('github-teams.flags')
    const member = { organizations: ['acme'], teams: ['acme/ops'] }
    const [both, onlyEmail] = await logInWith(options, { ...ada, ...member }, ada)
    expect([both?.status, onlyEmail?.code]).toEqual([200, 'not_authorized'])
  })

  test('azure-common.cfg is not accepted before the owner decides about unverified addresses', async () => {
    const { options } = imported('azure-common.cfg')
    expect(refusalOf(options)).toContain('trustEmail')
    const trusting = withProvider(options, { trustEmail: true })
    const [allowed, denied] = await logInWith(
      trusting,
      { ...ada, id: 'b', tid: tenant },
      { ...eve, id: 'c', tid: tenant },
    )
    expect([allowed?.status, denied?.code]).toEqual([200, 'not_authorized'])
  })

  test.each(['not-ours.cfg', 'subdomains.cfg'])(
    '%s has a rule that cannot be expressed: its options are not accepted',
    (file) => {
      expect(refusalOf(imported(file).options)).toMatch(/contains no rule|no wildcards/)
    },
  )
})

const minimal = {
  provider: 'github',
  client_id: 'app-1',
  client_secret: 'app-1-secret',
  email_domains: 'acme.example',
  upstreams: target,
}
const rulesOf = (more: object, given: OAuth2ProxyFiles = {}) =>
  fromOAuth2Proxy({ ...minimal, ...more }, given).options.provider

describe('rules', () => {
  test.each<[string, object]>([
    ['google_groups', { provider: 'google', google_groups: ['a'] }],
    ['github_users', { github_users: ['ada'] }],
    ['github_repo', { github_repo: 'acme/app', github_token: 'x' }],
    ['gitlab_projects', { provider: 'gitlab', gitlab_projects: ['a/b'] }],
    ['bitbucket_team', { provider: 'bitbucket', bitbucket_team: 'acme' }],
    ['entra_id_allowed_tenants', { provider: 'entra-id', entra_id_allowed_tenants: ['a', 'b'] }],
    ['allowed_groups', { provider: 'azure', allowed_groups: 'x', azure_graph_group_field: 'name' }],
    ['allowed_groups', { provider: 'google', allowed_groups: ['x'] }],
    ['allowed_roles', { ...oidc(), allowed_groups: ['x'], allowed_roles: ['y'] }],
    ['allowed_roles', { ...oidc(), allowed_roles: ['client:y'] }],
    ['authenticated_emails_file', { authenticated_emails_file: '/etc/emails' }],
    ['email_domains', { email_domains: undefined }],
  ])('%s that cannot be expressed leaves an empty set, with which nothing starts', (name, more) => {
    const result = fromOAuth2Proxy({ ...minimal, ...more })
    expect(names(result.unsupported)).toContain(name)
    expect(JSON.stringify(result.options.provider)).toMatch(/"allOf":\[.*\{\}/)
    expect(refusalOf(result.options)).toContain('contains no rule')
  })

  test('a file of addresses replaces the missing rule', () => {
    expect(
      rulesOf(
        { email_domains: undefined, authenticated_emails_file: '/etc/emails' },
        { authenticated_emails_file: 'Ada@acme.example\n# none\n\nada@acme.example\n' },
      ),
    ).toEqual({ github: { ...client, emailAddresses: ['ada@acme.example'] } })
  })

  test('one tenant that is allowed is the tenant', () => {
    expect(rulesOf({ provider: 'entra-id', entra_id_allowed_tenants: [tenant] })).toEqual({
      microsoft: { ...client, tenant, emailDomains: ['acme.example'] },
    })
  })
})

function oidc(): object {
  return { provider: 'keycloak-oidc', oidc_issuer_url: issuer }
}

describe('routes without a login', () => {
  const allowed = (route: string, name = 'skip_auth_routes') =>
    fromOAuth2Proxy({ ...minimal, [name]: [route] }).command.allowPath ?? []

  test.each([
    ['GET=^/health$', ['GET /health']],
    ['get=^/health$', ['GET /health']],
    ['POST=^/hooks/', ['POST /hooks/*']],
    ['POST=^/hooks/.*', ['POST /hooks/*']],
    ['GET=^/a-b/c_d~e$', ['GET /a-b/c_d~e']],
    ['GET=^/favicon\\.ico$', ['GET /favicon.ico']],
    ['^/health$', everyMethod('/health')],
    ['=^/health$', everyMethod('/health')],
  ])('%s becomes %j', (route, paths) => {
    expect(allowed(route)).toEqual(paths)
  })

  test.each([
    '^/metrics',
    '/health$',
    'GET=/health',
    'GET!=^/api$',
    '!=^/api$',
    '^/a//b$',
    '^/../b$',
    '^/./b$',
    '^/(a|b)$',
    '^/a?$',
    '^/[ab]/$',
    '^/a/.+$',
    '.*',
    '^/a%2fb$',
  ])('%s matches something else than a path, and is reported', (route) => {
    const { command, unsupported } = fromOAuth2Proxy({ ...minimal, skip_auth_routes: [route] })
    expect([command.allowPath, names(unsupported)]).toEqual([undefined, ['skip_auth_routes']])
  })

  test('with auth requests, paths are those of the web server', () => {
    const { command, unsupported } = fromOAuth2Proxy({
      ...minimal,
      upstreams: 'static://202',
      skip_auth_routes: ['GET=^/health$'],
    })
    expect([command.allowPath, names(unsupported)]).toEqual([undefined, ['skip_auth_routes']])
  })

  test('an expression of the older setting has no method', () => {
    expect(allowed('^/health$', 'skip_auth_regex')).toEqual(everyMethod('/health'))
  })
})

/** A value for each setting that is not oauth2-proxy's default, and that has the right type. */
const samples: Record<string, unknown> = {
  text: 'https://sample.example/x',
  texts: ['https://sample.example/x'],
  duration: '3h',
  integer: 5,
}
const byName: Record<string, unknown> = {
  session_store_type: 'redis',
  cookie_samesite: 'strict',
  code_challenge_method: 'plain',
  force_code_challenge_method: 'plain',
  http_address: ':80',
  cookie_path: '/app',
}
/** Settings that only matter together with others. */
const context: Record<string, object> = {
  session_store_type: { redis_connection_url: 'redis://redis' },
  ...Object.fromEntries(
    Object.keys(settingTypes)
      .filter((name) => name.startsWith('redis_'))
      .map((name) => [
        name,
        { session_store_type: 'redis', redis_connection_url: 'redis://redis:6379' },
      ]),
  ),
  ...Object.fromEntries(
    ['login_url', 'redeem_url', 'profile_url', 'oidc_jwks_url', 'skip_oidc_discovery'].map(
      (name) => [name, { ...oidc(), ...(name.startsWith('skip') && { login_url: issuer }) }],
    ),
  ),
  oidc_issuer_url: { provider: 'gitlab' },
  ...Object.fromEntries(
    [
      'oidc_email_claim',
      'oidc_groups_claim',
      'oidc_enabled_signing_algs',
      'user_id_claim',
      'allowed_roles',
      'keycloak_groups',
    ].map((name) => [name, oidc()]),
  ),
  google_groups: { provider: 'google' },
  gitlab_groups: { provider: 'gitlab' },
  gitlab_projects: { provider: 'gitlab' },
  bitbucket_team: { provider: 'bitbucket' },
  bitbucket_repository: { provider: 'bitbucket' },
  azure_tenant: { provider: 'azure' },
  azure_graph_group_field: { provider: 'azure', allowed_groups: 'x' },
  entra_id_allowed_tenants: { provider: 'entra-id' },
  trusted_proxy_ips: { reverse_proxy: true },
  real_client_ip_header: { reverse_proxy: true, trusted_proxy_ips: '10.0.0.1' },
  pass_user_headers: { pass_basic_auth: false },
  pass_basic_auth: { pass_user_headers: false },
  client_secret_file: { client_secret: undefined },
  jwt_key: { client_secret: undefined },
  jwt_key_file: { client_secret: undefined },
}
/** Flags that end oauth2-proxy. */
const commands = ['config_test', 'convert_config_to_alpha', 'version']
const onByDefault = [
  'auth_logging',
  'cookie_httponly',
  'cookie_secure',
  'logging_local_time',
  'pass_basic_auth',
  'pass_host_header',
  'pass_user_headers',
  'proxy_websockets',
  'request_logging',
  'skip_auth_strip_headers',
  'standard_logging',
]
/** A setting that is what happens here anyway. */
const sameAsHere = 'cookie_csrf_per_request'

describe('every setting of the reference', () => {
  const settings = Object.keys(settingTypes).filter((name) => !commands.includes(name))

  test('there are as many as oauth2-proxy has', () => {
    expect(settings.length).toBeGreaterThan(150)
  })

  test.each(settings.filter((name) => name !== sameAsHere))(
    '%s is converted or reported, never dropped',
    (name) => {
      const type = settingTypes[name] ?? ''
      const value = byName[name] ?? (type === 'flag' ? !onByDefault.includes(name) : samples[type])
      const base = { ...minimal, ...context[name] }
      const { [name]: _, ...without } = base as Record<string, unknown>
      const report = (config: object) => {
        try {
          return JSON.stringify(fromOAuth2Proxy(config))
        } catch (error) {
          return String(error)
        }
      }
      expect(report({ ...without, [name]: value })).not.toBe(report(without))
    },
  )

  test.each(settings)('%s with a value of the wrong type throws, and quotes nothing', (name) => {
    const wrong = () => fromOAuth2Proxy({ ...minimal, [name]: { secret: 'top-secret' } })
    expect(wrong).toThrow(TypeError)
    expect(wrong).toThrow(new RegExp(`^oauth2-proxy: ${name} must be`))
    expect(wrong).not.toThrow('top-secret')
  })
})

describe('the alpha configuration', () => {
  const provider = { provider: 'github', clientID: 'app-1', clientSecret: 'app-1-secret' }
  const alpha = (more: object, settings: object = { email_domains: '*' }) =>
    fromOAuth2Proxy({ providers: [{ ...provider, ...more }], ...settings })

  test('nested members are the settings that they replace', () => {
    const { options } = alpha({ githubConfig: { org: 'acme', team: 'ops' }, scope: 'user:email' })
    expect(options.provider).toEqual({
      github: {
        ...client,
        defaultScopes: ['user:email'],
        allOf: [{ organizations: ['acme'] }, { teams: ['acme/ops'] }],
      },
    })
    expect(options.headerPrefix).toBe(false)
  })

  test('headers that are not injected are not set, and those of responses are for a web server', () => {
    const header = (name: string, claim: string) => ({ name, values: [{ claimSource: { claim } }] })
    const { options, command } = fromOAuth2Proxy({
      providers: [provider],
      email_domains: '*',
      upstreamConfig: { upstreams: [{ id: 'a', path: '/', static: true, staticCode: 202 }] },
      injectResponseHeaders: [
        header('X-Auth-Request-User', 'user'),
        header('x-auth-request-access-token', 'access_token'),
      ],
    })
    expect(options).toMatchObject({ headerPrefix: 'oauth2-proxy-nginx', forwardTokens: 'access' })
    expect(command).toMatchObject({ authRequest: true })
  })

  test('variables of the environment are reported, and not taken as values', () => {
    const { options, unsupported } = alpha(
      { clientSecret: '${CLIENT_SECRET}' },
      { email_domains: '*', cookie_secret: '${COOKIE_SECRET}' },
    )
    expect(JSON.stringify(options)).not.toContain('$')
    expect(names(unsupported).sort()).toEqual([
      'client_secret',
      'cookie_secret',
      'providers[0].clientSecret',
    ])
  })

  test('a rule that is a variable stays, so that no one passes', () => {
    const { options, unsupported } = alpha({
      allowedGroups: ['${GROUP}'],
      githubConfig: { org: '${ORG}' },
    })
    expect(options.provider).toMatchObject({
      github: { allOf: [{ organizations: ['${ORG}'] }, { organizations: ['${GROUP}'] }] },
    })
    expect(names(unsupported)).toContain('providers[0].allowedGroups')
    expect(refusalOf(options)).toBeDefined()
  })

  test.each<[object, string]>([
    [{ providers: [provider, provider] }, 'providers'],
    [{ providers: [{ ...provider, loginURLParameters: [] }] }, 'providers[0].loginURLParameters'],
    [{ providers: [provider], metricsServer: {} }, 'metricsServer'],
    [{ providers: [provider], server: { tls: {} } }, 'server.tls'],
    [
      { providers: [provider], upstreamConfig: { upstreams: [{ uri: target, path: '/a' }] } },
      'upstreamConfig.upstreams[0].path',
    ],
    [
      { providers: [provider], upstreamConfig: { upstreams: [{ uri: target, timeout: '5s' }] } },
      'upstreamConfig.upstreams[0].timeout',
    ],
    [
      {
        providers: [provider],
        injectRequestHeaders: [
          { name: 'X-Forwarded-User', values: [{ claimSource: { claim: 'user', prefix: 'a' } }] },
        ],
      },
      'injectRequestHeaders[0] (X-Forwarded-User)',
    ],
  ])('%j: %s is reported', (config, name) => {
    const { unsupported } = fromOAuth2Proxy({ email_domains: '*', ...config })
    expect(names(unsupported)).toContain(name)
  })

  test.each<[object, string]>([
    [{ providers: 'github' }, 'providers must be an array of objects'],
    [{ providers: [provider], server: 'x' }, 'server must be an object'],
    [{ providers: [provider], injectRequestHeaders: {} }, 'injectRequestHeaders must be an array'],
    [{ providers: [provider], upstreamConfig: 'x' }, 'upstreamConfig.upstreams must be an array'],
  ])('%j throws', (config, message) => {
    expect(() => fromOAuth2Proxy({ email_domains: '*', ...config })).toThrow(message)
  })
})

describe('spellings', () => {
  test.each([
    ['github_org', 'acme'],
    ['github-org', 'acme'],
    ['--github-org', 'acme'],
    ['OAUTH2_PROXY_GITHUB_ORG', 'acme'],
  ])('%s is the same setting', (name, value) => {
    expect(rulesOf({ email_domains: '*', [name]: value })).toEqual({
      github: { ...client, organizations: ['acme'] },
    })
  })

  test.each(['email_domain', 'email-domain', 'OAUTH2_PROXY_EMAIL_DOMAINS'])(
    '%s takes a list with commas',
    (name) => {
      expect(rulesOf({ email_domains: undefined, [name]: 'a.example,b.example' })).toEqual({
        github: { ...client, emailDomains: ['a.example', 'b.example'] },
      })
    },
  )

  test('a list of empty strings throws: without it, everyone would pass', () => {
    for (const list of [[''], ' ', ',', ['', ' ']])
      expect(() =>
        fromOAuth2Proxy({ provider: 'oidc', email_domains: '*', allowed_groups: list }),
      ).toThrow('allowed_groups must be a string or an array of strings, which are not empty')
  })

  test('a setting in two spellings throws, because one of them would be dropped', () => {
    expect(() => fromOAuth2Proxy({ ...minimal, github_org: 'a', 'github-org': 'b' })).toThrow(
      'github-org is set twice, also as github_org',
    )
  })

  test.each([
    ['168h', 604_800],
    ['168h0m0s', 604_800],
    ['1h30m', 5400],
    ['90s', 90],
    ['1500ms', 2],
    [3600, 3600],
  ])('a duration of %j is %d seconds', (cookie_expire, seconds) => {
    expect(fromOAuth2Proxy({ ...minimal, cookie_expire }).options.maximumDuration).toBe(seconds)
  })

  test.each(['soon', '1h 30m', '-1h', 'h', '1w', Number.NaN, -5])(
    'a duration of %p throws',
    (cookie_expire) => {
      expect(() => fromOAuth2Proxy({ ...minimal, cookie_expire })).toThrow(
        "cookie_expire must be a duration, as in '4h' or '1h30m'",
      )
    },
  )
})

test('no report contains a secret of the configuration', () => {
  for (const file of fixtures(kind)) {
    const { differences, unsupported } = imported(file)
    const report = JSON.stringify([differences, unsupported])
    expect(report).not.toMatch(
      /(?:app-1|redis|basic|signature)-secret|OQINaRO|0123456789abcdef|YWxwaGE/,
    )
  }
})
