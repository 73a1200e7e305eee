/** An app with passport, passport-github2 and express-session: see docs/migrate-from-passport.md */
import express, { type RequestHandler } from 'express'
import session from 'express-session'
import passport from 'passport'
import { type Profile, Strategy as GitHubStrategy } from 'passport-github2'
import { type AppAccount, findAccount, findOrCreateAccount } from './support/accounts.js'
import { listen } from './support/listen.js'
import { startGithub } from './support/vendors.js'

const github = await startGithub()

passport.use(
  new GitHubStrategy(
    {
      clientID: github.clientId,
      clientSecret: github.clientSecret,
      authorizationURL: github.authorization,
      tokenURL: github.token,
      userProfileURL: `${github.api}/user`,
      userEmailURL: `${github.api}/user/emails`,
      callbackURL: '/auth/github/callback',
      scope: ['user:email'],
    },
    (
      _accessToken: string,
      _refreshToken: string,
      profile: Profile,
      done: (error: unknown, account?: AppAccount) => void,
    ) => {
      findOrCreateAccount(profile.id, profile.username ?? '').then(
        (account) => done(null, account),
        (error: unknown) => done(error),
      )
    },
  ),
)
passport.serializeUser((account, done) => done(null, (account as AppAccount).id))
passport.deserializeUser((id: number, done) => {
  findAccount(id).then(
    (account) => done(null, account),
    (error: unknown) => done(error),
  )
})

const ensureAuthenticated: RequestHandler = (req, res, next) => {
  if (req.isAuthenticated()) return next()
  res.redirect('/auth/github')
}

const app = express()
app.use(session({ secret: 'a secret of this example', resave: false, saveUninitialized: false }))
app.use(passport.session())

app.get('/auth/github', passport.authenticate('github'))
app.get(
  '/auth/github/callback',
  passport.authenticate('github', { failureRedirect: '/' }),
  (_req, res) => {
    res.redirect('/account')
  },
)
app.get('/logout', (req, res, next) => {
  req.logout((error) => (error ? next(error) : res.redirect('/')))
})

app.get('/', (req, res) => {
  res.type('text').send(req.isAuthenticated() ? 'signed in' : 'not signed in')
})
app.get('/account', ensureAuthenticated, (req, res) => {
  const { id, login, roles } = req.user as AppAccount
  res.json({ id, login, roles })
})

console.log(await listen(app))
