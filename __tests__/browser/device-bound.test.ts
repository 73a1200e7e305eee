import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import type { DevProvider } from '../../src/dev/index.js'
import { cookieStore, oidcProvider, type OAuthModuleOptions } from '../../src/index.js'
import { boundChromium, type RunningChromium } from '../support/bound-chromium.js'
import { createDevice } from '../support/bound-client.js'
import { fakeDate, realDate } from '../support/clock.js'
import { type Gate, type Seen, startGate, stopAll, stopping } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { createPrivateCa, type PrivateCa } from '../support/private-ca.js'
import { eventually } from '../support/programs.js'

const SESSION = '__Host-ngrok.session'
const BOUND = '__Host-ngrok.bound'
/** The lifetime of the cookie with the tolerated clock difference, in seconds. */
const EXPIRED = 600 + 31

let ca: PrivateCa
let dev: Omit<DevProvider, 'close'>
let provider: ChildProcess
/** Another site, with a link to the app. */
let elsewhere: Server

beforeAll(async () => {
  // Chromium resolves names below localhost itself, and treats each as a site.
  ca = createPrivateCa(['app.localhost'])
  provider = fork(join(process.cwd(), '__tests__/support/dev-process.ts'), ['{}'], {
    execArgv: ['--import', 'tsx'],
  })
  const [message] = (await once(provider, 'message')) as [Omit<DevProvider, 'close'>]
  dev = message
  elsewhere = createServer((req, res) => {
    const to = new URL(req.url ?? '', 'http://127.0.0.1').searchParams.get('to') ?? ''
    res.setHeader('Content-Type', 'text/html')
    res.end(`<a href="${to}">to the app</a>`)
  }).listen(0, '127.0.0.1')
  await once(elsewhere, 'listening')
})
afterEach(async () => {
  realDate()
  await stopAll()
})
afterAll(async () => {
  provider.kill()
  await once(provider, 'exit')
  elsewhere.close()
  elsewhere.closeAllConnections()
  ca.remove()
})

/** From then on, the clock of the server is fake: the browser's cookies expire without waiting. */
const expire = () => fakeDate(Date.now() + EXPIRED * 1000)

async function start(options: Partial<OAuthModuleOptions> = {}) {
  const { issuer, clientId, clientSecret } = dev
  const gate = await startGate(
    {
      provider: { dev: oidcProvider({ issuer, clientId, clientSecret }) },
      deviceBound: true,
      ...options,
    },
    { tls: ca },
  )
  const refreshed: number[] = []
  gate.server.on('request', (req, res) => {
    if (req.url === '/auth/device/refresh') res.on('finish', () => refreshed.push(res.statusCode))
  })
  return { gate, origin: `https://app.localhost:${gate.port}`, refreshed }
}

async function signIn({ page, events }: RunningChromium, url: string): Promise<void> {
  const before = events.length
  await page.goto(url)
  await page.getByText('Ada Lovelace').click()
  await page.waitForURL(url)
  await eventually(`registration: ${events.join()}`, () =>
    events.slice(before).includes('creation: Success') ? true : undefined,
  )
}

async function seenBy(page: Page) {
  const { user, oauth } = JSON.parse(await page.locator('body').innerText()) as Seen
  return { name: user?.['name'], isDeviceBound: oauth?.['isDeviceBound'] }
}
const ada = { name: 'Ada Lovelace', isDeviceBound: true }

async function copiedCookies({ context }: RunningChromium, origin: string) {
  const cookies = await context.cookies(origin)
  const lineOf = (name: string) =>
    `${name}=${cookies.find((cookie) => cookie.name === name)?.value ?? ''}`
  return { session: lineOf(SESSION), both: `${lineOf(SESSION)}; ${lineOf(BOUND)}` }
}

/** A request of another client, as a script sends it. */
async function statusOf(gate: Gate, Cookie: string): Promise<number> {
  const headers = { Cookie, Accept: '*/*', 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' }
  return (await createBrowser().get(gate.url('/api'), { headers, follow: false })).status
}

test('Chromium binds the session of a login, renews its cookie, and copies of both are worthless', async () => {
  const { gate, origin, refreshed } = await start()
  const chromium = stopping(boundChromium(ca))
  const browser = await chromium.start()
  const { page } = browser
  await signIn(browser, `${origin}/page`)
  await page.reload()
  expect(await seenBy(page)).toEqual(ada)

  const copied = await copiedCookies(browser, origin)
  expect(await statusOf(gate, copied.session)).toBe(401)
  expect(await statusOf(gate, copied.both)).toBe(200)
  expire()
  await page.reload()
  expect([await seenBy(page), refreshed]).toEqual([ada, [200]])
  expect(await statusOf(gate, copied.both)).toBe(401)

  const id = (await gate.middleware.sessions.list()).items[0]?.id ?? ''
  const thief = createDevice()
  const renew = (proof: string) =>
    createBrowser().post(gate.url('/auth/device/refresh'), '', {
      headers: {
        Cookie: copied.both,
        'Sec-Secure-Session-Id': id,
        'Secure-Session-Response': proof,
      },
    })
  const { headers } = await renew('')
  const challenge = /^"([^"]*)"/.exec(String(headers['secure-session-challenge']))?.[1]
  const rejected = await renew(thief.sign({ jti: challenge }))
  expect([rejected.status, rejected.setCookie]).toEqual([400, []])
  expect(await statusOf(gate, copied.both)).toBe(401)
  await page.reload()
  expect(await seenBy(page)).toEqual(ada)
})

test('Chromium renews a missing cookie before it sends requests: in tabs, from links, after a restart', async () => {
  const { origin, refreshed } = await start()
  const chromium = stopping(boundChromium(ca))
  const first = await chromium.start()
  await signIn(first, `${origin}/page`)
  const cleared = () => first.context.clearCookies({ name: BOUND })

  await cleared()
  const tabs = await Promise.all([1, 2, 3].map(() => first.context.newPage()))
  await Promise.all(tabs.map((tab, index) => tab.goto(`${origin}/tab${index}`)))
  expect(await Promise.all(tabs.map(seenBy))).toEqual([ada, ada, ada])

  await cleared()
  const { port } = elsewhere.address() as AddressInfo
  await first.page.goto(`http://127.0.0.1:${port}/?to=${encodeURIComponent(`${origin}/linked`)}`)
  await first.page.getByText('to the app').click()
  await first.page.waitForURL(`${origin}/linked`)
  expect(await seenBy(first.page)).toEqual(ada)

  await cleared()
  const second = await chromium.start()
  await second.page.goto(`${origin}/again`)
  expect(await seenBy(second.page)).toEqual(ada)
  // A browser that has started again does not remember the challenge.
  expect([refreshed.indexOf(403), refreshed.at(-1)]).toEqual([refreshed.length - 2, 200])
})

test('Chromium binds the session of another login in the same browser, after a logout', async () => {
  const { gate, origin } = await start()
  const bindings: string[] = []
  gate.middleware.on('device_bound', ({ sessionHandle }) => void bindings.push(sessionHandle))
  const browser = await stopping(boundChromium(ca)).start()
  const { context, page } = browser
  await signIn(browser, `${origin}/page`)
  const before = await copiedCookies(browser, origin)
  await page.goto(`${origin}/auth/logout`)
  expect(await statusOf(gate, before.both)).toBe(401)
  await signIn(browser, `${origin}/page`)
  await context.clearCookies({ name: BOUND })
  await page.reload()
  expect(await seenBy(page)).toEqual(ada)
  expect(new Set(bindings).size).toBe(2)
})

test('Chromium binds a session in a cookie with the first image, style sheet, or script of a page', async () => {
  const { gate, origin } = await start({ store: cookieStore() })
  const browser = await stopping(boundChromium(ca)).start()
  const { page, events } = browser
  await page.goto(`${origin}/page`)
  await page.getByText('Ada Lovelace').click()
  await page.waitForURL(`${origin}/page`)
  await page.setContent('<img src="/logo.png" alt="">')
  await eventually(`registration: ${events.join()}`, () =>
    events.includes('creation: Success') ? true : undefined,
  )
  expect(events.filter((event) => event.startsWith('creation'))).toHaveLength(1)
  const copied = await copiedCookies(browser, origin)
  expect(await statusOf(gate, copied.session)).toBe(401)
  expire()
  await page.reload()
  expect(await seenBy(page)).toEqual(ada)
})
