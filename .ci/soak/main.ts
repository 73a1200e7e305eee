// Users, clients without an account, floods, and outages, for a long time, on two processes.
import { randomBytes, randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { startRedis } from '../../__tests__/support/redis.js'
import { startWire } from '../../__tests__/support/wire.js'
import { startProvider } from '../many-processes/provider.js'
import { startProxy } from '../many-processes/proxy.js'
import type { Held } from './app.js'
import { startApp } from './processes.js'
import { flood, User, visitWithoutAccount, type World } from './users.js'

const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31))
const seconds = Number(process.env['DURATION'] ?? 1800)
const userCount = Number(process.env['USERS'] ?? 1000)
/** Users who do something at the same time. */
const WORKERS = 12
/** Milliseconds. */
const PAUSE = 60
const CYCLE = 27_000
const OUTAGE = 3_000
/** After an outage: clients reconnect, and a check that failed is repeated after five seconds. */
const RECOVERY = 7_000
const FLOOD = 100
/** Milliseconds. A short run shares its processors with other checks. */
const MAX_DELAY = seconds < 600 ? 250 : 50
console.log(`SEED=${seed}: ${userCount} users for ${seconds} s`)

let state = seed >>> 0
function random(): number {
  state = (state + 0x6d2b79f5) >>> 0
  let mixed = Math.imul(state ^ (state >>> 15), state | 1)
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}

const redis = await startRedis()
const wire = await startWire(redis.port)
const provider = await startProvider(random)
const proxy = await startProxy()
const setup = {
  redisPort: wire.port,
  providerOrigin: provider.origin,
  secret: randomBytes(32).toString('hex'),
}
const apps = await Promise.all([startApp(setup), startApp(setup)])
for (const { port } of apps) proxy.targets.add(port)

const violations: string[] = []
const counts: Record<string, number> = {}
let outageUntil = Date.now()
let isPaused = false
let inFlight = 0

const world: World = {
  origin: proxy.origin,
  providerOrigin: provider.origin,
  random,
  counts,
  isOutage: () => Date.now() < outageUntil,
  sinceOutage: () => Date.now() - outageUntil,
  violation: (what) => void violations.push(what),
  revoke: (handle) => anyApp().ask({ is: 'revoke', handle }),
}
const users = Array.from({ length: userCount }, (_, index) => new User(`user-${index}`, world))

function anyApp() {
  const app = apps[Math.floor(random() * apps.length)]
  if (app === undefined) throw new Error('no process')
  return app
}

async function outage(begin: () => void, end: () => void): Promise<void> {
  outageUntil = Number.POSITIVE_INFINITY
  begin()
  await sleep(OUTAGE)
  end()
  outageUntil = Date.now() + RECOVERY
  await sleep(RECOVERY)
}

/** What happens again and again; then everything rests, and what is held is counted. */
async function cycle(): Promise<Sample> {
  const startedAt = Date.now()
  await flood(FLOOD, world)
  await outage(
    () => wire.cut(),
    () => wire.mend(),
  )
  await outage(
    () => (provider.isDown = true),
    () => (provider.isDown = false),
  )
  await sleep(Math.max(0, CYCLE - (Date.now() - startedAt)))
  const delays = await Promise.all(apps.map((app) => app.ask<number>({ is: 'delay' })))
  isPaused = true
  while (inFlight > 0) await sleep(20)
  // Background work and idle connections.
  await sleep(1_000)
  const held = await Promise.all(apps.map((app) => app.ask<Held>({ is: 'measure' })))
  const keys = Number(await redis.command('dbsize'))
  await Promise.all(apps.map((app) => app.ask({ is: 'delay' })))
  isPaused = false
  return { held, keys, delay: Math.max(...delays) }
}

interface Sample {
  readonly held: readonly Held[]
  readonly keys: number
  /** The higher 99th percentile of the two event loops, in milliseconds. */
  readonly delay: number
}

let isOver = false

async function work(act: (number: number) => Promise<void>): Promise<void> {
  for (let number = 0; !isOver; number++) {
    if (isPaused) {
      await sleep(20)
      continue
    }
    inFlight++
    await act(number).finally(() => inFlight--)
    await sleep(random() * 2 * PAUSE)
  }
}

async function actAsAnyUser(): Promise<void> {
  const user = users[Math.floor(random() * users.length)]
  if (user === undefined || user.isBusy) return
  user.isBusy = true
  await user.act().finally(() => (user.isBusy = false))
}

for (let index = 0; index < users.length; index += 20)
  await Promise.all(users.slice(index, index + 20).map((user) => user.signIn()))
console.log(`${counts['logins']} users have signed in`)

const endsAt = Date.now() + seconds * 1000
const workers = [
  ...Array.from({ length: WORKERS }, () => work(actAsAnyUser)),
  work((number) => visitWithoutAccount(number, world)),
  work((number) => visitWithoutAccount(number + 3, world)),
]
// The first cycle fills caches and connection pools.
const samples: Sample[] = [await cycle()]
while (Date.now() < endsAt || samples.length < 3) samples.push(await cycle())
isOver = true
await Promise.all(workers)

const MEBIBYTE = 1024 * 1024
const [first] = samples
const last = samples.at(-1)
const middle = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
const delay = middle(samples.map((sample) => sample.delay))
const check = (isGood: boolean, problem: string) => void (isGood || violations.push(problem))
if (first === undefined || last === undefined) throw new Error('no sample')
for (const [index, before] of first.held.entries()) {
  const after = last.held[index] ?? before
  const growth = (after.heap - before.heap) / MEBIBYTE
  console.log(
    `process ${index + 1}: heap ${(before.heap / MEBIBYTE).toFixed(1)} → ${(after.heap / MEBIBYTE).toFixed(1)} MiB, sockets ${before.sockets} → ${after.sockets}, timers ${before.timers} → ${after.timers}`,
  )
  check(growth < 8 + seconds / 300, `the heap grew by ${growth.toFixed(1)} MiB`)
  check(after.sockets <= before.sockets + 5, 'sockets have not been closed')
  check(after.timers <= before.timers + 5, 'timers have not ended')
}
console.log(`keys in Redis: ${samples.map(({ keys }) => keys).join(', ')}`)
console.log(
  `event loop delay, p99 of each cycle: ${samples.map((one) => one.delay.toFixed(0)).join(', ')} ms`,
)
check(last.keys <= first.keys * 1.2, `Redis has ${last.keys} keys after ${first.keys}`)
check(delay < MAX_DELAY, `the median p99 of the event loop delay is ${delay.toFixed(0)} ms`)
check((counts['requests'] ?? 0) > seconds, 'users hardly did anything')
const lost = counts['requests of lost sessions'] ?? 0
const reused = [...provider.families.values()].filter((family) => family.reusedAt !== undefined)
console.log(`refresh tokens that an outage has cost: ${reused.length}`)
check(lost === 0 || reused.length > 0, 'sessions were lost, though no refresh token was')
check(lost <= (counts['requests'] ?? 0) / 100, `${lost} requests found that their session was lost`)
check(provider.refreshes > 0, 'no token was refreshed')

console.log(
  `${Object.entries(counts)
    .map(([what, count]) => `${what}: ${count}`)
    .join('; ')}; refreshes: ${provider.refreshes}`,
)
for (const violation of violations.slice(0, 30)) console.error(violation)
console.log(`${violations.length} violations`)
await Promise.all(apps.map((app) => app.end()))
await Promise.all([provider.close(), proxy.close(), wire.close()])
await redis.close()
process.exit(violations.length === 0 ? 0 : 1)
