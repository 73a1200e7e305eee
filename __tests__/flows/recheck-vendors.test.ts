import { afterEach, describe, expect, test } from '@jest/globals'
import { vendorNames, type VendorName } from '../../src/dev/vendors/index.js'
import { type attemptOf, gateOf, logIn } from '../support/providers.js'
import { realDate } from '../support/clock.js'
import { bodyOf, stopAll } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { codeOf, formsTo, INTERVAL, loggedIn, program } from '../support/recheck.js'

afterEach(async () => {
  await stopAll()
  realDate()
})

/** Tokens that have run out when the first check is due, where the vendor's tokens do. */
const shortTokens = { settings: { tokenLifetime: INTERVAL - 60, githubApp: true } }
const refreshing: VendorName[] = [
  'github',
  'google',
  'microsoft',
  'gitlab',
  'twitch',
  'amazon',
  'oidc',
  'oauth2',
]
const rotating: VendorName[] = ['github', 'microsoft', 'gitlab', 'oidc', 'oauth2']
const keeping: VendorName[] = ['google']
const without: VendorName[] = ['facebook', 'linkedin']
const authorize = ({ name }: { name: string | undefined }) => name !== 'Gone'

describe.each(vendorNames)('%s', (name) => {
  test('the user is read again after the interval, denied when the rules no longer match, and allowed again', async () => {
    const scene = await loggedIn(name, { options: { authorize } })
    const { user } = scene.vendor
    const rename = (to: string) => {
      scene.vendor.user = { ...user, name: to, username: to }
    }
    rename('Renamed')
    scene.clock.forward(INTERVAL)
    expect(bodyOf(await scene.visit()).user?.['name']).toBe('Renamed')
    expect(scene.count()).not.toHaveProperty('authorize')
    rename('Gone')
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(403)
    rename('Back')
    scene.clock.forward(5)
    expect((await scene.visit()).status).toBe(200)
    expect(scene.count()).not.toHaveProperty('authorize')
  })

  test('revoked tokens end the session: a navigation logs in again, an API request gets 401', async () => {
    const scene = await loggedIn(name)
    scene.vendor.revokeTokens()
    scene.clock.forward(INTERVAL)
    expect((await scene.visit('/api', program)).status).toBe(401)
    scene.vendor.requests.length = 0
    expect((await logIn(scene)).status).toBe(200)
    expect(scene.count()).toMatchObject({ authorize: 1 })
  })

  test('throttling ends no session, and the previous decision does not apply', async () => {
    const scene = await loggedIn(name, { options: { authCheckGrace: 600 } })
    scene.vendor.settings.throttled = true
    scene.clock.forward(INTERVAL)
    const page = await scene.visit()
    expect([page.status, codeOf(page)]).toEqual([503, 'recheck_unavailable'])
    expect(page.headers).toHaveProperty('retry-after')
    scene.vendor.settings.throttled = false
    scene.clock.forward(62)
    expect((await scene.visit()).status).toBe(200)
    expect(scene.count()).not.toHaveProperty('authorize')
  })

  test('an outage ends no session', async () => {
    const scene = await loggedIn(name)
    scene.vendor.respond('*', { status: 502, body: '<h1>Bad Gateway' })
    for (let turn = 0; turn < 3; turn++) {
      scene.clock.forward(INTERVAL)
      expect((await scene.visit()).status).toBe(503)
    }
    scene.vendor.respond('*', undefined)
    scene.clock.forward(6)
    expect((await scene.visit()).status).toBe(200)
  })

  test('an account that now belongs to another user ends the session', async () => {
    const scene = await loggedIn(name)
    scene.vendor.user = {
      ...scene.vendor.user,
      id: /^\d+$/.test(String(scene.vendor.user.id)) ? '987654' : 'another-user',
    }
    scene.clock.forward(INTERVAL)
    expect((await scene.visit('/api', program)).status).toBe(401)
  })
})

describe.each(refreshing)('%s refreshes', (name) => {
  test('X-4 GH-21 GO-2 MS-10 with the current token repeatedly, and keeps or replaces it as the vendor does', async () => {
    const scene = await loggedIn(name, { vendor: shortTokens })
    const sent: (string | undefined)[] = []
    for (let turn = 0; turn < 3; turn++) {
      scene.clock.forward(INTERVAL)
      expect((await scene.visit()).status).toBe(200)
      const [form, ...more] = formsTo(scene.vendor, 'token')
      expect(more).toEqual([])
      expect(form?.['grant_type']).toBe('refresh_token')
      sent.push(form?.['refresh_token'])
      expect(scene.count()).not.toHaveProperty('authorize')
    }
    expect(sent.every((token) => typeof token === 'string' && token.length > 10)).toBe(true)
    const distinct = new Set(sent).size
    if (rotating.includes(name)) expect(distinct).toBe(3)
    if (keeping.includes(name)) expect(distinct).toBe(1)
  })

  test('a wrong client secret results in 502, and ends no session', async () => {
    const scene = await loggedIn(name, { vendor: shortTokens })
    const { clientSecret } = scene.vendor
    scene.vendor.clientSecret = 'another secret now'
    scene.clock.forward(INTERVAL)
    const page = await scene.visit()
    expect([page.status, codeOf(page)]).toEqual([502, 'misconfigured'])
    scene.vendor.clientSecret = clientSecret
    scene.clock.forward(6)
    expect((await scene.visit()).status).toBe(200)
    expect(scene.count()).not.toHaveProperty('authorize')
  })

  test('S-078 the upstream headers and getAccessToken() have the new token', async () => {
    const scene = await loggedIn(name, { vendor: shortTokens })
    const before = bodyOf(await scene.visit()).headers['ngrok-auth-oauth-access-token']
    scene.clock.forward(INTERVAL)
    const after = bodyOf(await scene.visit()).headers['ngrok-auth-oauth-access-token']
    expect([typeof before, typeof after]).toEqual(['string', 'string'])
    expect(after).not.toBe(before)
  })
})

describe.each(without)('%s has no refresh token', (name) => {
  test('LI-10 the access token is used until it expires, then a login follows; refresh_token=undefined is never sent', async () => {
    const scene = await loggedIn(name, {
      vendor: { settings: { tokenLifetime: 2 * INTERVAL + 60 } },
    })
    for (let turn = 0; turn < 2; turn++) {
      scene.clock.forward(INTERVAL)
      expect((await scene.visit()).status).toBe(200)
    }
    // Facebook exchanges the token of a login for one of 60 days.
    scene.clock.forward(name === 'facebook' ? 61 * 86_400 : INTERVAL)
    expect((await scene.visit('/api', program)).status).toBe(401)
    expect(scene.count()).not.toHaveProperty('token')
    expect((await logIn(scene)).status).toBe(200)
  })
})

describe('github', () => {
  test('GH-3 a 200 that says bad_refresh_token ends the session', async () => {
    const scene = await loggedIn('github', { vendor: shortTokens })
    scene.vendor.respond('token', {
      body: {
        error: 'bad_refresh_token',
        error_description: 'The refresh token passed is incorrect or expired.',
      },
    })
    scene.clock.forward(INTERVAL)
    expect((await scene.visit('/api', program)).status).toBe(401)
  })

  test('an OAuth App has no refresh token: user and memberships are read with the token of the login', async () => {
    const scene = await loggedIn('github', { provider: { organizations: ['acme'] } })
    scene.clock.forward(100 * INTERVAL)
    expect((await scene.visit()).status).toBe(200)
    const counts = scene.count()
    expect(counts).toMatchObject({ user: 1, emails: 1 })
    expect(counts).not.toHaveProperty('token')
  })

  test('a user who is removed from the organization at 9:00 is denied at 9:05', async () => {
    const scene = await loggedIn('github', {
      provider: { organizations: ['acme'], teams: ['acme/engineering'] },
      start: Date.UTC(2030, 0, 7, 9),
    })
    const { user } = scene.vendor
    scene.vendor.user = { ...user, organizations: [], teams: [] }
    scene.clock.set(Date.UTC(2030, 0, 7, 9, 4, 59))
    expect((await scene.visit()).status).toBe(200)
    scene.clock.set(Date.UTC(2030, 0, 7, 9, 5))
    expect((await scene.visit()).status).toBe(403)
  })

  test.each([
    ['GH-15 with the marks of a rate limit', { 'x-ratelimit-remaining': '0' }, 503],
    [
      'GH-15 with the marks of a secondary rate limit',
      { 'x-ratelimit-remaining': '4711', 'retry-after': '3' },
      503,
    ],
    ['without them', {}, 403],
  ])('a 403 %s', async (_, headers, status) => {
    const scene = await loggedIn('github')
    scene.vendor.respond('user', { status: 403, headers, body: { message: 'no' } }, { once: true })
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(status)
    scene.clock.forward(6)
    expect((await scene.visit()).status).toBe(200)
  })

  test('GH-23 a 401 at a check causes a silent login that returns to the page', async () => {
    const scene = await loggedIn('github')
    scene.vendor.revokeTokens()
    scene.clock.forward(INTERVAL)
    const page = await scene.browser.get(scene.gate.url('/where/i/was?x=1'))
    expect([page.status, page.url]).toEqual([200, scene.gate.url('/where/i/was?x=1')])
  })
})

describe('google', () => {
  test('GO-3 a session without a refresh token lasts until the access token expires, then a login follows', async () => {
    const scene = await loggedIn('google', {
      vendor: { settings: { refreshTokens: false, tokenLifetime: 2 * INTERVAL } },
    })
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(200)
    scene.clock.forward(INTERVAL)
    expect((await logIn(scene)).status).toBe(200)
    expect(scene.count()).toMatchObject({ authorize: 1 })
  })
})

describe('gitlab', () => {
  test('GL-1 GL-2 GL-8 ten requests on an expired token: one refresh, with the redirect URI, and all pass', async () => {
    const scene = await loggedIn('gitlab', { vendor: shortTokens })
    scene.clock.forward(INTERVAL)
    const pages = await Promise.all(
      Array.from({ length: 10 }, (_, index) => scene.visit(`/${index}`)),
    )
    expect(pages.map(({ status }) => status)).toEqual(Array(10).fill(200))
    expect(formsTo(scene.vendor, 'token')).toMatchObject([
      { redirect_uri: scene.gate.url('/auth/callback') },
    ])
    const tokens = pages.map((page) => bodyOf(page).headers['ngrok-auth-oauth-access-token'])
    expect(new Set(tokens).size).toBe(1)
    expect(scene.count()).toMatchObject({ token: 1, userinfo: 1 })
  })

  test('GL-7 userinfo that fails after a refresh grants nothing, and the new tokens are kept', async () => {
    const scene = await loggedIn('gitlab', {
      vendor: shortTokens,
      provider: { groups: ['acme/platform'] },
    })
    scene.vendor.respond('userinfo', { status: 500 })
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(503)
    scene.vendor.respond('userinfo', undefined)
    scene.count()
    scene.clock.forward(6)
    const page = await scene.visit()
    expect([page.status, bodyOf(page).user?.['groups']]).toEqual([200, ['acme/platform']])
    expect(scene.count()).toEqual({ userinfo: 1 })
  })

  test('GL-10 a 429 without Retry-After does not end the session', async () => {
    const scene = await loggedIn('gitlab')
    scene.vendor.respond('userinfo', { status: 429, body: 'Retry later\n' }, { once: true })
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(503)
    scene.clock.forward(6)
    expect((await scene.visit()).status).toBe(200)
  })
})

describe('facebook', () => {
  test.each([
    [4, 503],
    [17, 503],
    [341, 503],
    [190, 401],
    [102, 401],
  ])('FB-6 the error code %i', async (code, status) => {
    const scene = await loggedIn('facebook')
    scene.vendor.respond('userinfo', {
      status: 400,
      body: { error: { message: 'no', type: 'OAuthException', code } },
    })
    scene.clock.forward(INTERVAL)
    expect((await scene.visit('/api', program)).status).toBe(status)
  })

  test.each([
    [403, 4, 503],
    [403, 2, 503],
    [403, 1, 503],
    [401, 17, 503],
    [400, 10, 403],
    [400, 200, 403],
    [403, 299, 403],
  ])('FB-6 with the status %i the error code %i decides as well', async (given, code, status) => {
    const scene = await loggedIn('facebook')
    scene.vendor.respond('userinfo', {
      status: given,
      body: { error: { message: 'no', type: 'OAuthException', code } },
    })
    scene.clock.forward(INTERVAL)
    expect((await scene.visit('/api', program)).status).toBe(status)
  })

  test('FB-5 a required permission that the user revokes is detected at the check, until it is granted again', async () => {
    const scene = await loggedIn('facebook', { provider: { scopes: ['email'] } })
    scene.vendor.user.declined = ['email']
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(403)
    scene.vendor.user.declined = []
    scene.clock.forward(5)
    const page = await scene.visit()
    expect([page.status, bodyOf(page).oauth?.['scopes']]).toEqual([
      200,
      ['public_profile', 'email'],
    ])
  })

  test('FB-5 an optional permission may be revoked, and is then not in the granted scopes', async () => {
    const scene = await loggedIn('facebook')
    scene.vendor.user.declined = ['email']
    scene.clock.forward(INTERVAL)
    const page = await scene.visit()
    expect([page.status, bodyOf(page).oauth?.['scopes']]).toEqual([200, ['public_profile']])
  })
})

describe('twitch', () => {
  test('TW-6 after a refresh without an ID token the user is read from userinfo', async () => {
    const scene = await loggedIn('twitch', { vendor: shortTokens })
    scene.vendor.user = { ...scene.vendor.user, username: 'new_name', name: 'new_name' }
    scene.clock.forward(INTERVAL)
    expect(bodyOf(await scene.visit()).user?.['name']).toBe('new_name')
    expect(scene.count()).toMatchObject({ token: 1, userinfo: 1 })
  })

  test('TW-7 every check validates the token at Twitch, in its own scheme: an invalid one is refreshed once, then the session ends', async () => {
    const scene = await loggedIn('twitch')
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(200)
    const [validate] = scene.vendor.requests
    expect(validate).toMatchObject({
      endpoint: 'validate',
      headers: { authorization: expect.stringMatching(/^OAuth \w{20,}$/) },
    })
    expect(scene.count()).toEqual({ validate: 1, userinfo: 1 })
    const dead = { status: 401, body: { status: 401, message: 'invalid access token' } }
    scene.vendor.respond('validate', dead, { once: true })
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(200)
    expect(scene.count()).toEqual({ validate: 2, token: 1, userinfo: 1 })
    scene.vendor.respond('validate', dead)
    scene.clock.forward(INTERVAL)
    expect((await scene.visit('/api', program)).status).toBe(401)
    expect(scene.count()).toEqual({ validate: 2, token: 1 })
  })

  test('TW-7 a token that userinfo rejects is refreshed once, whatever its age', async () => {
    const scene = await loggedIn('twitch')
    scene.vendor.respond(
      'userinfo',
      { status: 401, body: { status: 401, message: 'invalid access token' } },
      { once: true },
    )
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(200)
    expect(scene.count()).toMatchObject({ token: 1 })
  })
})

describe('amazon', () => {
  test('AZ-4 a 400 invalid_token at the profile refreshes the token once; a second one ends the session', async () => {
    const scene = await loggedIn('amazon')
    const dead = { status: 400, body: { error: 'invalid_token', error_description: 'gone' } }
    scene.vendor.respond('userinfo', dead, { once: true })
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(200)
    expect(scene.count()).toMatchObject({ token: 1, userinfo: 2 })
    scene.vendor.respond('userinfo', dead)
    scene.clock.forward(INTERVAL)
    expect((await scene.visit('/api', program)).status).toBe(401)
    expect(scene.count()).toMatchObject({ token: 1, userinfo: 2 })
  })
})

describe('microsoft', () => {
  test.each(['interaction_required', 'login_required', 'consent_required'])(
    'a refresh that is rejected with %s requires an interactive login',
    async (error) => {
      const scene = await loggedIn('microsoft', { vendor: shortTokens })
      scene.vendor.respond(
        'token',
        {
          status: 400,
          body: { error, error_description: 'AADSTS50076: …', error_codes: [50_076] },
        },
        { once: true },
      )
      scene.clock.forward(INTERVAL)
      expect((await logIn(scene)).status).toBe(200)
      expect(scene.count()).toMatchObject({ authorize: 1 })
    },
  )

  test('MS-9 a refresh token is requested only with an interval', async () => {
    const scene = await loggedIn('microsoft')
    const scopesOf = (attempt: ReturnType<typeof attemptOf>) =>
      attempt.authorization.get('scope')?.split(' ')
    expect(scopesOf(await logIn({ gate: scene.gate, browser: createBrowser() }))).toContain(
      'offline_access',
    )
    const other = await loggedIn('microsoft', { options: { authCheckInterval: 0 } })
    expect(scopesOf(await logIn({ gate: other.gate, browser: createBrowser() }))).not.toContain(
      'offline_access',
    )
  })
  test.each([
    ['a rule on it', { emailDomains: ['acme.example'] }, 403],
    ['no rule at all', {}, 200],
  ])(
    'MS-6 an email that only the ID token marks as verified stays verified as long as it does, with %s',
    async (_, rules, status) => {
      const scene = await loggedIn('microsoft', { provider: { verifiedEmailClaim: 'xms_edov' } })
      scene.vendor.claims({ xms_edov: true })
      const gate = await gateOf(
        scene.vendor,
        { verifiedEmailClaim: 'xms_edov', ...rules },
        { authCheckInterval: INTERVAL, authCheckEarly: false },
      )
      await logIn({ gate, browser: scene.browser })
      const visit = () => scene.browser.get(gate.url('/'), { follow: false })
      for (let turn = 0; turn < 3; turn++) {
        scene.clock.forward(INTERVAL)
        scene.count()
        const page = await visit()
        expect([page.status, bodyOf(page).headers['ngrok-auth-user-email']]).toEqual([
          200,
          'mara@acme.example',
        ])
        expect(scene.count()).toMatchObject({ token: 1 })
      }
      scene.vendor.claims({ xms_edov: false })
      scene.clock.forward(INTERVAL)
      const page = await visit()
      expect([page.status, page.body.includes('ngrok-auth-user-email')]).toEqual([status, false])
    },
  )
})

describe('oauth2', () => {
  test('a profile function receives the token response at a check: the stored part, and all of it after a refresh', async () => {
    const contexts: Record<string, unknown>[] = []
    const fetchUserProfile = (accessToken: string, context: Record<string, unknown>) => {
      contexts.push(context)
      return { user_id: 'x', sent: accessToken === context['access_token'] }
    }
    const provider = { fetchUserProfile, userinfoUrl: undefined, scopes: ['read', 'write'] }
    const scene = await loggedIn('oauth2', {
      provider,
      vendor: { settings: { tokenLifetime: INTERVAL + 60 } },
    })
    for (let turn = 0; turn < 2; turn++) {
      scene.clock.forward(INTERVAL)
      expect(bodyOf(await scene.visit()).user?.['claims']).toEqual({ user_id: 'x', sent: true })
    }
    const [login, kept, refreshed] = contexts
    expect(kept).toEqual({
      access_token: login?.['access_token'],
      refresh_token: login?.['refresh_token'],
      token_type: 'bearer',
      scope: 'read write',
    })
    expect(refreshed).toEqual({
      ...login,
      access_token: expect.any(String),
      refresh_token: expect.any(String),
    })
    expect(refreshed?.['access_token']).not.toBe(login?.['access_token'])
  })

  test('CO-10 extra headers are sent with a refresh as well, an Authorization header instead of our credentials', async () => {
    const authorization = `Basic ${Buffer.from('dev-client:dev-client-secret').toString('base64')}`
    const provider = {
      tokenHeaders: { authorization, 'X-One': '1' },
      clientSecret: 'not the one that counts',
    }
    const scene = await loggedIn('oauth2', {
      provider,
      vendor: { settings: { tokenLifetime: 60 } },
    })
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(200)
    const [token, ...others] = scene.vendor.requests
    expect(token).toMatchObject({
      endpoint: 'token',
      headers: { authorization, 'x-one': '1' },
      form: { grant_type: 'refresh_token' },
    })
    expect(token?.form).not.toHaveProperty('client_secret')
    for (const { headers } of others)
      expect([headers['x-one'], headers.authorization]).toEqual([
        undefined,
        expect.stringMatching(/^Bearer /),
      ])
  })
})
