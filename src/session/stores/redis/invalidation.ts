/** A connection of ioredis, as far as it is used here. */
interface Connection {
  call(command: string, ...args: string[]): Promise<unknown>
  subscribe(channel: string): Promise<unknown>
  ping(): Promise<unknown>
  on(event: 'messageBuffer', listener: (channel: Buffer, keys: unknown) => void): unknown
  on(event: 'ready' | 'close' | 'error', listener: () => void): unknown
  disconnect(reconnect?: boolean): void
}

/** A client of ioredis that can be opened a second time. */
export interface InvalidationSource {
  readonly options: { readonly keyPrefix?: string | undefined }
  duplicate(override: object): Connection
}

/** Hears from Redis which keys change (https://redis.io/docs/latest/develop/reference/client-side-caching/). */
export interface Invalidation {
  /** Whether every change was heard of up to a moment ago. */
  isAlive(): boolean
  close(): Promise<void>
}

interface InvalidationConfig {
  prefix: string
  forget(key: string): void
  forgetAll(): void
  warn(message: string): void
}

const CHANNEL = '__redis__:invalidate'
const BEAT = 200
/** A connection that is silently cut is believed in for so long. */
const LEASE = 1000
const GIVE_UP = 5000

export function createInvalidation(
  client: InvalidationSource,
  { prefix, forget, forgetAll, warn }: InvalidationConfig,
): Invalidation {
  const fullPrefix = `${client.options.keyPrefix ?? ''}${prefix}`
  // A connection of its own: the client's stays as it is. On RESP2 it may send the messages to itself.
  const connection = client.duplicate({
    protocol: 2,
    keyPrefix: '',
    lazyConnect: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    stringNumbers: false,
    retryStrategy: (times: number) => Math.min(times * 50, 500),
  })
  // Counts connections: what an earlier one has still to say counts for nothing.
  let current = 0
  let aliveUntil = 0
  let answeredAt = 0
  let isArmed = false

  const disarm = () => {
    current++
    isArmed = false
    aliveUntil = 0
    forgetAll()
  }
  const arm = async () => {
    disarm()
    const mine = current
    try {
      const id = await connection.call('CLIENT', 'ID')
      await connection.call(
        'CLIENT',
        'TRACKING',
        'ON',
        'REDIRECT',
        String(id),
        'BCAST',
        'PREFIX',
        fullPrefix,
      )
      await connection.subscribe(CHANNEL)
    } catch (error) {
      const isRefused = error instanceof Error && /^(?:ERR|NOPERM) /.test(error.message)
      if (isRefused)
        warn(`Redis does not tell of changes, and the near cache stays empty: ${error.message}`)
      return
    }
    if (mine !== current) return
    isArmed = true
    answeredAt = performance.now()
    await beat()
  }
  /** An answer comes behind all messages that were sent before it. */
  const beat = async () => {
    if (!isArmed) return
    const [mine, sentAt] = [current, performance.now()]
    if (sentAt - answeredAt > GIVE_UP) return connection.disconnect(true)
    try {
      await connection.ping()
    } catch {
      return
    }
    if (mine !== current) return
    answeredAt = performance.now()
    aliveUntil = Math.max(aliveUntil, sentAt + LEASE)
  }

  connection.on('error', () => undefined)
  connection.on('ready', () => void arm())
  connection.on('close', disarm)
  connection.on('messageBuffer', (_, keys) => {
    if (!Array.isArray(keys)) return forgetAll()
    for (const key of keys) forget(String(key).slice(fullPrefix.length))
  })
  const timer = setInterval(() => void beat(), BEAT).unref()

  return {
    isAlive: () => performance.now() < aliveUntil,
    async close() {
      clearInterval(timer)
      connection.disconnect()
      disarm()
    },
  }
}
