import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { launchBrowser } from '../support/chromium.js'
import { type Demo, startDemo } from '../support/demo.js'

let demo: Demo
let browser: Browser

beforeAll(async () => {
  demo = await startDemo('basic.ts')
  browser = await launchBrowser()
}, 90_000)
afterAll(async () => {
  await Promise.all([demo.close(), browser.close()])
})

/** A profile of its own for every story. */
async function withProfile(
  use: (context: BrowserContext) => Promise<void>,
  options: BrowserContextOptions = {},
): Promise<void> {
  const context = await browser.newContext(options)
  try {
    await use(context)
  } finally {
    await context.close()
  }
}

/** Chooses at the provider's page of personas who logs in. */
async function choose(page: Page, name: string): Promise<void> {
  await page.getByRole('heading', { name: 'Who do you want to be?' }).waitFor()
  await page.getByRole('link', { name }).click()
}

/** The cell next to a row's name, in the tables of the example's page. */
const cell = (page: Page, name: string) =>
  page
    .getByRole('row')
    .filter({ has: page.getByRole('rowheader', { name, exact: true }) })
    .getByRole('cell')
    .innerText()

test('the example prints its URL and what to do, without warnings', () => {
  expect(demo.output).toContain(`An app behind oauth-module:  ${demo.origin}`)
  expect(demo.output).toContain('choose who you are')
  expect(demo.output).not.toMatch(/TypeError|DeprecationWarning|not a function/)
})

describe.each([
  ['with JavaScript', true],
  ['without JavaScript', false],
])('in a browser %s', (_, javaScriptEnabled) => {
  test('a deep link goes through the provider and back, including logout', async () => {
    await withProfile(
      async (context) => {
        const page = await context.newPage()
        const target = `${demo.origin}/reports/2026?tab=costs&q=a%20b`
        await page.goto(target)
        expect(new URL(page.url()).hostname).toBe('127.0.0.1')
        await choose(page, 'Ada Lovelace')
        await page.getByRole('heading', { name: 'Hello, Ada Lovelace' }).waitFor()
        expect(page.url()).toBe(target)
        expect(await page.locator('code').first().innerText()).toBe(
          '/reports/2026?tab=costs&q=a%20b',
        )

        expect(await cell(page, 'key')).toBe('dev:ada')
        expect(await cell(page, 'email')).toBe('ada@example.com')
        expect(await cell(page, 'ngrok-auth-user-id')).toBe('ada')
        expect(await cell(page, 'ngrok-auth-user-email')).toBe('ada@example.com')
        expect(await cell(page, 'ngrok-auth-oauth-access-token')).toMatch(/^.{12}…$/)
        const times = await Promise.all(
          ['logged in', 'last checked', 'ends without activity'].map((name) => cell(page, name)),
        )
        const [loggedIn, checked, ends] = times.map((time) => Date.parse(time)) as [
          number,
          number,
          number,
        ]
        expect(Math.abs(Date.now() - loggedIn)).toBeLessThan(60_000)
        expect(checked).toBe(loggedIn)
        expect(ends).toBeGreaterThan(loggedIn + 3_500_000)

        await page.getByRole('link', { name: 'Log out' }).click()
        await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
        expect(
          (await context.cookies(demo.origin)).filter(({ name }) => name.startsWith('ngrok.')),
        ).toEqual([])
        await page.getByRole('link', { name: 'Sign in again' }).click()
        await choose(page, 'Grace Hopper')
        await page.getByRole('heading', { name: 'Hello, Grace Hopper' }).waitFor()
        expect(page.url()).toBe(`${demo.origin}/`)
      },
      { javaScriptEnabled },
    )
  })

  test('a denied user sees the reason and can switch accounts', async () => {
    await withProfile(
      async (context) => {
        const page = await context.newPage()
        await page.goto(`${demo.origin}/deep?x=1`)
        await choose(page, 'Mallory')
        await page.getByRole('heading', { name: 'This account has no access' }).waitFor()
        expect(await page.locator('main').innerText()).toContain('mallory@elsewhere.example')
        expect(await context.cookies(demo.origin)).toEqual([])
        await page.getByRole('link', { name: 'Use another account' }).click()
        await choose(page, 'Charles Babbage')
        await page.getByRole('heading', { name: 'Your email address is not verified' }).waitFor()
        await page.getByRole('link', { name: 'Use another account' }).click()
        await choose(page, 'Ada Lovelace')
        await page.getByRole('heading', { name: 'Hello, Ada Lovelace' }).waitFor()
        expect(page.url()).toBe(`${demo.origin}/deep?x=1`)
      },
      { javaScriptEnabled },
    )
  })

  test('a user who cancels can try again', async () => {
    await withProfile(
      async (context) => {
        const page = await context.newPage()
        await page.goto(`${demo.origin}/deep`)
        await page.getByRole('link', { name: /^Deny/ }).click()
        await page.getByRole('heading', { name: 'Sign-in was not completed' }).waitFor()
        await page.getByRole('link', { name: 'Try again' }).click()
        await choose(page, 'Ada Lovelace')
        await page.getByRole('heading', { name: 'Hello, Ada Lovelace' }).waitFor()
        expect(page.url()).toBe(`${demo.origin}/deep`)
      },
      { javaScriptEnabled },
    )
  })

  test('S-023 the back button works after a login', async () => {
    await withProfile(
      async (context) => {
        const page = await context.newPage()
        await page.goto(`${demo.origin}/one`)
        await choose(page, 'Ada Lovelace')
        await page.getByRole('heading', { name: 'Hello, Ada Lovelace' }).waitFor()
        await page.goto(`${demo.origin}/two`)
        await page.goBack()
        expect(await page.locator('code').first().innerText()).toBe('/one')
        await page.goBack()
        // The provider's page, whose login is over; choosing again must end at the app, not at an
        // error of ours.
        expect(new URL(page.url()).hostname).toBe('127.0.0.1')
        await page.goto(`${demo.origin}/three`)
        await page.getByRole('heading', { name: 'Hello, Ada Lovelace' }).waitFor()
        expect(page.url()).toBe(`${demo.origin}/three`)
      },
      { javaScriptEnabled },
    )
  })
})

test('S-007 several tabs of one browser can log in at the same time, in any order', async () => {
  await withProfile(async (context) => {
    const tabs = await Promise.all(
      ['a', 'b', 'c'].map(async (name) => {
        const page = await context.newPage()
        await page.goto(`${demo.origin}/tab/${name}`)
        return page
      }),
    )
    for (const index of [1, 2, 0]) {
      const page = tabs[index]
      if (page === undefined) throw new Error('no such tab')
      await choose(page, 'Ada Lovelace')
      await page.getByRole('heading', { name: 'Hello, Ada Lovelace' }).waitFor()
      expect(page.url()).toBe(`${demo.origin}/tab/${'abc'[index]}`)
    }
  })
})

test('S-061 an image or a link on another site does not log the user out', async () => {
  await withProfile(async (context) => {
    const page = await context.newPage()
    await page.goto(demo.origin)
    await choose(page, 'Ada Lovelace')
    await page.getByRole('heading', { name: 'Hello, Ada Lovelace' }).waitFor()
    const evil = 'http://127.0.0.1:9/'
    await context.route(evil, (route) =>
      route.fulfill({
        contentType: 'text/html',
        body: `<img src="${demo.origin}/auth/logout" onerror="document.title='tried'"><a href="${demo.origin}/auth/logout">win a prize</a>`,
      }),
    )
    await page.goto(evil)
    await page.waitForFunction("document.title === 'tried'")
    await page.goto(demo.origin)
    await page.getByRole('heading', { name: 'Hello, Ada Lovelace' }).waitFor()
    await page.goto(evil)
    await page.getByRole('link', { name: 'win a prize' }).click()
    await page.getByRole('heading', { name: 'Do you want to sign out?' }).waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
  })
})

test('uses GitHub if the environment has a GitHub client', async () => {
  const github = await startDemo('basic.ts', {
    OAUTH_MODULE_GITHUB_CLIENT_ID: 'the-id',
    OAUTH_MODULE_GITHUB_CLIENT_SECRET: 'the-secret',
  })
  try {
    expect(github.output).toContain('The callback address to register')
    const begun = await fetch(github.origin.replace('localhost', '127.0.0.1'), {
      redirect: 'manual',
      headers: { Accept: 'text/html' },
    })
    // Node's fetch sends `Sec-Fetch-Mode: cors`, so it does not count as a navigation.
    expect(begun.status).toBe(401)
    const { login_url: link } = JSON.parse(
      await (
        await fetch(github.origin.replace('localhost', '127.0.0.1'), {
          headers: { Accept: 'application/json' },
        })
      ).text(),
    ) as { login_url: string }
    const location =
      (
        await fetch(new URL(link, github.origin.replace('localhost', '127.0.0.1')), {
          redirect: 'manual',
        })
      ).headers.get('location') ?? ''
    expect(location).toMatch(/^https:\/\/github\.com\/login\/oauth\/authorize\?/)
    expect(new URL(location).searchParams.get('client_id')).toBe('the-id')
  } finally {
    await github.close()
  }
})
