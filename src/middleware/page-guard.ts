import type { ServerResponse } from 'node:http'
import type { GateRequest } from '../http/gate-request.js'
import type { MountState } from '../http/mount-memory.js'
import { comparablePath, isSafeMountPath, readTarget } from '../http/paths.js'
import type { AppRequest } from '../http/request.js'
import type { Branding } from '../pages/branding.js'
import type { OpenSession } from '../session/sessions.js'
import type { Composition } from './composition.js'
import { gateMountFor, moveToMount } from './gate-mount.js'
import type { GatePasses } from './gate-pass.js'
import type { Next } from './outcome.js'
import type { Handler } from './pass-handler.js'
import type { GuardRules } from './require-auth.js'

/** The gate, as far as a {@link PageGuard} uses it. */
export interface GuardedGate extends Handler {
  requireAuth(rules: GuardRules): Handler
}

/** A request to a page, of a user who may see it. */
export interface PageVisit {
  /** Who makes the request. */
  readonly user: PageVisitor
  /** The public ID of the session. */
  readonly sessionHandle: string
  /** The path of the pages as the browser sees it, without a slash at the end. */
  readonly basePath: string
  /** Where the session ends. */
  readonly logoutUrl: string
  /** The option `branding` of the gate. */
  readonly branding: Branding
  /** A token for a form that does this, valid for an hour in this session. */
  formToken(action: string): string
  /** Whether the token is that of {@link formToken} for this session and action. */
  isFormToken(action: string, token: string | null): boolean
  /** Whether a page of this origin belongs to the app. */
  isOwnOrigin(origin: string): boolean
}

/** The user of a {@link PageVisit}. All fields except `key` are external text. */
export interface PageVisitor {
  /** As `req.user.key`. */
  readonly key: string
  readonly name: string | undefined
  readonly email: string | undefined
  readonly username: string | undefined
}

/**
 * Why a request cannot reach the pages: the gate is disabled, its cookies do not reach them, or the
 * request has an access token instead of a session.
 */
export interface PageProblem {
  readonly kind: 'disabled' | 'unreachable' | 'token'
  /** For the log: the fix. */
  readonly hint: string
  readonly branding: Branding
}

/** What happens to a request that the gate and the rules do not respond to themselves. */
export interface PageHandlers {
  readonly onVisit: (visit: PageVisit) => void
  readonly onProblem: (problem: PageProblem) => void
  /** Receives errors that are not those of a visitor. */
  readonly next: Next
}

/** What {@link PageGuard} depends on. */
export interface PageGuardDeps {
  readonly gate: GuardedGate
  readonly rules: GuardRules
  readonly current: () => Composition
  readonly passes: GatePasses
  readonly mounts: MountState
}

const TOKEN = 'access tokens do not count for the pages: sign in in a browser'
const DISABLED = 'the gate of the pages is disabled: without it, anyone could open them'

/**
 * Runs a gate and a guard for pages that are mounted next to the gate. The gate sees the request as
 * at its own mount, so that session, instance and login are those of the app.
 */
export class PageGuard {
  readonly #deps: PageGuardDeps
  readonly #guard: Handler

  /** Throws a `TypeError` for rules that no provider can meet. */
  constructor(deps: PageGuardDeps) {
    this.#deps = deps
    this.#guard = deps.gate.requireAuth(deps.rules)
  }

  /**
   * Starts a login, or responds that the user may not see the pages, as the gate does; otherwise
   * calls one of the handlers.
   */
  handle(req: AppRequest, res: ServerResponse, handlers: PageHandlers): void {
    const { gate, current, passes, mounts } = this.#deps
    const { next, onProblem, onVisit } = handlers
    const { config } = current()
    const { branding = {} } = config
    const problem = (kind: PageProblem['kind'], hint: string) => onProblem({ kind, hint, branding })
    if (!config.enabled) return problem('disabled', DISABLED)
    const { mountPath: basePath, original } = readTarget(req)
    const mountPath = isSafeMountPath(basePath)
      ? gateMountFor(req, basePath, gate, mounts)
      : undefined
    if (mountPath === undefined) return problem('unreachable', hintOf(basePath))
    const unreachable = this.#cookieProblem(basePath, mountPath)
    if (unreachable !== undefined) return problem('unreachable', unreachable)
    const undo = moveToMount(req, original, mountPath)
    const after = (then: () => void) => (error?: unknown) => {
      if (error === undefined) return then()
      undo()
      next(error)
    }
    const enter = after(() => {
      const { request, session } = passes.of(req) ?? {}
      undo()
      // A gate with the option `bearer` lets tokens pass, and one that was just disabled everything.
      if (request === undefined || session === undefined)
        return current().config.enabled ? problem('token', TOKEN) : problem('disabled', DISABLED)
      onVisit(new Visit(current(), request, session, basePath))
    })
    gate(
      req,
      res,
      after(() => this.#guard(req, res, enter)),
    )
  }

  /** Why browsers do not send the session cookie to the pages, or a login cannot return to them. */
  #cookieProblem(basePath: string, mountPath: string): string | undefined {
    const { config, specialPaths } = this.#deps.current()
    const { path } = config.cookie
    const publicPath = publicPathOf(config.baseUrl?.path ?? mountPath, basePath, mountPath)
    if (path !== undefined && !`${publicPath}/`.startsWith(path.endsWith('/') ? path : `${path}/`))
      return `cookie.path ${path} does not contain ${publicPath}: mount adminRouter() below it`
    return specialPaths.includes(`${comparablePath(basePath.slice(mountPath.length))}/`)
      ? `${basePath} is one of the special paths of the gate: mount adminRouter() at another path`
      : undefined
  }
}

function hintOf(basePath: string): string {
  return `browsers do not send the session cookie of the gate to ${basePath || '/'}: mount adminRouter() below the path of the gate of the pages, as in app.use('/app/admin', adminRouter(…)) for app.use('/app', auth)`
}

function publicPathOf(gatePath: string, basePath: string, mountPath: string): string {
  return gatePath + basePath.slice(mountPath.length)
}

class Visit implements PageVisit {
  readonly user: PageVisitor
  readonly sessionHandle: string
  readonly basePath: string
  readonly logoutUrl: string
  readonly branding: Branding
  readonly #composition: Composition
  readonly #request: GateRequest

  constructor(
    composition: Composition,
    request: GateRequest,
    session: OpenSession,
    basePath: string,
  ) {
    const { key, name, email, username } = session.record.user
    const { mount, target } = request
    this.#composition = composition
    this.#request = request
    this.user = { key, name, email, username }
    this.sessionHandle = session.key
    this.basePath = publicPathOf(mount.publicPath, basePath, target.mountPath)
    this.logoutUrl = composition.links.logout(mount)
    this.branding = composition.config.branding ?? {}
  }

  formToken(action: string): string {
    return this.#composition.links.formToken(this.#request.mount, this.sessionHandle, action)
  }

  isFormToken(action: string, token: string | null): boolean {
    const { links } = this.#composition
    return links.isFormToken(this.#request.mount, this.sessionHandle, action, token)
  }

  isOwnOrigin(origin: string): boolean {
    return this.#composition.mounts.isOwnOrigin(this.#request.req, origin)
  }
}
