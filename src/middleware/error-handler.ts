import type { OAuthUser } from '../access/user.js'
import type { OpenSession } from '../session/sessions.js'
import type { Connection } from '../flows/connection.js'
import type { Links, LoginRequest } from '../flows/links.js'
import { type CheckResult, recheckUnavailable } from '../flows/check-result.js'
import { Rejection } from '../flows/rejection.js'
import { type Denial, denialHint } from '../access/policy.js'
import { OAuthError, type OAuthErrorCode } from '../http/errors.js'
import { isLocalRequest } from '../http/local-request.js'
import type { GateRequest, UnusableSession } from '../http/gate-request.js'
import type { Mounts } from '../http/mounts.js'
import { wantsHtml } from '../http/request.js'
import type { Config } from '../options/config.js'
import type { PageUser } from '../pages/contexts.js'
import type { Responder } from '../pages/respond.js'
import type { BearerChallenges } from './bearer-challenge.js'
import { describeError, type ErrorReporter, evaluatedRules, pageHintOf } from './error-reporter.js'
import { callOnError } from './on-error.js'
import { type Outcome, RESPONDED } from './outcome.js'
import type { RequestEvents } from './request-events.js'

/** What {@link ErrorHandler} depends on. */
export interface ErrorHandlerDeps {
  readonly config: Pick<Config, 'logger' | 'onError'>
  readonly links: Links
  readonly mounts: Mounts
  readonly connections: ReadonlyMap<string, Connection>
  readonly responder: Responder
  readonly reporter: ErrorReporter
  readonly requestEvents: RequestEvents
  /** `undefined` without the option `bearer`. */
  readonly bearerChallenges: BearerChallenges | undefined
}

/** The user is still signed in: to try again is to repeat the request, not to start a login. */
const KEEPS_SESSION: ReadonlySet<OAuthErrorCode> = new Set([
  'invalid_form',
  'recheck_unavailable',
  'store_unavailable',
  'store_not_listable',
  'upstream_unreachable',
  'upstream_timeout',
])

/**
 * Turns every error into the built-in response, the response of `onError`, or an error for the
 * app's error handler.
 */
export class ErrorHandler {
  readonly #deps: ErrorHandlerDeps

  constructor(deps: ErrorHandlerDeps) {
    this.#deps = deps
  }

  /**
   * Never lets the request pass. An error other than an {@link OAuthError} is a bug and is
   * forwarded.
   */
  async handle(request: GateRequest, thrown: unknown): Promise<Outcome> {
    const { requestEvents } = this.#deps
    const { req, res } = request
    const rejection = thrown instanceof Rejection ? thrown : undefined
    const error = rejection?.error ?? thrown
    if (!(error instanceof OAuthError)) {
      requestEvents.block(req, 'internal')
      this.#deps.reporter.reportBug(error)
      return { action: 'forward', error }
    }
    requestEvents.block(req, error.code, rejection?.user)
    const decisionId = this.#deps.reporter.report(req, error, rejection)
    if (res.headersSent || res.destroyed) return RESPONDED
    const outcome = await this.#callOnError(request, error)
    if (outcome !== undefined) return outcome
    this.#respond(request, error, rejection, decisionId)
    return RESPONDED
  }

  /** Logs and responds to an error of what is behind the gate: the request itself has passed. */
  handleUpstream(request: GateRequest, error: OAuthError): void {
    this.#deps.reporter.report(request.req, error)
    this.#respond(request, error, undefined, undefined)
  }

  /** Logs the denial of a user whose request passes as unauthenticated. */
  logDenial(rejection: Rejection): void {
    this.#deps.reporter.log(rejection.error, rejection)
  }

  /** Logs why a session cookie leads to no session, although no end of the session is known. */
  logUnusable(reason: UnusableSession): void {
    this.#deps.reporter.logUnusable(reason)
  }

  async #callOnError(request: GateRequest, error: OAuthError): Promise<Outcome | undefined> {
    const { logger, onError } = this.#deps.config
    if (onError === undefined) return undefined
    const { req, res } = request
    const forwarded = await callOnError(onError, error, req, res).catch((thrown: unknown) => {
      logger.error('onError failed', describeError(thrown))
      return undefined
    })
    if (forwarded !== undefined && !res.headersSent)
      return { action: 'forward', error: forwarded.error }
    return res.headersSent || res.writableEnded ? RESPONDED : undefined
  }

  #respond(
    request: GateRequest,
    error: OAuthError,
    rejection: Rejection | undefined,
    decisionId: string | undefined,
  ): void {
    const { bearerChallenges, connections, links, mounts, responder } = this.#deps
    const { mount, req } = request
    const retry: LoginRequest = rejection?.retry ?? links.pageTargetOf(request)
    const isToken = rejection?.stage === 'token'
    const isLogin = rejection !== undefined && rejection.stage !== 'check'
    // A client with a token has no session, and cannot sign in by a page.
    const isStillSignedIn = isToken || (!isLogin && KEEPS_SESSION.has(error.code))
    const loginUrl = isStillSignedIn ? undefined : links.login(mount, retry)
    responder.error(request, error, {
      realm: mount.realm,
      isToken,
      bearerChallenge: bearerChallenges?.of(request, error, rejection),
      loginUrl,
      absoluteLoginUrl: loginUrl && links.absolute(request, loginUrl),
      retryUrl: isStillSignedIn ? links.repeatPathOf(request) : undefined,
      startUrl: links.safeReturnPath(mount),
      anotherProviderUrl:
        isLogin && connections.size > 1
          ? links.login(mount, { ...retry, connection: undefined })
          : undefined,
      decisionId,
      hint:
        wantsHtml(req) && isLocalRequest(req, mounts.publicOrigin(req))
          ? pageHintOf(error)
          : undefined,
      denied: rejection?.user && {
        user: this.#pageUser(rejection.user),
        anotherAccountUrl: links.login(mount, { ...retry, ask: 'account' }),
        logoutUrl: links.logout(mount),
      },
    })
  }

  #pageUser({ name, email, username, provider }: OAuthUser): PageUser {
    const { label } = this.#deps.connections.get(provider)?.provider ?? { label: provider }
    return { name, email, username, provider: label }
  }
}

/** The rejection of a request of a session whose user the rules deny. */
export function rejectionOfUser(session: OpenSession, denial?: Denial): Rejection {
  const hint = denial && denialHint(denial)
  const error = new OAuthError(denial?.code ?? 'not_authorized', { hint })
  return new Rejection(error, {
    user: session.user(),
    ...(denial && evaluatedRules(denial)),
    stage: 'session',
  })
}

/** The rejection of a request that an error of its session prevents. */
export function rejectionOfSession(
  error: OAuthError,
  session: Pick<OpenSession, 'record'> | undefined,
): Rejection {
  return new Rejection(error, { stage: 'check', provider: session?.record.user.provider })
}

/** The rejection of a request whose re-check did not allow it. */
export function rejectionOfCheck(
  { record }: OpenSession,
  result: Extract<CheckResult, { outcome: 'denied' | 'failed' }>,
): Rejection {
  if (result.outcome === 'failed')
    return rejectionOfSession(recheckUnavailable(result.error), { record })
  const decision = result.evaluation?.decision
  const denial = decision?.isAllowed === false ? decision : undefined
  return rejectionOfUser(result.session, denial)
}
