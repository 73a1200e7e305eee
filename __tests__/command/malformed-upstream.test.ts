import { createServer, type Server } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { stopAll } from '../support/gate.js'
import { startTestGateway, type TestGateway } from '../support/gateway.js'
import { sendRawRequest } from '../support/raw.js'

const chunks = 'Transfer-Encoding: chunked\r\n\r\n'

/** What the upstream sends for a path. */
const responses: Record<string, string> = {
  '/099': 'HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\nok',
  '/099-chunks': `HTTP/1.1 099 Odd\r\n${chunks}2\r\nok\r\n0\r\n\r\n`,
  '/000': 'HTTP/1.1 000 Odd\r\n\r\n',
  '/control': 'HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nok',
  '/nul': `HTTP/1.1 200 O\0K\r\n${chunks}2\r\nok\r\n0\r\n\r\n`,
  '/header': 'HTTP/1.1 200 OK\r\nX-A: a\x01b\r\nContent-Length: 2\r\n\r\nok',
  '/trailer': `HTTP/1.1 200 Odd\r\nSet-Cookie: a=b\r\n${chunks}2\r\nok\r\n0\r\nContent-Length: 5\r\n\r\n`,
  '/upgrade': 'HTTP/1.1 101 Odd\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nx',
  '/other': 'SSH-2.0-OpenSSH\r\n',
}

let gateway: TestGateway
let upstream: Server

beforeAll(async () => {
  upstream = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (data) => {
      const path = /^\w+ (\S+) /.exec(data.toString('latin1'))?.[1] ?? ''
      socket.end(Buffer.from(responses[path] ?? '', 'latin1'))
    })
  })
  await new Promise<void>((resolve) => void upstream.listen(0, '127.0.0.1', resolve))
  const target = (upstream.address() as AddressInfo).port
  gateway = await startTestGateway({ target, allowPaths: ['GET /*'] })
})
afterAll(async () => {
  await stopAll()
  upstream.close()
})

test.each<[string, number | number[]]>([
  ['/099', 502],
  ['/099-chunks', 502],
  ['/000', 502],
  ['/control', 200],
  ['/nul', 200],
  ['/header', 502],
  // The parser of Node 20.12 accepts it.
  ['/trailer', [502, 200]],
  ['/upgrade', 502],
  ['/other', 502],
])('a malformed response (%s) ends no process', async (target, status) => {
  const failed: unknown[] = []
  const record = (error: unknown) => void failed.push(error)
  process.on('uncaughtException', record)
  const answer = await sendRawRequest(gateway.port, { target })
  process.off('uncaughtException', record)
  expect(failed).toEqual([])
  expect([status].flat()).toContain(answer.status)
  expect(answer.text).not.toMatch(/0\r\nContent-Length/i)
  // Nothing of a response that is not used.
  if (answer.status === 502) expect(answer.text).not.toMatch(/Odd|set-cookie: a=b/i)
})
