import { isIoRedis, type RedisClient } from './driver.js'

/** What a {@link Subscriber} reports. */
export interface SubscriberListeners {
  readonly onMessage: (message: string) => void
  /** Called when messages arrive from now on, also after a lost connection. */
  readonly onReady: () => void
  readonly onError: (error: unknown) => void
}

/** A subscription of a channel. */
export interface Subscriber {
  /** Ends the subscription, and closes its connection. */
  close(): void
}

/** A connection of ioredis: `Redis` or `Cluster`. */
interface IoRedisConnection {
  subscribe(channel: string): Promise<unknown>
  on(event: 'ready' | 'error', listener: () => void): unknown
  on(event: 'message', listener: (channel: string, message: string) => void): unknown
  disconnect(): void
}

type Listener = (message: string) => void

/** A connection of node-redis that has been opened for the subscription. */
interface NodeRedisConnection {
  connect(): Promise<unknown>
  subscribe(channel: string, listener: Listener): Promise<unknown>
  on(event: 'ready' | 'error', listener: () => void): unknown
  destroy(): void
}

/** A cluster or sentinel of node-redis, which open a connection for subscriptions themselves. */
interface NodeRedisGroup {
  subscribe(channel: string, listener: Listener): Promise<unknown>
  unsubscribe(channel: string, listener: Listener): Promise<unknown>
}

/** Whether a client can subscribe: a pool of node-redis cannot. */
export function canSubscribe(client: RedisClient): boolean {
  return typeof (client as { subscribe?: unknown }).subscribe === 'function'
}

/**
 * Subscribes on a connection of its own, because the connection of the app may not be able to send
 * commands while it has a subscription.
 */
export function openSubscriber(
  client: RedisClient,
  channel: string,
  listeners: SubscriberListeners,
): Subscriber {
  if (isIoRedis(client))
    return subscribeIoRedis(duplicateIoRedis(client, client.isCluster), channel, listeners)
  return isGroup(client)
    ? subscribeGroup(client, channel, listeners)
    : subscribeNodeRedis(client, channel, listeners)
}

function duplicateIoRedis(client: object, isCluster: boolean): IoRedisConnection {
  const options = { autoResubscribe: false, lazyConnect: false }
  return isCluster
    ? (client as { duplicate(nodes: [], options: object): IoRedisConnection }).duplicate(
        [],
        options,
      )
    : (client as { duplicate(options: object): IoRedisConnection }).duplicate(options)
}

function subscribeIoRedis(
  connection: IoRedisConnection,
  channel: string,
  { onMessage, onReady, onError }: SubscriberListeners,
): Subscriber {
  connection.on('error', () => undefined)
  connection.on('message', (_, message) => onMessage(message))
  connection.on('ready', () => void connection.subscribe(channel).then(onReady, onError))
  return { close: () => connection.disconnect() }
}

function subscribeNodeRedis(
  client: object,
  channel: string,
  { onMessage, onReady, onError }: SubscriberListeners,
): Subscriber {
  const options = { clientSideCache: undefined }
  const connection = (client as { duplicate(options: object): NodeRedisConnection }).duplicate(
    options,
  )
  let [isConnecting, isClosed] = [true, false]
  const destroyIfClosed = () => {
    if (isClosed) destroy(connection)
  }
  // Between two attempts to connect: destroyed during one, a client leaves its socket open.
  connection.on('error', destroyIfClosed)
  // After a lost connection, the client has subscribed again by then.
  connection.on('ready', onReady)
  const subscribe = async () => {
    await connection.connect()
    isConnecting = false
    destroyIfClosed()
    await connection.subscribe(channel, onMessage)
    onReady()
  }
  subscribe().catch(onError)
  return {
    close() {
      isClosed = true
      if (!isConnecting) destroy(connection)
    },
  }
}

function destroy(connection: NodeRedisConnection): void {
  try {
    connection.destroy()
  } catch {
    // It is not open.
  }
}

function subscribeGroup(
  client: NodeRedisGroup,
  channel: string,
  { onMessage, onReady, onError }: SubscriberListeners,
): Subscriber {
  client.subscribe(channel, onMessage).then(onReady, onError)
  return { close: () => void client.unsubscribe(channel, onMessage).catch(() => undefined) }
}

/** Members that only a cluster, or only a sentinel has. */
function isGroup(client: object): client is NodeRedisGroup {
  return 'masters' in client || 'getMasterNode' in client
}
