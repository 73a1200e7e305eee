/**
 * An API for command-line tools, next to the login of browsers: `npx tsx examples/cli.ts` signs in
 * and calls it.
 */
import type { AddressInfo } from 'node:net'
import express from 'express'
import { oauthModule, oidcProvider } from 'oauth-module'
import { startAuthorizationServer, webClient } from './support/authorization-server.js'
import { announce, port } from './support/provider.js'

const app = express()
const server = app.listen(port, '127.0.0.1', (error) => {
  if (error) throw error
})
await new Promise((resolve) => server.once('listening', resolve))

const { port: found } = server.address() as AddressInfo
const resource = `http://localhost:${found}/`
const issuer = await startAuthorizationServer('reports:read')
const auth = oauthModule({
  provider: { acme: oidcProvider({ issuer, ...webClient }) },
  bearer: { issuers: [{ issuer, audience: resource, provider: 'acme' }], resource },
})
app.use(auth)
app.get('/reports', auth.requireAuth({ scopes: ['reports:read'] }), (req, res) => {
  res.json({ user: req.oauth.user?.key, kind: req.oauth.kind, reports: ['Q1', 'Q2'] })
})

announce(found)
