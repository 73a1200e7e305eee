import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { memoryStore, type TransmitterOptions } from '../../src/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { type Gate, oidcOf, startGate, stopAll, stopping } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { eventually } from '../support/programs.js'
import { CAEP, startTransmitter, type TestTransmitter } from '../support/transmitter.js'

const AUDIENCE = 'app'
let vendor: VendorServer

beforeAll(async () => {
  vendor = stopping(await startVendor('oidc'))
})
afterAll(stopAll)

const start = (
  transmitter: TestTransmitter,
  more: Partial<TransmitterOptions> = {},
  options = {},
) =>
  startGate({
    provider: { idp: oidcOf(vendor) },
    timeouts: { provider: 60, store: 30 },
    signals: {
      transmitters: {
        okta: {
          issuer: transmitter.issuer,
          audience: AUDIENCE,
          accessToken: transmitter.accessToken,
          ...more,
        },
      },
    },
    ...options,
  })

async function logIn(gate: Gate) {
  const browser = createBrowser()
  const page = await browser.get(gate.url('/'))
  if (page.status !== 200) throw new Error(`no login: ${page.status}`)
  return async () => (await browser.get(gate.url('/'), { follow: false })).status
}

const user = () => ({ format: 'iss_sub', iss: vendor.origin, sub: String(vendor.user.id) })
const enqueue = (transmitter: TestTransmitter, more: object = {}, header = {}) => {
  const claims = transmitter.claims(`${CAEP}session-revoked`, user(), more)
  transmitter.queue.set(String(claims['jti']), transmitter.token(claims, header))
  return String(claims['jti'])
}
const poll = { delivery: 'poll', streamId: 'stream-1', pollInterval: 0.05 } as const

test('tokens are polled, acted on, and acknowledged; invalid ones are reported', async () => {
  const transmitter = stopping(await startTransmitter({ audience: AUDIENCE }))
  const gate = await start(transmitter, poll)
  await gate.middleware.signals.createStream('okta')
  const status = await logIn(gate)
  const bad = enqueue(transmitter, { aud: 'other' })
  enqueue(transmitter)
  await eventually('the end of the session', async () =>
    (await status()) === 302 ? true : undefined,
  )
  await eventually('the acknowledgment', () => (transmitter.queue.size === 0 ? true : undefined))
  expect(transmitter.errors).toEqual({
    [bad]: { err: 'invalid_audience', description: expect.any(String) },
  })
})

test('a transmitter that fails is polled again, and close() ends polling', async () => {
  const transmitter = stopping(await startTransmitter({ audience: AUDIENCE }))
  transmitter.faults.set('/ssf/poll', (res) => res.writeHead(500).end())
  const pollUrl = `${transmitter.issuer}/ssf/poll`
  const gate = await start(transmitter, { ...poll, streamId: undefined, pollUrl })
  const status = await logIn(gate)
  enqueue(transmitter)
  await eventually('the line', () =>
    gate.logged.some((line) => line.includes('could not be polled')) ? true : undefined,
  )
  expect(await status()).toBe(200)
  transmitter.faults.clear()
  await eventually('the end of the session', async () =>
    (await status()) === 302 ? true : undefined,
  )
  await gate.middleware.close()
  transmitter.requests.length = 0
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(transmitter.requests).toEqual([])
})

test('a token that could not be acted on stays with the transmitter', async () => {
  const transmitter = stopping(await startTransmitter({ audience: AUDIENCE }))
  const store = memoryStore()
  let isDown = false
  const failing = new Proxy(store, {
    get(target, name: keyof typeof store) {
      if (isDown && (name === 'get' || name === 'set'))
        return () => {
          throw new Error('down')
        }
      return target[name]
    },
  })
  const pollUrl = `${transmitter.issuer}/ssf/poll`
  const gate = await start(
    transmitter,
    { ...poll, streamId: undefined, pollUrl },
    { store: failing },
  )
  const status = await logIn(gate)
  isDown = true
  enqueue(transmitter)
  await eventually('the line', () =>
    gate.logged.some((line) => line.includes('could not be polled')) ? true : undefined,
  )
  expect(transmitter.queue.size).toBe(1)
  isDown = false
  await eventually('the end of the session', async () =>
    (await status()) === 302 ? true : undefined,
  )
  await eventually('the acknowledgment', () => (transmitter.queue.size === 0 ? true : undefined))
})

test('with a store that can lock, one process at a time polls', async () => {
  const transmitter = stopping(await startTransmitter({ audience: AUDIENCE }))
  const store = memoryStore()
  const polls = { open: 0, most: 0, total: 0 }
  transmitter.faults.set('/ssf/poll', (res) => {
    polls.total++
    polls.most = Math.max(polls.most, ++polls.open)
    setTimeout(() => {
      polls.open--
      res.end('{"sets":{}}')
    }, 30)
  })
  const pollUrl = `${transmitter.issuer}/ssf/poll`
  const options = { ...poll, streamId: undefined, pollUrl, pollInterval: 0.01 }
  const gates = [
    await start(transmitter, options, { store, id: 'shared' }),
    await start(transmitter, options, { store, id: 'shared' }),
    await start(transmitter, options, { store, id: 'shared' }),
  ]
  await eventually('some polls', () => (polls.total >= 20 ? true : undefined))
  await Promise.all(gates.map(({ middleware }) => middleware.close()))
  expect(polls.most).toBe(1)
})

test('streams: creation, change of the only one, verification and status, pushed and polled', async () => {
  for (const delivery of ['push', 'poll'] as const) {
    const transmitter = stopping(
      await startTransmitter({ audience: AUDIENCE, allowsOneStream: true }),
    )
    const gate = await start(transmitter, {
      ...(delivery === 'poll'
        ? poll
        : { streamId: 'stream-1', authorization: 'Bearer a long enough one' }),
    })
    const { signals } = gate.middleware
    const options = delivery === 'push' ? { endpointUrl: gate.url('/auth/signals') } : {}
    const stream = await signals.createStream('okta', options)
    expect(stream).toMatchObject({ streamId: 'stream-1', audience: [AUDIENCE] })
    expect(stream.events).toContain(`${CAEP}session-revoked`)
    expect(await signals.createStream('okta', options)).toEqual(stream)
    await signals.verifyStream('okta')
    expect(await signals.streamStatus('okta')).toBe('enabled')
    expect(gate.logged.join('\n')).toMatch(/a stream of signals is verified/)
  }
})

test('a signal that meets a store that is down is kept, and acted on later', async () => {
  const transmitter = stopping(await startTransmitter({ audience: AUDIENCE }))
  const store = memoryStore()
  let isDown = false
  const failing = new Proxy(store, {
    get(target, name: keyof typeof store) {
      if (isDown && (name === 'get' || name === 'set'))
        return () => {
          throw new Error('down')
        }
      return target[name]
    },
  })
  const gate = await start(transmitter, {}, { store: failing })
  const outcomes: string[] = []
  gate.middleware.on('signal', ({ outcome }) => void outcomes.push(outcome))
  const status = await logIn(gate)
  isDown = true
  const token = transmitter.token(transmitter.claims(`${CAEP}session-revoked`, user()))
  expect((await transmitter.push(gate.url('/auth/signals'), token)).status).toBe(503)
  isDown = false
  await eventually('the end of the session', async () =>
    (await status()) === 302 ? true : undefined,
  )
  expect(outcomes).toEqual(['failed', 'applied'])
})
