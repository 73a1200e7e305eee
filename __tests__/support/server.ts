import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'

export interface Listening {
  /**
   * `http://localhost:PORT`: another host name, hence other cookies, than the providers'
   * `127.0.0.1`.
   */
  origin: string
  port: number
  server: Server
  close(): Promise<void>
}

/** Serves an Express or Connect app, or a bare request listener, on a free port of 127.0.0.1. */
export async function listen(
  handler: (req: IncomingMessage, res: ServerResponse) => unknown,
  options: { port?: number; tls?: { key: Buffer; cert: Buffer } | undefined } = {},
): Promise<Listening> {
  const listener = (req: IncomingMessage, res: ServerResponse) => void handler(req, res)
  const { tls } = options
  const server = tls ? createSecureServer(tls, listener) : createServer(listener)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    origin: `${tls ? 'https' : 'http'}://localhost:${port}`,
    port,
    server,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()))
        server.closeAllConnections()
      }),
  }
}
