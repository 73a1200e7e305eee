import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, type IncomingMessage, request, type RequestOptions } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { GatewayReport } from '../support/gateway-process.js'
import { logIn } from '../support/corpus.js'
import { secret, stopAll } from '../support/gate.js'
import { eventually } from '../support/programs.js'
import { startVendor } from '../support/providers.js'

/** Bytes of the large bodies. */
const GIGABYTE = 1e9
const LARGE = 2 * GIGABYTE
/** How much memory a body may take, in mebibytes: buffers of the sockets, and garbage. */
const MAX_GROWTH = 100
/** The gateway needs two file descriptors for each socket, and Debian allows 20,000. */
const WEBSOCKETS = 9_000
const IDLE_CONNECTIONS = 1_000

interface Counts {
  sent: number
  received: number
  sockets: number
}

let upstream: ChildProcess
let gateway: ChildProcess
let port: number
let cookie: string

function start(name: string, options: string[] = []): ChildProcess {
  return fork(join(process.cwd(), `__tests__/support/${name}.ts`), {
    execArgv: ['--import', 'tsx', ...options],
    // The log of the gateway has a line for each socket.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
}

async function ask<T>(child: ChildProcess, message?: string | object): Promise<T> {
  const answer = once(child, 'message')
  if (message !== undefined) child.send(message)
  return ((await answer) as [T])[0]
}

beforeAll(async () => {
  const vendor = await startVendor('oidc')
  upstream = start('upstream-process')
  const { port: upstreamPort } = await ask<{ port: number }>(upstream)
  gateway = start('gateway-process', ['--expose-gc'])
  const target = `http://127.0.0.1:${upstreamPort}`
  port = (await ask<{ port: number }>(gateway, { provider: vendor.options, secret, target })).port
  cookie = await logIn({ port })
})
afterAll(async () => {
  const ended = once(gateway, 'exit')
  gateway.send('close')
  await ended
  upstream.kill()
  await stopAll()
})

const report = () => ask<GatewayReport>(gateway, 'report')
const counts = () => ask<Counts>(upstream, 'counts')

function send(options: RequestOptions) {
  const headers = { host: `localhost:${port}`, cookie, ...(options.headers as object) }
  return request({ host: '127.0.0.1', port, agent: false, ...options, headers })
}

async function responseOf(options: RequestOptions): Promise<IncomingMessage> {
  const req = send(options)
  req.end()
  return ((await once(req, 'response')) as [IncomingMessage])[0]
}

async function upload(path: string, bytes: number, framing: object): Promise<string> {
  const req = send({ method: 'POST', path, headers: { ...framing } })
  const response = once(req, 'response')
  const part = Buffer.alloc(64 * 1024, 'y')
  for (let left = bytes; left > 0; left -= part.length)
    if (!req.write(left < part.length ? part.subarray(0, left) : part)) await once(req, 'drain')
  req.end()
  const [res] = (await response) as [IncomingMessage]
  let text = ''
  for await (const chunk of res) text += String(chunk)
  return text
}

/** The growth of the gateway's memory while this runs, in mebibytes. */
async function growthDuring(work: () => Promise<void>): Promise<number> {
  const { memory } = await report()
  await work()
  return (await report()).peak - memory
}

describe('bodies', () => {
  beforeAll(async () => {
    // Compiled code and pools of buffers are there before anything is compared.
    await upload('/up', 0.1 * GIGABYTE, { 'content-length': 0.1 * GIGABYTE })
    for await (const _ of await responseOf({ path: `/down?${0.1 * GIGABYTE}` })) continue
  })

  test('of 2 GB down pass with flat memory', async () => {
    let received = 0
    const growth = await growthDuring(async () => {
      for await (const chunk of await responseOf({ path: `/down?${LARGE}` }))
        received += (chunk as Buffer).length
    })
    expect(received).toBe(LARGE)
    expect(growth).toBeLessThan(MAX_GROWTH)
  })

  test('of 2 GB up pass with flat memory', async () => {
    const growth = await growthDuring(async () => {
      expect(await upload('/up', LARGE, { 'content-length': LARGE })).toBe(`${LARGE}`)
    })
    expect(growth).toBeLessThan(MAX_GROWTH)
  })

  test('in chunks pass in both directions with flat memory', async () => {
    const size = GIGABYTE / 2
    const growth = await growthDuring(async () => {
      expect(await upload('/up', size, { 'transfer-encoding': 'chunked' })).toBe(`${size}`)
      let received = 0
      const res = await responseOf({ path: `/down?${size}`, headers: { 'x-chunked': '1' } })
      for await (const chunk of res) received += (chunk as Buffer).length
      expect(received).toBe(size)
    })
    expect(growth).toBeLessThan(MAX_GROWTH)
  })

  test('for a slow reader wait in the upstream, not in memory', async () => {
    const before = (await counts()).sent
    const growth = await growthDuring(async () => {
      const responses = await Promise.all(
        Array.from({ length: 20 }, () => responseOf({ path: `/down?${GIGABYTE}` })),
      )
      await sleep(2000)
      // The buffers of the system hold some megabytes for each connection.
      expect((await counts()).sent - before).toBeLessThan(0.4 * GIGABYTE)
      for (const res of responses) res.destroy()
    })
    expect(growth).toBeLessThan(MAX_GROWTH)
  })

  test('to a slow upstream wait in the client, not in memory', async () => {
    const growth = await growthDuring(async () => {
      const requests = Array.from({ length: 20 }, () => {
        const req = send({ method: 'POST', path: '/slow', headers: { 'content-length': GIGABYTE } })
        req.on('error', () => undefined)
        return req
      })
      const part = Buffer.alloc(64 * 1024)
      let written = 0
      const isFull = requests.map(async (req) => {
        for (let count = 0; count < 1000; count++) {
          written += part.length
          if (req.write(part)) continue
          const isDrained = await Promise.race([
            once(req, 'drain').then(() => true),
            sleep(1000, false),
          ])
          if (!isDrained) return
        }
      })
      await Promise.race([Promise.all(isFull), sleep(3000)])
      expect(written).toBeLessThan(0.6 * GIGABYTE)
      for (const req of requests) req.destroy()
    })
    expect(growth).toBeLessThan(MAX_GROWTH)
  })
})

describe('10,000 idle sockets', () => {
  const sockets: Socket[] = []
  afterAll(() => {
    for (const socket of sockets) socket.destroy()
  })

  /** Opens a connection, sends this, and waits for the beginning of the response. */
  function open(head: string, expected: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('error', reject)
      socket.once('data', (data) => {
        if (data.toString('latin1').startsWith(expected)) resolve()
        else reject(new Error(data.toString('latin1').slice(0, 200)))
      })
      socket.write(head)
      sockets.push(socket)
    })
  }

  async function openMany(count: number, head: string, expected: string): Promise<void> {
    for (let opened = 0; opened < count; opened += 100)
      await Promise.all(Array.from({ length: 100 }, () => open(head, expected)))
  }

  test('stay open, take little memory, and leave other requests fast', async () => {
    const { memory: before } = await report()
    const lines = `Host: localhost:${port}\r\nCookie: ${cookie}\r\n`
    const upgrade = `${lines}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`
    await openMany(WEBSOCKETS, `GET /socket HTTP/1.1\r\n${upgrade}`, 'HTTP/1.1 101 ')
    await openMany(IDLE_CONNECTIONS, `GET /up HTTP/1.1\r\n${lines}\r\n`, 'HTTP/1.1 200 ')
    expect((await counts()).sockets).toBe(WEBSOCKETS)

    const { memory, cpu } = await report()
    const perSocket = ((memory - before) * 1024) / (WEBSOCKETS + IDLE_CONNECTIONS)
    expect(perSocket).toBeLessThan(60)

    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const startedAt = performance.now()
    for (let count = 0; count < 200; count++)
      for await (const _ of await responseOf({ path: '/up', agent })) continue
    expect((performance.now() - startedAt) / 200).toBeLessThan(25)
    agent.destroy()

    await sleep(2000)
    const idle = (await report()).cpu - cpu
    // 200 requests, and the timers.
    expect(idle).toBeLessThan(1.5e6)
    expect(sockets.filter(({ destroyed }) => destroyed)).toEqual([])
  })

  test('end together with their session', async () => {
    const res = await responseOf({
      path: '/auth/logout',
      headers: { 'sec-fetch-site': 'same-origin' },
    })
    expect(res.statusCode).toBe(200)
    res.resume()
    await eventually('the end of all sockets', async () =>
      (await counts()).sockets === 0 ? true : undefined,
    )
  })
})
