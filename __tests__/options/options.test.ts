import { afterEach, describe, expect, test } from '@jest/globals'
import {
  defineProvider,
  githubProvider,
  type Logger,
  memoryStore,
  oauthModule,
  type OAuthModuleOptions,
  oidcProvider,
} from '../../src/index.js'

const clientId = 'the-client-id'
const clientSecret = 'the-client-secret'
const github = { clientId, clientSecret }
const secret = 'a secret of more than 32 characters for tests'
const warnings: string[] = []
const silent = () => undefined
const logger: Logger = {
  debug: silent,
  info: silent,
  warn: (message) => void warnings.push(message),
  error: silent,
}
const oidc = (more: object = {}) =>
  oidcProvider({ issuer: 'https://idp.example', clientId, clientSecret, ...more })

afterEach(() => {
  warnings.length = 0
  for (const name of [
    'NODE_ENV',
    'OAUTH_MODULE_SECRET',
    'OAUTH_MODULE_GITHUB_CLIENT_ID',
    'OAUTH_MODULE_GITHUB_CLIENT_SECRET',
  ])
    delete process.env[name]
})

/** Foreign data, as from JavaScript: types do not check it. */
const make = (options: unknown) => () => oauthModule(options as OAuthModuleOptions)
const makeWith = (more: object) => make({ provider: { github }, secret, logger, ...more })

describe('S-102 S-086 wrong options throw a TypeError that names the option and quotes no value', () => {
  test.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /oauthModule must be an object/],
    ['a list', [], /must be an object/],
    [
      'a class',
      new (class {
        provider = 'github'
      })(),
      /plain object/,
    ],
    ['no provider', { secret }, /provider is missing/],
    ['an empty provider', { provider: {}, secret }, /names no provider/],
    ['an unknown provider', { provider: 'gihtub', secret }, /provider must be one of github, /],
    [
      'a provider in upper case',
      { provider: { GitHub: github }, secret },
      /write github in lower case/,
    ],
    [
      'options of no provider',
      { provider: { mine: github }, secret },
      /provider\.mine is not a built-in provider/,
    ],
    ['a provider that is a list', { provider: [github], secret }, /provider must be/],
    [
      'a null provider',
      { provider: { github: null }, secret },
      /provider\.github must be an object/,
    ],
  ])('%s', (_, options, message) => {
    expect(make(options)).toThrow(TypeError)
    expect(make(options)).toThrow(message)
  })

  test.each(['-x', 'x-', 'a b', 'a/b', 'ä', '', 'x'.repeat(65), 'a.b'])(
    'the provider name "%s"',
    (name) => {
      expect(make({ provider: { [name]: oidc() }, secret })).toThrow(
        /a name starts and ends with a letter or digit/,
      )
    },
  )

  test.each<[string, Record<string, unknown>, RegExp]>([
    ['an unknown option', { colour: 1 }, /unknown option 'colour'/],
    ['snake case', { cookie_prefix: 'x' }, /unknown option 'cookie_prefix': write cookiePrefix/],
    ['snake case', { maximum_duration: 1 }, /write maximumDuration/],
    ['enabled', { enabled: 'yes' }, /\.enabled must be true or false/],
    ['enabled null', { enabled: 0 }, /\.enabled/],
    ['optionsPassthrough', { optionsPassthrough: 'true' }, /\.optionsPassthrough/],
    ['inactivityTimeout', { inactivityTimeout: -1 }, /\.inactivityTimeout/],
    ['inactivityTimeout', { inactivityTimeout: NaN }, /\.inactivityTimeout/],
    ['inactivityTimeout', { inactivityTimeout: Infinity }, /\.inactivityTimeout/],
    ['inactivityTimeout', { inactivityTimeout: '60' }, /\.inactivityTimeout/],
    ['inactivityTimeout null', { inactivityTimeout: null }, /\.inactivityTimeout/],
    [
      'maximumDuration beyond what a cookie lives',
      { maximumDuration: 401 * 86_400 },
      /\.maximumDuration/,
    ],
    [
      'a timeout longer than the maximum',
      { inactivityTimeout: 100, maximumDuration: 50 },
      /\.inactivityTimeout must not be longer/,
    ],
    ['a short secret', { secret: 'short' }, /\.secret must have at least 32 characters/],
    [
      'a store that was not called',
      { store: memoryStore },
      /\.store is not a session store: it lacks get, set, update, delete\. Call memoryStore\(\)/,
    ],
    [
      'a client of Redis',
      { store: { get() {}, set() {}, del() {} } },
      /\.store is not a session store: it lacks update, delete\. .*redisStore\(\)/,
    ],
    ['no secrets', { secret: [] }, /\.secret is an empty array/],
    [
      'a short secret among others',
      { secret: [secret, 'short'] },
      /\.secret must have at least 32/,
    ],
    [
      'the same secret twice',
      { secret: [secret, secret] },
      /\.secret contains the same secret twice/,
    ],
    ['a secret that is a number', { secret: 1 }, /\.secret must be a string/],
    ['baseUrl', { baseUrl: '/app' }, /\.baseUrl must be an absolute URL/],
    ['baseUrl', { baseUrl: 'ftp://app.example' }, /\.baseUrl must be an https URL/],
    ['baseUrl', { baseUrl: 'https://u:p@app.example' }, /\.baseUrl must not contain a user/],
    ['baseUrl', { baseUrl: 'https://app.example/?x=1' }, /\.baseUrl must not contain a query/],
    ['baseUrl', { baseUrl: 'https://app.example/#x' }, /\.baseUrl/],
    ['basePath', { basePath: 'auth' }, /\.basePath must be a path/],
    ['basePath', { basePath: '/auth/' }, /\.basePath/],
    ['basePath', { basePath: '/' }, /\.basePath/],
    ['basePath', { basePath: '/a/../b' }, /\.basePath/],
    ['cookiePrefix', { cookiePrefix: 'a;b' }, /\.cookiePrefix/],
    ['cookiePrefix', { cookiePrefix: 'a b' }, /\.cookiePrefix/],
    ['cookiePrefix', { cookiePrefix: 'a\r\nSet-Cookie: x' }, /\.cookiePrefix/],
    ['cookiePrefix', { cookiePrefix: '' }, /\.cookiePrefix/],
    ['cookiePrefix', { cookiePrefix: '__Host-x' }, /\.cookiePrefix must not start with __Host-/],
    ['cookiePrefix', { cookiePrefix: '__SECURE-x' }, /\.cookiePrefix/],
    [
      'cookie.sameSite',
      { cookie: { sameSite: 'Strict' } },
      /\.cookie\.sameSite must be one of 'Lax', 'None'/,
    ],
    [
      'cookie.sameSite',
      { cookie: { sameSite: 'None', secure: false } },
      /\.sameSite cannot be 'None' without Secure/,
    ],
    [
      'cookie.sameSite',
      { cookie: { sameSite: 'None' }, baseUrl: 'http://localhost' },
      /cookie\.sameSite cannot be 'None' with an http baseUrl/,
    ],
    ['baseUrl', { baseUrl: 'http://app.example' }, /baseUrl is plain http.*cookie\.secure: false/],
    [
      'cookie.secure',
      { cookie: { secure: true }, baseUrl: 'http://app.example' },
      /cookie\.secure cannot be true with an http baseUrl/,
    ],
    ['cookie.path', { cookie: { path: 'x' } }, /\.cookie\.path/],
    ['cookie.path', { cookie: { path: '/x;y' } }, /\.cookie\.path/],
    ['cookie.domain', { cookie: { domain: 'a b' } }, /\.cookie\.domain/],
    ['cookie.httpOnly', { cookie: { httpOnly: false } }, /unknown option 'httpOnly'/],
    ['headerPrefix', { headerPrefix: 'x' }, /\.headerPrefix must be lowercase/],
    ['headerPrefix', { headerPrefix: 'x-' }, /\.headerPrefix/],
    ['headerPrefix', { headerPrefix: 'X-Acme-' }, /\.headerPrefix/],
    ['headerPrefix', { headerPrefix: 'x-acme' }, /\.headerPrefix/],
    ['headerPrefix', { headerPrefix: true }, /\.headerPrefix/],
    [
      'forwardTokens',
      { forwardTokens: 'refresh' },
      /\.forwardTokens must be one of 'hidden', true, 'access', false/,
    ],
    ['userProperty', { userProperty: 'user' }, /\.userProperty/],
    ['store', { store: {} }, /\.store .*get, set/],
    ['store', { store: 'redis' }, /\.store/],
    ['store', { store: null }, /\.store/],
    ['authorize', { authorize: true }, /\.authorize must be a function/],
    ['rulesVersion', { rulesVersion: 1 }, /\.rulesVersion/],
    ['unauthenticated', { unauthenticated: 'allow' }, /\.unauthenticated must be one of/],
    ['logout', { logout: 'https://x' }, /\.logout must be an object/],
    [
      'logout.returnTo',
      { logout: { returnTo: 'https://evil.example' } },
      /\.logout\.returnTo must be a path/,
    ],
    ['logout.returnTo', { logout: { returnTo: '//evil.example' } }, /\.logout\.returnTo/],
    ['logout.returnTo', { logout: { returnTo: '/\\evil.example' } }, /\.logout\.returnTo/],
    ['pages', { pages: { login: silent } }, /unknown option 'login'/],
    ['pages', { pages: { error: '<p>' } }, /\.pages\.error must be a function/],
    ['id', { id: 'a "b"' }, /\.id/],
    ['id', { id: '' }, /\.id/],
    ['timeouts', { timeouts: { provider: 0 } }, /\.timeouts\.provider/],
    ['timeouts', { timeouts: { redis: 1 } }, /unknown option 'redis'/],
    ['clockTolerance', { clockTolerance: 3600 }, /\.clockTolerance/],
    ['onError', { onError: {} }, /\.onError must be a function/],
    ['logger', { logger: console.log }, /\.logger must have the methods/],
    ['logger', { logger: { info: silent } }, /\.logger must have the methods/],
  ])('%s', (_, more, message) => {
    expect(makeWith(more)).toThrow(TypeError)
    expect(makeWith(more)).toThrow(message)
    // Unknown names are shown; values never are.
    for (const value of Object.values(more)) {
      if (typeof value === 'string' && value.length > 6)
        expect(makeWith(more)).not.toThrow(new RegExp(value.replace(/[^\w]/g, '\\$&')))
    }
  })

  test.each<[string, Record<string, unknown>, RegExp]>([
    ['an undefined client id', { clientId: undefined }, /github\.clientId is missing or undefined/],
    [
      'an undefined secret',
      { clientSecret: undefined },
      /github\.clientSecret is missing or undefined/,
    ],
    ['an empty secret', { clientSecret: '' }, /github\.clientSecret/],
    [
      'a secret with a line break',
      { clientSecret: 'abc\n' },
      /github\.clientSecret must not contain control/,
    ],
    ['an unknown option', { client_id: 'x' }, /'client_id': write clientId/],
    ['an unknown option', { tenant: 'x' }, /unknown option 'tenant'/],
    [
      'emailAddresses as a text',
      { emailAddresses: 'a@b.example' },
      /github\.emailAddresses must be an array/,
    ],
    ['an empty list', { emailAddresses: [] }, /github\.emailAddresses is an empty array/],
    [
      'an empty entry',
      { emailAddresses: [''] },
      /github\.emailAddresses must contain only non-empty strings/,
    ],
    [
      'null as an entry',
      { emailAddresses: [null] },
      /github\.emailAddresses must contain only non-empty strings/,
    ],
    [
      'no address',
      { emailAddresses: ['*'] },
      /github\.emailAddresses has an entry that is not an email/,
    ],
    ['no address', { emailAddresses: ['a@b@c.example'] }, /not an email/],
    ['blanks', { emailAddresses: [' a@b.example'] }, /whitespace/],
    ['twice', { emailAddresses: ['a@b.example', 'A@B.example'] }, /contains the same entry twice/],
    [
      'a domain with an at',
      { emailDomains: ['@acme.example'] },
      /github\.emailDomains has an entry that is not a domain/,
    ],
    ['a wildcard domain', { emailDomains: ['*.acme.example'] }, /not a domain/],
    ['a top-level domain', { emailDomains: ['com'] }, /not a domain/],
    ['a domain that is not ASCII', { emailDomains: ['müller.example'] }, /punycode/],
    [
      'an organization',
      { organizations: ['a/b'] },
      /github\.organizations has an entry that is not a slug/,
    ],
    ['a team', { teams: ['engineering'] }, /github\.teams has an entry that is not a team/],
    ['a team', { teams: ['a/b/c'] }, /not a team/],
    ['groups at GitHub', { groups: ['x'] }, /unknown option 'groups'/],
    [
      'a scope with whitespace',
      { scopes: ['a b'] },
      /github\.scopes has an entry that is not a scope/,
    ],
    ['a scope with a quote', { scopes: ['a"'] }, /not a scope/],
    [
      'a reserved parameter',
      { authorizationParams: { state: 'x' } },
      /github\.authorizationParams must not set state/,
    ],
    [
      'a reserved parameter',
      { authorizationParams: { redirect_uri: 'x' } },
      /must not set redirect_uri/,
    ],
    [
      'a parameter that is not a string',
      { authorizationParams: { a: 1 } },
      /must contain only strings/,
    ],
    [
      'a mapped reserved parameter',
      { authorizationParamsMap: { scope: 'x' } },
      /github\.authorizationParamsMap must not set scope/,
    ],
    [
      'a map from our own parameter',
      { authorizationParamsMap: { hint: 'return_token' } },
      /must not read return_token/,
    ],
    [
      'a header with a line break',
      { tokenHeaders: { 'x-a': 'a\r\nb: c' } },
      /github\.tokenHeaders/,
    ],
    ['a header name', { tokenHeaders: { 'x a': 'b' } }, /header name/],
    ['the host header', { tokenHeaders: { Host: 'b' } }, /must not set host/],
    [
      'an http endpoint',
      { endpoints: { token: 'http://evil.example/' } },
      /github\.endpoints\.token must be an https URL/,
    ],
    [
      'an unknown endpoint',
      { endpoints: { authorize: 'https://x.example' } },
      /unknown option 'authorize'/,
    ],
    ['an http icon', { iconUrl: 'http://x.example/i.png' }, /github\.iconUrl must be an https URL/],
    ['trustEmail', { trustEmail: 'yes' }, /github\.trustEmail/],
    ['clientAuth', { clientAuth: 'header' }, /github\.clientAuth/],
    ['clientAuth that the vendor fixes', { clientAuth: 'basic' }, /github\.clientAuth is fixed/],
    ['baseUrl', { baseUrl: 'github.acme.example' }, /github\.baseUrl must be an absolute URL/],
  ])('of a provider: %s', (_, more, message) => {
    const wrong = make({ provider: { github: { ...github, ...more } }, secret, logger })
    expect(wrong).toThrow(TypeError)
    expect(wrong).toThrow(message)
    expect(wrong).not.toThrow(/the-client-/)
  })

  test('of a client: a secret without authentication, no private key', () => {
    expect(make({ provider: { x: oidc({ clientAuth: 'none' }) }, secret })).toThrow(
      /provider\.x\.clientSecret must be left out/,
    )
    expect(make({ provider: { x: oidc({ clientAuth: 'private_key_jwt' }) }, secret })).toThrow(
      /provider\.x\.clientSecret must be a private key/,
    )
  })

  test('of oidcProvider: no issuer, a discovery URL, or an http issuer', () => {
    expect(
      make({
        provider: { x: oidc({ issuer: 'https://idp.example/.well-known/openid-configuration' }) },
        secret,
      }),
    ).toThrow(/provider\.x\.issuer must be the issuer alone/)
    expect(make({ provider: { x: oidc({ issuer: undefined }) }, secret })).toThrow(
      /provider\.x\.issuer is missing/,
    )
    expect(make({ provider: { x: oidc({ issuer: 'http://idp.example' }) }, secret })).toThrow(
      /https/,
    )
    expect(
      make({ provider: { x: oidc({ issuer: 'http://127.0.0.1:1' }) }, secret, logger }),
    ).not.toThrow()
  })

  test('S-102 inherited keys are not options', () => {
    const provider = JSON.parse(
      '{"__proto__":{"clientId":"x"},"github":{"clientId":"a","clientSecret":"b"}}',
    )
    expect(make({ provider, secret })).toThrow(/provider\.__proto__/)
    expect(make(Object.create({ provider: 'github' }))).toThrow(TypeError)
    expect(({} as Record<string, unknown>)['clientId']).toBeUndefined()
  })
})

describe('valid options', () => {
  test('a provider name reads its client from the environment, or names the missing variable', () => {
    expect(make({ provider: 'github', secret })).toThrow(/OAUTH_MODULE_GITHUB_CLIENT_ID/)
    process.env['OAUTH_MODULE_GITHUB_CLIENT_ID'] = 'id'
    expect(make({ provider: 'github', secret })).toThrow(/OAUTH_MODULE_GITHUB_CLIENT_SECRET/)
    process.env['OAUTH_MODULE_GITHUB_CLIENT_SECRET'] = 'secret'
    expect(make({ provider: 'github', secret, logger })).not.toThrow()
  })

  test('undefined options count as absent', () => {
    const absent = Object.fromEntries(
      ['enabled', 'baseUrl', 'store', 'cookie', 'pages', 'timeouts', 'logout', 'id'].map((name) => [
        name,
        undefined,
      ]),
    )
    expect(makeWith(absent)).not.toThrow()
  })

  test('a cookie of a domain and a path around baseUrl', () => {
    const around = (cookie: object) => makeWith({ baseUrl: 'https://a.app.example/app/x', cookie })
    for (const domain of ['a.app.example', 'app.example', '.app.example', 'APP.example'])
      expect(around({ domain })).not.toThrow()
    for (const path of ['/', '/app', '/app/', '/app/x']) expect(around({ path })).not.toThrow()
  })

  test('report-only rules that some of the providers can satisfy', () => {
    const facebook = (more: object) => ({
      facebook: { clientId, clientSecret, ...more },
      amazon: { clientId, clientSecret },
    })
    expect(
      makeWith({ provider: facebook({}), reportOnly: { emailDomains: ['acme.example'] } }),
    ).toThrow(/reportOnly\.emailDomains cannot be met/)
    expect(
      makeWith({
        provider: facebook({ trustEmail: true }),
        reportOnly: { emailDomains: ['acme.example'] },
      }),
    ).not.toThrow()
  })

  test('several providers, two of one kind and a custom one', () => {
    const own = defineProvider({
      clientId,
      clientSecret,
      openid: false,
      scopes: ['read'],
      endpoints: {
        authorization: 'https://x.example/a',
        token: 'https://x.example/t',
        userinfo: 'https://x.example/u',
      },
    })
    expect(
      makeWith({
        provider: {
          github,
          ghe: githubProvider({ ...github, baseUrl: 'https://github.acme.example' }),
          idp: oidc(),
          own,
        },
      }),
    ).not.toThrow()
  })

  test('the middleware has no property that Connect would call', () => {
    const middleware = makeWith({})()
    expect(middleware).toHaveLength(3)
    for (const name of ['handle', 'set', 'emit']) expect(name in middleware).toBe(false)
    expect(JSON.stringify(middleware) ?? '').not.toContain('secret')
  })

  test('construction needs no network and does not keep the process alive', async () => {
    const middleware = makeWith({
      provider: {
        idp: oidcProvider({ issuer: 'https://nowhere.invalid', clientId, clientSecret }),
      },
    })()
    await expect(middleware.close()).resolves.toBeUndefined()
  })
})

describe('several mistakes', () => {
  const complaint = (options: object) => {
    try {
      makeWith(options)()
    } catch (error) {
      return (error as Error).message.split('\n')
    }
    return []
  }

  test('are reported at once, one per line, with those between options', () => {
    const found = complaint({
      enabled: 'yes',
      cookie: { path: 'x', sameSite: 'Strict' },
      organisations: ['acme'],
      inactivityTimeout: 100,
      maximumDuration: 50,
      provider: { github: { clientId, organisations: ['acme'], emailDomains: ['com'] }, gihub: {} },
    })
    expect(found).toEqual([
      expect.stringMatching(/^oauthModule has an unknown option 'organisations'; known are /),
      'oauthModule.enabled must be true or false',
      "oauthModule.cookie.sameSite must be one of 'Lax', 'None'",
      'oauthModule.cookie.path must be a path that starts with a slash',
      "oauthModule.provider.github has an unknown option 'organisations': write organizations",
      expect.stringMatching(/^oauthModule.provider.github.emailDomains has an entry that is not a/),
      expect.stringMatching(/^oauthModule.provider.github.clientSecret is missing or undefined/),
      'oauthModule.provider.gihub is misspelled: write github',
      'oauthModule.inactivityTimeout must not be longer than maximumDuration',
    ])
  })

  test('a mistake causes no second message about the same option', () => {
    expect(complaint({ baseUrl: 'app', cookie: { domain: 'other.example' } })).toHaveLength(1)
    expect(complaint({ provider: { x: oidc({ issuer: 1 }) } })).toHaveLength(1)
    expect(complaint({ store: {}, sessionsPerUser: 5 })).toHaveLength(1)
    expect(complaint({ secret: 1 })).toHaveLength(1)
  })
})

describe('the secret', () => {
  test('is required in production; the environment may contain several', () => {
    process.env['NODE_ENV'] = 'production'
    expect(make({ provider: { github }, logger })).toThrow(
      /oauthModule\.secret is missing.*OAUTH_MODULE_SECRET/,
    )
    process.env['OAUTH_MODULE_SECRET'] = `${secret}, ${secret.toUpperCase()}`
    expect(make({ provider: { github }, logger })).not.toThrow()
    process.env['OAUTH_MODULE_SECRET'] = `${secret},short`
    expect(make({ provider: { github }, logger })).toThrow(
      /secret from OAUTH_MODULE_SECRET, where commas separate several, must have at least 32 characters/,
    )
  })

  test('is random elsewhere, with one warning', () => {
    make({ provider: { github }, logger })()
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('no secret is set')
    make({ provider: { github }, logger, secret })()
    expect(warnings).toHaveLength(1)
  })

  test('the memory store is warned about once in production', () => {
    process.env['NODE_ENV'] = 'production'
    makeWith({})()
    expect(warnings).toEqual([expect.stringContaining('memory of this process')])
  })
})
