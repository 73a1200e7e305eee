/**
 * The main job: one line in front of an Express app.
 *
 * Without a client id it logs in at the development provider, which it starts on this machine. With
 * OAUTH_MODULE_GITHUB_CLIENT_ID and OAUTH_MODULE_GITHUB_CLIENT_SECRET in the environment it logs in at GitHub.
 */
import type { AddressInfo } from 'node:net'
import express from 'express'
import { type OAuthModuleOptions, oauthModule, oidcProvider } from 'oauth-module'
import { devProvider } from 'oauth-module/dev'
import { personPage } from './support/page.js'

const port = Number(process.env.PORT ?? 3000)
const { provider, about } = await chooseProvider()

const app = express()
app.use(oauthModule({ provider, inactivityTimeout: 3600, maximumDuration: 86_400 }))
app.get('/{*path}', (req, res) => {
  res.send(personPage(req))
})

const server = app.listen(port, '127.0.0.1', () => {
  const { port: actual } = server.address() as AddressInfo
  console.log(`
  An app behind oauth-module:  http://localhost:${actual}

  ${about}
  Try a deep link, too:        http://localhost:${actual}/reports/2026?tab=costs
`)
})

async function chooseProvider(): Promise<{ provider: OAuthModuleOptions['provider']; about: string }> {
  if (process.env.OAUTH_MODULE_GITHUB_CLIENT_ID) {
    const callback = `http://localhost:${port}/auth/callback`
    return { provider: 'github', about: `Log in with GitHub. The callback address to register there: ${callback}` }
  }
  const { issuer, clientId, clientSecret } = await devProvider()
  return {
    provider: {
      dev: oidcProvider({ issuer, clientId, clientSecret, displayName: 'the development provider', emailDomains: ['example.com'] }),
    },
    about: 'Open it and choose who you are. Only verified addresses at example.com may pass:\n  Mallory may not, and the page that says so lets you use another account.',
  }
}
