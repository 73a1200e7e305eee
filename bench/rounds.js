// Measures contenders, each in a separate process, in rounds that interleave them, so that other load
// on the machine affects all of them equally. The median of the rounds counts.
import { cpus } from 'node:os'
import { awake, load, login } from './client.js'

export const rounds = Number(process.env.ROUNDS ?? 15)
export const count = Number(process.env.REQUESTS ?? 10_000)
/** Processes of each contender, which take turns: V8 compiles the same code differently each time. */
export const processes = Number(process.env.PROCESSES ?? 3)

/** Requests until V8 has compiled what they need: before, everything costs several times as much. */
const WARM_UP = 10_000
/** The same before each turn: while a process waits for it, V8 drops what was not used lately. */
const WARM_UP_OF_TURN = 2_000

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

/** Starts the processes of each contender with `forkOne`, and logs in where it says so. */
export function startAll(contenders, forkOne) {
  return Promise.all(
    contenders.map(async ({ logsIn, headers, ...contender }) => {
      const start = async () => {
        const child = forkOne(contender)
        const { port } = await ask(child)
        const cookie = logsIn
          ? { Cookie: await login(`http://localhost:${port}/`, contender.server) }
          : {}
        return { ...contender, child, port, headers: { ...headers, ...cookie } }
      }
      const started = await Promise.all(Array.from({ length: processes }, start))
      return { ...contender, processes: started, samples: [] }
    }),
  )
}

/** Adds the CPU per request of each round to the samples, and ends the processes. */
export async function measure(running) {
  for (const { processes } of running)
    for (const one of processes) {
      await cpuPerRequest(one, Math.max(count, WARM_UP))
      await cpuPerRequest(one, Math.max(count, WARM_UP))
    }
  for (let round = 0; round < rounds; round++)
    for (const { processes, samples } of running) {
      const one = processes[round % processes.length]
      await cpuPerRequest(one, WARM_UP_OF_TURN)
      samples.push(await cpuPerRequest(one, count))
    }
  for (const { processes } of running) for (const { child } of processes) child.disconnect()
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
