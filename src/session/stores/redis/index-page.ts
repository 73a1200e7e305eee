import { entryPosition } from '../entries-page.js'
import type { EntriesPage, EntriesQuery, StoreRecord } from '../store.js'
import type { IndexEntry, Indexes } from './indexes.js'
import type { RowReader } from './row-reader.js'

/** Maximum number of reads of an index for one page: entries without a row are skipped. */
const MAX_READS = 10

/** Reads a page of records, and removes index entries whose records no longer exist. */
export async function readIndexPage(
  query: EntriesQuery,
  indexes: Indexes,
  rows: RowReader,
): Promise<EntriesPage> {
  const { kind, group, limit } = query
  const matches: { member: string; entry: readonly [string, StoreRecord] }[] = []
  const pageUntil = (next: string | undefined): EntriesPage => ({
    entries: matches.slice(0, limit).map(({ entry }) => entry),
    next,
  })
  let cursor = query.after
  for (let reads = 0; reads < MAX_READS; reads++) {
    // One more than the limit shows whether there is another page.
    const wanted = limit + 1 - matches.length
    const listed = await indexes.read(kind, group, cursor, wanted)
    const results = await Promise.all(listed.map(({ key }) => rows.fetchRow(key)))
    for (const [index, entry] of listed.entries()) {
      const result = results[index]
      cursor = entry.member
      // The row is of a newer release, which must still find it.
      if (result?.missing === 'unreadable') continue
      const record = result?.row?.record
      if (record !== undefined && isListedAt(record, entry, query))
        matches.push({ member: entry.member, entry: [entry.key, record] })
      else await indexes.prune(kind, group, entry)
    }
    if (matches.length > limit) return pageUntil(matches[limit - 1]?.member)
    if (listed.length < wanted) return pageUntil(undefined)
  }
  return pageUntil(cursor)
}

function isListedAt(
  record: StoreRecord,
  entry: IndexEntry,
  { kind, group }: EntriesQuery,
): boolean {
  return (
    record.kind === kind &&
    (group === undefined || record.group === group) &&
    entryPosition(entry.key, record) === entry.member
  )
}
