// What Redis and the provider see of 100,000 requests per second of signed-in users, across eight processes. A
// simulation of a part of the users, scaled up, next to formulas that anyone can check on paper.
// The rules are those of the code: one read per request unless a near cache has the row, activity once a minute,
// one check per session and interval, and every write removes the row from all near caches.

const REQUESTS_PER_SECOND = 100_000
const PROCESSES = 8
const NEAR_CACHE_ROWS = 10_000
/** Seconds. */
const ACTIVITY_INTERVAL = 60
const CHECK_INTERVAL = 300
const DURATION = 1_800
/** The time until every session has been checked once does not count. */
const WARM_UP = 600
/** Requests that are really simulated. */
const EVENTS = 3_000_000
/** Commands: docs/scaling.md, measured with `npm run redis`. */
const COMMANDS = { activity: 3, check: 10 }

let state = 1
function random() {
  state = (state + 0x6d2b79f5) | 0
  let mixed = Math.imul(state ^ (state >>> 15), state | 1)
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}

/** Rows of the sessions that were read last, as `Map` keeps them in order. */
class NearCache {
  #rows = new Map()

  constructor(max) {
    this.max = max
  }

  has(session) {
    if (!this.#rows.delete(session)) return false
    this.#rows.set(session, true)
    return true
  }

  add(session) {
    this.#rows.set(session, true)
    if (this.#rows.size > this.max) this.#rows.delete(this.#rows.keys().next().value)
  }

  remove(session) {
    this.#rows.delete(session)
  }
}

function simulate(online, isCaching) {
  const part = Math.min(1, EVENTS / (REQUESTS_PER_SECOND * DURATION))
  const users = Math.max(1, Math.round(online * part))
  const rate = REQUESTS_PER_SECOND * part
  const caches = Array.from({ length: PROCESSES }, () => new NearCache(NEAR_CACHE_ROWS * part))
  const activeAt = new Float64Array(users).map(() => -random() * ACTIVITY_INTERVAL)
  const checkedAt = new Float64Array(users).map(() => -random() * CHECK_INTERVAL)
  const counts = { reads: 0, hits: 0, activity: 0, checks: 0 }
  const write = (session) => {
    for (const cache of caches) cache.remove(session)
  }
  for (let time = 0; time < DURATION;) {
    time += -Math.log(1 - random()) / rate
    const session = Math.floor(random() * users)
    const cache = caches[Math.floor(random() * PROCESSES)]
    const counted = time >= WARM_UP
    const isHit = isCaching && cache.has(session)
    if (counted) counts[isHit ? 'hits' : 'reads']++
    if (time - checkedAt[session] >= CHECK_INTERVAL) {
      checkedAt[session] = time
      activeAt[session] = time
      write(session)
      if (counted) counts.checks++
    } else if (time - activeAt[session] >= ACTIVITY_INTERVAL) {
      activeAt[session] = time
      write(session)
      if (counted) counts.activity++
    }
    if (isCaching) cache.add(session)
  }
  const perSecond = (count) => count / (DURATION - WARM_UP) / part
  return {
    reads: perSecond(counts.reads),
    hits: counts.hits / (counts.hits + counts.reads),
    activity: perSecond(counts.activity),
    checks: perSecond(counts.checks),
  }
}

/** Requests of one user are a Poisson process: after an interval, the next one comes 1 / rate later. */
function onPaper(online) {
  const rate = REQUESTS_PER_SECOND / online
  return { checks: online / (CHECK_INTERVAL + 1 / rate) }
}

const thousands = (value) => Math.round(value).toLocaleString('en-US')

console.log(
  `${thousands(REQUESTS_PER_SECOND)} requests per second, ${PROCESSES} processes, checks every ${CHECK_INTERVAL} s, ${thousands(NEAR_CACHE_ROWS)} rows in each near cache`,
)
const rows = []
for (const online of [10_000, 100_000, 1_000_000, 10_000_000])
  for (const isCaching of [false, true]) {
    const { reads, hits, activity, checks } = simulate(online, isCaching)
    const commands = reads + COMMANDS.activity * activity + COMMANDS.check * checks
    rows.push({
      'users online': thousands(online),
      'near cache': isCaching ? `${Math.round(hits * 100)} % of reads` : 'none',
      'reads/s at Redis': thousands(reads),
      'activity/s': thousands(activity),
      'checks/s': thousands(checks),
      '… on paper': thousands(onPaper(online).checks),
      'commands/s at Redis': thousands(commands),
      'memory of Redis': `${((online * 6 * 1.5) / 1e6).toFixed(1)} GB`,
    })
  }
console.table(rows)
const [head] = rows
console.log(`| ${Object.keys(head).join(' | ')} |\n|${' --- |'.repeat(Object.keys(head).length)}`)
for (const row of rows) console.log(`| ${Object.values(row).join(' | ')} |`)
