/** An app with express-openid-connect: see docs/migrate-from-express-openid-connect.md */
import express from 'express'
import openidConnect from 'express-openid-connect'
import { listen } from './support/listen.js'
import { startOidc } from './support/vendors.js'

const { auth, claimIncludes, requiresAuth } = openidConnect
const { issuer, clientId, clientSecret } = await startOidc()

const app = express()
const origin = await listen(app)

app.use(
  auth({
    issuerBaseURL: issuer,
    baseURL: origin,
    clientID: clientId,
    clientSecret,
    secret: 'a secret of this example, at least 32 characters',
    authRequired: false,
    authorizationParams: { response_type: 'code', scope: 'openid profile email groups' },
  }),
)

app.get('/', (req, res) => {
  res.type('text').send(req.oidc.isAuthenticated() ? 'signed in' : 'not signed in')
})
app.get('/profile', requiresAuth(), async (req, res) => {
  const { sub, name, email } = req.oidc.user ?? {}
  res.json({ sub, name, email })
})
app.get('/staff', claimIncludes('groups', 'staff'), (_req, res) => {
  res.type('text').send('staff only')
})

console.log(origin)
