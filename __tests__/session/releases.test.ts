import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from '@jest/globals'
import { startVendor } from '../../src/dev/vendors/index.js'
import { memoryStore, type SessionStore, type StoreRecord } from '../../src/index.js'
import { Encrypter } from '../../src/http/encryption.js'
import { packSession, unpackSession } from '../../src/session/packed-session.js'
import { changedSession } from '../../src/session/session.js'
import {
  bodyOf,
  oidcOf,
  secret,
  startGate,
  stopAll,
  stopping,
  toCallback,
} from '../support/gate.js'
import { createBrowser } from '../support/jar.js'

afterEach(stopAll)

async function rowsOf(store: SessionStore, kind: string): Promise<StoreRecord[]> {
  const page = await store.entries?.({ kind, limit: 10 })
  return (page?.entries ?? []).map(([, record]) => record)
}

/** Writes as a later release with more fields would. */
function laterRelease(store: SessionStore): SessionStore {
  const mark = <R extends object>(record: R) => ({ ...record, later: 'said by a later release' })
  return {
    ...store,
    set: (key, record, ttl) => store.set(key, mark(record), ttl),
    update: (key, record, ttl) => store.update(key, mark(record), ttl),
  }
}

async function startPair(more: object, otherMore: object) {
  const vendor = stopping(await startVendor('oidc'))
  const store = memoryStore()
  const common = { provider: { idp: oidcOf(vendor) }, id: 'shared', authCheckInterval: 1, store }
  const [one, other] = [
    await startGate({ ...common, ...more }),
    await startGate({
      ...common,
      ...otherMore,
      ...('store' in otherMore && { store: laterRelease(store) }),
    }),
  ]
  return { one, other, store, browser: createBrowser() }
}

describe('two releases on one store', () => {
  test('S-116 unknown fields of a later release are kept when an earlier one writes the row', async () => {
    const { one, other, store, browser } = await startPair({}, { store: 'later' })
    expect((await browser.get(other.url('/'))).status).toBe(200)
    await sleep(1050)
    const checkedBefore = (await rowsOf(store, 'session'))[0]?.revision ?? 0
    expect((await browser.get(one.url('/'), { follow: false })).status).toBe(200)
    const [session] = await rowsOf(store, 'session')
    expect(session?.revision).toBeGreaterThan(checkedBefore)
    // A login writes the user's record, too.
    expect((await createBrowser().get(one.url('/'))).status).toBe(200)
    expect(await rowsOf(store, 'user')).toEqual([
      expect.objectContaining({ later: 'said by a later release', revision: 2 }),
    ])
  })

  test('S-116 fields that a later release adds to a session are kept', () => {
    const members = { group: 'idp:1', createdAt: 1, revision: 1, sealed: '' }
    const user = [null, null, 0, null, null, [], [], []]
    const packed = ['', 'client', user, null, [], 0, null, null, [], [], null, [null, null]]
    for (const account of [null, { roles: ['editor'] }]) {
      const known = [account, null, ['ES256', 'x', 'y'], [['chrome windows'], ['93.184']]]
      for (const fields of [known, [account, 5, null, null]]) {
        const later = JSON.stringify([...packed, ...fields, { field: 'of a later release' }, 7])
        expect(packSession(unpackSession(later, members))).toBe(later)
        const changed = changedSession(unpackSession(later, members), { deniedSince: 5 })
        expect(JSON.parse(packSession(changed)).slice(-2)).toEqual([
          { field: 'of a later release' },
          7,
        ])
      }
    }
    // Rows of releases without accounts are written as these expect them.
    for (const fields of [[], [{ roles: ['editor'] }], [null, null, ['RS256', 'n']]]) {
      const earlier = JSON.stringify([...packed, ...fields])
      expect(packSession(unpackSession(earlier, members))).toBe(earlier)
    }
  })
})

describe('two processes with lists of secrets', () => {
  const newer = 'another secret for tests, longer than 32 characters'

  test.each([
    ['the process with both secrets', [secret], [secret, newer]],
    ['the process that encrypts with the new secret', [secret, newer], [newer, secret]],
    ['the process that still encrypts with the old secret', [newer, secret], [secret, newer]],
  ])('S-116 a session and its tokens work in %s', async (_, first, second) => {
    const { one, other, browser } = await startPair({ secret: first }, { secret: second })
    const callback = new URL(await toCallback(browser, one.url('/deep')))
    const page = await browser.get(other.url(callback.pathname + callback.search), { follow: 1 })
    expect([page.status, new URL(page.url).pathname]).toEqual([200, '/deep'])
    const { headers } = bodyOf(page)
    expect(headers['ngrok-auth-oauth-access-token']).toMatch(/./)
    // Encrypted by one, decrypted by the other.
    expect(
      bodyOf(await browser.get(one.url('/'), { follow: false })).headers[
        'ngrok-auth-oauth-access-token'
      ],
    ).toBe(headers['ngrok-auth-oauth-access-token'])
  })
})

test('what earlier releases have encrypted and authenticated with the secret stays readable', () => {
  const encrypter = new Encrypter([secret])
  const tokens = 'xnfLnHpPBBt6YvTpYgLKIFQAh6UhU5vcX4og1F4Tw9tGNNJk4xmqZy2GVErf1bumywLvg90O'
  expect(encrypter.decrypt('tokens', tokens, 'A'.repeat(43))).toBe('{"accessToken":"at-1"}')
  expect(encrypter.decrypt('tokens', tokens, 'B'.repeat(43))).toBeUndefined()
  const state = 'xnfLnP4xFpfK90Cgaa9E1GaX18e6zq6a3AfDMEdpWPzMCcIxtinWWYTUFETN'
  expect(encrypter.decrypt('state', state)).toBe('a transaction')
  expect(encrypter.isAuthentic('row', 'a row', 'B_y8n67MkyH-5ZktD47sLo')).toBe(true)
  // There is one spelling of what was encrypted.
  for (const other of [`${state}=`, ` ${state}`, `${state.slice(0, 9)}\n${state.slice(9)}`])
    expect(encrypter.decrypt('state', other)).toBeUndefined()
})
