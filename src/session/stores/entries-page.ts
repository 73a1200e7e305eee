import type { EntriesPage, EntriesQuery, StoreRecord } from './store.js'

/** The position of a record in lists, newest last: positions are compared as strings. */
export function entryPosition(key: string, { createdAt }: Pick<StoreRecord, 'createdAt'>): string {
  return `${String(createdAt).padStart(16, '0')}:${key}`
}

/** The page of a query, for stores that have all records in memory. */
export function pageOf(
  all: Iterable<readonly [key: string, record: StoreRecord]>,
  { kind, group, after, limit }: EntriesQuery,
): EntriesPage {
  const matching = [...all]
    .filter(([, record]) => record.kind === kind && (group === undefined || record.group === group))
    .map((entry) => ({ entry, position: entryPosition(...entry) }))
    .filter(({ position }) => after === undefined || position < after)
    .sort((a, b) => (a.position < b.position ? 1 : -1))
  const page = matching.slice(0, limit)
  return {
    entries: page.map(({ entry }) => entry),
    next: matching.length > limit ? page.at(-1)?.position : undefined,
  }
}
