import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { redisStore } from '../session/stores/redis/index.js'
import type { SessionStore } from '../session/stores/store.js'
import { CommandError } from './errors.js'

const RESPONSE_TIMEOUT_MS = 2000

/** A connection to a Redis server. */
export interface RedisConnection {
  readonly store: SessionStore
  /** Settles after the first attempt to connect, whether or not it succeeded, or a few seconds. */
  readonly attempted: Promise<void>
  close(): Promise<void>
}

/**
 * Connects to Redis, and again whenever the connection is lost: until then, requests get 503. The
 * URL may contain user name and password (`redis://user:password@host:6379/0`).
 */
export function connectToRedis(url: string, onProblem: (message: string) => void): RedisConnection {
  if (!isRedisUrl(url))
    throw new CommandError(
      'store is not the URL of a Redis server, as in redis://user:password@host:6379/0: encode special characters of the password, such as %23 for #',
    )
  const client = createClient({
    url,
    // A request is answered with 503 at once instead of waiting for a server that is away.
    disableOfflineQueue: true,
    socket: { reconnectStrategy: (attempt) => Math.min(100 * 2 ** attempt, 5000) },
  })
  client.on('error', (error: unknown) => onProblem(messageOf(error)))
  const attempted = new Promise<void>((resolve) => {
    client.once('ready', resolve).once('error', () => resolve())
    // A server that accepts connections may not respond.
    setTimeout(resolve, RESPONSE_TIMEOUT_MS).unref()
  })
  client.connect().catch(() => undefined)
  return {
    store: redisStore(client),
    attempted,
    async close() {
      if (!client.isReady) return client.isOpen ? client.destroy() : undefined
      // It waits for the responses to all commands.
      await Promise.race([client.close(), sleep(RESPONSE_TIMEOUT_MS, undefined, { ref: false })])
    },
  }
}

function isRedisUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { hostname, pathname, search, hash } = new URL(text)
  return hostname !== '' && /^\/?\d*$/.test(pathname) && search === '' && hash === ''
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join(', ')
  return error instanceof Error ? error.message : 'unknown'
}
