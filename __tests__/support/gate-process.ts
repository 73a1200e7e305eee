import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createClient } from 'redis'
import { oauthModule, oidcProvider, type SessionStore } from '../../src/index.js'
import { redisStore } from '../../src/session/stores/redis/index.js'

/** What the parent says: where the store is, and who the provider. */
export interface GateProcessSetup {
  storeUrl: string
  provider: { issuer: string; clientId: string; clientSecret: string }
  secret: string
  authCheckInterval: number
  timeouts?: { provider: number; store: number }
}

/** A gate in a process of its own, over a store that it reaches by http. */
async function start({
  storeUrl,
  provider,
  secret,
  authCheckInterval,
  timeouts,
}: GateProcessSetup): Promise<void> {
  const store = storeUrl.startsWith('redis:') ? await redis(storeUrl) : remoteStore(storeUrl)
  const gate = oauthModule({
    provider: { oidc: oidcProvider(provider) },
    secret,
    store,
    id: 'shared',
    authCheckInterval,
    ...(timeouts && { timeouts }),
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  })
  const server = createServer((req, res) =>
    gate(req, res, (error) =>
      res
        .writeHead(error === undefined ? 200 : 500)
        .end(error instanceof Error ? error.message : req.url),
    ),
  )
  // What the first login loads must not count against a short deadline.
  await gate.ready()
  server.listen(0, '127.0.0.1', () =>
    process.send?.({ port: (server.address() as AddressInfo).port }),
  )
}

async function redis(url: string): Promise<SessionStore> {
  const client = createClient({ url })
  client.on('error', () => undefined)
  await client.connect()
  return redisStore(client)
}

function remoteStore(url: string): SessionStore {
  const call = async (method: string, ...args: unknown[]): Promise<never> => {
    const response = await fetch(url, { method: 'POST', body: JSON.stringify({ method, args }) })
    if (!response.ok) throw new Error(`the store said ${response.status}`)
    return ((await response.json()) as { result?: never }).result as never
  }
  return {
    get: (key) => call('get', key),
    set: (key, record, ttl) => call('set', key, record, ttl),
    update: (key, record, ttl) => call('update', key, record, ttl),
    delete: (key) => call('delete', key),
    async lock(key, ttl) {
      const handle: string | undefined = await call('lock', key, ttl)
      return handle === undefined ? undefined : () => call('unlock', handle)
    },
  }
}

process.once('message', (setup) => void start(setup as GateProcessSetup))
