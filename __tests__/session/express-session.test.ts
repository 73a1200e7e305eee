import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { RedisStore } from 'connect-redis'
import connectPg from 'connect-pg-simple'
import session from 'express-session'
import { Redis } from 'ioredis'
import memorystore from 'memorystore'
import { createClient } from 'redis'
import { createClient as createClient5 } from 'redis5'
import fileStore from 'session-file-store'
import {
  type ExpressSessionStore,
  memoryStore,
  oauthModule,
  type SessionStore,
  type StoreRecord,
} from '../../src/index.js'
import {
  ExpressSessionStoreAdapter,
  isExpressSessionStore,
} from '../../src/session/stores/express-session-store.js'
import { storeContract } from '../../src/testing/index.js'
import { secret } from '../support/gate.js'
import { oddStore } from '../support/odd-store.js'
import { startPostgres, type Postgres } from '../support/postgres.js'
import { startRedis, type RedisServer } from '../support/redis.js'

const timeout = 2000
const closing: (() => unknown)[] = []
const folder = mkdtempSync(join(tmpdir(), 'oauth-module-files-'))
let postgres: Postgres
let server: RedisServer
const stores = new Map<string, ExpressSessionStore>()

beforeAll(async () => {
  ;[postgres, server] = await Promise.all([startPostgres(), startRedis()])
  const client = createClient({ socket: { host: '127.0.0.1', port: server.port } })
  await client.connect()
  const MemoryStore = memorystore(session)
  const FileStore = fileStore(session)
  const PgStore = connectPg(session)
  const pgStore = new PgStore({
    pool: postgres.pool,
    createTableIfMissing: true,
    pruneSessionInterval: false,
  })
  stores
    .set('express-session', new session.MemoryStore())
    .set('memorystore', new MemoryStore({}))
    .set(
      'session-file-store',
      new FileStore({ path: folder, retries: 0, logFn: () => undefined, reapInterval: -1 }),
    )
    .set('connect-redis', new RedisStore({ client }))
    .set('connect-pg-simple', pgStore)
    .set('an odd store', oddStore())
    .set('a store of promises', promiseStore())
  closing.push(
    () => client.destroy(),
    () => pgStore.close(),
  )
}, 60_000)

afterAll(async () => {
  for (const close of closing) await close()
  await Promise.all([postgres?.close(), server?.close()])
  rmSync(folder, { recursive: true, force: true })
})

/** Takes no callback at all. */
function promiseStore(): ExpressSessionStore {
  const rows = new Map<string, string>()
  return {
    get: async (sid: string) => JSON.parse(rows.get(sid) ?? 'null'),
    set: async (sid: string, value: object) => void rows.set(sid, JSON.stringify(value)),
    destroy: async (sid: string) => void rows.delete(sid),
    all: async () => [...rows.values()].map((row) => JSON.parse(row)),
  }
}

function storeOf(name: string): ExpressSessionStore {
  const store = stores.get(name)
  if (store === undefined) throw new Error(name)
  return store
}

const record = (more: Partial<StoreRecord> & Record<string, unknown> = {}): StoreRecord => ({
  kind: 'session',
  group: 'g',
  createdAt: 1,
  revision: 1,
  ...more,
})

const names = [
  'express-session',
  'memorystore',
  'session-file-store',
  'connect-redis',
  'connect-pg-simple',
  'an odd store',
  'a store of promises',
]
const unlisted = ['session-file-store', 'connect-pg-simple', 'an odd store']

describe.each(names)('S-113 the store %s', (name) => {
  test('satisfies the contract of session stores', async () => {
    const makeStore = () => new ExpressSessionStoreAdapter(storeOf(name), timeout)
    expect(makeStore().entries === undefined).toBe(unlisted.includes(name))
    const checks = storeContract({
      makeStore,
      ttl: 300,
      without: ['count', 'watch', ...(unlisted.includes(name) ? (['entries'] as const) : [])],
    })
    const results = await Promise.allSettled(checks.map(({ run }) => run()))
    const failed = results.flatMap((result, index) =>
      result.status === 'rejected' ? [`${checks[index]?.name}: ${String(result.reason)}`] : [],
    )
    expect(failed).toEqual([])
    expect(results.length).toBeGreaterThan(13)
  })

  test('neither changes sessions of the app nor accepts them as ours', async () => {
    const inner = storeOf(name)
    const store = new ExpressSessionStoreAdapter(inner, timeout)
    const own = {
      cookie: { originalMaxAge: 60_000, expires: new Date(Date.now() + 60_000) },
      views: 3,
    }
    await new Promise((resolve) => {
      const returned: unknown = inner.set('same', own, resolve)
      // One that gives nothing back is done when it calls back, not before.
      if (returned instanceof Promise) void returned.then(resolve)
    })
    expect(await store.get('same')).toBeUndefined()
    expect(await store.delete('same')).toBe(false)
    await store.set('same', record({ group: 'ours' }), 60_000)
    const seen = await new Promise<{ views?: number } | null | undefined>((resolve, reject) => {
      const returned = inner.get('same', (error, found) => (error ? reject(error) : resolve(found)))
      if (returned instanceof Promise) returned.then((found) => found && resolve(found), reject)
    })
    expect(seen?.views).toBe(3)
    expect((await store.get('same'))?.group).toBe('ours')
    const listed = await store.entries?.({ kind: 'session', limit: 1000 })
    for (const [, one] of listed?.entries ?? []) expect(one).toHaveProperty('revision')
  })
})

describe('the detection of express-session stores', () => {
  test('distinguishes them from our stores and from other values', () => {
    for (const name of names) expect(isExpressSessionStore(storeOf(name))).toBe(true)
    for (const other of [
      memoryStore(),
      undefined,
      null,
      {},
      new Map(),
      'text',
      { get() {}, set() {} },
    ])
      expect(isExpressSessionStore(other)).toBe(false)
  })

  test('rejects a Redis client, and names the fix', () => {
    const provider = { github: { clientId: 'a', clientSecret: 'b' } }
    const logger = { debug() {}, info() {}, warn() {}, error() {} }
    const clients = [createClient(), createClient5(), new Redis({ lazyConnect: true })]
    for (const client of clients) {
      const store = client as unknown as SessionStore
      expect(() => oauthModule({ provider, secret, logger, store })).toThrow(
        /oauthModule.*store is a Redis client.*redisStore/,
      )
    }
  })
})

describe('an odd store', () => {
  const make = (): { odd: ReturnType<typeof oddStore>; store: SessionStore } => {
    const odd = oddStore()
    return { odd, store: new ExpressSessionStoreAdapter(odd, 100) }
  }

  test('that calls back twice counts once', async () => {
    const { odd, store } = make()
    odd.next('set', 'calls back twice')
    await store.set('k', record(), 60_000)
    odd.next('get', 'calls back twice')
    expect(await store.get('k')).toEqual(record())
  })

  test.each(['throws', 'rejects', 'never responds', 'responds late'] as const)(
    'that %s results in an error, never in "not found"',
    async (habit) => {
      const { odd, store } = make()
      await store.set('k', record(), 60_000)
      odd.next('get', habit)
      await expect(store.get('k')).rejects.toThrow()
      odd.next('get', habit)
      await expect(store.update('k', record({ revision: 2 }), 60_000)).rejects.toThrow()
      odd.next('set', habit)
      await expect(store.update('k', record({ revision: 2 }), 60_000)).rejects.toThrow()
      odd.next('destroy', habit)
      await expect(store.delete('k')).rejects.toThrow()
      await new Promise((resolve) => setTimeout(resolve, 300))
      await store.set('k', record({ revision: 3 }), 60_000)
      expect((await store.get('k'))?.revision).toBe(3)
    },
  )

  test('that fails with ENOENT has no such record', async () => {
    const { odd, store } = make()
    odd.next('get', 'fails with ENOENT')
    expect(await store.get('k')).toBeUndefined()
    odd.next('destroy', 'fails with ENOENT')
    expect(await store.delete('k')).toBe(false)
  })

  test('may report failures with values that are not errors', async () => {
    let failure: unknown
    const fail = (_sid: string, callback?: (error: unknown) => void) => callback?.(failure)
    const odd = { get: fail, set() {}, destroy: fail }
    const store = new ExpressSessionStoreAdapter(odd, timeout)
    failure = { code: 'ENOENT' }
    expect(await store.get('k')).toBeUndefined()
    expect(await store.delete('k')).toBe(false)
    failure = Object.create(Error.prototype, { message: { value: 'disk on fire' } })
    await expect(store.get('k')).rejects.toThrow('disk on fire')
    failure = 'down'
    await expect(store.get('k')).rejects.toThrow('the store failed')
  })

  test('whose write arrives after a deletion does not restore the record', async () => {
    const { odd, store } = make()
    await store.set('k', record(), 60_000)
    odd.next('set', 'responds late')
    await expect(store.update('k', record({ revision: 2 }), 60_000)).rejects.toThrow(
      'the store did not respond within 0.1 seconds',
    )
    expect(await store.delete('k')).toBe(true)
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect(odd.rows.size).toBe(0)
  })

  test('of several instances in one process does not restore records that another instance deleted', async () => {
    const { odd, store } = make()
    const another = new ExpressSessionStoreAdapter(odd, 1000)
    await store.set('k', record(), 60_000)
    odd.next('get', 'responds late')
    const updated = another.update('k', record({ revision: 2 }), 60_000)
    await store.delete('k')
    await updated
    expect(await store.get('k')).toBeUndefined()
    const release = await store.lock?.('k', 1000)
    expect(another.lock('k', 1000)).toBeUndefined()
    await release?.()
  })

  test('that cannot be read can still end a session', async () => {
    const { odd, store } = make()
    await store.set('k', record(), 60_000)
    odd.next('get', 'rejects')
    expect(await store.delete('k')).toBe(true)
    expect(odd.rows.size).toBe(0)
  })

  test('that never responds does not block other requests forever', async () => {
    const silent: ExpressSessionStore = {
      get: () => undefined,
      set: () => undefined,
      destroy: () => undefined,
    }
    const store = new ExpressSessionStoreAdapter(silent, 20)
    const results = await Promise.allSettled(
      Array.from({ length: 300 }, () => Promise.resolve(store.set('k', record(), 60_000))),
    )
    const reasons = results.map((result) =>
      result.status === 'rejected' ? String(result.reason) : 'written',
    )
    expect(reasons.filter((reason) => reason.includes('too many writes'))).toHaveLength(200)
    expect(
      reasons.filter((reason) => reason.includes('the store did not respond within 0.02 seconds')),
    ).toHaveLength(100)
  })

  test.each([
    ['no JSON', '{"v":1,"key":"k",'],
    ['of a newer release', JSON.stringify({ v: 2, key: 'k', until: 9e15, record: record() })],
    ["another key's", JSON.stringify({ v: 1, key: 'other', until: 9e15, record: record() })],
    ['without an end', JSON.stringify({ v: 1, key: 'k', record: record() })],
    ['no text', 5],
  ])('a row that is %s is ignored and kept', async (_, oauthModule) => {
    const { odd, store } = make()
    odd.rows.set('oauth-module.k', JSON.stringify({ cookie: {}, oauthModule }))
    expect(await store.get('k')).toBeUndefined()
    expect(await store.update('k', record({ revision: 2 }), 60_000)).toBe(false)
    expect(odd.rows.size).toBe(1)
  })
})
