import type { ServerResponse } from 'node:http'
import { randomBytes } from 'node:crypto'
import type { Answers } from './answers.js'
import type { OAuthContext } from './context.js'
import { OAuthError } from './errors.js'
import type { Events } from './events.js'
import { FailedLogin } from './flows/callback.js'
import type { Connection, Login } from './flows/login.js'
import type { Links, LoginRequest } from './flows/links.js'
import type { CheckResult, Recheck } from './flows/recheck.js'
import { type AppRequest, isBelow, isNavigation, readTarget } from './http/request.js'
import type { Config } from './options.js'
import type { Place, Places } from './place.js'
import type { LiveSession, MissReason, Sessions } from './session/sessions.js'
import type { SpecialPaths } from './special-paths.js'
import type { UpstreamHeaders } from './upstream-headers.js'
import type { OAuthUser } from './user.js'
import type { Visit, Visits } from './visit.js'

/** What became of a request: the app gets it, it was answered, or the app's error handler gets an error. */
export type Outcome = 'pass' | 'answered' | { error: unknown }

export interface GateParts {
  config: Config
  places: Places
  links: Links
  headers: UpstreamHeaders
  sessions: Sessions
  connections: ReadonlyMap<string, Connection>
  recheck: Recheck
  visits: Visits
  answers: Answers
  login: Login
  specialPaths: SpecialPaths
  events: Events
  onActivity(live: LiveSession, now: number): void
}

/** A request that the gate has let through, for guards behind it. */
export interface Passed {
  readonly visit: Visit
  readonly live: LiveSession | undefined
}

export interface Gate {
  /** Decides about a request; `onPass` is told of those the app gets. */
  handle(req: AppRequest, res: ServerResponse, onPass: (passed: Passed) => void): Promise<Outcome>
  /** Who the request is from, for sockets: nothing is answered, what is wrong is thrown. */
  identify(req: AppRequest): Promise<OAuthContext | undefined>
  /** Sends a visitor to a login and back here, or answers 401 to what is no navigation. */
  demandLogin(visit: Visit, res: ServerResponse, request: Omit<LoginRequest, 'returnPath'>): Promise<Outcome>
  /** Every error ends here: an answer of ours, the app's own by `onError`, or a bug for the app's error handler. */
  fail(visit: Visit, res: ServerResponse, thrown: unknown, onPass?: (passed: Passed) => void): Promise<Outcome>
}

export function createGate(parts: GateParts): Gate {
  const { config, places, links, headers, sessions, connections, recheck, visits, answers, login, specialPaths, events, onActivity } = parts
  const { basePath, logger, unauthenticated } = config

  /** A session counts only for the instance, provider, issuer and client that made it. */
  const isOurs = ({ session }: LiveSession, place: Place) => {
    const provider = connections.get(session.provider)?.provider
    return session.instance === place.instance && session.clientId === provider?.clientId && session.issuer === (provider.issuer ?? '')
  }

  /**
   * The path of every request. For a logged-in one: one cookie, one hash, one read of the store, a comparison of times,
   * and no more.
   */
  const handle: Gate['handle'] = async (req, res, onPass) => {
    headers.strip(req)
    if (!config.isEnabled) return 'pass'
    const target = readTarget(req)
    const place = places.of(req, target)
    const visit: Visit = { req, res, place, target, now: Date.now() }
    try {
      if (isBelow(target.path, basePath)) return await specialPaths.handle(visit, res)
      if (config.passesOptions && methodOf(req) === 'OPTIONS') return 'pass'
      const found = await find(visit)
      if (typeof found === 'string') return await stranger(visit, res, found, onPass)
      visits.welcome(visit, found)
      onPass({ visit, live: found })
      res.setHeader('Cache-Control', 'private')
      return 'pass'
    } catch (error) {
      return fail(visit, res, error, onPass)
    }
  }

  /** Who the visitor is and may still be; a reason when nobody. */
  const find = async (visit: Visit): Promise<LiveSession | MissReason> => {
    const { req, place, now } = visit
    const found = sessions.find(req.headers.cookie, place.sessionCookie.name, now)
    const live = found instanceof Promise ? await found : found
    if (typeof live === 'string') return live
    if (!isOurs(live, place)) return 'none'
    const need = recheck.need(live.session, now)
    if (need === 'early') recheck.checkEarly(live, req)
    const checked = need === 'none' || need === 'early' ? live : await ask(visit, live, need === 'now')
    if (typeof checked === 'string') return checked
    onActivity(checked, now)
    return visits.keep(visit, live, sessions.touch(checked, now))
  }

  /** A check that the request waits for; a refused user is asked about again only when a person looks. */
  const ask = async ({ req }: Visit, live: LiveSession, isDue: boolean): Promise<LiveSession | MissReason> => {
    const isRefused = live.session.deniedSince !== undefined && recheck.verdict(live.session)?.allowed === false
    if (isRefused && !(isDue && isNavigation(req))) throw denial(live.session.user)
    const result = await recheck.check(live, req)
    if (result.is === 'allowed') return result.live
    if (result.is === 'ended') return 'expired'
    throw refusal(result)
  }

  const stranger = async (visit: Visit, res: ServerResponse, reason: MissReason, onPass: (passed: Passed) => void): Promise<Outcome> => {
    if (unauthenticated !== 'pass') return demandLogin(visit, res, {}, unauthenticated)
    return passAnonymous(visit, res, reason, onPass)
  }

  const passAnonymous = (visit: Visit, res: ServerResponse, reason: MissReason | 'denied', onPass?: (passed: Passed) => void): Outcome => {
    visits.anonymous(visit, reason)
    onPass?.({ visit, live: undefined })
    appendVary(res)
    return 'pass'
  }

  const demandLogin = async (visit: Visit, res: ServerResponse, request: Omit<LoginRequest, 'returnPath'>, mode: Config['unauthenticated'] = 'auto'): Promise<Outcome> => {
    const { req, place } = visit
    if (mode === 'reject' || (mode !== 'redirect' && !isNavigation(req))) throw new OAuthError('login_required')
    await login.start(req, res, place, { ...request, returnPath: returnPathOf(visit) })
    return 'answered'
  }

  /** Only what a person asked to see is worth returning to. */
  const returnPathOf = ({ req, place, target }: Visit) => {
    const isSafeMethod = req.method === 'GET' || req.method === 'HEAD'
    const isDocument = /^(?:document|empty)?$/.test(String(req.headers['sec-fetch-dest'] ?? ''))
    return links.safeReturn(place, isSafeMethod && isDocument ? places.publicPath(place, target) : undefined)
  }

  const fail: Gate['fail'] = async (visit, res, thrown, onPass) => {
    const { req, place } = visit
    const failed = thrown instanceof FailedLogin ? thrown : undefined
    const error = failed?.error ?? thrown
    if (!(error instanceof OAuthError)) return { error }
    // With `pass` a refused user is nobody; what could not be found out is never nobody.
    if (failed?.isSession && !failed.isGuard && unauthenticated === 'pass') return passAnonymous(visit, res, 'denied', onPass)
    const decisionId = failed?.user && randomBytes(4).toString('hex')
    report(error, failed, decisionId)
    if (res.headersSent || res.destroyed) return 'answered'
    const forwarded = await askOwner(visit, res, error)
    if (forwarded !== undefined) return forwarded
    const retry: LoginRequest = failed?.retry ?? { returnPath: returnPathOf(visit) }
    answers.error(req, res, error, {
      realm: place.instance === '' ? 'oauth-module' : place.instance,
      loginUrl: links.login(place, retry),
      decisionId,
      denied: failed?.user && {
        user: shownUser(failed.user),
        anotherAccountUrl: links.login(place, { ...retry, ask: 'account' }),
        logoutUrl: links.logout(place),
      },
    })
    return 'answered'
  }

  const shownUser = ({ name, email, username, provider }: OAuthUser) => {
    return { name, email, username, provider: connections.get(provider)?.provider.label ?? provider }
  }

  const report = (error: OAuthError, failed: FailedLogin | undefined, decisionId: string | undefined) => {
    const { code, hint } = error
    if (error.status >= 500) logger.error(error.message, describe(error))
    else logger.debug(error.message, describe(error))
    if (failed?.user && decisionId) {
      events.tell('denied', { user: failed.user, provider: failed.user.provider, code, tried: failed.tried, decisionId, isReportOnly: false })
    }
    if (failed && !failed.isSession) events.tell('login_failed', { provider: failed.provider, code, hint })
    if (code === 'store_unavailable') events.tell('store_error', { code, hint })
  }

  /** `onError` may answer or forward; whatever it does, it lets nobody in. */
  const askOwner = async ({ req }: Visit, res: ServerResponse, error: OAuthError): Promise<Outcome | undefined> => {
    const { onError } = config
    if (onError === undefined) return undefined
    let forwarded: { error: unknown } | undefined
    try {
      await onError(error, req, res, (other) => {
        forwarded ??= { error: other ?? error }
      })
    } catch (thrown) {
      logger.error('onError failed', describe(thrown))
    }
    if (forwarded !== undefined && !res.headersSent) return forwarded
    return res.headersSent || res.writableEnded ? 'answered' : undefined
  }

  return {
    handle,
    demandLogin,
    fail,
    async identify(req) {
      headers.strip(req)
      if (!config.isEnabled) return undefined
      const target = readTarget(req)
      const visit: Visit = { req, res: undefined, place: places.of(req, target), target, now: Date.now() }
      const found = await find(visit).catch((error: unknown) => {
        if (error instanceof FailedLogin) return 'none' as const
        throw error
      })
      return typeof found === 'string' ? undefined : visits.welcome(visit, found)
    },
  }
}

/** The rules refuse somebody who is logged in. */
function denial(user: OAuthUser, decision?: { code: 'not_authorized' | 'email_unverified'; tried: FailedLogin['tried'] }): FailedLogin {
  return new FailedLogin(new OAuthError(decision?.code ?? 'not_authorized'), { user, tried: decision?.tried ?? [], isSession: true })
}

function refusal(result: Extract<CheckResult, { is: 'denied' | 'failed' }>): Error {
  if (result.is === 'denied') {
    const decision = result.identified?.decision
    return denial(result.live.session.user, decision?.isAllowed === false ? decision : undefined)
  }
  const { error } = result
  // The session stands; what the visitor needs to know is that it could not be checked.
  if (['misconfigured', 'internal', 'store_unavailable', 'recheck_unavailable'].includes(error.code)) return error
  return new OAuthError('recheck_unavailable', { cause: error, hint: error.hint, retryAfter: error.retryAfter })
}

/** As the client sent it: a method override of the app's must not turn a POST into a free OPTIONS. */
function methodOf(req: AppRequest & { originalMethod?: unknown }): string | undefined {
  return typeof req.originalMethod === 'string' ? req.originalMethod : req.method
}

function appendVary(res: ServerResponse): void {
  const vary = String(res.getHeader('Vary') ?? '')
  if (!/\bcookie\b/i.test(vary)) res.setHeader('Vary', vary === '' ? 'Cookie' : `${vary}, Cookie`)
}

/** For the log: codes and hints, never what a provider or a visitor sent. */
export function describe(error: unknown): object {
  if (error instanceof OAuthError) return { code: error.code, hint: error.hint, cause: error.cause instanceof Error ? error.cause.message : undefined }
  return { error: error instanceof Error ? error.message : 'not an error' }
}
