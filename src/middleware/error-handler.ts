import { randomBytes } from 'node:crypto'
import type { OAuthUser } from '../access/user.js'
import type { Connection } from '../flows/connection.js'
import type { Links, LoginRequest } from '../flows/links.js'
import { type CheckResult, recheckUnavailable } from '../flows/check-result.js'
import { Rejection } from '../flows/rejection.js'
import type { Denial } from '../access/policy.js'
import { OAuthError, type OAuthErrorCode } from '../http/errors.js'
import type { GateRequest } from '../http/gate-request.js'
import type { Config } from '../options/config.js'
import type { PageUser } from '../pages/contexts.js'
import type { Responder } from '../pages/respond.js'
import type { Events } from './events.js'
import { callOnError } from './on-error.js'
import { type Outcome, RESPONDED } from './outcome.js'
import type { RequestEvents } from './request-events.js'

/** What {@link ErrorHandler} depends on. */
export interface ErrorHandlerDeps {
  readonly config: Pick<Config, 'logger' | 'onError'>
  readonly links: Links
  readonly connections: ReadonlyMap<string, Connection>
  readonly responder: Responder
  readonly events: Events
  readonly requestEvents: RequestEvents
}

/** The user is still signed in: to try again is to repeat the request, not to start a login. */
const KEEPS_SESSION: ReadonlySet<OAuthErrorCode> = new Set([
  'recheck_unavailable',
  'store_unavailable',
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
      return { action: 'forward', error }
    }
    requestEvents.block(req, error.code, rejection?.user)
    const decisionId = rejection?.user && newDecisionId()
    this.#log(error, rejection, decisionId)
    this.#emit(error, rejection, decisionId)
    if (res.headersSent || res.destroyed) return RESPONDED
    const outcome = await this.#callOnError(request, error)
    if (outcome !== undefined) return outcome
    this.#respond(request, error, rejection, decisionId)
    return RESPONDED
  }

  #log(error: OAuthError, rejection: Rejection | undefined, decisionId: string | undefined): void {
    const { logger } = this.#deps.config
    const details = {
      ...describeError(error),
      ...(rejection?.user && { decisionId, tried: rejection.tried }),
    }
    if (error.status >= 500) logger.error(error.message, details)
    else logger.debug(error.message, details)
  }

  #emit(
    { code, hint }: OAuthError,
    rejection: Rejection | undefined,
    decisionId: string | undefined,
  ): void {
    const { events } = this.#deps
    if (rejection?.user && decisionId) {
      const { user, tried } = rejection
      const { provider } = user
      events.emit('denied', { user, provider, code, tried, decisionId, isReportOnly: false })
    }
    if (rejection?.stage === 'login')
      events.emit('login_failed', { provider: rejection.provider, code, hint })
    if (code === 'store_unavailable') events.emit('store_error', { code, hint })
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
    const { links, responder } = this.#deps
    const { mount } = request
    const retry: LoginRequest = rejection?.retry ?? { returnPath: links.pagePathOf(request) }
    const isStillSignedIn = rejection === undefined && KEEPS_SESSION.has(error.code)
    const loginUrl = isStillSignedIn ? undefined : links.login(mount, retry)
    responder.error(request, error, {
      realm: mount.instanceId === '' ? 'oauth-module' : mount.instanceId,
      loginUrl,
      absoluteLoginUrl: loginUrl && links.absolute(request, loginUrl),
      retryUrl: isStillSignedIn ? links.repeatPathOf(request) : undefined,
      decisionId,
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
export function rejectionOfUser(user: OAuthUser, denial?: Denial): Rejection {
  const error = new OAuthError(denial?.code ?? 'not_authorized', { hint: denial?.hint })
  return new Rejection(error, { user, tried: denial?.tried ?? [], stage: 'session' })
}

/** The error of a request whose re-check did not allow it. */
export function rejectionOfCheck(
  result: Extract<CheckResult, { outcome: 'denied' | 'failed' }>,
): Error {
  if (result.outcome === 'failed') return recheckUnavailable(result.error)
  const decision = result.evaluation?.decision
  const denial = decision?.isAllowed === false ? decision : undefined
  return rejectionOfUser(result.session.record.user, denial)
}

/** Identifies one denial on its page, in its JSON, in the log and in its event. */
export function newDecisionId(): string {
  return randomBytes(4).toString('hex')
}

/**
 * The details of an error for the log: codes and hints, never data that a provider or a client
 * sent.
 */
export function describeError(error: unknown): object {
  if (error instanceof OAuthError) {
    const { code, hint, cause } = error
    return { code, hint, cause: cause instanceof Error ? cause.message : undefined }
  }
  return { error: error instanceof Error ? error.message : 'not an error' }
}
