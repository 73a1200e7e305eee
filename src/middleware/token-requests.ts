import type { Denial } from '../access/policy.js'
import { denialHint } from '../access/policy.js'
import { hasBearerToken, readBearerToken } from '../bearer/read-token.js'
import { TokenError } from '../bearer/token-kind.js'
import type { TokenResult, Tokens } from '../bearer/tokens.js'
import type { VerifiedToken } from '../bearer/verified-token.js'
import { Rejection } from '../flows/rejection.js'
import { clientAddress } from '../http/client-address.js'
import { OAuthError } from '../http/errors.js'
import type { GateRequest, IncomingGateRequest } from '../http/gate-request.js'
import type { Mounts } from '../http/mounts.js'
import type { Awaitable } from '../session/stores/store.js'
import { presetPrivate } from './cache-headers.js'
import { type ErrorReporter, evaluatedRules } from './error-reporter.js'
import type { GatePasses } from './gate-pass.js'
import type { TokenContext } from './oauth-context.js'
import { type Outcome, PASS } from './outcome.js'
import type { RequestEvents } from './request-events.js'
import type { Visitors } from './visitors.js'

/** The tokens of the current configuration; `undefined` without `bearer`. Outlives configurations. */
export interface CurrentTokens {
  current: Tokens | undefined
}

/** What {@link TokenRequests} depends on. */
export interface TokenRequestsDeps {
  readonly tokens: Tokens
  /** For connections that outlive the configuration. */
  readonly state: CurrentTokens
  readonly visitors: Visitors
  readonly passes: GatePasses
  readonly mounts: Mounts
  readonly requestEvents: RequestEvents
  readonly reporter: ErrorReporter
}

/**
 * Requests with `Authorization: Bearer`, if the option `bearer` is set. Their cookies never count,
 * also if the token is not valid.
 */
export class TokenRequests {
  readonly #deps: TokenRequestsDeps

  constructor(deps: TokenRequestsDeps) {
    this.#deps = deps
  }

  /** Whether the request has a token, valid or not. */
  includes({ req, headers }: IncomingGateRequest): boolean {
    return hasBearerToken(req, headers)
  }

  /** Lets the request pass, or throws a {@link Rejection}. */
  handle(request: GateRequest): Awaitable<Outcome> {
    const result = this.#check(request)
    return result instanceof Promise
      ? result.then((settled) => this.#pass(request, settled))
      : this.#pass(request, result)
  }

  /**
   * The user of a request without a response; `undefined` if the token is not valid, or its user may
   * not pass. Rejects if that cannot be determined.
   */
  async authenticate(request: IncomingGateRequest): Promise<TokenContext | undefined> {
    try {
      const { token, denial } = await this.#check(request)
      if (denial !== undefined) throw rejectionOf(token, denial)
      return this.#attach(request, token)
    } catch (thrown) {
      if (!(thrown instanceof Rejection)) throw thrown
      if (thrown.error.status >= 500) throw thrown.error
      this.#deps.reporter.log(thrown.error, thrown)
      return undefined
    }
  }

  /** The user of a request to a special path. */
  async find(request: IncomingGateRequest): Promise<TokenResult> {
    return this.#check(request)
  }

  #check({ req, headers }: IncomingGateRequest): Awaitable<TokenResult> {
    try {
      const token = readBearerToken(req, headers)
      const result = this.#deps.tokens.authenticate(token, req, () => clientAddress(req))
      return result instanceof Promise ? result.catch(rethrow) : result
    } catch (error) {
      return rethrow(error)
    }
  }

  #pass(request: GateRequest, { token, denial }: TokenResult): Outcome {
    if (denial !== undefined) throw rejectionOf(token, denial)
    const { mounts, passes, requestEvents } = this.#deps
    this.#attach(request, token)
    mounts.confirm(request.req, request.target, request.mount)
    passes.add({ request, session: undefined, token })
    requestEvents.allow(request.req, token.profile)
    presetPrivate(request.res)
    return PASS
  }

  #attach(request: IncomingGateRequest, token: VerifiedToken): TokenContext {
    const { state, tokens, visitors } = this.#deps
    const { req, headers } = request
    // The app, or a proxy, may remove the header.
    const { authorization } = headers
    return visitors.attachToken(request, token, {
      isOutdated: () => state.current !== tokens,
      async check() {
        if (state.current === undefined) throw new OAuthError('invalid_token')
        const given = readBearerToken(req, { authorization })
        return state.current.authenticate(given, req, () => undefined)
      },
    })
  }
}

function rejectionOf(token: VerifiedToken, denial: Denial): Rejection {
  const error = new OAuthError(denial.code, { hint: denialHint(denial) })
  return new Rejection(error, { user: token.user(), ...evaluatedRules(denial), stage: 'token' })
}

/** Any other error is a bug. */
function rethrow(error: unknown): never {
  if (!(error instanceof OAuthError)) throw error
  const isForOwner = error instanceof TokenError && error.isForOwner
  throw new Rejection(error, { stage: 'token', isForOwner })
}
