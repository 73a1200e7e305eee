import { pendingMessages } from './pending-messages.js'
import type { Script } from './scripts.js'

/** A client, pool, cluster or sentinel of node-redis 5 or 6, as far as it is used here. */
export interface NodeRedisClient {
  get(key: string): PromiseLike<unknown>
  eval(script: string, options: { keys: string[]; arguments: string[] }): PromiseLike<unknown>
  evalSha(sha1: string, options: { keys: string[]; arguments: string[] }): PromiseLike<unknown>
  close(): unknown
  destroy(): unknown
}

/** A `Redis` or `Cluster` of ioredis 5 or 6, as far as it is used here. */
export interface IoRedisClient {
  get(key: string): PromiseLike<unknown>
  eval(script: string, numberOfKeys: number, ...keysAndArguments: string[]): PromiseLike<unknown>
  evalsha(sha1: string, numberOfKeys: number, ...keysAndArguments: string[]): PromiseLike<unknown>
  readonly status: string
  readonly isCluster: boolean
}

export type RedisClient = NodeRedisClient | IoRedisClient

/** What is asked of Redis, whichever the client. */
export interface Driver {
  get(key: string): Promise<unknown>
  run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>
}

/** Commands under way at most: clients queue without a limit while there is no connection. */
const MAX_PENDING = 10_000

export function createDriver(client: RedisClient): Driver {
  const ways = isNodeRedis(client)
    ? nodeRedisWays(client)
    : isIoRedis(client)
      ? ioRedisWays(client)
      : refuse()
  let pending = 0
  const bounded = async (command: () => PromiseLike<unknown>): Promise<unknown> => {
    if (pending >= MAX_PENDING) throw new Error(`${MAX_PENDING} commands wait for Redis already`)
    pending++
    try {
      return await command()
    } finally {
      pending--
    }
  }
  const hasCache = hasClientSideCache(client)
  return {
    get: (key) =>
      bounded(async () => {
        // The client's own cache answers at once, also while the news of a change wait to be read.
        if (hasCache) await pendingMessages()
        return client.get(key)
      }),
    run: (script, keys, args) => {
      const texts = args.map(String)
      return bounded(async () => {
        try {
          return await ways.evalSha(script.sha, keys, texts)
        } catch (error) {
          if (!isErrorReply(error, 'NOSCRIPT')) throw error
          return ways.eval(script.text, keys, texts)
        }
      })
    },
  }
}

/** Whether Redis itself answered with this error. */
export function isErrorReply(error: unknown, code: string): boolean {
  return error instanceof Error && error.message.startsWith(`${code} `)
}

type Ways = Record<
  'eval' | 'evalSha',
  (script: string, keys: readonly string[], args: readonly string[]) => PromiseLike<unknown>
>

function nodeRedisWays(client: NodeRedisClient): Ways {
  return {
    eval: (text, keys, args) => client.eval(text, { keys: [...keys], arguments: [...args] }),
    evalSha: (sha, keys, args) => client.evalSha(sha, { keys: [...keys], arguments: [...args] }),
  }
}

function ioRedisWays(client: IoRedisClient): Ways {
  return {
    eval: (text, keys, args) => client.eval(text, keys.length, ...keys, ...args),
    evalSha: (sha, keys, args) => client.evalsha(sha, keys.length, ...keys, ...args),
  }
}

/** `close` and `destroy` came with version 5; the client of `legacy()` has neither, and answers by callback. */
function isNodeRedis(client: RedisClient): client is NodeRedisClient {
  return hasMethods(client, ['get', 'eval', 'evalSha', 'close', 'destroy'])
}

export function isIoRedis(client: RedisClient): client is IoRedisClient {
  return (
    hasMethods(client, ['get', 'eval', 'evalsha', 'call', 'duplicate']) &&
    typeof (client as Partial<IoRedisClient>).isCluster === 'boolean'
  )
}

/** Of node-redis: a client has it in its options, the others beside them. */
function hasClientSideCache(client: RedisClient): boolean {
  const { options, clientSideCache } = client as {
    options?: { clientSideCache?: unknown }
    clientSideCache?: unknown
  }
  return (options?.clientSideCache ?? clientSideCache) !== undefined
}

function hasMethods(client: unknown, names: readonly string[]): boolean {
  return (
    typeof client === 'object' &&
    client !== null &&
    names.every((name) => typeof (client as Record<string, unknown>)[name] === 'function')
  )
}

function refuse(): never {
  throw new TypeError(
    'redisStore() expects a client of node-redis 5 or 6 (createClient, createClientPool, createSentinel or createCluster), or of ioredis 5 or 6 (Redis or Cluster)',
  )
}
