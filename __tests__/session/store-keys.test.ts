import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import session from 'express-session'
import fileStore from 'session-file-store'
import { memoryStore, type OAuthModuleOptions, type SessionStore } from '../../src/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { type Gate, oidcOf, startGate, stopAll, stopping } from '../support/gate.js'
import { type Browser, createBrowser } from '../support/jar.js'
import { program } from '../support/recheck.js'

let vendor: VendorServer
const folder = mkdtempSync(join(tmpdir(), 'oauth-module-keys-'))
/** What an ID from a request could point to. */
const outside = join(folder, 'config.json')

beforeAll(async () => {
  vendor = stopping(
    await startVendor('oidc', {
      users: [{ id: '../../config', username: '../../config', name: 'Dots', email: 'd@x.example' }],
    }),
  )
})
beforeEach(() => {
  writeFileSync(outside, '{"secret":true}')
})
afterAll(async () => {
  await stopAll()
  rmSync(folder, { recursive: true, force: true })
})

async function start(store: OAuthModuleOptions['store']): Promise<[Gate, Browser]> {
  const gate = await startGate({ provider: { idp: oidcOf(vendor) }, store })
  const browser = createBrowser()
  expect((await browser.get(gate.url('/'))).status).toBe(200)
  return [gate, browser]
}

const traversals = [
  'x/../../config',
  '../config',
  'x/../../config.json\0',
  '..\\config',
  '/etc/passwd',
  'x%2F..%2F..%2Fconfig',
  'a'.repeat(101),
]

describe('C7: an ID that is not one never reaches the store', () => {
  test('C7: with session-file-store, sessions.get() and sessions.revoke() reject a path, and no file outside its folder is deleted', async () => {
    const FileStore = fileStore(session)
    const path = join(folder, 'sessions')
    const logFn = () => undefined
    const [gate] = await start(new FileStore({ path, retries: 0, logFn, reapInterval: -1 }))
    const { sessions } = gate.middleware
    for (const id of traversals) {
      await expect(sessions.get(id)).rejects.toThrow(
        /^sessions\.get\(\) must be called with the ID/,
      )
      await expect(sessions.revoke(id)).rejects.toThrow(TypeError)
      expect(existsSync(outside)).toBe(true)
    }
    expect(await sessions.revoke('a'.repeat(64))).toBe(false)
  })

  test('C7: whatever users, lists, cookies and providers send, the store receives only keys of its alphabet', async () => {
    const { store, keys } = recording()
    const [gate] = await start(store)
    const { users, sessions } = gate.middleware
    for (const id of traversals) {
      expect(await users.get(id)).toBeUndefined()
      expect(await users.delete(id)).toBe(false)
      expect((await sessions.list({ userId: id })).items).toEqual([])
      const headers = { ...program, Cookie: `ngrok.session=${id.replaceAll(/[^!-~]/g, '')}` }
      expect((await createBrowser().get(gate.url('/'), { headers })).status).toBe(401)
    }
    expect(await users.delete('idp:../../config')).toBe(true)
    expect(keys.size).toBeGreaterThan(5)
    for (const key of keys) expect(key).toMatch(/^[A-Za-z0-9:_-]{1,100}$/)
  })

  test.each([
    ['an empty string', ''],
    ['a string with a NUL character', 'x\u0000'],
    ['a string with a line break', 'x\n'],
    ['a string of 1025 characters', 'x'.repeat(1025)],
  ])('C7: %s is not accepted as the cursor of a list', async (_, after) => {
    const [gate] = await start(memoryStore())
    await expect(gate.middleware.users.list({ after })).rejects.toThrow(TypeError)
    await expect(gate.middleware.sessions.list({ after })).rejects.toThrow(TypeError)
  })

  test('C7: a key that the list of a store returns is checked like any other before a session is deleted', async () => {
    const { store, keys } = recording((entries) => [
      ...entries.map(([, record]) => ['x/../../config', record] as const),
      ...entries,
    ])
    const [gate, browser] = await start(store)
    expect(await gate.middleware.users.delete('idp:../../config')).toBe(true)
    expect((await browser.get(gate.url('/'), { headers: program })).status).toBe(401)
    expect([...keys].filter((key) => key.includes('/'))).toEqual([])
  })
})

type Entries = Awaited<ReturnType<NonNullable<SessionStore['entries']>>>['entries']

/** A store that notes the keys that it receives, and may change what it lists. */
function recording(list: (entries: Entries) => Entries = (entries) => entries) {
  const inner = memoryStore()
  const keys = new Set<string>()
  const store: SessionStore = {
    get: (key) => inner.get(keys.add(key) && key),
    set: (key, record, ttl) => inner.set(keys.add(key) && key, record, ttl),
    update: (key, record, ttl) => inner.update(keys.add(key) && key, record, ttl),
    delete: (key) => inner.delete(keys.add(key) && key),
    lock: (key, ttl) => inner.lock?.(keys.add(key) && key, ttl),
    async entries(query) {
      const page = await inner.entries?.(query)
      return { entries: list(page?.entries ?? []), next: page?.next }
    },
  }
  return { store, keys }
}
