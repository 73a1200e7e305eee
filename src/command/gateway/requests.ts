import { sendJson } from '../../http/response.js'
import { stripMethodOverrides } from './forwarded-headers.js'
import {
  Exchange,
  type GatewayRequest,
  type GatewayResponse,
  type GatewayServer,
} from './messages.js'
import { logRequest } from './request-log.js'
import { refuse } from './request-target.js'
import { exempt, isAllowed, type Routing } from './routing.js'
import { endSocket } from './tunnel.js'

/** Handles the requests of the gateway, except upgrades. */
export class Requests {
  readonly #lingerMs: number
  readonly #routing: () => Routing

  constructor(lingerMs: number, routing: () => Routing) {
    this.#lingerMs = lingerMs
    this.#routing = routing
  }

  serve(server: GatewayServer): void {
    server.on('request', (req, res) => this.#handle(req, res))
    server.on('checkContinue', (req, res) => {
      req.isExpectant = true
      this.#handle(req, res)
    })
    // A gateway is not a forward proxy.
    server.on('connect', (req) =>
      endSocket(
        req.socket,
        'HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
      ),
    )
  }

  #handle(req: GatewayRequest, res: GatewayResponse): void {
    const routing = this.#routing()
    const { trustedProxies, auth, access } = routing
    req.ip = trustedProxies.clientOf(req)
    req.app = trustedProxies.app
    res.once('close', () => this.#end(routing, req, res))
    routing.exchanges.add(res)
    if (routing.exchanges.isDraining) res.shouldKeepAlive = false
    const keepsAlive = res.shouldKeepAlive
    // Whether a client that has not got `100 Continue` sends its body is not known.
    if (req.isExpectant) res.shouldKeepAlive = false
    const refusal = refuse(req)
    if (refusal !== undefined) {
      res.shouldKeepAlive = false
      return sendJson(res, refusal.status, { error: refusal.error, message: refusal.message })
    }
    if (sendProbe(routing, req, res) || routing.adminApi?.handle(req, res) === true) return
    const pass = () => this.#forward(routing, req, res, keepsAlive)
    if (isAllowed(routing, req)) {
      exempt(routing, req)
      return pass()
    }
    // A disabled gate leaves the cookies of earlier sessions in the request.
    if (!access.config.enabled) access.exempt(req)
    auth(req, res, (error) => {
      if (error === undefined) pass()
      else sendJson(res, 500, { error: 'internal', message: 'An error occurred.' })
    })
  }

  #forward(routing: Routing, req: GatewayRequest, res: GatewayResponse, keepsAlive: boolean): void {
    if (res.destroyed || res.writableEnded) return
    if (req.isExpectant) {
      res.writeContinue()
      res.shouldKeepAlive = keepsAlive
    }
    // Without a session, a framework could take it for a DELETE.
    if (req.method === 'OPTIONS') stripMethodOverrides(req)
    routing.forwarded.replace(req)
    routing.upstream.forward(new Exchange(req, res))
  }

  #end(routing: Routing, req: GatewayRequest, res: GatewayResponse): void {
    routing.exchanges.delete(res)
    res.exchange?.close()
    logRequest(routing, req, res.statusCode, req.startedAt, !res.writableFinished)
    const { socket } = req
    if (req.complete || socket.destroyed) return
    // The client reads the response once it has sent its upload, or a part of it.
    setTimeout(() => {
      if (!req.complete) socket.destroy()
    }, this.#lingerMs).unref()
  }
}

/** Responds to a probe. Returns whether the request was one. */
export function sendProbe(
  { access, health }: Pick<Routing, 'access' | 'health'>,
  { method, url = '' }: GatewayRequest,
  res: GatewayResponse,
): boolean {
  const { basePath } = access.config
  if (!url.startsWith(basePath) || (method !== 'GET' && method !== 'HEAD')) return false
  const [path = ''] = url.split('?', 1)
  if (path === `${basePath}/health`) health.sendHealth(res)
  else if (path === `${basePath}/ready`) void health.sendReady(res)
  else return false
  return true
}
