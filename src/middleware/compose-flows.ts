import { BackchannelLogout } from '../flows/backchannel-logout.js'
import { Callback } from '../flows/callback.js'
import { LoginCompletion } from '../flows/complete-login.js'
import { NewSessions } from '../flows/new-sessions.js'
import { TestLogins } from '../flows/test-login.js'
import { LoginLoopDetector } from '../flows/login-loop.js'
import { LoginRestarts } from '../flows/login-restarts.js'
import { Login } from '../flows/login.js'
import { Logout } from '../flows/logout.js'
import { Transactions } from '../oauth/transaction.js'
import { SessionLimit } from '../session/session-limit.js'
import type { Config } from '../options/config.js'
import { announceRedirectUri } from '../options/redirect-uris.js'
import { Pages } from '../pages/pages.js'
import { Responder } from '../pages/respond.js'
import type { BaseParts, SessionParts } from './compose-sessions.js'
import type { BindingParts } from './compose-binding.js'
import type { CheckParts } from './compose-checks.js'
import { rejectPublicHost } from './dev-provider.js'
import { describeError } from './error-reporter.js'
import type { GateState } from './gate-state.js'
import { membershipsOf } from './guard-memberships.js'
import { watchesMoves } from './possession.js'
import { sessionEvent } from './session-events.js'

type Parts = BaseParts & SessionParts & CheckParts & BindingParts

/** Login, callback and logout. */
export type FlowParts = ReturnType<typeof composeFlows>

/** Creates the flows and their pages. */
export function composeFlows(config: Config, state: GateState, parts: Parts) {
  const { connections, encrypter, events, links, mounts, sessions, background } = parts
  const transactions = new Transactions(encrypter, state.transactions)
  const loginLoop = new LoginLoopDetector(encrypter, sessions)
  const pages = createPages(config)
  const responder = new Responder(pages, (error) =>
    config.logger.error('a custom page failed', describeError(error)),
  )
  const newSessions = createNewSessions(config, parts, loginLoop)
  const { onLogin } = config
  const completion = new LoginCompletion({ ...parts, newSessions, onLogin })
  return {
    pages,
    responder,
    transactions,
    login: new Login({
      connections,
      transactions,
      sessions,
      links,
      loginLoop,
      loginRestarts: createLoginRestarts(config, state),
      mounts,
      responder,
      publicUrl: config.baseUrl,
      allowsHttp: config.cookie.secure === false,
      guardedMemberships: membershipsOf(state.guardMemberships),
      onRedirectUri: onRedirectUri(config),
    }),
    callback: new Callback({ ...parts, transactions, completion }),
    testLogins: new TestLogins({ ...parts, newSessions, onLogin, state: state.testLogins }),
    logout: new Logout({
      sessions,
      connections,
      links,
      loginLoop,
      mounts,
      responder,
      behavior: config.logout,
      background,
      isProven: (request, session) => parts.binding?.isProven(request, session) ?? true,
      onLogout: ({ req }, session) =>
        events.emit('logout', sessionEvent(session, events.originOf(req))),
    }),
    backchannelLogout: createBackchannelLogout(config, state, parts),
  }
}

function onRedirectUri(config: Config): (redirectUri: string) => void {
  const announce = announceRedirectUri(config)
  return (redirectUri) => {
    rejectPublicHost(config.devProvider, redirectUri)
    announce(redirectUri)
  }
}

function createLoginRestarts(
  { logger }: Config,
  { loginRestarts: state }: GateState,
): LoginRestarts {
  return new LoginRestarts({
    state,
    onRestarts: (hint) =>
      logger.warn('a login starts again and again, and never returns', {
        code: 'misconfigured',
        hint,
      }),
  })
}

function createPages({ pages, branding, texts, providers, logger }: Config): Pages {
  const iconUrls = providers.flatMap(({ iconUrl }) => iconUrl ?? [])
  const onTextsError = (error: unknown) =>
    logger.error('the function of the option texts failed: the page is in English', {
      hint: 'return an object of texts, or undefined for a language that you do not have',
      ...describeError(error),
    })
  return new Pages({ custom: pages, branding, texts, iconUrls, onTextsError })
}

function createNewSessions(
  config: Config,
  parts: Parts,
  loginLoop: LoginLoopDetector,
): NewSessions {
  const { events, moves, offers, sessions, userActivity, keepsRecords } = parts
  return new NewSessions({
    blockedUsers: parts.blockedUsers,
    sessions,
    loginLoop,
    userActivity: keepsRecords ? userActivity : undefined,
    logoutIndex: parts.logoutIndex,
    userEmails: config.signals === undefined ? undefined : parts.userEmails,
    sessionLimit: createSessionLimit(config, parts),
    maximumDurationMs: config.maximumDurationMs,
    placeOf: (request) => (watchesMoves(config, events) ? moves.placeOf(request) : undefined),
    onAttach: (request, session) => offers?.atLogin(request, session),
    onSession: ({ req }, session) =>
      events.emit('login', sessionEvent(session, events.originOf(req))),
  })
}

const DEFAULT_SESSIONS_PER_USER = 100

function createSessionLimit(
  { sessionsPerUser = DEFAULT_SESSIONS_PER_USER, logger }: Config,
  { store, rows, sessions, userRecords: records }: Parts,
): SessionLimit {
  return new SessionLimit({
    store,
    rows,
    sessions,
    records,
    sessionsPerUser,
    onLimit: ({ record }) =>
      logger.warn('a login ended the oldest session of its user', {
        provider: record.user.provider,
        hint: `each user has at most ${sessionsPerUser} sessions: set sessionsPerUser to change this`,
      }),
  })
}

function createBackchannelLogout(
  { providers, clockToleranceMs, logger }: Config,
  state: GateState,
  { connections, sessions, logoutIndex, keepsRecords }: Parts,
): BackchannelLogout | undefined {
  if (!keepsRecords || !providers.some(({ openid }) => openid)) return undefined
  const { seenLogoutTokens: seen } = state
  return new BackchannelLogout({
    connections,
    sessions,
    index: logoutIndex,
    seen,
    clockToleranceMs,
    reportUnknown: (provider) =>
      logger.info('a logout token names no session of this app', {
        code: 'login_required',
        provider,
        hint: 'the session ended before, or the store lost the record that leads to it',
      }),
  })
}
