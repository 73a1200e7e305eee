import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import axe from 'axe-core'
import type { Browser, BrowserContextOptions, Page as Tab } from 'playwright-core'
import express from 'express'
import { adminRouter } from '../../src/admin/index.js'
import { oauthModule } from '../../src/index.js'
import { startVendor } from '../../src/dev/vendors/index.js'
import { signIn } from '../../src/testing/index.js'
import { adminGate, deploy } from '../support/admin.js'
import { ada, type PagesApp, root, startPages } from '../support/admin-pages.js'
import { launchBrowser } from '../support/chromium.js'
import { oidcOf, recorder, secret, stopAll, stopping } from '../support/gate.js'
import { listen } from '../support/server.js'
import { openSocket, serveSockets } from '../support/sockets.js'

let browser: Browser

beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(() => browser.close())
afterEach(stopAll)

async function withTab(
  options: BrowserContextOptions,
  use: (tab: Tab) => Promise<void>,
  signedIn?: { app: PagesApp; cookie: string },
): Promise<void> {
  const context = await browser.newContext(options)
  if (signedIn !== undefined) {
    const [name = '', value = ''] = signedIn.cookie.split('=')
    await context.addCookies([{ name, value, url: signedIn.app.origin }])
  }
  try {
    await use(await context.newPage())
  } finally {
    await context.close()
  }
}

const names = [
  'Grace Hopper',
  'محمد بن عبد الله الأنصاري',
  '山田 太郎',
  'שרה כהן',
  'आर्यभट्ट शर्मा',
  'Maximiliane Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft',
  '👩🏽‍🚀 Zoë',
  '\u202Egnorw\u2066 reversed',
]

interface Populated {
  readonly app: PagesApp
  readonly cookie: string
  readonly paths: string[]
  /** The page of a user with sessions. */
  readonly user: string
}

async function populated(): Promise<Populated> {
  const app = await startPages({
    before: (express) => {
      express.set('trust proxy', true)
      express.use((req, _res, next) => {
        req.headers['x-forwarded-for'] = '2001:db8:85a3:1319:8a2e:370:7334:ffff'
        next()
      })
    },
  })
  for (const [index, name] of names.entries())
    await app.enter({ id: `u${index}`, name, email: `user.${index}@acme.example` })
  const cookie = await app.enter(root)
  await app.gate.auth.users.block('idp:u1')
  await app.gate.auth.users.block('idp:without-a-record')
  const { text } = await app.get('/users', cookie)
  const [, second = ''] = [...text.matchAll(/href="\/admin(\/users\/usr_[\w-]+)"/g)].map(
    (match) => match[1] ?? '',
  )
  const sessions = await app.get('/sessions', cookie)
  const end = /\/admin(\/sessions\/ses_[\w-]+\/end)/.exec(sessions.text)?.[1] ?? ''
  const endAll = `${second}/end-sessions`
  await app.post(endAll, { token: await app.tokenOf(endAll, cookie) }, cookie)
  const own = /href="\/admin(\/users\/usr_[\w-]+)"><bdi>Root/.exec(text)?.[1] ?? ''
  return {
    app,
    cookie,
    user: own,
    paths: [
      '/',
      '/users',
      '/users?q=none',
      second,
      `${second}/block`,
      `${own}/block`,
      '/sessions',
      end,
      '/usage',
      '/users?show=blocked',
      '/audit',
      '/configuration',
      '/users/nonsense',
    ],
  }
}

describe('every page', () => {
  const looks = [
    { width: 320, colorScheme: 'light' },
    { width: 320, colorScheme: 'dark' },
    { width: 768, colorScheme: 'light' },
    { width: 1280, colorScheme: 'dark' },
  ] as const

  test.each(looks)(
    'has no violations for axe and does not scroll sideways at $width px, $colorScheme',
    async ({ width, colorScheme }) => {
      const scene = await populated()
      const run = async (tab: Tab) => {
        for (const path of scene.paths) {
          await tab.goto(`${scene.app.origin}/admin${path}`)
          await tab.evaluate(axe.source)
          const { violations, passes } = await tab.evaluate<axe.AxeResults>('axe.run()')
          expect(
            violations.map(({ id, nodes }) => [path, id, nodes.map(({ html }) => html)]),
          ).toEqual([])
          expect(passes.map(({ id }) => id)).toEqual(
            expect.arrayContaining(['color-contrast', 'document-title', 'region']),
          )
          expect([path, await tab.evaluate('document.documentElement.scrollWidth')]).toEqual([
            path,
            width,
          ])
        }
      }
      await withTab({ viewport: { width, height: 720 }, colorScheme }, run, scene)
    },
  )

  test('loads nothing, breaks no rule of its policy, and isolates names that are written from right to left', async () => {
    const scene = await populated()
    const run = async (tab: Tab) => {
      const requested: string[] = []
      const complaints: string[] = []
      tab.on('request', (request) => requested.push(new URL(request.url()).pathname))
      tab.on('console', (message) => complaints.push(message.text()))
      for (const path of scene.paths) await tab.goto(`${scene.app.origin}/admin${path}`)
      expect(requested.every((path) => path.startsWith('/admin'))).toBe(true)
      expect(complaints.filter((text) => /policy|refused/i.test(text))).toEqual([])
      await tab.goto(`${scene.app.origin}/admin/users`)
      const directions = await tab.evaluate<string[]>(
        '[...document.querySelectorAll("a.name > bdi")].map((one) => getComputedStyle(one).direction)',
      )
      expect(directions).toEqual(expect.arrayContaining(['rtl', 'ltr']))
    }
    await withTab({}, run, scene)
  })

  test('no table cuts off a control or a column, at any width, also with long addresses', async () => {
    const scene = await populated()
    const run = async (tab: Tab) => {
      for (const path of [
        '/',
        '/users',
        '/users?show=blocked',
        scene.user,
        '/sessions',
        '/audit',
      ]) {
        await tab.goto(`${scene.app.origin}/admin${path}`)
        for (let width = 320; width <= 1440; width += 32) {
          await tab.setViewportSize({ width, height: 720 })
          const cut = await tab.evaluate<string[]>(
            `[...document.querySelectorAll('.flush')].flatMap((card) => {
              const { right } = card.getBoundingClientRect()
              const isCut = (one) => one.getBoundingClientRect().right > right
              return [...card.querySelectorAll('tbody a, tbody td')].filter(isCut).map((one) => one.outerHTML)
            })`,
          )
          expect([path, width, cut]).toEqual([path, width, []])
        }
      }
    }
    await withTab({}, run, scene)
  })

  test('nothing spills at 320 px and twice the font size', async () => {
    const scene = await populated()
    const run = async (tab: Tab) => {
      for (const path of scene.paths) {
        await tab.goto(`${scene.app.origin}/admin${path}`)
        await tab.evaluate('document.documentElement.style.fontSize = "200%"')
        expect([path, await tab.evaluate('document.documentElement.scrollWidth')]).toEqual([
          path,
          320,
        ])
      }
    }
    await withTab({ viewport: { width: 320, height: 640 } }, run, scene)
  })
})

test('by keyboard and without script: sign in, search, block, see the socket close, unblock', async () => {
  const vendor = stopping(await startVendor('oidc', { users: [{ ...root, emailVerified: true }] }))
  const logged: string[] = []
  const auth = oauthModule({ provider: { acme: oidcOf(vendor) }, secret, logger: recorder(logged) })
  stopping({ close: () => auth.close() })
  const app = express()
  app.use(
    '/admin',
    adminRouter(
      { 'main/app': auth },
      { tokens: { deploy }, pages: { gate: auth, rules: { authorize: () => true } } },
    ),
  )
  app.use(auth)
  app.use((_req, res) => void res.send('the app'))
  const server = stopping(await listen(app))
  serveSockets({ server: server.server, middleware: auth })
  const { cookie } = await signIn(server.origin, auth, ada)
  const opened = await openSocket(server.origin, { cookie, origin: server.origin })
  if (typeof opened === 'number') throw new Error(`no socket: ${opened}`)
  const closed = new Promise<number>((resolve) => opened.socket.once('close', resolve))
  await withTab({ javaScriptEnabled: false }, async (tab) => {
    await tab.goto(`${server.origin}/admin/users`)
    await tab.waitForURL(`${server.origin}/admin/users`)
    await tab.keyboard.press('Tab')
    expect(await tab.locator(':focus-visible').innerText()).toBe('Skip to the content')
    await tab.getByRole('searchbox').focus()
    await tab.keyboard.type(ada.email)
    await tab.keyboard.press('Enter')
    await tab.waitForURL(/q=ada/)
    await tab.getByRole('link', { name: ada.name }).focus()
    await tab.keyboard.press('Enter')
    await tab.getByRole('heading', { level: 1, name: ada.name }).waitFor()
    await tab.getByRole('link', { name: 'Block' }).focus()
    await tab.keyboard.press('Enter')
    await tab.getByRole('heading', { level: 1, name: 'Block this user?' }).waitFor()
    await tab.getByRole('button', { name: 'Block' }).focus()
    await tab.keyboard.press('Enter')
    await tab.getByRole('status').waitFor()
    expect(await tab.getByRole('status').innerText()).toContain('The user is blocked')
    expect(await closed).toBe(4401)
    await tab.getByRole('link', { name: 'Unblock' }).click()
    await tab.getByRole('button', { name: 'Unblock' }).click()
    expect(await tab.getByRole('status').innerText()).toContain('The user can sign in again')
    await tab.getByRole('link', { name: 'Sign out' }).click()
    await tab.getByText('You are signed out').waitFor()
  })
})

test('a form of another site changes nothing in a real browser, not even with a valid token', async () => {
  const app = await startPages()
  const [cookie, other] = [await app.enter(root), await app.enter(ada)]
  const { text } = await app.get('/users', cookie)
  const path = /href="\/admin(\/users\/usr_[\w-]+)"><bdi>Ada/.exec(text)?.[1] ?? ''
  const token = await app.tokenOf(`${path}/block`, cookie)
  const target = `${app.origin}/admin${path}/block`
  const evil = stopping(
    await listen((_req, res) => {
      res.setHeader('Content-Type', 'text/html')
      res.end(
        `<form method="post" action="${target}"><input name="token" value="${token}"><button>win</button></form><iframe src="${target}"></iframe>`,
      )
    }),
  )
  const run = async (tab: Tab) => {
    // Another port of one host is the same site, so that the cookie is sent.
    await tab.goto(evil.origin)
    expect(await tab.frames()[1]?.content()).not.toContain('Block this user')
    await tab.getByRole('button', { name: 'win' }).click()
    await tab.waitForURL(target)
    expect(await tab.locator('h1').innerText()).toBe('Nothing was changed')
  }
  await withTab({}, run, { app, cookie })
  expect(await app.visit(other)).toBe(200)
})

test('devices: a user signs out of another device, and then everywhere', async () => {
  const gate = adminGate()
  const app = express()
  app.use(gate.auth)
  app.use('/devices', gate.auth.devices())
  app.use((_req, res) => void res.send('the app'))
  const server = stopping(await listen(app))
  const mine = (await signIn(server.origin, gate.auth, ada)).cookie
  const phone = (await signIn(server.origin, gate.auth, ada)).cookie
  const status = async (cookie: string) =>
    (await fetch(server.origin, { headers: { cookie, accept: 'application/json' } })).status
  const [name = '', value = ''] = mine.split('=')
  const context = await browser.newContext({
    javaScriptEnabled: false,
    viewport: { width: 320, height: 640 },
  })
  await context.addCookies([{ name, value, url: server.origin }])
  const tab = await context.newPage()
  await tab.goto(`${server.origin}/devices`)
  const items = tab.locator('.devices li')
  expect(await items.count()).toBe(2)
  expect(await items.first().innerText()).toContain('This device')
  await items.last().getByRole('button').click()
  await tab.waitForURL(`${server.origin}/devices`)
  expect(await items.count()).toBe(1)
  expect([await status(mine), await status(phone)]).toEqual([200, 401])
  await tab.getByRole('button', { name: 'Sign out everywhere' }).click()
  await tab.getByText('You are signed out').waitFor()
  expect(await status(mine)).toBe(401)
  await context.close()
})
