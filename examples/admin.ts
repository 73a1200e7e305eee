/**
 * The admin API in front of the gate: lists who is signed in, and ends sessions. ADMIN_TOKEN is the
 * token; without it, one is created for this run, and printed with commands to try.
 */
import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { oauthModule } from 'oauth-module'
import { adminRouter } from 'oauth-module/admin'
import { personPage } from './support/page.js'
import { announce, chooseProvider, port } from './support/provider.js'

const auth = oauthModule({ provider: await chooseProvider() })
const token = process.env.ADMIN_TOKEN ?? randomBytes(32).toString('hex')

const app = express()
// In front of the gate: the API checks its own tokens, and never a session.
app.use('/admin-api', adminRouter({ 'main/app': auth }, { tokens: { operator: token } }))
app.use(auth)
app.get('/{*path}', (req, res) => {
  res.send(personPage(req))
})

const server = app.listen(port, '127.0.0.1', (error) => {
  if (error) throw error
  const { port } = server.address() as AddressInfo
  announce(port)
  if (process.env.ADMIN_TOKEN !== undefined) return
  const list = `curl -H "Authorization: Bearer ${token}" http://localhost:${port}/admin-api/app/sessions`
  console.log(`Sign in there, then list the sessions: ${list}`)
  console.log('End one: the same with -X DELETE and the "uri" of a session')
})
