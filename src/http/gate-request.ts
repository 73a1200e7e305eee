import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { Mount } from './mounts.js'
import type { AppRequest } from './request.js'
import type { RequestTarget } from './paths.js'

/**
 * A request, and what was read from it. It may be an upgrade without a response: see {@link
 * GateRequest}.
 */
export interface IncomingGateRequest {
  readonly req: AppRequest
  /**
   * `req.headers`, read once: in Express each access to a property of the request costs up to a
   * microsecond.
   */
  readonly headers: IncomingHttpHeaders
  /**
   * The cookies of this gate, in the form of a `Cookie` header. The app does not see them: without
   * `cookie.forward`, they are no longer in `headers`.
   */
  readonly cookieHeader: string | undefined
  /** `undefined` for upgrades, which have no response. */
  readonly res: ServerResponse | undefined
  readonly mount: Mount
  readonly target: RequestTarget
  /** When the request arrived, in milliseconds. */
  readonly now: number
}

/** A request with the response that the gate, its flows and its pages write to. */
export interface GateRequest extends IncomingGateRequest {
  readonly res: ServerResponse
  /** Why its session cookie leads to no session; `undefined` if that is as expected. */
  readonly unusableSession?: UnusableSession | undefined
}

/**
 * Why a session that was not used yet does not count, as far as this process can tell: it is `missing`
 * in the store, belongs to another `instance` or `client`, cannot be decrypted with the `secret`,
 * has expired by the `clock` of this process, or ended at its first `check`.
 */
export type UnusableSession = 'missing' | 'instance' | 'client' | 'secret' | 'clock' | 'check'
