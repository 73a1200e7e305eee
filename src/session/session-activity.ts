import type { LRUCache } from 'lru-cache'
import type { Background } from '../http/background.js'
import { activityWriteInterval, type Lifetimes, rowTtl } from './lifetimes.js'
import type { SeenPlaces } from '../http/places.js'
import { changedSession, type Session } from './session.js'
import type { SessionRows } from './session-rows.js'
import type { GuardedStore } from './stores/guarded-store.js'

/**
 * The last activity of a session, and the last one that was written to the store, by session key;
 * milliseconds.
 */
export type ActivityState = LRUCache<string, { at: number; writtenAt: number }>

/** A session and its key in the store. */
interface KeyedSession {
  readonly key: string
  readonly record: Session
}

/** What {@link SessionActivity} depends on. */
export interface SessionActivityDeps {
  readonly store: GuardedStore
  readonly rows: SessionRows
  readonly state: ActivityState
  /** For writes that no response waits for. */
  readonly background: Background
  readonly lifetimes: Lifetimes
  /** Where a session was used, which is written together with its activity. */
  readonly places: { seenPlaces(session: KeyedSession): SeenPlaces | undefined }
}

/** When sessions were last active: exact in this process, and written to the store at intervals. */
export class SessionActivity {
  readonly #deps: SessionActivityDeps
  readonly #writeIntervalMs: number

  constructor(deps: SessionActivityDeps) {
    this.#deps = deps
    this.#writeIntervalMs = activityWriteInterval(deps.lifetimes)
  }

  /** Records a request, and writes it to the store if that is due. */
  record(session: KeyedSession, now: number): void {
    const { key, record } = session
    const { state, background } = this.#deps
    const known = state.get(key)
    const writtenAt = Math.max(record.lastActiveAt, known?.writtenAt ?? 0)
    const isDue = now - writtenAt >= this.#writeIntervalMs
    if (known === undefined) state.set(key, { at: now, writtenAt: isDue ? now : writtenAt })
    else {
      known.at = now
      if (isDue) known.writtenAt = now
    }
    if (isDue) background.run(this.#write(session, now))
  }

  /** The last activity that is known to this process. */
  lastActiveAt({ key, record }: KeyedSession): number {
    return Math.max(record.lastActiveAt, this.#deps.state.get(key)?.at ?? 0)
  }

  /**
   * The last activity that any process has written. Reads the store if the session's row may not
   * have it.
   */
  async lastWrittenAt(session: KeyedSession): Promise<number> {
    const { store, rows, state } = this.#deps
    const known = this.lastActiveAt(session)
    if (store.isAtomic) return known
    const seenKey = seenKeyOf(session.key)
    const writtenAt = rows.activityOf(seenKey, await store.get(seenKey)) ?? 0
    if (writtenAt > known) state.set(session.key, { at: writtenAt, writtenAt })
    return Math.max(known, writtenAt)
  }

  /** Removes an ended session. Returns whether it was active in this process. */
  forget(key: string): boolean {
    return this.#deps.state.delete(key)
  }

  /** If another write comes first, its row contains the activity as well. */
  async #write(session: KeyedSession, now: number): Promise<void> {
    const { key, record } = session
    const { store, rows, lifetimes, places } = this.#deps
    const ttl = rowTtl(record, now, lifetimes, now)
    if (store.isAtomic) {
      const active = changedSession(record, { lastActiveAt: now, seen: places.seenPlaces(session) })
      await store.update(key, rows.toRow(key, active), ttl)
    } else {
      // Writing the session could restore one that another process has deleted.
      const seenKey = seenKeyOf(key)
      await store.set(seenKey, rows.toActivityRow(seenKey, now), ttl)
    }
  }
}

function seenKeyOf(key: string): string {
  return `seen-${key}`
}
