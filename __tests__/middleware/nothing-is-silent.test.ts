import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { afterEach, describe, expect, test } from '@jest/globals'
import {
  cookieStore,
  memoryStore,
  oauthModule,
  type OAuthEventName,
  type OAuthModuleOptions,
  oidcProvider,
  type SessionStore,
} from '../../src/index.js'
import type { VendorServer } from '../../src/dev/vendors/index.js'
import { ERROR_CODES, type OAuthErrorCode } from '../../src/http/error-codes.js'
import { eventNames } from '../../src/middleware/event-types.js'
import type {
  INEFFECTIVE_OPTIONS,
  INEFFECTIVE_PROVIDER_OPTIONS,
} from '../../src/options/ineffective-options.js'
import { END_REASONS, type EndReason } from '../../src/session/end-reasons.js'
import { fakeDate, realDate } from '../support/clock.js'
import { type Gate, secret, startGate, stopAll, toCallback } from '../support/gate.js'
import { type Browser, createBrowser, type Page } from '../support/jar.js'
import { startVendor } from '../support/providers.js'
import { program } from '../support/recheck.js'

afterEach(async () => {
  await stopAll()
  realDate()
})

interface Line {
  readonly level: string
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}

/** A gate, its provider, and a browser; with what the owner gets to know. */
interface Scene {
  readonly vendor: VendorServer
  readonly gate: Gate
  readonly browser: Browser
  readonly clock: ReturnType<typeof fakeDate>
  readonly lines: Line[]
  readonly events: { name: OAuthEventName; payload: Readonly<Record<string, unknown>> }[]
  visit(path?: string, headers?: Record<string, string | undefined>): Promise<Page>
}

interface SceneOptions {
  readonly options?: Partial<OAuthModuleOptions>
  readonly provider?: Record<string, unknown>
  readonly routes?: NonNullable<Parameters<typeof startGate>[1]>['routes']
}

const INTERVAL = 300

function recorder() {
  const lines: Line[] = []
  const write =
    (level: string) =>
    (message: string, details: object = {}) =>
      void lines.push({ level, message, details: { ...details } })
  const logger = {
    ...{ debug: write('debug'), info: write('info') },
    ...{ warn: write('warn'), error: write('error') },
  }
  return { lines, logger }
}

async function open({ options = {}, provider = {}, routes }: SceneOptions = {}): Promise<Scene> {
  const clock = fakeDate()
  const vendor = await startVendor('oidc')
  const { lines, logger } = recorder()
  const idp = oidcProvider({ ...vendor.options, ...provider } as never)
  const gate = await startGate(
    { provider: { idp }, logger, authCheckEarly: false, ...options },
    routes && { routes },
  )
  const events: Scene['events'] = []
  for (const name of eventNames)
    gate.middleware.on(name, (payload) => void events.push({ name, payload: { ...payload } }))
  const browser = createBrowser()
  lines.length = 0
  const visit: Scene['visit'] = (path = '/', headers = {}) =>
    browser.get(gate.url(path), { headers })
  return { vendor, gate, browser, clock, lines, events, visit }
}

/** As {@link open}, with a user who is signed in. */
async function signedIn(options: SceneOptions = {}): Promise<Scene> {
  const scene = await open(options)
  const page = await scene.visit()
  if (page.status !== 200) throw new Error(`no login: ${page.status} ${page.body}`)
  scene.lines.length = 0
  scene.events.length = 0
  return scene
}

const checked: SceneOptions = { options: { authCheckInterval: INTERVAL } }
const elsewhere = { email: 'ida@elsewhere.example' }

/** The store of an app, in which one method fails. */
function storeWithout(method: 'get'): SessionStore {
  const fail = () => {
    throw new Error('the disk is full')
  }
  return { ...memoryStore(), [method]: fail }
}

interface ErrorCase {
  /** Default: the owner does not see it without NODE_DEBUG, because a user caused it. */
  readonly level?: 'warn' | 'error'
  /** Whether the provider is known when it happens. */
  readonly hasProvider?: boolean
  /** Default: `http_request_complete`, whose `reason` is the code. */
  readonly event?: OAuthEventName
  run(): Promise<Scene>
}

const login = { hasProvider: true, event: 'login_failed' } as const

/** Errors that are no response of the middleware: of a method, of the command, and of tokens. */
const elsewhereTested = [
  'store_not_listable',
  'upstream_unreachable',
  'upstream_timeout',
  // Of requests with an access token: __tests__/bearer.
  'invalid_token',
  'insufficient_scope',
  'too_many_requests',
  'payload_too_large',
] as const satisfies readonly OAuthErrorCode[]

/** How each error happens. The compiler requires a row for each code. */
const errors: Readonly<
  Record<Exclude<OAuthErrorCode, (typeof elsewhereTested)[number]>, ErrorCase>
> = {
  login_required: {
    async run() {
      const scene = await open()
      await scene.visit('/api', program)
      return scene
    },
  },
  login_expired: {
    event: 'login_failed',
    async run() {
      const scene = await open()
      await scene.visit('/auth/callback?state=x&code=y')
      return scene
    },
  },
  invalid_callback: {
    event: 'login_failed',
    async run() {
      const scene = await open()
      await scene.visit('/auth/callback?code=x&code=y')
      return scene
    },
  },
  cookie_lost: {
    level: 'warn',
    event: 'login_failed',
    async run() {
      const scene = await open()
      const begun = await scene.browser.get(scene.gate.url('/'), {
        headers: { 'X-Forwarded-Host': 'app.example' },
        follow: false,
      })
      const callback = await toCallback(createBrowser(), begun.location ?? '')
      await createBrowser().get(callback)
      return scene
    },
  },
  access_denied: {
    ...login,
    async run() {
      const scene = await open()
      scene.vendor.settings.refuse = { error: 'access_denied' }
      await scene.visit()
      return scene
    },
  },
  device_required: {
    hasProvider: true,
    async run() {
      const scene = await signedIn({
        options: { deviceBound: true },
        routes: (app, auth) => app.use('/vault', auth.requireAuth({ deviceBound: 'required' })),
      })
      scene.clock.forward(31)
      await scene.visit('/vault')
      return scene
    },
  },
  not_authorized: {
    ...login,
    event: 'denied',
    async run() {
      const scene = await open({ provider: { emailDomains: ['elsewhere.example'] } })
      await scene.visit()
      return scene
    },
  },
  email_unverified: {
    ...login,
    event: 'denied',
    async run() {
      const scene = await open({ provider: { emailDomains: ['acme.example'] } })
      scene.vendor.user = { ...scene.vendor.user, emailVerified: false }
      await scene.visit()
      return scene
    },
  },
  provider_error: {
    ...login,
    level: 'error',
    async run() {
      const scene = await open()
      scene.vendor.respond('userinfo', { status: 500 })
      await scene.visit()
      return scene
    },
  },
  provider_unreachable: {
    ...login,
    level: 'error',
    async run() {
      const scene = await open()
      await scene.vendor.close()
      await scene.visit()
      return scene
    },
  },
  provider_timeout: {
    ...login,
    level: 'error',
    async run() {
      const scene = await open({ options: { timeouts: { provider: 0.3 } } })
      const late = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 1000))
      scene.vendor.respond('userinfo', () => late)
      await scene.visit()
      return scene
    },
  },
  provider_busy: {
    ...login,
    level: 'error',
    async run() {
      const scene = await open()
      scene.vendor.respond('token', { status: 429 })
      await scene.visit()
      return scene
    },
  },
  misconfigured: {
    ...login,
    level: 'error',
    async run() {
      const scene = await open({ provider: { clientSecret: 'another secret' } })
      await scene.visit()
      return scene
    },
  },
  recheck_unavailable: {
    level: 'error',
    hasProvider: true,
    async run() {
      const scene = await signedIn(checked)
      scene.vendor.respond('userinfo', { status: 500 })
      scene.clock.forward(INTERVAL)
      await scene.visit()
      return scene
    },
  },
  store_unavailable: {
    level: 'error',
    event: 'store_error',
    async run() {
      const scene = await open({ options: { store: storeWithout('get') } })
      scene.browser.setCookie(`ngrok.session=${'A'.repeat(43)}`, scene.gate.origin)
      await scene.visit()
      return scene
    },
  },
  invalid_form: {
    async run() {
      const scene = await signedIn({
        routes: (app, middleware) => void app.use('/devices', middleware.devices()),
      })
      await scene.browser.post(scene.gate.url('/devices'), { session: 'all' })
      return scene
    },
  },
  not_found: {
    async run() {
      const scene = await open()
      await scene.visit('/auth/nothing')
      return scene
    },
  },
  method_not_allowed: {
    async run() {
      const scene = await open()
      await scene.browser.request('DELETE', scene.gate.url('/auth/session'), undefined)
      return scene
    },
  },
  internal: {
    ...login,
    level: 'error',
    async run() {
      const scene = await open({
        options: { authorize: () => Promise.reject(new Error('a bug')) },
      })
      await scene.visit()
      return scene
    },
  },
}

describe('Nothing is silent: every error', () => {
  test.each(Object.entries(errors))(
    'Nothing is silent: %s is one line with code, provider and hint, and an event',
    async (code, { run, level = 'info', hasProvider = false, event = 'http_request_complete' }) => {
      const scene = await run()
      await eventually(() => scene.events.some(({ name }) => name === 'http_request_complete'))
      const lines = scene.lines.filter(({ details }) => details['code'] === code)
      expect(lines).toMatchObject([{ level, details: { hint: expect.stringMatching(/\w/) } }])
      expect(lines[0]?.details['provider']).toBe(hasProvider ? 'idp' : undefined)
      const emitted = scene.events.filter(({ name }) => name === event)
      expect(emitted.map(({ payload }) => payload['code'] ?? payload['reason'])).toContain(code)
      expect(scene.events).toContainEqual({
        name: 'http_request_complete',
        payload: expect.objectContaining({ reason: code }),
      })
    },
  )

  test('Nothing is silent: every code has a row, and a hint for the owner', () => {
    expect([...Object.keys(errors), ...elsewhereTested].sort()).toEqual(
      Object.keys(ERROR_CODES).sort(),
    )
    for (const { hint, message } of Object.values(ERROR_CODES)) {
      expect(hint.length).toBeGreaterThan(20)
      expect(hint).not.toBe(message)
    }
  })

  test('Nothing is silent: store_not_listable is a warning at construction, and the error of the call', async () => {
    const { lines, logger } = recorder()
    const { entries: _, ...store } = memoryStore()
    const auth = oauthModule({ provider: { idp: anyProvider() }, secret, logger, store })
    expect(lines).toContainEqual({
      level: 'warn',
      message: expect.stringContaining('store_not_listable'),
      details: expect.anything(),
    })
    await expect(auth.sessions.list()).rejects.toMatchObject({ code: 'store_not_listable' })
  })
})

async function eventually(isTrue: () => boolean): Promise<void> {
  for (let count = 0; !isTrue() && count < 100; count++)
    await new Promise((resolve) => setTimeout(resolve, 10))
}

function anyProvider() {
  return oidcProvider({ issuer: 'https://idp.example', clientId: 'a', clientSecret: 'b' })
}

interface EndCase {
  readonly event: OAuthEventName
  run(): Promise<Scene>
}

async function handleOf(scene: Scene): Promise<string> {
  const { items } = await scene.gate.middleware.sessions.list()
  return String(items[0]?.id)
}

/** A logout token that the provider signs with a key of its own. */
function logoutToken({ vendor }: Scene): string {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'RS256', use: 'sig' }
  vendor.respond('jwks', { body: { keys: [jwk] } })
  const iat = Math.floor(Date.now() / 1000)
  const claims = {
    ...{ iss: vendor.origin, aud: vendor.clientId, iat, exp: iat + 120, jti: randomUUID() },
    sub: String(vendor.user.id),
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  }
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const input = `${encode({ alg: 'RS256', kid: 'k', typ: 'logout+jwt' })}.${encode(claims)}`
  return `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`
}

/** How each session end happens. The compiler requires a row for each reason. */
const ends: Readonly<Record<EndReason, EndCase>> = {
  logout: {
    event: 'logout',
    async run() {
      const scene = await signedIn()
      await scene.visit('/auth/logout', { 'Sec-Fetch-Site': 'same-origin' })
      return scene
    },
  },
  replaced: {
    event: 'login',
    async run() {
      const scene = await signedIn()
      await scene.visit('/auth/authn')
      return scene
    },
  },
  unused: {
    event: 'login',
    async run() {
      const store = memoryStore()
      const scene = await open({ options: { store: { ...store, get: () => undefined } } })
      const { browser, gate } = scene
      const callback = await toCallback(browser, gate.url('/'))
      await browser.get(callback, { follow: false })
      await browser.get(await toCallback(browser, gate.url('/')), { follow: false })
      return scene
    },
  },
  expired: {
    event: 'expired',
    async run() {
      const scene = await signedIn({ options: { inactivityTimeout: 3600 } })
      scene.clock.forward(3600)
      await scene.visit('/api', program)
      return scene
    },
  },
  revoked: {
    event: 'revoked',
    async run() {
      const scene = await signedIn()
      await scene.gate.middleware.sessions.revoke(await handleOf(scene))
      return scene
    },
  },
  backchannel: {
    event: 'revoked',
    async run() {
      const scene = await signedIn()
      // The keys that the login fetched are cached for a while.
      scene.clock.forward(600)
      const page = await createBrowser().post(scene.gate.url('/auth/backchannel-logout'), {
        logout_token: logoutToken(scene),
      })
      expect(page.status).toBe(200)
      return scene
    },
  },
  signal: {
    event: 'revoked',
    async run() {
      const hr = () => ({
        id: randomUUID(),
        signals: [{ user: { key: userKey }, action: 'end' as const }],
      })
      let userKey = ''
      const scene = await signedIn({ options: { signals: { webhooks: { hr } } } })
      userKey = (await scene.gate.middleware.users.list()).items[0]?.id ?? ''
      const response = await fetch(scene.gate.url('/auth/webhooks/hr'), {
        method: 'POST',
      })
      expect(response.status).toBe(202)
      return scene
    },
  },
  limit: {
    event: 'revoked',
    async run() {
      const scene = await signedIn({ options: { sessionsPerUser: 1 } })
      scene.clock.forward(1)
      await createBrowser().get(scene.gate.url('/'))
      return scene
    },
  },
  moved: {
    event: 'revoked',
    async run() {
      const scene = await signedIn({ options: { onMove: 'end' } })
      await scene.visit('/api', { ...program, 'User-Agent': 'curl/8.5.0' })
      return scene
    },
  },
  ended: {
    event: 'recheck',
    async run() {
      const scene = await signedIn(checked)
      scene.vendor.revokeTokens()
      scene.clock.forward(INTERVAL)
      await scene.visit('/api', program)
      return scene
    },
  },
}

describe('Nothing is silent: every session end', () => {
  test.each(Object.entries(ends))(
    'Nothing is silent: a session that ends for the reason %s is one line with a hint, and an event',
    async (reason, { run, event }) => {
      const scene = await run()
      await eventually(() => scene.lines.some(({ details }) => details['reason'] === reason))
      const lines = scene.lines.filter(({ details }) => details['reason'] === reason)
      expect(lines).toMatchObject([
        {
          message: expect.stringMatching(/^a session ended/),
          details: { hint: expect.stringMatching(/\w/), sessionHandle: expect.any(String) },
        },
      ])
      expect(scene.events.map(({ name }) => name)).toContain(event)
    },
  )

  test('Nothing is silent: every reason has a row', () => {
    expect(Object.keys(ends).sort()).toEqual(Object.keys(END_REASONS).sort())
  })

  type Cause = [string, SceneOptions, (scene: Scene) => void, string]
  const causes: Cause[] = [
    [
      'the provider has ended the grant',
      checked,
      ({ vendor }) => vendor.revokeTokens(),
      'invalid_grant',
    ],
    [
      'there is no refresh token',
      { ...checked, provider: { offlineAccess: false } },
      ({ vendor }) => vendor.revokeTokens(),
      'there is no refresh token',
    ],
  ]

  test.each(causes)(
    'Nothing is silent: a check that ends a session because %s is a warning with the cause, and an event',
    async (_, options, cause, hint) => {
      const scene = await signedIn(options)
      cause(scene)
      scene.clock.forward(INTERVAL)
      await scene.visit('/api', program)
      const ended = scene.events.find(({ name }) => name === 'recheck')?.payload
      expect(ended).toMatchObject({ outcome: 'ended', hint: expect.stringContaining(hint) })
      expect(scene.lines).toContainEqual({
        level: 'warn',
        message: 'a session ended at a check',
        details: expect.objectContaining({ provider: 'idp', hint: expect.stringContaining(hint) }),
      })
    },
  )

  test('Nothing is silent: a session whose grant ends at getAccessToken() is a warning and an event', async () => {
    const scene = await signedIn({
      routes: (app) =>
        app.get('/token', (req, res) => {
          const { oauth } = req as unknown as { oauth: { getAccessToken(): Promise<string> } }
          void oauth.getAccessToken().then(
            () => res.send('token'),
            () => res.status(502).send('none'),
          )
        }),
      provider: { offlineAccess: true },
    })
    scene.vendor.revokeTokens()
    scene.clock.forward(3600)
    expect((await scene.visit('/token')).status).toBe(502)
    expect(scene.lines).toContainEqual({
      level: 'warn',
      message: 'a session ended at a check',
      details: expect.objectContaining({
        provider: 'idp',
        hint: expect.stringContaining('invalid_grant'),
      }),
    })
    expect(scene.events).toContainEqual({
      name: 'recheck',
      payload: expect.objectContaining({ outcome: 'ended' }),
    })
  })

  test('Nothing is silent: within the grace period, and in the back-off after a failed check', async () => {
    const scene = await signedIn({
      options: { authCheckInterval: INTERVAL, authCheckGrace: 60 },
    })
    scene.vendor.respond('userinfo', { status: 500 })
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(200)
    const failed = {
      level: 'warn',
      message: 'a re-check failed, and the session is kept',
      details: expect.objectContaining({ code: 'provider_error', provider: 'idp' }),
    }
    expect(scene.lines).toContainEqual(failed)
    scene.clock.forward(61)
    expect((await scene.visit()).status).toBe(503)
    expect((await scene.visit()).status).toBe(503)
    const unavailable = scene.lines.filter(
      ({ details }) => details['code'] === 'recheck_unavailable',
    )
    expect(unavailable).toMatchObject([{ level: 'error', details: { provider: 'idp' } }])
    await scene.gate.middleware.close()
    expect(scene.lines.map(({ message }) => message).join()).toContain(
      '(1 more in the last minute)',
    )
  })

  test('Nothing is silent: a session of a client that is no longer configured', async () => {
    const scene = await signedIn()
    const { lines, logger } = recorder()
    scene.gate.middleware.reconfigure({ provider: { other: anyProvider() }, secret, logger })
    await scene.visit('/api', program)
    expect(lines).toContainEqual({
      level: 'info',
      message: 'a session cookie leads to no session',
      details: expect.objectContaining({ reason: 'client', hint: expect.any(String) }),
    })
  })
})

describe('Nothing is silent: requests that pass as unauthenticated, and bugs', () => {
  async function denied(options: Partial<OAuthModuleOptions> = {}): Promise<Scene> {
    const scene = await signedIn({
      options: { authCheckInterval: INTERVAL, ...options },
      provider: { emailDomains: ['acme.example'] },
    })
    scene.vendor.user = { ...scene.vendor.user, ...elsewhere }
    scene.clock.forward(INTERVAL)
    return scene
  }
  const line = {
    level: 'info',
    message: expect.any(String),
    details: expect.objectContaining({
      code: 'not_authorized',
      provider: 'idp',
      tried: ['emailDomains'],
      hint: expect.any(String),
    }),
  }

  test("Nothing is silent: a denied user with unauthenticated: 'pass'", async () => {
    const scene = await signedIn({
      options: { authCheckInterval: INTERVAL },
      provider: { emailDomains: ['acme.example'] },
    })
    const { lines, logger } = recorder()
    scene.gate.middleware.reconfigure({
      provider: {
        idp: oidcProvider({ ...scene.vendor.options, emailDomains: ['acme.example'] } as never),
      },
      ...{ secret, logger, authCheckInterval: INTERVAL, unauthenticated: 'pass' as const },
    })
    scene.vendor.user = { ...scene.vendor.user, ...elsewhere }
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(200)
    expect(lines).toContainEqual(line)
  })

  test('Nothing is silent: a denied user at authenticate()', async () => {
    const scene = await denied()
    const cookie = scene.browser.cookies(scene.gate.origin).map(String).join('; ')
    const req = { url: '/', method: 'GET', headers: { cookie, host: 'localhost' }, rawHeaders: [] }
    expect(await scene.gate.middleware.authenticate(req as never)).toBeUndefined()
    expect(scene.lines).toContainEqual(line)
    expect(scene.events).toContainEqual({
      name: 'recheck',
      payload: expect.objectContaining({ outcome: 'denied' }),
    })
  })

  test('Nothing is silent: an error that is not ours', async () => {
    const row = new Proxy({}, { get: () => raise('a bug'), has: () => raise('a bug') })
    const store = { ...memoryStore(), get: () => row as never }
    const scene = await open({ options: { store } })
    scene.browser.setCookie(`ngrok.session=${'A'.repeat(43)}`, scene.gate.origin)
    expect((await scene.visit()).status).toBe(500)
    expect(scene.lines).toContainEqual({
      level: 'error',
      message: expect.stringContaining('unexpected error'),
      details: expect.objectContaining({ code: 'internal', error: 'a bug' }),
    })
  })
})

function raise(message: string): never {
  throw new Error(message)
}

describe('Nothing is silent: every option without effect', () => {
  const managed = { OAUTH_MODULE_GITHUB_CLIENT_ID: 'a', OAUTH_MODULE_GITHUB_CLIENT_SECRET: 'b' }

  const options: Readonly<Record<keyof typeof INEFFECTIVE_OPTIONS, Partial<OAuthModuleOptions>[]>> =
    {
      authCheckEarly: [
        { authCheckEarly: true },
        { authCheckEarly: true, authCheckInterval: 30 },
        { authCheckEarly: true, authCheckInterval: 300, store: cookieStore() },
      ],
      rulesVersion: [{ rulesVersion: '2' }],
      forwardTokens: [{ forwardTokens: 'access', provider: 'github' }],
      'logout.revokeTokens': [{ logout: { revokeTokens: true }, provider: 'github' }],
      callbackPath: [
        {
          callbackPath: '/callback',
          provider: { github: { clientId: 'a', clientSecret: 'b', callbackPath: '/github' } },
        },
      ],
      'branding.darkLogoUrl': [{ branding: { darkLogoUrl: '/dark.svg' } }],
      'pages.signIn': [{ pages: { signIn: () => '' } }],
    }

  const providerOptions: Readonly<
    Record<keyof typeof INEFFECTIVE_PROVIDER_OPTIONS, OAuthModuleOptions['provider']>
  > = {
    signingAlgorithms: {
      github: { clientId: 'a', clientSecret: 'b', signingAlgorithms: ['RS256'] },
    },
    offlineAccess: { linkedin: { clientId: 'a', clientSecret: 'b', offlineAccess: true } },
  }

  const rows: [string, Partial<OAuthModuleOptions>][] = [
    ...Object.entries(options).flatMap(([name, all]) =>
      all.map((one): [string, Partial<OAuthModuleOptions>] => [name, one]),
    ),
    ...Object.entries(providerOptions).map(
      ([name, provider]): [string, Partial<OAuthModuleOptions>] => [name, { provider }],
    ),
  ]

  test.each(rows)('Nothing is silent: %s without effect (%j) is a warning', (name, more) => {
    Object.assign(process.env, managed)
    try {
      const { lines, logger } = recorder()
      oauthModule({ provider: { idp: anyProvider() }, secret, logger, ...more })
      expect(lines).toContainEqual({
        level: 'warn',
        message: expect.stringMatching(`^${name.replace('.', '\\.')} has no effect `),
        details: { hint: `leave out ${name}` },
      })
    } finally {
      for (const name of Object.keys(managed)) delete process.env[name]
    }
  })

  test('Nothing is silent: authCheckGrace without effect throws', () => {
    expect(() =>
      oauthModule({ provider: { idp: anyProvider() }, secret, authCheckGrace: 60 }),
    ).toThrow('authCheckGrace has no effect without authCheckInterval')
  })

  test('Nothing is silent: a disabled gate', () => {
    const { lines, logger } = recorder()
    oauthModule({ provider: { idp: anyProvider() }, secret, logger, enabled: false })
    expect(lines.map(({ level, message }) => `${level} ${message}`).join()).toContain(
      'warn the gate is disabled (enabled: false)',
    )
  })

  test('Nothing is silent: optionalScopes that the user declines', async () => {
    const scene = await open({ provider: { optionalScopes: ['calendar'] } })
    scene.vendor.settings.grantedScopes = ['openid', 'profile', 'email']
    expect((await scene.visit()).status).toBe(200)
    expect(scene.lines).toContainEqual({
      level: 'info',
      message: 'a login did not grant all optionalScopes',
      details: { provider: 'idp', hint: expect.stringContaining('not granted: calendar') },
    })
  })

  test('Nothing is silent: logout.revokeTokens where the provider cannot revoke', async () => {
    const scene = await open({ options: { logout: { revokeTokens: true } } })
    scene.vendor.settings.discovery = { revocation_endpoint: undefined }
    await scene.visit()
    await scene.visit('/auth/logout', { 'Sec-Fetch-Site': 'same-origin' })
    await eventually(() => scene.lines.some(({ message }) => message.includes('revokeTokens')))
    expect(scene.lines).toContainEqual({
      level: 'warn',
      message: expect.stringContaining('logout.revokeTokens has no effect'),
      details: { provider: 'idp', hint: expect.stringContaining('endpoints.revocation') },
    })
  })
})
