import type { ServerResponse } from 'node:http'
import { createAnswers } from './answers.js'
import { OAuthContext } from './context.js'
import { OAuthError } from './errors.js'
import { createCallback, FailedLogin } from './flows/callback.js'
import { createIdentifier, type Identifier } from './flows/identify.js'
import { createLinks, type LoginRequest } from './flows/links.js'
import { type Connection, createLogin } from './flows/login.js'
import { createLogout } from './flows/logout.js'
import { sendJson } from './http/answer.js'
import { type AppRequest, isBelow, isNavigation, type RequestTarget, readTarget } from './http/request.js'
import { createSealer } from './http/seal.js'
import { createClient } from './oauth/client.js'
import { createTransactions } from './oauth/transaction.js'
import { type Config, type OAuthModuleOptions, parseOptions } from './options.js'
import { createPages } from './pages.js'
import { createPlaces, type Place } from './place.js'
import { createSessions, type LiveSession, type MissReason } from './session/sessions.js'
import { createUpstreamHeaders } from './upstream-headers.js'
import type { OAuthUser } from './user.js'

/** `next` of Express and Connect. */
export type Next = (error?: unknown) => void

/** The login in front of an app: a middleware for Express, Connect and bare `node:http`. */
export interface OAuthMiddleware {
  (req: AppRequest, res: ServerResponse, next: Next): void
  /** Loads what the first login needs, and discovers the providers: rejects when one cannot be reached. */
  ready(): Promise<void>
  /** Waits for what is under way, and closes the store if it is ours to close. */
  close(): Promise<void>
}

/**
 * Puts a login in front of everything mounted behind it. Throws a `TypeError` that names the option and the cure when
 * the options are wrong; needs no network.
 *
 * ```ts
 * app.use(oauthModule({ provider: { github: { clientId, clientSecret, organizations: ['acme'] } } }))
 * ```
 */
export function oauthModule(options: OAuthModuleOptions): OAuthMiddleware {
  const config = parseOptions(options)
  const gate = createGate(config)
  const middleware = (req: AppRequest, res: ServerResponse, next: Next) => {
    // Outside of every catch, and once: what the app throws is the app's.
    gate.handle(req, res).then((outcome) => {
      if (outcome === 'pass') next()
      else if (outcome !== 'answered') next(outcome.error)
    }, next)
  }
  return Object.assign(middleware, { ready: gate.ready, close: gate.close })
}

/** What became of a request: the app gets it, it was answered, or the app's error handler gets an error. */
type Outcome = 'pass' | 'answered' | { error: unknown }

function createGate(config: Config) {
  const { logger, basePath } = config
  const sealer = createSealer(config.secrets)
  const places = createPlaces(config)
  const links = createLinks(sealer, places, basePath)
  const headers = createUpstreamHeaders(config.headers)
  const transactions = createTransactions(sealer)
  const onBackgroundError = (error: unknown) => logger.error('a write beside a request failed', describe(error))
  const { store, lifetimes, storeTimeout: timeout, clockTolerance } = config
  const sessions = createSessions({ store, sealer, lifetimes, timeout, clockTolerance, onBackgroundError })
  const connections = connect(config)
  const identifiers = new Map<string, Identifier>(
    config.providers.map((provider) => [provider.name, createIdentifier(provider, config.authorize, config.rulesVersion)]),
  )
  const labelOf = (provider: string) => connections.get(provider)?.provider.label ?? provider
  const imageOrigins = config.providers.flatMap(({ iconUrl }) => iconUrl ?? [])
  const answers = createAnswers(
    createPages({ custom: config.pages, imageOrigins }),
    (error) => logger.error('a page of your own failed', describe(error)),
    createPages({ custom: undefined, imageOrigins }),
  )
  const login = createLogin({
    connections,
    transactions,
    links,
    places,
    answers,
    publicUrl: config.publicUrl,
    allowsHttp: config.cookie.secure === false,
    onRedirectUri: announceRedirectUri(config),
  })
  const callback = createCallback({ connections, identifiers, transactions, sessions, links, maximumDuration: lifetimes.maximumDuration })
  const logout = createLogout({ sessions, links, answers, returnPath: config.logoutPath, labelOf })
  const callbackNames = new Set([...connections.values()].map(({ callbackName }) => callbackName))

  /** A session counts only for the instance, provider, issuer and client that made it. */
  const isOurs = ({ session }: LiveSession, place: Place) => {
    const provider = connections.get(session.provider)?.provider
    return session.instance === place.instance && session.clientId === provider?.clientId && session.issuer === (provider.issuer ?? '')
  }

  /** The path of every request. For a logged-in one: one cookie, one hash, one read of the store, and no more. */
  const handle = async (req: AppRequest, res: ServerResponse): Promise<Outcome> => {
    headers.strip(req)
    if (!config.isEnabled) return 'pass'
    const target = readTarget(req)
    const place = places.of(req, target)
    if (isBelow(target.path, basePath)) return special(req, res, place, target)
    if (config.passesOptions && methodOf(req) === 'OPTIONS') return 'pass'
    const now = Date.now()
    try {
      const found = sessions.find(req.headers.cookie, place.sessionCookie.name, now)
      const live = found instanceof Promise ? await found : found
      if (typeof live === 'string' || !isOurs(live, place)) return await anonymous(req, res, place, target, typeof live === 'string' ? live : 'none')
      sessions.touch(live, now)
      pass(req, res, place, target, live, now)
      return 'pass'
    } catch (error) {
      return fail(req, res, place, target, error)
    }
  }

  const pass = (req: AppRequest, res: ServerResponse, place: Place, target: RequestTarget, live: LiveSession, now: number) => {
    const { session } = live
    const verdict = session.verdicts[identifiers.get(session.provider)?.fingerprint ?? '']
    // A copy: one session serves many requests, and an app may write to its `req.user`.
    const user = { ...session.user }
    const managed = config.headers.managed.has(session.provider)
    attach(req, user, new OAuthContext({
      session,
      user,
      reason: undefined,
      lastCheckedAt: verdict?.at,
      sessionExpiresAt: sessions.nextEnd(session, now),
      hasTokens: !managed,
      tokens: () => sessions.tokens(live),
      ...linksOf(place, target),
    }))
    headers.set(req, {
      user,
      matched: verdict?.matched,
      headerTokens: session.headerTokens,
      openToken: (name) => sessions.tokens(live)[name === 'access' ? 'accessToken' : 'refreshToken'],
    })
    res.setHeader('Cache-Control', 'private')
  }

  const linksOf = (place: Place, target: RequestTarget) => ({
    loginUrl: ({ returnTo, connection, reauthenticate }: { returnTo?: string | undefined; connection?: string | undefined; reauthenticate?: boolean | undefined }) =>
      links.login(place, {
        returnPath: links.safeReturn(place, returnTo ?? places.publicPath(place, target)),
        connection,
        ask: reauthenticate === true ? 'login' : undefined,
      }),
    logoutUrl: () => links.logout(place),
  })

  const attach = (req: AppRequest, user: OAuthUser | undefined, oauth: OAuthContext) => {
    const seen = req as AppRequest & { oauth?: OAuthContext; user?: unknown }
    seen.oauth = oauth
    if (config.setsUser && user !== undefined && seen.user === undefined) seen.user = user
  }

  const anonymous = async (req: AppRequest, res: ServerResponse, place: Place, target: RequestTarget, reason: MissReason): Promise<Outcome> => {
    const { unauthenticated } = config
    if (unauthenticated === 'pass') {
      attach(req, undefined, new OAuthContext({
        session: undefined,
        user: undefined,
        reason,
        lastCheckedAt: undefined,
        sessionExpiresAt: undefined,
        hasTokens: false,
        tokens: () => undefined,
        ...linksOf(place, target),
      }))
      appendVary(res)
      return 'pass'
    }
    if (unauthenticated === 'reject' || (unauthenticated === 'auto' && !isNavigation(req))) throw new OAuthError('login_required')
    await login.start(req, res, place, { returnPath: returnPathOf(req, place, target) })
    return 'answered'
  }

  /** Only what a person asked to see is worth returning to. */
  const returnPathOf = (req: AppRequest, place: Place, target: RequestTarget) => {
    const isSafeMethod = req.method === 'GET' || req.method === 'HEAD'
    const isDocument = /^(?:document|empty)?$/.test(String(req.headers['sec-fetch-dest'] ?? ''))
    return links.safeReturn(place, isSafeMethod && isDocument ? places.publicPath(place, target) : undefined)
  }

  /** The special paths: the app never receives a request to any of them. */
  const special = async (req: AppRequest, res: ServerResponse, place: Place, target: RequestTarget): Promise<Outcome> => {
    const query = new URLSearchParams(target.query)
    const name = target.path.startsWith(`${basePath}/`) ? target.path.slice(basePath.length + 1) : ''
    const now = Date.now()
    try {
      if (name === 'authn') {
        allow(req, ['GET', 'HEAD'])
        await login.authn(req, res, place, query)
      } else if (callbackNames.has(name)) {
        allow(req, ['GET', 'HEAD'])
        // A scanner that looks ahead must not use up the login.
        if (req.method === 'HEAD') sendJson(res, 200, {})
        else await callback.handle(req, res, place, name, query, now)
      } else if (name === 'logout') {
        allow(req, ['GET', 'HEAD', 'POST'])
        if (req.method === 'HEAD') sendJson(res, 200, {})
        else await logout.handle(req, res, place, query, now)
      } else if (name === 'session') {
        allow(req, ['GET', 'HEAD'])
        await describeSession(req, res, place, now)
      } else throw new OAuthError('not_found')
      return 'answered'
    } catch (error) {
      return fail(req, res, place, undefined, error)
    }
  }

  /** `/auth/session`: touches nothing, checks nothing. */
  const describeSession = async (req: AppRequest, res: ServerResponse, place: Place, now: number) => {
    const found = await sessions.find(req.headers.cookie, place.sessionCookie.name, now)
    const live = typeof found !== 'string' && isOurs(found, place) ? found : undefined
    const ends = live && sessions.ends(live)
    sendJson(res, 200, {
      user: live?.session.user ?? null,
      reason: live ? null : typeof found === 'string' ? found : 'none',
      expiresAt: ends?.expiresAt ?? null,
      idleExpiresAt: ends?.idleExpiresAt ?? null,
      checkDueAt: null,
      loginUrl: links.login(place, { returnPath: links.safeReturn(place, undefined) }),
    })
  }

  /** Every error ends here: an answer of ours, the app's own by `onError`, or a bug for the app's error handler. */
  const fail = async (req: AppRequest, res: ServerResponse, place: Place, target: RequestTarget | undefined, thrown: unknown): Promise<Outcome> => {
    const failed = thrown instanceof FailedLogin ? thrown : undefined
    const error = failed?.error ?? thrown
    if (!(error instanceof OAuthError)) return { error }
    if (error.status >= 500) logger.error(error.message, describe(error))
    else logger.debug(error.message, describe(error))
    if (res.headersSent || res.destroyed) return 'answered'
    const forwarded = await askOwner(req, res, error)
    if (forwarded !== undefined) return forwarded
    const retry: LoginRequest = failed?.retry ?? { returnPath: target ? returnPathOf(req, place, target) : links.safeReturn(place, undefined) }
    answers.error(req, res, error, {
      realm: place.instance === '' ? 'oauth-module' : place.instance,
      loginUrl: links.login(place, retry),
      headers: error instanceof MethodNotAllowed ? { Allow: error.allowed.join(', ') } : {},
      denied: failed?.user && {
        user: { name: failed.user.name, email: failed.user.email, username: failed.user.username, provider: labelOf(failed.user.provider) },
        anotherAccountUrl: links.login(place, { ...retry, ask: 'account' }),
        logoutUrl: links.logout(place),
      },
    })
    return 'answered'
  }

  /** `onError` may answer or forward; whatever it does, it lets nobody in. */
  const askOwner = async (req: AppRequest, res: ServerResponse, error: OAuthError): Promise<Outcome | undefined> => {
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
    ready: async () => {
      await Promise.all([import('openid-client'), import('jose'), ...[...connections.values()].map(({ client }) => client.callbackIssuer())])
    },
    close: async () => {
      await sessions.settle()
      await store.close?.()
    },
  }
}

class MethodNotAllowed extends OAuthError {
  readonly allowed: readonly string[]

  constructor(allowed: readonly string[]) {
    super('method_not_allowed')
    this.allowed = allowed
  }
}

function allow(req: AppRequest, methods: readonly string[]): void {
  if (!methods.includes(req.method ?? '')) throw new MethodNotAllowed(methods.filter((method) => method !== 'HEAD' || methods.includes('GET')))
}

/** As the client sent it: a method override of the app's must not turn a POST into a free OPTIONS. */
function methodOf(req: AppRequest & { originalMethod?: unknown }): string | undefined {
  return typeof req.originalMethod === 'string' ? req.originalMethod : req.method
}

function connect({ providers }: Config): Map<string, Connection> {
  return new Map(
    providers.map((provider, index) => {
      const callbackName = index === 0 ? 'callback' : `callback/${provider.name}`
      return [provider.name, { provider, client: createClient(provider), callbackName }]
    }),
  )
}

function announceRedirectUri({ publicUrl, logger }: Config): (redirectUri: string) => void {
  let isAnnounced = publicUrl !== undefined || process.env['NODE_ENV'] !== 'production'
  return (redirectUri) => {
    if (isAnnounced) return
    isAnnounced = true
    logger.warn(`no baseUrl is set: the address follows from each request. Register this redirect URI at the provider: ${redirectUri}`)
  }
}

function appendVary(res: ServerResponse): void {
  const vary = String(res.getHeader('Vary') ?? '')
  if (!/\bcookie\b/i.test(vary)) res.setHeader('Vary', vary === '' ? 'Cookie' : `${vary}, Cookie`)
}

/** For the log: codes and hints, never what a provider or a visitor sent. */
function describe(error: unknown): object {
  if (error instanceof OAuthError) return { code: error.code, hint: error.hint, cause: error.cause instanceof Error ? error.cause.message : undefined }
  return { error: error instanceof Error ? error.message : 'not an error' }
}
