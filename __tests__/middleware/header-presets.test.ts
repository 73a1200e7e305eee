import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { defineProvider, memoryStore, type OAuthModuleOptions } from '../../src/index.js'
import type { VendorName, VendorOptions, VendorServer } from '../../src/dev/vendors/index.js'
import { bodyOf, type Gate, startGate, stopAll } from '../support/gate.js'
import { createBrowser, type Page } from '../support/jar.js'
import { attemptOf, providerOf, refusal, startVendor } from '../support/providers.js'
import { sendRawRequest } from '../support/raw.js'

let github: VendorServer

beforeAll(async () => {
  github = await startVendor('github')
  github.user = {
    ...github.user,
    organizations: ['Acme', 'umbrella'],
    teams: ['Acme/engineering', 'umbrella/legal'],
  }
})
afterAll(stopAll)

type Options = Partial<OAuthModuleOptions>
type ProviderOptions = Record<string, unknown>

const preset = { headerPrefix: 'oauth2-proxy' }

const start = (vendor: VendorServer, options: Options = preset, more: ProviderOptions = {}) =>
  startGate({ provider: providerOf(vendor, more), ...options })

function presetHeaders(page: Pick<Page, 'body'>, prefix = 'x-forwarded-'): Record<string, string> {
  const { headers } = bodyOf(page)
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith(prefix)))
}

const visit = (gate: Gate) => createBrowser().get(gate.url('/'))

async function headersWith(
  name: VendorName,
  vendorOptions: VendorOptions = {},
  more: ProviderOptions = {},
) {
  const page = await visit(await start(await startVendor(name, vendorOptions), preset, more))
  return presetHeaders(page)
}

describe('the presets of oauth2-proxy', () => {
  test.each([
    ['oauth2-proxy', 'x-forwarded-'],
    ['oauth2-proxy-nginx', 'x-auth-request-'],
  ])(
    'E2: %s names the login and every organization and team, without a rule',
    async (name, prefix) => {
      const page = await visit(await start(github, { headerPrefix: name, forwardTokens: true }))
      expect(attemptOf(page).authorization.get('scope')).toContain('read:org')
      expect(presetHeaders(page, prefix)).toEqual({
        [`${prefix}user`]: 'octavia',
        [`${prefix}email`]: 'octavia@acme.example',
        [`${prefix}preferred-username`]: 'octavia',
        [`${prefix}groups`]: 'Acme,umbrella,Acme:engineering,umbrella:legal',
        [`${prefix}access-token`]: expect.stringMatching(/^gho_/),
      })
    },
  )

  test('E2: memberships that a rule names are spelled as in the rule, and teams have no numeric ID', async () => {
    for (const [rules, groups] of [
      [{ organizations: ['acme'] }, 'acme,umbrella,Acme:engineering,umbrella:legal'],
      [{ teams: ['acme/engineering'] }, 'Acme,umbrella,acme:engineering,umbrella:legal'],
    ] as const) {
      const page = await visit(await start(github, preset, rules))
      expect(presetHeaders(page)['x-forwarded-groups']).toBe(groups)
    }
  })

  test('E2: with other names, only memberships that a rule names are requested', async () => {
    const page = await visit(await start(github, {}))
    expect(attemptOf(page).authorization.get('scope')).not.toContain('read:org')
    expect(bodyOf(page).user).toMatchObject({ organizations: [], teams: [] })
  })

  test('E2: other providers: every group of the claim, and the ID of users without a login name', async () => {
    expect(await headersWith('oidc', {}, { scopes: ['groups'], groups: ['staff'] })).toMatchObject({
      'x-forwarded-user': 'ida',
      'x-forwarded-groups': 'staff',
    })
    expect(await headersWith('gitlab')).toMatchObject({
      'x-forwarded-groups': 'acme,acme/platform',
    })
    const google = await headersWith('google')
    expect(google['x-forwarded-user']).toMatch(/^\d+$/)
    expect(google).not.toHaveProperty('x-forwarded-groups')
    expect(google).not.toHaveProperty('x-forwarded-preferred-username')
  })

  test('E2: a provider without a groups claim causes no warning unless a rule needs it', async () => {
    const gate = await start(await startVendor('oidc'))
    expect(presetHeaders(await visit(gate))).not.toHaveProperty('x-forwarded-groups')
    expect(gate.logged.join()).not.toContain('groups are not met')
  })

  test('E2: memberships that cannot be read keep no one out without a rule', async () => {
    const vendor = await startVendor('github')
    const gate = await start(vendor)
    for (const answer of [
      { status: 500, body: 'unicorn' },
      { status: 403, body: {} },
    ]) {
      vendor.respond('orgs', answer)
      vendor.respond('teams', answer)
      const page = await visit(gate)
      expect(page.status).toBe(200)
      expect(presetHeaders(page)).not.toHaveProperty('x-forwarded-groups')
    }
  })

  test('E2: a session from before the preset is read again at its next request', async () => {
    const shared = { store: memoryStore(), id: 'app' }
    const before = await start(github, shared)
    const after = await start(github, { ...shared, ...preset })
    const browser = createBrowser()
    await browser.get(before.url('/'))
    const cookie = browser.cookies(before.origin).map((one) => one.cookieString())
    const page = await createBrowser().get(after.url('/'), {
      follow: false,
      headers: { Cookie: cookie.join('; ') },
    })
    // The session lacks the scope, so it has no groups, but it is not lost.
    expect(page.status).toBe(200)
    expect(presetHeaders(page)['x-forwarded-user']).toBe('octavia')
  })

  test('E2: a hook of defineProvider() learns that all memberships are wanted', async () => {
    const vendor = await startVendor('oauth2')
    const { authorizationUrl, tokenUrl } = vendor.options as Record<string, string>
    const gate = await startGate({
      ...preset,
      provider: {
        own: defineProvider({
          openid: false,
          scopes: ['profile'],
          clientId: vendor.clientId,
          clientSecret: vendor.clientSecret,
          endpoints: { authorization: String(authorizationUrl), token: String(tokenUrl) },
          identity: () => ({ id: '1', emailVerified: false, claims: {} }),
          membershipLists: ['groups'],
          memberships: async (_api, { all }) => ({ groups: all ? ['a,b', '50%', 'c'] : [] }),
        }),
      },
    })
    expect(presetHeaders(await visit(gate))['x-forwarded-groups']).toBe('a%2Cb,50%25,c')
  })

  test('E2: groups beyond 4096 characters are left out, and the log says so once', async () => {
    const vendor = await startVendor('gitlab')
    const { user } = vendor
    const groups = (count: number) => Array.from({ length: count }, (_, n) => `group-${n + 100}`)
    vendor.user = { ...user, groups: groups(400) }
    const gate = await start(vendor)
    expect(presetHeaders(await visit(gate))['x-forwarded-groups']).toHaveLength(3999)
    vendor.user = { ...user, groups: groups(500) }
    for (let login = 0; login < 2; login++)
      expect(presetHeaders(await visit(gate))).not.toHaveProperty('x-forwarded-groups')
    const lines = gate.logged.filter((line) => line.includes('x-forwarded-groups is left out'))
    expect(lines).toEqual([expect.stringMatching(/^warn .* 4096 characters/)])
  })

  test.each(['oauth2-proxy', 'oauth2-proxy-nginx'])(
    'several lists at once throw with %s, and the message names allOf',
    (headerPrefix) => {
      const rules = { organizations: ['acme'], teams: ['acme/engineering'] }
      const message = refusal(providerOf(github, rules), { headerPrefix }) ?? ''
      expect(message).toMatch(/provider\.github has several lists.*combines with AND/)
      expect(message).toContain('allOf: [{ organizations: […] }, { teams: […] }]')
      expect(message).not.toMatch(/acme|engineering/)
      expect(refusal(providerOf(github), { headerPrefix, reportOnly: rules })).toMatch(
        /reportOnly has several lists/,
      )
      const { organizations, teams } = rules
      for (const accepted of [
        { organizations },
        { allOf: [{ organizations }, { teams }] },
        { allOf: [rules] },
      ])
        expect(refusal(providerOf(github, accepted), { headerPrefix })).toBeUndefined()
      expect(refusal(providerOf(github, rules))).toBeUndefined()
    },
  )

  test.each([
    ['oauth2-proxy', 'x-forwarded-', 'x-auth-request-'],
    ['oauth2-proxy-nginx', 'x-auth-request-', 'x-forwarded-'],
  ])('E2: %s strips exactly its names, in every spelling', async (headerPrefix, own, other) => {
    const gate = await start(github, { headerPrefix, unauthenticated: 'pass' })
    const names = ['user', 'email', 'preferred-username', 'groups', 'access-token']
    const spellings = (name: string) => [
      name,
      name.toUpperCase(),
      name.replaceAll('-', '_'),
      name.replaceAll('-', '.'),
    ]
    const forged = [...names.map((name) => own + name), 'ngrok-auth-user-id'].flatMap(spellings)
    const kept = [`${own}for`, `${own}host`, `${own}users`, `${other}user`, `x-${own}user`]
    const answer = await sendRawRequest(gate.port, {
      headers: [...forged.map((name) => `${name}: forged`), ...kept.map((name) => `${name}: kept`)],
    })
    const { headers, rawHeaders } = bodyOf(answer)
    expect(JSON.stringify([headers, rawHeaders])).not.toContain('forged')
    for (const name of kept) expect(headers[name]).toBe('kept')
  })
})
