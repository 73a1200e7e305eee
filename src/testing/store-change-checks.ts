import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Awaitable, CountQuery, SessionStore } from '../session/stores/store.js'
import { type Check, HOUR, recordOf } from './store-bench.js'

/** For stores with `count`. */
export const counts: Record<string, Check> = {
  'count returns the number of records of a kind and a group that have not expired': async ({
    store,
    key,
    ttl,
    wait,
  }) => {
    const [kind, group, gone] = [`kind-${randomUUID().slice(0, 8)}`, key(), key()]
    await store.set(key(), recordOf({ kind, group }), HOUR)
    await store.set(key(), recordOf({ kind, group: key() }), HOUR)
    await store.set(key(), recordOf({ group }), HOUR)
    await store.set(key(), recordOf({ kind, group }), ttl)
    await store.set(gone, recordOf({ kind, group }), HOUR)
    await store.delete(gone)
    await wait(ttl * 2)
    await eventually(wait, 'count()', async () => (await countOf(store, { kind, group })) === 1)
    assert.equal(await countOf(store, { kind }), 2)
    assert.equal(await countOf(store, { kind: `${kind}-other` }), 0)
  },
  'count counts a record once, however often it is written': async ({ store, key }) => {
    const [group, at] = [key(), key()]
    await store.set(at, recordOf({ group, revision: 1 }), HOUR)
    await store.update(at, recordOf({ group, revision: 2 }), HOUR)
    await store.set(at, recordOf({ group, revision: 3 }), HOUR)
    assert.equal(await countOf(store, { kind: 'session', group }), 1)
  },
}

/** For stores with `watch`. */
export const watches: Record<string, Check> = {
  'watch reports each way in which a record of the kind config changes': async ({
    store,
    key,
    wait,
  }) => {
    const at = key()
    let calls = 0
    const unwatch = watchOf(store, at, () => void calls++)
    let revision = 1
    const isReported = async (write: () => Awaitable<unknown>) => {
      const before = calls
      await write()
      await wait(WATCH_STEP_MS)
      return calls > before
    }
    const config = () => recordOf({ kind: 'config', revision: revision++ })
    // A store may need time until it watches.
    await eventually(wait, 'watch()', () => isReported(() => store.set(at, config(), HOUR)))
    await eventually(wait, 'watch()', () => isReported(() => store.update(at, config(), HOUR)))
    await eventually(wait, 'watch()', async () => {
      await store.set(at, config(), HOUR)
      await wait(WATCH_STEP_MS)
      return isReported(() => store.delete(at))
    })
    unwatch()
    await wait(WATCH_STEP_MS)
    const reported = calls
    await store.set(at, config(), HOUR)
    await wait(WATCH_STEP_MS)
    assert.equal(calls, reported)
  },
  'watch reports only changes of its own key, to each listener': async ({ store, key, wait }) => {
    const [at, other] = [key(), key()]
    const calls = { first: 0, second: 0, other: 0 }
    const unwatch = [
      watchOf(store, at, () => void calls.first++),
      watchOf(store, at, () => void calls.second++),
      watchOf(store, other, () => void calls.other++),
    ]
    await eventually(wait, 'watch()', async () => {
      await store.set(at, recordOf({ kind: 'config' }), HOUR)
      await wait(WATCH_STEP_MS)
      return calls.first > 0 && calls.second > 0
    })
    const before = calls.other
    await store.set(at, recordOf({ kind: 'config' }), HOUR)
    await wait(WATCH_STEP_MS)
    assert.equal(calls.other, before)
    for (const stop of unwatch) stop()
  },
}

const WATCH_STEP_MS = 100
const MAX_STEPS = 100

/** Repeats the attempt until it succeeds: notifications take an unknown time. */
async function eventually(
  wait: (milliseconds: number) => Awaitable<void>,
  what: string,
  attempt: () => Promise<boolean>,
): Promise<void> {
  for (let step = 0; step < MAX_STEPS; step++) {
    if (await attempt()) return
    await wait(WATCH_STEP_MS)
  }
  throw new assert.AssertionError({ message: `${what} does not report what was written` })
}

function countOf(store: SessionStore, query: CountQuery): Awaitable<number> {
  if (store.count === undefined) throw new Error("the store has no count: set without: ['count']")
  return store.count(query)
}

function watchOf(store: SessionStore, key: string, listener: () => void): () => void {
  if (store.watch === undefined) throw new Error("the store has no watch: set without: ['watch']")
  return store.watch(key, listener)
}
