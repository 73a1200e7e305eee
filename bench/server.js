// One contender in a separate process. Its parent requests its CPU usage.
import express from 'express'

const [, , contender, issuer] = process.argv
const app = express()
const answer = (req, res) => res.end('hello')
const secret = 'a secret of thirty-two characters or more'
const server = app.listen(0, '127.0.0.1', async () => {
  const { port } = server.address()
  await mount[contender](`http://localhost:${port}`)
  app.get('/', answer)
  process.send({ port })
})

const mount = {
  bare() {},
  'no-op'() {
    app.use((req, res, next) => next())
    app.get('/other', answer)
  },
  'least login'() {
    app.use((req, res, next) => {
      const { cookie } = req.headers
      req.oauth = { cookie }
      req.user = { id: cookie }
      res.setHeader('Cache-Control', 'private')
      next()
    })
  },
  gate: () => mountGate({}),
  'gate with tokens': () =>
    mountGate({ bearer: { issuers: [{ issuer, audience: 'bench', provider: 'acme' }] } }),
  async 'express-openid-connect'(baseURL) {
    const { default: openid } = await import('express-openid-connect')
    const { default: session } = await import('express-session')
    app.use(
      openid.auth({
        issuerBaseURL: issuer,
        baseURL,
        clientID: 'bench',
        clientSecret: 'bench secret',
        secret,
        authorizationParams: { response_type: 'code', scope: 'openid profile email' },
        session: { store: new session.MemoryStore() },
      }),
    )
  },
}

async function mountGate(options) {
  const { memoryStore, oauthModule, oidcProvider } = await import('../dist/index.js')
  const acme = oidcProvider({
    issuer,
    clientId: 'bench',
    clientSecret: 'bench secret',
    emailDomains: ['corp.example'],
  })
  const logger = { debug() {}, info() {}, warn: console.warn, error: console.error }
  app.use(
    oauthModule({
      provider: { acme },
      secret,
      logger,
      store: memoryStore(),
      inactivityTimeout: 3600,
      maximumDuration: 86_400,
      authCheckInterval: 300,
      ...options,
    }),
  )
}

process.on('message', () => {
  process.send({ cpu: process.cpuUsage() })
})
process.on('disconnect', () => process.exit())
