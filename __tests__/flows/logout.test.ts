import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { memoryStore, oauthModule, type SessionStore } from '../../src/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import {
  bodyOf,
  cookieLine,
  type Gate,
  oidcOf,
  startGate,
  stopAll,
  stopping,
  valueOfCookie,
} from '../support/gate.js'
import { type Browser, createBrowser, formOf, linksOf } from '../support/jar.js'

let vendor: VendorServer
let gate: Gate
const store = memoryStore()

beforeAll(async () => {
  vendor = stopping(await startVendor('oidc'))
  gate = await startGate({ provider: { idp: oidcOf(vendor) }, store })
})
afterAll(stopAll)

async function loggedIn(at: Gate = gate): Promise<Browser> {
  const browser = createBrowser()
  await browser.get(at.url('/'))
  return browser
}

const fromElsewhere = { 'Sec-Fetch-Site': 'cross-site' }
const statusOf = async (browser: Browser, at: Gate = gate) =>
  (await browser.get(at.url('/'), { follow: false })).status

describe('logging out', () => {
  test('S-060 ends the session on the server: the cookie is invalid in every tab', async () => {
    const browser = await loggedIn()
    const Cookie = `ngrok.session=${valueOfCookie(browser, gate.origin)}`
    const page = await browser.get(gate.url('/auth/logout'))
    expect([page.status, page.url]).toEqual([200, gate.url('/auth/logout')])
    expect(page.body).toContain('You are signed out')
    expect(browser.cookies(gate.origin)).toEqual([])
    expect(
      (await createBrowser().get(gate.url('/'), { follow: false, headers: { Cookie } })).status,
    ).toBe(302)
  })

  test('shows a page that does not start a login, with a link to choose an account', async () => {
    const page = await (await loggedIn()).get(gate.url('/auth/logout'))
    expect(page.headers['refresh']).toBeUndefined()
    expect(page.body).not.toMatch(/http-equiv|<script/i)
    const [again] = linksOf(page)
    const begun = await createBrowser().get(again ?? '', { follow: false })
    expect(new URL(begun.location ?? '').searchParams.get('prompt')).toBe('select_account')
  })

  test('S-061 twice or without a session succeeds as well', async () => {
    const browser = await loggedIn()
    for (let count = 0; count < 3; count++)
      expect((await browser.get(gate.url('/auth/logout'))).status).toBe(200)
    const gone = await createBrowser().get(gate.url('/auth/logout'), { headers: fromElsewhere })
    expect(gone.body).toContain('You are signed out')
    expect(cookieLine(gone.setCookie, 'ngrok.session=;')).toContain('Max-Age=0')
  })

  test('ends this session and no other session of the user', async () => {
    const [here, there] = [await loggedIn(), await loggedIn()]
    await here.get(gate.url('/auth/logout'))
    expect(await statusOf(there)).toBe(200)
  })

  test('ends all sessions whose cookies the browser sends', async () => {
    const values = [
      valueOfCookie(await loggedIn(), gate.origin),
      valueOfCookie(await loggedIn(), gate.origin),
    ]
    const headers = { Cookie: values.map((value) => `ngrok.session=${value}`).join('; ') }
    const statusAt = async (path: string) =>
      (await createBrowser().get(gate.url(path), { follow: false, headers })).status
    expect([await statusAt('/'), await statusAt('/auth/logout'), await statusAt('/')]).toEqual([
      200, 200, 302,
    ])
  })

  test('redirects to the path in the options', async () => {
    const other = await startGate({
      provider: { idp: oidcOf(vendor) },
      logout: { returnTo: '/bye?x=1' },
    })
    const page = await (
      await loggedIn(other)
    ).get(other.url('/auth/logout?returnTo=https://evil.example/&next=//evil.example'), {
      follow: false,
    })
    expect([page.status, page.headers.location]).toEqual([302, '/bye?x=1'])
    expect(cookieLine(page.setCookie, 'ngrok.session=;')).toContain('Max-Age=0')
  })

  test('HEAD ends no session, other methods are rejected', async () => {
    const browser = await loggedIn()
    expect((await browser.request('HEAD', gate.url('/auth/logout'), undefined)).status).toBe(200)
    const put = await browser.request('PUT', gate.url('/auth/logout'), 'x')
    expect([put.status, put.headers['allow']]).toEqual([405, 'GET, HEAD, POST'])
    expect(await statusOf(browser)).toBe(200)
  })

  test('works with req.oauth.logoutUrl()', async () => {
    const other = await startGate(
      { provider: { idp: oidcOf(vendor) }, basePath: '/sso' },
      {
        routes: (app) => app.get('/', (req, res) => void res.end(req.oauth.logoutUrl())),
      },
    )
    expect((await createBrowser().get(other.url('/'))).body).toBe('/sso/logout')
  })
})

describe('S-061 a cross-site request', () => {
  test.each<[string, Record<string, string>]>([
    ['another site', fromElsewhere],
    ['another site of the same domain', { 'Sec-Fetch-Site': 'same-site' }],
    [
      'an image',
      { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Dest': 'image', 'Sec-Fetch-Mode': 'no-cors' },
    ],
    [
      'a browser that looks ahead',
      { 'Sec-Fetch-Site': 'same-origin', 'Sec-Purpose': 'prefetch;prerender' },
    ],
  ])('%s gets a confirmation page, and the session stays', async (_, headers) => {
    const browser = await loggedIn()
    const page = await browser.get(gate.url('/auth/logout'), { headers })
    expect([page.status, page.setCookie]).toEqual([200, []])
    expect(page.body).toContain('Do you want to sign out?')
    expect(page.body).toContain('Ida Novak')
    expect(await statusOf(browser)).toBe(200)
  })

  test('the form of the page ends the session, with any Origin header', async () => {
    const browser = await loggedIn()
    const form = formOf(await browser.get(gate.url('/auth/logout'), { headers: fromElsewhere }))
    const page = await browser.post(form.action, form.fields, {
      headers: { Origin: 'null', 'Sec-Fetch-Site': 'cross-site' },
    })
    expect([page.status, page.body.includes('You are signed out')]).toEqual([200, true])
    expect(await statusOf(browser)).toBe(302)
  })

  test('a POST without the encrypted token, or with that of another user, gets the confirmation page again', async () => {
    const [browser, other] = [await loggedIn(), await loggedIn()]
    const foreign = formOf(await other.get(gate.url('/auth/logout'), { headers: fromElsewhere }))
    for (const url of [
      gate.url('/auth/logout'),
      gate.url('/auth/logout?confirm=yes'),
      foreign.action,
    ]) {
      const page = await browser.post(
        url,
        {},
        { headers: { ...fromElsewhere, Origin: 'https://evil.example' } },
      )
      expect(page.body).toContain('Do you want to sign out?')
    }
    expect(await statusOf(browser)).toBe(200)
  })

  test('the page has a link to cancel', async () => {
    const browser = await loggedIn()
    const page = await browser.get(gate.url('/auth/logout'), { headers: fromElsewhere })
    expect(linksOf(page)).toEqual([gate.url('/')])
  })
})

describe('when the store fails or is slow', () => {
  test('S-060 a store that cannot delete: 503, the cookie stays, and the page does not confirm a logout', async () => {
    let isBroken = false
    const inner = memoryStore()
    const failing: SessionStore = {
      ...inner,
      delete: (key) => {
        if (isBroken) throw new Error('disk full')
        return inner.delete(key)
      },
    }
    const other = await startGate({ provider: { idp: oidcOf(vendor) }, store: failing })
    const browser = await loggedIn(other)
    isBroken = true
    const page = await browser.get(other.url('/auth/logout'))
    expect([page.status, page.setCookie]).toEqual([503, []])
    expect(page.headers['retry-after']).toBeDefined()
    expect(page.body).toContain('You have not been signed out')
    isBroken = false
    expect(await statusOf(browser, other)).toBe(200)
    expect((await browser.get(other.url('/auth/logout'))).status).toBe(200)
    expect(await statusOf(browser, other)).toBe(302)
  })

  test('S-062 a request in progress during the logout does not restore the session', async () => {
    const inner = memoryStore()
    const held: (() => void)[] = []
    const slow: SessionStore = {
      ...inner,
      // Activity is written late: after the logout.
      update: (key, record, ttl) =>
        new Promise((resolve) => held.push(() => resolve(inner.update(key, record, ttl)))),
    }
    const other = await startGate({
      provider: { idp: oidcOf(vendor) },
      store: slow,
      inactivityTimeout: 0.5,
      timeouts: { store: 5 },
    })
    const browser = await loggedIn(other)
    const Cookie = `ngrok.session=${valueOfCookie(browser, other.origin)}`
    await new Promise((resolve) => setTimeout(resolve, 120))
    await browser.get(other.url('/'))
    expect(held.length).toBeGreaterThan(0)
    await browser.get(other.url('/auth/logout'))
    for (const write of held) write()
    await other.middleware.close()
    const rows = await inner.entries?.({ kind: 'session', limit: 10 })
    expect(rows?.entries).toEqual([])
    expect(
      (await createBrowser().get(other.url('/'), { follow: false, headers: { Cookie } })).status,
    ).toBe(302)
  })

  test('the session of one app behind another mount is not ended', async () => {
    const shared = memoryStore()
    const [one, two] = [
      await startGate({ provider: { idp: oidcOf(vendor) }, store: shared, id: 'one' }),
      await startGate({ provider: { idp: oidcOf(vendor) }, store: shared, id: 'two' }),
    ]
    const browser = await loggedIn(one)
    const Cookie = `ngrok.session=${valueOfCookie(browser, one.origin)}`
    await createBrowser().get(two.url('/auth/logout'), { headers: { Cookie } })
    expect(bodyOf(await browser.get(one.url('/'))).oauth?.['isAuthenticated']).toBe(true)
  })
})

describe('C15 Clear-Site-Data', () => {
  const clearing = (logout: Record<string, unknown> = {}) =>
    startGate({ provider: { idp: oidcOf(vendor) }, logout: { clearSiteData: true, ...logout } })
  const headerOf = async (at: Gate, browser: Browser, headers = {}) =>
    (await browser.get(at.url('/auth/logout'), { follow: false, headers })).headers[
      'clear-site-data'
    ]
  const everything = '"cache", "cookies", "storage"'

  test('C15 is sent with the option only: on the page, in JSON and on redirects', async () => {
    expect(await headerOf(gate, await loggedIn())).toBeUndefined()
    const on = await clearing()
    expect(await headerOf(on, await loggedIn(on))).toBe(everything)
    const json = { Accept: 'application/json', 'Sec-Fetch-Mode': 'cors' }
    expect(await headerOf(on, await loggedIn(on), json)).toBe(everything)
    for (const logout of [{ returnTo: '/goodbye' }, { endProviderSession: true }]) {
      const leaving = await clearing(logout)
      expect(await headerOf(leaving, await loggedIn(leaving))).toBe(everything)
    }
    const off = await clearing({ clearSiteData: false })
    expect(await headerOf(off, await loggedIn(off))).toBeUndefined()
  })

  test('C15 needs a confirmation if another site sends the user, with and without a session', async () => {
    const on = await clearing()
    const browser = await loggedIn(on)
    const asked = await browser.get(on.url('/auth/logout'), { headers: fromElsewhere })
    expect(asked.headers['clear-site-data']).toBeUndefined()
    const confirmed = await browser.post(formOf(asked).action, {}, { headers: fromElsewhere })
    expect(confirmed.headers['clear-site-data']).toBe(everything)
    expect(await headerOf(on, browser, fromElsewhere)).toBeUndefined()
    expect(await headerOf(on, browser)).toBe(everything)
  })

  test('C15 is on no other response', async () => {
    const on = await clearing()
    const browser = await loggedIn(on)
    for (const path of ['/', '/auth/session', '/auth/authn', '/auth/nothing'])
      expect(
        (await browser.get(on.url(path), { follow: false })).headers['clear-site-data'],
      ).toBeUndefined()
    const failing = await startGate({
      provider: { idp: oidcOf(vendor) },
      logout: { clearSiteData: true },
      store: { ...store, delete: () => Promise.reject(new Error('down')) },
    })
    expect(await headerOf(failing, await loggedIn(failing))).toBeUndefined()
  })

  test('C15 has no effect over plain http, so the option is rejected there', () => {
    expect(() =>
      oauthModule({
        provider: { idp: oidcOf(vendor) },
        baseUrl: 'http://app.example',
        cookie: { secure: false },
        logout: { clearSiteData: true },
      }),
    ).toThrow(/logout\.clearSiteData.*https/)
  })
})
