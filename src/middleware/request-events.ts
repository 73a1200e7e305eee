import type { IncomingMessage, ServerResponse } from 'node:http'
import type { UserProfile } from '../access/user.js'
import type { AppRequest } from '../http/request.js'
import type { Events } from './events.js'

interface Report {
  decision: 'allow' | 'block'
  reason: string | undefined
  user: UserProfile | undefined
}

/** The requests in progress. Outlives a configuration: a request may end under another one. */
export type RequestReports = WeakMap<IncomingMessage, Report>

/** Empty state for {@link RequestEvents}. */
export function createRequestReports(): RequestReports {
  return new WeakMap()
}

/** Collects the fields of `http_request_complete`, if the event has a listener. */
export class RequestEvents {
  readonly #events: Events
  readonly #clientIdOf: (provider: string | undefined) => string | undefined
  readonly #reports: RequestReports

  /**
   * `clientIdOf` returns the client ID of a provider, or without a name that of the only provider.
   */
  constructor(
    {
      events,
      clientIdOf,
    }: { events: Events; clientIdOf: (provider: string | undefined) => string | undefined },
    reports: RequestReports,
  ) {
    this.#events = events
    this.#clientIdOf = clientIdOf
    this.#reports = reports
  }

  /**
   * Called first for each request, if the event has a listener. Emits the event when the response
   * has ended.
   */
  begin(req: AppRequest, res: ServerResponse): void {
    const startedAt = performance.now()
    const path = (req.originalUrl ?? req.url ?? '/').split('?', 1)[0] ?? '/'
    // A client that disconnects before the decision has not reached the app.
    const report: Report = { decision: 'block', reason: 'aborted', user: undefined }
    this.#reports.set(req, report)
    // A socket that has closed no longer has an address.
    const origin = this.#events.originOf(req)
    res.once('close', () => {
      const { decision, reason, user } = report
      this.#events.emit('http_request_complete', {
        oauth: {
          app_client_id: this.#clientIdOf(user?.provider),
          decision,
          user: { id: user?.id, name: user?.name },
        },
        method: req.method ?? '',
        path,
        status: res.statusCode,
        duration: performance.now() - startedAt,
        reason,
        origin,
      })
    })
  }

  /** The app receives the request. */
  allow(req: IncomingMessage, user: UserProfile | undefined): void {
    const report = this.#reports.get(req)
    if (report !== undefined) Object.assign(report, { decision: 'allow', reason: undefined, user })
  }

  /** The app, or one of its routes, does not receive the request. */
  block(req: IncomingMessage, reason: string, user?: UserProfile): void {
    const report = this.#reports.get(req)
    if (report !== undefined)
      Object.assign(report, { decision: 'block', reason, user: user ?? report.user })
  }
}
