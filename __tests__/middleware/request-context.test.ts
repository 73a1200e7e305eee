import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  facebookProvider,
  memoryStore,
  oauthModule,
  type OAuthContext,
  type OAuthModuleOptions,
} from '../../src/index.js'
import type { VendorServer } from '../../src/dev/vendors/index.js'
import { bodyOf, secret, startGate, stopAll, stopping, valueOfCookie } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { providerOf, startVendor } from '../support/providers.js'

let vendor: VendorServer

beforeAll(async () => {
  vendor = await startVendor('oidc')
})
afterAll(stopAll)

type User = { id: string } | undefined

/** Compiles only if `isAuthenticated` tells the two kinds of context apart. */
function describeContext(oauth: OAuthContext): readonly [boolean, string, number | undefined] {
  if (oauth.isAuthenticated) {
    const { user, provider, sessionHandle, createdAt } = oauth
    const parts: readonly string[] = [user.key, provider, sessionHandle.slice(0, 0)]
    return [true, parts.join(), createdAt]
  }
  const reason: 'none' | 'expired' | 'revoked' | 'denied' = oauth.reason
  return [false, reason, oauth.createdAt]
}

describe('req.oauth', () => {
  test('is one of two types: an authenticated one with a user, or one with a reason', async () => {
    const store = memoryStore()
    const gate = await startGate(
      { provider: providerOf(vendor), store, unauthenticated: 'pass' },
      {
        routes: (app) =>
          app.get('/', (req, res) => {
            const enumerable = Object.keys(req.oauth)
            res.json([describeContext(req.oauth), enumerable, req.oauth.reason ?? null])
          }),
      },
    )
    const browser = createBrowser()
    const read = async () => JSON.parse((await browser.get(gate.url('/'))).body) as unknown[]
    expect((await read())[0]).toEqual([false, 'none', null])
    await browser.get(gate.url('/auth/authn'))
    const [context, keys, reason] = await read()
    expect(context).toEqual([true, 'oidc:user-1,oidc,', expect.any(Number)])
    expect(reason).toBeNull()
    expect(keys).not.toContain('accessToken')
    expect(keys).not.toContain('refreshToken')
    await gate.middleware.sessions.revoke(
      (await gate.middleware.sessions.list()).items[0]?.id ?? '',
    )
    expect((await read())[0]).toEqual([false, 'revoked', null])
    browser.setCookie(`ngrok.session=${'x'.repeat(43)}`, gate.origin)
    expect((await read())[0]).toEqual([false, 'expired', null])
    expect(valueOfCookie(browser, gate.origin)).toBe('x'.repeat(43))
  })

  test('loginUrl() takes a page, a provider, and whether to authenticate again', async () => {
    const gate = await startGate(
      { provider: providerOf(vendor), unauthenticated: 'pass' },
      {
        routes: (app) =>
          app.get('/link', (req, res) => {
            const options = { returnTo: '/there?x=1', connection: 'oidc', reauthenticate: true }
            res.send(req.oauth.loginUrl(options))
          }),
      },
    )
    const browser = createBrowser()
    const { body: link } = await browser.get(gate.url('/link'))
    expect(link).toMatch(/^\/auth\/authn\?connection=oidc&/)
    const page = await browser.get(gate.url(link))
    expect(page.url).toBe(gate.url('/there?x=1'))
    const authorize = page.history.find(({ url }) => url.includes('client_id='))
    expect(new URL(authorize?.url ?? '').searchParams.get('prompt')).toBe('login')
  })
})

describe('req.user', () => {
  test('counts as a plain object, and copies of it work, without claims', async () => {
    const gate = await startGate(
      { provider: providerOf(vendor) },
      {
        routes: (app) =>
          app.get('/copies', (req, res) => {
            const user = req.oauth.user ?? {}
            const prototype = Object.getPrototypeOf(user) as object
            const clone = Object.assign(Object.create(prototype) as object, user)
            res.json({
              // What database clients and frameworks ask.
              isPlain: [user.constructor === Object, Object.getPrototypeOf(prototype)],
              printed: inspect(user),
              copies: [{ ...user }, structuredClone(user), clone, new Proxy(user, {})],
              claims: Reflect.get(user, 'claims') as unknown,
            })
          }),
      },
    )
    const { isPlain, printed, copies, claims } = JSON.parse(
      (await createBrowser().get(gate.url('/copies'))).body,
    ) as {
      isPlain: unknown[]
      printed: string
      copies: { id: string; claims?: object }[]
      claims: object
    }
    expect(isPlain).toEqual([true, null])
    expect(printed).toMatch(/^\{\n? *key: /)
    expect(copies.map(({ id }) => id)).toEqual(Array(4).fill('user-1'))
    expect(copies.map((copy) => copy.claims)).toEqual(Array(4).fill(undefined))
    expect(claims).toMatchObject({ sub: 'user-1' })
  })
})

describe('req.user behind nested gates', () => {
  const inner = (options: Partial<OAuthModuleOptions>) => {
    const auth = oauthModule({
      provider: providerOf(vendor, {}, 'inner'),
      secret,
      cookiePrefix: 'inner.',
      ...options,
    })
    stopping({ close: () => auth.close() })
    return auth
  }

  async function userBehind(options: Partial<OAuthModuleOptions>, own?: User) {
    const gate = await startGate(
      { provider: providerOf(vendor, {}, 'outer') },
      {
        routes: (app) => {
          app.use((req, _res, next) => {
            if (own !== undefined) Object.assign(req, { user: own })
            next()
          })
          app.use('/inner', inner(options))
        },
      },
    )
    const page = await createBrowser().get(gate.url('/inner'))
    const { user, oauth } = bodyOf(page)
    return [user, oauth?.['user'] ?? null]
  }

  test('is the user of the inner gate', async () => {
    const user = expect.objectContaining({ key: 'inner:user-1' })
    expect(await userBehind({})).toEqual([user, user])
  })

  test('is undefined if the inner gate has no user', async () => {
    expect(await userBehind({ unauthenticated: 'pass' })).toEqual([null, null])
  })

  test('stays as other middleware has set it', async () => {
    const own = { id: 'of the app' }
    const user = expect.objectContaining({ key: 'inner:user-1' })
    expect(await userBehind({}, own)).toEqual([own, user])
    expect(await userBehind({ unauthenticated: 'pass' }, own)).toEqual([own, null])
  })

  test('stays that of the outer gate with userProperty: false', async () => {
    const [user] = await userBehind({ userProperty: false })
    expect(user).toMatchObject({ key: 'outer:user-1' })
  })
})

describe('the email header of providers that never verify addresses', () => {
  const log = (options: Partial<OAuthModuleOptions>, trustEmail = false) => {
    const lines: string[] = []
    const add = (line: string) => void lines.push(line)
    oauthModule({
      provider: {
        social: facebookProvider({
          clientId: 'a',
          clientSecret: 'b',
          ...(trustEmail && { trustEmail }),
        }),
      },
      secret,
      logger: { debug() {}, info: add, warn: add, error: add },
      ...options,
    })
    return lines.filter((line) => line.includes('no email address'))
  }

  test('is announced once, with the fix', () => {
    expect(log({})).toEqual([
      expect.stringMatching(/users of social.*Set trustEmail: true only if/),
    ])
    expect(log({ headerPrefix: 'oauth2-proxy' })).toHaveLength(1)
  })

  test('is not announced where there is a header, or where there are none at all', () => {
    expect(log({}, true)).toEqual([])
    expect(log({ headerPrefix: false })).toEqual([])
  })
})
