import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  Agent,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request,
  type RequestListener,
  type RequestOptions,
} from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { logIn } from '../support/corpus.js'
import { stopAll, stopping } from '../support/gate.js'
import { startTestGateway, startUpstream, type TestGateway } from '../support/gateway.js'
import { eventually } from '../support/programs.js'
import { sendRaw, sendRawRequest } from '../support/raw.js'

let upstream: RequestListener
let gateway: TestGateway
let cookie: string
/** The connections of the upstream. */
const connections = new Set<Socket>()

beforeAll(async () => {
  const { port, server } = await startUpstream((req, res) => upstream(req, res))
  server.on('connection', (socket) => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })
  gateway = await startTestGateway({ target: port })
  cookie = await logIn(gateway)
})
afterAll(stopAll)
beforeEach(() => {
  gateway.lines.length = 0
})

type SendOptions = Omit<RequestOptions, 'headers'> & { headers?: OutgoingHttpHeaders }

function send(options: SendOptions = {}): ClientRequest {
  const { headers, ...others } = options
  return request({
    host: '127.0.0.1',
    port: gateway.port,
    agent: false,
    ...others,
    headers: { host: `localhost:${gateway.port}`, cookie, ...headers },
  })
}

async function responseOf(req: ClientRequest): Promise<IncomingMessage> {
  const [res] = (await once(req, 'response')) as [IncomingMessage]
  return res
}

async function textOf(stream: AsyncIterable<unknown>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

async function fetchText(options: SendOptions = {}, body?: string | Buffer) {
  const req = send(options)
  req.end(body)
  const res = await responseOf(req)
  return { status: res.statusCode, headers: res.headers, res, body: await textOf(res) }
}

/** A server that speaks bytes. */
async function startBytes(listener: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    listener(socket)
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return stopping({
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}

/** Listens, but accepts nothing, and its queue of connections is full. Returns the port. */
async function startFull(): Promise<number> {
  const program = `
    const server = require('node:net').createServer()
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      require('node:fs').writeSync(1, String(server.address().port))
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
    })`
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const sockets: Socket[] = []
  stopping({
    close: async () => {
      for (const socket of sockets) socket.destroy()
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  })
  const [port] = (await once(child.stdout, 'data')) as [Buffer]
  for (;;) {
    const socket = connect(Number(port), '127.0.0.1')
    sockets.push(socket)
    socket.on('error', () => undefined)
    // Several turns of the event loop, so that a busy machine does not look like a full queue.
    for (let turn = 0; turn < 10 && socket.connecting; turn++) await sleep(50)
    if (socket.connecting) return Number(port)
  }
}

describe('requests', () => {
  test('reach the upstream as they were sent, with the identity and without our cookies', async () => {
    let seen:
      { method?: string; url?: string; headers: IncomingHttpHeaders; body: string } | undefined
    upstream = (req, res) =>
      void textOf(req).then((body) => {
        const { method = '', url = '', headers } = req
        seen = { method, url, headers, body }
        res.end('ok')
      })
    const path = '/a//b/../c;d=%2f/%41?q=%00&q=<>'
    const answer = await fetchText(
      { method: 'PUT', path, headers: { cookie: `theme=dark; ${cookie}`, 'X-One': ['1', '2'] } },
      'the body',
    )
    expect(answer).toMatchObject({ status: 200, body: 'ok' })
    expect(seen).toMatchObject({ method: 'PUT', url: path, body: 'the body' })
    expect(seen?.headers).toMatchObject({
      host: `localhost:${gateway.port}`,
      cookie: 'theme=dark',
      'x-one': '1, 2',
      'ngrok-auth-user-id': 'u-77',
      'ngrok-auth-user-email': 'pat@acme.example',
      'ngrok-auth-oauth-access-token': expect.stringMatching(/^\w{20,}$/),
      'ngrok-auth-oauth-refresh-token': expect.stringMatching(/^\w{20,}$/),
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': `localhost:${gateway.port}`,
    })
  })

  test.each([
    ['fixed', { 'content-length': '100000' }],
    ['chunked', { 'transfer-encoding': 'chunked' }],
  ])('with a %s body arrive unchanged, whatever the method', async (_, headers) => {
    const sent = randomBytes(100_000)
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'GET', 'PROPFIND']) {
      const seen: Buffer[] = []
      let framing: IncomingHttpHeaders = {}
      upstream = (req, res) => {
        framing = req.headers
        req.on('data', (chunk: Buffer) => seen.push(chunk)).on('end', () => res.end(req.method))
      }
      expect(await fetchText({ method, headers }, sent)).toMatchObject({
        status: 200,
        body: method,
      })
      expect(Buffer.concat(seen).equals(sent)).toBe(true)
      expect(framing).toMatchObject(headers)
    }
  })

  test('lose hop-by-hop headers, also those that Connection names, but not their framing', async () => {
    let seen: IncomingHttpHeaders = {}
    upstream = (req, res) =>
      void textOf(req).then((body) => {
        seen = req.headers
        res.end(body)
      })
    const answer = await sendRawRequest(gateway.port, {
      method: 'POST',
      headers: [
        `Cookie: ${cookie}`,
        'Connection: close, X-Private, x_other, Content-Length, Host, ngrok-auth-user-id, X-Forwarded-For',
        'X-Private: 1',
        'Keep-Alive: timeout=5',
        'TE: trailers',
        'Proxy-Authorization: Basic eDp5',
        'Proxy-Connection: keep-alive',
        'Trailer: X-End',
        'HTTP2-Settings: AAMAAABkAAQAAP__',
        'Content-Length: 4',
      ],
      body: 'body',
    })
    expect(answer).toMatchObject({ status: 200, body: 'body' })
    const names = Object.keys(seen)
    for (const name of ['x-private', 'keep-alive', 'te', 'trailer', 'http2-settings'])
      expect(names).not.toContain(name)
    expect(names.filter((name) => name.startsWith('proxy-'))).toEqual([])
    expect(seen).toMatchObject({
      connection: 'keep-alive',
      'ngrok-auth-user-id': 'u-77',
      'x-forwarded-for': '127.0.0.1',
      host: `localhost:${gateway.port}`,
    })
  })

  test('wait for 100 Continue until the gate has let them pass', async () => {
    upstream = (req, res) =>
      void textOf(req).then((body) => res.end(`${body} ${req.headers.expect}`))
    const expecting = { method: 'POST', headers: { expect: '100-continue', 'content-length': '4' } }
    const req = send(expecting)
    req.flushHeaders()
    await once(req, 'continue')
    req.end('body')
    expect(await textOf(await responseOf(req))).toBe('body undefined')

    const anonymous = send({ ...expecting, headers: { ...expecting.headers, cookie: '' } })
    let continued = false
    anonymous.on('continue', () => (continued = true))
    anonymous.flushHeaders()
    const res = await responseOf(anonymous)
    expect(res.statusCode).toBe(401)
    expect(res.headers.connection).toBe('close')
    expect(continued).toBe(false)
    anonymous.destroy()
  })

  test('of HTTP/1.0 are closed after the response, which is not chunked', async () => {
    upstream = (_req, res) => {
      res.write('one ')
      res.end('two')
    }
    const answer = await sendRaw(
      gateway.port,
      `GET / HTTP/1.0\r\nHost: localhost:${gateway.port}\r\nCookie: ${cookie}\r\n\r\n`,
    )
    expect(answer).toMatchObject({ status: 200, body: 'one two' })
    expect(answer.headers['transfer-encoding']).toBeUndefined()
    expect(answer.headers['connection']).toBe('close')
  })

  test('share connections to the upstream', async () => {
    upstream = (_req, res) => res.end('ok')
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    await fetchText({ agent })
    const before = connections.size
    for (let count = 0; count < 20; count++) await fetchText({ agent })
    agent.destroy()
    expect(connections.size).toBe(before)
  })

  test('that are pipelined get their responses in order', async () => {
    upstream = (req, res) => void setTimeout(() => res.end(req.url), req.url === '/1' ? 50 : 0)
    const lines = (path: string, close: string) =>
      `GET ${path} HTTP/1.1\r\nHost: localhost:${gateway.port}\r\nCookie: ${cookie}\r\n${close}\r\n`
    const answer = await sendRaw(
      gateway.port,
      lines('/1', '') + lines('/2', '') + lines('/3', 'Connection: close\r\n'),
    )
    expect(answer.text.match(/\r\n\r\n\/\d/g)).toEqual(['\r\n\r\n/1', '\r\n\r\n/2', '\r\n\r\n/3'])
  })
})

describe('responses', () => {
  test('reach the client with their headers, repeated ones and Set-Cookie included', async () => {
    upstream = (_req, res) => {
      res.writeHead(203, 'Fine by me', [
        ...['Set-Cookie', 'a=1; Path=/'],
        ...['Set-Cookie', 'b=2'],
        ...['Link', '</a>; rel=preload'],
        ...['Link', '</b>; rel=preload'],
        ...['X-MiXed', 'é'],
        ...['Cache-Control', 'public, max-age=60'],
        ...['Connection', 'close, X-Hop'],
        ...['X-Hop', '1'],
        ...['Proxy-Authenticate', 'Basic'],
        ...['Upgrade', 'h2c'],
      ])
      res.end('body')
    }
    const answer = await sendRawRequest(gateway.port, { headers: [`Cookie: ${cookie}`] })
    expect(answer.text).toMatch(/^HTTP\/1\.1 203 Fine by me\r\n/)
    const named = (name: string) =>
      answer.lines.filter(([one]) => one === name).map(([, value]) => value)
    expect(named('Set-Cookie')).toEqual(['a=1; Path=/', 'b=2'])
    expect(named('Link')).toEqual(['</a>; rel=preload', '</b>; rel=preload'])
    expect(named('X-MiXed')).toEqual(['é'])
    expect(named('Cache-Control')).toEqual(['public, max-age=60'])
    for (const name of ['X-Hop', 'Proxy-Authenticate', 'Upgrade']) expect(named(name)).toEqual([])
    expect(answer.body).toBe('body')
  })

  test('of HEAD, 204, 304 and ranges keep their headers and have the right body', async () => {
    const body = Buffer.from('0123456789')
    upstream = (req, res) => {
      if (req.headers['if-none-match'] === '"x"')
        return void res.writeHead(304, { ETag: '"x"', 'Content-Length': '10' }).end()
      if (req.url === '/204') return void res.writeHead(204).end()
      const range = /bytes=(\d+)-(\d+)/.exec(req.headers.range ?? '')
      if (range === null) return void res.writeHead(200, { 'Content-Length': '10' }).end(body)
      const part = body.subarray(Number(range[1]), Number(range[2]) + 1)
      res.writeHead(206, {
        'Content-Range': `bytes ${range[1]}-${range[2]}/10`,
        'Content-Length': part.length,
      })
      res.end(part)
    }
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const head = await fetchText({ method: 'HEAD', agent })
    expect(head).toMatchObject({ status: 200, body: '', headers: { 'content-length': '10' } })
    const unchanged = await fetchText({ agent, headers: { 'if-none-match': '"x"' } })
    expect(unchanged).toMatchObject({ status: 304, body: '', headers: { etag: '"x"' } })
    expect(await fetchText({ agent, path: '/204' })).toMatchObject({ status: 204, body: '' })
    const part = await fetchText({ agent, headers: { range: 'bytes=2-4' } })
    expect(part).toMatchObject({
      status: 206,
      body: '234',
      headers: { 'content-range': 'bytes 2-4/10' },
    })
    expect(await fetchText({ agent })).toMatchObject({ status: 200, body: '0123456789' })
    agent.destroy()
  })

  test('with trailers keep them', async () => {
    upstream = (_req, res) => {
      res.writeHead(200, { Trailer: 'X-Checksum' })
      res.write('body')
      res.addTrailers({ 'X-Checksum': 'abc' })
      res.end()
    }
    const { res, body } = await fetchText()
    expect(body).toBe('body')
    expect(res.trailers).toEqual({ 'x-checksum': 'abc' })
  })

  test('of streams arrive event by event, and their head before the first event', async () => {
    const sources: { write(text: string): void; end(): void }[] = []
    upstream = (_req, res) => {
      res.writeHead(200, { 'Content-Type': 'text/event-stream' })
      res.flushHeaders()
      sources.push({ write: (text) => void res.write(text), end: () => void res.end() })
    }
    const req = send()
    req.end()
    const res = await responseOf(req)
    const [source] = sources
    const received: string[] = []
    res.on('data', (chunk: Buffer) => received.push(chunk.toString()))
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      source?.write(event)
      await eventually('the event', () => received.includes(event) || undefined)
    }
    source?.end()
    await once(res, 'end')
  })

  test('with interim responses pass Early Hints on', async () => {
    upstream = (_req, res) => {
      res.writeProcessing()
      res.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' })
      res.end('body')
    }
    const req = send()
    const interim: (string | undefined)[] = []
    req.on('information', ({ statusCode, headers }) => {
      interim.push(`${statusCode} ${headers['link'] ?? ''}`)
    })
    req.end()
    expect(await textOf(await responseOf(req))).toBe('body')
    expect(interim).toEqual(['102 ', '103 </style.css>; rel=preload; as=style'])
  })

  test('that come before the upload has ended reach the client, and the connection stays usable', async () => {
    upstream = (_req, res) => void res.writeHead(413).end('too large')
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const req = send({ method: 'POST', agent, headers: { 'content-length': '2000000' } })
    req.write(Buffer.alloc(1_000_000))
    const res = await responseOf(req)
    expect([res.statusCode, await textOf(res)]).toEqual([413, 'too large'])
    req.end(Buffer.alloc(1_000_000))
    upstream = (_req, res) => res.end('next')
    expect(await fetchText({ agent })).toMatchObject({ status: 200, body: 'next' })
    agent.destroy()
  })
})

describe('aborts', () => {
  test('a client that leaves ends the request to the upstream, before and during the response', async () => {
    for (const starts of [false, true]) {
      let closed = false
      upstream = (_req, res) => {
        if (starts) res.write('start')
        res.once('close', () => (closed = true))
      }
      const req = send()
      req.on('error', () => undefined)
      req.end()
      if (starts) await responseOf(req)
      else await sleep(50)
      req.destroy()
      await eventually('the end of the request', () => closed || undefined, 2000)
    }
    const aborted = gateway.lines.filter(({ details }) => details['aborted'] === true)
    expect(aborted).toHaveLength(2)
  })

  test('a client that leaves during its upload ends the request to the upstream', async () => {
    let outcome = ''
    upstream = (req) =>
      void textOf(req).then(
        () => (outcome = 'complete'),
        () => (outcome = 'aborted'),
      )
    const req = send({ method: 'POST', headers: { 'content-length': '1000' } })
    req.on('error', () => undefined)
    req.write('part')
    await sleep(50)
    req.destroy()
    await eventually('the end of the upload', () => outcome || undefined, 2000)
    expect(outcome).toBe('aborted')
  })

  test('a client that closes its half of the connection counts as one that has left', async () => {
    let closed = false
    upstream = (_req, res) => void res.once('close', () => (closed = true))
    const socket = connect({ port: gateway.port, host: '127.0.0.1', allowHalfOpen: true })
    socket.end(`GET / HTTP/1.1\r\nHost: localhost:${gateway.port}\r\nCookie: ${cookie}\r\n\r\n`)
    socket.resume()
    await once(socket, 'end')
    await eventually('the end of the request', () => closed || undefined, 2000)
  })

  test.each([
    ['a length', 'Content-Length: 100\r\n\r\nsome'],
    ['chunks', 'Transfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n'],
  ])('an upstream that dies in the middle of %s does not look like a success', async (_, rest) => {
    const { port } = await startBytes((socket) =>
      socket.once('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\n${rest}`)
        setTimeout(() => socket.destroy(), 50)
      }),
    )
    const other = await startTestGateway({ target: port })
    const req = send({ port: other.port, headers: { cookie: await logIn(other) } })
    req.end()
    const res = await responseOf(req)
    await expect(textOf(res)).rejects.toThrow('aborted')
    expect(res.complete).toBe(false)
  })

  test('for HTTP/1.0, whose responses end with the connection, a dead upstream resets it', async () => {
    const { port } = await startBytes((socket) =>
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n')
        setTimeout(() => socket.destroy(), 50)
      }),
    )
    const other = await startTestGateway({ target: port })
    const own = await logIn(other)
    const answer = sendRaw(
      other.port,
      `GET / HTTP/1.0\r\nHost: localhost:${other.port}\r\nCookie: ${own}\r\n\r\n`,
    )
    await expect(answer).rejects.toThrow('ECONNRESET')
  })
})

describe('upstreams that fail', () => {
  const navigation = { accept: 'text/html', 'sec-fetch-mode': 'navigate' }

  test('an unreachable upstream is a 502: a page for navigations, JSON for others', async () => {
    const closed = await startBytes(() => undefined)
    await closed.close()
    const other = await startTestGateway({ target: closed.port })
    const own = await logIn(other)
    const page = await fetchText({ port: other.port, headers: { cookie: own, ...navigation } })
    expect(page).toMatchObject({ status: 502, headers: { 'cache-control': 'no-store' } })
    expect(page.body).toContain('<h1>The application cannot be reached</h1>')
    expect(page.body).toContain('<code>upstream_unreachable</code>')
    const json = await fetchText({
      port: other.port,
      headers: { cookie: own, accept: '*/*', 'sec-fetch-mode': 'cors' },
    })
    expect(json.status).toBe(502)
    expect(JSON.parse(json.body)).toEqual({
      error: 'upstream_unreachable',
      message: expect.stringContaining('not running'),
    })
    const errors = other.lines.filter(({ level }) => level === 'error')
    expect(errors).toHaveLength(1)
    expect(errors[0]?.details).toMatchObject({
      code: 'upstream_unreachable',
      hint: `http://127.0.0.1:${closed.port} cannot be reached (ECONNREFUSED): start the app, and compare its port`,
    })
  })

  test('an upload to an unreachable upstream gets its 502, and the connection stays usable', async () => {
    const closed = await startBytes(() => undefined)
    await closed.close()
    const other = await startTestGateway({ target: closed.port })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const headers = { cookie: await logIn(other), accept: 'application/json' }
    const options = { port: other.port, agent, headers }
    const answer = await fetchText({ ...options, method: 'POST' }, Buffer.alloc(1_000_000))
    expect(answer.status).toBe(502)
    expect((await fetchText(options)).status).toBe(502)
    agent.destroy()
  })

  test.each([
    ['closes the connection', '', 'closed the connection without a response'],
    ['does not speak HTTP', 'SSH-2.0-OpenSSH\r\n', 'HPE_INVALID_CONSTANT'],
    ['has an invalid header', 'HTTP/1.1 200 OK\r\nA: b\rX: y\r\n\r\n', 'HPE_'],
    [
      'has a length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      'HPE_',
    ],
    [
      'switches protocols unasked',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
      'ERR_UNREQUESTED_UPGRADE',
    ],
    [
      'sends headers beyond 16 KiB',
      `HTTP/1.1 200 OK\r\nA: ${'a'.repeat(17_000)}\r\n\r\n`,
      'HPE_HEADER_OVERFLOW',
    ],
  ])('an upstream that %s is a 502', async (_, bytes, hint) => {
    const { port } = await startBytes((socket) => socket.once('data', () => socket.end(bytes)))
    const other = await startTestGateway({ target: port })
    const answer = await fetchText({
      port: other.port,
      headers: { cookie: await logIn(other), accept: 'application/json' },
    })
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([
      502,
      { error: 'upstream_unreachable' },
    ])
    const [error] = other.lines.filter(({ level }) => level === 'error')
    expect(error?.details['hint']).toContain(hint)
  })

  test('headers just below 16 KiB pass in both directions, and longer ones are rejected', async () => {
    upstream = (req, res) => {
      res.setHeader('X-Long', 'r'.repeat(15_500))
      res.end(String(req.headers['x-long']?.length))
    }
    const { port } = await startBytes(() => undefined)
    expect(port).toBeGreaterThan(0)
    const passing = await fetchText({ headers: { 'x-long': 'q'.repeat(14_500) } })
    expect(passing).toMatchObject({ status: 200, body: '14500' })
    expect(passing.headers['x-long']).toHaveLength(15_500)
    const rejected = await fetchText({ headers: { 'x-long': 'q'.repeat(16_500) } })
    expect(rejected.status).toBe(431)
  })

  test('an upstream that never responds is a 504', async () => {
    const { port } = await startBytes(() => undefined)
    const other = await startTestGateway({ target: port, limits: { responseMs: 300 } })
    const headers = { cookie: await logIn(other), accept: 'application/json' }
    const startedAt = Date.now()
    const answer = await fetchText({ port: other.port, headers })
    expect(answer.status).toBe(504)
    expect(JSON.parse(answer.body)).toMatchObject({ error: 'upstream_timeout' })
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(250)
  })

  test.each([
    ['a request', 'GET', {}],
    ['an upload in progress', 'POST', { 'content-length': '4' }],
  ])('%s to an upstream that accepts no connection is a 504', async (_, method, framing) => {
    const other = await startTestGateway({
      target: await startFull(),
      limits: { connectMs: 300, responseMs: 600_000 },
    })
    const headers = { cookie: await logIn(other), accept: 'application/json', ...framing }
    const req = send({ port: other.port, method, headers })
    if (method === 'POST') req.write('ab')
    else req.end()
    const res = await responseOf(req)
    expect(res.statusCode).toBe(504)
    expect(JSON.parse(await textOf(res))).toMatchObject({ error: 'upstream_timeout' })
    req.destroy()
  })

  test('a slow upload and a long stream exceed no limit', async () => {
    const { port } = await startUpstream((req, res) => {
      res.setHeader('X', '1')
      void textOf(req).then(async (body) => {
        res.write(body)
        await sleep(600)
        res.end('!')
      })
    })
    const other = await startTestGateway({
      target: port,
      limits: { responseMs: 200, connectMs: 200 },
    })
    const req = send({
      port: other.port,
      method: 'POST',
      headers: { cookie: await logIn(other), 'content-length': '4' },
    })
    req.write('ab')
    await sleep(600)
    req.end('cd')
    expect(await textOf(await responseOf(req))).toBe('abcd!')
  })

  test('a connection that the upstream has closed meanwhile is replaced, for requests that can be repeated', async () => {
    let count = 0
    const bodies: string[] = []
    // Responds to the first request of each connection, and resets it at the second.
    const { port } = await startBytes((socket) => {
      let requests = 0
      socket.on('data', (data) => {
        count++
        bodies.push(data.toString())
        if (++requests > 1) return void socket.resetAndDestroy()
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      })
    })
    const other = await startTestGateway({ target: port })
    const own = await logIn(other)
    const headers = { cookie: own, accept: 'application/json' }
    const call = (method: string, body?: string) =>
      fetchText({ port: other.port, method, headers }, body)
    expect((await call('GET')).status).toBe(200)
    expect((await call('GET')).status).toBe(200)
    expect(count).toBe(3)
    expect((await call('DELETE')).status).toBe(200)
    // The upstream may have processed it.
    expect((await call('POST', 'x')).status).toBe(502)
  })
})
