import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Awaitable, EntriesPage, SessionStore } from '../session/stores/store.js'
import { type Check, HOUR, plain, recordOf, type Sample } from './store-bench.js'

/** For stores with `lock`. */
export const locks: Record<string, Check> = {
  'a lock has one holder at a time': async ({ store, key }) => {
    const [at, other] = [key(), key()]
    const held = await Promise.all(Array.from({ length: 5 }, async () => lockOf(store, at)))
    const unlock = held.filter((lock) => lock !== undefined)
    assert.equal(unlock.length, 1)
    assert.notEqual(await lockOf(store, other), undefined)
    await unlock[0]?.()
    assert.notEqual(await lockOf(store, at), undefined)
  },
  'a lock expires by itself, and a late unlock leaves the next lock alone': async ({
    store,
    key,
    ttl,
    wait,
  }) => {
    const at = key()
    const first = await store.lock?.(at, ttl)
    assert.notEqual(first, undefined)
    await wait(ttl * 2)
    assert.notEqual(await lockOf(store, at), undefined)
    await first?.()
    assert.equal(await lockOf(store, at), undefined)
  },
  'a lock is not a record, and a record is not a lock': async ({ store, key }) => {
    const at = key()
    assert.notEqual(await lockOf(store, at), undefined)
    assert.equal(await store.get(at), undefined)
    await store.set(at, recordOf(), HOUR)
    assert.equal(await lockOf(store, at), undefined)
    await store.delete(at)
    assert.equal(await lockOf(store, at), undefined)
  },
}

/** For stores with `entries`. */
export const lists: Record<string, Check> = {
  'entries are listed newest first, page by page, each once': async ({ store, key }) => {
    const group = key()
    const times = [30, 10, 50, 20, 40, 20]
    const written = await Promise.all(
      times.map(async (createdAt) => {
        const at = key()
        await store.set(at, recordOf({ group, createdAt }), HOUR)
        return at
      }),
    )
    const pages = await readPages(store, { kind: 'session', group, limit: 2 })
    assert.deepEqual(
      pages.map(({ length }) => length),
      [2, 2, 2],
    )
    assert.deepEqual(
      pages.flat().map(([, record]) => record.createdAt),
      [50, 40, 30, 20, 20, 10],
    )
    assert.deepEqual(
      pages
        .flat()
        .map(([at]) => at)
        .sort(),
      written.sort(),
    )
  },
  'a list contains one kind and one group, with whole records': async ({ store, key }) => {
    const [group, other, mine] = [key(), key(), key()]
    const record = recordOf({ group, word: 'mine' })
    await store.set(mine, record, HOUR)
    await store.set(key(), recordOf({ group: other }), HOUR)
    await store.set(key(), recordOf({ group, kind: 'user' }), HOUR)
    const [page] = await readPages(store, { kind: 'session', group, limit: 10 })
    assert.deepEqual(plain(page), plain([[mine, record]]))
    assert.equal((await readPages(store, { kind: 'user', group, limit: 10 })).flat().length, 1)
  },
  'without a group, a list contains the whole kind': async ({ store, key }) => {
    const kind = `kind-${randomUUID().slice(0, 8)}`
    for (const createdAt of [1, 2, 3])
      await store.set(key(), recordOf({ kind, group: key(), createdAt }), HOUR)
    const pages = await readPages(store, { kind, limit: 2 })
    assert.deepEqual(
      pages.flat().map(([, record]) => record.createdAt),
      [3, 2, 1],
    )
  },
  'a list contains neither deleted nor expired records, and the last version of the others':
    async ({ store, key, ttl, wait }) => {
      const [group, gone, short, changed] = [key(), key(), key(), key()]
      await store.set(gone, recordOf({ group, createdAt: 1 }), HOUR)
      await store.set(short, recordOf({ group, createdAt: 2 }), ttl)
      await store.set(changed, recordOf({ group, createdAt: 3, revision: 1 }), HOUR)
      await store.update(changed, recordOf({ group, createdAt: 3, revision: 2, word: 'new' }), HOUR)
      await store.delete(gone)
      await wait(ttl * 2)
      const entries = (await readPages(store, { kind: 'session', group, limit: 10 })).flat()
      assert.deepEqual(
        entries.map(([at, record]) => [at, (record as Sample).word]),
        [[changed, 'new']],
      )
    },
  'writes between two pages neither repeat nor hide other records': async ({ store, key }) => {
    const group = key()
    const keys = [key(), key(), key(), key()]
    for (const [index, at] of keys.entries())
      await store.set(at, recordOf({ group, createdAt: 10 + index }), HOUR)
    const first = await listOf(store, { kind: 'session', group, limit: 2 })
    for (const createdAt of [98, 99]) await store.set(key(), recordOf({ group, createdAt }), HOUR)
    await store.delete(keys[3] ?? '')
    const second = await listOf(store, { kind: 'session', group, limit: 2, after: first.next })
    assert.deepEqual(
      second.entries.map(([at]) => at),
      [keys[1], keys[0]],
    )
  },
  'an empty list is one empty page': async ({ store, key }) => {
    const page = await listOf(store, { kind: 'session', group: key(), limit: 10 })
    assert.deepEqual([...page.entries], [])
    assert.equal(page.next, undefined)
  },
}

function lockOf(store: SessionStore, key: string) {
  if (store.lock === undefined) throw new Error("the store has no lock: set without: ['lock']")
  return store.lock(key, HOUR)
}

function listOf(
  store: SessionStore,
  query: Parameters<NonNullable<SessionStore['entries']>>[0],
): Awaitable<EntriesPage> {
  if (store.entries === undefined)
    throw new Error("the store has no entries: set without: ['entries']")
  return store.entries(query)
}

async function readPages(
  store: SessionStore,
  query: Parameters<typeof listOf>[1],
): Promise<EntriesPage['entries'][]> {
  const pages: EntriesPage['entries'][] = []
  let after: string | undefined
  do {
    const page = await listOf(store, { ...query, after })
    pages.push(page.entries)
    after = page.next
    assert.ok(pages.length < 100, 'the list does not end')
  } while (after !== undefined)
  return pages
}
