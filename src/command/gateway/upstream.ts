import { type Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import type { Socket } from 'node:net'
import { createProxyServer } from 'httpxy'
import type { OAuthError } from '../../http/errors.js'
import { bodilessHeaders, upstreamHeaders } from './forwarded-headers.js'
import { passInformation } from './informational.js'
import { type Exchange, GatewayResponse } from './messages.js'
import type { Tunnel } from './tunnel.js'
import { createUpstreamAgent } from './upstream-agent.js'
import { unrequestedUpgrade, upstreamError } from './upstream-error.js'
import { sendResponse } from './upstream-response.js'

/** What {@link Upstream} depends on. */
export interface UpstreamDeps {
  readonly target: URL
  /** Milliseconds until the response to an upgrade. */
  readonly upgradeMs: number
  /** Responds to a request whose upstream failed. Called only before the response has started. */
  onFailure(exchange: Exchange, error: OAuthError): void
  /** An upstream failed after its response had started, or one of a socket failed. */
  onBroken(error: OAuthError): void
}

/**
 * The server behind the gateway. `httpxy` sends requests with a body, and all requests over TLS, and
 * connects the sockets. The others are most, and need little of what it does.
 */
export class Upstream {
  readonly #deps: UpstreamDeps
  readonly #agent: Agent
  readonly #proxy = createProxyServer({ selfHandleResponse: true })
  readonly #address: { protocol: string; host: string; hostname: string; port: string }
  readonly #tunnels = new Map<Socket, Tunnel>()

  constructor(deps: UpstreamDeps) {
    this.#deps = deps
    const { protocol, hostname, port } = deps.target
    const isEncrypted = protocol === 'https:'
    this.#agent = createUpstreamAgent(isEncrypted)
    // Node looks up IPv6 addresses without the brackets of URLs.
    const name = hostname.replace(/^\[|\]$/g, '')
    this.#address = {
      protocol,
      host: name,
      hostname: name,
      port: port === '' ? (isEncrypted ? '443' : '80') : port,
    }
    this.#listen()
  }

  /** Scheme, host and port. */
  get origin(): string {
    return this.#deps.target.origin
  }

  /** Where the upstream accepts connections. */
  get address(): { readonly host: string; readonly port: number } {
    return { host: this.#address.hostname, port: Number(this.#address.port) }
  }

  /** Sends a request on, and its response back. */
  forward(exchange: Exchange): void {
    const { res } = exchange
    res.exchange = exchange
    this.#send(exchange, this.#agent)
  }

  /** Connects a socket that may be open to the upstream. */
  connect(tunnel: Tunnel, head: Buffer): void {
    const { req, socket } = tunnel
    this.#tunnels.set(socket, tunnel)
    socket.once('close', () => this.#tunnels.delete(socket))
    req.headers = { ...upstreamHeaders(req), connection: 'Upgrade', upgrade: 'websocket' }
    const { upgradeMs } = this.#deps
    const options = { target: this.#address, upgradeTimeout: upgradeMs }
    this.#proxy.ws(req, socket, options, head).catch(() => undefined)
  }

  /** Closes the connections that no exchange uses. */
  closeIdle(): void {
    for (const sockets of Object.values(this.#agent.freeSockets))
      for (const socket of sockets ?? []) socket.destroy()
  }

  /** Closes all connections. */
  close(): void {
    for (const tunnel of this.#tunnels.values()) tunnel.destroy()
    this.#agent.destroy()
  }

  #send(exchange: Exchange, agent: Agent | false): void {
    if (this.#address.protocol === 'http:' && !exchange.hasBody)
      return this.#sendBodiless(exchange, agent)
    const { req, res } = exchange
    req.headers = upstreamHeaders(req)
    // Errors of the upstream are events; a rejection is an error of the client's connection.
    this.#proxy.web(req, res, { target: this.#address, agent }).catch(() => undefined)
  }

  /** Most requests have no body, and need nothing that `httpxy` does for bodies. */
  #sendBodiless(exchange: Exchange, agent: Agent | false): void {
    const { req } = exchange
    const { host, port } = this.#address
    const { method, url: path } = req
    try {
      const headers = bodilessHeaders(req, this.#deps.target.host)
      const upstreamRequest = request({ host, port, method, path, headers, agent })
      this.#watch(exchange, upstreamRequest)
      upstreamRequest.on('error', (error) => this.#fail(exchange, error))
      upstreamRequest.on('response', (response) => this.#respond(exchange, response))
      upstreamRequest.end()
    } catch (error) {
      this.#fail(exchange, error)
    }
  }

  #watch(exchange: Exchange, upstreamRequest: ClientRequest): void {
    exchange.upstreamRequest = upstreamRequest
    upstreamRequest.on('information', (information) => passInformation(information, exchange.res))
    // Node closes the connection without an error if there is no listener.
    upstreamRequest.on('upgrade', (_response, socket) => {
      socket.destroy()
      this.#fail(exchange, unrequestedUpgrade())
    })
  }

  #listen(): void {
    const proxy = this.#proxy
    proxy.on('proxyReq', (upstreamRequest, _req, res) => {
      const exchange = exchangeOf(res)
      if (exchange !== undefined) this.#watch(exchange, upstreamRequest)
    })
    proxy.on('proxyRes', (upstreamResponse, _req, res) => {
      const exchange = exchangeOf(res)
      if (exchange !== undefined) this.#respond(exchange, upstreamResponse)
    })
    proxy.on('proxyReqWs', (upstreamRequest, _req, socket) =>
      this.#tunnels.get(socket)?.connect(upstreamRequest),
    )
    proxy.on('error', (error, _req, res) => {
      const exchange = exchangeOf(res)
      if (exchange !== undefined) return this.#fail(exchange, error)
      const tunnel = this.#tunnels.get(res as Socket)
      if (tunnel?.fail(upstreamError(error, this.#deps.target)))
        this.#deps.onBroken(upstreamError(error, this.#deps.target))
    })
  }

  #respond(exchange: Exchange, upstreamResponse: IncomingMessage): void {
    exchange.upstreamResponse = upstreamResponse
    try {
      sendResponse(upstreamResponse, exchange.res)
    } catch (error) {
      upstreamResponse.destroy()
      this.#fail(exchange, error)
    }
  }

  #fail(exchange: Exchange, thrown: unknown): void {
    const { req, res } = exchange
    if (res.destroyed || res.writableEnded) return
    if (exchange.mayRepeat) {
      exchange.isRepeated = true
      // On a new connection: the next one of the agent may be closed as well.
      return this.#send(exchange, false)
    }
    const error = upstreamError(thrown, this.#deps.target, exchange.isTimedOut)
    if (res.headersSent) {
      res.destroy()
      return this.#deps.onBroken(error)
    }
    if (exchange.upstreamResponse !== undefined) discardHead(res)
    this.#deps.onFailure(exchange, error)
    // What is left of an upload has no other reader.
    req.unpipe()
    req.resume()
  }
}

/** The upstream's part of a response that has not been sent. */
function discardHead(res: GatewayResponse): void {
  for (const name of res.getHeaderNames()) res.removeHeader(name)
  res.statusMessage = ''
}

function exchangeOf(res: unknown): Exchange | undefined {
  return res instanceof GatewayResponse ? res.exchange : undefined
}
