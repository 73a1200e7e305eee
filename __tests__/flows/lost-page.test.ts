import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { defineProvider, type OAuthModuleOptions } from '../../src/index.js'
import type { VendorServer } from '../../src/dev/vendors/index.js'
import { type Gate, startGate, stopAll } from '../support/gate.js'
import { type Browser, createBrowser, linksOf, type Page } from '../support/jar.js'
import { plainOf } from '../support/plain.js'
import { providerOf, retryLink, startVendor } from '../support/providers.js'

let vendor: VendorServer
let oauth2: VendorServer

beforeAll(async () => {
  vendor = await startVendor('oidc')
  oauth2 = await startVendor('oauth2')
})
afterAll(stopAll)

const start = (options: Partial<OAuthModuleOptions> = {}) =>
  startGate({ provider: providerOf(vendor), ...options })

/** A path and query of this length. */
const pathOf = (length: number) => `/deep?${'q'.repeat(length - '/deep?'.length)}`

const LOST_FORM = /form that you sent was not accepted/
const LOST_PAGE = /too long to return to/

/** The page explains the loss once, and its link leads on to the app. */
async function expectExplained(
  gate: Gate,
  browser: Browser,
  page: Page,
  text: RegExp,
  path: string,
) {
  expect([page.status, page.url]).toEqual([200, gate.url(path)])
  expect(page.body).toMatch(text)
  expect(page.headers['cache-control']).toBe('no-store')
  expect(gate.reached).toEqual([])
  const [link] = linksOf(page)
  expect(link).toBe(gate.url(path))
  const next = await browser.get(String(link), { follow: false })
  expect([next.status, gate.reached]).toEqual([200, [`GET ${path}`]])
  expect(next.body).not.toMatch(text)
}

const formHeaders = (gate: Gate, page?: string) => ({
  headers: { Referer: page === undefined ? undefined : gate.url(page) },
})

describe('B5: a form posted after the session ended', () => {
  test('is not accepted, and the page after the login states this once, with a link to the page of the form', async () => {
    const gate = await start()
    const browser = createBrowser()
    const page = await browser.post(gate.url('/save'), { a: 'b' }, formHeaders(gate, '/edit?id=1'))
    await expectExplained(gate, browser, page, LOST_FORM, '/edit?id=1')
  })

  test('without a Referer, or with that of another site, leads to the start page', async () => {
    for (const Referer of [undefined, 'https://elsewhere.example/form']) {
      const gate = await start()
      const browser = createBrowser()
      const page = await browser.post(gate.url('/save'), {}, { headers: { Referer } })
      await expectExplained(gate, browser, page, LOST_FORM, '/')
    }
  })

  test('is explained after a sign-in page, and after a first attempt that failed', async () => {
    const gate = await startGate({
      provider: { ...(providerOf(vendor) as object), second: plainOf(oauth2) },
    })
    const browser = createBrowser()
    const choice = await browser.post(gate.url('/save'), {}, formHeaders(gate, '/edit'))
    vendor.respond('token', { status: 500, body: {} }, { once: true })
    const [first = ''] = linksOf(choice)
    const failed = await browser.get(first)
    expect(failed.status).toBe(502)
    const [again = ''] = linksOf(await browser.get(retryLink(failed)))
    await expectExplained(gate, browser, await browser.get(again), LOST_FORM, '/edit')
  })

  test('is explained on the page of an old browser, which gets a 401 with a link', async () => {
    const gate = await start()
    const browser = createBrowser()
    const headers = {
      ...formHeaders(gate, '/edit').headers,
      'Sec-Fetch-Mode': undefined,
      'Sec-Fetch-Site': undefined,
      'Sec-Fetch-Dest': undefined,
      'Sec-Fetch-User': undefined,
    }
    const page = await browser.post(gate.url('/save'), {}, { headers })
    expect(page.status).toBe(401)
    await expectExplained(gate, browser, await browser.get(retryLink(page)), LOST_FORM, '/edit')
  })

  test('is not mentioned after a script has posted data and its page follows login_url', async () => {
    const gate = await start()
    const browser = createBrowser()
    const { body, status } = await browser.post(gate.url('/api'), '{}', {
      headers: {
        Accept: '*/*',
        'Sec-Fetch-Mode': 'cors',
        'Sec-Fetch-Dest': 'empty',
        Referer: gate.url('/edit'),
      },
    })
    expect(status).toBe(401)
    const page = await browser.get((JSON.parse(body) as { login_url: string }).login_url)
    expect([page.url, gate.reached]).toEqual([gate.url('/edit'), ['GET /edit']])
  })

  test('is explained to the page, not to a script that is faster', async () => {
    const gate = await start()
    const browser = createBrowser()
    const page = await browser.post(gate.url('/save'), {}, { follow: (url) => !url.endsWith('/') })
    const script = { headers: { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' } }
    expect((await browser.get(gate.url('/api'), script)).status).toBe(200)
    expect((await browser.get(page.location ?? '')).body).toMatch(LOST_FORM)
  })

  test('a value that the gate did not set explains nothing', async () => {
    const gate = await start()
    const browser = createBrowser()
    await browser.get(gate.url('/'))
    browser.setCookie('ngrok.lost=<b>', gate.origin)
    const page = await browser.get(gate.url('/x'))
    expect(gate.reached).toContain('GET /x')
    expect(page.body).not.toContain('ngrok.lost')
  })
})

describe('B5: a deep link beyond 2048 bytes', () => {
  test.each([2049, 3000, 4096])('is kept with %i bytes', async (length) => {
    const gate = await start()
    const page = await createBrowser().get(gate.url(pathOf(length)))
    expect([page.url, page.status]).toEqual([gate.url(pathOf(length)), 200])
    expect(gate.reached).toEqual([`GET ${pathOf(length)}`])
  })

  test('is kept through the sign-in page and through a link to a login', async () => {
    const gate = await startGate({
      provider: { ...(providerOf(vendor) as object), second: plainOf(oauth2) },
    })
    const browser = createBrowser()
    const [first = ''] = linksOf(await browser.get(gate.url(pathOf(4096))))
    expect((await browser.get(first)).url).toBe(gate.url(pathOf(4096)))
  })

  test('beyond 4096 bytes leads to the start page, which explains it once', async () => {
    const gate = await start()
    const browser = createBrowser()
    const page = await browser.get(gate.url(pathOf(4097)))
    await expectExplained(gate, browser, page, LOST_PAGE, '/')
    expect((await browser.get(gate.url(pathOf(4097)), { follow: false })).status).toBe(200)
  })

  test('is explained where the URLs of a provider do not take as much', async () => {
    const { authorizationUrl, tokenUrl } = oauth2.options as Record<string, string>
    const narrow = defineProvider({
      openid: false,
      scopes: ['profile'],
      maxStateLength: 2500,
      clientId: oauth2.clientId,
      clientSecret: oauth2.clientSecret,
      endpoints: { authorization: String(authorizationUrl), token: String(tokenUrl) },
      identity: () => ({ id: '1', emailVerified: false, claims: {} }),
    })
    const gate = await startGate({ provider: { narrow } })
    const kept = await createBrowser().get(gate.url(pathOf(1000)))
    expect(kept.url).toBe(gate.url(pathOf(1000)))
    gate.reached.length = 0
    const browser = createBrowser()
    const page = await browser.get(gate.url(pathOf(2048)))
    await expectExplained(gate, browser, page, LOST_PAGE, '/')
    const urls = page.history.map(({ headers }) => headers.location ?? '')
    expect(Math.max(...urls.map((url) => url.length))).toBeLessThan(3000)
  })
})
