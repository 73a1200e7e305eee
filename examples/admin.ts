/**
 * Administration in front of the gate: pages at /admin for ADMIN_EMAIL (default: the persona Ada), and
 * an API at the same path, which also changes the configuration. ADMIN_TOKEN is the token of the API;
 * without it, one is created for this run, and printed with commands to try.
 */
import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { oauthModule } from 'oauth-module'
import { adminRouter } from 'oauth-module/admin'
import { personPage } from './support/page.js'
import { announce, chooseProvider, port } from './support/provider.js'

// With configVersion, the gate follows the configuration that the API keeps in the store. In a real
// app, use a store that the processes share: this one ends with the process.
const auth = oauthModule({ provider: await chooseProvider(), configVersion: 1 })
const token = process.env.ADMIN_TOKEN ?? randomBytes(32).toString('hex')
const administrator = process.env.ADMIN_EMAIL ?? 'ada@example.com'

const app = express()
// In front of the gate: the pages run it themselves, and the API checks its own tokens.
app.use(
  '/admin',
  adminRouter(
    { 'main/app': auth },
    {
      tokens: { operator: token },
      pages: { gate: auth, rules: { emailAddresses: [administrator] } },
    },
  ),
)
app.use(auth)
app.get('/{*path}', (req, res) => {
  res.send(personPage(req))
})

const server = app.listen(port, '127.0.0.1', (error) => {
  if (error) throw error
  const { port } = server.address() as AddressInfo
  announce(port)
  console.log(`Sign in as ${administrator}, then open http://localhost:${port}/admin`)
  if (process.env.ADMIN_TOKEN !== undefined) return
  const api = `http://localhost:${port}/admin`
  const curl = `curl -H "Authorization: Bearer ${token}"`
  console.log(`The same by the API: ${curl} ${api}/app/sessions`)
  console.log('End a session: the same with -X DELETE and the "uri" of a session')
  const route = `${api}/edges/https/main/routes/app/oauth`
  console.log(`Read the configuration: ${curl} ${route}`)
  // A PUT replaces all of it. Providers that code has created stay, so the others are enough.
  const provider = process.env.OAUTH_MODULE_GITHUB_CLIENT_ID ? { github: {} } : {}
  const body = JSON.stringify({ module: { provider, maximum_duration: 28_800 } })
  const change = `-X PUT -H "Content-Type: application/json" -d '${body}'`
  console.log(`End sessions after 8 hours: ${curl} ${change} ${route}`)
})
