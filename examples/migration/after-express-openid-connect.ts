/** The app of before-express-openid-connect.ts with oauth-module: the same URLs. */
import express from 'express'
import { oauthModule, oidcProvider } from 'oauth-module'
import { listen } from './support/listen.js'
import { startOidc } from './support/vendors.js'

const { issuer, clientId, clientSecret } = await startOidc()

const app = express()
const origin = await listen(app)

const auth = oauthModule({
  provider: { oidc: oidcProvider({ issuer, clientId, clientSecret, scopes: ['groups'] }) },
  baseUrl: origin,
  secret: 'a secret of this example, at least 32 characters',
  // Registered at the provider, and therefore unchanged.
  callbackPath: '/callback',
  // authRequired: false
  unauthenticated: 'pass',
  logout: { returnTo: '/' },
})
app.use(auth)

app.get('/login', (req, res) => {
  res.redirect(req.oauth.loginUrl({ returnTo: '/' }))
})
app.get('/logout', (req, res) => {
  res.redirect(req.oauth.logoutUrl())
})

app.get('/', (req, res) => {
  res.type('text').send(req.oauth.isAuthenticated ? 'signed in' : 'not signed in')
})
app.get('/profile', auth.requireAuth(), (req, res) => {
  const { sub, name, email } = req.oauth.user?.claims ?? {}
  res.json({ sub, name, email })
})
app.get('/staff', auth.requireAuth({ groups: ['staff'] }), (_req, res) => {
  res.type('text').send('staff only')
})

console.log(origin)
