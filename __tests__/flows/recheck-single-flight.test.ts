import { request as send } from 'node:http'
import { afterEach, describe, expect, test } from '@jest/globals'
import { memoryStore, type OAuthModuleOptions, type SessionStore } from '../../src/index.js'
import { startVendor } from '../../src/dev/vendors/index.js'
import { triedTimes } from '../support/cases.js'
import { gateOf, logIn, providerOf } from '../support/providers.js'
import { fakeDate, realDate } from '../support/clock.js'
import {
  bodyOf,
  oidcOf,
  secret,
  startGate,
  stopAll,
  stopping,
  valueOfCookie,
} from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { codeOf, formsTo, INTERVAL, loggedIn, program, type Scene } from '../support/recheck.js'

afterEach(async () => {
  await stopAll()
  realDate()
})

const expired = { settings: { tokenLifetime: INTERVAL - 60 } }

function asAsync(inner: SessionStore, delay: () => number): SessionStore {
  const later =
    <Args extends unknown[], R>(method: (...args: Args) => R) =>
    async (...args: Args): Promise<Awaited<R>> => {
      await new Promise((resolve) => setTimeout(resolve, delay()))
      return await method(...args)
    }
  const { lock, entries } = inner
  return {
    get: later(inner.get),
    set: later(inner.set),
    update: later(inner.update),
    delete: later(inner.delete),
    ...(lock && { lock: later(lock) }),
    ...(entries && { entries: later(entries) }),
  }
}

/** Another store under the same sessions, that some methods of a test replace. */
function over(inner: SessionStore, methods: Partial<SessionStore>): SessionStore {
  return { ...inner, ...methods }
}

function withoutLock(inner: SessionStore): SessionStore {
  const { lock: _, ...rest } = inner
  return rest
}

async function herd(scene: Scene, size: number): Promise<number[]> {
  triedTimes(size)
  const pages = await Promise.all(
    Array.from({ length: size }, (_, index) => scene.visit(`/${index}`)),
  )
  return [...new Set(pages.map(({ status }) => status))]
}

describe('single flight', () => {
  test.each([
    ['in memory', () => memoryStore()],
    ['that cannot lock', () => withoutLock(memoryStore())],
    ['that is slow and shuffles', () => asAsync(memoryStore(), () => Math.random() * 30)],
  ])(
    'S-093 CA-8 200 simultaneous requests after the interval: one token request, one user request, with a store %s',
    async (_, makeStore) => {
      const scene = await loggedIn('oidc', { vendor: expired, options: { store: makeStore() } })
      scene.clock.forward(INTERVAL)
      expect(await herd(scene, 200)).toEqual([200])
      expect(scene.count()).toEqual({ token: 1, userinfo: 1 })
      scene.clock.forward(INTERVAL)
      expect(await herd(scene, 20)).toEqual([200])
      expect(scene.count()).toEqual({ token: 1, userinfo: 1 })
    },
  )

  test('simultaneous requests on a revoked grant emit one event and send one request', async () => {
    const scene = await loggedIn('oidc', { vendor: expired })
    scene.vendor.revokeTokens()
    scene.clock.forward(INTERVAL)
    expect(await herd(scene, 50)).toEqual([302])
    expect(scene.count()).toEqual({ token: 1 })
  })

  test('simultaneous requests in an outage send one request', async () => {
    const scene = await loggedIn('oidc')
    scene.vendor.respond('userinfo', { status: 500 })
    scene.clock.forward(INTERVAL)
    expect(await herd(scene, 50)).toEqual([503])
    expect(scene.count()).toEqual({ userinfo: 1 })
  })

  test.each([
    [0, 503],
    [600, 200],
  ])(
    'S-094 the lock of a dead process does not block requests until it expires (grace period of %i seconds)',
    async (authCheckGrace, expected) => {
      const store = memoryStore()
      // A holder may take longer than this test: each `authorize` has 5 seconds.
      const rules = { authorize: () => true, reportOnly: { authorize: () => true } }
      const scene = await loggedIn('oidc', { options: { store, ...rules } })
      scene.gate.middleware.reconfigure({
        provider: providerOf(scene.vendor),
        secret,
        ...rules,
        authCheckInterval: INTERVAL,
        authCheckGrace,
        authCheckEarly: false,
        timeouts: { provider: 0.5, store: 0.5 },
      })
      const [session] = (await scene.gate.middleware.sessions.list()).items
      const unlock = await store.lock?.(`lock-${session?.id}`, 3_600_000)
      expect(unlock).toBeInstanceOf(Function)
      scene.clock.forward(INTERVAL)
      const pages = await Promise.all([scene.visit('/a'), scene.visit('/b'), scene.visit('/c')])
      for (const page of pages) {
        expect(page.status).toBe(expected)
        if (expected === 503)
          expect([codeOf(page), Number(page.headers['retry-after']) > 0]).toEqual([
            'recheck_unavailable',
            true,
          ])
      }
      expect(scene.count()).toEqual({})
      await unlock?.()
      scene.clock.forward(10)
      expect((await scene.visit()).status).toBe(200)
      expect(scene.count()).toMatchObject({ userinfo: 1 })
    },
    9_000,
  )

  test('each session of a user is checked separately', async () => {
    const scene = await loggedIn('oidc')
    const second = await loggedInElsewhere(scene)
    scene.clock.forward(INTERVAL)
    const statuses = await Promise.all([
      scene.visit(),
      second.get(scene.gate.url('/'), { follow: false }),
    ])
    expect(statuses.map(({ status }) => status)).toEqual([200, 200])
    expect(scene.count()).toEqual({ userinfo: 2 })
  })
})

async function loggedInElsewhere(scene: Scene) {
  const browser = createBrowser()
  await logIn({ gate: scene.gate, browser })
  scene.vendor.requests.length = 0
  return browser
}

describe('a rotated refresh token is kept', () => {
  test('S-095 when every client disconnects before the response', async () => {
    const scene = await loggedIn('oidc', { vendor: expired })
    scene.clock.forward(INTERVAL)
    const cookie = `ngrok.session=${valueOfCookie(scene.browser, scene.gate.origin)}`
    let disconnect = () => {}
    const refreshed = new Promise<void>((resolve) => {
      scene.vendor.respond(
        'token',
        async () => {
          disconnect()
          await new Promise((ok) => setTimeout(ok, 50))
          resolve()
          return undefined
        },
        { once: true },
      )
    })
    const clients = Array.from({ length: 5 }, () => {
      const client = send(scene.gate.url('/'), { headers: { cookie }, agent: false })
      client.on('error', () => undefined)
      client.end()
      return client
    })
    disconnect = () => {
      for (const client of clients) client.destroy()
    }
    await refreshed
    expect((await scene.visit()).status).toBe(200)
    expect(scene.count()).toEqual({ token: 1, userinfo: 1 })
  })

  test('S-095 when the store fails once after the refresh', async () => {
    const inner = memoryStore()
    let failures = 0
    const store = over(inner, {
      update: (...args) =>
        failures-- > 0 ? Promise.reject(new Error('once')) : inner.update(...args),
    })
    const scene = await loggedIn('oidc', { vendor: expired, options: { store } })
    scene.clock.forward(INTERVAL)
    failures = 1
    const page = await scene.visit()
    // Either reported, or saved at the second try.
    expect([200, 503]).toContain(page.status)
    scene.clock.forward(7)
    expect((await scene.visit()).status).toBe(200)
    expect(scene.count()).toEqual({ token: 1, userinfo: 1 })
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(200)
    expect(scene.count()).toEqual({ token: 1, userinfo: 1 })
  })

  test('S-095 and stored before the new access token is used', async () => {
    const inner = memoryStore()
    const order: string[] = []
    const store = over(inner, { update: (...args) => (order.push('store'), inner.update(...args)) })
    const scene = await loggedIn('oidc', { vendor: expired, options: { store } })
    const note = (what: string) => () => (order.push(what), undefined)
    scene.vendor.respond('token', note('token'))
    scene.vendor.respond('userinfo', note('userinfo'))
    scene.clock.forward(INTERVAL)
    await scene.visit()
    expect(order).toEqual(['token', 'store', 'userinfo', 'store'])
  })

  test('when the keys for the new ID token cannot be fetched', async () => {
    const scene = await loggedIn('oidc', { vendor: expired })
    scene.vendor.rotateKeys()
    scene.vendor.respond('jwks', { status: 500 })
    scene.clock.forward(INTERVAL)
    expect((await scene.visit('/api', program)).status).toBe(503)
    scene.count()
    scene.clock.forward(7)
    expect((await scene.visit('/api', program)).status).toBe(200)
    expect(scene.count()).toEqual({ userinfo: 1 })
    scene.vendor.respond('jwks', undefined)
    scene.clock.forward(INTERVAL)
    expect((await scene.visit('/api', program)).status).toBe(200)
  })

  test('when another write comes in between, such as activity', async () => {
    const store = memoryStore()
    const update = store.update
    let isRacing = false
    // Not a copy of the store: a row that another store has changed is not authentic.
    store.update = async (key, record, ttl) => {
      const present = await store.get(key)
      if (isRacing && present !== undefined) {
        isRacing = false
        await update(key, { ...present, revision: present.revision + 1 }, ttl)
      }
      return update(key, record, ttl)
    }
    const scene = await loggedIn('oidc', { vendor: expired, options: { store } })
    scene.clock.forward(INTERVAL)
    isRacing = true
    expect((await scene.visit()).status).toBe(200)
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(200)
    expect(scene.count()).toEqual({ token: 2, userinfo: 2 })
  })

  test('X-4 a response with an empty or absent refresh token keeps the old one', async () => {
    const scene = await loggedIn('oidc', {
      vendor: { settings: { ...expired.settings, rotateRefreshTokens: false } },
    })
    scene.clock.forward(INTERVAL)
    await scene.visit()
    scene.clock.forward(INTERVAL)
    await scene.visit()
    const sent = formsTo(scene.vendor, 'token').map((form) => form['refresh_token'])
    expect([sent.length, new Set(sent).size]).toEqual([2, 1])
  })
})

describe('sessions that end during a check stay ended', () => {
  /** Does something while the provider is being asked. */
  async function during(
    act: (scene: Scene) => Promise<unknown>,
    options: Partial<OAuthModuleOptions> = {},
  ) {
    const scene = await loggedIn('oidc', { vendor: expired, options })
    scene.clock.forward(INTERVAL)
    scene.vendor.respond(
      'userinfo',
      async () => {
        await act(scene)
        return undefined
      },
      { once: true },
    )
    const page = await scene.visit('/api', program)
    return { scene, page, after: await scene.visit('/api', program) }
  }

  test('a revoked session', async () => {
    const { scene, page, after } = await during(async ({ gate }) => {
      const { items } = await gate.middleware.sessions.list()
      await Promise.all(items.map(({ id }) => gate.middleware.sessions.revoke(id)))
    })
    expect([page.status, after.status]).toEqual([401, 401])
    expect(scene.gate.reached).toEqual([])
    expect((await scene.gate.middleware.sessions.list()).items).toEqual([])
  })

  test('a logged-out one', async () => {
    const { scene, page, after } = await during(async ({ browser, gate }) =>
      browser.get(gate.url('/auth/logout'), { headers: { 'Sec-Fetch-Site': 'same-origin' } }),
    )
    expect([page.status, after.status]).toEqual([401, 401])
    expect((await scene.gate.middleware.sessions.list()).items).toEqual([])
  })

  test('a deleted user', async () => {
    const { scene, page, after } = await during(async ({ gate }) =>
      gate.middleware.users.delete('oidc:user-1'),
    )
    expect([page.status, after.status]).toEqual([401, 401])
    expect((await scene.gate.middleware.users.list()).items).toEqual([])
  })

  test('rules that are narrowed during a check apply to later requests', async () => {
    const scene = await loggedIn('oidc')
    scene.clock.forward(INTERVAL)
    let later: Promise<{ status: number }> | undefined
    scene.vendor.respond(
      'userinfo',
      async () => {
        scene.gate.middleware.reconfigure({
          provider: { oidc: oidcOf(scene.vendor, { emailDomains: ['elsewhere.example'] }) },
          secret,
          authCheckInterval: INTERVAL,
        })
        later = scene.visit('/later')
        await new Promise((resolve) => setTimeout(resolve, 20))
        return undefined
      },
      { once: true },
    )
    const first = await scene.visit('/first')
    // In flight before: it finishes under the old rules.
    expect(first.status).toBe(200)
    expect((await later)?.status).toBe(403)
    expect(scene.gate.reached).toEqual(['GET /first'])
  })
})

describe('CA-9 processes with a store without lock()', () => {
  test('an older result does not overwrite a newer one', async () => {
    const store = withoutLock(memoryStore())
    const scene = await loggedIn('oidc', {
      provider: { emailDomains: ['acme.example'] },
      options: { store, id: 'shared' },
    })
    const other = await gateOf(
      scene.vendor,
      { emailDomains: ['acme.example'] },
      { store, id: 'shared', authCheckInterval: INTERVAL, authCheckEarly: false },
    )
    const cookie = `ngrok.session=${valueOfCookie(scene.browser, scene.gate.origin)}`
    scene.clock.forward(INTERVAL)
    let isFirst = true
    scene.vendor.respond('userinfo', async () => {
      if (!isFirst) return undefined
      isFirst = false
      const before = { body: { sub: 'user-1', email: 'ida@acme.example', email_verified: true } }
      scene.vendor.user = { ...scene.vendor.user, email: 'ida@elsewhere.example' }
      scene.clock.forward(1)
      const denied = await createBrowser().get(other.url('/'), {
        headers: { Cookie: cookie },
        follow: false,
      })
      expect(denied.status).toBe(403)
      return before
    })
    expect((await scene.visit()).status).toBe(403)
    expect((await scene.visit('/api', program)).status).toBe(403)
  })

  test('a refresh token used by another process does not end the session: the row has the newer one', async () => {
    const store = withoutLock(memoryStore())
    const scene = await loggedIn('oidc', { vendor: expired, options: { store, id: 'shared' } })
    const other = await gateOf(
      scene.vendor,
      {},
      { store, id: 'shared', authCheckInterval: INTERVAL, authCheckEarly: false },
    )
    const cookie = `ngrok.session=${valueOfCookie(scene.browser, scene.gate.origin)}`
    scene.clock.forward(INTERVAL)
    let isFirst = true
    scene.vendor.respond('token', async () => {
      if (!isFirst) return undefined
      isFirst = false
      await createBrowser().get(other.url('/'), { headers: { Cookie: cookie }, follow: false })
      return undefined
    })
    expect((await scene.visit()).status).toBe(200)
  })
})

describe('early checks', () => {
  const slow = 500

  test('with a provider that takes 500 ms, an active user never waits', async () => {
    const scene = await loggedIn('oidc', {
      options: { authCheckInterval: 60, authCheckEarly: true },
    })
    let isAsked = 0
    scene.vendor.respond('userinfo', async () => {
      isAsked++
      await new Promise((resolve) => setTimeout(resolve, slow))
      return undefined
    })
    const waited: number[] = []
    for (let second = 0; second < 300; second += 6) {
      scene.clock.forward(6)
      const before = isAsked
      const page = await scene.visit()
      expect(page.status).toBe(200)
      // A request that had waited would have its own check behind it.
      if (isAsked > before && bodyOf(page).oauth?.['lastCheckedAt'] === Date.now())
        waited.push(second)
      // Six seconds of the clock are more than half a second of the provider.
      if (isAsked > before) await new Promise((resolve) => setTimeout(resolve, slow + 50))
    }
    expect(waited).toEqual([])
    // Every 48 to 54 seconds: never late.
    expect(isAsked).toBeGreaterThanOrEqual(5)
    expect(isAsked).toBeLessThanOrEqual(7)
  }, 20_000)

  test('an early check that denies affects the next request, one that fails has no effect', async () => {
    const scene = await loggedIn('oidc', {
      provider: { emailDomains: ['acme.example'] },
      options: { authCheckEarly: true },
    })
    const { user } = scene.vendor
    scene.vendor.respond('userinfo', { status: 500 })
    scene.clock.forward(INTERVAL * 0.8)
    expect((await scene.visit()).status).toBe(200)
    await settled(scene, 1)
    expect((await scene.visit()).status).toBe(200)
    expect(scene.count()).toEqual({ userinfo: 1 })
    scene.vendor.respond('userinfo', undefined)
    scene.vendor.user = { ...user, email: 'ida@elsewhere.example' }
    scene.clock.forward(7)
    expect((await scene.visit()).status).toBe(200)
    await settled(scene, 1)
    expect((await scene.visit('/api', program)).status).toBe(403)
  })

  test('close() awaits an early check', async () => {
    const scene = await loggedIn('oidc', { options: { authCheckEarly: true } })
    const outcomes: string[] = []
    scene.gate.middleware.on('recheck', ({ outcome }) => outcomes.push(outcome))
    scene.vendor.respond(
      'userinfo',
      () => new Promise((resolve) => setTimeout(() => resolve(undefined), 100)),
    )
    scene.clock.forward(INTERVAL * 0.9)
    expect((await scene.visit()).status).toBe(200)
    await scene.gate.middleware.close()
    expect(outcomes).toEqual(['allowed'])
  })

  test('intervals below a minute, or authCheckEarly: false, disable early checks', async () => {
    const short = await loggedIn('oidc', {
      options: { authCheckInterval: 59, authCheckEarly: true },
    })
    short.clock.forward(58)
    await short.visit()
    const off = await loggedIn('oidc', { options: { authCheckEarly: false } })
    off.clock.forward(INTERVAL - 1)
    await off.visit()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect([short.count(), off.count()]).toEqual([{}, {}])
  })
})

/** Waits until the provider has responded to that many requests, and the follow-up work is done. */
async function settled({ vendor }: Scene, requests: number): Promise<void> {
  for (
    let turn = 0;
    turn < 100 && vendor.requests.filter(({ status }) => status !== undefined).length < requests;
    turn++
  ) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  await new Promise((resolve) => setTimeout(resolve, 30))
}

describe('getAccessToken()', () => {
  test('shares the single flight: concurrent calls and re-checks cause one token request', async () => {
    const scene = await loggedInWithTokens()
    scene.clock.forward(INTERVAL)
    const pages = await Promise.all(
      Array.from({ length: 40 }, (_, index) => scene.visit(index % 2 === 0 ? '/token' : '/check')),
    )
    expect(new Set(pages.map(({ status }) => status))).toEqual(new Set([200]))
    const tokens = new Set(pages.filter((_, index) => index % 2 === 0).map(({ body }) => body))
    expect(tokens.size).toBe(1)
    expect(scene.count()).toMatchObject({ token: 1 })
  })

  test('refreshes a token that expired between two checks', async () => {
    const scene = await loggedInWithTokens({ authCheckInterval: 100_000 })
    const first = (await scene.visit('/token')).body
    scene.clock.forward(INTERVAL)
    const bodies = await Promise.all(
      Array.from({ length: 30 }, async () => (await scene.visit('/token')).body),
    )
    expect(new Set(bodies).size).toBe(1)
    expect(bodies[0]).not.toBe(first)
    expect(scene.count()).toEqual({ token: 1 })
  })

  test('a revoked grant results in login_required and ends the session; an outage results in an error and keeps it', async () => {
    const scene = await loggedInWithTokens({ authCheckInterval: 100_000 })
    scene.clock.forward(INTERVAL)
    scene.vendor.respond('token', { status: 500 })
    expect((await scene.visit('/token')).body).toBe('provider_error')
    expect((await scene.visit('/')).status).toBe(200)
    scene.vendor.respond('token', undefined)
    scene.clock.forward(7)
    expect((await scene.visit('/token')).body).toMatch(/^[0-9a-f]{20,}/)
    scene.vendor.revokeTokens()
    scene.clock.forward(INTERVAL)
    expect((await scene.visit('/token')).body).toBe('login_required')
    expect((await scene.visit('/', program)).status).toBe(401)
  })

  test('without a refresh token an expired one results in login_required, and the session stays', async () => {
    const scene = await loggedInWithTokens({ authCheckInterval: 0 })
    scene.clock.forward(INTERVAL)
    expect((await scene.visit('/token')).body).toBe('login_required')
    expect((await scene.visit('/', program)).status).toBe(200)
  })

  test('returns no token after the session was revoked', async () => {
    const scene = await loggedInWithTokens()
    expect((await scene.visit('/revoked-token')).body).toBe('login_required')
  })
})

async function loggedInWithTokens(options: Partial<OAuthModuleOptions> = {}): Promise<Scene> {
  const clock = fakeDate()
  const vendor = stopping(await startVendor('oidc', expired))
  const gate = await startGate(
    {
      provider: { oidc: oidcOf(vendor) },
      authCheckInterval: INTERVAL,
      authCheckEarly: false,
      ...options,
    },
    {
      routes(app, middleware) {
        const answer = (
          req: Express.Request & { oauth?: { getAccessToken(): Promise<string | undefined> } },
        ) =>
          (req.oauth?.getAccessToken() ?? Promise.resolve(undefined)).catch(
            (error: unknown) => (error as { code?: string }).code,
          )
        app.get('/token', async (req, res) => void res.type('text').send(await answer(req)))
        app.get('/revoked-token', async (req, res) => {
          await middleware.sessions.revoke(String(req.oauth.sessionHandle))
          res.type('text').send(await answer(req))
        })
      },
    },
  )
  const browser = createBrowser()
  await logIn({ gate, browser })
  vendor.requests.length = 0
  return {
    clock,
    vendor,
    gate,
    browser,
    visit: (path = '/', headers = {}) => browser.get(gate.url(path), { follow: false, headers }),
    count() {
      const counts: Record<string, number> = {}
      for (const { endpoint } of vendor.requests) counts[endpoint] = (counts[endpoint] ?? 0) + 1
      vendor.requests.length = 0
      return counts
    },
  }
}
