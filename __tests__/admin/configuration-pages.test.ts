import { afterEach, describe, expect, test } from '@jest/globals'
import { githubProvider, memoryStore, oidcProvider, type SessionStore } from '../../src/index.js'
import { type AdminAccess, ADMIN_ACCESS } from '../../src/middleware/admin-access.js'
import { changesBetween, flatten, settingsOf } from '../../src/admin/pages/settings.js'
import { type PagesApp, root, startPages } from '../support/admin-pages.js'
import { stopAll } from '../support/gate.js'

afterEach(stopAll)

const secrets = ['client-secret-of-github', 'client-secret-of-idp', 'a-header-value', 'hunter2']

const provider = {
  github: { clientId: 'github-app', clientSecret: secrets[0], organizations: ['acme'] },
  idp: oidcProvider({
    issuer: 'http://127.0.0.1:9',
    clientId: 'idp-app',
    clientSecret: secrets[1],
    tokenHeaders: { 'x-partner': String(secrets[2]) },
    scopes: ['groups'],
  }),
}
const gate = {
  provider,
  id: 'app',
  configVersion: 3,
  authCheckInterval: 300,
  authorize: () => true,
}

async function scene(
  options = {},
): Promise<{ app: PagesApp; cookie: string; access: AdminAccess }> {
  const app = await startPages({ gate: { ...gate, ...options } })
  const cookie = await app.enter({ ...root, provider: 'idp' })
  const access = Reflect.get(app.gate.auth, ADMIN_ACCESS) as AdminAccess
  return { app, cookie, access }
}

const edge = {
  enabled: true,
  provider: {
    github: {
      clientId: 'github-app',
      clientSecret: 'client-secret-of-github',
      teams: ['acme/admins'],
    },
  },
  optionsPassthrough: false,
  inactivityTimeout: 600,
  maximumDuration: 0,
  authCheckInterval: 300,
}

function expectNoSecret(text: string): void {
  for (const secret of [...secrets, 'a secret for tests', 'another-client-secret'])
    expect(text).not.toContain(secret)
}

describe('the configuration', () => {
  test('is shown with its options and without its secrets', async () => {
    const { app, cookie } = await scene()
    const { status, text } = await app.get('/configuration', cookie)
    expect(status).toBe(200)
    expect(text).toContain('As in the code')
    expect(text).toMatch(/provider\.github\.organizations<\/td><td[^>]*><bdi>acme<\/bdi>/)
    expect(text).toMatch(/provider\.github\.clientSecret<\/td><td[^>]*><bdi>\(secret\)<\/bdi>/)
    expect(text).toMatch(/provider\.idp\.issuer<\/td><td[^>]*><bdi>http:\/\/127\.0\.0\.1:9<\/bdi>/)
    expect(text).toMatch(/authorize<\/td><td[^>]*><bdi>\(function\)<\/bdi>/)
    expect(text).toContain('The configuration has always been that of the code.')
    expectNoSecret(text)
  })

  test('shows what a change replaced, its history, and the differences of each version', async () => {
    const { app, cookie, access } = await scene()
    const { configuration } = access
    await configuration.change(() => ({ module: edge }), { changedBy: 'token deploy' })
    const later = {
      ...edge,
      inactivityTimeout: 900,
      provider: { github: { ...edge.provider.github, clientSecret: 'another-client-secret' } },
    }
    await configuration.change(() => ({ module: later }), { changedBy: '<b>token</b>' })
    const page = await app.get('/configuration', cookie)
    expect(page.text).toContain('Version 2')
    expect(page.text).toMatch(/inactivityTimeout<\/td><td[^>]*><ins>.*<bdi>900<\/bdi>/)
    expect(page.text).toMatch(
      /provider\.github\.organizations<\/td><td[^>]*><del>.*<bdi>acme<\/bdi>/,
    )
    expect(page.text).toMatch(
      /provider\.github\.clientSecret<\/td><td[^>]*><bdi>\(secret\)<\/bdi> <span class="badge plain">Changed/,
    )
    expect(page.text).toContain('&lt;b&gt;token&lt;/b&gt;')
    const versions = [
      ...page.text.matchAll(/href="\/admin(\/configuration\/changes\?[^"]+)"/g),
    ].map((match) => String(match[1]).replaceAll('&amp;', '&'))
    expect(versions.map((path) => /version=(\d)/.exec(path)?.[1])).toEqual(['2', '1'])
    const second = await app.get(versions[0] ?? '', cookie)
    expect(second.text).toContain('Differences from version 1')
    expect(second.text).toMatch(/module\.inactivityTimeout<\/td><td[^>]*><del>.*600.*<ins>.*900/)
    expect(second.text).toMatch(
      /module\.provider\.github\.clientSecret<\/td><td[^>]*><bdi>\(secret\)<\/bdi> <span class="badge plain">Changed/,
    )
    expect(second.text).not.toContain('maximumDuration')
    const first = await app.get(versions[1] ?? '', cookie)
    expect(first.text).toContain('Differences from the code')
    expect(first.text).toContain('token deploy')
    for (const { text } of [page, first, second]) expectNoSecret(text)
    for (const path of ['?version=9', '?version=x', '?version=1&gate=main/other', ''])
      expect([path, (await app.get(`/configuration/changes${path}`, cookie)).status]).toEqual([
        path,
        404,
      ])
  })

  test('of a gate that does not follow the store states how to change that', async () => {
    const { app, cookie } = await scene({ configVersion: undefined })
    const { text } = await app.get('/configuration', cookie)
    expect(text).toContain('the option configVersion is not set')
  })

  test('is a page with 503 while the store is down', async () => {
    const inner = memoryStore()
    const failing = new Set<string>()
    const store: SessionStore = {
      ...inner,
      get: (key) => {
        if (failing.has(key)) throw new Error('down')
        return inner.get(key)
      },
    }
    const { app, cookie, access } = await scene({ store })
    failing.add(access.configuration.key)
    const { status, text } = await app.get('/configuration', cookie)
    expect(status).toBe(503)
    expect(text).toContain('The store cannot be reached')
  })

  test('that cannot be read is a page that states it', async () => {
    const store = memoryStore()
    const { app, cookie, access } = await scene({ store })
    await access.configuration.change(() => ({ module: edge }), { changedBy: 'a' })
    const { key } = access.configuration
    const record = await store.get(key)
    if (record === undefined) throw new Error('the change was not stored')
    await store.set(key, { ...record, ...{ sealed: 'x' } }, 60_000)
    const { status, text } = await app.get('/configuration', cookie)
    expect(status).toBe(500)
    expect(text).toContain('The stored configuration cannot be read')
  })
})

describe('options as settings', () => {
  test('never contain what is in no table of options, nor a password in a URL', () => {
    const settings = settingsOf({
      unknown: 'hunter2',
      baseUrl: 'https://user:hunter2@app.example',
      secret: ['hunter2hunter2hunter2hunter2hunter2'],
      provider: { hub: githubProvider({ clientId: 'x', clientSecret: 'hunter2' }), odd: 'hunter2' },
      logger: { token: 'hunter2' },
      store: { url: 'redis://:hunter2@localhost' },
    })
    expect(JSON.stringify(settings.map(({ path, text }) => [path, text]))).not.toContain('hunter2')
    expect(settings.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['secret', 'store', 'provider.odd', 'provider.hub.clientId']),
    )
  })

  test('differ by value, also where the value is not shown', () => {
    const of = (clientSecret: string) => flatten('', { a: { clientSecret }, b: 1 })
    expect(changesBetween(of('one'), of('one'))).toEqual([])
    expect(changesBetween(of('one'), of('two'))).toEqual([
      { path: 'a.clientSecret', before: '(secret)', after: '(secret)' },
    ])
    expect(changesBetween([], of('one')).map(({ path, before }) => [path, before])).toEqual([
      ['a.clientSecret', undefined],
      ['b', undefined],
    ])
  })
})
