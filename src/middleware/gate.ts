import type { ServerResponse } from 'node:http'
import type { OAuthContext } from './oauth-context.js'
import { OAuthError } from '../http/errors.js'
import {
  rejectionOfUser,
  type ErrorHandler,
  type Outcome,
  rejectionOfCheck,
} from './error-handler.js'
import { Rejection } from '../flows/rejection.js'
import type { Login } from '../flows/login.js'
import type { Links, LoginRequest } from '../flows/links.js'
import type { Recheck } from '../flows/recheck.js'
import { sendJson } from '../http/response.js'
import { type AppRequest, isNavigation } from '../http/request.js'
import { isUnderPath, isSafeMountPath, readTarget } from '../http/paths.js'
import type { CookieConflicts } from './cookie-conflicts.js'
import type { Config } from '../options/config.js'
import type { GatePasses } from './gate-pass.js'
import type { GateRequest, IncomingGateRequest } from '../http/gate-request.js'
import type { Mounts } from '../http/mounts.js'
import type { RequestEvents } from './request-events.js'
import type { AnonymousReason, OpenSession, SessionResult, Sessions } from '../session/sessions.js'
import type { Awaitable } from '../session/stores/store.js'
import { isAllowedOrigin } from '../http/origin.js'
import type { Routes } from './routes.js'
import type { UpstreamHeaders } from './upstream-headers.js'
import type { Visitors } from './visitors.js'

export interface GateParts {
  config: Config
  mounts: Mounts
  links: Links
  upstream: UpstreamHeaders
  sessions: Sessions
  recheck: Recheck
  visitors: Visitors
  passed: GatePasses
  failures: ErrorHandler
  login: Login
  specialPaths: Routes
  reports: RequestEvents
  cookieConflicts: CookieConflicts
  onActivity(session: OpenSession, now: number): void
}

/** What {@link Gate.authenticate} is told beside the request. */
export interface AuthenticateOptions {
  /** Origins that may open a socket, beside the app's own. */
  origin?: string | readonly string[] | undefined
  /**
   * Where the middleware is mounted, for requests that did not come through it. Default: the mount of earlier requests that
   * the path belongs to, else the root.
   */
  mount?: string | undefined
}

export interface Gate {
  /** Decides about a request. */
  handle(req: AppRequest, res: ServerResponse): Awaitable<Outcome>
  /** Who the request is from, for sockets: nothing is answered, what is wrong is thrown. */
  authenticate(req: AppRequest, options: AuthenticateOptions): Promise<OAuthContext | undefined>
  /** Sends a visitor to a login and back here, or answers 401 to what is no navigation. */
  demandLogin(
    request: GateRequest,
    loginRequest: Omit<LoginRequest, 'returnPath'>,
  ): Promise<Outcome>
  /** Every error ends here: an answer of ours, the app's own by `onError`, or a bug for the app's error handler. */
  fail(request: GateRequest, thrown: unknown): Promise<Outcome>
}

export function createGate(parts: GateParts): Gate {
  const {
    config,
    mounts,
    links,
    upstream,
    sessions,
    recheck,
    visitors,
    passed,
    failures,
    login,
    specialPaths,
    reports,
    cookieConflicts,
    onActivity,
  } = parts
  const { basePath, unauthenticated } = config

  /**
   * The path of every request. For a logged-in one: one cookie, one hash, one read of the store, a comparison of times,
   * and no more. Where the store needs no promise, nor does the request: each would cost as much as all the rest.
   */
  const handle: Gate['handle'] = (req, res) => {
    const { headers } = req
    upstream.strip(req, headers)
    const asked = readTarget(req)
    const isSafe = isSafeMountPath(asked.mountPath)
    if (!isSafe && config.enabled) return refuseMount(res)
    // Where nothing is enforced nothing is refused, but no address is made of such a path.
    const target = isSafe ? asked : { ...asked, mountPath: '' }
    const mount = mounts.of(req, target, headers)
    const request: GateRequest = { req, headers, res, mount, target, now: Date.now() }
    if (!config.enabled) return passExempt(request)
    try {
      const outcome = decide(request)
      return outcome instanceof Promise
        ? outcome.catch((error: unknown) => fail(request, error))
        : outcome
    } catch (error) {
      return fail(request, error)
    }
  }

  const decide = (request: GateRequest): Awaitable<Outcome> => {
    if (isUnderPath(request.target.path, basePath)) return answer(request)
    if (config.optionsPassthrough && methodOf(request.req) === 'OPTIONS') return passExempt(request)
    const found = find(request)
    return found instanceof Promise ? found.then((it) => admit(request, it)) : admit(request, found)
  }

  const admit = (request: GateRequest, { session, reason }: SessionResult): Awaitable<Outcome> => {
    if (session === undefined) return stranger(request, reason)
    visitors.attach(request, session)
    mounts.confirm(request.target.mountPath)
    passed.add({ request, session })
    reports.allow(request.req, session.record.user)
    keepPrivate(request.res)
    return 'pass'
  }

  /** Nothing can be built from such a path: no cookie, no address to come back to. */
  const refuseMount = (res: ServerResponse): Outcome => {
    const { code, message, status } = new OAuthError('not_found')
    sendJson(res, status, { error: code, message })
    return 'answered'
  }

  const answer = async (request: GateRequest): Promise<Outcome> => {
    reports.block(request.req, request.target.path.slice(basePath.length + 1))
    return specialPaths.handle(request)
  }

  const passExempt = (request: GateRequest): Outcome => {
    visitors.attachAnonymous(request, 'none')
    passed.add({ request, session: undefined, isExempt: true })
    reports.allow(request.req, undefined)
    return 'pass'
  }

  /** Who the visitor is and may still be; a reason when nobody. */
  const find = (request: IncomingGateRequest): Awaitable<SessionResult> => {
    const { headers, mount, now } = request
    const found = sessions.find(headers.cookie, mount.sessionCookie.name, now, mount.instanceId)
    return found instanceof Promise ? found.then((it) => vet(request, it)) : vet(request, found)
  }

  const vet = (request: IncomingGateRequest, found: SessionResult): Awaitable<SessionResult> => {
    const { session } = found
    if (session === undefined) return found
    if (!recheck.isOfThisClient(session.record)) return { reason: 'expired' }
    const status = recheck.checkStatus(session.record, request.now)
    if (status === 'early') recheck.checkEarly(session, request.req)
    if (status === 'fresh' || status === 'early')
      return { session: note(request, session, session) }
    return ask(request, session, status === 'due').then((checked) =>
      checked.session === undefined
        ? checked
        : { session: note(request, session, checked.session) },
    )
  }

  const note = (
    request: IncomingGateRequest,
    before: OpenSession,
    checked: OpenSession,
  ): OpenSession => {
    recheck.clearDenial(checked)
    onActivity(checked, request.now)
    return visitors.renewCookie(request, before, sessions.recordActivity(checked, request.now))
  }

  /** A check that the request waits for; a refused user is asked about again only when a person looks. */
  const ask = async (
    request: IncomingGateRequest,
    session: OpenSession,
    isDue: boolean,
  ): Promise<SessionResult> => {
    const { req } = request
    const isRefused = recheck.decision(session.record)?.allowed === false
    if (isRefused && !(isDue && isNavigation(req))) throw rejectionOfUser(session.record.user)
    const result = await recheck.check(session, req)
    if (result.outcome === 'allowed') return { session: result.session }
    if (result.outcome === 'ended') return { reason: 'expired' }
    if (result.outcome === 'denied') visitors.renewCookie(request, session, result.session)
    throw rejectionOfCheck(result)
  }

  const stranger = async (request: GateRequest, reason: AnonymousReason): Promise<Outcome> => {
    if (unauthenticated !== 'pass') return demandLogin(request, {}, unauthenticated)
    return passAnonymous(request, reason)
  }

  const passAnonymous = (
    request: GateRequest,
    reason: AnonymousReason,
    refused?: Rejection,
  ): Outcome => {
    visitors.attachAnonymous(request, reason)
    passed.add({ request, session: undefined, rejection: refused })
    reports.allow(request.req, undefined)
    appendVary(request.res)
    return 'pass'
  }

  const demandLogin = async (
    request: GateRequest,
    loginRequest: Omit<LoginRequest, 'returnPath'>,
    mode: Config['unauthenticated'] = 'auto',
  ): Promise<Outcome> => {
    const { req } = request
    if (mode === 'reject' || (mode !== 'redirect' && !isNavigation(req)))
      throw new OAuthError('login_required')
    reports.block(req, 'login')
    cookieConflicts.check(request)
    await login.start(request, { ...loginRequest, returnPath: returnPathOf(request) })
    return 'answered'
  }

  /** Only what a person asked to see is worth returning to. */
  const returnPathOf = ({ req, mount, target }: GateRequest) => {
    const isSafeMethod = req.method === 'GET' || req.method === 'HEAD'
    const isDocument = /^(?:document|empty)?$/.test(String(req.headers['sec-fetch-dest'] ?? ''))
    return links.safeReturnPath(
      mount,
      isSafeMethod && isDocument ? mounts.publicTarget(mount, target) : undefined,
    )
  }

  const fail: Gate['fail'] = async (request, thrown) => {
    // With `pass` a refused user is nobody; what could not be found out is never nobody.
    const isRefused = thrown instanceof Rejection && thrown.stage === 'session'
    if (isRefused && unauthenticated === 'pass') return passAnonymous(request, 'denied', thrown)
    return failures.answer(request, thrown, returnPathOf(request))
  }

  return {
    handle,
    demandLogin,
    fail,
    async authenticate(req, { origin: origins, mount: mountPath }) {
      const { headers } = req
      upstream.strip(req, headers)
      // Another site's page would act with the visitor's cookie.
      const isForeign =
        headers.upgrade !== undefined && !isAllowedOrigin(req, config.baseUrl?.origin, origins)
      if (!config.enabled || isForeign) return undefined
      const target = {
        ...readTarget(req),
        ...(req.baseUrl === undefined && {
          mountPath: mountPath ?? mounts.mountPathOf(req.url ?? '/'),
        }),
      }
      if (!isSafeMountPath(target.mountPath)) return undefined
      const request: IncomingGateRequest = {
        req,
        headers,
        res: undefined,
        mount: mounts.of(req, target, headers),
        target,
        now: Date.now(),
      }
      const { session } = await Promise.resolve(find(request)).catch(
        (error: unknown): SessionResult => {
          if (error instanceof Rejection) return { reason: 'denied' }
          throw error
        },
      )
      return session === undefined ? undefined : visitors.attach(request, session)
    },
  }
}

/** As the client sent it: a method override of the app's must not turn a POST into a free OPTIONS. */
function methodOf(req: AppRequest & { originalMethod?: unknown }): string | undefined {
  return typeof req.originalMethod === 'string' ? req.originalMethod : req.method
}

/** Preset for the app, which may say otherwise; what was said before is kept, but for `public`. */
function keepPrivate(res: ServerResponse): void {
  const said = res.getHeader('Cache-Control')
  if (said === undefined) res.setHeader('Cache-Control', 'private')
  else if (!/\b(?:private|no-store)\b/i.test(String(said))) {
    res.setHeader(
      'Cache-Control',
      `private, ${String(said).replace(/\bpublic\b\s*,?\s*/gi, '')}`.replace(/,\s*$/, ''),
    )
  }
}

function appendVary(res: ServerResponse): void {
  const vary = String(res.getHeader('Vary') ?? '')
  if (!/\bcookie\b/i.test(vary)) res.setHeader('Vary', vary === '' ? 'Cookie' : `${vary}, Cookie`)
}
