import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import { createClient, createClientPool } from 'redis'
import { redisStore } from '../../src/session/stores/redis/index.js'
import { eventually } from '../support/programs.js'
import { startRedis, type RedisServer } from '../support/redis.js'
import { libraries } from '../support/redis-clients.js'

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
}, 60_000)
afterAll(async () => {
  await server.close()
})

const HOUR = 3_600_000
const config = { kind: 'config', group: '', createdAt: 1, revision: 1 }

/** Connections that have a subscription. */
async function subscribers(): Promise<number> {
  const list = await server.command('client', 'list', 'type', 'pubsub')
  return list === '' ? 0 : list.split('\n').length
}

describe.each(libraries)('notifications of Redis, over $name', ({ single: connect }) => {
  test('come from another process, also after the connection was cut, and end with close()', async () => {
    const [watching, writing] = [await connect(server.port), await connect(server.port)]
    const prefix = `${Math.random()}:`
    const [store, other] = [watching, writing].map(({ client }) => redisStore(client, { prefix }))
    let calls = 0
    const unwatch = store?.watch?.('key', () => void calls++)
    // The subscription itself is reported, because changes may have been missed before it.
    await eventually('the subscription', () => calls > 0 || undefined)
    const isNotified = async () => {
      const before = calls
      await other?.set('key', config, HOUR)
      await eventually('the notification', () => calls > before || undefined)
    }
    await isNotified()
    expect(await subscribers()).toBe(1)
    const before = calls
    await server.command('client', 'kill', 'type', 'pubsub')
    await eventually('the new subscription', () => calls > before || undefined)
    await isNotified()
    unwatch?.()
    await eventually('the end of the subscription', async () =>
      (await subscribers()) === 0 ? true : undefined,
    )
    await store?.close?.()
    await Promise.all([watching.close(), writing.close()])
  })

  test('are not sent for sessions', async () => {
    const { client, close } = await connect(server.port)
    const store = redisStore(client)
    await server.command('config', 'resetstat')
    await store.set('key', { ...config, kind: 'session' }, HOUR)
    await store.update('key', { ...config, kind: 'session', revision: 2 }, HOUR)
    await store.delete('key')
    expect(await server.command('info', 'commandstats')).not.toContain('cmdstat_publish')
    await store.close?.()
    await close()
  })
})

test('a user of Redis without the permission to publish or subscribe can write, and gets one warning', async () => {
  await server.command(
    'acl',
    'setuser',
    'limited',
    'on',
    '>password',
    '~*',
    '+@all',
    '-publish',
    '-subscribe',
  )
  const client = new Redis({ port: server.port, username: 'limited', password: 'password' })
  const warnings: string[] = []
  const store = redisStore(client, { onWarning: (message) => void warnings.push(message) })
  const unwatch = store.watch?.('limited', () => undefined)
  await store.set('limited', config, HOUR)
  await store.update('limited', { ...config, revision: 2 }, HOUR)
  await eventually('the warning', () => warnings.length > 0 || undefined)
  expect(await store.get('limited')).toMatchObject({ revision: 2 })
  expect(warnings).toEqual([expect.stringContaining('within 5 seconds instead of at once')])
  unwatch?.()
  await store.close?.()
  client.disconnect()
})

test('keys of a client with keyPrefix, and a pool that cannot subscribe', async () => {
  const client = new Redis({ port: server.port, keyPrefix: 'app:' })
  const store = redisStore(client)
  let calls = 0
  const unwatch = store.watch?.('prefixed', () => void calls++)
  await eventually('the subscription', () => calls > 0 || undefined)
  const another = client.duplicate()
  const writer = redisStore(another)
  await writer.set('prefixed', config, HOUR)
  await eventually('the notification', () => calls > 1 || undefined)
  unwatch?.()
  await store.close?.()
  await writer.close?.()
  another.disconnect()
  client.disconnect()
  const pool = createClientPool({ socket: { port: server.port } })
  await pool.connect()
  const pooled = redisStore(pool)
  expect(pooled.watch).toBeUndefined()
  await pooled.set('pooled', config, HOUR)
  await pool.close()
})

test('a store that is closed while it subscribes leaves no connection', async () => {
  const client = createClient({ socket: { port: server.port } })
  await client.connect()
  const store = redisStore(client)
  store.watch?.('key', () => undefined)
  // While its connection is being opened.
  await store.close?.()
  client.destroy()
  await eventually('the end of all connections', async () =>
    (await server.command('client', 'list')).split('\n').length === 1 ? true : undefined,
  )
})
