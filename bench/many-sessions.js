// Measures whether the number of sessions matters: CPU of a signed-in request with 1,000 and with 1,000,000 sessions, in memory
// and in Redis, and what a process sends to a full Redis until it has answered its first request.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { load, login } from './client.js'
import { startProvider } from './provider.js'
import { startRedis } from './redis-server.js'

const few = 1000
const many = Number(process.env.SESSIONS ?? 1_000_000)
const rounds = Number(process.env.ROUNDS ?? 9)
const count = Number(process.env.REQUESTS ?? 4000)

const { port, redis } = await startRedis()
const provider = await startProvider()

const memory = await start('memory')
await memory.ask({ copies: few })
const stored = await start('node-redis')
await copyRows(0, few)
const before = await measure([memory, stored])
const startsBefore = await starts()
await memory.ask({ copies: many })
await copyRows(few, many)
const after = await measure([memory, stored])
const startsAfter = await starts()

const names = [few, many].map((number) => `${number.toLocaleString('en-US')} sessions`)
console.log(`Node ${process.version}; ${rounds} rounds of ${count} signed-in requests, µs of CPU`)
console.table({
  memory: { [names[0]]: before[0], [names[1]]: after[0] },
  'redisStore, node-redis': { [names[0]]: before[1], [names[1]]: after[1] },
  'start to the first response, ms': { [names[0]]: startsBefore.ms, [names[1]]: startsAfter.ms },
  'commands sent to Redis for that': {
    [names[0]]: startsBefore.commands,
    [names[1]]: startsAfter.commands,
  },
})
console.log(`keys in Redis: ${await redis.dbSize()}`)
process.exit()

async function start(name) {
  const child = fork(
    new URL('redis-app.js', import.meta.url),
    [name, provider.issuer, String(port)],
    { env: { ...process.env, NODE_ENV: 'production' }, execArgv: ['--max-old-space-size=12000'] },
  )
  const ask = async (message) => (child.send(message), (await once(child, 'message'))[0])
  const [{ port: at }] = await once(child, 'message')
  const cookie = await login(`http://localhost:${at}/`)
  return { child, ask, at, headers: headersWith(cookie) }
}

function headersWith(cookie) {
  return { Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate', Cookie: cookie }
}

/** Rows like that of a session that exists, each of another user, with their entry in the list of all sessions. */
async function copyRows(from, to) {
  const [key] = (await redis.keys('oauth-module:row:*')).filter(
    (one) => !/row:(?:user|active)-/.test(one),
  )
  const script = `
    local row = redis.call('GET', KEYS[1])
    for index = ARGV[1], ARGV[2] do
      redis.call('SET', KEYS[1] .. index, row, 'PX', 86400000)
      redis.call('ZADD', 'oauth-module:copies', index, index)
    end`
  for (let first = from; first < to; first += 50_000)
    await redis.eval(script, {
      keys: [key],
      arguments: [String(first), String(Math.min(first + 50_000, to) - 1)],
    })
}

/** Medians of the apps, whose rounds alternate. */
async function measure(apps) {
  const samples = apps.map(() => [])
  for (let round = -4; round < rounds; round++)
    for (const [index, { ask, at, headers }] of apps.entries()) {
      const used = await cpu(ask)
      await load({ port: at, headers, status: 200, count })
      if (round >= 0) samples[index].push(((await cpu(ask)) - used) / count)
    }
  return samples.map((found) => found.toSorted((a, b) => a - b)[found.length >> 1].toFixed(1))
}

async function cpu(ask) {
  const { user, system } = await ask('cpu')
  return user + system
}

/** A new process with the session of another one: until its first response to a user. */
async function starts() {
  await redis.configResetStat()
  const from = performance.now()
  const child = fork(
    new URL('redis-app.js', import.meta.url),
    ['node-redis', provider.issuer, String(port)],
    { env: { ...process.env, NODE_ENV: 'production' } },
  )
  const [{ port: at }] = await once(child, 'message')
  await load({ port: at, headers: stored.headers, status: 200, count: 1, connections: 1 })
  const ms = (performance.now() - from).toFixed(0)
  const info = await redis.info('commandstats')
  child.disconnect()
  const ours = [...info.matchAll(/cmdstat_([\w|]+):calls=(\d+)/g)]
    .filter(([, name]) => !/^(?:info|config\|resetstat)$/.test(name))
    .map(([, name, calls]) => `${name} ${calls}`)
  return { ms, commands: ours.sort().join(', ') }
}
