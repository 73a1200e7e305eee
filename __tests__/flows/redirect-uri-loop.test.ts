import { afterEach, describe, expect, test } from '@jest/globals'
import type { OAuthModuleOptions } from '../../src/index.js'
import type { VendorName, VendorServer } from '../../src/dev/vendors/index.js'
import { fakeDate, realDate } from '../support/clock.js'
import { type Gate, startGate, stopAll } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { attemptOf, providerOf, startVendor } from '../support/providers.js'
import { program } from '../support/recheck.js'

afterEach(async () => {
  await stopAll()
  realDate()
})

interface Scene {
  readonly vendor: VendorServer
  readonly gate: Gate
}

/** A gate whose redirect URI is not registered; the start page of the app is. */
async function open(
  name: VendorName,
  mismatch: 'error' | 'home' | undefined,
  options: Partial<OAuthModuleOptions> = {},
): Promise<Scene> {
  const vendor = await startVendor(name)
  const gate = await startGate({ provider: providerOf(vendor), ...options })
  vendor.settings.redirectUris = [gate.url('/')]
  vendor.settings.mismatch = mismatch
  return { vendor, gate }
}

const linesOf = ({ gate }: Scene, level: string) =>
  gate.logged.filter((line) => line.startsWith(level) && line.includes('misconfigured'))

describe('D13: a redirect URI that is not registered leads to the registered address', () => {
  test.each([
    ['github', undefined],
    ['oidc', 'error'],
  ] as const)(
    'D13: %s responds there with an error: page and log name the redirect URI to register',
    async (name, mismatch) => {
      const scene = await open(name, mismatch)
      const { gate } = scene
      const attempt = attemptOf(await createBrowser().get(gate.url('/reports')))
      expect(attempt).toMatchObject({ status: 502, code: 'misconfigured' })
      const [line, ...more] = linesOf(scene, 'error')
      expect(more).toEqual([])
      for (const text of [line, attempt.page.body]) {
        expect(text).toContain('instead of the redirect URI of the login')
        expect(text).toContain(
          `register exactly this redirect URI at the provider: ${gate.url('/auth/callback')}`,
        )
      }
      expect(attempt.page.history).toHaveLength(3)
    },
  )

  test("D13: with unauthenticated: 'pass', the start page of the app does not hide it", async () => {
    const scene = await open('github', undefined, { unauthenticated: 'pass' })
    const page = await createBrowser().get(scene.gate.url('/auth/authn'))
    expect(attemptOf(page)).toMatchObject({ status: 502, code: 'misconfigured' })
  })

  test('D13: when it is registered, the next login works', async () => {
    const { vendor, gate } = await open('github', undefined)
    const browser = createBrowser()
    expect((await browser.get(gate.url('/reports'))).status).toBe(502)
    vendor.settings.redirectUris = [gate.url('/auth/callback')]
    expect((await browser.get(gate.url('/reports'))).status).toBe(200)
  })

  test('D13: the state of another browser, of another app, or in a request of a script starts no error', async () => {
    const { gate } = await open('github', undefined)
    const other = await createBrowser().get(gate.url('/'), { follow: 1 })
    const stray = String(other.location)
    expect(new URL(stray).searchParams.get('error')).toBe('redirect_uri_mismatch')
    expect((await createBrowser().get(stray, { follow: false })).status).toBe(302)
    expect((await createBrowser().get(gate.url('/?state=x'), { follow: false })).status).toBe(302)
    const browser = createBrowser()
    const own = await browser.get(gate.url('/'), { follow: 1 })
    expect((await browser.get(String(own.location), { headers: program })).status).toBe(401)
  })

  test('D13: without parameters, which is an endless loop: a page before the browser gives up, and a warning', async () => {
    const scene = await open('oidc', 'home')
    const { gate } = scene
    const attempt = attemptOf(await createBrowser().get(gate.url('/'), { follow: 20 }))
    expect(attempt).toMatchObject({ status: 502, code: 'misconfigured' })
    expect(attempt.page.history.length).toBeLessThan(20)
    for (const text of [linesOf(scene, 'error')[0], linesOf(scene, 'warn')[0], attempt.page.body])
      expect(text).toMatch(/has responded to none of them at the redirect URI: register exactly/)
  })

  test('D13: a user who starts logins slowly, or for several pages, gets a login each time', async () => {
    const clock = fakeDate()
    const { gate } = await open('oidc', 'home')
    const browser = createBrowser()
    const start = async (path: string) =>
      (await browser.get(gate.url(path), { follow: false })).status
    for (let count = 0; count < 20; count++) {
      expect(await start('/slow')).toBe(302)
      clock.forward(4)
    }
    for (let count = 0; count < 20; count++) expect(await start(`/tab/${count}`)).toBe(302)
  })

  test('D13: half a minute after the page, or when the user tries again, a login starts', async () => {
    const clock = fakeDate()
    const { vendor, gate } = await open('oidc', 'home')
    const browser = createBrowser()
    const { body } = await browser.get(gate.url('/'))
    expect(body).toContain('misconfigured')
    vendor.settings.redirectUris = []
    clock.forward(31)
    expect((await browser.get(gate.url('/'))).status).toBe(200)
  })
})
