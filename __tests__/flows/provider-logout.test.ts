import { afterEach, describe, expect, test } from '@jest/globals'
import { memoryStore } from '../../src/index.js'
import type { VendorName, VendorOptions, VendorServer } from '../../src/dev/vendors/index.js'
import { type Gate, stopAll } from '../support/gate.js'
import { type Browser, createBrowser, linksOf, type Page } from '../support/jar.js'
import { gateOf, logIn, refusal, setUp, startVendor } from '../support/providers.js'

afterEach(stopAll)

interface Scene {
  vendor: VendorServer
  gate: Gate
  browser: Browser
  /** Logs in and out; `location` is where the logout leads. */
  logOut(): Promise<Page>
}

/** A gate with `logout.endProviderSession`. */
async function start(
  name: VendorName = 'oidc',
  provider: Record<string, unknown> = {},
  vendorOptions: VendorOptions = {},
): Promise<Scene> {
  const logout = { endProviderSession: true }
  const setting = await setUp(name, provider, vendorOptions, { logout })
  const { gate, browser } = setting
  const logOut = async () => {
    expect((await logIn(setting)).status).toBe(200)
    return browser.get(gate.url('/auth/logout'), { follow: false })
  }
  return { ...setting, logOut }
}

/** A group name that makes an ID token longer by about this many characters. */
const groups = (count: number) =>
  Array.from({ length: count }, (_, index) => `group-${String(index).padStart(4, '0')}-of-acme`)

const warningsIn = ({ gate }: Scene) => gate.logged.filter((line) => line.startsWith('warn '))

describe('A16: the ID token as id_token_hint', () => {
  test('is left out for a user with 250 groups: client_id identifies the client, and the logout works', async () => {
    const scene = await start()
    scene.vendor.claims({ groups: groups(250) })
    const { location = '' } = await scene.logOut()
    const sent = new URL(location).searchParams
    expect([sent.has('id_token_hint'), sent.get('client_id')]).toEqual([
      false,
      scene.vendor.clientId,
    ])
    expect(sent.get('post_logout_redirect_uri')).toBe(scene.gate.url('/auth/logout'))
    expect(location.length).toBeLessThan(512)
    expect((await scene.browser.get(location)).body).toContain('You are signed out')
  })

  test('is sent up to 2 kB, together with client_id', async () => {
    const scene = await start()
    const sizes: number[] = []
    for (const count of [0, 20, 40, 60]) {
      scene.vendor.claims({ groups: groups(count) })
      const sent = new URL((await scene.logOut()).location ?? '').searchParams
      sizes.push(sent.get('id_token_hint')?.length ?? 0)
      expect(sent.get('client_id')).toBe(scene.vendor.clientId)
    }
    expect(sizes.filter((size) => size > 0).length).toBeGreaterThan(1)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2048)
    expect(sizes.at(-1)).toBe(0)
  })

  test.each<[VendorName]>([['oidc'], ['microsoft']])(
    'is never sent with logoutHint: false (%s)',
    async (name) => {
      const scene = await start(name, { logoutHint: false })
      const sent = new URL((await scene.logOut()).location ?? '').searchParams
      expect([sent.has('id_token_hint'), sent.has('client_id')]).toEqual([false, true])
    },
  )

  test('is sent with logoutHint: true, as by default', async () => {
    for (const provider of [{}, { logoutHint: true }]) {
      const { location = '' } = await (await start('oidc', provider)).logOut()
      expect(new URL(location).searchParams.get('id_token_hint')).toMatch(
        /^[\w-]+\.[\w-]+\.[\w-]+$/,
      )
    }
  })

  test('replaces parameters of the end_session_endpoint, and keeps others', async () => {
    const scene = await start()
    scene.vendor.settings.discovery = {
      end_session_endpoint: `${scene.vendor.origin}/logout?realm=a&client_id=other`,
    }
    const sent = new URL((await scene.logOut()).location ?? '').searchParams
    expect([sent.get('realm'), sent.getAll('client_id')]).toEqual(['a', [scene.vendor.clientId]])
  })
})

describe('A16: a provider without an end_session_endpoint', () => {
  test.each<[string, VendorName, VendorOptions]>([
    [
      'discovery lists none',
      'oidc',
      { settings: { discovery: { end_session_endpoint: undefined } } },
    ],
    ['discovery has null', 'oidc', { settings: { discovery: { end_session_endpoint: null } } }],
    ['the vendor has none', 'github', {}],
    ['the vendor has none', 'google', {}],
    ['a plain OAuth 2.0 server', 'oauth2', {}],
  ])('one warning, and the user is signed out here: %s (%s)', async (_, name, options) => {
    const scene = await start(name, {}, options)
    for (let count = 0; count < 2; count++) {
      const page = await scene.logOut()
      expect([page.status, page.body.includes('You are signed out')]).toEqual([200, true])
    }
    expect(warningsIn(scene).filter((line) => line.includes('end_session_endpoint'))).toEqual([
      expect.stringMatching(/endProviderSession has no effect.*endpoints\.endSession/),
    ])
  })

  test('no warning without the option, and none with endpoints.endSession', async () => {
    const options = { settings: { discovery: { end_session_endpoint: undefined } } }
    const without = await setUp('oidc', {}, options)
    await logIn(without)
    await without.browser.get(without.gate.url('/auth/logout'))
    const vendorLogout = 'https://id.example/logout'
    const scene = await start('oidc', { endpoints: { endSession: vendorLogout } }, options)
    expect((await scene.logOut()).location).toContain(`${vendorLogout}?`)
    expect([...without.gate.logged, ...scene.gate.logged].join()).not.toContain('no effect')
  })
})

test('A16: a provider that is down at the logout is reported, and the user is signed out here', async () => {
  const vendor = await startVendor('oidc')
  const options = { store: memoryStore(), logout: { endProviderSession: true } }
  const first = await gateOf(vendor, {}, options)
  const second = await gateOf(vendor, {}, options)
  const browser = createBrowser()
  expect((await logIn({ gate: first, browser })).status).toBe(200)
  vendor.respond('discovery', { status: 503 })
  const page = await browser.get(second.url('/auth/logout'), { follow: false })
  expect([page.status, page.body.includes('You are signed out')]).toEqual([200, true])
  expect(second.logged.filter((line) => line.includes('was not ended'))).toEqual([
    expect.stringMatching(/^warn .*status 503/),
  ])
})

test('A16: the "Continue" link of a confirmed logout has no long hint either', async () => {
  const scene = await start()
  scene.vendor.claims({ groups: groups(250) })
  expect((await logIn(scene)).status).toBe(200)
  const confirm = await scene.browser.get(scene.gate.url('/auth/logout'), {
    headers: { 'Sec-Fetch-Site': 'cross-site' },
  })
  const action =
    /<form[^>]*action="([^"]*)"/.exec(confirm.body)?.[1]?.replaceAll('&amp;', '&') ?? ''
  const page = await scene.browser.post(new URL(action, confirm.url).href, {})
  const [link = ''] = linksOf(page)
  expect(link).toContain('client_id=')
  expect(link).not.toContain('id_token_hint')
})

test('A16: logoutHint must be a boolean', () => {
  const provider = { github: { clientId: 'a', clientSecret: 'b', logoutHint: 'no' } }
  expect(refusal(provider as never)).toMatch(/github\.logoutHint must be/)
})
