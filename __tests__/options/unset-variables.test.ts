import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  defineProvider,
  googleProvider,
  microsoftProvider,
  oauth2Provider,
  oauthModule,
  type OAuthModuleOptions,
  oidcProvider,
} from '../../src/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { secret, startGate, stopAll, stopping } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'

const client = { clientId: 'the-client-id', clientSecret: 'the-client-secret' }
const silent = () => undefined
const logger = { debug: silent, info: silent, warn: silent, error: silent }
/** `process.env.ORGS?.split(',')` of a variable that is not set. */
const unset = process.env['A_VARIABLE_THAT_IS_NOT_SET']?.split(',')

function mistakesOf(work: () => unknown): readonly string[] {
  try {
    work()
  } catch (error) {
    if (error instanceof TypeError) return error.message.split('\n')
    throw error
  }
  return []
}
const create = (options: object) =>
  oauthModule({ secret, logger, ...options } as unknown as OAuthModuleOptions)
const mistakesAt = (provider: object, more: object = {}) =>
  mistakesOf(() => create({ provider, ...more }))

describe('C9: a rule that is read from an unset variable', () => {
  test('throws in oauthModule(), where it would have let everyone pass, and names the option', () => {
    for (const list of ['organizations', 'teams', 'emailAddresses', 'emailDomains', 'scopes'])
      expect(mistakesAt({ github: { ...client, [list]: unset } })).toEqual([
        expect.stringMatching(
          new RegExp(
            `^oauthModule\\.provider\\.github\\.${list} is undefined: .* environment variable`,
          ),
        ),
      ])
    expect(mistakesAt({ github: client }, { authorize: undefined })).toEqual([
      expect.stringMatching(/^oauthModule\.authorize is undefined/),
    ])
  })

  test('throws for tenant, hostedDomain, verifiedEmailClaim, groups, and the hook restriction', () => {
    const mistakes = mistakesAt({
      microsoft: { ...client, tenant: undefined, verifiedEmailClaim: undefined, groups: unset },
      google: { ...client, hostedDomain: undefined },
      gitlab: { ...client, groups: unset },
      other: microsoftProvider({ ...client, tenant: undefined }),
      second: googleProvider({ ...client, hostedDomain: undefined }),
      idp: oidcProvider({ issuer: 'https://idp.example', ...client, groups: unset }),
      acme: oauth2Provider({
        ...client,
        authorizationUrl: 'https://acme.example/authorize',
        tokenUrl: 'https://acme.example/token',
        userinfoUrl: 'https://acme.example/me',
        scopes: unset,
      }),
      own: defineProvider({
        ...client,
        openid: true,
        issuer: 'https://own.example',
        scopes: ['openid'],
        restriction: undefined,
      }),
    })
    expect(
      mistakes.map((line) => line.replace(/^oauthModule\.provider\.|( is undefined).*/g, '$1')),
    ).toEqual([
      'microsoft.tenant is undefined',
      'microsoft.verifiedEmailClaim is undefined',
      'microsoft.groups is undefined',
      'google.hostedDomain is undefined',
      'gitlab.groups is undefined',
      'other.tenant is undefined',
      'second.hostedDomain is undefined',
      'idp.groups is undefined',
      'acme.scopes is undefined',
      'own.restriction is undefined',
    ])
  })

  test('throws in reportOnly', () => {
    const reportOnly = { organizations: unset, authorize: undefined, emailDomains: ['a.example'] }
    expect(mistakesAt({ github: client }, { reportOnly })).toEqual([
      expect.stringMatching(/^oauthModule\.reportOnly\.organizations is undefined/),
      expect.stringMatching(/^oauthModule\.reportOnly\.authorize is undefined/),
    ])
  })

  test('throws in requireAuth(), also if the rules as a whole are undefined', () => {
    const auth = create({ provider: { github: client } })
    const guard = { teams: unset, scopes: unset, maxAge: undefined, authorize: undefined }
    expect(mistakesOf(() => auth.requireAuth(guard)).map((line) => line.split(':')[0])).toEqual([
      'requireAuth().teams is undefined',
      'requireAuth().authorize is undefined',
      'requireAuth().scopes is undefined',
      'requireAuth().maxAge is undefined',
    ])
    expect(mistakesOf(() => auth.requireAuth(undefined))).toEqual([
      expect.stringMatching(/must not be called with undefined: leave out the argument/),
    ])
    expect(() => auth.requireAuth()).not.toThrow()
  })

  test('options that restrict no one may be undefined', () => {
    const provider = {
      github: {
        ...client,
        optionalScopes: undefined,
        displayName: undefined,
        trustEmail: undefined,
      },
    }
    const more = { baseUrl: undefined, authCheckInterval: undefined, reportOnly: undefined }
    expect(mistakesAt(provider, more)).toEqual([])
  })
})

describe('C9: a variable that Docker Compose sets to an empty string', () => {
  test('throws for client ID and secret, with one message about each', () => {
    expect(mistakesAt({ github: { clientId: '', clientSecret: '' } })).toEqual([
      expect.stringMatching(/github\.clientId is an empty string: .* environment variable/),
      expect.stringMatching(/github\.clientSecret is an empty string: .* environment variable/),
    ])
    expect(mistakesAt({ github: { clientId: undefined, clientSecret: undefined } })).toEqual([
      expect.stringMatching(/github\.clientId is missing or undefined/),
      expect.stringMatching(/github\.clientSecret is missing or undefined/),
    ])
  })

  test.each(['organizations', 'emailAddresses', 'scopes', 'optionalScopes'])(
    'throws for %s: an empty array, an empty entry, an undefined entry',
    (list) => {
      const mistakesWith = (value: unknown) => mistakesAt({ github: { ...client, [list]: value } })
      expect(mistakesWith([])).toEqual([
        expect.stringMatching(new RegExp(`${list} is an empty array: .* environment variable`)),
      ])
      expect(mistakesWith(''.split(','))).toEqual([
        expect.stringMatching(
          new RegExp(`${list} .*an entry is an empty string, as from ''\\.split`),
        ),
      ])
      expect(mistakesWith([undefined])).toEqual([
        expect.stringMatching(new RegExp(`${list} .*an entry is undefined`)),
      ])
    },
  )

  test('throws for scopes of oauth2Provider(), which may be a string', () => {
    const acme = oauth2Provider({
      ...client,
      authorizationUrl: 'https://acme.example/authorize',
      tokenUrl: 'https://acme.example/token',
      userinfoUrl: 'https://acme.example/me',
      scopes: '',
    })
    expect(mistakesAt({ acme })).toEqual([expect.stringMatching(/acme\.scopes is an empty string/)])
  })

  test('throws for tenant and hostedDomain', () => {
    expect(
      mistakesAt({ microsoft: { ...client, tenant: '' }, google: { ...client, hostedDomain: '' } }),
    ).toEqual([
      expect.stringMatching(/microsoft\.tenant is an empty string/),
      expect.stringMatching(/google\.hostedDomain is an empty string/),
    ])
  })
})

describe('C9: while the gate runs', () => {
  let github: VendorServer
  beforeAll(async () => {
    github = stopping(await startVendor('github'))
  })
  afterAll(stopAll)

  test('reconfigure() with a rule that has disappeared throws, and the old rule still denies', async () => {
    const only = { ...github.options, organizations: ['other'] }
    const gate = await startGate({ provider: { github: only } })
    expect((await createBrowser().get(gate.url('/'))).status).toBe(403)
    const provider = { github: { ...github.options, organizations: unset } }
    expect(mistakesOf(() => gate.middleware.reconfigure({ provider, logger }))).toEqual([
      expect.stringMatching(/^reconfigure\(\)\.provider\.github\.organizations is undefined/),
    ])
    expect((await createBrowser().get(gate.url('/'))).status).toBe(403)
    expect(gate.reached).toEqual([])
  })
})
