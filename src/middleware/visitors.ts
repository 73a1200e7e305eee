import type { OAuthUser } from '../access/user.js'
import type { VerifiedToken } from '../bearer/verified-token.js'
import type { IncomingGateRequest } from '../http/gate-request.js'
import type { AppRequest } from '../http/request.js'
import type { Config } from '../options/config.js'
import type { AnonymousReason, OpenSession } from '../session/sessions.js'
import {
  AnonymousContext,
  AuthenticatedContext,
  type OAuthContext,
  TokenContext,
} from './oauth-context.js'
import { renewCookie } from './renew-cookie.js'
import type { TokenSignals } from './token-signals.js'
import { TokenVisitor, type TokenVisitorDeps } from './token-visitor.js'
import type { UpstreamHeaders } from './upstream-headers.js'
import { Visitor, type VisitorDeps } from './visitor.js'

/** What {@link Visitors} depends on. */
export interface VisitorsDeps extends VisitorDeps {
  readonly config: VisitorDeps['config'] & Pick<Config, 'userProperty'>
  readonly upstreamHeaders: UpstreamHeaders
  readonly tokenSignals: TokenSignals
}

/** Sets `req.oauth`, `req.user` and the upstream headers. */
export class Visitors {
  readonly #deps: VisitorsDeps

  constructor(deps: VisitorsDeps) {
    this.#deps = deps
  }

  /** Attaches the context of a user with a session. */
  attach(request: IncomingGateRequest, session: OpenSession): AuthenticatedContext {
    const { config, upstreamHeaders } = this.#deps
    const { record } = session
    const req: ExtendedRequest = request.req
    const visitor = new Visitor(this.#deps, request, session)
    upstreamHeaders.set(request.headers, record.user, visitor.matched, visitor)
    const oauth = new AuthenticatedContext(visitor, session)
    if (config.userProperty && isReplaceable(req)) req.user = oauth.user
    req.oauth = oauth
    return oauth
  }

  /** Attaches the context of a user with an access token. */
  attachToken(
    request: IncomingGateRequest,
    token: VerifiedToken,
    current: TokenVisitorDeps['current'],
  ): TokenContext {
    const { config, upstreamHeaders, tokenSignals: signals } = this.#deps
    const { profile, facts } = token
    const { decision, trustsEmail } = facts
    const matched = decision.isAllowed ? (decision.matches ?? decision.matched) : undefined
    const req: ExtendedRequest = request.req
    upstreamHeaders.setForToken(request.headers, { user: profile, matched, trustsEmail })
    const anonymous = new Visitor(this.#deps, request, undefined)
    const oauth = new TokenContext(
      new TokenVisitor({ signals, current }, request, token, anonymous),
      token,
    )
    if (config.userProperty && isReplaceable(req)) req.user = oauth.user
    req.oauth = oauth
    return oauth
  }

  /** Attaches the context of an anonymous request. */
  attachAnonymous(request: IncomingGateRequest, reason: AnonymousReason): AnonymousContext {
    const req: ExtendedRequest = request.req
    const oauth = new AnonymousContext(new Visitor(this.#deps, request, undefined), reason)
    // The user of an outer gate.
    if (this.#deps.config.userProperty && req.user !== undefined && isReplaceable(req))
      req.user = undefined
    req.oauth = oauth
    return oauth
  }

  /** Sets the session cookie again if the ID of the session has changed. */
  renewCookie(request: IncomingGateRequest, before: OpenSession, after: OpenSession): OpenSession {
    return renewCookie(this.#deps.sessions, request, before, after)
  }
}

/** Whether `req.user` is absent or is that of an outer gate. Other middleware may have set it. */
function isReplaceable(req: ExtendedRequest): boolean {
  const { user } = req
  return user === undefined || user === req.oauth?.user
}

type ExtendedRequest = AppRequest & { oauth?: OAuthContext; user?: OAuthUser | undefined }
