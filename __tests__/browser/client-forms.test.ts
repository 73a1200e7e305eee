import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { launchBrowser } from '../support/chromium.js'
import {
  button,
  dialogOf,
  endSessions,
  openPage,
  signInAgain,
  startClientApp,
  until,
  withContext as within,
} from '../support/client-page.js'
import { stopAll, stopping } from '../support/gate.js'
import { type OidcServer, startOidcProvider } from '../support/oidc.js'

const body = `<form method="post" action="/api/notes" data-oauth-keep>
<input name="text"><input name="submit"><input name="action"><textarea name="long"></textarea>
<input type="password" name="secret"><input name="shown" autocomplete="new-password">
<input name="code" autocomplete="one-time-code"><input type="file" name="file">
<button name="kind" value="draft">Save</button></form>
<form method="post" action="/api/other"><button>Other</button></form>`

let browser: Browser
let oidc: OidcServer
let app: Awaited<ReturnType<typeof startClientApp>>
beforeAll(async () => {
  browser = await launchBrowser()
  oidc = stopping(await startOidcProvider())
  app = await startClientApp(oidc, {}, { body })
}, 90_000)
beforeEach(async () => {
  await oidc.loginAs('alice')
  app.received.length = 0
})
afterAll(async () => {
  await browser.close()
  await stopAll()
})

const withContext = (use: (context: BrowserContext) => Promise<void>) => within(browser, use)

async function openForm(context: BrowserContext): Promise<Page> {
  const page = await openPage(context, app.url('/page'))
  await page.evaluate('oauthClient.session()')
  await page.fill('[name=text]', 'Buy milk & "eggs"')
  await page.fill('[name=submit]', '1')
  await page.fill('[name=action]', '2')
  await page.fill('[name=long]', 'two\nlines')
  await page.fill('[name=secret]', 'hunter2')
  await page.fill('[name=shown]', 'hunter3')
  await page.fill('[name=code]', '424242')
  return page
}

const send = (page: Page) => page.getByRole('button', { name: 'Save' }).click()
const asked = (page: Page) =>
  dialogOf(page).getByRole('heading', { name: 'Send the form now?' }).waitFor()
const kept = (page: Page) => page.evaluate("sessionStorage.getItem('oauth-module:form')")

/** Has the user sign in on the page instead of a window. */
async function signInOnPage(page: Page): Promise<void> {
  await page.evaluate('window.open = () => null')
  await button(page, 'Sign in').click()
  await dialogOf(page).getByText('has blocked').waitFor()
  const returned = page.waitForEvent('load')
  await button(page, 'Sign in').click()
  await returned
}

test('with a session, the form is sent as always, and listeners of the page run once', async () => {
  await withContext(async (context) => {
    const page = await openForm(context)
    await page.evaluate(
      "document.forms[0].addEventListener('submit', () => sessionStorage.setItem('n', (sessionStorage.getItem('n') ?? '') + 'x'))",
    )
    await send(page)
    await page.waitForURL(app.url('/api/notes'))
    expect(app.received).toHaveLength(1)
    expect(app.received[0]).toContain('secret=hunter2')
    expect(app.received[0]).toContain('kind=draft')
    expect(await page.evaluate("sessionStorage.getItem('n')")).toBe('x')
    expect(await kept(page)).toBeNull()
  })
})

test('after the session has ended, the user signs in and confirms, and everything is sent', async () => {
  await withContext(async (context) => {
    const page = await openForm(context)
    await endSessions(app)
    await send(page)
    await dialogOf(page).getByRole('heading', { name: 'Your session has ended' }).waitFor()
    await until(page, "sessionStorage.getItem('oauth-module:form')")
    const content = String(await kept(page))
    expect(content).toContain('Buy milk')
    for (const secret of ['hunter2', 'hunter3', '424242']) expect(content).not.toContain(secret)
    await signInAgain(page)
    await asked(page)
    expect(app.received).toEqual([])
    expect(await kept(page)).not.toBeNull()
    await button(page, 'Send').click()
    await page.waitForURL(app.url('/api/notes'))
    expect(app.received).toHaveLength(1)
    expect(app.received[0]).toContain('secret=hunter2')
    expect(await kept(page)).toBeNull()
  })
})

test('if the user signs in on the page, the fields are sent after a confirmation, without secrets', async () => {
  await withContext(async (context) => {
    const page = await openForm(context)
    await endSessions(app)
    await send(page)
    await signInOnPage(page)
    await asked(page)
    expect(await kept(page)).toBeNull()
    await button(page, 'Send').click()
    await page.waitForURL(app.url('/api/notes'))
    const fields = new URLSearchParams(String(app.received[0]).split(' ')[2])
    expect(Object.fromEntries(fields)).toEqual({
      text: 'Buy milk & "eggs"',
      submit: '1',
      action: '2',
      long: 'two\r\nlines',
      kind: 'draft',
    })
  })
})

test('it is not sent without the confirmation, nor kept', async () => {
  await withContext(async (context) => {
    const page = await openForm(context)
    await endSessions(app)
    await send(page)
    await signInOnPage(page)
    await asked(page)
    await button(page, 'Cancel').click()
    await page.reload()
    await page.evaluate('oauthClient.session()')
    expect(await kept(page)).toBeNull()
    expect(await dialogOf(page).count()).toBe(0)
    expect(app.received).toEqual([])
  })
})

test('if the user does not sign in, the page keeps what was entered', async () => {
  await withContext(async (context) => {
    const page = await openForm(context)
    await endSessions(app)
    await send(page)
    await button(page, 'Cancel').click()
    await until(page, "sessionStorage.getItem('oauth-module:form') === null")
    expect(await page.inputValue('[name=text]')).toBe('Buy milk & "eggs"')
    expect(app.received).toEqual([])
    // And it can be sent later.
    await send(page)
    await dialogOf(page).getByRole('heading', { name: 'Your session has ended' }).waitFor()
    await signInAgain(page)
    await asked(page)
    await button(page, 'Send').click()
    await page.waitForURL(app.url('/api/notes'))
  })
})

test.each(['window', 'page'])('another user who signs in in the %s drops it', async (place) => {
  await withContext(async (context) => {
    const page = await openForm(context)
    await endSessions(app)
    await oidc.loginAs('bob')
    await context.clearCookies({ domain: '127.0.0.1' })
    await send(page)
    if (place === 'window') {
      await signInAgain(page)
      await dialogOf(page).getByRole('heading', { name: 'Another account is signed in' }).waitFor()
    } else {
      await signInOnPage(page)
      await page.getByRole('heading', { name: 'Bob Example' }).waitFor()
    }
    await until(page, "sessionStorage.getItem('oauth-module:form') === null")
    expect(await dialogOf(page).getByText('Send the form now?').count()).toBe(0)
    expect(app.received).toEqual([])
  })
})

test('a form without the attribute is not touched', async () => {
  await withContext(async (context) => {
    const page = await openForm(context)
    const requests: string[] = []
    page.on('request', (request) => requests.push(new URL(request.url()).pathname))
    await page.getByRole('button', { name: 'Other' }).click()
    await page.waitForURL(app.url('/api/other'))
    expect(requests).toEqual(['/api/other'])
  })
})
