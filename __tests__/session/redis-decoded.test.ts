import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createClient } from 'redis'
import type { SessionStore, StoreRecord } from '../../src/index.js'
import { redisStore } from '../../src/session/stores/redis/index.js'
import { readsOf, startRedis, type RedisServer } from '../support/redis.js'
import { libraries } from '../support/redis-clients.js'

let server: RedisServer
const closing: (() => unknown)[] = []

beforeAll(async () => {
  server = await startRedis()
})
afterAll(async () => {
  for (const close of closing) await close()
  await server?.close()
})

const record = (revision: number): StoreRecord => ({
  kind: 'session',
  group: 'g',
  createdAt: 1,
  revision,
})

describe.each(libraries)('a row that is read again, $name', ({ single }) => {
  let store: SessionStore
  let other: SessionStore

  beforeAll(async () => {
    const opened = [await single(server.port), await single(server.port)]
    closing.push(...opened.map(({ close }) => close))
    ;[store, other] = opened.map(({ client }) => redisStore(client)) as [SessionStore, SessionStore]
  })

  test('is read from Redis each time, but decoded once', async () => {
    await store.set('same', record(1), 60_000)
    const first = await store.get('same')
    const before = await readsOf(server)
    const second = await store.get('same')
    expect(second).toBe(first)
    expect(Object.isFrozen(first)).toBe(true)
    expect(await readsOf(server)).toBe(before + 1)
  })

  test('is the new one as soon as another process has changed it', async () => {
    await store.set('changed', record(1), 60_000)
    await store.get('changed')
    expect(await other.update('changed', record(2), 60_000)).toBe(true)
    expect(await store.get('changed')).toEqual(record(2))
  })

  test('is gone as soon as another process has deleted it', async () => {
    await store.set('deleted', record(1), 60_000)
    await store.get('deleted')
    expect(await other.delete('deleted')).toBe(true)
    expect(await store.get('deleted')).toBeUndefined()
  })

  test('has expired when it has, also if Redis still returns it', async () => {
    await store.set('expired', record(1), 60_000)
    await store.get('expired')
    const row = await server.command('get', 'oauth-module:row:expired')
    const past = row.trim().replace(/"until":\d+/, '"until":1')
    await server.command('set', 'oauth-module:row:expired', past)
    expect(await store.get('expired')).toBeUndefined()
  })
})

describe('reads by node-redis', () => {
  const open = async (options: object = {}) => {
    const client = createClient({ url: `redis://127.0.0.1:${server.port}`, ...options })
    client.on('error', () => undefined)
    await client.connect()
    closing.push(() => client.destroy())
    return client
  }

  test('use a get() that the app has put on the client', async () => {
    const client = await open()
    const keys: unknown[] = []
    const get = client.get.bind(client)
    Object.assign(client, {
      get: (key: string) => {
        keys.push(key)
        return get(key)
      },
    })
    await redisStore(client).get('own')
    expect(keys).toEqual(['oauth-module:row:own'])
  })

  test('keep a timeout that the app has set, and need no timer for that of node-redis', async () => {
    const signals: unknown[] = []
    const { timeout } = AbortSignal
    AbortSignal.timeout = (ms) => {
      signals.push(ms)
      return timeout.call(AbortSignal, ms)
    }
    try {
      await redisStore(await open({ commandOptions: { timeout: 1234 } })).get('any')
      expect(signals).toContain(1234)
      const client = await open()
      signals.length = 0
      await redisStore(client).get('any')
      expect(signals).toEqual([])
    } finally {
      AbortSignal.timeout = timeout
    }
  })
})
