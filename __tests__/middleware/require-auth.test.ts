import { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, describe, expect, test } from '@jest/globals'
import express, { Router } from 'express'
import { type GuardRules, oauthModule, type OAuthModuleOptions } from '../../src/index.js'
import type { VendorName, VendorOptions } from '../../src/dev/vendors/index.js'
import { attemptOf, providerOf, startVendor } from '../support/providers.js'
import { codeOf, program } from '../support/recheck.js'
import { fakeDate, realDate } from '../support/clock.js'
import { bodyOf, type Gate, secret, startGate, stopAll } from '../support/gate.js'
import { createBrowser, linksOf } from '../support/jar.js'
import { listen } from '../support/server.js'

afterEach(async () => {
  await stopAll()
  realDate()
})

const silent = { debug() {}, info() {}, warn() {}, error() {} }

interface Setup {
  vendor?: VendorName
  provider?: Record<string, unknown>
  vendorOptions?: VendorOptions
  options?: Partial<OAuthModuleOptions>
}

/** An app with a guarded page, `/guarded`, and others. */
async function guarded(
  rules: GuardRules | GuardRules[],
  { vendor: name = 'oidc', provider = {}, vendorOptions = {}, options = {} }: Setup = {},
) {
  const vendor = await startVendor(name, vendorOptions)
  const gate = await startGate(
    { provider: providerOf(vendor, provider), ...options },
    {
      routes(app, auth) {
        for (const one of [rules].flat()) app.use('/guarded', auth.requireAuth(one))
      },
    },
  )
  const browser = createBrowser()
  return {
    vendor,
    gate,
    browser,
    visit: (path = '/guarded', headers = {}) => browser.get(gate.url(path), { headers }),
  }
}

const github = { vendor: 'github' as const }

describe('lists', () => {
  const rows: [string, Setup, GuardRules, number][] = [
    ["an address that is the user's", {}, { emailAddresses: ['IDA@acme.example'] }, 200],
    ['an address that is not', {}, { emailAddresses: ['ada@acme.example'] }, 403],
    ['a domain', {}, { emailDomains: ['acme.example'] }, 200],
    ['one entry of several lists', {}, { emailDomains: ['other.example'], groups: ['staff'] }, 200],
    ['no entry of several lists', {}, { emailDomains: ['other.example'], groups: ['board'] }, 403],
    ['an organization', github, { organizations: ['ACME'] }, 200],
    ['another organization', github, { organizations: ['other'] }, 403],
    ['a team', github, { teams: ['acme/engineering'] }, 200],
    ['another team', github, { teams: ['acme/sales'] }, 403],
  ]

  test.each(rows)('S-087 of a guard: %s', async (_, setup, rules, status) => {
    const { visit, gate } = await guarded(rules, {
      ...setup,
      ...(setup.vendor === undefined && { provider: { scopes: ['groups'] } }),
    })
    expect((await visit('/open')).status).toBe(200)
    const page = await visit()
    expect(page.status).toBe(status)
    expect(gate.reached.some((line) => line.includes('guarded') || line === 'GET /')).toBe(
      status === 200,
    )
    if (status === 403) expect(codeOf(page)).toBe('not_authorized')
  })

  test('the denied page is that of the gate, with a decision id; API requests get JSON; other routes stay open', async () => {
    const { visit, gate } = await guarded({ emailDomains: ['other.example'] })
    const denied: { decisionId: string; code: string; tried: readonly string[] }[] = []
    gate.middleware.on('denied', (facts) => denied.push(facts))
    const page = await visit()
    expect(page.status).toBe(403)
    expect(page.body).toContain('ida@acme.example')
    expect(linksOf(page).some((link) => link.includes('/auth/logout'))).toBe(true)
    const json = await visit('/guarded', program)
    const answer = JSON.parse(json.body)
    expect([json.status, answer.error]).toEqual([403, 'not_authorized'])
    expect(denied).toMatchObject([
      { code: 'not_authorized', tried: ['emailDomains'] },
      { code: 'not_authorized' },
    ])
    expect(page.body).toContain(denied[0]?.decisionId)
    expect(answer.decision_id).toBe(denied[1]?.decisionId)
    expect(answer.decision_id).toMatch(/^[0-9a-f]{8}$/)
    expect((await visit('/open')).status).toBe(200)
  })

  test('switching accounts on the denied page returns to the guarded page', async () => {
    const vendor = await startVendor('oidc', {
      users: [
        { id: '1', name: 'Ida', email: 'ida@acme.example', emailVerified: true },
        { id: '2', name: 'Ada', email: 'ada@other.example', emailVerified: true },
      ],
      settings: { personaPage: false },
    })
    const gate = await startGate(
      { provider: providerOf(vendor) },
      {
        routes: (app, auth) =>
          void app.use('/guarded', auth.requireAuth({ emailDomains: ['other.example'] })),
      },
    )
    const browser = createBrowser()
    const page = await browser.get(gate.url('/guarded?x=1'))
    const link = linksOf(page).find((one) => one.includes('/auth/authn'))
    vendor.user = vendor.users[1] as never
    const after = await browser.get(String(link))
    expect([after.status, after.url]).toEqual([200, gate.url('/guarded?x=1')])
  })

  test('an unverified email does not match a guard', async () => {
    const { visit, vendor } = await guarded({ emailDomains: ['acme.example'] })
    vendor.user = { ...vendor.user, emailVerified: false }
    expect(codeOf(await visit())).toBe('email_unverified')
  })

  test('without rules a guard allows every logged-in user', async () => {
    const { visit } = await guarded({})
    expect((await visit()).status).toBe(200)
  })
})

describe('authorize', () => {
  test('runs in addition to the lists and receives the request', async () => {
    const { visit } = await guarded({
      emailDomains: ['acme.example'],
      authorize: (user, req) => user.name === 'Ida Novak' && req.headers['x-ok'] === '1',
    })
    await visit('/')
    expect((await visit('/guarded', { 'X-Ok': '1' })).status).toBe(200)
    expect((await visit()).status).toBe(403)
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('bug')
      },
    ],
    ['rejects', () => Promise.reject(new Error('bug'))],
  ])('S-101 one that %s denies access', async (_, authorize) => {
    const { visit, gate } = await guarded({ authorize })
    expect((await visit()).status).toBe(500)
    expect(gate.reached).toEqual([])
  })
})

describe('scopes', () => {
  test('a missing scope is requested once, and the browser returns to the page', async () => {
    const { visit, vendor, gate } = await guarded({ scopes: ['groups'] })
    expect(bodyOf(await visit('/')).oauth?.['scopes']).not.toContain('groups')
    vendor.requests.length = 0
    const page = await visit('/guarded?deep=1')
    expect([page.status, page.url]).toEqual([200, gate.url('/guarded?deep=1')])
    expect(attemptOf(page).authorization.get('scope')?.split(' ')).toEqual(
      expect.arrayContaining(['openid', 'profile', 'email', 'groups']),
    )
    expect(bodyOf(page).oauth?.['scopes']).toContain('groups')
    expect(vendor.requests.filter(({ endpoint }) => endpoint === 'authorize')).toHaveLength(1)
    vendor.requests.length = 0
    await visit()
    expect(vendor.requests).toEqual([])
  })

  test('a declined scope results in a page, not in a loop', async () => {
    const { visit, vendor, gate } = await guarded({ scopes: ['groups'] })
    await visit('/')
    gate.reached.length = 0
    vendor.settings.grantedScopes = ['openid', 'profile', 'email']
    vendor.requests.length = 0
    const page = await visit()
    expect([page.status, codeOf(page)]).toEqual([403, 'access_denied'])
    expect(vendor.requests.filter(({ endpoint }) => endpoint === 'authorize')).toHaveLength(1)
    expect(gate.reached).toEqual([])
    // The login from before is still there, and trying again asks again.
    expect((await visit('/')).status).toBe(200)
    vendor.settings.grantedScopes = undefined
    const link = linksOf(page).find((one) => one.includes('/auth/authn'))
    expect((await visit(new URL(String(link)).pathname + new URL(String(link)).search)).url).toBe(
      gate.url('/guarded'),
    )
  })

  test('two guards with different scopes do not loop', async () => {
    const { visit, vendor } = await guarded([
      { scopes: ['groups'] },
      { scopes: ['offline_access'] },
    ])
    const page = await visit()
    expect(page.status).toBe(200)
    expect(bodyOf(page).oauth?.['scopes']).toEqual(
      expect.arrayContaining(['groups', 'offline_access']),
    )
    expect(vendor.requests.filter(({ endpoint }) => endpoint === 'authorize')).toHaveLength(3)
  })

  test('an API request gets 401 with a link', async () => {
    const { visit } = await guarded({ scopes: ['groups'] })
    await visit('/')
    const page = await visit('/guarded', program)
    expect([page.status, codeOf(page)]).toEqual([401, 'login_required'])
    expect(JSON.parse(page.body).login_url).toContain('/auth/authn')
  })

  test('a guard on memberships requests the scope for a session that lacks it', async () => {
    const vendor = await startVendor('github')
    const gate = await startGate(
      { provider: providerOf(vendor) },
      {
        routes: (app, auth) =>
          void app.use('/later', (req, res, next) =>
            (later ??= auth.requireAuth({ organizations: ['acme'] }))(req, res, next),
          ),
      },
    )
    let later: ReturnType<typeof gate.middleware.requireAuth> | undefined
    const browser = createBrowser()
    expect(bodyOf(await browser.get(gate.url('/'))).oauth?.['scopes']).not.toContain('read:org')
    const page = await browser.get(gate.url('/later'))
    expect([page.status, page.url]).toEqual([200, gate.url('/later')])
    expect(bodyOf(page).oauth?.['scopes']).toContain('read:org')
  })
})

describe('maxAge', () => {
  test('a login that is too old is repeated and returns to the page; auth_time decides', async () => {
    const clock = fakeDate()
    const { visit, vendor, gate } = await guarded({ maxAge: 60 })
    expect((await visit()).status).toBe(200)
    // The provider's clock may differ from ours by 30 seconds.
    clock.forward(90)
    vendor.requests.length = 0
    expect((await visit()).status).toBe(200)
    expect(vendor.requests).toEqual([])
    clock.forward(1)
    expect((await visit('/guarded', program)).status).toBe(401)
    const page = await visit('/guarded?x=1')
    expect([page.status, page.url]).toEqual([200, gate.url('/guarded?x=1')])
    expect(attemptOf(page).authorization.get('prompt')).toBe('login')
    expect((await visit()).status).toBe(200)
  })

  test('a provider that ignores max_age is detected, without a loop', async () => {
    const clock = fakeDate()
    const { visit, vendor, gate } = await guarded({ maxAge: 60 })
    await visit('/')
    gate.reached.length = 0
    vendor.settings.ignoreReauthentication = true
    clock.forward(120)
    vendor.requests.length = 0
    expect((await visit()).status).toBe(502)
    expect(vendor.requests.filter(({ endpoint }) => endpoint === 'authorize')).toHaveLength(1)
    expect(gate.reached).toEqual([])
  })

  const withoutAuthTime = ({ auth_time: _, ...claims }: Record<string, unknown>) => claims

  test('a login without auth_time does not count, and a new one without auth_time is denied', async () => {
    const { visit, vendor, gate, browser } = await guarded({ maxAge: 60 })
    vendor.claims(withoutAuthTime)
    expect((await visit('/')).status).toBe(200)
    expect((await visit('/guarded', program)).status).toBe(401)
    const begun = await browser.get(gate.url('/guarded'), { follow: false })
    expect(new URL(begun.location ?? '').searchParams.get('prompt')).toBe('login')
    expect((await visit()).status).toBe(502)
    // From a provider that says it only when asked.
    vendor.claims((claims) =>
      vendor.requests.findLast(({ endpoint }) => endpoint === 'authorize')?.query.has('max_age')
        ? claims
        : withoutAuthTime(claims),
    )
    expect((await visit()).status).toBe(200)
    expect(gate.reached.filter((line) => line !== 'GET /')).toEqual(['GET /guarded'])
  })

  test('an auth_time in the future does not count: in milliseconds it would always be fresh', async () => {
    const clock = fakeDate()
    const { visit, vendor } = await guarded({ maxAge: 60 })
    vendor.claims((claims) => ({ ...claims, auth_time: Date.now() }))
    expect((await visit('/')).status).toBe(200)
    clock.forward(86_400)
    expect((await visit('/guarded', program)).status).toBe(401)
    expect((await visit()).status).toBe(502)
  })

  test('a user who removes the new login from the authorization request does not pass', async () => {
    const clock = fakeDate()
    const { visit, vendor, gate, browser } = await guarded({ maxAge: 60 })
    await visit('/')
    for (const claims of [withoutAuthTime, undefined]) {
      vendor.claims(claims)
      clock.forward(120)
      const demanded = await browser.get(gate.url('/guarded'), { follow: false })
      const url = new URL(demanded.location ?? '')
      for (const name of ['prompt', 'max_age']) url.searchParams.delete(name)
      // The provider's own session is as old as ours.
      vendor.settings.ignoreReauthentication = true
      const page = await browser.get(url.href)
      vendor.settings.ignoreReauthentication = false
      expect([page.status, gate.reached]).toEqual([502, ['GET /']])
    }
  })

  test('a provider whose clock is behind, within the tolerance, causes no loop', async () => {
    fakeDate()
    const { visit, vendor } = await guarded({ maxAge: 10 })
    vendor.claims((claims) => ({ ...claims, auth_time: Math.floor(Date.now() / 1000) - 20 }))
    const page = await visit()
    expect(page.status).toBe(200)
    expect(vendor.requests.filter(({ endpoint }) => endpoint === 'authorize')).toHaveLength(1)
  })

  test.each<VendorName>(['oidc', 'gitlab', 'google', 'microsoft', 'linkedin', 'twitch'])(
    '%s: a guard that can be created can be satisfied',
    async (name) => {
      const vendor = await startVendor(name)
      const auth = oauthModule({ provider: providerOf(vendor), secret, logger: silent })
      const rules = { maxAge: 60 }
      const isRefused = (() => {
        try {
          return auth.requireAuth(rules) === undefined
        } catch (error) {
          return error instanceof TypeError && /maxAge/.test(error.message)
        }
      })()
      const { visit } = await guarded(isRefused ? { ...rules, acceptSilentLogin: true } : rules, {
        vendor: name,
      })
      expect([(await visit()).status, (await visit()).status]).toEqual([200, 200])
    },
  )

  test('throws if the provider cannot force a new login, unless silent logins are accepted', async () => {
    const vendor = await startVendor('github')
    const auth = oauthModule({ provider: providerOf(vendor), secret, logger: silent })
    expect(() => auth.requireAuth({ maxAge: 60 })).toThrow(/maxAge.*acceptSilentLogin/s)
    const clock = fakeDate()
    const { visit } = await guarded({ maxAge: 60, acceptSilentLogin: true }, github)
    await visit()
    clock.forward(61)
    expect((await visit('/guarded', program)).status).toBe(401)
    expect((await visit()).status).toBe(200)
  })
})

describe('several guards', () => {
  test('all of them apply', async () => {
    const staff = { provider: { scopes: ['groups'] } }
    const both = await guarded([{ emailDomains: ['acme.example'] }, { groups: ['staff'] }], staff)
    expect((await both.visit()).status).toBe(200)
    const one = await guarded([{ emailDomains: ['acme.example'] }, { groups: ['board'] }], staff)
    expect((await one.visit()).status).toBe(403)
    const other = await guarded([{ emailDomains: ['other.example'] }, { groups: ['staff'] }], staff)
    expect((await other.visit()).status).toBe(403)
    expect([...one.gate.reached, ...other.gate.reached]).toEqual([])
  })

  test('apply in routers, before and after other routers', async () => {
    const vendor = await startVendor('oidc')
    const gate = await startGate(
      { provider: providerOf(vendor, { scopes: ['groups'] }) },
      {
        routes(app, auth) {
          const admin = Router()
          admin.use(auth.requireAuth({ groups: ['staff'] }))
          admin.get(
            '/board',
            auth.requireAuth({ groups: ['board'] }),
            (_req, res) => void res.send('board'),
          )
          admin.get('/staff', (_req, res) => void res.send('staff'))
          app.use('/admin', admin)
        },
      },
    )
    const browser = createBrowser()
    const deep = await browser.get(gate.url('/admin/staff?x=1'))
    expect([deep.status, deep.url, deep.body]).toEqual([200, gate.url('/admin/staff?x=1'), 'staff'])
    expect((await browser.get(gate.url('/admin/board'))).status).toBe(403)
  })
})

describe('behind a gate with unauthenticated: pass', () => {
  const options = { unauthenticated: 'pass' as const }

  test('an anonymous request is redirected to a login and back, or gets 401; other routes stay open', async () => {
    const { visit, gate } = await guarded(
      { groups: ['staff'] },
      { options, provider: { scopes: ['groups'] } },
    )
    expect((await visit('/')).status).toBe(200)
    const refused = await visit('/guarded', program)
    expect([refused.status, codeOf(refused)]).toEqual([401, 'login_required'])
    const page = await visit('/guarded?x=1')
    expect([page.status, page.url]).toEqual([200, gate.url('/guarded?x=1')])
  })

  test('a user who is now denied by the rules of the gate gets the denied page there', async () => {
    const clock = fakeDate()
    const { visit, vendor } = await guarded(
      {},
      {
        options: { ...options, authCheckInterval: 300, authCheckEarly: false },
        provider: { emailDomains: ['acme.example'] },
      },
    )
    await visit()
    vendor.user = { ...vendor.user, email: 'ida@elsewhere.example' }
    clock.forward(300)
    expect(bodyOf(await visit('/')).oauth?.['reason']).toBe('denied')
    expect((await visit('/guarded', program)).status).toBe(403)
    const page = await visit()
    expect([page.status, codeOf(page)]).toEqual([403, 'not_authorized'])
  })
})

describe('a guard and its gate', () => {
  test('the guard works before and after reconfigure(), and requests its memberships', async () => {
    const vendor = await startVendor('github')
    const provider = providerOf(vendor)
    const gate = await startGate(
      { provider },
      {
        routes: (app, auth) =>
          void app.use('/guarded', auth.requireAuth({ teams: ['acme/engineering'] })),
      },
    )
    const browser = createBrowser()
    expect((await browser.get(gate.url('/guarded'))).status).toBe(200)
    gate.middleware.reconfigure({
      provider: providerOf(vendor, { organizations: ['acme'] }),
      secret,
      logger: silent,
    })
    expect((await browser.get(gate.url('/guarded'))).status).toBe(200)
    vendor.user = { ...vendor.user, teams: [] }
    gate.middleware.reconfigure({
      provider: providerOf(vendor, { organizations: ['acme'] }),
      rulesVersion: '2',
      secret,
      logger: silent,
    })
    expect((await browser.get(gate.url('/'))).status).toBe(200)
    expect((await browser.get(gate.url('/guarded'))).status).toBe(403)
  })

  test('a guard made after the login reads the user again for its memberships', async () => {
    const vendor = await startVendor('oidc')
    const gates: Gate[] = []
    const gate = await startGate(
      { provider: providerOf(vendor, { scopes: ['groups'] }) },
      {
        routes: (app) =>
          void app.use('/late', (req, res, next) =>
            (guard ??= gates[0]?.middleware.requireAuth({ groups: ['staff'] }))?.(req, res, next),
          ),
      },
    )
    let guard: ReturnType<typeof gate.middleware.requireAuth> | undefined
    gates.push(gate)
    const browser = createBrowser()
    expect((await browser.get(gate.url('/'))).status).toBe(200)
    guard = gate.middleware.requireAuth({ groups: ['staff'] })
    expect((await browser.get(gate.url('/late'))).status).toBe(200)
  })

  test('without the gate in front a guard denies access and names the mistake', async () => {
    const vendor = await startVendor('oidc')
    const auth = oauthModule({ provider: providerOf(vendor), secret, logger: silent })
    const app = express()
    app.use(auth.requireAuth())
    app.use((_req, res) => void res.send('reached'))
    app.use(
      (error: Error, _req: unknown, res: express.Response, _next: unknown) =>
        void res.status(500).send(error.message),
    )
    const server = await listen(app)
    const page = await createBrowser().get(server.origin)
    await server.close()
    expect([page.status, page.body]).toEqual([500, expect.stringContaining('app.use')])
  })

  test('a guard denies access if the request headers were replaced after the gate', async () => {
    const vendor = await startVendor('oidc')
    const gate = await startGate(
      { provider: providerOf(vendor) },
      {
        routes(app, auth) {
          app.use(
            '/guarded',
            (req, _res, next) => next(void (req.headers = { ...req.headers })),
            auth.requireAuth(),
          )
          app.use(
            (error: Error, _req: unknown, res: express.Response, _next: unknown) =>
              void res.status(500).send(error.message),
          )
        },
      },
    )
    const page = await createBrowser().get(gate.url('/guarded'))
    expect([page.status, page.body]).toEqual([500, expect.stringContaining('req.headers')])
  })

  test('each of two consecutive gates has its own guards', async () => {
    const vendor = await startVendor('oidc')
    const inner = oauthModule({
      provider: providerOf(vendor),
      secret,
      logger: silent,
      id: 'inner',
      cookiePrefix: 'inner.',
    })
    const gate = await startGate(
      { provider: providerOf(vendor, { scopes: ['groups'] }) },
      {
        routes: (app, auth) =>
          void app.use(
            '/inner',
            inner,
            auth.requireAuth({ groups: ['staff'] }),
            inner.requireAuth({ emailDomains: ['acme.example'] }),
          ),
      },
    )
    expect((await createBrowser().get(gate.url('/inner'))).status).toBe(200)
    vendor.user = { ...vendor.user, groups: [] }
    expect((await createBrowser().get(gate.url('/inner'))).status).toBe(403)
    vendor.user = { ...vendor.user, groups: ['staff'], email: 'ida@other.example' }
    expect((await createBrowser().get(gate.url('/inner'))).status).toBe(403)
  })

  test('the decision about a request does not apply to another request object with its headers', async () => {
    const vendor = await startVendor('oidc')
    const gate = await startGate(
      { provider: providerOf(vendor), optionsPassthrough: true },
      {
        routes(app, auth) {
          const late: express.RequestHandler = (_req, _res, next) => void setTimeout(next, 20)
          app.use(
            '/guarded',
            late,
            auth.requireAuth({ emailAddresses: ['ada@acme.example'] }),
            (_req, res) => void res.end('guarded'),
          )
          app.use('/batch', (req, res) => {
            const run = (method: string, url: string) =>
              new Promise<number>((resolve) => {
                const part = Object.assign(new IncomingMessage(req.socket), {
                  method,
                  url,
                  headers: req.headers,
                })
                const answer = new ServerResponse(part)
                answer.end = () => {
                  resolve(answer.statusCode)
                  return answer
                }
                app(part as express.Request, answer as express.Response)
              })
            void Promise.all([run('GET', '/guarded'), run('OPTIONS', '/')]).then((statuses) =>
              res.json(statuses),
            )
          })
        },
      },
    )
    const browser = createBrowser()
    expect((await browser.get(gate.url('/guarded'))).status).toBe(403)
    expect((await browser.get(gate.url('/batch'))).body).toBe('[500,200]')
  })

  test('the guards of a disabled gate are disabled', async () => {
    const off = await guarded({ groups: ['board'] }, { options: { enabled: false } })
    expect((await off.visit()).status).toBe(200)
    const preflight = await guarded(
      { groups: ['board'] },
      { options: { optionsPassthrough: true } },
    )
    expect(
      (await preflight.browser.request('OPTIONS', preflight.gate.url('/guarded'), undefined))
        .status,
    ).toBe(200)
    expect((await preflight.visit()).status).toBe(403)
  })

  test.each<[string, VendorName, Record<string, unknown>, RegExp]>([
    ['an unknown option', 'oidc', { email_domains: ['a.example'] }, /emailDomains/],
    ['an empty list', 'oidc', { groups: [] }, /groups/],
    ['an invalid scope', 'oidc', { scopes: ['a b'] }, /scopes/],
    ['a list that the provider does not know', 'google', { teams: ['acme/x'] }, /teams/],
    [
      'an email rule that the provider cannot satisfy',
      'facebook',
      { emailDomains: ['acme.example'] },
      /trustEmail/,
    ],
    ['a login that is always too old', 'oidc', { maxAge: 0 }, /maxAge/],
  ])('throws at construction for %s', async (_, name, rules, message) => {
    const vendor = await startVendor(name)
    const auth = oauthModule({ provider: providerOf(vendor), secret, logger: silent })
    expect(() => auth.requireAuth(rules as GuardRules)).toThrow(message)
  })
})
