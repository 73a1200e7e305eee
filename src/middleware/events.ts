import { type Channel, channel } from 'node:diagnostics_channel'
import { EventEmitter } from 'node:events'
import type { RuleList } from '../access/rules.js'
import type { OAuthUser } from '../access/user.js'
import type { OAuthErrorCode } from '../http/errors.js'

/** The user and the session that most events are about. No event contains a secret. */
export interface SessionEvent {
  /** The user of the session. */
  readonly user: OAuthUser
  /** The name of the provider in the options. */
  readonly provider: string
  /** The public name of the session, as in `req.oauth.sessionHandle`. */
  readonly sessionHandle: string
}

/** The payload of `denied`. */
export interface DenialEvent {
  /** The user whom the rules deny. */
  readonly user: OAuthUser
  /** The name of the provider in the options. */
  readonly provider: string
  /** The error code of the response, such as `not_authorized` or `email_unverified`. */
  readonly code: OAuthErrorCode
  /** The lists that were evaluated, none of which has a matching entry. */
  readonly tried: readonly RuleList[]
  /** Identifies this denial. The error page and the JSON response contain it as well. */
  readonly decisionId: string
  /** Whether only the rules of `reportOnly` deny the user. The request passed in this case. */
  readonly isReportOnly: boolean
}

/** The payload of `http_request_complete`, with the fields of ngrok's event of the same name. */
export interface RequestEvent {
  /** The fields of ngrok's event. */
  readonly oauth: {
    /** The client ID of the user's provider, or of the only provider. */
    readonly app_client_id: string | undefined
    /** Whether the app received the request. */
    readonly decision: 'allow' | 'block'
    /** The user of the session; both fields are `undefined` if the request is unauthenticated. */
    readonly user: { readonly id: string | undefined; readonly name: string | undefined }
  }
  /** The request method. */
  readonly method: string
  /** The path without the query, which may contain secrets. */
  readonly path: string
  /** The status code of the response. */
  readonly status: number
  /** Milliseconds from the request to the end of the response. */
  readonly duration: number
  /**
   * Why the app did not receive the request: an error code, `login` if a login started, the special path that responded
   * (`callback`), or `aborted`. `undefined` if the app received it.
   */
  readonly reason: string | undefined
}

/** Declares the type of a payload. Only the type matters: there is no value at run time. */
function payload<Payload>(value?: Payload): Payload | undefined {
  return value
}

/** Every event. The public types, the accepted names and the diagnostics channels follow from this table. */
const eventTypes = {
  /** A user signed in and has a new session. */
  login: payload<SessionEvent>(),
  /** A login failed. `hint` is for the owner of the app and has no data from outside. */
  login_failed: payload<{
    readonly provider: string | undefined
    readonly code: OAuthErrorCode
    readonly hint: string | undefined
  }>(),
  /** The rules deny a user, at a login, at a re-check, or at a guard. */
  denied: payload<DenialEvent>(),
  /** A user signed out at this instance. */
  logout: payload<SessionEvent>(),
  /** This process found that a session has expired. */
  expired: payload<{ readonly sessionHandle: string }>(),
  /** A re-check reached a decision. `duration` is in milliseconds. */
  recheck: payload<
    SessionEvent & {
      readonly outcome: 'allowed' | 'denied' | 'ended'
      readonly duration: number
    }
  >(),
  /** A re-check failed because the provider or the store is down, or because of their responses. */
  recheck_failed: payload<
    SessionEvent & {
      readonly outcome: string
      readonly code: OAuthErrorCode
      readonly hint: string | undefined
    }
  >(),
  /** A session was revoked through `sessions` or `users` in this process. */
  revoked: payload<{ readonly sessionHandle: string }>(),
  /** An operation of the store failed or timed out. */
  store_error: payload<{
    readonly code: OAuthErrorCode
    readonly hint: string | undefined
  }>(),
  /** The response to a request has ended. */
  http_request_complete: payload<RequestEvent>(),
}

type EventTypes = typeof eventTypes

/**
 * The events of a middleware and their payloads. The diagnostics channel `oauth-module:<event>` publishes the same
 * payloads.
 *
 * @interface
 */
export type OAuthEvents = {
  [Name in keyof EventTypes]: NonNullable<EventTypes[Name]>
}

/** The name of an event. */
export type OAuthEventName = keyof OAuthEvents

/** The names of all events. */
export const eventNames = Object.keys(eventTypes) as OAuthEventName[]

/** A listener for one event. Anything it throws is logged and has no other effect. */
export type OAuthListener<Name extends OAuthEventName> = (payload: OAuthEvents[Name]) => void

/** The listeners of a middleware, which outlive a configuration. */
export function createEventEmitter(): EventEmitter {
  return new EventEmitter().setMaxListeners(100)
}

/** Emits events to listeners and to diagnostics channels. */
export class Events {
  readonly #emitter: EventEmitter
  readonly #onListenerError: (error: unknown) => void
  readonly #channels = new Map<string, Channel>(
    eventNames.map((name) => [name, channel(`oauth-module:${name}`)]),
  )

  /** `onListenerError` receives what a listener throws, or what its promise rejects with. */
  constructor(emitter: EventEmitter, onListenerError: (error: unknown) => void) {
    this.#emitter = emitter
    this.#onListenerError = onListenerError
  }

  /** Adds a listener. Throws a `TypeError` if no event has this name, as `once` and `off` do. */
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

  /** Whether an event has a listener or a subscriber. A payload without any is not built. */
  hasListener(name: OAuthEventName): boolean {
    return (
      this.#emitter.listenerCount(name) > 0 || this.#channels.get(name)?.hasSubscribers === true
    )
  }

  /** Calls every listener. Not `emitter.emit()`, where one listener that throws would stop the next ones. */
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
      // The logger threw as well, so there is nowhere left to report.
    }
  }
}
