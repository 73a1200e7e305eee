// Measures contenders, each in a separate process, in rounds that interleave them, so that other load
// on the machine affects all of them equally. The median of the rounds counts.
import { cpus } from 'node:os'
import { awake, load, login } from './client.js'

export const rounds = Number(process.env.ROUNDS ?? 15)
export const count = Number(process.env.REQUESTS ?? 3_000)
/** Processes of each contender, one after the other: V8 compiles the same code differently each time. */
export const processes = Number(process.env.PROCESSES ?? 3)

/** Requests until V8 has compiled what they need: before, everything costs several times as much. */
const WARM_UP = 30_000
/** A hundred times as many as logins. */
const WARM_UP_FOR_LOGINS = 80_000
const WARM_UP_STEP = 1_000
/** Microseconds of CPU that the warm-up takes at most. */
const WARM_UP_CPU = 5_000_000
/**
 * Microseconds of CPU that a turn takes at most. After about eight seconds without a request, a process
 * collects garbage, and V8 then drops all code that it compiled for objects of requests. To compile it
 * again takes ten thousand requests, which cost twice as much.
 */
const TURN_CPU = 250_000
/** Requests at the beginning of each turn that do not count. */
const WARM_UP_OF_TURN = 1_000

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
      for (const one of running) one.turn = await warmUp(one)
    }
    for (const [index, one] of running.entries()) {
      await spend(one, Math.min(one.turn, WARM_UP_OF_TURN))
      const { cpu, sent } = await spend(one, one.turn)
      ;(samples[index] ??= []).push(cpu / sent)
    }
  }
  end(running)
  return running.map(({ name }, index) => ({ name, samples: samples[index] }))
}

/** Returns how many requests fit a turn. */
async function warmUp(one) {
  let left = WARM_UP_CPU
  let last = 0
  const most = one.isLogin ? WARM_UP_FOR_LOGINS : WARM_UP
  for (let sent = 0; sent < most && left > 0; sent += WARM_UP_STEP) {
    last = (await spend(one, WARM_UP_STEP)).cpu
    left -= last
  }
  return Math.min(count, Math.ceil((TURN_CPU * WARM_UP_STEP) / last))
}

function end(running) {
  for (const { child } of running) child.disconnect()
}

/** Microseconds of CPU that a process needs for a number of requests, or for a hundredth of it of logins. */
async function spend({ child, ...contender }, count) {
  const before = (await ask(child, 'cpu')).cpu
  const sent = contender.isLogin
    ? await logIn(contender, Math.ceil(count / 100))
    : await load({ ...contender, count })
  const after = (await ask(child, 'cpu')).cpu
  return { cpu: after.user + after.system - before.user - before.system, sent }
}

async function logIn({ port, server }, logins) {
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
