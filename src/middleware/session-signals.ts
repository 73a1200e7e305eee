import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import type { LRUCache } from 'lru-cache'
import { allowedSession } from '../flows/check-result.js'
import type { Recheck } from '../flows/recheck.js'
import type { SessionDecisions } from '../flows/session-decisions.js'
import { createCache } from '../http/create-cache.js'
import { OAuthError } from '../http/errors.js'
import type { SessionNotices } from '../session/session-notices.js'
import type { EndReason, OpenSession, Sessions } from '../session/sessions.js'
import { OpenSignal } from './open-signal.js'

/** A socket, or the response of a stream of events. */
interface Closable {
  readonly closed: boolean
  once(event: 'close', listener: () => void): unknown
}

/** The open signals, which outlive a configuration. */
export interface SignalState {
  readonly bySession: Map<string, Set<OpenSignal>>
  /** Keys of sessions that this process ended, for signals that are first read afterwards. */
  readonly ended: LRUCache<string, true>
  readonly byConnection: WeakMap<Closable, Set<OpenSignal>>
  /** Subscribed to {@link RESPONSE_FINISHED} from the first signal on. */
  readonly onResponseFinished: (message: unknown) => void
  isSubscribed: boolean
  /** The latest configuration that signals follow; `undefined` before the first change. */
  current: SessionSignals | undefined
}

/**
 * Node publishes on this channel when a response has been sent, also for requests without a known
 * response object.
 */
const RESPONSE_FINISHED = 'http.server.response.finish'

const MAX_ENDED_SESSIONS = 10_000
const MIN_READ_INTERVAL_MS = 800

/** Empty state for {@link SessionSignals}. */
export function createSignalState(): SignalState {
  const byConnection: SignalState['byConnection'] = new WeakMap()
  return {
    bySession: new Map(),
    ended: createCache({ max: MAX_ENDED_SESSIONS }),
    byConnection,
    isSubscribed: false,
    current: undefined,
    onResponseFinished(message) {
      const { request, socket } = message as { request: IncomingMessage; socket: Closable }
      // Only the signals of this request: the client may have sent the next request before this
      // response has ended.
      for (const open of byConnection.get(socket) ?? []) if (open.request === request) open.stop()
    },
  }
}

/** Aborts the signals of a session that has ended, or whose user the rules deny. */
export function abortSignals(
  { bySession, ended }: SignalState,
  key: string,
  reason: EndReason | 'denied',
): void {
  // A denied user may be allowed again, and a store may find a row later that it did not find now.
  if (reason !== 'denied' && reason !== 'expired') ended.set(key, true)
  const error = new OAuthError(reason === 'denied' ? 'not_authorized' : 'login_required')
  for (const open of [...(bySession.get(key) ?? [])]) open.abort(error)
}

/** What {@link SessionSignals} depends on. */
export interface SessionSignalsDeps {
  readonly sessions: Sessions
  readonly decisions: SessionDecisions
  readonly recheck: Recheck
  /** Tells this process which sessions have changed; `undefined` without the option `signals`. */
  readonly notices: SessionNotices | undefined
}

/** The signals of `req.oauth.signal`, for connections that stay open longer than a request. */
export class SessionSignals {
  readonly #sessions: Sessions
  readonly #decisions: SessionDecisions
  readonly #recheck: Recheck
  readonly #notices: SessionNotices | undefined
  readonly #state: SignalState

  constructor({ sessions, decisions, recheck, notices }: SessionSignalsDeps, state: SignalState) {
    this.#notices = notices
    this.#sessions = sessions
    this.#decisions = decisions
    this.#recheck = recheck
    this.#state = state
  }

  /**
   * The open signals follow this configuration from now on, and are checked at once: its rules may
   * differ.
   */
  adopt(): void {
    this.#state.current = this
    for (const open of this.#all()) open.follow(this)
  }

  /**
   * A signal that aborts when this process learns that the session has ended, that the rules deny
   * its user, or that neither can be determined. It is watched until the connection closes or the
   * response to the request has been sent. The session may have ended since the gate read it, so it
   * is checked again at once.
   */
  open(session: OpenSession, request: IncomingMessage, connection: Closable): AbortSignal {
    const open = new OpenSignal(this, session, request, () => {
      unwatch?.()
      this.#forget(open, connection)
    })
    const { bySession, ended, current = this } = this.#state
    if (connection.closed) return open.signal
    const unwatch = this.#notices?.watch(session.key, () => open.checkSoon())
    this.#subscribe()
    bySession.set(session.key, (bySession.get(session.key) ?? new Set()).add(open))
    this.#signalsOf(connection).add(open)
    // Not before the app has added its listener.
    if (ended.has(session.key)) queueMicrotask(() => open.abort(new OAuthError('login_required')))
    // A request that passed under an earlier configuration may read its signal under this one.
    else open.follow(current)
    return open.signal
  }

  /** The session as it is now. Throws the error that a request would result in. */
  async check(known: OpenSession, request: IncomingMessage): Promise<OpenSession> {
    const session = await this.#sessions.reload(known)
    if (session === undefined) throw new OAuthError('login_required')
    const status = this.#decisions.status(session, Date.now())
    if (status === 'fresh' || status === 'early') return session
    if (status === 'denied') throw new OAuthError('not_authorized')
    return allowedSession(await this.#recheck.check(session, request))
  }

  /** When to check a session again. */
  nextCheckAt(session: OpenSession): number {
    const { expiresAt, idleExpiresAt = expiresAt } = this.#sessions.expiry(session)
    const dueAt = this.#decisions.checkDueAt(session) ?? expiresAt
    return Math.min(expiresAt, idleExpiresAt, dueAt, this.#nextReadAt())
  }

  /**
   * If the store cannot tell this process what has changed, sessions with open sockets are read again
   * and again: at most a hundred per second.
   */
  #nextReadAt(): number {
    if (this.#notices?.areSupported !== false) return Number.POSITIVE_INFINITY
    return Date.now() + Math.max(MIN_READ_INTERVAL_MS, this.#state.bySession.size * 10)
  }

  /** Until when the session is valid while the store or the provider is down. */
  validUntil(session: OpenSession): number {
    const { expiresAt, idleExpiresAt = expiresAt } = this.#sessions.expiry(session)
    return Math.min(expiresAt, idleExpiresAt, this.#decisions.graceEndsAt(session))
  }

  /** Ends all timers. */
  close(): void {
    for (const open of this.#all()) open.stop()
    unsubscribe(RESPONSE_FINISHED, this.#state.onResponseFinished)
    this.#state.isSubscribed = false
  }

  #subscribe(): void {
    if (this.#state.isSubscribed) return
    subscribe(RESPONSE_FINISHED, this.#state.onResponseFinished)
    this.#state.isSubscribed = true
  }

  #all(): OpenSignal[] {
    return [...this.#state.bySession.values()].flatMap((signals) => [...signals])
  }

  #signalsOf(connection: Closable): Set<OpenSignal> {
    const { byConnection } = this.#state
    const known = byConnection.get(connection)
    if (known !== undefined) return known
    const signals = new Set<OpenSignal>()
    byConnection.set(connection, signals)
    connection.once('close', () => {
      for (const open of signals) open.stop()
    })
    return signals
  }

  #forget(open: OpenSignal, connection: Closable): void {
    const { bySession, byConnection } = this.#state
    const signals = bySession.get(open.key)
    signals?.delete(open)
    if (signals?.size === 0) bySession.delete(open.key)
    byConnection.get(connection)?.delete(open)
  }
}
