/** The app of before-passport.ts with oauth-module: the same pages and the same redirect URI. */
import express from 'express'
import { oauthModule } from 'oauth-module'
import { findOrCreateAccount } from './support/accounts.js'
import { listen } from './support/listen.js'
import { startGithub } from './support/vendors.js'

const { clientId, clientSecret, ...endpoints } = await startGithub()

const auth = oauthModule({
  provider: { github: { clientId, clientSecret, endpoints } },
  // Registered at GitHub, and therefore unchanged.
  callbackPath: '/auth/github/callback',
  // The app has routes below /auth.
  basePath: '/session',
  // As with passport, each route decides.
  unauthenticated: 'pass',
  logout: { returnTo: '/' },
  async onLogin(user) {
    const { id, login, roles } = await findOrCreateAccount(user.id, user.username ?? '')
    return { id, login, roles }
  },
})

const app = express()
app.use(auth)

app.get('/auth/github', (req, res) => {
  res.redirect(req.oauth.loginUrl({ returnTo: '/account' }))
})
app.get('/logout', (req, res) => {
  res.redirect(req.oauth.logoutUrl())
})

app.get('/', (req, res) => {
  res.type('text').send(req.oauth.isAuthenticated ? 'signed in' : 'not signed in')
})
app.get('/account', auth.requireAuth(), (req, res) => {
  res.json(req.oauth.account)
})

console.log(await listen(app))
