import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { stopping } from './gate.js'

/** A forward proxy, as in a corporate network. */
export interface ForwardProxy {
  readonly url: string
  /** What it was asked for: `CONNECT host:port`, or `METHOD http://…`. */
  readonly requests: string[]
  /** The status of the next responses, instead of a connection. */
  refuse: number | undefined
  close(): Promise<void>
}

/** Starts a forward proxy that resolves every host name to 127.0.0.1, at the port that `portOf` returns. */
export async function startForwardProxy(
  portOf: (host: string, port: number) => number,
): Promise<ForwardProxy> {
  const requests: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((req, res) => {
    requests.push(`${req.method} ${req.url}`)
    forward(req, res, portOf)
  })
  server.on('connection', (socket) => sockets.add(socket))
  server.on('connect', (req: IncomingMessage, client: Socket, head: Buffer) => {
    requests.push(`CONNECT ${req.url}`)
    if (proxy.refuse !== undefined) {
      client.end(`HTTP/1.1 ${proxy.refuse} Refused\r\nContent-Length: 0\r\n\r\n`)
      return
    }
    const [, host = '', port] = /^(.*):(\d+)$/.exec(req.url ?? '') ?? []
    const target = connect(portOf(host, Number(port)), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      target.write(head)
      target.pipe(client).pipe(target)
    })
    sockets.add(target)
    target.on('error', () => client.destroy())
    client.on('error', () => target.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const proxy: ForwardProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    refuse: undefined,
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
  return stopping(proxy)
}

/** A request without a tunnel. (RFC 9112, 3.2.2) */
function forward(
  req: IncomingMessage,
  res: ServerResponse,
  portOf: (host: string, port: number) => number,
): void {
  const { hostname, port, pathname, search } = new URL(req.url ?? '')
  const to = { host: '127.0.0.1', port: portOf(hostname, Number(port || 80)) }
  const { method, headers } = req
  const upstream = request({ ...to, method, headers, path: pathname + search }, (response) => {
    res.writeHead(response.statusCode ?? 502, response.headers)
    response.pipe(res)
  })
  upstream.on('error', () => res.destroy())
  req.pipe(upstream)
}
