import type { IncomingMessage } from 'node:http'
import type { Rejection } from '../flows/rejection.js'
import type { GateRequest } from '../http/gate-request.js'
import type { OpenSession } from '../session/sessions.js'

/** A request that the gate has let through, for the guards behind it. */
export interface GatePass {
  readonly request: GateRequest
  /** `undefined` if the request is unauthenticated. */
  readonly session: OpenSession | undefined
  /** Why a user with a session is anonymous here: the rules deny the user. */
  readonly rejection?: Rejection | undefined
  /** Nothing is enforced on this request. */
  readonly isExempt?: boolean | undefined
}

/** Keeps the pass in a private member: it must not appear where headers are printed or copied. */
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
 * The requests that the gate of one instance has let through. The passes are properties of the requests' headers: on the
 * hot path, a `WeakMap` or another property of the request, whose prototype Express has replaced, cost more than
 * everything else.
 */
export class GatePasses {
  readonly #key = Symbol('oauth-module')

  /** Remembers that a request has passed. */
  add(pass: GatePass): void {
    Object.defineProperty(pass.request.headers, this.#key, {
      value: new Note(pass),
      configurable: true,
    })
  }

  /** The pass of a request, or of the request that it wraps; `undefined` if it has not passed this gate. */
  of(req: IncomingMessage): GatePass | undefined {
    const note: unknown = Reflect.get(req.headers, this.#key)
    if (!(note instanceof Note)) return undefined
    const pass = note.read()
    // An app may create a request with the headers of another one. The pass counts for the original only.
    return isOrWraps(req, pass.request.req) ? pass : undefined
  }
}

function isOrWraps(req: object, original: object): boolean {
  return req === original || Object.prototype.isPrototypeOf.call(original, req)
}
