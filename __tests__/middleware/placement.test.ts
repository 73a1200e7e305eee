import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import express, { type Express, type RequestHandler } from 'express'
import express4 from 'express4'
import { type Logger, oauthModule, type OAuthModuleOptions } from '../../src/index.js'
import type { VendorServer } from '../../src/dev/vendors/index.js'
import { oidcOf, secret, stopAll, stopping } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { startVendor } from '../support/providers.js'
import { listen } from '../support/server.js'

let vendor: VendorServer
let warnings: string[]

beforeEach(async () => {
  vendor = await startVendor('oidc')
  warnings = []
})
afterEach(async () => {
  process.env['NODE_ENV'] = 'test'
  await stopAll()
})

const apps = { 'Express 5': express, 'Express 4': express4 }

function createGate(options: Partial<OAuthModuleOptions> = {}) {
  const note = (message: string, details: object = {}) =>
    void warnings.push(`${message} ${JSON.stringify(details)}`)
  const logger: Logger = { debug() {}, info() {}, warn: note, error: note }
  const auth = oauthModule({ provider: { idp: oidcOf(vendor) }, secret, logger, ...options })
  stopping({ close: () => auth.close() })
  return auth
}

async function open(app: Express, path = '/') {
  const { origin } = stopping(await listen(app))
  return createBrowser().get(origin + path)
}

const hello: RequestHandler = (req, res) => void res.send(`hello ${req.oauth?.user?.name}`)

describe.each(Object.entries(apps))('D11: the gate behind the routes, %s', (_, create) => {
  test('D11: a gate that nothing follows is reported at the first request, with the routes in front of it', async () => {
    const app = create()
    app.get('/', (_req, res) => void res.send('public'))
    app.post('/orders', (_req, res) => void res.send('public'))
    app.use(createGate())
    expect((await open(app)).body).toBe('public')
    expect(warnings).toEqual([
      expect.stringMatching(/behind all routes of the app.*GET \/, POST \/orders come first/),
    ])
    await open(app)
    expect(warnings).toHaveLength(1)
  })

  test('D11: in production as well, with routes of a router and an error handler', async () => {
    process.env['NODE_ENV'] = 'production'
    const app = create()
    const router = create.Router()
    router.get('/list', (_req, res) => void res.send('public'))
    app.use('/api', router)
    app.use(createGate())
    app.use(((_error, _req, res, _next) => void res.send('')) as express.ErrorRequestHandler)
    await open(app, '/api/list')
    expect(warnings.filter((line) => line.includes('GET /list'))).toHaveLength(1)
  })

  test('D11: a route in front of the gate that reads req.oauth is named, although others follow the gate', async () => {
    const app = create()
    app.get('/:page', hello)
    app.use(createGate())
    app.use('/private', hello)
    expect((await open(app, '/home?x')).body).toBe('hello undefined')
    expect(warnings).toEqual([
      expect.stringMatching(/req\.oauth was read .*the handler of GET \/:page is in front/),
    ])
  })

  test('D11: a route outside of the path of the gate that reads req.oauth is named', async () => {
    const app = create()
    app.use('/app', createGate())
    app.get('/', hello)
    await open(app)
    expect(warnings).toEqual([expect.stringMatching(/GET \/ is in front of the gate, or outside/)])
  })

  test('D11: public routes in front of the gate are no mistake', async () => {
    const app = create()
    app.get('/health', (_req, res) => void res.send('ok'))
    app.use(createGate())
    app.get('/', hello)
    await open(app, '/health')
    expect((await open(app)).body).toMatch(/^hello \w/)
    expect(warnings).toEqual([])
  })

  test('D11: other packages may set req.oauth and req.user in front of the gate', async () => {
    const app = create()
    app.use((req, _res, next) => {
      Object.assign(req, { oauth: { theirs: true }, user: { name: 'theirs' } })
      next()
    })
    app.get('/theirs', (req, res) => void res.json({ ...req }.oauth))
    app.use(createGate())
    app.get('/', hello)
    expect((await open(app, '/theirs')).body).toBe('{"theirs":true}')
    expect((await open(app)).body).toMatch(/^hello \w/)
    expect(warnings).toEqual([])
  })

  test('D11: two gates in one app', async () => {
    const app = create()
    app.use('/a', createGate(), hello)
    app.use('/b', createGate({ cookiePrefix: 'b.' }), hello)
    expect((await open(app, '/a')).body).toMatch(/^hello \w/)
    expect((await open(app, '/b')).body).toMatch(/^hello \w/)
    expect(warnings).toEqual([])
    app.get('/', hello)
    await open(app)
    expect(warnings).toHaveLength(2)
  })

  test('D12: the gate on one route is reported in place of a login whose callback would not reach it', async () => {
    const app = create()
    app.get('/private', createGate(), hello)
    const page = await open(app, '/private')
    expect(page.status).toBe(502)
    for (const text of [page.body, warnings.join()])
      expect(text).toMatch(/single routes only, which the callback \/auth\/callback does not reach/)
  })

  test('D12: the gate on one route of a router, and in an array of handlers', async () => {
    const app = create()
    const router = create.Router()
    router.all('/private', [createGate(), hello])
    app.use('/app', router)
    expect((await open(app, '/app/private')).status).toBe(502)
  })

  test('D12: routes that the callback reaches are no mistake', async () => {
    const app = create()
    const auth = createGate()
    app.get('/private', auth, hello)
    app.get(/^\/auth\/.*/, auth)
    expect((await open(app, '/private')).body).toMatch(/^hello \w/)
    expect(warnings).toEqual([])
  })

  test('D12: a gate for all routes, and once more on one of them, is no mistake', async () => {
    const app = create()
    const auth = createGate()
    app.use(auth)
    app.get('/private', auth, hello)
    expect((await open(app, '/private')).body).toMatch(/^hello \w/)
  })
})

test('D11: the requests of a process are watched no longer than its first hundred', async () => {
  const app = express()
  app.use(createGate())
  app.get('/', hello)
  const { origin } = stopping(await listen(app))
  for (let count = 0; count < 101; count++) await createBrowser().get(origin, { follow: false })
  app.get('/late', hello)
  const { _router, router = _router } = app as unknown as Record<string, { stack: unknown[] }>
  router?.stack.unshift(router.stack.pop())
  expect((await createBrowser().get(`${origin}/late`)).body).toBe('hello undefined')
  expect(warnings).toEqual([])
})
