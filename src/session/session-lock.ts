import { LRUCache } from 'lru-cache'
import { OAuthError, ProviderError } from '../http/errors.js'
import { callStore } from './stores/guarded-store.js'
import type { Session } from './session.js'
import type { OpenSession, Sessions, Tokens } from './sessions.js'
import type { Awaitable, SessionStore, Unlock } from './stores/store.js'

/** One at a time per session: in this process, and across processes whose store can lock. */
export interface SessionLock {
  /** Those who ask for the same while it is under way get the same answer. */
  run<T>(key: string, run: () => Promise<T>): Promise<T>
  /** Runs with the session's lock held, on the row as it is then; `undefined` when it is gone. */
  withLock<T>(
    session: OpenSession,
    run: (current: OpenSession | undefined) => Promise<T>,
  ): Promise<T>
  /** Writes over what others wrote meanwhile, never over a deletion; `change` may find that nothing is left to do. */
  write(
    session: OpenSession,
    change: (session: Session) => Partial<Session> | undefined,
    tokens?: Tokens,
  ): Promise<OpenSession | undefined>
  /** Waits for what is under way for this session. */
  settled(key: string): Promise<void>
  /** Lets something go on that no request waits for. */
  inBackground(work: Promise<unknown>): void
  /** Waits for all that is under way. */
  drain(): Promise<void>
  /** Refreshed tokens whose write failed: without them the login would be lost. */
  readonly unsaved: LRUCache<string, { tokens: Tokens; expiresAt: number | undefined }>
}

export interface SessionLockConfig {
  store: SessionStore
  sessions: Pick<Sessions, 'reload' | 'update'>
  storeTimeout: () => number
  /** How long a holder may take at most, in milliseconds: an exchange with the provider and the writes. */
  holdTime: () => number
  /** How long others wait for a holder, in milliseconds: one that died holds on to the end. */
  waitTime: () => number
  onBackgroundError(error: unknown): void
}

const POLL = 25
const MAX_WRITE_TRIES = 5

export function createSessionLock({
  store,
  sessions,
  storeTimeout,
  holdTime,
  waitTime,
  onBackgroundError,
}: SessionLockConfig): SessionLock {
  const pending = new Map<string, Promise<unknown>>()
  const turns = new Map<string, Promise<unknown>>()
  const beside = new Set<Promise<unknown>>()

  const lock = async (key: string) => {
    const take = store.lock?.bind(store)
    if (take === undefined) return () => undefined
    const ttl = holdTime()
    const until = performance.now() + waitTime()
    for (;;) {
      const unlock = await takeInTime(() => take(`lock-${key}`, ttl))
      if (unlock !== undefined) return unlock
      if (performance.now() >= until)
        throw new ProviderError('down', 'recheck_unavailable', {
          hint: 'another process holds the session for too long',
        })
      await new Promise((resolve) => setTimeout(resolve, POLL * (0.5 + Math.random())))
    }
  }

  /** A lock that comes after its time is nobody's, and must not keep others waiting until it runs out. */
  const takeInTime = async (take: () => Awaitable<Unlock | undefined>) => {
    let taking: Awaitable<Unlock | undefined>
    try {
      return await callStore(() => (taking = take()), storeTimeout())
    } catch (error) {
      void Promise.resolve(taking)
        .then((unlock) => unlock?.())
        .catch(() => undefined)
      throw error
    }
  }

  /** Not every store can lock: within the process it goes without. */
  const takeTurn = async <T>(key: string, run: () => Promise<T>): Promise<T> => {
    const before = turns.get(key) ?? Promise.resolve()
    const mine = before.then(run, run)
    const settled = mine.catch(() => undefined)
    turns.set(key, settled)
    try {
      return await mine
    } finally {
      if (turns.get(key) === settled) turns.delete(key)
    }
  }

  return {
    unsaved: new LRUCache({ max: 10_000 }),
    run<T>(key: string, run: () => Promise<T>): Promise<T> {
      const present = pending.get(key)
      if (present !== undefined) return present as Promise<T>
      const started = run().finally(() => pending.delete(key))
      pending.set(key, started)
      return started
    },
    withLock: (session, run) =>
      takeTurn(session.key, async () => {
        const unlock = await lock(session.key)
        try {
          // Without a lock that reaches other processes there is still the row, which may be newer than ours.
          return await run(await sessions.reload(session))
        } finally {
          // What was found out stands; a lock that cannot be ended ends by itself.
          await (async () => callStore(unlock, storeTimeout()))().catch(onBackgroundError)
        }
      }),
    async write(session, change, tokens) {
      let current: OpenSession | undefined = session
      for (let attempt = 0; current !== undefined && attempt < MAX_WRITE_TRIES; attempt++) {
        const changes = change(current.record)
        if (changes === undefined) return current
        const written = await sessions.update(current, changes, tokens)
        if (written !== undefined) return written
        current = await sessions.reload(current)
      }
      if (current === undefined) return undefined
      throw new OAuthError('store_unavailable', { hint: 'the session changes all the time' })
    },
    async settled(key) {
      await turns.get(key)
    },
    inBackground(work) {
      const done = work.catch(onBackgroundError).finally(() => beside.delete(done))
      beside.add(done)
    },
    async drain() {
      while (pending.size + beside.size > 0)
        await Promise.allSettled([...pending.values(), ...beside])
    },
  }
}
