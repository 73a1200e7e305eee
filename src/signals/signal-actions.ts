import type { Connections } from '../flows/connection.js'
import type { RequestedChecks } from '../session/requested-checks.js'
import type { Sessions } from '../session/sessions.js'
import type { Signal } from './signal.js'
import type { SignalledSessions } from './signalled-sessions.js'

/** What {@link SignalActions} depends on. */
export interface SignalActionsDeps {
  readonly connections: Connections
  readonly sessions: Sessions
  readonly signalled: SignalledSessions
  readonly checks: RequestedChecks
  /** Tells the other processes about a session that they must check. */
  readonly notify: (key: string) => void
  /** Acts on the access tokens of a user; `undefined` if none are accepted. */
  readonly onUser: ((key: string, signal: Signal) => void) | undefined
}

/** How many sessions are changed at once. */
const CONCURRENCY = 32

/** Ends sessions, or has them checked. */
export class SignalActions {
  readonly #deps: SignalActionsDeps

  constructor(deps: SignalActionsDeps) {
    this.#deps = deps
  }

  /**
   * Acts on a signal, and returns how many sessions it concerned. It may be repeated: what has been
   * done is found done. Throws the errors of the store.
   */
  async apply(signal: Signal): Promise<number> {
    const { connections, signalled, onUser } = this.#deps
    const connection = connections.get(signal.provider)
    if (connection === undefined) return 0
    const keys = await signalled.find(signal, connection)
    let count = 0
    for (let start = 0; start < keys.length; start += CONCURRENCY) {
      const batch = keys.slice(start, start + CONCURRENCY)
      const results = await Promise.all(batch.map((key) => this.#act(key, signal.action)))
      count += results.filter(Boolean).length
    }
    if (onUser !== undefined)
      for (const user of await signalled.users(signal, connection)) onUser(user, signal)
    return count
  }

  async #act(key: string, action: Signal['action']): Promise<boolean> {
    const { sessions, checks, notify } = this.#deps
    if (action === 'end') return sessions.destroy(key, 'signal')
    const exists = await checks.request(key)
    if (exists) notify(key)
    return exists
  }
}
