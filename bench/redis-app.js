// An app behind the gate with one of the stores, in a separate process. Its parent requests its CPU
// usage, or more sessions.
import { RedisStore } from 'connect-redis'
import express from 'express'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { memoryStore, oauthModule, oidcProvider } from '../dist/index.js'
import { redisStore } from '../dist/redis.js'

const [, , name, issuer, port] = process.argv
const url = `redis://127.0.0.1:${port}`

async function nodeRedis(options) {
  const client = createClient({ url, RESP: 3, ...options })
  client.on('error', console.error)
  await client.connect()
  return client
}

const open = {
  // As many as bench/many-sessions.js keeps.
  memory: () => memoryStore({ maxEntries: 2_000_000, maxBytes: 16e9 }),
  'node-redis': async () => redisStore(await nodeRedis()),
  'node-redis, clientSideCache': async () =>
    redisStore(
      await nodeRedis({ clientSideCache: { ttl: 0, maxEntries: 10_000, evictPolicy: 'LRU' } }),
    ),
  ioredis: () => redisStore(new Redis(url)),
  'ioredis, nearCache': () => redisStore(new Redis(url), { nearCache: true }),
  'connect-redis': async () => new RedisStore({ client: await nodeRedis() }),
}

/** What Express and a GET cost without a gate: a row as long as that of a session, one round trip. */
const plain = {
  'Express alone': async () => (req, res, next) => next(),
  'Express and one GET': async () => {
    const client = await nodeRedis({ commandOptions: { timeout: undefined } })
    await client.set('row', 'x'.repeat(2500))
    return (req, res, next) => client.get('row').then(() => next(), next)
  },
}

const store = await open[name]?.()
const acme = oidcProvider({
  issuer,
  clientId: 'bench',
  clientSecret: 'bench secret',
  emailDomains: ['corp.example'],
})
const logger = { debug() {}, info() {}, warn() {}, error: console.error }
const app = express()
app.use(
  (await plain[name]?.()) ??
    oauthModule({
      provider: { acme },
      secret: 'a secret of thirty-two characters or more',
      logger,
      store,
      inactivityTimeout: 3600,
      maximumDuration: 86_400,
      authCheckInterval: 300,
    }),
)
app.get('/', (req, res) => res.end('hello'))
const server = app.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))

async function copy(count) {
  const {
    entries: [[key]],
  } = await store.entries({ kind: 'session', limit: 1 })
  const record = await store.get(key)
  for (let from = 0; from < count; from += 500) {
    await Promise.all(
      Array.from({ length: Math.min(500, count - from) }, (_, index) =>
        // Each of another user, with a key as long as a real one.
        store.set(
          `copy-${String(from + index).padStart(38, '0')}`,
          { ...record, group: `acme:user-${from + index}` },
          86_400_000,
        ),
      ),
    )
  }
}

process.on('message', async (message) => {
  if (message.copies) process.send((await copy(message.copies)) ?? {})
  else process.send(process.cpuUsage())
})
process.on('disconnect', () => process.exit())
