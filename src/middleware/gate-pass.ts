import type { IncomingMessage } from 'node:http'
import type { VerifiedToken } from '../bearer/verified-token.js'
import type { Rejection } from '../flows/rejection.js'
import type { GateRequest } from '../http/gate-request.js'
import { createPrivateNotes } from '../http/private-notes.js'
import type { OpenSession } from '../session/sessions.js'

/** A request that has passed the gate, for the guards behind it. */
export interface GatePass {
  readonly request: GateRequest
  /** `undefined` if the request is unauthenticated, or has an access token. */
  readonly session: OpenSession | undefined
  /** The access token of a request without a session. */
  readonly token?: VerifiedToken | undefined
  /** With `unauthenticated: 'pass'`: why a request with a session counts as unauthenticated. */
  readonly rejection?: Rejection | undefined
  /** Whether authentication is not enforced on this request. */
  readonly isExempt?: boolean | undefined
}

/**
 * The requests that have passed the gate of one instance. The passes are notes on the headers: on the
 * hot path, a property of the request, whose prototype Express has replaced, costs more than
 * everything else.
 */
export class GatePasses {
  readonly #notes = createPrivateNotes<GatePass>()

  /** Adds a request that has passed. */
  add(pass: GatePass): void {
    this.#notes.set(pass.request.headers, pass)
  }

  /**
   * The pass of a request, or of the request that it wraps; `undefined` if it has not passed this
   * gate.
   */
  of(req: IncomingMessage): GatePass | undefined {
    const pass = this.#notes.get(req.headers)
    // An app may create a request with the headers of another one. The pass is valid for the
    // original only.
    return pass !== undefined && isOrWraps(req, pass.request.req) ? pass : undefined
  }
}

function isOrWraps(req: object, original: object): boolean {
  return req === original || Object.prototype.isPrototypeOf.call(original, req)
}
