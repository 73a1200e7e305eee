/**
 * Users see their own sessions at /devices, sign out of one of them, or of all. Sign in with two
 * browsers to see both.
 */
import type { AddressInfo } from 'node:net'
import express from 'express'
import { oauthModule } from 'oauth-module'
import { personPage } from './support/page.js'
import { announce, chooseProvider, port } from './support/provider.js'

const auth = oauthModule({
  provider: await chooseProvider(),
  branding: { appName: 'Acme' },
  // Addresses and user agents are kept for 30 days.
  browserSession: { maxAge: 30 * 86_400 },
})

const app = express()
app.use(auth)
app.use('/devices', auth.devices())
app.get('/{*path}', (req, res) => {
  res.send(personPage(req))
})

const server = app.listen(port, '127.0.0.1', (error) => {
  if (error) throw error
  const { port } = server.address() as AddressInfo
  announce(port)
  console.log(`Your devices: http://localhost:${port}/devices`)
})
