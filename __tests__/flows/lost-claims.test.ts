import { afterEach, describe, expect, test } from '@jest/globals'
import type { Express } from 'express'
import {
  defineProvider,
  type OAuthMiddleware,
  type OAuthModuleOptions,
  oidcProvider,
} from '../../src/index.js'
import type { VendorServer, VendorSettings } from '../../src/dev/vendors/index.js'
import { type fakeDate, fakeDate as startClock, realDate } from '../support/clock.js'
import { type Gate, startGate, stopAll } from '../support/gate.js'
import { type Browser, createBrowser, type Page } from '../support/jar.js'
import { logIn, requestsTo, retryLink, startVendor } from '../support/providers.js'
import { codeOf, INTERVAL, program } from '../support/recheck.js'

afterEach(async () => {
  realDate()
  await stopAll()
})

type Claims = Record<string, unknown>
type Check = { outcome: string; hint: string | undefined }

interface Scene {
  vendor: VendorServer
  gate: Gate
  browser: Browser
  clock: ReturnType<typeof fakeDate>
  checks: Check[]
  visit(path?: string, headers?: Record<string, string>): Promise<Page>
}

interface SceneSetup {
  /** Options of the provider. */
  provider?: Claims
  options?: Partial<OAuthModuleOptions>
  settings?: Partial<VendorSettings>
  /** The claims that only ID tokens contain. */
  claims?: Claims
  /** What userinfo returns next to `sub`. */
  userinfo?: Claims
  /** A path that is logged in at. */
  path?: string
}

/** Options of a guard per path. */
function guards(rules: Record<string, Parameters<OAuthMiddleware['requireAuth']>[0]>) {
  return (app: Express, middleware: OAuthMiddleware) => {
    for (const [path, rule] of Object.entries(rules))
      app.get(path, middleware.requireAuth(rule), (_, res) => void res.send('guarded'))
  }
}

/** A user who has logged in at a provider with claims that only its ID tokens contain. */
async function loggedIn(
  { provider = {}, options = {}, settings, claims = {}, userinfo = {}, path = '/' }: SceneSetup,
  routes?: ReturnType<typeof guards>,
): Promise<Scene> {
  const clock = startClock()
  const vendor = await startVendor('oidc', settings ? { settings } : {})
  vendor.claims(claims)
  vendor.respond('userinfo', () => ({ body: { sub: String(vendor.user.id), ...userinfo } }))
  const checks: Check[] = []
  const { issuer, clientId, clientSecret } = vendor.options as Record<string, string>
  const client = { issuer: String(issuer), clientId, clientSecret }
  const gate = await startGate(
    {
      provider: { idp: oidcProvider({ ...client, ...provider }) },
      authCheckInterval: INTERVAL,
      authCheckEarly: false,
      ...options,
    },
    routes ? { routes } : {},
  )
  gate.middleware.on('recheck', (event) => checks.push(event))
  const browser = createBrowser()
  const { status, page } = await logIn({ gate, browser }, path)
  if (status !== 200) throw new Error(`no login: ${status} ${page.body}`)
  vendor.requests.length = 0
  const visit = (at = '/', headers = {}) => browser.get(gate.url(at), { follow: false, headers })
  return { vendor, gate, browser, clock, checks, visit }
}

/** From now on, ID tokens lack these claims as well. */
function omit({ vendor }: Scene, ...names: string[]) {
  vendor.claims((claims) =>
    Object.fromEntries(Object.entries(claims).filter(([name]) => !names.includes(name))),
  )
}

const refreshes = {
  'returns no ID token': { refreshesIdToken: false },
  'returns an ID token without it': {},
  'is not possible': { refreshTokens: false },
}

/** What the rules need, and only the ID token of the login contains. */
const rules: Record<string, [Claims, Partial<OAuthModuleOptions>, Claims]> = {
  groups: [{ groups: ['staff'] }, {}, { groups: ['staff', 'admins'] }],
  'groups at a path': [
    { groups: ['staff'], groupsClaim: 'realm_access.roles' },
    {},
    { realm_access: { roles: ['staff'] } },
  ],
  'the email address': [
    { emailDomains: ['corp.example'] },
    {},
    { email: 'ida@corp.example', email_verified: true },
  ],
  'an unverified email address with trustEmail': [
    { emailAddresses: ['ida@corp.example'], trustEmail: true },
    {},
    { email: 'ida@corp.example' },
  ],
  'an email address under another name': [
    {
      emailDomains: ['corp.example'],
      claims: { email: 'contact.mail', emailVerified: 'contact.checked' },
    },
    {},
    { contact: { mail: 'ida@corp.example', checked: true } },
  ],
  'a claim for authorize': [
    {},
    { authorize: ({ claims }) => claims['department'] === 'lab' },
    { department: 'lab' },
  ],
  'a claim without which authorize throws': [
    {},
    { authorize: ({ claims }) => (claims['department'] as string).startsWith('lab') },
    { department: 'lab' },
  ],
}

describe.each(Object.entries(refreshes))('A7: a refresh that %s', (_, settings) => {
  test.each(Object.entries(rules))(
    '%s only in the ID token: a quiet new login at each check, never a 403',
    async (_name, [provider, options, claims]) => {
      const scene = await loggedIn({
        ...{ provider, options, claims, settings },
      })
      for (let turn = 0; turn < 3; turn++) {
        omit(scene, ...Object.keys(claims))
        scene.clock.forward(INTERVAL)
        expect((await scene.visit('/api', program)).status).toBe(401)
        scene.vendor.claims(claims)
        const attempt = await logIn(scene, '/page?x=1')
        expect([attempt.status, attempt.page.url]).toEqual([200, scene.gate.url('/page?x=1')])
      }
      expect(scene.checks.map(({ outcome }) => outcome)).toEqual(['ended', 'ended', 'ended'])
    },
  )

  test('event and log give the reason and the claims', async () => {
    const scene = await loggedIn({
      ...{ settings, provider: { groups: ['staff'] }, claims: { groups: ['staff'] } },
    })
    omit(scene, 'groups')
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(302)
    const reason =
      /the claims .*'groups'.* of the login are missing from userinfo.*: the rules may need them/
    expect(scene.checks).toMatchObject([{ outcome: 'ended', hint: expect.stringMatching(reason) }])
    expect(scene.gate.logged.filter((line) => line.includes('a session ended'))).toEqual([
      expect.stringMatching(reason),
    ])
  })

  test('the session that ended is not in the store, and the new one is', async () => {
    const scene = await loggedIn({
      ...{ settings, provider: { groups: ['staff'] }, claims: { groups: ['staff'] } },
    })
    omit(scene, 'groups')
    scene.clock.forward(INTERVAL)
    await scene.visit()
    expect((await scene.gate.middleware.sessions.list()).items).toEqual([])
    scene.vendor.claims({ groups: ['staff'] })
    await logIn(scene)
    expect((await scene.gate.middleware.sessions.list()).items).toHaveLength(1)
  })
})

describe('A7: a refresh that returns the claims', () => {
  test.each(Object.entries(rules))(
    '%s only in the ID token: requests pass without a login',
    async (_, [provider, options, claims]) => {
      const scene = await loggedIn({ provider, options, claims })
      for (let turn = 0; turn < 3; turn++) {
        scene.clock.forward(INTERVAL)
        expect((await scene.visit()).status).toBe(200)
      }
      expect(requestsTo(scene.vendor, 'authorize')).toEqual([])
    },
  )

  test('the id under another name', async () => {
    const provider = { claims: { id: 'employee' } }
    const scene = await loggedIn({ provider, claims: { employee: 4711 } })
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(200)
  })
})

describe('A7: a user who lost access is denied, and the session is kept', () => {
  const settings = { refreshesIdToken: false }
  const denied = async (scene: Scene) => {
    scene.clock.forward(INTERVAL)
    const page = await scene.visit()
    expect([page.status, codeOf(page)]).toEqual([403, 'not_authorized'])
    expect((await scene.gate.middleware.sessions.list()).items).toHaveLength(1)
    expect(scene.checks.at(-1)?.outcome).toBe('denied')
  }

  test('if userinfo has the groups and leaves the user out, whatever else only the ID token has', async () => {
    const userinfo: Claims = { groups: ['staff'] }
    const scene = await loggedIn({
      ...{ settings, userinfo, provider: { groups: ['staff'] }, claims: { badge: 'blue' } },
    })
    scene.vendor.respond('userinfo', () => ({
      body: { sub: String(scene.vendor.user.id), groups: [], badge: 'blue' },
    }))
    await denied(scene)
  })

  test('if the email address is another one now', async () => {
    const scene = await loggedIn({
      ...{ settings, provider: { emailDomains: ['corp.example'] }, claims: { badge: 'blue' } },
      userinfo: { email: 'ida@corp.example', email_verified: true },
    })
    scene.vendor.respond('userinfo', () => ({
      body: {
        sub: String(scene.vendor.user.id),
        ...{ email: 'ida@home.example', email_verified: true },
      },
    }))
    await denied(scene)
  })

  test('if the ID token of a refresh has an empty list', async () => {
    const scene = await loggedIn({
      provider: { groups: ['staff'] },
      claims: { groups: ['staff'] },
    })
    scene.vendor.claims({ groups: [] })
    await denied(scene)
  })

  test('if authorize denies a user of whom no claim is missing', async () => {
    let isAllowed = true
    const scene = await loggedIn({ settings, options: { authorize: () => isAllowed } })
    // The ID token of the simulation also has the claims of the scopes.
    scene.vendor.respond('userinfo', undefined)
    isAllowed = false
    await denied(scene)
  })
})

test('A7: a user who meets another rule passes, although the groups are only in the ID token', async () => {
  const scene = await loggedIn({
    settings: { refreshesIdToken: false },
    provider: { groups: ['staff'], emailDomains: ['corp.example'] },
    claims: { groups: ['staff'] },
    userinfo: { email: 'ida@corp.example', email_verified: true },
  })
  for (let turn = 0; turn < 2; turn++) {
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(200)
  }
})

test('A7: an id under another name that only the ID token of the login has: a quiet new login', async () => {
  const scene = await loggedIn({
    settings: { refreshesIdToken: false },
    provider: { claims: { id: 'employee' } },
    claims: { employee: 4711 },
  })
  scene.clock.forward(INTERVAL)
  expect((await scene.visit()).status).toBe(302)
  expect(scene.checks).toMatchObject([
    { outcome: 'ended', hint: expect.stringContaining("no claim 'employee'") },
  ])
})

test('A7: with unauthenticated: pass the request is anonymous, as after an expired session', async () => {
  const scene = await loggedIn({
    settings: { refreshesIdToken: false },
    provider: { groups: ['staff'] },
    claims: { groups: ['staff'] },
    options: { unauthenticated: 'pass' },
    path: '/auth/authn',
  })
  scene.clock.forward(INTERVAL)
  const page = await scene.visit()
  expect([page.status, JSON.parse(page.body)]).toMatchObject([
    200,
    { user: null, oauth: { reason: 'expired' } },
  ])
})

describe('A7: a guard, while the gate itself allows the user', () => {
  const settings = { refreshesIdToken: false }
  const routes = guards({
    '/groups': { groups: ['staff'] },
    '/email': { emailDomains: ['corp.example'] },
    '/authorize': { authorize: ({ claims }) => (claims['badge'] as string).startsWith('b') },
    '/others': { groups: ['admins'] },
  })
  const claims = {
    ...{ groups: ['staff'], badge: 'blue' },
    ...{ email: 'ida@corp.example', email_verified: true },
  }

  test.each(['/groups', '/email', '/authorize'])(
    '%s starts a quiet new login instead of a 403, also after several checks',
    async (path) => {
      const scene = await loggedIn({ settings, claims, path }, routes)
      for (let turn = 0; turn < 2; turn++) {
        scene.clock.forward(INTERVAL)
        expect((await scene.visit('/')).status).toBe(200)
      }
      expect((await scene.visit(path, program)).status).toBe(401)
      const page = await scene.browser.get(scene.gate.url(path))
      expect([page.status, page.body, page.url]).toEqual([200, 'guarded', scene.gate.url(path)])
    },
  )

  test('a user whom the new login does not help gets a 403, without a loop', async () => {
    const scene = await loggedIn({ settings, claims }, routes)
    scene.clock.forward(INTERVAL)
    const page = await scene.browser.get(scene.gate.url('/others'))
    expect([page.status, requestsTo(scene.vendor, 'authorize').length]).toEqual([403, 1])
    expect((await scene.visit('/others')).status).toBe(403)
  })

  test('rules that reconfigure() adds end the session if an earlier check lost what they need', async () => {
    const scene = await loggedIn({ settings, claims }, routes)
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(200)
    const { issuer, clientId, clientSecret } = scene.vendor.options as Record<string, string>
    scene.gate.middleware.reconfigure({
      provider: {
        idp: oidcProvider({
          ...{ issuer: String(issuer), clientId, clientSecret },
          emailDomains: ['corp.example'],
        }),
      },
    })
    expect((await scene.visit()).status).toBe(302)
  })
})

test.each(['groups', 'emailDomains', 'authorize'])(
  'A7: report-only rules (%s) report no denial that only the missing claims cause',
  async (list) => {
    const reportOnly = {
      groups: { groups: ['staff'] },
      emailDomains: { emailDomains: ['corp.example'] },
      authorize: { authorize: ({ claims }: { claims: Claims }) => claims['badge'] === 'blue' },
    }[list]
    const scene = await loggedIn({
      settings: { refreshesIdToken: false },
      options: reportOnly ? { reportOnly } : {},
      claims: {
        ...{ groups: ['staff'], badge: 'blue' },
        ...{ email: 'ida@corp.example', email_verified: true },
      },
    })
    const denials: unknown[] = []
    scene.gate.middleware.on('denied', (event) => denials.push(event))
    for (let turn = 0; turn < 2; turn++) {
      scene.clock.forward(INTERVAL)
      expect((await scene.visit()).status).toBe(200)
    }
    await scene.gate.middleware.close()
    expect(denials).toEqual([])
  },
)

test('A7: a provider of defineProvider() whose memberships are in the ID token', async () => {
  const clock = startClock()
  const vendor = await startVendor('oidc', { settings: { refreshesIdToken: false } })
  vendor.claims({ teams: ['acme/ops'] })
  const { issuer, clientId, clientSecret } = vendor.options as Record<string, string>
  const own = defineProvider({
    ...{ openid: true, issuer, clientId, clientSecret, scopes: ['openid'] },
    membershipLists: ['teams'],
    memberships: ({ claims }) => Promise.resolve({ teams: (claims['teams'] ?? []) as string[] }),
    ...{ teams: ['acme/ops'] },
  })
  const gate = await startGate({
    ...{ provider: { own }, authCheckInterval: INTERVAL, authCheckEarly: false },
  })
  const browser = createBrowser()
  expect((await logIn({ gate, browser })).status).toBe(200)
  clock.forward(INTERVAL)
  expect((await browser.get(gate.url('/'), { follow: false })).status).toBe(302)
  expect((await logIn({ gate, browser })).status).toBe(200)
})

test("A7: Google's hd, which a restriction needs, only in the ID token of the login", async () => {
  const clock = startClock()
  const vendor = await startVendor('google')
  vendor.user.hd = undefined
  vendor.claims({ hd: 'corp.example' })
  const gate = await startGate({
    provider: { google: { ...vendor.options, hostedDomain: 'corp.example' } },
    ...{ authCheckInterval: INTERVAL, authCheckEarly: false },
  })
  const browser = createBrowser()
  expect((await logIn({ gate, browser })).status).toBe(200)
  clock.forward(INTERVAL)
  expect((await browser.get(gate.url('/'), { follow: false })).status).toBe(200)
  vendor.claims(({ hd: _, ...claims }) => claims)
  clock.forward(INTERVAL)
  expect((await browser.get(gate.url('/'), { follow: false })).status).toBe(302)
  vendor.claims({ hd: 'corp.example' })
  expect((await logIn({ gate, browser })).status).toBe(200)
})

test('A7: "Try again" of a denied user is a login that stays', async () => {
  const scene = await loggedIn({ provider: { groups: ['staff'] }, claims: { groups: ['staff'] } })
  scene.vendor.claims({ groups: [] })
  scene.clock.forward(INTERVAL)
  const page = await scene.visit()
  expect(page.status).toBe(403)
  scene.vendor.claims({ groups: ['staff'] })
  expect((await scene.browser.get(retryLink(page))).status).toBe(200)
  scene.clock.forward(INTERVAL)
  expect((await scene.visit()).status).toBe(200)
})
