import { fork } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { memoryStore, type SessionStore, type StoreRecord } from '../../src/index.js'
import { storeContract } from '../../src/testing/store-contract.js'
import { triedTimes } from '../support/cases.js'
import { fakeDate, realDate } from '../support/clock.js'

const HOUR = 3_600_000
let clock: ReturnType<typeof fakeDate>

beforeEach(() => {
  clock = fakeDate()
})
afterEach(realDate)

function session(group: string, more: Record<string, unknown> = {}): StoreRecord {
  return { kind: 'session', group, createdAt: Date.now(), revision: 1, ...more }
}

function keysOf(store: SessionStore, keys: readonly string[]): string[] {
  return keys.filter((key) => store.get(key) !== undefined)
}

describe('the contract of session stores', () => {
  const checks = storeContract({
    makeStore: () => memoryStore(),
    wait: (milliseconds) => clock.forward(milliseconds / 1000),
  })
  for (const { name, run } of checks) test(name, async () => expect(await run()).toBeUndefined())

  /** A store that breaks one promise; the check of that promise must notice. */
  const spoiled: [name: string, spoil: (store: SessionStore) => Partial<SessionStore>][] = [
    [
      'a record is read back',
      (store) => ({ get: (key) => store.get(key) && session('somebody else') }),
    ],
    [
      'get returns undefined for a key',
      (store) => ({ get: (key) => store.get(key) ?? session('made up') }),
    ],
    [
      'update creates no record',
      (store) => ({ update: (key, record, ttl) => (store.set(key, record, ttl), true) }),
    ],
    [
      'update leaves a record',
      (store) => ({
        update: (key, record, ttl) =>
          store.get(key) !== undefined && (store.set(key, record, ttl), true),
      }),
    ],
    ['delete removes a record', (store) => ({ delete: (key) => (store.delete(key), true) })],
    [
      'a record expires by itself',
      (store) => ({ set: (key, record) => store.set(key, record, HOUR) }),
    ],
    [
      'reading a record does not extend its lifetime',
      (store) => ({
        async get(key) {
          const record = await store.get(key)
          if (record !== undefined) await store.set(key, record, 200)
          return record
        },
      }),
    ],
    [
      'update sets the given ttl',
      (store) => ({ update: (key, record) => store.update(key, record, HOUR) }),
    ],
    [
      'update sets the given ttl',
      (store) => ({ update: (key, record) => store.update(key, record, 200) }),
    ],
    ['update sets the given ttl', () => ({ update: () => false })],
    ['a lock has one holder', () => ({ lock: () => () => undefined })],
    [
      'a lock expires by itself',
      (store) => ({ lock: (key, ttl) => store.lock?.(key, ttl * 1000) }),
    ],
    [
      'entries are listed newest first',
      (store) => ({
        entries: async (query) => {
          const page = await store.entries?.(query)
          return { entries: [...(page?.entries ?? [])].reverse(), next: page?.next }
        },
      }),
    ],
    [
      'writes between two pages',
      (store) => ({
        entries: async ({ after = '0', ...query }) => {
          const page = await store.entries?.({ ...query, limit: 1000 })
          const rest = page?.entries.slice(Number(after)) ?? []
          return {
            entries: rest.slice(0, query.limit),
            next: rest.length > query.limit ? String(Number(after) + query.limit) : undefined,
          }
        },
      }),
    ],
    [
      'a list contains one kind',
      (store) => ({
        entries: (query) =>
          store.entries?.({ ...query, group: undefined }) ?? { entries: [], next: undefined },
      }),
    ],
    [
      'count returns the number',
      (store) => ({ count: ({ kind }) => store.count?.({ kind }) ?? 0 }),
    ],
    ['count counts a record once', () => ({ count: () => 2 })],
    [
      'watch reports each way',
      (store) => ({
        watch: (key, listener) => store.watch?.(`${key}x`, listener) ?? (() => undefined),
      }),
    ],
    [
      'watch reports only changes of its own key',
      (store) => {
        const all = new Set<() => void>()
        return {
          watch: (_, listener) => (all.add(listener), () => void all.delete(listener)),
          set: (...written) => {
            void store.set(...written)
            for (const listener of all) listener()
          },
        }
      },
    ],
  ]
  test.each(spoiled)('a store that violates "%s…" is detected', async (name, spoil) => {
    const makeStore = () => {
      const store = memoryStore()
      return { ...store, ...spoil(store) }
    }
    const all = storeContract({
      makeStore,
      wait: (milliseconds) => clock.forward(milliseconds / 1000),
    })
    const check = all.find((one) => one.name.startsWith(name))
    await expect(check?.run()).rejects.toThrow()
  })

  test('a store without the optional methods is not checked for them', async () => {
    const { get, set, update, delete: remove } = memoryStore()
    const makeStore = () => ({ get, set, update, delete: remove })
    const some = storeContract({
      makeStore,
      wait: (ms) => clock.forward(ms / 1000),
      without: ['lock', 'entries', 'count', 'watch'],
    })
    for (const { run } of some) await run()
    expect(some.length).toBeLessThan(checks.length)
    expect(some.some(({ name }) => /lock|list|entries|count|watch/.test(name))).toBe(false)
  })
})

describe('limits', () => {
  test('beyond maxEntries the least recently used session is removed', () => {
    const store = memoryStore({ maxEntries: 3 })
    for (const name of ['a', 'b', 'c']) void store.set(name, session(name), HOUR)
    void store.get('a')
    void store.set('d', session('d'), HOUR)
    expect(keysOf(store, ['a', 'b', 'c', 'd'])).toEqual(['a', 'c', 'd'])
  })

  test('S-114 expired sessions are removed before sessions that are still valid', () => {
    const store = memoryStore({ maxEntries: 3 })
    void store.set('idle', session('idle'), HOUR)
    void store.set('short', session('short'), 1000)
    void store.set('c', session('c'), HOUR)
    clock.forward(2)
    void store.set('d', session('d'), HOUR)
    expect(keysOf(store, ['idle', 'short', 'c', 'd'])).toEqual(['idle', 'c', 'd'])
  })

  test('S-114 a flood of logins of one account does not remove the sessions of others', () => {
    const store = memoryStore({ maxEntries: 1000 })
    void store.set('victim', session('victim'), HOUR)
    triedTimes(20_000)
    for (let index = 0; index < 20_000; index++)
      void store.set(`flood-${index}`, session('attacker'), HOUR)
    expect(store.get('victim')).toBeDefined()
    expect(store.get('flood-19999')).toBeDefined()
    expect(store.get('flood-0')).toBeUndefined()
  })

  test('S-114 a flood from some accounts does not remove a session that is in use', () => {
    const store = memoryStore({ maxEntries: 500, maxPerUser: 5 })
    void store.set('victim', session('victim'), HOUR)
    triedTimes(5_000)
    for (let index = 0; index < 5_000; index++) {
      void store.set(`flood-${index}`, session(`attacker-${index % 50}`), HOUR)
      if (index % 100 === 0) expect(store.get('victim')).toBeDefined()
    }
    const kept = Array.from({ length: 5_000 }, (_, index) => `flood-${index}`)
    expect(keysOf(store, kept)).toHaveLength(250)
  })

  test('S-114 at most maxPerUser sessions are kept for a user, the latest', () => {
    const store = memoryStore({ maxPerUser: 2 })
    for (const name of ['1', '2', '3', '4']) void store.set(name, session('ada'), HOUR)
    void store.set('other', session('bob'), HOUR)
    expect(keysOf(store, ['1', '2', '3', '4', 'other'])).toEqual(['3', '4', 'other'])
    void store.delete('4')
    void store.set('5', session('ada'), HOUR)
    expect(keysOf(store, ['3', '5'])).toEqual(['3', '5'])
  })

  test('beyond maxBytes the least recently used sessions are removed until there is room', () => {
    const store = memoryStore({ maxBytes: 5_000 })
    const text = 'x'.repeat(900)
    const names = ['1', '2', '3', '4', '5', '6']
    void store.set('used', session('used', { text }), HOUR)
    for (const name of names) {
      void store.get('used')
      void store.set(name, session('heavy', { text }), HOUR)
    }
    expect(keysOf(store, ['used', ...names])).toEqual(['used', '3', '4', '5', '6'])
  })

  test('a session larger than maxBytes throws, and evicts nothing', () => {
    const store = memoryStore({ maxBytes: 1000 })
    const one = { kind: 'session', group: 'a', createdAt: 1, revision: 1 }
    for (const key of ['k1', 'k2']) void store.set(key, one, 60_000)
    expect(() =>
      store.set('large', { ...one, claims: 'x'.repeat(1000) } as StoreRecord, 60_000),
    ).toThrow(/larger than maxBytes/)
    expect([store.get('k1'), store.get('k2')]).toEqual([one, one])
  })

  test('writing a session again neither counts twice nor evicts another', () => {
    const store = memoryStore({ maxEntries: 2, maxPerUser: 2 })
    void store.set('a', session('ada'), HOUR)
    void store.set('b', session('ada'), HOUR)
    for (let revision = 2; revision < 10; revision++)
      expect(store.update('a', session('ada', { revision }), HOUR)).toBe(true)
    expect(keysOf(store, ['a', 'b'])).toEqual(['a', 'b'])
  })

  test('an app may replace methods of the store', () => {
    const store = memoryStore()
    const { set } = store
    const written: number[] = []
    store.set = (key, record, ttl) => {
      written.push(record.revision)
      return set(key, record, ttl)
    }
    void store.set('a', session('ada'), HOUR)
    expect(store.update('a', session('ada', { revision: 2 }), HOUR)).toBe(true)
    expect(written).toEqual([1])
    expect(store.get('a')).toMatchObject({ revision: 2 })
  })

  test('a flood of sessions evicts no record of another kind', () => {
    const store = memoryStore({ maxEntries: 10 })
    void store.set('user', { ...session('ada'), kind: 'user' }, HOUR)
    for (let index = 0; index < 100; index++)
      void store.set(`s${index}`, session(`u${index}`), HOUR)
    expect(store.get('user')).toBeDefined()
  })

  test('maxEntries and maxBytes count only sessions: user records above them are kept and listed', async () => {
    const store = memoryStore({ maxEntries: 3, maxBytes: 1000 })
    for (let index = 0; index < 50; index++)
      void store.set(`user-${index}`, { ...session(`u${index}`), kind: 'user' }, HOUR)
    expect((await store.entries?.({ kind: 'user', limit: 100 }))?.entries).toHaveLength(50)
  })

  test.each([0, -1, 1.5, NaN, Infinity, '10'])(
    'a limit of %s throws and names the option',
    (value) => {
      for (const name of ['maxEntries', 'maxBytes', 'maxPerUser']) {
        expect(() => memoryStore({ [name]: value })).toThrow(
          new RegExp(`^memoryStore\\(\\)\\.${name} `),
        )
      }
    },
  )
})

test('throws in a cluster worker and names the fix', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'cluster-'))
  const file = join(directory, 'primary.mjs')
  const source = JSON.stringify(join(process.cwd(), 'src/session/stores/memory-store.ts'))
  writeFileSync(
    file,
    `
    import cluster from 'node:cluster'
    const { memoryStore } = await import(${source})
    if (cluster.isPrimary) {
      memoryStore()
      cluster.fork().on('message', (message) => { process.send(message); process.exit() })
    } else {
      try { memoryStore(); process.send('made') } catch (error) { process.send(String(error)) }
    }
  `,
  )
  const child = fork(file, {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const message = await new Promise((resolve) => {
    child.once('message', resolve)
    child.once('exit', (code) => resolve(`exit ${code}`))
  })
  child.kill()
  rmSync(directory, { recursive: true })
  expect(message).toMatch(/^TypeError: memoryStore\(\).*store/)
})
