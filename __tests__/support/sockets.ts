import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'
import { OAuthError, type OAuthMiddleware } from '../../src/index.js'
import { type Gate, stopping } from './gate.js'

type AuthenticateOptions = NonNullable<Parameters<OAuthMiddleware['authenticate']>[1]>

export interface Served {
  sockets: WebSocketServer
  /** The upstream headers of the latest upgrade. */
  headers: IncomingMessage['headers']
}

/** WebSockets as an app would serve them. */
export function serveSockets(
  { server, middleware }: Pick<Gate, 'server' | 'middleware'>,
  options: AuthenticateOptions = {},
): Served {
  const sockets = new WebSocketServer({ noServer: true })
  const served: Served = { sockets, headers: {} }
  const refuse = (socket: Duplex, status: string) =>
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  server.on('upgrade', (req, socket, head) => {
    middleware.authenticate(req, options).then(
      (context) => {
        served.headers = { ...req.headers }
        if (context === undefined) return void refuse(socket, '401 Unauthorized')
        sockets.handleUpgrade(req, socket, head, (opened) => {
          opened.send(String(context.user?.name))
          context.signal.addEventListener('abort', () => {
            const reason: unknown = context.signal.reason
            const code = reason instanceof OAuthError ? reason.code : 'internal'
            opened.close(code === 'login_required' || code === 'not_authorized' ? 4401 : 1013, code)
          })
        })
      },
      (error: unknown) =>
        void refuse(
          socket,
          error instanceof OAuthError ? `${error.status} Refused` : '500 Refused',
        ),
    )
  })
  stopping({
    async close() {
      for (const one of sockets.clients) one.terminate()
    },
  })
  return served
}

/** An open socket and the name of its user, or the status of the rejection. */
export async function openSocket(
  url: string,
  headers: Record<string, string | undefined>,
): Promise<{ socket: WebSocket; name: string } | number> {
  const sent = Object.entries(headers).filter(([, value]) => value !== undefined)
  const socket = new WebSocket(url.replace(/^http/, 'ws'), {
    headers: Object.fromEntries(sent) as Record<string, string>,
    family: 4,
    rejectUnauthorized: false,
  })
  socket.on('error', () => undefined)
  const refused = once(socket, 'unexpected-response').then(([, response]) =>
    Number((response as IncomingMessage).statusCode),
  )
  const opened = once(socket, 'message').then(([message]) => ({ socket, name: String(message) }))
  return Promise.race([refused, opened])
}
