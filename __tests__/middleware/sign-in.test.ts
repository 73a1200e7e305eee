import { afterEach, describe, expect, test } from '@jest/globals'
import connect from 'connect'
import express, { type Express } from 'express'
import express4 from 'express4'
import supertest from 'supertest'
import {
  cookieStore,
  memoryStore,
  type OAuthMiddleware,
  oauthModule,
  type OAuthModuleOptions,
  oidcProvider,
} from '../../src/index.js'
import { signIn } from '../../src/testing/index.js'
import { fakeDate, realDate } from '../support/clock.js'
import { secret, stopAll, stopping } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { listen } from '../support/server.js'

afterEach(async () => {
  process.env['NODE_ENV'] = 'test'
  await stopAll()
  realDate()
})

const ada = { id: '1', email: 'ada@acme.com', name: 'Ada' }
const idp = (rules: object = { groupsClaim: 'groups' }) =>
  // Nothing listens there: a request to the provider would fail.
  oidcProvider({ issuer: 'http://127.0.0.1:9', clientId: 'a', clientSecret: 'b', ...rules })

function createApp(options: Partial<OAuthModuleOptions> = {}, newApp: () => Express = express) {
  const lines: string[] = []
  const note = (message: string, details: object = {}) =>
    void lines.push(`${message} ${JSON.stringify(details)}`)
  const logger = { debug() {}, info: note, warn: note, error: note }
  const auth = oauthModule({ provider: { idp: idp() }, secret, logger, ...options })
  stopping({ close: () => auth.close() })
  const app = newApp()
  app.use(auth)
  if (options.provider === undefined || 'idp' in Object(options.provider)) addGuard(app, auth)
  addRoutes(app)
  return { app, auth, lines }
}

function addGuard(app: Express, auth: OAuthMiddleware) {
  app.get('/admin', auth.requireAuth({ groups: ['admins'] }), (_req, res) => void res.send('admin'))
}

function addRoutes(app: Express) {
  app.get('/token', async (req, res) => {
    const token = await req.oauth.getAccessToken()
    res.json({ token: token ?? null, header: req.get('ngrok-auth-oauth-access-token') ?? null })
  })
  app.get('/{*path}', (req, res) => {
    const { user, account, isAuthenticated, scopes } = req.oauth
    res.json({ user, account, isAuthenticated, scopes, email: req.get('ngrok-auth-user-email') })
  })
}

/** A navigation would start a login at the provider. */
async function expectAnonymous(agent: Pick<ReturnType<typeof supertest>, 'get'>, path: string) {
  await agent.get(path).set('Accept', 'application/json').expect(401)
}

describe('D21: signIn() with an agent of supertest', () => {
  test('D21: logs in any user in process, without a provider', async () => {
    const { app, auth } = createApp()
    const agent = supertest.agent(app)
    await expectAnonymous(agent, '/')
    await signIn(agent, auth, { ...ada, claims: { plan: 'pro' } })
    const { body } = await agent.get('/').expect(200)
    expect(body).toMatchObject({
      user: { key: 'idp:1', id: '1', email: 'ada@acme.com', emailVerified: true, name: 'Ada' },
      isAuthenticated: true,
      email: 'ada@acme.com',
      scopes: ['openid', 'profile', 'email'],
    })
    expect(body.user.claims).toEqual({ plan: 'pro' })
    await expectAnonymous(supertest(app), '/')
    const { items } = await auth.users.list()
    expect(items).toHaveLength(1)
  })

  test.each([
    ['Express 4', () => express4()],
    ['Express 5', express],
  ])('D21: on %s, at a mount path, next to another gate', async (_, newApp) => {
    const options = { provider: { idp: idp() }, secret }
    const [outer, inner] = [oauthModule(options), oauthModule({ ...options, cookiePrefix: 'i.' })]
    stopping({ close: () => Promise.all([outer.close(), inner.close()]).then() })
    const app = newApp()
    app.use('/admin/area', inner, (req, res) => void res.send(req.oauth.user?.id))
    app.use(outer, (req, res) => void res.send(req.oauth.user?.id))
    const agent = supertest.agent(app)
    await signIn(agent, inner, { id: 'boss' }, { mountPath: '/admin/area' })
    expect((await agent.get('/admin/area/x').expect(200)).text).toBe('boss')
    await expectAnonymous(agent, '/')
    await expect(signIn(agent, inner, ada)).rejects.toThrow(
      /\/auth\/session does not reach the middleware .* pass \{ mountPath/,
    )
  })

  test('D21: on Connect and without a framework', async () => {
    const auth = oauthModule({ provider: { idp: idp() }, secret })
    const app = connect().use(auth)
    app.use((_req, res) => res.end('inside'))
    const agent = supertest.agent(app)
    await signIn(agent, auth, ada)
    expect((await agent.get('/')).text).toBe('inside')
    await auth.close()
  })

  test('D21: the rules run: lists, authorize, and the guards of routes', async () => {
    const { app, auth } = createApp({
      provider: { idp: idp({ emailDomains: ['acme.com'], groupsClaim: 'groups' }) },
      authorize: ({ username }) => username !== 'mallory',
    })
    const agent = supertest.agent(app)
    await expect(signIn(agent, auth, { email: 'ada@other.com' })).rejects.toMatchObject({
      code: 'not_authorized',
    })
    await expect(signIn(agent, auth, { ...ada, emailVerified: false })).rejects.toMatchObject({
      code: 'email_unverified',
    })
    await expect(signIn(agent, auth, { ...ada, username: 'mallory' })).rejects.toMatchObject({
      code: 'not_authorized',
    })
    await expectAnonymous(agent, '/')
    await signIn(agent, auth, ada)
    await agent.get('/admin').expect(403)
    await signIn(agent, auth, { ...ada, groups: ['admins', 'others'] })
    await agent.get('/admin').expect(200)
    const { body } = await agent.get('/')
    expect(body.user.groups).toEqual(['admins'])
  })

  test('D21: organizations and teams of GitHub count as they do there', async () => {
    const github = { clientId: 'a', clientSecret: 'b', organizations: ['acme'], teams: ['x/y'] }
    const { app, auth } = createApp({ provider: { github } })
    const agent = supertest.agent(app)
    await expect(signIn(agent, auth, { teams: ['other/y'] })).rejects.toThrow()
    await signIn(agent, auth, { teams: ['Acme/admins'] })
    const { body } = await agent.get('/').expect(200)
    expect(body.user).toMatchObject({ organizations: ['acme'], teams: [] })
    await signIn(agent, auth, { teams: ['x/Y'] })
  })

  test('D21: onLogin and events run, and a failed onLogin rejects', async () => {
    const logins: unknown[] = []
    let fails = false
    const { app, auth } = createApp({
      onLogin(user) {
        if (fails) throw new Error('no database')
        return { accountId: `account of ${user.id}` }
      },
    })
    auth.on('login', ({ user }) => void logins.push(user.id))
    const agent = supertest.agent(app)
    await signIn(agent, auth, ada)
    const { body } = await agent.get('/')
    expect(body.account).toEqual({ accountId: 'account of 1' })
    expect(logins).toEqual(['1'])
    fails = true
    await expect(signIn(agent, auth, ada)).rejects.toMatchObject({
      code: 'internal',
      hint: expect.stringContaining('onLogin failed'),
    })
  })

  test('D21: the session is never due for a check, and ends by its times, by logout and by revocation', async () => {
    const clock = fakeDate()
    const { app, auth, lines } = createApp({ authCheckInterval: 60, inactivityTimeout: 7200 })
    const agent = supertest.agent(app)
    await signIn(agent, auth, ada)
    for (let hour = 0; hour < 3; hour++) {
      clock.forward(3600)
      await agent.get('/').expect(200)
    }
    expect((await agent.get('/auth/session')).body.checkDueAt).toBeNull()
    expect(lines.join('\n')).not.toMatch(/check failed|ended at a check/)
    clock.forward(7201)
    await expectAnonymous(agent, '/')
    await signIn(agent, auth, ada)
    await auth.users.delete('idp:1')
    await expectAnonymous(agent, '/')
    await signIn(agent, auth, ada)
    await auth.users.block('idp:1')
    await expectAnonymous(agent, '/')
    await expect(signIn(agent, auth, ada)).rejects.toMatchObject({ code: 'not_authorized' })
  })

  test('D21: there are no tokens, and reconfigure() keeps the session', async () => {
    const { app, auth } = createApp({ authCheckInterval: 60 })
    const agent = supertest.agent(app)
    await signIn(agent, auth, ada)
    expect((await agent.get('/token').expect(200)).body).toEqual({ token: null, header: null })
    auth.reconfigure({ provider: { idp: idp({ emailDomains: ['acme.com'] }) } })
    await agent.get('/').expect(200)
  })

  test('D21: with several providers, the user names one', async () => {
    const { app, auth } = createApp({ provider: { idp: idp(), other: idp() } })
    const agent = supertest.agent(app)
    await signIn(agent, auth, { ...ada, provider: 'other' })
    expect((await agent.get('/')).body.user.key).toBe('other:1')
    await expect(signIn(agent, auth, { provider: 'none' })).rejects.toThrow('no provider')
  })

  test.each([
    ['cookieStore()', cookieStore],
    ['memoryStore()', memoryStore],
  ])('D21: with %s', async (_, store) => {
    const { app, auth } = createApp({ store: store(), authCheckInterval: 60 })
    const agent = supertest.agent(app)
    await signIn(agent, auth, ada)
    await agent.get('/').expect(200)
  })

  test('D21: with fetch: the result has the Cookie header', async () => {
    const { app, auth } = createApp()
    const { origin } = stopping(await listen(app))
    const url = origin.replace('localhost', '127.0.0.1')
    const { cookie } = await signIn(url, auth, ada)
    expect(cookie).toMatch(/^ngrok\.session=[\w-]{43}/)
    const response = await fetch(url, { headers: { cookie } })
    expect(await response.json()).toMatchObject({ user: { id: '1' } })
  })
})

describe('D21: signIn() cannot be used by others', () => {
  test.each(['production', '', 'staging'])('D21: it throws if NODE_ENV is %j', async (mode) => {
    const { app, auth } = createApp()
    process.env['NODE_ENV'] = mode
    await expect(signIn(supertest.agent(app), auth, ada)).rejects.toThrow(
      'signIn() works only if NODE_ENV is test or development: start the tests with NODE_ENV=test',
    )
  })

  test('D21: a client cannot make up a ticket, and a ticket works once', async () => {
    const { app, auth } = createApp()
    const { origin } = stopping(await listen(app))
    const send = (ticket: string) =>
      createBrowser().get(`${origin}/auth/session`, { headers: { 'oauth-module-ticket': ticket } })
    for (const ticket of ['', 'undefined', 'x', '__proto__'])
      expect((await send(ticket)).setCookie).toEqual([])
    let used = ''
    const spy = {
      get: (path: string) => {
        const request = supertest.agent(app).get(path)
        const { set } = request
        request.set = function (this: typeof request, name: string, value: string) {
          if (name === 'oauth-module-ticket') used = value
          return set.call(this, name, value)
        } as typeof set
        return request
      },
    }
    await signIn(spy as never, auth, ada)
    expect(used).toMatch(/^[\w-]{36}$/)
    expect((await send(used)).setCookie).toEqual([])
  })

  test('D21: it expects the middleware', async () => {
    await expect(signIn(supertest.agent(express()), (() => undefined) as never)).rejects.toThrow(
      /expects the middleware of oauthModule\(\)/,
    )
  })
})
