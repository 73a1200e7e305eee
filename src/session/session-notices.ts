import type { Background } from '../http/background.js'
import type { GuardedStore } from './stores/guarded-store.js'
import type { StoreRecord, Unwatch } from './stores/store.js'

/** Long enough for a process that was disconnected for a moment. */
const NOTICE_TTL_MS = 60_000

const RETRY_DELAYS_MS = [100, 1_000, 5_000]

/**
 * Tells all processes that something has changed about a session, so that its open sockets are
 * checked at once. A notice contains nothing: who receives it reads the session.
 */
export class SessionNotices {
  readonly #store: GuardedStore
  readonly #background: Background

  constructor(store: GuardedStore, background: Background) {
    this.#store = store
    this.#background = background
  }

  /** Whether the store can notify processes. Otherwise, they have to read sessions again and again. */
  get areSupported(): boolean {
    return this.#store.watch !== undefined
  }

  /**
   * Notifies all processes in the background. Does nothing if the store cannot. Tries again for some
   * seconds: nothing else tells the other processes.
   */
  announce(key: string, onFailure: (error: unknown) => void): void {
    if (this.areSupported) this.#background.run(this.#announce(key).catch(onFailure))
  }

  async #announce(key: string): Promise<void> {
    for (const delayMs of RETRY_DELAYS_MS) {
      try {
        return await this.#send(key)
      } catch {
        await new Promise((resolve) => setTimeout(resolve, delayMs))
      }
    }
    await this.#send(key)
  }

  async #send(key: string): Promise<void> {
    const notice: StoreRecord = {
      kind: 'notice',
      group: '',
      createdAt: Date.now(),
      revision: 1,
    }
    await this.#store.set(noticeKey(key), notice, NOTICE_TTL_MS)
  }

  /** Calls the listener when a notice about the session arrives, or may have been missed. */
  watch(key: string, listener: () => void): Unwatch {
    return this.#store.watch?.(noticeKey(key), listener) ?? (() => undefined)
  }
}

function noticeKey(key: string): string {
  return `notice-${key}`
}
