/**
 * The main use: one line in front of an Express app.
 *
 * Without a client ID, users log in at the development provider, which this example starts. With
 * OAUTH_MODULE_GITHUB_CLIENT_ID and OAUTH_MODULE_GITHUB_CLIENT_SECRET in the environment, they log
 * in at GitHub; the same applies to every other built-in provider. PROVIDERS=all simulates all
 * eight vendors on this machine.
 */
import type { AddressInfo } from 'node:net'
import express from 'express'
import { type OAuthModuleOptions, oauthModule, oidcProvider } from 'oauth-module'
import { devProvider, startVendor, vendorNames } from 'oauth-module/dev'
import { personPage } from './support/page.js'

const port = Number(process.env.PORT ?? 3000)
const { provider, about } = await chooseProvider()

const app = express()
app.use(
  oauthModule({
    provider,
    secret: process.env.OAUTH_MODULE_SECRET ?? 'good enough for trying it out on this machine',
    inactivityTimeout: 3600,
    maximumDuration: 86_400,
    authCheckInterval: 300,
  }),
)
app.get('/{*path}', (req, res) => {
  res.send(personPage(req))
})

const server = app.listen(port, '127.0.0.1', (error) => {
  if (error) throw error
  const { port: actual } = server.address() as AddressInfo
  console.log(`
  An app behind oauth-module:  http://localhost:${actual}

  ${about(actual)}
  Try a deep link, too:        http://localhost:${actual}/reports/2026?tab=costs
`)
})

async function chooseProvider(): Promise<{
  provider: OAuthModuleOptions['provider']
  about: (port: number) => string
}> {
  const builtins = vendorNames.filter((name) => name !== 'oidc' && name !== 'oauth2')
  if (process.env.PROVIDERS === 'all')
    return {
      provider: await simulateAll(builtins),
      about: () =>
        'All eight providers are simulated on this machine: choose one, then who you are.',
    }
  const configured = builtins.filter(
    (name) => process.env[`OAUTH_MODULE_${name.toUpperCase()}_CLIENT_ID`],
  )
  if (configured.length > 0)
    return {
      provider: Object.fromEntries(configured.map((name) => [name, {}])),
      about: (actual) => callbacks(configured, actual),
    }
  const { issuer, clientId, clientSecret } = await devProvider()
  return {
    provider: {
      dev: oidcProvider({
        issuer,
        clientId,
        clientSecret,
        displayName: 'the development provider',
        emailDomains: ['example.com'],
      }),
    },
    about: () =>
      'Open it and choose who you are. Only verified addresses at example.com may pass:\n  Mallory may not, and the page that explains this lets you use another account.',
  }
}

/** The first provider listed keeps the plain redirect URI. */
function callbacks(names: readonly string[], actual: number): string {
  const lines = names.map(
    (name, index) =>
      `    ${name}: http://localhost:${actual}/auth/callback${index === 0 ? '' : `/${name}`}`,
  )
  return `The callback address to register at each provider:\n${lines.join('\n')}\n`
}

async function simulateAll(
  names: readonly (typeof vendorNames)[number][],
): Promise<OAuthModuleOptions['provider']> {
  const users = [
    {
      id: '1815',
      name: 'Ada Lovelace',
      username: 'ada',
      email: 'ada@example.com',
      emailVerified: true,
    },
    {
      id: '1906',
      name: 'Grace Hopper',
      username: 'grace',
      email: 'grace@example.com',
      emailVerified: true,
    },
  ]
  const vendors = await Promise.all(names.map((name) => startVendor(name, { users })))
  return Object.fromEntries(vendors.map(({ vendor, options }) => [vendor, options]))
}
