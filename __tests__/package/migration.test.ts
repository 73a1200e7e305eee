import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { oauth2Provider, oauthModule } from '../../src/index.js'
import { startExample, stopExamples } from '../support/examples.js'
import { secret } from '../support/gate.js'
import { type Browser, createBrowser } from '../support/jar.js'

afterAll(stopExamples)

const start = async (name: string) => (await startExample(`migration/${name}`)).origin

/** What a visitor sees of a page, whichever app serves it. */
async function visit(browser: Browser, url: string) {
  const page = await browser.get(url, { from: `${new URL(url).origin}/` })
  const callback = page.history.find((hop) => hop.url.includes('code='))
  return {
    status: page.status,
    path: new URL(page.url).pathname,
    body: page.body,
    callbackPath: callback && new URL(callback.url).pathname,
  }
}

const twins = (name: string) =>
  [
    ['before', `before-${name}`],
    ['after', `after-${name}`],
  ] as const

describe('E3: an app with passport, and the same app after the migration', () => {
  test.each(twins('passport'))(
    'E3: %s: login, account, logout and second login have the same results (%s)',
    async (_, name) => {
      const origin = await start(name)
      const browser = createBrowser()
      expect((await visit(browser, `${origin}/`)).body).toBe('not signed in')
      const account = { id: 1, login: 'ada', roles: ['reader'] }
      const login = await visit(browser, `${origin}/account`)
      expect(login).toMatchObject({ status: 200, path: '/account' })
      expect(login.callbackPath).toBe('/auth/github/callback')
      expect(JSON.parse(login.body)).toEqual(account)
      expect((await visit(browser, `${origin}/`)).body).toBe('signed in')
      expect(await visit(browser, `${origin}/logout`)).toMatchObject({
        path: '/',
        body: 'not signed in',
      })
      // The link of the old pages; the account is found, not created again.
      const again = await visit(createBrowser(), `${origin}/auth/github`)
      expect(again).toMatchObject({ status: 200, path: '/account' })
      expect(JSON.parse(again.body)).toEqual(account)
    },
    60_000,
  )

  test('E3: what differs, as docs/migrate-from-passport.md states', async () => {
    const fetchAccount = async (origin: string) =>
      createBrowser().get(`${origin}/account`, {
        headers: { 'Sec-Fetch-Mode': 'cors', Accept: 'application/json' },
        follow: false,
      })
    const before = await fetchAccount(await start('before-passport'))
    const after = await fetchAccount(await start('after-passport'))
    expect([before.status, after.status]).toEqual([302, 401])
    expect(JSON.parse(after.body)).toMatchObject({ error: 'login_required' })
  }, 60_000)
})

describe('E4: an app with express-openid-connect, and the same app after the migration', () => {
  test.each(twins('express-openid-connect'))(
    'E4: %s: login, claims, groups and logout have the same results (%s)',
    async (_, name) => {
      const origin = await start(name)
      const browser = createBrowser()
      expect((await visit(browser, `${origin}/`)).body).toBe('not signed in')
      const profile = { sub: '1815', name: 'Ada Lovelace', email: 'ada@example.com' }
      const login = await visit(browser, `${origin}/profile`)
      expect(login).toMatchObject({ status: 200, path: '/profile', callbackPath: '/callback' })
      expect(JSON.parse(login.body)).toEqual(profile)
      expect((await visit(browser, `${origin}/staff`)).body).toBe('staff only')
      expect((await visit(browser, `${origin}/`)).body).toBe('signed in')
      expect(await visit(browser, `${origin}/logout`)).toMatchObject({
        path: '/',
        body: 'not signed in',
      })
      expect(await visit(browser, `${origin}/login`)).toMatchObject({
        status: 200,
        path: '/',
        body: 'signed in',
        callbackPath: '/callback',
      })
    },
    60_000,
  )

  test('E4: both respond to a fetch without a session with 401', async () => {
    for (const [, name] of twins('express-openid-connect')) {
      const origin = await start(name)
      const page = await createBrowser().get(`${origin}/profile`, {
        headers: { 'Sec-Fetch-Mode': 'cors', Accept: 'application/json' },
        follow: false,
      })
      expect(page.status).toBe(401)
    }
  }, 60_000)
})

describe('the names of other packages', () => {
  test.each([
    ['authRequired', 'unauthenticated'],
    ['errorOnRequiredAuth', 'unauthenticated'],
    ['idpLogout', 'logout'],
    ['baseURL', 'baseUrl'],
    ['afterCallback', 'onLogin'],
  ])('E4: %s of express-openid-connect throws and names %s', (name, meant) => {
    expect(() => oauthModule({ secret, provider: 'github', [name]: false })).toThrow(
      `oauthModule has an unknown option '${name}': write ${meant}`,
    )
  })

  test.each([
    ['clientID', 'clientId'],
    ['callbackURL', 'callbackPath'],
    ['scope', 'scopes'],
  ])('E3: %s of passport throws and names %s', (name, meant) => {
    const github = { clientId: 'a', clientSecret: 'b', [name]: 'value' }
    expect(() => oauthModule({ secret, provider: { github } })).toThrow(
      `oauthModule.provider.github has an unknown option '${name}': write ${meant}`,
    )
  })
})

describe('E5: a custom connection of Auth0', () => {
  test('E5: runs in the app, with the fetchUserProfile script, and the ID is that of the server', async () => {
    const origin = await start('after-auth0-connection')
    const page = await visit(createBrowser(), `${origin}/profile`)
    expect(JSON.parse(page.body)).toEqual({
      key: 'my-connection:1815',
      id: '1815',
      name: 'Ada Lovelace',
      email: 'ada@example.com',
    })
  }, 60_000)

  test.each([
    ['authorizationURL', 'authorizationUrl'],
    ['tokenURL', 'tokenUrl'],
    ['scope', 'scopes'],
    ['authParams', 'authorizationParams'],
    ['authParamsMap', 'authorizationParamsMap'],
    ['customHeaders', 'tokenHeaders'],
    ['client_id', 'clientId'],
    ['client_secret', 'clientSecret'],
    ['display_name', 'displayName'],
    ['icon_url', 'iconUrl'],
    ['scripts', 'fetchUserProfile'],
    ['pkce_enabled', 'pkce'],
  ])("E5: Auth0's name %s throws and names %s", (name, meant) => {
    const create = () =>
      oauthModule({
        secret,
        provider: {
          acme: oauth2Provider({
            authorizationUrl: 'https://acme.example/authorize',
            tokenUrl: 'https://acme.example/token',
            fetchUserProfile: () => ({ user_id: '1' }),
            clientId: 'a',
            clientSecret: 'b',
            [name]: 'value',
          }),
        },
      })
    expect(create).toThrow(
      `oauthModule.provider.acme has an unknown option '${name}': write ${meant}`,
    )
  })
})

describe('the guides to migrate', () => {
  const guides = readdirSync('docs').filter((name) => name.startsWith('migrate-from-'))
  const apps = readdirSync('examples/migration').filter((name) => name.endsWith('.ts'))

  test('name every app of examples/migration, and no other', () => {
    expect(guides.length).toBeGreaterThan(2)
    const named = guides.flatMap((name) =>
      [
        ...readFileSync(join('docs', name), 'utf8').matchAll(/examples\/migration\/([\w-]+\.ts)/g),
      ].map((match) => match[1]),
    )
    expect([...new Set(named)].sort()).toEqual(apps.sort())
  })
})
