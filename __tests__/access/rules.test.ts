import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { memoryStore, type OAuthModuleOptions, type OAuthUser } from '../../src/index.js'
import { startVendor, type VendorServer, type VendorUser } from '../../src/dev/vendors/index.js'
import {
  bodyOf,
  type Gate,
  oidcOf,
  startGate,
  stopAll,
  stopping,
  toCallback,
} from '../support/gate.js'
import { createBrowser, linksOf, type Page } from '../support/jar.js'

let oidc: VendorServer
let github: VendorServer
let ida: VendorUser
let octavia: VendorUser

beforeAll(async () => {
  oidc = stopping(await startVendor('oidc'))
  github = stopping(await startVendor('github'))
})
beforeEach(() => {
  ida = structuredClone(oidc.user)
  octavia = structuredClone(github.user)
})
afterEach(() => {
  oidc.user = ida
  github.user = octavia
  github.settings.grantedScopes = undefined
  github.settings.endlessPages = false
})
afterAll(stopAll)

const store = memoryStore({ maxPerUser: 1000 })
const sessionsIn = async () =>
  (await store.entries?.({ kind: 'session', limit: 10_000 }))?.entries.length

async function loginWith(
  provider: OAuthModuleOptions['provider'],
  more: Partial<OAuthModuleOptions> = {},
): Promise<{ page: Page; gate: Gate; code: string | undefined }> {
  const gate = await startGate({ provider, store, ...more })
  const page = await createBrowser().get(gate.url('/'))
  return { page, gate, code: page.body.match(/Error code <code>(\w+)/)?.[1] }
}
const withRules = (rules: Record<string, unknown>, more: Partial<OAuthModuleOptions> = {}) =>
  loginWith({ idp: oidcOf(oidc, rules) }, more)
const atGithub = (rules: object, more: Partial<OAuthModuleOptions> = {}) =>
  loginWith({ github: { ...github.options, ...rules } }, more)

describe('without a rule', () => {
  test('allows every user who can sign in, and logs one notice at startup', async () => {
    const { page, gate } = await withRules({})
    expect(page.status).toBe(200)
    const notices = (lines: readonly string[]) => lines.filter((line) => line.includes('no rule'))
    expect(notices(gate.logged)).toEqual([
      expect.stringMatching(/^info every user who can sign in at idp/),
    ])
    const ruled = await withRules({ emailDomains: ['acme.example'] })
    expect(notices(ruled.gate.logged)).toEqual([])
  })
})

describe('S-087 a user who is on any of the lists passes', () => {
  test.each<[string, Record<string, unknown>, number]>([
    ['the address', { emailAddresses: ['ida@acme.example'] }, 200],
    ['the address in another case', { emailAddresses: ['IDA@Acme.Example'] }, 200],
    ['the domain', { emailDomains: ['acme.example'] }, 200],
    ['the domain in another case', { emailDomains: ['ACME.example'] }, 200],
    ['another address', { emailAddresses: ['bob@acme.example'] }, 403],
    ['a domain that ends in it', { emailDomains: ['cme.example'] }, 403],
    ['the domain above', { emailDomains: ['example.com', 'example.org'] }, 403],
    ['a subdomain', { emailDomains: ['mail.acme.example'] }, 403],
    [
      'one list of two',
      { emailAddresses: ['bob@acme.example'], emailDomains: ['acme.example'] },
      200,
    ],
    ['one entry of two', { emailDomains: ['other.example', 'acme.example'] }, 200],
    ['groups or the address', { groups: ['nobody'], emailAddresses: ['ida@acme.example'] }, 200],
    [
      'none of three',
      { groups: ['nobody'], emailAddresses: ['bob@acme.example'], emailDomains: ['other.example'] },
      403,
    ],
  ])('%s', async (_, rules, status) => {
    const before = await sessionsIn()
    const { page, gate, code } = await withRules(rules)
    expect(page.status).toBe(status)
    if (status === 200) return
    expect(code).toBe('not_authorized')
    expect(gate.reached).toEqual([])
    expect(await sessionsIn()).toBe(before)
  })

  test('groups come from the configured claim and are compared exactly, including case', async () => {
    const groupsOf = async (rules: Record<string, unknown>) =>
      (await withRules({ scopes: ['groups'], ...rules })).page.status
    expect(await groupsOf({ groups: ['staff'] })).toBe(200)
    expect(await groupsOf({ groups: ['Staff'] })).toBe(403)
    expect(await groupsOf({ groups: ['staf'] })).toBe(403)
    oidc.user.claims = { groups: { staff: true } }
    expect(await groupsOf({ groups: ['staff'] })).toBe(403)
  })
})

describe('email addresses', () => {
  test.each<[unknown, number, string]>([
    [true, 200, ''],
    ['true', 200, ''],
    [false, 403, 'email_unverified'],
    ['false', 403, 'email_unverified'],
    [undefined, 403, 'email_unverified'],
    [1, 403, 'email_unverified'],
    [[true], 403, 'email_unverified'],
  ])('S-083 with email_verified %p', async (emailVerified, status, code) => {
    oidc.user.claims = { email_verified: emailVerified }
    const login = await withRules({ emailDomains: ['acme.example'] })
    expect([login.page.status, login.code ?? '']).toEqual([status, code])
  })

  test('S-083 trustEmail accepts unverified email addresses', async () => {
    oidc.user.claims = { email_verified: undefined }
    const { page } = await withRules({ emailDomains: ['acme.example'], trustEmail: true })
    expect(page.status).toBe(200)
    expect(bodyOf(page)).toMatchObject({
      user: { emailVerified: false },
      headers: { 'ngrok-auth-user-email': 'ida@acme.example' },
    })
    const without = bodyOf((await withRules({})).page)
    expect(without.headers['ngrok-auth-user-email']).toBeUndefined()
    expect(without.user).toMatchObject({ email: 'ida@acme.example', emailVerified: false })
  })

  test.each<[string, unknown]>([
    ['another one in front', 'ida@acme.example,eve@evil.example'],
    ['two at signs', 'eve@evil.example@acme.example'],
    ['quotes', '"eve@evil.example"@acme.example'],
    ['a comment', 'eve@evil.example(@acme.example'],
    ['the Kelvin sign', 'ida@ac\u212ae.example'],
    ['a full-width at', 'ida\uff20acme.example'],
    ['whitespace', 'ida@acme.example '],
    ['a line break', 'eve@evil.example\n@acme.example'],
    ['a list', ['ida@acme.example']],
    ['an object', { toString: 'ida@acme.example' }],
    ['a number', 7],
    ['nothing', undefined],
    ['a final dot', 'ida@acme.example.'],
    ['no local part', '@acme.example'],
  ])('S-082 S-084 email rules do not match %s', async (_, email) => {
    oidc.user.claims = { email }
    const login = await withRules({ emailDomains: ['acme.example', 'acke.example'] })
    expect([login.page.status, login.code]).toEqual([403, 'not_authorized'])
  })

  test('S-083 GitHub: the primary verified address counts, not the public one', async () => {
    github.user.email = 'octavia@public.example'
    const emails = [
      { email: 'octavia@other.example', primary: false, verified: true },
      { email: 'octavia@acme.example', primary: true, verified: true },
    ]
    github.user.emails = emails
    expect((await atGithub({ emailDomains: ['acme.example'] })).page.status).toBe(200)
    expect((await atGithub({ emailDomains: ['public.example', 'other.example'] })).code).toBe(
      'not_authorized',
    )
    github.user.emails = [
      { email: 'octavia@acme.example', primary: true, verified: false },
      { email: 'octavia@other.example', primary: false, verified: true },
    ]
    expect((await atGithub({ emailDomains: ['acme.example', 'other.example'] })).page.status).toBe(
      403,
    )
  })
})

describe('S-085 organizations and teams of GitHub', () => {
  test.each<[string, object, Partial<VendorUser>, number]>([
    ['a member', { organizations: ['acme'] }, {}, 200],
    ['a member, in another case', { organizations: ['ACME'] }, { organizations: ['Acme'] }, 200],
    ['no member', { organizations: ['other'] }, {}, 403],
    ['a part of the name', { organizations: ['acm', 'acme-2'] }, {}, 403],
    [
      'an invitation',
      { organizations: ['acme'] },
      { organizations: [{ login: 'acme', state: 'pending' }], teams: [] },
      403,
    ],
    ['a team', { teams: ['acme/engineering'] }, {}, 200],
    ['a team, in another case', { teams: ['Acme/Engineering'] }, {}, 200],
    ['another team', { teams: ['acme/sales'] }, {}, 403],
    [
      'the same team elsewhere',
      { teams: ['acme/engineering'] },
      { organizations: ['other'], teams: ['other/engineering'] },
      403,
    ],
    [
      'an inherited team',
      { teams: ['acme/everyone'] },
      { teams: [{ organization: 'acme', slug: 'everyone', inherited: true }] },
      200,
    ],
    [
      'a pending team',
      { teams: ['acme/pending'] },
      { teams: [{ organization: 'acme', slug: 'pending', state: 'pending' }] },
      403,
    ],
    [
      'a team by its id',
      { teams: ['4711'] },
      { teams: [{ organization: 'acme', slug: 'x', id: 4711 }] },
      200,
    ],
    [
      'a team counts for its organization',
      { organizations: ['acme'] },
      { organizations: [], teams: ['acme/engineering'] },
      200,
    ],
    [
      'the 250th organization',
      { organizations: ['org-249'] },
      { organizations: Array.from({ length: 250 }, (_, index) => `org-${index}`) },
      200,
    ],
  ])('%s', async (_, rules, user, status) => {
    Object.assign(github.user, user)
    const { page, code } = await atGithub(rules)
    expect([page.status, code]).toEqual([status, status === 200 ? undefined : 'not_authorized'])
  })

  test('the matched memberships are in req.user and in the headers', async () => {
    const { user, headers } = bodyOf(
      (
        await atGithub({
          organizations: ['Acme', 'other'],
          teams: ['acme/engineering', 'acme/sales'],
        })
      ).page,
    )
    expect(user).toMatchObject({
      key: 'github:583231',
      id: '583231',
      username: 'octavia',
      organizations: ['acme'],
      teams: ['acme/engineering'],
    })
    expect(headers).toMatchObject({
      'ngrok-auth-user-id': '583231',
      'ngrok-auth-github-user-id': 'octavia',
      'ngrok-auth-github-team': 'acme/engineering',
      'ngrok-auth-github-organization': 'acme',
    })
    const plain = bodyOf((await atGithub({})).page)
    expect(plain.user).toMatchObject({ organizations: [], teams: [] })
    expect(plain.headers['ngrok-auth-github-organization']).toBeUndefined()
  })

  test('denies when a rule cannot be evaluated: scope not granted, API error, endless pages', async () => {
    github.settings.grantedScopes = ['read:user', 'user:email']
    expect((await atGithub({ organizations: ['acme'] })).page.status).toBe(403)
    github.settings.grantedScopes = undefined
    const forbidden = { status: 403, body: { message: 'Resource not accessible' } }
    const ends = (['orgs', 'teams'] as const).map((endpoint) => github.respond(endpoint, forbidden))
    expect((await atGithub({ organizations: ['acme'] })).code).toBe('not_authorized')
    for (const end of ends) end()
    github.settings.endlessPages = true
    expect((await atGithub({ organizations: ['acme'] })).page.status).toBe(403)
  })

  test.each<[string, object, number]>([
    ['is down', { status: 503 }, 502],
    ['is throttled', { status: 429, headers: { 'retry-after': '7' } }, 503],
    ['responds with a page', { headers: { 'content-type': 'text/html' }, body: '<p>unicorn' }, 502],
  ])('S-028 an API that %s denies access, and nothing is stored', async (_, answer, status) => {
    for (const [endpoint, rules] of [
      ['user', { organizations: ['acme'] }],
      ['emails', { emailDomains: ['acme.example'] }],
      ['orgs', { organizations: ['acme'] }],
      ['teams', { teams: ['acme/engineering'] }],
    ] as const) {
      const before = await sessionsIn()
      const end = github.respond(endpoint, answer)
      // Another endpoint may prove the same membership.
      const more = (['teams', 'teamMembership'] as const).map((other) =>
        github.respond(other, answer),
      )
      const { page, gate } = await atGithub(rules)
      for (const endOther of more) endOther()
      end()
      expect([endpoint, page.status]).toEqual([endpoint, status])
      expect([await sessionsIn(), gate.reached]).toEqual([before, []])
    }
  })
})

describe('authorize', () => {
  test('runs in addition to the lists and receives the user and the request', async () => {
    const asked: [OAuthUser, string | undefined][] = []
    const authorize: OAuthModuleOptions['authorize'] = (user, req) => {
      asked.push([user, req.url])
      return user.email === 'ida@acme.example'
    }
    expect((await withRules({ emailDomains: ['acme.example'] }, { authorize })).page.status).toBe(
      200,
    )
    expect(asked[0]?.[0]).toMatchObject({ key: 'idp:user-1', email: 'ida@acme.example' })
    expect(asked[0]?.[1]).toContain('/auth/callback')
    expect((await withRules({ emailDomains: ['other.example'] }, { authorize })).page.status).toBe(
      403,
    )
    expect(asked).toHaveLength(1)
  })

  test.each<[string, () => unknown, number, string]>([
    ['false', () => false, 403, 'not_authorized'],
    ['nothing', () => undefined, 403, 'not_authorized'],
    ['a text', () => 'yes', 403, 'not_authorized'],
    ['a promise of false', async () => false, 403, 'not_authorized'],
    ['a promise of an object', async () => ({ allowed: true }), 403, 'not_authorized'],
    [
      'an error',
      () => {
        throw new Error('database of secrets')
      },
      500,
      'internal',
    ],
    ['a rejection', () => Promise.reject(new Error('down')), 500, 'internal'],
    ['a promise of true', async () => true, 200, ''],
  ])('S-101 that gives %s', async (_, give, status, expected) => {
    const before = await sessionsIn()
    const { page, code, gate } = await withRules({}, { authorize: give as () => boolean })
    expect([page.status, code ?? '']).toEqual([status, expected])
    expect(await sessionsIn()).toBe(Number(before) + (status === 200 ? 1 : 0))
    expect(gate.reached).toHaveLength(status === 200 ? 1 : 0)
    expect(page.body).not.toContain('secrets')
  })

  test('S-101 that never settles denies access after five seconds', async () => {
    const { page, code, gate } = await withRules(
      {},
      { authorize: () => new Promise(() => undefined) },
    )
    expect([page.status, code, gate.reached]).toEqual([500, 'internal', []])
  })
})

describe('S-088 a denied user', () => {
  test('sees the account in use, and can switch accounts without losing the return path', async () => {
    oidc.user.name = 'Ida <b>Novak</b>'
    const gate = await startGate({
      provider: { idp: oidcOf(oidc, { emailDomains: ['other.example'] }) },
    })
    const browser = createBrowser()
    const page = await browser.get(gate.url('/deep?x=1'))
    expect(page.status).toBe(403)
    expect(page.body).toContain('Ida &lt;b&gt;Novak&lt;/b&gt;')
    expect(page.body).toContain('ida@acme.example')
    expect(page.body).not.toContain('<b>Novak')
    expect(browser.cookies(gate.origin)).toEqual([])
    const another = linksOf(page).find((link) => link.includes('return_token'))
    const begun = await browser.get(another ?? '', { follow: false })
    expect(new URL(begun.location ?? '').searchParams.get('prompt')).toBe('select_account')
    oidc.user.claims = { email: 'ida@other.example' }
    const landed = await browser.get(another ?? '')
    expect([landed.status, landed.url]).toEqual([200, gate.url('/deep?x=1')])
    expect(linksOf(page)).toContain(gate.url('/auth/logout'))
  })

  test('the same in JSON', async () => {
    const gate = await startGate({
      provider: { idp: oidcOf(oidc, { emailDomains: ['other.example'] }) },
    })
    const browser = createBrowser()
    const callback = await toCallback(browser, gate.url('/'))
    const page = await browser.get(callback, {
      follow: false,
      headers: { Accept: 'application/json', 'Sec-Fetch-Mode': 'cors' },
    })
    expect(page.status).toBe(403)
    expect(JSON.parse(page.body)).toMatchObject({
      error: 'not_authorized',
      message: expect.any(String),
      login_url: expect.stringContaining('/auth/authn?'),
    })
  })

  test('an existing session is not changed', async () => {
    const gate = await startGate({
      provider: { idp: oidcOf(oidc, { emailDomains: ['acme.example'] }) },
    })
    const browser = createBrowser()
    const before = bodyOf(await browser.get(gate.url('/')))
    oidc.user.claims = { email: 'ida@elsewhere.example' }
    expect((await browser.get(gate.url('/auth/authn'))).status).toBe(403)
    expect(bodyOf(await browser.get(gate.url('/'))).oauth?.['sessionHandle']).toBe(
      before.oauth?.['sessionHandle'],
    )
  })
})

describe('scopes and managed applications', () => {
  test('the login succeeds when a generic server does not list a configured scope', async () => {
    oidc.settings.grantedScopes = ['openid', 'profile', 'email']
    const { page } = await withRules({ scopes: ['calendar'] })
    oidc.settings.grantedScopes = undefined
    expect(bodyOf(page).oauth?.['scopes']).toEqual(['openid', 'profile', 'email'])
    expect(bodyOf((await withRules({ scopes: ['calendar'] })).page).oauth?.['scopes']).toEqual([
      'openid',
      'profile',
      'email',
      'calendar',
    ])
  })

  test('a managed application reads its client from the environment, and the app gets no tokens', async () => {
    process.env['OAUTH_MODULE_GITHUB_CLIENT_ID'] = github.clientId
    process.env['OAUTH_MODULE_GITHUB_CLIENT_SECRET'] = github.clientSecret
    try {
      const { endpoints } = github.options as { endpoints: object }
      const tokens: unknown[] = []
      const gate = await startGate(
        { provider: { github: { endpoints } } },
        {
          routes: (app) =>
            app.get(
              '/tokens',
              (req, res) =>
                void res.json([
                  req.oauth.accessToken ?? null,
                  req.oauth.refreshToken ?? null,
                  tokens.length,
                ]),
            ),
        },
      )
      const browser = createBrowser()
      const { headers, user } = bodyOf(await browser.get(gate.url('/')))
      expect(user?.['id']).toBe('583231')
      expect(headers['ngrok-auth-oauth-access-token']).toBeUndefined()
      expect((await browser.get(gate.url('/tokens'))).body).toBe('[null,null,0]')
      await expect(
        startGate({ provider: { github: { endpoints, scopes: ['gist'] } } }),
      ).rejects.toThrow(/provider\.github\.scopes/)
    } finally {
      delete process.env['OAUTH_MODULE_GITHUB_CLIENT_ID']
      delete process.env['OAUTH_MODULE_GITHUB_CLIENT_SECRET']
    }
  })
})
