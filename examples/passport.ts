/**
 * passport next to the gate: clients of the API have keys, which a strategy of passport checks,
 * and users of the pages sign in.
 */
import type { AddressInfo } from 'node:net'
import express, { type Request } from 'express'
import { oauthModule } from 'oauth-module'
import passport from 'passport'
import { announce, chooseProvider, port } from './support/provider.js'

/** In place of a database. */
const clients = new Map([['key-of-the-robot', { name: 'the robot' }]])

class ApiKeyStrategy extends passport.Strategy {
  override name = 'api-key'

  override authenticate(req: Request): void {
    const client = clients.get(req.get('x-api-key') ?? '')
    if (client === undefined) this.fail('unknown key', 401)
    else this.success(client)
  }
}
passport.use(new ApiKeyStrategy())

const app = express()
// In front of the gate: these requests have no session, and the gate would reject them.
app.get('/api/status', passport.authenticate('api-key', { session: false }), (req, res) => {
  res.json(req.user)
})

app.use(oauthModule({ provider: await chooseProvider() }))
app.get('/{*path}', (req, res) => {
  res.json({ name: req.oauth.user?.name })
})

const server = app.listen(port, '127.0.0.1', (error) => {
  if (error) throw error
  announce((server.address() as AddressInfo).port)
})
