import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import express from 'express'
import {
  memoryStore,
  type OAuthModuleOptions,
  oidcProvider,
  type SessionStore,
} from '../../src/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { fakeDate, realDate } from '../support/clock.js'
import {
  bodyOf,
  type Gate,
  type GateSetup,
  oidcOf,
  startGate,
  stopAll,
  stopping,
} from '../support/gate.js'
import { type Browser, createBrowser, type Page } from '../support/jar.js'
import { type OidcServer, startOidcProvider } from '../support/oidc.js'
import { sendRawRequest } from '../support/raw.js'

afterEach(realDate)
afterAll(stopAll)

async function logIn(gate: Gate): Promise<Browser> {
  const browser = createBrowser()
  const page = await browser.get(gate.url('/'))
  if (page.status !== 200) throw new Error(`no login: ${page.status} ${page.body}`)
  return browser
}

const cookieOf = (browser: Browser, gate: Gate) =>
  browser
    .cookies(gate.origin)
    .map((cookie) => cookie.cookieString())
    .join('; ')

const isIn = async (browser: Browser, gate: Gate) =>
  (await browser.get(gate.url('/'), { follow: false })).status === 200

describe('logout tokens of oidc-provider', () => {
  let server: OidcServer
  beforeAll(async () => {
    server = stopping(await startOidcProvider({ loginAs: 'alice' }))
  })

  async function register(
    sessionRequired: boolean,
    options: Partial<OAuthModuleOptions> = {},
    setup: GateSetup = {},
  ): Promise<Gate & { clientId: string }> {
    const clientId = `client-${randomUUID()}`
    const gate = await startGate(
      {
        provider: {
          op: oidcProvider({ issuer: server.issuer, clientId, clientSecret: 'a-secret' }),
        },
        ...options,
      },
      setup,
    )
    await server.setClient({
      client_id: clientId,
      client_secret: 'a-secret',
      token_endpoint_auth_method: 'client_secret_post',
      redirect_uris: [gate.url('/auth/callback')],
      backchannel_logout_uri: gate.url('/auth/backchannel-logout'),
      backchannel_logout_session_required: sessionRequired,
    })
    return { ...gate, clientId }
  }
  const answerTo = async (gate: { clientId: string }, sub = 'alice') =>
    (await server.endSessions(sub))
      .filter(({ clientId }) => clientId === gate.clientId)
      .map(({ status }) => status)

  test.each([
    ['that name the session', true],
    ['that name the user only', false],
  ])('%s end it as of the next request, and emit an event', async (_, sessionRequired) => {
    const gate = await register(sessionRequired)
    const revoked: string[] = []
    gate.middleware.on('revoked', ({ sessionHandle }) => void revoked.push(sessionHandle))
    const alice = await logIn(gate)
    const handle = String(bodyOf(await alice.get(gate.url('/'))).oauth?.['sessionHandle'])
    await server.loginAs('bob')
    const bob = await logIn(gate)
    await server.loginAs('alice')
    expect(await answerTo(gate)).toEqual([200])
    expect(await server.takeErrors()).toEqual([])
    expect([await isIn(alice, gate), await isIn(bob, gate)]).toEqual([false, true])
    expect(revoked).toEqual([handle])
  })

  test('a provider session with two local sessions ends both', async () => {
    const store = memoryStore()
    const gate = await register(true, { store, id: 'one' })
    const second = await startGate({
      store,
      id: 'two',
      provider: {
        op: oidcProvider({
          issuer: server.issuer,
          clientId: gate.clientId,
          clientSecret: 'a-secret',
        }),
      },
    })
    await server.setClient({
      client_id: gate.clientId,
      client_secret: 'a-secret',
      token_endpoint_auth_method: 'client_secret_post',
      redirect_uris: [gate.url('/auth/callback'), second.url('/auth/callback')],
      backchannel_logout_uri: gate.url('/auth/backchannel-logout'),
      backchannel_logout_session_required: true,
    })
    // Cookies do not know ports.
    const browser = await logIn(gate)
    const ours = browser.cookies(gate.origin).find(({ key }) => key === 'ngrok.session')?.value
    await browser.get(second.url('/'))
    const theirs = browser.cookies(gate.origin).find(({ key }) => key === 'ngrok.session')?.value
    expect(ours).not.toBe(theirs)
    const statuses = async () => {
      const ask = (at: Gate, value = '') =>
        createBrowser().get(at.url('/'), {
          follow: false,
          headers: { Cookie: `ngrok.session=${value}` },
        })
      return [(await ask(gate, ours)).status, (await ask(second, theirs)).status]
    }
    expect(await statuses()).toEqual([200, 200])
    expect(await answerTo(gate)).toEqual([200])
    expect(await statuses()).toEqual([302, 302])
  })

  test('a store without entries() ends the named session, and responds 501 if only the user is named', async () => {
    const { entries: _, ...blind } = memoryStore()
    for (const [sessionRequired, status] of [
      [true, 200],
      [false, 501],
    ] as const) {
      const gate = await register(sessionRequired, { store: blind })
      const browser = await logIn(gate)
      expect(await answerTo(gate)).toEqual([status])
      expect(await isIn(browser, gate)).toBe(!sessionRequired)
    }
  })

  test('work behind a body parser, whether it read the body or not', async () => {
    const parsers: NonNullable<GateSetup['before']>[] = [
      (app) => app.use(express.urlencoded({ extended: false })),
      (app) => app.use(express.urlencoded({ extended: true })),
      (app) => app.use(express.json()),
      (app) => app.use(express.text({ type: '*/*' })),
      (app) => app.use(express.raw({ type: '*/*' })),
      // As parsers used to for a body of a type that is not theirs.
      (app) =>
        app.use((req, _res, next) => {
          req.body = {}
          next()
        }),
    ]
    for (const framework of ['express', 'express4'] as const) {
      for (const before of parsers) {
        const gate = await register(true, {}, { before, framework })
        const browser = await logIn(gate)
        expect(await answerTo(gate)).toEqual([200])
        expect(await isIn(browser, gate)).toBe(false)
      }
    }
  })

  test('sockets and streams of the session are aborted', async () => {
    const reasons: unknown[] = []
    let opened = () => {}
    const isOpen = new Promise<void>((resolve) => (opened = resolve))
    const gate = await register(
      true,
      {},
      {
        routes: (app) =>
          app.get('/stream', (req, res) => {
            res.write('open\n')
            opened()
            req.oauth.signal.addEventListener('abort', () => {
              reasons.push(req.oauth.signal.reason)
              res.end('closed\n')
            })
          }),
      },
    )
    const browser = await logIn(gate)
    const stream = browser.get(gate.url('/stream'))
    await isOpen
    expect(await answerTo(gate)).toEqual([200])
    expect((await stream).body).toBe('open\nclosed\n')
    expect(reasons).toEqual([expect.objectContaining({ code: 'login_required' })])
  })
})

describe('Back-Channel Logout 1.0, 2.6', () => {
  const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
  const ours = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const attackers = generateKeyPairSync('rsa', { modulusLength: 2048 })
  let vendor: VendorServer
  let gate: Gate

  beforeAll(async () => {
    vendor = stopping(await startVendor('oidc'))
    await publishKey(vendor)
    gate = await startGate({ provider: { idp: oidcOf(vendor) } })
  })

  /** In addition to the keys that sign the vendor's ID tokens. */
  async function publishKey(at: VendorServer) {
    const { keys } = (await (await fetch(`${at.origin}/jwks`)).json()) as { keys: object[] }
    at.respond('jwks', {
      body: {
        keys: [
          ...keys,
          { ...ours.publicKey.export({ format: 'jwk' }), kid: 'logout', alg: 'RS256', use: 'sig' },
        ],
      },
    })
  }

  interface Making {
    header?: Record<string, unknown>
    key?: typeof ours.privateKey
    from?: VendorServer
  }
  const now = () => Math.floor(Date.now() / 1000)
  function logoutToken(
    changes: Record<string, unknown> = {},
    { header = {}, key = ours.privateKey, from = vendor }: Making = {},
  ): string {
    const claims = {
      iss: from.origin,
      aud: from.clientId,
      iat: now(),
      exp: now() + 120,
      jti: randomUUID(),
      sub: String(from.user.id),
      events: { [EVENT]: {} },
      ...changes,
    }
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const input = `${encode({ alg: 'RS256', kid: 'logout', typ: 'logout+jwt', ...header })}.${encode(claims)}`
    return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`
  }
  /** As a provider sends it: no browser. */
  const program = {
    'Sec-Fetch-Mode': undefined,
    'Sec-Fetch-Dest': undefined,
    'Sec-Fetch-Site': undefined,
    'Sec-Fetch-User': undefined,
    Accept: undefined,
  }
  const post = (
    body: Record<string, string> | string,
    at = gate,
    headers: Record<string, string | undefined> = {},
  ): Promise<Page> =>
    createBrowser().post(at.url('/auth/backchannel-logout'), body, {
      headers: { ...program, ...headers },
      follow: false,
    })
  const send = async (logout_token: string, at = gate) => (await post({ logout_token }, at)).status

  test('a valid token is accepted once', async () => {
    const browser = await logIn(gate)
    const token = logoutToken()
    const answer = await post({ logout_token: token })
    expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'no-store'])
    expect(await isIn(browser, gate)).toBe(false)
    const again = await logIn(gate)
    expect(await send(token)).toBe(400)
    expect(await isIn(again, gate)).toBe(true)
  })

  test.each<[string, () => string]>([
    [
      'without a typ, as before it had a name',
      () => logoutToken({}, { header: { typ: undefined } }),
    ],
    ['of the general typ JWT', () => logoutToken({}, { header: { typ: 'JWT' } })],
    ['without an end', () => logoutToken({ exp: undefined })],
    ['with our client as the only one of a list', () => logoutToken({ aud: [vendor.clientId] })],
    ['from a clock a few seconds ahead', () => logoutToken({ iat: now() + 10 })],
  ])('a token %s is accepted', async (_, make) => {
    const browser = await logIn(gate)
    expect(await send(make())).toBe(200)
    expect(await isIn(browser, gate)).toBe(false)
  })

  const wrong: [string, () => string][] = [
    ['typ of an access token', () => logoutToken({}, { header: { typ: 'at+jwt' } })],
    ['typ of a security event', () => logoutToken({}, { header: { typ: 'secevent+jwt' } })],
    ['signature of another key', () => logoutToken({}, { key: attackers.privateKey })],
    [
      'signature that belongs to other claims',
      () => [...logoutToken().split('.').slice(0, 2), logoutToken().split('.')[2]].join('.'),
    ],
    [
      'no signature',
      () =>
        `${logoutToken({}, { header: { alg: 'none' } })
          .split('.')
          .slice(0, 2)
          .join('.')}.`,
    ],
    [
      'an algorithm that the provider does not use',
      () => logoutToken({}, { header: { alg: 'RS512' } }),
    ],
    ['an unknown key id', () => logoutToken({}, { header: { kid: 'nobody' } })],
    [
      'a key of its own',
      () =>
        logoutToken(
          {},
          {
            header: { jwk: attackers.publicKey.export({ format: 'jwk' }) },
            key: attackers.privateKey,
          },
        ),
    ],
    ['another issuer', () => logoutToken({ iss: 'https://elsewhere.example' })],
    ['no issuer', () => logoutToken({ iss: undefined })],
    ['another client', () => logoutToken({ aud: 'somebody-else' })],
    [
      'another client in addition to ours',
      () => logoutToken({ aud: [vendor.clientId, 'somebody-else'] }),
    ],
    ['no audience', () => logoutToken({ aud: undefined })],
    ['no iat', () => logoutToken({ iat: undefined })],
    ['an iat that is not a number', () => logoutToken({ iat: 'now' })],
    ['an iat of the future', () => logoutToken({ iat: now() + 3600, exp: now() + 7200 })],
    ['an old iat and no end', () => logoutToken({ iat: now() - 400, exp: undefined })],
    [
      'an iat beyond what replays are remembered for',
      () => logoutToken({ iat: now() - 3700, exp: now() + 86_400 }),
    ],
    ['an end that has come', () => logoutToken({ iat: now() - 120, exp: now() - 60 })],
    ['an exp that is not a number', () => logoutToken({ exp: 'never' })],
    ['no jti', () => logoutToken({ jti: undefined })],
    ['an empty jti', () => logoutToken({ jti: '' })],
    ['no events', () => logoutToken({ events: undefined })],
    [
      'another event',
      () =>
        logoutToken({
          events: { 'http://schemas.openid.net/secevent/risc/event-type/account-disabled': {} },
        }),
    ],
    ['an event that is not an object', () => logoutToken({ events: { [EVENT]: true } })],
    ['events in a list', () => logoutToken({ events: [EVENT] })],
    ['a nonce', () => logoutToken({ nonce: 'abc' })],
    ['an empty nonce', () => logoutToken({ nonce: '' })],
    ['neither sid nor sub', () => logoutToken({ sub: undefined })],
    ['a sub that is not a string', () => logoutToken({ sub: { id: vendor.user.id } })],
  ]

  test.each(wrong)('a token with %s is rejected with 400, and no session ends', async (_, make) => {
    const browser = await logIn(gate)
    const answer = await post({ logout_token: make() })
    expect([answer.status, JSON.parse(answer.body)]).toEqual([
      400,
      expect.objectContaining({ error: 'invalid_callback' }),
    ])
    expect(await isIn(browser, gate)).toBe(true)
  })

  test('an ID token is not accepted as a logout token', async () => {
    const idToken = logoutToken(
      { events: undefined, nonce: 'n', jti: undefined },
      { header: { typ: 'JWT' } },
    )
    const browser = await logIn(gate)
    expect(await send(idToken)).toBe(400)
    expect(await isIn(browser, gate)).toBe(true)
  })

  test.each<[string, Record<string, string> | string]>([
    ['nothing', ''],
    ['another field', { token: 'x' }],
    ['an empty token', { logout_token: '' }],
    ['an invalid JWT', { logout_token: 'a.b.c' }],
    ['bytes', { logout_token: '\u0000\uffff.{}..' }],
  ])('%s is rejected with 400', async (_, body) => {
    expect((await post(body)).status).toBe(400)
  })

  test('two tokens in one request are rejected', async () => {
    const browser = await logIn(gate)
    expect((await post(`logout_token=${logoutToken()}&logout_token=${logoutToken()}`)).status).toBe(
      400,
    )
    expect(await isIn(browser, gate)).toBe(true)
  })

  test.each(['express', 'express4'] as const)(
    'odd field names parsed by %s are rejected with 400',
    async (framework) => {
      const behind = await startGate(
        { provider: { idp: oidcOf(vendor) } },
        { framework, before: (app) => app.use(express.urlencoded({ extended: true })) },
      )
      for (const body of [
        'logout_token[toString]=x',
        'logout_token[0][0][toString]=x',
        'logout_token[a]=b',
        '__proto__[logout_token]=a',
        'toString=x',
      ]) {
        expect([body, (await post(body, behind)).status]).toEqual([body, 400])
      }
    },
  )

  test('a token that is too long is rejected, even if a body parser accepted it', async () => {
    const before = (app: express.Express) =>
      app.use(express.urlencoded({ extended: false, limit: '1mb' }))
    const behind = await startGate({ provider: { idp: oidcOf(vendor) } }, { before })
    const browser = await logIn(behind)
    const token = logoutToken({ padding: 'x'.repeat(70_000) })
    expect((await post({ logout_token: token }, behind)).status).toBe(400)
    expect(await isIn(browser, behind)).toBe(true)
  })

  test('another content type is rejected', async () => {
    const browser = await logIn(gate)
    for (const type of [
      'application/json',
      'text/plain',
      'multipart/form-data; boundary=x',
      undefined,
    ]) {
      expect(
        (await post({ logout_token: logoutToken() }, gate, { 'Content-Type': type })).status,
      ).toBe(400)
    }
    expect(await isIn(browser, gate)).toBe(true)
    expect(
      (
        await post({ logout_token: logoutToken() }, gate, {
          'Content-Type': 'Application/X-WWW-Form-URLEncoded; charset=UTF-8',
        })
      ).status,
    ).toBe(200)
  })

  test('a token in the query is ignored', async () => {
    const browser = await logIn(gate)
    const answer = await createBrowser().post(
      gate.url(`/auth/backchannel-logout?logout_token=${logoutToken()}`),
      '',
      { headers: program },
    )
    expect(answer.status).toBe(400)
    expect(await isIn(browser, gate)).toBe(true)
  })

  test('a body that is too large is rejected with 400, with or without Content-Length', async () => {
    const browser = await logIn(gate)
    const large = `logout_token=${logoutToken()}&padding=${'x'.repeat(70_000)}`
    const headers = ['Content-Type: application/x-www-form-urlencoded']
    const target = '/auth/backchannel-logout'
    const announced = await sendRawRequest(gate.port, {
      method: 'POST',
      target,
      headers,
      body: large,
    })
    expect([announced.status, JSON.parse(announced.body).error]).toEqual([400, 'invalid_callback'])
    const chunks = `${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`
    const chunked = await sendRawRequest(gate.port, {
      method: 'POST',
      target,
      headers: [...headers, 'Transfer-Encoding: chunked'],
      body: chunks,
    })
    expect(chunked.status).toBe(400)
    expect(await isIn(browser, gate)).toBe(true)
  })

  test.each(['GET', 'HEAD', 'PUT', 'OPTIONS'])('%s gets 405', async (method) => {
    const answer = await createBrowser().request(
      method,
      gate.url('/auth/backchannel-logout'),
      undefined,
      { headers: program },
    )
    expect([answer.status, answer.headers['allow']]).toEqual([405, 'POST'])
  })

  test('a web page cannot log a visitor out: no token, no logout, no CORS', async () => {
    const answer = await post({ logout_token: 'x' }, gate, {
      Origin: 'https://evil.example',
      'Sec-Fetch-Site': 'cross-site',
    })
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual(
      [],
    )
    expect(answer.status).toBe(400)
  })

  test('a token for an unknown user or session ends no session', async () => {
    const browser = await logIn(gate)
    expect(await send(logoutToken({ sub: 'a-stranger' }))).toBe(200)
    expect(await send(logoutToken({ sub: undefined, sid: 'a-strange-session' }))).toBe(200)
    expect(await isIn(browser, gate)).toBe(true)
  })

  test('sid and sub must be of the same session', async () => {
    vendor.claims({ sid: 'the-session' })
    const [browser, other] = [await logIn(gate), await logIn(gate)]
    vendor.claims()
    const another = await logIn(gate)
    expect(await send(logoutToken({ sid: 'the-session', sub: 'a-stranger' }))).toBe(200)
    expect(await isIn(browser, gate)).toBe(true)
    expect(await send(logoutToken({ sid: 'the-session' }))).toBe(200)
    expect([await isIn(browser, gate), await isIn(other, gate), await isIn(another, gate)]).toEqual(
      [false, false, true],
    )
  })

  test('each of several providers ends only its own sessions, even with equal user and client ids', async () => {
    const second = stopping(await startVendor('oidc'))
    await publishKey(second)
    const provider = (which: VendorServer) => ({ provider: { idp: oidcOf(which) } })
    const both = await startGate({ provider: { idp: oidcOf(vendor), other: oidcOf(second) } })
    const browser = createBrowser()
    await browser.get(both.url('/auth/authn?connection=idp'))
    expect(await send(logoutToken({}, { from: second }), both)).toBe(200)
    expect(await isIn(browser, both)).toBe(true)
    expect(await send(logoutToken({ iss: 'https://elsewhere.example' }), both)).toBe(400)
    expect(await isIn(browser, both)).toBe(true)
    expect(await send(logoutToken(), both)).toBe(200)
    expect(await isIn(browser, both)).toBe(false)
    // Two apps on one store may call different providers by the same name.
    const store = memoryStore()
    const [here, there] = [
      await startGate({ ...provider(vendor), store, id: 'here' }),
      await startGate({ ...provider(second), store, id: 'there' }),
    ]
    const [visitor, namesake] = [await logIn(here), await logIn(there)]
    expect(await send(logoutToken({}, { from: second }), there)).toBe(200)
    expect([await isIn(visitor, here), await isIn(namesake, there)]).toEqual([true, false])
  })

  test('two providers may use the same session ids, also in a store without entries()', async () => {
    const second = stopping(await startVendor('oidc'))
    await publishKey(second)
    for (const one of [vendor, second]) one.claims({ sid: 'the-session' })
    const { entries: _, ...store } = memoryStore()
    const [here, there] = [
      await startGate({ provider: { idp: oidcOf(vendor) }, store, id: 'here' }),
      await startGate({ provider: { idp: oidcOf(second) }, store, id: 'there' }),
    ]
    const [visitor, namesake] = [await logIn(here), await logIn(there)]
    vendor.claims()
    expect(await send(logoutToken({ sid: 'the-session' }), here)).toBe(200)
    expect([await isIn(visitor, here), await isIn(namesake, there)]).toEqual([false, true])
  })

  test('of two clients at one provider only the audience of the token counts', async () => {
    const both = await startGate({
      provider: { guests: oidcOf(vendor, { clientId: 'another-client' }), idp: oidcOf(vendor) },
    })
    const browser = createBrowser()
    await browser.get(both.url('/auth/authn?connection=idp'))
    expect(await isIn(browser, both)).toBe(true)
    expect(await send(logoutToken({ aud: 'another-client' }), both)).toBe(200)
    expect(await isIn(browser, both)).toBe(true)
    expect(await send(logoutToken(), both)).toBe(200)
    expect(await isIn(browser, both)).toBe(false)
  })

  test('a token that failed because the store was down can be sent again', async () => {
    const inner = memoryStore()
    let isDown = false
    const failing: SessionStore = {
      ...inner,
      delete(key) {
        if (isDown) throw new Error('down')
        return inner.delete(key)
      },
    }
    const at = await startGate({ provider: { idp: oidcOf(vendor) }, store: failing })
    const browser = await logIn(at)
    const token = logoutToken()
    isDown = true
    expect(await send(token, at)).toBe(503)
    isDown = false
    expect(await isIn(browser, at)).toBe(true)
    expect(await send(token, at)).toBe(200)
    expect(await isIn(browser, at)).toBe(false)
  })

  test('a session can be ended for its whole lifetime, with any inactivity timeout', async () => {
    const clock = fakeDate()
    for (const sid of ['the-session', undefined]) {
      vendor.claims({ sid })
      const at = await startGate({ provider: { idp: oidcOf(vendor) }, inactivityTimeout: 600 })
      const browser = await logIn(at)
      vendor.claims()
      for (let count = 0; count < 5; count++) {
        clock.forward(500)
        expect(await isIn(browser, at)).toBe(true)
      }
      expect(
        await send(logoutToken({ sid, ...(sid !== undefined && { sub: undefined }) }), at),
      ).toBe(200)
      expect(await isIn(browser, at)).toBe(false)
    }
  })

  test('a session can be ended after a later configuration has extended its lifetime', async () => {
    const clock = fakeDate()
    const provider = { idp: oidcOf(vendor) }
    const at = await startGate({ provider, maximumDuration: 3600 })
    // The cookie keeps the time that it was set with; a copy does not.
    const header = cookieOf(await logIn(at), at)
    const isThere = async () =>
      (await createBrowser().get(at.url('/'), { follow: false, headers: { Cookie: header } }))
        .status === 200
    at.middleware.reconfigure({ provider, maximumDuration: 86_400, inactivityTimeout: 7200 })
    clock.forward(1800)
    expect(await isThere()).toBe(true)
    clock.forward(1900)
    expect(await isThere()).toBe(true)
    expect(await send(logoutToken(), at)).toBe(200)
    expect(await isThere()).toBe(false)
  })

  test('a replay is rejected for as long as the token is valid', async () => {
    const clock = fakeDate()
    const at = await startGate({ provider: { idp: oidcOf(vendor) } })
    const token = logoutToken({ exp: now() + 86_400 })
    expect(await send(token, at)).toBe(200)
    for (let hours = 0; hours < 20; hours++) {
      expect(await send(token, at)).toBe(400)
      clock.forward(1200)
    }
  })

  describe('C13: a logout token', () => {
    const twoProcesses = async (store: SessionStore, options: Partial<OAuthModuleOptions> = {}) => {
      const provider = { idp: oidcOf(vendor) }
      const start = () => startGate({ store, id: 'app', provider, ...options })
      return [await start(), await start()] as const
    }

    test.each([
      ['that one process accepted is rejected by another process of the store', memoryStore()],
      ['is rejected by another process also if the store cannot list', unlisted()],
    ])('C13: a logout token %s', async (_, store) => {
      const [one, two] = await twoProcesses(store)
      const sid = randomUUID()
      vendor.claims({ sid })
      const before = await logIn(one)
      const token = logoutToken({ sid })
      expect(await send(token, one)).toBe(200)
      expect(await isIn(before, one)).toBe(false)
      const after = await logIn(one)
      vendor.claims()
      expect(await send(token, two)).toBe(400)
      expect(await isIn(after, one)).toBe(true)
    })

    test.each([
      ['ends the sessions that are older than it, and no newer one', memoryStore()],
      ['does not end a newer session in a store that cannot list', unlisted()],
    ])('C13: a logout token that arrives late %s', async (_, store) => {
      const [one] = await twoProcesses(store, { clockTolerance: 10 })
      const sid = randomUUID()
      vendor.claims({ sid })
      const clock = fakeDate()
      const older = await logIn(one)
      const token = logoutToken({ sid, exp: now() + 600 })
      clock.forward(12)
      const newer = await logIn(one)
      vendor.claims()
      expect(await send(token, one)).toBe(200)
      // A store that cannot list knows only the latest session.
      expect(await isIn(older, one)).toBe(store.entries === undefined)
      expect(await isIn(newer, one)).toBe(true)
    })

    test('C13: a logout token ends a session of the same moment, within clockTolerance', async () => {
      const [one] = await twoProcesses(memoryStore(), { clockTolerance: 10 })
      const clock = fakeDate()
      const token = logoutToken()
      clock.forward(9)
      const browser = await logIn(one)
      expect(await send(token, one)).toBe(200)
      expect(await isIn(browser, one)).toBe(false)
    })

    test('C13: a logout token can be sent again if the store cannot record it', async () => {
      const inner = memoryStore()
      let isDown = false
      const set: SessionStore['set'] = (key, ...rest) =>
        isDown && key.startsWith('jti-')
          ? Promise.reject(new Error('gone'))
          : inner.set(key, ...rest)
      const [one] = await twoProcesses({ ...inner, set })
      const token = logoutToken()
      isDown = true
      expect(await send(token, one)).toBe(503)
      isDown = false
      expect(await send(token, one)).toBe(200)
      expect(await send(token, one)).toBe(400)
    })

    function unlisted(): SessionStore {
      const { entries: _, ...store } = memoryStore()
      return store
    }
  })

  describe('C13: a request to /auth/backchannel-logout', () => {
    const form = 'Content-Type: application/x-www-form-urlencoded'
    const chunked = 'Transfer-Encoding: chunked'
    const chunk = `400\r\n${'x'.repeat(1024)}\r\n`

    /** Sends a body that never ends; resolves with the response and the seconds until the connection closed. */
    function neverEnding(headers: string[], part: string, everyMs: number) {
      return new Promise<{ text: string; seconds: number }>((resolve) => {
        const startedAt = Date.now()
        let text = ''
        const socket = connect(gate.port, 'localhost', () => {
          const lines = ['POST /auth/backchannel-logout HTTP/1.1', 'Host: localhost', ...headers]
          socket.write(`${lines.join('\r\n')}\r\n\r\n`)
        })
        const sending = setInterval(() => void socket.write(part), everyMs)
        socket.on('data', (data) => (text += String(data)))
        socket.on('error', () => undefined)
        socket.on('close', () => {
          clearInterval(sending)
          resolve({ text, seconds: (Date.now() - startedAt) / 1000 })
        })
      })
    }

    test.each([
      ['is slow', [form, 'Content-Length: 1000'], 'x', 200],
      ['never begins', [form, 'Content-Length: 1000'], '', 1000],
      ['is chunked and slow', [form, chunked], '1\r\nx\r\n', 200],
    ])(
      'C13: a logout request whose body %s gets 400 after 5 seconds, and its connection ends',
      async (_, headers, part, everyMs) => {
        const { text, seconds } = await neverEnding(headers, part, everyMs)
        expect(text).toMatch(/^HTTP\/1\.1 400 /)
        expect(seconds).toBeGreaterThan(4)
        expect(seconds).toBeLessThan(15)
      },
    )

    test.each([
      ['is endless', [form, chunked]],
      ['is endless and of another type', ['Content-Type: application/json', chunked]],
      ['is endless and of no type', [chunked]],
    ])(
      'C13: a logout request whose body %s gets 400, and its connection ends at once',
      async (_, headers) => {
        const { text, seconds } = await neverEnding(headers, chunk, 5)
        expect(text).toMatch(/^HTTP\/1\.1 400 /)
        expect(seconds).toBeLessThan(4.5)
      },
    )

    test('C13: a logout request with a complete body leaves its connection open for the next one', async () => {
      const lines = [
        'POST /auth/backchannel-logout HTTP/1.1',
        'Host: localhost',
        form,
        'Content-Length: 1',
      ]
      const request = `${lines.join('\r\n')}\r\n\r\nx`
      const text = await new Promise<string>((resolve) => {
        let received = ''
        const socket = connect(gate.port, 'localhost', () => void socket.write(request + request))
        socket.on('data', (data) => {
          received += String(data)
          if (received.split('HTTP/1.1 400').length === 3) socket.destroy()
        })
        socket.on('close', () => resolve(received))
      })
      expect(text.split('HTTP/1.1 400')).toHaveLength(3)
    })
  })

  test('a replay is rejected after reconfigure()', async () => {
    const provider = { idp: oidcOf(vendor) }
    const at = await startGate({ provider })
    const token = logoutToken()
    expect(await send(token, at)).toBe(200)
    at.middleware.reconfigure({ provider, inactivityTimeout: 600 })
    expect(await send(token, at)).toBe(400)
  })

  test('when the keys cannot be fetched the response is 502, and the token can be sent again', async () => {
    const flaky = stopping(await startVendor('oidc'))
    await publishKey(flaky)
    const at = await startGate({ provider: { idp: oidcOf(flaky) } })
    const token = logoutToken({}, { from: flaky })
    const repair = flaky.respond('*', { status: 500 })
    flaky.respond('jwks', { status: 500 })
    expect(await send(token, at)).toBe(502)
    repair()
    flaky.respond('jwks', undefined)
    await publishKey(flaky)
    expect(await send(token, at)).toBe(200)
  })

  test('the path does not exist without an OpenID Connect provider', async () => {
    const github = stopping(await startVendor('github'))
    const at = await startGate({ provider: { github: github.options } })
    expect(await send(logoutToken(), at)).toBe(404)
  })
})
