import type { IncomingMessage } from 'node:http'
import type { VerifiedToken } from '../bearer/verified-token.js'
import type { Rejection } from '../flows/rejection.js'
import type { GateRequest } from '../http/gate-request.js'
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
 * Holds the pass in a private member, so that it is not printed or copied together with the
 * headers.
 */
class Note {
  readonly #pass: GatePass

  constructor(pass: GatePass) {
    this.#pass = pass
  }

  read(): GatePass {
    return this.#pass
  }
}

/**
 * The requests that have passed the gate of one instance. The passes are properties of the
 * requests' headers: on the hot path, a `WeakMap` or another property of the request, whose
 * prototype Express has replaced, cost more than everything else.
 */
export class GatePasses {
  readonly #key = Symbol('oauth-module')

  /** Adds a request that has passed. */
  add(pass: GatePass): void {
    Object.defineProperty(pass.request.headers, this.#key, {
      value: new Note(pass),
      configurable: true,
    })
  }

  /**
   * The pass of a request, or of the request that it wraps; `undefined` if it has not passed this
   * gate.
   */
  of(req: IncomingMessage): GatePass | undefined {
    const note: unknown = Reflect.get(req.headers, this.#key)
    if (!(note instanceof Note)) return undefined
    const pass = note.read()
    // An app may create a request with the headers of another one. The pass is valid for the
    // original only.
    return isOrWraps(req, pass.request.req) ? pass : undefined
  }
}

function isOrWraps(req: object, original: object): boolean {
  return req === original || Object.prototype.isPrototypeOf.call(original, req)
}
