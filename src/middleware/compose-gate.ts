import type { Config } from '../options/config.js'
import type { CheckParts } from './compose-checks.js'
import type { FlowParts } from './compose-flows.js'
import type { BaseParts, SessionParts } from './compose-sessions.js'
import { AnonymousRequests } from './anonymous-requests.js'
import { Devices } from './devices.js'
import { CookieConflicts } from './cookie-conflicts.js'
import { ErrorHandler } from './error-handler.js'
import { Gate } from './gate.js'
import type { GateState } from './gate-state.js'
import { headerNames } from './header-names.js'
import { LoginRedirect } from './login-redirect.js'
import { LostPages } from './lost-pages.js'
import { PageAssets } from './page-assets.js'
import { OptionsPassthrough } from './options-passthrough.js'
import { OwnCookies } from './own-cookies.js'
import { Placement } from './placement.js'
import { Routes } from './routes.js'
import { SessionStatus } from './session-status.js'
import { Sockets } from './sockets.js'
import { HeaderStripper } from './strip-headers.js'
import { TokenErrors } from './token-errors.js'
import { UnguardedUpgrades } from './unguarded-upgrades.js'
import { UpgradeOrigins } from './upgrade-origins.js'
import { UpstreamHeaders } from './upstream-headers.js'
import { Visitors } from './visitors.js'

type Parts = BaseParts & SessionParts & CheckParts & FlowParts

/** Creates the parts that handle requests. */
export function composeGate(config: Config, state: GateState, parts: Parts) {
  const { mounts } = parts
  const { passes } = state
  const names = headerNames(config.headers.headerPrefix)
  const headerStripper = new HeaderStripper(names)
  const ownCookies = new OwnCookies(config.cookie.forward)
  const cookieConflicts = new CookieConflicts(config.logger, state.cookieConflicts)
  const placement = createPlacement(config, state)
  const pageAssets = new PageAssets({ ...parts, config })
  const loginRedirect = new LoginRedirect({ ...parts, cookieConflicts, placement, pageAssets })
  const errorHandler = new ErrorHandler({ ...parts, config })
  const visitors = new Visitors({
    ...parts,
    config,
    upstreamHeaders: new UpstreamHeaders(config.headers, names, config.logger),
    tokenErrors: new TokenErrors({
      ...{ config, loginRedirect, errorHandler, passes },
      state: state.tokenErrors,
    }),
  })
  const unguardedUpgrades = new UnguardedUpgrades(config)
  const upgradeOrigins = new UpgradeOrigins({ mounts, logger: config.logger })
  const responses = { config, visitors, passes, loginRedirect, errorHandler }
  const gate = new Gate({
    ...parts,
    ...responses,
    headerStripper,
    optionsPassthrough: new OptionsPassthrough(config),
    unguardedUpgrades,
    placement,
    upgradeOrigins,
    ownCookies,
    lostPages: new LostPages(parts),
    userActivity: parts.keepsRecords ? parts.userActivity : undefined,
    routes: createRoutes(config, parts),
    anonymous: new AnonymousRequests({ ...parts, ...responses }),
  })
  const sockets = new Sockets({
    ...parts,
    config,
    gate,
    headerStripper,
    ownCookies,
    unguardedUpgrades,
    upgradeOrigins,
    visitors,
  })
  const devices = new Devices({ ...parts, loginRedirect, errorHandler })
  return { gate, sockets, devices, loginRedirect, errorHandler, placement }
}

function createPlacement({ callbackPaths, logger }: Config, { placement: state }: GateState) {
  return new Placement({ logger, state, callbackPaths: [...callbackPaths.values()] })
}

function createRoutes({ basePath }: Config, parts: Parts): Routes {
  const { sessions, decisions, links } = parts
  return new Routes({
    ...parts,
    basePath,
    sessionStatus: new SessionStatus(sessions, decisions, links),
  })
}
