import type { RuleList } from '../access/rules.js'
import type { OAuthUser } from '../access/user.js'
import type { OAuthErrorCode } from '../http/errors.js'
import type { AdminActionEvent } from './admin-action-event.js'
import type { RequestEvent } from './request-event.js'
import type { MoveEvent, OriginatedEvent, SessionEvent } from './session-event-types.js'

export type {
  AdminAction,
  AdminActionEvent,
  AdminActor,
  FieldChange,
} from './admin-action-event.js'
export type { RequestEvent } from './request-event.js'
export type { EventOrigin } from '../http/event-origin.js'
export type { MoveEvent, OriginatedEvent, SessionEvent } from './session-event-types.js'

/** The payload of `denied`. */
export interface DenialEvent extends OriginatedEvent {
  /** The user that the rules deny. */
  readonly user: OAuthUser
  /** The name of the provider in the options. */
  readonly provider: string
  /** The error code of the response, such as `not_authorized` or `email_unverified`. */
  readonly code: OAuthErrorCode
  /** The rule lists that were evaluated without a match. */
  readonly tried: readonly RuleList[]
  /**
   * With several rule sets (`allOf`): those that are not met, as in `allOf[0]`; `lists` are those
   * next to `allOf`.
   */
  readonly unmet?: readonly string[] | undefined
  /** Identifies this denial. The error page and the JSON response contain it as well. */
  readonly decisionId: string
  /** Whether only the rules of `reportOnly` deny the user. The request passed in this case. */
  readonly isReportOnly: boolean
}

/** Declares the type of a payload. Only the type matters: there is no value at run time. */
function payload<Payload>(value?: Payload): Payload | undefined {
  return value
}

/**
 * Every event. The public types, the accepted names and the diagnostics channels follow from this
 * table.
 */
const eventTypes = {
  /** A user signed in and has a new session. */
  login: payload<SessionEvent>(),
  /** A login failed. */
  login_failed: payload<
    OriginatedEvent & {
      /** The name of the provider in the options; `undefined` if it is not known yet. */
      readonly provider: string | undefined
      /** The error code of the response. */
      readonly code: OAuthErrorCode
      /** What failed, for the owner of the app. Contains no secrets. */
      readonly hint: string | undefined
    }
  >(),
  /** The rules deny a user, at a login, at a re-check, or at a guard. */
  denied: payload<DenialEvent>(),
  /** A user signed out at this instance. */
  logout: payload<SessionEvent>(),
  /** This process found that a session has expired. */
  expired: payload<
    OriginatedEvent & {
      /** The public ID of the session. */
      readonly sessionHandle: string
    }
  >(),
  /**
   * A session is used with another browser or in another network: see the option `onMove`. Each
   * process may report the same move once.
   */
  moved: payload<MoveEvent>(),
  /** A session was bound to the key of its browser's device: see the option `deviceBound`. */
  device_bound: payload<SessionEvent>(),
  /** A re-check reached a decision. */
  recheck: payload<
    SessionEvent & {
      /** Whether the rules allow the user; `ended` if the provider has ended the grant. */
      readonly outcome: 'allowed' | 'denied' | 'ended'
      /** Milliseconds. */
      readonly duration: number
      /**
       * With `ended`, why, for the owner of the app. May quote a short error description of the
       * provider.
       */
      readonly hint: string | undefined
    }
  >(),
  /** A re-check reached no decision, because the provider, the store or `authorize` failed. */
  recheck_failed: payload<
    SessionEvent & {
      /**
       * `down`, `unusable`, `throttled` or `owner` for errors of the provider, otherwise `failed`.
       */
      readonly outcome: string
      /** The error code. */
      readonly code: OAuthErrorCode
      /** What failed, for the owner of the app. Contains no secrets. */
      readonly hint: string | undefined
    }
  >(),
  /**
   * A session was ended by `sessions` or `users`, by back-channel logout, by a signal, by another
   * login of the same browser, by a login beyond `sessionsPerUser`, or by `onMove`, in this process.
   */
  revoked: payload<
    OriginatedEvent & {
      /** The public ID of the session. */
      readonly sessionHandle: string
      /**
       * Why: `revoked` by the app, `backchannel` by a logout token of the provider, `signal` by a signal
       * or webhook, `replaced` by another login of the browser, `limit` of the sessions per user, or `moved`.
       */
      readonly reason: 'revoked' | 'backchannel' | 'signal' | 'replaced' | 'limit' | 'moved'
      /** The option whose limit ended the session; otherwise absent. */
      readonly limit?: 'sessionsPerUser'
    }
  >(),
  /** A signal or webhook of the option `signals` arrived at this process. */
  signal: payload<{
    /** The name of the transmitter or webhook in the options. */
    readonly source: string
    /** What happened, as in `session-revoked` or `membership.removed`. */
    readonly type: string
    /**
     * What it causes: `end` ends sessions, and `recheck` has them checked; `undefined` if it causes
     * nothing.
     */
    readonly action: 'end' | 'recheck' | undefined
    /** The name of the provider whose user it is about. */
    readonly provider: string | undefined
    /**
     * `applied`; `unknown_subject` if it names no session of this app; `duplicate`; `ignored` if it
     * needs no action; `failed` if it is tried again; `dropped` if it could not be acted on.
     */
    readonly outcome: 'applied' | 'unknown_subject' | 'duplicate' | 'ignored' | 'failed' | 'dropped'
    /** How many sessions it has ended, or has checked at their next request. */
    readonly sessions: number
    /** The key of the user of these sessions; `undefined` if there is none, or several. */
    readonly user: string | undefined
    /** For the owner of the app. */
    readonly hint: string | undefined
  }>(),
  /** An operation of the store failed or timed out. */
  store_error: payload<
    OriginatedEvent & {
      /** The error code of the response. */
      readonly code: OAuthErrorCode
      /** The message of the store's error. */
      readonly hint: string | undefined
    }
  >(),
  /** An administrator has done something, at the first gate of `adminRouter()`. */
  admin_action: payload<AdminActionEvent>(),
  /** The response to a request has ended. */
  http_request_complete: payload<RequestEvent>(),
}

type EventTypes = typeof eventTypes

/**
 * The events of a middleware and their payloads. The diagnostics channel `oauth-module:<event>`
 * publishes the same payloads.
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

/** A listener for one event. Its errors are logged and have no other effect. */
export type OAuthListener<Name extends OAuthEventName> = (payload: OAuthEvents[Name]) => void
