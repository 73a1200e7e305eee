import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { type StartedVendor, startRecordingVendor } from '../support/recording-vendor.js'
import {
  defineProvider,
  memoryStore,
  oauthModule,
  type OAuthMiddleware,
  type OAuthModuleOptions,
} from '../../src/index.js'
import { eventNames } from '../../src/middleware/event-types.js'
import { fakeDate, realDate } from '../support/clock.js'
import { begin, consent, cookieOf, countingStore, type CountingStore } from '../support/corpus.js'
import { type RawAnswer, sendRawRequest } from '../support/raw.js'
import { listen, type Listening } from '../support/server.js'

const APP_SECRET = 'canary-app-secret-canary-app-secret-0123456789'
const CLIENT_SECRET = 'canary-client-secret-5f0e'

/** A value in every way in which it could be printed. */
function shown(value: unknown): string {
  const all = [
    inspect(value, { depth: Infinity, showHidden: true, maxStringLength: Infinity }),
    inspect(value),
    String(value),
  ]
  try {
    all.push(JSON.stringify(value) ?? '')
    if (value instanceof Error)
      all.push(
        JSON.stringify(value, Object.getOwnPropertyNames(value)),
        value.stack ?? '',
        shown(value.cause),
      )
  } catch {
    // Not every object can be JSON.
  }
  return all.join('\n')
}

describe('S-099 no secret', () => {
  let vendor: StartedVendor
  let server: Listening
  let middleware: OAuthMiddleware
  let store: CountingStore
  /** What a person, a log file or a debugger could see. */
  let heard: string[] = []
  const secrets = new Set<string>([APP_SECRET, CLIENT_SECRET])

  beforeAll(async () => {
    vendor = await startRecordingVendor(CLIENT_SECRET)
  })
  afterAll(() => vendor.close())
  afterEach(async () => {
    realDate()
    await server.close()
    await middleware.close()
    heard = []
  })

  async function start(more: Partial<OAuthModuleOptions> = {}) {
    const log = (message: string, facts?: object) =>
      void heard.push(`log: ${message} ${shown(facts)}`)
    store = countingStore(memoryStore())
    middleware = oauthModule({
      provider: { acme: vendor.provider({}) },
      secret: APP_SECRET,
      store,
      logger: { debug: log, info: log, warn: log, error: log },
      // No response here: the built-in one follows.
      onError: (error) => void heard.push(`error: ${shown(error)}`),
      ...more,
    })
    for (const name of eventNames) {
      middleware.on(name, (facts: unknown) => void heard.push(`event ${name}: ${shown(facts)}`))
    }
    server = await listen((req, res) => {
      middleware(req, res, (error) => {
        const { oauth } = req as { oauth?: unknown }
        heard.push(
          `app: ${shown(oauth)} ${shown(middleware)} ${shown(error)} ${inspect(req.headers['ngrok-auth-user-id'])}`,
        )
        res.end('fine')
      })
    })
  }

  /**
   * What comes back, without the two places where a secret belongs: cookies, and the address of the
   * provider.
   */
  function hear(answer: RawAnswer): RawAnswer {
    const lines = answer.lines.filter(
      ([name, value]) =>
        name.toLowerCase() !== 'set-cookie' &&
        !(name.toLowerCase() === 'location' && value.startsWith(vendor.origin)),
    )
    heard.push(`answer: ${lines.map((line) => line.join(': ')).join('\n')}\n${answer.body}`)
    return answer
  }

  async function visit(target: string, cookies: string[] = [], more: string[] = []) {
    for (const cookie of cookies) secrets.add(cookie.slice(cookie.indexOf('=') + 1))
    return hear(
      await sendRawRequest(server.port, {
        target,
        headers: [...(cookies.length > 0 ? [`Cookie: ${cookies.join('; ')}`] : []), ...more],
      }),
    )
  }

  async function started() {
    const begun = await begin({ port: server.port }, '/deep')
    hear(begun.answer)
    secrets.add(begun.state).add(begun.cookie.split('=')[1] ?? '')
    const query = await consent(begun)
    secrets.add(query.get('code') ?? '')
    return { ...begun, query, callback: `/auth/callback?${query}` }
  }

  async function logIn(): Promise<string> {
    const begun = await started()
    const session = cookieOf(await visit(begun.callback, [begun.cookie]), 'session')
    secrets.add(session.split('=')[1] ?? '')
    return session
  }

  function expectSilence(): void {
    for (const secret of vendor.secrets()) secrets.add(secret)
    const values = [...secrets].filter((secret) => secret.length >= 8)
    expect(values.length).toBeGreaterThan(7)
    const said = heard.join('\n')
    const told = values.flatMap((secret) => {
      const forms = [
        secret,
        encodeURIComponent(secret),
        Buffer.from(secret).toString('base64'),
        Buffer.from(secret).toString('base64url'),
      ]
      const found = forms.find((form) => said.includes(form))
      if (found === undefined) return []
      const at = said.indexOf(found)
      return [said.slice(Math.max(0, at - 160), at + found.length + 40)]
    })
    expect(told).toEqual([])
  }

  test('is exposed by a login, a visit, /auth/session or a logout', async () => {
    await start()
    const session = await logIn()
    expect((await visit('/deep', [session])).status).toBe(200)
    expect((await visit('/auth/session', [session])).body).toContain('"user"')
    await visit('/auth/logout', [session], ['Sec-Fetch-Site: cross-site'])
    await visit('/auth/logout', [session], ['Sec-Fetch-Site: same-origin'])
    expect((await visit('/deep', [session])).status).toBe(302)
    await visit('/deep', [session], ['Accept: application/json', 'Sec-Fetch-Mode: cors'])
    expectSilence()
  })

  test('is exposed by a callback that fails: no cookie, another cookie, twice, another state, another code, an error', async () => {
    await start()
    const begun = await started()
    const other = await started()
    await visit(begun.callback)
    await visit(begun.callback, [other.cookie])
    await visit(begun.callback.replace(/state=[^&]+/, `state=${other.state}`), [begun.cookie])
    await visit(
      `/auth/callback?code=${other.query.get('code')}&state=${begun.state}&iss=${encodeURIComponent(vendor.origin)}`,
      [begun.cookie],
    )
    await visit(begun.callback, [begun.cookie])
    const third = await started()
    await visit(
      `/auth/callback?error=server_error&error_description=x&code=${third.query.get('code')}&state=${third.state}`,
      [third.cookie],
    )
    await visit(
      `/auth/callback?${third.query}`,
      [third.cookie],
      ['Accept: application/json', 'Sec-Fetch-Mode: cors'],
    )
    expectSilence()
  })

  test.each<[string, (text: string) => unknown]>([
    ['an error', (text) => new Error(text)],
    ['a string', (text) => text],
    ['an error with a cause', (text) => new Error(text, { cause: new Error(text) })],
  ])('is exposed by a hook that throws %s with all of them', async (_, thrown) => {
    const provider = defineProvider({
      openid: true,
      issuer: vendor.origin,
      scopes: ['openid', 'offline_access'],
      clientId: 'dev-client',
      clientSecret: CLIENT_SECRET,
      identity: ({ accessToken, tokens, client }) => {
        const all = [accessToken, tokens['refresh_token'], tokens['id_token'], client.secret]
        for (const secret of all) secrets.add(String(secret))
        throw thrown(`401 for ${all.join(' ')}`)
      },
    })
    await start({ provider: { acme: provider } })
    const begun = await started()
    expect((await visit(begun.callback, [begun.cookie])).status).toBe(502)
    expect(heard.join()).toContain('identity failed')
    expectSilence()
  })

  /** The provider repeats what it was sent: in a body, in a description, in a header. */
  const echoes: Record<
    string,
    (sent: string) => { status: number; headers: Record<string, string>; body: string }
  > = {
    'an OAuth error': (sent) => ({
      status: 400,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ error: 'invalid_grant', error_description: `refused ${sent}` }),
    }),
    'an error whose code it is': (sent) => ({
      status: 400,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ error: sent }),
    }),
    invalid_client: (sent) => ({
      status: 401,
      headers: {
        'content-type': 'application/json',
        'www-authenticate': `Basic realm="${sent.slice(0, 500)}"`,
      },
      body: JSON.stringify({ error: 'invalid_client', error_description: sent }),
    }),
    'a page': (sent) => ({
      status: 500,
      headers: { 'content-type': 'text/html' },
      body: `<pre>${sent}</pre>`,
    }),
    'broken JSON': (sent) => ({
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: `{"access_token": "${sent}`,
    }),
    'JSON of another shape': (sent) => ({
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify([sent]),
    }),
    'a wrong token type': (sent) => ({
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ access_token: sent, token_type: sent, id_token: sent }),
    }),
    'a redirect': (sent) => ({
      status: 302,
      headers: { location: `http://127.0.0.1:9/?${encodeURIComponent(sent)}` },
      body: sent,
    }),
    'a 429': (sent) => ({
      status: 429,
      headers: { 'content-type': 'text/plain', 'retry-after': '7' },
      body: sent,
    }),
  }

  test.each(Object.entries(echoes))(
    'is exposed when the token endpoint or userinfo responds with %s that repeats it',
    async (_, answer) => {
      await start()
      for (const endpoint of ['token', 'userinfo'] as const) {
        vendor.respond(endpoint, ({ body, headers }) =>
          answer(`${body} ${String(headers.authorization ?? '').replace(/^Bearer /, '')}`),
        )
        const begun = await started()
        const failed = await visit(begun.callback, [begun.cookie])
        expect(failed.status).toBeGreaterThanOrEqual(400)
        vendor.respond(endpoint, undefined)
      }
      expectSilence()
    },
  )

  test.each(['reset', 'truncated', 'hang', 'slow-body'] as const)(
    'is exposed when the connection to the provider fails (%s)',
    async (fault) => {
      await start({ timeouts: { provider: 0.2 } })
      for (const endpoint of ['token', 'userinfo', 'jwks'] as const) {
        const begun = await started()
        vendor.respond(endpoint, fault)
        await visit(begun.callback, [begun.cookie])
        vendor.respond(endpoint, undefined)
      }
      expectSilence()
    },
  )

  test('is exposed when an ID token is rejected', async () => {
    for (const signing of ['none', 'wrong-key', 'HS256-secret', 'bad-signature'] as const) {
      if (heard.length > 0) await server.close()
      await start()
      vendor.claims({}, { signing })
      const begun = await started()
      expect((await visit(begun.callback, [begun.cookie])).status).toBe(502)
    }
    vendor.claims()
    expectSilence()
  })

  test('is exposed when the rules deny a user, or a custom rule throws', async () => {
    await start({ provider: { acme: vendor.provider({ emailDomains: ['other.example'] }) } })
    const begun = await started()
    expect((await visit(begun.callback, [begun.cookie])).status).toBe(403)
    await server.close()
    await start({
      authorize: () => {
        throw new Error('the rule is broken')
      },
    })
    const second = await started()
    expect((await visit(second.callback, [second.cookie])).status).toBe(500)
    expectSilence()
  })

  test('is exposed when the store fails', async () => {
    await start()
    const session = await logIn()
    const { get, set, delete: remove } = store
    const fail = () => {
      throw new Error('connection refused')
    }
    Object.assign(store, { get: fail })
    expect((await visit('/deep', [session])).status).toBe(503)
    Object.assign(store, { get, set: fail })
    const begun = await started()
    expect((await visit(begun.callback, [begun.cookie])).status).toBe(503)
    Object.assign(store, { set, delete: fail })
    await visit('/auth/logout', [session], ['Sec-Fetch-Site: same-origin'])
    Object.assign(store, { delete: remove })
    expectSilence()
  })

  test('is exposed by re-checks: allowed, denied, ended, down, and a refresh error that repeats the request', async () => {
    const clock = fakeDate()
    await start({ authCheckInterval: 10, authCheckEarly: false })
    const session = await logIn()
    for (const answer of [undefined, ...Object.values(echoes)]) {
      clock.forward(4000)
      for (const endpoint of ['token', 'userinfo'] as const) {
        vendor.respond(
          endpoint,
          answer &&
            (({ body, headers }) =>
              answer(`${body} ${String(headers.authorization ?? '').replace(/^Bearer /, '')}`)),
        )
        await visit('/deep', [session])
        vendor.respond(endpoint, undefined)
        clock.forward(4000)
      }
    }
    const again = await logIn()
    vendor.revokeTokens()
    clock.forward(4000)
    await visit('/deep', [again])
    expectSilence()
  })
})
