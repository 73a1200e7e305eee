import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import express from 'express'
import {
  cookieStore,
  memoryStore,
  type OAuthMiddleware,
  oauthModule,
  type OAuthModuleOptions,
  type SessionStore,
  type StoreRecord,
} from '../../src/index.js'
import type { VendorServer } from '../../src/dev/vendors/index.js'
import { oidcOf, secret, stopAll, stopping } from '../support/gate.js'
import { type Browser, createBrowser, linksOf, type Page } from '../support/jar.js'
import { startVendor } from '../support/providers.js'
import { codeOf } from '../support/recheck.js'
import { listen } from '../support/server.js'

let vendor: VendorServer

beforeEach(async () => {
  vendor = await startVendor('oidc')
})
afterEach(stopAll)

type Handler = (req: IncomingMessage, res: ServerResponse) => void

interface Replicas {
  url(path: string): string
  /** Lines of all replicas for the owner, which are visible by default. */
  readonly logged: string[]
  /** Which replica got each request. */
  readonly requests: { replica: number; path: string }[]
  /** How many logins succeeded at the provider. */
  logins(): number
}

interface Setup {
  /** The replica of a request; default: one after the other. */
  readonly route?: (path: string, count: number) => number
  readonly wrap?: (handler: Handler) => Handler
  readonly routes?: (app: express.Express) => void
}

/** Processes behind a load balancer. Each is an app with its own gate. */
async function start(
  all: readonly Partial<OAuthModuleOptions>[],
  { route = (_, count) => count % all.length, wrap = (handler) => handler, routes }: Setup = {},
): Promise<Replicas> {
  const logged: string[] = []
  const requests: Replicas['requests'] = []
  // All replicas are on one server here, which they report.
  const isArtifact = (message: string) => message.startsWith('two instances set the cookie')
  const write = (level: string) => (message: string, details: object) =>
    isArtifact(message) || logged.push(`${level} ${message} ${JSON.stringify(details)}`)
  const logger = { debug() {}, info() {}, warn: write('warn'), error: write('error') }
  const gates: OAuthMiddleware[] = []
  const apps = all.map((options) => {
    const gate = oauthModule({ provider: { idp: oidcOf(vendor) }, secret, logger, ...options })
    gates.push(gate)
    const app = express().use(gate)
    routes?.(app)
    return app.use((_req, res) => void res.send('in'))
  })
  const balance: Handler = (req, res) => {
    const path = (req.url ?? '/').split('?')[0] ?? ''
    const replica = route(path, requests.length)
    requests.push({ replica, path })
    apps[replica]?.(req, res)
  }
  const server = stopping(await listen(wrap(balance)))
  stopping({ close: async () => void (await Promise.all(gates.map((gate) => gate.close()))) })
  return {
    url: (path) => server.origin + path,
    logged,
    requests,
    logins: () => requests.filter(({ path }) => path === '/auth/callback').length,
  }
}

/** Follows every redirect, as a browser does, up to the limit of a browser. */
async function visit(replicas: Replicas, browser: Browser = createBrowser()): Promise<Page> {
  return browser.get(replicas.url('/x'), { follow: 28 })
}

/** A store that leaves the expiry of rows to the gate, whose clock is wrong. */
function rowStore(): SessionStore {
  const rows = new Map<string, StoreRecord>()
  return {
    get: (key) => rows.get(key),
    set: (key, record) => void rows.set(key, record),
    update: (key, record) => rows.has(key) && rows.set(key, record).has(key),
    delete: (key) => rows.delete(key),
  }
}

/** A proxy that removes the `Set-Cookie` lines for which this returns `false`. */
function keepingCookies(keeps: (line: string) => boolean): NonNullable<Setup['wrap']> {
  return (handler) => (req, res) => {
    const writeHead = res.writeHead.bind(res) as (...args: unknown[]) => ServerResponse
    res.writeHead = (...args: unknown[]) => {
      const lines = [res.getHeader('Set-Cookie') ?? []].flat().map(String)
      res.removeHeader('Set-Cookie')
      const kept = lines.filter(keeps)
      if (kept.length > 0) res.setHeader('Set-Cookie', kept)
      return writeHead(...args)
    }
    handler(req, res)
  }
}

const hintOf = ({ logged }: Replicas) => logged.find((line) => line.includes('cookie_lost'))

describe('B2: logins that do not result in a session', () => {
  /** The redirect to a page goes to one replica and its callback to another. */
  const alternately = (path: string) => (path === '/auth/callback' ? 1 : 0)

  test.each<[string, number, Setup]>([
    ['two replicas, one after the other', 2, {}],
    ['three replicas, one after the other', 3, {}],
    ['two replicas, callbacks at the second', 2, { route: alternately }],
  ])(
    'B2: %s, each with its own memoryStore(): the third login ends at a page that asks for a shared store',
    async (_, count, setup) => {
      const replicas = await start(Array(count).fill({}), setup)
      const page = await visit(replicas)
      expect([page.status, codeOf(page)]).toEqual([400, 'cookie_lost'])
      expect(page.body).toContain('Does every process of this application share the session store?')
      expect(replicas.logins()).toBe(3)
      expect(replicas.logged).toEqual([
        expect.stringMatching(/^warn .*does every process share the store\?.*memoryStore\(\)/),
      ])
    },
  )

  test('B2: a store whose reads lag behind its writes: a page after three logins, and "try again" signs in when it has caught up', async () => {
    const store = memoryStore()
    const rows = new Map<string, unknown>()
    let lags = true
    const lagging: SessionStore = {
      ...store,
      get: (key) => (lags ? undefined : store.get(key)),
      set: (key, ...rest) => void (rows.set(key, 1), store.set(key, ...rest)),
    }
    const replicas = await start([{ store: lagging }, { store: lagging }])
    const browser = createBrowser()
    const page = await visit(replicas, browser)
    expect([page.status, codeOf(page), replicas.logins()]).toEqual([400, 'cookie_lost', 3])
    expect(replicas.logged.join()).toContain('read from the primary')
    lags = false
    const again = await browser.get(linksOf(page)[0] ?? '', { follow: 28 })
    expect([again.status, again.url]).toEqual([200, replicas.url('/x')])
    for (let count = 0; count < 5; count++)
      expect((await browser.get(replicas.url('/y'))).status).toBe(200)
  })

  test('B2: "try again" while nothing has changed is one login, and the page again', async () => {
    const replicas = await start([{}, {}], { route: alternately })
    const browser = createBrowser()
    const page = await visit(replicas, browser)
    const again = await browser.get(linksOf(page)[0] ?? '', { follow: 28 })
    expect([again.status, codeOf(again), replicas.logins()]).toEqual([400, 'cookie_lost', 4])
  })

  test('B2: a user who signs in slowly gets the page as well', async () => {
    const replicas = await start([{}, {}], { route: alternately })
    const browser = createBrowser()
    // The browser forgets the login itself after a minute, but not that it failed.
    for (let count = 0; count < 3; count++) {
      const begun = await browser.get(replicas.url('/x'), { follow: false })
      expect(begun.status).toBe(302)
      const ages = begun.setCookie.map((line) => /landed=.*Max-Age=(\d+)/.exec(line)?.[1])
      expect(ages).toContainEqual(count === 0 ? undefined : '600')
      await browser.get(begun.location ?? '', { follow: 1 })
    }
    expect((await visit(replicas, browser)).status).toBe(400)
  })

  /** Each login takes place at one replica, and its session is used at the other one. */
  function crosswise(): NonNullable<Setup['route']> {
    let last = 1
    return (path) => (path === '/x' ? (last = 1 - last) : last)
  }

  test.each<[string, () => Partial<OAuthModuleOptions>[], string]>([
    ['id', () => [{ id: 'a' }, { id: 'b' }], 'set the same id in all processes'],
    [
      'id with cookieStore()',
      () => [
        { id: 'a', store: cookieStore() },
        { id: 'b', store: cookieStore() },
      ],
      'set the same id in all processes',
    ],
    [
      'provider name',
      () => [{}, { provider: { other: oidcOf(vendor) } }],
      'set the same provider names, issuer and clientId',
    ],
  ])('B2: replicas with a different %s: the page and the log name it', async (_, options, hint) => {
    const store = memoryStore()
    const replicas = await start(
      options().map((more) => ({ store, ...more })),
      { route: crosswise() },
    )
    const page = await visit(replicas)
    expect([page.status, codeOf(page), replicas.logins()]).toEqual([400, 'cookie_lost', 3])
    expect(hintOf(replicas)).toContain(hint)
  })

  test('B2: replicas with different secrets: a page each time, and a warning that names the option secret', async () => {
    const replicas = await start([{}, { secret: 'another secret, also longer than 32 characters' }])
    const page = await visit(replicas)
    expect([page.status, codeOf(page)]).toEqual([400, 'login_expired'])
    expect(replicas.logged).toEqual([
      expect.stringMatching(/^warn .*set the same secret in all processes/),
    ])
  })

  test.each([
    ['a store', rowStore],
    ['cookieStore()', cookieStore],
  ])(
    'B2: a clock that is an hour ahead at one replica, with %s: the page and the log name the clocks',
    async (_, create) => {
      const store: SessionStore = create()
      const { now } = Date
      const route = crosswise()
      const replicas = await start(
        [
          { store, id: 'same', inactivityTimeout: 600 },
          { store, id: 'same', inactivityTimeout: 600 },
        ],
        {
          route(path, count) {
            const replica = route(path, count)
            // The gate reads the clock before it returns.
            Date.now = () => now() + (replica === 1 ? 3_600_000 : 0)
            return replica
          },
          wrap: (handler) => (req, res) => {
            try {
              handler(req, res)
            } finally {
              Date.now = now
            }
          },
        },
      )
      const page = await visit(replicas)
      expect([page.status, codeOf(page), replicas.logins()]).toEqual([400, 'cookie_lost', 3])
      expect(hintOf(replicas)).toContain('synchronize the clocks')
    },
  )

  test('B2: a cookie.domain that does not contain the host: the page and the log name both', async () => {
    const replicas = await start([{ cookie: { domain: 'other.example' } }])
    const page = await visit(replicas)
    expect([page.status, codeOf(page), replicas.logins()]).toEqual([400, 'cookie_lost', 3])
    expect(page.body).toContain('set for the domain other.example')
    expect(hintOf(replicas)).toContain('does not contain the host \\"localhost\\"')
  })

  test('B2: a proxy that removes every Set-Cookie: a page for each login, the third names the cookie', async () => {
    const replicas = await start([{}], {
      wrap: keepingCookies(() => false),
    })
    const browser = createBrowser()
    let page = await visit(replicas, browser)
    const codes = [codeOf(page)]
    for (let count = 0; count < 2; count++) {
      page = await browser.get(linksOf(page)[0] ?? '', { follow: 28 })
      codes.push(codeOf(page))
    }
    expect(codes).toEqual(['login_expired', 'login_expired', 'cookie_lost'])
    expect(hintOf(replicas)).toContain('does a proxy or the app remove Set-Cookie')
  })

  test('B2: an app that removes our cookie at each response: a page after three logins', async () => {
    const replicas = await start([{}], {
      wrap: keepingCookies((line) => !line.startsWith('ngrok.session=')),
    })
    const page = await visit(replicas)
    expect([page.status, codeOf(page), replicas.logins()]).toEqual([400, 'cookie_lost', 3])
    expect(hintOf(replicas)).toContain('a proxy or the app removes or replaces Set-Cookie')
  })

  test('B2: an app that sends anonymous users to loginUrl() itself gets the page as well', async () => {
    const replicas = await start([{ unauthenticated: 'pass' }, { unauthenticated: 'pass' }], {
      route: alternately,
      routes: (app) =>
        app.get('/x', (req, res, next) => {
          const { oauth } = req as unknown as {
            oauth: { isAuthenticated: boolean; loginUrl(): string }
          }
          if (oauth.isAuthenticated) next()
          else res.redirect(oauth.loginUrl())
        }),
    })
    const page = await visit(replicas)
    expect([page.status, codeOf(page)]).toEqual([400, 'cookie_lost'])
    expect(page.body).toContain('Does every process of this application share the session store?')
  })

  test('B2: a frame of another site gets a link instead of a loop', async () => {
    const replicas = await start([{}, {}])
    const page = await createBrowser().get(replicas.url('/x'), {
      headers: { 'Sec-Fetch-Dest': 'iframe', 'Sec-Fetch-Site': 'cross-site' },
    })
    expect([page.status, replicas.requests.length]).toEqual([401, 1])
    expect(page.body).toContain('target="_top"')
  })

  test('B2: sessions that ended for a known reason do not count: revoked, logged out, replaced', async () => {
    const store = memoryStore()
    const gate = stopping(oauthModule({ provider: { idp: oidcOf(vendor) }, secret, store }))
    const replicas = await start([{ store }], {
      routes: (app) =>
        app.get('/end', async (req, res) => {
          const { sessionHandle } = (req as unknown as { oauth: { sessionHandle: string } }).oauth
          await gate.sessions.revoke(sessionHandle)
          res.send('ended')
        }),
    })
    const browser = createBrowser()
    for (let count = 0; count < 6; count++) {
      expect((await browser.get(replicas.url('/x'))).status).toBe(200)
      await browser.get(replicas.url('/end'))
      expect((await browser.get(replicas.url('/x'))).status).toBe(200)
      await browser.get(replicas.url('/auth/logout'), {
        headers: { 'Sec-Fetch-Site': 'same-origin' },
      })
      expect((await browser.get(replicas.url('/auth/authn'), { follow: 28 })).status).toBe(200)
    }
  })
})
