import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from '@jest/globals'
import express, { type RequestHandler } from 'express'
import express4 from 'express4'
import { readBody } from '../../src/admin/body.js'
import { AdminError, sendError } from '../../src/admin/errors.js'
import { stopAll, stopping } from '../support/gate.js'
import { listen } from '../support/server.js'

afterEach(stopAll)

interface Echo {
  readonly origin: string
  readonly port: number
  send(body: string | Uint8Array, headers?: Record<string, string>): Promise<EchoResponse>
}

interface EchoResponse {
  readonly status: number
  readonly body: Record<string, unknown>
}

const KB = 1024

/** A server that responds with the body that it has read. */
async function echo(parser?: RequestHandler, timeoutMs?: number, create = express): Promise<Echo> {
  const respond = (req: IncomingMessage, res: ServerResponse) => {
    readBody(req, res, timeoutMs).then(
      (body) => res.end(JSON.stringify(body)),
      (error: unknown) => {
        if (error instanceof AdminError) sendError(res, error)
        else res.writeHead(500).end('{}')
      },
    )
  }
  const app = create()
  if (parser !== undefined) app.use(parser)
  const server = stopping(await listen(app.use(respond)))
  const { origin, port } = server
  return {
    origin,
    port,
    async send(body, headers = {}) {
      const response = await fetch(origin, {
        method: 'PUT',
        body,
        headers: { 'content-type': 'application/json', ...headers },
      })
      return {
        status: response.status,
        body: (await response.json()) as Record<string, unknown>,
      }
    },
  }
}

describe('a body', () => {
  test.each([
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'Application/JSON; charset="utf-8"',
  ])('of the type %s is read', async (type) => {
    const { send } = await echo()
    expect(await send('{"a":"é"}', { 'content-type': type })).toEqual({
      status: 200,
      body: { a: 'é' },
    })
  })

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json; charset=iso-8859-1',
    'application/jsonp',
    'application/json, text/plain',
    'multipart/form-data; boundary=x',
  ])('of the type %s is rejected with 415', async (type) => {
    const { send } = await echo()
    const { status, body } = await send('{}', { 'content-type': type })
    expect([status, body['error_code']]).toEqual([415, 'ERR_NGROK_210'])
  })

  test('without a type is rejected with 415', async () => {
    const { origin } = await echo()
    const response = await fetch(origin, { method: 'PUT', body: new Uint8Array([0x7b, 0x7d]) })
    expect([response.status, await response.json()]).toEqual([
      415,
      expect.objectContaining({ error_code: 'ERR_NGROK_216', details: {} }),
    ])
  })

  test('with a content encoding is rejected with 415', async () => {
    const { send } = await echo()
    const { status, body } = await send(gzipSync('{}'), { 'content-encoding': 'gzip' })
    expect([status, body['error_code']]).toEqual([415, 'ERR_NGROK_210'])
  })

  test.each(['[]', '"x"', '1', 'null', 'true', ''])('%j is rejected', async (text) => {
    const { send } = await echo()
    const { status, body } = await send(text)
    expect([status, body['error_code']]).toEqual([400, 'ERR_NGROK_213'])
  })

  test('of 64 kB is read, and one byte more is rejected with 413', async () => {
    const { send } = await echo()
    const text = (bytes: number) => JSON.stringify({ a: 'x'.repeat(bytes - 8) })
    expect((await send(text(64 * KB))).status).toBe(200)
    expect(await send(text(64 * KB + 1))).toEqual({
      status: 413,
      body: {
        error_code: 'payload_too_large',
        status_code: 413,
        msg: expect.any(String),
        details: {},
      },
    })
  })

  test('that is too long gets a response, whether its length is stated or not', async () => {
    const { send, origin } = await echo()
    expect((await send('x'.repeat(900 * KB))).status).toBe(413)
    const status = await new Promise((resolve, reject) => {
      const req = httpRequest(origin, {
        method: 'PUT',
        headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
      })
      req.on('response', (res) => resolve(res.resume().statusCode)).on('error', reject)
      for (let count = 0; count < 9; count++) req.write('x'.repeat(100 * KB))
      req.end()
    })
    expect(status).toBe(413)
  })

  test('that claims a length of gigabytes is rejected before it is sent', async () => {
    const { port } = await echo()
    const head = await converse(port, 'content-length: 9999999999\r\n\r\n')
    expect(head).toMatch(/^HTTP\/1\.1 413 [^]*connection: close/i)
  })

  test('that arrives too slowly is rejected with 408, and its connection closes', async () => {
    const { port } = await echo(undefined, 200)
    const head = await converse(port, 'content-length: 10\r\n\r\n{"a"')
    expect(head).toMatch(/^HTTP\/1\.1 408 [^]*connection: close[^]*"body_timeout"/i)
  })

  test('that ends early fails nothing else', async () => {
    const { port, send } = await echo()
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    await new Promise((resolve) =>
      socket.write(`${HEAD}content-length: 10\r\n\r\n{"a"`, () => resolve(socket.destroy())),
    )
    expect((await send('{"b":1}')).body).toEqual({ b: 1 })
  })
})

describe('a body that another middleware has read', () => {
  test.each([
    ['express.json() of Express 5', () => echo(express.json())],
    ['express.json() of Express 4', () => echo(express4.json(), undefined, express4)],
    ['express.raw()', () => echo(express.raw({ type: '*/*' }))],
    ['express.text()', () => echo(express.text({ type: '*/*' }))],
    ['a parser for another type', () => echo(express.urlencoded({ extended: true }))],
    [
      'one for another type, of Express 4',
      () => echo(express4.urlencoded({ extended: true }), undefined, express4),
    ],
  ])('by %s is accepted', async (_, start) => {
    const { send } = await start()
    expect(await send('{"a":[1,{"b":"é"}]}')).toEqual({
      status: 200,
      body: { a: [1, { b: 'é' }] },
    })
    expect((await send('{"a":{"__proto__":1}}')).body).toMatchObject({
      error_code: 'ERR_NGROK_214',
      details: { field: 'a.__proto__' },
    })
    expect((await send(`{"a":${'['.repeat(20)}${']'.repeat(20)}}`)).body).toMatchObject({
      error_code: 'ERR_NGROK_213',
    })
    expect((await send(JSON.stringify({ a: 'x'.repeat(70 * KB) }))).status).toBe(413)
    expect(
      (await send('a=1', { 'content-type': 'application/x-www-form-urlencoded' })).status,
    ).toBe(415)
  })

  test('and left nothing of is rejected', async () => {
    const { send } = await echo((req, _res, next) => {
      req.resume().once('end', () => next())
    })
    const { status, body } = await send('{}')
    expect([status, body['error_code']]).toEqual([400, 'ERR_NGROK_213'])
  })
})

const HEAD = 'PUT / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n'

/** Everything that the server sends until it closes the connection. */
function converse(port: number, rest: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(HEAD + rest))
    socket.on('data', (chunk) => (received += chunk.toString()))
    socket.on('close', () => resolve(received)).on('error', reject)
  })
}
