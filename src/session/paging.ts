import { OAuthError } from '../http/errors.js'
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

/** The options of lists. */
export const listFields = {
  after: custom((value, mistakes) =>
    typeof value === 'string' ? value : mistakes.add('must be the `next` of a page'),
  ),
  limit: integer({ max: MAX_LIMIT }).default(DEFAULT_LIMIT),
} satisfies Record<keyof ListOptions, Field>

/**
 * Reads one page of the records of a kind. Throws `store_not_listable` if the store cannot list.
 */
export async function readPage(
  store: GuardedStore,
  kind: string,
  group: string | undefined,
  { after, limit }: { after: string | undefined; limit: number },
): Promise<EntriesPage> {
  if (store.entries === undefined) throw new OAuthError('store_not_listable')
  return store.entries({ kind, group, after, limit })
}

/**
 * Reads every record of a kind and a group, page by page. Throws `store_not_listable` if the store
 * cannot list.
 */
export async function* everyEntry(
  store: GuardedStore,
  kind: string,
  group: string,
): AsyncGenerator<readonly [key: string, record: StoreRecord]> {
  let after: string | undefined
  do {
    const page = await readPage(store, kind, group, { after, limit: MAX_LIMIT })
    yield* page.entries
    after = page.next
  } while (after !== undefined)
}
