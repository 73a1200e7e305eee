import { HEARTBEAT_MS, Lease } from './lease.js'
import { pendingMessages } from './pending-messages.js'

/** Why the cache of a client is not used. */
export const SHARED_CACHE =
  'the clientSideCache of a pool, cluster or sentinel is not used: of several connections, one may be cut without notice, and its changes would be missed'

/** The cache of a node-redis client, which does not notice that its connection was cut. */
export class ClientCache {
  readonly #lease = new Lease()
  readonly #timer: NodeJS.Timeout
  #isPinging = false

  /** @param ping Sends `PING` on the connection that receives the changes. */
  constructor(ping: () => PromiseLike<unknown>) {
    const heartbeat = () => void this.#heartbeat(ping)
    this.#timer = setInterval(heartbeat, HEARTBEAT_MS).unref()
    heartbeat()
  }

  /** Whether the cache has all changes. Waits for messages that have reached this machine. */
  async isCurrent(): Promise<boolean> {
    await pendingMessages()
    return this.#lease.isAlive()
  }

  /** Stops checking the connection; the cache is no longer used. */
  close(): void {
    clearInterval(this.#timer)
    this.#lease.end()
  }

  async #heartbeat(ping: () => PromiseLike<unknown>): Promise<void> {
    if (this.#isPinging) return
    this.#isPinging = true
    const sentAt = performance.now()
    try {
      await ping()
      this.#lease.extend(sentAt)
    } catch {
      // The client is not connected.
    } finally {
      this.#isPinging = false
    }
  }
}

/**
 * The cache of a client, `'shared'` if the cache is that of several connections, or `undefined`. In
 * node-redis, a client has it in its options; pools, clusters and sentinels have it as a member.
 */
export function clientCacheOf(client: object): ClientCache | 'shared' | undefined {
  const { options, clientSideCache } = client as {
    options?: { clientSideCache?: unknown }
    clientSideCache?: unknown
  }
  const hasPing = (value: object): value is { ping(): PromiseLike<unknown> } => 'ping' in value
  if (options?.clientSideCache !== undefined && hasPing(client))
    return new ClientCache(() => client.ping())
  return clientSideCache === undefined ? undefined : 'shared'
}
