import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import express from 'express'
import { memoryStore, type OAuthModuleOptions } from '../../src/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { fakeDate, realDate } from '../support/clock.js'
import {
  bodyOf,
  type Gate,
  type GateSetup,
  oidcOf,
  startGate,
  stopAll,
  stopping,
} from '../support/gate.js'
import { type Browser, createBrowser } from '../support/jar.js'
import { CAEP, RISC, startTransmitter, type TestTransmitter } from '../support/transmitter.js'

const AUDIENCE = 'https://sp.example.com/caep'

let vendor: VendorServer
let transmitter: TestTransmitter
let gate: Gate

beforeAll(async () => {
  vendor = stopping(await startVendor('oidc'))
  transmitter = stopping(await startTransmitter({ audience: AUDIENCE }))
  gate = await start()
})
afterEach(realDate)
afterAll(stopAll)

type Signal = Record<string, unknown>

async function start(
  options: Partial<OAuthModuleOptions> = {},
  { transmitter: more = {}, setup = {} }: { transmitter?: object; setup?: GateSetup } = {},
): Promise<Gate & { signals: Signal[]; revoked: Signal[] }> {
  const gate = await startGate(
    {
      provider: { idp: oidcOf(vendor) },
      // A busy machine takes long to load what the first login needs.
      timeouts: { provider: 60, store: 30 },
      signals: {
        transmitters: { okta: { issuer: transmitter.issuer, audience: AUDIENCE, ...more } },
      },
      ...options,
    },
    setup,
  )
  const signals: Signal[] = []
  const revoked: Signal[] = []
  gate.middleware.on('signal', (signal) => void signals.push({ ...signal }))
  gate.middleware.on('revoked', (event) => void revoked.push({ ...event }))
  return { ...gate, signals, revoked }
}

async function logIn(at: Gate): Promise<Browser> {
  const browser = createBrowser()
  const page = await browser.get(at.url('/'))
  if (page.status !== 200) throw new Error(`no login: ${page.status} ${page.body}`)
  return browser
}

const isIn = async (browser: Browser, at: Gate) =>
  (await browser.get(at.url('/'), { follow: false })).status === 200

const push = (at: Gate, token: string, headers: Record<string, string> = {}) =>
  transmitter.push(at.url('/auth/signals'), token, headers)

const user = () => ({ format: 'iss_sub', iss: vendor.origin, sub: String(vendor.user.id) })

describe('a session-revoked event', () => {
  test('ends the sessions of the user as of the next request, and responds 202 without a body', async () => {
    const at = await start()
    const browser = await logIn(at)
    const handle = bodyOf(await browser.get(at.url('/'))).oauth?.['sessionHandle']
    const response = await push(
      at,
      transmitter.token(transmitter.claims(`${CAEP}session-revoked`, user())),
    )
    expect([response.status, await response.text()]).toEqual([202, ''])
    expect(await isIn(browser, at)).toBe(false)
    expect(at.signals).toEqual([
      {
        source: 'okta',
        type: 'session-revoked',
        action: 'end',
        provider: 'idp',
        outcome: 'applied',
        sessions: 1,
        user: `idp:${vendor.user.id}`,
        hint: undefined,
      },
    ])
    expect(at.revoked).toEqual([{ sessionHandle: handle, reason: 'signal' }])
  })
})

describe('event types', () => {
  const ended = [
    `${CAEP}session-revoked`,
    `${RISC}sessions-revoked`,
    `${RISC}account-disabled`,
    `${RISC}account-purged`,
    `${RISC}credential-compromise`,
    'https://schemas.openid.net/secevent/oauth/event-type/tokens-revoked',
  ]
  test.each(ended)('%s ends sessions', async (event) => {
    const browser = await logIn(gate)
    expect((await push(gate, transmitter.token(transmitter.claims(event, user())))).status).toBe(
      202,
    )
    expect(await isIn(browser, gate)).toBe(false)
  })

  const checked = [
    `${CAEP}token-claims-change`,
    `${CAEP}credential-change`,
    `${CAEP}assurance-level-change`,
    `${CAEP}device-compliance-change`,
    `${RISC}account-credential-change-required`,
    `${RISC}identifier-changed`,
  ]
  test.each(checked)(
    '%s has the next request check the user, without an interval',
    async (event) => {
      const browser = await logIn(gate)
      vendor.requests.length = 0
      expect(await isIn(browser, gate)).toBe(true)
      expect(vendor.requests).toEqual([])
      await push(gate, transmitter.token(transmitter.claims(event, user())))
      expect(await isIn(browser, gate)).toBe(true)
      expect(vendor.requests.map(({ endpoint }) => endpoint)).toContain('userinfo')
      vendor.requests.length = 0
      expect(await isIn(browser, gate)).toBe(true)
      expect(vendor.requests).toEqual([])
    },
  )

  test('the check that a change causes has no grace: the old decision is in doubt', async () => {
    const at = await start({ authCheckInterval: 300, authCheckGrace: 3600 })
    const browser = await logIn(at)
    await push(at, transmitter.token(transmitter.claims(`${CAEP}credential-change`, user())))
    vendor.respond('userinfo', { status: 503, body: {} })
    try {
      const page = await browser.get(at.url('/'), { follow: false })
      expect([page.status, at.reached.length]).toEqual([503, 1])
    } finally {
      vendor.respond('userinfo', undefined)
    }
  })

  test('an option changes what a type causes', async () => {
    const at = await start({}, { transmitter: { actions: { 'credential-change': 'end' } } })
    const browser = await logIn(at)
    await push(at, transmitter.token(transmitter.claims(`${CAEP}credential-change`, user())))
    expect(await isIn(browser, at)).toBe(false)
  })

  test.each([`${CAEP}session-established`, `${RISC}opt-in`, 'https://example.com/other'])(
    '%s is acknowledged and changes nothing',
    async (event) => {
      const at = await start()
      const browser = await logIn(at)
      const response = await push(at, transmitter.token(transmitter.claims(event, user())))
      expect(response.status).toBe(202)
      vendor.requests.length = 0
      expect(await isIn(browser, at)).toBe(true)
      expect([vendor.requests, at.signals]).toEqual([
        [],
        [expect.objectContaining({ outcome: 'ignored' })],
      ])
    },
  )

  test('the name of a type in another namespace is another type', async () => {
    const browser = await logIn(gate)
    const token = transmitter.token(transmitter.claims(`${RISC}session-revoked`, user()))
    expect((await push(gate, token)).status).toBe(202)
    expect(await isIn(browser, gate)).toBe(true)
  })
})

describe('subjects', () => {
  const sub = () => String(vendor.user.id)
  const email = () => String(vendor.user.email)
  const subjects: [string, () => object][] = [
    ['iss_sub', user],
    ['iss_sub with the issuer of the transmitter', () => ({ ...user(), iss: transmitter.issuer })],
    ['iss_sub with a slash more', () => ({ ...user(), iss: `${vendor.origin}/` })],
    ['email', () => ({ format: 'email', email: email() })],
    ['email in another case', () => ({ format: 'email', email: email().toUpperCase() })],
    ['account', () => ({ format: 'account', uri: `acct:${email()}` })],
    ['opaque', () => ({ format: 'opaque', id: sub() })],
    [
      'aliases',
      () => ({
        format: 'aliases',
        identifiers: [
          { format: 'phone_number', phone_number: '+12065550100' },
          { format: 'email', email: email() },
        ],
      }),
    ],
    ['a complex subject with a user', () => ({ format: 'complex', user: user() })],
    [
      'a complex subject with a user, a device and a tenant',
      () => ({
        format: 'complex',
        user: user(),
        device: { format: 'opaque', id: 'device' },
        tenant: { format: 'opaque', id: 'tenant' },
      }),
    ],
    [
      'a complex subject whose session the provider does not tell us',
      () => ({ format: 'complex', user: user(), session: { format: 'opaque', id: 'dMTlD|16' } }),
    ],
    [
      'the form of earlier drafts',
      () => ({ subject_type: 'iss-sub', iss: vendor.origin, sub: sub() }),
    ],
    [
      'id_token_claims',
      () => ({ subject_type: 'id_token_claims', iss: vendor.origin, sub: sub() }),
    ],
  ]
  test.each(subjects)('%s finds the session', async (_, subject) => {
    const browser = await logIn(gate)
    await push(gate, transmitter.token(transmitter.claims(`${CAEP}session-revoked`, subject())))
    expect(await isIn(browser, gate)).toBe(false)
  })

  test('a subject in the event itself, as in RISC, finds the session', async () => {
    const browser = await logIn(gate)
    const events = { [`${RISC}account-disabled`]: { subject: user(), reason: 'hijacking' } }
    await push(gate, transmitter.token(transmitter.claims('x', undefined, { events })))
    expect(await isIn(browser, gate)).toBe(false)
  })

  const others: [string, () => unknown][] = [
    ['another user', () => ({ ...user(), sub: 'another' })],
    ['the same sub of another issuer', () => ({ ...user(), iss: 'https://other.example' })],
    ['another address', () => ({ format: 'email', email: 'someone@example.com' })],
    ['a phone number', () => ({ format: 'phone_number', phone_number: '+12065550100' })],
    ['a DID', () => ({ format: 'did', url: 'did:example:123456' })],
    ['an IP address', () => ({ format: 'ip-addresses', 'ip-addresses': ['10.29.37.75'] })],
    ['an unknown format', () => ({ format: 'x-custom', sub: sub(), iss: vendor.origin })],
    ['a whole tenant', () => ({ format: 'complex', tenant: { format: 'opaque', id: 'tenant' } })],
    ['a device', () => ({ format: 'complex', device: { format: 'opaque', id: sub() } })],
    ['nothing', () => ({})],
    ['no object', () => sub()],
    [
      'nested aliases',
      () => ({ format: 'aliases', identifiers: [{ format: 'aliases', identifiers: [user()] }] }),
    ],
    ['too many aliases', () => ({ format: 'aliases', identifiers: new Array(17).fill(user()) })],
    ['a prototype', () => ({ format: 'constructor', user: '__proto__' })],
  ]
  test.each(others)('%s is acknowledged, reported, and ends no session', async (_, subject) => {
    const at = await start()
    const browser = await logIn(at)
    const response = await push(
      at,
      transmitter.token(transmitter.claims(`${CAEP}session-revoked`, subject())),
    )
    expect(response.status).toBe(202)
    expect(at.signals).toEqual([expect.objectContaining({ outcome: 'unknown_subject' })])
    expect(await isIn(browser, at)).toBe(true)
    expect(at.logged.join('\n')).toMatch(/a signal names no session of this app/)
  })

  test('a session by the ID of the provider ends that session only', async () => {
    vendor.respond('jwks', undefined)
    const sid = randomUUID()
    const withSid = stopping(await startVendor('oidc', { claims: { sid } } as never))
    const at = await start({ provider: { idp: oidcOf(withSid) } })
    const first = await logIn(at)
    const known = await first.get(at.url('/'))
    expect(known.status).toBe(200)
    await push(
      at,
      transmitter.token(
        transmitter.claims(`${CAEP}session-revoked`, {
          format: 'complex',
          session: { format: 'opaque', id: 'another' },
        }),
      ),
    )
    expect(await isIn(first, at)).toBe(true)
  })
})

describe('attacks', () => {
  const event = `${CAEP}session-revoked`
  const now = () => Math.floor(Date.now() / 1000)
  const attackers = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const claims = (more: object = {}) => transmitter.claims(event, user(), more)
  const token = (more: object = {}, header: object = {}) => transmitter.token(claims(more), header)

  const rejected: [string, string, () => string][] = [
    [
      'a key of an attacker',
      'invalid_key',
      () => transmitter.token(claims(), {}, attackers.privateKey),
    ],
    [
      'a key in the header',
      'invalid_request',
      () =>
        transmitter.token(
          claims(),
          { jwk: attackers.publicKey.export({ format: 'jwk' }) },
          attackers.privateKey,
        ),
    ],
    ['the algorithm none', 'invalid_request', () => token({}, { alg: 'none' })],
    ['the algorithm HS256', 'invalid_request', () => token({}, { alg: 'HS256' })],
    ['no typ', 'invalid_request', () => token({}, { typ: undefined })],
    ['the typ of a JWT', 'invalid_request', () => token({}, { typ: 'JWT' })],
    ['the typ of a logout token', 'invalid_request', () => token({}, { typ: 'logout+jwt' })],
    ['another audience', 'invalid_audience', () => token({ aud: 'https://other.example' })],
    ['a list of other audiences', 'invalid_audience', () => token({ aud: ['a', 'b'] })],
    ['no audience', 'invalid_audience', () => token({ aud: undefined })],
    ['another issuer', 'invalid_issuer', () => token({ iss: 'https://other.example' })],
    ['no issuer', 'invalid_request', () => token({ iss: undefined })],
    ['no jti', 'invalid_request', () => token({ jti: undefined })],
    ['no iat', 'invalid_request', () => token({ iat: undefined })],
    ['an iat in the future', 'invalid_request', () => token({ iat: now() + 600 })],
    ['an iat of last week', 'invalid_request', () => token({ iat: now() - 8 * 86_400 })],
    ['an exp in the past', 'invalid_request', () => token({ exp: now() - 600 })],
    ['a nonce', 'invalid_request', () => token({ nonce: 'n' })],
    ['no events', 'invalid_request', () => token({ events: undefined })],
    ['an empty object of events', 'invalid_request', () => token({ events: {} })],
    ['an event that is a string', 'invalid_request', () => token({ events: { [event]: 'x' } })],
    ['text', 'invalid_request', () => 'this is no token'],
    ['an empty body', 'invalid_request', () => ''],
    [
      'a changed payload',
      'invalid_key',
      () => {
        const [head, , signature] = token().split('.')
        const body = Buffer.from(JSON.stringify(claims())).toString('base64url')
        return [head, body, signature].join('.')
      },
    ],
    [
      'deep nesting',
      'invalid_request',
      () => token({ events: { [event]: JSON.parse('{"a":'.repeat(100) + '1' + '}'.repeat(100)) } }),
    ],
  ]
  test.each(rejected)(
    'a token with %s is rejected as %s, and changes nothing',
    async (_, err, make) => {
      // Keys that were just fetched are not fetched again: see the tests on keys.
      const at = err === 'invalid_key' ? await start() : gate
      const browser = await logIn(at)
      const response = await push(at, make())
      expect(response.headers.get('content-type')).toMatch(/^application\/json/)
      expect(response.headers.get('content-language')).toBe('en')
      const body = (await response.json()) as object
      expect([response.status, body]).toEqual([400, { err, description: expect.any(String) }])
      expect(await isIn(browser, at)).toBe(true)
    },
  )

  test('a list of audiences that contains ours is accepted', async () => {
    const browser = await logIn(gate)
    expect((await push(gate, token({ aud: ['https://other.example', AUDIENCE] }))).status).toBe(202)
    expect(await isIn(browser, gate)).toBe(false)
  })

  test('a replayed token is acknowledged, and does not end a newer session', async () => {
    const store = memoryStore()
    const [first, second] = [await start({ store, id: 'x' }), await start({ store, id: 'x' })]
    await logIn(first)
    const replayed = token()
    expect((await push(first, replayed)).status).toBe(202)
    const browser = await logIn(first)
    expect((await push(first, replayed)).status).toBe(202)
    expect((await push(second, replayed)).status).toBe(202)
    expect(await isIn(browser, first)).toBe(true)
    expect(first.signals.map(({ outcome }) => outcome)).toEqual(['applied', 'duplicate'])
    expect(second.signals.map(({ outcome }) => outcome)).toEqual(['duplicate'])
  })

  test('a replayed change causes no further check', async () => {
    const browser = await logIn(gate)
    const replayed = transmitter.token(transmitter.claims(`${CAEP}credential-change`, user()))
    await push(gate, replayed)
    await isIn(browser, gate)
    vendor.requests.length = 0
    await push(gate, replayed)
    expect(await isIn(browser, gate)).toBe(true)
    expect(vendor.requests).toEqual([])
  })

  test('a token about an event before the login does not end the session', async () => {
    const browser = await logIn(gate)
    const old = { iat: now() - 3600, events: { [event]: { event_timestamp: now() - 3600 } } }
    expect((await push(gate, token(old))).status).toBe(202)
    expect(await isIn(browser, gate)).toBe(true)
    // Issued now, about an event of an hour ago; in milliseconds, as in earlier drafts.
    const late = { events: { [event]: { event_timestamp: (now() - 3600) * 1000 } } }
    await push(gate, token(late))
    expect(await isIn(browser, gate)).toBe(true)
  })

  test('an event time after the issue time does not reach newer sessions', async () => {
    const clock = fakeDate()
    const early = token({ events: { [event]: { event_timestamp: now() + 86_400 } } })
    clock.forward(3600)
    const browser = await logIn(gate)
    await push(gate, early)
    expect(await isIn(browser, gate)).toBe(true)
  })

  test('another content type is rejected', async () => {
    const response = await push(gate, token(), { 'Content-Type': 'application/jwt' })
    expect([response.status, await response.json()]).toEqual([
      400,
      { err: 'invalid_request', description: expect.stringContaining('application/secevent+jwt') },
    ])
  })

  test('other methods are rejected, and without transmitters there is no such path', async () => {
    expect((await fetch(gate.url('/auth/signals'))).status).toBe(405)
    const without = await startGate({ provider: { idp: oidcOf(vendor) } })
    expect((await push(without, token())).status).toBe(404)
  })

  test('a body of 1 MB is rejected without being read', async () => {
    const response = await push(gate, 'x'.repeat(1_000_000)).catch((error: unknown) => error)
    if (response instanceof Response)
      expect([response.status, await response.json()]).toEqual([
        400,
        { err: 'invalid_request', description: expect.stringContaining('65536 bytes') },
      ])
    const browser = await logIn(gate)
    expect((await push(gate, token())).status).toBe(202)
    expect(await isIn(browser, gate)).toBe(false)
  })

  test('a wrong Authorization header is rejected, also with a valid signature', async () => {
    const authorization = `Bearer ${randomUUID()}`
    const at = await start({}, { transmitter: { authorization } })
    const browser = await logIn(at)
    for (const header of [
      {},
      { Authorization: 'Bearer wrong' },
      { Authorization: `${authorization}x` },
    ]) {
      const response = await push(at, token(), header)
      expect([response.status, await response.json()]).toEqual([
        400,
        { err: 'authentication_failed', description: expect.any(String) },
      ])
    }
    expect(await isIn(browser, at)).toBe(true)
    expect((await push(at, token(), { Authorization: authorization })).status).toBe(202)
    expect(await isIn(browser, at)).toBe(false)
  })

  test('a subject with a critical member that is not understood is discarded', async () => {
    const strict = stopping(
      await startTransmitter({ audience: AUDIENCE, criticalMembers: ['tenant', 'user'] }),
    )
    const at = await start({
      signals: { transmitters: { strict: { issuer: strict.issuer, audience: AUDIENCE } } },
    })
    const browser = await logIn(at)
    const send = (subject: object) =>
      strict.push(at.url('/auth/signals'), strict.token(strict.claims(event, subject)))
    const tenant = { format: 'opaque', id: 'tenant' }
    expect((await send({ format: 'complex', user: user(), tenant })).status).toBe(202)
    expect(await isIn(browser, at)).toBe(true)
    expect((await send({ format: 'complex', user: user() })).status).toBe(202)
    expect(await isIn(browser, at)).toBe(false)
  })
})

describe('keys', () => {
  test('that rotate are fetched again; until they can be, the transmitter is told to try again', async () => {
    const rotating = stopping(await startTransmitter({ audience: AUDIENCE }))
    const at = await start({
      signals: { transmitters: { rotating: { issuer: rotating.issuer, audience: AUDIENCE } } },
    })
    const clock = fakeDate()
    const send = () =>
      rotating.push(
        at.url('/auth/signals'),
        rotating.token(rotating.claims(`${CAEP}session-revoked`, user())),
      )
    expect((await send()).status).toBe(202)
    rotating.rotate()
    expect((await send()).status).toBe(202)
    // Within a minute, keys are not fetched again: an attacker could cause that.
    rotating.rotate()
    const response = await send()
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '60'])
    clock.forward(61)
    expect((await send()).status).toBe(202)
  })

  test.each<[string, 'ssf' | 'risc', string]>([
    ['an issuer with a path', 'ssf', '/issuer1'],
    ['the metadata of earlier drafts', 'risc', ''],
  ])('of %s are found', async (_, wellKnown, path) => {
    const other = stopping(await startTransmitter({ audience: AUDIENCE, wellKnown, path }))
    const at = await start({
      signals: { transmitters: { other: { issuer: other.issuer, audience: AUDIENCE } } },
    })
    const browser = await logIn(at)
    const token = other.token(other.claims(`${CAEP}session-revoked`, user()))
    expect((await other.push(at.url('/auth/signals'), token)).status).toBe(202)
    expect(await isIn(browser, at)).toBe(false)
  })

  test('of a transmitter that is down: 503, and ready() reports it', async () => {
    const down = await startTransmitter({ audience: AUDIENCE })
    const at = await start({
      signals: { transmitters: { down: { issuer: down.issuer, audience: AUDIENCE } } },
    })
    const token = down.token(down.claims(`${CAEP}session-revoked`, user()))
    await down.close()
    expect((await push(at, token)).status).toBe(503)
    await expect(at.middleware.ready()).rejects.toThrow(/not ready/)
  })
})

describe('body parsers in front', () => {
  test.each<[string, NonNullable<GateSetup['before']>]>([
    ['express.json()', (app) => app.use(express.json())],
    ['express.urlencoded()', (app) => app.use(express.urlencoded({ extended: true }))],
    ['express.text() for all types', (app) => app.use(express.text({ type: '*/*' }))],
    ['express.raw() for all types', (app) => app.use(express.raw({ type: '*/*' }))],
  ])('%s changes nothing', async (_, before) => {
    for (const framework of ['express', 'express4'] as const) {
      const at = await start({}, { setup: { before, framework } })
      const browser = await logIn(at)
      const token = transmitter.token(transmitter.claims(`${CAEP}session-revoked`, user()))
      expect((await push(at, token)).status).toBe(202)
      expect(await isIn(browser, at)).toBe(false)
    }
  })
})
