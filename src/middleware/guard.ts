import type { IncomingMessage } from 'node:http'
import { isAuthorized } from '../access/authorize.js'
import { missingScopes } from '../access/granted-scopes.js'
import { type Denial, Policy } from '../access/policy.js'
import { type Provider, trustsEmail } from '../access/provider.js'
import type { Connections } from '../flows/connection.js'
import { Rejection } from '../flows/rejection.js'
import { OAuthError } from '../http/errors.js'
import { membershipLists } from '../oauth/identity.js'
import type { Session } from '../session/session.js'
import type { ErrorHandler } from './error-handler.js'
import type { GatePass } from './gate-pass.js'
import type { LoginDemand, LoginRedirect } from './login-redirect.js'
import { type Outcome, PASS } from './outcome.js'
import type { ParsedGuardRules } from './require-auth.js'

/** What {@link Guard} depends on: the parts of the configuration under which a request arrives. */
export interface GuardDeps {
  readonly connections: Connections
  readonly loginRedirect: LoginRedirect
  readonly errorHandler: ErrorHandler
}

/**
 * The guard of one route. A request passes if it meets all rules; within the lists, one entry is
 * enough.
 */
export class Guard {
  readonly #rules: ParsedGuardRules
  readonly #policy: Policy

  constructor(rules: ParsedGuardRules) {
    this.#rules = rules
    this.#policy = new Policy(rules.lists)
  }

  /**
   * Lets a request pass, starts a login that can meet the rules, or rejects. `req` is the request
   * as the route sees it.
   */
  async handle(pass: GatePass, req: IncomingMessage, deps: GuardDeps): Promise<Outcome> {
    try {
      return await this.#decide(pass, req, deps)
    } catch (error) {
      return deps.errorHandler.handle(pass.request, error)
    }
  }

  async #decide(
    { request, session, rejection, isExempt }: GatePass,
    req: IncomingMessage,
    { connections, loginRedirect }: GuardDeps,
  ): Promise<Outcome> {
    if (isExempt === true) return PASS
    if (rejection !== undefined) throw toGuardRejection(rejection)
    if (session === undefined) return loginRedirect.start(request, {})
    const { user, provider: name } = session.record
    const provider = connections.get(name)?.provider
    const decision = this.#policy.evaluate(user, provider !== undefined && trustsEmail(provider))
    const demand =
      this.#loginDemand(request.now, session.record, provider) ??
      (decision.isAllowed ? undefined : this.#scopeDemand(session.record, provider))
    if (demand !== undefined) return loginRedirect.start(request, demand)
    if (!decision.isAllowed) throw this.#rejection(session.record, decision)
    const { authorize } = this.#rules
    if (authorize !== undefined && !(await isAuthorized(authorize, { ...user }, req)))
      throw this.#rejection(session.record, this.#policy.deny())
    return PASS
  }

  /** The login that provides missing scopes, or a more recent authentication. */
  #loginDemand(
    now: number,
    record: Session,
    provider: Provider | undefined,
  ): LoginDemand | undefined {
    const { scopes, maxAgeMs, acceptSilentLogin } = this.#rules
    const missing = missingScopes(provider ?? {}, record.scopes, scopes)
    if (missing.length > 0) return { scopes: missing, keptScopes: record.scopes }
    if (maxAgeMs === undefined) return undefined
    const authTime = record.authTime ?? (acceptSilentLogin ? record.createdAt : 0)
    // `createdAt` was measured by this app, so clocks do not differ.
    const toleranceMs = record.authTime === undefined ? 0 : (provider?.clockTolerance ?? 0) * 1000
    if (now - authTime <= maxAgeMs + toleranceMs) return undefined
    return { ask: 'login', needsAuthTime: !acceptSilentLogin }
  }

  /** The login that requests the scopes for the memberships of the lists. */
  #scopeDemand(record: Session, provider: Provider | undefined): LoginDemand | undefined {
    const { lists } = this.#rules
    const readsMemberships = membershipLists.some(
      (list) => lists[list] !== undefined && provider?.membershipLists?.includes(list),
    )
    // A GitHub App grants permissions instead of scopes.
    if (!readsMemberships || record.scopes.length === 0) return undefined
    const needed = provider?.membershipScopes ?? []
    const missing = missingScopes(provider ?? {}, record.scopes, needed)
    return missing.length > 0 ? { scopes: missing, keptScopes: record.scopes } : undefined
  }

  /** What could not be read might meet the rules, so its lack denies no one. */
  #rejection({ user, verdicts }: Session, { code, hint, tried }: Denial): OAuthError | Rejection {
    const isIncomplete = Object.values(verdicts).some(({ incomplete }) => incomplete === true)
    if (isIncomplete)
      return new OAuthError('recheck_unavailable', {
        hint: 'the provider did not return everything that the rules of requireAuth() need',
      })
    return new Rejection(new OAuthError(code, { hint }), { user, tried, stage: 'guard' })
  }
}

/** The gate lets a denied user pass with `unauthenticated: 'pass'`; the guard rejects. */
function toGuardRejection({ error, user, tried }: Rejection): Rejection {
  return new Rejection(error, { user, tried, stage: 'guard' })
}
