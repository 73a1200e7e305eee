import type { IncomingGateRequest } from '../http/gate-request.js'
import type { Mount } from '../http/mounts.js'
import type { AppRequest } from '../http/request.js'
import type { UnusableSession } from '../http/gate-request.js'
import type { SeenPlaces } from '../http/places.js'
import type { OpenSession } from './open-session.js'

/**
 * Why a request is anonymous: it has no session (`none`), its session has expired or was revoked,
 * or the rules deny the user.
 */
export type AnonymousReason = 'none' | 'expired' | 'revoked' | 'denied'

/** A request without a session. */
export interface AnonymousResult {
  readonly session?: undefined
  readonly reason: AnonymousReason
  /** Set if the end of the session is not known. */
  readonly unusable?: UnusableSession | undefined
  /** The session is bound, and the browser should prove that it has the key: by this redirect. */
  readonly mustRefresh?: boolean | undefined
  /** Where the session was used that ended because it moved, for the login that replaces it. */
  readonly seen?: SeenPlaces | undefined
}

/** The session of a request, or the reason why it has none. */
export type SessionResult =
  { readonly session: OpenSession; readonly reason?: undefined } | AnonymousResult

/** For what a session is read: a request, or those parts of one that are known without it. */
export interface SessionLookup extends Pick<IncomingGateRequest, 'now'> {
  readonly mount: Pick<Mount, 'instanceId'>
  readonly req?: AppRequest
}

/** The parts of a request that lead to its session. */
export interface SessionRequest extends SessionLookup, Pick<IncomingGateRequest, 'cookieHeader'> {
  readonly mount: SessionLookup['mount'] & {
    readonly sessionCookie: Pick<Mount['sessionCookie'], 'name'>
  }
}
