import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Browser, Page } from 'playwright-core'
import { launchBrowser } from '../support/chromium.js'
import { oidcOf, startGate, stopAll } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { requestsTo, startVendor } from '../support/providers.js'

let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
}, 90_000)
afterAll(async () => {
  await browser.close()
  await stopAll()
})

async function withPage(use: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.newContext()
  try {
    await use(await context.newPage())
  } finally {
    await context.close()
  }
}

const heading = (page: Page) => page.getByRole('heading').innerText()

/** A user of another domain than the one that may pass. */
async function setUpDenied(responseMode: 'query' | 'form_post') {
  const vendor = await startVendor('oidc')
  const idp = oidcOf(vendor, { responseMode, emailDomains: ['allowed.example'] })
  return { vendor, gate: await startGate({ provider: { idp } }) }
}

describe.each(['query', 'form_post'] as const)('in Chromium, with %s, a reload', (responseMode) => {
  test('of the page of a denied user repeats the decision', async () => {
    const { vendor, gate } = await setUpDenied(responseMode)
    await withPage(async (page) => {
      await page.goto(gate.url('/deep?x=1'))
      await page.waitForURL(gate.url('/auth/callback*'))
      expect(await heading(page)).toBe('This account has no access')
      for (let count = 0; count < 2; count++) {
        const response = page.waitForResponse(
          (one) => one.status() === 403 && one.url().startsWith(gate.url('/auth/callback')),
        )
        await page.reload()
        await response
        await page.getByRole('heading', { name: 'This account has no access' }).waitFor()
        expect(await page.locator('main').innerText()).not.toContain('login_expired')
      }
      expect(requestsTo(vendor, 'token')).toHaveLength(3)
    })
  })

  test('lets the user in whom the owner has given access since', async () => {
    const { vendor, gate } = await setUpDenied(responseMode)
    await withPage(async (page) => {
      await page.goto(gate.url('/deep?x=1'))
      await page.getByRole('heading', { name: 'This account has no access' }).waitFor()
      vendor.user = { ...vendor.user, email: 'ida@allowed.example' }
      await page.reload()
      await page.waitForURL(gate.url('/deep?x=1'))
    })
  })

  test('of the page of a user who canceled leads to the provider again', async () => {
    const { vendor, gate } = await setUpDenied(responseMode)
    vendor.settings.refuse = { error: 'access_denied' }
    await withPage(async (page) => {
      await page.goto(gate.url('/deep'))
      await page.getByRole('heading', { name: 'Sign-in was not completed' }).waitFor()
      await page.reload()
      await page.getByRole('heading', { name: 'Sign-in was not completed' }).waitFor()
      expect(requestsTo(vendor, 'authorize')).toHaveLength(2)
    })
  })
})

test('the browser keeps nothing of a denied login outside of the callback path', async () => {
  const { gate } = await setUpDenied('query')
  const user = createBrowser()
  const page = await user.get(gate.url('/deep'))
  expect(page.status).toBe(403)
  expect(user.cookies(gate.url('/deep'))).toEqual([])
  const kept = user.cookies(gate.url('/auth/callback'))
  expect(kept.map(({ key, path, httpOnly, sameSite }) => [key, path, httpOnly, sameSite])).toEqual([
    ['ngrok.rejected', '/auth/callback', true, 'lax'],
  ])
})

test('in another browser, the callback of a rejected login is rejected as used', async () => {
  const { gate } = await setUpDenied('query')
  const { url } = await createBrowser().get(gate.url('/deep'))
  const other = await createBrowser().get(url, { follow: false })
  expect([other.status, other.body.includes('login_expired')]).toEqual([400, true])
})

test('a page that is reloaded after the login has expired leads to a new login', async () => {
  const { gate } = await setUpDenied('query')
  const user = createBrowser()
  const { url } = await user.get(gate.url('/deep'))
  const now = Date.now()
  const { now: realNow } = Date
  Date.now = () => now + 3_600_000
  try {
    const page = await user.get(url, { follow: false })
    expect([page.status, new URL(page.location ?? '').pathname]).toEqual([302, '/auth/authn'])
  } finally {
    Date.now = realNow
  }
})

test('the next login of the same browser is not affected', async () => {
  const { vendor, gate } = await setUpDenied('query')
  const user = createBrowser()
  await user.get(gate.url('/deep'))
  vendor.user = { ...vendor.user, email: 'ida@allowed.example' }
  expect((await user.get(gate.url('/other'))).url).toBe(gate.url('/other'))
})
