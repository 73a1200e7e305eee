import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from '@jest/globals'
import express from 'express'
import expressWs from 'express-ws'
import { createProxyMiddleware } from 'http-proxy-middleware'
import { Server } from 'socket.io'
import { io, type Socket } from 'socket.io-client'
import { WebSocket, WebSocketServer } from 'ws'
import { type OAuthContext, oauthModule } from '../../src/index.js'
import {
  type Gate,
  type GateSetup,
  secret,
  startGate,
  stopAll,
  stopping,
  valueOfCookie,
} from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { providerOf, startVendor } from '../support/providers.js'
import { listen } from '../support/server.js'
import { openSocket, serveSockets } from '../support/sockets.js'
import { startCaddy } from '../support/tls-proxies.js'

afterEach(stopAll)

const FORGED = { 'ngrok-auth-user-id': 'forged', 'ngrok-auth-user-email': 'admin@acme.example' }
const EVIL = 'https://evil.example'

async function startApp(setup: GateSetup = {}): Promise<Gate> {
  return startGate({ provider: providerOf(await startVendor('oidc')) }, setup)
}

/** The headers that a browser sends with an upgrade from a page of the app. */
async function logIn(origin: string, prefix = ''): Promise<Record<string, string>> {
  const browser = createBrowser()
  await browser.get(`${origin}/`)
  const name = `${prefix}ngrok.session`
  return { Cookie: `${name}=${valueOfCookie(browser, origin, name)}`, Origin: origin }
}

const warningsOf = ({ logged }: Gate) =>
  logged.filter((line) => line.startsWith('warn') && line.includes('authenticate()'))

/** Longer than the gate observes a socket before it warns. */
const settle = () => sleep(300)

/** A server behind a proxy that sends the headers of each socket as its first message. */
async function startUpstream() {
  const seen: IncomingHttpHeaders[] = []
  const server = stopping(await listen((_req, res) => void res.end('upstream')))
  const sockets = new WebSocketServer({ server: server.server })
  sockets.on('connection', (socket, { headers }) => {
    seen.push(headers)
    socket.send(String(headers['ngrok-auth-user-name'] ?? headers['ngrok-auth-user-id']))
  })
  stopping({
    async close() {
      for (const socket of sockets.clients) socket.terminate()
    },
  })
  return { seen, target: server.origin.replace('localhost', '127.0.0.1') }
}

describe('B7: http-proxy-middleware', () => {
  test('with `ws: true` proxies upgrades that the gate never sees: one warning names the fix', async () => {
    const { target } = await startUpstream()
    const proxy = createProxyMiddleware({ target, ws: true })
    const gate = await startApp({ routes: (app) => void app.use(proxy) })
    const headers = await logIn(gate.origin)
    // This is not an upgrade, as it lacks `Connection: Upgrade`.
    await createBrowser().get(gate.url('/'), { follow: false, headers: { Upgrade: 'websocket' } })
    expect(warningsOf(gate)).toEqual([])
    for (const sent of [FORGED, { ...headers, Origin: EVIL }, headers]) {
      expect(await openSocket(gate.url('/feed'), sent)).toBeInstanceOf(Object)
      await settle()
    }
    expect(warningsOf(gate)).toEqual([expect.stringContaining('call authenticate(req)')])
  })

  test('after authenticate() proxies sockets of users only, with their headers and never with forged ones', async () => {
    const { target, seen } = await startUpstream()
    const proxy = createProxyMiddleware({ target })
    const gate = await startApp({ routes: (app) => void app.use(proxy) })
    gate.server.on('upgrade', (req, socket, head) => {
      void gate.middleware.authenticate(req).then((oauth) => {
        if (oauth === undefined) return socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n')
        return proxy.upgrade(req, req.socket, head)
      })
    })
    const headers = await logIn(gate.origin)
    expect(await openSocket(gate.url('/feed'), FORGED)).toBe(401)
    expect(await openSocket(gate.url('/feed'), { ...headers, Origin: EVIL })).toBe(401)
    expect(await openSocket(gate.url('/feed'), { ...headers, ...FORGED })).toMatchObject({
      name: 'Ida Novak',
    })
    await settle()
    expect(seen).toEqual([expect.objectContaining({ 'ngrok-auth-user-id': 'user-1' })])
    expect(JSON.stringify(seen)).not.toContain('admin@acme.example')
    expect(warningsOf(gate)).toEqual([])
  })
})

interface SocketIo {
  /** The user's name that the app sees, or the message of the error. */
  connect(
    origin: string,
    headers: Record<string, string>,
    transport?: 'websocket' | 'polling',
  ): Promise<string>
  /** The headers of the sockets. */
  seen: IncomingHttpHeaders[]
  clients: Socket[]
}

function serveSocketIo(gate: Gate, options: object, use?: (server: Server) => void): SocketIo {
  const server = new Server(gate.server, options)
  use?.(server)
  const seen: IncomingHttpHeaders[] = []
  const clients: Socket[] = []
  server.on('connection', (socket) => {
    const { headers, oauth } = socket.request as IncomingMessage & { oauth?: OAuthContext }
    seen.push({ ...headers })
    oauth?.signal.addEventListener('abort', () => socket.disconnect(true))
    socket.emit('name', oauth?.user?.name ?? 'anonymous')
  })
  stopping({
    async close() {
      for (const client of clients) client.disconnect()
      server.engine.close()
    },
  })
  return {
    seen,
    clients,
    async connect(origin, headers, transport = 'websocket') {
      const client = io(origin, {
        transports: [transport],
        extraHeaders: headers,
        reconnection: false,
        rejectUnauthorized: false,
        forceNew: true,
      })
      clients.push(client)
      return Promise.race([
        new Promise<string>((resolve) => client.once('name', resolve)),
        new Promise<string>((resolve) =>
          client.once('connect_error', ({ message }) => resolve(message)),
        ),
      ])
    },
  }
}

type Transport = 'websocket' | 'polling'
const transports: Transport[] = ['websocket', 'polling']

/** The two hooks of socket.io that see requests before sockets exist. */
const hooks: [string, (gate: Gate, extra?: object) => SocketIo][] = [
  [
    'authenticate() in allowRequest',
    ({ middleware, ...gate }, extra) =>
      serveSocketIo(
        { middleware, ...gate },
        {
          ...extra,
          allowRequest: (req: IncomingMessage, callback: (error: null, ok: boolean) => void) =>
            void middleware.authenticate(req).then((oauth) => callback(null, oauth !== undefined)),
        },
      ),
  ],
  [
    'the middleware in io.engine.use()',
    (gate, extra) =>
      serveSocketIo(gate, extra ?? {}, ({ engine }) => {
        engine.use(
          (
            req: IncomingMessage & { _query: Record<string, string> },
            res: never,
            next: () => void,
          ) => (req._query['sid'] === undefined ? gate.middleware(req, res, next) : next()),
        )
      }),
  ],
]

describe('B7: socket.io', () => {
  test('next to the gate is open to everyone: one warning names the fix', async () => {
    const gate = await startApp()
    const { connect } = serveSocketIo(gate, {})
    await logIn(gate.origin)
    expect(await connect(gate.origin, FORGED)).toBe('anonymous')
    await settle()
    expect(await connect(gate.origin, {})).toBe('anonymous')
    await settle()
    expect(warningsOf(gate)).toEqual([expect.stringContaining('call authenticate(req)')])
  })

  test.each(hooks.flatMap(([hook, serve]) => transports.map((one) => [hook, one, serve] as const)))(
    'with %s is open to users only, and never sees forged headers (%s)',
    async (_hook, transport, serve) => {
      const gate = await startApp()
      const { connect, seen } = serve(gate)
      const headers = await logIn(gate.origin)
      expect(await connect(gate.origin, FORGED, transport)).toMatch(/error/)
      expect(await connect(gate.origin, { ...headers, ...FORGED }, transport)).toBe('Ida Novak')
      await settle()
      expect(seen).toEqual([expect.objectContaining({ 'ngrok-auth-user-id': 'user-1' })])
      expect(JSON.stringify(seen)).not.toContain('admin@acme.example')
      expect(warningsOf(gate)).toEqual([])
    },
  )

  test.each(hooks)(
    'with %s refuses a WebSocket from a page of another origin',
    async (_hook, serve) => {
      const gate = await startApp()
      const { connect } = serve(gate)
      const headers = await logIn(gate.origin)
      expect(await connect(gate.origin, { ...headers, Origin: EVIL })).toMatch(/error/)
    },
  )

  test.each(hooks)(
    'with %s disconnects a WebSocket whose session is revoked',
    async (_hook, serve) => {
      const gate = await startApp()
      const { connect, clients } = serve(gate)
      await connect(gate.origin, await logIn(gate.origin))
      const [client] = clients
      const ended = new Promise((resolve) => client?.once('disconnect', resolve))
      for (const { id } of (await gate.middleware.sessions.list()).items)
        await gate.middleware.sessions.revoke(id)
      expect(await ended).toBe('io server disconnect')
    },
  )

  test.each(hooks.flatMap(([hook, serve]) => transports.map((one) => [hook, one, serve] as const)))(
    'with %s behind a TLS proxy recognizes users without `baseUrl` (%s)',
    async (_hook, transport, serve) => {
      const gate = await startApp({ before: (app) => void app.set('trust proxy', 'loopback') })
      const { connect } = serve(gate)
      const proxy = await startCaddy(gate.port)
      const headers = await logIn(proxy.origin, '__Host-')
      expect(await connect(proxy.origin, headers, transport)).toBe('Ida Novak')
    },
  )
})

describe('B7: express-ws', () => {
  test('passes upgrades through the middleware: open to users and to pages of the app only, without a warning', async () => {
    const vendor = await startVendor('oidc')
    const logged: string[] = []
    const write = (message: string) => void logged.push(`warn ${message}`)
    const logger = { debug() {}, info() {}, warn: write, error: write }
    const auth = oauthModule({ provider: providerOf(vendor), secret, logger })
    const seen: IncomingHttpHeaders[] = []
    const server = createServer().listen(0, '127.0.0.1')
    const { app } = expressWs(express(), server)
    server.on('request', app)
    app.use(auth)
    app.get('/', (_req, res) => void res.end('in'))
    app.ws('/feed', (socket, req) => {
      seen.push({ ...req.headers })
      socket.send(String(req.oauth.user?.name))
    })
    await once(server, 'listening')
    stopping({
      async close() {
        server.close()
        server.closeAllConnections()
      },
    })
    const origin = `http://localhost:${(server.address() as AddressInfo).port}`
    const headers = await logIn(origin)
    // express-ws accepts every upgrade, and closes the socket if the middleware does not pass it.
    const attempt = async (sent: Record<string, string>) => {
      const socket = new WebSocket(`${origin.replace('http', 'ws')}/feed`, {
        headers: sent,
        family: 4,
      })
      const closed = once(socket, 'close').then(() => 'closed')
      const name = once(socket, 'message').then(([message]) => String(message))
      const result = await Promise.race([closed, name])
      socket.terminate()
      return result
    }
    expect(await attempt(FORGED)).toBe('closed')
    expect(await attempt({ ...headers, Origin: EVIL })).toBe('closed')
    expect(await attempt({ ...headers, ...FORGED })).toBe('Ida Novak')
    await settle()
    expect(seen).toEqual([expect.objectContaining({ 'ngrok-auth-user-id': 'user-1' })])
    expect(logged.filter((line) => line.includes('authenticate()'))).toEqual([])
  })
})

describe('B7: a server with `upgrade` listeners', () => {
  test('that call authenticate() causes no warning, also if they refuse every socket', async () => {
    const gate = await startApp()
    serveSockets(gate)
    const headers = await logIn(gate.origin)
    await openSocket(gate.url('/feed'), {})
    await openSocket(gate.url('/feed'), headers)
    await settle()
    expect(warningsOf(gate)).toEqual([])
  })

  test('that close every socket causes no warning', async () => {
    const gate = await startApp()
    gate.server.on('upgrade', (_req, socket) => void socket.end('HTTP/1.1 404 Not Found\r\n\r\n'))
    await logIn(gate.origin)
    expect(await openSocket(gate.url('/feed'), {})).toBe(404)
    await settle()
    expect(warningsOf(gate)).toEqual([])
  })

  test('that are removed: Node handles upgrades as ordinary requests again', async () => {
    const gate = await startApp()
    const listener = (_req: unknown, socket: Duplex) => void socket.destroy()
    gate.server.on('upgrade', listener)
    await logIn(gate.origin)
    gate.server.off('upgrade', listener)
    expect(gate.server.listenerCount('upgrade')).toBe(0)
    expect(await openSocket(gate.url('/feed'), {})).toBe(401)
  })

  test('with two gates gets one warning', async () => {
    const vendor = await startVendor('oidc')
    const other = oauthModule({
      provider: providerOf(vendor),
      secret,
      logger: { debug() {}, info() {}, warn: (message) => void logged.push(message), error() {} },
      cookiePrefix: 'other.',
    })
    const logged: string[] = []
    const gate = await startApp({ before: (app) => void app.use('/other', other) })
    const sockets = new WebSocketServer({ server: gate.server })
    sockets.on('connection', (socket) => socket.send('open'))
    await createBrowser().get(gate.url('/other/'), { follow: false })
    await logIn(gate.origin)
    for (let turn = 0; turn < 2; turn++) {
      const opened = await openSocket(gate.url('/feed'), {})
      await settle()
      if (typeof opened === 'object') opened.socket.terminate()
    }
    const all = [...warningsOf(gate), ...logged.filter((line) => line.includes('authenticate()'))]
    expect(all).toHaveLength(1)
  })
})
