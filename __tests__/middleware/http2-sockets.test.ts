import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import {
  connect,
  createSecureServer,
  createServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type IncomingHttpHeaders,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { type Gate, startGate, stopAll, stopping, valueOfCookie } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { providerOf, startVendor } from '../support/providers.js'
import { openSocket, serveSockets } from '../support/sockets.js'
import { startNginx, writeCertificate } from '../support/tls-proxies.js'

afterEach(stopAll)

type Middleware = (req: Http2ServerRequest, res: Http2ServerResponse, next: () => void) => void

/** Accepts WebSockets over HTTP/2 (RFC 8441), as an app would. */
function serveExtendedConnect(server: Http2Server, gate: Gate): void {
  server.on('connect', (req: Http2ServerRequest, res: Http2ServerResponse) => {
    const accept = () => {
      const { oauth } = req as Http2ServerRequest & { oauth?: { user?: { name?: string } } }
      res.writeHead(200, { 'x-user': oauth?.user?.name ?? 'anonymous' })
      res.end()
    }
    if (req.url === '/middleware')
      return (gate.middleware as unknown as Middleware)(req, res, accept)
    void gate.middleware.authenticate(req as unknown as IncomingMessage).then((context) => {
      if (context !== undefined) return accept()
      res.writeHead(401)
      res.end()
    })
  })
}

/** Starts the server; the function opens a WebSocket and returns the user's name, or the status. */
async function listening(server: Http2Server, scheme: 'http' | 'https') {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect(`${scheme}://127.0.0.1:${port}`, { rejectUnauthorized: false })
  stopping({
    async close() {
      client.destroy()
      server.close()
    },
  })
  await once(client, 'remoteSettings')
  return async (authority: string, path: string, headers: Record<string, string>) => {
    const stream = client.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':scheme': scheme,
      ':authority': authority,
      ':path': path,
      ...headers,
    })
    const [answer] = (await once(stream, 'response')) as [IncomingHttpHeaders]
    stream.close()
    return answer['x-user'] ?? answer[':status']
  }
}

async function startApp() {
  const vendor = await startVendor('oidc')
  const gate = await startGate({ provider: providerOf(vendor) })
  const browser = createBrowser()
  await browser.get(gate.url('/'))
  return { gate, session: valueOfCookie(browser, gate.origin) }
}

const settings = { enableConnectProtocol: true }

describe('C13: a WebSocket over HTTP/2', () => {
  test.each(['/authenticate', '/middleware'])(
    'from a page of another origin is unauthenticated, and one from the app is not (%s)',
    async (path) => {
      const { gate, session } = await startApp()
      const server = createServer({ settings }, (_req, res) => void res.end())
      serveExtendedConnect(server, gate)
      const open = await listening(server, 'http')
      const at = (origin: string) =>
        open(`localhost:${gate.port}`, path, { origin, cookie: `ngrok.session=${session}` })
      for (const origin of ['https://evil.example', 'null', gate.origin.replace('http', 'https')])
        expect([origin, await at(origin)]).toEqual([origin, 401])
      expect(await at(gate.origin)).toBe('Ida Novak')
    },
  )

  test('over TLS is unauthenticated from a page of the same host over http', async () => {
    const { gate, session } = await startApp()
    const folder = mkdtempSync(join(tmpdir(), 'oauth-module-http2-'))
    writeCertificate(folder)
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => readFileSync(join(folder, name)))
    rmSync(folder, { recursive: true })
    const server = createSecureServer({ settings, key, cert }, (_req, res) => void res.end())
    serveExtendedConnect(server, gate)
    const open = await listening(server, 'https')
    const at = (origin: string) =>
      open('localhost', '/authenticate', { origin, cookie: `__Host-ngrok.session=${session}` })
    expect(await at('http://localhost')).toBe(401)
    expect(await at('https://localhost')).toBe('Ida Novak')
  })
})

describe('C13: a WebSocket over TLS from a page of the same host over http', () => {
  test('is unauthenticated', async () => {
    const vendor = await startVendor('oidc')
    const gate = await startGate(
      { provider: providerOf(vendor) },
      { before: (app) => void app.set('trust proxy', 'loopback') },
    )
    serveSockets(gate)
    const proxy = await startNginx(gate.port)
    const browser = createBrowser()
    await browser.get(proxy.url('/'))
    const Cookie = `__Host-ngrok.session=${valueOfCookie(browser, proxy.url('/'), '__Host-ngrok.session')}`
    const Origin = proxy.origin.replace('https', 'http')
    expect(await openSocket(proxy.url('/feed'), { Cookie, Origin })).toBe(401)
    expect(await openSocket(proxy.url('/feed'), { Cookie, Origin: proxy.origin })).toMatchObject({
      name: 'Ida Novak',
    })
  })
})
