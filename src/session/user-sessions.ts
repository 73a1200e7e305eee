import { everyEntry } from './paging.js'
import type { GuardedStore } from './stores/guarded-store.js'
import type { StoreRecord } from './stores/store.js'
import { readRecord, userKey, type UserRecord } from './user-record.js'

/**
 * The rows of all sessions of a user: those that the store lists, and those in the record of the
 * user, because lists of a store may be incomplete after an outage or lag behind. Throws
 * `store_not_listable` if the store cannot list.
 */
export async function* sessionsOfUser(
  store: GuardedStore,
  id: string,
): AsyncGenerator<readonly [key: string, row: StoreRecord]> {
  const listed = new Set<string>()
  for await (const entry of everyEntry(store, 'session', id)) {
    listed.add(entry[0])
    yield entry
  }
  yield* recordedSessions(store, id, listed)
}

/** The rows of those sessions that the record of the user names: the latest ones. */
export async function* recordedSessions(
  store: GuardedStore,
  id: string,
  known: ReadonlySet<string> = new Set(),
): AsyncGenerator<readonly [key: string, row: StoreRecord]> {
  const user = await readRecord<UserRecord>(store, userKey(id), 'user')
  for (const [, key] of user?.sessions ?? []) {
    const row = known.has(key) ? undefined : await store.get(key)
    if (row?.kind === 'session' && row.group === id) yield [key, row]
  }
}
