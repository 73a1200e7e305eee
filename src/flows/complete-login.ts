import type { UserEvaluator } from '../access/evaluate-user.js'
import { OAuthError } from '../http/errors.js'
import type { GateRequest } from '../http/gate-request.js'
import { redirectToPage } from '../http/response.js'
import { subjectOf } from '../oauth/claims.js'
import type { BlockedUsers } from '../session/blocked-users.js'
import type { OpenSession } from '../session/sessions.js'
import { storedDecision } from './check-status.js'
import { rememberLostPage } from './lost-page.js'
import type { AllowedLogin, NewSessions } from './new-sessions.js'
import { accountOf, type OnLogin } from './on-login.js'
import { type LoginGrant, type MatchedLogin, redeemCode } from './redeem-code.js'
import { denialOf, rejectLogin } from './rejection.js'
import { unlessBlocked } from './unless-blocked.js'

/** What {@link LoginCompletion} depends on. */
export interface LoginCompletionDeps {
  readonly evaluators: ReadonlyMap<string, UserEvaluator>
  readonly blockedUsers: BlockedUsers
  readonly newSessions: NewSessions
  /** The option `onLogin`. */
  readonly onLogin: OnLogin | undefined
}

/**
 * Completes logins: redeems the code, evaluates the user, calls `onLogin`, creates the session and
 * redirects to the return path.
 */
export class LoginCompletion {
  readonly #deps: LoginCompletionDeps

  constructor(deps: LoginCompletionDeps) {
    this.#deps = deps
  }

  /** Throws a {@link Rejection} if the login failed or the rules deny the user. */
  async complete(request: GateRequest, login: MatchedLogin, code: string): Promise<OpenSession> {
    const { transaction, connection, retry } = login
    const allowed = await this.#logIn(request, login, code).catch((error: unknown) =>
      rejectLogin(error, retry, connection.provider.name),
    )
    const { redirectUri, sessionKey: replacedKey, seen } = transaction
    const session = await this.#deps.newSessions.start(request, {
      ...{ connection, retry, redirectUri, replacedKey, seen },
      ...allowed,
    })
    if (transaction.lost !== undefined) rememberLostPage(request, transaction.lost)
    redirectToPage(request.req, request.res, locationOf(login))
    return session
  }

  /** Signs in the browser that sent the callback of a login twice, with the same session. */
  async repeat(request: GateRequest, session: OpenSession): Promise<void> {
    await this.#deps.newSessions.attach(request, session)
  }

  async #logIn(request: GateRequest, login: MatchedLogin, code: string) {
    const grant = await redeemCode(request, login, code)
    return { grant, ...(await this.#evaluate(request, login, grant)) }
  }

  /** Reads the user from the provider, applies the rules and calls `onLogin`. */
  async #evaluate(
    { req, now }: GateRequest,
    login: MatchedLogin,
    { tokens, scopes }: LoginGrant,
  ): Promise<Pick<AllowedLogin, 'user' | 'verdicts' | 'account'>> {
    const {
      connection: { provider, client },
      callbackParams,
    } = login
    const evaluator = this.#deps.evaluators.get(provider.name)
    if (evaluator === undefined)
      throw new OAuthError('internal', { hint: 'the provider has no rules' })
    const api = client.api({
      accessToken: tokens.accessToken,
      claims: tokens.claims ?? {},
      scopes,
      subject: subjectOf(tokens.claims),
      hasFreshClaims: true,
      isLogin: true,
      tokens: tokens.response,
      callbackParams,
    })
    const evaluated = await evaluator.evaluate(api, req)
    evaluator.evaluateReportOnly(evaluated, api, req)
    const evaluation = await unlessBlocked(evaluated, this.#deps.blockedUsers)
    const { user, decision } = evaluation
    if (!decision.isAllowed) throw denialOf(user, decision, provider.name, login.retry)
    return {
      user,
      verdicts: { [evaluator.fingerprint]: storedDecision(now, evaluation) },
      account: await accountOf(this.#deps.onLogin, user, req),
    }
  }
}

/**
 * A browser appends the fragment of the callback's URL to a location that has none. (RFC 9110,
 * 10.2.2)
 */
function locationOf({ connection, retry: { returnPath } }: MatchedLogin): string {
  const hasFragment = connection.provider.hasCallbackFragment === true
  return hasFragment && !returnPath.includes('#') ? `${returnPath}#` : returnPath
}
