import { afterEach, describe, expect, test } from '@jest/globals'
import { githubProvider, oidcProvider } from '../../src/index.js'
import { startGate, stopAll, toCallback, untilCallback } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import {
  expectDenied,
  gateOf,
  logIn,
  refusal,
  requestsTo,
  setUp,
  startVendor,
} from '../support/providers.js'

afterEach(stopAll)

const teams = (count: number, last: string) => [
  ...Array.from({ length: count - 1 }, (_, index) => `crowd/team-${index}`),
  last,
]

describe('tokens', () => {
  test('GH-1: requests JSON, and parses a form-encoded response as well', async () => {
    const { vendor, gate } = await setUp('github')
    expect((await logIn({ gate })).status).toBe(200)
    expect(requestsTo(vendor, 'token')[0]?.headers.accept).toContain('application/json')
    vendor.respond('token', () => undefined)
    const fields = new URLSearchParams({
      access_token: '',
      scope: 'read:user,user:email',
      token_type: 'bearer',
    })
    vendor.respond('token', async (request) => {
      const { accessToken } = await redeemAsForm(vendor.origin, request.body)
      fields.set('access_token', accessToken)
      return {
        headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
        body: fields.toString(),
      }
    })
    expect((await logIn({ gate })).user).toMatchObject({ id: '583231' })

    async function redeemAsForm(origin: string, body: string) {
      vendor.respond('token', undefined)
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      const answer = await fetch(`${origin}/login/oauth/access_token`, {
        method: 'POST',
        headers,
        body,
      })
      return { accessToken: new URLSearchParams(await answer.text()).get('access_token') ?? '' }
    }
  })

  test('GH-2: an error with status 200 is an error: no session, and no user request', async () => {
    const { vendor, gate, browser } = await setUp('github')
    vendor.respond('token', {
      body: {
        error: 'bad_verification_code',
        error_description: 'The code passed is incorrect or expired.',
      },
    })
    const attempt = await logIn({ gate, browser })
    expect(attempt).toMatchObject({ status: 400, code: 'login_expired' })
    expect(requestsTo(vendor, 'user')).toEqual([])
    expect(browser.cookies(gate.origin).map(({ key }) => key)).not.toContain('ngrok.session')
  })

  test.each([
    ['incorrect_client_credentials', 502, 'misconfigured'],
    ['redirect_uri_mismatch', 502, 'misconfigured'],
    ['unverified_user_email', 403, 'email_unverified'],
  ])('GH-2: %s with status 200 has its own response', async (error, status, code) => {
    const { vendor, gate } = await setUp('github')
    vendor.respond('token', { body: { error } })
    expect(await logIn({ gate })).toMatchObject({ status, code })
  })

  test('GH-4: scopes are separated by commas, and a wide one includes the narrow ones', async () => {
    const { vendor, gate } = await setUp('github', {
      scopes: ['user', 'repo'],
      organizations: ['acme'],
    })
    const attempt = await logIn({ gate })
    expect(attempt.authorization.get('scope')?.split(' ').sort()).toEqual([
      'read:org',
      'read:user',
      'repo',
      'user',
      'user:email',
    ])
    expect(attempt.seen.oauth).toMatchObject({
      scopes: expect.arrayContaining(['read:user', 'user:email', 'read:org']),
    })
    vendor.settings.grantedScopes = ['read:user', 'user:email', 'user']
    expect(await logIn({ gate })).toMatchObject({ status: 403, code: 'access_denied' })
    vendor.settings.grantedScopes = []
    expect(await logIn({ gate })).toMatchObject({ status: 403, code: 'access_denied' })
  })

  test.each([
    ['admin:org', ['read:org', 'write:org']],
    ['write:org', ['read:org']],
  ])('GH-4: `%s` granted satisfies %j', async (wide, narrow) => {
    const { vendor, gate } = await setUp('github', { scopes: [...narrow, wide] })
    vendor.settings.grantedScopes = ['read:user', 'user:email', wide]
    expect((await logIn({ gate })).seen.oauth).toMatchObject({
      scopes: expect.arrayContaining(narrow),
    })
  })

  test('GH-4: `user` granted satisfies `read:user` and `user:email`', async () => {
    const { vendor, gate } = await setUp('github', { scopes: ['read:user', 'user:email'] })
    vendor.respond('token', undefined)
    const browser = createBrowser()
    const callback = await toCallback(browser, gate.url('/'))
    vendor.respond('user', { body: { id: 1, login: 'x' } })
    vendor.respond('emails', { body: [] })
    vendor.respond('token', { body: { access_token: 't', token_type: 'bearer', scope: 'user' } })
    expect((await browser.get(callback)).status).toBe(200)
  })

  test('GH-21: a GitHub App has no scopes: its permissions decide what can be read', async () => {
    const { gate } = await setUp(
      'github',
      { emailDomains: ['acme.example'] },
      { settings: { githubApp: true } },
    )
    expect((await logIn({ gate })).user).toMatchObject({
      email: 'octavia@acme.example',
      emailVerified: true,
    })
  })
})

describe('email', () => {
  test('GH-5: the public email is ignored', async () => {
    const { vendor, gate } = await setUp('github', { emailDomains: ['corp.com'] })
    vendor.user = {
      ...vendor.user,
      email: 'ceo@corp.com',
      emails: [
        { email: 'ceo@corp.com', primary: false, verified: false },
        { email: 'me@x.com', primary: true, verified: true },
      ],
    }
    expectDenied(await logIn({ gate }), 'me@x.com')
  })

  test('GH-6: without a primary verified email there is none', async () => {
    const { vendor, gate } = await setUp('github')
    vendor.user.emails = [
      { email: 'first@corp.com', primary: false, verified: true },
      { email: 'second@corp.com', primary: true, verified: false },
    ]
    const { seen } = await logIn({ gate })
    expect(seen.user).not.toHaveProperty('email')
    expect(seen.headers).not.toHaveProperty('ngrok-auth-user-email')
    expectDenied(await logIn({ gate: await gateOf(vendor, { emailDomains: ['corp.com'] }) }))
  })

  test('GH-6: a user who does not share emails logs in without one', async () => {
    const { vendor, gate } = await setUp('github')
    vendor.settings.grantedScopes = ['read:user']
    vendor.user.email = 'public@corp.com'
    const { seen } = await logIn({ gate })
    expect(seen.user).not.toHaveProperty('email')
    expect(seen.headers).not.toHaveProperty('ngrok-auth-user-email')
    expectDenied(await logIn({ gate: await gateOf(vendor, { emailDomains: ['corp.com'] }) }))
  })

  test('GH-7: a private email works', async () => {
    const { vendor, gate } = await setUp('github', { emailAddresses: ['Octavia@Acme.example'] })
    expect(vendor.user.email).toBeNull()
    expect((await logIn({ gate })).seen.headers).toMatchObject({
      'ngrok-auth-user-email': 'octavia@acme.example',
    })
  })
})

describe('organizations and teams', () => {
  test('GH-8: a team on the second page counts; pages have a hundred entries', async () => {
    const { vendor, gate } = await setUp('github', { teams: ['acme/last'] })
    vendor.user.teams = teams(130, 'acme/last')
    expect((await logIn({ gate })).user).toMatchObject({ teams: ['acme/last'] })
    const asked = requestsTo(vendor, 'teams')
    expect(asked).toHaveLength(2)
    for (const { query } of asked) expect(query.get('per_page')).toBe('100')
  })

  test('GH-8: a next page at another origin never gets the token', async () => {
    const other = await startVendor('github')
    const { vendor, gate } = await setUp('github', { teams: ['acme/last'] })
    vendor.user.organizations = []
    vendor.user.teams = teams(130, 'acme/last')
    vendor.settings.nextPageOrigin = other.origin
    expectDenied(await logIn({ gate }))
    expect(other.requests).toEqual([])
  })

  test('GH-9: endless pages are cut off, and no rule matches', async () => {
    const { vendor, gate } = await setUp('github', { organizations: ['acme'] })
    vendor.settings.endlessPages = true
    expectDenied(await logIn({ gate }))
    expect(requestsTo(vendor, 'orgs')).toHaveLength(100)
  })

  test('GH-10: a pending invitation does not count as a membership', async () => {
    const { vendor, gate } = await setUp('github', {
      organizations: ['acme'],
      teams: ['acme/core'],
    })
    vendor.user.organizations = [{ login: 'acme', state: 'pending' }]
    vendor.user.teams = [{ organization: 'acme', slug: 'core', state: 'pending' }]
    expectDenied(await logIn({ gate }))
    // The organization is listed now, so the team itself is requested.
    vendor.user.organizations = ['acme']
    expectDenied(await logIn({ gate: await gateOf(vendor, { teams: ['acme/core'] }) }))
    expect(requestsTo(vendor, 'teamMembership')).toHaveLength(1)
  })

  test('GH-11: organizations and teams are compared case-insensitively', async () => {
    const { vendor, gate } = await setUp('github', { organizations: ['MyOrg'] })
    vendor.user.organizations = ['myorg']
    expect((await logIn({ gate })).status).toBe(200)
    vendor.user = { ...vendor.user, organizations: ['MYORG'], teams: [] }
    expect((await logIn({ gate })).user).toMatchObject({ organizations: ['myorg'] })
    // Neither the organization nor the request for one team helps here.
    vendor.user = { ...vendor.user, organizations: [], teams: ['MyOrg/CORE'] }
    expect((await logIn({ gate: await gateOf(vendor, { teams: ['myorg/Core'] }) })).status).toBe(
      200,
    )
  })

  test('GH-12: the same slug in another organization is another team', async () => {
    const { vendor, gate } = await setUp('github', { teams: ['acme/admins'] })
    vendor.user.organizations = ['acme', 'evil']
    vendor.user.teams = ['evil/admins']
    expectDenied(await logIn({ gate }))
  })

  test('GH-13: a display name does not match a slug', async () => {
    const { vendor, gate } = await setUp('github', { teams: ['acme/admins'] })
    vendor.user.teams = [{ organization: 'acme', slug: 'admins-2', name: 'Admins' }]
    expectDenied(await logIn({ gate }))
    vendor.user.teams = [{ organization: 'acme', slug: 'admins', name: 'Something else' }]
    expect((await logIn({ gate })).status).toBe(200)
  })

  test('GH-14: a member of a child team is a member of its parents', async () => {
    const { vendor, gate } = await setUp('github', { teams: ['acme/parent'] })
    vendor.user.teams = [
      { organization: 'acme', slug: 'child', parent: { slug: 'parent' } },
      { organization: 'acme', slug: 'parent', inherited: true },
    ]
    expect((await logIn({ gate })).user).toMatchObject({ teams: ['acme/parent'] })
  })

  test('a team can be named by its numeric id', async () => {
    const { vendor, gate } = await setUp('github', { teams: ['4711'] })
    vendor.user.teams = [{ organization: 'acme', slug: 'core', id: 4711 }]
    expect((await logIn({ gate })).status).toBe(200)
    vendor.user.teams = [{ organization: 'acme', slug: '4711', id: 1 }]
    expectDenied(await logIn({ gate }))
  })

  test('a member of a team is a member of its organization', async () => {
    const { vendor, gate } = await setUp('github', { organizations: ['acme'] })
    vendor.user.organizations = []
    vendor.user.teams = ['acme/engineering']
    expect((await logIn({ gate })).user).toMatchObject({ organizations: ['acme'] })
  })

  test('GH-17: `read:org` is requested automatically, and without it no membership counts', async () => {
    const { vendor, gate } = await setUp('github', { organizations: ['acme'], scopes: ['repo'] })
    const attempt = await logIn({ gate })
    expect(attempt.authorization.get('scope')).toContain('read:org')
    expect(attempt.status).toBe(200)
    vendor.user.teams = []
    vendor.settings.grantedScopes = ['read:user', 'user:email', 'repo']
    expectDenied(await logIn({ gate }))
    const plain = await logIn({ gate: await gateOf(vendor) })
    expect(plain.authorization.get('scope')).toBe('read:user user:email')
  })

  test('an organization hidden by access restrictions does not match', async () => {
    const { vendor, gate } = await setUp('github', { organizations: ['acme'] })
    vendor.user.organizations = [{ login: 'acme', hidden: true }]
    vendor.user.teams = []
    expectDenied(await logIn({ gate }))
  })

  test('GH-15: a rate limit at a login does not count as a denial', async () => {
    const { vendor, gate } = await setUp('github', { organizations: ['acme'] })
    vendor.settings.throttled = true
    const attempt = await logIn({ gate })
    expect(attempt).toMatchObject({ status: 503, code: 'provider_busy' })
    expect(attempt.page.headers['retry-after']).toBeDefined()
  })
})

describe('addresses', () => {
  test('GH-16: every request has a User-Agent', async () => {
    const { vendor, gate } = await setUp('github', { organizations: ['acme'], teams: ['acme/x'] })
    expect((await logIn({ gate })).status).toBe(200)
    const ours = vendor.requests.filter(({ endpoint }) => endpoint !== 'authorize')
    expect(ours.length).toBeGreaterThan(4)
    for (const { headers } of ours) expect(headers['user-agent']).toBe('oauth-module')
  })

  test.each([
    ["GitHub's", 'https://github.com/login/oauth', 200],
    ['no', false, 200],
    ['another', 'https://evil.example', 400],
    ['a longer', 'https://github.com/login/oauth/', 400],
  ])('GH-18: %s issuer in the callback', async (_, issInCallback, status) => {
    const { vendor, gate } = await setUp('github')
    vendor.settings.issInCallback = issInCallback
    const attempt = await logIn({ gate })
    expect(attempt.status).toBe(status)
    expect(requestsTo(vendor, 'token')).toHaveLength(status === 200 ? 1 : 0)
  })

  test('GH-18: a GitHub Enterprise Server has its own issuer', async () => {
    const { vendor, gate } = await setUp('github', {}, { settings: { ghes: true } })
    expect((await logIn({ gate })).status).toBe(200)
    vendor.settings.issInCallback = 'https://github.com/login/oauth'
    expect(await logIn({ gate })).toMatchObject({ status: 400, code: 'invalid_callback' })
  })

  test('GH-19: no discovery document is requested from GitHub', async () => {
    const { vendor, gate } = await setUp('github')
    await logIn({ gate })
    expect(
      vendor.requests.map(({ url }) => url).filter((url) => url.includes('.well-known')),
    ).toEqual([])
  })

  test('GH-19: GitHub as an OpenID Connect provider fails with a helpful message', async () => {
    const vendor = await startVendor('github')
    const gate = await startGate({
      provider: {
        gh: oidcProvider({
          issuer: `${vendor.origin}/login/oauth`,
          clientId: 'a',
          clientSecret: 'b',
        }),
      },
    })
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
    expect(gate.logged.join()).toContain(
      '.well-known/openid-configuration responded with status 404',
    )
  })

  test.each(['', '/'])(
    'GH-20: an Enterprise Server has its API below its own URL (%s at the end)',
    async (end) => {
      const vendor = await startVendor('github', { settings: { ghes: true, basePath: '/git' } })
      const gate = await gateOf(vendor, { baseUrl: `${vendor.origin}/git${end}` })
      expect((await logIn({ gate })).user).toMatchObject({ username: 'octavia' })
      expect(requestsTo(vendor, 'user').map(({ url }) => url)).toEqual(['/git/api/v3/user'])
      for (const { url } of vendor.requests) expect(url).toMatch(/^\/git\//)
    },
  )

  test('GH-20: an Enterprise Server without PKCE works', async () => {
    const { gate } = await setUp('github', {}, { settings: { ghes: true, pkce: false } })
    expect((await logIn({ gate })).status).toBe(200)
  })

  test('a second GitHub can be used with its own name', async () => {
    const [first, second] = [await startVendor('github'), await startVendor('github')]
    const provider = { github: first.options, 'github-2': githubProvider(second.options) }
    const gate = await startGate({ provider })
    const browser = createBrowser()
    const page = await browser.get(gate.url('/auth/authn?connection=github-2'))
    expect(JSON.parse(page.body)).toMatchObject({
      user: { key: 'github-2:583231', provider: 'github-2' },
    })
    expect(first.requests).toEqual([])
  })
})

describe('the user id', () => {
  test('GH-22: the id is the user, not the login', async () => {
    const { vendor, gate } = await setUp('github')
    const before = await logIn({ gate })
    vendor.user.username = 'renamed'
    const after = await logIn({ gate })
    expect(after.user['key']).toBe(before.user['key'])
    vendor.user = { ...vendor.user, id: '999', username: 'octavia' }
    expect((await logIn({ gate })).user['key']).toBe('github:999')
  })

  test('a user without a name gets the login as name', async () => {
    const { vendor, gate } = await setUp('github')
    vendor.user.name = null
    expect((await logIn({ gate })).user).toMatchObject({ name: 'octavia' })
  })

  test('/auth/authn sends prompt=select_account', async () => {
    const { gate, browser } = await setUp('github')
    const page = await browser.get(gate.url('/auth/authn'), { follow: untilCallback })
    expect(page.history[0]?.headers.location).toContain('prompt=select_account')
  })

  test('a malformed id is rejected', async () => {
    const { vendor, gate } = await setUp('github')
    vendor.user.claims = { id: undefined }
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
  })

  test.each(['userinfo', 'jwks', 'revocation', 'endSession', 'issuer'])(
    'GitHub has no endpoint %s, and configuring it throws',
    (name) => {
      const endpoints = { [name]: 'https://elsewhere.example/x' }
      expect(refusal({ github: { clientId: 'a', clientSecret: 'b', endpoints } })).toBe(
        `oauthModule.provider.github.endpoints has an unknown option '${name}'; known are authorization, token, api`,
      )
    },
  )

  test('client authentication is fixed', () => {
    expect(
      refusal({ github: { clientId: 'a', clientSecret: 'b', clientAuth: 'basic' } }),
    ).toContain('clientAuth is fixed')
  })
})
