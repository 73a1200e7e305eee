import type { IncomingMessage } from 'node:http'
import type { UserEvaluation, UserEvaluator } from '../access/evaluate-user.js'
import type { Background } from '../http/background.js'
import { OAuthError, ProviderError } from '../http/errors.js'
import type { AppRequest } from '../http/request.js'
import { singleFlight } from '../http/single-flight.js'
import type { BlockedUsers } from '../session/blocked-users.js'
import type { SessionLock } from '../session/session-lock.js'
import type { OpenSession, Sessions } from '../session/sessions.js'
import type { Backoff } from './backoff.js'
import { type CheckResult, isDown, type PendingChecks, SESSION_GONE } from './check-result.js'
import { storedDecision } from './check-status.js'
import type { Connection } from './connection.js'
import { type CheckStart, decisionChange } from './decision-change.js'
import { isEnded } from './grant-ended.js'
import type { TokenRefresher } from './refresh-tokens.js'
import { UserReader } from './reread-user.js'
import type { SessionDecisions } from './session-decisions.js'

/** Reports the result of a check. */
export type ReportCheck = (session: OpenSession, result: CheckResult, durationMs: number) => void

/** What {@link Recheck} depends on. */
export interface RecheckDeps {
  readonly connections: ReadonlyMap<string, Connection>
  readonly evaluators: ReadonlyMap<string, UserEvaluator>
  readonly blockedUsers: BlockedUsers
  readonly decisions: SessionDecisions
  readonly sessions: Sessions
  readonly sessionLock: SessionLock
  readonly refresher: TokenRefresher
  readonly backoff: Backoff
  readonly background: Background
  readonly pendingChecks: PendingChecks
  /** Called when a request needs a check. Returns what is called with the result. */
  readonly onCheck: (req: AppRequest) => ReportCheck
}

/**
 * Continuous authorization: reads the user of a session again when the last decision is too old,
 * and evaluates every rule.
 */
export class Recheck {
  readonly #deps: RecheckDeps

  constructor(deps: RecheckDeps) {
    this.#deps = deps
  }

  /**
   * Checks the session, or joins the check in progress. Within the grace period, an outage leaves
   * it allowed.
   */
  async check(session: OpenSession, req: IncomingMessage): Promise<CheckResult> {
    const { backoff, decisions } = this.#deps
    if (decisions.status(session, Date.now()) === 'authorize') return this.#authorize(session, req)
    const error = backoff.error(session.key)
    if (error !== undefined) return this.#applyGrace(session, { outcome: 'failed', error }, req)
    let result = await this.#checkOnce(session, req)
    // A signal arrived during the check, which may have read the user before.
    if (result.outcome === 'allowed' && result.session.record.checkRequestedAt !== undefined)
      result = await this.#checkOnce(result.session, req)
    return this.#applyGrace(session, result, req)
  }

  /** Starts a check in the background. */
  checkEarly(session: OpenSession, req: IncomingMessage): void {
    const { backoff, background } = this.#deps
    if (backoff.error(session.key) === undefined) background.run(this.#checkOnce(session, req))
  }

  /**
   * Removes `deniedSince` from a session that the current rules allow, which would limit its
   * lifetime.
   */
  clearDenial(session: OpenSession): void {
    if (session.record.deniedSince === undefined) return
    const { background, sessionLock } = this.#deps
    background.run(
      sessionLock.write(session, ({ deniedSince }) =>
        deniedSince === undefined ? undefined : { deniedSince: undefined },
      ),
    )
  }

  /**
   * Calls `authorize` on the user as last read: another process or function has decided. Throws the
   * error `internal` if it fails.
   */
  async #authorize(session: OpenSession, req: IncomingMessage): Promise<CheckResult> {
    const { decisions, onCheck } = this.#deps
    const report = onCheck(req)
    const startedAt = Date.now()
    if (await decisions.authorize(session, req)) return { outcome: 'allowed', session }
    const result = { outcome: 'denied', session, evaluation: undefined } as const
    report(session, result, Date.now() - startedAt)
    return result
  }

  /** Only requests under the same rules share a check. */
  #checkOnce(session: OpenSession, req: IncomingMessage): Promise<CheckResult> {
    const { decisions, pendingChecks, background, onCheck } = this.#deps
    const key = `${session.key} ${decisions.fingerprint(session.record)}`
    return singleFlight(pendingChecks, key, () => {
      const report = onCheck(req)
      const startedAt = Date.now()
      return background.track(
        this.#checkLocked(session, req).then((result) => {
          report(session, result, Date.now() - startedAt)
          return result
        }),
      )
    })
  }

  async #checkLocked(session: OpenSession, req: IncomingMessage): Promise<CheckResult> {
    const { decisions, sessionLock } = this.#deps
    const knownAt = decisions.ofRules(session.record)?.at
    try {
      return await sessionLock.withLock<CheckResult>(session, async (current) => {
        if (current === undefined) return SESSION_GONE
        // Another process may have checked the session before this one acquired the lock.
        const isChecked = decisions.ofRules(current.record)?.at !== knownAt
        const next = isChecked ? decisions.status(current, Date.now()) : 'due'
        if (next === 'fresh') return { outcome: 'allowed', session: current }
        if (next === 'authorize') return this.#authorize(current, req)
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
    const connection = connections.get(session.record.user.provider)
    const evaluator = evaluators.get(session.record.user.provider)
    if (connection === undefined || evaluator === undefined) return SESSION_GONE
    const { checkRequestedAt } = session.record
    const start = { startedAt: Date.now(), checkRequestedAt }
    const reader = new UserReader(session, { ...this.#deps, connection, evaluator, req })
    try {
      const result = await this.#save(reader, start, await reader.read())
      backoff.clear(session.key)
      return result
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error
      // The user withdrew a permission that the rules need.
      if (error instanceof ProviderError && error.outcome === 'denied')
        return this.#save(reader, start, undefined)
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
    start: CheckStart,
    evaluation: UserEvaluation | undefined,
  ): Promise<CheckResult> {
    const { claims, ...user } = evaluation?.user ?? session.user()
    const { decisions, sessionLock } = this.#deps
    const decision = storedDecision(start.startedAt, evaluation)
    const change = decisionChange(decisions, { user, scopes, decision }, start)
    const written = await sessionLock.write(session, change, { claims })
    if (written === undefined) return SESSION_GONE
    return decisions.of(written)?.allowed === true
      ? { outcome: 'allowed', session: written }
      : { outcome: 'denied', session: written, evaluation }
  }

  async #applyGrace(
    session: OpenSession,
    result: CheckResult,
    req: IncomingMessage,
  ): Promise<CheckResult> {
    const { decisions, sessions } = this.#deps
    if (!isDown(result) || !decisions.isWithinGrace(session, Date.now())) return result
    // The session may have ended while the request waited for the provider.
    const current = await sessions.reload(session)
    if (current === undefined) return SESSION_GONE
    if (!decisions.isWithinGrace(current, Date.now())) return result
    if (decisions.of(current) === undefined) return this.#authorize(current, req)
    return { outcome: 'allowed', session: current }
  }
}
