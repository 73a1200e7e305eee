import type { Config } from '../options/config.js'
import type { CheckParts } from './compose-checks.js'
import type { FlowParts } from './compose-flows.js'
import type { BaseParts, SessionParts } from './compose-sessions.js'
import { CookieConflicts } from './cookie-conflicts.js'
import { ErrorHandler } from './error-handler.js'
import { Gate } from './gate.js'
import type { GateState } from './gate-state.js'
import { headerNames } from './header-names.js'
import { LoginRedirect } from './login-redirect.js'
import { Routes } from './routes.js'
import { SessionStatus } from './session-status.js'
import { Sockets } from './sockets.js'
import { HeaderStripper } from './strip-headers.js'
import { TokenErrors } from './token-errors.js'
import { UpstreamHeaders } from './upstream-headers.js'
import { Visitors } from './visitors.js'

type Parts = BaseParts & SessionParts & CheckParts & FlowParts

/** Creates the parts that handle requests. */
export function composeGate(config: Config, state: GateState, parts: Parts) {
  const { mounts, sessions, recheck, requestEvents, userActivity, keepsRecords } = parts
  const { passes } = state
  const names = headerNames(config.headers.headerPrefix)
  const headerStripper = new HeaderStripper(names)
  const cookieConflicts = new CookieConflicts(config.logger, state.cookieConflicts)
  const loginRedirect = new LoginRedirect({ ...parts, cookieConflicts })
  const errorHandler = new ErrorHandler({ ...parts, config })
  const responses = { config, loginRedirect, errorHandler, passes }
  const visitors = new Visitors({
    ...parts,
    config,
    upstreamHeaders: new UpstreamHeaders(config.headers, names),
    tokenErrors: new TokenErrors({ ...responses, state: state.tokenErrors }),
  })
  const gate = new Gate({
    config,
    mounts,
    headerStripper,
    sessions,
    recheck,
    userActivity: keepsRecords ? userActivity : undefined,
    visitors,
    passes,
    routes: createRoutes(config, parts),
    loginRedirect,
    errorHandler,
    requestEvents,
  })
  const sockets = new Sockets({ config, gate, mounts, headerStripper, visitors })
  return { gate, sockets, loginRedirect, errorHandler }
}

function createRoutes({ basePath }: Config, parts: Parts): Routes {
  const { connections, sessions, recheck, links } = parts
  return new Routes({
    ...parts,
    basePath,
    callbackNames: [...connections.values()].map(({ callbackName }) => callbackName),
    sessionStatus: new SessionStatus(sessions, recheck, links),
  })
}
