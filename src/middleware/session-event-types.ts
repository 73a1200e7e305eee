import type { OAuthUser } from '../access/user.js'
import type { EventOrigin } from '../http/event-origin.js'

/** What most events have in common. */
export interface OriginatedEvent {
  /** The request that caused the event; absent if none did, as for signals and back-channel logout. */
  readonly origin?: EventOrigin | undefined
}

/** The user and the session that most events are about. No event contains a secret. */
export interface SessionEvent extends OriginatedEvent {
  /** The user of the session. */
  readonly user: OAuthUser
  /** The name of the provider in the options. */
  readonly provider: string
  /** The public ID of the session, the same as `req.oauth.sessionHandle`. */
  readonly sessionHandle: string
}

/** The payload of `moved`. */
export interface MoveEvent extends SessionEvent {
  /** What changed. */
  readonly parts: readonly ('userAgent' | 'network')[]
  /** Where the session was used before. */
  readonly from: {
    /** Browsers and platforms, as in `chrome windows`. */
    readonly families: readonly string[]
    /** The first 16 bits of IPv4 addresses, the first 32 bits of IPv6 addresses. */
    readonly networks: readonly string[]
  }
  /** Where it is used now. */
  readonly to: {
    /** Browser and platform. */
    readonly family: string
    /** `undefined` if it is not known, or is that of a phone or tablet. */
    readonly network: string | undefined
  }
  /** The option `onMove`: whether the session has ended, and the user must sign in again. */
  readonly action: 'tell' | 'login' | 'end'
}
