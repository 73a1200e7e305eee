import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Browser, BrowserContext, Page } from 'playwright-core'
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
  withContext as within,
} from '../support/client-page.js'
import { stopAll, stopping } from '../support/gate.js'
import { type OidcServer, startOidcProvider } from '../support/oidc.js'
import { listen } from '../support/server.js'

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

/** A page of Alice's whose session has ended, with its errors. */
async function openEnded(context: BrowserContext, path = '/page?x=1') {
  const page = await openPage(context, app.url(path))
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    // The browser reports each 401.
    if (message.type() === 'error' && !message.text().includes('401')) errors.push(message.text())
  })
  await page.evaluate('oauthClient.session()')
  await endSessions(app)
  return { page, errors }
}

const askedToSignIn = (page: Page) =>
  dialogOf(page).getByRole('heading', { name: 'Your session has ended' }).waitFor()

const ofAlice = (more: object) => [200, expect.objectContaining({ user: 'alice', ...more })]
const rejected = [401, expect.objectContaining({ error: 'login_required' })]

describe('a fetch that the gate rejects', () => {
  test('is repeated after the user has signed in, under the strictest policy, on the same page', async () => {
    await withContext(async (context) => {
      const { page, errors } = await openEnded(context, '/page?x=1#here')
      await startFetch(page, "fetch('/api/data')")
      await askedToSignIn(page)
      await signInAgain(page)
      expect(await outcomeOf(page)).toEqual(ofAlice({ method: 'GET' }))
      expect(await dialogOf(page).isVisible()).toBe(false)
      expect(page.url()).toBe(app.url('/page?x=1#here'))
      expect(app.received).toEqual(['GET /api/data'])
      expect(errors).toEqual([])
    })
  })

  test('shares the dialog with others, and each is repeated once', async () => {
    await withContext(async (context) => {
      const { page } = await openEnded(context)
      const names = ['a', 'b', 'c', 'd', 'e']
      for (const name of names) await startFetch(page, `fetch('/api/${name}')`, name)
      await askedToSignIn(page)
      await signInAgain(page)
      for (const name of names) expect(await outcomeOf(page, name)).toEqual(ofAlice({}))
      expect([...app.received].sort()).toEqual(names.map((name) => `GET /api/${name}`))
      expect(context.pages()).toHaveLength(1)
    })
  })

  test('with a method that changes something is not repeated, and the page gets the 401', async () => {
    await withContext(async (context) => {
      const { page } = await openEnded(context)
      await startFetch(page, "fetch('/api/data', { method: 'POST', body: 'once' })")
      await askedToSignIn(page)
      await signInAgain(page)
      expect(await outcomeOf(page)).toEqual(rejected)
      expect(app.received).toEqual([])
    })
  })

  test.each([
    ['a string', "fetch('/api/data', { method: 'POST', body: 'a body' })", 'a body'],
    ['a Request', "fetch(new Request('/api/data', { method: 'PUT', body: 'a body' }))", 'a body'],
    [
      'parameters that the page changes meanwhile',
      "(() => { const body = new URLSearchParams({ a: '1' }); const sent = fetch('/api/data', { method: 'POST', body }); body.set('a', '2'); return sent })()",
      'a=1',
    ],
    [
      'a FormData with a file',
      "(() => { const body = new FormData(); body.set('f', new Blob(['the file']), 'x.txt'); return fetch('/api/data', { method: 'POST', body }) })()",
      'the file',
    ],
  ])('is repeated with its body, if the page opts in: %s', async (_, expression, content) => {
    await withContext(async (context) => {
      const { page } = await openEnded(context)
      await page.evaluate('oauthClient.configure({ repeatUnsafe: true })')
      await startFetch(page, expression)
      await askedToSignIn(page)
      await signInAgain(page)
      expect(await outcomeOf(page)).toEqual(ofAlice({ content: expect.stringContaining(content) }))
      expect(app.received).toHaveLength(1)
    })
  })

  test('is repeated if the function of the page allows it, by method and URL', async () => {
    await withContext(async (context) => {
      const { page } = await openEnded(context)
      await page.evaluate(
        "oauthClient.configure({ repeatUnsafe: (method, url) => method === 'PUT' && url === '/api/a' })",
      )
      await startFetch(page, "fetch('/api/a', { method: 'put', body: '1' })", 'a')
      await startFetch(page, "fetch('/api/b', { method: 'put', body: '1' })", 'b')
      await startFetch(page, "fetch('/api/a', { method: 'PATCH', body: '1' })", 'c')
      await askedToSignIn(page)
      await signInAgain(page)
      expect(await outcomeOf(page, 'a')).toEqual(ofAlice({ method: 'PUT' }))
      expect(await outcomeOf(page, 'b')).toEqual(rejected)
      expect(await outcomeOf(page, 'c')).toEqual(rejected)
    })
  })

  test.each(['Cancel', 'Escape'])('gets the 401 after %s, and the focus returns', async (way) => {
    await withContext(async (context) => {
      const { page } = await openEnded(context)
      await page.focus('#b')
      await startFetch(page, "fetch('/api/data')")
      await askedToSignIn(page)
      // Neither the page nor a button has the focus: a key that the user types has no effect.
      expect(await page.evaluate(focused)).toBe('H2')
      if (way === 'Escape') await page.keyboard.press('Escape')
      else await button(page, 'Cancel').click()
      expect(await outcomeOf(page)).toEqual(rejected)
      expect(await dialogOf(page).isVisible()).toBe(false)
      expect(await page.evaluate(focused)).toBe('BUTTON#b')
      // The next one asks again.
      await startFetch(page, "fetch('/api/data')")
      await askedToSignIn(page)
    })
  })

  test('the dialog works by keyboard, and keeps the focus', async () => {
    await withContext(async (context) => {
      const { page } = await openEnded(context)
      await startFetch(page, "fetch('/api/data')")
      await askedToSignIn(page)
      await page.keyboard.press('Tab')
      expect(await page.evaluate(focused)).toBe('BUTTON Sign in')
      await page.keyboard.press('Tab')
      expect(await page.evaluate(focused)).toBe('BUTTON Cancel')
      await page.keyboard.press('Shift+Tab')
      const opened = context.waitForEvent('page')
      await page.keyboard.press('Enter')
      await opened
      expect(await outcomeOf(page)).toEqual(ofAlice({}))
    })
  })

  test('rejects when its signal aborts, and the dialog closes if no other one waits', async () => {
    await withContext(async (context) => {
      const { page } = await openEnded(context)
      await page.evaluate(
        'window.first = new AbortController(); window.second = new AbortController()',
      )
      await startFetch(page, "fetch('/api/a', { signal: first.signal })", 'a')
      await startFetch(page, "fetch(new Request('/api/b', { signal: second.signal }))", 'b')
      await askedToSignIn(page)
      await page.evaluate('first.abort()')
      expect((await outcomeOf(page, 'a'))[0]).toBe('AbortError')
      expect(await dialogOf(page).isVisible()).toBe(true)
      await page.evaluate('second.abort()')
      expect((await outcomeOf(page, 'b'))[0]).toBe('AbortError')
      await dialogOf(page).waitFor({ state: 'hidden' })
      expect(app.received).toEqual([])
    })
  })

  test('is not repeated as another user, who has to reload the page', async () => {
    await withContext(async (context) => {
      const { page } = await openEnded(context)
      await oidc.loginAs('bob')
      await context.clearCookies({ domain: '127.0.0.1' })
      await startFetch(page, "fetch('/api/data')")
      await askedToSignIn(page)
      await signInAgain(page)
      await dialogOf(page).getByRole('heading', { name: 'Another account is signed in' }).waitFor()
      expect(await outcomeOf(page)).toEqual(rejected)
      expect(app.received).toEqual([])
      const reloaded = page.waitForEvent('load')
      await button(page, 'Reload').click()
      await reloaded
      await page.getByRole('heading', { name: 'Bob Example' }).waitFor()
    })
  })

  test('a window that the user closes can be opened again', async () => {
    await withContext(async (context) => {
      const { page } = await openEnded(context)
      await oidc.loginAs(null)
      await context.clearCookies({ domain: '127.0.0.1' })
      await startFetch(page, "fetch('/api/data')")
      await askedToSignIn(page)
      const [popup] = await Promise.all([
        context.waitForEvent('page'),
        button(page, 'Sign in').click(),
      ])
      await popup.getByRole('heading', { name: 'Who are you?' }).waitFor()
      await dialogOf(page).getByText('in the window that has opened').waitFor()
      await popup.close()
      const [second] = await Promise.all([
        context.waitForEvent('page'),
        button(page, 'Sign in').click(),
      ])
      await second.getByRole('link', { name: 'alice' }).click()
      expect(await outcomeOf(page)).toEqual(ofAlice({}))
    })
  })

  test('a user who refuses at the provider can try again in the window, or cancel on the page', async () => {
    await withContext(async (context) => {
      const { page } = await openEnded(context)
      await oidc.loginAs(null)
      await context.clearCookies({ domain: '127.0.0.1' })
      await startFetch(page, "fetch('/api/data')")
      await askedToSignIn(page)
      const [popup] = await Promise.all([
        context.waitForEvent('page'),
        button(page, 'Sign in').click(),
      ])
      await popup.getByRole('link', { name: 'Deny' }).click()
      await popup.getByRole('link', { name: 'Try again' }).click()
      await popup.getByRole('link', { name: 'alice' }).click()
      expect(await outcomeOf(page)).toEqual(ofAlice({}))
      if (!popup.isClosed()) await popup.waitForEvent('close')
    })
  })

  test('if the browser blocks the window, the user signs in on the page, which keeps its fragment', async () => {
    await withContext(async (context) => {
      const { page } = await openEnded(context, '/page?x=1#/board/7')
      await page.evaluate('window.open = () => null')
      await startFetch(page, "fetch('/api/data')")
      await askedToSignIn(page)
      await button(page, 'Sign in').click()
      await dialogOf(page).getByText('has blocked the sign-in window').waitFor()
      const returned = page.waitForEvent('load')
      await button(page, 'Sign in').click()
      await returned
      await page.waitForURL(app.url('/page?x=1#/board/7'))
      expect(await page.evaluate('sessionStorage.length')).toBe(0)
    })
  })

  test('is not repeated a second time if it is rejected again', async () => {
    await withContext(async (context) => {
      const { page } = await openEnded(context)
      let count = 0
      await context.route(app.url('/api/data'), (route) => {
        count++
        return route.fulfill({
          status: 401,
          headers: { 'WWW-Authenticate': 'Cookie realm="oauth-module"' },
          body: '{"error":"login_required"}',
        })
      })
      await startFetch(page, "fetch('/api/data')")
      await askedToSignIn(page)
      await signInAgain(page)
      expect(await outcomeOf(page)).toEqual(rejected)
      expect(count).toBe(2)
    })
  })

  test('by a guard that demands a recent login asks for it, although there is a session', async () => {
    await withContext(async (context) => {
      const page = await openPage(context, app.url('/page'))
      const { now } = Date
      Date.now = () => now() + 300_000
      try {
        await startFetch(page, "fetch('/recent')")
        await dialogOf(page).getByRole('heading', { name: 'Sign in again' }).waitFor()
      } finally {
        Date.now = now
      }
      await signInAgain(page)
      expect(await outcomeOf(page)).toEqual(ofAlice({ method: 'GET' }))
    })
  })
})

describe('every other response passes unchanged', () => {
  test('the 401 of the app, and one of another origin', async () => {
    const other = stopping(
      await listen((_req, res) => {
        res.writeHead(401, {
          'Access-Control-Allow-Origin': '*',
          'Access-Control-Expose-Headers': '*',
          'WWW-Authenticate': 'Cookie realm="oauth-module"',
        })
        res.end(JSON.stringify({ error: 'login_required', login_url: 'https://evil.example/' }))
      }),
    )
    const own = await startClientApp(
      oidc,
      {},
      {
        policy: "default-src 'self'; connect-src *",
        before: (express) =>
          express.get('/own', (_req, res) => {
            res.status(401).set('WWW-Authenticate', 'Bearer realm="x"').json({ error: 'own' })
          }),
      },
    )
    await withContext(async (context) => {
      const page = await openPage(context, own.url('/page'))
      await startFetch(page, "fetch('/own')", 'own')
      await startFetch(page, `fetch('${other.origin}/')`, 'other')
      expect(await outcomeOf(page, 'own')).toEqual([401, { error: 'own' }])
      expect((await outcomeOf(page, 'other'))[0]).toBe(401)
      expect(await dialogOf(page).count()).toBe(0)
    })
  })

  test('a login_url of another origin is not opened', async () => {
    await withContext(async (context) => {
      const { page } = await openEnded(context)
      await context.route(app.url('/api/data'), (route) =>
        route.fulfill({
          status: 401,
          headers: { 'WWW-Authenticate': 'Cookie realm="oauth-module"' },
          body: '{"error":"login_required","login_url":"https://evil.example/"}',
        }),
      )
      await startFetch(page, "fetch('/api/data')")
      await askedToSignIn(page)
      const [request] = await Promise.all([
        context.waitForEvent('request', (one) => one.isNavigationRequest()),
        button(page, 'Sign in').click(),
      ])
      expect(new URL(request.url()).origin).toBe(app.origin)
    })
  })

  test('streams are not read, and errors of the network are those of the browser', async () => {
    const streaming = await startClientApp(
      oidc,
      {},
      {
        before: (express) =>
          express.get('/stream', (_req, res) => {
            res.write('first')
          }),
      },
    )
    await withContext(async (context) => {
      const page = await openPage(context, streaming.url('/page'))
      const first = await page.evaluate(
        "fetch('/stream').then(async (r) => new TextDecoder().decode((await r.body.getReader().read()).value))",
      )
      expect(first).toBe('first')
      await context.setOffline(true)
      await startFetch(page, "fetch('/api/data')")
      expect((await outcomeOf(page))[0]).toBe('TypeError')
      expect(await dialogOf(page).count()).toBe(0)
      expect(await page.evaluate('oauthClient.session()')).toBeUndefined()
      await context.setOffline(false)
      await startFetch(page, "fetch('/api/data')")
      expect(await outcomeOf(page)).toEqual(ofAlice({}))
    })
  })
})

test('an XMLHttpRequest that the gate rejects opens the dialog, and fails', async () => {
  await withContext(async (context) => {
    const { page } = await openEnded(context)
    const status = await page.evaluate(
      "new Promise((resolve) => { const xhr = new XMLHttpRequest(); xhr.open('POST', '/api/data'); xhr.onload = () => resolve(xhr.status); xhr.send('x') })",
    )
    expect(status).toBe(401)
    await askedToSignIn(page)
    await signInAgain(page)
    await dialogOf(page).waitFor({ state: 'hidden' })
  })
})

/** The focused element, also in a shadow tree. */
const focused = `(() => {
  const outer = document.activeElement
  const element = outer.shadowRoot?.activeElement ?? outer
  return element.tagName + (element.id && '#' + element.id) + (element.tagName === 'BUTTON' && !element.id ? ' ' + element.textContent : '')
})()`
