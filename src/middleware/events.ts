import { type Channel, channel } from 'node:diagnostics_channel'
import { EventEmitter } from 'node:events'
import { type EventOrigin, eventOrigin, type RecordedParts } from '../http/event-origin.js'
import type { AppRequest } from '../http/request.js'
import {
  eventNames,
  type OAuthEventName,
  type OAuthEvents,
  type OAuthListener,
} from './event-types.js'

/** Holds the listeners of the app. Outlives a configuration. */
export function createEventEmitter(): EventEmitter {
  return new EventEmitter().setMaxListeners(100)
}

/** Emits events to listeners and to diagnostics channels. */
export class Events {
  readonly #emitter: EventEmitter
  readonly #recorded: RecordedParts
  readonly #onListenerError: (error: unknown) => void
  readonly #channels = new Map<string, Channel>(
    eventNames.map((name) => [name, channel(`oauth-module:${name}`)]),
  )

  /** `onListenerError` receives the errors of listeners, including rejections of their promises. */
  constructor(
    emitter: EventEmitter,
    recorded: RecordedParts,
    onListenerError: (error: unknown) => void,
  ) {
    this.#emitter = emitter
    this.#recorded = recorded
    this.#onListenerError = onListenerError
  }

  /**
   * Adds a listener. Throws a `TypeError` if there is no event of this name, as do `once` and
   * `off`.
   */
  on<Name extends OAuthEventName>(name: Name, listener: OAuthListener<Name>): void {
    this.#emitter.on(this.#checkName(name), listener)
  }

  /** Adds a listener for the next event only. */
  once<Name extends OAuthEventName>(name: Name, listener: OAuthListener<Name>): void {
    this.#emitter.once(this.#checkName(name), listener)
  }

  /** Removes a listener. */
  off<Name extends OAuthEventName>(name: Name, listener: OAuthListener<Name>): void {
    this.#emitter.off(this.#checkName(name), listener)
  }

  /** Whether an event has a listener, or its diagnostics channel a subscriber. */
  hasListener(name: OAuthEventName): boolean {
    return (
      this.#emitter.listenerCount(name) > 0 || this.#channels.get(name)?.hasSubscribers === true
    )
  }

  /** Where a request came from, for the payload of an event that it causes. */
  originOf(req: AppRequest): EventOrigin {
    return eventOrigin(req, this.#recorded)
  }

  /**
   * Calls every listener. Not `emitter.emit()`, where one listener that throws would stop the next
   * ones.
   */
  emit<Name extends OAuthEventName>(name: Name, payload: OAuthEvents[Name]): void {
    this.#channels.get(name)?.publish(payload)
    for (const listener of this.#emitter.rawListeners(name)) {
      try {
        const result: unknown = listener.call(this.#emitter, payload)
        if (result instanceof Promise) result.catch((error: unknown) => this.#report(error))
      } catch (error) {
        this.#report(error)
      }
    }
  }

  #checkName(name: string): string {
    if (this.#channels.has(name)) return name
    throw new TypeError(`unknown event: use one of ${[...this.#channels.keys()].join(', ')}`)
  }

  #report(error: unknown): void {
    try {
      this.#onListenerError(error)
    } catch {
      // The logger failed as well.
    }
  }
}
