// One contender in a separate process: an app on node:http behind the gate, for which https ends at a proxy.
import { createServer } from 'node:http'

const [, , contender, issuer] = process.argv
const { memoryStore, oauthModule, oidcProvider } = await import('../dist/index.js')
const logger = { debug() {}, info() {}, warn() {}, error: console.error }
const auth = oauthModule({
  provider: { acme: oidcProvider({ issuer, clientId: 'bench', clientSecret: 'bench secret' }) },
  secret: 'a secret of thirty-two characters or more',
  logger,
  store: memoryStore(),
  baseUrl: 'https://app.example.com',
  inactivityTimeout: 3600,
  maximumDuration: 86_400,
  authCheckInterval: 300,
  deviceBound: contender !== 'off',
})
if (contender === 'moves') auth.on('moved', () => {})
const server = createServer((req, res) => auth(req, res, () => res.end('hello')))
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))

process.on('message', () => process.send({ cpu: process.cpuUsage() }))
process.on('disconnect', () => process.exit())
