import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * The response of the proxy when the process that had the request is gone, so its result is
 * unknown.
 */
export const INTERRUPTED = 520

export interface Proxy {
  readonly origin: string
  /** The ports that take turns. */
  readonly targets: Set<number>
  close(): Promise<void>
}

/** Gives each request to the next process; one that cannot be reached at all is passed over. */
export async function startProxy(): Promise<Proxy> {
  const targets = new Set<number>()
  let turn = 0

  const forward = (req: IncomingMessage, res: ServerResponse, tries: number): void => {
    const port = [...targets][turn++ % Math.max(1, targets.size)]
    if (port === undefined || tries === 0) return void res.writeHead(INTERRUPTED).end('no process')
    let isConnected = false
    const { method, url: path, headers } = req
    const onward = request(
      { host: '127.0.0.1', port, method, path, headers, agent: false },
      (answer) => {
        res.writeHead(answer.statusCode ?? INTERRUPTED, answer.rawHeaders)
        answer.on('error', () => res.destroy())
        answer.pipe(res)
      },
    )
    onward.on('socket', (socket) => socket.once('connect', () => (isConnected = true)))
    onward.on('error', () => {
      if (res.headersSent) return void res.destroy()
      if (!isConnected) return forward(req, res, tries - 1)
      res.writeHead(INTERRUPTED).end('interrupted')
    })
    // No request of these visitors has a body.
    onward.end()
  }

  const server = createServer((req, res) => forward(req, res, 4))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    targets,
    close: async () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
