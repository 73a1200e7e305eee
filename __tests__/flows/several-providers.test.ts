import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { githubProvider } from '../../src/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import {
  authorizationOf,
  bodyOf,
  type Gate,
  oidcOf,
  startGate,
  stopAll,
  stopping,
  toCallback,
} from '../support/gate.js'
import { createBrowser, linksOf } from '../support/jar.js'

let oidc: VendorServer
let github: VendorServer
let gate: Gate

beforeAll(async () => {
  oidc = stopping(await startVendor('oidc'))
  github = stopping(await startVendor('github'))
  gate = await startGate({
    provider: {
      work: oidcOf(oidc, { displayName: 'Work & more' }),
      github: github.options,
      second: githubProvider(github.options),
    },
  })
})
afterAll(stopAll)

describe('several providers', () => {
  test('a navigation shows a page with a button for each, and returns to the original URL', async () => {
    const browser = createBrowser()
    const page = await browser.get(gate.url('/deep?a=1'))
    expect([page.status, new URL(page.url).pathname]).toEqual([200, '/auth/authn'])
    expect(page.history.map(({ status }) => status)).toEqual([302, 200])
    expect(page.body).toContain('Sign in with <bdi>Work &amp; more</bdi>')
    expect(page.setCookie).toEqual([])
    const links = linksOf(page)
    expect(links.map((link) => new URL(link).searchParams.get('connection'))).toEqual([
      'work',
      'github',
      'second',
    ])
    const landed = await browser.get(links[1] ?? '')
    expect(landed.url).toBe(gate.url('/deep?a=1'))
    expect(bodyOf(landed)).toMatchObject({
      user: { key: 'github:583231', provider: 'github' },
      headers: { 'ngrok-auth-user-provider': 'github' },
    })
  })

  test('the first keeps /auth/callback, each other one has its own callback URL', async () => {
    const redirectUris = await Promise.all(
      ['work', 'github', 'second'].map(async (name) =>
        authorizationOf(
          await createBrowser().get(gate.url(`/auth/authn?connection=${name}`), { follow: false }),
        ).get('redirect_uri'),
      ),
    )
    expect(redirectUris).toEqual([
      gate.url('/auth/callback'),
      gate.url('/auth/callback/github'),
      gate.url('/auth/callback/second'),
    ])
  })

  test('S-015 a response at the callback of another provider is rejected before the code is redeemed', async () => {
    const browser = createBrowser()
    const before = [oidc, github].map(
      ({ requests }) => requests.filter(({ endpoint }) => endpoint === 'token').length,
    )
    for (const [name, wrong] of [
      ['github', '/auth/callback'],
      ['work', '/auth/callback/github'],
      ['second', '/auth/callback/github'],
    ] as const) {
      const callback = new URL(
        await toCallback(browser, gate.url(`/auth/authn?connection=${name}`)),
      )
      const page = await browser.get(gate.url(wrong + callback.search), { follow: false })
      expect([page.status, page.body.includes('invalid_callback')]).toEqual([400, true])
    }
    expect(
      [oidc, github].map(
        ({ requests }) => requests.filter(({ endpoint }) => endpoint === 'token').length,
      ),
    ).toEqual(before)
  })

  test('the callback of an unknown provider, or of the first one by name, does not exist', async () => {
    for (const name of ['work', 'nobody', '__proto__', 'github/x']) {
      expect(
        (await createBrowser().get(gate.url(`/auth/callback/${name}?code=x`), { follow: false }))
          .status,
      ).toBe(404)
    }
  })

  test('an unknown connection gets 404 and starts no login', async () => {
    for (const name of ['nobody', 'constructor', 'WORK', '']) {
      const page = await createBrowser().get(gate.url(`/auth/authn?connection=${name}`), {
        follow: false,
      })
      expect([page.status, page.setCookie]).toEqual([name === '' ? 200 : 404, []])
    }
  })

  test('the same person at two providers counts as two users', async () => {
    const browser = createBrowser()
    const first = bodyOf(await browser.get(gate.url('/auth/authn?connection=github')))
    const second = bodyOf(await browser.get(gate.url('/auth/authn?connection=second')))
    expect([first.user?.['key'], second.user?.['key']]).toEqual(['github:583231', 'second:583231'])
    expect(first.oauth?.['sessionHandle']).not.toBe(second.oauth?.['sessionHandle'])
  })

  test('loginUrl() leads to the named provider, and back to the given path', async () => {
    const pass = await startGate(
      { provider: { work: oidcOf(oidc), github: github.options }, unauthenticated: 'pass' },
      {
        routes: (app) =>
          app.get('/link', (req, res) => {
            res.json([
              req.oauth.loginUrl({ connection: 'github', returnTo: '/there?x=1' }),
              req.oauth.loginUrl(),
              req.oauth.loginUrl({ returnTo: 'https://evil.example/' }),
              req.oauth.loginUrl({ connection: 'work', reauthenticate: true }),
            ])
          }),
      },
    )
    const [named, here, evil, again] = JSON.parse(
      (await createBrowser().get(pass.url('/link?q=1'))).body,
    ) as string[]
    expect((await createBrowser().get(pass.url(named ?? ''))).url).toBe(pass.url('/there?x=1'))
    const choose = async (link = '') => {
      const browser = createBrowser()
      return (await browser.get(linksOf(await browser.get(pass.url(link)))[0] ?? '')).url
    }
    expect(await choose(here)).toBe(pass.url('/link?q=1'))
    expect(await choose(evil)).toBe(pass.url('/'))
    expect(
      authorizationOf(await createBrowser().get(pass.url(again ?? ''), { follow: false })).get(
        'prompt',
      ),
    ).toBe('login')
  })
})
