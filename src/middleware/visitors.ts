import type { OAuthUser } from '../access/user.js'
import type { IncomingGateRequest } from '../http/gate-request.js'
import type { AppRequest } from '../http/request.js'
import type { AnonymousReason, OpenSession } from '../session/sessions.js'
import { OAuthContext } from './oauth-context.js'
import { renewCookie } from './renew-cookie.js'
import type { UpstreamHeaders } from './upstream-headers.js'
import { Visitor, type VisitorDeps } from './visitor.js'

/** What {@link Visitors} needs from a configuration. */
export interface VisitorsDeps extends VisitorDeps {
  upstreamHeaders: UpstreamHeaders
  /** Whether `req.user` is set. */
  userProperty: boolean
}

/** Attaches what the app sees of a visitor to the request: `req.oauth`, `req.user` and the upstream headers. */
export class Visitors {
  readonly #deps: VisitorsDeps

  constructor(deps: VisitorsDeps) {
    this.#deps = deps
  }

  /** Attaches the context of a user with a session. */
  attach(request: IncomingGateRequest, session: OpenSession): OAuthContext {
    const visitor = new Visitor(this.#deps, request, session, undefined)
    this.#deps.upstreamHeaders.set(request.headers, session.record.user, visitor.matched, visitor)
    return this.#attach(request.req, new OAuthContext(visitor))
  }

  /** Attaches the context of an anonymous request. */
  attachAnonymous(request: IncomingGateRequest, reason: AnonymousReason): OAuthContext {
    const visitor = new Visitor(this.#deps, request, undefined, reason)
    return this.#attach(request.req, new OAuthContext(visitor))
  }

  /** Sets the session cookie again if the ID of the session has changed. */
  renewCookie(request: IncomingGateRequest, before: OpenSession, after: OpenSession): OpenSession {
    return renewCookie(this.#deps.sessions, request, before, after)
  }

  #attach(
    req: AppRequest & { oauth?: OAuthContext; user?: OAuthUser | undefined },
    oauth: OAuthContext,
  ): OAuthContext {
    req.oauth = oauth
    if (this.#deps.userProperty && oauth.user !== undefined && req.user === undefined)
      req.user = oauth.user
    return oauth
  }
}
