import type { ServerResponse } from 'node:http'
import {
  type AnonymousReason,
  type Visitor,
  type LoginUrlOptions,
  OAuthContext,
} from './oauth-context.js'
import type { Links } from '../flows/links.js'
import type { Recheck } from '../flows/recheck.js'
import type { AppRequest } from '../http/request.js'
import type { IncomingGateRequest } from '../http/gate-request.js'
import { isObject } from '../http/json.js'
import type { Mounts } from '../http/mounts.js'
import { writeSessionCookie } from '../session/session-cookie.js'
import type { OpenSession, Sessions, Tokens } from '../session/sessions.js'
import type { HeaderTokens, UpstreamHeaders } from './upstream-headers.js'
import type { OAuthUser, StoredDecision } from '../access/user.js'
import type { SessionSignals } from './session-signals.js'

export interface VisitsConfig {
  sessions: Sessions
  recheck: Recheck
  links: Links
  mounts: Mounts
  upstream: UpstreamHeaders
  watches: SessionSignals
  /** Names of the providers whose tokens the app does not get. */
  managed: ReadonlySet<string>
  setsUser: boolean
}

/** Gives the app what it sees of a visitor: `req.oauth`, `req.user` and the upstream headers. */
export interface Visits {
  welcome(request: IncomingGateRequest, session: OpenSession): OAuthContext
  anonymous(request: IncomingGateRequest, reason: AnonymousReason): OAuthContext
  /** Sets the cookie anew when the session's id has changed: where the cookie is the session. */
  keep(request: IncomingGateRequest, before: OpenSession, after: OpenSession): OpenSession
}

export function createVisits(config: VisitsConfig): Visits {
  const attach = (req: AppRequest, oauth: OAuthContext) => {
    const seen = req as AppRequest & { oauth?: OAuthContext; user?: unknown }
    seen.oauth = oauth
    if (config.setsUser && oauth.user !== undefined && seen.user === undefined)
      seen.user = oauth.user
    return oauth
  }

  return {
    keep: (request, before, after) => keep(config, request, before, after),
    welcome(request, session) {
      const guest = new Guest(config, request, session)
      config.upstream.set(request.headers, guest)
      return attach(request.req, new OAuthContext(guest))
    },
    anonymous: (request, reason) =>
      attach(request.req, new OAuthContext(new Stranger(config, request, reason))),
  }
}

/** Sets the cookie anew where the cookie is the session. */
function keep(
  { sessions }: VisitsConfig,
  { req, res, mount, now }: IncomingGateRequest,
  before: OpenSession,
  after: OpenSession,
): OpenSession {
  if (after.id !== before.id && res !== undefined && !res.headersSent) {
    writeSessionCookie(
      res,
      req.headers.cookie,
      mount.sessionCookie,
      after.id,
      sessions.expiry(after).expiresAt - now,
    )
    forbidStoring(res)
  }
  return after
}

/** Nobody in particular. Classes, since at each request a closure for every member would cost more than all the rest. */
class Stranger implements Visitor {
  protected readonly config: VisitsConfig
  protected readonly request: IncomingGateRequest
  readonly reason: AnonymousReason | undefined

  constructor(
    config: VisitsConfig,
    request: IncomingGateRequest,
    reason: AnonymousReason | undefined,
  ) {
    this.config = config
    this.request = request
    this.reason = reason
  }

  get session(): OpenSession | undefined {
    return undefined
  }

  get lastCheckedAt(): number | undefined {
    return undefined
  }

  get sessionExpiresAt(): number | undefined {
    return undefined
  }

  accessTokenExpiresAt(): number | undefined {
    return undefined
  }

  tokens(): Tokens | undefined {
    return undefined
  }

  async freshAccessToken(): Promise<string | undefined> {
    return undefined
  }

  signal(): AbortSignal {
    return new AbortController().signal
  }

  loginUrl({ returnTo, connection, reauthenticate }: LoginUrlOptions): string {
    const { links, mounts } = this.config
    const { mount, target } = this.request
    return links.login(mount, {
      returnPath: links.safeReturn(mount, returnTo ?? mounts.publicPath(mount, target)),
      connection,
      ask: reauthenticate === true ? 'login' : undefined,
    })
  }

  logoutUrl(): string {
    return this.config.links.logout(this.request.mount)
  }
}

/** Somebody who is logged in, at one request. */
class Guest extends Stranger implements HeaderTokens {
  #session: OpenSession
  #signal: AbortSignal | undefined
  readonly #verdict: StoredDecision | undefined

  constructor(config: VisitsConfig, request: IncomingGateRequest, session: OpenSession) {
    super(config, request, undefined)
    this.#session = session
    this.#verdict = config.recheck.decision(session.record)
  }

  override get session(): OpenSession {
    return this.#session
  }

  override get lastCheckedAt(): number | undefined {
    return this.#verdict?.at
  }

  override get sessionExpiresAt(): number {
    return this.config.sessions.nextExpiry(this.#session.record, this.request.now)
  }

  get user(): OAuthUser {
    return this.#session.record.user
  }

  get matched(): HeaderTokens['matched'] {
    return this.#verdict?.matched
  }

  get headerTokens(): HeaderTokens['headerTokens'] {
    const { record } = this.#session
    return this.config.sessions.hasTokens(record) ? record.headerTokens : []
  }

  openToken(name: 'access' | 'refresh'): string | undefined {
    return this.config.sessions.tokens(this.#session)[
      name === 'access' ? 'accessToken' : 'refreshToken'
    ]
  }

  override accessTokenExpiresAt(): number | undefined {
    return this.#session.record.accessTokenExpiresAt
  }

  override tokens(): Tokens | undefined {
    return this.config.managed.has(this.user.provider)
      ? undefined
      : this.config.sessions.tokens(this.#session)
  }

  override async freshAccessToken(): Promise<string | undefined> {
    const { config, request } = this
    if (config.managed.has(this.user.provider)) return undefined
    this.#session = keep(
      config,
      request,
      this.#session,
      await config.recheck.withFreshToken(this.#session),
    )
    return config.sessions.tokens(this.#session).accessToken || undefined
  }

  override signal(): AbortSignal {
    const { req, res } = this.request
    this.#signal ??= this.config.watches.watch(this.#session, req, res ?? req.socket)
    return this.#signal
  }
}

/** An answer of the app's that carries the visitor's cookie: whatever the app says of caching it, no cache may keep it. */
function forbidStoring(res: ServerResponse): void {
  const writeHead = res.writeHead
  res.writeHead = function (this: ServerResponse, ...parts: unknown[]) {
    this.setHeader('Cache-Control', 'private, no-store')
    return Reflect.apply(writeHead, this, parts.map(withoutCacheControl))
  }
}

/** Headers as `writeHead` takes them: an object, or a list of names and values, flat or in pairs. */
function withoutCacheControl(part: unknown): unknown {
  const isOther = (name: unknown) => !/^cache-control$/i.test(String(name))
  if (isObject(part))
    return Object.fromEntries(Object.entries(part).filter(([name]) => isOther(name)))
  if (!Array.isArray(part)) return part
  return Array.isArray(part[0])
    ? part.filter((pair: unknown) => isOther(Array.isArray(pair) ? pair[0] : pair))
    : part.filter((_, index) => isOther(part[index - (index % 2)]))
}
