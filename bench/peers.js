// The same job with other packages: a login at the provider, a session, and the user for the app.
// Each is configured as its documentation shows, with what a request needs and nothing else.
import { randomBytes } from 'node:crypto'

const secret = 'a secret of thirty-two characters or more'
const client = { id: 'bench', secret: 'bench secret' }

/** A session in memory, as express-session has it by default. */
async function sessions() {
  const { default: session } = await import('express-session')
  return session({ secret, resave: false, saveUninitialized: false })
}

export const peers = {
  async 'express-openid-connect'(app, issuer, baseURL) {
    const { default: openid } = await import('express-openid-connect')
    const { default: session } = await import('express-session')
    app.use(
      openid.auth({
        issuerBaseURL: issuer,
        baseURL,
        clientID: client.id,
        clientSecret: client.secret,
        secret,
        authorizationParams: { response_type: 'code', scope: 'openid profile email' },
        session: { store: new session.MemoryStore() },
      }),
    )
  },

  async passport(app, issuer, baseURL) {
    const { default: passport } = await import('passport')
    const { Strategy } = await import('passport-openidconnect')
    const strategy = new Strategy(
      {
        issuer,
        authorizationURL: `${issuer}/authorize`,
        tokenURL: `${issuer}/token`,
        userInfoURL: `${issuer}/userinfo`,
        clientID: client.id,
        clientSecret: client.secret,
        callbackURL: `${baseURL}/callback`,
        scope: 'profile email',
      },
      (_issuer, profile, done) => done(null, profile),
    )
    passport.use('bench', strategy)
    passport.serializeUser((user, done) => done(null, user))
    passport.deserializeUser((user, done) => done(null, user))
    app.use(await sessions(), passport.session())
    app.get('/callback', passport.authenticate('bench'), (_req, res) => res.redirect('/'))
    const signIn = passport.authenticate('bench')
    app.use((req, res, next) => (req.isAuthenticated() ? next() : signIn(req, res, next)))
  },

  async grant(app, issuer, baseURL) {
    const { default: grant } = await import('grant')
    app.use(await sessions())
    app.use(
      grant.express({
        defaults: { origin: baseURL, transport: 'session', state: true, nonce: true, pkce: true },
        bench: {
          oauth: 2,
          authorize_url: `${issuer}/authorize`,
          access_url: `${issuer}/token`,
          profile_url: `${issuer}/userinfo`,
          key: client.id,
          secret: client.secret,
          scope: ['openid', 'profile', 'email'],
          callback: '/',
          response: ['tokens', 'profile'],
        },
      }),
    )
    app.use((req, res, next) => {
      const { response } = req.session.grant ?? {}
      if (response?.profile === undefined) return res.redirect('/connect/bench')
      req.user = response.profile
      next()
    })
  },

  async '@auth/express'(app, issuer) {
    const { ExpressAuth, getSession } = await import('@auth/express')
    const provider = {
      id: 'bench',
      name: 'Bench',
      type: 'oidc',
      issuer,
      clientId: client.id,
      clientSecret: client.secret,
    }
    const config = { providers: [provider], secret, trustHost: true }
    app.use('/auth', ExpressAuth(config))
    app.use(async (req, res, next) => {
      const session = await getSession(req, config)
      if (session === null) return res.redirect('/auth/signin')
      req.user = session.user
      next()
    })
  },

  async 'better-auth'(app, issuer, baseURL) {
    const { betterAuth } = await import('better-auth')
    const { memoryAdapter } = await import('better-auth/adapters/memory')
    const { genericOAuth } = await import('better-auth/plugins')
    const { fromNodeHeaders, toNodeHandler } = await import('better-auth/node')
    const auth = betterAuth({
      baseURL,
      secret,
      database: memoryAdapter({ user: [], session: [], account: [], verification: [] }),
      rateLimit: { enabled: false },
      plugins: [
        genericOAuth({
          config: [
            {
              providerId: 'bench',
              discoveryUrl: `${issuer}/.well-known/openid-configuration`,
              clientId: client.id,
              clientSecret: client.secret,
              scopes: ['openid', 'profile', 'email'],
              pkce: true,
            },
          ],
        }),
      ],
    })
    app.all('/api/auth/{*path}', toNodeHandler(auth))
    app.use(async (req, res, next) => {
      const session = await auth.api.getSession({ headers: fromNodeHeaders(req.headers) })
      if (session === null) return res.status(401).end()
      req.user = session.user
      next()
    })
  },

  async 'iron-session'(app, issuer, baseURL) {
    const { getIronSession } = await import('iron-session')
    const openid = await import('openid-client')
    const configuration = await openid.discovery(
      new URL(issuer),
      client.id,
      client.secret,
      undefined,
      { execute: [openid.allowInsecureRequests] },
    )
    const open = (req, res) =>
      getIronSession(req, res, {
        password: secret,
        cookieName: 'session',
        cookieOptions: { secure: false },
      })
    app.get('/callback', async (req, res) => {
      const session = await open(req, res)
      const { state, nonce, verifier } = session
      const tokens = await openid.authorizationCodeGrant(
        configuration,
        new URL(req.originalUrl, baseURL),
        { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier },
      )
      const { sub, name, email } = tokens.claims()
      for (const name of Object.keys(session)) delete session[name]
      session.user = { sub, name, email }
      await session.save()
      res.redirect('/')
    })
    app.use(async (req, res, next) => {
      const session = await open(req, res)
      if (session.user !== undefined) {
        req.user = session.user
        return next()
      }
      session.state = openid.randomState()
      session.nonce = randomBytes(16).toString('hex')
      session.verifier = openid.randomPKCECodeVerifier()
      await session.save()
      const url = openid.buildAuthorizationUrl(configuration, {
        redirect_uri: `${baseURL}/callback`,
        scope: 'openid profile email',
        state: session.state,
        nonce: session.nonce,
        code_challenge: await openid.calculatePKCECodeChallenge(session.verifier),
        code_challenge_method: 'S256',
      })
      res.redirect(url.href)
    })
  },
}
