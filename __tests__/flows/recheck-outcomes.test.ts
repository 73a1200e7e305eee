import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from '@jest/globals'
import type { SessionStore } from '../../src/index.js'
import { memoryStore } from '../../src/index.js'
import type { VendorOverride } from '../../src/dev/vendors/index.js'
import { attemptOf } from '../support/providers.js'
import { realDate } from '../support/clock.js'
import { bodyOf, stopAll, valueOfCookie } from '../support/gate.js'
import { createBrowser, linksOf } from '../support/jar.js'
import { codeOf, formsTo, INTERVAL, loggedIn, program } from '../support/recheck.js'

afterEach(async () => {
  await stopAll()
  realDate()
})

const rules = { emailDomains: ['acme.example'] }
const outside = { email: 'ida@elsewhere.example' }

describe('allowed', () => {
  test('S-089 CA-1 the first request after the interval is checked before it reaches the app, one a second earlier is not', async () => {
    const scene = await loggedIn('oidc', { provider: rules })
    scene.clock.forward(INTERVAL - 1)
    expect((await scene.visit()).status).toBe(200)
    expect(scene.count()).toEqual({})
    scene.clock.forward(1)
    let reachedDuringCheck = -1
    scene.vendor.respond(
      'userinfo',
      () => {
        reachedDuringCheck = scene.gate.reached.length
        return undefined
      },
      { once: true },
    )
    scene.vendor.user.name = 'Ida Newname'
    const page = await scene.visit()
    expect([page.status, reachedDuringCheck, scene.gate.reached.length]).toEqual([200, 1, 2])
    expect(scene.count()).toEqual({ userinfo: 1 })
    expect(bodyOf(page).user?.['name']).toBe('Ida Newname')
    expect(bodyOf(page).headers['ngrok-auth-user-name']).toBe('Ida Newname')
    expect(bodyOf(page).oauth?.['lastCheckedAt']).toBe(Date.now())
    scene.clock.forward(INTERVAL - 1)
    expect((await scene.visit()).status).toBe(200)
    expect(scene.count()).toEqual({})
  })

  test('S-089 without an interval the user is read at login only', async () => {
    const scene = await loggedIn('oidc', { provider: rules, options: { authCheckInterval: 0 } })
    scene.clock.forward(30 * 86_400)
    scene.vendor.user = { ...scene.vendor.user, ...outside }
    expect((await scene.visit()).status).toBe(200)
    expect(scene.count()).toEqual({})
  })

  test('a clock that is set back by days does not delay a check', async () => {
    const scene = await loggedIn('oidc', { provider: rules, options: { clockTolerance: 600 } })
    scene.clock.forward(10 * INTERVAL)
    expect((await scene.visit()).status).toBe(200)
    scene.count()
    scene.clock.forward(-9 * INTERVAL)
    expect((await scene.visit()).status).toBe(200)
    expect(scene.count()).toMatchObject({ userinfo: 1 })
  })
})

describe('denied', () => {
  test('S-090 CA-3 a user who no longer meets the rules gets the denied page, and the request does not reach the app', async () => {
    const scene = await loggedIn('oidc', { provider: rules })
    scene.vendor.user = { ...scene.vendor.user, ...outside }
    scene.clock.forward(INTERVAL)
    const page = await scene.visit()
    expect([page.status, codeOf(page)]).toEqual([403, 'not_authorized'])
    expect(page.body).toContain('ida@elsewhere.example')
    expect(page.setCookie).toEqual([])
    expect(scene.gate.reached).toEqual([])
    const json = await scene.visit('/api', program)
    expect([json.status, codeOf(json)]).toEqual([403, 'not_authorized'])
    const described = JSON.parse((await scene.visit('/auth/session')).body)
    expect([described.user, described.reason]).toEqual([null, 'denied'])
  })

  test('a user who is allowed again passes without a login; only navigations re-check, at most every 5 seconds', async () => {
    const scene = await loggedIn('oidc', { provider: rules })
    const before = scene.vendor.user
    scene.vendor.user = { ...before, ...outside }
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(403)
    expect(scene.count()).toEqual({ userinfo: 1 })
    scene.clock.forward(4.9)
    for (let turn = 0; turn < 5; turn++) expect((await scene.visit()).status).toBe(403)
    expect(scene.count()).toEqual({})
    scene.clock.forward(0.1)
    for (let turn = 0; turn < 5; turn++)
      expect((await scene.visit('/api', program)).status).toBe(403)
    expect(scene.count()).toEqual({})
    for (let turn = 0; turn < 5; turn++) expect((await scene.visit()).status).toBe(403)
    expect(scene.count()).toEqual({ userinfo: 1 })
    scene.vendor.user = before
    scene.clock.forward(5)
    expect((await scene.visit('/api', program)).status).toBe(403)
    expect((await scene.visit()).status).toBe(200)
    expect((await scene.visit('/api', program)).status).toBe(200)
    expect(scene.count()).toEqual({ userinfo: 1 })
    // Let in again, the login lives as before.
    scene.clock.forward(86_400)
    expect((await scene.visit()).status).toBe(200)
    expect(scene.count()).not.toHaveProperty('authorize')
  })

  test('the row of a denied user is kept for a day, and no longer', async () => {
    const scene = await loggedIn('oidc', { provider: rules })
    scene.vendor.user = { ...scene.vendor.user, ...outside }
    scene.clock.forward(INTERVAL)
    await scene.visit()
    scene.clock.forward(86_399)
    expect((await scene.visit()).status).toBe(403)
    scene.clock.forward(1)
    expect((await scene.visit()).status).toBe(302)
    expect((await scene.visit('/api', program)).status).toBe(401)
  })

  test('the row of a denied user does not outlive maximumDuration', async () => {
    const scene = await loggedIn('oidc', { provider: rules, options: { maximumDuration: 3600 } })
    scene.vendor.user = { ...scene.vendor.user, ...outside }
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(403)
    scene.clock.forward(3600 - INTERVAL)
    expect((await scene.visit()).status).toBe(302)
  })

  test('a permission that the provider withdraws denies the user', async () => {
    const scene = await loggedIn('oidc', { provider: rules })
    scene.vendor.respond(
      'userinfo',
      { status: 403, body: { error: 'insufficient_scope' } },
      { once: true },
    )
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(403)
    scene.clock.forward(5)
    expect((await scene.visit()).status).toBe(200)
  })

  test('with unauthenticated: pass a denied user is anonymous, with the reason', async () => {
    const { vendor, clock, visit, browser, gate } = await loggedIn('oidc', {
      provider: rules,
      options: { unauthenticated: 'pass' },
    })
    await browser.get(gate.url('/auth/authn'))
    vendor.user = { ...vendor.user, ...outside }
    clock.forward(INTERVAL)
    const page = await visit()
    expect(page.status).toBe(200)
    expect(bodyOf(page)).toMatchObject({
      user: null,
      oauth: { isAuthenticated: false, reason: 'denied' },
    })
    expect(bodyOf(page).headers).not.toHaveProperty('ngrok-auth-user-id')
    expect(page.headers.vary).toMatch(/cookie/i)
  })
})

describe('a slow check', () => {
  test('counts from its start, since the result reflects that moment', async () => {
    const scene = await loggedIn('oidc')
    scene.vendor.respond('userinfo', () => void scene.clock.forward(7), { once: true })
    scene.clock.forward(INTERVAL)
    const startedAt = Date.now()
    expect(bodyOf(await scene.visit()).oauth?.['lastCheckedAt']).toBe(startedAt)
    scene.count()
    scene.clock.forward(INTERVAL - 7)
    expect((await scene.visit()).status).toBe(200)
    expect(scene.count()).toEqual({ userinfo: 1 })
  })
})

describe('the token at a re-check', () => {
  test.each([
    [4, 1],
    [6, 0],
  ])(
    'that expires in %i seconds is refreshed %i times: the app gets tokens that last at least 5 seconds',
    async (left, refreshes) => {
      const scene = await loggedIn('oidc', {
        vendor: { settings: { tokenLifetime: INTERVAL + left } },
      })
      scene.clock.forward(INTERVAL)
      expect((await scene.visit()).status).toBe(200)
      expect(formsTo(scene.vendor, 'token')).toHaveLength(refreshes)
    },
  )
})

describe('ended', () => {
  test('S-090 CA-4 a revoked grant ends the session: a navigation logs in again, an API request gets 401', async () => {
    const scene = await loggedIn('oidc', { provider: rules })
    scene.vendor.revokeTokens()
    scene.clock.forward(INTERVAL)
    const api = await scene.visit('/api', program)
    expect([api.status, codeOf(api)]).toEqual([401, 'login_required'])
    expect(formsTo(scene.vendor, 'token')).toMatchObject([{ grant_type: 'refresh_token' }])
    const page = await scene.browser.get(scene.gate.url('/deep?x=1'))
    expect([page.status, page.url]).toEqual([200, scene.gate.url('/deep?x=1')])
    expect(scene.gate.reached).toEqual(['GET /deep?x=1'])
  })

  test('S-090 CA-2 another subject at userinfo ends the session', async () => {
    const scene = await loggedIn('oidc')
    scene.vendor.respond('userinfo', { body: { sub: 'somebody-else', name: 'X' } })
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(302)
    scene.vendor.respond('userinfo', undefined)
    expect((await scene.visit('/api', program)).status).toBe(401)
  })

  test('a second 401 after a refresh ends the session, without a third request', async () => {
    const scene = await loggedIn('oidc')
    scene.vendor.respond('userinfo', { status: 401 })
    scene.clock.forward(INTERVAL)
    expect((await scene.visit('/api', program)).status).toBe(401)
    expect(scene.count()).toEqual({ userinfo: 2, token: 1 })
  })

  test('fresh tokens that are rejected are not refreshed again', async () => {
    const scene = await loggedIn('oidc', { vendor: { settings: { tokenLifetime: INTERVAL - 60 } } })
    scene.vendor.respond('userinfo', { status: 401 })
    scene.clock.forward(INTERVAL)
    expect((await scene.visit('/api', program)).status).toBe(401)
    expect(scene.count()).toEqual({ token: 1, userinfo: 1 })
  })

  test('an access token that expires early is refreshed once, without an interruption', async () => {
    const scene = await loggedIn('oidc')
    scene.vendor.respond('userinfo', { status: 401 }, { once: true })
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(200)
    expect(scene.count()).toEqual({ userinfo: 2, token: 1 })
  })
})

describe('down', () => {
  const outages = {
    500: { status: 500 },
    'no JSON': { body: '<p>welcome' },
    'a reset': 'reset' as const,
    'a cut body': 'truncated' as const,
  }

  test.each(Object.entries(outages))(
    'S-091 CA-6 %s: 503 with Retry-After, sessions stay, and it recovers by itself',
    async (_, outage) => {
      const scene = await loggedIn('oidc', { provider: rules })
      scene.vendor.respond('userinfo', outage)
      scene.clock.forward(INTERVAL)
      for (let interval = 0; interval < 5; interval++) {
        const page = await scene.visit('/x?y=1')
        expect([page.status, codeOf(page), page.headers['retry-after']]).toEqual([
          503,
          'recheck_unavailable',
          '5',
        ])
        expect(page.setCookie).toEqual([])
        // No login at a provider that is down.
        expect(linksOf(page)).toEqual([scene.gate.url('/x?y=1')])
        scene.clock.forward(INTERVAL)
      }
      expect(scene.gate.reached).toEqual([])
      scene.vendor.respond('userinfo', undefined)
      expect((await scene.visit()).status).toBe(200)
      expect(scene.count()).not.toHaveProperty('authorize')
    },
  )

  test('S-091 a provider that hangs is timed out', async () => {
    const scene = await loggedIn('oidc', { options: { timeouts: { provider: 0.1 } } })
    scene.vendor.respond('userinfo', 'hang')
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(503)
    scene.vendor.respond('userinfo', undefined)
    scene.clock.forward(6)
    expect((await scene.visit()).status).toBe(200)
  })

  test('with a grace period requests pass on the previous decision until it ends, then get 503', async () => {
    const scene = await loggedIn('oidc', { provider: rules, options: { authCheckGrace: 60 } })
    scene.vendor.respond('userinfo', { status: 503 })
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(200)
    scene.clock.forward(59)
    expect((await scene.visit('/api', program)).status).toBe(200)
    expect(scene.gate.reached).toHaveLength(2)
    scene.clock.forward(1)
    expect((await scene.visit()).status).toBe(503)
    scene.clock.forward(6)
    scene.vendor.respond('userinfo', undefined)
    expect((await scene.visit()).status).toBe(200)
  })

  test('the grace period does not apply to a user who logged out during the check', async () => {
    const scene = await loggedIn('oidc', { options: { authCheckGrace: 600 } })
    let fail: () => void = () => undefined
    const isAsked = new Promise<void>((asked) => {
      scene.vendor.respond(
        'userinfo',
        () =>
          new Promise((resolve) => {
            fail = () => resolve({ status: 503 })
            asked()
          }),
      )
    })
    scene.clock.forward(INTERVAL)
    const cookie = { Cookie: `ngrok.session=${valueOfCookie(scene.browser, scene.gate.origin)}` }
    const waiting = createBrowser().get(scene.gate.url('/api'), {
      follow: false,
      headers: { ...program, ...cookie },
    })
    await isAsked
    expect((await scene.visit('/auth/logout', { 'Sec-Fetch-Site': 'same-origin' })).status).toBe(
      200,
    )
    fail()
    expect([(await waiting).status, scene.gate.reached]).toEqual([401, []])
  })

  test('the grace period does not apply to a user who was denied at the last check', async () => {
    const scene = await loggedIn('oidc', { provider: rules, options: { authCheckGrace: 60 } })
    scene.vendor.user = { ...scene.vendor.user, ...outside }
    scene.clock.forward(INTERVAL)
    await scene.visit()
    scene.vendor.respond('userinfo', { status: 503 })
    scene.clock.forward(5)
    expect((await scene.visit()).status).toBe(503)
    expect((await scene.visit('/api', program)).status).toBe(403)
    expect(scene.gate.reached).toEqual([])
  })

  test('S-096 after a failure no request goes to the provider for 5 seconds', async () => {
    const scene = await loggedIn('oidc')
    scene.vendor.respond('userinfo', { status: 500 })
    scene.clock.forward(INTERVAL)
    for (let turn = 0; turn < 5; turn++) expect((await scene.visit()).status).toBe(503)
    expect(scene.count()).toEqual({ userinfo: 1 })
    scene.clock.forward(4.9)
    await scene.visit()
    expect(scene.count()).toEqual({})
    scene.clock.forward(1.2)
    await scene.visit()
    expect(scene.count()).toEqual({ userinfo: 1 })
  })

  test('with unauthenticated: pass a user who cannot be checked gets 503 and is not anonymous', async () => {
    const scene = await loggedIn('oidc', { options: { unauthenticated: 'pass' } })
    await scene.browser.get(scene.gate.url('/auth/authn'))
    scene.vendor.respond('userinfo', { status: 500 })
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(503)
  })

  test('a store that fails during a check results in 503, and the session stays', async () => {
    const inner = memoryStore()
    let isDown = false
    const store: SessionStore = {
      ...inner,
      update: (...args) => (isDown ? Promise.reject(new Error('gone')) : inner.update(...args)),
    }
    const scene = await loggedIn('oidc', { options: { store } })
    scene.clock.forward(INTERVAL)
    isDown = true
    expect((await scene.visit()).status).toBe(503)
    isDown = false
    // S-111: within a second of the store.
    scene.clock.forward(1)
    expect((await scene.visit()).status).toBe(200)
  })
})

/** Nothing listens there. */
const refused = 'http://127.0.0.1:59999'

describe('C2: a response that arrived and cannot be used is not an outage', () => {
  const deep = '{"a":'.repeat(100) + '1' + '}'.repeat(100)
  const gzip = { 'content-encoding': 'gzip' }
  const responses: Record<string, VendorOverride> = {
    'is too large': { body: { sub: 'user-1', about: 'x'.repeat(300_000) } },
    'is nested too deeply': { body: `{"sub":"user-1","x":${deep}}` },
    'is not UTF-8': { body: Buffer.from('{"sub":"user-1","name":"\xff"}', 'latin1') },
    'is a page': { headers: { 'content-type': 'text/html' }, body: '<h1>Welcome</h1>' },
    'is malformed JSON': { body: '{"sub":"user-1"' },
    'is an array': { body: ['user-1'] },
    'is empty': { body: '' },
    'is cut off': 'truncated',
    'is slow and endless': 'slow-body',
    'is a gzip bomb': { headers: gzip, body: gzipSync(Buffer.alloc(50_000_000, ' ')) },
    'is damaged gzip': { headers: gzip, body: Buffer.from('not gzip') },
    'is a redirect to itself': { status: 302, headers: { location: '/userinfo' } },
    'has status 400': { status: 400, body: { error: 'invalid_request' } },
  }

  test.each(Object.entries(responses))(
    'C2: userinfo that %s results in 503 within the grace period, and the session stays',
    async (_, response) => {
      const options = { authCheckGrace: 600, timeouts: { provider: 1 } }
      const scene = await loggedIn('oidc', { options })
      const failures: unknown[] = []
      scene.gate.middleware.on('recheck_failed', ({ outcome }) => failures.push(outcome))
      scene.vendor.respond('userinfo', response)
      scene.clock.forward(INTERVAL)
      const page = await scene.visit('/api', program)
      expect([page.status, codeOf(page)]).toEqual([503, 'recheck_unavailable'])
      expect([scene.gate.reached, failures]).toEqual([[], ['unusable']])
      scene.vendor.respond('userinfo', undefined)
      scene.clock.forward(7)
      expect((await scene.visit()).status).toBe(200)
    },
  )

  test.each([
    ['token', 'oidc', { status: 400, body: { error: 'something_else' } }],
    ['token', 'oidc', { body: 'x'.repeat(300_000) }],
    ['user', 'github', { body: { id: 'not a number' } }],
    ['emails', 'github', { body: { not: 'an array' } }],
  ] as const)(
    'C2: neither is an unusable one of the endpoint %s (%s)',
    async (endpoint, name, response) => {
      const scene = await loggedIn(name, {
        vendor: { settings: { tokenLifetime: INTERVAL - 60, githubApp: name === 'github' } },
        options: { authCheckGrace: 600 },
        provider: rules,
      })
      scene.vendor.respond(endpoint, response)
      scene.clock.forward(INTERVAL)
      expect((await scene.visit('/api', program)).status).toBe(503)
    },
  )

  test.each([
    ['a 5xx with a huge body', { status: 502, body: 'x'.repeat(300_000) }],
    ['a 5xx that is cut off', { status: 500, headers: { 'content-length': '9999' }, body: '' }],
  ])('C2: %s is an outage: requests pass within the grace period', async (_, response) => {
    const options = { authCheckGrace: 600, timeouts: { provider: 1 } }
    const scene = await loggedIn('oidc', { options })
    scene.vendor.respond('userinfo', response)
    scene.clock.forward(INTERVAL)
    expect((await scene.visit('/api', program)).status).toBe(200)
  })

  test('C2: responses that one user makes unusable do not pause requests for other users', async () => {
    const options = { authCheckGrace: 600, timeouts: { provider: 1 } }
    const scene = await loggedIn('oidc', { options })
    scene.vendor.respond('userinfo', 'truncated')
    for (let check = 0; check < 12; check++) {
      scene.clock.forward(INTERVAL)
      expect((await scene.visit('/api', program)).status).toBe(503)
    }
    scene.vendor.respond('userinfo', undefined)
    scene.clock.forward(7)
    expect((await scene.visit()).status).toBe(200)
  })

  test.each([
    ['throws is not an outage', () => Promise.reject(new TypeError('no name')), 503],
    [
      'cannot reach its server is an outage',
      () => fetch(refused).then(() => ({ user_id: 'user-1' })),
      200,
    ],
  ] as const)('C2: a fetchUserProfile that %s', async (_, fail, status) => {
    let fetchUserProfile: () => Promise<{ user_id: string }> = async () => ({ user_id: 'user-1' })
    const scene = await loggedIn('oauth2', {
      provider: { fetchUserProfile: () => fetchUserProfile() },
      options: { authCheckGrace: 600 },
    })
    fetchUserProfile = fail
    scene.clock.forward(INTERVAL)
    expect((await scene.visit('/api', program)).status).toBe(status)
  })
})

describe('throttled', () => {
  test.each([
    [{ status: 429 }, '5'],
    [{ status: 429, headers: { 'retry-after': '17' } }, '17'],
  ])('CA-5 %j results in 503 even within the grace period', async (answer, retryAfter) => {
    const scene = await loggedIn('oidc', { options: { authCheckGrace: 600 } })
    scene.vendor.respond('userinfo', answer)
    scene.clock.forward(INTERVAL)
    const page = await scene.visit()
    expect([page.status, page.headers['retry-after']]).toEqual([503, retryAfter])
    scene.vendor.respond('userinfo', undefined)
    scene.clock.forward(20)
    expect((await scene.visit()).status).toBe(200)
  })

  test('CA-5 a throttled refresh results in 503 even within the grace period, and the session stays', async () => {
    const scene = await loggedIn('oidc', {
      vendor: { settings: { tokenLifetime: 60 } },
      options: { authCheckGrace: 600 },
    })
    scene.vendor.respond(
      'token',
      { status: 429, headers: { 'retry-after': '9' }, body: 'slow down' },
      { once: true },
    )
    scene.clock.forward(INTERVAL)
    const page = await scene.visit()
    expect([page.status, page.headers['retry-after']]).toEqual([503, '9'])
    scene.clock.forward(11)
    expect((await scene.visit()).status).toBe(200)
    expect(scene.count()).not.toHaveProperty('authorize')
  })

  test('no request goes to the provider before its Retry-After', async () => {
    const scene = await loggedIn('oidc')
    scene.vendor.respond('userinfo', { status: 429, headers: { 'retry-after': '17' } })
    scene.clock.forward(INTERVAL)
    await scene.visit()
    scene.clock.forward(16)
    await scene.visit()
    expect(scene.count()).toEqual({ userinfo: 1 })
  })
})

describe('configuration errors', () => {
  test('S-092 invalid_client at a refresh results in 502 and an event, and the session stays', async () => {
    const scene = await loggedIn('oidc', {
      vendor: { settings: { tokenLifetime: 60 } },
      options: { authCheckGrace: 600 },
    })
    const failures: unknown[] = []
    scene.gate.middleware.on('recheck_failed', ({ outcome, code }) =>
      failures.push([outcome, code]),
    )
    const { clientSecret } = scene.vendor
    scene.vendor.clientSecret = 'changed'
    scene.clock.forward(INTERVAL)
    const page = await scene.visit()
    expect([page.status, codeOf(page)]).toEqual([502, 'misconfigured'])
    expect(failures).toEqual([['owner', 'misconfigured']])
    expect(scene.gate.logged.join('\n')).toContain('misconfigured')
    scene.vendor.clientSecret = clientSecret
    scene.clock.forward(6)
    expect((await scene.visit()).status).toBe(200)
    expect(scene.count()).not.toHaveProperty('authorize')
  })

  test('S-092 only the error code counts: a description that mentions invalid_grant does not end the session', async () => {
    const scene = await loggedIn('oidc', { vendor: { settings: { tokenLifetime: 60 } } })
    scene.vendor.respond(
      'token',
      {
        status: 400,
        body: { error: 'temporarily_unavailable', error_description: 'not invalid_grant' },
      },
      { once: true },
    )
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(503)
    scene.clock.forward(6)
    expect((await scene.visit()).status).toBe(200)
  })
})

describe('custom rules', () => {
  test('authorize runs at login and at every check, with the request that caused it', async () => {
    const asked: string[] = []
    let mayPass = true
    const authorize = (user: { email?: string | undefined }, req: { url?: string | undefined }) => {
      asked.push(`${user.email} ${req.url?.split('?')[0]}`)
      return mayPass
    }
    const scene = await loggedIn('oidc', { options: { authorize } })
    await scene.visit('/one')
    scene.clock.forward(INTERVAL)
    await scene.visit('/two')
    mayPass = false
    scene.clock.forward(INTERVAL)
    expect((await scene.visit('/three')).status).toBe(403)
    expect(asked).toEqual([
      'ida@acme.example /auth/callback',
      'ida@acme.example /two',
      'ida@acme.example /three',
    ])
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('bug')
      },
      1,
    ],
    ['rejects', () => Promise.reject(new Error('bug')), 1],
    // Anything but `true` denies, and a denied user is checked again after five seconds.
    ['returns neither', () => 'yes' as unknown as boolean, 6],
  ])('S-101 an authorize that %s denies access and ends no session', async (_, fault, seconds) => {
    let isFaulty = false
    const scene = await loggedIn('oidc', {
      options: { authorize: () => (isFaulty ? fault() : true), authCheckGrace: 600 },
    })
    isFaulty = true
    scene.clock.forward(INTERVAL)
    expect([403, 500]).toContain((await scene.visit()).status)
    expect(scene.gate.reached).toEqual([])
    isFaulty = false
    scene.clock.forward(seconds)
    expect(attemptOf(await scene.visit()).status).toBe(200)
  })
})
