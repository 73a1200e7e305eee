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
}
