import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  defineProvider,
  type OAuthError,
  type OAuthModuleOptions,
  type OnError,
  type PagesOption,
} from '../../src/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { type Gate, oidcOf, startGate, stopAll, stopping, toCallback } from '../support/gate.js'
import { createBrowser, type Hop, type Page } from '../support/jar.js'

let vendor: VendorServer
let gate: Gate

beforeAll(async () => {
  vendor = stopping(await startVendor('oidc'))
  gate = await startGate({ provider: { idp: oidcOf(vendor) } })
})
afterAll(stopAll)

const start = (options: Partial<OAuthModuleOptions>) =>
  startGate({ provider: { idp: oidcOf(vendor) }, ...options })
const asJson = { Accept: 'application/json', 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' }

/** One response of every kind. */
async function everyAnswer(): Promise<Record<string, Hop>> {
  const browser = createBrowser()
  const several = await start({ provider: { a: oidcOf(vendor), b: oidcOf(vendor) } })
  const refusing = await start({
    provider: { idp: oidcOf(vendor, { emailDomains: ['other.example'] }) },
  })
  const begun = await browser.get(gate.url('/'), { follow: false })
  const done = await browser.get(await toCallback(browser, begun.location ?? ''), { follow: false })
  return {
    begun,
    done,
    unauthenticated: await createBrowser().get(gate.url('/'), { headers: asJson }),
    frame: await createBrowser().get(gate.url('/'), { headers: { 'Sec-Fetch-Dest': 'iframe' } }),
    failed: await createBrowser().get(gate.url('/auth/callback')),
    failedJson: await createBrowser().get(gate.url('/auth/callback'), { headers: asJson }),
    denied: await createBrowser().get(refusing.url('/')),
    signIn: await createBrowser().get(several.url('/')),
    session: await browser.get(gate.url('/auth/session')),
    confirm: await browser.get(gate.url('/auth/logout'), {
      headers: { 'Sec-Fetch-Site': 'cross-site' },
    }),
    signedOut: await browser.get(gate.url('/auth/logout')),
    missing: await browser.get(gate.url('/auth/nothing')),
    method: await browser.request('DELETE', gate.url('/auth/authn'), undefined),
  }
}

describe('every response of the module', () => {
  let answers: Record<string, Hop>
  beforeAll(async () => {
    answers = await everyAnswer()
  })

  test('has no-store, Vary: Cookie, and no-referrer', () => {
    for (const [name, { headers }] of Object.entries(answers)) {
      const expected = {
        'cache-control': 'no-store',
        vary: 'Cookie',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
      }
      expect([name, headers]).toEqual([name, expect.objectContaining(expected)])
    }
  })

  test('C15 cannot be embedded, opened with a reference, or use features of the device', () => {
    for (const [name, { headers }] of Object.entries(answers)) {
      const expected = {
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'x-frame-options': name === 'frame' ? 'SAMEORIGIN' : 'DENY',
        'permissions-policy': expect.stringMatching(/camera=\(\).*geolocation=\(\)/),
      }
      expect([name, headers]).toEqual([name, expect.objectContaining(expected)])
      expect(headers).not.toHaveProperty('clear-site-data')
    }
  })

  test('C15 X-Frame-Options agrees with frame-ancestors, also if the app sets another one', async () => {
    const other = await startGate(
      { provider: { idp: oidcOf(vendor) }, pages: { error: () => '<p>mine</p>' } },
      {
        before: (app) =>
          void app.use((_req, res, next) => {
            res.setHeader('X-Frame-Options', 'ALLOWALL')
            next()
          }),
      },
    )
    for (const [path, dest, options, ancestors] of [
      ['/auth/callback', 'document', 'DENY', "'none'"],
      ['/auth/logout', 'iframe', 'DENY', "'none'"],
      ['/widget', 'iframe', 'SAMEORIGIN', "'self'"],
    ] as const) {
      const { headers } = await createBrowser().get(other.url(path), {
        headers: { 'Sec-Fetch-Dest': dest },
      })
      expect([path, headers['x-frame-options']]).toEqual([path, options])
      expect(headers['content-security-policy']).toContain(`frame-ancestors ${ancestors}`)
    }
  })

  test('S-053 redirects only with 302 and an empty body', () => {
    const redirects = Object.values(answers).filter(({ headers }) => headers.location !== undefined)
    expect(redirects.map(({ status, body }) => [status, body])).toEqual([
      [302, ''],
      [302, ''],
    ])
  })

  test('S-097 that is a page has a strict Content-Security-Policy, with a fresh nonce and no script', () => {
    const pages = Object.entries(answers).filter(([, { headers }]) =>
      String(headers['content-type']).startsWith('text/html'),
    )
    expect(pages.map(([name]) => name).sort()).toEqual([
      'confirm',
      'denied',
      'failed',
      'frame',
      'method',
      'missing',
      'signIn',
      'signedOut',
    ])
    const nonces = new Set<string>()
    for (const [name, { headers, body }] of pages) {
      const policy = String(headers['content-security-policy'])
      const nonce = policy.match(/style-src 'nonce-([^']+)'/)?.[1] ?? ''
      nonces.add(nonce)
      expect(headers['content-type']).toBe('text/html; charset=utf-8')
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("base-uri 'none'")
      expect(policy).toContain("form-action 'self'")
      expect(policy).toContain(`frame-ancestors ${name === 'frame' ? "'self'" : "'none'"}`)
      expect(body).toContain(`<style nonce="${nonce}">`)
      expect(body).not.toMatch(/<script|javascript:|\son\w+=/i)
    }
    expect(nonces.size).toBe(pages.length)
  })

  test('has a JSON equivalent with a code, a message and a link', () => {
    expect(answers['failedJson']?.status).toBe(400)
    expect(JSON.parse(answers['failedJson']?.body ?? '')).toEqual({
      error: 'login_expired',
      message: expect.stringContaining('no longer valid'),
      login_url: expect.stringContaining(`${gate.origin}/auth/authn?return_token=`),
    })
    expect(answers['failedJson']?.headers['content-type']).toBe('application/json; charset=utf-8')
  })

  test('has a JSON equivalent for pages that are not errors as well', async () => {
    const several = await start({
      provider: { a: oidcOf(vendor), b: oidcOf(vendor, { displayName: 'The B' }) },
    })
    const json = async (path: string, browser = createBrowser(), headers = {}) => {
      const {
        status,
        headers: { 'content-type': type },
        body,
      } = await browser.get(several.url(path), { headers: { ...asJson, ...headers } })
      expect([path, status, type]).toEqual([path, 200, 'application/json; charset=utf-8'])
      return JSON.parse(body) as Record<string, unknown>
    }
    const connections = [
      ['a', 'a'],
      ['b', 'The B'],
    ].map(([name, label]) => ({
      name,
      label,
      login_url: expect.stringContaining(`/auth/authn?connection=${name}`),
    }))
    expect(await json('/auth/authn')).toEqual({ connections })
    const browser = createBrowser()
    await browser.get(several.url('/auth/authn?connection=a'))
    const asked = await json('/auth/logout', browser, { 'Sec-Fetch-Site': 'cross-site' })
    expect(JSON.stringify(asked)).toContain('/auth/logout')
    expect((await browser.get(several.url('/'), { follow: false })).status).toBe(200)
    await json('/auth/logout', browser, { 'Sec-Fetch-Site': 'same-origin' })
    expect((await browser.get(several.url('/'), { headers: asJson })).status).toBe(401)
  })

  test('to HEAD has no body', async () => {
    const head = await createBrowser().request('HEAD', gate.url('/auth/nothing'), undefined)
    expect([head.status, head.body]).toEqual([404, ''])
    expect(Number(head.headers['content-length'])).toBeGreaterThan(100)
  })

  test('S-103 these headers are not on responses of the app', async () => {
    const { headers } = await createBrowser().get(gate.url('/x'))
    expect(Object.keys(headers).sort()).toEqual([
      'cache-control',
      'connection',
      'content-length',
      'content-type',
      'date',
      'x-powered-by',
    ])
  })
})

describe('the caching headers of the app', () => {
  const cachedAs = async (value: string | undefined, path = '/') => {
    const other = await startGate(
      { provider: { idp: oidcOf(vendor) } },
      {
        before: (app) =>
          void app.use((_req, res, next) => {
            if (value !== undefined) res.setHeader('Cache-Control', value)
            next()
          }),
        routes: (app) =>
          void app.get(
            '/public',
            (_req, res) => void res.set('Cache-Control', 'public, max-age=60').send('x'),
          ),
      },
    )
    return String((await createBrowser().get(other.url(path))).headers['cache-control'])
  }

  test('set before the gate are not loosened', async () => {
    expect(await cachedAs(undefined)).toBe('private')
    expect(await cachedAs('no-store')).toBe('no-store')
    for (const strict of ['no-cache', 'max-age=0, must-revalidate', 'private, max-age=60']) {
      const directives = (await cachedAs(strict)).split(/, */)
      expect(directives).toEqual(expect.arrayContaining([...strict.split(', '), 'private']))
      expect(directives.filter((one) => one === 'private')).toHaveLength(1)
    }
    expect(await cachedAs('public, max-age=60')).not.toContain('public')
    expect(await cachedAs('public max-age=60')).toBe('private, max-age=60')
  })

  test('set behind the gate are kept', async () => {
    expect(await cachedAs(undefined, '/public')).toBe('public, max-age=60')
    expect(await cachedAs('no-store', '/public')).toBe('public, max-age=60')
  })
})

describe('S-099 no secret', () => {
  test('is on a page or in the log, for any failure', async () => {
    const secrets: (string | undefined)[] = ['dev-client-secret']
    const logged: string[] = []
    const bodies: string[] = []
    const browser = createBrowser()
    const watched = await start({ authorize: () => true })
    const callback = await toCallback(browser, watched.url('/x'))
    const { searchParams } = new URL(callback)
    secrets.push(
      searchParams.get('code') ?? '',
      searchParams.get('state') ?? '',
      browser.cookies(watched.origin)[0]?.value,
    )
    for (const answer of [
      { status: 500, body: { error: 'x', access_token: 'canary-access-token' } },
      {
        body: {
          access_token: 'canary-access-token',
          token_type: 'mac',
          id_token: 'canary-id-token',
        },
      },
    ]) {
      const again = createBrowser()
      const end = vendor.respond('token', answer)
      bodies.push((await again.get(watched.url('/x'))).body)
      end()
    }
    bodies.push(
      (await browser.get(callback)).body.replaceAll(/"ngrok-auth-oauth-access-token":"[^"]*"/g, ''),
      (await createBrowser().get(callback)).body,
    )
    secrets.push(
      'canary-access-token',
      'canary-id-token',
      browser.cookies(watched.origin).find(({ key }) => key === 'ngrok.session')?.value,
    )
    const verifier = vendor.requests.filter(({ endpoint }) => endpoint === 'token').at(-1)?.form?.[
      'code_verifier'
    ]
    secrets.push(verifier)
    logged.push(...watched.logged)
    expect(logged.length).toBeGreaterThan(2)
    for (const one of secrets) {
      expect(one?.length).toBeGreaterThan(10)
      expect(logged.join('\n')).not.toContain(one)
      // Our own cookie is the app's to print; the page of an error has no business with it.
      expect(bodies.filter((body) => body.startsWith('<!')).join('\n')).not.toContain(one)
    }
  })
})

describe('custom pages', () => {
  const own: { [Name in keyof Required<PagesOption>]: (browser: Gate) => Promise<Page> } = {
    signIn: async ({ url }) => createBrowser().get(url('/auth/authn')),
    error: async ({ url }) => createBrowser().get(url('/auth/callback')),
    denied: async ({ url }) => createBrowser().get(url('/auth/authn?connection=a')),
    signedOut: async ({ url }) => createBrowser().get(url('/auth/logout')),
  }
  const names = Object.keys(own) as (keyof typeof own)[]
  const gateWith = (pages: PagesOption) =>
    start({
      provider: { a: oidcOf(vendor, { emailDomains: ['other.example'] }), b: oidcOf(vendor) },
      pages,
    })

  test.each(names)('%s can be replaced separately, with the escaping html tag', async (name) => {
    const replaced = await gateWith({
      [name]: ({
        html,
        nonce,
      }: {
        html: (strings: TemplateStringsArray, ...values: unknown[]) => string
        nonce: string
      }) => html`<p nonce="${nonce}">mine: ${'<b>'}</p>`,
    })
    for (const one of names) {
      const { body, headers } = await own[one](replaced)
      if (one === name)
        expect(body).toBe(
          `<p nonce="${String(headers['content-security-policy']).match(/nonce-([^']+)/)?.[1]}">mine: &lt;b&gt;</p>`,
        )
      else expect(body).toMatch(/^<!doctype html>/)
    }
  })

  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('template')
      },
    ],
    ['gives nothing', () => undefined],
    ['gives a promise', async () => '<p>late</p>'],
    ['gives a promise that is rejected', async () => Promise.reject(new Error('template'))],
    ['gives an object', () => ({})],
  ])('S-101 one that %s is replaced by ours', async (_, make) => {
    const unhandled: unknown[] = []
    const note = (reason: unknown) => void unhandled.push(reason)
    process.on('unhandledRejection', note)
    const spoiled = await gateWith({ error: make as () => string })
    const page = await own.error(spoiled)
    await new Promise((resolve) => setTimeout(resolve, 20))
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
    expect([page.status, page.body.includes('login_expired')]).toEqual([400, true])
    expect(spoiled.logged.some((line) => line.startsWith('error'))).toBe(true)
  })

  test('receive their context unescaped', async () => {
    const contexts: Record<string, unknown>[] = []
    const keep = (context: object) => (contexts.push({ ...context }), 'x')
    const replaced = await gateWith({ signIn: keep, error: keep, denied: keep, signedOut: keep })
    for (const name of names) await own[name](replaced)
    expect(contexts).toMatchObject([
      {
        providers: [
          { name: 'a', label: 'a', url: expect.stringContaining('/auth/authn?connection=a') },
          { name: 'b' },
        ],
      },
      {
        code: 'login_expired',
        status: 400,
        audience: 'user',
        retryUrl: expect.stringContaining('/auth/authn'),
      },
      {
        code: 'not_authorized',
        user: { name: 'Ida Novak', email: 'ida@acme.example', provider: 'a' },
        anotherAccountUrl: expect.any(String),
        logoutUrl: '/auth/logout',
      },
      { loginUrl: expect.any(String) },
    ])
  })
})

describe('onError', () => {
  const failing = async (onError: OnError, path = '/auth/callback', headers = {}) => {
    const other = await start({ onError })
    const page = await createBrowser().get(other.url(path), { follow: false, headers })
    expect(other.reached).toEqual([])
    return { page, other }
  }

  test('takes over the response, and receives a code and a status', async () => {
    const seen: OAuthError[] = []
    const { page } = await failing((error, _req, res) => {
      seen.push(error)
      res.statusCode = 418
      res.end(error.code)
    })
    expect([
      page.status,
      page.body,
      seen[0]?.status,
      seen[0]?.audience,
      seen[0]?.retryable,
    ]).toEqual([418, 'login_expired', 400, 'user', true])
  })

  test('may respond asynchronously, as a template engine does', async () => {
    const { page } = await failing(
      (error, _req, res) =>
        void setTimeout(() => {
          res.statusCode = 418
          res.end(`later: ${error.code}`)
        }, 30),
    )
    expect([page.status, page.body]).toEqual([418, 'later: login_expired'])
  })

  test('may respond after its promise has settled, as a template engine that is not awaited does', async () => {
    const { page } = await failing(async (error, _req, res) => {
      await Promise.resolve()
      setTimeout(() => {
        res.statusCode = 418
        res.end(`later: ${error.code}`)
      }, 30)
    })
    expect([page.status, page.body]).toEqual([418, 'later: login_expired'])
  })

  test('without the parameter res only observes: the built-in response does not wait', async () => {
    const startedAt = performance.now()
    const { page } = await failing((error) => error.code)
    expect([page.status, page.body.includes('login_expired')]).toEqual([400, true])
    expect(performance.now() - startedAt).toBeLessThan(4_000)
  })

  test('may start its response immediately and end it later', async () => {
    const { page } = await failing((_error, _req, res) => {
      res.writeHead(418).write('one ')
      setTimeout(() => res.end('two'), 30)
    })
    expect([page.status, page.body]).toEqual([418, 'one two'])
  })

  test('may call next() later: the error handler of the app responds, never the app', async () => {
    for (const call of [
      (next: (error?: unknown) => void) => next(),
      (next: (error?: unknown) => void) => next('route'),
    ]) {
      for (const [path, headers] of [
        ['/auth/callback', {}],
        ['/x', asJson],
      ] as const) {
        const { page, other } = await failing(
          (_error, _req, _res, next) => void setTimeout(() => call(next), 30),
          path,
          headers,
        )
        expect([
          page.status,
          page.body.startsWith("the app's error handler: "),
          other.reached,
        ]).toEqual([500, true, []])
      }
    }
  })

  test('calls the error handler of the app with next(), never the app', async () => {
    for (const call of [
      (next: (error?: unknown) => void) => next(),
      (next: (error?: unknown) => void) => next(undefined),
      ...['route', 'router', null, false, 0, ''].map(
        (value) => (next: (error?: unknown) => void) => next(value),
      ),
    ]) {
      const { page } = await failing((_error, _req, _res, next) => call(next))
      expect(page.status).toBe(500)
      expect(page.body).toMatch(/^the app's error handler: /)
    }
    const { page } = await failing((_error, _req, _res, next) => next(new Error('mine')))
    expect(page.body).toBe("the app's error handler: mine")
  })

  test.each<[string, OnError]>([
    [
      'throws',
      () => {
        throw new Error('in onError')
      },
    ],
    ['rejects', async () => Promise.reject(new Error('in onError'))],
    ['does nothing', () => undefined],
    ['does nothing, later', async () => new Promise((resolve) => setTimeout(resolve, 20))],
    ['gives true', () => true],
    ['changes the error', (error) => void Object.assign(error, { name: 'x' })],
  ])('S-101 that %s grants no access: the built-in response is sent', async (_, onError) => {
    for (const [path, headers, status] of [
      ['/auth/callback', {}, 400],
      ['/x', asJson, 401],
    ] as const) {
      const { page, other } = await failing(onError, path, headers)
      expect(page.status).toBe(status)
      await new Promise((resolve) => setTimeout(resolve, 60))
      expect(other.reached).toEqual([])
    }
  })

  test('S-101 that never ends times out, and what it does later grants no access', async () => {
    const late: (() => void)[] = []
    const { page, other } = await failing((_error, _req, _res, next) => {
      late.push(next)
      return new Promise(() => undefined)
    })
    expect([page.status, page.body.includes('login_expired'), late.length]).toEqual([400, true, 1])
    for (const next of late) next()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(other.reached).toEqual([])
  })
})

describe('errors of the app', () => {
  test('reach the error handler of the app, once, and no page of the module', async () => {
    const throwing = await startGate(
      { provider: { idp: oidcOf(vendor) } },
      {
        routes: (app) =>
          app.get('/throw', () => {
            throw new Error('a bug of the app')
          }),
      },
    )
    const browser = createBrowser()
    await browser.get(throwing.url('/'))
    const page = await browser.get(throwing.url('/throw'))
    expect([page.status, page.body]).toEqual([500, "the app's error handler: a bug of the app"])
  })

  test.each([undefined, null, 0, '', false, 'route', 'router'])(
    'S-101 a provider hook that throws %p grants no access',
    async (thrown) => {
      const { issuer: _, ...client } = vendor.options
      const provider = defineProvider({
        ...client,
        openid: true,
        issuer: String(vendor.options['issuer']),
        scopes: ['openid'],
        identity: () => Promise.reject(thrown),
      })
      const other = await startGate({ provider: { own: provider } })
      const page = await createBrowser().get(other.url('/'))
      expect([page.status, other.reached]).toEqual([502, []])
    },
  )

  test('S-101 a logger that throws fails no request', async () => {
    const loud = () => {
      throw new Error('logger')
    }
    const other = await start({
      logger: { debug: loud, info: () => undefined, warn: () => undefined, error: loud },
    })
    expect((await createBrowser().get(other.url('/auth/callback'))).status).toBe(400)
    expect((await createBrowser().get(other.url('/'))).status).toBe(200)
  })
})
