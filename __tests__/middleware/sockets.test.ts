import { once } from 'node:events'
import { Agent, get, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from '@jest/globals'
import { WebSocket } from 'ws'
import {
  cookieStore,
  memoryStore,
  type OAuthContext,
  type OAuthError,
  oauthModule,
  type OAuthModuleOptions,
  type SessionStore,
  type StoreRecord,
} from '../../src/index.js'
import { gateOf, logIn, providerOf, requestsTo, startVendor } from '../support/providers.js'
import { fakeDate, realDate } from '../support/clock.js'
import { type Gate, secret, startGate, stopAll, stopping, valueOfCookie } from '../support/gate.js'
import { type Browser, createBrowser } from '../support/jar.js'
import { listen } from '../support/server.js'
import { openSocket, serveSockets } from '../support/sockets.js'

afterEach(async () => {
  await stopAll()
  realDate()
})

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

interface SocketSetup {
  options?: Partial<OAuthModuleOptions>
  provider?: Record<string, unknown>
  origin?: string
}

async function serving({ options = {}, provider = {}, origin }: SocketSetup = {}) {
  const vendor = await startVendor('oidc')
  const gate = await gateOf(vendor, provider, options)
  const served = serveSockets(gate, { origin })
  const browser = createBrowser()
  await logIn({ gate, browser })
  vendor.requests.length = 0
  return { vendor, gate, browser, served }
}

const cookieOf = (browser: Browser, gate: Gate) =>
  `ngrok.session=${valueOfCookie(browser, gate.origin)}`

const open = (gate: Gate, headers: Record<string, string>, path = '/feed') =>
  openSocket(gate.url(path), headers)

async function opened(gate: Gate, browser: Browser): Promise<WebSocket> {
  const result = await open(gate, { Cookie: cookieOf(browser, gate), Origin: gate.origin })
  if (typeof result === 'number') throw new Error(`refused: ${result}`)
  return result.socket
}

async function closing(socket: WebSocket): Promise<[number, string]> {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
  return [code, reason.toString()]
}

describe('S-080 an upgrade', () => {
  test('without a session gets 401', async () => {
    const { gate } = await serving()
    expect(await open(gate, { Origin: gate.origin })).toBe(401)
    expect(
      await open(gate, {
        Origin: gate.origin,
        Cookie: 'ngrok.session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
      }),
    ).toBe(401)
  })

  test('with a session, from a page of the app, succeeds; the upstream headers are those of the user, never of the client', async () => {
    const { gate, browser, served } = await serving()
    const result = await open(gate, {
      Cookie: cookieOf(browser, gate),
      Origin: gate.origin,
      'ngrok-auth-user-id': 'forged',
    })
    expect(result).toMatchObject({ name: 'Ida Novak' })
    expect(served.headers).toMatchObject({
      'ngrok-auth-user-id': 'user-1',
      'ngrok-auth-user-name': 'Ida Novak',
    })
  })

  test('from a page of another site is anonymous, and forged headers are removed as well', async () => {
    const { gate, browser, served } = await serving()
    for (const origin of [
      'https://evil.example',
      'null',
      `${gate.origin}.evil.example`,
      'http://localhost:1',
      gate.origin.replace('localhost', '127.0.0.1'),
    ]) {
      expect(
        await open(gate, {
          Cookie: cookieOf(browser, gate),
          Origin: origin,
          'ngrok-auth-user-id': 'forged',
        }),
      ).toBe(401)
      expect(served.headers).not.toHaveProperty('ngrok-auth-user-id')
    }
  })

  test('succeeds from an allowed origin, and from a client without an Origin header', async () => {
    const { gate, browser } = await serving({ origin: 'https://friend.example' })
    expect(
      await open(gate, { Cookie: cookieOf(browser, gate), Origin: 'https://friend.example' }),
    ).toMatchObject({ name: 'Ida Novak' })
    expect(await open(gate, { Cookie: cookieOf(browser, gate) })).toMatchObject({
      name: 'Ida Novak',
    })
    expect(
      await open(gate, { Cookie: cookieOf(browser, gate), Origin: 'https://enemy.example' }),
    ).toBe(401)
  })

  test('while the store is down gets 503, never anonymous', async () => {
    const inner = memoryStore()
    let isDown = false
    const store: SessionStore = {
      ...inner,
      get: (key) => (isDown ? Promise.reject(new Error('down')) : inner.get(key)),
    }
    const { gate, browser } = await serving({ options: { store } })
    const cookie = cookieOf(browser, gate)
    isDown = true
    expect(await open(gate, { Cookie: cookie, Origin: gate.origin })).toBe(503)
    isDown = false
    expect(await open(gate, { Cookie: cookie, Origin: gate.origin })).toMatchObject({
      name: 'Ida Novak',
    })
  })

  test('is re-checked when due, and gets 503 if that fails', async () => {
    const { gate, browser, vendor } = await serving({ options: { authCheckInterval: 1 } })
    const cookie = cookieOf(browser, gate)
    await sleep(1_050)
    vendor.respond('userinfo', { status: 500 })
    expect(await open(gate, { Cookie: cookie, Origin: gate.origin })).toBe(503)
    vendor.respond('userinfo', undefined)
  })

  test('below a mount belongs to that instance, once a request has shown the mount', async () => {
    const vendor = await startVendor('oidc')
    const gate = await startGate({ provider: providerOf(vendor) }, { mount: '/app' })
    serveSockets(gate)
    const browser = createBrowser()
    await browser.get(gate.url('/app/'))
    const cookie = `ngrok.session=${valueOfCookie(browser, gate.url('/app/'))}`
    expect(await open(gate, { Cookie: cookie, Origin: gate.origin }, '/app/feed')).toMatchObject({
      name: 'Ida Novak',
    })
  })

  test('below a mount still belongs to that instance after unauthenticated requests to other paths', async () => {
    const vendor = await startVendor('oidc')
    const gate = await startGate(
      { provider: providerOf(vendor), cookie: { path: '/' } },
      { mount: '/app' },
    )
    serveSockets(gate)
    const browser = createBrowser()
    await browser.get(gate.url('/app/'))
    const headers = { Cookie: cookieOf(browser, gate), Origin: gate.origin }
    expect(await open(gate, headers, '/beside/it')).toMatchObject({ name: 'Ida Novak' })
    for (const path of ['/APP/x', '/App/x', '/app/', '/app/../x', '/x']) {
      await createBrowser().get(gate.url(path), { follow: false })
      for (const at of ['/app/feed', '/app', '/app?x=1'])
        expect([path, at, await open(gate, headers, at)]).toEqual([
          path,
          at,
          { socket: expect.any(WebSocket), name: 'Ida Novak' },
        ])
    }
  })

  test('below a mount still belongs to that instance after many unauthenticated requests to other mounts', async () => {
    const vendor = await startVendor('oidc')
    const gate = await startGate(
      { provider: providerOf(vendor), cookie: { path: '/' } },
      { mount: '/application' },
    )
    serveSockets(gate)
    const spelled = (bits: number) =>
      Array.from('application')
        .map((letter, index) => ((bits >> index) & 1 ? letter.toUpperCase() : letter))
        .join('')
    for (let bits = 1; bits < 270; bits++)
      await fetch(gate.url(`/${spelled(bits)}/`), { headers: { Accept: 'application/json' } })
    const browser = createBrowser()
    await browser.get(gate.url('/application/'))
    const headers = {
      Cookie: `ngrok.session=${valueOfCookie(browser, gate.url('/application/'))}`,
      Origin: gate.origin,
    }
    for (const at of ['/application/feed', '/beside/it'])
      expect([at, await open(gate, headers, at)]).toEqual([
        at,
        { socket: expect.any(WebSocket), name: 'Ida Novak' },
      ])
  })

  test('below one of several mounts belongs to that one', async () => {
    const vendor = await startVendor('oidc')
    const gate = await startGate(
      { provider: providerOf(vendor) },
      { mount: '/app', routes: (app, auth) => void app.use('/app/deep', auth).use('/other', auth) },
    )
    serveSockets(gate)
    const browser = createBrowser()
    for (const path of ['/app/x', '/other/x']) await browser.get(gate.url(path))
    const cookies = ['/app/x', '/other/x'].map(
      (path) => `ngrok.session=${valueOfCookie(browser, gate.url(path))}`,
    )
    const nameAt = async (path: string, Cookie = '') => {
      const result = await open(gate, { Cookie, Origin: gate.origin }, path)
      return typeof result === 'number' ? result : result.name
    }
    expect([
      await nameAt('/app/feed', cookies[0]),
      await nameAt('/other/feed', cookies[1]),
    ]).toEqual(['Ida Novak', 'Ida Novak'])
    expect([await nameAt('/app?x=1', cookies[0]), await nameAt('/other?x=1', cookies[1])]).toEqual([
      'Ida Novak',
      'Ida Novak',
    ])
    expect([
      await nameAt('/other/feed', cookies[0]),
      await nameAt('/app/feed', cookies[1]),
    ]).toEqual([401, 401])
  })

  test('below a mount works after a restart, before any other request, if the app names the mount', async () => {
    const vendor = await startVendor('oidc')
    const options = { provider: providerOf(vendor), store: memoryStore() }
    const [before, after] = [
      await startGate(options, { mount: '/app' }),
      await startGate(options, { mount: '/app' }),
    ]
    serveSockets(after, { mount: '/app' })
    const browser = createBrowser()
    await browser.get(before.url('/app/'))
    const cookie = `ngrok.session=${valueOfCookie(browser, before.url('/app/'))}`
    for (const path of ['/app/feed', '/feed'])
      expect(await open(after, { Cookie: cookie, Origin: after.origin }, path)).toMatchObject({
        name: 'Ida Novak',
      })
  })
})

describe('an open socket closes with 4401', () => {
  test('when its session is revoked', async () => {
    const { gate, browser } = await serving()
    const socket = await opened(gate, browser)
    const closed = closing(socket)
    const [session] = (await gate.middleware.sessions.list()).items
    await gate.middleware.sessions.revoke(String(session?.id))
    expect(await closed).toEqual([4401, 'login_required'])
  })

  test('when its user logs out or logs in again, and that of another user stays open', async () => {
    const { gate, browser } = await serving()
    const other = createBrowser()
    await logIn({ gate, browser: other })
    const [mine, theirs] = [await opened(gate, browser), await opened(gate, other)]
    const closed = closing(mine)
    await browser.get(gate.url('/auth/logout'), { headers: { 'Sec-Fetch-Site': 'same-origin' } })
    expect(await closed).toEqual([4401, 'login_required'])
    expect(theirs.readyState).toBe(WebSocket.OPEN)
    const closedToo = closing(theirs)
    await other.get(gate.url('/auth/authn'))
    expect(await closedToo).toEqual([4401, 'login_required'])
  })

  test('when its user is deleted', async () => {
    const { gate, browser } = await serving()
    const closed = closing(await opened(gate, browser))
    await gate.middleware.users.delete('oidc:user-1')
    expect(await closed).toEqual([4401, 'login_required'])
  })

  test('when a timed re-check denies, without any heartbeat or request', async () => {
    const { gate, browser, vendor } = await serving({
      options: { authCheckInterval: 1 },
      provider: { emailDomains: ['acme.example'] },
    })
    const socket = await opened(gate, browser)
    await sleep(1_300)
    expect(vendor.requests.filter(({ endpoint }) => endpoint === 'userinfo')).toHaveLength(1)
    expect(socket.readyState).toBe(WebSocket.OPEN)
    vendor.user = { ...vendor.user, email: 'ida@elsewhere.example' }
    expect(await closing(socket)).toEqual([4401, 'not_authorized'])
  })

  test('when the grant is revoked', async () => {
    const { gate, browser, vendor } = await serving({ options: { authCheckInterval: 1 } })
    const closed = closing(await opened(gate, browser))
    vendor.revokeTokens()
    expect(await closed).toEqual([4401, 'login_required'])
  })

  test('when the session times out: traffic on the socket does not count as activity', async () => {
    const { gate, browser } = await serving({ options: { inactivityTimeout: 1 } })
    const socket = await opened(gate, browser)
    const beat = setInterval(() => {
      socket.ping()
      socket.send('busy')
    }, 100)
    expect(await closing(socket)).toEqual([4401, 'login_required'])
    clearInterval(beat)
  })

  test('at the maximum duration', async () => {
    const { gate, browser } = await serving({ options: { maximumDuration: 1 } })
    expect(await closing(await opened(gate, browser))).toEqual([4401, 'login_required'])
  })
})

describe('a socket', () => {
  test('is aborted immediately by new rules, and by the removal of its provider', async () => {
    const { gate, browser, vendor } = await serving({ options: {} })
    const socket = await opened(gate, browser)
    const closed = closing(socket)
    gate.middleware.reconfigure({
      provider: providerOf(vendor, { emailDomains: ['elsewhere.example'] }),
      secret,
      logger,
    })
    expect(await closed).toEqual([4401, 'not_authorized'])
    const other = await serving()
    const closedToo = closing(await opened(other.gate, other.browser))
    const elsewhere = await startVendor('oauth2')
    other.gate.middleware.reconfigure({ provider: providerOf(elsewhere), secret, logger })
    expect(await closedToo).toEqual([4401, 'login_required'])
  })

  test('whose signal is first read after a change follows the new rules', async () => {
    const vendor = await startVendor('oidc')
    const gate = await gateOf(vendor)
    const browser = createBrowser()
    await logIn({ gate, browser })
    const narrow = {
      provider: providerOf(vendor, { emailDomains: ['elsewhere.example'] }),
      secret,
      logger,
    }
    const endOf = async (req: IncomingMessage) => {
      const context = await gate.middleware.authenticate(req)
      gate.middleware.reconfigure(narrow)
      const signal = context?.signal
      for (let turn = 0; turn < 100 && signal?.aborted === false; turn++) await sleep(10)
      req.socket.destroy()
      return signal?.reason as unknown
    }
    const ended = once(gate.server, 'upgrade').then(([req]) => endOf(req as IncomingMessage))
    const { port, origin } = gate
    const headers = ['Upgrade: websocket', 'Connection: Upgrade', `Origin: ${origin}`]
    const lines = [...headers, `Host: localhost:${port}`, `Cookie: ${cookieOf(browser, gate)}`]
    connect({ port, host: '127.0.0.1' })
      .on('error', () => undefined)
      .write(`GET /feed HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
    expect(await ended).toMatchObject({ code: 'not_authorized' })
  })

  test('that cannot be checked is closed with the code for a retry', async () => {
    const { gate, browser, vendor } = await serving({ options: { authCheckInterval: 1 } })
    const closed = closing(await opened(gate, browser))
    vendor.respond('userinfo', { status: 500 })
    expect(await closed).toEqual([1013, 'recheck_unavailable'])
    expect((await gate.middleware.sessions.list()).items).toHaveLength(1)
  })

  test('survives a short store outage, and is still aborted when its session ends', async () => {
    const inner = memoryStore()
    const down = { isDown: false, asked: 0 }
    const store: SessionStore = {
      ...inner,
      get(key) {
        if (!down.isDown) return inner.get(key)
        down.asked++
        return Promise.reject(new Error('down'))
      },
    }
    const { gate, browser, vendor } = await serving({ options: { store } })
    const socket = await opened(gate, browser)
    let code = 0
    socket.once('close', (reason) => (code = reason))
    down.isDown = true
    // Other options: every socket is looked after at once.
    gate.middleware.reconfigure({
      provider: providerOf(vendor),
      secret,
      logger,
      inactivityTimeout: 3600,
    })
    for (let turn = 0; turn < 100 && down.asked === 0; turn++) await sleep(10)
    await sleep(50)
    down.isDown = false
    expect([down.asked, code, socket.readyState]).toEqual([1, 0, WebSocket.OPEN])
    const closed = closing(socket)
    const [session] = (await gate.middleware.sessions.list()).items
    await gate.middleware.sessions.revoke(String(session?.id))
    expect(await closed).toEqual([4401, 'login_required'])
  })

  test('causes hardly any requests while the provider is down within the grace period', async () => {
    const clock = fakeDate()
    const inner = memoryStore()
    let reads = 0
    const store: SessionStore = { ...inner, get: (key) => (reads++, inner.get(key)) }
    const options = { store, authCheckInterval: 300, authCheckGrace: 600, authCheckEarly: false }
    const { gate, browser, vendor } = await serving({ options })
    const socket = await opened(gate, browser)
    vendor.respond('userinfo', { status: 503 })
    clock.forward(301)
    reads = 0
    gate.middleware.reconfigure({ provider: providerOf(vendor), secret, logger, ...options })
    for (let turn = 0; turn < 100 && requestsTo(vendor, 'userinfo').length === 0; turn++)
      await sleep(10)
    await sleep(400)
    expect([requestsTo(vendor, 'userinfo').length, socket.readyState]).toEqual([1, WebSocket.OPEN])
    expect(reads).toBeLessThan(10)
  })

  test('that closes by itself causes no more checks', async () => {
    const { gate, browser, vendor } = await serving({ options: { authCheckInterval: 1 } })
    const socket = await opened(gate, browser)
    socket.terminate()
    await sleep(1_500)
    expect(vendor.requests).toEqual([])
  })

  test('reads the signal of many requests on one connection without a listener leak', async () => {
    const vendor = await startVendor('oidc')
    const warnings: unknown[] = []
    const note = (warning: unknown) => warnings.push(warning)
    process.on('warning', note)
    const gate = await startGate(
      { provider: providerOf(vendor) },
      {
        routes: (app) =>
          void app.get('/signal', (req, res) => void res.send(String(req.oauth.signal.aborted))),
      },
    )
    const browser = createBrowser()
    await logIn({ gate, browser })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    for (let turn = 0; turn < 30; turn++) {
      await new Promise<void>((resolve, reject) => {
        get(
          {
            port: gate.port,
            host: '127.0.0.1',
            path: '/signal',
            agent,
            headers: { host: `localhost:${gate.port}`, cookie: cookieOf(browser, gate) },
          },
          (res) => {
            res.resume().on('end', resolve)
          },
        ).on('error', reject)
      })
    }
    agent.destroy()
    await sleep(20)
    process.off('warning', note)
    expect(warnings).toEqual([])
  })
})

describe('C3: a session that ends between the gate and the first read of the signal', () => {
  /** An app whose stream reads the signal after `before` has run; ends with the code of the abort. */
  async function streaming(
    before: (req: IncomingMessage & { oauth: OAuthContext }, gate: Gate) => Promise<unknown>,
    options: Partial<OAuthModuleOptions> = {},
  ) {
    const vendor = await startVendor('oidc')
    const gate: Gate = await startGate(
      { provider: providerOf(vendor), cookie: { forward: true }, ...options },
      {
        routes: (app) =>
          void app.get('/events', async (req, res) => {
            await before(req, gate)
            res.type('text/event-stream').flushHeaders()
            const { signal } = req.oauth
            const end = () => res.end((signal.reason as OAuthError).code)
            signal.addEventListener('abort', end)
          }),
      },
    )
    const browser = createBrowser()
    await logIn({ gate, browser })
    const read = async () => {
      const page = browser.get(gate.url('/events'), { follow: false })
      return Promise.race([page.then(({ body }) => body), sleep(3_000).then(() => 'still open')])
    }
    return { vendor, gate, browser, read }
  }

  const revoke = (req: { oauth: OAuthContext }, gate: Gate) =>
    gate.middleware.sessions.revoke(String(req.oauth.sessionHandle))

  test('C3: a stream whose session is revoked before it reads the signal ends', async () => {
    const { read } = await streaming(revoke)
    expect(await read()).toBe('login_required')
  })

  test('C3: a stream whose session another process ends before it reads the signal ends', async () => {
    const store = memoryStore()
    const { read } = await streaming(async (req) => store.delete(String(req.oauth.sessionHandle)), {
      store,
    })
    expect(await read()).toBe('login_required')
  })

  test('C3: a stream of a revoked session ends although reads of the store lag behind', async () => {
    const inner = memoryStore()
    const rows = new Map<string, StoreRecord | undefined>()
    let isLagging = false
    const get: SessionStore['get'] = async (key) => {
      if (!isLagging) rows.set(key, (await inner.get(key)) ?? rows.get(key))
      return isLagging ? rows.get(key) : inner.get(key)
    }
    // A replica that has the revocation and one that does not respond in turn.
    const before: Parameters<typeof streaming>[0] = async (req, gate) => {
      await revoke(req, gate)
      isLagging = true
    }
    const { read } = await streaming(before, { store: { ...inner, get } })
    expect(await read()).toBe('login_required')
  })

  test('C3: a stream ends if the user is deleted or logs out before it reads the signal', async () => {
    const deletion = await streaming((req, gate) =>
      gate.middleware.users.delete(String(req.oauth.user?.key)),
    )
    expect(await deletion.read()).toBe('login_required')
    const logout = await streaming(async (req, gate) =>
      createBrowser().get(gate.url('/auth/logout'), {
        headers: { Cookie: String(req.headers.cookie), 'Sec-Fetch-Site': 'same-origin' },
      }),
    )
    expect(await logout.read()).toBe('login_required')
  })

  test('C3: a stream ends if the user logs out before it reads the signal, with cookieStore()', async () => {
    const { read } = await streaming(
      async (req, gate) =>
        createBrowser().get(gate.url('/auth/logout'), {
          headers: { Cookie: String(req.headers.cookie), 'Sec-Fetch-Site': 'same-origin' },
        }),
      { store: cookieStore(), maximumDuration: 3600 },
    )
    expect(await read()).toBe('login_required')
  })

  test('C3: a stream ends if a check that another request caused denied the user', async () => {
    const clock = fakeDate()
    const { vendor, read } = await streaming(
      async (req, gate) => {
        vendor.user = { ...vendor.user, email: 'ida@elsewhere.example' }
        clock.forward(300)
        await createBrowser().get(gate.url('/'), {
          headers: { Cookie: String(req.headers.cookie) },
        })
      },
      {
        authCheckInterval: 300,
        authorize: ({ email }) => email?.endsWith('acme.example') === true,
      },
    )
    expect(await read()).toBe('not_authorized')
  })

  test('C3: while the store is down, the stream of a valid session stays open', async () => {
    const inner = memoryStore()
    let isDown = false
    const get: SessionStore['get'] = (key) =>
      isDown ? Promise.reject(new Error('gone')) : inner.get(key)
    const { read } = await streaming(async () => void (isDown = true), {
      store: { ...inner, get },
    })
    expect(await read()).toBe('still open')
  })

  test('C3: a signal that is read after the response has ended is not watched', async () => {
    let signal: AbortSignal | undefined
    const vendor = await startVendor('oidc')
    const gate: Gate = await startGate(
      { provider: providerOf(vendor) },
      {
        routes: (app) =>
          void app.get('/late', (req, res) => {
            res.once('close', () => setImmediate(() => (signal = req.oauth.signal)))
            res.end()
          }),
      },
    )
    const browser = createBrowser()
    await logIn({ gate, browser })
    await browser.get(gate.url('/late'))
    for (let turn = 0; turn < 100 && signal === undefined; turn++) await sleep(10)
    for (const { id } of (await gate.middleware.sessions.list()).items)
      await gate.middleware.sessions.revoke(id)
    await sleep(50)
    expect(signal?.aborted).toBe(false)
  })
})

describe('the signal of a request that did not come through the gate', () => {
  /** Plain `node:http`: `authenticate()` below `/api`, the gate for the rest. */
  async function bare(
    answer: (req: IncomingMessage, res: ServerResponse, signal: AbortSignal) => unknown,
  ) {
    const vendor = await startVendor('oidc')
    const auth = oauthModule({ provider: providerOf(vendor), secret, logger })
    const server = stopping(
      await listen(async (req, res) => {
        if (req.url?.startsWith('/api') !== true) return auth(req, res, () => void res.end('in'))
        const context = await auth.authenticate(req)
        return context && answer(req, res, context.signal)
      }),
    )
    const browser = createBrowser()
    await browser.get(server.origin)
    const headers = {
      host: `localhost:${server.port}`,
      cookie: `ngrok.session=${valueOfCookie(browser, server.origin)}`,
    }
    const revoke = async () => {
      for (const { id } of (await auth.sessions.list()).items) await auth.sessions.revoke(id)
    }
    return {
      auth,
      server,
      headers,
      revoke,
      target: { port: server.port, host: '127.0.0.1', headers },
    }
  }

  test('aborts while its response is in progress, also after its body has been read', async () => {
    const signals: AbortSignal[] = []
    const { target, revoke } = await bare(async (req, res, signal) => {
      signals.push(signal)
      for await (const _ of req);
      res.write('streaming')
    })
    const client = request({ ...target, path: '/api/stream', method: 'POST' })
    client.on('error', () => undefined)
    client.end('a body')
    const [answer] = (await once(client, 'response')) as [IncomingMessage]
    answer.on('error', () => undefined)
    await once(answer, 'data')
    await revoke()
    await sleep(20)
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
    client.destroy()
  })

  test('of many requests on one connection: no listener leak, and the latest is aborted', async () => {
    const listeners: number[] = []
    const signals: AbortSignal[] = []
    const { target, revoke } = await bare((req, res, signal) => {
      signals.push(signal)
      listeners.push(req.socket.listenerCount('close'))
      if (req.url === '/api/last') return res.write('streaming')
      return res.end('done')
    })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const ask = (path: string) =>
      new Promise<IncomingMessage>(
        (resolve, reject) => void get({ ...target, path, agent }, resolve).on('error', reject),
      )
    for (let turn = 0; turn < 20; turn++) await once((await ask('/api/short')).resume(), 'end')
    const last = await ask('/api/last')
    last.on('error', () => undefined)
    await once(last, 'data')
    await revoke()
    await sleep(20)
    expect(listeners).toEqual(listeners.map(() => listeners[0]))
    expect([signals.length, signals.at(-1)?.aborted]).toEqual([21, true])
    agent.destroy()
  })

  test('is not replaced by a request that is pipelined after it', async () => {
    const signals: AbortSignal[] = []
    const { server, headers, revoke } = await bare((_req, res, signal) => {
      signals.push(signal)
      res.write('streaming')
    })
    const socket = connect(server.port, '127.0.0.1')
    const one = [
      'GET /api/stream HTTP/1.1',
      `Host: ${headers.host}`,
      `Cookie: ${headers.cookie}`,
      '',
      '',
    ].join('\r\n')
    socket.write(one + one)
    for (let turn = 0; turn < 100 && signals.length < 2; turn++) await sleep(10)
    await revoke()
    await sleep(20)
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
    socket.destroy()
  })
})
