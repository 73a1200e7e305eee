import { afterEach, describe, expect, test } from '@jest/globals'
import express, { type Express } from 'express'
import { memoryStore, type OAuthModuleOptions } from '../../src/index.js'
import { type Gate, startGate, stopAll, valueOfCookie } from '../support/gate.js'
import { type Browser, createBrowser } from '../support/jar.js'
import { providerOf, startVendor } from '../support/providers.js'
import { openSocket, serveSockets } from '../support/sockets.js'
import { NGINX_UPGRADE, startCaddy, startNginx } from '../support/tls-proxies.js'

afterEach(stopAll)

interface Setup {
  options?: Partial<OAuthModuleOptions>
  trustProxy?: unknown
  mount?: string
  authenticate?: Parameters<typeof serveSockets>[1]
}

/** An Express app with sockets that has no `baseUrl`. */
async function startApp(setup: Setup = {}): Promise<Gate> {
  const { options, trustProxy = 'loopback', mount = '/', authenticate } = setup
  const provider = setup.options?.provider ?? providerOf(await startVendor('oidc'))
  const gate = await startGate(
    { ...options, provider },
    { mount, before: (app: Express) => void app.set('trust proxy', trustProxy) },
  )
  serveSockets(gate, authenticate)
  return gate
}

const cookieOf = (browser: Browser, url: string, prefix = '__Host-') =>
  `${prefix}ngrok.session=${valueOfCookie(browser, url, `${prefix}ngrok.session`)}`

/** Logs in, and returns the headers that a browser sends with an upgrade from that page. */
async function logInAt(url: string, prefix?: string): Promise<Record<string, string>> {
  const browser = createBrowser()
  expect(await browser.get(url)).toMatchObject({ status: 200, url })
  return { Cookie: cookieOf(browser, url, prefix), Origin: new URL(url).origin }
}

const ida = expect.objectContaining({ name: 'Ida Novak' })

/** A request to the app itself, from a client with neither an account nor a proxy. */
const knock = (gate: Gate, path: string, headers: Record<string, string>) =>
  createBrowser().get(gate.url(path), { follow: false, headers })

describe.each([
  ['nginx', startNginx],
  ['Caddy', startCaddy],
])('B1: behind %s, with `trust proxy` and without `baseUrl`,', (_name, startProxy) => {
  test('a WebSocket of a logged-in page is authenticated', async () => {
    const gate = await startApp()
    const proxy = await startProxy(gate.port)
    const headers = await logInAt(proxy.url('/'))
    expect(await openSocket(proxy.url('/feed'), headers)).toEqual(ida)
  })

  test('a WebSocket from a page of another origin gets 401, and the log names both origins', async () => {
    const gate = await startApp()
    const proxy = await startProxy(gate.port)
    const headers = await logInAt(proxy.url('/'))
    for (const Origin of ['https://evil.example', gate.origin, 'null'])
      expect(await openSocket(proxy.url('/feed'), { ...headers, Origin })).toBe(401)
    const warnings = gate.logged.filter((line) => line.includes('another origin'))
    expect(warnings).toEqual([expect.stringContaining('https://evil.example')])
    expect(warnings[0]).toContain(proxy.origin)
  })

  test('a WebSocket is authenticated right after a restart, before any other request', async () => {
    const options = { store: memoryStore(), provider: providerOf(await startVendor('oidc')) }
    const [before, after] = [await startApp({ options }), await startApp({ options })]
    const headers = await logInAt((await startProxy(before.port)).url('/'))
    const proxy = await startProxy(after.port)
    const upgrade = { ...headers, Origin: proxy.origin }
    expect(await openSocket(proxy.url('/feed'), upgrade)).toEqual(ida)
  })

  test('a WebSocket below a mount is authenticated', async () => {
    const gate = await startApp({ mount: '/app' })
    const proxy = await startProxy(gate.port)
    const headers = await logInAt(proxy.url('/app/'), '__Secure-')
    expect(await openSocket(proxy.url('/app/feed'), headers)).toEqual(ida)
  })
})

describe('B1: the scheme of an upgrade', () => {
  test('is that of earlier requests if the location of nginx for sockets has no X-Forwarded-Proto', async () => {
    const gate = await startApp()
    const socketLocation = `${NGINX_UPGRADE} proxy_set_header Host $http_host;`
    const proxy = await startNginx(gate.port, { socketLocation })
    const headers = await logInAt(proxy.url('/'))
    expect(await openSocket(proxy.url('/feed'), headers)).toEqual(ida)
  })

  test('is that of earlier requests also if `cookie.secure` is false', async () => {
    const gate = await startApp({ options: { cookie: { secure: false } } })
    const socketLocation = `${NGINX_UPGRADE} proxy_set_header Host $http_host;`
    const proxy = await startNginx(gate.port, { socketLocation })
    const headers = await logInAt(proxy.url('/'), '')
    await knock(gate, '/', { 'X-Forwarded-Proto': 'http' })
    expect(await openSocket(proxy.url('/feed'), headers)).toEqual(ida)
  })

  test('is not changed by requests of clients without an account, whatever headers they send', async () => {
    const gate = await startApp()
    const socketLocation = `${NGINX_UPGRADE} proxy_set_header Host $http_host;`
    const proxy = await startNginx(gate.port, { socketLocation })
    const direct = { 'X-Forwarded-Proto': 'http', 'X-Forwarded-Host': 'evil.example' }
    await knock(gate, '/', direct)
    const [headers, plain] = [await logInAt(proxy.url('/')), await logInAt(gate.url('/'), '')]
    for (const scheme of ['http', 'https', 'ftp', '']) {
      for (const path of ['/', '/feed', '/x/y', '/auth/session'])
        await knock(gate, path, { ...direct, 'X-Forwarded-Proto': scheme })
      expect(await openSocket(proxy.url('/feed'), headers)).toEqual(ida)
      expect(await openSocket(gate.url('/feed'), plain)).toEqual(ida)
    }
  })

  test('is not changed by upgrades of clients without an account', async () => {
    const gate = await startApp()
    for (const scheme of ['http', 'https'])
      expect(await openSocket(gate.url('/feed'), { 'X-Forwarded-Proto': scheme })).toBe(401)
    const proxy = await startNginx(gate.port)
    const headers = await logInAt(proxy.url('/'))
    expect(await openSocket(proxy.url('/feed'), headers)).toEqual(ida)
  })

  test.each([
    ['without `trust proxy`', false],
    ['from a peer that `trust proxy` does not name', '10.0.0.0/8'],
  ])('is never taken from the X-Forwarded-Proto of a client %s', async (_name, trustProxy) => {
    const gate = await startApp({ trustProxy })
    const headers = await logInAt(gate.url('/'), '')
    const forged = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'evil.example' }
    expect(await openSocket(gate.url('/feed'), { ...headers, ...forged })).toEqual(ida)
    for (const Origin of ['https://evil.example', gate.origin.replace('http', 'https')])
      expect(await openSocket(gate.url('/feed'), { ...headers, ...forged, Origin })).toBe(401)
    const Cookie = `__Host-${headers.Cookie}`
    expect(await openSocket(gate.url('/feed'), { ...headers, ...forged, Cookie })).toBe(401)
  })

  test('of a mount is not that of another mount whose app has other settings', async () => {
    const inner = express().set('trust proxy', false)
    const vendor = await startVendor('oidc')
    const gate = await startGate(
      { provider: providerOf(vendor) },
      {
        before: (app) => void app.set('trust proxy', 'loopback'),
        mount: '/outer',
        routes: (app, auth) => {
          app.use('/inner', inner)
          inner.set('trust proxy', false).use(auth)
        },
      },
    )
    serveSockets(gate)
    const headers = await logInAt(gate.url('/inner/'), '')
    await logInAt((await startNginx(gate.port)).url('/outer/'), '__Secure-')
    const forged = { ...headers, 'X-Forwarded-Proto': 'https' }
    expect(await openSocket(gate.url('/inner/feed'), forged)).toEqual(ida)
  })
})
