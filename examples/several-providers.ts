/**
 * Two providers and a sign-in page. Without client IDs in the environment, GitHub and an OpenID
 * Connect provider are simulated on this machine.
 */
import type { AddressInfo } from 'node:net'
import express from 'express'
import { oauthModule, oidcProvider } from 'oauth-module'
import { devProvider, startVendor } from 'oauth-module/dev'
import { personPage } from './support/page.js'

const isConfigured = Boolean(process.env.OAUTH_MODULE_GITHUB_CLIENT_ID && process.env.OIDC_ISSUER)
const github = isConfigured
  ? {}
  : (
      await startVendor('github', {
        users: [{ id: 1815, username: 'ada', name: 'Ada Lovelace', email: 'ada@example.com' }],
      })
    ).options
const oidc = isConfigured
  ? {
      issuer: String(process.env.OIDC_ISSUER),
      clientId: process.env.OIDC_CLIENT_ID,
      clientSecret: process.env.OIDC_CLIENT_SECRET,
    }
  : await devProvider().then(({ issuer, clientId, clientSecret }) => ({
      issuer,
      clientId,
      clientSecret,
    }))

const app = express()
app.use(
  oauthModule({
    provider: {
      // The first provider listed keeps /auth/callback, the next has /auth/callback/staff.
      github: { ...github, displayName: 'GitHub' },
      staff: oidcProvider({ ...oidc, displayName: 'Staff login', emailDomains: ['example.com'] }),
    },
  }),
)
app.get('/{*path}', (req, res) => {
  res.send(personPage(req))
})

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', (error) => {
  if (error) throw error
  console.log(`http://localhost:${(server.address() as AddressInfo).port}`)
})
