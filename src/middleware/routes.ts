import type { BackchannelLogout } from '../flows/backchannel-logout.js'
import type { Callback } from '../flows/callback.js'
import type { Login } from '../flows/login.js'
import type { Logout } from '../flows/logout.js'
import { OAuthError } from '../http/errors.js'
import type { GateRequest } from '../http/gate-request.js'
import { sendJson } from '../http/response.js'
import { type Outcome, RESPONDED } from './outcome.js'
import type { RequestEvents } from './request-events.js'
import type { SessionStatus } from './session-status.js'

/** What {@link Routes} depends on. */
export interface RoutesDeps {
  readonly basePath: string
  /** The redirect URIs of the providers, relative to `basePath`. */
  readonly callbackNames: readonly string[]
  readonly login: Login
  readonly callback: Callback
  readonly logout: Logout
  /**
   * `undefined` if no provider uses OpenID Connect, or the store cannot end sessions of other
   * browsers.
   */
  readonly backchannelLogout: BackchannelLogout | undefined
  readonly sessionStatus: SessionStatus
  readonly requestEvents: RequestEvents
}

interface Route {
  readonly methods: readonly string[]
  /** A HEAD request, such as that of a link scanner, must not consume a login or end a session. */
  readonly ignoresHead?: boolean
  handle(request: GateRequest, query: URLSearchParams): Promise<void>
}

/** The special paths under `basePath`. The app never receives a request to any of them. */
export class Routes {
  readonly #basePath: string
  readonly #requestEvents: RequestEvents
  readonly #routes: ReadonlyMap<string, Route>

  constructor(deps: RoutesDeps) {
    this.#basePath = deps.basePath
    this.#requestEvents = deps.requestEvents
    this.#routes = new Map(routesOf(deps))
  }

  /** Responds to a request to a path under `basePath`, or throws. */
  async handle(request: GateRequest): Promise<Outcome> {
    const { req, res, target } = request
    const prefix = `${this.#basePath}/`
    const name = target.path.slice(prefix.length)
    this.#requestEvents.block(req, name)
    const route = target.path.startsWith(prefix) ? this.#routes.get(name) : undefined
    if (route === undefined) throw new OAuthError('not_found')
    if (!route.methods.includes(req.method ?? '')) {
      res.setHeader('Allow', route.methods.join(', '))
      throw new OAuthError('method_not_allowed')
    }
    if (req.method === 'HEAD' && route.ignoresHead === true) sendJson(res, 200, {})
    else await route.handle(request, new URLSearchParams(target.query))
    return RESPONDED
  }
}

function routesOf(deps: RoutesDeps): [string, Route][] {
  const { callbackNames, login, callback, logout, backchannelLogout, sessionStatus } = deps
  const methods = ['GET', 'HEAD']
  return [
    ['authn', { methods, handle: (request, query) => login.handle(request, query) }],
    ...callbackNames.map((name): [string, Route] => [
      name,
      {
        methods,
        ignoresHead: true,
        handle: (request, query) => callback.handle(request, name, query),
      },
    ]),
    [
      'logout',
      {
        methods: [...methods, 'POST'],
        ignoresHead: true,
        handle: (request, query) => logout.handle(request, query),
      },
    ],
    ['session', { methods, handle: (request) => sessionStatus.respond(request) }],
    ...(backchannelLogout === undefined
      ? []
      : [
          [
            'backchannel-logout',
            { methods: ['POST'], handle: (request) => backchannelLogout.handle(request) },
          ] satisfies [string, Route],
        ]),
  ]
}
