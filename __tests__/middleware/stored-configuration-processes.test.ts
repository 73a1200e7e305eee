import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { redisStore } from '../../src/session/stores/redis/index.js'
import { oauthModule } from '../../src/index.js'
import type { StoredChange } from '../../src/middleware/admin-access.js'
import type {
  ConfigProcessCall,
  ConfigProcessSetup,
  ConfigProcessState,
} from '../support/config-process.js'
import {
  allowed,
  clientOf,
  configurationOf,
  githubModule,
  removed,
} from '../support/configuration.js'
import { secret, stopAll, stopping } from '../support/gate.js'
import { type Browser, createBrowser } from '../support/jar.js'
import { eventually } from '../support/programs.js'
import { providerOf } from '../support/providers.js'
import { program } from '../support/recheck.js'
import { type RedisServer, startRedis } from '../support/redis.js'

afterAll(stopAll)

type Call = ConfigProcessCall extends infer One
  ? One extends { id: number }
    ? Omit<One, 'id'>
    : never
  : never

class Process {
  #calls = 0

  constructor(
    readonly child: ChildProcess,
    readonly port: number,
  ) {}

  url(path: string): string {
    return `http://localhost:${this.port}${path}`
  }

  async ask<T>(call: Call): Promise<T> {
    const id = ++this.#calls
    return new Promise((resolve) => {
      const receive = (message: { id: number; result: T }) => {
        if (message.id !== id) return
        this.child.off('message', receive)
        resolve(message.result)
      }
      this.child.on('message', receive)
      this.child.send({ ...call, id })
    })
  }

  async change(change: StoredChange | null): Promise<{ version?: number; error?: string }> {
    return this.ask({ call: 'change', change, changedBy: 'a process' })
  }

  async duration(): Promise<unknown> {
    return (await this.ask<ConfigProcessState>({ call: 'state' })).maximumDuration
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    this.child.kill('SIGKILL')
    await once(this.child, 'exit')
  }
}

let vendor: VendorServer
let redis: RedisServer

const libraries = ['redis', 'ioredis', 'redis', 'ioredis'] as const
/** Started once, because that takes most of the time. */
const processes: Process[] = []

beforeAll(async () => {
  vendor = stopping(await startVendor('github'))
  redis = stopping(await startRedis())
  processes.push(...(await Promise.all(libraries.map((library) => startProcess(library)))))
}, 120_000)

async function startProcess(
  library: ConfigProcessSetup['library'],
  configVersion = 1,
): Promise<Process> {
  const child = fork(join(process.cwd(), '__tests__/support/config-process.ts'), {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const options = { provider: providerOf(vendor, allowed), secret, configVersion }
  child.send({ library, port: redis.port, options } satisfies ConfigProcessSetup)
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  const started = new Process(child, port)
  stopping({ close: () => started.kill() })
  return started
}

/** A change that is told apart by its maximum duration. */
const changeOf = (maximumDuration: number, rules = allowed): StoredChange => ({
  module: githubModule(vendor, rules, { maximumDuration }),
})

async function inEffect(processes: readonly Process[], duration: unknown): Promise<void> {
  for (const [index, one] of processes.entries())
    await eventually(`${String(duration)} in process ${index}`, async () =>
      (await one.duration()) === duration ? true : undefined,
    )
}

const visit = async (browser: Browser, one: Process) =>
  (await browser.get(one.url('/api'), { headers: program, follow: false })).status

describe('four processes on one Redis', () => {
  test('a change is in effect in all of them, and a removed person is out everywhere', async () => {
    const [first, , , last] = processes
    const browser = createBrowser()
    expect((await browser.get(first?.url('/') ?? '')).status).toBe(200)
    for (const one of processes) expect(await visit(browser, one)).toBe(200)
    expect(await last?.change(changeOf(1000, removed))).toMatchObject({
      version: expect.any(Number),
    })
    await inEffect(processes, 1000)
    for (const one of processes) expect(await visit(browser, one)).toBe(403)
    await first?.change(changeOf(1001))
    await inEffect(processes, 1001)
    for (const one of processes) expect(await visit(browser, one)).toBe(200)
    // A process that was down in the meantime.
    await last?.kill()
    await first?.change(changeOf(1002, removed))
    const back = await startProcess('ioredis')
    processes[3] = back
    expect(await visit(browser, back)).toBe(403)
    expect(await back.duration()).toBe(1002)
    await first?.change(null)
    await inEffect(processes, undefined)
  })

  test('kill -9 in the middle of a change leaves the old version or the new one, and the others keep working', async () => {
    const rounds = Number(process.env['OAUTH_MODULE_TEST_ROUNDS'] ?? 3)
    const durations = [2000, 2001, 2002, 2003]
    for (let round = 0; round < rounds; round++) {
      const before = (await processes[0]?.change(changeOf(3000 + round)))?.version ?? 0
      const victim = await startProcess(round % 2 === 0 ? 'redis' : 'ioredis')
      await victim.ask({ call: 'churn', changes: durations.map((duration) => changeOf(duration)) })
      await eventually(
        'the process changes it',
        async () => (await read()).version > before || undefined,
      )
      await sleep(100 * Math.random())
      await victim.kill()
      const stored = await read()
      expect(durations).toContain(stored.change?.module?.maximumDuration)
      await inEffect(processes, stored.change?.module?.maximumDuration)
      // Each survivor can change it further.
      const next = await processes[1 + (round % 3)]?.change(changeOf(3500 + round))
      expect(next?.version).toBe(stored.version + 1)
      await inEffect(processes, 3500 + round)
    }
    // Never a broken record.
    for (const one of processes) {
      const { errors } = await one.ask<ConfigProcessState>({ call: 'state' })
      expect(errors.filter((line) => /damaged|not valid/.test(line))).toEqual([])
    }
  }, 600_000)

  test('while Redis is away, all of them keep the configuration, and then converge', async () => {
    const away = Number(process.env['OAUTH_MODULE_TEST_REDIS_AWAY'] ?? 6)
    const [first] = processes
    await first?.change(changeOf(4000, removed))
    await inEffect(processes, 4000)
    await redis.kill()
    expect(await first?.change(changeOf(4001))).toMatchObject({ error: expect.any(String) })
    await sleep(away * 1000)
    for (const one of processes) expect(await one.duration()).toBe(4000)
    for (const one of processes)
      await eventually('the outage is reported', async () => {
        const { errors } = await one.ask<ConfigProcessState>({ call: 'state' })
        return errors.join().includes('the configuration that is in effect stays') || undefined
      })
    // Redis is empty then: the processes restore the configuration.
    await redis.start()
    await eventually('the record is restored', async () => (await read()).version > 0 || undefined)
    await eventually('a change succeeds', async () =>
      (await processes[3]?.change(changeOf(4002)))?.error === undefined ? true : undefined,
    )
    await inEffect(processes, 4002)
  }, 180_000)

  test('many writers at once lose nothing: every change is a version of its own', async () => {
    const before = (await read()).version
    const results = await Promise.all(
      processes.flatMap((one, index) =>
        [1, 2, 3].map((step) => one.change(changeOf(5000 + index * 10 + step))),
      ),
    )
    const versions = results.map(({ version = 0 }) => version).sort((a, b) => a - b)
    expect(versions).toEqual(Array.from({ length: 12 }, (_, index) => before + 1 + index))
    const { change, version } = await read()
    expect(version).toBe(before + 12)
    await inEffect(processes, change?.module?.maximumDuration)
    const replaced = await readHistory()
    for (const one of versions.slice(0, -1)) expect(replaced).toContain(one)
  })
})

/** What the store has, read by a gate of this process. */
async function read() {
  return withGate((configuration) => configuration.current())
}

async function readHistory(): Promise<number[]> {
  return withGate(async (configuration) => {
    const versions: number[] = []
    for await (const { version } of configuration.history(100)) versions.push(version)
    return versions
  })
}

async function withGate<T>(
  use: (configuration: ReturnType<typeof configurationOf>) => Promise<T>,
): Promise<T> {
  const client = new Redis({ port: redis.port }).on('error', () => undefined)
  const logger = { debug() {}, info() {}, warn() {}, error() {} }
  const { clientId, clientSecret } = clientOf(vendor)
  const auth = oauthModule({
    provider: { github: { clientId, clientSecret } },
    secret,
    id: 'shared',
    store: redisStore(client),
    configVersion: 1,
    logger,
  })
  try {
    return await use(configurationOf(auth))
  } finally {
    await auth.close()
    client.disconnect()
  }
}
