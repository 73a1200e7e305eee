import { randomBytes, randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { startRedis } from '../../__tests__/support/redis.js'
import { startWire } from '../../__tests__/support/wire.js'
import { redisStore } from '../../src/session/stores/redis/index.js'
import { LATER, type Setup } from './app.js'
import { createFleet } from './fleet.js'
import { startProvider } from './provider.js'
import { startProxy } from './proxy.js'
import { visit, type World } from './visitor.js'

const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31))
const seconds = Number(process.env['DURATION'] ?? 70)
const visitors = Number(process.env['VISITORS'] ?? 20)
console.log(`SEED=${seed}: ${visitors} visitors for ${seconds} s`)

/** The choices of each follow from the seed; when they fall does not. */
function streamOf(name: number): () => number {
  let state = (seed ^ Math.imul(name + 1, 0x9e3779b1)) >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const redis = await startRedis()
// The latency of Redis. Processes without a cache get some responses late, so others write in
// between.
const [wire, fitfulWire] = await Promise.all([startWire(redis.port), startWire(redis.port)])
wire.slow(20)
fitfulWire.slow(10)
const fits = setInterval(() => {
  const latest = fitfulWire.strands.slice(-6)
  const strand = latest[Math.floor(Math.random() * latest.length)]
  strand?.hold()
  setTimeout(() => strand?.release(), 150)
}, 200)
const client = createClient({ socket: { host: '127.0.0.1', port: wire.port } })
await client.connect()
const store = redisStore(client)
const provider = await startProvider(streamOf(-2))
const proxy = await startProxy()
const random = streamOf(-1)
const newSecret = () => randomBytes(32).toString('hex')
let secrets = [newSecret()]
let release: Setup['release'] = 'this'
const fleet = createFleet(proxy, () => {
  const isCaching = random() < 0.4
  return {
    redisPort: (isCaching ? wire : fitfulWire).port,
    providerOrigin: provider.origin,
    secrets,
    release,
    isCaching,
  }
})

const violations: string[] = []
const counts: Record<string, number> = {}
const buried = new Set<string>()
const marked = new Set<string>()
const endsAt = Date.now() + seconds * 1000

const anyMember = () => fleet.members[Math.floor(random() * fleet.members.length)]
const insist = async (order: Parameters<typeof fleet.ask>[1]) => {
  for (;;) {
    const member = anyMember()
    if (member !== undefined && (await fleet.ask(member, order))) return
    await sleep(50)
  }
}

const world: Omit<World, 'random'> = {
  origin: proxy.origin,
  providerOrigin: provider.origin,
  counts,
  isOver: () => Date.now() > endsAt,
  violation: (what) => void violations.push(what),
  isCostOfCrash(id) {
    const family = provider.families.get(id)
    const killedAt = fleet.killedAt.get(family?.renewedBy ?? '')
    // Half a second before, so that the provider continues after the client has gone.
    return (
      family?.reusedAt !== undefined &&
      killedAt !== undefined &&
      killedAt > family.renewedAt - 500 &&
      killedAt < family.renewedAt + 2000
    )
  },
  latestFamily: (user) =>
    [...provider.families.values()].findLast((family) => family.user === user)?.id ?? '',
  hasRow: async (handle) => (await store.get(handle)) !== undefined,
  revoke: (handle) => insist({ is: 'revoke', handle }),
  deleteUser: (user) => insist({ is: 'delete', user }),
  async replaceByNewerVersion(handle) {
    // As in every release: the row is not changed while another process checks it. A row of a newer
    // version is not checked.
    const unlock = await store.lock?.(`lock-${handle}`, 5_000)
    if (unlock === undefined) return undefined
    try {
      const row = await store.get(handle)
      if (row === undefined) return undefined
      // No process writes a row of a newer version, so the row can be restored as it was.
      await store.set(handle, { ...row, v: 99 } as typeof row, 60_000)
      return () => Promise.resolve(store.set(handle, row, 60_000))
    } finally {
      await unlock()
    }
  },
  bury: (handle) => void buried.add(handle),
}

/** Fields of a later release stay in a row; ended sessions stay ended; every key expires. */
async function inspect(): Promise<void> {
  for await (const keys of client.scanIterator({ MATCH: '*:row:*' })) {
    for (const key of keys) {
      const handle = key.split(':row:')[1] ?? ''
      const [record, left] = await Promise.all([store.get(handle), client.pTTL(key)])
      if (left === -1) violations.push(`${key} has no TTL`)
      if (record === undefined) continue
      if (buried.has(handle)) violations.push(`the session ${handle} is back`)
      // Who was deleted and comes back is another.
      const row = `${handle} of ${record.createdAt}`
      if (JSON.stringify(record).includes(LATER)) marked.add(row)
      else if (marked.has(row))
        violations.push(`fields of a later release were lost from ${record.kind} ${handle}`)
    }
  }
}

const replaceAll = async () => {
  for (const member of [...fleet.members]) {
    await fleet.start()
    await fleet.end(member)
  }
}
const crash = async () => {
  const member = anyMember()
  if (member === undefined) return
  await fleet.kill(member)
  await fleet.start()
}
const step = (what: string, run: () => Promise<unknown>) => async () => {
  counts[what] = (counts[what] ?? 0) + 1
  await run()
}
const steps = [
  step('crashes', crash),
  step('secrets changed for all at once', async () => {
    secrets = [newSecret(), ...secrets].slice(0, 4)
    const count = fleet.members.length
    await Promise.all([...fleet.members].map(fleet.kill))
    for (let index = 0; index < count; index++) await fleet.start()
  }),
  step('releases rolled out', async () => {
    // Forth and back, so that this release always meets rows of a later one.
    for (const next of ['later', 'this'] as const) {
      release = next
      await replaceAll()
      await sleep(2000)
      await inspect()
    }
  }),
  step('processes added and taken away', async () => {
    await fleet.start()
    await sleep(1000)
    const members = [...fleet.members]
    await Promise.all(members.slice(0, Math.max(1, members.length - 2)).map(fleet.end))
    await fleet.start()
  }),
  // While both lists are in use each process must decrypt what the other encrypts: first all read
  // the new secret, then all use it.
  step('secrets rolled out', async () => {
    const known = secrets.slice(0, 3)
    const fresh = newSecret()
    secrets = [...known, fresh]
    await replaceAll()
    secrets = [fresh, ...known]
    await replaceAll()
  }),
  step('crashes', crash),
]

async function operate(): Promise<void> {
  for (let index = 0; !world.isOver(); index++) {
    await sleep(500 + random() * 1000)
    await steps[index % steps.length]?.()
    await inspect()
  }
}

await Promise.all([1, 2, 3].map(() => fleet.start()))
await Promise.all([
  operate(),
  ...Array.from({ length: visitors }, (_, index) =>
    visit(`user-${index}`, { ...world, random: streamOf(index) }),
  ),
])
await inspect()
await fleet.close()

const check = (isGood: boolean, problem: string) => void (isGood || violations.push(problem))
const reused = [...provider.families.values()].filter(
  ({ id, reusedAt }) => reusedAt !== undefined && !world.isCostOfCrash(id),
)
check(reused.length === 0, `${reused.length} refresh tokens were used twice, or lost`)
check(
  (counts['logins'] ?? 0) > 0 && provider.refreshes > 0,
  'nobody logged in, or no token was refreshed',
)
check(fleet.counts.killed > 0 && fleet.counts.ended > 0, 'no process was killed, or none ended')
violations.push(...fleet.badEnds)

console.log(
  `processes: ${fleet.counts.started} started, ${fleet.counts.killed} killed, ${fleet.counts.ended} ended; ${provider.refreshes} refreshes; ${marked.size} rows of a later release`,
)
console.log(
  Object.entries(counts)
    .map(([what, count]) => `${what}: ${count}`)
    .join('; '),
)
for (const violation of violations.slice(0, 30)) console.error(violation)
console.log(`${violations.length} violations`)
clearInterval(fits)
client.destroy()
await Promise.all([provider.close(), proxy.close(), wire.close(), fitfulWire.close()])
await redis.close()
process.exit(violations.length === 0 ? 0 : 1)
