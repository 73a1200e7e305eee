import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createClient as createClient6, createClientPool as createPool6 } from 'redis'
import { createClient as createClient5 } from 'redis5'
import type { SessionStore, StoreRecord } from '../../src/index.js'
import {
  redisStore,
  type RedisClient,
  type RedisStoreOptions,
} from '../../src/session/stores/redis/index.js'
import { eventually } from '../support/programs.js'
import { readsOf, startRedis, type RedisServer } from '../support/redis.js'
import { libraries, type Opened } from '../support/redis-clients.js'
import { startWire, type Wire } from '../support/wire.js'

let server: RedisServer
const closing: (() => unknown)[] = []

beforeAll(async () => {
  server = await startRedis()
})
afterAll(async () => {
  for (const close of closing) await close()
  await server?.close()
})

const record = (revision = 1, more: object = {}): StoreRecord => ({
  kind: 'session',
  group: 'g',
  createdAt: 1,
  revision,
  ...more,
})

const reads = (at: RedisServer = server) => readsOf(at)

/** Waits until reading a key no longer asks the server. */
async function untilNear(
  store: SessionStore,
  key: string,
  at: RedisServer = server,
): Promise<void> {
  await eventually('the near cache answers', async () => {
    await store.get(key)
    const before = await reads(at)
    await store.get(key)
    return (await reads(at)) === before ? true : undefined
  })
}

type Opening = (
  port: number,
  options?: RedisStoreOptions,
) => Promise<{ near: SessionStore; far: SessionStore; opened: Opened }>

/** A store with a near cache, and another process's store without, which writes past the wire. */
const openings: [name: string, open: Opening][] = libraries
  .filter(({ name }) => name.startsWith('ioredis'))
  .map(({ name, single }) => [
    name,
    async (port, options = {}) => {
      const [opened, other] = await Promise.all([single(port), single(server.port)])
      const near = redisStore(opened.client, {
        prefix: `${name}:`.replace(' ', ''),
        nearCache: true,
        ...options,
      })
      closing.push(() => near.close?.(), opened.close, other.close)
      return {
        near,
        far: redisStore(other.client, { prefix: `${name}:`.replace(' ', '') }),
        opened,
      }
    },
  ])

function clientSideCaching(
  name: string,
  open: (port: number) => {
    client: RedisClient & { connect(): Promise<unknown>; destroy(): void }
  },
): [string, Opening] {
  return [
    name,
    async (port) => {
      const [{ client }, { client: other }] = [open(port), open(server.port)]
      await Promise.all([client.connect(), other.connect()])
      closing.push(
        () => client.destroy(),
        () => other.destroy(),
      )
      const opened: Opened = {
        client,
        async close() {
          client.destroy()
        },
      }
      return {
        near: closingAfter(redisStore(client, { prefix: 'nr:' })),
        far: redisStore(other, { prefix: 'nr:' }),
        opened,
      }
    },
  ]
}

function closingAfter(store: SessionStore): SessionStore {
  closing.push(() => store.close?.())
  return store
}

const clientSideCache = { maxEntries: 1000, ttl: 0, evictPolicy: 'LRU' } as const
const all: [string, Opening][] = [
  ...openings,
  clientSideCaching('node-redis 6 with clientSideCache', (port) => ({
    client: createClient6({ socket: { host: '127.0.0.1', port }, clientSideCache }).on(
      'error',
      () => undefined,
    ),
  })),
  clientSideCaching('node-redis 5 with clientSideCache', (port) => ({
    client: createClient5({ RESP: 3, socket: { host: '127.0.0.1', port }, clientSideCache }).on(
      'error',
      () => undefined,
    ),
  })),
]

describe.each(all)('a near cache: %s', (_, open) => {
  test('responds without a request to Redis until a record changes', async () => {
    const { near, far } = await open(server.port)
    await far.set('k', record(), 60_000)
    await untilNear(near, 'k')
    const before = await reads()
    for (let index = 0; index < 100; index++) expect(await near.get('k')).toEqual(record())
    expect(await reads()).toBe(before)
  })

  test('a deletion by another process holds from the next read', async () => {
    const { near, far } = await open(server.port)
    await far.set('warm', record(), 60_000)
    await untilNear(near, 'warm')
    for (let index = 0; index < 100; index++) {
      await far.set('k', record(), 60_000)
      await near.get('k')
      await near.get('k')
      await far.delete('k')
      expect(await near.get('k')).toBeUndefined()
    }
  })

  test('processes invalidations that have arrived before it responds from memory', async () => {
    const { near, far } = await open(server.port)
    await far.set('k', record(), 60_000)
    await untilNear(near, 'k')
    const row = (await server.command('keys', '*row:k')).split('\n')
    // Nothing of this process runs in between: the invalidations wait in the socket.
    execFileSync('redis-cli', ['-p', String(server.port), 'del', ...row])
    // Redis may answer redis-cli first. By the time that it answers the next command, it has sent the invalidations.
    execFileSync('redis-cli', ['-p', String(server.port), 'ping'])
    expect(await near.get('k')).toBeUndefined()
  })

  test('writes of this and other processes are visible at the next read', async () => {
    const { near, far } = await open(server.port)
    await far.set('k', record(), 60_000)
    await untilNear(near, 'k')
    for (let revision = 2; revision < 100; revision += 2) {
      expect(await far.update('k', record(revision), 60_000)).toBe(true)
      expect(await near.get('k')).toEqual(record(revision))
      expect(await near.update('k', record(revision + 1), 60_000)).toBe(true)
      expect(await near.get('k')).toEqual(record(revision + 1))
    }
  })

  test('an expired record is not returned', async () => {
    const { near, far } = await open(server.port)
    await far.set('k', record(), 300)
    await near.get('k')
    await sleep(350)
    expect(await near.get('k')).toBeUndefined()
  })
})

describe.each(all)('C4: a near cache whose connection is cut silently: %s', (_, open) => {
  const failures: [string, (wire: Wire) => void][] = [
    ['holds back all packets', (wire) => wire.freeze()],
    ['loses all packets', (wire) => wire.drop()],
    ['delays all packets by 30 seconds', (wire) => wire.slow(30_000)],
  ]
  const servedForMs = new Map<string, number>()

  // All networks at once, since each is observed for two seconds and a half.
  beforeAll(async () => {
    const observations: (() => Promise<void>)[] = []
    for (const [network, fail] of failures) {
      const wire = await startWire(server.port)
      closing.push(() => wire.close())
      const { near, far } = await open(wire.port)
      const key = `cut-${failures.findIndex(([name]) => name === network)}`
      await far.set(key, record(), 60_000)
      await untilNear(near, key)
      observations.push(async () => {
        fail(wire)
        const failedAt = performance.now()
        await far.delete(key)
        let servedAt = failedAt
        while (performance.now() < failedAt + 2500) {
          const row = await Promise.race([readOf(near, key), sleep(100)])
          if (row !== undefined) servedAt = performance.now()
          await sleep(10)
        }
        servedForMs.set(network, servedAt - failedAt)
        wire.cut()
      })
    }
    await Promise.all(observations.map((observe) => observe()))
  })

  test.each(failures)(
    'C4: if the network %s, a deleted session is served from memory for a second at most',
    (network) => {
      expect(servedForMs.get(network)).toBeLessThan(1100)
    },
  )

  test('C4: after the network has recovered, it is current, and responds from memory again', async () => {
    const wire = await startWire(server.port)
    closing.push(() => wire.close())
    const { near, far } = await open(wire.port)
    await far.set('k', record(), 60_000)
    await untilNear(near, 'k')
    wire.freeze()
    await far.set('k', record(2), 60_000)
    await sleep(1200)
    const reading = near.get('k')
    wire.thaw()
    expect(await reading).toEqual(record(2))
    await untilNear(near, 'k')
    await far.set('k', record(3), 60_000)
    expect(await near.get('k')).toEqual(record(3))
  })
})

test('C4: the cache of a pool, which cannot be trusted, is not used, with one warning', async () => {
  const pool = createPool6(
    { socket: { host: '127.0.0.1', port: server.port }, RESP: 3 },
    { clientSideCache },
  )
  pool.on('error', () => undefined)
  await pool.connect()
  closing.push(() => pool.destroy())
  const warned: string[] = []
  const store = redisStore(pool, { prefix: 'pool:', onWarning: (text) => void warned.push(text) })
  await store.set('k', record(), 60_000)
  for (let read = 0; read < 3; read++) expect(await store.get('k')).toEqual(record())
  await server.command('del', 'pool:row:k')
  expect(await store.get('k')).toBeUndefined()
  expect(warned).toEqual([expect.stringContaining('clientSideCache of a pool')])
})

describe.each(openings)('our near cache for %s', (_, open) => {
  test('reads from Redis while its connection is lost, and from memory after it reconnects', async () => {
    const { near, far } = await open(server.port)
    await far.set('k', record(), 60_000)
    await untilNear(near, 'k')
    await server.command('client', 'kill', 'type', 'pubsub')
    await far.set('k', record(2), 60_000)
    expect(await near.get('k')).toEqual(record(2))
    await untilNear(near, 'k')
    await far.set('k', record(3), 60_000)
    expect(await near.get('k')).toEqual(record(3))
  })

  test('trusts a silently broken connection for at most a second', async () => {
    const wire = await startWire(server.port)
    closing.push(() => wire.close())
    const { near, far } = await open(wire.port)
    await far.set('k', record(), 60_000)
    await untilNear(near, 'k')
    for (const strand of listeners(wire)) strand.hold()
    await sleep(1100)
    await far.set('k', record(2), 60_000)
    const before = await reads()
    expect(await near.get('k')).toEqual(record(2))
    expect(await near.get('k')).toEqual(record(2))
    expect(await reads()).toBe(before + 2)
    for (const strand of listeners(wire)) strand.release()
    await untilNear(near, 'k')
    expect(await near.get('k')).toEqual(record(2))
  })

  test('does not cache a response that is older than an invalidation', async () => {
    const wire = await startWire(server.port)
    closing.push(() => wire.close())
    const { near, far } = await open(wire.port)
    await far.set('k', record(), 60_000)
    await far.set('warm', record(), 60_000)
    await untilNear(near, 'warm')
    const others = wire.strands.filter((strand) => !listeners(wire).includes(strand))
    for (const strand of others) strand.hold()
    const before = await reads()
    const reading = near.get('k')
    await eventually('the server has answered', async () =>
      (await reads()) > before ? true : undefined,
    )
    await far.delete('k')
    await sleep(50)
    for (const strand of others) strand.release()
    await reading
    expect(await near.get('k')).toBeUndefined()
  })

  test('is cleared when the database is flushed', async () => {
    const { near, far } = await open(server.port)
    await far.set('k', record(), 60_000)
    await untilNear(near, 'k')
    await server.command('flushall')
    // Redis 7.0 may say so only when it is next asked for something.
    expect(
      await eventually(
        'the row is forgotten',
        async () => ((await near.get('k')) === undefined ? 'forgotten' : undefined),
        900,
      ),
    ).toBe('forgotten')
  })

  test('does not cache missing keys', async () => {
    const { near } = await open(server.port)
    const before = await reads()
    for (let index = 0; index < 5; index++) expect(await near.get('nobody')).toBeUndefined()
    expect(await reads()).toBe(before + 5)
  })

  test('keeps at most its maximum number of rows, and returns them frozen', async () => {
    const { near, far } = await open(server.port, { nearCache: { maxEntries: 2 } })
    for (const key of ['a', 'b', 'c'])
      await far.set(key, record(1, { user: { name: 'x' } }), 60_000)
    await untilNear(near, 'a')
    for (const key of ['a', 'b', 'c']) await near.get(key)
    const before = await reads()
    await near.get('a')
    expect(await reads()).toBe(before + 1)
    const found = (await near.get('c')) as StoreRecord & { user: { name: string } }
    expect(() => (found.user.name = 'somebody else')).toThrow(TypeError)
  })

  test('stays empty, with one warning, if Redis does not support tracking', async () => {
    await server.command('acl', 'setuser', 'default', '-client|tracking')
    const warned: string[] = []
    const { near, far } = await open(server.port, {
      onWarning: (message) => void warned.push(message),
    })
    await far.set('k', record(), 60_000)
    await eventually('the warning', () => warned[0])
    await server.command('client', 'kill', 'type', 'normal')
    await eventually('the client is back', async () => near.get('k'))
    const before = await reads()
    for (let index = 0; index < 5; index++) expect(await near.get('k')).toEqual(record())
    expect(await reads()).toBe(before + 5)
    expect(warned).toHaveLength(1)
    await server.command('acl', 'setuser', 'default', '+client|tracking')
  })

  test('closes its own connection, and not the client', async () => {
    const { near, opened, far } = await open(server.port)
    await far.set('k', record(), 60_000)
    await untilNear(near, 'k')
    const listening = async () =>
      (await server.command('client', 'list', 'type', 'pubsub')).split('\n').filter(Boolean).length
    const before = await listening()
    await near.close?.()
    await eventually('the connection is closed', async () =>
      (await listening()) === before - 1 ? true : undefined,
    )
    expect(await near.get('k')).toEqual(record())
    expect((opened.client as { status?: string }).status).toBe('ready')
  })
})

/** The record, or `undefined` if it cannot be read. */
async function readOf(store: SessionStore, key: string): Promise<StoreRecord | undefined> {
  try {
    return await store.get(key)
  } catch {
    return undefined
  }
}

function listeners(wire: Wire) {
  return wire.strands.filter((strand) => /tracking/i.test(strand.said()))
}
