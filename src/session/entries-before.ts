import { everyEntryAfter, readPage } from './paging.js'
import type { GuardedStore } from './stores/guarded-store.js'
import { entryPosition } from './stores/entries-page.js'
import type { StoreRecord } from './stores/store.js'

/** The place of a record in a list, which stays when the record is deleted. */
export interface ListPosition {
  readonly key: string
  readonly createdAt: number
}

type Entry = readonly [key: string, record: StoreRecord]

const WALK_SIZE = 1000

/**
 * The records of a kind that come after a position, newest first, read in pages of `size`. Throws
 * `store_not_listable` if the store cannot list.
 */
export async function* entriesBefore(
  store: GuardedStore,
  kind: string,
  before: ListPosition | undefined,
  size: number,
): AsyncGenerator<Entry> {
  if (before === undefined) yield* everyEntryAfter(store, { kind, size })
  else if (await hasPositions(store, kind)) {
    const after = entryPosition(before.key, before)
    yield* everyEntryAfter(store, { kind, size, after })
  } else yield* skipTo(before, everyEntryAfter(store, { kind, size: WALK_SIZE }))
}

/**
 * Whether the cursors of the store are positions, as those of our stores, so that a list can start
 * anywhere. Other stores choose their cursors.
 */
async function hasPositions(store: GuardedStore, kind: string): Promise<boolean> {
  const { entries, next } = await readPage(store, kind, undefined, { after: undefined, limit: 1 })
  const [entry] = entries
  return entry !== undefined && next === entryPosition(...entry)
}

/**
 * Leaves out the entries up to a position. If its record was deleted, those of the same millisecond
 * may be listed twice, but none is left out.
 */
async function* skipTo(before: ListPosition, all: AsyncIterable<Entry>): AsyncGenerator<Entry> {
  let isReached = false
  let ofSameTime: Entry[] = []
  for await (const entry of all) {
    const [key, { createdAt }] = entry
    if (isReached) yield entry
    else if (key === before.key) {
      isReached = true
      ofSameTime = []
    } else if (createdAt === before.createdAt) ofSameTime.push(entry)
    else if (createdAt < before.createdAt) {
      isReached = true
      yield* ofSameTime
      ofSameTime = []
      yield entry
    }
  }
  yield* ofSameTime
}
