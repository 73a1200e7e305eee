import type { IncomingMessage, ServerResponse } from 'node:http'
import type { SessionList } from '../session/session-list.js'
import type { Users } from '../session/users.js'
import { compose, type Composition, createGateState } from './composition.js'
import type { OAuthContext } from './oauth-context.js'
import type { Events } from './events.js'
import type { LoginRequest } from '../flows/links.js'
import type { Outcome } from './error-handler.js'
import type { AuthenticateOptions } from './gate.js'
import { createGuardedMemberships, createGuard, type GuardRules } from './require-auth.js'
import type { GateRequest } from '../http/gate-request.js'
import type { AppRequest } from '../http/request.js'
import type { OAuthModuleOptions } from '../options/options.js'
import { parseOptions } from '../options/parse-options.js'
import type { Decision } from '../access/policy.js'
import type { OAuthUser } from '../access/user.js'

/** `next` of Express and Connect. */
export type Next = (error?: unknown) => void

/** The login in front of an app: a middleware for Express, Connect and bare `node:http`. */
export interface OAuthMiddleware {
  (req: AppRequest, res: ServerResponse, next: Next): void
  /**
   * A guard for one route, behind the gate: who does not meet it gets the gate's denied page, and who lacks a scope or
   * a fresh login is sent to one and comes back. Throws a `TypeError` for rules that no provider can meet.
   */
  requireAuth(rules?: GuardRules): (req: AppRequest, res: ServerResponse, next: Next) => void
  /**
   * Who a request is from, for WebSocket upgrades and plain http: `undefined` for nobody. Sets the upstream headers.
   * Rejects with an `OAuthError` of status 503 when that cannot be found out. An upgrade from another origin is nobody.
   */
  authenticate(
    req: IncomingMessage,
    options?: AuthenticateOptions,
  ): Promise<OAuthContext | undefined>
  readonly users: Users
  readonly sessions: SessionList
  /** Users who were active in a month of UTC, `'YYYY-MM'`, over all instances of the store; default: this month. */
  monthlyActiveUsers(month?: string): Promise<number>
  /**
   * Puts other options in force, in this process. A complete configuration: what is absent gets its default. Wrong
   * options throw and leave the old ones. `secret`, `store`, `id`, `cookiePrefix`, `basePath` and `cookie` cannot change.
   */
  reconfigure(options: OAuthModuleOptions): void
  /** What the lists say of a user: which entry lets them in, or which lists were tried. `authorize` is not asked. */
  explain(user: OAuthUser): Decision
  readonly on: Events['on']
  readonly once: Events['once']
  readonly off: Events['off']
  /** Loads what the first login needs, and discovers the providers: rejects when one cannot be reached. */
  ready(): Promise<void>
  /** Waits for what is under way, and ends timers and what the store opened. */
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
  const first = parseOptions(options)
  const asked = createGuardedMemberships()
  const shared = createGateState(first, asked)
  let current = compose(first, shared)

  const middleware = (req: AppRequest, res: ServerResponse, next: Next) => {
    const assembly = current
    assembly.requestEvents.begin(req, res)
    const outcome = assembly.gate.handle(req, res)
    if (outcome instanceof Promise) proceed(outcome, next)
    else settle(outcome, next)
  }

  const requireAuth: OAuthMiddleware['requireAuth'] = (rules = {}) => {
    const { guard, asksMore } = createGuard(rules, current.config.providers, asked)
    // The gate must know what to read for this guard before the next request comes.
    if (asksMore) {
      current = compose(current.config, shared, current)
      current.signals.adopt()
    }
    return (req, res, next) => {
      const passed = shared.passed.of(req)
      if (passed === undefined) return next(new Error(NO_GATE))
      const request: GateRequest = { ...passed.request, res }
      const { gate, connections } = current
      const guarded = {
        ...passed,
        demandLogin: (
          asks: Pick<LoginRequest, 'ask' | 'needsAuthTime' | 'scopes' | 'keptScopes'>,
        ) => gate.demandLogin(request, asks),
        fail: (error: unknown) => gate.fail(request, error),
        provider: (name: string) => connections.get(name)?.provider,
      }
      proceed(
        guard(guarded, req).catch((error: unknown) => gate.fail(request, error)),
        next,
      )
    }
  }

  return Object.assign(middleware, {
    requireAuth,
    authenticate: async (req: IncomingMessage, options: AuthenticateOptions = {}) =>
      current.gate.authenticate(req, options),
    ...publicLists(() => current),
    reconfigure(changed: OAuthModuleOptions) {
      current = compose(parseOptions(changed, first), shared)
      current.signals.adopt()
    },
    explain(user: OAuthUser) {
      const evaluator = current.evaluators.get(user.provider)
      return (
        evaluator?.explain(user) ?? {
          isAllowed: false as const,
          code: 'not_authorized' as const,
          tried: [],
        }
      )
    },
    ...publicEvents(() => current.events),
    async ready() {
      await Promise.all([...current.connections.values()].map(({ client }) => client.ready()))
    },
    async close() {
      current.signals.close()
      await current.background.drain()
      await first.store.close?.()
    },
  })
}

/** The lists of users and sessions, whose methods may be destructured. */
function publicLists(
  current: () => Composition,
): Pick<OAuthMiddleware, 'users' | 'sessions' | 'monthlyActiveUsers'> {
  return {
    users: {
      list: (options) => current().users.list(options),
      get: (id) => current().users.get(id),
      delete: (id) => current().users.delete(id),
    },
    sessions: {
      list: (options) => current().sessionList.list(options),
      get: (id) => current().sessionList.get(id),
      revoke: (id) => current().sessionList.revoke(id),
    },
    monthlyActiveUsers: (month) => current().userActivity.countMonth(month),
  }
}

/** The methods for listeners, which may be destructured. */
function publicEvents(events: () => Events): Pick<OAuthMiddleware, 'on' | 'once' | 'off'> {
  return {
    on: (name, listener) => events().on(name, listener),
    once: (name, listener) => events().once(name, listener),
    off: (name, listener) => events().off(name, listener),
  }
}

const NO_GATE =
  'requireAuth() needs the middleware in front of it, and nothing between the two that replaces req.headers: app.use(auth), then app.use(auth.requireAuth())'

/** Outside of every catch, and once: what the app throws behind `next` is the app's. */
function proceed(outcome: Promise<Outcome>, next: Next): void {
  outcome.then(
    (result) => queueMicrotask(() => settle(result, next)),
    (error: unknown) => queueMicrotask(() => next(asError(error))),
  )
}

function settle(outcome: Outcome, next: Next): void {
  if (outcome === 'pass') next()
  else if (outcome !== 'answered') next(asError(outcome.error))
}

/** A hook may throw anything. To Express `undefined`, `0` and `'route'` are no errors: it would go on to the app. */
function asError(thrown: unknown): Error {
  return thrown instanceof Error
    ? thrown
    : new Error('something threw what is not an error', { cause: thrown })
}
