import type { Denial } from '../access/policy.js'
import type { Rejection } from '../flows/rejection.js'
import { ERROR_CODES } from '../http/error-codes.js'
import { OAuthError } from '../http/errors.js'
import type { UnusableSession } from '../http/gate-request.js'
import { random } from '../http/random.js'
import type { AppRequest } from '../http/request.js'
import type { Logger } from '../options/options.js'
import type { Events } from './events.js'

/** Reports every refused request and login to the owner: one line of the log, and the events. */
export class ErrorReporter {
  readonly #logger: Logger
  readonly #events: Events

  constructor({ logger, events }: { logger: Logger; events: Events }) {
    this.#logger = logger
    this.#events = events
  }

  /** Logs the error of a request, and emits its events. Returns the ID of a denial. */
  report(req: AppRequest, error: OAuthError, rejection?: Rejection): string | undefined {
    const decisionId = rejection?.user && newDecisionId()
    this.log(error, rejection, decisionId)
    this.#emit(req, error, rejection, decisionId)
    return decisionId
  }

  /** Logs the error. Used alone where the request passes as unauthenticated. */
  log(error: OAuthError, rejection?: Rejection, decisionId?: string): void {
    const { user, provider = user?.provider } = rejection ?? {}
    const { code, ...others } = describeError(error)
    const denial = rejection?.user && {
      ...(decisionId !== undefined && { decisionId }),
      ...evaluatedRules(rejection),
      userId: rejection.user.key,
    }
    const level = logLevelOf(error, rejection)
    const hint = hintOf(error)
    this.#logger[level](error.message, { code, ...denial, provider, ...others, hint })
  }

  /** Logs why a session cookie leads to no session, although no end of the session is known. */
  logUnusable(reason: UnusableSession): void {
    this.#logger.info('a session cookie leads to no session', {
      code: 'login_required',
      reason,
      hint: UNUSABLE_SESSIONS[reason],
    })
  }

  /** Logs an error that is a bug, of this package or of a function of the app. */
  reportBug(error: unknown): void {
    this.#logger.error('an unexpected error is passed to the error handler of the app', {
      code: 'internal',
      hint: 'a bug of oauth-module, or of a function in its options: please report it with the stack of the error',
      ...describeError(error),
    })
  }

  #emit(
    req: AppRequest,
    error: OAuthError,
    rejection: Rejection | undefined,
    decisionId: string | undefined,
  ): void {
    const events = this.#events
    const { code } = error
    if (rejection?.user && decisionId) {
      const { user } = rejection
      const { provider } = user
      const rules = evaluatedRules(rejection)
      const denial = { user, provider, code, ...rules, decisionId, origin: events.originOf(req) }
      events.emit('denied', { ...denial, isReportOnly: false })
    }
    const facts = () => ({ code, hint: hintOf(error), origin: events.originOf(req) })
    if (rejection?.stage === 'login' && events.hasListener('login_failed'))
      events.emit('login_failed', { provider: rejection.provider, ...facts() })
    if (code === 'store_unavailable') events.emit('store_error', facts())
  }
}

const UNUSABLE_SESSIONS: Readonly<Record<UnusableSession, string>> = {
  missing:
    'the store does not have the session: it expired, was deleted, or belongs to a process with another store',
  instance: 'the session belongs to another instance: another id, mount path or cookiePrefix',
  client: 'the session belongs to a provider, issuer or client that is no longer configured',
  secret: 'the session belongs to a secret that is no longer configured',
  clock: 'the session had expired before its first request: do the clocks of all processes agree?',
  check: 'the first check ended the session: see the line on the check',
}

/** What failed, or how to fix the usual cause. */
function hintOf({ code, hint }: OAuthError): string {
  return hint ?? ERROR_CODES[code].hint
}

/** As {@link hintOf}, without what the provider wrote in its own words: that is for the log only. */
export function pageHintOf(error: OAuthError): string {
  return hintOf(error).replace(/ \("(?:[^"\\]|\\.)*"\)/g, '')
}

/** The rules that a denied user does not meet, for events and the log. */
export function evaluatedRules({
  tried,
  unmet,
}: Pick<Denial, 'tried' | 'unmet'>): Pick<Denial, 'tried' | 'unmet'> {
  return { tried, ...(unmet && { unmet }) }
}

/** Identifies one denial on its page, in its JSON, in the log and in its event. */
export function newDecisionId(): string {
  return random(4).toString('hex')
}

/** Errors that the owner can fix are visible by default. Ordinary refusals of users are not. */
function logLevelOf(error: OAuthError, rejection?: Rejection): 'error' | 'warn' | 'info' {
  if (error.status >= 500) return 'error'
  return (rejection?.isForOwner ?? error.audience === 'owner') ? 'warn' : 'info'
}

/**
 * The details of an error for the log: codes and hints, never data that a provider or a client
 * sent.
 */
export function describeError(error: unknown): Readonly<Record<string, string | undefined>> {
  if (error instanceof OAuthError) {
    const { code, hint, cause } = error
    return { code, hint, cause: cause instanceof Error ? cause.message : undefined }
  }
  return { error: error instanceof Error ? error.message : 'not an error' }
}
