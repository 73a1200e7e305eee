import { afterAll, afterEach, describe, expect, test } from '@jest/globals'
import { redisStore } from '../../src/session/stores/redis/index.js'
import type { SessionStore, StoreRecord } from '../../src/index.js'
import { startCluster, type RedisCluster } from '../support/redis.js'
import { libraries } from '../support/redis-clients.js'

const closing: (() => Promise<unknown>)[] = []
let cluster: RedisCluster | undefined

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})
afterAll(async () => {
  await cluster?.close()
})

const record = (revision: number): StoreRecord => ({
  kind: 'session',
  group: 'g',
  createdAt: 1,
  revision,
})

/** What a session goes through, in order. */
async function live(store: SessionStore, key: string, first: number): Promise<void> {
  expect((await store.get(key))?.revision).toBe(first)
  expect(await store.update(key, record(first + 1), 60_000)).toBe(true)
  expect(await store.update(key, record(first + 1), 60_000)).toBe(false)
  const unlock = await store.lock?.(key, 60_000)
  expect(unlock).toBeDefined()
  await unlock?.()
}

describe.each(libraries)(
  'a cluster that moves its slots, over $name',
  ({ name, cluster: connect }) => {
    test('S-112 the store follows during and after the migration', async () => {
      cluster ??= await startCluster()
      const { nodes } = cluster
      const { client, close } = await connect(nodes.map(({ port }) => port))
      closing.push(close)
      const prefix = `${name.replaceAll(' ', '')}:`
      const store = redisStore(client, { prefix })
      const row = `${prefix}row:k`
      await store.set('k', record(1), 60_000)
      await live(store, 'k', 1)

      const slot = (await nodes[0]?.command('cluster', 'keyslot', row)) ?? ''
      const holders = await Promise.all(
        nodes.map(async (node) => (await node.command('cluster', 'countkeysinslot', slot)) !== '0'),
      )
      const from = nodes[holders.indexOf(true)]
      const to = nodes[(holders.indexOf(true) + 1) % nodes.length]
      if (!from || !to) throw new Error('nobody holds the row')
      const [fromId, toId] = [
        await from.command('cluster', 'myid'),
        await to.command('cluster', 'myid'),
      ]
      await to.command('cluster', 'setslot', slot, 'importing', fromId)
      await from.command('cluster', 'setslot', slot, 'migrating', toId)
      expect(await from.command('migrate', '127.0.0.1', String(to.port), row, '0', '2000')).toBe(
        'OK',
      )
      await live(store, 'k', 2)

      for (const node of [to, from, ...nodes])
        await node.command('cluster', 'setslot', slot, 'node', toId)
      await live(store, 'k', 3)
      expect(
        (await store.entries?.({ kind: 'session', group: 'g', limit: 5 }))?.entries,
      ).toHaveLength(1)
      expect(await store.delete('k')).toBe(true)
      expect(await store.get('k')).toBeUndefined()
    })
  },
)
