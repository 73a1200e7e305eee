/**
 * A single-page app. Its page includes the script of the gate, `/auth/client.js`: when the session
 * has ended, the user signs in again in a small window, and the page continues where it was.
 */
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import express from 'express'
import { oauthModule } from 'oauth-module'
import { announce, chooseProvider, port } from '../support/provider.js'

const app = express()
app.use((_req, res, next) => {
  res.set('Content-Security-Policy', "default-src 'self'; require-trusted-types-for 'script'")
  next()
})
app.use(
  oauthModule({
    provider: await chooseProvider(),
    branding: { appName: 'Notes', accentColor: '#5b5bd6' },
  }),
)

const notes: { author: string | undefined; text: string }[] = []
app.get('/api/me', (req, res) => {
  res.json({ name: req.oauth.user?.name })
})
app.get('/api/notes', (_req, res) => {
  res.json(notes)
})
app.post('/api/notes', express.json(), (req, res) => {
  const { text } = req.body as { text: unknown }
  if (typeof text !== 'string') return void res.sendStatus(400)
  notes.push({ author: req.oauth.user?.name, text })
  res.status(201).json(notes)
})

const folder = fileURLToPath(new URL('public', import.meta.url))
app.use(express.static(folder, { index: false }))
app.get('/{*page}', (_req, res) => {
  res.sendFile('index.html', { root: folder })
})

const server = app.listen(port, '127.0.0.1', (error) => {
  if (error) throw error
  announce((server.address() as AddressInfo).port)
})
