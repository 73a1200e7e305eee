import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from '@jest/globals'
import express, { type Express } from 'express'
import {
  defineProvider,
  memoryStore,
  oauth2Provider,
  type OAuthModuleOptions,
  oidcProvider,
} from '../../src/index.js'
import { bodyOf, oidcOf, startGate, stopAll, valueOfCookie } from '../support/gate.js'
import { type Browser, createBrowser, formOf, linksOf, type Page } from '../support/jar.js'
import { startOidcProvider } from '../support/oidc.js'
import { gateOf, refusal, requestsTo, setUp, startVendor } from '../support/providers.js'
import { sendRaw } from '../support/raw.js'

afterEach(stopAll)

const formPost = { responseMode: 'form_post' }
const CODE_ON_PAGE = /<code[^>]*>\s*([a-z_]+)\s*<\/code>/
const codeOf = (page: Page) => CODE_ON_PAGE.exec(page.body)?.[1]

/** Goes to the page of the provider that posts the response. */
async function toForm(browser: Browser, url: string) {
  const page = await browser.get(url)
  return { ...formOf(page), from: page.url }
}

type Form = Awaited<ReturnType<typeof toForm>>

const submit = (
  browser: Browser,
  { action, fields, from }: Form,
  more: Record<string, string> = {},
) => browser.post(action, { ...fields, ...more }, { from })

describe('S-032 A19: response_mode=form_post', () => {
  test('a login whose response is posted from the page of the provider is accepted with 303', async () => {
    const { vendor, gate, browser } = await setUp('oidc', formPost)
    const form = await toForm(browser, gate.url('/deep?x=1'))
    expect(requestsTo(vendor, 'authorize')[0]?.query.get('response_mode')).toBe('form_post')
    expect(form.action).toBe(gate.url('/auth/callback'))
    const page = await submit(browser, form)
    expect(page.history.map(({ status }) => status)).toEqual([303, 200])
    expect(bodyOf(page)).toMatchObject({ url: '/deep?x=1', user: { id: 'user-1' } })
  })

  test('oidc-provider, a real one, posts its response', async () => {
    const oidc = await startOidcProvider({ loginAs: 'alice' })
    try {
      const client = { clientId: 'app', clientSecret: 'app-secret' }
      const gate = await startGate({
        provider: {
          idp: oidcProvider({ ...client, issuer: oidc.issuer, responseMode: 'form_post' }),
        },
      })
      await oidc.setClient({
        client_id: 'app',
        client_secret: 'app-secret',
        token_endpoint_auth_method: 'client_secret_post',
        redirect_uris: [gate.url('/auth/callback')],
      })
      const browser = createBrowser()
      const page = await submit(browser, await toForm(browser, gate.url('/')))
      expect(bodyOf(page).user).toMatchObject({ id: 'alice' })
    } finally {
      await oidc.close()
    }
  })

  test('only the cookie of such a login is SameSite=None and Secure', async () => {
    const vendor = await startVendor('oidc')
    const gate = await startGate({
      provider: { query: oidcOf(vendor), form: oidcOf(vendor, formPost) },
      baseUrl: 'https://app.example',
    })
    const start = async (name: string) => {
      const page = await createBrowser().get(gate.url(`/auth/authn?connection=${name}`), {
        follow: false,
        headers: { Host: 'app.example' },
      })
      return page.setCookie.find((line) => line.includes('nonce.'))
    }
    expect(await start('form')).toMatch(/^__Host-ngrok\.nonce\..*; Secure; SameSite=None$/)
    expect(await start('query')).toMatch(/^__Host-ngrok\.nonce\..*; Secure; SameSite=Lax$/)
  })

  test('the session cookie stays SameSite=Lax', async () => {
    const { gate, browser } = await setUp('oidc', formPost)
    const page = await submit(browser, await toForm(browser, gate.url('/')))
    const lines = page.history[0]?.setCookie ?? []
    expect(lines.find((line) => line.startsWith('ngrok.session='))).toContain('SameSite=Lax')
    expect(lines.find((line) => line.startsWith('ngrok.nonce.'))).toMatch(
      /=; Max-Age=0; .*Secure; SameSite=None/,
    )
  })

  test('defineProvider and oauth2Provider accept responseMode, too', async () => {
    const plain = await startVendor('oauth2')
    const urls = plain.options as {
      authorizationUrl: string
      tokenUrl: string
      userinfoUrl: string
      clientId: string
      clientSecret: string
    }
    const { authorizationUrl, tokenUrl, userinfoUrl, ...client } = urls
    const providers = {
      oauth2: oauth2Provider({ ...urls, responseMode: 'form_post' }),
      defined: defineProvider({
        ...client,
        openid: false,
        scopes: ['profile'],
        responseMode: 'form_post',
        endpoints: { authorization: authorizationUrl, token: tokenUrl, userinfo: userinfoUrl },
        identity: async ({ userinfo }) => ({
          id: String((await userinfo())['user_id']),
          emailVerified: false,
          claims: {},
        }),
      }),
    }
    for (const [name, provider] of Object.entries(providers)) {
      const gate = await startGate({ provider: { [name]: provider } })
      const browser = createBrowser()
      const page = await submit(browser, await toForm(browser, gate.url('/')))
      expect([name, page.status]).toEqual([name, 200])
    }
  })

  test('with several providers, only the one that uses it accepts a posted response', async () => {
    const vendor = await startVendor('oidc')
    const gate = await startGate({
      provider: { query: oidcOf(vendor), form: oidcOf(vendor, formPost) },
    })
    const browser = createBrowser()
    const links = linksOf(await browser.get(gate.url('/deep')))
    const linkTo = (name: string) => String(links.find((url) => url.includes(`connection=${name}`)))
    const form = await toForm(browser, linkTo('form'))
    expect(form.action).toBe(gate.url('/auth/callback/form'))
    const wrong = await browser.post(gate.url('/auth/callback'), form.fields, { from: form.from })
    expect([wrong.status, wrong.headers.allow]).toEqual([405, 'GET, HEAD'])
    expect((await browser.get(linkTo('query'))).status).toBe(200)
    browser.clearCookies()
    expect((await submit(browser, await toForm(browser, linkTo('form')))).status).toBe(200)
  })

  test('two tabs that log in at once both return to their own page', async () => {
    const { gate, browser } = await setUp('oidc', formPost)
    const [one, two] = [
      await toForm(browser, gate.url('/one')),
      await toForm(browser, gate.url('/two')),
    ]
    expect((await submit(browser, two)).url).toBe(gate.url('/two'))
    expect((await submit(browser, one)).url).toBe(gate.url('/one'))
  })

  test('an error that is posted shows its page, and the user can try again', async () => {
    const { vendor, gate, browser } = await setUp('oidc', formPost)
    vendor.settings.refuse = { error: 'access_denied', error_description: 'no, thanks' }
    const page = await submit(browser, await toForm(browser, gate.url('/deep')))
    expect([page.status, codeOf(page)]).toEqual([403, 'access_denied'])
    vendor.settings.refuse = undefined
    const again = linksOf(page).find((url) => url.includes('return_token'))
    const back = await submit(browser, await toForm(browser, String(again)))
    expect(bodyOf(back).url).toBe('/deep')
  })

  test('an iss that is missing or of another issuer is rejected', async () => {
    const { vendor, gate, browser } = await setUp('oidc', formPost)
    for (const iss of ['https://evil.example', false] as const) {
      vendor.settings.discovery = { authorization_response_iss_parameter_supported: true }
      vendor.settings.issInCallback = iss
      const page = await submit(browser, await toForm(browser, gate.url('/')))
      expect([page.status, codeOf(page)]).toEqual([400, 'invalid_callback'])
    }
    expect(requestsTo(vendor, 'token')).toEqual([])
  })

  test('a response in the query is rejected if a form was requested, and the log names the cause', async () => {
    const { vendor, gate, browser } = await setUp('oidc', formPost)
    const { action, fields } = await toForm(browser, gate.url('/'))
    const page = await browser.get(`${action}?${new URLSearchParams(fields).toString()}`)
    expect([page.status, codeOf(page)]).toEqual([400, 'invalid_callback'])
    expect(gate.logged.join()).toContain('responded in the query although')
    expect(requestsTo(vendor, 'token')).toEqual([])
  })

  test('a posted response is rejected if the query was requested', async () => {
    const vendor = await startVendor('oidc')
    const gate = await gateOf(vendor)
    const browser = createBrowser()
    const callback = (await browser.get(gate.url('/'), { follow: 1 })).location ?? ''
    const fields = Object.fromEntries(new URL(callback).searchParams)
    const page = await browser.post(gate.url('/auth/callback'), fields)
    expect(page.status).toBe(405)
    gate.middleware.reconfigure({
      provider: { oidc: oidcOf(vendor, formPost) },
    })
    const posted = await browser.post(gate.url('/auth/callback'), fields)
    expect([posted.status, codeOf(posted)]).toEqual([400, 'invalid_callback'])
    expect(requestsTo(vendor, 'token')).toEqual([])
    expect((await browser.get(callback)).status).toBe(200)
  })

  test('parameters in the query of a posted response do not count', async () => {
    const { gate, browser } = await setUp('oidc', formPost)
    const { fields, action, from } = await toForm(browser, gate.url('/'))
    const { code = '', ...rest } = fields
    const page = await browser.post(`${action}?code=${code}`, rest, { from })
    expect([page.status, codeOf(page)]).toEqual([400, 'invalid_callback'])
  })
})

describe('A19: a form that is posted twice', () => {
  test('leads to the app if the first one has logged in: back button, reload, double click', async () => {
    const { vendor, gate, browser } = await setUp('oidc', formPost)
    const form = await toForm(browser, gate.url('/deep'))
    await submit(browser, form)
    const again = await submit(browser, form)
    expect(again.history.map(({ status }) => status)).toEqual([303, 302, 200])
    expect(bodyOf(again)).toMatchObject({ url: '/', user: { id: 'user-1' } })
    expect(requestsTo(vendor, 'token')).toHaveLength(1)
  })

  test('at the same moment creates one session', async () => {
    const store = memoryStore()
    const { gate, browser } = await setUp('oidc', formPost, {}, { store })
    const form = await toForm(browser, gate.url('/'))
    const pages = await Promise.all([submit(browser, form), submit(browser, form)])
    expect(pages.map(({ status }) => status)).toContain(200)
    expect((await store.entries?.({ kind: 'session', limit: 10 }))?.entries).toHaveLength(1)
    expect((await browser.get(gate.url('/'), { follow: false })).status).toBe(200)
  })

  test('is rejected in a browser that did not start the login, without a loop', async () => {
    const { vendor, gate, browser } = await setUp('oidc', formPost)
    const form = await toForm(browser, gate.url('/'))
    const victim = createBrowser()
    const page = await submit(victim, form)
    expect([page.status, codeOf(page)]).toEqual([400, 'login_expired'])
    expect(page.history).toHaveLength(2)
    expect(requestsTo(vendor, 'token')).toEqual([])
    expect((await submit(browser, form)).status).toBe(200)
  })

  test('explains a cookie that never comes back at the third attempt', async () => {
    const { gate, browser } = await setUp('oidc', formPost)
    let url = gate.url('/')
    const codes: unknown[] = []
    for (let attempt = 0; attempt < 3; attempt++) {
      const form = await toForm(browser, url)
      browser.clearCookies()
      const page = await submit(browser, form)
      codes.push(codeOf(page))
      url = String(linksOf(page).find((link) => link.includes('return_token')))
    }
    expect(codes).toEqual(['login_expired', 'login_expired', 'cookie_lost'])
    expect(gate.logged.at(-1)).toContain('SameSite=None')
  })

  test('replaces the session that the browser had, although its cookie does not come along', async () => {
    const store = memoryStore()
    const { gate, browser } = await setUp('oidc', formPost, {}, { store })
    await submit(browser, await toForm(browser, gate.url('/')))
    const before = valueOfCookie(browser, gate.url('/'))
    await submit(browser, await toForm(browser, gate.url('/auth/authn')))
    const after = valueOfCookie(browser, gate.url('/'))
    expect(after).not.toBe(before)
    expect((await store.entries?.({ kind: 'session', limit: 10 }))?.entries).toHaveLength(1)
    const stolen = await createBrowser().get(gate.url('/'), {
      follow: false,
      headers: { Cookie: `ngrok.session=${before}` },
    })
    expect(stolen.status).toBe(302)
  })

  test('detects a login loop below a path, where the session cookie is lost', async () => {
    const vendor = await startVendor('oidc')
    const gate = await startGate(
      { provider: { oidc: oidcOf(vendor, formPost) }, cookie: { path: '/app' } },
      { mount: '/app' },
    )
    const browser = createBrowser()
    const dropSession = () => {
      const kept = browser.cookies(gate.url('/')).map((cookie) => cookie.toString())
      browser.clearCookies()
      for (const line of kept) browser.setCookie(line, gate.url('/'))
    }
    for (let login = 0; login < 3; login++) {
      await submit(browser, await toForm(browser, gate.url('/app')))
      dropSession()
    }
    const page = await browser.get(gate.url('/app'))
    expect(codeOf(page)).toBe('cookie_lost')
  })
})

describe('A19: the body of a posted response', () => {
  const parsers: [string, (app: Express) => void][] = [
    ['express.urlencoded()', (app) => void app.use(express.urlencoded({ extended: false }))],
    ['express.urlencoded() with qs', (app) => void app.use(express.urlencoded({ extended: true }))],
    ['express.raw()', (app) => void app.use(express.raw({ type: () => true }))],
    ['express.text()', (app) => void app.use(express.text({ type: () => true }))],
    ['express.json()', (app) => void app.use(express.json())],
  ]

  async function withParser(before: (app: Express) => void) {
    const vendor = await startVendor('oidc')
    const provider: OAuthModuleOptions['provider'] = { oidc: oidcOf(vendor, formPost) }
    const gate = await startGate({ provider }, { before })
    const browser = createBrowser()
    return { vendor, gate, browser, form: await toForm(browser, gate.url('/')) }
  }

  test.each(parsers)('is read if %s ran before', async (_, before) => {
    const { browser, form } = await withParser(before)
    expect((await submit(browser, form)).status).toBe(200)
  })

  test.each(['code', 'state', 'iss'])(
    'is rejected with two values of %s, parsed or not',
    async (name) => {
      for (const before of [() => undefined, ...parsers.map(([, parser]) => parser)]) {
        const { vendor, browser, form } = await withParser(before)
        const body = `${new URLSearchParams(form.fields).toString()}&${name}=x`
        const page = await browser.post(form.action, body, { from: form.from })
        expect([page.status, codeOf(page)]).toEqual([400, 'invalid_callback'])
        expect(requestsTo(vendor, 'token')).toEqual([])
      }
    },
  )

  test('that other middleware has consumed without a trace leads to a hint', async () => {
    const { gate, browser, form } = await withParser((app) => {
      app.use((req, _res, next) => void req.resume().on('end', next))
    })
    expect(codeOf(await submit(browser, form))).toBe('invalid_callback')
    expect(gate.logged.join()).toContain('must set req.body')
  })

  test.each([
    'application/json',
    'text/plain',
    'multipart/form-data; boundary=x',
    undefined,
    'application/x-www-form-urlencodedx',
  ])('is rejected with the content type %s', async (type) => {
    const { gate, browser } = await setUp('oidc', formPost)
    const { action, fields, from } = await toForm(browser, gate.url('/'))
    const page = await browser.post(action, new URLSearchParams(fields).toString(), {
      from,
      headers: { 'Content-Type': type },
    })
    expect([page.status, codeOf(page)]).toEqual([400, 'invalid_callback'])
  })

  test('is rejected beyond 64 KiB, and its connection ends', async () => {
    const { gate } = await setUp('oidc', formPost)
    const head = `POST /auth/callback HTTP/1.1\r\nHost: localhost:${gate.port}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10000000\r\n\r\n`
    const response = await sendRaw(gate.port, head + 'x'.repeat(70_000))
    expect([response.status, response.headers['connection']]).toEqual([400, 'close'])
  })

  test('is rejected if it takes longer than five seconds, and its connection ends', async () => {
    const { gate } = await setUp('oidc', formPost)
    const startedAt = performance.now()
    const text = await new Promise<string>((resolve) => {
      const socket = connect(gate.port, '127.0.0.1')
      const trickle = setInterval(() => socket.write('x'), 500)
      let received = ''
      socket.on('data', (chunk) => (received += String(chunk)))
      socket.on('error', () => undefined)
      socket.on('close', () => {
        clearInterval(trickle)
        resolve(received)
      })
      socket.write(
        `POST /auth/callback HTTP/1.1\r\nHost: localhost:${gate.port}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nstate=`,
      )
    })
    expect(text).toMatch(/^HTTP\/1\.1 400 /)
    expect(performance.now() - startedAt).toBeLessThan(15_000)
  })

  test('that the client gives up leaves the gate at work', async () => {
    const { gate } = await setUp('oidc', formPost)
    await new Promise<void>((resolve) => {
      const req = httpRequest(gate.url('/auth/callback'), {
        family: 4,
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '100' },
      })
      req.on('error', () => resolve())
      req.write('state=')
      setTimeout(() => req.destroy(), 100)
    })
    expect((await createBrowser().get(gate.url('/'), { follow: false })).status).toBe(302)
  })
})

describe('A19: parameters of the provider in the response', () => {
  test('reach the identity hook at the login, and are absent at a re-check', async () => {
    const vendor = await startVendor('oidc', {
      settings: { formFields: { user: '{"name":{"firstName":"Ada"}}', state_of_mind: 'calm' } },
    })
    const seen: unknown[] = []
    const gate = await startGate({
      provider: {
        apple: defineProvider({
          clientId: vendor.clientId,
          clientSecret: vendor.clientSecret,
          openid: true,
          issuer: vendor.origin,
          scopes: ['openid'],
          responseMode: 'form_post',
          identity({ callbackParams, claims }) {
            seen.push(callbackParams)
            return { id: String(claims['sub']), emailVerified: false, claims }
          },
        }),
      },
      authCheckInterval: 1,
      authCheckEarly: false,
    })
    const browser = createBrowser()
    await submit(browser, await toForm(browser, gate.url('/')))
    await new Promise((resolve) => setTimeout(resolve, 1100))
    await browser.get(gate.url('/'), { follow: false })
    expect(seen).toEqual([{ user: '{"name":{"firstName":"Ada"}}', state_of_mind: 'calm' }, {}])
  })
})

describe('A19: a configuration that cannot work throws', () => {
  const issuer = 'https://id.example'
  const idp = oidcProvider({ clientId: 'a', clientSecret: 'b', issuer, responseMode: 'form_post' })

  test('responseMode with cookie.secure: false, which SameSite=None does not permit', () => {
    for (const baseUrl of ['http://app.example', undefined])
      expect(refusal({ idp }, { cookie: { secure: false }, baseUrl })).toMatch(
        /^oauthModule\.provider\.idp\.responseMode cannot be 'form_post' with cookie\.secure: false/,
      )
    expect(refusal({ idp }, { baseUrl: 'http://app.example' })).toContain('baseUrl is plain http')
    expect(refusal({ idp }, { baseUrl: 'http://localhost:3000' })).toBeUndefined()
    expect(refusal({ idp })).toBeUndefined()
  })

  test('responseMode of a vendor that responds only in the query', () => {
    for (const vendor of ['github', 'facebook', 'linkedin', 'twitch', 'amazon'])
      expect(
        refusal({ [vendor]: { clientId: 'a', clientSecret: 'b', responseMode: 'form_post' } }),
      ).toBe(
        `oauthModule.provider.${vendor}.responseMode cannot be 'form_post': this vendor responds only in the query`,
      )
    expect(
      refusal({ microsoft: { clientId: 'a', clientSecret: 'b', responseMode: 'form_post' } }),
    ).toBeUndefined()
  })
})
