import { afterEach, describe, expect, test } from '@jest/globals'
import { fromNgrokModule, type ImportResult } from '../../src/import/index.js'
import { stopAll } from '../support/gate.js'
import {
  ada,
  client,
  eve,
  fixtures,
  importFixture,
  logInWith,
  names,
  refusalOf,
  withProvider,
} from '../support/imported.js'

afterEach(stopAll)

interface Expected {
  options: object
  /** In addition to the redirect URI, which always differs. */
  differs?: string[]
  cannot?: string[]
}

const expected: Record<string, Expected> = {
  'agent.json': {
    options: {
      provider: {
        github: {
          ...client,
          scopes: ['repo'],
          emailAddresses: ['ada@acme.example'],
          emailDomains: ['staff.example'],
        },
      },
    },
  },
  'amazon.json': { options: { provider: { amazon: client }, authCheckInterval: 600 } },
  'disabled.json': {
    options: {
      provider: { google: { ...client, emailDomains: ['acme.example'] } },
      enabled: false,
    },
    differs: ['enabled'],
  },
  'durations.json': {
    options: {
      provider: { google: { ...client, emailDomains: ['acme.example'] } },
      maximumDuration: 3600,
      authCheckInterval: 900,
    },
    differs: ['inactivityTimeout'],
  },
  'facebook-nulls.json': { options: { provider: { facebook: client } } },
  'github-organization.json': {
    options: {
      provider: {
        github: {
          ...client,
          scopes: ['repo'],
          organizations: ['acme'],
          teams: ['partner/ops'],
        },
      },
      cookiePrefix: 'acme.',
      authCheckInterval: 60,
    },
  },
  'github-team-id.json': { options: { provider: { github: { ...client, teams: ['4711'] } } } },
  'gitlab.json': {
    options: {
      provider: { gitlab: { ...client, emailDomains: ['acme.example'] } },
      maximumDuration: 28_800,
    },
  },
  'google-domain.json': {
    options: {
      provider: { google: { ...client, emailDomains: ['acme.example'] } },
      optionsPassthrough: true,
      cookiePrefix: 'ngrok.',
      inactivityTimeout: 3600,
      maximumDuration: 86_400,
      authCheckInterval: 300,
    },
  },
  'google-emails.json': {
    options: {
      provider: {
        google: {
          ...client,
          scopes: ['https://www.googleapis.com/auth/calendar.readonly'],
          emailAddresses: ['ada@acme.example', 'bob@partner.example'],
          emailDomains: ['staff.example'],
        },
      },
    },
  },
  'linkedin-scopes.json': {
    options: { provider: { linkedin: { ...client, emailDomains: ['acme.example'] } } },
    differs: ['provider.linkedin.scopes'],
  },
  'managed.json': {
    options: { provider: { google: { emailDomains: ['acme.example'] } } },
    differs: ['provider.google'],
  },
  'microsoft.json': {
    options: { provider: { microsoft: { ...client, emailDomains: ['acme.example'] } } },
    cannot: ['provider.microsoft'],
  },
  'twitch.json': {
    options: {
      provider: {
        twitch: {
          ...client,
          scopes: ['user:read:email'],
          emailAddresses: ['ada@acme.example'],
        },
      },
    },
  },
}

test.each(fixtures('ngrok'))('%s becomes our options, with a report of what differs', (file) => {
  const { options, command, differences, unsupported } = importFixture('ngrok', file)
  const { options: ours, differs = [], cannot = [] } = expected[file] ?? { options: {} }
  expect(options).toEqual(ours)
  expect(command).toEqual({})
  expect(names(differences).sort()).toEqual(['redirect URI', ...differs].sort())
  expect(names(unsupported)).toEqual(cannot)
})

test('every expectation has its fixture', () => {
  expect(Object.keys(expected).sort()).toEqual(fixtures('ngrok').sort())
})

describe('a gate with imported options', () => {
  test.each([
    'agent.json',
    'durations.json',
    'gitlab.json',
    'google-domain.json',
    'google-emails.json',
    'linkedin-scopes.json',
    'twitch.json',
  ])('%s lets the user with the address in, and rejects others', async (file) => {
    const { options } = importFixture('ngrok', file)
    expect(refusalOf(options)).toBeUndefined()
    const [allowed, denied] = await logInWith(options, ada, eve)
    expect(allowed).toMatchObject({ status: 200, user: { email: 'ada@acme.example' } })
    expect(denied).toMatchObject({ status: 403, code: 'not_authorized' })
  })

  test('github-organization.json lets members of the organization or of the team in', async () => {
    const { options } = importFixture('ngrok', 'github-organization.json')
    const [member, teammate, stranger] = await logInWith(
      options,
      { ...ada, organizations: ['acme'] },
      { ...ada, organizations: ['partner'], teams: ['partner/ops'] },
      { ...ada, organizations: ['partner'], teams: ['partner/sales'] },
    )
    expect([member?.status, teammate?.status, stranger?.code]).toEqual([200, 200, 'not_authorized'])
  })

  test('github-team-id.json lets members of the team in', async () => {
    const { options } = importFixture('ngrok', 'github-team-id.json')
    const team = (id: number) => [{ organization: 'acme', slug: 'ops', id }]
    const [member, stranger] = await logInWith(
      options,
      { ...ada, organizations: ['acme'], teams: team(4711) },
      { ...ada, organizations: ['acme'], teams: team(1) },
    )
    expect([member?.status, stranger?.code]).toEqual([200, 'not_authorized'])
  })

  test.each(['amazon.json', 'facebook-nulls.json'])(
    '%s has no rule, so every user passes, as at ngrok',
    async (file) => {
      const { options } = importFixture('ngrok', file)
      const [user] = await logInWith(options, eve)
      expect(user?.status).toBe(200)
    },
  )

  test('managed.json needs a registration of its own, which the report asks for', async () => {
    const { options } = importFixture('ngrok', 'managed.json')
    expect(refusalOf(options)).toContain('OAUTH_MODULE_GOOGLE_CLIENT_ID')
    const [allowed, denied] = await logInWith(withProvider(options, client), ada, eve)
    expect([allowed?.status, denied?.code]).toEqual([200, 'not_authorized'])
  })

  test('microsoft.json is not accepted before the owner decides about unverified addresses', async () => {
    const { options } = importFixture('ngrok', 'microsoft.json')
    expect(refusalOf(options)).toContain('trustEmail')
    const tenant = '11111111-2222-3333-4444-555555555555'
    const [allowed, denied] = await logInWith(
      withProvider(options, { tenant }),
      { ...ada, id: 'b', tid: tenant },
      { ...eve, id: 'c', tid: tenant },
    )
    expect([allowed?.status, denied?.code]).toEqual([200, 'not_authorized'])
  })

  test('disabled.json lets requests pass without a login', async () => {
    const { options } = importFixture('ngrok', 'disabled.json')
    const [attempt] = await logInWith(options, ada)
    expect(attempt?.seen.user).toBeNull()
  })
})

describe('what cannot be converted', () => {
  test('the request of the API and the file of an agent are taken as a whole', () => {
    const oauth = { provider: 'google', client_id: 'a', client_secret: 'b' }
    const agent = { proto: 'http', addr: 80, hostname: 'a.example', oauth, basic_auth: ['a:b'] }
    const { command, differences, unsupported } = fromNgrokModule(agent)
    expect(command).toEqual({ target: '80' })
    expect(names(differences)).toEqual(['hostname', 'redirect URI'])
    expect(names(unsupported)).toEqual(['basic_auth'])
    const request = { edge_id: 'a', id: 'b', module: { provider: { google: {} } }, extra: 1 }
    expect(unsupportedNames(fromNgrokModule(request))).toEqual(['extra'])
    expect(unsupportedNames(fromNgrokModule({ proto: 'tcp', oauth }))).toEqual(['proto'])
    expect(() => fromNgrokModule({ addr: true, oauth })).toThrow('addr must be a port')
    expect(() => fromNgrokModule({ module: 'google' })).toThrow('must be an object')
  })

  test('values of the wrong type throw one TypeError that names them all, and quotes none', () => {
    const wrong = () =>
      fromNgrokModule({
        enabled: 'yes',
        provider: { google: { client_id: 1, client_secret: 'top-secret', scopes: 'email' } },
        maximum_duration: 'soon',
      })
    expect(wrong).toThrow(TypeError)
    expect(wrong).toThrow(
      "ngrok OAuth module: enabled must be true or false; provider.google.client_id must be a string; provider.google.scopes must be an array of strings; maximum_duration must be a duration, as in 3600, '4h' or '1h30m'",
    )
    expect(wrong).not.toThrow('top-secret')
  })

  test.each([undefined, null, 'google', 7, []])('%p is not a configuration', (value) => {
    expect(() => fromNgrokModule(value)).toThrow(TypeError)
  })

  test('a list of empty strings throws: without it, everyone would pass', () => {
    for (const list of [[''], [' ', '']])
      expect(() => fromNgrokModule({ provider: { github: { organizations: list } } })).toThrow(
        'github.organizations must not have only empty strings',
      )
  })

  test('a module without a provider throws', () => {
    expect(() => fromNgrokModule({ enabled: true })).toThrow('provider is missing')
  })

  test.each<[object, string]>([
    [{ provider: { google: {} }, session_length: 5 }, 'session_length'],
    [{ provider: { google: { teams: ['a/b'] } } }, 'provider.google.teams'],
    [{ provider: { google: {}, okta: {} } }, 'provider.okta'],
    [{ provider: 'okta' }, 'provider'],
    [{ provider: { google: { scopes: ['calendar'] } } }, 'provider.google.scopes'],
  ])('%j reports what is unknown, or cannot be', (module, name) => {
    expect(unsupportedNames(fromNgrokModule(module))).toEqual([name])
  })

  test('names of members of Object.prototype are unknown, too', () => {
    const module = { provider: { google: {} }, toString: 'x', constructor: 'y' }
    expect(unsupportedNames(fromNgrokModule(module))).toEqual(['toString', 'constructor'])
  })

  test('a duration of more than a year is shortened, and reported', () => {
    const { options, differences } = fromNgrokModule({
      provider: { google: {} },
      maximum_duration: '9600h',
    })
    expect(options.maximumDuration).toBe(365 * 86_400)
    expect(names(differences)).toContain('maximum_duration')
  })
})

function unsupportedNames({ unsupported }: ImportResult): string[] {
  return names(unsupported)
}
