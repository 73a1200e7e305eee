import type { IncomingHttpHeaders } from 'node:http'
import { sendJson } from '../../http/response.js'
import { isUpgrade } from '../../http/request.js'
import { headerNames } from '../../middleware/header-names.js'
import type { GatewayRequest, GatewayResponse, GatewayServer } from './messages.js'
import { type AuthRequestMode, restoreOriginal } from './original-request.js'
import { logRequest } from './request-log.js'
import { refuse } from './request-target.js'
import { sendProbe } from './requests.js'
import type { Routing } from './routing.js'

/** What {@link AuthRequests} handles requests with; replaced as a whole. */
export type AuthRouting = Pick<
  Routing,
  'auth' | 'access' | 'health' | 'adminApi' | 'trustedProxies' | 'logger' | 'logsRequests'
>

/** Sent with a 401: where the user signs in, and returns to the original URL. */
const LOGIN_URL = 'x-oauth-login-url'
/** Sent with a 202: the cookies of the client without those of the gate. */
const COOKIE = 'x-oauth-cookie'

const MISROUTED = {
  error: 'invalid_request',
  message: 'Requests to the special paths must reach the gate itself.',
}

/**
 * Responds to the subrequests of a proxy that asks whether a request may pass: 202 with the identity
 * headers, or 401. Requests to the special paths are handled as usual: the proxy passes them on.
 */
export class AuthRequests {
  readonly #mode: AuthRequestMode
  readonly #routing: () => AuthRouting

  constructor(mode: AuthRequestMode, routing: () => AuthRouting) {
    this.#mode = mode
    this.#routing = routing
  }

  serve(server: GatewayServer): void {
    server.on('request', (req, res) => this.#handle(req, res))
  }

  #handle(req: GatewayRequest, res: GatewayResponse): void {
    const routing = this.#routing()
    const { trustedProxies, auth, access } = routing
    req.ip = trustedProxies.clientOf(req)
    req.app = trustedProxies.app
    res.once('close', () =>
      logRequest(routing, req, res.statusCode, req.startedAt, !res.writableFinished),
    )
    const refusal = refuse(req)
    if (refusal !== undefined)
      return sendJson(res, refusal.status, { error: refusal.error, message: refusal.message })
    if (sendProbe(routing, req, res) || routing.adminApi?.handle(req, res) === true) return
    const isSpecial = access.isSpecialPath(pathOf(req))
    if (!isSpecial && trustedProxies.isPeerTrusted(req)) {
      const problem = restoreOriginal(req, this.#mode)
      if (problem !== undefined)
        return sendJson(res, 400, { error: 'invalid_request', message: problem })
      // The proxy would take the page of a special path for the permission to pass.
      if (access.isSpecialPath(pathOf(req))) return sendJson(res, 403, MISROUTED)
    }
    if (!isSpecial) withholdPermission(res)
    // A disabled gate leaves the cookies of earlier sessions in the request.
    if (!access.config.enabled) access.exempt(req)
    auth(req, res, (error) => {
      if (error !== undefined)
        sendJson(res, 500, { error: 'internal', message: 'An error occurred.' })
      else if (isSpecial) sendJson(res, 404, { error: 'not_found', message: 'Not found.' })
      else respond(access, req, res)
    })
  }
}

/**
 * Turns 2xx into 403 until {@link respond} decides: a proxy would take a page that the gate shows once,
 * such as the one about a form that was not sent, for the permission to pass.
 */
function withholdPermission(res: GatewayResponse): void {
  const writeHead: (status: number, ...rest: never[]) => GatewayResponse = res.writeHead.bind(res)
  res.writeHead = (status: number, ...rest: never[]) =>
    writeHead(status < 300 ? 403 : status, ...rest)
}

function pathOf({ url = '' }: GatewayRequest): string {
  return url.split('?', 1)[0] ?? ''
}

/** The request has passed, is anonymous, or the gate is disabled. */
function respond(access: Routing['access'], req: GatewayRequest, res: GatewayResponse): void {
  const { config } = access
  // Proxies leave `Upgrade` out of subrequests; browsers send this key with every WebSocket.
  const isSocket = isUpgrade(req.headers) || req.headers['sec-websocket-key'] !== undefined
  const isForeign = isSocket && !access.mayUpgrade(req)
  if (config.enabled && (req.oauth?.isAuthenticated !== true || isForeign))
    return rejectAnonymous(access, req, res)
  for (const [name, value] of identityHeaders(req.headers, config.headers))
    res.setHeader(name, value)
  res.setHeader(COOKIE, req.headers.cookie ?? '')
  res.setHeader('cache-control', 'no-store')
  Reflect.deleteProperty(res, 'writeHead')
  res.writeHead(202).end()
}

function rejectAnonymous(
  access: Routing['access'],
  req: GatewayRequest,
  res: GatewayResponse,
): void {
  const loginUrl = `${access.publicOrigin(req) ?? ''}${req.oauth?.loginUrl() ?? ''}`
  res.setHeader(LOGIN_URL, loginUrl)
  res.setHeader('www-authenticate', access.challengeOf(req, res))
  sendJson(res, 401, {
    error: 'login_required',
    message: 'Sign in to continue.',
    login_url: loginUrl,
  })
}

function identityHeaders(
  headers: IncomingHttpHeaders,
  { headerPrefix, forwardTokens }: Routing['access']['config']['headers'],
): [name: string, value: string][] {
  const { values, tokens } = headerNames(headerPrefix)
  const forwards = forwardTokens === true || forwardTokens === 'access'
  const names = [...values.map(([name]) => name), ...(forwards ? Object.values(tokens) : [])]
  return names.flatMap((name) => {
    const value = headers[name]
    return typeof value === 'string' ? [[name, value] as [string, string]] : []
  })
}
