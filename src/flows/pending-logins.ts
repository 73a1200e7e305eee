import type { OpenSession } from '../session/sessions.js'

/** What became of a login: its session, or `undefined` if it was rejected. */
export interface LoginOutcome {
  readonly session: OpenSession | undefined
}

interface Pending {
  readonly outcome: Promise<LoginOutcome>
  readonly settle: (outcome: LoginOutcome) => void
}

/**
 * Logins whose callback is being handled, by the hash of their state. A user who clicks twice at the
 * provider sends the same callback twice, and the browser shows the second response only.
 */
export class PendingLogins {
  readonly #pending = new Map<string, Pending>()

  /** A callback has consumed the transaction. {@link settle} must follow. */
  begin(stateHash: string): void {
    let settle: Pending['settle'] = () => undefined
    const outcome = new Promise<LoginOutcome>((resolve) => (settle = resolve))
    this.#pending.set(stateHash, { outcome, settle })
  }

  /** Waits for the login. Rejects as the login does. */
  async settle(stateHash: string, login: Promise<OpenSession>): Promise<void> {
    const session = await login.catch(() => undefined)
    this.#pending.get(stateHash)?.settle({ session })
    this.#pending.delete(stateHash)
    await login
  }

  /** What becomes of the login; `undefined` if no callback of it is being handled. */
  outcomeOf(stateHash: string): Promise<LoginOutcome> | undefined {
    return this.#pending.get(stateHash)?.outcome
  }
}
