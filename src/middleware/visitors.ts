import type { OAuthUser } from '../access/user.js'
import type { IncomingGateRequest } from '../http/gate-request.js'
import type { AppRequest } from '../http/request.js'
import type { Config } from '../options/config.js'
import type { AnonymousReason, OpenSession } from '../session/sessions.js'
import { OAuthContext } from './oauth-context.js'
import { renewCookie } from './renew-cookie.js'
import type { UpstreamHeaders } from './upstream-headers.js'
import { Visitor, type VisitorDeps } from './visitor.js'

/** What {@link Visitors} depends on. */
export interface VisitorsDeps extends VisitorDeps {
  readonly config: VisitorDeps['config'] & Pick<Config, 'userProperty'>
  readonly upstreamHeaders: UpstreamHeaders
}

/** Sets `req.oauth`, `req.user` and the upstream headers. */
export class Visitors {
  readonly #deps: VisitorsDeps

  constructor(deps: VisitorsDeps) {
    this.#deps = deps
  }

  /** Attaches the context of a user with a session. */
  attach(request: IncomingGateRequest, session: OpenSession): OAuthContext {
    const { config, upstreamHeaders } = this.#deps
    const { record } = session
    const req: ExtendedRequest = request.req
    const visitor = new Visitor(this.#deps, request, session, undefined)
    upstreamHeaders.set(request.headers, record.user, visitor.matched, visitor)
    const oauth = new OAuthContext(visitor, session)
    req.oauth = oauth
    if (config.userProperty && req.user === undefined) req.user = oauth.user
    return oauth
  }

  /** Attaches the context of an anonymous request. */
  attachAnonymous(request: IncomingGateRequest, reason: AnonymousReason): OAuthContext {
    const req: ExtendedRequest = request.req
    const visitor = new Visitor(this.#deps, request, undefined, reason)
    req.oauth = new OAuthContext(visitor, undefined)
    return req.oauth
  }

  /** Sets the session cookie again if the ID of the session has changed. */
  renewCookie(request: IncomingGateRequest, before: OpenSession, after: OpenSession): OpenSession {
    return renewCookie(this.#deps.sessions, request, before, after)
  }
}

type ExtendedRequest = AppRequest & { oauth?: OAuthContext; user?: OAuthUser | undefined }
