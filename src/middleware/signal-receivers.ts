import type { SessionNotices } from '../session/session-notices.js'
import type { Unwatch } from '../session/stores/store.js'
import type { SignalInbox } from '../signals/inbox.js'
import type { Poller } from '../signals/poller.js'
import type { SignalStreams } from '../signals/streams.js'
import type { Transmitter } from '../signals/transmitter.js'
import type { SignalEndpoints } from './signal-endpoints.js'

/** What {@link SignalReceivers} consists of. */
export interface SignalReceiversDeps {
  readonly endpoints: SignalEndpoints
  readonly inbox: SignalInbox
  readonly pollers: readonly Poller[]
  readonly transmitters: readonly Transmitter[]
  readonly streams: SignalStreams
  readonly notices: SessionNotices
}

/** Everything that receives signals under one configuration. */
export class SignalReceivers {
  readonly endpoints: SignalEndpoints
  readonly streams: SignalStreams
  readonly #deps: SignalReceiversDeps
  #unwatch: Unwatch | undefined

  constructor(deps: SignalReceiversDeps) {
    this.endpoints = deps.endpoints
    this.streams = deps.streams
    this.#deps = deps
  }

  /** Starts polling. */
  start(): void {
    // Otherwise the store would subscribe again and again, as sockets come and go.
    this.#unwatch = this.#deps.notices.watch('subscription', () => undefined)
    for (const poller of this.#deps.pollers) poller.start()
  }

  /** Fetches what is needed to verify tokens. Rejects if a transmitter cannot be reached. */
  async ready(): Promise<void> {
    await Promise.all(this.#deps.transmitters.map((transmitter) => transmitter.load()))
  }

  /** Stops polling, because another configuration has its own pollers. */
  async stop(): Promise<void> {
    this.#unwatch?.()
    await Promise.all(this.#deps.pollers.map((poller) => poller.stop()))
  }

  /** Stops everything, and reports the signals that are lost. */
  async close(): Promise<void> {
    await this.stop()
    await this.#deps.inbox.close()
  }
}
