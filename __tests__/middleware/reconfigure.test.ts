import { afterEach, describe, expect, test } from '@jest/globals'
import { memoryStore, type OAuthModuleOptions, type SessionStore } from '../../src/index.js'
import { gateOf, logIn, providerOf, requestsTo, startVendor } from '../support/providers.js'
import { fakeDate, realDate } from '../support/clock.js'
import { bodyOf, secret, startGate, stopAll, toCallback, valueOfCookie } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { codeOf, INTERVAL, loggedIn, program } from '../support/recheck.js'

afterEach(async () => {
  await stopAll()
  realDate()
})

const logger = { debug() {}, info() {}, warn() {}, error() {} }

describe('reconfigure()', () => {
  test('S-096 narrower rules: every session is re-checked at its next request, and users who no longer match are denied', async () => {
    const scene = await loggedIn('oidc', { options: { authCheckInterval: 0 } })
    const others = await Promise.all(
      [1, 2].map(async () => {
        const browser = createBrowser()
        await logIn({ gate: scene.gate, browser })
        return browser
      }),
    )
    scene.count()
    scene.gate.middleware.reconfigure({
      provider: providerOf(scene.vendor, { emailDomains: ['acme.example'] }),
      secret,
      logger,
    })
    for (const browser of [scene.browser, ...others])
      expect((await browser.get(scene.gate.url('/'), { follow: false })).status).toBe(200)
    expect(scene.count()).toMatchObject({ userinfo: 3 })
    scene.gate.middleware.reconfigure({
      provider: providerOf(scene.vendor, { emailDomains: ['elsewhere.example'] }),
      secret,
      logger,
    })
    for (const browser of [scene.browser, ...others])
      expect((await browser.get(scene.gate.url('/api'), { headers: program })).status).toBe(403)
    expect(scene.count()).toMatchObject({ userinfo: 3 })
  })

  test('wider rules allow a denied user again, and unchanged rules cause no re-check', async () => {
    const scene = await loggedIn('oidc')
    const narrow = {
      provider: providerOf(scene.vendor, { emailDomains: ['elsewhere.example'] }),
      secret,
      logger,
    }
    const wide = { provider: providerOf(scene.vendor), secret, logger }
    scene.gate.middleware.reconfigure(narrow)
    expect((await scene.visit()).status).toBe(403)
    scene.count()
    scene.gate.middleware.reconfigure(wide)
    expect((await scene.visit('/', program)).status).toBe(200)
    scene.gate.middleware.reconfigure(wide)
    expect((await scene.visit('/', program)).status).toBe(200)
    expect(scene.count()).toEqual({})
    // Allowed by the current rules, so the row is not that of a denied user.
    scene.clock.forward(10 * 86_400)
    expect((await scene.visit('/', program)).status).toBe(200)
  })

  test('after a change, an unreachable provider does not make decisions of the old rules apply', async () => {
    const scene = await loggedIn('oidc', { options: { authCheckGrace: 600 } })
    scene.gate.middleware.reconfigure({
      provider: providerOf(scene.vendor, { emailDomains: ['acme.example'] }),
      secret,
      logger,
      authCheckInterval: INTERVAL,
      authCheckGrace: 600,
    })
    scene.vendor.respond('userinfo', { status: 500 })
    expect((await scene.visit()).status).toBe(503)
  })

  test.each<[string, Record<string, unknown>]>([
    ['an unknown option', { auth_check_interval: 5 }],
    ['a list that is empty', { provider: { oidc: undefined } }],
    ['a negative interval', { authCheckInterval: -1 }],
    ['a grace period without an interval', { authCheckGrace: 5, authCheckInterval: 0 }],
    ['no provider', { provider: undefined }],
  ])('wrong options throw and keep the old configuration: %s', async (_, wrong) => {
    const scene = await loggedIn('oidc', { provider: { emailDomains: ['acme.example'] } })
    const options = {
      provider: providerOf(scene.vendor, { emailDomains: ['elsewhere.example'] }),
      secret,
      logger,
      ...wrong,
    } as OAuthModuleOptions
    expect(() => scene.gate.middleware.reconfigure(options)).toThrow(TypeError)
    expect((await scene.visit('/api', program)).status).toBe(200)
    expect(scene.count()).toEqual({})
  })

  test.each<[string, Partial<OAuthModuleOptions>]>([
    ['secret', { secret: 'another secret that is longer than 32 characters' }],
    ['store', { store: memoryStore() }],
    ['id', { id: 'another' }],
    ['cookiePrefix', { cookiePrefix: 'another.' }],
    ['basePath', { basePath: '/login' }],
    ['cookie', { cookie: { sameSite: 'None', secure: true } }],
    ['cookie', { cookie: { path: '/deep' } }],
  ])('%s cannot change', async (name, change) => {
    const scene = await loggedIn('oidc', { provider: { emailDomains: ['acme.example'] } })
    expect(() =>
      scene.gate.middleware.reconfigure({
        provider: providerOf(scene.vendor),
        secret,
        logger,
        ...change,
      }),
    ).toThrow(new RegExp(`reconfigure\\(\\)\\.${name} `))
    expect((await scene.visit('/api', program)).status).toBe(200)
  })

  test('what cannot change may be repeated', async () => {
    const store = memoryStore()
    const fixed = {
      secret,
      store,
      id: 'app',
      cookiePrefix: 'app.',
      basePath: '/login',
      cookie: { sameSite: 'Lax' as const },
    }
    const scene = await loggedIn('oidc', { options: fixed })
    scene.gate.middleware.reconfigure({ provider: providerOf(scene.vendor), logger, ...fixed })
    scene.gate.middleware.reconfigure({ provider: providerOf(scene.vendor), logger })
    expect((await scene.visit('/api', program)).status).toBe(200)
  })

  test('absent options get their defaults: the interval is removed', async () => {
    const scene = await loggedIn('oidc')
    scene.gate.middleware.reconfigure({ provider: providerOf(scene.vendor), secret, logger })
    scene.clock.forward(10 * INTERVAL)
    expect((await scene.visit()).status).toBe(200)
    expect(scene.count()).toEqual({})
  })

  test('a shorter maximum duration applies immediately', async () => {
    const scene = await loggedIn('oidc')
    scene.clock.forward(200)
    scene.gate.middleware.reconfigure({
      provider: providerOf(scene.vendor),
      secret,
      logger,
      maximumDuration: 200,
    })
    expect((await scene.visit('/api', program)).status).toBe(401)
  })

  test('other timeouts and another clock tolerance apply immediately', async () => {
    const inner = memoryStore()
    let delay = 0
    const store: SessionStore = {
      ...inner,
      async get(key) {
        if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay))
        return inner.get(key)
      },
    }
    const scene = await loggedIn('oidc', { options: { store, maximumDuration: 86_400 } })
    const options = { provider: providerOf(scene.vendor), secret, logger, maximumDuration: 86_400 }
    delay = 300
    expect((await scene.visit('/api', program)).status).toBe(200)
    scene.gate.middleware.reconfigure({ ...options, timeouts: { store: 0.05 } })
    expect((await scene.visit('/api', program)).status).toBe(503)
    delay = 0
    scene.clock.forward(-20)
    expect((await scene.visit('/api', program)).status).toBe(200)
    scene.gate.middleware.reconfigure({ ...options, clockTolerance: 5 })
    expect((await scene.visit('/api', program)).status).toBe(401)
  })

  test('an application from the environment can be repeated', async () => {
    const vendor = await startVendor('github')
    process.env['OAUTH_MODULE_GITHUB_CLIENT_ID'] = vendor.clientId
    process.env['OAUTH_MODULE_GITHUB_CLIENT_SECRET'] = vendor.clientSecret
    try {
      const { endpoints } = vendor.options as { endpoints: Record<string, string> }
      const gate = await startGate({ provider: { github: { endpoints } } })
      expect(() =>
        gate.middleware.reconfigure({
          provider: { github: { endpoints, organizations: ['acme'] } },
          secret,
          logger,
        }),
      ).not.toThrow()
      expect((await logIn({ gate })).status).toBe(200)
    } finally {
      delete process.env['OAUTH_MODULE_GITHUB_CLIENT_ID']
      delete process.env['OAUTH_MODULE_GITHUB_CLIENT_SECRET']
    }
  })
})

describe('a removed provider or client', () => {
  test('its sessions end; those of the others stay', async () => {
    const [oidc, github] = [await startVendor('oidc'), await startVendor('github')]
    const both = {
      ...(providerOf(oidc) as object),
      ...(providerOf(github) as object),
    } as OAuthModuleOptions['provider']
    const gate = await startGate({ provider: both })
    const [first, second] = [createBrowser(), createBrowser()]
    await first.get(gate.url('/auth/authn?connection=oidc'))
    await second.get(gate.url('/auth/authn?connection=github'))
    const statusOf = async (browser: typeof first) =>
      (await browser.get(gate.url('/api'), { headers: program })).status
    expect([await statusOf(first), await statusOf(second)]).toEqual([200, 200])
    gate.middleware.reconfigure({ provider: providerOf(oidc), secret, logger })
    expect([await statusOf(first), await statusOf(second)]).toEqual([200, 401])
    const described = JSON.parse((await second.get(gate.url('/auth/session'))).body)
    expect([described.user, described.reason]).toEqual([null, 'expired'])
    expect((await second.get(gate.url('/'))).url).toBe(gate.url('/'))
    gate.middleware.reconfigure({
      provider: providerOf(oidc, { clientId: 'another' }),
      secret,
      logger,
    })
    expect(await statusOf(first)).toBe(401)
  })

  test.each(['provider', 'client'])(
    'a login in progress at a removed %s gets a page with instructions',
    async (what) => {
      const [oidc, oauth2] = [await startVendor('oidc'), await startVendor('oauth2')]
      const gate = await gateOf(oidc)
      const browser = createBrowser()
      const callback = await toCallback(browser, gate.url('/deep'))
      const provider =
        what === 'provider' ? providerOf(oauth2) : providerOf(oidc, { clientId: 'another' })
      gate.middleware.reconfigure({ provider, secret, logger })
      const page = await browser.get(callback)
      expect(page.status).toBe(400)
      expect(page.body).toContain('/auth/authn')
      expect(gate.reached).toEqual([])
    },
  )

  test('a login in progress finishes under new rules', async () => {
    const oidc = await startVendor('oidc')
    const gate = await gateOf(oidc)
    const [first, second] = [createBrowser(), createBrowser()]
    const callbacks = [
      await toCallback(first, gate.url('/deep')),
      await toCallback(second, gate.url('/deep')),
    ]
    gate.middleware.reconfigure({
      provider: providerOf(oidc, { emailDomains: ['acme.example'] }),
      secret,
      logger,
    })
    expect((await first.get(String(callbacks[0]))).url).toBe(gate.url('/deep'))
    gate.middleware.reconfigure({
      provider: providerOf(oidc, { emailDomains: ['elsewhere.example'] }),
      secret,
      logger,
    })
    const denied = await second.get(String(callbacks[1]))
    expect([denied.status, codeOf(denied)]).toEqual([403, 'not_authorized'])
  })
})

describe('on a shared store', () => {
  test('a restart with narrower rules re-checks every session at its next request', async () => {
    const store = memoryStore()
    const scene = await loggedIn('oidc', { options: { store, id: 'app', authCheckInterval: 0 } })
    const cookie = `ngrok.session=${valueOfCookie(scene.browser, scene.gate.origin)}`
    const restarted = await gateOf(
      scene.vendor,
      { emailDomains: ['elsewhere.example'] },
      { store, id: 'app' },
    )
    const page = await createBrowser().get(restarted.url('/api'), {
      headers: { ...program, Cookie: cookie },
    })
    expect([page.status, codeOf(page)]).toEqual([403, 'not_authorized'])
    const same = await gateOf(scene.vendor, {}, { store, id: 'app' })
    scene.count()
    expect((await createBrowser().get(same.url('/'), { headers: { Cookie: cookie } })).status).toBe(
      200,
    )
    expect(scene.count()).toEqual({})
  })

  test.each<[string, Parameters<typeof loggedIn>[0], Record<string, unknown>, object]>([
    [
      'the claim that groups are read from',
      'oidc',
      { scopes: ['groups'], groups: ['staff'] },
      { groupsClaim: 'roles' },
    ],
    [
      'the names of claims',
      'oidc',
      { emailDomains: ['acme.example'] },
      { claims: { emailVerified: 'mail_confirmed' } },
    ],
    [
      'the claim that marks an email as verified',
      'microsoft',
      { tenant: 'common', trustEmail: true, emailDomains: ['acme.example'] },
      { verifiedEmailClaim: 'xms_edov' },
    ],
    ['whether emails are trusted', 'facebook', { trustEmail: true }, { trustEmail: false }],
  ])(
    'a restart that changes %s re-checks every session, one that changes only the look of a login re-checks none',
    async (_, name, rules, change) => {
      const store = memoryStore()
      const scene = await loggedIn(name, {
        provider: rules,
        options: { store, id: 'app', authCheckInterval: 0 },
      })
      const Cookie = `ngrok.session=${valueOfCookie(scene.browser, scene.gate.origin)}`
      const visit = async (more: object) => {
        const gate = await gateOf(scene.vendor, { ...rules, ...more }, { store, id: 'app' })
        await createBrowser().get(gate.url('/api'), { headers: { ...program, Cookie } })
        return Object.keys(scene.count()).length > 0
      }
      expect(
        await visit({
          displayName: 'Another',
          authorizationParams: { locale: 'de' },
          connectionScopes: ['more'],
        }),
      ).toBe(false)
      expect(await visit(change)).toBe(true)
    },
  )

  test('a changed rulesVersion counts as a changed rule', async () => {
    const store = memoryStore()
    const scene = await loggedIn('oidc', {
      options: { store, id: 'app', authCheckInterval: 0, authorize: () => true },
    })
    const cookie = `ngrok.session=${valueOfCookie(scene.browser, scene.gate.origin)}`
    const restarted = await gateOf(
      scene.vendor,
      {},
      { store, id: 'app', authorize: () => false, rulesVersion: '2' },
    )
    expect(
      (
        await createBrowser().get(restarted.url('/api'), {
          headers: { ...program, Cookie: cookie },
        })
      ).status,
    ).toBe(403)
  })

  test("two releases side by side do not trigger each other's re-checks", async () => {
    const clock = fakeDate()
    const store = memoryStore()
    const shared = { store, id: 'app', authCheckInterval: INTERVAL, authCheckEarly: false }
    const vendor = await startVendor('oidc')
    const [old, next] = [
      await gateOf(vendor, {}, shared),
      await gateOf(vendor, { emailDomains: ['acme.example'] }, shared),
    ]
    const browser = createBrowser()
    await logIn({ gate: old, browser })
    vendor.requests.length = 0
    const cookie = `ngrok.session=${valueOfCookie(browser, old.origin)}`
    const visit = async (gate: typeof old) =>
      (await browser.get(gate.url('/'), { headers: { Cookie: cookie } })).status
    for (let turn = 0; turn < 20; turn++) {
      clock.forward(1)
      expect([await visit(old), await visit(next)]).toEqual([200, 200])
    }
    expect(requestsTo(vendor, 'userinfo')).toHaveLength(1)
  })

  test('a user denied by one of two releases stays allowed at the other, longer than a denied row is kept', async () => {
    const clock = fakeDate()
    const store = memoryStore()
    const shared = { store, id: 'app' }
    const vendor = await startVendor('oidc', { settings: { tokenLifetime: 100 * 3600 } })
    const [old, next] = [
      await gateOf(vendor, {}, shared),
      await gateOf(vendor, { emailDomains: ['elsewhere.example'] }, shared),
    ]
    const browser = createBrowser()
    await logIn({ gate: old, browser })
    vendor.requests.length = 0
    const cookie = `ngrok.session=${valueOfCookie(browser, old.origin)}`
    const visit = async (gate: typeof old, headers = {}) =>
      (await browser.get(gate.url('/'), { headers: { Cookie: cookie, ...headers } })).status
    for (let hour = 0; hour < 30; hour++) {
      clock.forward(3600)
      expect([await visit(old), await visit(next, program), await visit(next, program)]).toEqual([
        200, 403, 403,
      ])
    }
    expect(requestsTo(vendor, 'userinfo')).toHaveLength(1)
    expect(
      bodyOf(await browser.get(old.url('/'), { headers: { Cookie: cookie } })).user,
    ).not.toBeNull()
  })
})
