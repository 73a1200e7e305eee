import { once } from 'node:events'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { IncomingHttpHeaders } from 'node:http'
import { WebSocket, WebSocketServer } from 'ws'
import { logIn } from '../support/corpus.js'
import { stopAll } from '../support/gate.js'
import { startTestGateway, startUpstream, type TestGateway } from '../support/gateway.js'
import { eventually } from '../support/programs.js'
import { sendRaw, sendRawRequest } from '../support/raw.js'

let gateway: TestGateway
let cookie: string
let upstreamPort: number
/** What the upstream saw of the latest upgrade. */
let seen: IncomingHttpHeaders = {}
let rejects: string | undefined
const sockets = new WebSocketServer({ noServer: true })

beforeAll(async () => {
  const { port, server } = await startUpstream((req, res) => res.end(`http ${req.url}`))
  upstreamPort = port
  server.on('upgrade', (req, socket, head) => {
    seen = req.headers
    if (rejects !== undefined) return void socket.end(rejects)
    sockets.handleUpgrade(req, socket, head, (opened) => {
      opened.on('message', (data, isBinary) => opened.send(data, { binary: isBinary }))
    })
  })
  gateway = await startTestGateway({ target: port })
  cookie = await logIn(gateway)
})
afterAll(async () => {
  for (const one of sockets.clients) one.terminate()
  await stopAll()
})

function open(
  { port }: Pick<TestGateway, 'port'> = gateway,
  headers: Record<string, string> = { cookie },
  path = '/socket',
): WebSocket {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, {
    headers: { host: `localhost:${port}`, ...headers },
  })
  socket.on('error', () => undefined)
  return socket
}

async function refusal(socket: WebSocket): Promise<{ status: number; body: string }> {
  const [, res] = (await once(socket, 'unexpected-response')) as [
    unknown,
    AsyncIterable<Buffer> & { statusCode: number },
  ]
  let body = ''
  for await (const chunk of res) body += chunk.toString()
  return { status: res.statusCode, body }
}

describe('a WebSocket', () => {
  test('of a user with a session passes, with the identity and without our cookies', async () => {
    const socket = open(gateway, {
      cookie: `theme=dark; ${cookie}`,
      'ngrok-auth-user-id': 'attacker',
      Ngrok_Auth_User_Email: 'attacker',
      'X-Forwarded-For': '10.1.1.1',
    })
    await once(socket, 'open')
    const large = Buffer.alloc(300_000, 7)
    socket.send(large)
    const [echo] = (await once(socket, 'message')) as [Buffer]
    expect(echo.equals(large)).toBe(true)
    expect(seen).toMatchObject({
      cookie: 'theme=dark',
      'ngrok-auth-user-id': 'u-77',
      'x-forwarded-for': '127.0.0.1',
      connection: 'Upgrade',
      upgrade: 'websocket',
    })
    expect(JSON.stringify(seen)).not.toContain('attacker')
    socket.close(1000)
    const [code] = (await once(socket, 'close')) as [number]
    expect(code).toBe(1000)
    await eventually('the line', () =>
      gateway.lines.find(
        ({ details }) => details['path'] === '/socket' && details['status'] === 101,
      ),
    )
  })

  test('without a session gets 401, and does not reach the upstream', async () => {
    seen = {}
    const { status, body } = await refusal(open(gateway, {}))
    expect([status, JSON.parse(body)]).toMatchObject([401, { error: 'login_required' }])
    expect(seen).toEqual({})
  })

  test('of a page of another origin gets 401', async () => {
    expect(await refusal(open(gateway, { cookie, origin: 'https://evil.example' }))).toMatchObject({
      status: 401,
    })
    const own = open(gateway, { cookie, origin: gateway.origin })
    await once(own, 'open')
    own.terminate()
  })

  test('to a special path gets 404', async () => {
    for (const path of ['/auth/session', '/AUTH/x', '/a/..%2fauth/x'])
      expect(await refusal(open(gateway, { cookie }, path))).toMatchObject({ status: 404 })
  })

  test('ends when its session ends, on both sides', async () => {
    const own = await logIn(gateway)
    const socket = open(gateway, { cookie: own })
    await once(socket, 'open')
    const before = sockets.clients.size
    const closed = once(socket, 'close')
    const logout = await sendRawRequest(gateway.port, {
      target: '/auth/logout',
      headers: [`Cookie: ${own}`, 'Sec-Fetch-Site: same-origin'],
    })
    expect(logout.body).toContain('You are signed out')
    await closed
    await eventually('the end', () => sockets.clients.size < before || undefined)
  })

  test('ends when the other side vanishes', async () => {
    const socket = open()
    await once(socket, 'open')
    const before = sockets.clients.size
    socket.terminate()
    await eventually('the end', () => sockets.clients.size < before || undefined)
    const other = open()
    await once(other, 'open')
    const closed = once(other, 'close')
    for (const one of sockets.clients) one.terminate()
    await closed
  })

  test('that the upstream rejects gets its response', async () => {
    rejects =
      'HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\nX-Why: full\r\nConnection: close\r\n\r\nsorry!'
    const answer = await refusal(open())
    rejects = undefined
    expect(answer).toEqual({ status: 403, body: 'sorry!' })
  })

  test('gets 502 if the upstream cannot be reached', async () => {
    const { port, close } = await startUpstream(() => undefined)
    await close()
    const other = await startTestGateway({ target: port })
    const { status, body } = await refusal(open(other, { cookie: await logIn(other) }))
    expect([status, JSON.parse(body)]).toMatchObject([502, { error: 'upstream_unreachable' }])
  })

  test('may be anonymous with unauthenticated: pass, or if the gate is disabled, without an identity', async () => {
    for (const options of [{ unauthenticated: 'pass' as const }, { enabled: false }]) {
      const other = await startTestGateway({ target: upstreamPort, options })
      const socket = open(other, { cookie: 'a=b', ngrok_auth_user_id: 'attacker' })
      await once(socket, 'open')
      expect(seen.cookie).toBe('a=b')
      expect(JSON.stringify(seen)).not.toContain('attacker')
      socket.terminate()
    }
  })
})

describe('an upgrade to another protocol', () => {
  test('is handled as a request without it, with its body', async () => {
    for (const [upgrade, connection] of [
      ['h2c', 'Upgrade, HTTP2-Settings'],
      ['foo', 'upgrade'],
    ]) {
      const res = await new Promise<{ status: number | undefined; body: string }>(
        (resolve, reject) => {
          const req = request(
            {
              host: '127.0.0.1',
              port: gateway.port,
              method: 'POST',
              path: '/x',
              agent: false,
              headers: {
                host: `localhost:${gateway.port}`,
                cookie,
                connection,
                upgrade,
                'http2-settings': 'AAMAAABkAAQAAP__',
                'content-length': 5,
              },
            },
            (incoming) => {
              let body = ''
              incoming.on('data', (chunk) => (body += String(chunk)))
              incoming.on('end', () => resolve({ status: incoming.statusCode, body }))
            },
          )
          req.on('error', reject)
          req.end('hello')
        },
      )
      expect(res).toEqual({ status: 200, body: 'http /x' })
    }
  })

  test('needs a session as any request, and closes the connection if asked to', async () => {
    const answer = await sendRaw(
      gateway.port,
      `GET / HTTP/1.1\r\nHost: localhost:${gateway.port}\r\nAccept: application/json\r\nUpgrade: h2c\r\nConnection: upgrade, close\r\n\r\n`,
    )
    expect(answer.status).toBe(401)
    const other = await sendRaw(
      gateway.port,
      `GET /y HTTP/1.1\r\nHost: localhost:${gateway.port}\r\nCookie: ${cookie}\r\nUpgrade: h2c\r\nConnection: upgrade, close\r\n\r\n`,
    )
    expect(other).toMatchObject({ status: 200, body: 'http /y' })
  })

  test('to WebSocket by another method than GET is none', async () => {
    const answer = await sendRaw(
      gateway.port,
      `POST /z HTTP/1.1\r\nHost: localhost:${gateway.port}\r\nCookie: ${cookie}\r\nUpgrade: websocket\r\nConnection: upgrade, close\r\nContent-Length: 0\r\n\r\n`,
    )
    expect(answer).toMatchObject({ status: 200, body: 'http /z' })
  })

  test('by a client that leaves at once does no harm', async () => {
    for (let count = 0; count < 20; count++) {
      const socket = connect(gateway.port, '127.0.0.1')
      socket.on('error', () => undefined)
      await once(socket, 'connect')
      socket.write(
        `GET /socket HTTP/1.1\r\nHost: localhost:${gateway.port}\r\nCookie: ${cookie}\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
      )
      socket.resetAndDestroy()
    }
    expect((await sendRawRequest(gateway.port, { headers: [`Cookie: ${cookie}`] })).status).toBe(
      200,
    )
  })
})

describe('connections that Node hands over', () => {
  const head = (start: string, more = '') =>
    `${start} HTTP/1.1\r\nHost: localhost:${gateway.port}\r\n${more}\r\n`
  const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n'

  test.each([
    ['CONNECT', () => head('CONNECT a.example:443')],
    ['an upgrade without a session', () => head('GET /', upgrade)],
    ['an upgrade to another protocol', () => head('GET /', upgrade.replace('websocket', 'h2c'))],
  ])('%s: a client that resets the connection does not end the process', async (_, bytes) => {
    const failed: unknown[] = []
    const record = (error: unknown) => void failed.push(error)
    process.on('uncaughtException', record)
    for (let round = 0; round < 10; round++) {
      const socket = connect(gateway.port, '127.0.0.1').on('error', () => undefined)
      await once(socket, 'connect')
      socket.write(bytes())
      await sleep(round)
      socket.resetAndDestroy()
    }
    await sleep(100)
    process.off('uncaughtException', record)
    expect(failed).toEqual([])
    expect((await sendRawRequest(gateway.port, {})).status).toBe(302)
  })

  test.each([
    ['CONNECT', () => head('CONNECT a.example:443')],
    ['an upgrade without a session', () => head('GET /', upgrade)],
  ])(
    '%s: the connection ends, even if the client keeps its side open',
    async (_, bytes) => {
      const socket: Socket = connect({ port: gateway.port, host: '127.0.0.1', allowHalfOpen: true })
      socket.on('error', () => undefined)
      await once(socket, 'connect')
      socket.write(bytes())
      socket.resume()
      await once(socket, 'end')
      const poke = setInterval(() => socket.write('x'), 200)
      await new Promise<void>((resolve) => socket.once('close', () => resolve()))
      clearInterval(poke)
    },
    10_000,
  )
})

test('a client that does not read does not delay the end of the gateway', async () => {
  const { port, server } = await startUpstream((_req, res) => res.end())
  server.on('upgrade', (req, socket, head) =>
    sockets.handleUpgrade(req, socket, head, (opened) => opened.send(Buffer.alloc(20_000_000))),
  )
  const other = await startTestGateway({ target: port })
  const socket = connect(other.port, '127.0.0.1').on('error', () => undefined)
  socket.pause()
  const lines = ['GET /socket HTTP/1.1', `Host: localhost:${other.port}`]
  lines.push(`Cookie: ${await logIn(other)}`, 'Connection: Upgrade', 'Upgrade: websocket')
  lines.push('Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', '', '')
  socket.write(lines.join('\r\n'))
  await sleep(500)
  const before = Date.now()
  await other.close()
  expect(Date.now() - before).toBeLessThan(9000)
  socket.destroy()
}, 30_000)
