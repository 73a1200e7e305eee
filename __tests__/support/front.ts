import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { stopping } from './gate.js'

/** How a front proxy changes what passes. */
export interface FrontSettings {
  /** With a certificate, it speaks TLS. */
  readonly tls?: { readonly key: Buffer; readonly cert: Buffer }
  /** Replaces the header `Host`: by this one, or as nginx does by default. */
  readonly rewritesHost?: boolean | string
  /** Removes `Set-Cookie` from responses. */
  readonly removesCookies?: boolean
  /** Removes this prefix from paths. */
  readonly removesPrefix?: string
}

export interface Front {
  readonly port: number
  /** With the host name `localhost`. */
  readonly origin: string
  /** Where requests go to. */
  target: number | undefined
  close(): Promise<void>
}

/** A reverse proxy in front of a port of 127.0.0.1. Without a target, it responds with 502. */
export async function startFront(settings: FrontSettings = {}): Promise<Front> {
  const handler = (req: IncomingMessage, res: ServerResponse) => forward(req, res, front, settings)
  const server = settings.tls ? createTlsServer(settings.tls, handler) : createServer(handler)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const front: Front = {
    port,
    origin: `${settings.tls ? 'https' : 'http'}://localhost:${port}`,
    target: undefined,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return stopping(front)
}

function forward(
  req: IncomingMessage,
  res: ServerResponse,
  { target }: Front,
  { rewritesHost = false, removesCookies = false, removesPrefix = '' }: FrontSettings,
): void {
  if (target === undefined) return void res.writeHead(502).end('Bad Gateway')
  const host = typeof rewritesHost === 'string' ? rewritesHost : `127.0.0.1:${target}`
  const headers = { ...req.headers, ...(rewritesHost && { host }) }
  const path = (req.url ?? '').slice(removesPrefix.length)
  const to = { host: '127.0.0.1', port: target, method: req.method, path, headers, agent: false }
  const upstream = request(to, (response) => {
    const answer = { ...response.headers }
    if (removesCookies) delete answer['set-cookie']
    res.writeHead(response.statusCode ?? 502, answer)
    response.pipe(res)
  })
  upstream.on('error', () => res.writeHead(502).end())
  req.pipe(upstream)
}
