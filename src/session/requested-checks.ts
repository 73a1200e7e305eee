import { OAuthError } from '../http/errors.js'
import { absoluteExpiry, type Lifetimes, rowTtl } from './lifetimes.js'
import { changedSession, type Session } from './session.js'
import type { SessionRows } from './session-rows.js'
import type { GuardedStore } from './stores/guarded-store.js'

/** What {@link RequestedChecks} depends on. */
export interface RequestedChecksDeps {
  readonly store: GuardedStore
  readonly rows: SessionRows
  readonly lifetimes: Lifetimes
}

const MAX_ATTEMPTS = 10
const RETRY_MS = 10

/**
 * Makes the next request of a session check its user, in all processes: the row of the session states
 * so, which every request reads anyway.
 */
export class RequestedChecks {
  readonly #store: GuardedStore
  readonly #rows: SessionRows
  readonly #lifetimes: Lifetimes

  constructor({ store, rows, lifetimes }: RequestedChecksDeps) {
    this.#store = store
    this.#rows = rows
    this.#lifetimes = lifetimes
  }

  /**
   * Returns whether the session exists. Throws `store_unavailable` if the store fails, or if other
   * writes keep replacing the row.
   */
  async request(key: string): Promise<boolean> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const session = this.#rows.fromRow(key, await this.#store.get(key))
      if (session === undefined) return false
      const now = Date.now()
      const { checkRequestedAt: earlier = 0 } = session
      // A later request must differ: see `Recheck`.
      const changed = changedSession(session, { checkRequestedAt: Math.max(now, earlier + 1) })
      const row = this.#rows.toRow(key, changed)
      if (await this.#store.update(key, row, this.#ttl(changed, now))) return true
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS * Math.random()))
    }
    throw new OAuthError('store_unavailable', { hint: 'every write conflicted with another one' })
  }

  /** As for other writes of a session: see `StoredSessions`. */
  #ttl(session: Session, now: number): number {
    return this.#store.isAtomic
      ? rowTtl(session, session.lastActiveAt, this.#lifetimes, now)
      : Math.max(1, absoluteExpiry(session, this.#lifetimes) - now)
  }
}
