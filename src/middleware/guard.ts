import type { IncomingMessage } from 'node:http'
import { isAuthorized } from '../access/authorize.js'
import type { DeviceBinding } from '../binding/device-binding.js'
import { concernsLists } from '../access/lost-claims.js'
import { missingScopes } from '../access/granted-scopes.js'
import { type Denial, denialHint, Policy } from '../access/policy.js'
import { type Provider, trustsEmail } from '../access/provider.js'
import { namesList } from '../access/rules.js'
import type { Loss, OAuthUser } from '../access/user.js'
import { lostSinceLogin } from '../flows/check-status.js'
import type { Connections } from '../flows/connection.js'
import { Rejection } from '../flows/rejection.js'
import { OAuthError } from '../http/errors.js'
import { membershipLists } from '../oauth/identity.js'
import type { Session } from '../session/session.js'
import type { OpenSession } from '../session/sessions.js'
import { guardToken } from './guard-token.js'
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
  /** `undefined` without the option `deviceBound`: then no session is bound. */
  readonly binding: DeviceBinding | undefined
}

/** How long a browser may take to register its key after a login. */
const REGISTRATION_MS = 30_000

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
    { request, session, token, rejection, isExempt }: GatePass,
    req: IncomingMessage,
    { binding, connections, loginRedirect }: GuardDeps,
  ): Promise<Outcome> {
    if (isExempt === true) return PASS
    // No token is bound to a browser.
    if (token !== undefined && this.#rules.needsDevice) throw new OAuthError('device_required')
    if (token !== undefined)
      return guardToken(token, req, this.#rules, this.#policy, connections, request.now)
    if (rejection !== undefined) throw toGuardRejection(rejection)
    if (session === undefined) return loginRedirect.start(request, {})
    this.#checkDevice(session, request.now, binding)
    const { user } = session.record
    const provider = connections.get(user.provider)?.provider
    const decision = this.#policy.evaluate(user, provider !== undefined && trustsEmail(provider))
    const demand =
      this.#loginDemand(request.now, session.record, provider) ??
      (decision.isAllowed ? undefined : this.#scopeDemand(session.record, provider))
    if (demand !== undefined) return loginRedirect.start(request, demand)
    const lost = lostSinceLogin(session)
    // A login returns what no check does.
    if (!decision.isAllowed && concernsLists(lost, decision.tried))
      return loginRedirect.start(request, {})
    if (!decision.isAllowed) throw this.#rejection(session, decision)
    if (await this.#isAuthorized(session.user(), req, lost)) return PASS
    if (lost.parts.length > 0) return loginRedirect.start(request, {})
    throw this.#rejection(session, this.#policy.deny())
  }

  /** A browser registers its key right after the login, or does not support it. */
  #checkDevice(session: OpenSession, now: number, binding: DeviceBinding | undefined): void {
    const { createdAt, device } = session.record
    if (!this.#rules.needsDevice || (binding !== undefined && device !== undefined)) return
    if (binding !== undefined && now - createdAt <= REGISTRATION_MS) return
    const user = session.user()
    throw new Rejection(new OAuthError('device_required'), { user, stage: 'guard' })
  }

  /** A custom rule that fails because of a lost claim denies the user. */
  async #isAuthorized(user: OAuthUser, req: IncomingMessage, lost: Loss): Promise<boolean> {
    const { authorize } = this.#rules
    if (authorize === undefined) return true
    return isAuthorized(authorize, user, req).catch((error: unknown) => {
      if (lost.parts.length === 0) throw error
      return false
    })
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
      (list) => namesList(lists, list) && provider?.membershipLists?.includes(list),
    )
    // A GitHub App grants permissions instead of scopes.
    if (!readsMemberships || record.scopes.length === 0) return undefined
    const needed = provider?.membershipScopes ?? []
    const missing = missingScopes(provider ?? {}, record.scopes, needed)
    return missing.length > 0 ? { scopes: missing, keptScopes: record.scopes } : undefined
  }

  /** What could not be read might meet the rules, so its lack denies no one. */
  #rejection(session: OpenSession, denial: Denial): OAuthError | Rejection {
    const { code, tried, unmet } = denial
    const isIncomplete = Object.values(session.record.verdicts).some(
      ({ incomplete }) => incomplete === true,
    )
    if (isIncomplete)
      return new OAuthError('recheck_unavailable', {
        hint: 'the provider did not return everything that the rules of requireAuth() need',
      })
    const user = session.user()
    const error = new OAuthError(code, { hint: denialHint(denial) })
    return new Rejection(error, { user, tried, unmet, stage: 'guard' })
  }
}

/** The gate lets a denied user pass with `unauthenticated: 'pass'`; the guard rejects. */
export function toGuardRejection({ error, user, tried, unmet }: Rejection): Rejection {
  return new Rejection(error, { user, tried, unmet, stage: 'guard' })
}
