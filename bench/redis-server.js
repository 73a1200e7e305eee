// A redis-server on a free port, which ends with this process, and a client of it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { createClient } from 'redis'

export async function startRedis() {
  const port = await freePort()
  const server = spawn('redis-server', ['--port', port, '--bind', '127.0.0.1', '--save', ''], {
    stdio: 'ignore',
  })
  process.once('exit', () => server.kill())
  const redis = createClient({ url: `redis://127.0.0.1:${port}` })
  redis.on('error', () => undefined)
  await redis.connect()
  return { port, redis }
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  return port
}
