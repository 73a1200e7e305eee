import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { WebSocket, WebSocketServer } from 'ws'
import { JsonLog } from '../../src/command/gateway/index.js'
import { memoryStore } from '../../src/index.js'
import { logIn } from '../support/corpus.js'
import { secret, stopAll } from '../support/gate.js'
import {
  gatewayVendor,
  startTestGateway,
  startUpstream,
  type TestGateway,
} from '../support/gateway.js'
import { plainOf } from '../support/plain.js'
import { eventually, freePorts } from '../support/programs.js'
import { startVendor } from '../support/providers.js'
import { oidcOf } from '../support/gate.js'
import { sendRawRequest } from '../support/raw.js'

let upstreamPort: number
/** Ends the responses to `/slow`. */
let finish: () => void = () => undefined
const sockets = new WebSocketServer({ noServer: true })

beforeAll(async () => {
  const { port, server } = await startUpstream((req, res) => {
    if (req.url === '/slow') {
      res.write('first ')
      finish = () => res.end('last')
    } else if (req.url === '/wait') finish = () => res.end('waited')
    else if (req.url === '/events') {
      res.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' })
      res.write('data: 1\n\n')
    } else res.end(`one ${req.headers['ngrok-auth-user-id'] ?? ''}`)
  })
  server.on('upgrade', (req, socket, head) =>
    sockets.handleUpgrade(req, socket, head, (opened) => opened.send('hello')),
  )
  upstreamPort = port
})
afterAll(async () => {
  for (const one of sockets.clients) one.terminate()
  await stopAll()
})

async function begin(
  { port }: TestGateway,
  cookie: string,
  path: string,
): Promise<IncomingMessage> {
  const req = request({
    ...{ host: '127.0.0.1', port, path, agent: false },
    headers: { host: `localhost:${port}`, cookie },
  })
  req.end()
  const [res] = (await once(req, 'response')) as [IncomingMessage]
  return res
}

async function textOf(res: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of res) text += String(chunk)
  return text
}

describe('/auth/health and /auth/ready', () => {
  const probe = async ({ port }: TestGateway, name: string, method = 'GET') => {
    const { status, body, headers } = await sendRawRequest(port, {
      method,
      target: `/auth/${name}`,
    })
    expect(headers['cache-control']).toBe('no-store')
    return { status, body: body === '' ? undefined : JSON.parse(body) }
  }

  test('health is 200 as soon as the process runs; ready names what is missing', async () => {
    const [appPort = 0, idpPort = 0] = await freePorts(2)
    const gateway = await startTestGateway({
      target: appPort,
      options: {
        provider: {
          idp: oidcOf({
            options: { issuer: `http://127.0.0.1:${idpPort}`, clientId: 'a', clientSecret: 'b' },
          } as never),
        },
      },
    })
    expect(await probe(gateway, 'health')).toEqual({ status: 200, body: { healthy: true } })
    expect(await probe(gateway, 'health', 'HEAD')).toEqual({ status: 200, body: undefined })
    expect(await probe(gateway, 'ready')).toEqual({
      status: 503,
      body: { ready: false, waitingFor: ['sign-in', 'upstream'] },
    })
    const errors = gateway.lines.filter(({ level }) => level === 'error')
    expect(errors.map(({ details }) => details['code'])).toEqual(['provider_unreachable'])
    // Probes of anyone do not reach the provider again at once.
    await Promise.all(Array.from({ length: 20 }, () => probe(gateway, 'ready')))
    expect(gateway.lines.filter(({ level }) => level === 'error')).toHaveLength(1)
  })

  test('ready is 200 once provider, store, and upstream were reached, and stays so without the provider', async () => {
    const vendor = await startVendor('oidc')
    const gateway = await startTestGateway({
      target: upstreamPort,
      options: { provider: { idp: oidcOf(vendor) } },
    })
    expect(await probe(gateway, 'ready')).toEqual({ status: 200, body: { ready: true } })
    await vendor.close()
    expect(await probe(gateway, 'ready')).toEqual({ status: 200, body: { ready: true } })
  })

  test('they follow basePath, and other methods and names are those of the gate', async () => {
    const gateway = await startTestGateway({
      target: upstreamPort,
      options: { basePath: '/login' },
    })
    const statusOf = async (target: string, method = 'GET') =>
      (
        await sendRawRequest(gateway.port, {
          method,
          target,
          headers: ['Accept: application/json'],
        })
      ).status
    expect(await statusOf('/login/health?x=1')).toBe(200)
    expect(await statusOf('/login/ready')).toBe(200)
    expect(await statusOf('/login/health', 'POST')).toBe(404)
    expect(await statusOf('/login/health/x')).toBe(404)
    expect(await statusOf('/auth/health')).toBe(401)
  })
})

describe('reconfigure()', () => {
  test('takes effect for the next request, and requests in flight end under the earlier rules', async () => {
    const gateway = await startTestGateway({ target: upstreamPort })
    const cookie = await logIn(gateway)
    const slow = await begin(gateway, cookie, '/slow')
    const waiting = begin(gateway, cookie, '/wait')
    await sleep(50)
    const finishWaiting = finish
    const other = await startUpstream((req, res) =>
      res.end(`two ${req.headers['ngrok-auth-user-id']}`),
    )
    const vendor = await gatewayVendor()
    gateway.reconfigure({
      ...gateway.rules,
      options: {
        ...gateway.rules.options,
        provider: { acme: plainOf(vendor, { emailDomains: ['other.example'] }) },
      },
    })
    const denied = await sendRawRequest(gateway.port, { headers: [`Cookie: ${cookie}`] })
    expect(denied.status).toBe(403)
    gateway.reconfigure({
      ...gateway.rules,
      target: new URL(`http://127.0.0.1:${other.port}`),
      allowPaths: ['GET /open'],
    })
    const allowed = await sendRawRequest(gateway.port, { headers: [`Cookie: ${cookie}`] })
    expect(allowed).toMatchObject({ status: 200, body: 'two u-77' })
    expect(await sendRawRequest(gateway.port, { target: '/open' })).toMatchObject({
      status: 200,
      body: 'two undefined',
    })
    finishWaiting()
    expect(await textOf(await waiting)).toBe('waited')
    slow.destroy()
  })

  test('without a dropped request while it is called again and again', async () => {
    const gateway = await startTestGateway({ target: upstreamPort })
    const cookie = await logIn(gateway)
    const statuses = new Map<number, number>()
    let isDone = false
    const clients = Array.from({ length: 4 }, async () => {
      while (!isDone) {
        const { status } = await sendRawRequest(gateway.port, { headers: [`Cookie: ${cookie}`] })
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }
    })
    for (let round = 0; round < 20; round++) {
      gateway.reconfigure({
        ...gateway.rules,
        options: { ...gateway.rules.options, inactivityTimeout: 1000 + round },
      })
      await sleep(10)
    }
    isDone = true
    await Promise.all(clients)
    expect([...statuses.keys()]).toEqual([200])
  })

  test('with anything invalid changes nothing', async () => {
    const gateway = await startTestGateway({ target: upstreamPort, allowPaths: ['GET /open'] })
    const invalid = [
      { target: new URL('http://127.0.0.1:1/x') },
      { allowPaths: ['open'] },
      { trustedProxies: ['x'] },
      { options: { ...gateway.rules.options, nonsense: 1 } as never },
    ]
    for (const change of invalid)
      expect(() => gateway.reconfigure({ ...gateway.rules, ...change })).toThrow(TypeError)
    expect((await sendRawRequest(gateway.port, { target: '/open' })).status).toBe(200)
  })
})

describe('close()', () => {
  test('lets requests in flight finish, ends sockets and event streams at once, and accepts no connection', async () => {
    const store = memoryStore()
    const gateway = await startTestGateway({ target: upstreamPort, options: { store } })
    const cookie = await logIn(gateway)
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/`, {
      headers: { host: `localhost:${gateway.port}`, cookie },
    })
    await once(socket, 'open')
    const socketClosed = once(socket, 'close')
    const events = await begin(gateway, cookie, '/events')
    const slow = await begin(gateway, cookie, '/slow')
    const idle = connect(gateway.port, '127.0.0.1')
    await once(idle, 'connect')
    const closed = gateway.close()
    expect(await textOf(events)).toBe('data: 1\n\n')
    await socketClosed
    const refused = connect(gateway.port, '127.0.0.1')
    const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException]
    expect(error.code).toBe('ECONNREFUSED')
    finish()
    expect(await textOf(slow)).toBe('first last')
    await closed
    idle.destroy()
  })

  test('lets a login in progress finish', async () => {
    const vendor = await gatewayVendor()
    const gateway = await startTestGateway({
      target: upstreamPort,
      options: {
        provider: {
          acme: plainOf(vendor, {
            identity: async () => {
              await sleep(300)
              return { id: 'late', claims: {} }
            },
          }),
        },
      },
    })
    const login = logIn(gateway)
    await eventually(
      'the callback',
      () => vendor.requests.some(({ endpoint }) => endpoint === 'token') || undefined,
    )
    await sleep(100)
    const closed = gateway.close()
    expect(await login).toMatch(/^ngrok\.session=/)
    await closed
  })

  test('ends requests that take longer than the limit', async () => {
    const gateway = await startTestGateway({ target: upstreamPort, limits: { drainMs: 200 } })
    const slow = await begin(gateway, await logIn(gateway), '/slow')
    const startedAt = Date.now()
    const text = textOf(slow)
    await gateway.close()
    await expect(text).rejects.toThrow('aborted')
    expect(Date.now() - startedAt).toBeLessThan(2000)
    await gateway.close()
  })

  test('tells probes on open connections that it is not ready, and closes these connections', async () => {
    const gateway = await startTestGateway({ target: upstreamPort })
    const slow = await begin(gateway, await logIn(gateway), '/slow')
    const socket = connect(gateway.port, '127.0.0.1')
    // A request that has begun, so that the connection is not idle.
    socket.write(`GET /auth/ready HTTP/1.1\r\nHost: localhost:${gateway.port}\r\n`)
    await sleep(100)
    const closed = gateway.close()
    socket.write('\r\n')
    let text = ''
    socket.on('data', (chunk) => (text += String(chunk)))
    await once(socket, 'close')
    expect(text).toContain('HTTP/1.1 503')
    finish()
    await textOf(slow)
    await closed
  })

  test('a port that is in use is an error, and leaves nothing behind', async () => {
    await expect(
      startTestGateway({
        target: upstreamPort,
        listen: { host: '127.0.0.1', port: upstreamPort },
      }),
    ).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})

describe('the log', () => {
  test('has a line of JSON for each request, without queries, cookies, and tokens', async () => {
    const written = { out: '', error: '' }
    const logger = new JsonLog(
      { write: (text) => void (written.out += text) },
      { write: (text) => void (written.error += text) },
    )
    const gateway = await startTestGateway({ target: upstreamPort, logger })
    const cookie = await logIn(gateway)
    await sendRawRequest(gateway.port, {
      target: '/page?token=hidden-in-query',
      headers: [`Cookie: ${cookie}`, 'Authorization: Bearer hidden-in-header'],
    })
    await sendRawRequest(gateway.port, { method: 'TRACE', target: `/${'x'.repeat(5000)}` })
    await eventually('the lines', () => written.out.includes('TRACE') || undefined)
    const lines = written.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    const requests = lines.filter(({ message }) => message === 'request')
    expect(requests.map(({ method, path, status }) => [method, path, status])).toEqual([
      ['GET', '/', 302],
      ['GET', '/auth/callback', 302],
      ['GET', '/page', 200],
      ['TRACE', `/${'x'.repeat(2047)}`, 405],
    ])
    expect(requests[2]).toMatchObject({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      level: 'info',
      durationMs: expect.any(Number),
      address: '127.0.0.1',
      user: 'acme:u-77',
    })
    const vendor = await gatewayVendor()
    for (const hidden of ['hidden', cookie.split('=')[1] ?? '', secret, vendor.clientSecret])
      expect(written.out + written.error).not.toContain(hidden)
    expect(written.out).not.toMatch(/code=|state=/)
  })

  test('writes warnings and errors to the other stream, and debug lines only if asked', () => {
    const written = { out: '', error: '' }
    const outputs = [
      { write: (text: string) => void (written.out += text) },
      { write: (text: string) => void (written.error += text) },
    ] as const
    const log = new JsonLog(...outputs, false)
    log.debug('quiet')
    log.info('a', { b: 'line\nbreak' })
    log.warn('w')
    log.error('e', { code: 'internal' })
    log.flush()
    expect(written.out.trim().split('\n')).toHaveLength(1)
    expect(JSON.parse(written.out)).toMatchObject({ level: 'info', message: 'a', b: 'line\nbreak' })
    expect(
      written.error
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { level: string }).level),
    ).toEqual(['warn', 'error'])
    const verbose = new JsonLog(...outputs, true)
    verbose.debug('loud')
    verbose.flush()
    expect(written.out).toContain('loud')
  })
})
