import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Awaitable, EntriesPage, SessionStore, StoreRecord } from '../session/store.js'

/** What {@link storeContract} tests, and how. */
export interface StoreContractOptions {
  /** A store for one check, empty or not: every check uses keys and groups of its own. It is closed after the check. */
  makeStore(): Awaitable<SessionStore>
  /** Lets this many milliseconds pass for the store. Default: really waiting. */
  wait?: ((milliseconds: number) => Awaitable<void>) | undefined
  /** The life of a record that a check lets run out, in milliseconds. Default 200. */
  ttl?: number | undefined
  /** The optional methods that the store does not have. */
  without?: readonly ('lock' | 'entries')[] | undefined
}

/** One promise of {@link SessionStore}, for any test runner: `run` rejects when it is broken. */
export interface StoreCheck {
  readonly name: string
  run(): Promise<void>
}

interface Bench {
  store: SessionStore
  ttl: number
  wait(milliseconds: number): Awaitable<void>
  /** Not used before. */
  key(): string
}

type Check = (bench: Bench) => Promise<void>

const HOUR = 3_600_000

/**
 * What every session store must do, as named checks:
 *
 * ```ts
 * for (const { name, run } of storeContract({ makeStore: () => myStore() })) test(name, run)
 * ```
 */
export function storeContract({ makeStore, wait = sleepFor, ttl = 200, without = [] }: StoreContractOptions): StoreCheck[] {
  const all = {
    ...basics,
    ...lives,
    ...(without.includes('lock') ? {} : locks),
    ...(without.includes('entries') ? {} : lists),
  }
  return Object.entries(all).map(([name, check]) => ({
    name,
    async run() {
      const store = await makeStore()
      try {
        await check({ store, ttl, wait, key: () => `check:${randomUUID()}` })
      } finally {
        await store.close?.()
      }
    },
  }))
}

const basics: Record<string, Check> = {
  'a record is read back as it was written': async ({ store, key }) => {
    const [at, record] = [key(), recordOf({ nested: { list: [1, 'two', null, true], text: 'Þórgunnur "日本" \u0000 \\' }, empty: '' })]
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
  'a key may be 100 characters of letters, digits, colon, dash and underscore, and its case counts': async ({ store }) => {
    const start = `check:${randomUUID()}:_-`
    const [upper, lower] = ['A', 'a'].map((letter) => start.padEnd(100, letter)) as [string, string]
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
    for (const revision of [1, 4, 5, 7]) assert.equal(await store.update(at, recordOf({ revision, word: 'lost' }), HOUR), false)
    assert.deepEqual(await peek(store, at), { revision: 5, word: 'old' })
  },
  'update brings nothing to life: neither what never was nor what was deleted': async ({ store, key }) => {
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
    const tried = Array.from({ length: 8 }, async (_, index) => store.update(at, recordOf({ revision: 2, word: `${index}` }), HOUR))
    const won = (await Promise.all(tried)).flatMap((isWritten, index) => (isWritten ? [`${index}`] : []))
    assert.equal(won.length, 1)
    assert.deepEqual(await peek(store, at), { revision: 2, word: won[0] })
  },
}

const lives: Record<string, Check> = {
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
  'update gives a record the life it names, longer or shorter': async ({ store, key, ttl, wait }) => {
    const [longer, shorter] = [key(), key()]
    await store.set(longer, recordOf({ revision: 1 }), ttl)
    await store.set(shorter, recordOf({ revision: 1 }), HOUR)
    await store.update(longer, recordOf({ revision: 2 }), HOUR)
    await store.update(shorter, recordOf({ revision: 2 }), ttl)
    await wait(ttl * 2)
    assert.notEqual(await store.get(longer), undefined)
    assert.equal(await store.get(shorter), undefined)
  },
  'a life may be as short as a millisecond, as long as 400 days and no whole number': async ({ store, key, wait }) => {
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

const locks: Record<string, Check> = {
  'a lock is held by one at a time': async ({ store, key }) => {
    const [at, other] = [key(), key()]
    const held = await Promise.all(Array.from({ length: 5 }, async () => lockOf(store, at)))
    const unlock = held.filter((one) => one !== undefined)
    assert.equal(unlock.length, 1)
    assert.notEqual(await lockOf(store, other), undefined)
    await unlock[0]?.()
    assert.notEqual(await lockOf(store, at), undefined)
  },
  'a lock ends by itself, and its late end leaves the next one alone': async ({ store, key, ttl, wait }) => {
    const at = key()
    const first = await store.lock?.(at, ttl)
    assert.notEqual(first, undefined)
    await wait(ttl * 2)
    assert.notEqual(await lockOf(store, at), undefined)
    await first?.()
    assert.equal(await lockOf(store, at), undefined)
  },
  'a lock is no record, and a record no lock': async ({ store, key }) => {
    const at = key()
    assert.notEqual(await lockOf(store, at), undefined)
    assert.equal(await store.get(at), undefined)
    await store.set(at, recordOf(), HOUR)
    assert.equal(await lockOf(store, at), undefined)
    await store.delete(at)
    assert.equal(await lockOf(store, at), undefined)
  },
}

const lists: Record<string, Check> = {
  'entries come newest first, page by page, each once': async ({ store, key }) => {
    const group = key()
    const times = [30, 10, 50, 20, 40, 20]
    const written = await Promise.all(times.map(async (createdAt) => {
      const at = key()
      await store.set(at, recordOf({ group, createdAt }), HOUR)
      return at
    }))
    const pages = await readPages(store, { kind: 'session', group, limit: 2 })
    assert.deepEqual(pages.map(({ length }) => length), [2, 2, 2])
    assert.deepEqual(pages.flat().map(([, record]) => record.createdAt), [50, 40, 30, 20, 20, 10])
    assert.deepEqual(pages.flat().map(([at]) => at).sort(), written.sort())
  },
  'a list holds one kind and one group, each with its whole record': async ({ store, key }) => {
    const [group, other, mine] = [key(), key(), key()]
    const record = recordOf({ group, word: 'mine' })
    await store.set(mine, record, HOUR)
    await store.set(key(), recordOf({ group: other }), HOUR)
    await store.set(key(), recordOf({ group, kind: 'user' }), HOUR)
    const [page] = await readPages(store, { kind: 'session', group, limit: 10 })
    assert.deepEqual(plain(page), plain([[mine, record]]))
    assert.equal((await readPages(store, { kind: 'user', group, limit: 10 })).flat().length, 1)
  },
  'without a group a list holds the whole kind': async ({ store, key }) => {
    const kind = `kind-${randomUUID().slice(0, 8)}`
    for (const createdAt of [1, 2, 3]) await store.set(key(), recordOf({ kind, group: key(), createdAt }), HOUR)
    const pages = await readPages(store, { kind, limit: 2 })
    assert.deepEqual(pages.flat().map(([, record]) => record.createdAt), [3, 2, 1])
  },
  'a list holds what there is now: nothing deleted or run out, and the last write': async ({ store, key, ttl, wait }) => {
    const [group, gone, short, changed] = [key(), key(), key(), key()]
    await store.set(gone, recordOf({ group, createdAt: 1 }), HOUR)
    await store.set(short, recordOf({ group, createdAt: 2 }), ttl)
    await store.set(changed, recordOf({ group, createdAt: 3, revision: 1 }), HOUR)
    await store.update(changed, recordOf({ group, createdAt: 3, revision: 2, word: 'new' }), HOUR)
    await store.delete(gone)
    await wait(ttl * 2)
    const entries = (await readPages(store, { kind: 'session', group, limit: 10 })).flat()
    assert.deepEqual(entries.map(([at, record]) => [at, (record as Sample).word]), [[changed, 'new']])
  },
  'what is written or deleted between two pages neither repeats nor hides the others': async ({ store, key }) => {
    const group = key()
    const keys = [key(), key(), key(), key()]
    for (const [index, at] of keys.entries()) await store.set(at, recordOf({ group, createdAt: 10 + index }), HOUR)
    const first = await listOf(store, { kind: 'session', group, limit: 2 })
    for (const createdAt of [98, 99]) await store.set(key(), recordOf({ group, createdAt }), HOUR)
    await store.delete(keys[3] ?? '')
    const second = await listOf(store, { kind: 'session', group, limit: 2, after: first.next })
    assert.deepEqual(second.entries.map(([at]) => at), [keys[1], keys[0]])
  },
  'an empty list is one empty page': async ({ store, key }) => {
    const page = await listOf(store, { kind: 'session', group: key(), limit: 10 })
    assert.deepEqual([...page.entries], [])
    assert.equal(page.next, undefined)
  },
}

interface Sample extends StoreRecord {
  readonly word?: string
}

function recordOf(fields: Record<string, unknown> & Partial<StoreRecord> = {}): Sample {
  return { kind: 'session', group: 'check:nobody', createdAt: 1_000, revision: 1, ...fields }
}

async function peek(store: SessionStore, key: string): Promise<{ revision: number | undefined; word: string | undefined }> {
  const record = (await store.get(key)) as Sample | undefined
  return { revision: record?.revision, word: record?.word }
}

function lockOf(store: SessionStore, key: string) {
  if (store.lock === undefined) throw new Error("the store has no lock: say so with without: ['lock']")
  return store.lock(key, HOUR)
}

function listOf(store: SessionStore, query: Parameters<NonNullable<SessionStore['entries']>>[0]): Awaitable<EntriesPage> {
  if (store.entries === undefined) throw new Error("the store has no entries: say so with without: ['entries']")
  return store.entries(query)
}

async function readPages(store: SessionStore, query: Parameters<typeof listOf>[1]): Promise<EntriesPage['entries'][]> {
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

/** As JSON says it: that is all a store must keep. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value))
}

async function sleepFor(milliseconds: number): Promise<void> {
  await sleep(milliseconds)
}
