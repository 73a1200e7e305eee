import type { ServerResponse } from 'node:http'
import type { AppRequest } from '../http/request.js'
import type { GatePass, GatePasses } from './gate-pass.js'
import { callNext, type Next, type Outcome } from './outcome.js'

/** A handler of Express, Connect and `node:http`. */
export type Handler = (req: AppRequest, res: ServerResponse, next: Next) => void

/** A handler for requests that have passed the gate. `method` is that of the middleware. */
export function passHandler(
  passes: GatePasses,
  method: string,
  handle: (pass: GatePass, req: AppRequest) => Promise<Outcome>,
): Handler {
  return (req, res, next) => {
    const pass = passes.of(req)
    if (pass === undefined)
      return next(
        new Error(
          `${method}() needs the middleware in front of it, and nothing between the two may replace req.headers: app.use(auth), then app.use(auth.${method}())`,
        ),
      )
    callNext(handle({ ...pass, request: { ...pass.request, res } }, req), next)
  }
}
