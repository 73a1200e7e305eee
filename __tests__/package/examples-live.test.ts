import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { get } from 'node:http'
import { join } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'
import { WebSocket } from 'ws'
import { type Browser, createBrowser, linksOf } from '../support/jar.js'

const children: ChildProcess[] = []

afterAll(async () => {
  await Promise.all(
    children.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill()
      await once(child, 'exit')
    }),
  )
})

interface Example {
  origin: string
  /** What it printed so far. */
  said(): string
}

/** Starts an example without an account anywhere. */
async function start(name: string): Promise<Example> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !key.startsWith('OAUTH_MODULE_')),
  )
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', join(process.cwd(), 'examples', `${name}.ts`)],
    { env: { ...env, PORT: '0', NODE_ENV: 'development' } },
  )
  children.push(child)
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => (said += String(chunk)))
  const origin = await until(() => {
    if (child.exitCode !== null) throw new Error(`${name} ended: ${said}`)
    return /http:\/\/localhost:[1-9]\d*/.exec(said)?.[0]
  })
  return { origin, said: () => said }
}

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

const logOut = (browser: Browser, { origin }: Example) =>
  browser.get(`${origin}/auth/logout`, { headers: { 'Sec-Fetch-Site': 'same-origin' } })

test('websocket: opens only from a page of the app, and closes with 4401 at a logout', async () => {
  const example = await start('websocket')
  const browser = await logInAs('ada', example)
  const Cookie = browser
    .cookies(example.origin)
    .map((cookie) => cookie.cookieString())
    .join('; ')
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

test('server-sent-events: the stream ends at a logout with the reason', async () => {
  const example = await start('server-sent-events')
  const browser = await logInAs('ada', example)
  const cookie = browser
    .cookies(example.origin)
    .map((one) => one.cookieString())
    .join('; ')
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

test('audit-log: one line of JSON for each event, without secrets', async () => {
  const example = await start('audit-log')
  const browser = await logInAs('ada', example)
  await logInAs('mallory', example)
  await logOut(browser, example)
  await until(() => (example.said().includes('"logout"') ? true : undefined))
  const lines = example
    .said()
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
  ])
}, 60_000)

test('metrics: the counters count events', async () => {
  const example = await start('metrics')
  const browser = await logInAs('ada', example)
  await browser.get(`${example.origin}/page`)
  await logInAs('mallory', example)
  await createBrowser().get(`${example.origin}/api`, { headers: { 'Sec-Fetch-Mode': 'cors' } })
  const address = await until(() => /http:\/\/127\.0\.0\.1:\d+\/metrics/.exec(example.said())?.[0])
  const { body } = await createBrowser().get(address)
  expect(body).toContain('oauth_logins_total{outcome="ok"} 1')
  expect(body).toContain('oauth_logins_total{outcome="not_authorized"} 1')
  expect(body).toContain('oauth_requests_total{decision="allow",reason="none"} 2')
  expect(body).toContain('oauth_requests_total{decision="block",reason="login"} 2')
  expect(body).toContain('oauth_requests_total{decision="block",reason="login_required"} 1')
  expect(body).toContain('oauth_request_seconds_count{decision="allow"} 2')
}, 60_000)

test('tracing: each request has a span', async () => {
  const example = await start('tracing')
  const browser = await logInAs('ada', example)
  await browser.get(`${example.origin}/page?x=1`)
  await until(() => (example.said().includes('/page') ? true : undefined))
  const spans = example
    .said()
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
    const example = await start(name)
    const page = await createBrowser().get(`${example.origin}/deep?x=1`)
    expect([page.status, page.url]).toEqual([200, `${example.origin}/deep?x=1`])
    expect(page.body).toContain('Ada Lovelace')
    expect(page.body).toContain('ada@example.com')
  },
  60_000,
)
