import { afterEach, describe, expect, test } from '@jest/globals'
import { defineProvider, oidcProvider } from '../../src/index.js'
import type { VendorOptions } from '../../src/dev/vendors/index.js'
import {
  authorizationOf,
  type Gate,
  oidcOf,
  startGate,
  stopAll,
  stopping,
} from '../support/gate.js'
import { type Browser, createBrowser, linksOf, type Page } from '../support/jar.js'
import { startOidcProvider } from '../support/oidc.js'
import {
  attemptOf,
  logIn,
  requestsTo,
  retryLink,
  setUp,
  startVendor,
} from '../support/providers.js'

afterEach(stopAll)

/** The authorization request behind a link. */
async function requestOf(browser: Browser, link: string): Promise<URLSearchParams> {
  return authorizationOf(await browser.get(link, { follow: false }))
}

/** The link "Use another account" of a page that denies the user. */
function anotherAccount(page: Page): string {
  expect(page.status).toBe(403)
  return retryLink(page)
}

/** A vendor with these values of `prompt`, and a gate that denies everyone. */
async function denying(
  prompts: string[],
  {
    settings,
    ...provider
  }: Record<string, unknown> & { settings?: VendorOptions['settings'] } = {},
) {
  const setting = await setUp(
    'oidc',
    provider,
    { settings: { prompts, ...settings } },
    {
      authorize: () => false,
    },
  )
  const { page } = await logIn(setting)
  return { ...setting, link: anotherAccount(page) }
}

/** The values of `prompt` for another account and for a new login. */
async function promptsOf({ browser, gate, link }: { browser: Browser; gate: Gate; link: string }) {
  return [
    (await requestOf(browser, link)).get('prompt'),
    (await requestOf(browser, gate.url('/auth/authn'))).get('prompt'),
  ]
}

/** The `prompt` of "Sign in again" on the signed-out page. */
async function promptOfSignInAgain(gate: Gate): Promise<string | null> {
  const browser = createBrowser()
  expect((await logIn({ gate, browser })).status).toBe(200)
  const [again = ''] = linksOf(await browser.get(gate.url('/auth/logout')))
  return (await requestOf(browser, again)).get('prompt')
}

describe('A4: a stock oidc-provider, which does not support prompt=select_account', () => {
  async function start(options: { authorize?: () => boolean } = {}) {
    const server = stopping(await startOidcProvider({ loginAs: 'alice' }))
    const client = { clientId: 'app-1', clientSecret: 'secret-of-app-1' }
    const gate = await startGate({
      provider: { op: oidcProvider({ issuer: server.issuer, ...client }) },
      ...options,
    })
    await server.setClient({
      client_id: client.clientId,
      client_secret: client.clientSecret,
      redirect_uris: [gate.url('/auth/callback')],
    })
    return { server, gate, browser: createBrowser() }
  }

  test('"Sign in again" on the signed-out page logs in with prompt=login', async () => {
    const { server, gate, browser } = await start()
    await logIn({ gate, browser })
    const [again = ''] = linksOf(await browser.get(gate.url('/auth/logout')))
    const attempt = attemptOf(await browser.get(again))
    expect([attempt.status, attempt.authorization.get('prompt')]).toEqual([200, 'login'])
    expect(await server.takeErrors()).toEqual([])
  })

  test('"Use another account" logs in another user with prompt=login', async () => {
    const { server, gate, browser } = await start({ authorize: () => false })
    const { page } = await logIn({ gate, browser })
    await server.loginAs('bob')
    const attempt = attemptOf(await browser.get(anotherAccount(page)))
    expect([attempt.status, attempt.authorization.get('prompt')]).toEqual([403, 'login'])
    expect(attempt.page.body).toContain('bob@example.com')
    expect(await server.takeErrors()).toEqual([])
  })

  test('a new login at /auth/authn authenticates the user again', async () => {
    const { server, gate, browser } = await start()
    await logIn({ gate, browser })
    const attempt = attemptOf(await browser.get(gate.url('/auth/authn')))
    expect([attempt.status, attempt.authorization.get('prompt')]).toEqual([200, 'login'])
    expect(await server.takeErrors()).toEqual([])
  })
})

describe('A4: the values of prompt that discovery lists decide', () => {
  test.each([
    [['none', 'login', 'consent', 'select_account'], 'select_account', 'login'],
    [['none', 'login', 'consent'], 'login', 'login'],
    [['none', 'consent', 'select_account'], 'select_account', 'select_account'],
    [['select_account', 'LOGIN'], 'select_account', 'select_account'],
    [['none'], null, null],
  ])('%j: %s for another account, %s for a new login', async (prompts, account, login) => {
    const setting = await denying(prompts)
    expect(await promptsOf(setting)).toEqual([account, login])
    expect(attemptOf(await setting.browser.get(setting.link)).code).toBe('not_authorized')
  })

  test.each([[undefined], [[]], ['login select_account']])(
    'prompt=login if the list is %j',
    async (listed) => {
      const settings = { discovery: { prompt_values_supported: listed } }
      expect(await promptsOf(await denying(['login'], { settings }))).toEqual(['login', 'login'])
    },
  )

  test('a new login keeps max_age if no value of prompt asks for it', async () => {
    const { browser, gate } = await denying(['none'])
    expect((await requestOf(browser, gate.url('/auth/authn'))).get('max_age')).toBe('0')
  })

  test('the same in a pushed request', async () => {
    const { vendor, browser, link } = await denying(['login'], { settings: { parRequired: true } })
    await browser.get(link)
    expect(requestsTo(vendor, 'par').at(-1)?.form?.['prompt']).toBe('login')
  })

  test('the prompt of authorizationParams is sent as configured, with a supported one of ours', async () => {
    const authorizationParams = { prompt: 'consent' }
    const setting = await denying(['login', 'consent'], { authorizationParams })
    expect(await promptsOf(setting)).toEqual(['consent login', 'consent login'])
  })

  test('prompt=login if the endpoints are configured, so that nothing is discovered', async () => {
    const vendor = await startVendor('oidc', { settings: { prompts: ['login'] } })
    const url = (path: string) => `${vendor.origin}${path}`
    const endpoints = {
      ...{ authorization: url('/authorize'), token: url('/token') },
      ...{ userinfo: url('/userinfo'), jwks: url('/jwks') },
    }
    const gate = await startGate({ provider: { idp: oidcOf(vendor, { endpoints }) } })
    expect(await promptOfSignInAgain(gate)).toBe('login')
    expect(requestsTo(vendor, 'discovery')).toEqual([])
  })
})

test('A4: defineProvider() sends the prompt of its definition unless discovery rules it out', async () => {
  const prompts: (string | null)[] = []
  for (const listed of [undefined, ['login']]) {
    const vendor = await startVendor('oidc')
    vendor.settings.discovery = { prompt_values_supported: listed }
    const { issuer, clientId, clientSecret } = vendor.options as Record<string, string>
    const provider = defineProvider({
      ...{ openid: true, issuer, clientId, clientSecret, scopes: ['openid'] },
      selectAccount: { prompt: 'select_account' },
    })
    prompts.push(await promptOfSignInAgain(await startGate({ provider: { own: provider } })))
  }
  expect(prompts).toEqual(['select_account', 'login'])
})
