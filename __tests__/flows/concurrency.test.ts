import { connect } from 'node:net'
import { Agent, get } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { tried, triedTimes } from '../support/cases.js'
import { begin, consent, kinds, logIn, startSwitch, type Switch } from '../support/corpus.js'
import { plainOf } from '../support/plain.js'
import { sendRaw, sendRawRequest } from '../support/raw.js'

const pause = (most: number) =>
  new Promise<void>((resolve) => void setTimeout(resolve, Math.random() * most))

describe.each(kinds)('concurrent requests, with %s', (kind) => {
  // In full on Express 5; the other frameworks share everything but the adapter.
  const share = kind === 'express' ? 1 : 0.2
  let vendor: VendorServer
  let gate: Switch
  let users: { id: string; cookie: string }[] = []
  beforeAll(async () => {
    vendor = await startVendor('oauth2')
    gate = await startSwitch(kind)
  })
  afterAll(async () => {
    await gate.close()
    await vendor.close()
  })

  /** A gate whose store responds with random delays, with these users logged in. */
  async function prepare(count: number): Promise<void> {
    gate.use({ provider: { acme: plainOf(vendor) } })
    users = []
    for (let index = 0; index < count; index++) {
      vendor.user = { ...vendor.user, id: `user-${index}` }
      users.push({ id: `user-${index}`, cookie: await logIn(gate) })
    }
    const { get: read } = gate.store
    gate.store.get = async (key) => {
      if (Math.random() < 0.5) await pause(3)
      return read(key)
    }
  }

  const visit = (agent: Agent, cookie: string) =>
    new Promise<string>((resolve, reject) => {
      get(
        {
          port: gate.port,
          host: '127.0.0.1',
          agent,
          path: '/',
          headers: { host: `localhost:${gate.port}`, cookie },
        },
        (res) => {
          let body = ''
          res.on('data', (chunk) => (body += String(chunk)))
          res.on('end', () => resolve((JSON.parse(body) as { id: string }).id))
        },
      ).on('error', reject)
    })

  test('S-077 every request on a keep-alive connection has its own user', async () => {
    await prepare(40)
    const agent = new Agent({ keepAlive: true, maxSockets: 8 })
    const asked = Array.from(
      { length: 1500 * share },
      () => users[Math.floor(Math.random() * users.length)] ?? { id: '', cookie: '' },
    )
    const seen = await Promise.all(tried(asked).map(({ cookie }) => visit(agent, cookie)))
    agent.destroy()
    expect(seen).toEqual(asked.map(({ id }) => id))
  })

  test('S-077, S-115 pipelined requests on one connection get their responses in order, each for its own user', async () => {
    await prepare(10)
    for (let round = 0; round < 20 * share; round++) {
      const asked = Array.from(
        { length: 12 },
        () => users[Math.floor(Math.random() * users.length)] ?? { id: '', cookie: '' },
      )
      const bytes = asked
        .map(
          ({ cookie }, index) =>
            `GET /${index} HTTP/1.1\r\nHost: localhost:${gate.port}\r\nCookie: ${cookie}\r\n${index === asked.length - 1 ? 'Connection: close\r\n' : ''}\r\n`,
        )
        .join('')
      triedTimes(asked.length)
      const { text } = await sendRaw(gate.port, bytes)
      expect([...text.matchAll(/"id":"(user-\d+)"/g)].map(([, id]) => id)).toEqual(
        asked.map(({ id }) => id),
      )
    }
  })

  test('S-115 clients that disconnect at any moment break nothing', async () => {
    await prepare(5)
    vendor.respond('token', async () => {
      await pause(5)
      return undefined
    })
    const abort = async (target: string, cookie: string) => {
      const socket = connect(gate.port, '127.0.0.1')
      const closed = new Promise((resolve) => socket.once('close', resolve))
      socket.on('error', () => {})
      socket.write(
        `GET ${target} HTTP/1.1\r\nHost: localhost:${gate.port}\r\nCookie: ${cookie}\r\n\r\n`,
      )
      await pause(8)
      if (Math.random() < 0.5) socket.resetAndDestroy()
      else socket.destroy()
      await closed
    }
    for (let round = 0; round < 25 * share; round++) {
      const begun = await begin(gate)
      const query = await consent(begun)
      const { cookie } = users[round % users.length] ?? { cookie: '' }
      await Promise.all([
        abort(`/auth/callback?${query}`, begun.cookie),
        ...Array.from({ length: 8 }, () => abort('/', cookie)),
        abort('/auth/authn', ''),
        abort('/auth/logout', begun.cookie),
      ])
      triedTimes(11)
    }
    vendor.respond('token', undefined)
    // An unhandled rejection would have failed the test by now.
    expect(gate.errors).toEqual([])
    for (const { id, cookie } of users) {
      const { status, body } = await sendRawRequest(gate.port, { headers: [`Cookie: ${cookie}`] })
      expect([status, (JSON.parse(body) as { id: string }).id]).toEqual([200, id])
    }
    expect(await logIn(gate)).toContain('session=')
  })
})
