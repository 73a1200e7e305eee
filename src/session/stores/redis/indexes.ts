import { sha256 } from '../../../http/ids.js'
import { entryPosition } from '../entries-page.js'
import type { StoreRecord } from '../store.js'
import type { Driver } from './driver.js'
import { addToIndex, countIndex, readIndex, removeFromIndex } from './scripts.js'

/** An entry of an index. The record may not exist anymore: only its row proves that. */
export interface IndexEntry {
  /** The position of the record in lists. */
  readonly member: string
  /** The key of the record. */
  readonly key: string
  /** When the entry expires, as it was read. */
  readonly end: string
}

/** Sorted sets of the records of each kind, and of each group of a kind. */
export class Indexes {
  readonly #driver: Driver
  readonly #prefix: string

  constructor(driver: Driver, prefix: string) {
    this.#driver = driver
    this.#prefix = prefix
  }

  /** Adds a record for `ttl` milliseconds. */
  async add(key: string, record: StoreRecord, ttl: number): Promise<void> {
    const member = entryPosition(key, record)
    await this.#changeBoth(record, (keys) => this.#driver.run(addToIndex, keys, [member, ttl]))
  }

  /** Removes a record. */
  async remove(key: string, record: StoreRecord): Promise<void> {
    const member = entryPosition(key, record)
    await this.#changeBoth(record, (keys) => this.#driver.run(removeFromIndex, keys, [member]))
  }

  /** The number of entries that have not expired. */
  async count(kind: string, group: string | undefined): Promise<number> {
    return Number(await this.#driver.run(countIndex, this.#keysOf(kind, group), []))
  }

  /** Up to `count` entries after the member `after`, newest first. */
  async read(
    kind: string,
    group: string | undefined,
    after: string | undefined,
    count: number,
  ): Promise<IndexEntry[]> {
    const start = after === undefined ? '+' : `(${after}`
    const reply = await this.#driver.run(readIndex, this.#keysOf(kind, group), [start, count])
    if (!Array.isArray(reply)) throw new Error('Redis returned a reply that is not an array')
    const strings = reply.map(String)
    return strings.flatMap((member, index) =>
      index % 2 === 0
        ? { member, key: member.slice(member.indexOf(':') + 1), end: strings[index + 1] ?? '' }
        : [],
    )
  }

  /**
   * Removes an entry whose record does not exist, unless it was written again since it was read.
   */
  async prune(kind: string, group: string | undefined, { member, end }: IndexEntry): Promise<void> {
    await this.#driver.run(removeFromIndex, this.#keysOf(kind, group), [member, end])
  }

  async #changeBoth(
    { kind, group }: StoreRecord,
    change: (keys: string[]) => Promise<unknown>,
  ): Promise<void> {
    await Promise.all([change(this.#keysOf(kind, undefined)), change(this.#keysOf(kind, group))])
  }

  /**
   * Scripts change both keys, so a hash tag keeps them in one slot of a cluster. Groups are hashed:
   * they can be any string.
   */
  #keysOf(kind: string, group: string | undefined): string[] {
    const suffix = group === undefined ? '' : `:${sha256(group)}`
    const tag = `${this.#prefix}index:{${encodeURIComponent(kind)}${suffix}}`
    return [`${tag}:age`, `${tag}:end`]
  }
}
