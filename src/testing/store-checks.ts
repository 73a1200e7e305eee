import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type Check, expectExpiry, HOUR, peek, plain, recordOf } from './store-bench.js'

/** Writing, reading and deleting records. */
export const basics: Record<string, Check> = {
  'a record is read back as it was written': async ({ store, key }) => {
    const at = key()
    const nested = { list: [1, 'two', null, true], text: 'Þórgunnur "日本" \u0000 \\' }
    const record = recordOf({ nested, empty: '' })
    await store.set(at, record, HOUR)
    assert.deepEqual(plain(await store.get(at)), plain(record))
  },
  'get returns undefined for a key without a record': async ({ store, key }) => {
    assert.equal(await store.get(key()), undefined)
  },
  'set replaces a record of any revision': async ({ store, key }) => {
    const at = key()
    await store.set(at, recordOf({ revision: 7 }), HOUR)
    await store.set(at, recordOf({ revision: 1, word: 'new' }), HOUR)
    assert.deepEqual(await peek(store, at), { revision: 1, word: 'new' })
  },
  'keys have up to 100 letters, digits, colons, dashes and underscores, and are case-sensitive':
    async ({ store }) => {
      const start = `check:${randomUUID()}:_-`
      const [upper, lower] = [start.padEnd(100, 'A'), start.padEnd(100, 'a')]
      await store.set(upper, recordOf({ word: 'upper' }), HOUR)
      await store.set(lower, recordOf({ word: 'lower' }), HOUR)
      assert.equal((await peek(store, upper)).word, 'upper')
      assert.equal((await peek(store, lower)).word, 'lower')
    },
  'delete removes a record and returns whether there was one': async ({ store, key }) => {
    const at = key()
    await store.set(at, recordOf(), HOUR)
    assert.equal(await store.delete(at), true)
    assert.equal(await store.get(at), undefined)
    assert.equal(await store.delete(at), false)
  },
}

/** Updates, which depend on the revision. */
export const updates: Record<string, Check> = {
  'update replaces a record whose revision is one less': async ({ store, key }) => {
    const at = key()
    await store.set(at, recordOf({ revision: 1 }), HOUR)
    assert.equal(await store.update(at, recordOf({ revision: 2, word: 'new' }), HOUR), true)
    assert.deepEqual(await peek(store, at), { revision: 2, word: 'new' })
  },
  'update leaves a record of any other revision unchanged': async ({ store, key }) => {
    const at = key()
    await store.set(at, recordOf({ revision: 5, word: 'old' }), HOUR)
    for (const revision of [1, 4, 5, 7])
      assert.equal(await store.update(at, recordOf({ revision, word: 'lost' }), HOUR), false)
    assert.deepEqual(await peek(store, at), { revision: 5, word: 'old' })
  },
  'update creates no record, neither at a new key nor at that of a deleted record': async ({
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
  'of several updates at once, one succeeds': async ({ store, key }) => {
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

/** Lifetimes of records. No check relies on fast steps, because the machine may be busy. */
export const lifetimes: Record<string, Check> = {
  'a record expires by itself': async (bench) => {
    const { store, key, ttl, wait } = bench
    const [short, long] = [key(), key()]
    await store.set(long, recordOf(), HOUR)
    await store.set(short, recordOf({ revision: 1 }), ttl)
    await expectExpiry(bench, short)
    // The clock of a database may be behind that of this process.
    await wait(ttl)
    assert.equal(await store.update(short, recordOf({ revision: 2 }), HOUR), false)
    assert.equal(await store.get(short), undefined)
    assert.notEqual(await store.get(long), undefined)
  },
  'reading a record does not extend its lifetime': async (bench) => {
    const at = bench.key()
    await bench.store.set(at, recordOf(), bench.ttl)
    await expectExpiry(bench, at)
  },
  'update sets the given ttl, which may be longer or shorter': async (bench) => {
    const { store, key, ttl, wait } = bench
    const [longer, shorter] = [key(), key()]
    let shortTtl = ttl
    await store.set(longer, recordOf({ revision: 1 }), shortTtl)
    while (!(await store.update(longer, recordOf({ revision: 2 }), HOUR))) {
      // The record may have expired before a busy machine updated it. A broken store reaches the
      // limit.
      shortTtl *= 2
      assert.ok(shortTtl < HOUR, 'update() does not replace the record')
      await store.set(longer, recordOf({ revision: 1 }), shortTtl)
    }
    await store.set(shorter, recordOf({ revision: 1 }), HOUR)
    assert.equal(await store.update(shorter, recordOf({ revision: 2 }), ttl), true)
    await expectExpiry(bench, shorter)
    await wait(shortTtl * 2)
    assert.notEqual(await store.get(longer), undefined)
  },
  'a ttl may be one millisecond, 400 days, or a fraction': async ({ store, key, wait }) => {
    const [short, long, fraction] = [key(), key(), key()]
    await store.set(short, recordOf(), 1)
    await store.set(long, recordOf(), 400 * 86_400_000)
    await store.set(fraction, recordOf(), 86_400_000.5)
    await wait(50)
    assert.equal(await store.get(short), undefined)
    assert.notEqual(await store.get(long), undefined)
    assert.notEqual(await store.get(fraction), undefined)
  },
}
