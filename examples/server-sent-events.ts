/**
 * A stream of server-sent events behind the login: it ends when the session ends or is revoked, or
 * when the user loses access. The browser then reconnects by itself and gets 401.
 */
import type { AddressInfo } from 'node:net'
import express from 'express'
import { html, OAuthError, oauthModule } from 'oauth-module'
import { announce, chooseProvider, port } from './support/provider.js'

const auth = oauthModule({
  provider: await chooseProvider(),
  authCheckInterval: 60,
  inactivityTimeout: 3600,
})

const app = express()
app.use(auth)

app.get('/time', (req, res) => {
  const { signal, user } = req.oauth
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' })
  res.write(`event: hello\ndata: ${JSON.stringify(user?.name)}\n\n`)
  const clock = setInterval(() => res.write(`data: ${new Date().toISOString()}\n\n`), 1000)
  const stop = () => {
    clearInterval(clock)
    res.end()
  }
  res.on('close', stop)
  signal.addEventListener(
    'abort',
    () => {
      res.write(
        `event: over\ndata: ${signal.reason instanceof OAuthError ? signal.reason.code : 'internal'}\n\n`,
      )
      stop()
    },
    { once: true },
  )
})

app.get('/', (req, res) => {
  res.send(
    html`<!doctype html>
      <html lang="en">
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>The time</title>
        <h1>Hello, <bdi>${req.oauth.user?.name}</bdi></h1>
        <p role="status">…</p>
        <p><a href="/auth/logout" target="_blank">Log out in another tab</a>, and watch this one.</p>
        <script type="module">
          const source = new EventSource('/time')
          const say = (text) => (document.querySelector('p').textContent = text)
          source.onmessage = ({ data }) => say(data)
          source.addEventListener('over', ({ data }) => {
            source.close()
            say('It is over: ' + data)
          })
        </script>
      </html>`.toString(),
  )
})

const server = app.listen(port, '127.0.0.1', (error) => {
  if (error) throw error
  announce((server.address() as AddressInfo).port)
})
