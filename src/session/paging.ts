import { OAuthError } from '../http/errors.js'
import { isStoreKey } from '../http/ids.js'
import { isObject } from '../http/json.js'
import type { Field } from '../schema/field.js'
import { custom, integer } from '../schema/types.js'
import type { GuardedStore } from './stores/guarded-store.js'
import type { EntriesPage, StoreRecord } from './stores/store.js'

/** Which page of a list to return. */
export interface ListOptions {
  /** The `next` of the previous page. Default: the first page. */
  after?: string | undefined
  /** Maximum number of items, from 1 to 1000. Default 100. */
  limit?: number | undefined
}

/** One page of a list. */
export interface Page<T> {
  /** The items, newest first. */
  readonly items: readonly T[]
  /** Pass it as `after` to get the next page; `undefined` on the last page. */
  readonly next: string | undefined
}

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1000
/** Stores choose the format: no more is known of it. */
const CURSOR = /^[^\u0000-\u001f\u007f]{1,1024}$/

/** The options of lists. */
export const listFields = {
  after: custom((value, mistakes) =>
    typeof value === 'string' && CURSOR.test(value)
      ? value
      : mistakes.add('must be the `next` of a page'),
  ),
  limit: integer({ max: MAX_LIMIT }).default(DEFAULT_LIMIT),
} satisfies Record<keyof ListOptions, Field>

/**
 * Reads one page of the records of a kind. Throws `store_not_listable` if the store cannot list.
 * Other records are left out, because a caller may end the sessions that it lists.
 */
export async function readPage(
  store: GuardedStore,
  kind: string,
  group: string | undefined,
  { after, limit }: { after: string | undefined; limit: number },
): Promise<EntriesPage> {
  if (store.entries === undefined) throw new OAuthError('store_not_listable')
  const page: unknown = await store.entries({ kind, group, after, limit })
  if (!isPage(page)) throw new OAuthError('store_not_listable', { hint: NOT_A_PAGE })
  if (page.next !== undefined && page.next === after)
    throw new OAuthError('store_unavailable', { hint: 'the list of the store does not end' })
  const isListed = ([key, record]: EntriesPage['entries'][number]) =>
    isStoreKey(key) && record.kind === kind && (group === undefined || record.group === group)
  return { entries: page.entries.filter(isListed), next: page.next }
}

const NOT_A_PAGE = 'entries() of the store returned something else than { entries, next }'

function isPage(value: unknown): value is EntriesPage {
  if (!isObject(value) || !Array.isArray(value['entries'])) return false
  const { entries, next } = value
  const areEntries = entries.every((entry) => Array.isArray(entry) && isObject(entry[1]))
  return areEntries && (next === undefined || typeof next === 'string')
}

/** Which records {@link everyEntryAfter} reads, and how many at once. */
export interface EveryEntry {
  readonly kind: string
  readonly group?: string
  /** A cursor. Default: the newest record. */
  readonly after?: string
  readonly size: number
}

/** Reads records page by page. Throws `store_not_listable` if the store cannot list. */
export async function* everyEntryAfter(
  store: GuardedStore,
  { kind, group, after: start, size }: EveryEntry,
): AsyncGenerator<readonly [key: string, record: StoreRecord]> {
  let after = start
  do {
    const page = await readPage(store, kind, group, { after, limit: size })
    yield* page.entries
    after = page.next
  } while (after !== undefined)
}

/**
 * Reads every record of a kind and a group. Throws `store_not_listable` if the store cannot list.
 */
export function everyEntry(
  store: GuardedStore,
  kind: string,
  group: string,
): AsyncGenerator<readonly [key: string, record: StoreRecord]> {
  return everyEntryAfter(store, { kind, group, size: MAX_LIMIT })
}
