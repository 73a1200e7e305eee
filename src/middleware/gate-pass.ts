import type { IncomingMessage } from 'node:http'
import type { Rejection } from '../flows/rejection.js'
import type { GateRequest } from '../http/gate-request.js'
import type { OpenSession } from '../session/sessions.js'

/** A request that the gate has let through, for guards behind it. */
export interface GatePass {
  readonly request: GateRequest
  readonly session: OpenSession | undefined
  /** Why somebody who is logged in is nobody here: the rules refuse them. */
  readonly refused?: Rejection | undefined
  /** Nothing is enforced on this request. */
  readonly isExempt?: boolean | undefined
}

/** The requests that the gate of one instance has let through. */
export interface GatePasses {
  note(passed: GatePass): void
  of(req: IncomingMessage): GatePass | undefined
}

/**
 * The notes hang on the headers of the requests: at every request a `WeakMap` costs more than all the rest, and so does
 * another property of a request that Express has given its prototype. What prints or copies headers sees nothing of them.
 */
export function createGatePasses(): GatePasses {
  const mark = Symbol('oauth-module')
  class Note {
    readonly #passed: GatePass
    constructor(passed: GatePass) {
      this.#passed = passed
    }
    read(): GatePass {
      return this.#passed
    }
  }
  return {
    note(passed) {
      Object.defineProperty(passed.request.headers, mark, {
        value: new Note(passed),
        configurable: true,
      })
    },
    of(req: { headers: object & { [mark]?: Note } }) {
      const passed = req.headers[mark]?.read()
      // A request that an app makes up may share the headers of another: what the gate said of that one counts there only.
      return passed !== undefined && isOrWraps(req, passed.request.req) ? passed : undefined
    },
  }
}

function isOrWraps(req: object, original: object): boolean {
  return req === original || Object.prototype.isPrototypeOf.call(original, req)
}
