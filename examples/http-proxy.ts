/**
 * A reverse proxy behind the login, WebSockets included: the upstream reads the user from
 * `ngrok-auth-user-*` headers, which clients cannot set.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import express from 'express'
import { createProxyMiddleware } from 'http-proxy-middleware'
import { OAuthError, oauthModule } from 'oauth-module'
import { announce, chooseProvider, port } from './support/provider.js'
import { startUpstream } from './support/upstream.js'

const auth = oauthModule({ provider: await chooseProvider(), authCheckInterval: 60 })

// Not `ws: true`, which makes the proxy answer upgrades that the gate has not seen.
const proxy = createProxyMiddleware({ target: process.env.UPSTREAM ?? (await startUpstream()) })

const app = express()
app.use(auth)
app.use(proxy)

const server = createServer(app)

server.on('upgrade', async (req, socket, head) => {
  socket.on('error', () => socket.destroy())
  try {
    const oauth = await auth.authenticate(req)
    if (oauth === undefined) return reject(socket, 401)
    oauth.signal.addEventListener('abort', () => socket.destroy(), { once: true })
    proxy.upgrade(req, req.socket, head)
  } catch (error) {
    reject(socket, error instanceof OAuthError ? error.status : 500)
  }
})

function reject(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} Rejected\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

server.listen(port, '127.0.0.1', () => {
  announce((server.address() as AddressInfo).port)
})
