import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { WebSocket } from 'ws'
import { memoryStore, type SessionStore } from '../../src/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { type Gate, oidcOf, startGate, stopAll, stopping, valueOfCookie } from '../support/gate.js'
import { type Browser, createBrowser } from '../support/jar.js'
import { eventually } from '../support/programs.js'
import { openSocket, serveSockets } from '../support/sockets.js'
import { CAEP, RISC, startTransmitter, type TestTransmitter } from '../support/transmitter.js'

const AUDIENCE = 'app'
let transmitter: TestTransmitter

beforeAll(async () => {
  transmitter = stopping(await startTransmitter({ audience: AUDIENCE }))
})
afterAll(stopAll)

interface Scene {
  gate: Gate
  vendor: VendorServer
  browser: Browser
  /** A WebSocket that was opened with the session, after its first check. */
  socket: WebSocket
  /** Resolves with the code and the reason. */
  closed: Promise<[number, string]>
  push(event: string, sub?: string): Promise<number>
}

async function open(options: object = {}): Promise<Scene> {
  const vendor = stopping(await startVendor('oidc'))
  const gate = await startGate({
    provider: { idp: oidcOf(vendor, { emailDomains: ['acme.example'] }) },
    timeouts: { provider: 60, store: 30 },
    signals: { transmitters: { okta: { issuer: transmitter.issuer, audience: AUDIENCE } } },
    ...options,
  })
  serveSockets(gate)
  const browser = createBrowser()
  const page = await browser.get(gate.url('/'))
  if (page.status !== 200) throw new Error(`no login: ${page.status} ${page.body}`)
  const opened = await openSocket(gate.url('/feed'), {
    Cookie: `ngrok.session=${valueOfCookie(browser, gate.origin)}`,
    Origin: gate.origin,
  })
  if (typeof opened === 'number') throw new Error(`refused: ${opened}`)
  const { socket } = opened
  const closed = once(socket, 'close').then(
    ([code, reason]) => [code, String(reason)] as [number, string],
  )
  vendor.requests.length = 0
  return {
    ...{ gate, vendor, browser, socket, closed },
    async push(event, sub = String(vendor.user.id)) {
      const subject = { format: 'iss_sub', iss: vendor.origin, sub }
      const token = transmitter.token(transmitter.claims(event, subject))
      return (await transmitter.push(gate.url('/auth/signals'), token)).status
    },
  }
}

describe('an open WebSocket', () => {
  test('closes at a revocation', async () => {
    const scene = await open()
    expect(await scene.push(`${RISC}account-disabled`)).toBe(202)
    expect(await scene.closed).toEqual([4401, 'login_required'])
  })

  test('closes at a change if the check denies the user, without a request', async () => {
    const scene = await open()
    Object.assign(scene.vendor.user, { email: 'ida@elsewhere.example' })
    expect(await scene.push(`${CAEP}token-claims-change`)).toBe(202)
    expect(await scene.closed).toEqual([4401, 'not_authorized'])
  })

  test('closes at a change if the provider has ended the grant', async () => {
    const scene = await open()
    scene.vendor.revokeTokens()
    expect(await scene.push(`${CAEP}credential-change`)).toBe(202)
    expect(await scene.closed).toEqual([4401, 'login_required'])
  })

  test('closes at a change if the provider is down: the old decision is in doubt, whatever the grace', async () => {
    const scene = await open({ authCheckInterval: 300, authCheckGrace: 3600 })
    scene.vendor.respond('*', { status: 503, body: {} })
    expect(await scene.push(`${CAEP}credential-change`)).toBe(202)
    expect((await scene.closed)[0]).toBe(1013)
  })

  test('stays open at a change if the check allows the user, and at signals about others', async () => {
    const scene = await open()
    expect(await scene.push(`${RISC}account-disabled`, 'another')).toBe(202)
    expect(await scene.push(`${CAEP}credential-change`)).toBe(202)
    await eventually('the check', () =>
      scene.vendor.requests.some(({ endpoint }) => endpoint === 'userinfo') ? true : undefined,
    )
    await sleep(500)
    expect(scene.socket.readyState).toBe(scene.socket.OPEN)
    // One check for the socket and the next request.
    expect((await scene.browser.get(scene.gate.url('/'), { follow: false })).status).toBe(200)
    const checks = scene.vendor.requests.filter(({ endpoint }) => endpoint === 'userinfo')
    expect(checks).toHaveLength(1)
  })
})

test('a signal that keeps failing does not hold up the others that wait', async () => {
  const store = memoryStore()
  let isDown = false
  let stuck = ''
  const failing = new Proxy(store, {
    get(target, name: keyof SessionStore) {
      if (name === 'delete')
        return (key: string) => {
          if (key === stuck) throw new Error('this row cannot be deleted')
          return target.delete(key)
        }
      if (isDown && (name === 'get' || name === 'set'))
        return () => {
          throw new Error('down')
        }
      return Reflect.get(target, name, target) as unknown
    },
  })
  const scene = await open({ store: failing })
  const { entries = [] } = (await store.entries?.({ kind: 'session', limit: 10 })) ?? {}
  stuck = String(entries[0]?.[0])
  Object.assign(scene.vendor.user, { id: 'user-2', email: 'two@acme.example' })
  const second = createBrowser()
  expect((await second.get(scene.gate.url('/'))).status).toBe(200)
  isDown = true
  for (const sub of ['user-1', 'user-2'])
    expect(await scene.push(`${CAEP}session-revoked`, sub)).toBe(503)
  isDown = false
  await eventually('the end of the second session', async () =>
    (await second.get(scene.gate.url('/'), { follow: false })).status === 302 ? true : undefined,
  )
  stuck = ''
  expect(await scene.closed).toEqual([4401, 'login_required'])
}, 60_000)
