import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { logIn } from '../support/corpus.js'
import { stopAll, stopping } from '../support/gate.js'
import { startTestGateway, type TestGateway } from '../support/gateway.js'
import { eventually } from '../support/programs.js'
import { sendRaw } from '../support/raw.js'

/** What the upstream has read, and how it responds. */
const heads: string[] = []
let respond: (socket: Socket, head: string) => void
const ok = (body: string | Buffer) => (socket: Socket) => {
  const head = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`)
  socket.write(Buffer.concat([head, Buffer.from(body)]))
}

let gateway: TestGateway
let cookie: string
let upstreamPort: number

beforeAll(async () => {
  upstreamPort = await startUpstream()
  gateway = await startTestGateway({
    target: upstreamPort,
    allowPaths: ['GET /open'],
    limits: { responseMs: 400 },
  })
  cookie = await logIn(gateway)
})
afterAll(stopAll)

/** Shows the bytes of a request, which a server of Node does not. */
async function startUpstream(): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    let text = ''
    socket.on('error', () => undefined)
    socket.on('data', (data) => {
      text += data.toString('latin1')
      // The bodies of these tests arrive together with their head.
      if (!text.includes('\r\n\r\n')) return
      const head = text
      text = ''
      heads.push(head)
      respond(socket, head)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stopping({
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  })
  return (server.address() as AddressInfo).port
}

async function send(method: string, headers: Record<string, string> = {}, body?: string) {
  heads.length = 0
  const req = request({
    host: '127.0.0.1',
    port: gateway.port,
    method,
    agent: false,
    headers: { host: `localhost:${gateway.port}`, cookie, accept: 'text/plain', ...headers },
  })
  req.end(body)
  const [res] = (await once(req, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of res) chunks.push(chunk as Buffer)
  return { status: res.statusCode, headers: res.headers, body: Buffer.concat(chunks) }
}

/** The lines after the request line. */
function linesOf(head = ''): string[] {
  return (head.split('\r\n\r\n')[0] ?? '').split('\r\n').slice(1)
}

describe('requests without a body', () => {
  test.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])(
    'say so in a way that every server understands: %s',
    async (method) => {
      respond = ok(method === 'HEAD' ? '' : 'yes')
      expect((await send(method)).status).toBe(200)
      expect(heads).toHaveLength(1)
      const framing = linesOf(heads[0]).filter((line) =>
        /^(?:content-length|transfer-encoding|host|connection):/i.test(line),
      )
      expect(framing.map((line) => line.toLowerCase()).sort()).toEqual([
        'connection: keep-alive',
        ...(method === 'GET' || method === 'HEAD' ? [] : ['content-length: 0']),
        `host: localhost:${gateway.port}`,
      ])
    },
  )

  test('reach the upstream with the same headers as those with a body', async () => {
    respond = ok('yes')
    const headers = {
      'x-name': 'a, b',
      'x-empty': '',
      connection: 'close, x-hop',
      'x-hop': '1',
      te: 'trailers',
      expect: '100-continue',
      'x-forwarded-for': '192.0.2.1',
      'ngrok-auth-user-id': 'forged',
    }
    await send('PUT', { ...headers, 'content-length': '1' }, 'x')
    const [withBody] = heads
    await send('PUT', { ...headers, 'content-length': '0' })
    const [without] = heads
    const sorted = (head: string | undefined) =>
      linesOf(head)
        .map((line) => line.replace(/^content-length: \d$/i, 'content-length: …'))
        .sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1))
    expect(sorted(without)).toEqual(sorted(withBody))
    expect(sorted(without)).toEqual(expect.arrayContaining(['x-name: a, b', 'x-empty: ']))
    expect(sorted(without).join()).not.toMatch(/x-hop|trailers|100-continue|192\.0\.2\.1|forged/)
  })

  test('keep bytes beyond ASCII in their headers', async () => {
    respond = ok('yes')
    heads.length = 0
    const host = `localhost:${gateway.port}`
    await sendRaw(
      gateway.port,
      `GET /open HTTP/1.1\r\nHost: ${host}\r\nX-Name: caf\xe9\r\nConnection: close\r\n\r\n`,
    )
    expect(linesOf(heads[0])).toContain('x-name: caf\xe9')
  })

  test('of HTTP/1.0 without Host get the one of the upstream', async () => {
    respond = ok('yes')
    heads.length = 0
    const answer = await sendRaw(gateway.port, 'GET /open HTTP/1.0\r\n\r\n')
    expect(answer).toMatchObject({ status: 200, body: 'yes' })
    expect(linesOf(heads[0])).toContain(`host: 127.0.0.1:${upstreamPort}`)
  })

  test('get every byte of the response, whatever its length', async () => {
    for (const length of [0, 1, 4096, 4097, 60_000, 1_000_000]) {
      const body = randomBytes(length)
      respond = ok(body)
      const answer = await send('GET')
      expect(answer.headers['content-length']).toBe(String(length))
      expect(answer.body.equals(body)).toBe(true)
    }
  })

  test('get every byte of a response that arrives in parts', async () => {
    const body = randomBytes(300)
    respond = (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n')
      socket.write(body.subarray(0, 100))
      setTimeout(() => socket.write(body.subarray(100)), 50)
    }
    expect((await send('GET')).body.equals(body)).toBe(true)
  })

  test('whose response does not come are sent once, also over a connection that was used before', async () => {
    respond = ok('yes')
    expect((await send('GET')).status).toBe(200)
    respond = () => undefined
    expect((await send('GET')).status).toBe(504)
    expect(heads).toHaveLength(1)
  })

  test('whose clients leave while the response arrives leave the gateway running', async () => {
    let ended = 0
    respond = (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
      const writing = setInterval(() => socket.write(`1000\r\n${'x'.repeat(4096)}\r\n`), 1)
      socket.once('close', () => {
        clearInterval(writing)
        ended++
      })
    }
    for (let client = 0; client < 20; client++) {
      const socket = connect(gateway.port, '127.0.0.1')
      socket.on('error', () => undefined)
      socket.write(`GET / HTTP/1.1\r\nHost: localhost:${gateway.port}\r\nCookie: ${cookie}\r\n\r\n`)
      await once(socket, 'data')
      if (client % 2 === 0) socket.destroy()
      else socket.resetAndDestroy()
    }
    await eventually('the end of the requests', () => ended === 20 || undefined, 10_000)
    respond = ok('yes')
    expect((await send('GET')).status).toBe(200)
  })
})
