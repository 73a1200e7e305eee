import http2 from 'node:http2'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import cookieParser from 'cookie-parser'
import express, { type Request } from 'express'
import session from 'express-session'
import { createProxyMiddleware } from 'http-proxy-middleware'
import { cookieStore, memoryStore, oauthModule, type OAuthModuleOptions } from '../../src/index.js'
import type { VendorServer } from '../../src/dev/vendors/index.js'
import { providerOf, startVendor } from '../support/providers.js'
import {
  bodyOf,
  type Gate,
  type GateSetup,
  secret,
  startGate,
  stopAll,
  stopping,
  valueOfCookie,
} from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { sendRawRequest } from '../support/raw.js'
import { listen } from '../support/server.js'

let vendor: VendorServer

beforeAll(async () => {
  vendor = await startVendor('oidc')
})
afterAll(stopAll)

const start = (options: Partial<OAuthModuleOptions> = {}, setup: GateSetup = {}) =>
  startGate({ provider: providerOf(vendor), ...options }, setup)

/** The session cookie of a new login. */
async function sessionOf(gate: Gate, path = '/', name?: string): Promise<string> {
  const browser = createBrowser()
  await browser.get(gate.url(path))
  return valueOfCookie(browser, gate.url(path), name)
}

/** What the app sees of a request with these `Cookie` headers. */
async function seenWith(gate: Gate, cookies: readonly string[], path = '/') {
  const headers = cookies.map((cookie) => `Cookie: ${cookie}`)
  const answer = await sendRawRequest(gate.port, { target: path, headers })
  if (answer.status !== 200) throw new Error(answer.text)
  const { headers: seen, rawHeaders, user, oauth } = bodyOf(answer)
  const raw = rawHeaders.filter((_, index) => /^cookie$/i.test(rawHeaders[index - 1] ?? ''))
  return { cookie: seen['cookie'], raw, user, oauth }
}

const nonce = `ngrok.nonce.0123abcd=${'n'.repeat(43)}`

describe('S-068 B8: the cookies of the gate are hidden from the app and from a proxy behind it', () => {
  test.each<[string, (own: string) => string[], string | undefined]>([
    ['a session cookie alone', (own) => [own], undefined],
    ['one at the beginning', (own) => [`${own}; a=1;b = "2" ; c`], 'a=1;b = "2" ; c'],
    ['one at the end', (own) => [`a=1; ${own}`], 'a=1'],
    ['one in the middle', (own) => [`a=1;  ${own};b=%C3%BC;;c=; =d`], 'a=1;b=%C3%BC;;c=; =d'],
    ['one with spaces around its name', (own) => [`a=1; ${own.replace('=', ' = ')}`], 'a=1'],
    ['two of the same name', (own) => [`ngrok.session=other; a=1; ${own}`], 'a=1'],
    [
      'all kinds of them',
      (own) => [`ngrok.session.2=x; ${nonce}; a=1; ${own}; ngrok.landed=x; ngrok.session.1=y`],
      'a=1',
    ],
    [
      'cookies with similar names, which stay',
      (own) => [
        `ngrok.session.3=x; ${own}; ngrok.sessions=x; xngrok.session=x; ngrok.nonce.x=y; ngrok.session`,
      ],
      'ngrok.session.3=x; ngrok.sessions=x; xngrok.session=x; ngrok.nonce.x=y; ngrok.session',
    ],
  ])('%s', async (_, cookiesOf, expected) => {
    const gate = await start()
    const seen = await seenWith(gate, cookiesOf(`ngrok.session=${await sessionOf(gate)}`))
    expect(seen.user).toMatchObject({ id: 'user-1' })
    expect(seen.cookie).toBe(expected)
    expect(seen.raw).toEqual(expected === undefined ? [] : [expected])
  })

  test('several Cookie headers of one request each lose them', async () => {
    const gate = await start()
    const own = `ngrok.session=${await sessionOf(gate)}`
    const seen = await seenWith(gate, ['a=1', own, `${nonce}; b=2`])
    expect(seen).toMatchObject({ cookie: 'a=1; b=2', raw: ['a=1', 'b=2'] })
  })

  test('of an anonymous and of an exempt request as well', async () => {
    const gate = await start({ unauthenticated: 'pass', optionsPassthrough: true })
    const cookie = `ngrok.session=${'x'.repeat(43)}; a=1`
    expect(await seenWith(gate, [cookie])).toMatchObject({ cookie: 'a=1', raw: ['a=1'] })
    const options = await sendRawRequest(gate.port, {
      method: 'OPTIONS',
      headers: [`Cookie: ${cookie}`],
    })
    expect(bodyOf(options).headers['cookie']).toBe('a=1')
  })

  test('the app sees them with cookie.forward, and behind a disabled gate', async () => {
    const cookie = `a=1; ngrok.session=${'x'.repeat(43)}; ${nonce}`
    const forwarding = await start({ cookie: { forward: true }, unauthenticated: 'pass' })
    expect(await seenWith(forwarding, [cookie])).toMatchObject({ cookie, raw: [cookie] })
    const disabled = await start({ enabled: false })
    expect(await seenWith(disabled, [cookie])).toMatchObject({ cookie, raw: [cookie] })
  })

  test('all parts of a session in several cookies of cookieStore()', async () => {
    const large = await startVendor('oidc', { settings: { tokenLength: 4000 } })
    const gate = await startGate({ provider: providerOf(large), store: cookieStore() })
    const browser = createBrowser()
    await browser.get(gate.url('/'))
    const own = browser.cookies(gate.origin).map(({ key, value }) => `${key}=${value}`)
    expect(own.join()).toMatch(/ngrok\.session\.1=/)
    const seen = await seenWith(gate, [['a=1', ...own].join('; ')])
    expect(seen.user).not.toBeNull()
    expect(seen).toMatchObject({ cookie: 'a=1', raw: ['a=1'] })
  })

  test('headersDistinct and headers stay the same, even if middleware read them before', async () => {
    const read = (req: IncomingMessage) => [req.headersDistinct['cookie'], req.headers.cookie]
    for (const isReadBefore of [true, false])
      for (const others of ['a=1', undefined]) {
        const gate = await start(undefined, {
          before: (app) =>
            void app.use((req, _res, next) => {
              if (isReadBefore) void req.headersDistinct
              next()
            }),
          routes: (app) => void app.get('/', (req, res) => void res.json(read(req))),
        })
        const own = `ngrok.session=${await sessionOf(gate)}`
        const cookie = others === undefined ? own : `${own}; ${others}`
        const answer = await sendRawRequest(gate.port, { headers: [`Cookie: ${cookie}`, 'X: y'] })
        expect(JSON.parse(answer.body)).toEqual(others ? [[others], others] : [null, null])
      }
  })

  test('under the names that https cookies have', async () => {
    const gate = await start({ cookie: { secure: true }, unauthenticated: 'pass' }, { mount: '/' })
    const names = ['__Host-ngrok.session', '__Host-ngrok.nonce.0123abcd', '__Host-ngrok.landed']
    const cookie = [...names, 'ngrok.session', '__Secure-x'].map((name) => `${name}=1`).join('; ')
    expect((await seenWith(gate, [cookie])).cookie).toBe('ngrok.session=1; __Secure-x=1')
    const mounted = await start(
      { cookie: { secure: true }, unauthenticated: 'pass' },
      { mount: '/m' },
    )
    expect(
      (await seenWith(mounted, ['__Secure-ngrok.session=1; __Host-ngrok.session=2'], '/m')).cookie,
    ).toBe('__Host-ngrok.session=2')
  })

  test('hooks of the app get the request without them', async () => {
    const seen: unknown[] = []
    const note = ({ headers }: IncomingMessage) => void seen.push(headers.cookie)
    const gate = await start({
      authorize: (_user, req) => {
        note(req)
        return true
      },
      onError: (_error, req, _res, next) => {
        note(req)
        next()
      },
      unauthenticated: 'reject',
    })
    const browser = createBrowser()
    browser.setCookie('a=1', gate.origin)
    await browser.get(gate.url('/auth/authn'))
    browser.setCookie('ngrok.session=x', gate.origin)
    await browser.get(gate.url('/'))
    expect(seen).toEqual(['a=1', 'a=1'])
  })

  test('HTTP/2 with several cookie headers', async () => {
    const auth = oauthModule({ provider: providerOf(vendor), secret, unauthenticated: 'pass' })
    const server = http2.createServer((req, res) => {
      auth(req as unknown as IncomingMessage, res as unknown as ServerResponse, () => {
        res.end(JSON.stringify([req.headers.cookie, req.rawHeaders]))
      })
    })
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    const client = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const ask = async (cookie: string[]) => {
      const [joined, raw] = JSON.parse(await text(client.request({ cookie }))) as [string, string[]]
      return [joined, raw.filter((_, index) => raw[index - 1] === 'cookie')]
    }
    expect(await ask(['a=1', 'ngrok.session=x', 'b=2'])).toEqual(['a=1; b=2', ['a=1', 'b=2']])
    expect(await ask(['ngrok.session=x', nonce])).toEqual([null, []])
    client.close()
    server.close()
    await auth.close()
  })
})

describe('B8: what needs the cookies of the gate still works', () => {
  test('guards, authenticate(), logout and getAccessToken() behind it', async () => {
    const gate = await start(
      { store: memoryStore() },
      {
        routes: (app, auth) => {
          app.get('/guarded', auth.requireAuth({ maxAge: 60 }), (_req, res) => void res.json('in'))
          app.get('/context', (req, res, next) => {
            auth
              .authenticate(req)
              .then(async (context) => {
                const token = await req.oauth.getAccessToken()
                res.json([context?.user?.id, typeof token, req.oauth.logoutUrl()])
              })
              .catch(next)
          })
        },
      },
    )
    const browser = createBrowser()
    await browser.get(gate.url('/'))
    expect((await browser.get(gate.url('/guarded'))).body).toBe('"in"')
    const { body } = await browser.get(gate.url('/context'))
    expect(JSON.parse(body)).toEqual(['user-1', 'string', '/auth/logout'])
    await browser.get(gate.url('/auth/logout'))
    expect((await browser.get(gate.url('/'), { follow: false })).status).toBe(302)
  })

  test('other gates on the request, with the same cookie name or another prefix, see theirs', async () => {
    const options = { provider: providerOf(vendor), secret }
    const inner = oauthModule(options)
    const side = oauthModule({ ...options, cookiePrefix: 'side.' })
    const gate = await start(undefined, {
      routes: (app) => {
        app.use('/both/inner', inner)
        app.use('/both/side', side)
      },
    })
    stopping({ close: () => inner.close() })
    stopping({ close: () => side.close() })
    const browser = createBrowser()
    for (const path of ['/both/inner', '/both/side', '/both/inner', '/both/side', '/both']) {
      const page = await browser.get(gate.url(path))
      expect([page.url, page.status]).toEqual([gate.url(path), 200])
      // A request to one gate shows the app the cookies that only the other reads.
      expect(bodyOf(page).headers['cookie'] ?? '').not.toContain('ngrok.')
    }
    browser.clearCookies()
    for (const path of ['/both/inner', '/both/side']) await browser.get(gate.url(path))
    for (const path of ['/both/inner', '/both/side'])
      expect((await browser.get(gate.url(path), { follow: false })).status).toBe(200)
  })

  test('cookie-parser in front of the gate and behind it', async () => {
    const seen = ({ cookies }: Request): unknown => cookies
    for (const isBefore of [true, false]) {
      const gate = await start(undefined, {
        before: (app) => void (isBefore && app.use(cookieParser())),
        routes: (app) => {
          app.use(cookieParser())
          app.get('/', (req, res) => void res.json(seen(req)))
        },
      })
      const browser = createBrowser()
      browser.setCookie('a=1', gate.origin)
      const { body } = await browser.get(gate.url('/'))
      expect(JSON.parse(body)).toMatchObject({ a: '1' })
      if (!isBefore) expect(JSON.parse(body)).toEqual({ a: '1' })
    }
  })

  test('express-session behind the gate keeps its own session', async () => {
    const gate = await start(undefined, {
      routes: (app) => {
        app.use(session({ secret, resave: false, saveUninitialized: true }))
        app.get('/', (req, res) => void res.json([req.sessionID, req.headers.cookie ?? null]))
      },
    })
    const browser = createBrowser()
    const first = JSON.parse((await browser.get(gate.url('/'))).body) as unknown[]
    const second = JSON.parse((await browser.get(gate.url('/'))).body) as unknown[]
    expect(second[0]).toBe(first[0])
    expect(second[1]).toMatch(/^connect\.sid=[^;]+$/)
  })

  test('a proxy behind the gate sends the cookies of the app only', async () => {
    const upstream = stopping(await listen((req, res) => res.end(JSON.stringify(req.headers))))
    const gate = await start(undefined, {
      routes: (app) => void app.use(createProxyMiddleware({ target: upstream.origin })),
    })
    const browser = createBrowser()
    const alone = JSON.parse((await browser.get(gate.url('/'))).body) as Record<string, string>
    expect(alone['ngrok-auth-user-id']).toBe('user-1')
    expect(alone).not.toHaveProperty('cookie')
    browser.setCookie('a=1', gate.origin)
    expect(JSON.parse((await browser.get(gate.url('/'))).body)).toMatchObject({ cookie: 'a=1' })
  })

  test('a socket is authenticated, and its request reaches a proxy without them', async () => {
    const gate = await start()
    const own = `ngrok.session=${await sessionOf(gate)}`
    gate.server.on('upgrade', (req: IncomingMessage, socket) => {
      void gate.middleware.authenticate(req).then(async (first) => {
        const second = await gate.middleware.authenticate(req)
        const { cookie } = req.headers
        const body = JSON.stringify([first?.user?.id, second?.user?.id, cookie, req.rawHeaders])
        socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
      })
    })
    const answer = await sendRawRequest(gate.port, {
      headers: ['Upgrade: websocket', 'Connection: Upgrade', `Cookie: ${own}; a=1`],
    })
    expect(answer.body).toContain('["user-1","user-1","a=1",')
    expect(answer.body).not.toContain('ngrok.session')
  })

  test('two gates authenticate a socket over https, although only the hidden cookie shows its scheme', async () => {
    const gates = [0, 1].map(() => oauthModule({ provider: providerOf(vendor), secret }))
    for (const gate of gates) stopping({ close: () => gate.close() })
    const { server, port } = stopping(await listen((_req, res) => res.end()))
    const seen: unknown[] = []
    server.on('upgrade', (req: IncomingMessage, socket) => {
      void (async () => {
        for (const gate of gates) await gate.authenticate(req)
        seen.push(req.headers.cookie)
        socket.end('HTTP/1.1 204 OK\r\n\r\n')
      })()
    })
    await sendRawRequest(port, {
      headers: [
        'Host: app.example',
        'Upgrade: websocket',
        'Connection: Upgrade',
        'Cookie: a=1; __Host-ngrok.session=x; ngrok.session=over http',
      ],
    })
    expect(seen).toEqual(['a=1; ngrok.session=over http'])
  })

  test('logging the request does not show them', async () => {
    const { inspect } = await import('node:util')
    const app = express()
    const auth = oauthModule({ provider: providerOf(vendor), secret })
    stopping({ close: () => auth.close() })
    app.use(auth, (req, res) => {
      res.json([
        inspect(req.headers, { showHidden: true }),
        inspect(req.rawHeaders),
        { ...req.headers },
      ])
    })
    const server = stopping(await listen(app))
    const browser = createBrowser()
    const { body } = await browser.get(server.origin)
    expect(body).toContain('ngrok-auth-user-id')
    expect(body).not.toContain(valueOfCookie(browser, server.origin))
    // Printed as any plain object, and without tokens.
    expect(JSON.parse(body)).toEqual([
      expect.stringMatching(/^\{/),
      expect.anything(),
      expect.anything(),
    ])
    expect(body).not.toContain('token')
  })

  test.each([{}, { forwardTokens: false as const }, { unauthenticated: 'pass' as const }])(
    'with %j, fetch() accepts the headers of a request, also behind a guard',
    async (options) => {
      const auth = oauthModule({ provider: providerOf(vendor), secret, ...options })
      stopping({ close: () => auth.close() })
      const guard = options.unauthenticated === 'pass' ? [] : [auth.requireAuth()]
      const server = stopping(
        await listen(
          express().use(auth, ...guard, (req, res) => {
            const copied = new Headers(req.headers as Record<string, string>)
            res.json([copied.get('accept'), copied.get('cookie')])
          }),
        ),
      )
      const { body } = await createBrowser().get(server.origin)
      expect(JSON.parse(body)).toEqual([expect.stringContaining('text/html'), null])
    },
  )
})
