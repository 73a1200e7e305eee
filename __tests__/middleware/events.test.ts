import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { request as send } from 'node:http'
import { afterEach, describe, expect, test } from '@jest/globals'
import {
  memoryStore,
  type OAuthEvents,
  type OAuthModuleOptions,
  type SessionStore,
} from '../../src/index.js'
import { gateOf, logIn, providerOf, requestsTo, startVendor } from '../support/providers.js'
import { codeOf, INTERVAL, loggedIn, program } from '../support/recheck.js'
import { realDate } from '../support/clock.js'
import {
  type Gate,
  secret,
  startGate,
  stopAll,
  toCallback,
  valueOfCookie,
} from '../support/gate.js'
import { createBrowser } from '../support/jar.js'

afterEach(async () => {
  await stopAll()
  realDate()
})

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const names = [
  'login',
  'login_failed',
  'denied',
  'logout',
  'expired',
  'recheck',
  'recheck_failed',
  'revoked',
  'store_error',
  'http_request_complete',
] as const

type Told = { [Name in keyof OAuthEvents]?: OAuthEvents[Name][] }

/** All payloads that the gate emits from now on, by event. */
function listenTo({ middleware }: Pick<Gate, 'middleware'>): Told {
  const told: Record<string, unknown[]> = {}
  for (const name of names) middleware.on(name, (facts) => void (told[name] ??= []).push(facts))
  return told
}

async function until(isDone: () => boolean): Promise<void> {
  for (let turn = 0; turn < 200 && !isDone(); turn++)
    await new Promise((resolve) => setTimeout(resolve, 10))
}

describe('S-100 the events', () => {
  test('login and logout name the user and the session', async () => {
    const vendor = await startVendor('oidc')
    const gate = await gateOf(vendor)
    const told = listenTo(gate)
    const browser = createBrowser()
    await logIn({ gate, browser })
    const [session] = (await gate.middleware.sessions.list()).items
    expect(told.login).toMatchObject([
      {
        user: { key: 'oidc:user-1', email: 'ida@acme.example' },
        provider: 'oidc',
        sessionHandle: session?.id,
      },
    ])
    await browser.get(gate.url('/auth/logout'), { headers: { 'Sec-Fetch-Site': 'same-origin' } })
    expect(told.logout).toMatchObject([
      { user: { key: 'oidc:user-1' }, sessionHandle: session?.id },
    ])
    expect([told.revoked, told.expired, told.denied]).toEqual([undefined, undefined, undefined])
  })

  test('login_failed has the code and a hint without external input', async () => {
    const vendor = await startVendor('oidc')
    const gate = await gateOf(vendor)
    const told = listenTo(gate)
    await createBrowser().get(gate.url('/auth/callback?code=x&state=forged%0d%0aline'))
    vendor.settings.refuse = { error: 'access_denied', error_description: 'no\r\n[fake] log line' }
    await createBrowser().get(gate.url('/'))
    expect(told.login_failed).toMatchObject([
      { code: 'login_expired' },
      { code: 'access_denied', provider: 'oidc' },
    ])
    expect(JSON.stringify(told.login_failed)).not.toMatch(/forged|fake/)
  })

  test('an unreachable provider is logged with the error code of Node', async () => {
    const vendor = await startVendor('oidc')
    const gate = await gateOf(vendor)
    await vendor.close()
    expect((await createBrowser().get(gate.url('/'))).status).toBe(502)
    expect(gate.logged.join('\n')).toMatch(
      /"hint":"the request to 127\.0\.0\.1:\d+ failed: ECONNREFUSED"/,
    )
  })

  test('denied has a decision id that is on the page and in the JSON, at a login and at a check', async () => {
    const scene = await loggedIn('oidc', { provider: { emailDomains: ['acme.example'] } })
    const told = listenTo(scene.gate)
    scene.vendor.user = { ...scene.vendor.user, email: 'ida@elsewhere.example' }
    scene.clock.forward(INTERVAL)
    const page = await scene.visit()
    const json = await scene.visit('/api', program)
    const refusedLogin = await createBrowser().get(scene.gate.url('/'))
    expect(told.denied).toHaveLength(3)
    const ids = told.denied?.map(({ decisionId }) => decisionId) ?? []
    expect(new Set(ids).size).toBe(3)
    expect(page.body).toContain(ids[0])
    expect(JSON.parse(json.body)).toMatchObject({ error: 'not_authorized', decision_id: ids[1] })
    expect(refusedLogin.body).toContain(ids[2])
    expect(told.denied).toMatchObject(
      Array(3).fill({
        user: { key: 'oidc:user-1' },
        provider: 'oidc',
        code: 'not_authorized',
        isReportOnly: false,
      }),
    )
    expect(told.denied?.[0]?.tried).toEqual(['emailDomains'])
    for (const id of ids)
      expect(scene.gate.logged.join('\n')).toContain(`"code":"not_authorized","decisionId":"${id}"`)
    expect(scene.gate.logged.join('\n')).toContain(
      `"decisionId":"${ids[0]}","tried":["emailDomains"]`,
    )
    expect(told.recheck).toMatchObject([
      { outcome: 'denied', sessionHandle: expect.any(String), duration: expect.any(Number) },
    ])
  })

  test('recheck, recheck_failed, expired and revoked report the outcome for a session', async () => {
    const scene = await loggedIn('oidc', { options: { inactivityTimeout: 10 * INTERVAL } })
    const told = listenTo(scene.gate)
    scene.clock.forward(INTERVAL)
    await scene.visit()
    scene.vendor.respond('userinfo', { status: 500 })
    scene.clock.forward(INTERVAL)
    await scene.visit()
    scene.vendor.respond('userinfo', undefined)
    expect(told.recheck).toMatchObject([{ outcome: 'allowed', user: { key: 'oidc:user-1' } }])
    expect(told.recheck_failed).toMatchObject([
      { outcome: 'down', code: 'provider_error', hint: expect.stringContaining('500') },
    ])
    scene.clock.forward(10 * INTERVAL)
    await Promise.all([1, 2, 3].map(() => scene.visit('/api', program)))
    await until(() => told.expired !== undefined)
    expect(told.expired).toMatchObject([{ sessionHandle: told.recheck?.[0]?.sessionHandle }])
    await logIn(scene)
    const [session] = (await scene.gate.middleware.sessions.list()).items
    await scene.gate.middleware.sessions.revoke(String(session?.id))
    await scene.gate.middleware.sessions.revoke(String(session?.id))
    expect(told.revoked).toEqual([{ sessionHandle: session?.id, reason: 'revoked' }])
    await logIn(scene)
    scene.vendor.revokeTokens()
    scene.clock.forward(INTERVAL)
    await scene.visit()
    expect(told.recheck?.at(-1)).toMatchObject({ outcome: 'ended' })
  })

  test('store_error reports a store that is down', async () => {
    const vendor = await startVendor('oidc')
    const inner = memoryStore()
    let isDown = false
    const store: SessionStore = {
      ...inner,
      get: (key) => (isDown ? Promise.reject(new Error('connection refused')) : inner.get(key)),
    }
    const gate = await gateOf(vendor, {}, { store })
    const told = listenTo(gate)
    const browser = createBrowser()
    await logIn({ gate, browser })
    isDown = true
    expect((await browser.get(gate.url('/'))).status).toBe(503)
    expect(told.store_error).toMatchObject([
      { code: 'store_unavailable', hint: 'connection refused' },
    ])
  })

  test('contain no secret', async () => {
    const scene = await loggedIn('oidc', {
      vendor: { settings: { tokenLifetime: 60 } },
      provider: { emailDomains: ['acme.example'] },
    })
    const told = listenTo(scene.gate)
    const secrets = new Set<string>([
      scene.vendor.clientSecret,
      secret,
      valueOfCookie(scene.browser, scene.gate.origin),
    ])
    const browser = createBrowser()
    const callback = new URL(await toCallback(browser, scene.gate.url('/?secret=in-the-query')))
    for (const name of ['code', 'state']) secrets.add(String(callback.searchParams.get(name)))
    const page = await browser.get(callback.href)
    for (const name of ['access', 'refresh'])
      secrets.add(JSON.parse(page.body).headers[`ngrok-auth-oauth-${name}-token`])
    scene.clock.forward(INTERVAL)
    await scene.visit()
    scene.vendor.respond('*', { status: 500 })
    scene.clock.forward(INTERVAL)
    await scene.visit()
    scene.vendor.respond('*', undefined)
    scene.vendor.user = { ...scene.vendor.user, email: 'ida@elsewhere.example' }
    scene.clock.forward(INTERVAL)
    await scene.visit()
    await scene.browser.get(scene.gate.url('/auth/logout'))
    await until(() => (told.http_request_complete?.length ?? 0) >= 6)
    const text = JSON.stringify(told)
    expect(Object.keys(told).length).toBeGreaterThan(4)
    expect(secrets.size).toBeGreaterThanOrEqual(7)
    for (const one of secrets) expect([one.length > 5, text.includes(one)]).toEqual([true, false])
    expect(text).not.toContain('in-the-query')
  })
})

describe('http_request_complete', () => {
  test('is emitted for every request, with the fields of ngrok, decision, reason and duration', async () => {
    const vendor = await startVendor('oidc')
    const gate = await startGate(
      { provider: providerOf(vendor, { emailDomains: ['acme.example'] }) },
      {
        routes: (app, auth) => void app.use('/guarded', auth.requireAuth({ groups: ['board'] })),
      },
    )
    const told = listenTo(gate)
    const browser = createBrowser()
    await browser.get(gate.url('/deep?x=1'))
    await browser.get(gate.url('/guarded'))
    await createBrowser().get(gate.url('/api'), { headers: program })
    await browser.get(gate.url('/auth/nothing'))
    await browser.get(gate.url('/auth/session'))
    vendor.user = { ...vendor.user, email: 'ida@elsewhere.example' }
    await createBrowser().get(gate.url('/'))
    await until(() => told.http_request_complete?.length === 9)
    const user = { id: 'user-1', name: 'Ida Novak' }
    const nobody = { id: undefined, name: undefined }
    const facts = told.http_request_complete?.map(({ oauth, method, path, status, reason }) => [
      method,
      path,
      status,
      oauth.decision,
      reason,
      oauth.user,
    ])
    expect(facts).toEqual([
      ['GET', '/deep', 302, 'block', 'login', nobody],
      ['GET', '/auth/callback', 302, 'block', 'callback', nobody],
      ['GET', '/deep', 200, 'allow', undefined, user],
      ['GET', '/guarded', 403, 'block', 'not_authorized', user],
      ['GET', '/api', 401, 'block', 'login_required', nobody],
      ['GET', '/auth/nothing', 404, 'block', 'not_found', nobody],
      ['GET', '/auth/session', 200, 'block', 'session', nobody],
      ['GET', '/', 302, 'block', 'login', nobody],
      ['GET', '/auth/callback', 403, 'block', 'not_authorized', user],
    ])
    expect(
      told.http_request_complete?.every(
        ({ oauth, duration }) => oauth.app_client_id === vendor.clientId && duration > 0,
      ),
    ).toBe(true)
  })

  test('reports an anonymous request that the app handles as allowed without a user, and a preflight as well', async () => {
    const vendor = await startVendor('oidc')
    const gate = await gateOf(vendor, {}, { unauthenticated: 'pass', optionsPassthrough: true })
    const told = listenTo(gate)
    await createBrowser().get(gate.url('/'))
    await createBrowser().request('OPTIONS', gate.url('/'), undefined)
    await until(() => told.http_request_complete?.length === 2)
    expect(told.http_request_complete).toMatchObject(
      Array(2).fill({ oauth: { decision: 'allow', user: { id: undefined } }, reason: undefined }),
    )
  })

  test('reports a client that disconnects before the decision as not allowed', async () => {
    const scene = await loggedIn('oidc')
    const told = listenTo(scene.gate)
    scene.clock.forward(INTERVAL)
    let release: () => void = () => undefined
    scene.vendor.respond(
      'userinfo',
      () => new Promise((resolve) => (release = () => resolve(undefined))),
      { once: true },
    )
    const client = send(scene.gate.url('/'), {
      headers: { cookie: `ngrok.session=${valueOfCookie(scene.browser, scene.gate.origin)}` },
      family: 4,
    })
    client.on('error', () => undefined)
    client.end()
    await until(() => requestsTo(scene.vendor, 'userinfo').length > 0)
    client.destroy()
    await until(() => told.http_request_complete !== undefined)
    expect(told.http_request_complete).toMatchObject([
      { oauth: { decision: 'block' }, reason: 'aborted' },
    ])
    release()
  })
})

describe('listeners', () => {
  test('receive the same events on diagnostics_channel', async () => {
    const vendor = await startVendor('oidc')
    const gate = await gateOf(vendor)
    const heard: string[] = []
    const listen = (facts: unknown, name: string | symbol) =>
      void heard.push(`${String(name)} ${(facts as { user?: { key: string } }).user?.key ?? ''}`)
    for (const name of names) subscribe(`oauth-module:${name}`, listen)
    await logIn({ gate })
    for (const name of names) unsubscribe(`oauth-module:${name}`, listen)
    expect(heard).toContain('oauth-module:login oidc:user-1')
    expect(
      heard.filter((line) => line.startsWith('oauth-module:http_request_complete')).length,
    ).toBeGreaterThan(1)
  })

  test('S-101 one that throws or rejects is logged, the others still run, and the request continues', async () => {
    const vendor = await startVendor('oidc')
    const gate = await gateOf(vendor)
    const heard: string[] = []
    gate.middleware.on('login', () => {
      throw new Error('a bug of the app')
    })
    gate.middleware.on('login', () => Promise.reject(new Error('another bug')) as never)
    gate.middleware.on('login', ({ provider }) => heard.push(provider))
    expect((await logIn({ gate })).status).toBe(200)
    await until(() => gate.logged.some((line) => line.includes('another bug')))
    expect(heard).toEqual(['oidc'])
    expect(gate.logged.join('\n')).toMatch(/a listener failed.*a bug of the app/)
  })

  test('S-101 a logger that throws as well grants no access and ends no session', async () => {
    const vendor = await startVendor('oidc')
    const isBroken = { now: false }
    const fail = () => {
      if (isBroken.now) throw new Error('the disk is full')
    }
    const gate = await gateOf(
      vendor,
      {},
      { logger: { debug: fail, info: fail, warn: fail, error: fail } },
    )
    gate.middleware.on('login', () => {
      throw new Error('a bug of the app')
    })
    isBroken.now = true
    expect((await logIn({ gate })).status).toBe(200)
    expect([401, 500]).toContain(
      (await createBrowser().get(gate.url('/api'), { headers: program })).status,
    )
    expect(gate.reached).toEqual(['GET /'])
  })

  test('once() runs once, off() removes a listener, and unknown events throw', async () => {
    const vendor = await startVendor('oidc')
    const gate = await gateOf(vendor)
    const heard: string[] = []
    const always = () => void heard.push('always')
    gate.middleware.once('login', () => void heard.push('once'))
    gate.middleware.on('login', always)
    await logIn({ gate })
    gate.middleware.off('login', always)
    await logIn({ gate })
    expect(heard.sort()).toEqual(['always', 'once'])
    expect(() => gate.middleware.on('logins' as never, () => undefined)).toThrow(TypeError)
    expect(['handle', 'set', 'emit'].filter((name) => name in gate.middleware)).toEqual([])
  })
})

describe('reportOnly', () => {
  test('changes nothing, and emits whom it would deny, at login and at every check', async () => {
    const scene = await loggedIn('oidc', {
      options: { reportOnly: { emailDomains: ['elsewhere.example'] } },
    })
    const told = listenTo(scene.gate)
    expect((await logIn({ gate: scene.gate })).status).toBe(200)
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(200)
    expect(told.denied).toMatchObject(
      Array(2).fill({
        isReportOnly: true,
        code: 'not_authorized',
        tried: ['emailDomains'],
        user: { key: 'oidc:user-1' },
      }),
    )
    expect(new Set(told.denied?.map(({ decisionId }) => decisionId)).size).toBe(2)
  })

  test('emits nothing for rules that would deny no user; one that throws has no effect', async () => {
    const vendor = await startVendor('oidc')
    const fine = await gateOf(vendor, {}, { reportOnly: { emailDomains: ['acme.example'] } })
    const broken = await gateOf(
      vendor,
      {},
      {
        reportOnly: {
          authorize: () => {
            throw new Error('bug')
          },
        },
      },
    )
    const told = [listenTo(fine), listenTo(broken)]
    expect([(await logIn({ gate: fine })).status, (await logIn({ gate: broken })).status]).toEqual([
      200, 200,
    ])
    expect(told.map(({ denied }) => denied?.length)).toEqual([undefined, undefined])
  })

  test('an API error of report-only rules denies no user, neither at a login nor at a check', async () => {
    const scene = await loggedIn('github', {
      provider: { scopes: ['read:org'] },
      options: { reportOnly: { organizations: ['nobody-here'] } },
    })
    const told = listenTo(scene.gate)
    scene.vendor.respond('orgs', { status: 500, body: {} })
    expect((await logIn({ gate: scene.gate })).status).toBe(200)
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(200)
    await scene.gate.middleware.close()
    expect([told.denied, told.recheck_failed]).toEqual([undefined, undefined])
  })

  test('requests the scopes that it needs, or construction names the missing ones', async () => {
    const vendor = await startVendor('github')
    const gate = await gateOf(vendor, {}, { reportOnly: { organizations: ['acme'] } })
    const stranger = await gateOf(vendor, {}, { reportOnly: { organizations: ['nobody-here'] } })
    const told = [listenTo(gate), listenTo(stranger)]
    expect([(await logIn({ gate })).status, (await logIn({ gate: stranger })).status]).toEqual([
      200, 200,
    ])
    await Promise.all([gate.middleware.close(), stranger.middleware.close()])
    expect(told[0]?.denied).toBeUndefined()
    const isSaid = stranger.logged.some((line) => /^warn.*reportOnly.*read:org/.test(line))
    expect([isSaid, told[1]?.denied?.length ?? 0]).toEqual(isSaid ? [true, 0] : [false, 1])
  })

  test('switching it on or off causes no re-checks', async () => {
    const scene = await loggedIn('github')
    const options = {
      provider: providerOf(scene.vendor),
      secret,
      logger,
      authCheckInterval: INTERVAL,
    }
    for (const reportOnly of [
      { organizations: ['acme'] },
      { emailDomains: ['elsewhere.example'], authorize: () => false },
      undefined,
    ]) {
      scene.gate.middleware.reconfigure({ ...options, reportOnly })
      expect((await scene.visit()).status).toBe(200)
    }
    expect(scene.count()).toEqual({})
  })

  test('delays no request, and cannot change the user', async () => {
    const vendor = await startVendor('oidc')
    const order: string[] = []
    let decide: (value: boolean) => void = () => undefined
    const authorize = (user: object) => {
      Object.assign(user, { name: 'changed on trial' })
      return new Promise<boolean>((resolve) => (decide = resolve))
    }
    const gate = await gateOf(vendor, {}, { reportOnly: { authorize } })
    gate.middleware.on('denied', ({ isReportOnly }) => void order.push(`denied ${isReportOnly}`))
    const { status, user } = await logIn({ gate })
    order.push(`in ${status}`)
    decide(false)
    await gate.middleware.close()
    expect([user['name'], order]).toEqual(['Ida Novak', ['in 200', 'denied true']])
  })

  test.each<[string, OAuthModuleOptions['reportOnly']]>([
    ['an unknown rule', { email: ['x'] } as never],
    ['an empty list', { groups: [] }],
  ])('%s throws', async (_, reportOnly) => {
    const vendor = await startVendor('oidc')
    await expect(gateOf(vendor, {}, { reportOnly })).rejects.toThrow(TypeError)
  })
})

describe('explain()', () => {
  test('names the entry that allows a user, or what was tried', async () => {
    const vendor = await startVendor('github')
    const provider = {
      emailAddresses: ['boss@acme.example'],
      emailDomains: ['other.example'],
      teams: ['acme/engineering'],
    }
    const gate = await gateOf(vendor, provider)
    const { user } = await logIn({ gate })
    const explain = (change: object) => gate.middleware.explain({ ...user, ...change } as never)
    expect(explain({})).toEqual({
      isAllowed: true,
      matched: { list: 'teams', entry: 'acme/engineering' },
    })
    expect(explain({ teams: [] })).toEqual({
      isAllowed: false,
      code: 'not_authorized',
      tried: ['emailAddresses', 'emailDomains', 'teams'],
    })
    expect(explain({ teams: [], email: 'x@OTHER.example' })).toEqual({
      isAllowed: true,
      matched: { list: 'emailDomains', entry: 'other.example' },
    })
    expect(explain({ teams: [], email: 'boss@acme.example', emailVerified: false })).toMatchObject({
      isAllowed: false,
      code: 'email_unverified',
    })
    expect(explain({ provider: 'gone' })).toMatchObject({ isAllowed: false })
    gate.middleware.reconfigure({ provider: providerOf(vendor), secret, logger })
    expect(explain({ teams: [] })).toEqual({ isAllowed: true, matched: undefined })
  })

  test('the denied page shows no more than necessary', async () => {
    const vendor = await startVendor('github')
    const gate = await gateOf(vendor, { emailAddresses: ['boss@acme.example'] })
    const page = await createBrowser().get(gate.url('/'))
    expect([page.status, codeOf(page)]).toEqual([403, 'not_authorized'])
    expect(page.body).not.toContain('boss@acme.example')
  })
})
