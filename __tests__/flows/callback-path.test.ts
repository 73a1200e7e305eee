import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { githubProvider, oauthModule, type OAuthModuleOptions } from '../../src/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { fakeDate, realDate } from '../support/clock.js'
import { authorizationOf, bodyOf, oidcOf, secret, startGate, stopAll } from '../support/gate.js'
import { freePorts } from '../support/programs.js'
import { type Browser, createBrowser, formOf } from '../support/jar.js'

let oidc: VendorServer
let github: VendorServer

beforeAll(async () => {
  oidc = await startVendor('oidc')
  github = await startVendor('github')
})
afterEach(stopAll)
afterAll(async () => {
  await oidc.close()
  await github.close()
})

const githubOptions = () => github.options as { clientId: string; clientSecret: string }

const mistakesOf = (options: Partial<OAuthModuleOptions>): string[] => {
  try {
    oauthModule({ secret, provider: { github: githubOptions() }, ...options })
  } catch (error) {
    return (error as Error).message.split('\n')
  }
  return []
}

/** Follows the redirects until the provider sends the browser back to `callbackPath`. */
async function toCallbackPath(browser: Browser, url: string, callbackPath: string) {
  const page = await browser.get(url, { follow: (next) => !next.includes(callbackPath) })
  return String(page.location)
}

describe('E3: a registered redirect URI', () => {
  test.each([
    '/callback',
    '/auth/github/callback',
    '/oauth2/callback',
    '/.auth/login/github/callback',
    '/accounts/github/login/callback/',
    '/Account/SignIn-GitHub',
  ])(
    'E3: a login returns to callbackPath %s, which the app never receives',
    async (callbackPath) => {
      github.settings.redirectUris = []
      const gate = await startGate({ provider: { github: githubOptions() }, callbackPath })
      github.settings.redirectUris = [gate.url(callbackPath)]
      const browser = createBrowser()
      const page = await browser.get(gate.url('/deep?a=1'))
      expect([page.status, page.url]).toEqual([200, gate.url('/deep?a=1')])
      expect(bodyOf(page).user).toMatchObject({ key: 'github:583231' })
      expect(page.history.map(({ url }) => new URL(url).pathname)).toContain(callbackPath)
      // Neither can it be received in another spelling.
      gate.reached.length = 0
      const spellings = [
        `${callbackPath}?code=a&state=b`,
        `${callbackPath.replace(/\/$/, '')}/`,
        callbackPath.toUpperCase(),
        `/%${callbackPath.charCodeAt(1).toString(16)}${callbackPath.slice(2)}`,
        `/x/..${callbackPath}`,
        `/${callbackPath}`,
        `${callbackPath};a=b`,
      ]
      for (const spelling of spellings) await browser.get(gate.url(spelling), { follow: false })
      expect(gate.reached).toEqual([])
      github.settings.redirectUris = []
    },
  )

  test('E3: with another callbackPath, the default path does not exist, and paths below are those of the app', async () => {
    const gate = await startGate({ provider: { idp: oidcOf(oidc) }, callbackPath: '/callback' })
    const browser = createBrowser()
    await browser.get(gate.url('/'))
    const statuses = ['/auth/callback', '/callback/more', '/callbacks', '/my/callback'].map(
      async (path) => (await browser.get(gate.url(path), { follow: false })).status,
    )
    expect(await Promise.all(statuses)).toEqual([404, 200, 200, 200])
  })

  test('E3: a login never returns to callbackPath, which would be a loop', async () => {
    const gate = await startGate({ provider: { idp: oidcOf(oidc) }, callbackPath: '/callback' })
    for (const referer of ['/callback', '/Callback/', '/callback?x=1', '/%63allback']) {
      const answer = await createBrowser().get(gate.url('/api'), {
        headers: { Accept: 'application/json', Referer: gate.url(referer) },
        follow: false,
      })
      const { login_url } = JSON.parse(answer.body) as { login_url: string }
      expect((await createBrowser().get(login_url)).url).toBe(gate.url('/'))
    }
  })

  test.each([
    ['nested mounts', { mount: '/reports' }, {}, '/reports/callback', ''],
    ['Connect', { mount: '/reports', framework: 'connect' as const }, {}, '/reports/callback', ''],
    ['bare node:http', { framework: 'http' as const }, {}, '/callback', ''],
    ['a baseUrl with a path', {}, { baseUrl: '/app' }, '/app/callback', '/app'],
  ])(
    'E3: callbackPath is relative to the mount point: %s',
    async (_, setup, more, path, prefix) => {
      const [port = 0] = await freePorts(1)
      const baseUrl = 'baseUrl' in more && { baseUrl: `http://localhost:${port}${prefix}` }
      const gate = await startGate(
        { provider: { idp: oidcOf(oidc) }, callbackPath: '/callback', ...baseUrl },
        { ...setup, port },
      )
      const browser = createBrowser()
      const start = await browser.get(gate.url('mount' in setup ? '/reports/x' : '/x'), {
        follow: false,
      })
      expect(authorizationOf(start).get('redirect_uri')).toBe(gate.url(path))
      const callback = await toCallbackPath(browser, String(start.location), '/callback')
      // The proxy in front removes the path of baseUrl.
      const received = callback.replace(`${gate.origin}${prefix}`, gate.origin)
      const page = await browser.get(received, { follow: false })
      expect([page.status, page.location]).toEqual([
        302,
        gate.url(`${prefix}${'mount' in setup ? '/reports/x' : '/x'}`),
      ])
    },
  )

  test('E3: the notice in production names the redirect URI with callbackPath', async () => {
    const before = process.env['NODE_ENV']
    process.env['NODE_ENV'] = 'production'
    try {
      const gate = await startGate({ provider: { idp: oidcOf(oidc) }, callbackPath: '/callback' })
      await createBrowser().get(gate.url('/'), { follow: false })
      expect(gate.logged.join('\n')).toContain(`provider: ${gate.url('/callback')} (if`)
    } finally {
      process.env['NODE_ENV'] = before
    }
  })

  test('E3: a posted response (form_post) comes to callbackPath', async () => {
    const gate = await startGate({
      provider: { idp: oidcOf(oidc, { responseMode: 'form_post', callbackPath: '/signin-oidc' }) },
    })
    const browser = createBrowser()
    const form = formOf(await browser.get(gate.url('/deep')))
    expect(form.action).toBe(gate.url('/signin-oidc'))
    const page = await browser.post(form.action, form.fields, { from: oidc.origin })
    expect([page.status, page.url]).toEqual([200, gate.url('/deep')])
    // A repeated form leads to the result.
    const again = await browser.post(form.action, form.fields, { from: oidc.origin })
    expect([again.status, again.url]).toEqual([200, gate.url('/')])
  })

  test.each(['POST', 'PUT', 'OPTIONS', 'HEAD'])(
    'E3: %s at callbackPath does not reach the app',
    async (method) => {
      const gate = await startGate({
        provider: { idp: oidcOf(oidc) },
        callbackPath: '/callback',
        optionsPassthrough: true,
      })
      const { status } = await createBrowser().request(method, gate.url('/callback'), undefined)
      expect([status, gate.reached]).toEqual([method === 'HEAD' ? 200 : 405, []])
    },
  )

  test('E3: http_request_complete names the callback at every path', async () => {
    const gate = await startGate({
      provider: { idp: oidcOf(oidc), github: githubOptions() },
      callbackPath: '/oauth2/callback',
    })
    const reasons: unknown[] = []
    gate.middleware.on('http_request_complete', ({ reason }) => void reasons.push(reason))
    await createBrowser().get(gate.url('/auth/authn?connection=github'))
    expect(reasons).toContain('callback/github')
  })
})

describe('E3: callback paths of several providers', () => {
  const several = (): OAuthModuleOptions => ({
    provider: {
      work: oidcOf(oidc, { callbackPath: '/signin-oidc' }),
      github: { ...githubOptions(), callbackPath: '/auth/github/callback' },
      second: githubProvider(githubOptions()),
      third: githubProvider(githubOptions()),
    },
    callbackPath: '/oauth2/callback',
  })

  test('E3: each has its own, or one below callbackPath', async () => {
    const gate = await startGate(several())
    const paths = { work: '/signin-oidc', github: '/auth/github/callback' }
    const all = { ...paths, second: '/oauth2/callback/second', third: '/oauth2/callback/third' }
    for (const [name, path] of Object.entries(all)) {
      const browser = createBrowser()
      const start = await browser.get(gate.url(`/auth/authn?connection=${name}`), { follow: false })
      expect(authorizationOf(start).get('redirect_uri')).toBe(gate.url(path))
      const page = await browser.get(String(start.location))
      expect(bodyOf(page).user).toMatchObject({ provider: name })
    }
  })

  test('E3: a callbackPath of one provider does not change the redirect URIs of the others', async () => {
    const provider = (more: object) => ({
      github: { ...githubOptions(), ...more },
      second: githubProvider(githubOptions()),
    })
    for (const more of [{}, { callbackPath: '/auth/github/callback' }]) {
      const gate = await startGate({ provider: provider(more) })
      const start = await createBrowser().get(gate.url('/auth/authn?connection=second'), {
        follow: false,
      })
      expect(authorizationOf(start).get('redirect_uri')).toBe(gate.url('/auth/callback/second'))
    }
  })

  test('E3: a response at the callback path of another provider is rejected before the code is redeemed', async () => {
    const gate = await startGate(several())
    const redeemed = () =>
      [oidc, github].flatMap(({ requests }) =>
        requests.filter(({ endpoint }) => endpoint === 'token'),
      ).length
    const before = redeemed()
    for (const [name, own, wrong] of [
      ['work', '/signin-oidc', '/auth/github/callback'],
      ['github', '/auth/github/callback', '/signin-oidc'],
      ['second', '/oauth2/callback/second', '/oauth2/callback/third'],
      ['second', '/oauth2/callback/second', '/auth/github/callback'],
    ] as const) {
      const browser = createBrowser()
      const link = gate.url(`/auth/authn?connection=${name}`)
      const callback = new URL(await toCallbackPath(browser, link, own))
      const page = await browser.get(gate.url(wrong + callback.search), { follow: false })
      expect([page.status, page.body.includes('invalid_callback')]).toEqual([400, true])
      // Nor at the path that would be the default.
      const other = await browser.get(gate.url(`/auth/callback${callback.search}`))
      expect(other.status).toBe(404)
    }
    expect(redeemed()).toBe(before)
  })

  test.each([
    ['the same path', '/callback', '/callback'],
    ['another case', '/callback', '/Callback'],
    ['a slash at the end', '/callback', '/callback/'],
    ['the default path of the other', '/auth/callback/second', undefined],
    ['the default path of the other in another case', '/auth/callback/SECOND', undefined],
  ])('E3: %s for two providers throws', (_, first, second) => {
    const provider = {
      first: githubProvider({ ...githubOptions(), callbackPath: first }),
      second: githubProvider({ ...githubOptions(), callbackPath: second }),
    }
    const blamed = second === undefined ? 'first' : 'second'
    const other = second === undefined ? 'second' : 'first'
    expect(mistakesOf({ provider })).toEqual([
      `oauthModule.provider.${blamed}.callbackPath must not be the callback path of ${other} as well: register another redirect URI for one of the two, so that a response of one provider cannot pass as a response of the other`,
    ])
  })

  test('E3: callbackPath of oauthModule() that is the path of another provider throws', () => {
    const provider = {
      first: githubProvider(githubOptions()),
      second: githubProvider({ ...githubOptions(), callbackPath: '/callback' }),
    }
    expect(mistakesOf({ provider, callbackPath: '/callback' })).toEqual([
      expect.stringMatching(/^oauthModule\.provider\.second\.callbackPath must not be/),
    ])
  })
})

describe('E3: a callbackPath that cannot be one', () => {
  test.each([
    ['https://app.example/callback', /must be a path, not a URL: set baseUrl/],
    ['//app.example/callback', /must be a path, not a URL/],
    ['callback', /must start with a slash/],
    ['/callback?next=/', /leave out the query and the fragment/],
    ['/callback#', /leave out the query and the fragment/],
    ['/', /must not be the start page/],
    ['/a/../callback', /must not contain dot segments/],
    ['/..', /must not contain dot segments/],
    ['/%2e%2e/callback', /must contain only letters/],
    ['/a//callback', /must contain only letters/],
    ['/auth/:name/callback', /must contain only letters/],
    ['/auth\\callback', /must contain only letters/],
  ])('E3: %s throws with the fix', (callbackPath, message) => {
    const atProvider = { provider: { github: { ...githubOptions(), callbackPath } } }
    expect(mistakesOf({ callbackPath })).toEqual([expect.stringMatching(message)])
    expect(mistakesOf(atProvider)).toEqual([
      expect.stringMatching(/^oauthModule\.provider\.github\.callbackPath /),
    ])
  })

  test.each(['/auth/authn', '/auth/logout', '/auth/session/', '/AUTH/backchannel-logout'])(
    'E3: the special path %s throws',
    (callbackPath) => {
      const message = /must not be one of the special paths \(\/auth\/authn, .*: choose another/
      expect(mistakesOf({ callbackPath })).toEqual([expect.stringMatching(message)])
      expect(mistakesOf({ provider: { github: { ...githubOptions(), callbackPath } } })).toEqual([
        expect.stringMatching(message),
      ])
    },
  )

  test('E3: logout.returnTo and baseUrl that name callbackPath throw', () => {
    const callbackPath = '/callback'
    expect(mistakesOf({ callbackPath, logout: { returnTo: '/Callback?x=1' } })).toEqual([
      expect.stringMatching(/logout\.returnTo must not be one of the special paths/),
    ])
    expect(mistakesOf({ callbackPath, baseUrl: 'https://app.example/callback' })).toEqual([
      'oauthModule.baseUrl must be where the middleware is mounted, not the redirect URI: leave out /callback',
    ])
  })

  test.each(['callbackURL', 'callback_url', 'redirectUri', 'redirect_uri', 'callbackpath'])(
    'E3: %s, as other packages name it, throws and names callbackPath',
    (name) => {
      const value = 'https://app.example/auth/github/callback'
      for (const options of [
        { [name]: value },
        { provider: { github: { ...githubOptions(), [name]: value } } },
      ])
        expect(mistakesOf(options)).toEqual([
          expect.stringMatching(`unknown option '${name}': write callbackPath$`),
        ])
    },
  )
})

describe('E3: reconfigure() with another callbackPath', () => {
  const at = (callbackPath: string) => ({ provider: { idp: oidcOf(oidc) }, callbackPath })

  test('E3: sessions stay, and new logins use the new path', async () => {
    const gate = await startGate(at('/callback'))
    const browser = createBrowser()
    const before = bodyOf(await browser.get(gate.url('/')))
    gate.middleware.reconfigure(at('/oauth2/callback'))
    expect(bodyOf(await browser.get(gate.url('/'))).oauth?.['sessionHandle']).toBe(
      before.oauth?.['sessionHandle'],
    )
    const start = await createBrowser().get(gate.url('/'), { follow: false })
    expect(authorizationOf(start).get('redirect_uri')).toBe(gate.url('/oauth2/callback'))
  })

  test('E3: a login in progress ends at the old path, which is that of the app ten minutes later', async () => {
    const gate = await startGate(at('/callback'))
    const browser = createBrowser()
    const callback = await toCallbackPath(browser, gate.url('/deep'), '/callback')
    gate.middleware.reconfigure(at('/oauth2/callback'))
    expect((await browser.get(callback)).url).toBe(gate.url('/deep'))
    expect((await browser.get(gate.url('/Callback'), { follow: false })).status).toBe(404)
    const clock = fakeDate(Date.now())
    try {
      clock.forward(601)
      expect((await browser.get(gate.url('/callback'), { follow: false })).status).toBe(200)
    } finally {
      realDate()
    }
  })

  test('E3: a response of one provider is rejected at the old path of another', async () => {
    const both = (workPath: string): OAuthModuleOptions => ({
      provider: {
        work: oidcOf(oidc, { callbackPath: workPath }),
        github: { ...githubOptions(), callbackPath: '/github' },
      },
    })
    const gate = await startGate(both('/work'))
    gate.middleware.reconfigure(both('/office'))
    const browser = createBrowser()
    const link = gate.url('/auth/authn?connection=github')
    const { search } = new URL(await toCallbackPath(browser, link, '/github'))
    const page = await browser.get(gate.url(`/work${search}`), { follow: false })
    expect([page.status, page.body.includes('invalid_callback')]).toEqual([400, true])
  })

  test('E3: wrong paths throw, and the previous ones stay', async () => {
    const gate = await startGate(at('/callback'))
    expect(() => gate.middleware.reconfigure(at('/auth/logout'))).toThrow(TypeError)
    const start = await createBrowser().get(gate.url('/'), { follow: false })
    expect(authorizationOf(start).get('redirect_uri')).toBe(gate.url('/callback'))
  })
})
