import type { GateRequest } from '../http/gate-request.js'
import { redirect, redirectToPage } from '../http/response.js'
import type { SpecialPaths } from '../http/special-paths.js'
import type { Transactions } from '../oauth/transaction.js'
import { transactionCookieFor } from '../oauth/transaction-cookie.js'
import type { OpenSession, Sessions } from '../session/sessions.js'
import {
  type AuthorizationResponse,
  readAuthorizationResponse,
  readCode,
  vendorParams,
} from './authorization-response.js'
import type { LoginCompletion } from './complete-login.js'
import type { Connections } from './connection.js'
import { type KnownResponse, knownResponse } from './known-response.js'
import type { Links, LoginRequest } from './links.js'
import { rejectWithoutCookie } from './missing-cookie.js'
import { PendingLogins } from './pending-logins.js'
import type { MatchedLogin } from './redeem-code.js'
import { isRejectedLogin, rememberRejectedLogin } from './rejected-login.js'
import { reject, rejectLogin } from './rejection.js'

/** What {@link Callback} depends on. */
export interface CallbackDeps {
  readonly connections: Connections
  readonly transactions: Transactions
  readonly sessions: Sessions
  readonly links: Links
  readonly specialPaths: SpecialPaths
  readonly completion: LoginCompletion
}

/**
 * `stale`: a repeated response, for a user who already has a session. `hidden`: a posted response
 * that cannot be accepted; browsers withhold the session cookie from a form of another site, so
 * whether the user has a session shows only in a GET request. `rejected`: a repeated response of a
 * login that was rejected in this browser, as when the user reloads the page. `repeated`: the same
 * response arrived from this browser while the first one was being handled.
 */
type Match =
  | { readonly outcome: 'matched'; readonly login: MatchedLogin }
  | { readonly outcome: 'stale' }
  | { readonly outcome: 'hidden' }
  | { readonly outcome: 'rejected'; readonly retry: LoginRequest }
  | { readonly outcome: 'repeated'; readonly session: OpenSession }

/**
 * Receives authorization responses: matches each to the transaction that {@link Login} started in
 * this browser, and passes its code to {@link LoginCompletion}. (RFC 6749, 4.1.2)
 */
export class Callback {
  readonly #deps: CallbackDeps
  readonly #pendingLogins = new PendingLogins()

  constructor(deps: CallbackDeps) {
    this.#deps = deps
  }

  /** A callback path, such as `/auth/callback`. Throws a {@link Rejection} if the login failed. */
  async handle(request: GateRequest, query: URLSearchParams): Promise<void> {
    const { links } = this.#deps
    const { req, res, mount, target } = request
    const startPage: LoginRequest = { returnPath: links.safeReturnPath(mount) }
    const response = await readAuthorizationResponse(request, query, startPage)
    const match = await this.#match(request, response)
    if (match.outcome === 'stale') return redirectToPage(req, res, startPage.returnPath)
    if (match.outcome === 'hidden') {
      const state = encodeURIComponent(stateOf(response))
      return redirect(res, `${mount.publicPath}${target.path}?state=${state}`, 303)
    }
    if (match.outcome === 'rejected')
      return redirectToPage(req, res, links.login(mount, match.retry))
    if (match.outcome === 'repeated') {
      await this.#deps.completion.repeat(request, match.session)
      return redirectToPage(req, res, startPage.returnPath)
    }
    const { stateHash } = match.login.transaction
    const login = this.#complete(request, match.login, response)
    await this.#pendingLogins.settle(stateHash, login).catch((error: unknown) => {
      rememberRejectedLogin(request, stateOf(response))
      throw error
    })
  }

  async #complete(
    request: GateRequest,
    login: MatchedLogin,
    { params }: AuthorizationResponse,
  ): Promise<OpenSession> {
    const code = await readCode(login, params).catch((error: unknown) =>
      rejectLogin(error, login.retry, login.connection.provider.name),
    )
    return this.#deps.completion.complete(request, login, code)
  }

  /**
   * Finds and consumes the transaction of a response, so that each response is accepted once. (RFC
   * 6749, 10.12)
   */
  async #match(request: GateRequest, response: AuthorizationResponse): Promise<Match> {
    const { transactions } = this.#deps
    const read = transactions.read(stateOf(response), request.now)
    // Any other state, a session id for instance, is rejected even for users with a session.
    if (read.problem === 'expired') {
      const startPage = { returnPath: this.#deps.links.safeReturnPath(request.mount) }
      const unmatched = await this.#unmatched(request, response, startPage)
      if (unmatched !== undefined) return unmatched
    }
    const known = knownResponse(request, read, this.#deps)
    const { decrypted, connection, retry } = known
    const { responseMode = 'query' } = decrypted
    if (response.mode !== responseMode) return this.#rejectMode(request, response, known)
    const cookie = transactionCookieFor(request.mount.transactionCookie, responseMode)
    const { cookieHeader, res } = request
    const consumed = transactions.consume(res, cookieHeader, cookie, decrypted)
    if (consumed.transaction !== undefined) {
      const callbackParams = vendorParams(response.params)
      const { transaction } = consumed
      this.#pendingLogins.begin(decrypted.stateHash)
      return { outcome: 'matched', login: { transaction, connection, retry, callbackParams } }
    }
    const isUsed = consumed.problem === 'used'
    const first = isUsed ? await this.#pendingLogins.outcomeOf(decrypted.stateHash) : undefined
    if (first?.session) return { outcome: 'repeated', session: first.session }
    if (first) return { outcome: 'rejected', retry: retryOf(known) }
    return (
      (await this.#unmatched(request, response, retryOf(known))) ??
      rejectUnmatched(request, known, isUsed)
    )
  }

  /**
   * What happens to a response without a transaction if the user has a session, or may have one.
   */
  async #unmatched(
    request: GateRequest,
    response: AuthorizationResponse,
    retry: LoginRequest,
  ): Promise<Match | undefined> {
    if (await this.#hasSession(request)) return { outcome: 'stale' }
    if (isRejectedLogin(request, stateOf(response))) return { outcome: 'rejected', retry }
    return response.mode === 'form_post' ? { outcome: 'hidden' } : undefined
  }

  /**
   * A response in the query, where it ends up in logs and in the history, although a form was
   * requested; or the other way round.
   */
  async #rejectMode(
    request: GateRequest,
    response: AuthorizationResponse,
    known: KnownResponse,
  ): Promise<Match> {
    const { params, mode } = response
    const isResponse = params.has('code') || params.has('error')
    // The second request of an outcome `hidden`.
    if (mode === 'query' && !isResponse) {
      const isUsed = this.#deps.transactions.isUsed(known.decrypted)
      return (
        (await this.#unmatched(request, response, retryOf(known))) ??
        rejectUnmatched(request, known, isUsed)
      )
    }
    const { name } = known.connection.provider
    return reject(
      'invalid_callback',
      known.retry,
      mode === 'query'
        ? `${name} responded in the query although the login requested response_mode=form_post: does the provider support it?`
        : `${name} posted its response although the login did not request it: set responseMode: 'form_post'`,
    )
  }

  async #hasSession(request: GateRequest): Promise<boolean> {
    const { session } = await this.#deps.sessions.find(request)
    return session !== undefined
  }
}

function stateOf({ params }: AuthorizationResponse): string {
  return params.get('state') ?? ''
}

/** The same login again, with the same provider. */
function retryOf({ retry, connection }: KnownResponse): LoginRequest {
  return { ...retry, connection: connection.provider.name }
}

function rejectUnmatched(request: GateRequest, known: KnownResponse, isUsed: boolean): never {
  const { decrypted, retry } = known
  return isUsed
    ? reject('login_expired', retry, 'the state was already used')
    : rejectWithoutCookie(request, decrypted, retry)
}
