// Measures sessions in Redis: commands, CPU of the gate and of Redis per logged-in request, and
// memory per session. The stores take turns on one redis-server, which is started here.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import { load, login } from './client.js'
import { startProvider } from './provider.js'
import { startRedis } from './redis-server.js'

const rounds = Number(process.env.ROUNDS ?? 9)
const count = Number(process.env.REQUESTS ?? 4000)
const sessions = Number(process.env.SESSIONS ?? 20_000)
const stores = [
  'Express alone',
  'Express and one GET',
  'memory',
  'node-redis',
  'node-redis, clientSideCache',
  'ioredis',
  'ioredis, nearCache',
  'connect-redis',
]

const { port, redis } = await startRedis()
const provider = await startProvider()

const running = []
for (const name of stores) running.push(await start(name))
for (let round = -4; round < rounds; round++) {
  for (const one of running) {
    const [cpu, redisCpu, sent] = [await one.cpu(), await redisTime(), await commands()]
    await load({ port: one.port, headers: one.headers, status: 200, count })
    const spent = [(await one.cpu()) - cpu, (await redisTime()) - redisCpu].map(
      (time) => time / count,
    )
    // The first rounds warm up.
    if (round >= 0)
      one.samples.push({
        gate: spent[0],
        redis: spent[1],
        commands: between(sent, await commands()),
      })
  }
}
const [size, index, user] = await bytesPerSession(running.find(({ name }) => name === 'node-redis'))
for (const { child } of running) child.disconnect()
provider.close()

const memory = running.find(({ name }) => name === 'memory')
console.log(
  `Node ${process.version}, Redis ${(await redis.info('server')).match(/redis_version:(\S+)/)[1]}, ${cpus().length} × ${cpus()[0].model}; ${rounds} rounds of ${count} logged-in requests`,
)
console.table(
  Object.fromEntries(
    running.map(({ name, samples }) => {
      const gate = middle(samples.map((one) => one.gate))
      const above = middle(samples.map((one, round) => one.gate - memory.samples[round].gate))
      const spent = middle(samples.map((one) => one.redis))
      return [
        name,
        {
          'CPU of the app, µs': gate.toFixed(0),
          'above memory': above.toFixed(1),
          'requests/s per core': Math.round(1e6 / gate),
          'CPU of Redis, µs': spent.toFixed(1),
          'commands per request': text(samples.at(-1).commands, count),
        },
      ]
    }),
  ),
)
console.log(
  `A login, node-redis: ${text(running.find(({ name }) => name === 'node-redis').loginCommands, 1)}`,
)
console.log(
  `A session in Redis: ${size} bytes, of which ${index} in the indexes (${sessions} sessions, each of another user), plus ${user} bytes for the user and the month`,
)
redis.destroy()
process.exit()

async function start(name) {
  const child = fork(
    new URL('redis-app.js', import.meta.url),
    [name, provider.issuer, String(port)],
    { env: { ...process.env, NODE_ENV: 'development' } },
  )
  const ask = async (message) => (child.send(message), (await once(child, 'message'))[0])
  const [{ port: at }] = await once(child, 'message')
  const isPlain = name.startsWith('Express')
  // Discovery, keys, and scripts are cached from the first one on.
  if (!isPlain) await login(`http://localhost:${at}/`)
  const sent = await commands()
  const cookie = isPlain ? `a=${'x'.repeat(100)}` : await login(`http://localhost:${at}/`)
  const headers = { Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate', Cookie: cookie }
  const cpu = async () => {
    const { user, system } = await ask('cpu')
    return user + system
  }
  return {
    name,
    child,
    port: at,
    headers,
    cpu,
    ask,
    samples: [],
    loginCommands: between(sent, await commands()),
  }
}

/** Copies of a session from a real login, each with its index entries, are as large as logins. */
async function bytesPerSession({ ask }) {
  const memory = async () => Number((await redis.info('memory')).match(/used_memory:(\d+)/)[1])
  const base = await memory()
  await ask({ copies: sessions })
  const whole = ((await memory()) - base) / sessions
  const sizeOf = async (pattern) => redis.memoryUsage((await redis.keys(pattern))[0])
  const row = await sizeOf('oauth-module:row:copy-*')
  return [
    whole,
    whole - row,
    (await sizeOf('oauth-module:row:user-*')) + (await sizeOf('oauth-module:row:active-*')),
  ].map(Math.round)
}

/** Microseconds of CPU that Redis has used. */
async function redisTime() {
  const info = await redis.info('cpu')
  return ['user', 'sys'].reduce(
    (sum, kind) => sum + 1e6 * Number(info.match(new RegExp(`used_cpu_${kind}:([\\d.]+)`))[1]),
    0,
  )
}

/**
 * Commands that take a round trip, without those of this program; commands inside scripts are
 * included.
 */
async function commands() {
  const info = await redis.info('commandstats')
  return new Map(
    [...info.matchAll(/cmdstat_([\w|]+):calls=(\d+)/g)].map(([, name, calls]) => [
      name,
      Number(calls),
    ]),
  )
}

function between(earlier, later) {
  const ours = /^(?:get|mget|evalsha|eval)$/
  return [...later]
    .map(([name, calls]) => [name, calls - (earlier.get(name) ?? 0)])
    .filter(([name, calls]) => calls > 0 && ours.test(name))
}

function text(found, per) {
  return (
    found
      .map(([name, calls]) => `${name} ${per === 1 ? calls : (calls / per).toFixed(2)}`)
      .join(', ') || 'none'
  )
}

function middle(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}
