import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import { OAuthError } from '../http/errors.js'
import { type CheckResult, type Recheck, unchecked } from '../flows/recheck.js'
import type { EndReason, LiveSession, Sessions } from '../session/sessions.js'

/** Something that stays open longer than a request: a socket, or a stream of events. */
interface Closable {
  once(event: 'close', listener: () => void): unknown
}

export interface Watches {
  /** Aborts when this process learns that the session has ended, that its user is refused, or that neither can be told. */
  watch(live: LiveSession, req: IncomingMessage, until: Closable): AbortSignal
  /** The session is over: whoever watches it is told. */
  ended(key: string, reason: EndReason | 'denied'): void
  /** Looks after all sessions now: other rules are in force. */
  wake(): void
  /** Ends all timers. */
  close(): void
}

export interface WatchesConfig {
  sessions: Sessions
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

export function createWatches({ sessions, recheck }: WatchesConfig): Watches {
  const watches = new Map<string, Set<Watch>>()
  const connections = new WeakMap<Closable, Map<Watch, IncomingMessage>>()
  const all = () => [...watches.values()].flatMap((set) => [...set])

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
  const look = async (known: LiveSession, req: IncomingMessage): Promise<LiveSession> => {
    const live = await sessions.reload(known)
    if (live === undefined || !recheck().knows(live.session)) throw new OAuthError('login_required')
    const need = recheck().need(live.session, Date.now())
    if (need === 'none' || need === 'early') return live
    if (need === 'denied') throw new OAuthError('not_authorized')
    return passed(await recheck().check(live, req))
  }

  /** Until when the session holds by what is known of it. */
  const undisputedUntil = (live: LiveSession) => {
    const { expiresAt, idleExpiresAt = expiresAt } = sessions.ends(live)
    return Math.min(expiresAt, idleExpiresAt, recheck().toleratedUntil(live.session))
  }

  const start = (
    live: LiveSession,
    req: IncomingMessage,
  ): { watch: Watch; signal: AbortSignal } => {
    const controller = new AbortController()
    let current = live
    let timer: NodeJS.Timeout | undefined
    let isStopped = false
    const arm = (isFirst: boolean) => {
      const { expiresAt, idleExpiresAt = expiresAt } = sessions.ends(current)
      const next = Math.min(expiresAt, idleExpiresAt, recheck().dueAt(current.session) ?? expiresAt)
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
        const set = watches.get(live.key)
        set?.delete(watch)
        if (set?.size === 0) watches.delete(live.key)
      },
    }
    watches.set(live.key, (watches.get(live.key) ?? new Set()).add(watch))
    arm(true)
    return { watch, signal: controller.signal }
  }

  return {
    watch(live, req, until) {
      const { watch, signal } = start(live, req)
      const present = connections.get(until)
      const own = present ?? new Map<Watch, IncomingMessage>()
      if (present === undefined)
        until.once('close', () => [...own.keys()].forEach((one) => one.stop()))
      connections.set(until, own.set(watch, req))
      return signal
    },
    ended(key, reason) {
      const error = new OAuthError(reason === 'denied' ? 'not_authorized' : 'login_required')
      for (const watch of [...(watches.get(key) ?? [])]) watch.abort(error)
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

function passed(result: CheckResult): LiveSession {
  if (result.is === 'allowed') return result.live
  if (result.is === 'failed') throw unchecked(result.error)
  throw new OAuthError(result.is === 'denied' ? 'not_authorized' : 'login_required')
}
