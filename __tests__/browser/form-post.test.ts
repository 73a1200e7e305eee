import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Browser, Page } from 'playwright-core'
import type { VendorServer } from '../../src/dev/vendors/index.js'
import { launchBrowser } from '../support/chromium.js'
import { type Gate, oidcOf, startGate, stopAll } from '../support/gate.js'
import { freePorts } from '../support/programs.js'
import { startVendor } from '../support/providers.js'
import { startNginx } from '../support/tls-proxies.js'

let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
}, 90_000)
afterAll(async () => {
  await browser.close()
  await stopAll()
})

interface Setting {
  vendor: VendorServer
  gate: Gate
  /** The origin that the browser sees. */
  origin: string
}

const formPost = { responseMode: 'form_post' }

/** The provider is at 127.0.0.1 and the app at localhost: its form comes from another site. */
async function overHttp(): Promise<Setting> {
  const vendor = await startVendor('oidc')
  const gate = await startGate({ provider: { idp: oidcOf(vendor, formPost) } })
  return { vendor, gate, origin: gate.origin }
}

async function overHttps(): Promise<Setting> {
  const vendor = await startVendor('oidc')
  const [port = 0] = await freePorts(1)
  const { origin } = await startNginx(port)
  const gate = await startGate(
    { provider: { idp: oidcOf(vendor, formPost) }, baseUrl: origin },
    { port },
  )
  return { vendor, gate, origin }
}

const userOn = async (page: Page) =>
  (JSON.parse(await page.locator('body').innerText()) as { user: { id: string } | null }).user?.id

async function withPage(use: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true })
  try {
    await use(await context.newPage())
  } finally {
    await context.close()
  }
}

describe.each([
  ['over https', overHttps],
  ['over http on localhost', overHttp],
])('A19: in Chromium %s, a response posted from another site', (_, start) => {
  let setting: Setting
  beforeAll(async () => {
    setting = await start()
  })

  test('logs the user in, who returns to the requested page', async () => {
    const { gate, origin } = setting
    await withPage(async (page) => {
      const posted = page.waitForRequest((request) => request.method() === 'POST')
      await page.goto(`${origin}/deep?x=1`)
      const headers = await (await posted).allHeaders()
      expect(headers['sec-fetch-site']).toBe('cross-site')
      expect(headers['cookie']).toMatch(/^(?:__Host-)?ngrok\.nonce\.[0-9a-f]{8}=\S+$/)
      await page.waitForURL(`${origin}/deep?x=1`)
      expect(await userOn(page)).toBe('user-1')
      expect(gate.reached[0]).toBe('GET /deep?x=1')
    })
  })

  test('leaves the user signed in after the back button and a second submit', async () => {
    const { vendor, origin } = setting
    await withPage(async (page) => {
      await page.goto(`${origin}/first`)
      await page.waitForURL(`${origin}/first`)
      const form = vendor.requests.findLast(({ endpoint }) => endpoint === 'authorize')
      await page.goto(vendor.origin + String(form?.url))
      await page.waitForURL((url) => url.origin === origin)
      expect(await userOn(page)).toBe('user-1')
      await page.goBack()
      await page.waitForURL((url) => url.origin === origin)
      expect(await userOn(page)).toBe('user-1')
    })
  })

  test('replaces the session at a second login, and the old cookie is worthless', async () => {
    const { origin } = setting
    await withPage(async (page) => {
      const session = async () =>
        (await page.context().cookies(origin)).find(({ name }) => name.endsWith('session'))
      await page.goto(`${origin}/one`)
      await page.waitForURL(`${origin}/one`)
      const before = await session()
      await page.goto(`${origin}/auth/authn`)
      await page.waitForURL(`${origin}/`)
      const after = await session()
      expect(after?.value).not.toBe(before?.value)
      await page.context().clearCookies()
      if (before) await page.context().addCookies([before])
      const response = await page.request.get(`${origin}/two`, {
        headers: { accept: 'application/json', 'sec-fetch-mode': 'cors' },
      })
      expect(response.status()).toBe(401)
    })
  })

  test('shows the error of the provider', async () => {
    const { vendor, origin } = setting
    vendor.settings.refuse = { error: 'access_denied' }
    await withPage(async (page) => {
      await page.goto(`${origin}/deep`)
      await page.getByText('access_denied', { exact: true }).waitFor()
      expect(page.url()).toBe(`${origin}/auth/callback`)
    })
    vendor.settings.refuse = undefined
  })
})
