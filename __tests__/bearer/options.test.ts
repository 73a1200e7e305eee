import { describe, expect, test } from '@jest/globals'
import {
  memoryStore,
  oauth2Provider,
  oauthModule,
  type OAuthModuleOptions,
  oidcProvider,
} from '../../src/index.js'
import { optionsFromJson } from '../../src/options/json-options.js'

const secret = 'a secret for tests, longer than 32 characters'
const logger = { debug() {}, info() {}, warn() {}, error() {} }
const client = { clientId: 'web', clientSecret: 'the secret of the client' }
const issuer = 'https://id.example.com'
const open = { staff: oidcProvider({ ...client, issuer }) }
const restricted = { staff: oidcProvider({ ...client, issuer, groups: ['staff'] }) }

const create = (bearer: unknown, provider: OAuthModuleOptions['provider'] = open) =>
  oauthModule({ provider, secret, logger, store: memoryStore(), bearer: bearer as never })

const entry = { issuer, audience: 'https://api.example.com' }

type Provider = OAuthModuleOptions['provider']

const accepted: readonly [string, unknown, Provider?][] = [
  ['no lists, and none at the provider', { issuers: [entry] }],
  ['an array of audiences', { issuers: [{ ...entry, audience: ['a', 'b'] }] }],
  ['its own lists', { issuers: [{ ...entry, groups: ['staff'] }] }, restricted],
  ['the lists of a provider', { issuers: [{ ...entry, provider: 'staff' }] }, restricted],
  ['a resource', { issuers: [entry], resource: 'https://app.example.com/mcp' }],
  ['two audiences of one issuer', { issuers: [entry, { ...entry, audience: 'other' }] }],
  ['introspection', { issuers: [{ ...entry, introspection: client }] }],
  [
    'introspection by one client for two audiences',
    {
      issuers: [
        { ...entry, introspection: client },
        { ...entry, audience: 'other', introspection: client },
      ],
    },
  ],
  [
    "introspection with the provider's client",
    { issuers: [{ ...entry, provider: 'staff', introspection: {} }] },
  ],
  [
    'another issuer, with idClaim',
    { issuers: [{ ...entry, issuer: `${issuer}/x`, provider: 'staff', idClaim: 'uid' }] },
  ],
  ['undefined', undefined],
]

const rejected: readonly [string, unknown, RegExp, Provider?][] = [
  ['no issuers', {}, /bearer\.issuers is missing/],
  ['an empty array', { issuers: [] }, /bearer\.issuers is an empty array/],
  ['an object', { issuers: entry }, /bearer\.issuers must be an array/],
  ['no issuer', { issuers: [{ audience: 'a' }] }, /issuers\[0\]\.issuer is missing/],
  [
    'an issuer of an unset variable',
    { issuers: [{ issuer: undefined, audience: 'a' }] },
    /issuers\[0\]\.issuer is missing/,
  ],
  ['no audience', { issuers: [{ issuer }] }, /issuers\[0\]\.audience is missing.*other services/],
  [
    'an audience of an unset variable',
    { issuers: [{ issuer, audience: undefined }] },
    /audience is missing/,
  ],
  ['an empty audience', { issuers: [{ issuer, audience: '' }] }, /audience is an empty string/],
  ['no audiences', { issuers: [{ issuer, audience: [] }] }, /audience is an empty array/],
  [
    'an empty one among them',
    { issuers: [{ issuer, audience: ['a', ''] }] },
    /audience must contain only non-empty strings/,
  ],
  [
    'plain http',
    { issuers: [{ ...entry, issuer: 'http://id.example.com' }] },
    /issuer must be an https URL/,
  ],
  [
    'the URL of the metadata',
    { issuers: [{ ...entry, issuer: `${issuer}/.well-known/openid-configuration` }] },
    /must be the issuer alone/,
  ],
  [
    'introspection of one issuer by two clients',
    {
      issuers: [
        { ...entry, introspection: client },
        { ...entry, audience: 'other', introspection: { ...client, clientId: 'api' } },
      ],
    },
    /issuers\[1\]\.introspection differs from that of an earlier entry/,
  ],
  [
    'two key sets of one issuer',
    {
      issuers: [
        { ...entry, endpoints: { jwks: `${issuer}/jwks` } },
        { ...entry, audience: 'other', endpoints: { jwks: `${issuer}/keys` } },
      ],
    },
    /issuers\[1\]\.endpoints\.jwks differs from that of an earlier entry/,
  ],
  ['snake_case', { issuers: [{ ...entry, id_claim: 'oid' }] }, /write idClaim/],
  [
    'organizations',
    { issuers: [{ ...entry, organizations: ['acme'] }] },
    /unknown option 'organizations'/,
  ],
  [
    'an unknown provider',
    { issuers: [{ ...entry, provider: 'staf' }] },
    /provider is not the name of a provider: write staff/,
  ],
  [
    'both lists and a provider',
    { issuers: [{ ...entry, provider: 'staff', groups: ['a'] }] },
    /has lists and a provider/,
  ],
  [
    'neither, where logins are restricted',
    { issuers: [entry] },
    /every token of this issuer would pass.*provider: 'staff'/,
    restricted,
  ],
  [
    'a list of an unset variable',
    { issuers: [{ ...entry, groups: undefined }] },
    /groups is undefined/,
  ],
  [
    'a provider of an unset variable',
    { issuers: [{ ...entry, provider: undefined }] },
    /provider is undefined/,
  ],
  [
    'an idClaim of an unset variable',
    { issuers: [{ ...entry, idClaim: undefined }] },
    /idClaim is undefined/,
  ],
  [
    'a provider with another issuer',
    { issuers: [{ ...entry, issuer: `${issuer}/x`, provider: 'staff' }] },
    /users of two issuers must not be confused/,
  ],
  [
    'a provider without OpenID Connect',
    { issuers: [{ ...entry, provider: 'github' }] },
    /provider cannot be github.*Give the entry its own lists/,
    { github: client },
  ],
  [
    'half of a client',
    { issuers: [{ ...entry, introspection: { clientId: 'a' } }] },
    /needs both clientId and clientSecret/,
  ],
  ['no client', { issuers: [{ ...entry, introspection: {} }] }, /needs clientId and clientSecret/],
  [
    'the same audience twice',
    { issuers: [entry, { ...entry, groups: ['a'] }] },
    /issuers\[1\]\.audience repeats/,
  ],
  [
    'issuers whose users could be confused',
    { issuers: [entry, { ...entry, issuer: `${issuer}:8443` }] },
    /issuers\[1\]\.issuer continues/,
  ],
  [
    'a provider whose users could be confused',
    { issuers: [entry] },
    /issuers\[0\]\.issuer continues/,
    { https: oidcProvider({ ...client, issuer }) },
  ],
  [
    'a resource with a query',
    { issuers: [entry], resource: 'https://app.example.com/?x' },
    /resource must have no query/,
  ],
  [
    'a resource with a fragment',
    { issuers: [entry], resource: 'https://app.example.com/#x' },
    /resource must not contain/,
  ],
  [
    'the URL of the metadata as resource',
    { issuers: [entry], resource: 'https://app.example.com/.well-known/oauth-protected-resource' },
    /resource must be the URL of the app/,
  ],
]

// Jest passes a callback to a test with more parameters than a row.
describe('the option bearer', () => {
  test.each(accepted.map((row) => ({ row, name: row[0] })))('accepts $name', ({ row }) => {
    const [, bearer, provider] = row
    expect(() => create(bearer, provider)).not.toThrow()
  })

  test.each(rejected.map((row) => ({ row, name: row[0] })))('rejects $name', ({ row }) => {
    const [, bearer, message, provider] = row
    expect(() => create(bearer, provider)).toThrow(TypeError)
    expect(() => create(bearer, provider)).toThrow(message)
  })

  test('reports all mistakes at once, without values', () => {
    const bearer = {
      issuers: [
        { issuer: 'http://canary.example', audience: 'a' },
        { issuer, audience: '', introspection: { clientId: 'canary', clientSecret: '' } },
      ],
    }
    try {
      create(bearer)
      throw new Error('it was accepted')
    } catch (error) {
      const { message } = error as Error
      expect(message.split('\n').length).toBeGreaterThanOrEqual(3)
      expect(message).not.toContain('canary')
    }
  })

  test('a provider without OpenID Connect that code defines cannot be named either', () => {
    const custom = oauth2Provider({
      ...client,
      authorizationUrl: 'https://id.example.com/authorize',
      tokenUrl: 'https://id.example.com/token',
      fetchUserProfile: async () => ({ user_id: '1' }),
    })
    expect(() => create({ issuers: [{ ...entry, provider: 'acme' }] }, { acme: custom })).toThrow(
      /provider cannot be acme/,
    )
  })

  test('can be set in JSON', () => {
    const options = optionsFromJson({
      provider: { staff: { type: 'oidc', issuer, ...client } },
      bearer: {
        issuers: [{ ...entry, introspection: client }],
        resource: 'https://app.example.com',
      },
    })
    expect(() => oauthModule({ ...options, secret, logger })).not.toThrow()
  })
})
