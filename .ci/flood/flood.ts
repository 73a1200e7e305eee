import { randomBytes } from 'node:crypto'
import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { startVendor } from '../../src/dev/vendors/index.js'
import { memoryStore, oauthModule, oidcProvider, type SessionStore } from '../../src/index.js'

const TOTAL = Number(process.env['FLOOD_TOTAL'] ?? 100_000)
const CONNECTIONS = 50
const MEBIBYTE = 1024 * 1024

let writes = 0
let reads = 0
const memory = memoryStore()
const store: SessionStore = {
  ...memory,
  get: (key) => (reads++, memory.get(key)),
  set: (key, record, ttl) => (writes++, memory.set(key, record, ttl)),
}
const vendor = await startVendor('oidc')
const { issuer, clientId, clientSecret } = vendor.options as {
  issuer: string
  clientId: string
  clientSecret: string
}
const gate = oauthModule({
  provider: { acme: oidcProvider({ issuer, clientId, clientSecret }) },
  secret: randomBytes(32).toString('hex'),
  store,
  logger: { debug() {}, info() {}, warn() {}, error() {} },
})
const server = createServer((req, res) => gate(req, res, () => res.end('let in')))
await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
const { port } = server.address() as AddressInfo
const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })

const id = () => randomBytes(32).toString('base64url')
let states: string[] = []
let wellFormed = 0

/** What such visitors send; the counter spreads them evenly. */
function visitor(count: number): { path: string; headers: Record<string, string> } {
  switch (count % 8) {
    case 0:
      return { path: `/page/${count}`, headers: {} }
    case 1:
      wellFormed++
      return { path: '/', headers: { cookie: `ngrok.session=${id()}` } }
    case 2:
      return { path: '/', headers: { cookie: `x=${'A'.repeat(8000)}` } }
    case 3:
      return { path: '/auth/authn', headers: {} }
    case 4:
      return { path: `/auth/callback?code=${id()}&state=${id()}`, headers: {} }
    case 5:
      return {
        path: `/auth/callback?code=${id()}&state=${states[count % states.length] ?? ''}`,
        headers: { cookie: `ngrok.nonce.00000000=${id()}` },
      }
    case 6:
      return { path: '/api', headers: { accept: 'application/json', 'sec-fetch-mode': 'cors' } }
    default:
      return { path: `/auth/${count}`, headers: {} }
  }
}

const statuses = new Map<number, number>()

function send({ path, headers }: ReturnType<typeof visitor>): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    request(
      { host: '127.0.0.1', port, path, agent, headers: { host: `localhost:${port}`, ...headers } },
      (res) => {
        const status = res.statusCode ?? 0
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        res.resume()
        res.on('end', () => resolve(res.headers.location))
      },
    )
      .on('error', reject)
      .end()
  })
}

async function flood(total: number): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < total) {
      const count = next++
      const location = await send(visitor(count))
      const state = location?.startsWith('http')
        ? new URL(location).searchParams.get('state')
        : null
      if (state !== null) states = [state, ...states.slice(0, 15)]
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, worker))
}

async function heap(): Promise<number> {
  for (let round = 0; round < 4; round++) {
    globalThis.gc?.()
    await new Promise((resolve) => void setTimeout(resolve, 50))
  }
  return process.memoryUsage().heapUsed / MEBIBYTE
}

// Caches of Node and the compiled code are there before anything is compared.
await flood(10_000)
vendor.requests.length = 0
const [before, readsBefore, wellFormedBefore] = [await heap(), reads, wellFormed]
const delay = monitorEventLoopDelay({ resolution: 5 })
delay.enable()
await flood(TOTAL)
delay.disable()
const growth = (await heap()) - before

const problems: string[] = []
const check = (isGood: boolean, problem: string) => void (isGood || problems.push(problem))
check(globalThis.gc !== undefined, 'run with --expose-gc')
check(writes === 0, `${writes} writes to the store`)
check(
  reads - readsBefore <= wellFormed - wellFormedBefore,
  `${reads - readsBefore} reads of the store for ${wellFormed - wellFormedBefore} well-formed ids`,
)
check(growth < 16, `the heap grew by ${growth.toFixed(1)} MiB`)
check(
  [...statuses.keys()].every((status) => status < 500 && status !== 200),
  `statuses ${JSON.stringify([...statuses])}`,
)
check(vendor.requests.length === 0, `${vendor.requests.length} requests to the provider`)

console.log(
  `${TOTAL} requests: ${[...statuses].map(([status, count]) => `${count} × ${status}`).join(', ')}; heap ${growth >= 0 ? '+' : ''}${growth.toFixed(1)} MiB; ` +
    `${writes} writes, ${reads} reads; event loop p99 ${(delay.percentile(99) / 1e6).toFixed(0)} ms (visitors and gate in one process)`,
)
for (const problem of problems) console.error(problem)
server.close()
server.closeAllConnections()
agent.destroy()
await vendor.close()
await gate.close()
process.exit(problems.length === 0 ? 0 : 1)
