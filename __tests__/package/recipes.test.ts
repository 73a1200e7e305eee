import { existsSync, readFileSync } from 'node:fs'
import { afterAll, describe, expect, test } from '@jest/globals'
import { type Example, signInAs, startExample, stopExamples } from '../support/examples.js'
import { type Browser, createBrowser, linksOf } from '../support/jar.js'
import { eventually } from '../support/programs.js'

afterAll(stopExamples)

const signOut = (browser: Browser, { origin }: Example) =>
  browser.get(`${origin}/auth/logout`, { headers: { 'Sec-Fetch-Site': 'same-origin' } })

describe('the recipes', () => {
  test('single-page-app: a fetch without a session gets 401, and its login_url leads back to the page', async () => {
    const example = await startExample('single-page-app/server')
    const path = '/board?filter=mine'
    const browser = await signInAs('ada', example, path)
    const headers = {
      Accept: 'application/json',
      'Sec-Fetch-Mode': 'cors',
      'Sec-Fetch-Dest': 'empty',
      Referer: example.origin + path,
    }
    const fetchMe = () => browser.get(`${example.origin}/api/me`, { headers, follow: false })
    expect(JSON.parse((await fetchMe()).body)).toEqual({ name: 'Ada Lovelace' })
    await signOut(browser, example)
    const rejected = await fetchMe()
    expect(rejected.status).toBe(401)
    const { error, login_url } = JSON.parse(rejected.body) as Record<string, string>
    expect(error).toBe('login_required')
    // The development provider still knows the user.
    const page = await browser.get(String(login_url))
    expect([page.status, page.url]).toEqual([200, example.origin + path])
  }, 60_000)

  test('roles: the account is found or created at the login, and its roles decide', async () => {
    const example = await startExample('roles')
    const ada = await signInAs('ada', example)
    const grace = await signInAs('grace', example)
    const get = (browser: Browser, path: string) => browser.get(example.origin + path)
    expect(JSON.parse((await get(ada, '/')).body)).toEqual({ id: 1, roles: ['admin'] })
    expect(JSON.parse((await get(grace, '/')).body)).toEqual({ id: 2, roles: ['reader'] })
    expect((await get(ada, '/admin')).body).toBe('2 accounts\n')
    expect((await get(grace, '/admin')).status).toBe(403)
    const again = await signInAs('ada', example)
    expect(JSON.parse((await get(again, '/')).body)).toEqual({ id: 1, roles: ['admin'] })
  }, 60_000)

  test('pino-http: the log contains the user, and neither cookies, nor tokens, nor codes', async () => {
    const example = await startExample('pino-http')
    const browser = createBrowser()
    const chooser = await browser.get(`${example.origin}/`)
    const ada = linksOf(chooser).find((url) => url.includes('persona=ada'))
    const page = await browser.get(String(ada))
    expect(page.body).toBe('Hello Ada Lovelace\n')
    await browser.get(`${example.origin}/api`, { headers: { Authorization: 'Bearer abc123' } })
    const log = await eventually('the requests are logged', () =>
      example.printed().includes('"user":"dev:') && example.printed().includes('/api')
        ? example.printed()
        : undefined,
    )
    const callback = new URL(
      page.history.map(({ url }) => url).find((url) => url.includes('code=')) ?? '',
    )
    const secrets = [
      ...browser.cookies(example.origin).map(({ value }) => value),
      callback.searchParams.get('code'),
      callback.searchParams.get('state'),
      'abc123',
    ]
    expect(secrets.length).toBeGreaterThan(3)
    for (const value of secrets)
      expect([value, log.includes(String(value))]).toEqual([value, false])
    expect(log).not.toMatch(/oauth-access-token|oauth-refresh-token|code=|state=/)
    expect(log).toContain('"ngrok-auth-user-name":"Ada Lovelace"')
  }, 60_000)

  test('passport: clients of the API have keys, users sign in', async () => {
    const example = await startExample('passport')
    const status = (key?: string) =>
      createBrowser().get(`${example.origin}/api/status`, {
        headers: { 'X-Api-Key': key },
        follow: false,
      })
    expect([(await status()).status, (await status('wrong')).status]).toEqual([401, 401])
    expect(JSON.parse((await status('key-of-the-robot')).body)).toEqual({ name: 'the robot' })
    const browser = await signInAs('ada', example)
    const page = await browser.get(`${example.origin}/`)
    expect(JSON.parse(page.body)).toEqual({ name: 'Ada Lovelace' })
    expect((await createBrowser().get(`${example.origin}/`, { follow: false })).status).toBe(302)
  }, 60_000)
})

describe('docs/recipes.md', () => {
  test('names only examples that exist', () => {
    const recipes = readFileSync('docs/recipes.md', 'utf8')
    const names = [...recipes.matchAll(/`(examples\/[\w./-]+)`/g)].map((match) => match[1] ?? '')
    expect(names.length).toBeGreaterThan(6)
    expect(names.filter((name) => !existsSync(name))).toEqual([])
  })
})
