import { afterAll, expect, test } from '@jest/globals'
import { withBrowser } from '../support/chromium.js'
import { startExample, stopExamples } from '../support/examples.js'

afterAll(stopExamples)

test('the single-page app signs in again when a fetch gets 401, and returns to its page', async () => {
  const { origin } = await startExample('single-page-app')
  await withBrowser(async (context) => {
    const page = await context.newPage()
    const target = `${origin}/board?filter=mine`
    await page.goto(target)
    await page.getByRole('link', { name: 'Ada Lovelace' }).click()
    const greeting = page.locator('output')
    await greeting.filter({ hasText: 'Ada Lovelace' }).waitFor()
    // The session ends in another tab.
    const tab = await context.newPage()
    await tab.goto(`${origin}/auth/logout`)
    const rejected = page.waitForResponse((response) => response.status() === 401)
    const returned = page.waitForRequest((request) => request.url() === target)
    await page.getByRole('button', { name: 'Reload' }).click()
    await Promise.all([rejected, returned])
    await greeting.filter({ hasText: 'Ada Lovelace' }).waitFor()
    expect(page.url()).toBe(target)
  })
}, 90_000)
