import { authorizeId } from '../access/authorize.js'
import { UserEvaluator } from '../access/evaluate-user.js'
import { Backoff } from '../flows/backoff.js'
import { Recheck, type ReportCheck } from '../flows/recheck.js'
import { TokenRefresher } from '../flows/refresh-tokens.js'
import { SessionDecisions } from '../flows/session-decisions.js'
import type { AppRequest } from '../http/request.js'
import type { Config } from '../options/config.js'
import { SessionLock } from '../session/session-lock.js'
import type { BaseParts, SessionParts } from './compose-sessions.js'
import { describeError } from './error-reporter.js'
import type { GateState } from './gate-state.js'
import { membershipsOf } from './guard-memberships.js'
import { emitCheck, emitReportOnlyDenial } from './session-events.js'
import { SessionSignals } from './session-signals.js'

/** The rules, and the re-checks of sessions. */
export type CheckParts = ReturnType<typeof composeChecks>

/** Creates the evaluation of the rules and the re-checks. */
export function composeChecks(config: Config, state: GateState, parts: BaseParts & SessionParts) {
  const { connections, sessions, background, events, keepsRecords } = parts
  const evaluators = createEvaluators(config, state, parts)
  const backoff = new Backoff()
  const sessionLock = createSessionLock(config, state, parts)
  const onCheck = checkReporter({ events, signals: state.signals, logger: config.logger })
  const refresher = new TokenRefresher({
    connections,
    sessions,
    sessionLock,
    backoff,
    background,
    state: state.tokenRefreshes,
    onEnded: (req, session, hint) => onCheck(req)(session, { outcome: 'ended', hint }, 0),
  })
  const timing = {
    intervalMs: config.authCheckIntervalMs,
    graceMs: config.authCheckGraceMs,
    // A check in the background has no response that could set the cookie of a changed session.
    isEarly: config.authCheckEarly && keepsRecords,
  }
  const decisions = new SessionDecisions({
    evaluators,
    timing,
    uncheckedSessions: state.testLogins.sessions,
  })
  const recheck = new Recheck({
    connections,
    evaluators,
    blockedUsers: parts.blockedUsers,
    decisions,
    sessions,
    sessionLock,
    refresher,
    backoff,
    background,
    pendingChecks: state.pendingChecks,
    onCheck,
  })
  const signals = new SessionSignals(
    {
      ...{ sessions, decisions, recheck },
      notices: config.signals === undefined ? undefined : parts.notices,
    },
    state.signals,
  )
  return { evaluators, decisions, refresher, recheck, signals, sessionLock }
}

/** The client may be gone when a check in the background ends: its origin is read before. */
function checkReporter(deps: Parameters<typeof emitCheck>[0]) {
  return (req: AppRequest): ReportCheck => {
    const origin = deps.events.originOf(req)
    return (...check) => emitCheck(deps, ...check, origin)
  }
}

/** The rules of each provider, by its name. */
function createEvaluators(
  { providers, authorize, rulesVersion, reportOnly }: Config,
  state: GateState,
  { background, events }: BaseParts,
): ReadonlyMap<string, UserEvaluator> {
  return new Map(
    providers.map((provider) => [
      provider.name,
      new UserEvaluator({
        provider,
        authorize,
        authorizeId: authorize && authorizeId(authorize, rulesVersion, state.authorizeIds),
        rulesVersion,
        reportOnly,
        guardMemberships: membershipsOf(state.guardMemberships),
        background,
        onReportOnlyDenial: (...denial) => emitReportOnlyDenial(events, ...denial),
      }),
    ]),
  )
}

function createSessionLock(
  { logger, timeouts, authorize, reportOnly }: Config,
  state: GateState,
  { store, sessions }: BaseParts & SessionParts,
): SessionLock {
  return new SessionLock({
    store,
    sessions,
    queue: state.sessionQueue,
    providerTimeoutMs: timeouts.providerMs,
    storeTimeoutMs: timeouts.storeMs,
    authorizeCount: [authorize, reportOnly?.authorize].filter(Boolean).length,
    onUnlockError: (error) => logger.error('a lock was not released', describeError(error)),
  })
}
