import type { Unwatch } from '../store.js'
import { Watchers } from '../watchers.js'
import { type Driver, isErrorReply, type RedisClient } from './driver.js'
import { announceChange } from './scripts.js'
import { openSubscriber, type Subscriber } from './subscriber.js'

/** What {@link Changes} depends on. */
export interface ChangesDeps {
  readonly client: RedisClient
  readonly driver: Driver
  /** Prefix of every key of the store. */
  readonly prefix: string
  readonly warn: (message: string) => void
}

const NOT_PERMITTED =
  'Redis does not permit PUBLISH and SUBSCRIBE, so changes of the stored configuration take effect within 5 seconds instead of at once: allow both for the channel of the store in the ACL of the user'

/**
 * Tells all processes by Pub/Sub which records have changed. Messages may be lost, and contain only
 * the key: their receivers read the record.
 * https://redis.io/docs/latest/develop/interact/pubsub/
 */
export class Changes {
  readonly #deps: ChangesDeps
  readonly #channel: string
  readonly #watchers = new Watchers()
  /** Opened for the first watcher. */
  #subscriber: Subscriber | undefined

  constructor(deps: ChangesDeps) {
    this.#deps = deps
    this.#channel = `${deps.prefix}changes`
  }

  /** Calls the listener when the record at this key has changed. */
  watch(key: string, listener: () => void): Unwatch {
    const unwatch = this.#watchers.add(key, listener)
    this.#subscriber ??= openSubscriber(this.#deps.client, this.#channel, {
      onMessage: (changed) => this.#watchers.notify(changed),
      // Messages may have been missed while there was no connection.
      onReady: () => this.#watchers.notifyAll(),
      onError: (error) => this.#warnIfRejected(error),
    })
    return () => {
      unwatch()
      if (this.#watchers.isEmpty) this.close()
    }
  }

  /** Tells all processes that a record has changed. `row` is its key in Redis. */
  async announce(key: string, row: string): Promise<void> {
    this.#watchers.notify(key)
    // The record is written: without the message, other processes find it when they read it next.
    await this.#deps.driver
      .run(announceChange, [row], [this.#channel, key])
      .catch((error: unknown) => this.#warnIfRejected(error))
  }

  /** Closes the connection that receives messages. */
  close(): void {
    this.#subscriber?.close()
    this.#subscriber = undefined
  }

  #warnIfRejected(error: unknown): void {
    if (isErrorReply(error, 'NOPERM') || isErrorReply(error, 'ERR')) this.#deps.warn(NOT_PERMITTED)
  }
}
