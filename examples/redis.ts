/**
 * Two processes with sessions in one Redis: users are logged in no matter which process responds,
 * and stay logged in when one dies. REDIS_URL names the server; without it, a `redis-server` from
 * the PATH is started.
 */
import cluster from 'node:cluster'
import { redisStore } from 'oauth-module/redis'
import { createClient } from 'redis'
import { serve, startTwo } from './support/processes.js'
import { startRedisServer } from './support/redis-server.js'

if (cluster.isPrimary) {
  await startTwo({ REDIS_URL: process.env.REDIS_URL ?? (await startRedisServer()) })
} else {
  const client = createClient({ url: String(process.env.REDIS_URL) })
  client.on('error', (error: Error) => console.error(`Redis: ${error.message}`))
  await client.connect()
  serve({ store: redisStore(client) })
}
