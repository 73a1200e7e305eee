import type { Socket } from 'node:net'
import type { OAuthContext } from '../../middleware/oauth-context.js'
import type { GatewayRequest, GatewayServer } from './messages.js'
import { logRequest } from './request-log.js'
import { refuse } from './request-target.js'
import { exempt, isAllowed, type Routing } from './routing.js'
import { Tunnel } from './tunnel.js'
import { ignoreUpgrade, isWebSocket, refusalOf } from './upgrades.js'

/** Handles upgrades: WebSockets need a session, and end with it. */
export class Sockets {
  readonly #routing: () => Routing
  readonly #tunnels = new Set<Tunnel>()
  #isClosing = false

  constructor(server: GatewayServer, routing: () => Routing) {
    this.#routing = routing
    server.on('upgrade', (req, _duplex, head) => {
      if (isWebSocket(req)) this.#handle(req, req.socket, head)
      else ignoreUpgrade(server, req, req.socket, head)
    })
  }

  /** Ends all sockets, and accepts no more. */
  close(): void {
    this.#isClosing = true
    for (const tunnel of this.#tunnels) tunnel.destroy()
  }

  #handle(req: GatewayRequest, socket: Socket, head: Buffer): void {
    const routing = this.#routing()
    const { trustedProxies, access } = routing
    req.ip = trustedProxies.clientOf(req)
    req.app = trustedProxies.app
    const tunnel = new Tunnel(req, socket)
    this.#tunnels.add(tunnel)
    // Without a listener, an error of the client would end the process.
    socket.on('error', () => undefined)
    socket.once('close', () => {
      this.#tunnels.delete(tunnel)
      logRequest(routing, req, tunnel.status, req.startedAt, tunnel.status === 0)
    })
    const refusal = refuse(req)
    if (refusal !== undefined) return tunnel.refuse(refusal.status, { error: refusal.error })
    if (this.#isClosing) return tunnel.refuse(503, { error: 'closing' })
    if (isAllowed(routing, req)) return open(routing, tunnel, head)
    if (access.isSpecialPath((req.url ?? '').split('?', 1)[0] ?? ''))
      return tunnel.refuse(404, { error: 'not_found' })
    routing.auth.authenticate(req).then(
      (context) => openFor(context, routing, tunnel, head),
      (error: unknown) => {
        const { status, body } = refusalOf(error)
        tunnel.refuse(status, body)
      },
    )
  }
}

function openFor(
  context: OAuthContext | undefined,
  routing: Routing,
  tunnel: Tunnel,
  head: Buffer,
): void {
  const { enabled, unauthenticated } = routing.access.config
  if (context === undefined) {
    // The app decides, but not about a token that is not valid.
    const isAnonymous = !routing.access.hasAccessToken(tunnel.req)
    if (!enabled || (unauthenticated === 'pass' && isAnonymous)) return open(routing, tunnel, head)
    return tunnel.refuse(401, { error: 'login_required', message: 'You need to sign in first.' })
  }
  const { signal } = context
  if (signal.aborted) return tunnel.destroy()
  signal.addEventListener('abort', () => tunnel.destroy(), { once: true })
  connect(routing, tunnel, head)
}

/** Without a session, so without an identity. */
function open(routing: Routing, tunnel: Tunnel, head: Buffer): void {
  exempt(routing, tunnel.req)
  connect(routing, tunnel, head)
}

function connect({ forwarded, upstream }: Routing, tunnel: Tunnel, head: Buffer): void {
  if (tunnel.socket.destroyed) return
  forwarded.replace(tunnel.req)
  upstream.connect(tunnel, head)
}
