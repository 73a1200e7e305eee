import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { defineProvider, memoryStore, type OAuthModuleOptions } from '../../src/index.js'
import type { VendorServer } from '../../src/dev/vendors/index.js'
import { fakeDate, realDate } from '../support/clock.js'
import { startGate, stopAll } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { logIn, startVendor } from '../support/providers.js'

let vendor: VendorServer

beforeAll(async () => {
  vendor = await startVendor('oauth2')
})
afterEach(realDate)
afterAll(stopAll)

const ida = { id: '1', name: 'Ida', email: 'ida@acme.example', emailVerified: true, claims: {} }

/** Hooks as JavaScript has them: no type checks what they return. */
function gateWith(hooks: object, options: Partial<OAuthModuleOptions> = {}) {
  const { clientId, clientSecret, authorizationUrl, tokenUrl } = vendor.options as Record<
    string,
    string
  >
  const endpoints = { authorization: String(authorizationUrl), token: String(tokenUrl) }
  const own = defineProvider({
    openid: false,
    clientId,
    clientSecret,
    scopes: [],
    endpoints,
    identity: () => ida,
    ...hooks,
  })
  return startGate({ provider: { own }, ...options })
}

const attempt = async (hooks: object, options: Partial<OAuthModuleOptions> = {}) => {
  const { status, code } = await logIn({ gate: await gateWith(hooks, options) })
  return [status, code]
}

describe('S-084 the result of the hooks of defineProvider()', () => {
  test('is the user', async () => {
    const gate = await gateWith({ identity: () => ({ ...ida, id: 7, claims: { plan: 'gold' } }) })
    expect((await logIn({ gate })).user).toMatchObject({
      key: 'own:7',
      id: '7',
      name: 'Ida',
      email: 'ida@acme.example',
      emailVerified: true,
      claims: { plan: 'gold' },
    })
  })

  test.each<[string, unknown]>([
    ['nobody', undefined],
    ['null', null],
    ['a text', 'ida'],
    ['a list', [ida]],
    ['no id', { ...ida, id: undefined }],
    ['an empty id', { ...ida, id: '' }],
    ['an object as the id', { ...ida, id: {} }],
    ['a fraction as the id', { ...ida, id: 1.5 }],
    [
      'claims in a circle',
      {
        ...ida,
        get claims() {
          const claims: Record<string, unknown> = {}
          return Object.assign(claims, { claims })
        },
      },
    ],
    ['claims that are a list', { ...ida, claims: [1] }],
    ['a BigInt in the claims', { ...ida, claims: { n: 1n } }],
  ])('as %s is rejected, without a session', async (_, identity) => {
    const store = memoryStore()
    expect(await attempt({ identity: () => identity }, { store })).toEqual([502, 'provider_error'])
    expect(await store.entries?.({ kind: 'session', limit: 10 })).toMatchObject({ entries: [] })
  })

  test.each<[string, object, Array<number | string | undefined>]>([
    ['verified as the string "false"', { emailVerified: 'false' }, [403, 'email_unverified']],
    ['verified as a number', { emailVerified: 1 }, [403, 'email_unverified']],
    ['an email in an array', { email: ['ida@acme.example'] }, [403, 'not_authorized']],
    ['verified as the string "true"', { emailVerified: 'true' }, [200, undefined]],
  ])('matches an email rule correctly: %s', async (_, facts, outcome) => {
    expect(
      await attempt({ identity: () => ({ ...ida, ...facts }), emailDomains: ['acme.example'] }),
    ).toEqual(outcome)
  })

  test.each<[string, unknown, Array<number | string | undefined>]>([
    ['a text that contains the group', { groups: 'not-admin-at-all' }, [403, 'not_authorized']],
    ['a set', { groups: new Set(['admin']) }, [403, 'not_authorized']],
    ['nothing', undefined, [403, 'not_authorized']],
    ['another list', { teams: ['admin'] }, [403, 'not_authorized']],
    ['odd entries and the group', { groups: [1, null, 'admin'] }, [200, undefined]],
  ])(
    'counts as memberships only if it is an array of strings: %s',
    async (_, memberships, outcome) => {
      expect(
        await attempt({
          membershipLists: ['groups'],
          groups: ['admin'],
          memberships: async () => memberships,
        }),
      ).toEqual(outcome)
    },
  )

  test('does not expose memberships that no rule uses', async () => {
    const gate = await gateWith({
      membershipLists: ['groups'],
      groups: ['admin'],
      memberships: async () => ({ groups: ['admin', 'secret-project'] }),
    })
    expect((await logIn({ gate })).user['groups']).toEqual(['admin'])
  })
})

describe('a hook of defineProvider() that fails', () => {
  test.each<[string, object]>([
    [
      'identity',
      {
        identity: () => {
          throw new TypeError('x is undefined')
        },
      },
    ],
    ['identity, later', { identity: async () => Promise.reject(undefined) }],
    [
      'memberships',
      {
        membershipLists: ['groups'],
        groups: ['a'],
        memberships: () => {
          throw new Error('no')
        },
      },
    ],
    [
      'restriction',
      {
        restriction: () => {
          throw new Error('no')
        },
      },
    ],
  ])('counts as a provider error: %s', async (_, hooks) => {
    expect(await attempt(hooks)).toEqual([502, 'provider_error'])
  })

  test('by never settling times out', async () => {
    expect(
      await attempt(
        { identity: () => new Promise(() => undefined) },
        { timeouts: { provider: 0.3 } },
      ),
    ).toEqual([504, 'provider_timeout'])
  })

  test('does not expose a token in its message', async () => {
    const seen: unknown[] = []
    const gate = await gateWith(
      {
        identity: ({ accessToken }: { accessToken: string }) => {
          throw new Error(`no user for ${accessToken}`)
        },
      },
      {
        onError: (error, _req, _res, next) => {
          seen.push(error.cause)
          next()
        },
      },
    )
    await logIn({ gate })
    expect(String(seen)).toBe('Error: no user for …')
  })

  test('at a re-check keeps the session, and runs again after the back-off', async () => {
    const clock = fakeDate()
    let asked = 0
    let isBroken = false
    const identity = () => {
      asked++
      if (isBroken) throw new TypeError('x is undefined')
      return ida
    }
    const gate = await gateWith({ identity }, { authCheckInterval: 60, authCheckEarly: false })
    const browser = createBrowser()
    await logIn({ gate, browser })
    isBroken = true
    clock.forward(61)
    asked = 0
    const statuses = [
      await browser.get(gate.url('/'), { follow: false }),
      await browser.get(gate.url('/'), { follow: false }),
    ].map(({ status }) => status)
    expect([statuses, asked]).toEqual([[503, 503], 1])
    isBroken = false
    clock.forward(60)
    expect((await browser.get(gate.url('/'), { follow: false })).status).toBe(200)
  })
})

describe('S-037 acceptsKey of defineProvider()', () => {
  const loginWith = async (acceptsKey: (key: Record<string, unknown>) => boolean) => {
    const oidc = await startVendor('oidc')
    const { issuer, clientId, clientSecret } = oidc.options as Record<string, string>
    const keySet = (await (await fetch(`${issuer}/jwks`)).json()) as { keys: object[] }
    // Keys of other kinds, as vendors publish them: the hook may not expect them.
    const keys = [{ kty: 'EC', kid: 'other' }, ...keySet.keys.map((key) => ({ ...key, issuer }))]
    oidc.respond('jwks', { body: { keys } })
    const endpoints = {
      authorization: `${issuer}/authorize`,
      token: `${issuer}/token`,
      userinfo: `${issuer}/userinfo`,
      jwks: `${issuer}/jwks`,
    }
    const scopes = ['openid', 'profile', 'email']
    const client = { clientId, clientSecret, scopes, issuer, endpoints }
    const own = defineProvider({ openid: true, acceptsKey, ...client })
    const { status, code } = await logIn({ gate: await startGate({ provider: { own } }) })
    return [status, code]
  }

  test('decides which keys may sign', async () => {
    expect(await loginWith((key) => 'issuer' in key)).toEqual([200, undefined])
    expect(await loginWith((key) => !('issuer' in key))).toEqual([502, 'provider_error'])
  })

  test('rejects only the keys for which it throws', async () => {
    expect(await loginWith((key) => String(key['issuer']).length > 0)).toEqual([200, undefined])
    const strict = (key: Record<string, unknown>) => (key['issuer'] as string).startsWith('http')
    expect(await loginWith(strict)).toEqual([200, undefined])
    const always = () => {
      throw new Error('no key')
    }
    expect(await loginWith(always)).toEqual([502, 'provider_error'])
  })

  test('cannot change the keys', async () => {
    const destructive = (key: Record<string, unknown>) => delete key['n'] && delete key['e']
    expect(await loginWith(destructive)).toEqual([200, undefined])
  })
})
