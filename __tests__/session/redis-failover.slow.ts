import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from '@jest/globals'
import type { StoreRecord } from '../../src/index.js'
import { redisStore } from '../../src/session/stores/redis/index.js'
import { eventually } from '../support/programs.js'
import { startSentinel } from '../support/redis.js'
import { libraries } from '../support/redis-clients.js'

const closing: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const record = (revision: number): StoreRecord => ({
  kind: 'session',
  group: 'g',
  createdAt: 1,
  revision,
})

describe('a sentinel that makes the replica the master', () => {
  test('S-112 sessions stay, failed reads are errors and never "not found", and writes recover', async () => {
    const sentinel = await startSentinel()
    closing.push(() => sentinel.close())
    const stores = await Promise.all(
      libraries.map(async ({ name, sentinel: connect }) => {
        const { client, close } = await connect(sentinel.port, sentinel.name)
        closing.unshift(close)
        const store = redisStore(client, {
          prefix: `${name.replaceAll(' ', '')}:`,
          nearCache: name.startsWith('ioredis'),
        })
        closing.unshift(async () => store.close?.())
        await store.set('k', record(1), 60_000)
        return { name, store }
      }),
    )
    await sentinel.master.command('wait', '1', '1000')
    await sentinel.master.kill()
    await Promise.all(
      stores.map(async ({ name, store }) => {
        const answer = await eventually(`${name} reads again`, async () => {
          const late = sleep(200).then(() => undefined)
          return Promise.race([
            late,
            Promise.resolve(store.get('k')).then(
              (found) => ({ found }),
              () => undefined,
            ),
          ])
        })
        // The first answer that is none of an error: the record.
        expect(answer.found).toEqual(record(1))
        await eventually(`${name} writes again`, async () =>
          (await store.update('k', record(2), 60_000)) ? true : undefined,
        )
        expect(await store.get('k')).toEqual(record(2))
        expect(await store.delete('k')).toBe(true)
        expect(await store.get('k')).toBeUndefined()
      }),
    )
    expect((await sentinel.replica.command('role')).startsWith('master')).toBe(true)
  }, 60_000)
})
