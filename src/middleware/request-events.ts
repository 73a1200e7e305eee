import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Events } from './events.js'
import type { AppRequest } from '../http/request.js'
import type { OAuthUser } from '../access/user.js'

/** Collects what `http_request_complete` tells; costs nothing while nobody listens. */
export interface RequestEvents {
  /** To be called before anything is decided. Tells the event when the answer is out. */
  begin(
    req: AppRequest,
    res: ServerResponse,
    clientIdOf: (provider: string | undefined) => string | undefined,
  ): void
  /** The app gets the request. */
  allow(req: IncomingMessage, user: OAuthUser | undefined): void
  /** The app, or one route of it, does not. */
  block(req: IncomingMessage, reason: string, user?: OAuthUser | undefined): void
}

interface Report {
  decision: 'allow' | 'block'
  reason: string | undefined
  user: OAuthUser | undefined
}

export function createRequestEvents(events: Events): RequestEvents {
  const reports = new WeakMap<IncomingMessage, Report>()

  return {
    begin(req, res, clientIdOf) {
      if (!events.hasListener('http_request_complete')) return
      const startedAt = performance.now()
      const path = (req.originalUrl ?? req.url ?? '/').split('?', 1)[0] ?? '/'
      // Whoever goes away before anything is decided was not let in.
      const report: Report = { decision: 'block', reason: 'aborted', user: undefined }
      reports.set(req, report)
      res.once('close', () => {
        const { decision, reason, user } = report
        events.tell('http_request_complete', {
          oauth: {
            app_client_id: clientIdOf(user?.provider),
            decision,
            user: { id: user?.id, name: user?.name },
          },
          method: req.method ?? '',
          path,
          status: res.statusCode,
          duration: performance.now() - startedAt,
          reason,
        })
      })
    },
    allow(req, user) {
      const report = reports.get(req)
      if (report !== undefined)
        Object.assign(report, { decision: 'allow', reason: undefined, user })
    },
    block(req, reason, user) {
      const report = reports.get(req)
      if (report !== undefined)
        Object.assign(report, { decision: 'block', reason, user: user ?? report.user })
    },
  }
}
