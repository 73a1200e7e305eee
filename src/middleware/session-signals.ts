import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import { OAuthError } from '../http/errors.js'
import { type CheckResult, type Recheck, recheckUnavailable } from '../flows/recheck.js'
import type { EndReason, OpenSession, Sessions } from '../session/sessions.js'

/** Something that stays open longer than a request: a socket, or a stream of events. */
interface Closable {
  once(event: 'close', listener: () => void): unknown
}

export interface SessionSignals {
  /** Aborts when this process learns that the session has ended, that its user is refused, or that neither can be told. */
  watch(session: OpenSession, req: IncomingMessage, until: Closable): AbortSignal
  /** The session is over: whoever watches it is told. */
  ended(key: string, reason: EndReason | 'denied'): void
  /** Looks after all sessions now: other rules are in force. */
  wake(): void
  /** Ends all timers. */
  close(): void
}

export interface SessionSignalsConfig {
  sessions: () => Sessions
  /** Read at each use: the configuration may change while sockets are open. */
  recheck: () => Recheck
}

interface Watch {
  abort(reason: OAuthError): void
  wake(): void
  stop(): void
}

/** Longer than this a timer of Node's fires at once. */
const LONGEST_TIMER = 2 ** 31 - 1
const SHORTEST_TIMER = 10
/** While the provider is down a check stays due: no reason to ask without a pause. */
const OVERDUE_PAUSE = 5_000

export function createSessionSignals({ sessions, recheck }: SessionSignalsConfig): SessionSignals {
  const signals = new Map<string, Set<Watch>>()
  const connections = new WeakMap<Closable, Map<Watch, IncomingMessage>>()
  const all = () => [...signals.values()].flatMap((set) => [...set])

  /**
   * Where no response is at hand, Node tells when it is out. The next request on a connection says nothing: it may be sent
   * before the answer to this one has ended.
   */
  const answered = (message: unknown) => {
    const { request, socket } = message as { request: IncomingMessage; socket: Closable }
    const own = connections.get(socket)
    for (const [watch, req] of own ?? []) {
      if (req !== request) continue
      watch.stop()
      own?.delete(watch)
    }
  }
  subscribe('http.server.response.finish', answered)

  /** What a request at this moment would be told. */
  const look = async (known: OpenSession, req: IncomingMessage): Promise<OpenSession> => {
    const session = await sessions().reload(known)
    if (session === undefined || !recheck().isOfThisClient(session.record))
      throw new OAuthError('login_required')
    const status = recheck().checkStatus(session.record, Date.now())
    if (status === 'fresh' || status === 'early') return session
    if (status === 'denied') throw new OAuthError('not_authorized')
    return passed(await recheck().check(session, req))
  }

  /** Until when the session holds by what is known of it. */
  const undisputedUntil = (session: OpenSession) => {
    const { expiresAt, idleExpiresAt = expiresAt } = sessions().expiry(session)
    return Math.min(expiresAt, idleExpiresAt, recheck().graceEndsAt(session.record))
  }

  const start = (
    session: OpenSession,
    req: IncomingMessage,
  ): { watch: Watch; signal: AbortSignal } => {
    const controller = new AbortController()
    let current = session
    let timer: NodeJS.Timeout | undefined
    let isStopped = false
    const arm = (isFirst: boolean) => {
      const { expiresAt, idleExpiresAt = expiresAt } = sessions().expiry(current)
      const next = Math.min(
        expiresAt,
        idleExpiresAt,
        recheck().checkDueAt(current.record) ?? expiresAt,
      )
      clearTimeout(timer)
      const wait = next - Date.now()
      const shortest = isFirst || wait > 0 ? SHORTEST_TIMER : OVERDUE_PAUSE
      timer = setTimeout(watch.wake, Math.min(Math.max(wait, shortest), LONGEST_TIMER))
      timer.unref()
    }
    const watch: Watch = {
      abort(reason) {
        watch.stop()
        controller.abort(reason)
      },
      wake() {
        look(current, req).then(
          (still) => {
            if (isStopped) return
            current = still
            arm(false)
          },
          (error: unknown) => {
            if (isStopped) return
            // A store that is away for a moment says nothing about a session that is not due.
            if (
              error instanceof OAuthError &&
              error.code === 'store_unavailable' &&
              Date.now() < undisputedUntil(current)
            )
              arm(false)
            else
              watch.abort(
                error instanceof OAuthError ? error : new OAuthError('internal', { cause: error }),
              )
          },
        )
      },
      stop() {
        isStopped = true
        clearTimeout(timer)
        const set = signals.get(session.key)
        set?.delete(watch)
        if (set?.size === 0) signals.delete(session.key)
      },
    }
    signals.set(session.key, (signals.get(session.key) ?? new Set()).add(watch))
    arm(true)
    return { watch, signal: controller.signal }
  }

  return {
    watch(session, req, until) {
      const { watch, signal } = start(session, req)
      const present = connections.get(until)
      const own = present ?? new Map<Watch, IncomingMessage>()
      if (present === undefined)
        until.once('close', () => [...own.keys()].forEach((one) => one.stop()))
      connections.set(until, own.set(watch, req))
      return signal
    },
    ended(key, reason) {
      const error = new OAuthError(reason === 'denied' ? 'not_authorized' : 'login_required')
      for (const watch of [...(signals.get(key) ?? [])]) watch.abort(error)
    },
    wake() {
      for (const watch of all()) watch.wake()
    },
    close() {
      unsubscribe('http.server.response.finish', answered)
      for (const watch of all()) watch.stop()
    },
  }
}

function passed(result: CheckResult): OpenSession {
  if (result.outcome === 'allowed') return result.session
  if (result.outcome === 'failed') throw recheckUnavailable(result.error)
  throw new OAuthError(result.outcome === 'denied' ? 'not_authorized' : 'login_required')
}
