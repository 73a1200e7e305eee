import { afterAll, expect, test } from '@jest/globals'
import { withBrowser } from '../support/chromium.js'
import { button, dialogOf } from '../support/client-page.js'
import { startExample, stopExamples } from '../support/examples.js'

afterAll(stopExamples)

test('the single-page app signs in again in a window when a request gets 401, and repeats it', async () => {
  const { origin } = await startExample('single-page-app/server')
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
    await page.bringToFront()
    await page.getByLabel('A note').fill('Buy milk')
    await page.getByRole('button', { name: 'Add' }).click()
    await dialogOf(page).getByRole('heading').waitFor()
    const opened = context.waitForEvent('page')
    await button(page, 'Sign in').click()
    const popup = await opened
    await page.getByText('Ada Lovelace: Buy milk').waitFor()
    if (!popup.isClosed()) await popup.waitForEvent('close')
    expect(page.url()).toBe(target)
  })
}, 90_000)
