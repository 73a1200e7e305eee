import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { memoryStore, type OAuthModuleOptions } from '../../src/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { type Gate, oidcOf, startGate, stopAll, stopping } from '../support/gate.js'
import { type Browser, createBrowser } from '../support/jar.js'
import { oddStore } from '../support/odd-store.js'
import { CAEP, startTransmitter, type TestTransmitter } from '../support/transmitter.js'

const AUDIENCE = 'app'
let vendor: VendorServer
let transmitter: TestTransmitter
let account: object

beforeAll(async () => {
  vendor = stopping(await startVendor('oidc'))
  transmitter = stopping(await startTransmitter({ audience: AUDIENCE }))
  account = { ...vendor.user }
})
afterEach(() => void Object.assign(vendor.user, { claims: undefined, ...account }))
afterAll(stopAll)

interface Person {
  id: string
  email: string
  emailVerified?: boolean
  /** The provider's ID of the session. */
  sid?: string
}

interface Scene {
  gate: Gate
  hints: (string | undefined)[]
  outcomes: string[]
  /** Who is still signed in. */
  stillIn(): Promise<string[]>
  send(subject: unknown): Promise<void>
}

const ann = { id: 'ann', email: 'ann@acme.example' }
const bob = { id: 'bob', email: 'bob@acme.example' }

/** Signs people in, by names of ours for their sessions. */
async function open(
  people: Record<string, Person>,
  store: OAuthModuleOptions['store'] = memoryStore(),
): Promise<Scene> {
  const gate = await startGate({
    provider: { idp: oidcOf(vendor) },
    store,
    timeouts: { provider: 60, store: 30 },
    signals: { transmitters: { okta: { issuer: transmitter.issuer, audience: AUDIENCE } } },
  })
  const hints: (string | undefined)[] = []
  const outcomes: string[] = []
  gate.middleware.on('signal', (signal) => {
    hints.push(signal.hint)
    outcomes.push(signal.outcome)
  })
  const browsers: [string, Browser][] = []
  for (const [name, { sid, ...person }] of Object.entries(people)) {
    const claims = sid === undefined ? undefined : { sid }
    Object.assign(vendor.user, { emailVerified: true, ...person, claims })
    const browser = createBrowser()
    const page = await browser.get(gate.url('/'))
    if (page.status !== 200) throw new Error(`no login: ${page.status} ${page.body}`)
    browsers.push([name, browser])
  }
  return {
    ...{ gate, hints, outcomes },
    async stillIn() {
      const names: string[] = []
      for (const [name, browser] of browsers)
        if ((await browser.get(gate.url('/'), { follow: false })).status === 200) names.push(name)
      return names
    },
    async send(subject) {
      const token = transmitter.token(transmitter.claims(`${CAEP}session-revoked`, subject))
      expect((await transmitter.push(gate.url('/auth/signals'), token)).status).toBe(202)
    },
  }
}

const issSub = (sub: string, iss = vendor.origin) => ({ format: 'iss_sub', iss, sub })
const email = (address: string) => ({ format: 'email', email: address })
const opaque = (id: string) => ({ format: 'opaque', id })
const complex = (members: object) => ({ format: 'complex', ...members })

describe.each<[string, () => OAuthModuleOptions['store']]>([
  ['a store that can list', () => memoryStore()],
  ['a store that cannot list', () => oddStore()],
])('sessions by the ID of the provider, in %s', (_, store) => {
  const people = {
    laptop: { ...ann, sid: 'sid-1' },
    phone: { ...ann, sid: 'sid-2' },
    old: ann,
    bob: { ...bob, sid: 'sid-3' },
  }
  const cases: [string, () => object, remaining: string[]][] = [
    ['opaque', () => opaque('sid-1'), ['phone', 'old', 'bob']],
    [
      'complex with a session',
      () => complex({ session: opaque('sid-1') }),
      ['phone', 'old', 'bob'],
    ],
    [
      'complex with a session as iss_sub',
      () => complex({ session: issSub('sid-1') }),
      ['phone', 'old', 'bob'],
    ],
    [
      'complex with a session and a user who cannot be mapped',
      () =>
        complex({
          session: opaque('sid-1'),
          user: { format: 'phone_number', phone_number: '+12065550100' },
        }),
      ['phone', 'old', 'bob'],
    ],
    [
      'complex with a session, user, device and tenant: a session whose ID is unknown may be meant',
      () =>
        complex({
          session: opaque('sid-1'),
          user: issSub('ann'),
          device: opaque('device'),
          tenant: opaque('tenant'),
        }),
      ['phone', 'bob'],
    ],
    [
      'complex with the session of another user',
      () => complex({ session: opaque('sid-3'), user: issSub('ann') }),
      ['laptop', 'phone', 'bob'],
    ],
    [
      'complex with the session, and a user of another issuer',
      () => complex({ session: opaque('sid-1'), user: issSub('ann', 'https://other.example') }),
      ['laptop', 'phone', 'old', 'bob'],
    ],
    [
      'complex with an unknown session',
      () => complex({ session: opaque('sid-9') }),
      ['laptop', 'phone', 'old', 'bob'],
    ],
    ['all sessions of the user', () => issSub('ann'), ['bob']],
  ]
  test.each(cases)('%s', async (_name, subject, remaining) => {
    const scene = await open(people, store())
    await scene.send(subject())
    expect(await scene.stillIn()).toEqual(remaining)
  })
})

describe('what sessions do not show', () => {
  test.each<[string, () => object, RegExp]>([
    ['a device', () => complex({ user: issSub('ann'), device: opaque('device') }), /the device of/],
    [
      'a session in another format',
      () =>
        complex({
          user: issSub('ann'),
          session: { format: 'jwt_id', iss: vendor.origin, jti: 'B70BA622' },
        }),
      /the session of/,
    ],
  ])(
    '%s does not spare other sessions of the user, and the hint says so',
    async (_, subject, hint) => {
      const scene = await open({ laptop: { ...ann, sid: 'sid-1' }, phone: ann, bob })
      await scene.send(subject())
      expect(await scene.stillIn()).toEqual(['bob'])
      expect(scene.hints).toEqual([expect.stringMatching(hint)])
    },
  )

  test.each<[string, unknown]>([
    ['phone_number', { format: 'phone_number', phone_number: '+12065550100' }],
    ['did', { format: 'did', url: 'did:example:123456/did/url/path?versionId=1' }],
    ['uri', { format: 'uri', uri: 'https://user.example.com/ann' }],
    ['uri', { format: 'uri', uri: 'urn:uuid:4e851e98-83c4-4743-a5da-150ecb53042f' }],
    ['account', { format: 'account', uri: 'https://acme.example/ann' }],
    ['jwt_id', { format: 'jwt_id', iss: 'https://idp.example.com/123456789/', jti: 'B70BA622' }],
    ['ip_addresses', { format: 'ip-addresses', 'ip-addresses': ['127.0.0.1'] }],
    ['oauth_token', { subject_type: 'oauth_token', token_type: 'refresh_token', token: 'x' }],
    ['aliases', { format: 'aliases', identifiers: [] }],
    ['group', { format: 'complex', group: { format: 'opaque', id: 'ann' } }],
    ['org_unit', { format: 'complex', org_unit: { format: 'opaque', id: 'ann' } }],
    ['application', { format: 'complex', application: { format: 'opaque', id: 'ann' } }],
    ['iss_sub', { format: 'iss_sub', iss: 'https://acme.example' }],
    ['email', { format: 'email', email: ['ann@acme.example'] }],
    ['opaque', { format: 'opaque', id: { $ne: '' } }],
  ])('%s cannot be mapped: it is reported, and no session ends', async (format, subject) => {
    const scene = await open({ ann, bob })
    await scene.send(subject)
    expect(await scene.stillIn()).toEqual(['ann', 'bob'])
    expect(scene.outcomes).toEqual(['unknown_subject'])
    expect(scene.gate.logged.join('\n')).toMatch(/^warn a signal names no session of this app/m)
    if (format !== 'aliases') expect(scene.hints).toEqual([expect.stringContaining(format)])
  })
})

describe('addresses', () => {
  test.each<[string, object]>([
    ['email', email('ann@acme.example')],
    ['email in another case', email('Ann@ACME.example')],
    ['account', { format: 'account', uri: 'acct:ann@acme.example' }],
    ['account, encoded', { format: 'account', uri: 'acct:ann%40acme.example' }],
    ['uri', { format: 'uri', uri: 'mailto:ann@acme.example' }],
  ])('%s finds the user with this address', async (_, subject) => {
    const scene = await open({ ann, bob })
    await scene.send(subject)
    expect(await scene.stillIn()).toEqual(['bob'])
  })

  test('another user who has the address now is not meant if another identifier finds the user', async () => {
    const subjects = [
      { format: 'aliases', identifiers: [issSub('ann'), email('shared@acme.example')] },
      {
        subject_type: 'id_token_claims',
        iss: vendor.origin,
        sub: 'ann',
        email: 'shared@acme.example',
      },
    ]
    for (const subject of subjects) {
      const scene = await open({ ann, heir: { id: 'heir', email: 'shared@acme.example' } })
      await scene.send(subject)
      expect(await scene.stillIn()).toEqual(['heir'])
    }
  })

  test('aliases whose other identifiers are of another system find the user by address', async () => {
    const scene = await open({ ann, bob })
    const identifiers = [
      issSub('internal-4711', transmitter.issuer),
      issSub('bob', 'https://other.example'),
      { format: 'phone_number', phone_number: '+12065550100' },
      email('ann@acme.example'),
    ]
    await scene.send({ format: 'aliases', identifiers })
    expect(await scene.stillIn()).toEqual(['bob'])
  })
})

test('of several events in a token, a revocation counts', async () => {
  for (const order of [
    ['credential-change', 'session-revoked'],
    ['session-revoked', 'credential-change'],
  ]) {
    const scene = await open({ ann })
    const events = Object.fromEntries(order.map((name) => [`${CAEP}${name}`, {}]))
    const claims = transmitter.claims('x', issSub('ann'), { events })
    await transmitter.push(scene.gate.url('/auth/signals'), transmitter.token(claims))
    expect(await scene.stillIn()).toEqual([])
    expect(scene.outcomes).toEqual(['applied'])
  }
})
