import { afterAll, afterEach, describe, expect, test } from '@jest/globals'
import express, { type Express, type RequestHandler } from 'express'
import express4 from 'express4'
import { type OAuthMiddleware, oauthModule, type OAuthModuleOptions } from '../../src/index.js'
import type { VendorServer } from '../../src/dev/vendors/index.js'
import { secret, stopAll, stopping } from '../support/gate.js'
import { fakeDate, realDate } from '../support/clock.js'
import { createBrowser, linksOf } from '../support/jar.js'
import { providerOf, startVendor } from '../support/providers.js'
import { codeOf, program } from '../support/recheck.js'
import { listen } from '../support/server.js'

afterEach(realDate)
afterAll(stopAll)

type WithOAuth = Express.Request & { oauth?: { getAccessToken(): Promise<string | undefined> } }
const tokenOf = async (req: Express.Request) => (req as WithOAuth).oauth?.getAccessToken()

/** Express 5: the route rejects. */
function rejecting(auth: RequestHandler): Express {
  const app = express().use(auth)
  app.get(/./, async (req, res) => void res.send(await tokenOf(req)))
  return app
}

interface Setup {
  app?: (auth: OAuthMiddleware) => Express
  options?: Partial<OAuthModuleOptions>
  hasRefreshToken?: boolean
  /** Seconds between the login and the first request. */
  later?: number
}

/** A user whose access token has expired, in an app without an error handler. */
async function expired({
  app = rejecting,
  options = {},
  hasRefreshToken = false,
  later = 7200,
}: Setup = {}) {
  const clock = fakeDate()
  const vendor = await startVendor('oidc')
  vendor.settings.refreshTokens = hasRefreshToken
  const provider = providerOf(vendor, hasRefreshToken ? { offlineAccess: true } : {})
  const logged: string[] = []
  const log = (message: string, facts?: object) =>
    void logged.push(`${message} ${JSON.stringify(facts)}`)
  const logger = { debug: log, info: log, warn: log, error: log }
  const auth = oauthModule({ provider, secret, logger, ...options })
  const server = stopping(await listen(app(auth)))
  stopping(auth)
  const browser = createBrowser()
  await browser.get(`${server.origin}/auth/authn`)
  clock.forward(later)
  const visit = (headers = {}, path = '/token?x=1') =>
    browser.get(server.origin + path, { follow: false, headers })
  return { ...server, auth, clock, vendor, browser, visit, logged }
}

function isLogin(vendor: VendorServer, page: { status: number; location: string | undefined }) {
  return page.status === 302 && page.location?.startsWith(vendor.origin) === true
}

describe('B14 getAccessToken() with an expired token and no refresh token', () => {
  test.each<[string, (auth: OAuthMiddleware) => Express]>([
    ['a route that rejects in Express 5', rejecting],
    [
      'a route that calls next(error) in Express 4',
      (auth) => {
        const app = express4().use(auth as never) as unknown as Express
        app.get('/token', (req, res, next) => {
          tokenOf(req).then((value) => res.send(value), next)
        })
        return app
      },
    ],
    ['a router', (auth) => express().use(express.Router().use(rejecting(auth)))],
    [
      'an app in an app',
      (auth) =>
        express()
          .use(auth)
          .use(rejecting((_, __, next) => next())),
    ],
    [
      'a handler of the app that passes other errors on',
      (auth) =>
        rejecting(auth).use(((error: unknown, _: unknown, __: unknown, next: never) =>
          (next as (error: unknown) => void)(error)) as never),
    ],
  ])('B14 starts a login for a navigation, and is JSON for others: %s', async (_, app) => {
    const { origin, vendor, browser, visit } = await expired({ app })
    const json = await visit({ ...program, Referer: `${origin}/app` })
    expect([json.status, codeOf(json)]).toEqual([401, 'login_required'])
    expect(json.headers['www-authenticate']).toBe('Cookie realm="oauth-module"')
    const { login_url: loginUrl } = JSON.parse(json.body) as { login_url: string }
    expect(loginUrl.startsWith(`${origin}/auth/authn?`)).toBe(true)
    expect(isLogin(vendor, await visit())).toBe(true)
    const page = await browser.get(`${origin}/token?x=1`)
    expect([page.status, page.url]).toEqual([200, `${origin}/token?x=1`])
    expect(page.body).toMatch(/^[\w.-]{10,}$/)
  })

  test('B14 rejects with an OAuthError that an error handler of the app gets first', async () => {
    const errors: unknown[] = []
    const { visit } = await expired({
      app: (auth) =>
        rejecting(auth).use(((
          error: unknown,
          _: unknown,
          res: { end(body: string): void },
          __: unknown,
        ) => {
          errors.push(error)
          res.end('mine')
        }) as never),
    })
    expect((await visit()).body).toBe('mine')
    expect(errors).toMatchObject([{ name: 'OAuthError', code: 'login_required', status: 401 }])
  })

  test('B14 follows unauthenticated: reject has a page with a link, redirect redirects scripts', async () => {
    const rejects = await expired({ options: { unauthenticated: 'reject' } })
    const page = await rejects.visit()
    expect([page.status, codeOf(page), linksOf(page).length]).toEqual([401, 'login_required', 1])
    const redirects = await expired({ options: { unauthenticated: 'redirect' } })
    expect(isLogin(redirects.vendor, await redirects.visit(program))).toBe(true)
    const passes = await expired({ options: { unauthenticated: 'pass' } })
    expect(isLogin(passes.vendor, await passes.visit())).toBe(true)
  })

  test('B14 does not loop if the token expires at once: a page, and a hint for the owner', async () => {
    const { browser, origin, vendor, clock, visit, logged } = await expired({ later: 5 })
    expect((await visit()).status).toBe(200)
    vendor.settings.tokenLifetime = 1
    await browser.get(`${origin}/auth/authn`)
    clock.forward(5)
    const page = await visit()
    expect([page.status, codeOf(page)]).toEqual([401, 'login_required'])
    expect(logged.join('\n')).toContain('offlineAccess')
  })

  test('B14 a grant that has ended starts a login as well', async () => {
    const { vendor, visit } = await expired({ hasRefreshToken: true })
    vendor.respond('token', { status: 400, body: { error: 'invalid_grant' } })
    expect(isLogin(vendor, await visit())).toBe(true)
  })

  test('B14 a provider that is down is 503, without a login', async () => {
    const { origin, vendor, visit } = await expired({ hasRefreshToken: true })
    vendor.respond('token', { status: 503 })
    const page = await visit()
    expect([page.status, codeOf(page)]).toEqual([503, 'recheck_unavailable'])
    expect(linksOf(page)).toEqual([`${origin}/token?x=1`])
    const json = await visit(program)
    expect([json.status, Object.keys(JSON.parse(json.body) as object)]).toEqual([
      503,
      ['error', 'message'],
    ])
  })

  test('B14 concurrent requests each get their own response', async () => {
    const { vendor, visit } = await expired({ hasRefreshToken: true })
    vendor.respond('token', { status: 503 })
    const pages = await Promise.all([visit(program), visit(), visit(program)])
    expect(pages.map(({ status, body }) => [status, body.startsWith('{')])).toEqual([
      [503, true],
      [503, false],
      [503, true],
    ])
  })

  test('B14 errors of the app, and a response that has started, are left to Express', async () => {
    const { visit } = await expired({
      app: (auth) => {
        const app = express().use(auth)
        app.set('env', 'test')
        app.get('/bug', async (req) => {
          await tokenOf(req).catch(() => undefined)
          throw Object.assign(new Error('a bug'), { status: 418 })
        })
        app.get('/started', async (req, res) => {
          res.write('started')
          await tokenOf(req)
        })
        return app
      },
    })
    expect((await visit({}, '/bug')).status).toBe(418)
    await expect(visit({}, '/started')).rejects.toThrow()
  })

  test('B14 reconfigure() applies', async () => {
    const { auth, vendor, visit } = await expired()
    expect(isLogin(vendor, await visit())).toBe(true)
    auth.reconfigure({ provider: providerOf(vendor), unauthenticated: 'reject' })
    expect((await visit()).status).toBe(401)
  })
})
