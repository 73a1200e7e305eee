import type { IncomingMessage, ServerResponse } from 'node:http'
import { recheckUnavailable } from '../flows/check-result.js'
import { OAuthError } from '../http/errors.js'
import type { IncomingGateRequest } from '../http/gate-request.js'
import type { Config } from '../options/config.js'
import { type ErrorHandler, rejectionOfSession } from './error-handler.js'
import type { GatePass, GatePasses } from './gate-pass.js'
import type { LoginRedirect } from './login-redirect.js'
import { callNext, type Next, type Outcome } from './outcome.js'

/** Errors of `getAccessToken()`, and the apps that respond to them. Outlives a configuration. */
export interface TokenErrorState {
  /** Apps that have our error handler. */
  readonly apps: WeakSet<object>
  /** The configuration under which an error arose. */
  readonly origins: WeakMap<OAuthError, TokenErrors>
}

/** Empty state for {@link TokenErrors}. */
export function createTokenErrorState(): TokenErrorState {
  return { apps: new WeakSet(), origins: new WeakMap() }
}

/** What {@link TokenErrors} depends on. */
export interface TokenErrorsDeps {
  readonly config: Pick<Config, 'unauthenticated'>
  readonly loginRedirect: LoginRedirect
  readonly errorHandler: ErrorHandler
  readonly passes: GatePasses
  readonly state: TokenErrorState
}

/** An access token that expires sooner after its login would cause a login for every request. */
const MIN_SESSION_AGE_MS = 10_000

/**
 * Responds to errors of `getAccessToken()` that a route of an Express app passes on: Express would
 * send a bare status. The error handler is added to the app at the first such error, behind those
 * of the app, which therefore take precedence.
 */
export class TokenErrors {
  readonly #deps: TokenErrorsDeps

  constructor(deps: TokenErrorsDeps) {
    this.#deps = deps
  }

  /** Remembers an error before the app gets it. */
  add(error: unknown, { req }: IncomingGateRequest): void {
    const { state } = this.#deps
    const app = rootApp(req.app)
    if (!(error instanceof OAuthError) || app === undefined) return
    state.origins.set(error, this)
    if (state.apps.has(app)) return
    state.apps.add(app)
    app.use((thrown: unknown, from: IncomingMessage, res: ServerResponse, next: Next) => {
      const origin = thrown instanceof OAuthError ? state.origins.get(thrown) : undefined
      if (origin === undefined) next(thrown)
      else origin.#respond(thrown as OAuthError, from, res, next)
    })
  }

  #respond(error: OAuthError, req: IncomingMessage, res: ServerResponse, next: Next): void {
    const pass = this.#deps.passes.of(req)
    if (pass === undefined || res.headersSent) next(error)
    else callNext(this.#decide(error, { ...pass, request: { ...pass.request, res } }), next)
  }

  /** Starts a login if the user needs one and the request is a navigation. */
  async #decide(error: OAuthError, pass: GatePass): Promise<Outcome> {
    const { config, errorHandler, loginRedirect } = this.#deps
    const { request, session } = pass
    // The session stays, so a later attempt can succeed.
    if (error.code !== 'login_required')
      return errorHandler.handle(request, rejectionOfSession(recheckUnavailable(error), session))
    const sessionAge = request.now - (session?.record.createdAt ?? 0)
    if (sessionAge < MIN_SESSION_AGE_MS)
      return errorHandler.handle(request, rejectionOfSession(expiredAtOnce(error), session))
    const mode = config.unauthenticated === 'pass' ? 'auto' : config.unauthenticated
    try {
      return await loginRedirect.start(request, {}, mode)
    } catch (thrown) {
      const isRejected = thrown instanceof OAuthError && thrown.code === 'login_required'
      return errorHandler.handle(request, isRejected ? rejectionOfSession(error, session) : thrown)
    }
  }
}

function expiredAtOnce(cause: OAuthError): OAuthError {
  return new OAuthError('login_required', {
    cause,
    hint: 'the access token expired within 10 seconds of the login, and there is no refresh token: request one with offlineAccess, or extend the lifetime of access tokens at the provider',
  })
}

interface ExpressApp {
  readonly use: (handler: ErrorMiddleware) => unknown
  readonly parent?: unknown
}

type ErrorMiddleware = (
  error: unknown,
  req: IncomingMessage,
  res: ServerResponse,
  next: Next,
) => void

/** The outermost Express app, whose error handlers come last. */
function rootApp(app: unknown): ExpressApp | undefined {
  let root = isExpressApp(app) ? app : undefined
  while (isExpressApp(root?.parent)) root = root.parent
  return root
}

function isExpressApp(value: unknown): value is ExpressApp {
  return typeof value === 'function' && typeof Reflect.get(value, 'use') === 'function'
}
