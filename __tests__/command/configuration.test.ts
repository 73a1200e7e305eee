import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Ajv } from 'ajv'
import { parseArguments } from '../../src/command/arguments.js'
import { configSchema } from '../../src/command/config-schema.js'
import { loadConfiguration } from '../../src/command/configuration.js'
import type { Env } from '../../src/command/environment.js'
import { flags, isSecret, variableOf } from '../../src/command/flags.js'
import { checkRequirements, gateOptions } from '../../src/command/gate-options.js'
import { printedConfiguration } from '../../src/command/print-config.js'
import { sealedJson } from '../../src/command/seal.js'
import { connectToRedis } from '../../src/command/stores.js'
import { DEFAULT_LISTEN, parseListen, parseTarget } from '../../src/command/settings.js'
import { optionFields } from '../../src/options/fields.js'
import {
  fieldsOfType,
  providerTypes,
  type ProviderType,
} from '../../src/providers/provider-types.js'
import type { Fields } from '../../src/schema/field.js'

const folder = mkdtempSync(join(tmpdir(), 'oauth-module-'))
afterAll(() => rmSync(folder, { recursive: true }))

const file = (name: string, contents: string) => {
  const path = join(folder, name)
  writeFileSync(path, contents)
  return path
}
const load = (args: readonly string[], env: Env = {}) =>
  loadConfiguration(parseArguments(args), env)
const json = (args: readonly string[], env: Env = {}) => load(args, env).json
const client = ['--oauth-client-id', 'client', '--oauth-client-secret', 'client secret']
const key = { clientId: 'client', clientSecret: 'client secret' }
const secret = 'a secret for the tests of the command'

describe('flags', () => {
  test('the words of ngrok select a provider and restrict who may pass', () => {
    const { json, settings } = load([
      '80',
      '--oauth',
      'google',
      '--oauth-allow-email',
      'me@acme.com',
      '--oauth-allow-domain',
      'acme.com',
      '--oauth-allow-domain=acme.org',
      '--oauth-scope',
      'https://www.googleapis.com/auth/calendar',
      ...client,
    ])
    expect(json).toEqual({
      provider: {
        google: {
          ...key,
          emailAddresses: ['me@acme.com'],
          emailDomains: ['acme.com', 'acme.org'],
          scopes: ['https://www.googleapis.com/auth/calendar'],
        },
      },
    })
    expect(settings.target).toBe('80')
  })

  test('every kind of option has a form', () => {
    expect(
      json([
        '--oauth=acme',
        '--oauth-type=oidc',
        '--oauth-issuer=https://id.example',
        '--oauth-authorization-params',
        'prompt=login',
        '--oauth-authorization-params',
        'acr=a=b',
        '--oauth-endpoints-jwks=https://id.example/jwks',
        '--oauth-all-of=[{"groups":["a"]},{"emailDomains":["acme.com"]}]',
        '--options-passthrough',
        '--auth-check-early=false',
        '--auth-check-interval=300',
        '--maximum-duration=12h',
        '--header-prefix=false',
        '--cookie-same-site=None',
        '--logout-return-to=/bye',
        '--timeouts-store=0.5',
        '--secret=first',
        '--secret=second',
        '--forward-tokens=access',
        '--branding-app-name=Acme',
        '--texts-sign-in=Log in',
        '--report-only-email-domains=acme.org',
        '--sessions-per-user=3',
      ]),
    ).toEqual({
      provider: {
        acme: {
          type: 'oidc',
          issuer: 'https://id.example',
          authorizationParams: { prompt: 'login', acr: 'a=b' },
          endpoints: { jwks: 'https://id.example/jwks' },
          allOf: [{ groups: ['a'] }, { emailDomains: ['acme.com'] }],
        },
      },
      optionsPassthrough: true,
      authCheckEarly: false,
      authCheckInterval: 300,
      maximumDuration: '12h',
      headerPrefix: false,
      cookie: { sameSite: 'None' },
      logout: { returnTo: '/bye' },
      timeouts: { store: 0.5 },
      secret: ['first', 'second'],
      forwardTokens: 'access',
      branding: { appName: 'Acme' },
      texts: { signIn: 'Log in' },
      reportOnly: { emailDomains: ['acme.org'] },
      sessionsPerUser: 3,
    })
  })

  test.each([
    [
      ['--oauth-alow-domain', 'acme.com'],
      '--oauth-alow-domain is not a flag: write --oauth-allow-domain',
    ],
    [['--client-id', 'x'], '--client-id is not a flag: write --oauth-client-id'],
    [['--issuer', 'x'], '--issuer is not a flag: write --oauth-issuer'],
    [['--no-enabled'], '--no-enabled is not a flag: write --enabled=false'],
    [['-x'], '-x is not a flag: oauth-module --help'],
    [['--oauth', '--secret=x'], '--oauth needs a value, and another flag follows it'],
    [['--oauth'], '--oauth needs a value'],
    [['--config'], '--config needs a value'],
    [['--base-url', 'http://a', '--base-url', 'http://b'], '--base-url is given 2 times'],
    [['--oauth=google', '--oauth-all-of', '{'], '--oauth-all-of must be JSON'],
    [['--oauth=google', '--oauth-token-headers', 'x'], '--oauth-token-headers must be name=value'],
    [['--oauth-client-id', 'x'], '--oauth-client-id needs a provider: name it'],
    [
      ['--oauth', 'google', '--oauth', 'github', '--oauth-client-id', 'x'],
      '--oauth-client-id is for one provider, and there are 2',
    ],
    [['--target', '3000/path'], 'must not have a path'],
    [['--listen', ':::'], 'listen must be a port, a host, or both'],
    [['--listen', '70000'], 'listen has a port above 65535'],
    [['--trusted-proxy', '10.0.0.0/64'], 'neither an address nor a network'],
    [['--allow-path', '/health'], "write it as in 'GET /health'"],
    [['--allow-path', 'GET /a/*/b'], "wildcard elsewhere than '/*' at the end"],
    [['--allow-path', 'GET /a//b'], 'no request with such a path is allowed'],
  ])('%j is a mistake that names the fix', (args, message) => {
    expect(() => load(args)).toThrow(message)
  })

  test('a path without login may contain encoded characters, as its requests do', () => {
    const { settings } = load(['--allow-path', 'GET /assets/%C3%A9.png'])
    expect(settings.allowPath).toEqual(['GET /assets/%C3%A9.png'])
  })

  test('every option that is not a function has a flag', () => {
    const paths = new Set(flags.map(({ path }) => path.join('.')))
    const missing = (fields: Fields, at: string): string[] =>
      Object.entries(fields).flatMap(([name, { schema }]) => {
        const path = `${at}${name}`
        if (schema.type === 'function' || paths.has(path)) return []
        return schema.type === 'object' ? missing(schema.fields, `${path}.`) : [path]
      })
    // Only code can supply a logger.
    expect(missing(optionFields, '')).toEqual(['logger'])
    for (const type of Object.keys(providerTypes) as ProviderType[])
      expect(missing(fieldsOfType(type), 'provider.*.')).toEqual([])
  })

  test('no two flags have the same name, or the same variable', () => {
    const names = flags.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(new Set(names.map(variableOf)).size).toBe(names.length)
  })
})

describe('the environment', () => {
  test('sets options by the name of the flag; commas separate entries', () => {
    expect(
      json([], {
        OAUTH_MODULE_OAUTH: 'github',
        OAUTH_MODULE_OAUTH_CLIENT_ID: 'client',
        OAUTH_MODULE_OAUTH_CLIENT_SECRET: 'client secret',
        OAUTH_MODULE_OAUTH_ORGANIZATIONS: 'acme, acme-labs',
        OAUTH_MODULE_AUTH_CHECK_INTERVAL: '5m',
        OAUTH_MODULE_OPTIONS_PASSTHROUGH: 'true',
        HOME: '/root',
      }),
    ).toEqual({
      provider: { github: { ...key, organizations: ['acme', 'acme-labs'] } },
      authCheckInterval: '5m',
      optionsPassthrough: true,
    })
  })

  test('an unknown variable is a mistake: a rule must not get lost', () => {
    expect(() => load([], { OAUTH_MODULE_OAUTH_ALLOW_DOMAINS: 'acme.com' })).toThrow(
      'the variable OAUTH_MODULE_OAUTH_ALLOW_DOMAINS is not known: write OAUTH_MODULE_OAUTH_ALLOW_DOMAIN',
    )
    expect(() => load([], { OAUTH_MODULE_ALLOW_DOMAIN: 'acme.com' })).toThrow(
      'write OAUTH_MODULE_OAUTH_ALLOW_DOMAIN',
    )
    expect(() =>
      load([], { OAUTH_MODULE_DEV: '1', OAUTH_MODULE_GITHUB_CLIENT_ID: 'x' }),
    ).not.toThrow()
  })

  test('an empty rule list is a mistake, as with an unset variable in Docker Compose', () => {
    const configuration = load(['3000', '--oauth', 'google', ...client], {
      OAUTH_MODULE_OAUTH_ALLOW_DOMAIN: '',
    })
    const options = gateOptions(configuration, {}, () => {
      throw new Error('not used')
    })
    expect(options.provider).toEqual({ google: { ...key, emailDomains: [''] } })
  })
})

describe('the configuration file', () => {
  const yaml = `
# yaml-language-server: $schema=schema.json
target: http://127.0.0.1:3000
provider:
  github:
    clientId: client
    clientSecret: client secret
    organizations: [acme]
maximumDuration: 12h
cookie:
  sameSite: Lax
`

  test('is JSON or YAML', () => {
    const expected = {
      provider: { github: { ...key, organizations: ['acme'] } },
      maximumDuration: '12h',
      cookie: { sameSite: 'Lax' },
    }
    expect(json(['--config', file('a.yaml', yaml)])).toEqual(expected)
    const { settings } = load(['--config', file('a.yml', yaml)])
    expect(settings.target).toBe('http://127.0.0.1:3000')
    const text = JSON.stringify({ $schema: './schema.json', ...expected })
    expect(json(['--config', file('a.json', text)])).toEqual(expected)
    expect(json([], { OAUTH_MODULE_CONFIG: file('a.json', text) })).toEqual(expected)
  })

  test('flags win over the environment, and the environment over the file', () => {
    const args = ['--config', file('a.yaml', yaml), '--cookie-domain', 'acme.com']
    const env = {
      OAUTH_MODULE_MAXIMUM_DURATION: '6h',
      OAUTH_MODULE_OAUTH_ORGANIZATIONS: 'other',
      OAUTH_MODULE_INACTIVITY_TIMEOUT: '1h',
    }
    expect(json([...args, '--maximum-duration', '1h'], env)).toEqual({
      provider: { github: { ...key, organizations: ['other'] } },
      maximumDuration: '1h',
      inactivityTimeout: '1h',
      cookie: { sameSite: 'Lax', domain: 'acme.com' },
    })
  })

  test('--oauth selects providers of the file, with their options, and drops the others', () => {
    const provider = { github: key, google: { ...key, hostedDomain: 'acme.com' } }
    const path = file('two.json', JSON.stringify({ provider }))
    expect(json(['--config', path]).provider).toEqual(provider)
    expect(json(['--config', path, '--oauth', 'google']).provider).toEqual({
      google: provider.google,
    })
    expect(
      json(['--config', path, '--oauth', 'gitlab', '--oauth-client-id', 'x']).provider,
    ).toEqual({ gitlab: { clientId: 'x' } })
  })

  test('a provider may be given by its name alone', () => {
    const path = file('name.yaml', 'provider: github\n')
    const env = { OAUTH_MODULE_OAUTH_CLIENT_ID: 'client' }
    expect(json(['--config', path], env).provider).toEqual({ github: { clientId: 'client' } })
  })

  test.each([
    ['twice.yaml', 'provider: github\nprovider: google\n', 'the same name twice in line 2'],
    [
      'twice.json',
      '{"provider":{"github":{"emailDomains":["a.com"],\n"emailDomains":["b.com"]}}}',
      'the same name twice in line 2',
    ],
    ['broken.json', '{"secret": hunter2-hunter2}', 'is not valid JSON'],
    ['broken.yaml', 'secret: "hunter2-hunter2\n', 'is not valid YAML'],
    ['list.yaml', '- github\n', 'must contain an object of options'],
    ['empty.yaml', '', 'must contain an object of options'],
    [
      'typo.yaml',
      'provder: github\nbaseURL: x\n',
      "'provder' is not an option: write provider\n'baseURL' is not an option: write baseUrl",
    ],
  ])('%s: a mistake names the file or the line, and quotes no value', (name, text, message) => {
    const problem = problemOf(() => load(['--config', file(name, text)]))
    expect(problem).toContain(message)
    expect(problem).not.toContain('hunter2')
  })

  test('a file that does not exist, or is a folder, is a mistake', () => {
    expect(() => load(['--config', join(folder, 'missing.yaml')])).toThrow('it does not exist')
    expect(() => load(['--config', folder])).toThrow('it is a folder')
  })
})

const problemOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    return error instanceof Error ? error.message : ''
  }
  return 'no error'
}

describe('secrets', () => {
  test('come from files, named by a flag, a variable, or in the file', () => {
    const path = file('client-secret', 'client secret\n')
    const provider = { github: key }
    const id = ['--oauth', 'github', '--oauth-client-id', 'client']
    expect(json([...id, '--oauth-client-secret-file', path]).provider).toEqual(provider)
    expect(json(id, { OAUTH_MODULE_OAUTH_CLIENT_SECRET_FILE: path }).provider).toEqual(provider)
    const relative = { github: { clientId: 'client', clientSecret: { file: 'client-secret' } } }
    const config = file('secret.json', JSON.stringify({ provider: relative }))
    expect(json(['--config', config]).provider).toEqual(provider)
  })

  test('a file that is missing or empty is a mistake', () => {
    const id = ['--oauth', 'github', '--oauth-client-id', 'client']
    expect(() => load([...id, '--oauth-client-secret-file', join(folder, 'none')])).toThrow(
      'it does not exist',
    )
    expect(() => load([...id, '--oauth-client-secret-file', file('empty', '\n')])).toThrow(
      'is empty',
    )
  })

  test('a sealed secret is opened with the secret of the gate', () => {
    const sealed = JSON.parse(
      sealedJson('client secret\n', { OAUTH_MODULE_SECRET: secret }),
    ) as object
    const provider = { github: { clientId: 'client', clientSecret: sealed } }
    const config = file('sealed.json', JSON.stringify({ provider }))
    const connect = () => {
      throw new Error('not used')
    }
    const options = (env: Env) => gateOptions(load(['--config', config], env), env, connect)
    expect(options({ OAUTH_MODULE_SECRET: secret }).provider).toEqual({ github: key })
    expect(() => options({ OAUTH_MODULE_SECRET: secret.toUpperCase() })).toThrow(
      'is sealed with another secret',
    )
  })

  test('are printed by no mistake and not by --print-config', () => {
    const secrets = flags.filter(({ schema, isFile }) => isSecret(schema) && !isFile)
    expect(secrets.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['oauth-client-secret', 'secret']),
    )
    const configuration = load(
      [
        '3000',
        '--oauth=google',
        '--oauth-client-id=client',
        '--oauth-client-secret=hunter2',
        '--oauth-token-headers=x-key=hunter2',
        '--store=redis://user:hunter2@127.0.0.1:6379/1',
        '--maximum-duration=12h',
      ],
      { OAUTH_MODULE_SECRET: 'hunter2-hunter2-hunter2-hunter2-hunter2' },
    )
    const printed = printedConfiguration(configuration)
    expect(printed).not.toContain('hunter2')
    expect(printed).toMatch(/^maximumDuration: "12h" +# --maximum-duration$/m)
    expect(printed).toMatch(
      /^provider\.google\.clientSecret: \(secret\) +# --oauth-client-secret$/m,
    )
    expect(printed).toMatch(/^secret: \(secret\) +# OAUTH_MODULE_SECRET$/m)
    expect(printed).toMatch(
      /^store: "redis:\/\/\(user\):\(secret\)@127\.0\.0\.1:6379\/1" +# --store$/m,
    )
    expect(printed).toMatch(/^target: "3000" +# the argument$/m)
    expect(printed).toMatch(/^authCheckInterval: 0 +# default$/m)
  })
})

describe('what the command requires', () => {
  const check = (args: readonly string[], env: Env = {}, listen = DEFAULT_LISTEN) =>
    checkRequirements(load(args, env), env, listen)

  test('a provider, and a client ID, with one sentence on how to get one', () => {
    expect(() => check(['3000'])).toThrow(
      'no provider is configured: name one, as in --oauth google',
    )
    expect(() => check(['3000', '--oauth', 'github'])).toThrow(
      'no client ID for github: register an app at https://github.com/settings/developers with the redirect URI http://127.0.0.1:8080/auth/callback, and set --oauth-client-id',
    )
    expect(() =>
      check(['3000', '--oauth', 'github'], { OAUTH_MODULE_GITHUB_CLIENT_ID: 'client' }),
    ).not.toThrow()
    expect(() => check(['3000', '--oauth', 'dev'])).not.toThrow()
  })

  test('secret and base URL beyond loopback', () => {
    const listen = parseListen('0.0.0.0:8080')
    const args = ['3000', '--oauth', 'github', ...client]
    expect(() => check(args, {}, listen)).toThrow('--secret and --base-url are required')
    expect(() => check([...args, '--base-url', 'https://a.example'], {}, listen)).toThrow(
      '--secret is required',
    )
    const env = { OAUTH_MODULE_SECRET: secret }
    expect(() => check([...args, '--base-url', 'https://a.example'], env, listen)).not.toThrow()
    expect(() => check(args, {}, parseListen('[::1]:80'))).not.toThrow()
    expect(() => check(args, {}, parseListen('localhost'))).not.toThrow()
    expect(() => check(args, {}, parseListen('::'))).toThrow('are required')
  })

  test('tokens are forwarded, except with the headers of another product', () => {
    const connect = () => {
      throw new Error('not used')
    }
    const forwardTokens = (...args: string[]) =>
      gateOptions(load(['--oauth', 'github', ...client, ...args]), {}, connect).forwardTokens
    expect(forwardTokens()).toBe(true)
    expect(forwardTokens('--forward-tokens=access')).toBe('access')
    expect(forwardTokens('--header-prefix=oauth2-proxy')).toBeUndefined()
    expect(forwardTokens('--header-prefix=false')).toBeUndefined()
    const managed = load(['--oauth', 'github'])
    expect(gateOptions(managed, {}, connect).forwardTokens).toBeUndefined()
  })
})

describe('addresses', () => {
  test.each([
    ['80', 'http://127.0.0.1/'],
    ['app:3000', 'http://app:3000/'],
    ['http://[::1]:3000', 'http://[::1]:3000/'],
    ['https://app.internal', 'https://app.internal/'],
  ])('the target %s is %s', (given, href) => {
    expect(parseTarget(given).href).toBe(href)
  })

  test.each([
    ['9000', { host: '127.0.0.1', port: 9000 }],
    ['0.0.0.0', { host: '0.0.0.0', port: 8080 }],
    ['[::]:9000', { host: '::', port: 9000 }],
    ['::1', { host: '::1', port: 8080 }],
    ['gate.internal:9000', { host: 'gate.internal', port: 9000 }],
  ])('listens for %s at %j', (given, address) => {
    expect(parseListen(given)).toEqual(address)
  })

  test.each(['ftp://app', 'http://u:p@app', 'http://app/path', 'http://app/?a', '70000', 'a b'])(
    'the target %s is a mistake',
    (given) => {
      expect(() => parseTarget(given)).toThrow()
    },
  )
})

describe('the JSON Schema of configuration files', () => {
  let validate: (value: unknown) => boolean
  beforeAll(() => {
    validate = new Ajv({ strict: true, validateFormats: false }).compile(configSchema())
  })

  test('accepts the settings of the command, and secrets from files', () => {
    expect(
      validate({
        $schema: './schema.json',
        target: 'http://127.0.0.1:3000',
        listen: '0.0.0.0:8080',
        allowPath: ['GET /health'],
        trustedProxy: ['loopback'],
        authRequest: 'forward',
        provider: { github: { clientId: 'client', clientSecret: { file: 'client-secret' } } },
        store: 'redis://127.0.0.1',
      }),
    ).toBe(true)
    expect(validate({ provider: { github: {} }, traget: '3000' })).toBe(false)
    expect(validate({ provider: { github: { clientSecret: { path: 'x' } } } })).toBe(false)
  })
})

describe('no rule gets lost', () => {
  const rules = { provider: { github: { ...key, organizations: ['acme'] } } }
  const path = file('rules.json', JSON.stringify(rules))

  test('by an empty object of a stronger layer', () => {
    const env = { OAUTH_MODULE_PROVIDER: '{"github":{}}' }
    expect(json(['80', '--config', path], env)).toEqual(rules)
    expect(json(['80', '--config', path, '--provider', '{"github":{}}'])).toEqual(rules)
  })

  test('by a second file, or by an empty name of the file', () => {
    const other = file('other.json', JSON.stringify({ provider: { github: key } }))
    expect(() => load(['80', '--config', path, '--config', other])).toThrow('given twice')
    const env = { OAUTH_MODULE_CONFIG: '' }
    expect(() => load(['80', '--oauth', 'github', ...client], env)).toThrow(
      'OAUTH_MODULE_CONFIG is empty',
    )
  })
})

describe('--print-config prints no secret', () => {
  const canary = 'c4n4ry'
  const printed = (name: string, options: object) =>
    printedConfiguration(load(['80', '--config', file(name, JSON.stringify(options))]))

  test.each<[string, object]>([
    ['a misspelled option', { provider: { github: { client_secret: canary } } }],
    ['a misspelled option', { provider: { github: { clientsecret: { value: canary } } } }],
    ['a list of providers', { provider: [{ clientSecret: canary }] }],
    ['a list of headers', { provider: { a: [{ tokenHeaders: { 'x-key': canary } }] } }],
    ['a URL of a store', { store: `redis://user:${canary}@redis:6379/0` }],
    ['a password with a number sign', { store: `redis://user:1#${canary}@redis:6379` }],
    ['a password with a slash', { store: `redis://user:1/${canary}@redis:6379` }],
    ['a password with a question mark', { store: `redis://:1?${canary}@redis:6379` }],
    ['a password with a percent sign', { store: `redis://:%zz${canary}@redis:6379/%zz` }],
    ['a store that is no URL', { store: `user:${canary}@redis:6379` }],
    ['another URL', { baseUrl: `https://user:${canary}@app.example` }],
    ['a URL of the provider', { provider: { a: { issuer: `https://${canary}@issuer.example` } } }],
  ])('in %s', (_, options) => {
    expect(printed('canary.json', options)).not.toContain(canary)
  })

  test('and what is none stays readable', () => {
    const text = printed('plain.json', {
      store: 'redis://redis:6379/0',
      baseUrl: 'https://app.example/path?a=b',
      forwardTokens: false,
      provider: { a: { type: 'oidc', issuer: 'https://issuer.example/a@b', scopes: ['x@y'] } },
    })
    expect(text).toContain('store: "redis://redis:6379/0"')
    expect(text).toContain('"https://app.example/path?a=b"')
    expect(text).toContain('forwardTokens: false')
    expect(text).toContain('["x@y"]')
  })
})

test('aliases that expand without end are a mistake in the file', () => {
  const levels = ['a: &a [x,x,x,x,x,x,x,x,x,x]']
  for (const [from, to] of ['ab', 'bc', 'cd'])
    levels.push(`${to}: &${to} [${Array(10).fill(`*${from}`).join(',')}]`)
  const bomb = file('bomb.yaml', `${levels.join('\n')}\nprovider: *d\n`)
  expect(() => load(['80', '--config', bomb])).toThrow('aliases that expand too much')
})

test.each([
  'redis://:1#c4n4ry@h:6379',
  'redis://h:6379/c4n4ry',
  'redis://h?c4n4ry',
  'redis://:@/0',
])('a store that is no URL of Redis is a mistake that is not quoted', (url) => {
  const connect = () => connectToRedis(url, () => undefined)
  expect(connect).toThrow('encode special characters')
  expect(connect).not.toThrow('c4n4ry')
})
