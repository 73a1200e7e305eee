import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { logIn } from '../support/corpus.js'
import { stopAll } from '../support/gate.js'
import { startTestGateway, startUpstream, type TestGateway } from '../support/gateway.js'
import { sendRaw, sendRawRequest } from '../support/raw.js'

interface Seen {
  line: string
  raw: string[]
  body: string
}

let gateway: TestGateway
let cookie: string
let upstreamPort: number
/** The requests that reached the upstream. */
const reached: Seen[] = []

async function record(req: IncomingMessage): Promise<void> {
  let body = ''
  for await (const chunk of req) body += String(chunk)
  reached.push({ line: `${req.method} ${req.url}`, raw: req.rawHeaders, body })
}

beforeAll(async () => {
  const upstream = await startUpstream((req, res) => {
    record(req).then(
      () => res.end('from the app'),
      () => res.destroy(),
    )
  })
  upstreamPort = upstream.port
  gateway = await startTestGateway({ target: upstreamPort })
  cookie = await logIn(gateway)
})
afterAll(stopAll)
beforeEach(() => {
  reached.length = 0
})

/** Sends these bytes after a head with a session. */
function sendWithSession(start: string, rest: string, host = `localhost:${gateway.port}`) {
  return sendRaw(
    gateway.port,
    `${start}\r\nHost: ${host}\r\nCookie: ${cookie}\r\n${rest}`.replace('$PORT', `${gateway.port}`),
  )
}

const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'

describe('request smuggling', () => {
  test.each([
    ['a length and chunks', 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['chunks and a length', 'Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n'],
    ['two lengths', 'Content-Length: 0\r\nContent-Length: 4\r\n\r\n'],
    ['a list of lengths', 'Content-Length: 0, 4\r\n\r\n'],
    ['a signed length', 'Content-Length: +4\r\n\r\n'],
    ['a hexadecimal length', 'Content-Length: 0x4\r\n\r\n'],
    ['a huge length', 'Content-Length: 99999999999999999999999\r\n\r\n'],
    ['an unknown coding', 'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n'],
    ['a coding in front of chunked', 'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['chunked twice', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['chunked and identity', 'Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n'],
    ['a coding in quotes', 'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n'],
    ['a vertical tab', 'Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n'],
    ['a space in front of the colon', 'Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n'],
    ['a folded line', 'Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n'],
    ['a line feed alone', 'X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a carriage return alone', 'X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a NUL', 'X: a\0b\r\n\r\n'],
    ['an invalid chunk size', 'Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n'],
    ['a negative chunk size', 'Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n'],
    ['a chunk size with a prefix', 'Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n'],
    ['an overflowing chunk size', `Transfer-Encoding: chunked\r\n\r\n${'f'.repeat(17)}\r\n\r\n`],
    ['a chunk that is too long', 'Transfer-Encoding: chunked\r\n\r\n1\r\nhello\r\n0\r\n\r\n'],
    ['a chunk line that ends with a line feed', 'Transfer-Encoding: chunked\r\n\r\n0\n\r\n'],
  ])('by %s is rejected, and nothing that follows is read', async (_, rest) => {
    const answer = await sendWithSession('POST / HTTP/1.1', rest + smuggled)
    expect([400, 501, 502]).toContain(answer.status)
    expect(answer.text).not.toContain('from the app')
    expect(reached.filter(({ line }) => line.includes('smuggled'))).toEqual([])
    expect(reached.filter(({ body }) => body !== '')).toEqual([])
  })

  test('by a coding in HTTP/1.0 is rejected', async () => {
    const answer = await sendWithSession(
      'POST / HTTP/1.0',
      `Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    )
    expect(answer.status).toBe(400)
    expect(reached).toEqual([])
  })

  test('by a body of a method that usually has none: the body stays a body', async () => {
    for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS']) {
      for (const framing of [
        `Content-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
        `Transfer-Encoding: chunked\r\n\r\n${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
      ]) {
        reached.length = 0
        await sendWithSession(`${method} /one HTTP/1.1`, `Connection: close\r\n${framing}`)
        expect(reached).toMatchObject([{ line: `${method} /one`, body: smuggled }])
      }
    }
  })

  test('by a path: whitespace and control characters are rejected', async () => {
    for (const target of ['/a b', '/a\tb', '/a\0b', '/a\x7fb', '/é', 'a', '', '//', '/#x']) {
      reached.length = 0
      const answer = await sendWithSession(`GET ${target} HTTP/1.1`, 'Connection: close\r\n\r\n')
      if (target === '//') expect(reached).toMatchObject([{ line: 'GET //' }])
      else expect([answer.status, reached]).toEqual([400, []])
    }
  })

  test('the identity appears once in the bytes that the upstream reads', async () => {
    await sendWithSession(
      'GET / HTTP/1.1',
      'ngrok-auth-user-id: x\r\nNGROK_AUTH_USER_ID: x\r\nNgrok-Auth-User-Id: y\r\nConnection: close\r\n\r\n',
    )
    const raw = reached[0]?.raw ?? []
    const names = raw.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase())
    expect(names.filter((name) => /ngrok.auth.user.id/.test(name))).toEqual(['ngrok-auth-user-id'])
    expect(new Set(names).size).toBe(names.length)
    expect(raw).not.toContain('x')
  })

  test('trailers do not become headers', async () => {
    await sendWithSession(
      'POST / HTTP/1.1',
      'Transfer-Encoding: chunked\r\nTrailer: ngrok-auth-user-id, X-Sum\r\nConnection: close\r\n\r\n1\r\nx\r\n0\r\nngrok-auth-user-id: attacker\r\nX-Sum: 1\r\n\r\n',
    )
    expect(reached).toMatchObject([{ body: 'x' }])
    expect(JSON.stringify(reached)).not.toMatch(/attacker|X-Sum/i)
  })
})

describe('request targets', () => {
  test('in absolute form count with their path if they name the same host', async () => {
    const own = `localhost:${gateway.port}`
    await sendWithSession(`GET http://${own}/page?q=1 HTTP/1.1`, 'Connection: close\r\n\r\n')
    await sendWithSession(`GET HTTP://${own.toUpperCase()} HTTP/1.1`, 'Connection: close\r\n\r\n')
    expect(reached.map(({ line }) => line)).toEqual(['GET /page?q=1', 'GET /'])
  })

  test.each([
    'http://elsewhere.example/',
    'http://localhost/',
    'http://user@localhost:$PORT/',
    'https:///x',
    'ftp://localhost:$PORT/',
    '*',
  ])('%s is rejected', async (target) => {
    const method = target === '*' ? 'OPTIONS' : 'GET'
    const answer = await sendWithSession(
      `${method} ${target} HTTP/1.1`,
      'Connection: close\r\n\r\n',
    )
    expect([answer.status, reached]).toEqual([400, []])
  })

  test('CONNECT and TRACE are rejected', async () => {
    const trace = await sendWithSession('TRACE / HTTP/1.1', 'Connection: close\r\n\r\n')
    expect(trace.status).toBe(405)
    expect(trace.body).not.toContain(cookie)
    const tunnel = await sendWithSession(`CONNECT localhost:${upstreamPort} HTTP/1.1`, '\r\n')
    expect(tunnel.status).toBe(405)
    expect(reached).toEqual([])
  })

  test.each([
    ['two Host headers', `Host: a.example\r\nConnection: close\r\n\r\n`],
    ['a second one in another case', 'hOsT: a.example\r\nConnection: close\r\n\r\n'],
  ])('%s are rejected', async (_, rest) => {
    const answer = await sendWithSession('GET / HTTP/1.1', rest)
    expect([answer.status, reached]).toEqual([400, []])
  })

  test.each(['', 'a b', 'a/b', 'a@b', 'a"b', 'a:b', 'a:99999999', '[::1', 'a,b'])(
    'the Host "%s" is rejected',
    async (host) => {
      const answer = await sendWithSession('GET / HTTP/1.1', 'Connection: close\r\n\r\n', host)
      expect([answer.status, reached]).toEqual([400, []])
    },
  )

  test('a rejected request ends its connection', async () => {
    const socket = connect(gateway.port, '127.0.0.1')
    socket.write('GET http://x/ HTTP/1.1\r\nHost: y\r\n\r\n')
    socket.resume()
    await once(socket, 'close')
  })
})

describe('two gateways in a row', () => {
  test('the outer one identifies the user to the inner one, which does not believe clients', async () => {
    const inner = await startTestGateway({
      target: upstreamPort,
      trustedProxies: ['loopback'],
      options: { cookiePrefix: 'inner.', id: 'inner' },
    })
    const outer = await startTestGateway({ target: inner.port, options: { id: 'outer' } })
    const outerCookie = await logIn(outer)
    const begin = await sendRawRequest(outer.port, { headers: [`Cookie: ${outerCookie}`] })
    // The inner gate starts its own login, on the host of the outer one.
    expect(begin.status).toBe(302)
    const redirect = new URL(begin.headers['location'] ?? '').searchParams.get('redirect_uri')
    expect(redirect).toBe(`http://localhost:${outer.port}/auth/callback`)
    const innerCookie = await logIn(inner)
    const answer = await sendRawRequest(outer.port, {
      headers: [`Cookie: ${outerCookie}; ${innerCookie}`, 'X-Forwarded-For: 10.9.9.9'],
    })
    expect(answer).toMatchObject({ status: 200, body: 'from the app' })
    const { raw = [] } = reached.at(-1) ?? {}
    const valueOf = (name: string) => raw[raw.indexOf(name) + 1]
    expect(valueOf('x-forwarded-for')).toBe('127.0.0.1, 127.0.0.1')
    expect(valueOf('x-forwarded-host')).toBe(`localhost:${outer.port}`)
    expect(raw.filter((name) => name === 'ngrok-auth-user-id')).toHaveLength(1)
    expect(raw).not.toContain('cookie')
  })
})
