// One contender in a separate process. Its parent requests its CPU usage.
import { createServer } from 'node:http'
import express from 'express'
import { peers } from './peers.js'

const [, , contender, issuer] = process.argv
const isPlain = contender.endsWith('http')
const app = isPlain ? undefined : express()
const answer = (req, res) => res.end('hello')
const secret = 'a secret of thirty-two characters or more'
let handle = app ?? answer
const server = createServer((req, res) => handle(req, res)).listen(0, '127.0.0.1', async () => {
  const { port } = server.address()
  await mount[contender](app, issuer, `http://localhost:${port}`)
  app?.get('/', answer)
  process.send({ port })
})

const mount = {
  ...peers,
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
  async gate() {
    app.use(await createGate())
  },
  async 'gate with tokens'() {
    const issuers = [{ issuer, audience: 'bench', provider: 'acme' }]
    app.use(await createGate({ bearer: { issuers } }))
  },
  'bare http'() {},
  async 'gate on http'() {
    const gate = await createGate()
    handle = (req, res) => gate(req, res, () => answer(req, res))
  },
}

async function createGate(options) {
  const { memoryStore, oauthModule, oidcProvider } = await import('../dist/index.js')
  const acme = oidcProvider({
    issuer,
    clientId: 'bench',
    clientSecret: 'bench secret',
    emailDomains: ['corp.example'],
  })
  const logger = { debug() {}, info() {}, warn() {}, error: console.error }
  return oauthModule({
    provider: { acme },
    secret,
    logger,
    store: memoryStore(),
    inactivityTimeout: 3600,
    maximumDuration: 86_400,
    authCheckInterval: 300,
    ...options,
  })
}

process.on('message', () => {
  process.send({ cpu: process.cpuUsage() })
})
process.on('disconnect', () => process.exit())
