/**
 * A single-page app: its script reads the API with fetch. When the session has ended, the API
 * responds with 401, and the script goes to the login, which returns to the same page.
 */
import type { AddressInfo } from 'node:net'
import express from 'express'
import { html, oauthModule } from 'oauth-module'
import { announce, chooseProvider, port } from './support/provider.js'

const app = express()
app.use(oauthModule({ provider: await chooseProvider() }))

app.get('/api/me', (req, res) => {
  res.json({ name: req.oauth.user?.name })
})

app.get('/{*page}', (_req, res) => {
  res.send(page)
})

const page = html`<!doctype html>
  <html lang="en">
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>A single-page app</title>
    <p>Hello <output></output> <button>Reload</button> <a href="/auth/logout">Sign out</a></p>
    <script type="module">
      async function api(path) {
        const response = await fetch(path, { headers: { Accept: 'application/json' } })
        if (response.status === 401) {
          const { login_url } = await response.json()
          location.assign(login_url)
          return new Promise(() => {})
        }
        if (!response.ok) throw new Error(path + ': ' + response.status)
        return response.json()
      }
      const show = async () => (document.querySelector('output').value = (await api('/api/me')).name)
      document.querySelector('button').onclick = show
      await show()
    </script>
  </html>`.toString()

const server = app.listen(port, '127.0.0.1', (error) => {
  if (error) throw error
  announce((server.address() as AddressInfo).port)
})
