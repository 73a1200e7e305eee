import { sha256 } from '../../../http/ids.js'
import { entryPosition } from '../entries-page.js'
import type { StoreRecord } from '../store.js'
import type { Driver } from './driver.js'
import { addToIndex, readIndex, removeFromIndex } from './scripts.js'

/** An entry of an index: it says where a record may be; only the record's row says that it is. */
export interface IndexEntry {
  /** Sorts by age, then by key. */
  readonly member: string
  readonly key: string
  /** Of the entry, as it was read. */
  readonly end: string
}

/** Which records there are of a kind, and of a group in a kind. */
export interface Indexes {
  add(key: string, record: StoreRecord, ttl: number): Promise<void>
  remove(key: string, record: StoreRecord): Promise<void>
  /** Newest first, behind the member `after`. */
  read(
    kind: string,
    group: string | undefined,
    after: string | undefined,
    count: number,
  ): Promise<IndexEntry[]>
  /** Drops an entry that led nowhere, unless it was written again meanwhile. */
  prune(kind: string, group: string | undefined, entry: IndexEntry): Promise<void>
}

export function createIndexes(driver: Driver, prefix: string): Indexes {
  /** Both change together, so in a cluster both are in one slot. A group may be anything. */
  const keysOf = (kind: string, group: string | undefined) => {
    const tag = `${prefix}index:{${encodeURIComponent(kind)}${group === undefined ? '' : `:${sha256(group)}`}}`
    return [`${tag}:age`, `${tag}:end`]
  }
  const inBoth = async (
    { kind, group }: StoreRecord,
    change: (keys: string[]) => Promise<unknown>,
  ) => {
    await Promise.all([change(keysOf(kind, undefined)), change(keysOf(kind, group))])
  }
  return {
    add: (key, record, ttl) =>
      inBoth(record, (keys) => driver.run(addToIndex, keys, [entryPosition(key, record), ttl])),
    remove: (key, record) =>
      inBoth(record, (keys) => driver.run(removeFromIndex, keys, [entryPosition(key, record)])),
    async read(kind, group, after, count) {
      const answer = await driver.run(readIndex, keysOf(kind, group), [
        after === undefined ? '+' : `(${after}`,
        count,
      ])
      if (!Array.isArray(answer)) throw new Error('Redis gave an answer that is no list')
      const texts = answer.map(String)
      return texts.flatMap((member, index) =>
        index % 2 === 0
          ? { member, key: member.slice(member.indexOf(':') + 1), end: texts[index + 1] ?? '' }
          : [],
      )
    },
    async prune(kind, group, { member, end }) {
      await driver.run(removeFromIndex, keysOf(kind, group), [member, end])
    },
  }
}
