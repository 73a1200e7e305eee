import { randomBytes } from 'node:crypto'
import type { Responder } from '../pages/respond.js'
import { OAuthError, type OAuthErrorCode } from '../http/errors.js'
import type { Events } from './events.js'
import { Rejection } from '../flows/rejection.js'
import type { Links, LoginRequest } from '../flows/links.js'
import type { Connection } from '../flows/connection.js'
import { type CheckResult, recheckUnavailable } from '../flows/check-result.js'
import type { Config } from '../options/config.js'
import { callOnError } from './on-error.js'
import type { RequestEvents } from './request-events.js'
import type { OAuthUser } from '../access/user.js'
import type { GateRequest } from '../http/gate-request.js'

/** What became of a request: the app gets it, it was answered, or the app's error handler gets an error. */
export type Outcome = 'pass' | 'answered' | { error: unknown }

export interface ErrorHandlerConfig extends Pick<Config, 'logger' | 'onError'> {
  links: Links
  connections: ReadonlyMap<string, Connection>
  responder: Responder
  events: Events
  reports: RequestEvents
}

/** Where every error ends. */
export interface ErrorHandler {
  /** An answer of ours, the app's own by `onError`, or a bug for the app's error handler; it lets nobody in. */
  answer(request: GateRequest, thrown: unknown, returnPath: string): Promise<Outcome>
}

/** The visitor is still signed in: what helps is the same request later, and no login at a provider that may be down. */
const keepsSession: ReadonlySet<OAuthErrorCode> = new Set([
  'recheck_unavailable',
  'store_unavailable',
])

export function createErrorHandler({
  logger,
  onError,
  links,
  connections,
  responder,
  events,
  reports,
}: ErrorHandlerConfig): ErrorHandler {
  const shownUser = ({ name, email, username, provider }: OAuthUser) => {
    return {
      name,
      email,
      username,
      provider: connections.get(provider)?.provider.label ?? provider,
    }
  }

  const report = (
    error: OAuthError,
    failed: Rejection | undefined,
    decisionId: string | undefined,
  ) => {
    const { code, hint } = error
    const facts = {
      ...describeError(error),
      ...(failed?.user && { decisionId, tried: failed.tried }),
    }
    if (error.status >= 500) logger.error(error.message, facts)
    else logger.debug(error.message, facts)
    if (failed?.user && decisionId) {
      events.emit('denied', {
        user: failed.user,
        provider: failed.user.provider,
        code,
        tried: failed.tried,
        decisionId,
        isReportOnly: false,
      })
    }
    if (failed?.stage === 'login')
      events.emit('login_failed', { provider: failed.provider, code, hint })
    if (code === 'store_unavailable') events.emit('store_error', { code, hint })
  }

  const letOwnerAnswer = async (
    { req, res }: GateRequest,
    error: OAuthError,
  ): Promise<Outcome | undefined> => {
    if (onError === undefined) return undefined
    const forwarded = await callOnError(onError, error, req, res).catch((thrown: unknown) => {
      logger.error('onError failed', describeError(thrown))
      return undefined
    })
    if (forwarded !== undefined && !res.headersSent) return forwarded
    return res.headersSent || res.writableEnded ? 'answered' : undefined
  }

  return {
    async answer(request, thrown, returnPath) {
      const { req, res, mount } = request
      const failed = thrown instanceof Rejection ? thrown : undefined
      const error = failed?.error ?? thrown
      if (!(error instanceof OAuthError)) {
        reports.block(req, 'internal')
        return { error }
      }
      reports.block(req, error.code, failed?.user)
      const decisionId = failed?.user && newDecisionId()
      report(error, failed, decisionId)
      if (res.headersSent || res.destroyed) return 'answered'
      const outcome = await letOwnerAnswer(request, error)
      if (outcome !== undefined) return outcome
      const retry: LoginRequest = failed?.retry ?? { returnPath }
      responder.error(request, error, {
        realm: mount.instanceId === '' ? 'oauth-module' : mount.instanceId,
        loginUrl: links.login(mount, retry),
        retryUrl: failed === undefined && keepsSession.has(error.code) ? returnPath : undefined,
        decisionId,
        denied: failed?.user && {
          user: shownUser(failed.user),
          anotherAccountUrl: links.login(mount, { ...retry, ask: 'account' }),
          logoutUrl: links.logout(mount),
        },
      })
      return 'answered'
    },
  }
}

/** The rules refuse somebody who is logged in. */
export function rejectionOfUser(
  user: OAuthUser,
  decision?: { code: 'not_authorized' | 'email_unverified'; tried: Rejection['tried'] },
): Rejection {
  return new Rejection(new OAuthError(decision?.code ?? 'not_authorized'), {
    user,
    tried: decision?.tried ?? [],
    stage: 'session',
  })
}

/** What a check that did not let somebody pass is for the visitor. */
export function rejectionOfCheck(
  result: Extract<CheckResult, { outcome: 'denied' | 'failed' }>,
): Error {
  if (result.outcome === 'denied') {
    const decision = result.evaluation?.decision
    return rejectionOfUser(
      result.session.record.user,
      decision?.isAllowed === false ? decision : undefined,
    )
  }
  return recheckUnavailable(result.error)
}

/** Names one denial: on its page, in its JSON, and in its event. */
export function newDecisionId(): string {
  return randomBytes(4).toString('hex')
}

/** For the log: codes and hints, never what a provider or a visitor sent. */
export function describeError(error: unknown): object {
  if (error instanceof OAuthError)
    return {
      code: error.code,
      hint: error.hint,
      cause: error.cause instanceof Error ? error.cause.message : undefined,
    }
  return { error: error instanceof Error ? error.message : 'not an error' }
}
