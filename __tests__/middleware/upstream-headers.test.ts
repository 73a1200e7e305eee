import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { RequestHandler } from 'express'
import { createProxyMiddleware } from 'http-proxy-middleware'
import { pino } from 'pino'
import { oauthModule, type OAuthModuleOptions } from '../../src/index.js'
import { startVendor, type VendorServer, type VendorUser } from '../../src/dev/vendors/index.js'
import { triedTimes } from '../support/cases.js'
import {
  bodyOf,
  type Gate,
  oidcOf,
  secret,
  startGate,
  stopAll,
  stopping,
  valueOfCookie,
} from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { sendRawRequest } from '../support/raw.js'
import { listen } from '../support/server.js'

let oidc: VendorServer
let github: VendorServer
let ida: VendorUser

beforeAll(async () => {
  oidc = stopping(await startVendor('oidc'))
  github = stopping(await startVendor('github'))
})
beforeEach(() => {
  ida = structuredClone(oidc.user)
})
afterEach(() => {
  oidc.user = ida
  oidc.settings.tokenLength = 40
})
afterAll(stopAll)

const start = (options: Partial<OAuthModuleOptions> = {}, more: Record<string, unknown> = {}) =>
  startGate({ provider: { idp: oidcOf(oidc, more) }, ...options })

/** What the app gets: the headers that begin with one of these. */
async function headersAt(
  gate: Gate,
  prefixes = ['ngrok-auth-', 'x-'],
): Promise<Record<string, string>> {
  const { headers } = bodyOf(await createBrowser().get(gate.url('/')))
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => prefixes.some((prefix) => name.startsWith(prefix))),
  )
}

describe('the names', () => {
  test('of ngrok, for GitHub and for others', async () => {
    const token = expect.stringMatching(/^gho_\w+$/)
    expect(await headersAt(await startGate({ provider: { github: github.options } }))).toEqual({
      'ngrok-auth-user-id': '583231',
      'ngrok-auth-user-name': 'Octavia Cole',
      'ngrok-auth-user-email': 'octavia@acme.example',
      'ngrok-auth-github-user-id': 'octavia',
      'ngrok-auth-oauth-access-token': token,
    })
    const names = Object.keys(await headersAt(await start({}, { offlineAccess: true }))).sort()
    expect(names).toEqual(
      ['access-token', 'refresh-token']
        .map((name) => `ngrok-auth-oauth-${name}`)
        .concat(['email', 'id', 'name'].map((name) => `ngrok-auth-user-${name}`)),
    )
  })

  test('of a custom prefix, without tokens unless configured', async () => {
    expect(await headersAt(await start({ headerPrefix: 'x-acme-' }))).toEqual({
      'x-acme-user-id': 'user-1',
      'x-acme-user-name': 'Ida Novak',
      'x-acme-user-email': 'ida@acme.example',
    })
    const withTokens = await headersAt(
      await start({ headerPrefix: 'x-acme-', forwardTokens: 'access' }, { offlineAccess: true }),
    )
    expect(Object.keys(withTokens)).toContain('x-acme-oauth-access-token')
    expect(Object.keys(withTokens)).not.toContain('x-acme-oauth-refresh-token')
  })

  test('S-079 none with headerPrefix false, and no tokens with forwardTokens false', async () => {
    expect(await headersAt(await start({ headerPrefix: false }))).toEqual({})
    expect(Object.keys(await headersAt(await start({ forwardTokens: false })))).toEqual([
      'ngrok-auth-user-id',
      'ngrok-auth-user-name',
      'ngrok-auth-user-email',
    ])
  })
})

describe('the values', () => {
  test.each<[string, unknown, string | undefined]>([
    ['beyond ASCII', 'Þóra 日本', '%C3%9E%C3%B3ra %E6%97%A5%E6%9C%AC'],
    ['with a percent sign', '100% Ida', '100%25 Ida'],
    ['with a line break', 'a\r\nngrok-auth-user-id: evil', 'a%0D%0Angrok-auth-user-id: evil'],
    ['with NUL and DEL', 'a\u0000\u007fb', 'a%00%7Fb'],
    ['beyond the first plane', '🦉', '%F0%9F%A6%89'],
    ['half a pair', 'a\ud800', 'a%EF%BF%BD'],
    ['empty', '', undefined],
    ['whitespace', ' ', undefined],
    ['null', null, undefined],
    ['an object', { x: 1 }, undefined],
    ['a list', ['x'], undefined],
    ['a number', 7, undefined],
    ['too long', 'x'.repeat(1500), undefined],
  ])('S-075 S-076 a name %s', async (_, name, expected) => {
    oidc.user.claims = { name }
    const headers = await headersAt(await start())
    expect(headers['ngrok-auth-user-name']).toBe(expected)
    expect(headers['ngrok-auth-user-id']).toBe('user-1')
  })

  test('S-075 every request of such a user can be forwarded', async () => {
    oidc.user.claims = { name: '日本\r\n\u0000\u007f', email: 'ñ@acme.example' }
    const upstream = createServer((req, res) =>
      res.end(String(req.headers['ngrok-auth-user-name'])),
    )
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
    const gate = await startGate(
      { provider: { idp: oidcOf(oidc) } },
      {
        routes: (app) =>
          app.use((req, res) => {
            const onward = request(
              { port: (upstream.address() as AddressInfo).port, headers: req.headers, path: '/' },
              (answer) => void answer.pipe(res),
            )
            onward.end()
          }),
      },
    )
    const page = await createBrowser().get(gate.url('/'))
    upstream.close().closeAllConnections()
    expect([page.status, page.body]).toEqual([200, '%E6%97%A5%E6%9C%AC%0D%0A%00%7F'])
  })

  test('S-076 an unverified email is absent', async () => {
    oidc.user.emailVerified = false
    expect(await headersAt(await start())).not.toHaveProperty('ngrok-auth-user-email')
  })

  test('S-075 a token of more than 8 KiB is absent from the headers, though req.oauth has it', async () => {
    oidc.settings.tokenLength = 9000
    const gate = await startGate(
      { provider: { idp: oidcOf(oidc) } },
      {
        routes: (app) =>
          app.get(
            '/length',
            (req, res) =>
              void res.json([
                req.headers['ngrok-auth-oauth-access-token'] ?? null,
                req.oauth.accessToken?.length,
              ]),
          ),
      },
    )
    expect((await createBrowser().get(gate.url('/length'))).body).toBe('[null,9000]')
  })

  test('token headers are decrypted only when they are read or copied', async () => {
    const found: unknown[] = []
    const gate = await startGate(
      { provider: { idp: oidcOf(oidc) }, forwardTokens: true },
      {
        routes: (app) =>
          app.get('/lazy', (req, res) => {
            const descriptor = Object.getOwnPropertyDescriptor(
              req.headers,
              'ngrok-auth-oauth-access-token',
            )
            found.push(
              typeof descriptor?.get,
              descriptor?.enumerable,
              { ...req.headers }['ngrok-auth-oauth-access-token'] === req.oauth.accessToken,
            )
            req.headers['ngrok-auth-oauth-access-token'] = 'changed'
            found.push(req.headers['ngrok-auth-oauth-access-token'])
            delete req.headers['ngrok-auth-oauth-access-token']
            found.push('ngrok-auth-oauth-access-token' in req.headers)
            res.end()
          }),
      },
    )
    await createBrowser().get(gate.url('/lazy'))
    expect(found).toEqual(['function', true, true, 'changed', false])
  })
})

describe('the option forwardTokens', () => {
  const names = ['ngrok-auth-oauth-access-token', 'ngrok-auth-oauth-refresh-token']

  /** The lengths of the tokens: read by name, in a copy, in a log of pino, and at an upstream. */
  async function tokensWith(options: Partial<OAuthModuleOptions>, read = names) {
    const upstream = stopping(await listen((req, res) => res.end(JSON.stringify(req.headers))))
    const lengths = (headers: IncomingHttpHeaders) =>
      read.map((name) => String(headers[name] ?? '').length)
    const log: string[] = []
    const logger = pino({ serializers: pino.stdSerializers }, { write: (line) => log.push(line) })
    const gate = await startGate(
      { provider: { idp: oidcOf(oidc, { offlineAccess: true }) }, ...options },
      {
        routes: (app) => {
          app.get('/seen', (req, res) => {
            logger.info({ req })
            const [line = ''] = log
            const logged = (JSON.parse(line) as { req: IncomingMessage }).req.headers
            const byName = Object.fromEntries(read.map((name) => [name, req.get(name)]))
            res.json([lengths(byName), lengths({ ...req.headers }), lengths(logged)])
          })
          app.use(createProxyMiddleware({ target: upstream.origin }))
        },
      },
    )
    const browser = createBrowser()
    const [byName, copied, logged] = JSON.parse(
      (await browser.get(gate.url('/seen'))).body,
    ) as number[][]
    const proxied = lengths(
      JSON.parse((await browser.get(gate.url('/'))).body) as IncomingHttpHeaders,
    )
    const said = gate.logged.filter((line) => line.includes('forwardTokens'))
    return { byName, copied, logged, proxied, said }
  }

  test("with 'hidden', the default with ngrok's names, tokens can be read by name, and neither a logger nor a proxy copies them", async () => {
    const none = [0, 0]
    const expected = { byName: [40, 40], copied: none, logged: none, proxied: none }
    for (const options of [{}, { forwardTokens: 'hidden' as const }]) {
      const tokens = await tokensWith(options)
      expect(tokens).toMatchObject(expected)
      expect(tokens.said).toEqual([expect.stringMatching(/^info .*by name.*'hidden'/)])
    }
  })

  test('with true, proxies and loggers copy both tokens', async () => {
    const all = [40, 40]
    const tokens = await tokensWith({ forwardTokens: true })
    expect(tokens).toMatchObject({ byName: all, copied: all, logged: all, proxied: all })
    expect(tokens.said).toEqual([expect.stringMatching(/^info .*access and refresh tokens/)])
  })

  test("with 'access', they copy the access token, and there is no refresh token", async () => {
    const one = [40, 0]
    const tokens = await tokensWith({ forwardTokens: 'access' })
    expect(tokens).toMatchObject({ byName: one, copied: one, logged: one, proxied: one })
    expect(tokens.said).toEqual([expect.stringMatching(/^info .*contain access tokens/)])
  })

  test('with false, the default with other names, there are no tokens', async () => {
    for (const options of [
      { forwardTokens: false },
      { headerPrefix: 'x-acme-' },
      { headerPrefix: 'oauth2-proxy' },
    ]) {
      const prefix = options.headerPrefix === 'x-acme-' ? 'x-acme-oauth-' : 'x-forwarded-'
      const read = [`${prefix}access-token`, ...names]
      const tokens = await tokensWith(options, read)
      expect([tokens.byName, tokens.proxied].flat()).toEqual([0, 0, 0, 0, 0, 0])
      expect(tokens.said).toEqual([expect.stringMatching(/^info .*contain no tokens/)])
    }
  })

  test("'hidden' applies to other names as well", async () => {
    const tokens = await tokensWith({ headerPrefix: 'x-acme-', forwardTokens: 'hidden' }, [
      'x-acme-oauth-access-token',
    ])
    expect(tokens).toMatchObject({ byName: [40], copied: [0], logged: [0], proxied: [0] })
  })

  test.each<[OAuthModuleOptions['forwardTokens'], number[]]>([
    [true, [40, 40]],
    ['access', [40, 0]],
    [false, [0, 0]],
    ['hidden', [0, 0]],
  ])('with %j, new Headers(req.headers) has what a proxy copies', async (mode, expected) => {
    const gate = await startGate(
      { provider: { idp: oidcOf(oidc, { offlineAccess: true }) }, forwardTokens: mode },
      {
        routes: (app) => {
          app.get('/copied', (req, res) => {
            const copied = new Headers(req.headers as Record<string, string>)
            const isWhole = [...copied].length === Object.keys(req.headers).length
            res.json([isWhole, names.map((name) => (copied.get(name) ?? '').length)])
          })
        },
      },
    )
    const answer = await createBrowser().get(gate.url('/copied'))
    expect(JSON.parse(answer.body)).toEqual([true, expected])
  })

  test.each<[outer: string, inner: string, visible: string[]]>([
    ['x-outer-', 'x-inner-', ['x-inner-oauth-access-token', 'x-outer-oauth-access-token']],
    ['ngrok-auth-', 'x-inner-', ['x-inner-oauth-access-token']],
  ])('hidden tokens of two gates, %s and %s', async (headerPrefix, innerPrefix, visible) => {
    const options = { provider: { idp: oidcOf(oidc) }, secret, forwardTokens: 'hidden' as const }
    const inner = oauthModule({ ...options, headerPrefix: innerPrefix, cookiePrefix: 'inner.' })
    stopping({ close: () => inner.close() })
    const gate = await startGate(
      { ...options, headerPrefix },
      { routes: (app) => void app.use('/inner', inner) },
    )
    const browser = createBrowser()
    for (let visit = 0; visit < 2; visit++) {
      const { headers } = bodyOf(await browser.get(gate.url('/inner')))
      const tokens = Object.keys(headers).filter((name) => name.endsWith('-access-token'))
      expect(tokens.sort()).toEqual(visible)
    }
  })

  test.each(['', ', whose other headers are gone'])(
    'an inner gate removes hidden tokens of the outer one%s',
    async (gone) => {
      const inner = oauthModule({
        provider: { idp: oidcOf(oidc) },
        secret,
        cookiePrefix: 'inner.',
        unauthenticated: 'pass',
      })
      stopping({ close: () => inner.close() })
      const removeOthers: RequestHandler = ({ headers }, _res, next) => {
        for (const name of Object.keys(headers))
          if (name.startsWith('ngrok-auth-')) Reflect.deleteProperty(headers, name)
        next()
      }
      const gate = await startGate(
        { provider: { idp: oidcOf(oidc) } },
        {
          routes: (app) => {
            if (gone !== '') app.use(removeOthers)
            app.use('/inner', inner)
          },
        },
      )
      const { headers } = bodyOf(await createBrowser().get(gate.url('/inner')))
      expect(Object.keys(headers).filter((name) => name.startsWith('ngrok-auth-'))).toEqual([])
    },
  )
})

describe('S-072 forged headers', () => {
  const forged = [
    'ngrok-auth-user-id: forged',
    'Ngrok-Auth-User-Email: forged',
    'NGROK_AUTH_USER_NAME: forged',
    'ngrok.auth.user.id: forged',
    'ngrok-auth_oauth-access-token: forged',
    'ngrok~auth~x: forged',
    'Ngrok-Auth-User-Id: forged again',
    'ngrok--auth--user-id: forged',
    'x-ngrok-auth-user-id: mine',
    'ngrok-trace-id: mine',
    'x-forwarded-user: mine',
  ]
  test('are removed in every spelling, from every header collection, and other headers of the client stay', async () => {
    for (const framework of ['express', 'connect', 'http'] as const) {
      const gate = await startGate({ provider: { idp: oidcOf(oidc) } }, { framework })
      const browser = createBrowser()
      await browser.get(gate.url('/'))
      const answer = await sendRawRequest(gate.port, {
        headers: [...forged, `Cookie: ngrok.session=${valueOfCookie(browser, gate.origin)}`],
      })
      expect(answer.status).toBe(200)
      expect(answer.body).not.toContain('forged')
      const { headers, rawHeaders } = bodyOf(answer)
      expect(headers).toMatchObject({
        'x-ngrok-auth-user-id': 'mine',
        'ngrok-trace-id': 'mine',
        'x-forwarded-user': 'mine',
        'ngrok-auth-user-id': 'user-1',
      })
      expect(rawHeaders.length % 2).toBe(0)
    }
  })

  test('are removed under a custom prefix and a preset, and under the ngrok names always', async () => {
    for (const [headerPrefix, mine, line] of [
      ['x-acme-', 'x-acme-user-id', 'X_Acme_User_Id: forged'],
      ['oauth2-proxy', 'x-forwarded-user', 'X.Forwarded.User: forged'],
      [false, '', 'x-other: x'],
    ] as const) {
      const gate = await start({ headerPrefix, unauthenticated: 'pass' })
      const answer = await sendRawRequest(gate.port, {
        headers: [
          line,
          'ngrok-auth-user-id: forged',
          'x-forwarded-proto: https',
          ...(mine ? [`${mine}: forged`] : []),
        ],
      })
      expect(answer.body).not.toContain('forged')
      expect(bodyOf(answer).headers['x-forwarded-proto']).toBe('https')
    }
  })

  test('are removed from every header collection even if an earlier middleware deleted them from req.headers', async () => {
    const gate = await startGate(
      { provider: { idp: oidcOf(oidc) }, unauthenticated: 'pass' },
      {
        before: (app) =>
          app.use((req, _res, next) => {
            delete req.headers['ngrok-auth-user-id']
            next()
          }),
        routes: (app) =>
          app.use((req, res) => void res.json([req.headers, req.headersDistinct, req.rawHeaders])),
      },
    )
    for (const name of ['ngrok-auth-user-id', 'Ngrok-Auth-User-Id', 'NGROK-AUTH-USER-ID']) {
      expect(
        (await sendRawRequest(gate.port, { headers: [`${name}: forged`, 'x-mine: kept'] })).body,
      ).toMatch(/^(?!.*forged).*kept/s)
    }
  })

  test('are removed over HTTP/2 as well, without a crash', async () => {
    const middleware = oauthModule({
      provider: { idp: oidcOf(oidc) },
      baseUrl: 'https://app.example',
      secret,
      unauthenticated: 'pass',
    })
    const server = http2.createServer((req, res) => {
      // The compatibility API of HTTP/2 has other classes than HTTP/1.
      middleware(req as unknown as IncomingMessage, res as unknown as ServerResponse, () => {
        res.end(JSON.stringify([req.headers, req.rawHeaders]))
      })
    })
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    const client = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const stream = client.request({
      'ngrok-auth-user-id': 'forged',
      ngrok_auth_user_id: 'forged',
      'x-mine': 'kept',
    })
    expect(await text(stream)).toMatch(/^(?!.*forged).*kept/s)
    client.close()
    server.close()
    await middleware.close()
  })

  test('S-074 Connection cannot name an identity header', async () => {
    const gate = await start({ unauthenticated: 'pass' })
    const answer = await sendRawRequest(gate.port, {
      headers: ['Connection: close, ngrok-auth-user-id, NGROK_AUTH_USER_EMAIL, x-mine'],
    })
    expect(bodyOf(answer).headers['connection']).toBe('close, x-mine')
    expect(bodyOf(answer).rawHeaders.join()).not.toMatch(/ngrok.auth/i)
  })

  test('S-073 are removed from anonymous requests as well, which get no identity', async () => {
    const gate = await start({ unauthenticated: 'pass' })
    const answer = await sendRawRequest(gate.port, { headers: forged })
    expect(answer.body).not.toContain('forged')
    expect(
      Object.keys(bodyOf(answer).headers).filter((name) => name.startsWith('ngrok-auth')),
    ).toEqual([])
  })

  test('S-077 concurrent users each get their own headers', async () => {
    const gate = await start()
    const cookies: string[] = []
    for (let index = 0; index < 20; index++) {
      oidc.user.claims = { sub: `user-${index}`, name: `Name ${index}` }
      const browser = createBrowser()
      await browser.get(gate.url('/'))
      cookies.push(`ngrok.session=${valueOfCookie(browser, gate.origin)}`)
    }
    const wrong: string[] = []
    triedTimes(400)
    await Promise.all(
      Array.from({ length: 400 }, async (_, count) => {
        const index = (count * 7) % cookies.length
        const { headers, user } = bodyOf(
          await createBrowser().get(gate.url(`/${count}`), { headers: { Cookie: cookies[index] } }),
        )
        if (headers['ngrok-auth-user-id'] !== `user-${index}` || user?.['name'] !== `Name ${index}`)
          wrong.push(`${count}`)
      }),
    )
    expect(wrong).toEqual([])
  })
})
