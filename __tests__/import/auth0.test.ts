import { afterEach, describe, expect, test } from '@jest/globals'
import { fromAuth0Connection } from '../../src/import/index.js'
import { oauth2Provider, type OAuth2Options } from '../../src/index.js'
import { startGate, stopAll } from '../support/gate.js'
import {
  ada,
  client,
  eve,
  fixtures,
  importFixture,
  logInWith,
  names,
  providerIn,
  refusalOf,
  withProvider,
} from '../support/imported.js'
import { logIn, startVendor } from '../support/providers.js'

afterEach(stopAll)

const userinfoUrl = 'https://auth.acme.example/userinfo'

interface Expected {
  name: string
  /** Options of the provider, without those that all of them have. */
  provider: object
  /** In addition to the redirect URI and the prefix of the ID. */
  differs?: string[]
  /** In addition to the script. */
  cannot?: string[]
}

const common = {
  type: 'oauth2',
  ...client,
  authorizationUrl: 'https://auth.acme.example/authorize',
  tokenUrl: 'https://auth.acme.example/token',
}

const expected: Record<string, Expected> = {
  'auth-params-map.json': {
    name: 'acme-map',
    provider: { authorizationParamsMap: { custom_param: 'access_type' } },
  },
  'auth-params.json': {
    name: 'acme-params',
    provider: { authorizationParams: { custom_param: 'custom.param.value', prompt: 'login' } },
  },
  'display.json': {
    name: 'acme-display',
    provider: {
      displayName: 'Connection Name',
      iconUrl: 'https://cdn.example.com/assets/icon.png',
    },
    differs: ['enabled_clients', 'metadata'],
  },
  'headers.json': {
    name: 'acme-headers',
    provider: { tokenHeaders: { 'X-Tenant': 'acme', 'X-Api-Key': 'custom-header-secret' } },
  },
  'minimal.json': { name: 'acme', provider: { scopes: ['profile'] } },
  'no-pkce.json': { name: 'acme-pkce', provider: { pkce: false } },
  'no-script.json': {
    name: 'acme-plain',
    provider: {},
    differs: ['options.set_user_root_attributes', 'options.non_persistent_attrs'],
  },
  'patch.json': {
    name: 'custom',
    provider: {
      displayName: 'Connection Name',
      iconUrl: 'https://cdn.example.com/assets/icon.png',
      scopes: ['auth'],
    },
    differs: ['name', 'enabled_clients'],
  },
  'reserved.json': {
    name: 'acme-reserved',
    provider: { authorizationParams: { audience: 'api' } },
    cannot: ['options.authParams.state'],
  },
  'scope-array.json': { name: 'acme-array', provider: { scopes: ['profile', 'email'] } },
  'scopes.json': {
    name: 'acme-scopes',
    provider: { scopes: ['profile', 'email', 'read:things'], connectionScopeSeparator: ' ' },
  },
  'upstream-params.json': {
    name: 'acme-upstream',
    provider: {
      authorizationParams: { screen: 'signup' },
      authorizationParamsMap: { login_hint: 'login_hint' },
    },
  },
}

const generic = Object.keys(expected)

describe.each(generic)('%s', (file) => {
  const { name, provider, differs = [], cannot = [] } = expected[file] as Expected

  test('becomes our options, with a report of what differs', () => {
    const { options, command, differences, unsupported } = importFixture('auth0', file)
    expect(options).toEqual({ provider: { [name]: { ...common, ...provider } } })
    expect(command).toEqual({})
    expect(names(differences).sort()).toEqual(['redirect URI', 'user_id', ...differs].sort())
    expect(names(unsupported)).toEqual(['options.scripts', ...cannot])
  })

  test('logs in once it is stated how the user is read, and a rule rejects others', async () => {
    const { options } = importFixture('auth0', file)
    expect(refusalOf(options)).toMatch(/userinfoUrl.*fetchUserProfile/)
    const complete = withProvider(options, { userinfoUrl, emailDomains: ['acme.example'] })
    expect(refusalOf(complete)).toBeUndefined()
    const [allowed, denied] = await logInWith(complete, ada, eve)
    expect(allowed).toMatchObject({ status: 200, user: { provider: name, id: '1815' } })
    expect(denied?.code).toBe('not_authorized')
  })
})

test('every fixture is checked', () => {
  expect([...generic, 'oidc.json', 'vendor.json'].sort()).toEqual(fixtures('auth0').sort())
})

test('static parameters and headers reach the provider', async () => {
  const { options } = importFixture('auth0', 'auth-params.json')
  const [attempt] = await logInWith(withProvider(options, { userinfoUrl }), ada)
  expect(attempt?.authorization.get('custom_param')).toBe('custom.param.value')
})

test('the script of the connection works unchanged next to the imported options', async () => {
  const { options } = importFixture('auth0', 'minimal.json')
  const vendor = await startVendor('oauth2', {
    ...client,
    users: [ada],
  })
  const { type: _, ...provider } = providerIn(options)[1]
  const fetchUserProfile = (
    accessToken: string,
    _context: unknown,
    callback: (error: unknown, profile?: object) => void,
  ) => {
    fetch(`${vendor.origin}/me`, { headers: { Authorization: `Bearer ${accessToken}` } })
      .then((response) => response.json() as Promise<{ user_id: number }>)
      .then((body) => callback(null, { user_id: `own-${body.user_id}` }))
      .catch(callback)
  }
  const imported = { ...provider, ...vendor.options, fetchUserProfile } as unknown as OAuth2Options
  const gate = await startGate({ provider: { acme: oauth2Provider(imported) } })
  expect((await logIn({ gate })).user).toMatchObject({ id: 'own-1815' })
})

test('oidc.json becomes a provider that is discovered, and logs in', async () => {
  const { options, differences, unsupported } = importFixture('auth0', 'oidc.json')
  expect(options).toEqual({
    provider: {
      'acme-oidc': {
        type: 'oidc',
        ...client,
        issuer: 'https://id.acme.example',
        defaultScopes: ['openid', 'profile', 'email'],
      },
    },
  })
  expect([names(differences), names(unsupported)]).toEqual([['redirect URI', 'user_id'], []])
  const [allowed, denied] = await logInWith(
    withProvider(options, { emailDomains: ['acme.example'] }),
    ada,
    eve,
  )
  expect([allowed?.status, denied?.code]).toEqual([200, 'not_authorized'])
})

test('vendor.json belongs to a vendor, whose provider is built in', () => {
  const { options, unsupported } = importFixture('auth0', 'vendor.json')
  expect(options).toEqual({ provider: {} })
  expect(names(unsupported)).toEqual(['strategy'])
})

describe('what cannot be converted', () => {
  test('wrong types throw one TypeError that names them all, and quotes none', () => {
    const wrong = () =>
      fromAuth0Connection({
        name: 5,
        options: {
          client_secret: ['top-secret'],
          scope: 7,
          authParams: { a: 1 },
          upstream_params: { b: 'c' },
          pkce_enabled: 'no',
          tokenURL: 'https://auth.acme.example/token',
        },
      })
    expect(wrong).toThrow(
      'Auth0 connection: name must be a string; options.client_secret must be a string; options.scope must be a string or an array of strings; options.authParams must be an object of strings; options.upstream_params.b must be an object with value or alias; options.pkce_enabled must be true or false; options.authorizationURL is missing',
    )
    expect(wrong).not.toThrow('top-secret')
    expect(() => fromAuth0Connection(undefined)).toThrow(TypeError)
  })

  test('unknown members are reported', () => {
    const { unsupported } = fromAuth0Connection({
      name: 'a',
      color: 'red',
      options: {
        authorizationURL: 'https://a',
        tokenURL: 'https://b',
        scripts: {},
        shape: 'round',
      },
    })
    expect(names(unsupported)).toEqual(['color', 'options.scripts', 'options.shape'])
  })

  test('no report contains a secret of the connection', () => {
    for (const file of fixtures('auth0')) {
      const { differences, unsupported } = importFixture('auth0', file)
      expect(JSON.stringify([differences, unsupported])).not.toContain('-secret')
    }
  })
})
