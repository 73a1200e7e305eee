import type { Headers } from '../http/response.js'

/** A response with headers of its own. */
export class Reply {
  constructor(
    readonly body: object,
    readonly headers: Headers,
  ) {}
}
