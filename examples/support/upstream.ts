import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'

/** A server without a login: it greets the user that the headers name. */
export async function startUpstream(): Promise<string> {
  const server = createServer((req, res) => {
    res.setHeader('Content-Type', 'text/plain').end(`${greeting(req.headers)}\n`)
  })
  new WebSocketServer({ server }).on('connection', (socket, req) => {
    socket.send(greeting(req.headers))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function greeting(headers: IncomingHttpHeaders): string {
  return `Hello ${String(headers['ngrok-auth-user-name'])} <${String(headers['ngrok-auth-user-email'])}>`
}
