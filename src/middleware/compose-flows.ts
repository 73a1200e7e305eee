import { BackchannelLogout } from '../flows/backchannel-logout.js'
import { Callback } from '../flows/callback.js'
import { LoginCompletion } from '../flows/complete-login.js'
import { LoginLoopDetector } from '../flows/login-loop.js'
import { Login } from '../flows/login.js'
import { Logout } from '../flows/logout.js'
import { Transactions } from '../oauth/transaction.js'
import type { Config } from '../options/config.js'
import { announceRedirectUri } from '../options/startup-warnings.js'
import { Pages } from '../pages/pages.js'
import { Responder } from '../pages/respond.js'
import type { BaseParts, SessionParts } from './compose-sessions.js'
import type { CheckParts } from './compose-checks.js'
import { describeError } from './error-handler.js'
import type { GateState } from './gate-state.js'
import { membershipsOf } from './guard-memberships.js'
import { sessionEvent } from './session-events.js'

type Parts = BaseParts & SessionParts & CheckParts

/** Login, callback and logout. */
export type FlowParts = ReturnType<typeof composeFlows>

/** Creates the flows and their pages. */
export function composeFlows(config: Config, state: GateState, parts: Parts) {
  const { connections, encrypter, events, links, mounts, sessions, background } = parts
  const transactions = new Transactions(encrypter, state.transactions)
  const loginLoop = new LoginLoopDetector(encrypter)
  const responder = createResponder(config)
  const completion = createLoginCompletion(config, parts, loginLoop)
  return {
    responder,
    login: new Login({
      connections,
      transactions,
      links,
      loginLoop,
      mounts,
      responder,
      publicUrl: config.baseUrl,
      allowsHttp: config.cookie.secure === false,
      guardedMemberships: membershipsOf(state.guardMemberships),
      onRedirectUri: announceRedirectUri(config),
    }),
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
      onLogout: (session) => events.emit('logout', sessionEvent(session)),
    }),
    backchannelLogout: createBackchannelLogout(config, state, parts),
  }
}

function createResponder({ pages, providers, logger }: Config): Responder {
  const icons = providers.flatMap(({ iconUrl }) => iconUrl ?? [])
  return new Responder(new Pages(pages, icons), (error) =>
    logger.error('a custom page failed', describeError(error)),
  )
}

function createLoginCompletion(
  { sessionsPerUser, maximumDurationMs }: Config,
  parts: Parts,
  loginLoop: LoginLoopDetector,
): LoginCompletion {
  const { evaluators, events, sessions, userActivity, keepsRecords } = parts
  return new LoginCompletion({
    evaluators,
    sessions,
    loginLoop,
    userActivity: keepsRecords ? userActivity : undefined,
    logoutIndex: parts.logoutIndex,
    sessionList: parts.sessionList,
    sessionsPerUser,
    maximumDurationMs,
    onLogin: (session) => events.emit('login', sessionEvent(session)),
  })
}

function createBackchannelLogout(
  { providers }: Config,
  state: GateState,
  { connections, sessions, logoutIndex, keepsRecords }: Parts,
): BackchannelLogout | undefined {
  if (!keepsRecords || !providers.some(({ openid }) => openid)) return undefined
  const { seenLogoutTokens: seen } = state
  return new BackchannelLogout({ connections, sessions, index: logoutIndex, seen })
}
