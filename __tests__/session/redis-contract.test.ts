import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Driver } from '../../src/session/stores/redis/driver.js'
import {
  redisStore,
  type RedisClient,
  type RedisStoreOptions,
} from '../../src/session/stores/redis/index.js'
import { Indexes } from '../../src/session/stores/redis/indexes.js'
import { storeContract } from '../../src/testing/index.js'
import {
  startCluster,
  startRedis,
  startSentinel,
  type RedisCluster,
  type RedisSentinel,
  type RedisServer,
} from '../support/redis.js'
import { libraries, type Opened } from '../support/redis-clients.js'

let single: RedisServer
let sentinel: RedisSentinel
let cluster: RedisCluster

beforeAll(async () => {
  ;[single, sentinel, cluster] = await Promise.all([startRedis(), startSentinel(), startCluster()])
}, 60_000)
afterAll(async () => {
  await Promise.all([single?.close(), sentinel?.close(), cluster?.close()])
})

/** Runs every check at once, and names those that fail. */
async function failures(client: RedisClient, options: RedisStoreOptions = {}): Promise<string[]> {
  const checks = storeContract({ makeStore: () => redisStore(client, options), ttl: 300 })
  expect(checks.length).toBeGreaterThan(20)
  const results = await Promise.allSettled(checks.map(({ run }) => run()))
  return results.flatMap((result, index) =>
    result.status === 'rejected' ? [`${checks[index]?.name}: ${String(result.reason)}`] : [],
  )
}

describe.each(libraries)(
  'the contract of session stores, over $name',
  ({ single: connect, sentinel: connectSentinel, cluster: connectCluster }) => {
    const use = async (opening: Promise<Opened>, run: (client: RedisClient) => Promise<void>) => {
      const { client, close } = await opening
      try {
        await run(client)
      } finally {
        await close()
      }
    }

    test('is satisfied on a single server', () =>
      use(connect(single.port), async (client) => expect(await failures(client)).toEqual([])))

    test('is satisfied with a sentinel', () =>
      use(connectSentinel(sentinel.port, sentinel.name), async (client) =>
        expect(await failures(client)).toEqual([]),
      ))

    test('is satisfied on a cluster with keys on every node', () =>
      use(connectCluster(cluster.nodes.map(({ port }) => port)), async (client) => {
        expect(await failures(client)).toEqual([])
        const sizes = await Promise.all(cluster.nodes.map((node) => node.command('dbsize')))
        for (const size of sizes) expect(Number(size)).toBeGreaterThan(0)
      }))

    test('is satisfied on a cluster with all keys in one slot, by a hash tag in the prefix', () =>
      use(connectCluster(cluster.nodes.map(({ port }) => port)), async (client) => {
        expect(await failures(client, { prefix: '{one}:' })).toEqual([])
      }))
  },
)

describe('the contract of session stores, with a near cache', () => {
  test.each(libraries.filter(({ name }) => name.startsWith('ioredis')))(
    'is satisfied over $name',
    async ({ single: connect }) => {
      const { client, close } = await connect(single.port)
      expect(await failures(client, { nearCache: { maxEntries: 1000 } })).toEqual([])
      await close()
    },
  )
})

describe('every key', () => {
  test('has a TTL and the prefix, and KEYS and SCAN are not used', async () => {
    const server = await startRedis()
    for (const { name, single: connect } of libraries) {
      const { client, close } = await connect(server.port)
      const store = redisStore(client, { prefix: `app ${name}:`.replaceAll(' ', '-') })
      await store.set(
        'a',
        { kind: 'session', group: 'github:1', createdAt: 5, revision: 1 },
        60_000,
      )
      await store.update(
        'a',
        { kind: 'session', group: 'github:1', createdAt: 5, revision: 2 },
        90_000,
      )
      await store.lock?.('a', 60_000)
      await store.entries?.({ kind: 'session', limit: 10 })
      await close()
    }
    const keys = (await server.command('keys', '*')).split('\n')
    expect(keys).toHaveLength(libraries.length * 6)
    for (const key of keys) {
      expect(key).toMatch(/^app-(?:node-redis|ioredis)-[56]:/)
      expect(Number(await server.command('pttl', key))).toBeGreaterThan(50_000)
      expect(Number(await server.command('pttl', key))).toBeLessThanOrEqual(90_000)
    }
    const stats = await server.command('info', 'commandstats')
    expect(stats).not.toMatch(/cmdstat_scan/)
    expect(stats).toMatch(/cmdstat_keys:calls=1,/)
    await server.close()
  })

  test('of an index is removed with its records, and entries() skips and removes dangling entries', async () => {
    const server = await startRedis()
    const { client, close } = await (libraries[0] as (typeof libraries)[number]).single(server.port)
    const store = redisStore(client)
    const at = (createdAt: number, revision = 1) => ({
      kind: 'session',
      group: 'u',
      createdAt,
      revision,
    })
    for (let index = 0; index < 30; index++) await store.set(`k${index}`, at(index), 60_000)
    await server.command(
      'del',
      ...Array.from({ length: 29 }, (_, index) => `oauth-module:row:k${index}`),
    )
    const page = await store.entries?.({ kind: 'session', group: 'u', limit: 5 })
    expect(page?.entries.map(([key]) => key)).toEqual(['k29'])
    expect(page?.next).toBeUndefined()
    const indexOfGroup = (await server.command('keys', '*index*session:*age')).split('\n')
    expect(await server.command('zcard', indexOfGroup[0] ?? '')).toBe('1')
    await store.delete('k29')
    expect((await server.command('keys', '*index*session:*')).trim()).toBe('')
    await close()
    await server.close()
  })

  test('that expired is removed from the index without a read', async () => {
    const server = await startRedis()
    const { client, close } = await (libraries[2] as (typeof libraries)[number]).single(server.port)
    const store = redisStore(client)
    for (let index = 0; index < 10; index++)
      await store.set(
        `k${index}`,
        { kind: 'session', group: 'u', createdAt: index, revision: 1 },
        1,
      )
    await new Promise((resolve) => setTimeout(resolve, 20))
    await store.set('last', { kind: 'session', group: 'u', createdAt: 99, revision: 1 }, 60_000)
    expect(await server.command('zcard', 'oauth-module:index:{session}:age')).toBe('1')
    await close()
    await server.close()
  })
})

describe('an index', () => {
  const record = { kind: 'session', group: 'u', createdAt: 7, revision: 1 }

  test('that was lost is repaired by the next write of its records', async () => {
    const server = await startRedis()
    const { client, close } = await (libraries[0] as (typeof libraries)[number]).single(server.port)
    const store = redisStore(client)
    await store.set('k', record, 60_000)
    await server.command('del', ...(await server.command('keys', '*index*')).split('\n'))
    expect((await store.entries?.({ kind: 'session', limit: 5 }))?.entries).toEqual([])
    await store.update('k', { ...record, revision: 2 }, 60_000)
    expect(
      (await store.entries?.({ kind: 'session', limit: 5 }))?.entries.map(([key]) => key),
    ).toEqual(['k'])
    await close()
    await server.close()
  })

  test('keeps the records of a newer release, which lists and ends them', async () => {
    const server = await startRedis()
    const { client, close } = await (libraries[0] as (typeof libraries)[number]).single(server.port)
    const store = redisStore(client, { onWarning: () => undefined })
    const listed = async () =>
      (await store.entries?.({ kind: 'session', group: 'u', limit: 5 }))?.entries.map(
        ([key]) => key,
      )
    await store.set('k', record, 60_000)
    const row = await server.command('get', 'oauth-module:row:k')
    await server.command('set', 'oauth-module:row:k', row.replace('"v":1', '"v":2'), 'KEEPTTL')
    expect(await listed()).toEqual([])
    await server.command('set', 'oauth-module:row:k', row, 'KEEPTTL')
    expect(await listed()).toEqual(['k'])
    await close()
    await server.close()
  })

  test('keeps an entry that was written again while entries() found its row missing', async () => {
    const { client, close } = await (libraries[0] as (typeof libraries)[number]).single(single.port)
    const indexes = new Indexes(new Driver(client), 'pruned:')
    await indexes.add('k', record, 60_000)
    const [seen] = await indexes.read('session', 'u', undefined, 5)
    await indexes.add('k', record, 90_000)
    if (seen) await indexes.prune('session', 'u', seen)
    const [again] = await indexes.read('session', 'u', undefined, 5)
    expect(again?.key).toBe('k')
    if (again) await indexes.prune('session', 'u', again)
    expect(await indexes.read('session', 'u', undefined, 5)).toEqual([])
    await close()
  })

  test('with many dangling entries returns pages in bounded time', async () => {
    const server = await startRedis()
    const { client, close } = await (libraries[2] as (typeof libraries)[number]).single(server.port)
    const store = redisStore(client)
    for (let index = 0; index < 200; index++)
      await store.set(`k${index}`, { ...record, createdAt: index }, 60_000)
    await server.command(
      'del',
      ...Array.from({ length: 199 }, (_, index) => `oauth-module:row:k${index + 1}`),
    )
    const found: string[] = []
    let after: string | undefined
    let pages = 0
    do {
      const page = await store.entries?.({ kind: 'session', limit: 3, after })
      found.push(...(page?.entries ?? []).map(([key]) => key))
      after = page?.next
      pages++
    } while (after !== undefined && pages < 100)
    expect(found).toEqual(['k0'])
    expect(pages).toBeLessThan(10)
    await close()
    await server.close()
  })
})

describe('an invalid client', () => {
  test.each([
    ['nothing', undefined],
    ['an object', {}],
    ['a Map', new Map()],
    ['a client of redis 3', { get() {}, set() {}, evalsha() {}, eval() {}, send_command() {} }],
    ['a client of node-redis 4', { get() {}, eval() {}, evalSha() {}, disconnect() {}, quit() {} }],
  ])('is rejected, naming what is expected: %s', (_, client) => {
    expect(() => redisStore(client as never)).toThrow(/node-redis 5 or 6 .* ioredis 5 or 6/)
  })

  test('and options are validated', async () => {
    const { client, close } = await (libraries[0] as (typeof libraries)[number]).single(single.port)
    expect(() => redisStore(client, { prefix: '' })).toThrow('redisStore.prefix')
    expect(() => redisStore(client, { ttl: 5 } as never)).toThrow("unknown option 'ttl'")
    expect(() => redisStore(client, { nearCache: { maxEntries: 0 } })).toThrow(
      'redisStore.nearCache.maxEntries',
    )
    for (const nearCache of [1, '', []])
      expect(() => redisStore(client, { nearCache: nearCache as never })).toThrow(
        'redisStore.nearCache must be',
      )
    expect(() => redisStore(client, { nearCache: true })).toThrow('clientSideCache')
    await close()
    const one = await (libraries[2] as (typeof libraries)[number]).cluster(
      cluster.nodes.map(({ port }) => port),
    )
    expect(() => redisStore(one.client, { nearCache: true })).toThrow('cluster')
    await one.close()
  })
})
