import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import axe from 'axe-core'
import { fork, type ChildProcess } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { readDevOptions } from '../../src/dev/dev-options.js'
import type { DevProvider, DevProviderOptions } from '../../src/dev/index.js'
import { withBrowser } from '../support/chromium.js'
import { createBrowser, formOf, linksOf, type Browser, type Page } from '../support/jar.js'

type Running = Omit<DevProvider, 'close'>

const children: ChildProcess[] = []
let output = ''

/** The dev provider needs a package that Jest cannot load: it runs in a process of its own. */
function start(options: DevProviderOptions = {}): Promise<Running> {
  const child = fork(
    join(process.cwd(), '__tests__/support/dev-process.ts'),
    [JSON.stringify(options)],
    {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  )
  children.push(child)
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk) => (output += String(chunk)))
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as Running))
    child.once('exit', () => reject(new Error(output)))
  })
}

const redirectUri = 'http://localhost:49152/somewhere/auth/callback'
const verifier = randomBytes(32).toString('base64url')
const challenge = createHash('sha256').update(verifier).digest('base64url')
const stopAtApp = (url: string) => !url.startsWith('http://localhost:49152/')

let dev: Running

beforeAll(async () => {
  dev = await start()
})

afterAll(async () => {
  await Promise.all(
    children.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill()
      await once(child, 'exit')
    }),
  )
})

function authorize(
  browser: Browser,
  params: Record<string, string | undefined> = {},
): Promise<Page> {
  const url = new URL('/auth', dev.issuer)
  const all: Record<string, string | undefined> = {
    client_id: dev.clientId,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid profile email',
    state: 'the state',
    nonce: 'the nonce',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...params,
  }
  for (const [name, value] of Object.entries(all))
    if (value !== undefined) url.searchParams.set(name, value)
  return browser.get(url.href, { follow: stopAtApp })
}

function choose(browser: Browser, page: Page, id: string): Promise<Page> {
  const link = linksOf(page).find((url) => new URL(url).searchParams.get('persona') === id)
  if (link === undefined) throw new Error(`nobody to choose: ${page.status} ${page.body}`)
  return browser.get(link, { follow: stopAtApp })
}

const answerOf = ({ location }: Page) =>
  Object.fromEntries(new URL(location ?? 'about:blank').searchParams)

async function redeem(params: Record<string, string>): Promise<Record<string, unknown>> {
  const answer = await createBrowser().post(
    `${dev.issuer}/token`,
    { client_id: dev.clientId, client_secret: dev.clientSecret, ...params },
    { headers: { Accept: 'application/json' } },
  )
  return JSON.parse(answer.body) as Record<string, unknown>
}

async function logIn(browser: Browser, id: string, params: Record<string, string> = {}) {
  const answer = answerOf(await choose(browser, await authorize(browser, params), id))
  const tokens = await redeem({
    grant_type: 'authorization_code',
    code: answer['code'] ?? '',
    redirect_uri: redirectUri,
    code_verifier: verifier,
  })
  return { answer, tokens }
}

async function claimsOf(idToken: unknown) {
  const keys = createRemoteJWKSet(new URL('/jwks', dev.issuer))
  const { payload } = await jwtVerify(String(idToken), keys, {
    issuer: dev.issuer,
    audience: dev.clientId,
  })
  return payload
}

describe('a login', () => {
  test('with a chosen persona ends with a signed ID token for that persona', async () => {
    const { answer, tokens } = await logIn(createBrowser(), 'ada')
    expect(answer).toMatchObject({ state: 'the state', iss: dev.issuer })
    const claims = await claimsOf(tokens['id_token'])
    expect(claims).toMatchObject({
      sub: 'ada',
      nonce: 'the nonce',
      name: 'Ada Lovelace',
      email: 'ada@example.com',
      email_verified: true,
      preferred_username: 'ada',
      groups: ['engineering', 'admins'],
    })
    const userinfo = await createBrowser().get(`${dev.issuer}/me`, {
      headers: { Authorization: `Bearer ${String(tokens['access_token'])}` },
    })
    expect(JSON.parse(userinfo.body)).toMatchObject({ sub: 'ada', email: 'ada@example.com' })
    const picture = await createBrowser().get(String(claims['picture']))
    expect(picture).toMatchObject({
      status: 200,
      headers: { 'content-type': expect.stringContaining('image/svg+xml') },
    })
  })

  test('marks an email address as unverified', async () => {
    const { tokens } = await logIn(createBrowser(), 'charles')
    expect(await claimsOf(tokens['id_token'])).toMatchObject({
      sub: 'charles',
      email_verified: false,
    })
  })

  test('without PKCE is rejected', async () => {
    const page = await authorize(createBrowser(), {
      code_challenge: undefined,
      code_challenge_method: undefined,
    })
    expect(answerOf(page)).toMatchObject({
      error: 'invalid_request',
      error_description: expect.stringContaining('PKCE'),
    })
  })

  test('with a wrong code verifier returns no tokens', async () => {
    const browser = createBrowser()
    const { code = '' } = answerOf(await choose(browser, await authorize(browser), 'ada'))
    expect(code).not.toBe('')
    const params = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      code_verifier: 'x'.repeat(43),
    }
    expect(await redeem(params)).toMatchObject({ error: 'invalid_grant' })
  })

  test('can be denied', async () => {
    const browser = createBrowser()
    const deny = linksOf(await authorize(browser)).find((url) =>
      new URL(url).searchParams.has('deny'),
    )
    const page = await browser.get(deny ?? '', { follow: stopAtApp })
    expect(answerOf(page)).toMatchObject({ error: 'access_denied', state: 'the state' })
  })

  test('redirects only to loopback', async () => {
    const elsewhere = await authorize(createBrowser(), {
      redirect_uri: 'https://localhost.example.com/auth/callback',
    })
    expect(elsewhere).toMatchObject({ status: 400, location: undefined })
    expect(elsewhere.body).toContain('redirect_uri')
    const ipv6 = await authorize(createBrowser(), {
      redirect_uri: 'http://[::1]:3000/auth/callback',
    })
    expect(ipv6.status).toBe(200)
  })

  test('is remembered, and repeated when the app requires it', async () => {
    const browser = createBrowser()
    await logIn(browser, 'ada')
    expect(answerOf(await authorize(browser))).toHaveProperty('code')
    expect(answerOf(await authorize(browser, { prompt: 'none' }))).toHaveProperty('code')
    for (const params of [{ prompt: 'login' }, { prompt: 'select_account' }, { max_age: '0' }]) {
      expect(linksOf(await authorize(browser, params))).not.toHaveLength(0)
    }
    expect(answerOf(await authorize(createBrowser(), { prompt: 'none' }))).toMatchObject({
      error: 'login_required',
    })
  })

  test('can switch accounts, and reports auth_time', async () => {
    const browser = createBrowser()
    const first = await logIn(browser, 'ada')
    const { tokens } = await logIn(browser, 'grace', { prompt: 'select_account' })
    expect(await claimsOf(tokens['id_token'])).toMatchObject({
      sub: 'grace',
      auth_time: expect.any(Number),
    })
    const userinfo = await createBrowser().get(`${dev.issuer}/me`, {
      headers: { Authorization: `Bearer ${String(first.tokens['access_token'])}` },
    })
    expect(JSON.parse(userinfo.body)).toMatchObject({ sub: 'ada' })
  })

  test('that has expired shows a page', async () => {
    const browser = createBrowser()
    const page = await authorize(browser)
    await choose(browser, page, 'ada')
    expect(await choose(browser, page, 'ada')).toMatchObject({
      status: 400,
      body: expect.stringContaining('This sign-in has ended'),
    })
  })
})

test('offline_access returns a refresh token that works', async () => {
  const plain = await logIn(createBrowser(), 'ada')
  expect(plain.tokens).not.toHaveProperty('refresh_token')
  const { tokens } = await logIn(createBrowser(), 'ada', { scope: 'openid email offline_access' })
  const params = { grant_type: 'refresh_token', refresh_token: String(tokens['refresh_token']) }
  const refreshed = await redeem(params)
  expect(await claimsOf(refreshed['id_token'])).toMatchObject({
    sub: 'ada',
    email: 'ada@example.com',
  })
})

test('RP-initiated logout ends the provider session and redirects to the app', async () => {
  const browser = createBrowser()
  const { tokens } = await logIn(browser, 'ada')
  const url = new URL('/session/end', dev.issuer)
  url.searchParams.set('id_token_hint', String(tokens['id_token']))
  url.searchParams.set('post_logout_redirect_uri', 'http://localhost:49152/bye')
  const { action, fields } = formOf(await browser.get(url.href))
  const page = await browser.post(action, { ...fields, logout: 'yes' }, { follow: stopAtApp })
  expect(page.location).toBe('http://localhost:49152/bye')
  expect(answerOf(await authorize(browser, { prompt: 'none' }))).toMatchObject({
    error: 'login_required',
  })
})

test('the persona page is accessible, responsive, supports dark mode, and needs no script', async () => {
  const page = await authorize(createBrowser())
  expect(page.body).not.toMatch(/<script|url\(|@import|(?:href|src)="http/)
  expect(page.body.match(/<img src="data:image\/svg\+xml,/g)).toHaveLength(5)
  await withBrowser(
    async (context) => {
      const tab = await context.newPage()
      for (const colorScheme of ['light', 'dark'] as const) {
        await tab.emulateMedia({ colorScheme })
        await tab.goto(page.history[0]?.url ?? '')
        expect(await tab.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(320)
        const { violations } = await tab.evaluate<axe.AxeResults>(`${axe.source}; axe.run()`)
        expect(violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)])).toEqual(
          [],
        )
      }
      await tab.keyboard.press('Tab')
      expect(await tab.evaluate('document.activeElement.textContent')).toContain('Ada Lovelace')
    },
    { viewport: { width: 320, height: 640 }, bypassCSP: true },
  )
})

test('custom personas replace the built-in ones', async () => {
  const personas = [{ id: '<b>', name: '"Bobby" <Tables>', email: 'bobby@example.com', groups: [] }]
  const own = await start({ personas })
  expect(own.personas).toMatchObject(personas)
  const { body } = await createBrowser().get(
    `${own.issuer}/auth?client_id=${own.clientId}&response_type=code&scope=openid&redirect_uri=${redirectUri}` +
      `&code_challenge=${challenge}&code_challenge_method=S256`,
  )
  expect(body).toContain('&quot;Bobby&quot; &lt;Tables&gt;')
  expect(body).not.toContain('<Tables>')
  expect(body).not.toContain('Ada Lovelace')
})

test.each<[object, string]>([
  [{ prot: 3000 }, 'prot'],
  [{ port: 70_000 }, 'devProvider.port'],
  [{ personas: [] }, 'devProvider.personas'],
  [{ personas: [{ id: 'a', name: 'A' }] }, 'devProvider.personas[0].email'],
  [
    {
      personas: [
        { id: 'a', name: 'A', email: 'a@x' },
        { id: 'a', name: 'B', email: 'b@x' },
      ],
    },
    'the same id twice',
  ],
])('rejects wrong options: %j', (options, message) => {
  expect(() => readDevOptions(options)).toThrow(message)
})

test('prints nothing unless there is an error', () => {
  expect(output).toBe('')
})
