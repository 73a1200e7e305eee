import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { fakeDate, realDate } from '../support/clock.js'
import { oidcOf, startGate, stopAll, stopping } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { effectOn } from '../support/signal-events.js'
import { PUSHED_EXAMPLE, SIGNAL_EXAMPLES } from '../support/signal-examples.js'
import { RISC, SSF, startTransmitter, type TestTransmitter } from '../support/transmitter.js'

let vendor: VendorServer
let transmitter: TestTransmitter
let account: object

beforeAll(async () => {
  vendor = stopping(await startVendor('oidc'))
  transmitter = stopping(await startTransmitter({ audience: 'unused' }))
  account = { ...vendor.user }
})
afterEach(() => {
  Object.assign(vendor.user, { claims: undefined, ...account })
  realDate()
})
afterAll(stopAll)

const start = (issuer: string, audience: string | string[]) =>
  startGate({
    provider: { idp: oidcOf(vendor) },
    timeouts: { provider: 60, store: 30 },
    signals: {
      transmitters: { example: { issuer, audience, jwksUri: transmitter.jwksUri } },
    },
  })

describe('the examples of the specifications, at the time they state', () => {
  test.each(SIGNAL_EXAMPLES.map((example) => [example.source, example] as const))(
    '%s',
    async (_, { claims, user, effect, hint }) => {
      // The user has signed in five minutes before: the events of CAEP are older than their tokens.
      const clock = fakeDate(claims.iat * 1000 - 300_000)
      const { sid, ...members } = user
      Object.assign(vendor.user, members, sid !== undefined && { claims: { sid } })
      const gate = await start(claims.iss, claims.aud)
      const hints: (string | undefined)[] = []
      gate.middleware.on('signal', (signal) => void hints.push(signal.hint))
      const browser = createBrowser()
      expect((await browser.get(gate.url('/'))).status).toBe(200)
      clock.set(claims.iat * 1000)
      const response = await transmitter.push(gate.url('/auth/signals'), transmitter.token(claims))
      expect([response.status, await response.text()]).toEqual([202, ''])
      expect(await effectOn(browser, gate.url('/'), vendor)).toBe(effect)
      if (hint !== undefined) expect(hints).toEqual([expect.stringMatching(hint)])
      // The owner can see it without further settings.
      if (hint !== undefined && effect === 'nothing')
        expect(gate.logged.join('\n')).toMatch(/warn a signal names no session of this app/)
    },
    60_000,
  )

  test('RFC 8935, Figure 1 as it is printed is rejected: its key is a shared secret', async () => {
    fakeDate(1508184845_000)
    Object.assign(vendor.user, { id: '7375626A656374' })
    const gate = await start('https://idp.example.com/', '636C69656E745F6964')
    const browser = createBrowser()
    expect((await browser.get(gate.url('/'))).status).toBe(200)
    const response = await transmitter.push(gate.url('/auth/signals'), PUSHED_EXAMPLE, {
      'Accept-Language': 'en-US, en;q=0.5',
    })
    expect(response.headers.get('content-language')).toBe('en')
    expect([response.status, await response.json()]).toEqual([
      400,
      { err: 'invalid_request', description: expect.stringContaining('HS256') },
    ])
    expect(await effectOn(browser, gate.url('/'), vendor)).toBe('nothing')
  }, 60_000)

  test('SSF 8.1.4: the state of a verification event that this app did not request is rejected', async () => {
    const iat = 1493856000
    fakeDate(iat * 1000)
    const gate = await start('https://transmitter.example.com', 'receiver.example.com')
    const claims = {
      jti: '123456',
      iss: 'https://transmitter.example.com',
      aud: 'receiver.example.com',
      iat,
      sub_id: { format: 'opaque', id: 'f67e39a0a4d34d56b3aa1bc4cff0069f' },
      events: {
        [`${SSF}verification`]: { state: 'VGhpcyBpcyBhbiBleGFtcGxlIHN0YXRlIHZhbHVlLgo=' },
      },
    }
    const send = async (events: object) => {
      const token = transmitter.token({ ...claims, ...events })
      const response = await transmitter.push(gate.url('/auth/signals'), token)
      return [response.status, await response.text()]
    }
    expect(await send({})).toEqual([400, expect.stringContaining('invalid_state')])
    // One without a state was sent by the transmitter on its own. Earlier drafts had it in RISC.
    expect(await send({ events: { [`${SSF}verification`]: {} } })).toEqual([202, ''])
    expect(await send({ events: { [`${RISC}verification`]: { state: '' } } })).toEqual([202, ''])
  })

  test('a pause of the stream is an error in the log', async () => {
    const paused = SIGNAL_EXAMPLES.find(({ source }) => source.includes('paused'))?.claims
    if (paused === undefined) throw new Error('no such example')
    fakeDate(paused.iat * 1000)
    const gate = await start(paused.iss, paused.aud)
    await transmitter.push(gate.url('/auth/signals'), transmitter.token(paused))
    expect(gate.logged.join('\n')).toMatch(/error the transmitter has changed the status.*paused/)
  })

  test('transmitters of earlier drafts, such as Google, may send the type JWT', async () => {
    const google = stopping(await startTransmitter({ audience: 'client', wellKnown: 'risc' }))
    const gate = await startGate({
      provider: { idp: oidcOf(vendor) },
      timeouts: { provider: 60, store: 30 },
      signals: { transmitters: { google: { issuer: `${google.issuer}/`, audience: 'client' } } },
    })
    const browser = createBrowser()
    expect((await browser.get(gate.url('/'))).status).toBe(200)
    const events = {
      'https://schemas.openid.net/secevent/oauth/event-type/tokens-revoked': {
        subject: {
          subject_type: 'iss-sub',
          iss: vendor.origin,
          sub: String(vendor.user.id),
        },
      },
    }
    const token = google.token(google.claims('x', undefined, { events }), { typ: 'JWT' })
    expect((await google.push(gate.url('/auth/signals'), token)).status).toBe(202)
    expect(await effectOn(browser, gate.url('/'), vendor)).toBe('ends')
  })
})
