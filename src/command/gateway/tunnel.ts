import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { OAuthError } from '../../http/errors.js'
import type { GatewayRequest } from './messages.js'

/** A WebSocket through the gateway. */
export class Tunnel {
  readonly req: GatewayRequest
  readonly socket: Socket
  /** What the client got: 101 if the socket was opened; 0 while nothing was sent. */
  status = 0
  #upstreamSocket: Socket | undefined

  constructor(req: GatewayRequest, socket: Socket) {
    this.req = req
    this.socket = socket
  }

  /** The upgrade is sent to the upstream. */
  connect(upstreamRequest: ClientRequest): void {
    const { socket } = this
    upstreamRequest.once('upgrade', (_response: IncomingMessage, upstreamSocket: Socket) => {
      this.status = 101
      this.#upstreamSocket = upstreamSocket
      // Each side ends with the other, also without an orderly end.
      socket.once('close', () => upstreamSocket.destroy())
      upstreamSocket.once('close', () => endSocket(socket))
      if (socket.destroyed) upstreamSocket.destroy()
    })
    upstreamRequest.once('response', ({ statusCode }: IncomingMessage) => {
      this.status = statusCode ?? 502
    })
    socket.once('close', () => upstreamRequest.destroy())
  }

  /** Responds in place of an upstream that failed. Returns whether the client saw nothing yet. */
  fail({ code, status, message }: OAuthError): boolean {
    if (this.status !== 0 || this.socket.destroyed) return false
    this.refuse(status, { error: code, message })
    return true
  }

  /** Ends the upgrade with a response. */
  refuse(status: number, body: object): void {
    this.status = status
    refuseUpgrade(this.socket, status, body)
  }

  /** Ends both sides. */
  destroy(): void {
    this.#upstreamSocket?.destroy()
    endSocket(this.socket)
  }
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  405: 'Method Not Allowed',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

/** How long a client may take to read the end. */
const END_TIMEOUT_MS = 5000

/** Closes a connection that Node has handed over, even if the client never reads or closes it. */
export function endSocket(socket: Socket, text?: string): void {
  // Without a listener, an error of the client would end the process.
  if (socket.listenerCount('error') === 0) socket.on('error', () => undefined)
  if (text === undefined) socket.destroySoon()
  else socket.end(text)
  const timer = setTimeout(() => socket.destroy(), END_TIMEOUT_MS).unref()
  socket.once('close', () => clearTimeout(timer))
}

/** Responds to an upgrade with JSON, and closes the connection. */
export function refuseUpgrade(socket: Socket, status: number, body: object): void {
  if (socket.destroyed || !socket.writable) return
  const json = JSON.stringify(body)
  const head = [
    `HTTP/1.1 ${status} ${REASONS[status] ?? 'Error'}`,
    'Content-Type: application/json; charset=utf-8',
    'Cache-Control: no-store',
    `Content-Length: ${Buffer.byteLength(json)}`,
    'Connection: close',
  ]
  endSocket(socket, `${head.join('\r\n')}\r\n\r\n${json}`)
}
