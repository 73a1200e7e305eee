import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { eventually, freePorts, type Program, startProgram } from './programs.js'

const exec = promisify(execFile)

export interface RedisServer {
  readonly port: number
  /** Sends a command with redis-cli instead of a client library. */
  command(...args: string[]): Promise<string>
  /** Suspends the process. */
  freeze(): void
  thaw(): void
  /** Kills the process; `start` restarts it at the same port. */
  kill(): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

export async function startRedis(
  settings: readonly string[] = [],
  port?: number,
): Promise<RedisServer> {
  const at = port ?? (await freePorts(1))[0] ?? 0
  const folder = mkdtempSync(join(tmpdir(), 'oauth-module-redis-'))
  let program: Program
  const command = (...args: string[]) => ask(at, args)
  const start = async () => {
    program = startProgram('redis-server', [
      '--port',
      String(at),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--dir',
      folder,
      ...settings,
    ])
    await eventually(`redis-server: ${program.printed()}`, async () =>
      (await command('ping')) === 'PONG' ? true : undefined,
    )
  }
  await start()
  return {
    port: at,
    command,
    start,
    freeze: () => void program.child.kill('SIGSTOP'),
    thaw: () => void program.child.kill('SIGCONT'),
    kill: () => program.stop(),
    async close() {
      await program.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function ask(port: number, args: readonly string[]): Promise<string> {
  const { stdout } = await exec('redis-cli', ['-p', String(port), ...args], { timeout: 5000 })
  return stdout.trim()
}

export interface RedisSentinel {
  readonly port: number
  readonly name: string
  readonly master: RedisServer
  readonly replica: RedisServer
  /** Makes the replica the master, and waits until it is. */
  failOver(): Promise<void>
  close(): Promise<void>
}

/** A master, its replica, and the sentinel that watches them. */
export async function startSentinel(): Promise<RedisSentinel> {
  const master = await startRedis()
  const replica = await startRedis([
    '--replicaof',
    '127.0.0.1',
    String(master.port),
    '--repl-diskless-sync-delay',
    '0',
  ])
  const [port = 0] = await freePorts(1)
  const folder = mkdtempSync(join(tmpdir(), 'oauth-module-sentinel-'))
  const file = join(folder, 'sentinel.conf')
  const name = 'sessions'
  writeFileSync(
    file,
    `port ${port}\nbind 127.0.0.1\ndir ${folder}\nsentinel monitor ${name} 127.0.0.1 ${master.port} 1\nsentinel down-after-milliseconds ${name} 500\nsentinel failover-timeout ${name} 3000\n`,
  )
  await eventually('the replica is in step', async () =>
    (await replica.command('info', 'replication')).includes('master_link_status:up')
      ? true
      : undefined,
  )
  const program = startProgram('redis-server', [file, '--sentinel'])
  await eventually('the sentinel knows the replica', async () =>
    (await ask(port, ['sentinel', 'replicas', name])).includes(String(replica.port))
      ? true
      : undefined,
  )
  return {
    port,
    name,
    master,
    replica,
    async failOver() {
      await eventually('a failover begins', async () =>
        (await ask(port, ['sentinel', 'failover', name])) === 'OK' ? true : undefined,
      )
      await eventually('the replica is master', async () =>
        (await replica.command('role')).startsWith('master') ? true : undefined,
      )
      await eventually('the sentinel says so', async () =>
        (await ask(port, ['sentinel', 'get-master-addr-by-name', name])).includes(
          String(replica.port),
        )
          ? true
          : undefined,
      )
    },
    async close() {
      await program.stop()
      await Promise.all([master.close(), replica.close()])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export interface RedisCluster {
  readonly nodes: readonly RedisServer[]
  close(): Promise<void>
}

const SLOTS = 16_384

/** Three masters that share the slots. */
export async function startCluster(): Promise<RedisCluster> {
  const ports = await freePorts(6)
  const settings = (bus: number) => [
    '--cluster-enabled',
    'yes',
    '--cluster-port',
    String(bus),
    '--cluster-node-timeout',
    '2000',
  ]
  const nodes = await Promise.all(
    [0, 1, 2].map((index) => startRedis(settings(ports[index + 3] ?? 0), ports[index])),
  )
  for (const [index, node] of nodes.entries()) {
    const [from, to] = [index, index + 1].map((part) => Math.floor((part * SLOTS) / nodes.length))
    await node.command('cluster', 'addslotsrange', String(from), String((to ?? 0) - 1))
    await node.command('cluster', 'set-config-epoch', String(index + 1))
  }
  for (const index of [1, 2])
    await nodes[0]?.command(
      'cluster',
      'meet',
      '127.0.0.1',
      String(ports[index]),
      String(ports[index + 3]),
    )
  for (const node of nodes) {
    await eventually('the cluster is up', async () => {
      const info = await node.command('cluster', 'info')
      return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3')
        ? true
        : undefined
    })
  }
  return {
    nodes,
    async close() {
      await Promise.all(nodes.map((node) => node.close()))
    },
  }
}

/** How many rows a server has been asked for. */
export async function readsOf(server: RedisServer): Promise<number> {
  const stats = await server.command('info', 'commandstats')
  return Number(/cmdstat_get:calls=(\d+)/.exec(stats)?.[1] ?? 0)
}
