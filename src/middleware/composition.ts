import { createResponder } from '../pages/respond.js'
import { type AppUsers, createAppUsers } from '../session/users.js'
import type { EventEmitter } from 'node:events'
import { createEventEmitter, Events } from './events.js'
import {
  createBackchannelLogout,
  createSeenLogoutTokens,
  type SeenLogoutTokens,
} from '../flows/backchannel-logout.js'
import { createCallback } from '../flows/callback.js'
import { createSessionLock, type SessionLock } from '../session/session-lock.js'
import {
  AUTHORIZE_TIMEOUT_MS,
  createUserEvaluator,
  type UserEvaluation,
  type UserEvaluator,
} from '../access/evaluate-user.js'
import { createLoginLoopDetector } from '../flows/login-loop.js'
import { createLinks } from '../flows/links.js'
import { type Connection, createLogin } from '../flows/login.js'
import { createLogout } from '../flows/logout.js'
import { type CheckResult, createRecheck, type Recheck } from '../flows/recheck.js'
import { createErrorHandler, describeError, newDecisionId } from './error-handler.js'
import { createGate, type Gate } from './gate.js'
import type { GuardedMemberships } from './require-auth.js'
import { Encrypter } from '../http/encryption.js'
import { createClient } from '../oauth/client.js'
import type { MembershipList } from '../oauth/identity.js'
import { createTransactionState, Transactions } from '../oauth/transaction.js'
import type { Config } from '../options/options.js'
import { announceRedirectUri, warnOfBlindTrial } from '../options/startup-warnings.js'
import { createPages } from '../pages/pages.js'
import { GatePasses } from './gate-pass.js'
import { createMounts } from '../http/mounts.js'
import {
  type CookieConflictState,
  CookieConflicts,
  createCookieConflictState,
} from './cookie-conflicts.js'
import { createRequestReports, RequestEvents, type RequestReports } from './request-events.js'
import type { Denial } from '../access/policy.js'
import { type Provider } from '../access/provider.js'
import { createCookieSessions, isCookieStore } from '../session/cookie-sessions.js'
import { createLogoutIndex, type LogoutIndex } from '../session/logout-index.js'
import { absoluteExpiry } from '../session/session.js'
import {
  createSessions,
  type EndReason,
  type OpenSession,
  type Sessions,
} from '../session/sessions.js'
import { storeLimits } from '../session/stores/store-limits.js'
import { createRoutes } from './routes.js'
import { createUpstreamHeaders } from './upstream-headers.js'
import { createVisits } from './visitor.js'
import { createSessionSignals, type SessionSignals } from './session-signals.js'

/** What outlives a change of the configuration. */
export interface GateState {
  readonly encrypter: Encrypter
  readonly transactions: Transactions
  readonly sessions: Sessions
  readonly sessionLock: SessionLock
  readonly eventEmitter: EventEmitter
  readonly requestReports: RequestReports
  readonly cookieConflicts: CookieConflictState
  readonly passed: GatePasses
  /** The mounts that requests came by, and those of visitors who were logged in. */
  readonly mounts: Set<string>
  readonly confirmedMounts: Set<string>
  readonly watches: SessionSignals
  readonly appUsers: AppUsers
  readonly logoutIndex: LogoutIndex
  readonly seenLogoutTokens: SeenLogoutTokens
  /** What guards of single routes ask about. */
  readonly asked: GuardedMemberships
}

/** What follows from a configuration. */
export interface Composition {
  readonly config: Config
  readonly gate: Gate
  readonly recheck: Recheck
  readonly connections: ReadonlyMap<string, Connection>
  readonly evaluators: ReadonlyMap<string, UserEvaluator>
  readonly events: Events
  readonly requestEvents: RequestEvents
}

/** `current` gives the configuration in force, which may change. */
export function createGateState(
  first: Config,
  asked: GuardedMemberships,
  current: () => Composition,
): GateState {
  const { store, logger } = first
  const storeTimeout = () => current().config.storeTimeout
  const onBackgroundError = (error: unknown) =>
    current().config.logger.error('something beside a request failed', describeError(error))
  const encrypter = new Encrypter(first.secrets)
  const open = isCookieStore(store) ? createCookieSessions : createSessions
  const sessions: Sessions = open({
    store,
    encrypter,
    lifetimes: () => current().config.lifetimes,
    timeout: storeTimeout,
    clockTolerance: () => current().config.clockTolerance,
    onBackgroundError,
    onEnd(key: string, reason: EndReason, wasThere: boolean) {
      sessionLock.unsaved.delete(key)
      signals.ended(key, reason)
      if (wasThere && (reason === 'expired' || reason === 'revoked'))
        current().events.emit(reason, { sessionHandle: key })
    },
  })
  const signals = createSessionSignals({ sessions, recheck: () => current().recheck })
  const sessionLock = createSessionLock({
    store,
    sessions,
    storeTimeout,
    holdTime: () => longestCheck(current().config),
    waitTime: () => oneExchange(current().config),
    onBackgroundError,
  })
  const appUsers = createAppUsers({
    store,
    storeTimeout,
    sessions,
    expiresAt: (session) => absoluteExpiry(session, current().config.lifetimes),
    providerUrl: (name) => current().connections.get(name)?.provider.issuer ?? '',
    beside: sessionLock.inBackground,
  })
  for (const limit of storeLimits(store, first.givenStore)) logger.warn(limit)
  logger.debug('the gate is set up')
  return {
    encrypter,
    transactions: new Transactions(encrypter, createTransactionState()),
    sessions,
    sessionLock,
    eventEmitter: createEventEmitter(),
    requestReports: createRequestReports(),
    cookieConflicts: createCookieConflictState(first.id),
    passed: new GatePasses(),
    mounts: new Set(),
    confirmedMounts: new Set(),
    watches: signals,
    appUsers,
    logoutIndex: createLogoutIndex(store, storeTimeout),
    seenLogoutTokens: createSeenLogoutTokens(),
    asked,
  }
}

/** `previous`: its providers keep their clients, with what these have discovered, where they are the same. */
export function compose(config: Config, shared: GateState, previous?: Composition): Composition {
  const { logger, basePath, providers, lifetimes, check } = config
  const {
    encrypter,
    transactions,
    sessions,
    sessionLock,
    watches: signals,
    appUsers,
    logoutIndex,
    seenLogoutTokens,
    asked,
  } = shared
  const events = new Events(shared.eventEmitter, (error) =>
    logger.error('a listener failed', describeError(error)),
  )
  const mounts = createMounts(config, shared.mounts, shared.confirmedMounts)
  const links = createLinks(encrypter, mounts, basePath)
  const loginLoop = createLoginLoopDetector(encrypter)
  const upstream = createUpstreamHeaders(config.headers)
  const connections = connect(providers, previous)
  const [only] = connections.size === 1 ? connections.keys() : []
  const clientIdOf = (name = only ?? '') => connections.get(name)?.provider.clientId
  const reports = new RequestEvents({ events, clientIdOf }, shared.requestReports)
  const onIdentified = ({ user, evaluateReportOnly }: UserEvaluation) => {
    const tell = (refusal: Denial | undefined) =>
      refusal &&
      events.emit('denied', {
        user,
        provider: user.provider,
        code: refusal.code,
        tried: refusal.tried,
        decisionId: newDecisionId(),
        isReportOnly: true,
      })
    sessionLock.inBackground(evaluateReportOnly().then(tell))
  }
  for (const provider of providers) warnOfBlindTrial(config, provider)
  const evaluators = new Map(
    providers.map((provider): [string, UserEvaluator] => {
      const { authorize, rulesVersion, trial } = config
      return [
        provider.name,
        createUserEvaluator({
          provider,
          authorize,
          rulesVersion,
          trial,
          asked: asked.memberships(),
        }),
      ]
    }),
  )
  const recheck = createRecheck({
    connections,
    evaluators,
    sessions,
    sessionLock,
    ...check,
    // A check beside the request has no answer to put a new cookie into.
    isEarly: check.isEarly && !isCookieStore(config.store),
    onIdentified,
    onChecked: (session, result, duration) => tellCheck(events, signals, session, result, duration),
  })
  const imageOrigins = providers.flatMap(({ iconUrl }) => iconUrl ?? [])
  const responder = createResponder(
    createPages({ custom: config.pages, imageOrigins }),
    (error) => logger.error('a page of your own failed', describeError(error)),
    createPages({ custom: undefined, imageOrigins }),
  )
  const login = createLogin({
    connections,
    transactions,
    links,
    landings: loginLoop,
    mounts,
    responder,
    publicUrl: config.publicUrl,
    allowsHttp: config.cookie.secure === false,
    guardScopes: (provider) =>
      asksAny(asked.memberships(), provider.membershipLists)
        ? (provider.membershipScopes ?? [])
        : [],
    onRedirectUri: announceRedirectUri(config),
  })
  const visits = createVisits({
    sessions,
    recheck,
    links,
    mounts,
    upstream,
    watches: signals,
    managed: config.headers.managed,
    setsUser: config.setsUser,
  })
  const specialPaths = createRoutes({
    basePath,
    callbackNames: new Set([...connections.values()].map(({ callbackName }) => callbackName)),
    login,
    callback: createCallback({
      connections,
      evaluators,
      transactions,
      sessions,
      links,
      landings: loginLoop,
      maximumDuration: lifetimes.maximumDuration,
      onIdentified,
    }),
    logout: createLogout({
      sessions,
      connections,
      links,
      landings: loginLoop,
      mounts,
      responder,
      behaviour: config.logout,
      beside: sessionLock.inBackground,
    }),
    backchannelLogout:
      providers.some(({ openid }) => openid) && !isCookieStore(config.store)
        ? createBackchannelLogout({
            connections,
            sessions,
            index: logoutIndex,
            seen: seenLogoutTokens,
          })
        : undefined,
    links,
    sessions,
    recheck,
    async onLogin(session, now) {
      await appUsers.noteLogin(session.record, now)
      if (session.record.subject !== undefined)
        await logoutIndex.note(
          session.key,
          session.record,
          sessions.expiry(session).expiresAt - now,
        )
      if (config.sessionsPerUser !== undefined)
        await appUsers.endOldest(session, config.sessionsPerUser)
      events.emit('login', factsOf(session))
    },
    onLogout: (session) => events.emit('logout', factsOf(session)),
  })
  const gate = createGate({
    config,
    mounts,
    links,
    upstream,
    sessions,
    recheck,
    visits,
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
    onActivity: ({ record }, now) => appUsers.noteActivity(record.user, now),
  })
  return { config, gate, recheck, connections, evaluators, events, requestEvents: reports }
}

function connect(
  providers: readonly Provider[],
  previous: Composition | undefined,
): Map<string, Connection> {
  return new Map(
    providers.map((provider, index) => {
      const callbackName = index === 0 ? 'callback' : `callback/${provider.name}`
      const known = previous?.connections.get(provider.name)
      const client = known?.provider === provider ? known.client : createClient(provider)
      return [provider.name, { provider, client, callbackName }]
    }),
  )
}

/** As long as a visitor waits for somebody else's check. */
function oneExchange({ providers, storeTimeout }: Config): number {
  return Math.max(...providers.map(({ timeout }) => timeout)) + storeTimeout
}

/** Reading the user, refreshing, reading again; rules of one's own; and the writes. */
function longestCheck({ providers, storeTimeout, authorize, trial }: Config): number {
  const ownRules = [authorize, trial?.authorize].filter((rule) => rule !== undefined).length
  return (
    Math.max(...providers.map(({ timeout }) => timeout)) * 3 +
    AUTHORIZE_TIMEOUT_MS * ownRules +
    storeTimeout * 5
  )
}

function factsOf({ key, record }: OpenSession) {
  return { user: record.user, provider: record.provider, sessionHandle: key }
}

function tellCheck(
  events: Events,
  signals: SessionSignals,
  session: OpenSession,
  result: CheckResult,
  duration: number,
): void {
  if (result.outcome === 'denied') signals.ended(session.key, 'denied')
  if (result.outcome === 'failed') {
    const { code, hint } = result.error
    const outcome = 'outcome' in result.error ? String(result.error.outcome) : 'failed'
    events.emit('recheck_failed', { ...factsOf(session), outcome, code, hint })
  } else {
    const latest = result.outcome === 'ended' ? session : result.session
    events.emit('recheck', { ...factsOf(latest), outcome: result.outcome, duration })
  }
}

function asksAny(
  asked: Readonly<Record<MembershipList, readonly string[]>>,
  lists: readonly MembershipList[] = [],
): boolean {
  return lists.some((list) => asked[list].length > 0)
}
