// Measures the gate alone: requests of a user who is logged in, without a network. It varies far less than
// a server, so it shows what a change of the code costs: `node --cpu-prof loop.js`.
import { createServer, IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { memoryStore, oauthModule, oidcProvider } from '../dist/index.js'
import { login } from './client.js'
import { startProvider } from './provider.js'
import { middle } from './rounds.js'

const ROUNDS = 9
const REQUESTS = 50_000

process.env.NODE_ENV = 'production'
const provider = await startProvider()
const acme = oidcProvider({
  issuer: provider.issuer,
  clientId: 'bench',
  clientSecret: 'bench secret',
  emailDomains: ['corp.example'],
})
const logger = { debug() {}, info() {}, warn() {}, error: console.error }
const secret = 'a secret of thirty-two characters or more'
const gate = oauthModule({ provider: { acme }, secret, logger, store: memoryStore() })
const server = createServer((req, res) => gate(req, res, () => res.end())).listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))
const cookie = await login(`http://localhost:${server.address().port}/`, 'gate')

const lines = ['Host', 'localhost', 'Accept', 'text/html', 'Sec-Fetch-Mode', 'navigate']
const rawHeaders = [...lines, 'Cookie', cookie]
const socket = Object.assign(new Socket(), { server })
let passed = 0

/** As the parser of Node creates them. */
function createRequest() {
  const req = new IncomingMessage(socket)
  Object.assign(req, { url: '/', method: 'GET', rawHeaders: [...rawHeaders] })
  const { headers } = req
  for (let index = 0; index < rawHeaders.length; index += 2)
    headers[rawHeaders[index].toLowerCase()] = rawHeaders[index + 1]
  return { req, res: new ServerResponse(req) }
}

function withoutGate() {
  createRequest().res.setHeader('Cache-Control', 'private')
}

function withGate() {
  const { req, res } = createRequest()
  gate(req, res, () => passed++)
}

/** Microseconds of one call. */
function time(call) {
  const start = process.hrtime.bigint()
  for (let index = 0; index < REQUESTS; index++) call()
  return Number(process.hrtime.bigint() - start) / REQUESTS / 1000
}

const samples = []
for (let round = -3; round < ROUNDS; round++) {
  const base = time(withoutGate)
  const above = time(withGate) - base
  if (round >= 0) samples.push(above)
}
if (passed !== REQUESTS * (ROUNDS + 3)) throw new Error('a request did not pass')
console.log(`Node ${process.version}: the gate takes ${middle(samples).toFixed(2)} µs per request`)
provider.close()
server.close()
await gate.close()
process.exit()
