import type { TokenResult } from '../bearer/tokens.js'
import { OAuthError } from '../http/errors.js'

/** A socket, or the response of a stream of events. */
interface Closable {
  readonly closed: boolean
  once(event: 'close', listener: () => void): unknown
}

/** A token is verified again at this interval while its connection is open. */
const INTERVAL_MS = 60_000
const MIN_TIMER_MS = 10

/** What {@link TokenSignals} needs of one request. */
export interface WatchedToken {
  /** When the token expires, in milliseconds. */
  readonly expiresAt: number | undefined
  /** Verifies the token again, and evaluates the rules. */
  check(): Promise<TokenResult>
}

/** The signals of requests with an access token. */
export class TokenSignals {
  readonly #byConnection = new WeakMap<Closable, Set<NodeJS.Timeout>>()

  /**
   * A signal that aborts when the token expires, when it is no longer valid, or when the rules deny
   * its user, which is checked once a minute. It is watched until the connection closes.
   */
  open(token: WatchedToken, connection: Closable): AbortSignal {
    const controller = new AbortController()
    this.#watch(token, connection, controller)
    return controller.signal
  }

  #watch(token: WatchedToken, connection: Closable, controller: AbortController): void {
    if (connection.closed) return
    const timers = this.#timersOf(connection)
    const left = (token.expiresAt ?? Infinity) - Date.now()
    const run = () => {
      timers.delete(timer)
      // A timer may fire a moment early.
      if (left <= INTERVAL_MS) return controller.abort(new OAuthError('invalid_token'))
      token.check().then(
        ({ denial }) => {
          if (denial !== undefined) controller.abort(new OAuthError(denial.code))
          else this.#watch(token, connection, controller)
        },
        (error: unknown) => {
          if (isOutageOfStore(error)) this.#watch(token, connection, controller)
          else controller.abort(toOAuthError(error))
        },
      )
    }
    const timer = setTimeout(run, Math.max(Math.min(left, INTERVAL_MS), MIN_TIMER_MS))
    timer.unref()
    timers.add(timer)
  }

  /** One listener for each connection: many requests may share it. */
  #timersOf(connection: Closable): Set<NodeJS.Timeout> {
    const known = this.#byConnection.get(connection)
    if (known !== undefined) return known
    const timers = new Set<NodeJS.Timeout>()
    this.#byConnection.set(connection, timers)
    connection.once('close', () => {
      for (const timer of timers) clearTimeout(timer)
      timers.clear()
    })
    return timers
  }
}

/** Without the store, it is only unknown whether the user is blocked. */
function isOutageOfStore(error: unknown): boolean {
  return error instanceof OAuthError && error.code === 'store_unavailable'
}

function toOAuthError(error: unknown): OAuthError {
  return error instanceof OAuthError ? error : new OAuthError('internal', { cause: error })
}
