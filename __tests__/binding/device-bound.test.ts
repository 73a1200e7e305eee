import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { WebSocket } from 'ws'
import {
  memoryStore,
  oauthModule,
  type OAuthModuleOptions,
  type SessionStore,
} from '../../src/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import {
  type BoundClient,
  createBoundClient,
  createDevice,
  offerOf,
} from '../support/bound-client.js'
import { fakeDate, realDate } from '../support/clock.js'
import {
  bodyOf,
  type Gate,
  type GateSetup,
  oidcOf,
  secret,
  startGate,
  stopAll,
  stopping,
  valueOfCookie,
} from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { createPrivateCa, type PrivateCa } from '../support/private-ca.js'

const mallory = createDevice()

let vendor: VendorServer
let ca: PrivateCa

beforeAll(async () => {
  vendor = stopping(await startVendor('oidc'))
  ca = createPrivateCa(['localhost'])
})
afterEach(realDate)
afterAll(async () => {
  await stopAll()
  ca.remove()
})

const SESSION = '__Host-ngrok.session'
const BOUND = '__Host-ngrok.bound'
/** The lifetime of the cookie with the tolerated clock difference, in seconds. */
const EXPIRED = 600 + 31

const start = (options: Partial<OAuthModuleOptions> = {}, setup: GateSetup = {}) =>
  startGate(
    { provider: { idp: oidcOf(vendor) }, deviceBound: true, ...options },
    { tls: ca, ...setup },
  )

async function bound(gate: Gate, client = createBoundClient(gate.origin)): Promise<BoundClient> {
  expect((await client.signIn(gate.url('/'))).status).toBe(200)
  expect((await client.register()).status).toBe(200)
  return client
}

const fetchHeaders = { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty', Accept: '*/*' }
/** A request of a script, which causes no login. */
const statusOf = async (gate: Gate, Cookie: string, path = '/api') =>
  (
    await createBrowser().get(gate.url(path), {
      headers: { ...fetchHeaders, Cookie },
      follow: false,
    })
  ).status
const valueOf = (client: BoundClient, gate: Gate, name: string) =>
  valueOfCookie(client.browser, gate.origin, name)
const sessionCookie = (client: BoundClient, gate: Gate) =>
  `${SESSION}=${valueOf(client, gate, SESSION)}`
const cookies = (client: BoundClient, gate: Gate) =>
  `${sessionCookie(client, gate)}; ${BOUND}=${valueOf(client, gate, BOUND)}`
const forget = (client: BoundClient, gate: Gate) =>
  client.browser.setCookie(`${BOUND}=; Path=/; Secure; Max-Age=0`, gate.origin)

describe('a login with deviceBound', () => {
  test('offers registration with a challenge, and sets the cookie that the next requests need', async () => {
    const gate = await start()
    const client = createBoundClient(gate.origin)
    const page = await client.signIn(gate.url('/'))
    const offer = offerOf(page)
    expect(offer).toMatchObject({ algorithms: ['ES256', 'RS256'], path: '/auth/device/register' })
    const response = page.history.find(({ headers }) => headers['secure-session-registration'])
    const line = response?.setCookie.find((one) => one.startsWith(`${BOUND}=`))
    expect(line).toMatch(/; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
    expect(bodyOf(page).oauth).toMatchObject({ isAuthenticated: true, isDeviceBound: false })
  })

  test('continues as before for browsers that do not support it', async () => {
    const clock = fakeDate()
    const gate = await start()
    const client = createBoundClient(gate.origin)
    await client.signIn(gate.url('/'))
    clock.forward(EXPIRED)
    forget(client, gate)
    expect(await statusOf(gate, sessionCookie(client, gate))).toBe(200)
  })

  test('offers nothing without the option, over http, and logs the latter once', async () => {
    const off = await start({ deviceBound: false })
    expect(offerOf(await createBrowser().get(off.url('/')))).toBeUndefined()
    const page = await createBrowser().post(off.url('/auth/device/register'))
    expect(page.status).toBe(404)
    const plain = await startGate({ provider: { idp: oidcOf(vendor) }, deviceBound: true })
    for (let login = 0; login < 2; login++)
      expect(offerOf(await createBrowser().get(plain.url('/')))).toBeUndefined()
    const warnings = plain.logged.filter((line) => line.includes('deviceBound has no effect'))
    expect(warnings).toHaveLength(1)
  })
})

describe('registration', () => {
  test('binds the session, and instructs the browser to renew the cookie', async () => {
    const gate = await start()
    const bindings: unknown[] = []
    gate.middleware.on('device_bound', (event) => void bindings.push(event))
    const client = await bound(gate)
    const page = await client.browser.get(gate.url('/'))
    const { oauth } = bodyOf(page)
    expect(oauth).toMatchObject({ isDeviceBound: true })
    expect(client.instructions).toEqual({
      session_identifier: oauth?.['sessionHandle'],
      refresh_url: '/auth/device/refresh',
      scope: {
        origin: gate.origin,
        include_site: false,
        scope_specification: ['authn', 'logout', 'device/register', 'callback'].map((name) => ({
          type: 'exclude',
          domain: 'localhost',
          path: `/auth/${name}`,
        })),
      },
      credentials: [
        { type: 'cookie', name: BOUND, attributes: 'Path=/; Secure; HttpOnly; SameSite=Lax' },
      ],
      allowed_refresh_initiators: ['*'],
    })
    expect(client.challenge).toEqual(expect.any(String))
    expect(bindings).toEqual([expect.objectContaining({ sessionHandle: oauth?.['sessionHandle'] })])
    const { items } = await gate.middleware.sessions.list()
    expect(items).toContainEqual(expect.objectContaining({ isDeviceBound: true }))
  })

  test('of a repeated request succeeds with the same key, and fails with another one', async () => {
    const gate = await start()
    const client = await bound(gate)
    expect((await client.register()).status).toBe(200)
    expect((await client.register({ device: createDevice() })).status).toBe(400)
    expect((await client.refresh()).status).toBe(200)
  })

  test('accepts keys of RS256', async () => {
    const gate = await start()
    const client = await bound(gate, createBoundClient(gate.origin, createDevice('RS256')))
    forget(client, gate)
    expect((await client.refresh()).status).toBe(200)
    expect(await statusOf(gate, cookies(client, gate))).toBe(200)
  })

  test('lets a request pass that the browser sent before it received the response', async () => {
    const gate = await start()
    const client = createBoundClient(gate.origin)
    await client.signIn(gate.url('/'))
    const before = cookies(client, gate)
    await client.register()
    expect(await statusOf(gate, before)).toBe(200)
  })

  test('comes within a minute of the login', async () => {
    const clock = fakeDate()
    const gate = await start()
    const client = createBoundClient(gate.origin)
    await client.signIn(gate.url('/'))
    clock.forward(91)
    expect((await client.register()).status).toBe(400)
  })

  const rsa = createDevice('RS256')
  const rsa1024 = createDevice('RS256', 1024)
  const es384 = createDevice('ES384')
  test.each<[string, Parameters<BoundClient['register']>[0]]>([
    ['no proof', { proof: null }],
    ['a proof that is no token', { proof: 'x' }],
    ['an empty proof', { proof: '' }],
    ['a proof that is too long', { proof: 'x'.repeat(5000) }],
    ['another challenge', { challenge: 'x' }],
    ['no challenge', { claims: { jti: undefined } }],
    ['a challenge that is no string', { claims: { jti: 1 } }],
    ['another type', { header: { typ: 'JWT' } }],
    ['no key', { header: { jwk: undefined } }],
    ['the key of another device', { header: { jwk: mallory.jwk } }],
    ['no algorithm', { device: createDevice('none'), header: { jwk: undefined } }],
    [
      'the algorithm none with a key',
      { device: createDevice('none'), header: { jwk: mallory.jwk } },
    ],
    ['a symmetric algorithm', { header: { alg: 'HS256' } }],
    ['ES384', { device: es384 }],
    ['ES256 with a key of another curve', { device: es384, header: { alg: 'ES256' } }],
    ['RSA keys of 1024 bits', { device: rsa1024 }],
    ['an exponent of 3', { device: rsa, header: { jwk: { ...rsa.jwk, e: 'Aw' } } }],
    ['a critical extension', { header: { crit: ['x'], x: 1 } }],
  ])('is rejected with %s', async (_name, proof) => {
    const gate = await start()
    const client = createBoundClient(gate.origin)
    await client.signIn(gate.url('/'))
    expect((await client.register(proof)).status).toBe(400)
    expect(bodyOf(await client.browser.get(gate.url('/'))).oauth).toMatchObject({
      isDeviceBound: false,
    })
    expect(gate.logged.join('\n')).toContain('a session was not bound to a device')
  })

  test('with the challenge of another session, or of a refresh, is rejected', async () => {
    const gate = await start()
    const victim = createBoundClient(gate.origin)
    const challenge = offerOf(await victim.signIn(gate.url('/')))?.challenge ?? ''
    const thief = createBoundClient(gate.origin, mallory)
    await thief.signIn(gate.url('/'))
    const options = { headers: { Cookie: cookies(thief, gate) } }
    expect((await thief.register({ challenge, options })).status).toBe(400)
    await victim.register()
    const next = victim.challenge ?? ''
    expect((await thief.register({ challenge: next, options })).status).toBe(400)
    expect((await thief.register({ challenge: next })).status).toBe(400)
  })

  test('needs no session cookie: browsers omit it after a login at another site', async () => {
    const gate = await start()
    const client = createBoundClient(gate.origin)
    await client.signIn(gate.url('/'))
    const page = await client.register({ options: { headers: { Cookie: undefined } } })
    expect(page.status).toBe(200)
    expect(bodyOf(await client.browser.get(gate.url('/'))).oauth).toMatchObject({
      isDeviceBound: true,
    })
  })

  test('is rejected once the browser has another session, and once the session has ended', async () => {
    const gate = await start()
    const [client, other] = [createBoundClient(gate.origin), createBoundClient(gate.origin)]
    const { oauth } = bodyOf(await client.signIn(gate.url('/')))
    await other.signIn(gate.url('/'))
    const foreign = { headers: { Cookie: sessionCookie(other, gate) } }
    expect((await client.register({ options: foreign })).status).toBe(400)
    await gate.middleware.sessions.revoke(String(oauth?.['sessionHandle']))
    expect((await client.register()).status).toBe(400)
    const without = { headers: { Cookie: undefined } }
    expect((await client.register({ options: without })).status).toBe(400)
  })

  test.each(['GET', 'PUT', 'DELETE'])('does not accept %s', async (method) => {
    const gate = await start()
    const url = gate.url('/auth/device/refresh')
    const page = await createBrowser().request(method, url, undefined)
    expect([page.status, page.headers.allow]).toEqual([405, 'POST'])
  })
})

describe('a bound session', () => {
  test('whose cookie was copied grants no access, by any kind of request', async () => {
    const sockets: string[] = []
    const gate = await start()
    gate.server.on('upgrade', (req, socket) => {
      void gate.middleware.authenticate(req).then((oauth) => {
        sockets.push(oauth === undefined ? 'rejected' : 'accepted')
        socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n')
      })
    })
    const client = await bound(gate)
    const stolen = sessionCookie(client, gate)
    expect(await statusOf(gate, stolen)).toBe(401)
    const thief = createBrowser()
    const headers = { Cookie: stolen }
    const page = await thief.get(gate.url('/'), { headers, follow: false })
    expect([page.status, page.location]).toEqual([302, expect.stringContaining(vendor.origin)])
    const status = await thief.get(gate.url('/auth/session'), { headers })
    expect(JSON.parse(status.body)).toMatchObject({ user: null, reason: 'expired' })
    const logout = { ...headers, 'Sec-Fetch-Site': 'cross-site' }
    const confirmation = await thief.get(gate.url('/auth/logout'), { headers: logout })
    expect(confirmation.body).toContain('Another site sent you here')
    expect(confirmation.body).not.toContain(vendor.user.email)
    const count = gate.reached.length
    await new Promise((resolve) =>
      new WebSocket(gate.url('/ws').replace('https', 'wss'), { headers, rejectUnauthorized: false })
        .on('error', resolve)
        .on('close', resolve),
    )
    expect(sockets).toEqual(['rejected'])
    expect(gate.reached).toHaveLength(count)
    expect(await statusOf(gate, cookies(client, gate))).toBe(200)
  })

  test('opens sockets with both cookies', async () => {
    const sockets: string[] = []
    const gate = await start()
    gate.server.on('upgrade', (req, socket) => {
      void gate.middleware.authenticate(req).then((oauth) => {
        sockets.push(oauth?.isDeviceBound === true ? 'bound' : 'rejected')
        socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n')
      })
    })
    const client = await bound(gate)
    const headers = { Cookie: cookies(client, gate) }
    await new Promise((resolve) =>
      new WebSocket(gate.url('/ws').replace('https', 'wss'), { headers, rejectUnauthorized: false })
        .on('error', resolve)
        .on('close', resolve),
    )
    expect(sockets).toEqual(['bound'])
  })

  test('with both cookies copied ends for the thief with the second one', async () => {
    const clock = fakeDate()
    const gate = await start()
    const client = await bound(gate)
    const stolen = cookies(client, gate)
    expect(await statusOf(gate, stolen)).toBe(200)
    clock.forward(EXPIRED)
    // The redirect would have the browser renew the cookie.
    expect(await statusOf(gate, stolen)).toBe(307)
    expect(await statusOf(gate, stolen)).toBe(401)
    await client.refresh()
    expect(await statusOf(gate, stolen)).toBe(401)
    expect(await statusOf(gate, cookies(client, gate))).toBe(200)
  })

  test('rejects values that are changed, of another session, or of the other code', async () => {
    const clock = fakeDate()
    const gate = await start()
    const [one, other] = [await bound(gate), await bound(gate)]
    const session = sessionCookie(one, gate)
    const value = valueOf(one, gate, BOUND)
    const [time = '', code = ''] = value.split('.')
    const later = (Number.parseInt(time, 36) + 3_600_000).toString(36)
    clock.forward(1)
    for (const bad of [
      '',
      'x',
      '.',
      time,
      `${time}.`,
      `.${code}`,
      `${later}.${code}`,
      `${time}.${code.slice(0, -1)}`,
      `${time}.${'A'.repeat(22)}`,
      `${value}.x`,
      `x.${value}`,
      valueOf(other, gate, BOUND),
      valueOf(one, gate, SESSION),
    ])
      expect([bad, await statusOf(gate, `${session}; ${BOUND}=${bad}`)]).not.toEqual([bad, 200])
    expect(await statusOf(gate, `${session}; ${BOUND}=${value}`)).toBe(200)
  })
})

describe('renewal', () => {
  test('succeeds for a proof of the challenge that came with the registration', async () => {
    const clock = fakeDate()
    const gate = await start()
    const client = await bound(gate)
    clock.forward(500)
    forget(client, gate)
    expect(await statusOf(gate, sessionCookie(client, gate))).toBe(401)
    const page = await client.refresh()
    expect([page.status, JSON.parse(page.body)]).toEqual([200, client.instructions])
    expect(await statusOf(gate, cookies(client, gate))).toBe(200)
    clock.forward(599)
    expect((await client.refresh()).status).toBe(200)
  })

  test('without a proof, or for an old challenge, asks for a proof of a new one', async () => {
    const clock = fakeDate()
    const gate = await start()
    const client = await bound(gate)
    clock.forward(86_400)
    forget(client, gate)
    expect((await client.refresh({ proof: null })).status).toBe(403)
    clock.forward(700)
    const old = await client.refresh()
    expect([old.status, old.setCookie]).toEqual([403, []])
    expect((await client.refresh()).status).toBe(200)
  })

  test('works without cookies: a link of another site has the browser omit them', async () => {
    const gate = await start()
    const client = await bound(gate)
    const page = await client.refresh({ options: { headers: { Cookie: undefined } } })
    expect(page.status).toBe(200)
    expect(await statusOf(gate, cookies(client, gate))).toBe(200)
  })

  test('accepts each proof once', async () => {
    const gate = await start()
    const client = await bound(gate)
    const { challenge = '' } = client
    expect((await client.refresh({ challenge })).status).toBe(200)
    const replayed = await client.refresh({ challenge })
    expect([replayed.status, replayed.setCookie]).toEqual([403, []])
    expect((await client.refresh()).status).toBe(200)
  })

  test('rejects a proof of another session, of another key, and of a registration', async () => {
    const gate = await start()
    const [victim, thief] = [await bound(gate), await bound(gate)]
    const identifier = victim.instructions?.session_identifier ?? ''
    const withCookie = {
      identifier,
      options: { headers: { Cookie: sessionCookie(victim, gate) } },
    }
    const proof = victim.device.sign({ jti: victim.challenge })
    expect((await thief.refresh({ ...withCookie, challenge: victim.challenge ?? '' })).status).toBe(
      400,
    )
    expect(gate.logged.join('\n')).toContain('has an invalid signature')
    // Signed with the right key, for the challenge of another session.
    const foreign = victim.device.sign({ jti: thief.challenge })
    expect((await thief.refresh({ ...withCookie, proof: foreign })).status).toBe(403)
    // A proof of the victim does not renew the cookie of the thief.
    const own = await thief.refresh({ proof })
    expect([own.status, own.setCookie]).toEqual([400, []])
    const again = createBoundClient(gate.origin)
    const challenge = offerOf(await again.signIn(gate.url('/')))?.challenge ?? ''
    await again.register()
    expect((await again.refresh({ challenge })).status).toBe(403)
  })

  test.each<[string, object]>([
    ['another type', { header: { typ: 'JWT' } }],
    ['the algorithm none', { device: createDevice('none') }],
    ['RS256 for a key of ES256', { device: createDevice('RS256') }],
    ['a key in the header that signed it', { device: mallory, header: { jwk: mallory.jwk } }],
    ['no token', { proof: 'x.y.z' }],
  ])('rejects a proof with %s', async (_name, proof) => {
    const gate = await start()
    const client = await bound(gate)
    const page = await client.refresh(proof)
    expect([page.status, page.setCookie]).toEqual([400, []])
  })

  test('ends the session of the key when the session has ended, or is another one', async () => {
    const gate = await start()
    const client = await bound(gate)
    const identifier = client.instructions?.session_identifier ?? ''
    const ended = async (more = {}) => {
      const page = await client.refresh({ identifier, ...more })
      return [page.status, JSON.parse(page.body), page.setCookie]
    }
    // Another login of the same browser: the browser still has the previous key.
    await client.signIn(gate.url('/auth/authn'))
    await client.register({ device: createDevice() })
    expect(await ended()).toEqual([200, { continue: false }, []])
    for (const unknown of ['', 'x', 'a'.repeat(64), '../x', `${'a'.repeat(64)}.x`])
      expect(await ended({ identifier: unknown })).toEqual([200, { continue: false }, []])
    expect(await ended({ identifier: null })).toEqual([403, { continue: false }, []])
    const current = await bound(gate)
    const handle = current.instructions?.session_identifier ?? ''
    await gate.middleware.sessions.revoke(handle)
    expect(JSON.parse((await current.refresh()).body)).toEqual({ continue: false })
  })

  test('never replaces the cookie of another session in the same browser', async () => {
    const gate = await start()
    const [first, second] = [await bound(gate), await bound(gate)]
    const page = await first.refresh({
      options: { headers: { Cookie: sessionCookie(second, gate) } },
    })
    expect([JSON.parse(page.body), page.setCookie]).toEqual([{ continue: false }, []])
  })

  test('of other sites fails, whatever cookies they cause to be sent', async () => {
    const gate = await start({ cookie: { sameSite: 'None' } })
    const client = await bound(gate)
    const headers = { Cookie: cookies(client, gate), Origin: 'https://evil.example' }
    const page = await createBrowser().post(gate.url('/auth/device/refresh'), '', { headers })
    const anonymous = await createBrowser().post(gate.url('/auth/device/refresh'))
    expect([page.status, page.setCookie, page.body]).toEqual([403, [], anonymous.body])
    expect(page.headers).toMatchObject({
      'cross-origin-resource-policy': 'same-origin',
      'x-frame-options': 'DENY',
    })
    expect(page.headers).not.toHaveProperty('access-control-allow-origin')
  })

  test('does not count as activity', async () => {
    const clock = fakeDate()
    const gate = await start({ inactivityTimeout: 3600 })
    const client = await bound(gate)
    for (let minutes = 0; minutes < 6; minutes++) {
      clock.forward(650)
      await client.refresh({ proof: null })
      await client.refresh()
    }
    expect(JSON.parse((await client.refresh()).body)).toEqual({ continue: false })
  })

  test('fails with 503 while the store is down, and works again afterwards', async () => {
    const store = memoryStore()
    let isDown = false
    const get: SessionStore['get'] = (key) => {
      if (isDown) throw new Error('down')
      return store.get(key)
    }
    const gate = await start({ store: { ...store, get } })
    const client = await bound(gate)
    isDown = true
    expect((await client.refresh()).status).toBe(503)
    isDown = false
    expect((await client.refresh()).status).toBe(200)
  })
})

describe('a browser whose cookie is not renewed', () => {
  test('gets a challenge with the response, and renews the cookie with it', async () => {
    const clock = fakeDate()
    const gate = await start()
    const client = await bound(gate)
    clock.forward(5000)
    forget(client, gate)
    const headers = { ...fetchHeaders, Cookie: sessionCookie(client, gate) }
    const page = await createBrowser().get(gate.url('/api'), { headers })
    expect(page.status).toBe(401)
    const [, challenge = '', id] =
      /^"([^"]*)";id="([^"]*)"$/.exec(String(page.headers['secure-session-challenge'])) ?? []
    expect(id).toBe(client.instructions?.session_identifier)
    expect((await client.refresh({ challenge })).status).toBe(200)
  })

  test('is redirected to the same URL if it sends a cookie that has expired, once in 10 s', async () => {
    const clock = fakeDate()
    const gate = await start()
    const client = await bound(gate)
    const stale = cookies(client, gate)
    clock.forward(EXPIRED)
    const visit = (method = 'GET') =>
      createBrowser().request(method, gate.url('/page?x=1'), undefined, {
        headers: { Cookie: stale },
        follow: false,
      })
    const page = await visit('POST')
    expect([page.status, page.location]).toEqual([307, gate.url('/page?x=1')])
    expect(page.setCookie.find((line) => line.startsWith(BOUND))).toMatch(/Max-Age=0/)
    expect((await visit()).location).toContain(vendor.origin)
    clock.forward(11)
    expect((await visit()).status).toBe(307)
  })

  test('can sign in again, which replaces the session', async () => {
    const clock = fakeDate()
    const gate = await start()
    const client = await bound(gate)
    const before = sessionCookie(client, gate)
    clock.forward(5000)
    forget(client, gate)
    const page = await client.signIn(gate.url('/page'))
    expect(page.status).toBe(200)
    expect(sessionCookie(client, gate)).not.toBe(before)
    const { items } = await gate.middleware.sessions.list()
    expect(items).toHaveLength(1)
    await client.register({ device: createDevice() })
    expect((await client.browser.get(gate.url('/'))).status).toBe(200)
  })

  test('is anonymous to the app with unauthenticated: pass', async () => {
    const gate = await start({ unauthenticated: 'pass' })
    const client = createBoundClient(gate.origin)
    await client.signIn(gate.url('/auth/authn'))
    await client.register()
    const headers = { Cookie: sessionCookie(client, gate) }
    const page = await createBrowser().get(gate.url('/'), { headers })
    expect(bodyOf(page).oauth).toMatchObject({ isAuthenticated: false, reason: 'expired' })
  })

  test('can sign out without a proof', async () => {
    const gate = await start()
    const client = await bound(gate)
    const headers = { Cookie: sessionCookie(client, gate), 'Sec-Fetch-Site': 'same-origin' }
    await createBrowser().get(gate.url('/auth/logout'), { headers })
    expect(JSON.parse((await client.refresh()).body)).toEqual({ continue: false })
  })
})

describe('the cookies of a bound session', () => {
  test('are deleted by a logout, and hidden from the app', async () => {
    const gate = await start()
    const client = await bound(gate)
    const page = await client.browser.get(gate.url('/'), { headers: {} })
    expect(JSON.stringify(bodyOf(page))).not.toContain(BOUND)
    const logout = await client.browser.get(gate.url('/auth/logout'), {
      headers: { 'Sec-Fetch-Site': 'same-origin' },
    })
    const line = logout.setCookie.find((one) => one.startsWith(`${BOUND}=`))
    expect(line).toMatch(/^__Host-ngrok\.bound=; Max-Age=0; Path=\/; .*HttpOnly; Secure/)
    expect(client.browser.cookies(gate.origin).map(({ key }) => key)).not.toContain(BOUND)
  })

  test('have the attributes of the session cookie at a mount with a prefix', async () => {
    const options = { cookiePrefix: 'acme.', cookie: { sameSite: 'None' as const } }
    const gate = await start(options, { mount: '/app' })
    const client = createBoundClient(gate.origin)
    const page = await client.signIn(gate.url('/app'))
    expect(offerOf(page)?.path).toBe('/app/auth/device/register')
    const registered = await client.register()
    expect(registered.setCookie).toEqual([
      expect.stringMatching(
        /^__Secure-acme\.bound=[^;]+; Max-Age=600; Path=\/app; HttpOnly; Secure; SameSite=None$/,
      ),
    ])
    expect(client.instructions?.credentials).toEqual([
      {
        type: 'cookie',
        name: '__Secure-acme.bound',
        attributes: 'Path=/app; Secure; HttpOnly; SameSite=None',
      },
    ])
    expect(client.instructions?.refresh_url).toBe('/app/auth/device/refresh')
    expect((await client.refresh()).status).toBe(200)
    expect(bodyOf(await client.browser.get(gate.url('/app/x'))).oauth).toMatchObject({
      isDeviceBound: true,
    })
  })

  test('cannot have a domain', () => {
    const provider = { idp: oidcOf(vendor) }
    expect(() =>
      oauthModule({ provider, secret, deviceBound: true, cookie: { domain: 'example.com' } }),
    ).toThrow('deviceBound cannot be combined with cookie.domain')
    expect(() =>
      oauthModule({
        ...{ provider, secret, deviceBound: true },
        baseUrl: 'http://app.example.com',
        cookie: { secure: false },
      }),
    ).toThrow('deviceBound has no effect with an http baseUrl')
  })
})

describe("requireAuth({ deviceBound: 'required' })", () => {
  const guarded = (options: Partial<OAuthModuleOptions> = {}) =>
    start(options, {
      routes: (app, auth) => app.use('/vault', auth.requireAuth({ deviceBound: 'required' })),
    })

  test('gives a new login 30 s to register, then responds with device_required', async () => {
    const clock = fakeDate()
    const gate = await guarded()
    const client = createBoundClient(gate.origin)
    await client.signIn(gate.url('/vault'))
    clock.forward(30)
    expect((await client.browser.get(gate.url('/vault'))).status).toBe(200)
    clock.forward(1)
    const page = await client.browser.get(gate.url('/vault'))
    expect(page.status).toBe(403)
    expect(page.body).toContain('This page needs a protected browser')
    const headers = { ...fetchHeaders, Accept: 'application/json' }
    const json = await client.browser.get(gate.url('/vault'), { headers })
    expect([json.status, JSON.parse(json.body)]).toMatchObject([403, { error: 'device_required' }])
    expect((await client.browser.get(gate.url('/'))).status).toBe(200)
    await client.register()
    expect((await client.browser.get(gate.url('/vault'))).status).toBe(200)
  })

  test('throws without the option deviceBound, and rejects everyone once it is turned off', async () => {
    const provider = { idp: oidcOf(vendor) }
    const auth = oauthModule({ provider, secret })
    expect(() => auth.requireAuth({ deviceBound: 'required' })).toThrow(
      'requireAuth().deviceBound needs the option deviceBound: true',
    )
    const gate = await guarded()
    const client = await bound(gate)
    expect((await client.browser.get(gate.url('/vault'))).status).toBe(200)
    gate.middleware.reconfigure({ provider })
    expect((await client.browser.get(gate.url('/vault'))).status).toBe(403)
    const page = await client.browser.get(gate.url('/'))
    expect(bodyOf(page).oauth).toMatchObject({ isDeviceBound: false })
  })
})
