import { Background } from '../http/background.js'
import { Responder } from '../pages/respond.js'
import { AppUsers } from '../session/users.js'
import type { EventEmitter } from 'node:events'
import { createEventEmitter, Events } from './events.js'
import {
  BackchannelLogout,
  createSeenLogoutTokens,
  type SeenLogoutTokens,
} from '../flows/backchannel-logout.js'
import { Callback } from '../flows/callback.js'
import { LoginCompletion } from '../flows/complete-login.js'
import { type Connections, createConnections } from '../flows/connection.js'
import { SessionLock } from '../session/session-lock.js'
import { KeyedQueue } from '../session/stores/keyed-queue.js'
import { UserEvaluator } from '../access/evaluate-user.js'
import { LoginLoopDetector } from '../flows/login-loop.js'
import { Links } from '../flows/links.js'
import { Login } from '../flows/login.js'
import { Logout } from '../flows/logout.js'
import { Backoff } from '../flows/backoff.js'
import type { CheckResult, PendingChecks } from '../flows/check-result.js'
import { Recheck } from '../flows/recheck.js'
import {
  createTokenRefresherState,
  TokenRefresher,
  type TokenRefresherState,
} from '../flows/refresh-tokens.js'
import { createErrorHandler, describeError, newDecisionId } from './error-handler.js'
import { createGate, type Gate } from './gate.js'
import type { GuardedMemberships } from './require-auth.js'
import { Encrypter } from '../http/encryption.js'
import { createTransactionState, Transactions } from '../oauth/transaction.js'
import type { Config } from '../options/config.js'
import { announceRedirectUri, warnOfUnreadableMemberships } from '../options/startup-warnings.js'
import { Pages } from '../pages/pages.js'
import { GatePasses } from './gate-pass.js'
import { createMountState, Mounts, type MountState } from '../http/mounts.js'
import {
  type CookieConflictState,
  CookieConflicts,
  createCookieConflictState,
} from './cookie-conflicts.js'
import { createRequestReports, RequestEvents, type RequestReports } from './request-events.js'
import { CookieSessions } from '../session/cookie-sessions.js'
import { absoluteExpiry, type Lifetimes } from '../session/lifetimes.js'
import { LogoutIndex } from '../session/logout-index.js'
import { AppSessions } from '../session/session-list.js'
import {
  createSessionState,
  type OpenSession,
  type Sessions,
  type SessionsConfig,
  type SessionState,
} from '../session/sessions.js'
import { StoredSessions } from '../session/stored-sessions.js'
import {
  createUserActivityState,
  UserActivity,
  type UserActivityState,
} from '../session/user-activity.js'
import { isCookieStore } from '../session/stores/cookie-store.js'
import { GuardedStore } from '../session/stores/guarded-store.js'
import { storeLimits } from '../session/stores/store-limits.js'
import { createRoutes } from './routes.js'
import { UpstreamHeaders } from './upstream-headers.js'
import { Visitors } from './visitors.js'
import {
  abortSignals,
  createSignalState,
  SessionSignals,
  type SignalState,
} from './session-signals.js'

/** What outlives a change of the configuration. */
export interface GateState {
  readonly encrypter: Encrypter
  readonly transactions: Transactions
  readonly sessionState: SessionState
  readonly userActivity: UserActivityState
  /** Work that no response waits for. */
  readonly pending: Set<Promise<unknown>>
  readonly sessionQueue: KeyedQueue
  readonly pendingChecks: PendingChecks
  readonly tokenRefreshes: TokenRefresherState
  readonly eventEmitter: EventEmitter
  readonly requestReports: RequestReports
  readonly cookieConflicts: CookieConflictState
  readonly passed: GatePasses
  readonly mounts: MountState
  readonly signals: SignalState
  readonly seenLogoutTokens: SeenLogoutTokens
  /** What guards of single routes ask about. */
  readonly asked: GuardedMemberships
}

/** What follows from a configuration. */
export interface Composition {
  readonly config: Config
  readonly gate: Gate
  readonly recheck: Recheck
  readonly connections: Connections
  readonly evaluators: ReadonlyMap<string, UserEvaluator>
  readonly sessions: Sessions
  readonly background: Background
  readonly users: AppUsers
  readonly sessionList: AppSessions
  readonly userActivity: UserActivity
  readonly events: Events
  readonly requestEvents: RequestEvents
  readonly signals: SessionSignals
}

/** The state of the first configuration, which all later ones share. */
export function createGateState(first: Config, asked: GuardedMemberships): GateState {
  const { store, logger } = first
  const encrypter = new Encrypter(first.secret)
  for (const limit of storeLimits(store, first.givenStore)) logger.warn(limit)
  logger.debug('the gate is set up')
  return {
    encrypter,
    transactions: new Transactions(encrypter, createTransactionState()),
    sessionState: createSessionState(),
    userActivity: createUserActivityState(),
    pending: new Set(),
    sessionQueue: new KeyedQueue(),
    pendingChecks: new Map(),
    tokenRefreshes: createTokenRefresherState(),
    eventEmitter: createEventEmitter(),
    requestReports: createRequestReports(),
    cookieConflicts: createCookieConflictState(first.id),
    passed: new GatePasses(),
    mounts: createMountState(),
    signals: createSignalState(),
    seenLogoutTokens: createSeenLogoutTokens(),
    asked,
  }
}

/** `previous`: its providers keep their clients, with what these have discovered, where they are the same. */
export function compose(config: Config, shared: GateState, previous?: Composition): Composition {
  const { logger, basePath, providers } = config
  const lifetimes: Lifetimes = {
    inactivityTimeout: config.inactivityTimeoutMs,
    maximumDuration: config.maximumDurationMs,
  }
  const { encrypter, transactions, seenLogoutTokens, asked } = shared
  const events = new Events(shared.eventEmitter, (error) =>
    logger.error('a listener failed', describeError(error)),
  )
  const store = new GuardedStore(config.store, config.timeouts.storeMs)
  const keepsRecords = !isCookieStore(config.store)
  const background = new Background(shared.pending, (error) =>
    logger.error('something beside a request failed', describeError(error)),
  )
  const sessionsConfig: SessionsConfig = {
    state: shared.sessionState,
    encrypter,
    lifetimes,
    clockToleranceMs: config.clockToleranceMs,
    onEnd(key, reason, wasThere) {
      shared.tokenRefreshes.unsaved.delete(key)
      abortSignals(shared.signals, key, reason)
      if (wasThere && (reason === 'expired' || reason === 'revoked'))
        events.emit(reason, { sessionHandle: key })
    },
  }
  const sessions = keepsRecords
    ? new StoredSessions({ ...sessionsConfig, store, background })
    : new CookieSessions(sessionsConfig)
  const mounts = new Mounts(config, shared.mounts)
  const links = new Links({ encrypter, mounts, basePath })
  const loginLoop = new LoginLoopDetector(encrypter)
  const upstream = new UpstreamHeaders(config.headers)
  const connections = createConnections(providers, previous?.connections)
  const userActivity = new UserActivity({
    store,
    state: shared.userActivity,
    background,
    providerUrl: (name) => connections.get(name)?.provider.issuer ?? '',
  })
  const users = new AppUsers({ store, sessions, activity: userActivity, keepsRecords })
  const sessionList = new AppSessions({
    store,
    sessions,
    expiresAt: (session) => absoluteExpiry(session, lifetimes),
    keepsRecords,
  })
  const logoutIndex = new LogoutIndex(store)
  const [only] = connections.size === 1 ? connections.keys() : []
  const clientIdOf = (name = only ?? '') => connections.get(name)?.provider.clientId
  const reports = new RequestEvents({ events, clientIdOf }, shared.requestReports)
  for (const provider of providers) warnOfUnreadableMemberships(config, provider)
  const evaluators = new Map(
    providers.map((provider) => [
      provider.name,
      new UserEvaluator({
        provider,
        authorize: config.authorize,
        rulesVersion: config.rulesVersion,
        reportOnly: config.reportOnly,
        guardMemberships: asked.memberships(),
        background,
        onReportOnlyDenial: (user, { code, tried }) =>
          events.emit('denied', {
            user,
            provider: user.provider,
            code,
            tried,
            decisionId: newDecisionId(),
            isReportOnly: true,
          }),
      }),
    ]),
  )
  const backoff = new Backoff()
  const sessionLock = new SessionLock({
    store,
    sessions,
    queue: shared.sessionQueue,
    providerTimeoutMs: Math.max(...providers.map(({ timeoutMs }) => timeoutMs)),
    storeTimeoutMs: config.timeouts.storeMs,
    authorizeCount: [config.authorize, config.reportOnly?.authorize].filter(Boolean).length,
    onUnlockError: (error) => logger.error('a lock was not released', describeError(error)),
  })
  const refresher = new TokenRefresher({
    connections,
    sessions,
    sessionLock,
    backoff,
    background,
    state: shared.tokenRefreshes,
  })
  const recheck = new Recheck({
    connections,
    evaluators,
    sessions,
    sessionLock,
    refresher,
    backoff,
    background,
    pendingChecks: shared.pendingChecks,
    timing: {
      intervalMs: config.authCheckIntervalMs,
      graceMs: config.authCheckGraceMs,
      // A background check has no response to put a new cookie session into.
      isEarly: config.authCheckEarly && keepsRecords,
    },
    onChecked: (session, result, duration) =>
      tellCheck(events, shared.signals, session, result, duration),
  })
  const imageOrigins = providers.flatMap(({ iconUrl }) => iconUrl ?? [])
  const responder = new Responder(new Pages(config.pages, imageOrigins), (error) =>
    logger.error('a page of your own failed', describeError(error)),
  )
  const login = new Login({
    connections,
    transactions,
    links,
    loginLoop,
    mounts,
    responder,
    publicUrl: config.baseUrl,
    allowsHttp: config.cookie.secure === false,
    guardedMemberships: asked.memberships(),
    onRedirectUri: announceRedirectUri(config),
  })
  const signals = new SessionSignals({ sessions, recheck }, shared.signals)
  const visitors = new Visitors({
    sessions,
    recheck,
    refresher,
    links,
    mounts,
    upstream,
    signals,
    managed: config.headers.managed,
    setsUser: config.userProperty,
  })
  const completion = new LoginCompletion({
    evaluators,
    sessions,
    loginLoop,
    userActivity: keepsRecords ? userActivity : undefined,
    logoutIndex,
    sessionList,
    sessionsPerUser: config.sessionsPerUser,
    maximumDuration: lifetimes.maximumDuration,
    onLogin: (session) => events.emit('login', factsOf(session)),
  })
  const specialPaths = createRoutes({
    basePath,
    callbackNames: new Set([...connections.values()].map(({ callbackName }) => callbackName)),
    login,
    callback: new Callback({ connections, transactions, sessions, links, completion }),
    logout: new Logout({
      sessions,
      connections,
      links,
      loginLoop,
      mounts,
      responder,
      behavior: config.logout,
      background,
      onLogout: (session) => events.emit('logout', factsOf(session)),
    }),
    backchannelLogout:
      providers.some(({ openid }) => openid) && keepsRecords
        ? new BackchannelLogout({
            connections,
            sessions,
            index: logoutIndex,
            seen: seenLogoutTokens,
          })
        : undefined,
    links,
    sessions,
    recheck,
  })
  const gate = createGate({
    config,
    mounts,
    links,
    upstream,
    sessions,
    recheck,
    visitors,
    passed: shared.passed,
    failures: createErrorHandler({
      logger,
      onError: config.onError,
      links,
      connections,
      responder,
      events,
      reports,
    }),
    login,
    specialPaths,
    reports,
    cookieConflicts: new CookieConflicts(logger, shared.cookieConflicts),
    onActivity: ({ record }, now) => {
      if (keepsRecords) userActivity.recordActivity(record.user, now)
    },
  })
  return {
    config,
    gate,
    recheck,
    connections,
    evaluators,
    sessions,
    background,
    users,
    sessionList,
    userActivity,
    events,
    requestEvents: reports,
    signals,
  }
}

function factsOf({ key, record }: OpenSession) {
  return { user: record.user, provider: record.provider, sessionHandle: key }
}

function tellCheck(
  events: Events,
  signals: SignalState,
  session: OpenSession,
  result: CheckResult,
  duration: number,
): void {
  if (result.outcome === 'denied') abortSignals(signals, session.key, 'denied')
  if (result.outcome === 'failed') {
    const { code, hint } = result.error
    const outcome = 'outcome' in result.error ? String(result.error.outcome) : 'failed'
    events.emit('recheck_failed', { ...factsOf(session), outcome, code, hint })
  } else {
    const latest = result.outcome === 'ended' ? session : result.session
    events.emit('recheck', { ...factsOf(latest), outcome: result.outcome, duration })
  }
}
