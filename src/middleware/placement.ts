import type { IncomingMessage } from 'node:http'
import { OAuthError } from '../http/errors.js'
import type { AppRequest } from '../http/request.js'
import type { Logger } from '../options/options.js'
import { isFollowed, isReached, isRoute, positionsIn, routesBefore } from './express-stack.js'

const MAX_LISTED_ROUTES = 5

/** Where the app uses the middleware. Outlives a configuration. */
export interface PlacementState {
  /** The middleware; `undefined` until it exists. */
  middleware: object | undefined
  /** Whether reading `req.oauth` is observed on requests that the gate has not received. */
  isObserving: boolean
  hasWarnedOfRoutes: boolean
  hasWarnedOfReading: boolean
  /** Whether the app has called `resourceMetadata()`. */
  servesMetadata: boolean
  hasWarnedOfMetadata: boolean
}

/** Initial state for {@link Placement}. */
export function createPlacementState(): PlacementState {
  return {
    middleware: undefined,
    isObserving: false,
    hasWarnedOfRoutes: false,
    hasWarnedOfReading: false,
    servesMetadata: false,
    hasWarnedOfMetadata: false,
  }
}

/** What {@link Placement} depends on. */
export interface PlacementDeps {
  readonly logger: Logger
  readonly state: PlacementState
  /** The paths of the redirect URIs, relative to the mount path. */
  readonly callbackPaths: readonly string[]
}

/** An Express request, which may have matched a route. */
export type RoutedRequest = AppRequest & {
  readonly route?: { readonly path?: unknown } | undefined
}

/**
 * Reports an Express app that uses the middleware where it has no effect: behind the routes, or for
 * single routes that the callback does not reach.
 */
export class Placement {
  readonly #deps: PlacementDeps

  constructor(deps: PlacementDeps) {
    this.#deps = deps
  }

  /** The gate has received the request, so reading `req.oauth` is not a mistake. */
  enter(req: IncomingMessage): void {
    if (!this.#deps.state.isObserving) return
    const isObserved = Object.getOwnPropertyDescriptor(req, 'oauth')?.get !== undefined
    if (isObserved) delete (req as { oauth?: unknown }).oauth
  }

  /** Throws `misconfigured` if callbacks do not reach the middleware. */
  rejectUnreachable({ app }: AppRequest): void {
    const { state, callbackPaths } = this.#deps
    const positions = positionsIn(app, state.middleware)
    const missed = callbackPaths.find(
      (path) => !positions.some((one) => !isRoute(one) || isReached(one, path)),
    )
    if (positions.length === 0 || missed === undefined) return
    throw new OAuthError('misconfigured', {
      hint: `the middleware is used on single routes only, which the callback ${missed} does not reach: call app.use(auth) in front of all routes. To protect only some of them, set unauthenticated: 'pass' and use auth.requireAuth() on these`,
    })
  }

  /** Warns once if the app responds to everything in front of the gate. */
  checkRoutes({ app }: AppRequest): void {
    const { logger, state } = this.#deps
    if (state.hasWarnedOfRoutes) return
    const positions = positionsIn(app, state.middleware)
    const routes = positions.flatMap((position) => routesBefore(position))
    if (routes.length === 0) return
    if (positions.some((position) => isRoute(position) || isFollowed(position))) return
    state.hasWarnedOfRoutes = true
    const listed = routes.slice(0, MAX_LISTED_ROUTES).join(', ')
    const more = routes.length > MAX_LISTED_ROUTES ? ', …' : ''
    logger.warn('the gate is behind all routes of the app: they need no login', {
      code: 'misconfigured',
      hint: `call app.use(oauthModule({ … })) in front of the routes. Now ${listed}${more} come first, and nothing comes after the gate`,
    })
  }

  /**
   * Warns once if the gate has a path, and the app does not serve the metadata that its challenges
   * name. (RFC 9728, 3)
   */
  checkMetadata(mountPath: string, metadataUrl: string): void {
    const { logger, state } = this.#deps
    if (mountPath === '' || state.servesMetadata || state.hasWarnedOfMetadata) return
    state.hasWarnedOfMetadata = true
    logger.warn('clients with access tokens cannot find the authorization server', {
      code: 'misconfigured',
      hint: `the gate at ${mountPath} does not receive requests to ${new URL(metadataUrl).pathname}: call app.use(auth.resourceMetadata()) in front of it`,
    })
  }

  /** Warns once if the app has read `req.oauth` of a request that the gate has not received. */
  warnOfReading({ app, route, method, originalUrl }: RoutedRequest): void {
    const { logger, state } = this.#deps
    const isOurs = positionsIn(app, state.middleware).length > 0
    if (!state.isObserving || state.hasWarnedOfReading || !isOurs) return
    state.hasWarnedOfReading = true
    const path = route?.path ?? originalUrl?.split('?', 1)[0]
    logger.warn('req.oauth was read on a request that the gate has not received: it is undefined', {
      code: 'misconfigured',
      hint: `the handler of ${method ?? ''} ${typeof path === 'string' ? path : '(a pattern)'} is in front of the gate, or outside of its path: call app.use(oauthModule({ … })) in front of the routes that use req.oauth`,
    })
  }
}
