/**
 * socket.io behind the login: a chat whose sockets belong to logged-in users, and are disconnected
 * when the session ends or is revoked, or when the user loses access.
 */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { html, type OAuthContext, oauthModule } from 'oauth-module'
import { Server } from 'socket.io'
import { announce, chooseProvider, port } from './support/provider.js'

const auth = oauthModule({ provider: await chooseProvider(), authCheckInterval: 60 })

const app = express()
app.use(auth)
app.get('/', (req, res) => {
  res.send(chatPage(String(req.oauth.user?.name)))
})

const server = createServer(app)

// socket.io takes its requests, upgrades included, from the server before they reach the app.
const io = new Server(server, {
  allowRequest: (req, callback) => {
    auth.authenticate(req).then(
      (oauth) => callback(null, oauth !== undefined),
      () => callback('unavailable', false),
    )
  },
  // With polling, the session would be watched for the length of the first request only.
  transports: ['websocket'],
})

io.on('connection', (socket) => {
  const { oauth } = socket.request as IncomingMessage & { oauth: OAuthContext }
  oauth.signal.addEventListener('abort', () => socket.disconnect(true), { once: true })
  socket.on('say', (text: unknown) => {
    io.emit('said', `${oauth.user?.name}: ${String(text)}`)
  })
})

function chatPage(name: string): string {
  return html`<!doctype html>
    <html lang="en">
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>Chat</title>
      <h1>Hello, <bdi>${name}</bdi></h1>
      <form><label>Say <input name="text" autocomplete="off" /></label> <button>Send</button> <a href="/auth/logout">Log out</a></form>
      <ul aria-live="polite"></ul>
      <script src="/socket.io/socket.io.js"></script>
      <script type="module">
        const socket = io({ transports: ['websocket'] })
        const show = (text) => document.querySelector('ul').append(Object.assign(document.createElement('li'), { textContent: text }))
        socket.on('said', show)
        socket.on('disconnect', (reason) => reason === 'io server disconnect' && show('You are logged out: reload the page.'))
        document.querySelector('form').onsubmit = (event) => {
          event.preventDefault()
          socket.emit('say', event.target.text.value)
          event.target.reset()
        }
      </script>
    </html>`.toString()
}

server.listen(port, '127.0.0.1', () => {
  announce((server.address() as AddressInfo).port)
})
