import type { Config } from '../options/config.js'
import type { BearerParts } from './compose-bearer.js'
import type { BindingParts } from './compose-binding.js'
import type { CheckParts } from './compose-checks.js'
import type { FlowParts } from './compose-flows.js'
import type { BaseParts, SessionParts } from './compose-sessions.js'
import type { SignalParts } from './compose-signals.js'
import { AnonymousRequests } from './anonymous-requests.js'
import { BearerChallenges } from './bearer-challenge.js'
import { Devices } from './devices.js'
import { ClientScript } from './client-script.js'
import { CookieConflicts } from './cookie-conflicts.js'
import { ErrorHandler } from './error-handler.js'
import { Gate } from './gate.js'
import type { GateState } from './gate-state.js'
import { type HeaderNames, headerNames } from './header-names.js'
import { LoginRedirect } from './login-redirect.js'
import { LostPages } from './lost-pages.js'
import { PageAssets } from './page-assets.js'
import { OptionsPassthrough } from './options-passthrough.js'
import { OwnCookies } from './own-cookies.js'
import { Placement } from './placement.js'
import { ResourceMetadata } from './resource-metadata.js'
import { Routes } from './routes.js'
import { SessionStatus } from './session-status.js'
import { Sockets } from './sockets.js'
import { HeaderStripper } from './strip-headers.js'
import { TokenErrors, type TokenErrorsDeps } from './token-errors.js'
import { TokenRequests } from './token-requests.js'
import { UnguardedUpgrades } from './unguarded-upgrades.js'
import { UpgradeOrigins } from './upgrade-origins.js'
import { UpstreamHeaders } from './upstream-headers.js'
import { Visitors } from './visitors.js'

type Parts = BaseParts &
  SessionParts &
  SignalParts &
  CheckParts &
  BindingParts &
  FlowParts &
  BearerParts

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
  const metadata = createErrorHandler(config, parts, placement)
  const { errorHandler, resourceMetadata } = metadata
  const visitors = createVisitors(config, state, parts, { names, loginRedirect, errorHandler })
  const tokenRequests = createTokenRequests(state, parts, visitors)
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
    routes: createRoutes(config, parts, { visitors, tokenRequests }),
    tokenRequests,
    resourceMetadata,
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
    tokenRequests,
  })
  const devices = new Devices({ ...parts, loginRedirect, errorHandler })
  return { gate, sockets, devices, loginRedirect, placement, ...metadata }
}

function createVisitors(
  config: Config,
  { passes, tokenErrors: state, tokenSignals }: GateState,
  parts: Parts,
  responses: Pick<TokenErrorsDeps, 'loginRedirect' | 'errorHandler'> & { names: HeaderNames },
): Visitors {
  const { names, ...handlers } = responses
  return new Visitors({
    ...parts,
    config,
    tokenSignals,
    upstreamHeaders: new UpstreamHeaders(config.headers, names, config.logger),
    tokenErrors: new TokenErrors({ ...handlers, config, passes, state }),
  })
}

/** The challenges of error responses name where clients find the authorization servers. */
function createErrorHandler(config: Config, parts: Parts, placement: Placement) {
  const { bearer } = config
  const resourceMetadata = bearer && new ResourceMetadata({ ...parts, config, bearer })
  const bearerChallenges = resourceMetadata && new BearerChallenges(resourceMetadata, placement)
  const errorHandler = new ErrorHandler({ ...parts, config, bearerChallenges })
  return { resourceMetadata, bearerChallenges, errorHandler }
}

function createPlacement({ callbackPaths, logger }: Config, { placement: state }: GateState) {
  return new Placement({ logger, state, callbackPaths: [...callbackPaths.values()] })
}

function createTokenRequests(
  { passes, tokens: state }: GateState,
  parts: Parts,
  visitors: Visitors,
): TokenRequests | undefined {
  const { tokens } = parts
  return tokens && new TokenRequests({ ...parts, tokens, state, visitors, passes })
}

function createRoutes(
  config: Config,
  parts: Parts,
  requests: { visitors: Visitors; tokenRequests: TokenRequests | undefined },
): Routes {
  const { basePath } = config
  const sessionStatus = new SessionStatus({ ...parts, ...requests })
  const clientScript = config.clientScript
    ? new ClientScript({ ...parts, config, sessionStatus })
    : undefined
  const signalEndpoints = parts.receivers?.endpoints
  return new Routes({ ...parts, basePath, sessionStatus, clientScript, signalEndpoints })
}
