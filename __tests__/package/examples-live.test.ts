import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { get } from 'node:http'
import { afterAll, expect, test } from '@jest/globals'
import { jwtVerify } from 'jose'
import { io } from 'socket.io-client'
import { WebSocket } from 'ws'
import { createClientSecret } from '../../examples/support/apple-client-secret.js'
import { type Example, startExample, stopExamples } from '../support/examples.js'
import { type Browser, createBrowser, formOf, linksOf } from '../support/jar.js'

afterAll(stopExamples)

async function until<T>(find: () => T | undefined): Promise<T> {
  for (let turn = 0; turn < 1500; turn++) {
    const found = find()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('it did not happen')
}

async function logInAs(
  persona: string,
  { origin }: Example,
  browser = createBrowser(),
): Promise<Browser> {
  const chooser = await browser.get(`${origin}/`)
  const link = linksOf(chooser).find((url) => new URL(url).searchParams.get('persona') === persona)
  await browser.get(String(link))
  return browser
}

const cookiesOf = (browser: Browser, { origin }: Example) =>
  browser
    .cookies(origin)
    .map((cookie) => cookie.cookieString())
    .join('; ')

const logOut = (browser: Browser, { origin }: Example) =>
  browser.get(`${origin}/auth/logout`, { headers: { 'Sec-Fetch-Site': 'same-origin' } })

test('websocket: opens only from a page of the app, and closes with 4401 at a logout', async () => {
  const example = await startExample('websocket')
  const browser = await logInAs('ada', example)
  const Cookie = cookiesOf(browser, example)
  const connect = (headers: Record<string, string>) =>
    new WebSocket(example.origin.replace('http', 'ws'), { headers, family: 4 })
  for (const headers of [{ Origin: example.origin }, { Origin: 'https://evil.example', Cookie }]) {
    const [, refused] = (await once(
      connect(headers).on('error', () => undefined),
      'unexpected-response',
    )) as [unknown, { statusCode: number }]
    expect(refused.statusCode).toBe(401)
  }
  const socket = connect({ Origin: example.origin, Cookie })
  await once(socket, 'open')
  socket.send('hello')
  const [message] = (await once(socket, 'message')) as [Buffer]
  expect(message.toString()).toBe('Ada Lovelace: hello')
  const closed = once(socket, 'close')
  await logOut(browser, example)
  expect((await closed)[0]).toBe(4401)
}, 60_000)

test('http-proxy: sockets reach the upstream only for users, with their headers, and end at a logout', async () => {
  const example = await startExample('http-proxy')
  const browser = await logInAs('ada', example)
  expect((await browser.get(`${example.origin}/`)).body).toBe(
    'Hello Ada Lovelace <ada@example.com>\n',
  )
  const Cookie = cookiesOf(browser, example)
  const forged = { 'ngrok-auth-user-name': 'Eve', 'ngrok-auth-user-email': 'eve@example.com' }
  const connect = (headers: Record<string, string>) =>
    new WebSocket(example.origin.replace('http', 'ws'), { headers, family: 4 })
  for (const headers of [forged, { Origin: 'https://evil.example', Cookie }]) {
    const [, refused] = (await once(
      connect(headers).on('error', () => undefined),
      'unexpected-response',
    )) as [unknown, { statusCode: number }]
    expect(refused.statusCode).toBe(401)
  }
  const socket = connect({ Origin: example.origin, Cookie, ...forged })
  const [message] = (await once(socket, 'message')) as [Buffer]
  expect(message.toString()).toBe('Hello Ada Lovelace <ada@example.com>')
  const closed = once(socket, 'close')
  await logOut(browser, example)
  await closed
  expect(example.printed()).not.toMatch(/authenticate\(\)/)
}, 60_000)

test('socket-io: sockets belong to users, and are disconnected at a logout', async () => {
  const example = await startExample('socket-io')
  const browser = await logInAs('ada', example)
  const connect = (extraHeaders: Record<string, string>) =>
    io(example.origin, { transports: ['websocket'], extraHeaders, reconnection: false })
  const stranger = connect({ Origin: example.origin })
  expect(await new Promise((resolve) => stranger.once('connect_error', resolve))).toBeInstanceOf(
    Error,
  )
  const socket = connect({ Origin: example.origin, Cookie: cookiesOf(browser, example) })
  const message = new Promise((resolve) => socket.once('said', resolve))
  socket.emit('say', 'hello')
  expect(await message).toBe('Ada Lovelace: hello')
  const ended = new Promise((resolve) => socket.once('disconnect', resolve))
  await logOut(browser, example)
  expect(await ended).toBe('io server disconnect')
}, 60_000)

test('server-sent-events: the stream ends at a logout with the reason', async () => {
  const example = await startExample('server-sent-events')
  const browser = await logInAs('ada', example)
  const cookie = cookiesOf(browser, example)
  let stream = ''
  const ended = new Promise<void>((resolve, reject) => {
    const headers = { cookie, accept: 'text/event-stream' }
    get(`${example.origin}/time`, { headers, family: 4 }, (res) => {
      expect([res.statusCode, res.headers['content-type']]).toEqual([200, 'text/event-stream'])
      res.on('data', (chunk) => (stream += String(chunk))).on('end', resolve)
    }).on('error', reject)
  })
  await until(() => (stream.includes('event: hello') ? true : undefined))
  await logOut(browser, example)
  await ended
  expect(stream).toMatch(
    /^event: hello\ndata: "Ada Lovelace"\n\n[\s\S]*event: over\ndata: login_required\n\n$/,
  )
  expect(
    (await browser.get(`${example.origin}/time`, { headers: { Accept: 'text/event-stream' } }))
      .status,
  ).toBe(401)
}, 60_000)

test('signals: a token of the transmitter ends the session, and its stream', async () => {
  const example = await startExample('signals')
  const browser = await logInAs('ada', example)
  const page = await browser.get(example.origin)
  const [, action = ''] = /action="(\/elsewhere\/session-revoked\/[^"]+)"/.exec(page.body) ?? []
  let stream = ''
  const ended = new Promise<void>((resolve, reject) => {
    const headers = { cookie: cookiesOf(browser, example), accept: 'text/event-stream' }
    get(`${example.origin}/stream`, { headers, family: 4 }, (res) => {
      res.on('data', (chunk) => (stream += String(chunk))).on('end', resolve)
    }).on('error', reject)
  })
  await until(() => (stream.includes('is open') ? true : undefined))
  const response = await fetch(`${example.origin}${action}`, { method: 'POST' })
  expect(await response.text()).toBe('The app responded with 202.')
  await ended
  expect(stream).toMatch(/has ended/)
  await until(() => (example.printed().includes('a session ended: signal') ? true : undefined))
}, 60_000)

test('github-webhook: a member who is removed at GitHub loses the open stream at once', async () => {
  const example = await startExample('github-webhook')
  const browser = createBrowser()
  const page = await browser.get(example.origin)
  expect(page.status).toBe(200)
  expect(page.body).toContain('<bdi>Ada Lovelace</bdi>')
  let stream = ''
  const ended = new Promise<void>((resolve, reject) => {
    const headers = { cookie: cookiesOf(browser, example), accept: 'text/event-stream' }
    get(`${example.origin}/stream`, { headers, family: 4 }, (res) => {
      res.on('data', (chunk) => (stream += String(chunk))).on('end', resolve)
    }).on('error', reject)
  })
  await until(() => (stream.includes('are a member') ? true : undefined))
  const response = await fetch(`${example.origin}/simulated-github/remove`, { method: 'POST' })
  expect(await response.text()).toBe('The app responded with 202.')
  await ended
  expect(stream).toMatch(/are not a member/)
  expect((await browser.get(example.origin)).status).toBe(403)
  await until(() => (example.printed().includes('a user was checked: denied') ? true : undefined))
  expect(example.printed()).toContain(
    'webhook organization.member_removed: applied, 1 sessions of github:1815',
  )
}, 60_000)

test('audit-log: one line of JSON for each event, also of administrators, without secrets', async () => {
  const example = await startExample('audit-log')
  const browser = await logInAs('ada', example)
  await logInAs('mallory', example)
  await logOut(browser, example)
  await until(() => (example.printed().includes('"logout"') ? true : undefined))
  await logInAs('ada', example)
  const [, token] = await until(() => /Bearer ([0-9a-f]{64})/.exec(example.printed()) ?? undefined)
  const headers = { Authorization: `Bearer ${String(token)}` }
  const list = await browser.get(`${example.origin}/admin/app/sessions`, { headers })
  const { application_sessions: sessions } = JSON.parse(list.body) as {
    application_sessions: { uri: string }[]
  }
  await browser.request('DELETE', String(sessions[0]?.uri), undefined, { headers })
  await until(() => (example.printed().includes('"admin_action"') ? true : undefined))
  const lines = example
    .printed()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(lines).toEqual([
    expect.objectContaining({
      level: 30,
      event: 'login',
      user: expect.stringMatching(/^dev:/),
      session: expect.stringMatching(/^[0-9a-f]{64}$/),
    }),
    expect.objectContaining({
      level: 40,
      event: 'denied',
      code: 'not_authorized',
      tried: ['emailDomains'],
      decisionId: expect.stringMatching(/^[0-9a-f]{8}$/),
    }),
    expect.objectContaining({ level: 40, event: 'login_failed', code: 'not_authorized' }),
    expect.objectContaining({
      level: 30,
      event: 'logout',
      user: lines[0]?.['user'],
      session: lines[0]?.['session'],
    }),
    expect.objectContaining({ event: 'login', user: lines[0]?.['user'] }),
    expect.objectContaining({
      event: 'revoked',
      session: lines[4]?.['session'],
      reason: 'revoked',
    }),
    expect.objectContaining({
      level: 40,
      event: 'admin_action',
      actor: { tokenName: 'operator' },
      action: 'end_session',
      resource: { user: lines[0]?.['user'], sessionHandle: lines[4]?.['session'] },
    }),
  ])
  const address = '127.0.0.1'
  for (const line of lines.filter(({ event }) => event !== 'revoked'))
    expect(line).toMatchObject({ ipAddress: address, userAgent: 'Mozilla/5.0 (test browser)' })
  const ids = lines.flatMap(({ requestId = [] }) => requestId)
  // The login of mallory failed and was denied in one request; the one who ended a session is in the
  // line of the administrator.
  expect([ids.length, new Set(ids).size]).toEqual([6, 5])
  expect(example.printed().split('\n').slice(4).join('\n')).not.toContain(String(token))
}, 60_000)

test('metrics: the counters count events', async () => {
  const example = await startExample('metrics')
  const browser = await logInAs('ada', example)
  await browser.get(`${example.origin}/page`)
  await logInAs('mallory', example)
  await createBrowser().get(`${example.origin}/api`, { headers: { 'Sec-Fetch-Mode': 'cors' } })
  const address = await until(
    () => /http:\/\/127\.0\.0\.1:\d+\/metrics/.exec(example.printed())?.[0],
  )
  const { body } = await createBrowser().get(address)
  expect(body).toContain('oauth_logins_total{outcome="ok"} 1')
  expect(body).toContain('oauth_logins_total{outcome="not_authorized"} 1')
  expect(body).toContain('oauth_requests_total{decision="allow",reason="none"} 2')
  expect(body).toContain('oauth_requests_total{decision="block",reason="login"} 2')
  expect(body).toContain('oauth_requests_total{decision="block",reason="login_required"} 1')
  expect(body).toContain('oauth_request_seconds_count{decision="allow"} 2')
}, 60_000)

test('tracing: each request has a span', async () => {
  const example = await startExample('tracing')
  const browser = await logInAs('ada', example)
  await browser.get(`${example.origin}/page?x=1`)
  await until(() => (example.printed().includes('/page') ? true : undefined))
  const spans = example
    .printed()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(spans.at(0)).toMatchObject({
    span: 'oauth gate',
    'url.path': '/',
    'http.response.status_code': 302,
    'oauth.decision': 'block',
    'oauth.reason': 'login',
  })
  expect(spans.at(-1)).toMatchObject({
    span: 'oauth gate',
    'url.path': '/page',
    'http.response.status_code': 200,
    'oauth.decision': 'allow',
  })
}, 60_000)

// Both play a provider with one user, who is logged in without being asked.
test.each(['custom-oauth2', 'gitlab-self-hosted'])(
  '%s: a visitor is logged in',
  async (name) => {
    const example = await startExample(name)
    const page = await createBrowser().get(`${example.origin}/deep?x=1`)
    expect([page.status, page.url]).toEqual([200, `${example.origin}/deep?x=1`])
    expect(page.body).toContain('Ada Lovelace')
    expect(page.body).toContain('ada@example.com')
  },
  60_000,
)

test('A19: the example for Apple signs a user in from a posted form, and keeps the name that comes only once', async () => {
  const { origin } = await startExample('apple')
  const browser = createBrowser()
  const logIn = async (withName: boolean) => {
    const page = await browser.get(`${origin}/deep?x=1`)
    const { action, fields } = formOf(page)
    const { user = '', ...others } = fields
    return browser.post(action, withName ? { ...others, user } : others, { from: page.url })
  }
  for (const isFirst of [true, false]) {
    const page = await logIn(isFirst)
    expect([page.status, page.url]).toEqual([200, `${origin}/deep?x=1`])
    expect(page.body).toContain('Ada Lovelace')
    expect(page.body).toContain('ada@example.com')
    browser.clearCookies()
  }
}, 60_000)

test("A19: Apple's client secret is a JWT signed with ES256", async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const secret = await createClientSecret({
    clientId: 'example.app',
    teamId: 'TEAM',
    keyId: 'KEY',
    privateKey: pem,
  })
  const { payload, protectedHeader } = await jwtVerify(secret, publicKey, {
    audience: 'https://appleid.apple.com',
    issuer: 'TEAM',
    subject: 'example.app',
  })
  expect(protectedHeader).toEqual({ alg: 'ES256', kid: 'KEY' })
  expect(Number(payload.exp) - Number(payload.iat)).toBe(180 * 86_400)
})

test('branding: the pages have logo, color and language, and the custom page loads its style sheet', async () => {
  const example = await startExample('branding')
  const browser = createBrowser()
  const headers = { 'Accept-Language': 'de-AT,en;q=0.5' }
  const choice = await browser.get(`${example.origin}/deep`, { headers })
  expect(choice.body).toContain('<html lang="de" dir="ltr">')
  expect(choice.body).toContain('<h1>Bei Acme anmelden</h1>')
  expect(choice.body).toContain('<img src="/assets/logo.svg" alt="Acme">')
  expect((await browser.get(`${example.origin}/assets/logo.svg`)).status).toBe(200)
  const chooser = await browser.get(String(linksOf(choice)[0]))
  const links = linksOf(chooser)
  const link = (id: string) =>
    String(links.find((url) => new URL(url).searchParams.get('persona') === id))
  const denied = await browser.get(link('mallory'), { headers })
  expect([denied.status, denied.body.includes('Dieses Konto hat keinen Zugriff')]).toEqual([
    403,
    true,
  ])
  const goodbye = await browser.get(`${example.origin}/auth/logout`)
  expect(goodbye.body).toContain('Thank you for using Acme')
  expect(goodbye.headers['content-security-policy']).toContain("style-src 'nonce-")
  const css = await browser.get(`${example.origin}/assets/goodbye.css`)
  expect(css.headers['content-type']).toContain('text/css')
  expect(example.printed()).not.toContain('rejected a file')
})

test('admin: lists the sessions, ends one, and changes the configuration, as it printed', async () => {
  const example = await startExample('admin')
  const browser = await logInAs('ada', example)
  const [, token] = await until(() => /Bearer ([0-9a-f]{64})/.exec(example.printed()) ?? undefined)
  const api = `${example.origin}/admin/app/sessions`
  const headers = { Authorization: `Bearer ${String(token)}` }
  expect((await browser.get(api)).status).toBe(401)
  const list = JSON.parse((await browser.get(api, { headers })).body) as {
    application_sessions: { uri: string }[]
  }
  const [session] = list.application_sessions
  expect((await browser.get(`${example.origin}/`, { follow: false })).status).toBe(200)
  const ended = await browser.request('DELETE', String(session?.uri), undefined, { headers })
  expect([ended.status, ended.body]).toEqual([200, '{}'])
  expect((await browser.get(`${example.origin}/`, { follow: false })).status).toBe(302)
  const [, body] = await until(() => /-d '(.+?)'/.exec(example.printed()) ?? undefined)
  const route = `${example.origin}/admin/edges/https/main/routes/app/oauth`
  const json = { ...headers, 'Content-Type': 'application/json' }
  const changed = await browser.request('PUT', route, body, { headers: json })
  expect([changed.status, JSON.parse(changed.body)]).toEqual([
    200,
    expect.objectContaining({ maximum_duration: 28_800, x_other_providers: ['dev'] }),
  ])
}, 60_000)
