import { once } from 'node:events'
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  jest,
  test,
} from '@jest/globals'
import type { WebSocket } from 'ws'
import { memoryStore, type OAuthModuleOptions } from '../../src/index.js'
import { by, configurationOf } from '../support/configuration.js'
import { type Gate, oidcOf, secret, startGate, stopAll } from '../support/gate.js'
import { eventually } from '../support/programs.js'
import { startVendor } from '../support/providers.js'
import { openSocket, serveSockets } from '../support/sockets.js'
import { API, call, startTokenIssuer, type TokenIssuer, unused } from '../support/token-issuer.js'
import { CAEP, RISC, startTransmitter, type TestTransmitter } from '../support/transmitter.js'

let idp: TokenIssuer

beforeEach(async () => {
  idp = await startTokenIssuer()
})
afterEach(async () => {
  jest.useRealTimers()
  await stopAll()
})

const introspection = { clientId: 'api', clientSecret: 'the secret of the API' }

function optionsFor(
  entry: object = {},
  more: Partial<OAuthModuleOptions> = {},
): OAuthModuleOptions {
  return {
    provider: { web: unused() },
    bearer: { issuers: [{ issuer: idp.origin, audience: API, ...entry }] },
    ...more,
  }
}

/** A gate with sockets, and a route whose response ends when its signal aborts. */
async function serve(options: OAuthModuleOptions): Promise<Gate & { streams: string[] }> {
  const streams: string[] = []
  const gate = await startGate(options, {
    routes: (app) =>
      app.get('/stream', (req, res) => {
        res.flushHeaders()
        streams.push(String(req.oauth.user?.id))
        req.oauth.signal.addEventListener('abort', () => res.end('{}'))
      }),
  })
  serveSockets(gate)
  return { ...gate, streams }
}

async function open(gate: Gate, token: string): Promise<WebSocket> {
  const opened = await openSocket(gate.url('/feed'), { Authorization: `Bearer ${token}` })
  if (typeof opened === 'number') throw new Error(`refused: ${opened}`)
  return opened.socket
}

/** The code with which the server closed the socket, and the reason. */
async function closed(socket: WebSocket): Promise<[number, string]> {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
  return [code, reason.toString()]
}

/** Whether a message still gets to the server and back. */
async function isOpen(socket: WebSocket): Promise<boolean> {
  const pong = once(socket, 'pong').then(() => true)
  socket.ping()
  return Promise.race([pong, once(socket, 'close').then(() => false)])
}

describe('at once, in the process that learns of it', () => {
  test('users.block() closes the sockets and streams of the user, and no others', async () => {
    const gate = await serve(optionsFor())
    const socket = await open(gate, await idp.token())
    const other = await open(gate, await idp.token({ sub: 'ida' }))
    const stream = call(gate, await idp.token(), { path: '/stream' })
    await eventually('the stream is open', () => gate.streams[0])
    const end = closed(socket)
    await gate.middleware.users.block(`${idp.origin}:ada`)
    expect(await end).toEqual([4401, 'not_authorized'])
    expect((await stream).status).toBe(200)
    expect(await isOpen(other)).toBe(true)
    other.terminate()
  })

  test('a signal that is read after the user was blocked aborts as well', async () => {
    let read = (): void => undefined
    const reason = new Promise<unknown>((resolve) => {
      read = () => resolve(undefined)
    })
    const gate = await startGate(optionsFor(), {
      routes: (app) =>
        app.get('/late', (req, res) => {
          void gateRef.middleware.users.block(`${idp.origin}:ada`).then(() => {
            req.oauth.signal.addEventListener('abort', () => {
              read()
              res.end('{}')
            })
          })
        }),
    })
    const gateRef = gate
    await call(gate, await idp.token(), { path: '/late' })
    await reason
  })

  test('reconfigure() closes the sockets of users whom the new rules deny', async () => {
    const gate = await serve(optionsFor({ groups: ['staff'] }))
    const socket = await open(gate, await idp.token({ groups: ['staff'] }))
    const boss = await open(gate, await idp.token({ sub: 'ida', groups: ['staff', 'admins'] }))
    const end = closed(socket)
    gate.middleware.reconfigure({ secret, ...optionsFor({ groups: ['admins'] }) })
    expect(await end).toEqual([4401, 'not_authorized'])
    expect(await isOpen(boss)).toBe(true)
    boss.terminate()
  })

  test('reconfigure() without bearer, or without the issuer, closes them', async () => {
    for (const next of [
      { provider: { web: unused() } },
      optionsFor({ issuer: 'https://id.example.com' }),
    ]) {
      const gate = await serve(optionsFor())
      const end = closed(await open(gate, await idp.token()))
      gate.middleware.reconfigure({ secret, ...next })
      expect(await end).toEqual([1013, 'invalid_token'])
    }
  })

  test('a change of the stored configuration closes the sockets of users whom it removes', async () => {
    const tenant = '9122040d-6c67-4c5b-b112-36a304b66dad'
    const client = { clientId: 'web', clientSecret: 'the client secret' }
    const issuer = idp.issuer(`/${tenant}/v2.0`)
    const gate = await serve({
      ...{ id: 'shared', configVersion: 1 },
      provider: {
        microsoft: { ...client, tenant, trustEmail: true, emailDomains: ['acme.example'] },
      },
      bearer: { issuers: [{ issuer, audience: API, provider: 'microsoft', trustEmail: true }] },
    })
    const claims = { iss: issuer, tid: tenant, oid: 'oid-1', email: 'ada@acme.example' }
    const end = closed(await open(gate, await idp.token(claims)))
    const module = {
      ...{ enabled: true, optionsPassthrough: false },
      ...{ inactivityTimeout: 0, maximumDuration: 0, authCheckInterval: 0 },
      provider: { microsoft: { ...client, emailDomains: ['elsewhere.example'] } },
    }
    await configurationOf(gate.middleware).change(() => ({ module }), by)
    expect(await end).toEqual([4401, 'not_authorized'])
  })
})

describe('a signal about the user', () => {
  const audience = 'https://sp.example.com/caep'
  let transmitter: TestTransmitter

  beforeAll(async () => {
    transmitter = await startTransmitter({ audience })
  })
  afterAll(() => transmitter.close())

  async function serveSignals(more: object = {}): Promise<Gate> {
    const vendor = await startVendor('oidc')
    idp.metadata = { issuer: vendor.origin }
    return serve({
      provider: { idp: oidcOf(vendor) },
      timeouts: { provider: 60, store: 30 },
      signals: { transmitters: { okta: { issuer: transmitter.issuer, audience } } },
      bearer: {
        issuers: [
          {
            ...{ issuer: vendor.origin, audience: API, provider: 'idp' },
            endpoints: { jwks: `${idp.origin}/jwks` },
            ...more,
          },
        ],
      },
    })
  }

  const push = async (gate: Gate, iss: string, event: string) => {
    const claims = transmitter.claims(event, { format: 'iss_sub', iss, sub: 'ada' })
    const { status } = await transmitter.push(gate.url('/auth/signals'), transmitter.token(claims))
    expect(status).toBe(202)
  }

  test('that revokes closes the sockets of tokens that were issued before', async () => {
    const gate = await serveSignals()
    const iss = String(idp.metadata['issuer'])
    const socket = await open(gate, await idp.token({ iss }))
    const other = await open(gate, await idp.token({ iss, sub: 'ida' }))
    const end = closed(socket)
    await push(gate, iss, `${RISC}account-disabled`)
    expect(await end).toEqual([1013, 'invalid_token'])
    expect(await isOpen(other)).toBe(true)
    other.terminate()
  })

  test('has an opaque token introspected again, and closes its sockets if it is revoked', async () => {
    const endpoint = `${idp.origin}/introspect`
    const gate = await serveSignals({
      introspection: { ...introspection, endpoint, clientAuth: 'post' },
    })
    const iss = String(idp.metadata['issuer'])
    idp.opaque.set('opaque-1', { sub: 'ada', aud: API, token_type: 'Bearer' })
    const socket = await open(gate, 'opaque-1')
    await push(gate, iss, `${CAEP}credential-change`)
    expect(await isOpen(socket)).toBe(true)
    const end = closed(socket)
    idp.opaque.delete('opaque-1')
    await push(gate, iss, `${CAEP}credential-change`)
    expect(await end).toEqual([1013, 'invalid_token'])
    expect((await call(gate, 'opaque-1')).status).toBe(401)
  })
})

describe('within a minute', () => {
  /** Fakes timeouts and the clock. Everything else is real. */
  const fakeMinutes = () =>
    jest.useFakeTimers({
      doNotFake: [
        ...(['hrtime', 'nextTick', 'performance', 'queueMicrotask'] as const),
        ...(['requestAnimationFrame', 'cancelAnimationFrame', 'requestIdleCallback'] as const),
        ...(['cancelIdleCallback', 'setImmediate', 'clearImmediate'] as const),
        ...(['setInterval', 'clearInterval'] as const),
      ],
    })

  test('the sockets of a user close whom another process of the store has blocked', async () => {
    const store = memoryStore()
    const other = await serve(optionsFor({}, { store }))
    fakeMinutes()
    const gate = await serve(optionsFor({}, { store }))
    const socket = await open(gate, await idp.token())
    const end = closed(socket)
    await other.middleware.users.block(`${idp.origin}:ada`)
    jest.advanceTimersByTime(59_000)
    expect(await isOpen(socket)).toBe(true)
    jest.advanceTimersByTime(1_000)
    expect(await end).toEqual([4401, 'not_authorized'])
  })

  test('the sockets of an opaque token close that the issuer has revoked', async () => {
    fakeMinutes()
    const gate = await serve(optionsFor({ introspection }))
    idp.opaque.set('opaque-1', { sub: 'ada', aud: API, token_type: 'Bearer' })
    const socket = await open(gate, 'opaque-1')
    jest.advanceTimersByTime(60_000)
    await eventually('the token was checked again', () =>
      idp.introspections.length === 2 ? true : undefined,
    )
    expect(await isOpen(socket)).toBe(true)
    idp.opaque.delete('opaque-1')
    const end = closed(socket)
    jest.advanceTimersByTime(60_000)
    expect(await end).toEqual([1013, 'invalid_token'])
  })

  test('they stay open while too many other tokens wait, but no longer than two minutes', async () => {
    fakeMinutes()
    const gate = await serve(optionsFor({ introspection }))
    idp.opaque.set('opaque-1', { sub: 'ada', aud: API, token_type: 'Bearer' })
    const socket = await open(gate, 'opaque-1')
    const waiting: { end(): void }[] = []
    idp.faults.set('/introspect', (_req, res) => waiting.push(res))
    const flood = Array.from({ length: 110 }, (_, index) => call(gate, `made-up-${index}`))
    const answers = Promise.all(flood)
    await eventually('the queue is full', async () => {
      const { status } = await call(gate, `more-${String(Math.random())}`, {
        signal: AbortSignal.timeout(500),
      })
      return status === 429 ? true : undefined
    })
    jest.advanceTimersByTime(60_000)
    expect(await isOpen(socket)).toBe(true)
    const end = closed(socket)
    for (let second = 0; second < 70; second += 5) {
      jest.advanceTimersByTime(5_000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await end).toEqual([1013, 'too_many_requests'])
    idp.faults.clear()
    for (const res of waiting) res.end()
    await answers
  })
})
