import { HEARTBEAT_MS, Lease } from './lease.js'

/** The methods of a connection of ioredis that are used. */
interface Connection {
  call(command: string, ...args: string[]): Promise<unknown>
  subscribe(channel: string): Promise<unknown>
  ping(): Promise<unknown>
  on(event: 'messageBuffer', listener: (channel: Buffer, keys: unknown) => void): unknown
  on(event: 'ready' | 'close' | 'error', listener: () => void): unknown
  disconnect(reconnect?: boolean): void
}

/** A client of ioredis that can open a second connection. */
export interface InvalidationSource {
  readonly options: { readonly keyPrefix?: string | undefined }
  duplicate(override: object): Connection
}

/** What {@link Invalidation} depends on. */
export interface InvalidationDeps {
  /** Prefix of the keys to watch. */
  readonly prefix: string
  readonly forget: (key: string) => void
  readonly forgetAll: () => void
  readonly warn: (message: string) => void
}

const CHANNEL = '__redis__:invalidate'
const RECONNECT_AFTER_MS = 5000

/**
 * Receives the keys that change.
 * https://redis.io/docs/latest/develop/reference/client-side-caching/
 */
export class Invalidation {
  readonly #deps: InvalidationDeps
  readonly #prefix: string
  readonly #connection: Connection
  readonly #timer: NodeJS.Timeout
  /** Counts connections: replies on an earlier one are ignored. */
  #current = 0
  readonly #lease = new Lease()
  #repliedAt = 0
  #isTracking = false

  constructor(client: InvalidationSource, deps: InvalidationDeps) {
    this.#deps = deps
    this.#prefix = `${client.options.keyPrefix ?? ''}${deps.prefix}`
    this.#connection = connect(client)
    this.#connection.on('error', () => undefined)
    this.#connection.on('ready', () => void this.#track())
    this.#connection.on('close', () => this.#reset())
    this.#connection.on('messageBuffer', (_, keys) => this.#receive(keys))
    this.#timer = setInterval(() => void this.#ping(), HEARTBEAT_MS).unref()
  }

  /** Whether the connection has received all recent changes. */
  isAlive(): boolean {
    return this.#lease.isAlive()
  }

  /** Closes the connection. */
  close(): void {
    clearInterval(this.#timer)
    this.#connection.disconnect()
    this.#reset()
  }

  #receive(keys: unknown): void {
    if (!Array.isArray(keys)) return this.#deps.forgetAll()
    for (const key of keys) this.#deps.forget(String(key).slice(this.#prefix.length))
  }

  #reset(): void {
    this.#current++
    this.#isTracking = false
    this.#lease.end()
    this.#deps.forgetAll()
  }

  async #track(): Promise<void> {
    this.#reset()
    const current = this.#current
    try {
      const id = String(await this.#connection.call('CLIENT', 'ID'))
      const options = ['ON', 'REDIRECT', id, 'BCAST', 'PREFIX', this.#prefix]
      await this.#connection.call('CLIENT', 'TRACKING', ...options)
      await this.#connection.subscribe(CHANNEL)
    } catch (error) {
      const isRejected = error instanceof Error && /^(?:ERR|NOPERM) /.test(error.message)
      if (isRejected)
        this.#deps.warn(
          `Redis does not send changes, so the near cache stays empty: ${error.message}`,
        )
      return
    }
    if (current !== this.#current) return
    this.#isTracking = true
    this.#repliedAt = performance.now()
    await this.#ping()
  }

  async #ping(): Promise<void> {
    if (!this.#isTracking) return
    const [current, sentAt] = [this.#current, performance.now()]
    if (sentAt - this.#repliedAt > RECONNECT_AFTER_MS) return this.#connection.disconnect(true)
    try {
      await this.#connection.ping()
    } catch {
      return
    }
    if (current !== this.#current) return
    this.#repliedAt = performance.now()
    this.#lease.extend(sentAt)
  }
}

/**
 * A separate connection, so that the app's is not changed. With RESP2 it can redirect the messages
 * to itself.
 */
function connect(client: InvalidationSource): Connection {
  return client.duplicate({
    protocol: 2,
    keyPrefix: '',
    lazyConnect: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    stringNumbers: false,
    retryStrategy: (times: number) => Math.min(times * 50, 500),
  })
}
