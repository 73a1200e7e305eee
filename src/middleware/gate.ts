import type { ServerResponse } from 'node:http'
import type { OAuthContext } from './oauth-context.js'
import { OAuthError } from '../http/errors.js'
import { denial, type Failures, type Outcome, refusal } from './error-handler.js'
import { FailedLogin } from '../flows/rejection.js'
import type { Login } from '../flows/login.js'
import type { Links, LoginRequest } from '../flows/links.js'
import type { Recheck } from '../flows/recheck.js'
import { sendJson } from '../http/response.js'
import { type AppRequest, isBelow, isNavigation, isSafeMount, readTarget } from '../http/request.js'
import { createNeighbours } from './cookie-conflicts.js'
import type { Config } from '../options/options.js'
import type { PassedRequests } from './gate-pass.js'
import type { Places } from '../http/mounts.js'
import type { RequestReports } from './request-events.js'
import type { LiveSession, MissReason, Sessions } from '../session/sessions.js'
import type { Awaitable } from '../session/stores/store.js'
import { isSameOrigin } from '../http/origin.js'
import type { SpecialPaths } from './routes.js'
import type { UpstreamHeaders } from './upstream-headers.js'
import type { Visit, Visits } from './visitor.js'

export interface GateParts {
  config: Config
  places: Places
  links: Links
  upstream: UpstreamHeaders
  sessions: Sessions
  recheck: Recheck
  visits: Visits
  passed: PassedRequests
  failures: Failures
  login: Login
  specialPaths: SpecialPaths
  reports: RequestReports
  onActivity(live: LiveSession, now: number): void
}

/** What {@link Gate.identify} is told beside the request. */
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
  identify(req: AppRequest, options: AuthenticateOptions): Promise<OAuthContext | undefined>
  /** Sends a visitor to a login and back here, or answers 401 to what is no navigation. */
  demandLogin(
    visit: Visit,
    res: ServerResponse,
    request: Omit<LoginRequest, 'returnPath'>,
  ): Promise<Outcome>
  /** Every error ends here: an answer of ours, the app's own by `onError`, or a bug for the app's error handler. */
  fail(visit: Visit, res: ServerResponse, thrown: unknown): Promise<Outcome>
}

export function createGate(parts: GateParts): Gate {
  const {
    config,
    places,
    links,
    upstream,
    sessions,
    recheck,
    visits,
    passed,
    failures,
    login,
    specialPaths,
    reports,
    onActivity,
  } = parts
  const { basePath, logger, unauthenticated } = config

  /**
   * The path of every request. For a logged-in one: one cookie, one hash, one read of the store, a comparison of times,
   * and no more. Where the store needs no promise, nor does the request: each would cost as much as all the rest.
   */
  const handle: Gate['handle'] = (req, res) => {
    const { headers } = req
    upstream.strip(req, headers)
    const asked = readTarget(req)
    const isSafe = isSafeMount(asked.mount)
    if (!isSafe && config.isEnabled) return refuseMount(res)
    // Where nothing is enforced nothing is refused, but no address is made of such a path.
    const target = isSafe ? asked : { ...asked, mount: '' }
    const place = places.of(req, target, headers)
    const visit: Visit = { req, headers, res, place, target, now: Date.now() }
    if (!config.isEnabled) return passExempt(visit)
    try {
      const outcome = decide(visit, res)
      return outcome instanceof Promise
        ? outcome.catch((error: unknown) => fail(visit, res, error))
        : outcome
    } catch (error) {
      return fail(visit, res, error)
    }
  }

  const decide = (visit: Visit, res: ServerResponse): Awaitable<Outcome> => {
    if (isBelow(visit.target.path, basePath)) return answer(visit, res)
    if (config.passesOptions && methodOf(visit.req) === 'OPTIONS') return passExempt(visit)
    const found = find(visit)
    return found instanceof Promise
      ? found.then((it) => admit(visit, res, it))
      : admit(visit, res, found)
  }

  const admit = (
    visit: Visit,
    res: ServerResponse,
    found: LiveSession | MissReason,
  ): Awaitable<Outcome> => {
    if (typeof found === 'string') return stranger(visit, res, found)
    visits.welcome(visit, found)
    places.confirm(visit.target.mount)
    passed.note({ visit, live: found })
    reports.allow(visit.req, found.session.user)
    keepPrivate(res)
    return 'pass'
  }

  /** Nothing can be built from such a path: no cookie, no address to come back to. */
  const refuseMount = (res: ServerResponse): Outcome => {
    const { code, message, status } = new OAuthError('not_found')
    sendJson(res, status, { error: code, message })
    return 'answered'
  }

  const answer = async (visit: Visit, res: ServerResponse): Promise<Outcome> => {
    reports.block(visit.req, visit.target.path.slice(basePath.length + 1))
    return specialPaths.handle(visit, res)
  }

  const passExempt = (visit: Visit): Outcome => {
    visits.anonymous(visit, 'none')
    passed.note({ visit, live: undefined, isExempt: true })
    reports.allow(visit.req, undefined)
    return 'pass'
  }

  /** Who the visitor is and may still be; a reason when nobody. */
  const find = (visit: Visit): Awaitable<LiveSession | MissReason> => {
    const { headers, place, now } = visit
    const found = sessions.find(headers.cookie, place.sessionCookie.name, now, place.instance)
    return found instanceof Promise ? found.then((live) => vet(visit, live)) : vet(visit, found)
  }

  const vet = (
    visit: Visit,
    live: LiveSession | MissReason,
  ): Awaitable<LiveSession | MissReason> => {
    if (typeof live === 'string') return live
    if (!recheck.knows(live.session)) return 'expired'
    const need = recheck.need(live.session, visit.now)
    if (need === 'early') recheck.checkEarly(live, visit.req)
    if (need === 'none' || need === 'early') return note(visit, live, live)
    return ask(visit, live, need === 'now').then((checked) =>
      typeof checked === 'string' ? checked : note(visit, live, checked),
    )
  }

  const note = (visit: Visit, before: LiveSession, checked: LiveSession): LiveSession => {
    recheck.readmit(checked)
    onActivity(checked, visit.now)
    return visits.keep(visit, before, sessions.touch(checked, visit.now))
  }

  /** A check that the request waits for; a refused user is asked about again only when a person looks. */
  const ask = async (
    visit: Visit,
    live: LiveSession,
    isDue: boolean,
  ): Promise<LiveSession | MissReason> => {
    const { req } = visit
    const isRefused = recheck.verdict(live.session)?.allowed === false
    if (isRefused && !(isDue && isNavigation(req))) throw denial(live.session.user)
    const result = await recheck.check(live, req)
    if (result.is === 'allowed') return result.live
    if (result.is === 'ended') return 'expired'
    if (result.is === 'denied') visits.keep(visit, live, result.live)
    throw refusal(result)
  }

  const stranger = async (
    visit: Visit,
    res: ServerResponse,
    reason: MissReason,
  ): Promise<Outcome> => {
    if (unauthenticated !== 'pass') return demandLogin(visit, res, {}, unauthenticated)
    return passAnonymous(visit, res, reason)
  }

  const passAnonymous = (
    visit: Visit,
    res: ServerResponse,
    reason: MissReason | FailedLogin,
  ): Outcome => {
    const refused = typeof reason === 'string' ? undefined : reason
    visits.anonymous(visit, typeof reason === 'string' ? reason : 'denied')
    passed.note({ visit, live: undefined, refused })
    reports.allow(visit.req, undefined)
    appendVary(res)
    return 'pass'
  }

  const neighbours = createNeighbours(logger, config.id)
  const demandLogin = async (
    visit: Visit,
    res: ServerResponse,
    request: Omit<LoginRequest, 'returnPath'>,
    mode: Config['unauthenticated'] = 'auto',
  ): Promise<Outcome> => {
    const { req, place } = visit
    if (mode === 'reject' || (mode !== 'redirect' && !isNavigation(req)))
      throw new OAuthError('login_required')
    reports.block(req, 'login')
    neighbours.meet(visit)
    await login.start(req, res, place, { ...request, returnPath: returnPathOf(visit) })
    return 'answered'
  }

  /** Only what a person asked to see is worth returning to. */
  const returnPathOf = ({ req, place, target }: Visit) => {
    const isSafeMethod = req.method === 'GET' || req.method === 'HEAD'
    const isDocument = /^(?:document|empty)?$/.test(String(req.headers['sec-fetch-dest'] ?? ''))
    return links.safeReturn(
      place,
      isSafeMethod && isDocument ? places.publicPath(place, target) : undefined,
    )
  }

  const fail: Gate['fail'] = async (visit, res, thrown) => {
    // With `pass` a refused user is nobody; what could not be found out is never nobody.
    const isRefused = thrown instanceof FailedLogin && thrown.isSession && !thrown.isGuard
    if (isRefused && unauthenticated === 'pass') return passAnonymous(visit, res, thrown)
    return failures.answer(visit, res, thrown, returnPathOf(visit))
  }

  return {
    handle,
    demandLogin,
    fail,
    async identify(req, { origin: origins, mount }) {
      const { headers } = req
      upstream.strip(req, headers)
      // Another site's page would act with the visitor's cookie.
      const isForeign =
        headers.upgrade !== undefined && !isSameOrigin(req, config.publicUrl?.origin, origins)
      if (!config.isEnabled || isForeign) return undefined
      const target = {
        ...readTarget(req),
        ...(req.baseUrl === undefined && { mount: mount ?? places.mountOf(req.url ?? '/') }),
      }
      if (!isSafeMount(target.mount)) return undefined
      const visit: Visit = {
        req,
        headers,
        res: undefined,
        place: places.of(req, target, headers),
        target,
        now: Date.now(),
      }
      const found = await Promise.resolve(find(visit)).catch((error: unknown) => {
        if (error instanceof FailedLogin) return 'none' as const
        throw error
      })
      return typeof found === 'string' ? undefined : visits.welcome(visit, found)
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
