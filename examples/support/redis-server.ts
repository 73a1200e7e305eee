import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/** Starts a Redis without persistence that ends with this process, and returns its URL. */
export async function startRedisServer(): Promise<string> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  const child = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--save', ''],
    { stdio: 'ignore' },
  )
  child.once('error', () => {
    console.error(
      'No redis-server is in the PATH: install it (Debian: apt install redis-server), or set REDIS_URL',
    )
    process.exit(1)
  })
  process.once('exit', () => child.kill())
  return `redis://127.0.0.1:${port}`
}
