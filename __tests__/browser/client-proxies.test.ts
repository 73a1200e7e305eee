import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Browser, Page } from 'playwright-core'
import { launchBrowser } from '../support/chromium.js'
import {
  dialogOf,
  openPage,
  outcomeOf,
  signInAgain,
  startFetch,
  until,
  withContext,
} from '../support/client-page.js'
import { startCommand } from '../support/command.js'
import { startDeployedCaddy, startDeployedNginx } from '../support/deployed-proxies.js'
import { secret, stopAll, stopping } from '../support/gate.js'
import { startUpstream, type TestUpstream } from '../support/gateway.js'
import { type OidcServer, startOidcProvider } from '../support/oidc.js'
import { freePorts } from '../support/programs.js'

const folder = mkdtempSync(join(tmpdir(), 'oauth-module-'))
const axios = readFileSync(join(__dirname, '../../node_modules/axios/dist/axios.min.js'), 'utf8')
const received: string[] = []

/** Serves every page from the network, and offline from what it has kept. */
const WORKER = `
  addEventListener('install', () => skipWaiting())
  addEventListener('activate', (event) => event.waitUntil(clients.claim()))
  addEventListener('fetch', (event) => {
    const { pathname } = new URL(event.request.url)
    if (pathname === '/kept')
      return event.respondWith(caches.open('pages').then(async (cache) => {
        const kept = await cache.match(event.request)
        if (kept !== undefined) return kept
        const response = await fetch(event.request)
        if (response.ok) await cache.put(event.request, response.clone())
        return response
      }))
    event.respondWith(fetch(event.request))
  })`

const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>App</title>
  <script src="/auth/client.js"></script><script src="/axios.js"></script><h1>App</h1></html>`

let browser: Browser
let oidc: OidcServer
let app: TestUpstream

/** An app that knows nothing of the gate in front of it. */
async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { method = '', url = '' } = req
  const send = (type: string, body: string) => res.setHeader('content-type', type).end(body)
  if (url === '/axios.js') return void send('text/javascript', axios)
  if (url === '/worker.js') return void send('text/javascript', WORKER)
  if (!url.startsWith('/api/')) return void send('text/html', PAGE)
  received.push(`${method} ${url} ${await text(req)}`.trim())
  send('application/json', JSON.stringify({ user: req.headers['ngrok-auth-user-id'] }))
}

beforeAll(async () => {
  browser = await launchBrowser()
  oidc = stopping(await startOidcProvider())
  app = await startUpstream((req, res) => void serve(req, res))
}, 90_000)
beforeEach(async () => {
  await oidc.loginAs('alice')
  received.length = 0
})
afterAll(async () => {
  await browser.close()
  await stopAll()
  rmSync(folder, { recursive: true })
})

interface Site {
  url(path: string): string
}

/** The command in front of the app, or next to a proxy that asks it. */
async function startSite(kind: string): Promise<Site> {
  const [port = 0] = await freePorts(1)
  const client = {
    client_id: `client-${randomUUID()}`,
    client_secret: 'a secret of the client',
    grant_types: ['authorization_code', 'refresh_token'],
  }
  const file = join(folder, `${client.client_id}.json`)
  const { issuer } = oidc
  const idp = { issuer, clientId: client.client_id, clientSecret: client.client_secret }
  writeFileSync(file, JSON.stringify({ secret, provider: { idp: { type: 'oidc', ...idp } } }))
  const args = ['--config', file]
  if (kind !== 'proxy') args.push('--trusted-proxy', 'loopback')
  const mode = { nginx: '--auth-request', Caddy: '--auth-request=forward' }[kind] ?? app.port
  const command = await startCommand([String(mode), ...args], {}, port)
  const starts = { nginx: startDeployedNginx, Caddy: startDeployedCaddy }
  const start = kind === 'nginx' || kind === 'Caddy' ? starts[kind] : undefined
  const site: Site & { origin: string } =
    start === undefined ? command : await start(String(port), app.port)
  await oidc.setClient({ ...client, redirect_uris: [`${site.origin}/auth/callback`] })
  return site
}

/** Ends the session as another tab would, without a page that notices it. */
async function endSession(page: Page, site: Site): Promise<void> {
  await page.evaluate('oauthClient.session()')
  const { status } = await page.context().request.get(site.url('/auth/logout'), {
    headers: { 'sec-fetch-site': 'same-origin' },
  })
  expect(status).toBeDefined()
}

const askedToSignIn = (page: Page) =>
  dialogOf(page).getByRole('heading', { name: 'Your session has ended' }).waitFor()

const isAlice = [200, { user: 'alice' }]

describe.each(['proxy', 'nginx', 'Caddy'])('behind the command: %s', (kind) => {
  let site: Site
  beforeAll(async () => {
    site = await startSite(kind)
  })

  const within = (use: (page: Page) => Promise<void>, path = '/page?x=1#here') =>
    withContext(browser, async (context) => use(await openPage(context, site.url(path))), {
      ignoreHTTPSErrors: true,
    })

  test('a rejected fetch is repeated after the user has signed in, and the page stays', async () => {
    await within(async (page) => {
      await endSession(page, site)
      await startFetch(page, "fetch('/api/data')")
      await askedToSignIn(page)
      expect(received).toEqual([])
      await signInAgain(page)
      expect(await outcomeOf(page)).toEqual(isAlice)
      expect(page.url()).toBe(site.url('/page?x=1#here'))
      expect(received).toEqual(['GET /api/data'])
    })
  })

  test('a POST is repeated with its body only if the page opts in', async () => {
    await within(async (page) => {
      await endSession(page, site)
      const post = "fetch('/api/save', { method: 'POST', body: 'text' })"
      await startFetch(page, post.replace(/'text'/, "'lost'"), 'first')
      await askedToSignIn(page)
      await signInAgain(page)
      expect(received).toEqual([])
      await page.evaluate('oauthClient.configure({ repeatUnsafe: true })')
      await endSession(page, site)
      await startFetch(page, post)
      await askedToSignIn(page)
      await signInAgain(page)
      expect(await outcomeOf(page)).toEqual(isAlice)
      expect(received).toEqual(['POST /api/save text'])
    })
  })
})

describe('a page of the command', () => {
  let site: Site
  beforeAll(async () => {
    site = await startSite('proxy')
  })

  const within = (use: (page: Page) => Promise<void>, path = '/page') =>
    withContext(browser, async (context) => use(await openPage(context, site.url(path))))

  test('axios: by default the dialog opens and the request fails, as documented', async () => {
    await within(async (page) => {
      await endSession(page, site)
      await page.evaluate(
        "void axios.get('/api/data').catch((error) => { window.status401 = error.response.status })",
      )
      await askedToSignIn(page)
      await until(page, 'window.status401 === 401')
      await signInAgain(page)
      expect(received).toEqual([])
    })
  })

  test('axios: the documented interceptor repeats the request, once', async () => {
    await within(async (page) => {
      await page.evaluate(`void axios.interceptors.response.use(undefined, async (error) => {
        const { response, config } = error
        const isOfGate = /cookie realm=/i.test(response?.headers['www-authenticate'] ?? '')
        if (!isOfGate || config.isRepeated || !(await oauthClient.signIn())) throw error
        return axios({ ...config, isRepeated: true })
      })`)
      await endSession(page, site)
      const get = "axios.get('/api/data').then(({ status, data }) => [status, data])"
      await page.evaluate(`void ${get}.then((result) => { window.result = result })`)
      await askedToSignIn(page)
      await signInAgain(page)
      await until(page, 'window.result !== undefined')
      expect(await outcomeOf(page)).toEqual(isAlice)
      expect(received).toEqual(['GET /api/data'])
    })
  })

  test('axios: with the adapter for fetch, requests are repeated as those of fetch', async () => {
    await within(async (page) => {
      await page.evaluate('oauthClient.configure({ repeatUnsafe: true })')
      await endSession(page, site)
      const post = "axios.create({ adapter: 'fetch' }).post('/api/data', { a: 1 })"
      await page.evaluate(
        `void ${post}.then(({ status, data }) => { window.result = [status, data] })`,
      )
      await askedToSignIn(page)
      await signInAgain(page)
      await until(page, 'window.result !== undefined')
      expect(await outcomeOf(page)).toEqual(isAlice)
      expect(received).toEqual(['POST /api/data {"a":1}'])
    })
  })

  async function register(page: Page): Promise<void> {
    await page.evaluate(
      "navigator.serviceWorker.register('/worker.js').then(() => navigator.serviceWorker.ready)",
    )
    await until(page, 'navigator.serviceWorker.controller !== null')
  }

  test('under a service worker, requests and logins work as without one', async () => {
    await within(async (page) => {
      await register(page)
      await endSession(page, site)
      await startFetch(page, "fetch('/api/data')")
      await askedToSignIn(page)
      await signInAgain(page)
      expect(await outcomeOf(page)).toEqual(isAlice)
      expect(received).toEqual(['GET /api/data'])
    })
  })

  test('a page that a service worker has kept is loaded without a session, and its requests ask for one', async () => {
    await within(async (page) => {
      await register(page)
      await page.goto(site.url('/kept'))
      await endSession(page, site)
      await page.goto(site.url('/kept'))
      await startFetch(page, "fetch('/api/data')")
      await askedToSignIn(page)
      expect(received).toEqual([])
      await signInAgain(page)
      expect(await outcomeOf(page)).toEqual(isAlice)
      expect(received).toEqual(['GET /api/data'])
    }, '/kept')
  })
})

describe('a body that is a stream', () => {
  const post = `fetch('/api/upload', {
    method: 'POST',
    duplex: 'half',
    body: new Blob(['streamed']).stream().pipeThrough(new TransformStream()),
  })`

  test('is not repeated: the user signs in, and the page gets the 401 and sends another one', async () => {
    // Chromium sends streams by HTTP/2 only.
    const site = await startSite('Caddy')
    await withContext(
      browser,
      async (context) => {
        const page = await openPage(context, site.url('/page'))
        await page.evaluate('oauthClient.configure({ repeatUnsafe: true })')
        await startFetch(page, post)
        expect(await outcomeOf(page)).toEqual(isAlice)
        await endSession(page, site)
        received.length = 0
        await startFetch(page, post)
        await askedToSignIn(page)
        await signInAgain(page)
        expect((await outcomeOf(page))[0]).toBe(401)
        await startFetch(page, post)
        expect(await outcomeOf(page)).toEqual(isAlice)
        expect(received).toEqual(['POST /api/upload streamed'])
      },
      { ignoreHTTPSErrors: true },
    )
  })

  test('that ends with an error of the network has the script look whether the session has ended', async () => {
    const site = await startSite('proxy')
    await withContext(browser, async (context) => {
      const page = await openPage(context, site.url('/page'))
      await startFetch(page, post)
      expect((await outcomeOf(page))[0]).toBe('TypeError')
      expect(await dialogOf(page).count()).toBe(0)
      await endSession(page, site)
      await startFetch(page, post)
      expect((await outcomeOf(page))[0]).toBe('TypeError')
      await askedToSignIn(page)
      await signInAgain(page)
      await dialogOf(page).waitFor({ state: 'hidden' })
    })
  })
})
