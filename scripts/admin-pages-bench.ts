// Measures the CPU time of the admin pages with 10,000 users and sessions: `npx tsx scripts/admin-pages-bench.ts [USERS]`.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { adminRouter } from '../src/admin/index.js'
import { memoryStore, oauthModule, oidcProvider } from '../src/index.js'
import { signIn } from '../src/testing/index.js'

process.env['NODE_ENV'] = 'test'

const count = Number(process.argv[2] ?? 10_000)
const runs = 15
const store = memoryStore({ maxEntries: count * 4, maxBytes: 2 ** 30 })
const auth = oauthModule({
  provider: {
    idp: oidcProvider({ issuer: 'http://127.0.0.1:9', clientId: 'a', clientSecret: 'b' }),
  },
  secret: 'a secret of thirty-two characters or more',
  store,
  id: 'app',
  logger: { debug() {}, info() {}, warn() {}, error: console.error },
})
const app = express()
app.use(
  '/admin',
  adminRouter(
    { 'main/app': auth },
    { tokens: { deploy: 't'.repeat(32) }, pages: { gate: auth, rules: { authorize: () => true } } },
  ),
)
app.use(auth)
const server = createServer(app).listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))
const origin = `http://localhost:${(server.address() as AddressInfo).port}`

for (let index = 0; index < count; index++)
  await signIn(origin, auth, {
    id: `u${index}`,
    name: `Person Number ${index}`,
    username: `person-${index}`,
    email: `person.${index}@acme.example`,
  })
const { cookie } = await signIn(origin, auth, { id: 'admin', email: 'admin@acme.example' })
const headers = { cookie, accept: 'text/html' }
const read = async (path: string) => (await fetch(origin + path, { headers })).text()
for (let index = 0; index < count / 10; index++) {
  await auth.users.block(`idp:blocked-${index}`)
  // Lets the connections of `fetch` notice that they were closed.
  await new Promise(setImmediate)
}
const list = await read('/admin/users')
const [, next = ''] = /href="(\/admin\/users\?before=[^"]+)"/.exec(list) ?? []
const [, user = ''] = /href="(\/admin\/users\/usr_[\w-]+)"/.exec(list) ?? []

/** The median of the CPU time of this process, which is also the client. */
async function cpuOf(path: string): Promise<number> {
  const times: number[] = []
  for (let run = 0; run < runs; run++) {
    const before = process.cpuUsage()
    await read(path)
    const { user, system } = process.cpuUsage(before)
    times.push((user + system) / 1000)
  }
  return times.sort((a, b) => a - b)[Math.floor(runs / 2)] ?? 0
}

const paths = [
  '/admin/',
  '/admin/users',
  next.replaceAll('&amp;', '&'),
  '/admin/users?show=blocked',
  user,
  '/admin/sessions',
  '/admin/usage',
  '/admin/configuration',
  '/admin/audit',
]
for (const path of [...paths, '/admin/users?q=person.1%40acme.example', '/admin/users?q=idp%3Au1'])
  console.log(`${(await cpuOf(path)).toFixed(1).padStart(6)} ms  ${path.slice(0, 60)}`)
server.close()
server.closeAllConnections()
await auth.close()
