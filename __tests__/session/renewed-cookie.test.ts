import { once } from 'node:events'
import { get, type ServerResponse } from 'node:http'
import {
  connect,
  createServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type IncomingHttpHeaders,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import session from 'express-session'
import { createProxyMiddleware } from 'http-proxy-middleware'
import { cookieStore, type OAuthModuleOptions } from '../../src/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { fakeDate, realDate } from '../support/clock.js'
import { type GateSetup, oidcOf, startGate, stopAll, stopping } from '../support/gate.js'
import { createBrowser, type Page } from '../support/jar.js'
import { listen } from '../support/server.js'

let vendor: VendorServer

beforeAll(async () => {
  vendor = stopping(await startVendor('oidc'))
})
afterEach(realDate)
afterAll(stopAll)

type Listener = (req: Http2ServerRequest, res: Http2ServerResponse, next: () => void) => void
type Respond = (res: ServerResponse) => unknown

/** How apps set cookies. */
const ways: Record<string, Respond> = {
  'setHeader with a string': (res) => res.setHeader('Set-Cookie', 'theme=dark').end(),
  'setHeader with an array': (res) => res.setHeader('set-cookie', ['theme=dark', 'b=2']).end(),
  'setHeader after removeHeader': (res) => {
    res.removeHeader('Set-Cookie')
    res.setHeader('Set-Cookie', 'theme=dark').end()
  },
  'writeHead with an object': (res) => res.writeHead(200, { 'Set-Cookie': 'theme=dark' }).end(),
  'writeHead with an object of arrays': (res) =>
    res.writeHead(200, 'Fine', { 'SET-COOKIE': ['theme=dark', 'b=2'] }).end(),
  'writeHead with a flat array': (res) =>
    res.writeHead(200, ['Set-Cookie', 'theme=dark', 'x-mine', '1', 'set-cookie', 'b=2']).end(),
  'writeHead with a flat array of arrays': (res) =>
    res.writeHead(200, ['Set-Cookie', ['theme=dark', 'b=2']]).end(),
  'writeHead with an array of arrays': (res) =>
    res
      .writeHead(200, [
        ['Set-Cookie', 'theme=dark'],
        ['set-cookie', 'b=2'],
      ] as never)
      .end(),
  'setHeaders with a Map': (res) =>
    res.setHeaders(new Map([['set-cookie', ['theme=dark', 'b=2']]])).end(),
  'setHeaders with Headers': (res) =>
    res
      .setHeaders(
        new Headers([
          ['Set-Cookie', 'theme=dark'],
          ['Set-Cookie', 'b=2'],
        ]),
      )
      .end(),
  appendHeader: (res) => res.appendHeader('Set-Cookie', 'theme=dark').end(),
  'setHeader before flushHeaders': (res) => {
    res.setHeader('Set-Cookie', 'theme=dark').flushHeaders()
    res.end('late')
  },
  'setHeader before write': (res) => {
    res.setHeader('Set-Cookie', 'theme=dark').write('a part')
    res.end()
  },
}

/** An app whose next response renews the session cookie. */
async function renewing(setup: GateSetup, options: Partial<OAuthModuleOptions> = {}) {
  const clock = fakeDate()
  const provider = { idp: oidcOf(vendor) }
  const gate = await startGate(
    { provider, store: cookieStore(), inactivityTimeout: 600, ...options },
    setup,
  )
  const browser = createBrowser()
  await browser.get(gate.url('/auth/authn'))
  return {
    gate,
    browser,
    /** Requests the path when the cookie is due. */
    async renew(path: string): Promise<Page> {
      clock.forward(61)
      const page = await browser.get(gate.url(path), { follow: false })
      // The first cookie is no longer valid then; the renewed one is.
      clock.forward(580)
      const later = await browser.get(gate.url('/later'), { follow: false })
      expect(later.status).not.toBe(302)
      return page
    },
  }
}

const names = ({ setCookie }: Pick<Page, 'setCookie'>) =>
  setCookie.map((line) => line.slice(0, line.indexOf('='))).sort()

describe('B9: a renewed session cookie and the cookie of the app both survive', () => {
  test.each(Object.entries(ways))('%s', async (_way, respond) => {
    const { renew } = await renewing({
      routes: (app) => void app.get('/way', (_req, res) => void respond(res)),
    })
    const page = await renew('/way')
    const all = names(page)
    expect(all).toContain('theme')
    expect(all.filter((name) => name === 'ngrok.session')).toHaveLength(1)
    expect(page.headers['cache-control']).toBe('private, no-store')
  })

  test('res.cookie() of Express, and a cookie that was set before the gate', async () => {
    const { renew } = await renewing({
      before: (app) =>
        void app.use((_req, res, next) => {
          res.cookie('early', '1')
          next()
        }),
      routes: (app) => void app.get('/way', (_req, res) => void res.cookie('late', '2').send('x')),
    })
    expect(names(await renew('/way'))).toEqual(['early', 'late', 'ngrok.session'])
  })

  test.each(['before', 'behind'])('express-session %s the gate', async (place) => {
    const sessions = session({ secret: 'x', resave: false, saveUninitialized: true })
    const { renew, browser } = await renewing({
      before: (app) => void (place === 'before' && app.use(sessions)),
      routes: (app) => {
        if (place === 'behind') app.use('/way', sessions)
        app.get('/way', (req, res) => {
          req.session.regenerate(() => void res.writeHead(200, { 'x-mine': '1' }).end('x'))
        })
      },
    })
    const page = await renew('/way')
    expect([names(page), page.headers['x-mine']]).toEqual([['connect.sid', 'ngrok.session'], '1'])
    expect(browser.cookies(page.url)).toHaveLength(2)
  })

  test('http-proxy-middleware, and a proxy that copies the raw headers of its upstream', async () => {
    const upstream = stopping(
      await listen((_req, res) => {
        res.setHeader('Set-Cookie', ['theme=dark', 'b=2']).setHeader('Cache-Control', 'public')
        res.end('x')
      }),
    )
    const { renew } = await renewing({
      routes: (app) => {
        app.use('/way', createProxyMiddleware({ target: upstream.origin }))
        app.get('/raw', (_req, res) => {
          get(upstream.origin.replace('localhost', '127.0.0.1'), (answer) => {
            res.writeHead(answer.statusCode ?? 0, answer.rawHeaders)
            answer.pipe(res)
          })
        })
      },
    })
    const both = ['b', 'ngrok.session', 'theme']
    const proxied = await renew('/way')
    expect([names(proxied), proxied.headers['cache-control']]).toEqual([both, 'private, no-store'])
    expect(names(await renew('/raw'))).toEqual(both)
  })

  test('tokens that a route refreshes, before and after it sets a cookie', async () => {
    const { gate, browser } = await renewing(
      {
        routes: (app) =>
          void app.get('/way', async (req, res) => {
            if (req.query['first'] === 'cookie') res.setHeader('Set-Cookie', 'theme=dark')
            await req.oauth.getAccessToken()
            if (req.query['first'] === 'token') res.setHeader('Set-Cookie', 'theme=dark')
            res.send('x')
          }),
      },
      { provider: { idp: oidcOf(vendor, { offlineAccess: true }) }, inactivityTimeout: 0 },
    )
    const clock = fakeDate()
    for (const first of ['cookie', 'token']) {
      clock.forward(4000)
      const page = await browser.get(gate.url(`/way?first=${first}`), { follow: false })
      expect([page.status, names(page)]).toEqual([200, ['ngrok.session', 'theme']])
    }
  })

  test('HTTP/2', async () => {
    const { gate, browser } = await renewing({})
    const middleware = gate.middleware as unknown as Listener
    const server = createServer((req, res) =>
      middleware(req, res, () => {
        if (req.url === '/set') res.setHeader('Set-Cookie', 'theme=dark')
        if (req.url === '/head') res.writeHead(200, { 'Set-Cookie': ['theme=dark'] })
        res.end('x')
      }),
    ).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    for (const path of ['/set', '/head']) {
      fakeDate().forward(61)
      const [cookie] = browser.cookies(gate.origin)
      const stream = client.request({
        ':path': path,
        ':authority': `localhost:${gate.port}`,
        cookie: `ngrok.session=${cookie?.value}`,
      })
      const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]
      expect([headers[':status'], names({ setCookie: headers['set-cookie'] ?? [] })]).toEqual([
        200,
        ['ngrok.session', 'theme'],
      ])
      stream.close()
      realDate()
    }
    client.destroy()
    server.close()
  })

  test('a logout still clears the cookie', async () => {
    const { gate, browser } = await renewing({})
    fakeDate().forward(61)
    await browser.get(gate.url('/auth/logout'), { headers: { 'Sec-Fetch-Site': 'same-origin' } })
    expect(browser.cookies(gate.origin)).toEqual([])
  })

  test('headers that Node rejects are still rejected', async () => {
    const thrown: unknown[] = []
    const attempts: Respond[] = [
      (res) => res.writeHead(200, ['Set-Cookie']),
      (res) => res.writeHead(200, { 'Set-Cookie': undefined }),
      (res) => res.writeHead(200, { 'x-mine': 'a\nb' }),
    ]
    const { renew } = await renewing({
      routes: (app) =>
        void app.get('/way', (_req, res) => {
          for (const attempt of attempts)
            try {
              attempt(res)
            } catch (error) {
              thrown.push((error as { code?: unknown }).code)
            }
          res.end('x')
        }),
    })
    expect(names(await renew('/way'))).toEqual(['ngrok.session'])
    expect(thrown).toEqual([
      'ERR_INVALID_ARG_VALUE',
      'ERR_HTTP_INVALID_HEADER_VALUE',
      'ERR_INVALID_CHAR',
    ])
  })
})
