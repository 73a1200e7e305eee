import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Distinct free ports. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

export interface Program {
  readonly child: ChildProcess
  /** What it printed, for the message of a failure. */
  printed(): string
  stop(signal?: NodeJS.Signals): Promise<void>
}

const started = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of started) child.kill('SIGKILL')
})

/** Starts a program, which ends with this process at the latest. */
export function startProgram(
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
): Program {
  const child = spawn(command, [...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  started.add(child)
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (data: Buffer) => (printed = (printed + data.toString()).slice(-4000)))
  child.once('error', (error) => (printed += String(error)))
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  return {
    child,
    printed: () => printed,
    async stop(signal = 'SIGKILL') {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGCONT')
        child.kill(signal)
      }
      await ended
      started.delete(child)
    },
  }
}

/** Repeats this until it returns a value; rejects with what was awaited if it never does. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  patience = 30_000,
): Promise<T> {
  const end = performance.now() + patience
  let last: unknown
  while (performance.now() < end) {
    try {
      const answer = await ask()
      if (answer !== undefined) return answer
    } catch (error) {
      last = error
    }
    await sleep(20)
  }
  throw new Error(`timed out: ${what}`, { cause: last })
}
