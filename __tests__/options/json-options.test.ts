import { describe, expect, test } from '@jest/globals'
import { Ajv } from 'ajv'
import { oauthModule } from '../../src/index.js'
import { optionsFromJson } from '../../src/options/json-options.js'
import { optionsSchema } from '../../src/options/json-schema.js'
import { sealSecret } from '../../src/options/sealed-secrets.js'
import { optionFields } from '../../src/options/fields.js'
import {
  fieldsOfType,
  providerTypes,
  type ProviderType,
} from '../../src/providers/provider-types.js'
import type { Fields } from '../../src/schema/field.js'
import { tables, type Row, type Table } from '../support/option-rows.js'

const validate = new Ajv({ strict: true, validateFormats: false, allowUnionTypes: true }).compile(
  optionsSchema(),
)
const secret = 'a secret for the tests of JSON, long enough'
const key = { clientId: 'client', clientSecret: 'client secret' }
const quiet = { debug() {}, info() {}, warn() {}, error() {} }

/** Where the options of a table are in a configuration. */
function place(table: string, options: Record<string, unknown>): Record<string, unknown> {
  const [, type] = /^(\w+)Provider\(\)$/.exec(table) ?? []
  const provider = { github: key }
  if (table === 'oauthModule()') return { provider, ...options }
  if (type === undefined) return { provider, [table]: options }
  return { provider: { acme: { type, ...key, ...needs[type], ...options } } }
}

const needs: Record<string, object> = {
  oidc: { issuer: 'https://id.example' },
  oauth2: {
    authorizationUrl: 'https://id.example/authorize',
    tokenUrl: 'https://id.example/token',
    userinfoUrl: 'https://id.example/userinfo',
  },
  facebook: { trustEmail: true },
  amazon: { trustEmail: true },
  microsoft: { trustEmail: true },
}

/** The fields without a sentence that describes them, except of texts. */
function undescribed(fields: Fields): string[] {
  return Object.entries(fields).flatMap(([name, { schema, details }]) => [
    ...(details.description?.endsWith('.') === true ? [] : [name]),
    ...(schema.type === 'object' && name !== 'texts' ? undescribed(schema.fields) : []),
  ])
}

const inJson = tables.filter(
  ({ name }) => !['memoryStore()', 'requireAuth()', 'pages'].includes(name),
)

/** Values that only code can supply. */
const inCode = (row: Row) => ['function', 'instance'].includes(row.takes.at(-1) ?? '')
const isInCode = ({ name }: Table, option: string, row: Row) =>
  option === 'pages' || (inCode(row) && !(name === 'oauthModule()' && option === 'texts'))

describe('the JSON Schema of the options', () => {
  test.each(
    inJson.flatMap((table) =>
      Object.entries(table.rows).map(([option, row]) => ({
        title: `${table.name} ${option}`,
        table,
        option,
        row,
      })),
    ),
  )('$title: accepts what is right, and no other kind', ({ table, option, row }) => {
    const configuration = (value: unknown) => place(table.name, { [option]: value })
    if (isInCode(table, option, row)) {
      // The store has a form of its own.
      expect(validate(configuration(option === 'store' ? 'memory' : 'text'))).toBe(
        option === 'store',
      )
      return
    }
    expect([option, validate(configuration(row.good)), validate.errors]).toEqual([
      option,
      true,
      null,
    ])
    expect(validate(configuration(null))).toBe(false)
    if (!row.takes.includes('object')) expect(validate(configuration({ a: 1 }))).toBe(false)
    if (!row.takes.includes('list') && !row.takes.includes('object'))
      expect(validate(configuration([]))).toBe(false)
  })

  test('rejects unknown names at every level', () => {
    expect(validate({ provider: 'github', unheardOf: 1 })).toBe(false)
    expect(validate({ provider: { github: { ...key, unheardOf: 1 } } })).toBe(false)
    expect(validate({ provider: { github: { ...key, allOf: [{ unheardOf: ['a'] }] } } })).toBe(
      false,
    )
    expect(validate({ provider: { acme: { ...key } } })).toBe(false)
    expect(validate({ provider: 'github', cookie: { unheardOf: 1 } })).toBe(false)
    expect(validate({})).toBe(false)
  })

  test('accepts a sealed secret and durations with a unit', () => {
    const github = { clientId: 'client', clientSecret: { sealed: 'abc' } }
    expect(validate({ provider: { github }, maximumDuration: '12h', authCheckInterval: 60 })).toBe(
      true,
    )
    expect(validate({ provider: { github }, maximumDuration: '12 hours' })).toBe(false)
  })

  test('describes every option and every option of a provider in words', () => {
    expect(undescribed(optionFields)).toEqual([])
    for (const type of Object.keys(providerTypes) as ProviderType[])
      expect([type, undescribed(fieldsOfType(type))]).toEqual([type, []])
  })
})

describe('options as JSON', () => {
  const gate = (json: unknown, context = {}) =>
    oauthModule({ secret, logger: quiet, ...optionsFromJson(json, context) })

  test('become options of oauthModule()', () => {
    const options = optionsFromJson({
      provider: { github: { ...key, organizations: ['acme'] } },
      maximumDuration: '1h30m',
      inactivityTimeout: 60,
      timeouts: { store: '500ms' },
      store: 'memory',
    })
    expect(options).toEqual({
      provider: { github: { ...key, organizations: ['acme'] } },
      maximumDuration: 5400,
      inactivityTimeout: 60,
      timeouts: { store: 0.5 },
      store: undefined,
    })
    expect(() => oauthModule({ ...options, secret, logger: quiet })).not.toThrow()
  })

  test('a type makes a provider of any name', () => {
    const provider = {
      keycloak: { type: 'oidc', issuer: 'https://id.example/realms/staff', ...key },
      ghe: { type: 'github', baseUrl: 'https://github.corp.example', ...key },
    }
    expect(() => gate({ provider })).not.toThrow()
    expect(() => gate({ provider: { keycloak: { type: 'oidc', ...key } } })).toThrow(
      /provider\.keycloak\.issuer is missing/,
    )
  })

  test.each([
    [{ keycloak: key }, /provider\.keycloak needs a type: 'oidc', 'oauth2', 'github'/],
    [{ gihub: key }, /provider\.gihub is misspelled: write github/],
    [{ acme: { type: 'githup', ...key } }, /provider\.acme\.type is misspelled: write 'github'/],
    [{ acme: { type: 4711, ...key } }, /provider\.acme\.type must be one of/],
    [{ acme: { type: 'constructor', ...key } }, /provider\.acme\.type must be one of/],
  ])('a provider without a kind is a mistake: %j', (provider, message) => {
    expect(() => optionsFromJson({ provider })).toThrow(message)
  })

  test('all mistakes of the JSON form come at once', () => {
    expect(() =>
      optionsFromJson({
        provider: { acme: key },
        authorize: 'x',
        reportOnly: { authorize: 'x' },
        store: 'sqlite',
      }),
    ).toThrow(
      /provider\.acme needs a type[\s\S]*authorize can only be set in code|authorize can only be set in code[\s\S]*reportOnly\.authorize[\s\S]*provider\.acme needs a type[\s\S]*store must be/,
    )
  })

  test('mistakes of the options come together with those of the JSON form', () => {
    const lines = (json: object, env = {}) => {
      try {
        optionsFromJson(json, { secrets: [secret], env })
        return []
      } catch (error) {
        return (error as Error).message
          .split('\n')
          .map((line) => line.split(/ (?:must|is|needs)/)[0])
      }
    }
    const provider = {
      acme: key,
      github: { ...key, clientSecret: { sealed: 'x' }, organizations: [], emailDomains: ['acme'] },
      google: {},
    }
    const json = { provider, authorize: 'x', maximumDuration: '12 hours', basePath: 'auth' }
    expect(lines(json).sort()).toEqual([
      'oauthModule.authorize can only be set in code: it has no form in JSON',
      'oauthModule.basePath',
      'oauthModule.maximumDuration',
      'oauthModule.provider.acme',
      'oauthModule.provider.github.clientSecret',
      'oauthModule.provider.github.emailDomains has an entry that',
      'oauthModule.provider.github.organizations',
      'oauthModule.provider.google.clientId',
    ])
    const env = { OAUTH_MODULE_GOOGLE_CLIENT_ID: 'a', OAUTH_MODULE_GOOGLE_CLIENT_SECRET: 'b' }
    expect(lines(json, env).join()).not.toContain('google')
  })

  test('mistakes of options are those of oauthModule()', () => {
    expect(() => gate({ provider: { github: { ...key, organisations: ['acme'] } } })).toThrow(
      /organisations': write organizations/,
    )
    expect(() => gate({ provider: { github: key }, maximumDuration: '12 hours' })).toThrow(
      "maximumDuration must be a number of seconds, or have units, as in '90s', '12h'",
    )
    expect(() => gate({ provider: { github: { ...key, emailDomains: [] } } })).toThrow(
      /emailDomains is an empty array/,
    )
  })

  test('a sealed secret is read with any of the secrets, and with no other', () => {
    const sealed = sealSecret('client secret', [secret])
    const json = { provider: { github: { clientId: 'client', clientSecret: sealed } } }
    const other = 'another secret, also of more than 32 characters'
    expect(JSON.stringify(sealed)).not.toContain('client secret')
    expect(optionsFromJson(json, { secrets: [other, secret] }).provider).toEqual({ github: key })
    expect(() => optionsFromJson(json, { secrets: [other] })).toThrow(
      /provider\.github\.clientSecret is sealed with another secret/,
    )
    expect(() => optionsFromJson(json)).toThrow(/is sealed with another secret/)
  })

  test('a store is memory, cookie, or what the URL connects to', () => {
    const json = (store: unknown) => ({ provider: { github: key }, store })
    expect(optionsFromJson(json('cookie')).store).toBeDefined()
    expect(() => optionsFromJson(json('redis://127.0.0.1'))).toThrow(
      "oauthModule.store must be 'memory', 'cookie'",
    )
    const urls: string[] = []
    const connect = (url: string) => {
      urls.push(url)
      return optionsFromJson(json('cookie')).store as never
    }
    optionsFromJson(json('rediss://cache.example:6380'), { connect })
    expect(urls).toEqual(['rediss://cache.example:6380'])
    expect(() => optionsFromJson(json('postgres://db'), { connect })).toThrow(/or a URL, as in/)
  })

  test('names of Object.prototype are unknown options', () => {
    const json = JSON.parse('{"provider":{"github":{}},"__proto__":{"enabled":false}}') as object
    expect(() => gate(json)).toThrow(/unknown option '__proto__'/)
    expect(() => optionsFromJson([])).toThrow('the options must be a JSON object')
  })
})
