// Measures contenders, each in a separate process, in rounds that interleave them, so that other load
// on the machine affects all of them equally. The median of the rounds counts.
import { cpus } from 'node:os'
import { awake, load, login } from './client.js'

export const rounds = Number(process.env.ROUNDS ?? 15)
export const count = Number(process.env.REQUESTS ?? 10_000)
/** Processes of each contender, one after the other: V8 compiles the same code differently each time. */
export const processes = Number(process.env.PROCESSES ?? 3)

/** Requests until V8 has compiled what they need: before, everything costs several times as much. */
const WARM_UP = 20_000
/**
 * The same before each turn. A process that waits for its turn for half a minute collects garbage, and
 * V8 then drops all code compiled for objects that live as long as a request. To compile it again takes
 * ten thousand requests, which cost twice as much.
 */
const WARM_UP_OF_TURN = 10_000

/** The next message of a process, after it was sent one. */
export function ask(child, message) {
  return new Promise((resolve, reject) => {
    const fail = (code) => reject(new Error(`a contender exited with ${code}`))
    child.once('exit', fail)
    child.once('message', (reply) => {
      child.off('exit', fail)
      resolve(reply)
    })
    if (message) child.send(message)
  })
}

/** Starts a process of each contender with `forkOne`, and logs in where it says so. */
export function startAll(contenders, forkOne) {
  return Promise.all(
    contenders.map(async ({ logsIn, headers, ...contender }) => {
      const child = forkOne(contender)
      const { port } = await ask(child)
      const cookie = logsIn
        ? { Cookie: await login(`http://localhost:${port}/`, contender.server) }
        : {}
      return { ...contender, child, port, headers: { ...headers, ...cookie } }
    }),
  )
}

/** The CPU per request of each contender in each round, in processes that `start` starts several times. */
export async function measure(start) {
  const samples = []
  const turns = Math.ceil(rounds / processes)
  let running = []
  for (let round = 0; round < rounds; round++) {
    if (round % turns === 0) {
      end(running)
      running = await start()
      for (const one of running) await cpuPerRequest(one, Math.max(count, WARM_UP))
    }
    for (const [index, one] of running.entries()) {
      await cpuPerRequest(one, WARM_UP_OF_TURN)
      ;(samples[index] ??= []).push(await cpuPerRequest(one, count))
    }
  }
  end(running)
  return running.map(({ name }, index) => ({ name, samples: samples[index] }))
}

function end(running) {
  for (const { child } of running) child.disconnect()
}

async function cpuPerRequest({ child, ...contender }, count) {
  const before = (await ask(child, 'cpu')).cpu
  const sent = contender.isLogin
    ? await logIn(contender, count)
    : await load({ ...contender, count })
  const after = (await ask(child, 'cpu')).cpu
  return (after.user + after.system - before.user - before.system) / sent
}

/** Logins take a hundred times as long as requests. */
async function logIn({ port, server }, count) {
  const logins = Math.max(1, Math.round(count / 100))
  await awake(async () => {
    for (let number = 0; number < logins; number++) await login(`http://localhost:${port}/`, server)
  })
  return logins
}

/** The median. */
export function middle(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}

/** The median of a difference or a ratio, which is computed within a round. */
export function against({ samples }, base, compare) {
  return middle(samples.map((value, index) => compare(value, base.samples[index])))
}

/** Numbers for people: the median, its spread, and how it compares with another contender. */
export function summarize(one, base) {
  const sorted = one.samples.toSorted((a, b) => a - b)
  const at = (share) => round(sorted[Math.floor((sorted.length - 1) * share)])
  return {
    median: at(0.5),
    low: at(0.1),
    high: at(0.9),
    ratio: Number(against(one, base, (value, other) => value / other).toFixed(2)),
    above: round(against(one, base, (value, other) => value - other)),
  }
}

function round(value) {
  return Number(value.toFixed(1))
}

/** Prints a table; `columnsOf` returns the columns of a contender. */
export function print(what, running, columnsOf) {
  console.log(
    `Node ${process.version}, ${cpus()[0].model}, ${rounds} rounds of ${count} requests; CPU of the ${what} per request`,
  )
  console.table(
    Object.fromEntries(
      running.map((one) => [one.name, { µs: middle(one.samples).toFixed(1), ...columnsOf(one) }]),
    ),
  )
}
