import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import {
  defineProvider,
  type GithubOptions,
  type OAuthEvents,
  type OAuthModuleOptions,
  type OAuthUser,
} from '../../src/index.js'
import { startVendor, type VendorServer, type VendorUser } from '../../src/dev/vendors/index.js'
import {
  authorizationOf,
  bodyOf,
  type Gate,
  oidcOf,
  startGate,
  stopAll,
  stopping,
} from '../support/gate.js'
import { type Browser, createBrowser, type Page } from '../support/jar.js'

let github: VendorServer
let oidc: VendorServer
let octavia: VendorUser
let ida: VendorUser

beforeAll(async () => {
  github = stopping(await startVendor('github'))
  oidc = stopping(await startVendor('oidc'))
})
beforeEach(() => {
  octavia = structuredClone(github.user)
  ida = structuredClone(oidc.user)
})
afterEach(() => {
  github.user = octavia
  oidc.user = ida
})
afterAll(stopAll)

interface Login {
  page: Page
  gate: Gate
  browser: Browser
  code: string | undefined
  denials: OAuthEvents['denied'][]
}

async function logIn(
  provider: OAuthModuleOptions['provider'],
  more: Partial<OAuthModuleOptions> = {},
): Promise<Login> {
  const gate = await startGate({ provider, ...more })
  const denials: OAuthEvents['denied'][] = []
  gate.middleware.on('denied', (denial) => denials.push(denial))
  const browser = createBrowser()
  const page = await browser.get(gate.url('/'))
  return { page, gate, browser, denials, code: page.body.match(/Error code <code>(\w+)/)?.[1] }
}
/** Octavia is a member of the organization acme and of its team engineering. */
const atGithub = (rules: GithubOptions, more: Partial<OAuthModuleOptions> = {}) =>
  logIn({ github: { ...github.options, ...rules } }, more)
const userOf = (page: Page) => bodyOf(page).user as unknown as OAuthUser

describe('C9: allOf, for rules that oauth2-proxy combines with AND', () => {
  test.each<[string, GithubOptions, Pick<OAuthEvents['denied'], 'tried' | 'unmet'> | 'passes']>([
    [
      'each set is met',
      { allOf: [{ organizations: ['acme'] }, { teams: ['acme/engineering'] }] },
      'passes',
    ],
    [
      'one set is not met',
      { allOf: [{ organizations: ['acme'] }, { teams: ['acme/sales'] }] },
      { tried: ['teams'], unmet: ['allOf[1]'] },
    ],
    [
      'no set is met',
      { allOf: [{ organizations: ['other'] }, { teams: ['acme/sales'] }] },
      { tried: ['organizations', 'teams'], unmet: ['allOf[0]', 'allOf[1]'] },
    ],
    [
      'within a set, the lists are alternatives',
      {
        allOf: [
          { organizations: ['other'], teams: ['acme/engineering'] },
          { emailDomains: ['acme.example'], emailAddresses: ['nobody@other.example'] },
        ],
      },
      'passes',
    ],
    [
      'the lists next to allOf are one more set, which is met',
      { organizations: ['other', 'acme'], allOf: [{ teams: ['acme/engineering'] }] },
      'passes',
    ],
    [
      'the lists next to allOf are one more set, which is not met',
      {
        organizations: ['other'],
        emailAddresses: ['nobody@other.example'],
        allOf: [{ teams: ['acme/engineering'] }],
      },
      { tried: ['emailAddresses', 'organizations'], unmet: ['lists'] },
    ],
    [
      'two sets with the same list',
      { allOf: [{ organizations: ['acme'] }, { organizations: ['other'] }] },
      { tried: ['organizations'], unmet: ['allOf[1]'] },
    ],
    ['a single set', { allOf: [{ organizations: ['other'] }] }, { tried: ['organizations'] }],
  ])('%s', async (_, rules, expected) => {
    const { page, gate, denials } = await atGithub(rules)
    const passes = expected === 'passes'
    expect([page.status, gate.reached.length]).toEqual(passes ? [200, 1] : [403, 0])
    expect(denials.map(({ tried, unmet }) => ({ tried, unmet }))).toEqual(passes ? [] : [expected])
  })

  test('an unverified email address is the reason only if nothing else is missing', async () => {
    github.user.emails = [{ email: 'octavia@acme.example', primary: true, verified: false }]
    oidc.user.claims = { email_verified: false, groups: ['staff'] }
    const at = (allOf: object[]) => logIn({ idp: oidcOf(oidc, { scopes: ['groups'], allOf }) })
    const email = { emailDomains: ['acme.example'] }
    expect((await at([email, { groups: ['staff'] }])).code).toBe('email_unverified')
    expect((await at([email, { groups: ['admins'] }])).code).toBe('not_authorized')
    expect((await at([{ ...email, groups: ['staff'] }, { groups: ['staff'] }])).page.status).toBe(
      200,
    )
  })

  test('the memberships of all sets are requested, are in req.user, and name both headers', async () => {
    const gate = await startGate({
      provider: {
        github: {
          ...github.options,
          allOf: [{ organizations: ['acme', 'other'] }, { teams: ['acme/engineering', '4711'] }],
        },
      },
    })
    const browser = createBrowser()
    const start = await browser.get(gate.url('/'), { follow: false })
    expect(authorizationOf(start).get('scope')?.split(' ')).toContain('read:org')
    const page = await browser.get(gate.url('/'))
    expect(userOf(page)).toMatchObject({ organizations: ['acme'], teams: ['acme/engineering'] })
    expect(bodyOf(page).headers).toMatchObject({
      'ngrok-auth-github-organization': 'acme',
      'ngrok-auth-github-team': 'acme/engineering',
    })
  })

  test('explain() names the entry of every set, or the sets that are not met', async () => {
    const { page, gate } = await atGithub({
      emailDomains: ['acme.example'],
      allOf: [{ organizations: ['acme'] }, { teams: ['acme/engineering'] }],
    })
    const user = userOf(page)
    const domain = { list: 'emailDomains', entry: 'acme.example' }
    expect(gate.middleware.explain(user)).toEqual({
      isAllowed: true,
      matched: domain,
      matches: [
        domain,
        { list: 'organizations', entry: 'acme' },
        { list: 'teams', entry: 'acme/engineering' },
      ],
    })
    expect(gate.middleware.explain({ ...user, teams: [], email: undefined })).toMatchObject({
      isAllowed: false,
      code: 'not_authorized',
      tried: ['emailDomains', 'teams'],
      unmet: ['lists', 'allOf[1]'],
      hint: expect.stringContaining('no email in the claims'),
    })
  })

  test('a set that is added by reconfigure() applies to the next request of every session', async () => {
    const { page, gate, browser } = await atGithub({ organizations: ['acme'] })
    expect(page.status).toBe(200)
    const withSets = (allOf: GithubOptions['allOf']) =>
      gate.middleware.reconfigure({
        provider: { github: { ...github.options, organizations: ['acme'], allOf: allOf ?? [] } },
      })
    withSets([{ teams: ['acme/sales'] }])
    expect((await browser.get(gate.url('/'))).status).toBe(403)
    withSets([{ teams: ['acme/engineering'] }])
    expect((await browser.get(gate.url('/'))).status).toBe(200)
  })

  test('reportOnly reports what allOf would deny, with the sets that are not met', async () => {
    const { page, denials } = await atGithub(
      { organizations: ['acme'] },
      { reportOnly: { allOf: [{ organizations: ['acme'] }, { teams: ['acme/sales'] }] } },
    )
    expect(page.status).toBe(200)
    for (let turn = 0; turn < 200 && denials.length === 0; turn++)
      await new Promise((resolve) => setTimeout(resolve, 10))
    expect(denials).toEqual([
      expect.objectContaining({ isReportOnly: true, tried: ['teams'], unmet: ['allOf[1]'] }),
    ])
  })

  test('requireAuth() takes allOf, and its memberships are read from the next login on', async () => {
    const routes: Parameters<typeof startGate>[1] = {
      routes(app, auth) {
        const admins = { organizations: ['acme'] }
        app.use('/met', auth.requireAuth({ allOf: [admins, { teams: ['acme/engineering'] }] }))
        app.use('/unmet', auth.requireAuth({ allOf: [admins, { teams: ['acme/sales'] }] }))
      },
    }
    const gate = await startGate({ provider: { github: github.options as GithubOptions } }, routes)
    const browser = createBrowser()
    expect((await browser.get(gate.url('/met'))).status).toBe(200)
    expect((await browser.get(gate.url('/unmet'))).status).toBe(403)
  })

  test('with defineProvider(), sets take the membership lists of the definition', async () => {
    const { endpoints } = { endpoints: { api: 'https://x.example' } }
    const own = (allOf: object[]) =>
      defineProvider({
        clientId: 'a',
        clientSecret: 'b',
        openid: true,
        issuer: 'https://own.example',
        scopes: ['openid'],
        membershipLists: ['teams'],
        endpoints,
        allOf,
      })
    const start = (allOf: object[]) => startGate({ provider: { own: own(allOf) } })
    await start([{ teams: ['a/b'] }, { emailDomains: ['acme.example'] }])
    await expect(start([{ groups: ['a'] }])).rejects.toThrow(
      /provider\.own\.allOf\[0\] has an unknown option 'groups'; known are emailAddresses, emailDomains, teams/,
    )
  })

  test('mistakes name the set: undefined and empty lists, lists that the vendor does not have, email rules that cannot be met', async () => {
    const wrong = (provider: object) =>
      startGate({ provider: provider as OAuthModuleOptions['provider'] })
    const client = { clientId: 'a', clientSecret: 'b' }
    const sets = [{ organizations: undefined }, { teams: [] }, {}, { groups: ['x'] }, 'acme']
    await expect(wrong({ github: { ...client, allOf: sets } })).rejects.toThrow(
      new RegExp(
        [
          'allOf\\[0\\]\\.organizations is undefined: .*',
          'allOf\\[1\\]\\.teams is an empty array: .*',
          'allOf\\[2\\] contains no rule: it takes emailAddresses, emailDomains, organizations, teams',
          "allOf\\[3\\] has an unknown option 'groups'; .*",
          'allOf\\[4\\] must be an object of options',
        ]
          .map((line) => `oauthModule\\.provider\\.github\\.${line}`)
          .join('\\n'),
      ),
    )
    await expect(wrong({ github: { ...client, allOf: undefined } })).rejects.toThrow(
      /github\.allOf is undefined/,
    )
    await expect(
      wrong({ facebook: { ...client, allOf: [{ emailDomains: ['acme.example'] }] } }),
    ).rejects.toThrow(/facebook\.allOf\[0\]\.emailDomains cannot be met/)
    const gate = await startGate({ provider: { github: client } })
    expect(() => gate.middleware.requireAuth({ allOf: [{ groups: ['x'] }] })).toThrow(
      /requireAuth\(\)\.allOf\[0\]\.groups cannot be met: GitHub has no groups/,
    )
  })

  test('lists that a vendor does not have do not compile', () => {
    // @ts-expect-error GitHub has no groups.
    const options: GithubOptions = { allOf: [{ groups: ['staff'] }] }
    expect(options).toBeDefined()
  })
})
