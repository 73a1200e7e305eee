import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { launchBrowser } from '../support/chromium.js'
import {
  button,
  dialogOf,
  endSessions,
  openPage,
  outcomeOf,
  signInAgain,
  startClientApp,
  startFetch,
  until,
  withContext as within,
} from '../support/client-page.js'
import { stopAll, stopping } from '../support/gate.js'
import { type OidcServer, startOidcProvider } from '../support/oidc.js'

let browser: Browser
let oidc: OidcServer
let app: Awaited<ReturnType<typeof startClientApp>>
beforeAll(async () => {
  browser = await launchBrowser()
  oidc = stopping(await startOidcProvider())
  app = await startClientApp(oidc)
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

async function openTab(context: BrowserContext, url = app.url('/page')): Promise<Page> {
  const page = await openPage(context, url)
  await page.evaluate('oauthClient.session()')
  return page
}

const headed = (page: Page, name: string) => dialogOf(page).getByRole('heading', { name }).waitFor()
const ENDED = 'Your session has ended'

/** Advances the clock of the server: that of this process, and the header `Date` from Node. */
async function later(context: BrowserContext, ms: number, use: () => Promise<void>): Promise<void> {
  const { now } = Date
  Date.now = () => now() + ms
  const pattern = /\/auth\/(?:session|client\.js)$/
  await context.route(pattern, async (route) => {
    const response = await route.fetch()
    const date = new Date(Date.now()).toUTCString()
    await route.fulfill({ response, headers: { ...response.headers(), date } })
  })
  try {
    await use()
  } finally {
    Date.now = now
    await context.unroute(pattern)
  }
}

describe('in two tabs', () => {
  test('one login repeats the requests of both', async () => {
    await withContext(async (context) => {
      const [one, two] = [await openTab(context), await openTab(context)]
      await endSessions(app)
      for (const page of [one, two]) {
        await startFetch(page, "fetch('/api/data')")
        await headed(page, ENDED)
      }
      await signInAgain(one)
      for (const page of [one, two])
        expect(await outcomeOf(page)).toEqual([200, expect.objectContaining({ user: 'alice' })])
      expect(app.received).toHaveLength(2)
    })
  })

  test('a sign-out by a link is shown in the other tab, and a sign-in closes that again', async () => {
    const body = '<a href="/auth/logout">Sign out</a>'
    const other = await startClientApp(oidc, {}, { body })
    await withContext(async (context) => {
      const [one, two] = [
        await openTab(context, other.url('/one')),
        await openTab(context, other.url('/two')),
      ]
      await one.getByRole('link', { name: 'Sign out' }).click()
      await headed(two, ENDED)
      // Not modal: the user can still read and copy.
      expect(await two.evaluate(isModal)).toBe(false)
      await one.goto(other.url('/one'))
      await dialogOf(two).waitFor({ state: 'hidden' })
    })
  })

  test('a sign-out by the method is shown in the other tab, whose notice signs in', async () => {
    await withContext(async (context) => {
      const [one, two] = [await openTab(context), await openTab(context)]
      await two.evaluate(
        "window.events = []; for (const name of ['signin', 'signout']) oauthClient.on(name, (e) => events.push([e.type, e.detail.user?.id]))",
      )
      await one.evaluate('oauthClient.signOut()')
      await one.getByRole('heading', { name: 'You are signed out' }).waitFor()
      await headed(two, ENDED)
      await signInAgain(two)
      await dialogOf(two).waitFor({ state: 'hidden' })
      expect(await two.evaluate('events')).toEqual([
        ['signout', undefined],
        ['signin', 'alice'],
      ])
    })
  })

  test('another user in one of them: the other one has to be reloaded, and its requests are not repeated', async () => {
    await withContext(async (context) => {
      const [one, two] = [await openTab(context), await openTab(context)]
      await endSessions(app)
      await startFetch(one, "fetch('/api/data')")
      await headed(one, ENDED)
      await oidc.loginAs('bob')
      await context.clearCookies({ domain: '127.0.0.1' })
      await two.goto(app.url('/other'))
      await two.getByRole('heading', { name: 'Bob Example' }).waitFor()
      await headed(one, 'Another account is signed in')
      expect((await outcomeOf(one))[0]).toBe(401)
      expect(app.received).toEqual([])
      expect(await one.evaluate('oauthClient.signIn()')).toBe(false)
    })
  })

  test('without a channel between windows, the session is read until the login is complete', async () => {
    await withContext(async (context) => {
      await context.addInitScript('window.BroadcastChannel = class { postMessage() {} close() {} }')
      const page = await openTab(context)
      await endSessions(app)
      await startFetch(page, "fetch('/api/data')")
      await headed(page, ENDED)
      await signInAgain(page)
      expect((await outcomeOf(page))[0]).toBe(200)
    })
  })
})

describe('before the session ends', () => {
  test('the user is warned, and stays signed in', async () => {
    const idle = await startClientApp(oidc, { inactivityTimeout: 600 })
    await withContext(async (context) => {
      const page = await openTab(context, idle.url('/page'))
      await page.focus('#b')
      await page.evaluate("window.warned = 0; void oauthClient.on('expiring', () => warned++)")
      const readIdle = () => page.evaluate('oauthClient.session().then((s) => s.idleExpiresAt)')
      const before = await readIdle()
      await later(context, 550_000, async () => {
        // What a timer of the page does after that time.
        expect(await readIdle()).toBe(before)
        await headed(page, 'Your session ends soon')
        // The notice does not take the focus.
        expect(await page.evaluate('document.activeElement.id')).toBe('b')
        await button(page, 'Stay signed in').click()
        await dialogOf(page).waitFor({ state: 'hidden' })
        expect(await readIdle()).toBeGreaterThan(Number(before) + 500_000)
        expect(await page.evaluate('warned')).toBe(1)
        expect(idle.received).toEqual([])
      })
    })
  })

  test('by its maximum duration, a new login keeps the page', async () => {
    const short = await startClientApp(oidc, { maximumDuration: 600 })
    await withContext(async (context) => {
      const page = await openTab(context, short.url('/page#here'))
      await later(context, 550_000, async () => {
        await page.evaluate('oauthClient.session()')
        await headed(page, 'Your session ends soon')
        const opened = context.waitForEvent('page')
        await button(page, 'Stay signed in').click()
        const popup = await opened
        if (!popup.isClosed()) await popup.waitForEvent('close')
        await dialogOf(page).waitFor({ state: 'hidden' })
      })
      expect(page.url()).toBe(short.url('/page#here'))
    })
  })

  test('the timer of the page warns, without a request of the page', async () => {
    // Half of a short session.
    const idle = await startClientApp(oidc, { inactivityTimeout: 8 })
    await withContext(async (context) => {
      const page = await openTab(context, idle.url('/page'))
      await headed(page, 'Your session ends soon')
      await headed(page, ENDED)
    })
  })

  test('an event of the app can suppress the notice, and warnBefore: 0 the warning', async () => {
    const idle = await startClientApp(oidc, { inactivityTimeout: 600 })
    await withContext(async (context) => {
      const page = await openTab(context, idle.url('/page'))
      await page.evaluate(
        "window.seen = []; for (const name of ['expiring', 'signout']) oauthClient.on(name, (e) => { seen.push(name); e.preventDefault() })",
      )
      await later(context, 550_000, async () => {
        await page.evaluate('oauthClient.session()')
        await page.evaluate('oauthClient.configure({ warnBefore: 0 })')
        await page.evaluate('oauthClient.session()')
        await page.evaluate('oauthClient.configure({ warnBefore: 60 })')
        await page.evaluate('oauthClient.session()')
      })
      await endSessions(idle)
      await page.evaluate('oauthClient.session()')
      expect(await page.evaluate('seen')).toEqual(['expiring', 'expiring', 'signout'])
      expect(await dialogOf(page).count()).toBe(0)
    })
  })
})

describe('the page learns that its session has ended', () => {
  test('when it becomes visible', async () => {
    await withContext(async (context) => {
      const page = await openTab(context)
      await endSessions(app)
      await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
      await headed(page, ENDED)
    })
  })

  test('when it is online again, and not while the server cannot be reached', async () => {
    await withContext(async (context) => {
      const page = await openTab(context)
      await context.setOffline(true)
      await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
      expect(await page.evaluate('oauthClient.session()')).toBeUndefined()
      expect(await dialogOf(page).count()).toBe(0)
      await endSessions(app)
      await context.setOffline(false)
      await headed(page, ENDED)
    })
  })

  test('when the back button restores it from memory', async () => {
    const own = await chromium.launch({
      executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu'],
      ignoreDefaultArgs: ['--disable-back-forward-cache'],
    })
    const elsewhere = await startClientApp(oidc, {}, { head: '' })
    try {
      const context = await own.newContext()
      const page = await openTab(context)
      await page.evaluate('window.isSamePage = true')
      await page.goto(elsewhere.url('/elsewhere'))
      await endSessions(app)
      // Playwright's own waits for a load, which does not happen.
      await page.evaluate('history.back()')
      await page.waitForURL(app.url('/page'), { waitUntil: 'commit' })
      expect(await page.evaluate('window.isSamePage')).toBe(true)
      await headed(page, ENDED)
      await startFetch(page, "fetch('/api/data')")
      await until(page, isModal)
      await signInAgain(page)
      expect((await outcomeOf(page))[0]).toBe(200)
    } finally {
      await own.close()
    }
  })
})

describe('the methods of the script', () => {
  test('signIn() resolves at once with a session, and otherwise when the user has signed in or not', async () => {
    await withContext(async (context) => {
      const page = await openTab(context)
      expect(await page.evaluate('oauthClient.signIn()')).toBe(true)
      await endSessions(app)
      const canceled = page.evaluate('oauthClient.signIn()')
      await until(page, isModal)
      await button(page, 'Cancel').click()
      expect(await canceled).toBe(false)
      const signedIn = page.evaluate('oauthClient.signIn()')
      await until(page, isModal)
      await signInAgain(page)
      expect(await signedIn).toBe(true)
    })
  })

  test('signInHere() returns to the page with its fragment', async () => {
    await withContext(async (context) => {
      const page = await openTab(context, app.url('/page?a=1#/deep'))
      await endSessions(app)
      const loaded = page.waitForEvent('load')
      await page.evaluate('void oauthClient.signInHere()')
      await loaded
      await page.waitForURL(app.url('/page?a=1#/deep'))
    })
  })

  test('are the same, loaded as a script, as a module, and twice', async () => {
    const module = await startClientApp(
      oidc,
      {},
      {
        policy: "script-src 'self' 'unsafe-inline'",
        head: '<script type="module" src="/auth/client.js"></script><script type="module">import client, { session } from "/auth/client.js?module"; window.isSame = client === oauthClient && session === oauthClient.session</script><script src="/auth/client.js"></script>',
      },
    )
    await withContext(async (context) => {
      const page = await openTab(context, module.url('/page'))
      expect(await page.evaluate('window.isSame')).toBe(true)
      await endSessions(module)
      await startFetch(page, "fetch('/api/data')")
      await headed(page, ENDED)
      await signInAgain(page)
      expect((await outcomeOf(page))[0]).toBe(200)
      expect(module.received).toHaveLength(1)
    })
  })

  test('work behind a mount point with another basePath', async () => {
    const mounted = await startClientApp(oidc, { basePath: '/login' }, { mount: '/admin' })
    await withContext(async (context) => {
      const page = await openTab(context, mounted.url('/admin/page'))
      await endSessions(mounted)
      await startFetch(page, "fetch('/admin/api/data')")
      await headed(page, ENDED)
      await signInAgain(page)
      expect((await outcomeOf(page))[0]).toBe(200)
    })
  })
})

test('a user whom the rules deny now sees no dialog, only a page in the window after a login', async () => {
  let isAllowed = true
  const strict = await startClientApp(oidc, {
    authorize: () => isAllowed,
    authCheckInterval: 60,
    rulesVersion: '1',
  })
  await withContext(async (context) => {
    const page = await openTab(context, strict.url('/page'))
    isAllowed = false
    await endSessions(strict)
    await startFetch(page, "fetch('/api/data')")
    await headed(page, ENDED)
    const [popup] = await Promise.all([
      context.waitForEvent('page'),
      button(page, 'Sign in').click(),
    ])
    await popup.getByRole('heading', { name: 'This account has no access' }).waitFor()
    expect(await dialogOf(page).isVisible()).toBe(true)
    isAllowed = true
    await popup.reload().catch(() => undefined)
    expect((await outcomeOf(page))[0]).toBe(200)
  })
})

const isModal =
  "document.querySelector('oauth-client').shadowRoot.querySelector('dialog').matches(':modal')"
