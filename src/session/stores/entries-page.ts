import type { EntriesPage, EntriesQuery, StoreRecord } from './store.js'

type Entry = readonly [key: string, record: StoreRecord]
type Position = readonly [key: string, record: Pick<StoreRecord, 'createdAt'>]

/** The position of a record in lists, newest last: positions are compared as strings. */
export function entryPosition(key: string, { createdAt }: Pick<StoreRecord, 'createdAt'>): string {
  return `${String(createdAt).padStart(16, '0')}:${key}`
}

/** The page of a query, for stores that have all records in memory. */
export function pageOf(
  all: Iterable<Entry>,
  { kind, group, after, limit }: EntriesQuery,
): EntriesPage {
  const newest = new Newest(limit + 1)
  const start = after === undefined ? undefined : cursorOf(after)
  for (const entry of all) {
    const [, record] = entry
    if (record.kind !== kind || (group !== undefined && record.group !== group)) continue
    if (start === undefined || byAge(entry, start) > 0) newest.add(entry)
  }
  const found = newest.sorted()
  const page = found.slice(0, limit)
  const last = page.at(-1)
  const hasMore = found.length > limit && last !== undefined
  return { entries: page, next: hasMore ? entryPosition(...last) : undefined }
}

/**
 * The newest of many entries. Sorting all of them, or comparing positions as strings, took most of
 * the time of a page of a long list.
 */
class Newest {
  readonly #size: number
  #entries: Entry[] = []
  /** Older entries are not among the newest. */
  #oldest: Entry | undefined

  constructor(size: number) {
    this.#size = size
  }

  add(entry: Entry): void {
    if (this.#oldest !== undefined && byAge(entry, this.#oldest) > 0) return
    this.#entries.push(entry)
    if (this.#entries.length < 2 * this.#size) return
    this.#entries = this.sorted()
    this.#oldest = this.#entries.at(-1)
  }

  /** Newest first. */
  sorted(): Entry[] {
    return this.#entries.sort(byAge).slice(0, this.#size)
  }
}

/** The position that a string of {@link entryPosition} names. */
function cursorOf(after: string): Position {
  const colon = after.indexOf(':')
  return [after.slice(colon + 1), { createdAt: Number(after.slice(0, Math.max(0, colon))) }]
}

/** The order of positions, newest first. */
function byAge([key, { createdAt }]: Position, [otherKey, other]: Position): number {
  if (createdAt !== other.createdAt) return other.createdAt - createdAt
  if (key === otherKey) return 0
  return key < otherKey ? 1 : -1
}
