import { forgetLostPage, type LostPage, lostPageOf } from '../flows/lost-page.js'
import type { GateRequest } from '../http/gate-request.js'
import type { Mounts } from '../http/mounts.js'
import { isPageRequest } from '../http/request.js'
import type { Responder } from '../pages/respond.js'
import { ENGLISH, type TextName } from '../pages/texts.js'
import type { RequestEvents } from './request-events.js'

const MESSAGES = { form: 'lostForm', page: 'lostPage' } as const satisfies Record<
  LostPage,
  TextName
>

/** Explains once, on the first page after a login, what the login could not return to. */
export class LostPages {
  readonly #mounts: Mounts
  readonly #responder: Responder
  readonly #requestEvents: RequestEvents

  constructor(deps: { mounts: Mounts; responder: Responder; requestEvents: RequestEvents }) {
    this.#mounts = deps.mounts
    this.#responder = deps.responder
    this.#requestEvents = deps.requestEvents
  }

  /** Responds to the first page request after such a login. Returns whether it did. */
  explain(request: GateRequest): boolean {
    const lost = lostPageOf(request)
    if (lost === undefined || !isPageRequest(request.req)) return false
    forgetLostPage(request)
    const message = MESSAGES[lost]
    const url = this.#mounts.publicTarget(request.mount, request.target)
    this.#requestEvents.block(request.req, 'lost_page')
    this.#responder.page(request, { message: ENGLISH[message] }, 'lostPage', { message, url })
    return true
  }
}
