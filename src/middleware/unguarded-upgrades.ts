import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { GateRequest } from '../http/gate-request.js'
import type { Logger } from '../options/options.js'

/** A property of the server object, since several copies of this package may be loaded. */
const stateKey = Symbol.for('oauth-module.upgrades')

interface UpgradeState {
  /** An upgrade was authenticated or passed through the middleware, or the warning was logged. */
  isSettled: boolean
  isObserved: boolean
}

type ObservedServer = Server & { [stateKey]?: UpgradeState }

/**
 * Listeners are added at any time: http-proxy-middleware adds its own at the first request that it
 * receives. Each of the first requests is watched, then one per interval.
 */
const WATCHED_FIRST = 100
const WATCH_INTERVAL_MS = 1000
const CHECK_INTERVAL_MS = 100
const MAX_CHECKS = 50

/**
 * Warns once if a server accepts upgrades that the gate never sees: they do not pass through
 * middleware. Listeners alone are not a reason, because `authenticate()` is first called when a socket
 * is opened.
 */
export class UnguardedUpgrades {
  readonly #logger: Logger
  #watchedAt = 0
  #watched = 0

  constructor({ logger }: { logger: Logger }) {
    this.#logger = logger
  }

  /** An upgrade is authenticated, or passes through the middleware. */
  guard(req: IncomingMessage): void {
    const server = serverOf(req)
    if (server !== undefined) stateOf(server).isSettled = true
  }

  /** Looks for listeners of the request's server, now and when the response has been sent. */
  watch({ req, headers, res, now }: GateRequest): void {
    // Node sets this property. Clients may send the header with an ordinary request.
    if (headers.upgrade !== undefined && Reflect.get(req, 'upgrade') === true) this.guard(req)
    const isEarly = this.#watched < WATCHED_FIRST
    if (!isEarly && Math.abs(now - this.#watchedAt) < WATCH_INTERVAL_MS) return
    if (isEarly) this.#watched++
    this.#watchedAt = now
    const server = serverOf(req)
    if (server === undefined || stateOf(server).isSettled) return
    this.#observe(server)
    res.once('close', () => this.#observe(server))
  }

  #observe(server: ObservedServer): void {
    const state = stateOf(server)
    if (state.isSettled || state.isObserved || server.listenerCount('upgrade') === 0) return
    state.isObserved = true
    const onUpgrade = (_req: IncomingMessage, socket: Duplex) => {
      if (state.isSettled) return stop()
      afterAcceptance(socket, () => {
        if (state.isSettled) return
        state.isSettled = true
        this.#warn()
      })
    }
    const stop = () => {
      server.off('removeListener', onRemove).off('upgrade', onUpgrade)
    }
    // Without any other listener, Node handles upgrades as ordinary requests.
    const onRemove = (event: string | symbol) => {
      if (event !== 'upgrade' || server.listenerCount('upgrade') !== 1) return
      stop()
      state.isObserved = false
    }
    // In front of the others, so that their response counts as one.
    server.prependListener('upgrade', onUpgrade).on('removeListener', onRemove)
  }

  #warn(): void {
    this.#logger.warn(
      'the server accepted an upgrade, but upgrades do not pass through middleware and authenticate() was never called',
      {
        code: 'login_required',
        hint: 'everyone can open this socket and forge its upstream headers: call authenticate(req) in the upgrade listener, see docs/sockets.md',
      },
    )
  }
}

/** Calls back if the upgrade listeners write a response and keep the socket open. */
function afterAcceptance(socket: Duplex & { bytesWritten?: number }, accepted: () => void): void {
  const { bytesWritten: before = 0 } = socket
  let checks = 0
  const timer = setInterval(() => {
    const isOpen = !socket.destroyed && !socket.writableEnded
    const isAccepted = isOpen && (socket.bytesWritten ?? 0) > before
    if (!isOpen || isAccepted || ++checks === MAX_CHECKS) clearInterval(timer)
    if (isAccepted) accepted()
  }, CHECK_INTERVAL_MS)
  timer.unref()
}

function serverOf(req: IncomingMessage): ObservedServer | undefined {
  const { server } = (req.socket ?? {}) as { server?: ObservedServer }
  return typeof server?.listenerCount === 'function' ? server : undefined
}

function stateOf(server: ObservedServer): UpgradeState {
  return (server[stateKey] ??= { isSettled: false, isObserved: false })
}
