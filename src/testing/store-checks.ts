import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type Check, HOUR, peek, plain, recordOf } from './store-bench.js'

/** What is written, read, replaced and removed. */
export const basics: Record<string, Check> = {
  'a record is read back as it was written': async ({ store, key }) => {
    const [at, record] = [
      key(),
      recordOf({
        nested: { list: [1, 'two', null, true], text: 'Þórgunnur "日本" \u0000 \\' },
        empty: '',
      }),
    ]
    await store.set(at, record, HOUR)
    assert.deepEqual(plain(await store.get(at)), plain(record))
  },
  'a key without a record is undefined': async ({ store, key }) => {
    assert.equal(await store.get(key()), undefined)
  },
  'set replaces what was there, whatever its revision': async ({ store, key }) => {
    const at = key()
    await store.set(at, recordOf({ revision: 7 }), HOUR)
    await store.set(at, recordOf({ revision: 1, word: 'new' }), HOUR)
    assert.deepEqual(await peek(store, at), { revision: 1, word: 'new' })
  },
  'a key may be 100 characters of letters, digits, colon, dash and underscore, and its case counts':
    async ({ store }) => {
      const start = `check:${randomUUID()}:_-`
      const [upper, lower] = ['A', 'a'].map((letter) => start.padEnd(100, letter)) as [
        string,
        string,
      ]
      await store.set(upper, recordOf({ word: 'upper' }), HOUR)
      await store.set(lower, recordOf({ word: 'lower' }), HOUR)
      assert.equal((await peek(store, upper)).word, 'upper')
      assert.equal((await peek(store, lower)).word, 'lower')
    },
  'delete removes a record, and says whether there was one': async ({ store, key }) => {
    const at = key()
    await store.set(at, recordOf(), HOUR)
    assert.equal(await store.delete(at), true)
    assert.equal(await store.get(at), undefined)
    assert.equal(await store.delete(at), false)
  },
  'update replaces a record whose revision is one less': async ({ store, key }) => {
    const at = key()
    await store.set(at, recordOf({ revision: 1 }), HOUR)
    assert.equal(await store.update(at, recordOf({ revision: 2, word: 'new' }), HOUR), true)
    assert.deepEqual(await peek(store, at), { revision: 2, word: 'new' })
  },
  'update leaves a record of any other revision alone': async ({ store, key }) => {
    const at = key()
    await store.set(at, recordOf({ revision: 5, word: 'old' }), HOUR)
    for (const revision of [1, 4, 5, 7])
      assert.equal(await store.update(at, recordOf({ revision, word: 'lost' }), HOUR), false)
    assert.deepEqual(await peek(store, at), { revision: 5, word: 'old' })
  },
  'update brings nothing to life: neither what never was nor what was deleted': async ({
    store,
    key,
  }) => {
    const [never, deleted] = [key(), key()]
    await store.set(deleted, recordOf({ revision: 1 }), HOUR)
    await store.delete(deleted)
    for (const at of [never, deleted]) {
      assert.equal(await store.update(at, recordOf({ revision: 2 }), HOUR), false)
      assert.equal(await store.update(at, recordOf({ revision: 1 }), HOUR), false)
      assert.equal(await store.get(at), undefined)
    }
  },
  'of several updates at once one wins': async ({ store, key }) => {
    const at = key()
    await store.set(at, recordOf({ revision: 1 }), HOUR)
    const tried = Array.from({ length: 8 }, async (_, index) =>
      store.update(at, recordOf({ revision: 2, word: `${index}` }), HOUR),
    )
    const won = (await Promise.all(tried)).flatMap((isWritten, index) =>
      isWritten ? [`${index}`] : [],
    )
    assert.equal(won.length, 1)
    assert.deepEqual(await peek(store, at), { revision: 2, word: won[0] })
  },
}

/** How long records live. */
export const lives: Record<string, Check> = {
  'a record runs out by itself': async ({ store, key, ttl, wait }) => {
    const [short, long] = [key(), key()]
    await store.set(short, recordOf({ revision: 1 }), ttl)
    await store.set(long, recordOf(), HOUR)
    await wait(ttl * 2)
    assert.equal(await store.get(short), undefined)
    assert.equal(await store.update(short, recordOf({ revision: 2 }), HOUR), false)
    assert.equal(await store.get(short), undefined)
    assert.notEqual(await store.get(long), undefined)
  },
  'reading a record does not lengthen its life': async ({ store, key, ttl, wait }) => {
    const at = key()
    await store.set(at, recordOf(), ttl)
    await wait(ttl * 0.6)
    await store.get(at)
    await wait(ttl * 0.8)
    assert.equal(await store.get(at), undefined)
  },
  'update gives a record the life it names, longer or shorter': async ({
    store,
    key,
    ttl,
    wait,
  }) => {
    const [longer, shorter] = [key(), key()]
    await store.set(longer, recordOf({ revision: 1 }), ttl)
    await store.set(shorter, recordOf({ revision: 1 }), HOUR)
    await store.update(longer, recordOf({ revision: 2 }), HOUR)
    await store.update(shorter, recordOf({ revision: 2 }), ttl)
    await wait(ttl * 2)
    assert.notEqual(await store.get(longer), undefined)
    assert.equal(await store.get(shorter), undefined)
  },
  'a life may be as short as a millisecond, as long as 400 days and no whole number': async ({
    store,
    key,
    wait,
  }) => {
    const [short, long, broken] = [key(), key(), key()]
    await store.set(short, recordOf(), 1)
    await store.set(long, recordOf(), 400 * 86_400_000)
    await store.set(broken, recordOf(), 86_400_000.5)
    await wait(50)
    assert.equal(await store.get(short), undefined)
    assert.notEqual(await store.get(long), undefined)
    assert.notEqual(await store.get(broken), undefined)
  },
}
