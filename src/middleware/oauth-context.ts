import type { OAuthUser } from '../access/user.js'
import type { Account } from '../session/account.js'
import type { AnonymousReason, OpenSession } from '../session/sessions.js'
import type { VerifiedToken } from '../bearer/verified-token.js'
import { RequestContext } from './request-context.js'
import type { ContextSource } from './context-source.js'

/** The context of a request with a session whose user the rules allow. */
export class AuthenticatedContext extends RequestContext {
  /** Whether the request has a session, or an access token, whose user the rules allow. */
  readonly isAuthenticated = true
  /** How the request is authenticated: by a session. */
  readonly kind = 'session'
  /** The user, as in `req.user`. Of this request, so the app may change it; its lists are frozen. */
  readonly user: OAuthUser
  /** The name of the user's provider in the options. */
  readonly provider: string
  /** The public ID of the session, for logs and for `sessions.revoke()`. It grants no access. */
  readonly sessionHandle: string
  /** The scopes that the user has granted. */
  readonly scopes: readonly string[]
  /** When the user signed in. */
  readonly createdAt: number
  /**
   * What the option `onLogin` returned at the login of this session, frozen. `undefined` if it
   * returned nothing. Declare its type as `OAuthModule.Account`.
   */
  readonly account: Account | undefined
  /** Whether the session is bound to the device of the browser: see the option `deviceBound`. */
  readonly isDeviceBound: boolean
  /** Only unauthenticated requests have a reason. */
  readonly reason = undefined

  /** @internal */
  constructor(source: ContextSource, session: OpenSession) {
    super(source)
    const { record } = session
    // One session serves many requests, and an app may change its `req.user`.
    this.user = session.user()
    this.provider = record.user.provider
    this.sessionHandle = session.key
    this.scopes = record.scopes
    this.createdAt = record.createdAt
    this.account = record.account
    this.isDeviceBound = source.isDeviceBound === true
  }
}

/** The context of a request with an access token whose user the rules allow: the option `bearer`. */
export class TokenContext extends RequestContext {
  /** Whether the request has a session, or an access token, whose user the rules allow. */
  readonly isAuthenticated = true
  /** How the request is authenticated: by an access token. */
  readonly kind = 'token'
  /** The user, as in `req.user`. Of this request, so the app may change it; its lists are frozen. */
  readonly user: OAuthUser
  /** The provider of the entry in `bearer.issuers`, otherwise its issuer. */
  readonly provider: string
  /** The SHA-256 of the token, for logs: there is no session. */
  readonly sessionHandle: string
  /** The scopes of the token. */
  readonly scopes: readonly string[]
  /** When the token was issued, or else verified. */
  readonly createdAt: number
  /** Only sessions have an account: `onLogin` runs at logins. */
  readonly account = undefined
  /** Only sessions are bound to a device. */
  readonly isDeviceBound = false
  /** Only unauthenticated requests have a reason. */
  readonly reason = undefined

  /** @internal */
  constructor(source: ContextSource, token: VerifiedToken) {
    super(source)
    const { key, scopes, issuedAt, verifiedAt } = token.facts
    this.user = token.user()
    this.provider = token.profile.provider
    this.sessionHandle = key
    this.scopes = scopes
    this.createdAt = issuedAt ?? verifiedAt
  }
}

/**
 * The context of an unauthenticated request: with `unauthenticated: 'pass'`, and where
 * authentication is not enforced.
 */
export class AnonymousContext extends RequestContext {
  /** Whether the request has a session whose user the rules allow. */
  readonly isAuthenticated = false
  /** Only authenticated requests have a kind. */
  readonly kind = undefined
  /** Only authenticated requests have a user. */
  readonly user = undefined
  /** Only authenticated requests have a provider. */
  readonly provider = undefined
  /** Only authenticated requests have a session. */
  readonly sessionHandle = undefined
  /** Empty: no user has granted scopes. */
  readonly scopes: readonly string[] = []
  /** Only authenticated requests have a session. */
  readonly createdAt = undefined
  /** Only authenticated requests have an account. */
  readonly account = undefined
  /** Only authenticated requests have a session. */
  readonly isDeviceBound = false
  /** Why the request is unauthenticated. */
  readonly reason: AnonymousReason

  /** @internal */
  constructor(source: ContextSource, reason: AnonymousReason) {
    super(source)
    this.reason = reason
  }
}

/**
 * `req.oauth`: the user of a request and the session. All times are in milliseconds since the
 * epoch.
 *
 * ```ts
 * app.get('/me', (req, res) => {
 *   if (!req.oauth.isAuthenticated) return res.redirect(req.oauth.loginUrl())
 *   res.json({ name: req.oauth.user.name, signOut: req.oauth.logoutUrl() })
 * })
 * ```
 */
export type OAuthContext = AuthenticatedContext | TokenContext | AnonymousContext
