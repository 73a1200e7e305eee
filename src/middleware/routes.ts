import type { DeviceBinding } from '../binding/device-binding.js'
import type { BackchannelLogout } from '../flows/backchannel-logout.js'
import type { Callback } from '../flows/callback.js'
import type { Connections } from '../flows/connection.js'
import type { Login } from '../flows/login.js'
import type { Logout } from '../flows/logout.js'
import type { TestLogins } from '../flows/test-login.js'
import { OAuthError, type OAuthErrorCode } from '../http/errors.js'
import type { GateRequest } from '../http/gate-request.js'
import { isPrefetch } from '../http/request.js'
import { sendJson } from '../http/response.js'
import type { SPECIAL_NAMES, SpecialPaths } from '../http/special-paths.js'
import type { ClientScript } from './client-script.js'
import { type Outcome, RESPONDED } from './outcome.js'
import type { RequestEvents } from './request-events.js'
import type { SignalEndpoints } from './signal-endpoints.js'
import type { SessionStatus } from './session-status.js'

/** What {@link Routes} depends on. */
export interface RoutesDeps {
  readonly basePath: string
  readonly specialPaths: SpecialPaths
  readonly connections: Connections
  readonly login: Login
  readonly callback: Callback
  readonly logout: Logout
  /**
   * `undefined` if no provider uses OpenID Connect, or the store cannot end sessions of other
   * browsers.
   */
  readonly backchannelLogout: BackchannelLogout | undefined
  /** `undefined` without the option `signals`. */
  readonly signalEndpoints: SignalEndpoints | undefined
  /** `undefined` without the option `deviceBound`. */
  readonly binding: DeviceBinding | undefined
  readonly sessionStatus: SessionStatus
  /** `undefined` if the option `clientScript` is `false`. */
  readonly clientScript: ClientScript | undefined
  readonly testLogins: TestLogins
  readonly requestEvents: RequestEvents
}

type SpecialName = (typeof SPECIAL_NAMES)[number]

interface Route {
  /** The reason of the event `http_request_complete`. */
  readonly name: string
  readonly methods: readonly string[]
  /** A HEAD request, such as that of a link scanner, must not consume a login or end a session. */
  readonly ignoresHead?: boolean
  /**
   * A prefetch must not start or complete a login that the user may not want: it gets this error.
   */
  readonly prefetchError?: OAuthErrorCode
  handle(request: GateRequest, query: URLSearchParams): Promise<void>
}

/** The special paths. The app never receives a request to any of them. */
export class Routes {
  readonly #deps: RoutesDeps
  /** Routes by path. Those of the callbacks depend on the provider: see {@link callbackRoute}. */
  readonly #routes: ReadonlyMap<string, Route>

  constructor(deps: RoutesDeps) {
    this.#deps = deps
    const routes = [...Object.entries(routesOf(deps)), ...webhookRoutes(deps)]
    this.#routes = new Map(routes.map(([name, route]) => [`${deps.basePath}/${name}`, route]))
  }

  /** Responds to a request to a special path, or throws. */
  async handle(request: GateRequest): Promise<Outcome> {
    const { req, res, target } = request
    const route = this.#find(target.path)
    if (route === undefined) throw new OAuthError('not_found')
    this.#deps.requestEvents.block(req, route.name)
    if (!route.methods.includes(req.method ?? '')) {
      res.setHeader('Allow', route.methods.join(', '))
      throw new OAuthError('method_not_allowed')
    }
    // The browser discards the response, and repeats the request when the user navigates.
    if (route.prefetchError !== undefined && isPrefetch(req))
      throw new OAuthError(route.prefetchError, {
        hint: 'a prefetch does not take part in a login',
      })
    if (req.method === 'HEAD' && route.ignoresHead === true) sendJson(res, 200, {})
    else await route.handle(request, new URLSearchParams(target.query))
    return RESPONDED
  }

  #find(path: string): Route | undefined {
    const provider = this.#deps.specialPaths.callbackProvider(path)
    return provider === undefined ? this.#routes.get(path) : callbackRoute(provider, this.#deps)
  }
}

const READ = ['GET', 'HEAD']

function callbackRoute(name: string, { connections, callback }: RoutesDeps): Route {
  const [first] = connections.keys()
  const isForm = connections.get(name)?.provider.responseMode === 'form_post'
  return {
    name: name === first ? 'callback' : `callback/${name}`,
    methods: isForm ? [...READ, 'POST'] : READ,
    ignoresHead: true,
    prefetchError: 'invalid_callback',
    handle: (request, query) => callback.handle(request, query),
  }
}

function routesOf(deps: RoutesDeps): Partial<Record<SpecialName, Route>> {
  const { login, logout, backchannelLogout, binding, clientScript, sessionStatus, testLogins } =
    deps
  const { push } = deps.signalEndpoints ?? {}
  return {
    authn: {
      name: 'authn',
      methods: READ,
      prefetchError: 'login_required',
      handle: (request, query) => login.handle(request, query),
    },
    logout: {
      name: 'logout',
      methods: [...READ, 'POST'],
      ignoresHead: true,
      handle: (request, query) => logout.handle(request, query),
    },
    session: {
      name: 'session',
      methods: READ,
      handle(request) {
        const ticket = testLogins.ticketOf(request)
        return ticket === undefined
          ? sessionStatus.respond(request)
          : testLogins.logIn(request, ticket)
      },
    },
    ...(push !== undefined && {
      signals: { name: 'signals', methods: ['POST'], handle: (request) => push.handle(request) },
    }),
    ...(backchannelLogout !== undefined && {
      'backchannel-logout': {
        name: 'backchannel-logout',
        methods: ['POST'],
        handle: (request: GateRequest) => backchannelLogout.handle(request),
      },
    }),
    ...(clientScript !== undefined && {
      'client.js': {
        name: 'client',
        methods: [...READ, 'POST'],
        handle: (request: GateRequest, query: URLSearchParams) =>
          clientScript.handle(request, query),
      },
    }),
    ...(binding !== undefined && deviceRoutes(binding)),
  }
}

/** What browsers call to bind a session to their device, and to renew its cookie. */
function deviceRoutes(binding: DeviceBinding): Partial<Record<SpecialName, Route>> {
  return {
    'device/register': {
      name: 'device/register',
      methods: ['POST'],
      handle: (request) => binding.register(request),
    },
    'device/refresh': {
      name: 'device/refresh',
      methods: ['POST'],
      handle: (request) => binding.refresh(request),
    },
  }
}

function webhookRoutes({ signalEndpoints }: RoutesDeps): [name: string, route: Route][] {
  return [...(signalEndpoints?.webhooks ?? [])].map(([name, handle]) => [
    `webhooks/${name}`,
    { name: `webhooks/${name}`, methods: ['POST'], handle },
  ])
}
