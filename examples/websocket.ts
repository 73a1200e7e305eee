/**
 * A WebSocket behind the login: it is accepted for logged-in users of the app's own pages, and is
 * closed with 4401 when the session ends or is revoked, or when the user loses access.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import express from 'express'
import { html, type OAuthContext, OAuthError, oauthModule } from 'oauth-module'
import { type WebSocket, WebSocketServer } from 'ws'
import { announce, chooseProvider, port } from './support/provider.js'

const auth = oauthModule({
  provider: await chooseProvider(),
  authCheckInterval: 60,
  inactivityTimeout: 3600,
})

const app = express()
app.use(auth)
app.get('/', (req, res) => {
  res.send(chatPage(String(req.oauth.user?.name)))
})

const server = createServer(app)
const sockets = new WebSocketServer({ noServer: true, maxPayload: 16 * 1024 })

// Upgrades do not pass through middleware, so each one is authenticated here.
server.on('upgrade', async (req, socket, head) => {
  socket.on('error', () => socket.destroy())
  try {
    const context = await auth.authenticate(req)
    if (context === undefined) reject(socket, 401)
    else sockets.handleUpgrade(req, socket, head, (webSocket) => accept(webSocket, context))
  } catch (error) {
    reject(socket, error instanceof OAuthError ? error.status : 500)
  }
})

function accept(socket: WebSocket, { user, signal }: OAuthContext): void {
  socket.on('error', () => socket.terminate())
  socket.on('message', (data) => {
    for (const other of sockets.clients) other.send(`${user?.name}: ${String(data)}`)
  })
  const end = () => {
    const isOver = signal.reason instanceof OAuthError && signal.reason.status < 500
    // 4401: log in again. 1013: the session cannot be checked at the moment; try again later.
    socket.close(isOver ? 4401 : 1013)
  }
  if (signal.aborted) end()
  else signal.addEventListener('abort', end, { once: true })
}

function reject(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} Rejected\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

function chatPage(name: string): string {
  return html`<!doctype html>
    <html lang="en">
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>Talk</title>
      <h1>Hello, <bdi>${name}</bdi></h1>
      <form><label>Say <input name="text" autocomplete="off" /></label> <button>Send</button> <a href="/auth/logout">Log out</a></form>
      <ul aria-live="polite"></ul>
      <script type="module">
        const socket = new WebSocket(location.origin.replace('http', 'ws'))
        const say = (text) => document.querySelector('ul').append(Object.assign(document.createElement('li'), { textContent: text }))
        socket.onmessage = ({ data }) => say(data)
        socket.onclose = ({ code }) => say(code === 4401 ? 'You are logged out: reload the page.' : 'The line is dead: reload the page.')
        document.querySelector('form').onsubmit = (event) => {
          event.preventDefault()
          socket.send(event.target.text.value)
          event.target.reset()
        }
      </script>
    </html>`.toString()
}

server.listen(port, '127.0.0.1', () => {
  announce((server.address() as AddressInfo).port)
})
