import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { Response } from 'express'
import { cookieStore, oauthModule, type OAuthModuleOptions } from '../../src/index.js'
import { Encrypter } from '../../src/http/encryption.js'
import { CookieSessions } from '../../src/session/cookie-sessions.js'
import { createSessionState } from '../../src/session/session-state.js'
import type { SessionStart } from '../../src/session/sessions.js'
import type { UserProfile } from '../../src/access/user.js'
import { startVendor, type VendorOptions, type VendorServer } from '../../src/dev/vendors/index.js'
import { requestsTo } from '../support/providers.js'
import { fakeDate, realDate } from '../support/clock.js'
import {
  bodyOf,
  cookieLine,
  type Gate,
  type GateSetup,
  oidcOf,
  secret,
  startGate,
  stopAll,
  stopping,
} from '../support/gate.js'
import { type Browser, createBrowser, type Page } from '../support/jar.js'

let vendor: VendorServer

beforeAll(async () => {
  vendor = stopping(await startVendor('oidc'))
})
afterEach(realDate)
afterAll(stopAll)

const start = (options: Partial<OAuthModuleOptions> = {}, at = vendor, setup: GateSetup = {}) =>
  startGate(
    { provider: { idp: oidcOf(at, { offlineAccess: true }) }, store: cookieStore(), ...options },
    setup,
  )
const vendorWith = async (options: VendorOptions) => stopping(await startVendor('oidc', options))

async function logIn(gate: Gate): Promise<Browser> {
  const browser = createBrowser()
  const page = await browser.get(gate.url('/'))
  if (page.status !== 200) throw new Error(`no login: ${page.status} ${page.body}`)
  return browser
}

const visit = (browser: Browser, gate: Gate, path = '/') =>
  browser.get(gate.url(path), { follow: false })
const isIn = async (browser: Browser, gate: Gate) => (await visit(browser, gate)).status === 200
/** The session's cookies, the first chunk first. */
const chunksOf = (browser: Browser, gate: Gate) =>
  browser
    .cookies(gate.origin)
    .filter(({ key }) => key.startsWith('ngrok.session'))
    .sort((a, b) => a.key.length - b.key.length || (a.key < b.key ? -1 : 1))
const headerOf = (browser: Browser, gate: Gate) =>
  chunksOf(browser, gate)
    .map(({ key, value }) => `${key}=${value}`)
    .join('; ')
const withCookie = (gate: Gate, Cookie: string, path = '/') =>
  createBrowser().get(gate.url(path), { follow: false, headers: { Cookie } })
const sessionLines = ({ setCookie }: Pick<Page, 'setCookie'>) =>
  setCookie.filter((line) => line.startsWith('ngrok.session'))

describe('a session in the cookie', () => {
  test('works like any other login, and the app sees the same', async () => {
    const gate = await start()
    const browser = createBrowser()
    const page = await browser.get(gate.url('/deep?x=1'))
    expect([page.status, page.url]).toEqual([200, gate.url('/deep?x=1')])
    const { user, oauth, headers } = bodyOf(page)
    expect(user).toMatchObject({ key: `idp:${String(vendor.user.id)}`, email: vendor.user.email })
    expect(oauth).toMatchObject({ isAuthenticated: true, provider: 'idp' })
    expect(headers['ngrok-auth-oauth-access-token']).toMatch(/\S{20,}/)
    expect(headers['ngrok-auth-oauth-refresh-token']).toMatch(/\S{20,}/)
    const again = await browser.get(gate.url('/'))
    expect([again.status, again.setCookie]).toEqual([200, []])
    expect(bodyOf(again).user).toEqual(user)
  })

  test('exposes neither the user nor a token without the secret', async () => {
    const gate = await start()
    const browser = await logIn(gate)
    const { user, headers } = bodyOf(await browser.get(gate.url('/')))
    expect(headers['ngrok-auth-oauth-refresh-token']).toBeDefined()
    const value = chunksOf(browser, gate)
      .map((chunk) => chunk.value)
      .join('')
    const readings = [
      value,
      ...['base64url', 'base64'].map((encoding) =>
        Buffer.from(value.slice(2), encoding as BufferEncoding).toString('latin1'),
      ),
    ]
    const told = [
      user?.['id'],
      user?.['name'],
      user?.['email'],
      headers['ngrok-auth-oauth-access-token'],
      headers['ngrok-auth-oauth-refresh-token'],
      'session',
      'token',
    ]
    for (const reading of readings)
      for (const text of told) expect(reading).not.toContain(String(text))
    expect(
      await withCookie(
        await start({ secret: 'another secret, which is long enough, too' }),
        headerOf(browser, gate),
      ),
    ).toMatchObject({ status: 302 })
  })

  test('works in every process with the same secret', async () => {
    const [one, two] = [await start({ id: 'app' }), await start({ id: 'app' })]
    const browser = await logIn(one)
    expect((await withCookie(two, headerOf(browser, one))).status).toBe(200)
  })

  test('of another instance is ignored', async () => {
    const [one, two] = [
      await start({ id: 'one' }),
      await start({ id: 'two', unauthenticated: 'pass' }),
    ]
    const page = await withCookie(two, headerOf(await logIn(one), one))
    expect(bodyOf(page).oauth).toMatchObject({ isAuthenticated: false, reason: 'none' })
  })

  test('is found after a planted cookie and after that of another instance', async () => {
    const [one, two] = [await start({ id: 'one' }), await start({ id: 'two' })]
    const [other, mine] = [headerOf(await logIn(one), one), headerOf(await logIn(two), two)]
    for (const before of [
      other,
      'ngrok.session=1.AAAA',
      'ngrok.session=2.AAAA; ngrok.session.1=BBBB',
      `ngrok.session=${'A'.repeat(43)}`,
    ]) {
      expect([before.slice(0, 20), (await withCookie(two, `${before}; ${mine}`)).status]).toEqual([
        before.slice(0, 20),
        200,
      ])
    }
    // Four are looked at, and no more.
    const crowd = Array.from({ length: 4 }, () => 'ngrok.session=1.AAAA').join('; ')
    expect((await withCookie(two, `${crowd}; ${mine}`)).status).toBe(302)
  })

  test('can be decrypted with every listed secret, and is encrypted with the first', async () => {
    const [old, fresh] = [
      'the old secret, which is long enough, too',
      'the new secret, which is long enough, too',
    ]
    const [before, during, after] = [
      await start({ secret: old, id: 'app' }),
      await start({ secret: [fresh, old], id: 'app' }),
      await start({ secret: fresh, id: 'app' }),
    ]
    const browser = await logIn(before)
    const rotated = await withCookie(during, headerOf(browser, before))
    expect(rotated.status).toBe(200)
    expect(bodyOf(rotated).headers['ngrok-auth-oauth-access-token']).toMatch(/\S{20,}/)
    expect((await withCookie(after, headerOf(browser, before))).status).toBe(302)
    expect((await withCookie(after, headerOf(await logIn(during), during))).status).toBe(200)
  })

  test('rejects values that were encrypted for another purpose', async () => {
    const gate = await start()
    const begun = await createBrowser().get(gate.url('/'), { follow: false })
    const state = new URL(begun.location ?? '').searchParams.get('state')
    expect((await withCookie(gate, `ngrok.session=1.${state}`)).status).toBe(302)
  })
})

describe('a session that is too long for one cookie', () => {
  test.each([
    [1200, 2],
    [2500, 3],
  ])(
    'with tokens of %i characters uses %i, none longer than browsers accept',
    async (tokenLength, count) => {
      const long = await vendorWith({ settings: { tokenLength } })
      const gate = await start({}, long)
      const browser = createBrowser()
      const page = await browser.get(gate.url('/'))
      expect(page.status).toBe(200)
      const set = page.history.flatMap(sessionLines)
      expect(set.map((line) => line.split('=')[0])).toEqual(
        ['ngrok.session', 'ngrok.session.1', 'ngrok.session.2'].slice(0, count),
      )
      for (const line of set) expect(line.split(';')[0]?.length).toBeLessThanOrEqual(4096)
      for (const line of set) expect(line).toContain('HttpOnly; SameSite=Lax')
      expect(bodyOf(page).headers['ngrok-auth-oauth-access-token']?.length).toBeGreaterThanOrEqual(
        tokenLength,
      )
      expect(await isIn(browser, gate)).toBe(true)
    },
  )

  test('removes old chunks when a shorter one follows, and ignores one that stayed', async () => {
    const changing = await vendorWith({ settings: { tokenLength: 2500 } })
    const gate = await start({}, changing)
    const browser = await logIn(gate)
    const stale = chunksOf(browser, gate).slice(1)
    expect(stale).toHaveLength(2)
    changing.settings.tokenLength = 40
    await browser.get(gate.url('/auth/authn'))
    expect(chunksOf(browser, gate).map(({ key }) => key)).toEqual(['ngrok.session'])
    const left = stale.map(({ key, value }) => `${key}=${value}`).join('; ')
    expect((await withCookie(gate, `${headerOf(browser, gate)}; ${left}`)).status).toBe(200)
  })

  test('is rejected if a chunk is missing, changed, of another session or out of order', async () => {
    const long = await vendorWith({ settings: { tokenLength: 2500 } })
    const gate = await start({}, long)
    const [mine, other] = [chunksOf(await logIn(gate), gate), chunksOf(await logIn(gate), gate)]
    const values = mine.map(({ value }) => value)
    const [first = '', second = '', third = ''] = values
    const send = async (...parts: (string | undefined)[]) =>
      (
        await withCookie(
          gate,
          parts
            .flatMap((part, index) =>
              part === undefined ? [] : [`ngrok.session${index === 0 ? '' : `.${index}`}=${part}`],
            )
            .join('; '),
        )
      ).status
    expect(await send(first, second, third)).toBe(200)
    const swapped = (text: string, at: number) =>
      text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)
    const broken: [string, (string | undefined)[]][] = [
      ['the last missing', [first, second]],
      ['the middle missing', [first, undefined, third]],
      ['the first missing', [undefined, second, third]],
      ['out of order', [first, third, second]],
      ["another session's chunk", [first, other[1]?.value, third]],
      ["another session's end", [first, second, other[2]?.value]],
      ['cut', [first, second, third.slice(0, -1)]],
      ['longer', [first, second, `${third}A`]],
      ['another count', [first.replace(/^3/, '2'), second, third]],
      ['no count', [first.slice(2), second, third]],
      ...[2, 10, 40, 1000, 3700].map((at): [string, string[]] => [
        `changed at ${at}`,
        [swapped(first, at), second, third],
      ]),
      ['changed in the middle', [first, swapped(second, 1000), third]],
      ['changed at the end', [first, second, swapped(third, third.length - 2)]],
    ]
    for (const [what, parts] of broken) expect([what, await send(...parts)]).toEqual([what, 302])
  })

  test.each([
    ['without the ID token', 5000, true],
    ['without the claims as well', 12_000, false],
  ])('drops %s if it needs more than three', async (_, length, keepsClaims) => {
    const talkative = await vendorWith({})
    const essay = 'x'.repeat(length)
    talkative.user = { ...talkative.user, claims: { essay } }
    const gate = await start({ logout: { endProviderSession: true } }, talkative)
    const browser = await logIn(gate)
    const { user, headers } = bodyOf(await browser.get(gate.url('/')))
    expect(user).toMatchObject({
      key: `idp:${String(talkative.user.id)}`,
      email: talkative.user.email,
    })
    expect(user?.['claims']).toEqual(keepsClaims ? expect.objectContaining({ essay }) : {})
    expect(headers['ngrok-auth-oauth-access-token']).toMatch(/\S{20,}/)
    const out = new URL((await visit(browser, gate, '/auth/logout')).location ?? '')
    expect([out.searchParams.get('client_id'), out.searchParams.has('id_token_hint')]).toEqual([
      talkative.clientId,
      false,
    ])
  })

  test('is rejected at the login if it needs more than three, and the log names the fix', async () => {
    const endless = await vendorWith({ settings: { tokenLength: 6000 } })
    const gate = await start({}, endless)
    const page = await createBrowser().get(gate.url('/'))
    expect(page.status).toBe(500)
    expect(page.history.flatMap(sessionLines)).toEqual([])
    expect(gate.logged.join('\n')).toMatch(/^error .*too large for cookieStore\(\).*use a store/m)
  })
})

describe('lifetimes', () => {
  test('the cookie is renewed when activity is due to be recorded, and the session continues', async () => {
    const clock = fakeDate()
    const gate = await start({ inactivityTimeout: 600 })
    const browser = await logIn(gate)
    const first = headerOf(browser, gate)
    clock.forward(59)
    expect(sessionLines(await visit(browser, gate))).toEqual([])
    clock.forward(2)
    const page = await visit(browser, gate)
    expect([page.status, sessionLines(page).length]).toEqual([200, 1])
    expect(sessionLines(await visit(browser, gate))).toEqual([])
    for (let count = 0; count < 5; count++) {
      clock.forward(500)
      expect(await isIn(browser, gate)).toBe(true)
    }
    expect((await withCookie(gate, first)).status).toBe(302)
    clock.forward(601)
    expect(await isIn(browser, gate)).toBe(false)
  })

  test('S-069 a response that renews the cookie is not cacheable, whatever the app sets', async () => {
    const clock = fakeDate()
    const cached = { 'Cache-Control': 'public, s-maxage=9', 'x-mine': '1' }
    const name = 'cache-CONTROL'
    const answers: Record<string, (res: Response) => void> = {
      set: (res) => void res.set(cached).send('x'),
      object: (res) => void res.writeHead(200, cached).end('x'),
      message: (res) => void res.writeHead(200, 'Fine', cached).end('x'),
      frozen: (res) => void res.writeHead(200, Object.freeze({ ...cached })).end('x'),
      flat: (res) => void res.writeHead(200, [name, 'public, s-maxage=9', 'x-mine', '1']).end('x'),
      value: (res) =>
        void res
          .writeHead(200, ['x-mine', '1', 'x-names', 'cache-control', name, 'public, s-maxage=9'])
          .end('x'),
    }
    const gate = await start({ inactivityTimeout: 600 }, vendor, {
      routes: (app) => void app.get('/answer/:way', (req, res) => answers[req.params.way]?.(res)),
    })
    for (const way of Object.keys(answers)) {
      const browser = await logIn(gate)
      clock.forward(100)
      const first = await visit(browser, gate, `/answer/${way}`)
      expect([
        way,
        first.status,
        first.headers['cache-control'],
        sessionLines(first).length,
        first.headers['x-mine'],
      ]).toEqual([way, 200, 'private, no-store', 1, '1'])
      // Without the cookie it is the app's to say.
      const second = await visit(browser, gate, `/answer/${way}`)
      expect([
        way,
        second.status,
        second.headers['cache-control'],
        sessionLines(second).length,
      ]).toEqual([way, 200, 'public, s-maxage=9', 0])
    }
    expect(cached).toEqual({ 'Cache-Control': 'public, s-maxage=9', 'x-mine': '1' })
  })

  test('without an inactivity timeout it is set once', async () => {
    const clock = fakeDate()
    const gate = await start()
    const browser = await logIn(gate)
    clock.forward(86_400)
    const page = await visit(browser, gate)
    expect([page.status, page.setCookie]).toEqual([200, []])
  })

  test('the maximum duration ends the session although the cookie was renewed', async () => {
    const clock = fakeDate()
    const gate = await start({ inactivityTimeout: 600, maximumDuration: 1200 })
    const browser = createBrowser()
    const page = await browser.get(gate.url('/'))
    expect(cookieLine(page.history.flatMap(sessionLines), 'ngrok.session=')).toContain(
      'Max-Age=1200',
    )
    clock.forward(500)
    const again = await visit(browser, gate)
    expect(cookieLine(sessionLines(again), 'ngrok.session=')).toContain('Max-Age=700')
    clock.forward(500)
    await visit(browser, gate)
    const kept = headerOf(browser, gate)
    clock.forward(201)
    // Also for who keeps the cookie longer than its Max-Age.
    expect((await withCookie(gate, kept)).status).toBe(302)
  })
})

describe('logging out', () => {
  test('clears every chunk, and a copy of the cookie is rejected in this process', async () => {
    const long = await vendorWith({ settings: { tokenLength: 2500 } })
    const gate = await start({ unauthenticated: 'pass' }, long)
    const browser = createBrowser()
    await browser.get(gate.url('/auth/authn'))
    const copy = headerOf(browser, gate)
    expect(bodyOf(await withCookie(gate, copy)).oauth).toMatchObject({ isAuthenticated: true })
    const page = await browser.get(gate.url('/auth/logout'))
    expect(
      sessionLines(page).map((line) => [line.split('=')[0], line.includes('Max-Age=0')]),
    ).toEqual([
      ['ngrok.session', true],
      ['ngrok.session.1', true],
      ['ngrok.session.2', true],
    ])
    expect(browser.cookies(gate.origin)).toEqual([])
    expect(bodyOf(await withCookie(gate, copy)).oauth).toMatchObject({
      isAuthenticated: false,
      reason: 'expired',
    })
  })

  test('ends renewed cookies of the same login as well', async () => {
    const clock = fakeDate()
    const gate = await start({ inactivityTimeout: 600 })
    const browser = await logIn(gate)
    const first = headerOf(browser, gate)
    clock.forward(100)
    await visit(browser, gate)
    await browser.get(gate.url('/auth/logout'))
    expect((await withCookie(gate, first)).status).toBe(302)
  })

  test('is part of every new login', async () => {
    const gate = await start()
    const browser = await logIn(gate)
    const first = headerOf(browser, gate)
    await browser.get(gate.url('/auth/authn'))
    expect(await isIn(browser, gate)).toBe(true)
    expect((await withCookie(gate, first)).status).toBe(302)
  })

  test('revokes the tokens, and hands the ID token to the provider', async () => {
    const gate = await start({ logout: { revokeTokens: true, endProviderSession: true } })
    const browser = await logIn(gate)
    vendor.requests.length = 0
    const page = await visit(browser, gate, '/auth/logout')
    expect(new URL(page.location ?? '').searchParams.get('id_token_hint')).toMatch(
      /^[\w-]+\.[\w-]+\.[\w-]+$/,
    )
    await gate.middleware.close()
    expect(requestsTo(vendor, 'revocation')).toHaveLength(1)
  })

  test('by back-channel is not available', async () => {
    const gate = await start()
    expect(
      (await createBrowser().post(gate.url('/auth/backchannel-logout'), { logout_token: 'x' }))
        .status,
    ).toBe(404)
  })
})

describe('tokens that change', () => {
  const rotating: VendorOptions = { settings: { tokenLifetime: 60, rotateRefreshTokens: true } }

  test('at a re-check are in the cookie of the response, once for concurrent requests', async () => {
    const clock = fakeDate()
    const at = await vendorWith(rotating)
    const gate = await start({ authCheckInterval: 300 }, at)
    const browser = await logIn(gate)
    const old = headerOf(browser, gate)
    clock.forward(301)
    at.requests.length = 0
    const pages = await Promise.all(Array.from({ length: 5 }, () => withCookie(gate, old)))
    expect(pages.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    expect(requestsTo(at, 'token')).toHaveLength(1)
    const cookies = pages.map(
      (page) => cookieLine(sessionLines(page), 'ngrok.session=').split(';')[0] ?? '',
    )
    const tokens = pages.map((page) => bodyOf(page).headers['ngrok-auth-oauth-refresh-token'])
    expect(new Set(tokens).size).toBe(1)
    // A request that was on its way with the old cookie is served with the new tokens, and gets the
    // new cookie.
    const late = await withCookie(gate, old)
    expect([late.status, bodyOf(late).headers['ngrok-auth-oauth-refresh-token']]).toEqual([
      200,
      tokens[0],
    ])
    expect(requestsTo(at, 'token')).toHaveLength(1)
    const renewed = cookieLine(sessionLines(late), 'ngrok.session=').split(';')[0] ?? ''
    // With either the next check goes well, also in a process that never saw the old one.
    const other = await start({ authCheckInterval: 300 }, at)
    for (const cookie of [renewed, cookies[0] ?? ''])
      expect((await withCookie(other, cookie)).status).toBe(200)
    expect(sessionLines(await withCookie(gate, renewed))).toEqual([])
    clock.forward(301)
    expect((await withCookie(other, renewed)).status).toBe(200)
  })

  test('from two concurrent writes: the second one fails and sees the result of the first', async () => {
    const sessions = new CookieSessions({
      state: createSessionState(),
      encrypter: new Encrypter([secret]),
      clientOf: () => 'client',
      lifetimes: { inactivityTimeoutMs: 0, maximumDurationMs: 0 },
      clockToleranceMs: 0,
      onEnd() {},
    })
    const lists = { organizations: [], teams: [], groups: [] }
    const user = {
      key: 'idp:1',
      id: '1',
      name: 'Ida',
      provider: 'idp',
      ...lists,
    } as unknown as UserProfile
    const identity = { instance: '', client: 'client' }
    const start = { ...identity, user, scopes: [], verdicts: {} } as unknown as SessionStart
    const tokens = { accessToken: 'a', refreshToken: 'r', idToken: undefined }
    const rest = { claims: {}, subject: undefined, boundClaims: {}, redirectUri: '' }
    const live = sessions.create(start, { ...tokens, ...rest }, Date.now())
    const first = sessions.update(
      live,
      {},
      { accessToken: 'a2', refreshToken: 'r2', idToken: undefined },
    )
    expect(first).toBeDefined()
    expect(sessions.update(live, { deniedSince: undefined })).toBeUndefined()
    const current = sessions.reload(live)
    if (current === undefined) throw new Error('no session')
    expect(current.unseal().refreshToken).toBe('r2')
    const second = sessions.update(current, { deniedSince: undefined })
    expect(second?.unseal().refreshToken).toBe('r2')
    sessions.destroy(live.key, 'logout')
    expect([second && sessions.update(second, {}), sessions.reload(live)]).toEqual([
      undefined,
      undefined,
    ])
  })

  test('a denied user has the decision in the cookie, and is allowed again without a login', async () => {
    const clock = fakeDate()
    let isWelcome = true
    const gate = await start({ authCheckInterval: 300, authorize: () => isWelcome })
    const browser = await logIn(gate)
    isWelcome = false
    clock.forward(301)
    const denied = await visit(browser, gate)
    expect([denied.status, sessionLines(denied).length]).toEqual([403, 1])
    expect((await visit(browser, gate)).status).toBe(403)
    isWelcome = true
    clock.forward(6)
    expect((await visit(browser, gate)).status).toBe(200)
    expect((await visit(browser, gate)).status).toBe(200)
  })

  test('a revoked grant ends the session, in this process for every copy of the cookie', async () => {
    const clock = fakeDate()
    const at = await vendorWith({})
    const gate = await start({ authCheckInterval: 300 }, at)
    const browser = await logIn(gate)
    at.revokeTokens()
    clock.forward(301)
    expect(await isIn(browser, gate)).toBe(false)
    expect(await isIn(browser, gate)).toBe(false)
  })

  /**
   * An app whose `/token` responds with a fresh access token; with `?late`, after the response has
   * started.
   */
  const appWithTokens: GateSetup = {
    routes(app) {
      app.get('/token', async (req, res) => {
        if ('late' in req.query) res.write(' ')
        const first = await req.oauth.getAccessToken()
        const second = await req.oauth.getAccessToken()
        res.end(
          JSON.stringify({
            first,
            second,
            property: req.oauth.accessToken,
            header: req.headers['ngrok-auth-oauth-access-token'],
          }),
        )
      })
    },
  }

  test('getAccessToken() refreshes once, and sets the cookie on the response', async () => {
    const clock = fakeDate()
    const at = await vendorWith(rotating)
    const gate = await start({}, at, appWithTokens)
    const browser = await logIn(gate)
    clock.forward(61)
    at.requests.length = 0
    const page = await visit(browser, gate, '/token')
    const { first, second, property, header } = JSON.parse(page.body)
    expect([second, property, header]).toEqual([first, first, first])
    expect([requestsTo(at, 'token').length, sessionLines(page).length]).toEqual([1, 1])
    clock.forward(61)
    expect(JSON.parse((await visit(browser, gate, '/token')).body).first).not.toBe(first)
    expect(requestsTo(at, 'token')).toHaveLength(2)
  })

  test('getAccessToken() after the response has started: the next response sets the cookie', async () => {
    const clock = fakeDate()
    const at = await vendorWith(rotating)
    const gate = await start({}, at, appWithTokens)
    const browser = await logIn(gate)
    clock.forward(61)
    at.requests.length = 0
    const late = await visit(browser, gate, '/token?late')
    expect(sessionLines(late)).toEqual([])
    const next = await visit(browser, gate, '/token')
    expect(JSON.parse(next.body).first).toBe(JSON.parse(late.body).first)
    expect([requestsTo(at, 'token').length, sessionLines(next).length]).toEqual([1, 1])
    expect(sessionLines(await visit(browser, gate, '/token'))).toEqual([])
  })
})

describe('what the cookie store cannot do', () => {
  const options = (more: Partial<OAuthModuleOptions> = {}): [OAuthModuleOptions, string[]] => {
    const said: string[] = []
    const say = (message: string) => void said.push(message)
    return [
      {
        provider: { idp: oidcOf(vendor) },
        store: cookieStore(),
        secret,
        baseUrl: 'https://app.example',
        logger: { debug() {}, info: say, warn: say, error: say },
        ...more,
      },
      said,
    ]
  }

  test('is reported at construction', () => {
    const [given, said] = options()
    oauthModule(given)
    const line = said.find((one) => one.startsWith('sessions are stored in cookies'))
    expect(line).toMatch(/cannot be revoked remotely/)
    expect(line).toMatch(/cannot be listed \(store_not_listable\)/)
    expect(line).toMatch(/back-channel logout/)
    expect(line).toMatch(/re-check is not shared/)
    expect(line).toMatch(/copy of a cookie/)
  })

  test('warns in production without a maximum duration', () => {
    const before = process.env['NODE_ENV']
    process.env['NODE_ENV'] = 'production'
    try {
      const warning = expect.stringMatching(/copied cookie.*maximumDuration.*inactivityTimeout/)
      for (const [more, isWarned] of [
        [{}, true],
        [{ inactivityTimeout: 60 }, true],
        [{ maximumDuration: 3600 }, false],
      ] as const) {
        const [given, said] = options(more)
        oauthModule(given)
        expect(said).toEqual(
          isWarned ? expect.arrayContaining([warning]) : expect.not.arrayContaining([warning]),
        )
      }
    } finally {
      process.env['NODE_ENV'] = before
    }
  })

  test('users and sessions reject with store_not_listable, and revoke() returns false', async () => {
    const gate = await start()
    const browser = await logIn(gate)
    const handle = String(bodyOf(await browser.get(gate.url('/'))).oauth?.['sessionHandle'])
    const { users, sessions, monthlyActiveUsers } = gate.middleware
    const asked = [
      users.list(),
      users.get('idp:1'),
      users.delete('idp:1'),
      sessions.list(),
      sessions.get(handle),
      sessions.revoke(handle),
      monthlyActiveUsers(),
    ]
    for (const one of await Promise.allSettled(asked))
      expect(one).toMatchObject({
        status: 'rejected',
        reason: { code: 'store_not_listable', status: 501 },
      })
    expect(await isIn(browser, gate)).toBe(true)
  })

  test('sessionsPerUser is rejected at construction', () => {
    const [given] = options({ sessionsPerUser: 2 })
    expect(() => oauthModule(given)).toThrow(/sessionsPerUser needs a store that can list/)
  })
})

test('stores a typical session in one cookie', async () => {
  for (const name of ['github', 'google', 'oidc', 'gitlab'] as const) {
    const at = stopping(await startVendor(name))
    const provider =
      name === 'oidc'
        ? { oidc: oidcOf(at) }
        : ({ [name]: at.options } as OAuthModuleOptions['provider'])
    const gate = await startGate({ provider, store: cookieStore() })
    const chunks = chunksOf(await logIn(gate), gate)
    expect([name, chunks.length]).toEqual([name, 1])
  }
})
