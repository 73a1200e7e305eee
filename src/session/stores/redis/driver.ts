import { connectionProblem } from './connection-problem.js'
import { type ClientCache, clientCacheOf, SHARED_CACHE } from './client-cache.js'
import { readerOf, type RowClient } from './reader-of.js'
import { readRow, type Script } from './scripts.js'

/** The methods of a client, pool, cluster or sentinel of node-redis 5 or 6 that are used. */
export interface NodeRedisClient {
  /** `GET`. */
  get(key: string): PromiseLike<unknown>
  /** `EVAL`. */
  eval(script: string, options: { keys: string[]; arguments: string[] }): PromiseLike<unknown>
  /** `EVALSHA`. */
  evalSha(sha1: string, options: { keys: string[]; arguments: string[] }): PromiseLike<unknown>
  /** Never called: it distinguishes the client from one of node-redis 4. */
  close(): unknown
  /** Never called: it distinguishes the client from one of node-redis 4. */
  destroy(): unknown
}

/** The methods of a `Redis` or `Cluster` of ioredis 5 or 6 that are used. */
export interface IoRedisClient {
  /** `GET`. */
  get(key: string): PromiseLike<unknown>
  /** `EVAL`. */
  eval(script: string, numberOfKeys: number, ...keysAndArguments: string[]): PromiseLike<unknown>
  /** `EVALSHA`. */
  evalsha(sha1: string, numberOfKeys: number, ...keysAndArguments: string[]): PromiseLike<unknown>
  /** The state of the connection. */
  readonly status: string
  /** Whether the client is a `Cluster`. */
  readonly isCluster: boolean
}

/** A client of node-redis or ioredis. */
export type RedisClient = NodeRedisClient | IoRedisClient

/** `EVAL` and `EVALSHA` of either library. */
type Commands = Record<
  'eval' | 'evalSha',
  (script: string, keys: readonly string[], args: readonly string[]) => PromiseLike<unknown>
>

/** Clients queue commands without a limit while they are not connected. */
const MAX_PENDING_COMMANDS = 10_000

/** Sends commands to Redis with either library. */
export class Driver {
  readonly #client: RedisClient
  readonly #reader: RowClient
  readonly #commands: Commands
  readonly #cache: ClientCache | 'shared' | undefined
  #pending = 0

  /**
   * Throws a `TypeError` if the client is not one of node-redis or ioredis.
   *
   * @param warn Receives problems that do not fail an operation.
   */
  constructor(client: RedisClient, warn: (message: string) => void = () => undefined) {
    this.#client = client
    this.#commands = commandsOf(client)
    this.#reader = readerOf(client)
    this.#cache = clientCacheOf(client)
    if (this.#cache === 'shared') warn(SHARED_CACHE)
  }

  /** The raw reply of `GET`. */
  get(key: string): Promise<unknown> {
    return this.#cache === undefined ? this.#get(key) : this.#getCached(key, this.#cache)
  }

  /** Why the client cannot send commands; `undefined` if it is connected. */
  problem(): string | undefined {
    return connectionProblem(this.#client)
  }

  /** Stops using the client's own cache, and checking its connection. */
  close(): void {
    if (this.#cache !== 'shared') this.#cache?.close()
  }

  /** Runs a script by its hash, and sends its source if the server does not have it. */
  async run(
    { sha, source }: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    const strings = args.map(String)
    return this.#bounded(async () => {
      try {
        return await this.#commands.evalSha(sha, keys, strings)
      } catch (error) {
        if (!isErrorReply(error, 'NOSCRIPT')) throw error
        return this.#commands.eval(source, keys, strings)
      }
    })
  }

  #get(key: string): Promise<unknown> {
    return this.#bounded(() => this.#reader.get(key))
  }

  /** The client's own cache responds immediately, even if it has missed changes. */
  async #getCached(key: string, cache: ClientCache | 'shared'): Promise<unknown> {
    const isUsable = cache !== 'shared' && (await cache.isCurrent())
    return isUsable ? this.#get(key) : this.run(readRow, [key], [])
  }

  async #bounded(command: () => PromiseLike<unknown>): Promise<unknown> {
    if (this.#pending >= MAX_PENDING_COMMANDS)
      throw new Error(`${MAX_PENDING_COMMANDS} commands wait for Redis already`)
    this.#pending++
    try {
      return await command()
    } finally {
      this.#pending--
    }
  }
}

/** Whether the error is a reply of Redis with this code. */
export function isErrorReply(error: unknown, code: string): boolean {
  return error instanceof Error && error.message.startsWith(`${code} `)
}

/** Whether the client is one of ioredis. */
export function isIoRedis(client: RedisClient): client is IoRedisClient {
  return (
    hasMethods(client, ['get', 'eval', 'evalsha', 'call', 'duplicate']) &&
    typeof (client as Partial<IoRedisClient>).isCluster === 'boolean'
  )
}

function commandsOf(client: RedisClient): Commands {
  if (isNodeRedis(client)) {
    return {
      eval: (source, keys, args) => client.eval(source, { keys: [...keys], arguments: [...args] }),
      evalSha: (sha, keys, args) => client.evalSha(sha, { keys: [...keys], arguments: [...args] }),
    }
  }
  if (isIoRedis(client)) {
    return {
      eval: (source, keys, args) => client.eval(source, keys.length, ...keys, ...args),
      evalSha: (sha, keys, args) => client.evalsha(sha, keys.length, ...keys, ...args),
    }
  }
  throw new TypeError(
    'redisStore() expects a client of node-redis 5 or 6 (createClient, createClientPool, createSentinel or createCluster), or of ioredis 5 or 6 (Redis or Cluster)',
  )
}

/**
 * `close` and `destroy` exist since version 5. The client of `legacy()` has neither, and uses
 * callbacks.
 */
function isNodeRedis(client: RedisClient): client is NodeRedisClient {
  return hasMethods(client, ['get', 'eval', 'evalSha', 'close', 'destroy'])
}

function hasMethods(client: unknown, names: readonly string[]): boolean {
  return (
    typeof client === 'object' &&
    client !== null &&
    names.every((name) => typeof (client as Record<string, unknown>)[name] === 'function')
  )
}
