import { AUTHORIZE_TIMEOUT_MS } from '../access/authorize.js'
import { OAuthError, ProviderError } from '../http/errors.js'
import type { Session } from './session.js'
import type { OpenSession, SealedData, Sessions } from './sessions.js'
import type { KeyedQueue } from './stores/keyed-queue.js'
import type { SessionStore, Unlock } from './stores/store.js'

/** What {@link SessionLock} depends on. */
export interface SessionLockDeps {
  /** A store with a time limit for each operation. */
  readonly store: SessionStore
  readonly sessions: Pick<Sessions, 'reload' | 'update'>
  /** Locks within the process. Outlives a configuration. */
  readonly queue: KeyedQueue
  /** The longest time that one exchange with a provider may take. */
  readonly providerTimeoutMs: number
  readonly storeTimeoutMs: number
  /** How many `authorize` functions run while the lock is held. */
  readonly authorizeCount: number
  /** Called if a lock cannot be released, which does not affect the request. */
  readonly onUnlockError: (error: unknown) => void
}

const POLL_MS = 25
const MAX_WRITE_ATTEMPTS = 5

/**
 * Makes checks and token refreshes of a session run one at a time: in this process, and across
 * processes if the store can lock.
 */
export class SessionLock {
  readonly #deps: SessionLockDeps
  /** Expiry of the lock: after a crash, other processes wait this long at most. */
  readonly #holdMs: number
  readonly #waitMs: number

  constructor(deps: SessionLockDeps) {
    const { providerTimeoutMs, storeTimeoutMs, authorizeCount } = deps
    this.#deps = deps
    // Reading the user, refreshing, reading again; the custom rules; reads and writes of the
    // session.
    this.#holdMs =
      providerTimeoutMs * 3 + AUTHORIZE_TIMEOUT_MS * authorizeCount + storeTimeoutMs * 5
    this.#waitMs = providerTimeoutMs + storeTimeoutMs
  }

  /**
   * Runs the work with the lock held, on the session as it is stored then; on `undefined` if it has
   * ended. Throws a `ProviderError` with the outcome `down` if another process holds the lock for
   * longer than one exchange may take.
   */
  withLock<T>(
    session: OpenSession,
    work: (current: OpenSession | undefined) => Promise<T>,
  ): Promise<T> {
    const { sessions, queue, onUnlockError } = this.#deps
    return queue.run(session.key, async () => {
      const unlock = await this.#acquire(session.key)
      try {
        // Another process may have written the session in the meantime, with or without a lock.
        return await work(await sessions.reload(session))
      } finally {
        // The work is done; a lock that cannot be released expires.
        await Promise.resolve().then(unlock).catch(onUnlockError)
      }
    })
  }

  /**
   * Applies a change to the session as it is stored, and never recreates a deleted session: then
   * the result is `undefined`. `change` returns `undefined` if there is nothing to write.
   */
  async write(
    session: OpenSession,
    change: (record: Session) => Partial<Session> | undefined,
    data?: Partial<SealedData>,
  ): Promise<OpenSession | undefined> {
    const { sessions } = this.#deps
    let current: OpenSession | undefined = session
    for (let attempt = 0; attempt < MAX_WRITE_ATTEMPTS; attempt++) {
      const changes = change(current.record)
      if (changes === undefined) return current
      const written = await sessions.update(current, changes, data)
      if (written !== undefined) return written
      current = await sessions.reload(current)
      if (current === undefined) return undefined
    }
    throw new OAuthError('store_unavailable', { hint: 'every write conflicted with another one' })
  }

  /** Resolves when the work that holds or awaits the session's lock in this process has settled. */
  settled(key: string): Promise<void> {
    return this.#deps.queue.settled(key)
  }

  async #acquire(key: string): Promise<Unlock> {
    const { store } = this.#deps
    const lock = store.lock?.bind(store)
    if (lock === undefined) return () => undefined
    const giveUpAt = performance.now() + this.#waitMs
    for (;;) {
      const unlock = await lock(`lock-${key}`, this.#holdMs)
      if (unlock !== undefined) return unlock
      if (performance.now() >= giveUpAt)
        throw new ProviderError('down', 'recheck_unavailable', {
          hint: 'another process holds the lock of the session',
        })
      await new Promise((resolve) => setTimeout(resolve, POLL_MS * (0.5 + Math.random())))
    }
  }
}
