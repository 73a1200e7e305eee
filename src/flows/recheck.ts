import type { IncomingMessage } from 'node:http'
import type { UserEvaluation, UserEvaluator } from '../access/evaluate-user.js'
import type { StoredDecision } from '../access/user.js'
import type { Background } from '../http/background.js'
import { OAuthError, ProviderError } from '../http/errors.js'
import { singleFlight } from '../http/single-flight.js'
import type { SessionLock } from '../session/session-lock.js'
import type { Session } from '../session/session.js'
import type { OpenSession, Sessions } from '../session/sessions.js'
import type { Backoff } from './backoff.js'
import { type CheckResult, isDown, type PendingChecks, SESSION_GONE } from './check-result.js'
import * as status from './check-status.js'
import type { Connection } from './connection.js'
import { isEnded } from './grant-ended.js'
import type { TokenRefresher } from './refresh-tokens.js'
import { UserReader } from './reread-user.js'

/** What {@link Recheck} depends on. */
export interface RecheckDeps {
  readonly connections: ReadonlyMap<string, Connection>
  readonly evaluators: ReadonlyMap<string, UserEvaluator>
  readonly sessions: Sessions
  readonly sessionLock: SessionLock
  readonly refresher: TokenRefresher
  readonly backoff: Backoff
  readonly background: Background
  readonly pendingChecks: PendingChecks
  readonly timing: status.CheckTiming
  readonly onChecked: (session: OpenSession, result: CheckResult, durationMs: number) => void
}

/** Continuous authorization: reads the user of a session again when the last decision is too old, and evaluates every rule. */
export class Recheck {
  readonly #deps: RecheckDeps

  constructor(deps: RecheckDeps) {
    this.#deps = deps
  }

  /** Whether the session belongs to a provider and client of this configuration. */
  isOfThisClient({ provider: name, clientId, issuer }: Session): boolean {
    const provider = this.#deps.connections.get(name)?.provider
    return (
      provider !== undefined && clientId === provider.clientId && issuer === (provider.issuer ?? '')
    )
  }

  /** Whether a request of the session needs a check. */
  checkStatus(session: Session, now: number): status.CheckStatus {
    return status.checkStatus(this.decision(session), this.#deps.timing, now)
  }

  /** The stored decision of the current rules. */
  decision(session: Session): StoredDecision | undefined {
    return session.verdicts[this.#fingerprint(session)]
  }

  /** When the next check is due, in milliseconds; `undefined` if none is. */
  checkDueAt(session: Session): number | undefined {
    return status.checkDueAt(this.decision(session), this.#deps.timing)
  }

  /** When requests of the session stop passing without a successful check, in milliseconds. */
  graceEndsAt(session: Session): number {
    return status.graceEndsAt(this.decision(session), this.#deps.timing)
  }

  /** Checks the session, or joins the check in progress. Within the grace period, an outage leaves it allowed. */
  async check(session: OpenSession, req: IncomingMessage): Promise<CheckResult> {
    const error = this.#deps.backoff.error(session.key)
    const result: CheckResult =
      error === undefined ? await this.#checkOnce(session, req) : { outcome: 'failed', error }
    return this.#applyGrace(session, result)
  }

  /** Starts a check in the background. */
  checkEarly(session: OpenSession, req: IncomingMessage): void {
    const { backoff, background } = this.#deps
    if (backoff.error(session.key) === undefined) background.run(this.#checkOnce(session, req))
  }

  /** Removes `deniedSince` from a session that the current rules allow, which would limit its lifetime. */
  clearDenial(session: OpenSession): void {
    if (session.record.deniedSince === undefined) return
    const { background, sessionLock } = this.#deps
    background.run(
      sessionLock.write(session, ({ deniedSince }) =>
        deniedSince === undefined ? undefined : { deniedSince: undefined },
      ),
    )
  }

  /** Only requests under the same rules share a check. */
  #checkOnce(session: OpenSession, req: IncomingMessage): Promise<CheckResult> {
    const { pendingChecks, background, onChecked } = this.#deps
    const key = `${session.key} ${this.#fingerprint(session.record)}`
    return singleFlight(pendingChecks, key, () => {
      const startedAt = Date.now()
      return background.track(
        this.#checkLocked(session, req).then((result) => {
          onChecked(session, result, Date.now() - startedAt)
          return result
        }),
      )
    })
  }

  async #checkLocked(session: OpenSession, req: IncomingMessage): Promise<CheckResult> {
    try {
      return await this.#deps.sessionLock.withLock<CheckResult>(session, async (current) => {
        if (current === undefined) return SESSION_GONE
        // Another process may have checked the session before this one acquired the lock.
        const isChecked = this.decision(current.record)?.at !== this.decision(session.record)?.at
        const next = isChecked ? this.checkStatus(current.record, Date.now()) : 'due'
        if (next === 'fresh') return { outcome: 'allowed', session: current }
        if (next === 'denied') return { outcome: 'denied', session: current, evaluation: undefined }
        return this.#evaluate(current, req)
      })
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error
      return { outcome: 'failed', error }
    }
  }

  async #evaluate(
    session: OpenSession,
    req: IncomingMessage,
    isRetry = false,
  ): Promise<CheckResult> {
    const { connections, evaluators, refresher, backoff } = this.#deps
    const connection = connections.get(session.record.provider)
    const evaluator = evaluators.get(session.record.provider)
    if (connection === undefined || evaluator === undefined) return SESSION_GONE
    const startedAt = Date.now()
    const reader = new UserReader(session, { connection, evaluator, refresher, req })
    try {
      const result = await this.#save(reader, startedAt, await reader.read())
      backoff.clear(session.key)
      return result
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error
      // The user withdrew a permission that the rules need.
      if (error instanceof ProviderError && error.outcome === 'denied')
        return this.#save(reader, startedAt, undefined)
      if (!isEnded(error)) {
        backoff.start(session.key, error)
        return { outcome: 'failed', error }
      }
      const newer = isRetry ? undefined : await refresher.refreshedElsewhere(reader.session)
      if (newer !== undefined) return this.#evaluate(newer, req, true)
      await refresher.end(session)
      return { outcome: 'ended', hint: error.hint ?? error.code }
    }
  }

  /** Writes the decision to the session. Without an evaluation, the user is denied. */
  async #save(
    { session, scopes }: UserReader,
    startedAt: number,
    evaluation: UserEvaluation | undefined,
  ): Promise<CheckResult> {
    const { user } = evaluation ?? session.record
    const decision = status.storedDecision(startedAt, evaluation)
    const fingerprint = this.#fingerprint(session.record)
    const written = await this.#deps.sessionLock.write(session, (record) => {
      // Without a lock across processes, a check that started later may have finished first: keep its decision.
      if ((this.decision(record)?.at ?? 0) > startedAt) return undefined
      return {
        user,
        scopes,
        verdicts: status.withDecision(record.verdicts, fingerprint, decision),
        deniedSince: decision.allowed ? undefined : (record.deniedSince ?? startedAt),
      }
    })
    if (written === undefined) return SESSION_GONE
    return this.decision(written.record)?.allowed === true
      ? { outcome: 'allowed', session: written }
      : { outcome: 'denied', session: written, evaluation }
  }

  async #applyGrace(session: OpenSession, result: CheckResult): Promise<CheckResult> {
    const decision = this.decision(session.record)
    if (!isDown(result) || !status.isWithinGrace(decision, this.#deps.timing, Date.now()))
      return result
    // The session may have ended while the request waited for the provider.
    const current = await this.#deps.sessions.reload(session)
    return current === undefined ? SESSION_GONE : { outcome: 'allowed', session: current }
  }

  #fingerprint({ provider }: Session): string {
    return this.#deps.evaluators.get(provider)?.fingerprint ?? ''
  }
}
