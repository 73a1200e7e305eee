import { createHmac, createPublicKey, type JsonWebKey, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { memoryStore, type OAuthModuleOptions, type SessionStore } from '../../src/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { readMetadata } from '../../src/signals/transmitter-metadata.js'
import { fakeDate, realDate } from '../support/clock.js'
import { type Gate, oidcOf, startGate, stopAll, stopping } from '../support/gate.js'
import { type Browser, createBrowser } from '../support/jar.js'
import { listen } from '../support/server.js'
import { eventually } from '../support/programs.js'
import { CAEP, startTransmitter, type TestTransmitter } from '../support/transmitter.js'

const AUDIENCE = 'app'
const EVENT = `${CAEP}session-revoked`
let vendor: VendorServer

beforeAll(async () => {
  vendor = stopping(await startVendor('oidc'))
})
afterEach(realDate)
afterAll(stopAll)

interface Scene {
  gate: Gate
  transmitter: TestTransmitter
  outcomes: string[]
  browser: Browser
  isIn(): Promise<boolean>
  /** Pushes a token, and returns the status and the error code. */
  push(token: string, headers?: Record<string, string>): Promise<[number, unknown]>
  claims(more?: object): Record<string, unknown>
}

async function open(
  options: Partial<OAuthModuleOptions> = {},
  optionsOf: (transmitter: TestTransmitter) => object = () => ({}),
): Promise<Scene> {
  const transmitter = stopping(await startTransmitter({ audience: AUDIENCE }))
  const more = optionsOf(transmitter)
  const gate = await startGate({
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
  const outcomes: string[] = []
  gate.middleware.on('signal', ({ outcome }) => void outcomes.push(outcome))
  const browser = createBrowser()
  const page = await browser.get(gate.url('/'))
  if (page.status !== 200) throw new Error(`no login: ${page.status} ${page.body}`)
  const user = { format: 'iss_sub', iss: vendor.origin, sub: String(vendor.user.id) }
  return {
    ...{ gate, transmitter, outcomes, browser },
    isIn: async () => (await browser.get(gate.url('/'), { follow: false })).status === 200,
    async push(token, headers) {
      const response = await transmitter.push(gate.url('/auth/signals'), token, headers)
      const text = await response.text()
      const { err } = JSON.parse(text === '' ? '{}' : text) as { err?: string }
      return [response.status, err]
    },
    claims: (claims = {}) => transmitter.claims(EVENT, user, claims),
  }
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const now = () => Math.floor(Date.now() / 1000)

describe('signatures', () => {
  test.each(['none', 'None', 'nOnE', 'NONE'])(
    'the algorithm %s, without a signature, is rejected',
    async (alg) => {
      const scene = await open()
      const input = `${encode({ alg, typ: 'secevent+jwt' })}.${encode(scene.claims())}`
      for (const token of [`${input}.`, input])
        expect(await scene.push(token)).toEqual([400, 'invalid_request'])
      expect(await scene.isIn()).toBe(true)
    },
  )

  test('an HMAC whose key is the public key is rejected, in every form of the key', async () => {
    const scene = await open()
    const { kid, ...jwk } = scene.transmitter.jwk as JsonWebKey & { kid: string }
    const publicKey = createPublicKey({ key: jwk as never, format: 'jwk' })
    const secrets = [
      publicKey.export({ type: 'spki', format: 'pem' }),
      publicKey.export({ type: 'spki', format: 'der' }),
      JSON.stringify(scene.transmitter.jwk),
    ]
    for (const alg of ['HS256', 'HS384', 'HS512'])
      for (const secret of secrets) {
        const input = `${encode({ alg, kid, typ: 'secevent+jwt' })}.${encode(scene.claims())}`
        const hmac = createHmac(`sha${alg.slice(2)}`, secret)
          .update(input)
          .digest('base64url')
        expect(await scene.push(`${input}.${hmac}`)).toEqual([400, 'invalid_request'])
      }
    expect(await scene.isIn()).toBe(true)
  })

  test('keys that the token names are never fetched', async () => {
    const scene = await open()
    let fetched = 0
    const attacker = stopping(
      await listen((_req, res) => {
        fetched++
        res.end(JSON.stringify({ keys: [scene.transmitter.jwk] }))
      }),
    )
    for (const header of [
      { jku: `${attacker.origin}/jwks` },
      { x5u: `${attacker.origin}/cert` },
      { x5c: ['MIIB'] },
      { jwk: scene.transmitter.jwk },
      { crit: ['exp'], exp: 1 },
      { enc: 'A128GCM' },
    ])
      expect(await scene.push(scene.transmitter.token(scene.claims(), header))).toEqual([
        400,
        'invalid_request',
      ])
    expect(await scene.isIn()).toBe(true)
    expect(fetched).toBe(0)
  })

  test.each(['JWT', 'at+jwt', 'logout+jwt', 'dpop+jwt', 'secevent', '', 17])(
    'the typ %j is rejected',
    async (typ) => {
      const scene = await open()
      const token = scene.transmitter.token(scene.claims(), { typ })
      expect(await scene.push(token)).toEqual([400, 'invalid_request'])
      expect(await scene.isIn()).toBe(true)
    },
  )

  test('the typ may have the prefix of media types', async () => {
    const scene = await open()
    const typ = 'application/secevent+jwt'
    expect(await scene.push(scene.transmitter.token(scene.claims(), { typ }))).toEqual([
      202,
      undefined,
    ])
    expect(await scene.isIn()).toBe(false)
  })

  test('a flood of unknown keys causes one request for keys a minute, and valid tokens still count', async () => {
    const scene = await open()
    const valid = () => scene.transmitter.token(scene.claims())
    const statuses = new Set<number>()
    for (let count = 0; count < 300; count++) {
      const token = scene.transmitter.token(scene.claims(), { kid: randomUUID() })
      statuses.add((await scene.push(token))[0])
    }
    // One at first, and one for each minute that this takes on a busy machine.
    expect(scene.transmitter.keyRequests).toBeLessThan(10)
    expect([...statuses].sort()).toEqual([400, 503])
    expect(await scene.isIn()).toBe(true)
    expect(scene.gate.logged.filter((line) => line.startsWith('warn')).length).toBeLessThan(10)
    expect(await scene.push(valid())).toEqual([202, undefined])
    expect(await scene.isIn()).toBe(false)
  })

  test('metadata cannot send requests to this machine, unless the issuer is on it', () => {
    const metadata = (issuer: string, jwks_uri: string) =>
      readMetadata({ issuer, jwks_uri }, issuer, false)
    for (const url of ['http://127.0.0.1:6379/', 'http://localhost/', 'http://[::1]/', 'file:///x'])
      expect(() => metadata('https://idp.example', url)).toThrow(
        expect.objectContaining({ hint: expect.stringContaining('not an https URL') }),
      )
    expect(metadata('https://idp.example', 'https://keys.example/jwks').jwksUri).toBeDefined()
    expect(metadata('http://127.0.0.1:1', 'http://127.0.0.1:2/jwks').jwksUri).toBeDefined()
  })
})

describe('times', () => {
  test.each<[string, () => object]>([
    ['toe in the far future', () => ({ toe: now() + 10 * 365 * 86_400 })],
    ['toe that is no number', () => ({ toe: 'tomorrow' })],
    ['a negative toe', () => ({ toe: -1 })],
    ['an event time in the far future', () => ({ events: { [EVENT]: { event_timestamp: 9e12 } } })],
    ['an event time of 1e308', () => ({ events: { [EVENT]: { event_timestamp: 1e308 } } })],
  ])('%s does not reach sessions that began after the token was issued', async (_, more) => {
    const clock = fakeDate()
    const scene = await open()
    const token = scene.transmitter.token(scene.claims(more()))
    clock.forward(3600)
    await scene.browser.get(scene.gate.url('/auth/logout'), {
      headers: { 'Sec-Fetch-Site': 'same-origin' },
    })
    expect((await scene.browser.get(scene.gate.url('/'))).status).toBe(200)
    expect(await scene.push(token)).toEqual([202, undefined])
    expect(await scene.isIn()).toBe(true)
  })

  test.each<[string, unknown]>([
    ['in the far future', 4e9],
    ['of 1e308', 1e308],
    ['that is a string', '1700000000'],
    ['in milliseconds', Date.now()],
    ['that is negative', -5],
  ])('an iat %s is rejected', async (_, iat) => {
    const scene = await open()
    const token = scene.transmitter.token(scene.claims({ iat }))
    expect(await scene.push(token)).toEqual([400, 'invalid_request'])
    expect(await scene.isIn()).toBe(true)
  })
})

describe('bodies', () => {
  test.each([
    'application/jwt',
    'application/json',
    'application/x-www-form-urlencoded',
    'text/plain',
    'application/secevent+jwtx',
    'multipart/form-data; boundary=application/secevent+jwt',
  ])('the content type %s is rejected', async (type) => {
    const scene = await open()
    const token = scene.transmitter.token(scene.claims())
    expect(await scene.push(token, { 'Content-Type': type })).toEqual([400, 'invalid_request'])
    expect(await scene.isIn()).toBe(true)
  })

  test('a compressed body is rejected: it could expand to any size', async () => {
    const scene = await open()
    for (const body of [
      gzipSync(scene.transmitter.token(scene.claims())),
      gzipSync('x'.repeat(5e7)),
    ]) {
      const response = await fetch(scene.gate.url('/auth/signals'), {
        method: 'POST',
        headers: { 'Content-Type': 'application/secevent+jwt', 'Content-Encoding': 'gzip' },
        body,
      })
      expect([response.status, await response.json()]).toEqual([
        400,
        expect.objectContaining({ err: 'invalid_request' }),
      ])
    }
    expect(await scene.isIn()).toBe(true)
  })

  test('a body that never ends is given up, and does not hold up the others', async () => {
    const scene = await open()
    const { port } = scene.gate
    const slow = Array.from({ length: 70 }, () => {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => undefined)
      socket.write(
        'POST /auth/signals HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/secevent+jwt\r\nContent-Length: 1000\r\n\r\neyJ',
      )
      let received = ''
      socket.on('data', (data: Buffer) => (received += data.toString()))
      return { socket, received: () => received }
    })
    // Of one address, 64 bodies are waited for at once.
    await eventually('a response to those that are too many', () =>
      slow.some((one) => one.received().startsWith('HTTP/1.1 503')) ? true : undefined,
    )
    await Promise.all(slow.map(async ({ socket }) => socket.closed || once(socket, 'close')))
    const statuses = slow.map((one) => one.received().slice(9, 12))
    expect([...new Set(statuses)].sort()).toEqual(['400', '503'])
    expect(await scene.push(scene.transmitter.token(scene.claims()))).toEqual([202, undefined])
    expect(await scene.isIn()).toBe(false)
  }, 60_000)
})

describe('floods', () => {
  test('10,000 tokens, forged, repeated, of others, and valid: all are answered, at bounded cost', async () => {
    const store = memoryStore()
    let operations = 0
    const counted = new Proxy(store, {
      get(target, name: keyof SessionStore) {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        if (!['get', 'set', 'update', 'delete', 'entries'].includes(name)) return value.bind(target)
        return (...values: unknown[]) => {
          operations++
          return (value as (...values: unknown[]) => unknown).apply(target, values)
        }
      },
    })
    const scene = await open({ store: counted })
    const { transmitter } = scene
    const repeated = transmitter.token(scene.claims())
    const other = { format: 'iss_sub', iss: vendor.origin, sub: 'another' }
    const kinds = [
      () => `${transmitter.token(scene.claims()).slice(0, -4)}AAAA`,
      () => repeated,
      () => transmitter.token(transmitter.claims(EVENT, other)),
      () => transmitter.token(scene.claims()),
    ]
    const statuses: Record<string, number> = {}
    operations = 0
    const push = async (index: number) => {
      const token = kinds[index % kinds.length]?.() ?? ''
      const [status] = await scene.push(token)
      statuses[status] = (statuses[status] ?? 0) + 1
    }
    const next = { index: 0 }
    const work = async () => {
      while (next.index < 10_000) await push(next.index++)
    }
    await Promise.all(Array.from({ length: 24 }, work))
    expect(Object.values(statuses).reduce((sum, count) => sum + count, 0)).toBe(10_000)
    expect(statuses['202']).toBe(7_500)
    // The keys were just fetched, so that it is open whether the transmitter has a newer one.
    expect((statuses['400'] ?? 0) + (statuses['503'] ?? 0)).toBe(2_500)
    expect(transmitter.keyRequests).toBeLessThan(15)
    expect(operations).toBeLessThan(10_000 * 8)
    expect(scene.outcomes.filter((outcome) => outcome === 'applied')).toHaveLength(1)
    expect(scene.gate.logged.length).toBeLessThan(200)
    expect((await scene.browser.get(scene.gate.url('/'))).status).toBe(200)
  }, 600_000)

  test('while the store is down, 1,000 signals wait; further ones are dropped, which is reported', async () => {
    const store = memoryStore()
    let isDown = false
    const failing = new Proxy(store, {
      get(target, name: keyof SessionStore) {
        if (isDown && (name === 'get' || name === 'set'))
          return () => {
            throw new Error('down')
          }
        return Reflect.get(target, name, target) as unknown
      },
    })
    const scene = await open({ store: failing })
    isDown = true
    const work = async () => {
      while (scene.outcomes.filter((outcome) => outcome === 'failed').length < 1_200)
        await scene.push(scene.transmitter.token(scene.claims()))
    }
    await Promise.all(Array.from({ length: 16 }, work))
    expect(scene.outcomes.filter((outcome) => outcome === 'dropped').length).toBeGreaterThanOrEqual(
      200,
    )
    expect(scene.gate.logged.length).toBeLessThan(100)
    expect(scene.gate.logged.join('\n')).toMatch(/error a signal was dropped/)
    isDown = false
    // The pause between two attempts has grown to a minute at most.
    await eventually(
      'the end of the session',
      async () => ((await scene.isIn()) ? undefined : true),
      120_000,
    )
  }, 300_000)
})

describe('what a transmitter responds', () => {
  const poll = { delivery: 'poll', pollInterval: 0.05 } as const
  /** Polls at once, and meets a fault. */
  const openFaulty = (fault: (res: ServerResponse) => void) =>
    open({}, ({ issuer, faults }) => {
      faults.set('/ssf/poll', fault)
      return { ...poll, pollUrl: `${issuer}/ssf/poll` }
    })
  const enqueue = (scene: Scene) => {
    const claims = scene.claims()
    scene.transmitter.queue.set(String(claims['jti']), scene.transmitter.token(claims))
  }
  const ended = (scene: Scene) =>
    eventually('the end of the session', async () => ((await scene.isIn()) ? undefined : true))

  test.each<[string, (scene: { res: ServerResponse }) => void]>([
    [
      'more bytes than the limit',
      ({ res }) => res.end(JSON.stringify({ sets: { x: 'x'.repeat(5_000_000) } })),
    ],
    [
      'bytes without an end',
      ({ res }) => {
        const more = () => {
          while (!res.destroyed && res.write('x'.repeat(65_536)));
          if (!res.destroyed) res.once('drain', more)
        }
        more()
      },
    ],
    ['text', ({ res }) => res.end('no JSON')],
    ['deep nesting', ({ res }) => res.end('{"sets":'.repeat(20_000) + '1' + '}'.repeat(20_000))],
    ['an error', ({ res }) => res.writeHead(403).end('{}')],
  ])(
    '%s to a poll is logged, and later tokens arrive',
    async (_, respond) => {
      const scene = await openFaulty((res) => respond({ res }))
      await eventually('the line', () =>
        scene.gate.logged.some((line) => line.includes('could not be polled')) ? true : undefined,
      )
      enqueue(scene)
      scene.transmitter.faults.clear()
      await ended(scene)
    },
    60_000,
  )

  test('a response that never ends does not hold up close()', async () => {
    let isPolled = false
    const scene = await openFaulty((res) => {
      isPolled = true
      res.write('{')
    })
    await eventually('the poll', () => (isPolled ? true : undefined))
    await scene.gate.middleware.close()
  }, 60_000)

  test('redirects are not followed: the access token is for the transmitter', async () => {
    const visits: (string | undefined)[] = []
    const elsewhere = stopping(
      await listen((req, res) => {
        visits.push(req.headers.authorization)
        res.end('{"sets":{}}')
      }),
    )
    const redirect = (res: ServerResponse) =>
      void res.writeHead(307, { Location: `${elsewhere.origin}/` }).end()
    const scene = await openFaulty(redirect)
    scene.transmitter.faults.set('/ssf/stream', redirect)
    await eventually('the line', () =>
      scene.gate.logged.some((line) => line.includes('could not be polled')) ? true : undefined,
    )
    await expect(scene.gate.middleware.signals.verifyStream('okta')).rejects.toThrow()
    expect(visits).toEqual([])
  }, 60_000)

  test('a stream that is polled elsewhere is not polled, unless pollUrl says so', async () => {
    const visits: (string | undefined)[] = []
    const elsewhere = stopping(
      await listen((req, res) => {
        visits.push(req.headers.authorization)
        res.setHeader('Content-Type', 'application/json').end('{"sets":{}}')
      }),
    )
    const pollUrl = `${elsewhere.origin}/poll`
    for (const endpoint_url of [pollUrl, 'http://127.0.0.1:6379/', 'file:///etc/passwd', 'x']) {
      const delivery = { method: 'urn:ietf:rfc:8936', endpoint_url }
      const scene = await open({}, ({ issuer, faults }) => {
        const stream = { stream_id: 'x', iss: issuer, aud: AUDIENCE, delivery }
        faults.set('/ssf/stream', (res) => void res.end(JSON.stringify(stream)))
        return { ...poll, streamId: 'x' }
      })
      await eventually('the hint', () =>
        scene.gate.logged.some((line) => line.includes('set pollUrl if this is right'))
          ? true
          : undefined,
      )
    }
    expect(visits).toEqual([])
    const accessToken = 'a token for the other origin'
    await open({}, () => ({ ...poll, pollUrl, accessToken }))
    await eventually('the poll', () => (visits.length > 0 ? true : undefined))
    expect(visits[0]).toBe(`Bearer ${accessToken}`)
  }, 60_000)

  test('a stream of another issuer is rejected', async () => {
    const scene = await open()
    const { signals } = scene.gate.middleware
    const endpointUrl = scene.gate.url('/auth/signals')
    const respondWith = (value: unknown) =>
      scene.transmitter.faults.set('/ssf/stream', (res) => res.end(JSON.stringify(value)))
    for (const value of [
      { stream_id: 'x', iss: 'https://other.example', aud: AUDIENCE },
      { iss: scene.transmitter.issuer },
      [],
      'x',
    ]) {
      respondWith(value)
      await expect(signals.createStream('okta', { endpointUrl })).rejects.toThrow()
    }
    const stream = { stream_id: 'x', iss: scene.transmitter.issuer }
    respondWith([stream, { ...stream, stream_id: 'y' }])
    await expect(signals.streamStatus('okta')).rejects.toThrow(/streamId is missing: .* several/)
    respondWith([])
    await expect(signals.verifyStream('okta')).rejects.toMatchObject({
      hint: expect.stringContaining('call createStream()'),
    })
    respondWith([stream])
    expect(await signals.streamStatus('okta')).toBe('enabled')
  })
})
