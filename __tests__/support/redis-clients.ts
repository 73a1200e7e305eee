import { Cluster as Cluster6, Redis as Redis6 } from 'ioredis'
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis5'
import {
  createClient as createClient6,
  createCluster as createCluster6,
  createSentinel as createSentinel6,
} from 'redis'
import {
  createClient as createClient5,
  createCluster as createCluster5,
  createSentinel as createSentinel5,
} from 'redis5'
import type { RedisClient } from '../../src/session/stores/redis/index.js'

export interface Opened {
  readonly client: RedisClient
  close(): Promise<void>
}

export interface ClientLibrary {
  readonly name: string
  /** `timeout` replaces the five seconds after which node-redis 6 gives up on a command. */
  single(port: number, timeout?: number): Promise<Opened>
  sentinel(port: number, name: string): Promise<Opened>
  cluster(ports: readonly number[]): Promise<Opened>
}

const ignore = () => undefined
const reconnectStrategy = (retries: number) => Math.min(retries * 20, 200)

/** The clients that the store is for, each connected as its manual says. */
export const libraries: readonly ClientLibrary[] = [
  {
    name: 'node-redis 6',
    async single(port, timeout) {
      const client = createClient6({
        socket: { host: '127.0.0.1', port, reconnectStrategy },
        ...(timeout !== undefined && { commandOptions: { timeout } }),
      }).on('error', ignore)
      await client.connect()
      return { client, close: async () => client.destroy() }
    },
    async sentinel(port, name) {
      const client = createSentinel6({ name, sentinelRootNodes: [{ host: '127.0.0.1', port }] }).on(
        'error',
        ignore,
      )
      await client.connect()
      return { client, close: async () => client.destroy() }
    },
    async cluster(ports) {
      const client = createCluster6({
        rootNodes: ports.map((port) => ({ socket: { host: '127.0.0.1', port } })),
      }).on('error', ignore)
      await client.connect()
      return { client, close: async () => client.destroy() }
    },
  },
  {
    name: 'node-redis 5',
    async single(port) {
      const client = createClient5({ socket: { host: '127.0.0.1', port, reconnectStrategy } }).on(
        'error',
        ignore,
      )
      await client.connect()
      return { client, close: async () => client.destroy() }
    },
    async sentinel(port, name) {
      const client = createSentinel5({ name, sentinelRootNodes: [{ host: '127.0.0.1', port }] }).on(
        'error',
        ignore,
      )
      await client.connect()
      return { client, close: async () => client.destroy() }
    },
    async cluster(ports) {
      const client = createCluster5({
        rootNodes: ports.map((port) => ({ socket: { host: '127.0.0.1', port } })),
      }).on('error', ignore)
      await client.connect()
      return { client, close: async () => client.destroy() }
    },
  },
  ioredis('ioredis 6', Redis6, Cluster6),
  ioredis('ioredis 5', Redis5, Cluster5),
]

interface IoRedis extends Pick<Redis6, 'disconnect'> {
  on(event: 'error', listener: () => void): unknown
}

function ioredis<R extends RedisClient & IoRedis, C extends RedisClient & IoRedis>(
  name: string,
  Redis: new (options: {
    host?: string
    port?: number
    name?: string
    sentinels?: { host: string; port: number }[]
    retryStrategy?: (times: number) => number
  }) => R,
  Cluster: new (nodes: { host: string; port: number }[]) => C,
): ClientLibrary {
  const opened = (client: RedisClient & IoRedis): Opened => {
    client.on('error', ignore)
    return { client, close: async () => client.disconnect() }
  }
  return {
    name,
    single: async (port) =>
      opened(new Redis({ host: '127.0.0.1', port, retryStrategy: reconnectStrategy })),
    sentinel: async (port, master) =>
      opened(
        new Redis({
          sentinels: [{ host: '127.0.0.1', port }],
          name: master,
          retryStrategy: reconnectStrategy,
        }),
      ),
    cluster: async (ports) =>
      opened(new Cluster(ports.map((port) => ({ host: '127.0.0.1', port })))),
  }
}
