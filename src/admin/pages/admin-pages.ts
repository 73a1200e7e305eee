import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { readForm } from '../../http/form.js'
import { readTarget, type RequestTarget } from '../../http/paths.js'
import type { AppRequest } from '../../http/request.js'
import { redirectToPage, sendJson } from '../../http/response.js'
import type { PageProblem, PageVisit } from '../../middleware/admin-access.js'
import type { Next } from '../../middleware/outcome.js'
import type { Log } from '../../options/logger.js'
import type { Administration } from '../administration.js'
import type { AuditLog } from '../audit-log.js'
import type { Locator } from '../locator.js'
import { DONE, type PageAction } from './actions.js'
import { confirmScreen, TOKEN_FIELD } from './confirm-screen.js'
import { PageData } from './page-data.js'
import type { AdminPagesConfig } from './page-options.js'
import { findPage, methodsOf, type PageRoute } from './page-routes.js'
import { mustBeOwnForm } from './own-form.js'
import { problemScreen, screenOfError } from './problems.js'
import type { PageRequest, Redirect, Screen } from './screen.js'
import { sendScreen } from './send-screen.js'
import type { Notice } from './shell.js'

/** What {@link AdminPages} depends on. */
export interface AdminPagesDeps extends AdminPagesConfig {
  readonly administration: Administration
  readonly locator: Locator
  readonly auditLog: AuditLog
  readonly logger: () => Log
}

/** A form of the pages has one token. */
const MAX_FORM_BYTES = 4096

/** The web pages of `adminRouter()`, for users of a gate who meet its rules. */
export class AdminPages {
  readonly #deps: AdminPagesDeps
  readonly #data: PageData

  constructor(deps: AdminPagesDeps) {
    this.#deps = deps
    this.#data = new PageData(deps)
  }

  /** Responds to a request to a page. Passes requests for other paths on. */
  handle(req: AppRequest, res: ServerResponse, next: Next): void {
    const target = readTarget(req)
    const found = findPage(target.path)
    if (found === undefined) return next()
    const methods = methodsOf(found.route)
    if (!methods.includes(req.method ?? '')) {
      const headers = { Allow: methods.join(', ') }
      return sendJson(res, 405, { error: 'method_not_allowed' }, headers)
    }
    this.#deps.guard.handle(req, res, {
      next,
      onProblem: (problem) => this.#showProblem(req, res, problem),
      onVisit: (visit) => void this.#respond(req, res, target, { ...found, visit }).catch(next),
    })
  }

  async #respond(
    req: AppRequest,
    res: ServerResponse,
    target: RequestTarget,
    { route, id, visit }: { route: PageRoute; id: string; visit: PageVisit },
  ): Promise<void> {
    const query = new URLSearchParams(target.query)
    const request = { visit, id, query, now: Date.now() }
    try {
      const result = await this.#run(req, res, target.path, route, request)
      // Another middleware responded, such as one that limits the time of a request.
      if (res.headersSent) return
      if ('redirectTo' in result) redirectToPage(req, res, visit.basePath + result.redirectTo)
      else this.#show(res, result, visit, noticeOf(request))
    } catch (error) {
      const screen = screenOfError(error, this.#deps.logger(), visit.basePath)
      if (screen === undefined) throw error
      if (!res.headersSent) this.#show(res, screen, visit)
    }
  }

  async #run(
    req: AppRequest,
    res: ServerResponse,
    path: string,
    route: PageRoute,
    request: PageRequest,
  ): Promise<Screen | Redirect> {
    if (route.action === undefined) return route.view(this.#data, request)
    const { visit } = request
    if (req.method !== 'POST')
      return confirmScreen(await route.action(this.#data, request), request, path)
    const form = await readForm(req, res, MAX_FORM_BYTES)
    mustBeOwnForm(req, visit, path, form.get(TOKEN_FIELD))
    const confirmation = await route.action(this.#data, request)
    const { administration, auditLog } = this.#deps
    const { action, resource } = await confirmation.run()
    const actor = { admin: visit.user.key }
    const origin = administration.gates[0].access.originOf(req)
    await auditLog.record({ actor, action, resource, origin })
    const token = visit.formToken(doneText(action))
    const query = new URLSearchParams({ done: action, [TOKEN_FIELD]: token })
    const { returnTo } = confirmation
    return { redirectTo: `${returnTo}${returnTo.includes('?') ? '&' : '?'}${query}` }
  }

  #showProblem(_req: AppRequest, res: ServerResponse, problem: PageProblem): void {
    const { hint } = problem
    if (problem.kind !== 'token')
      this.#deps.logger().warn('admin pages: they cannot be shown', { code: 'misconfigured', hint })
    const nonce = randomBytes(16).toString('base64')
    const { branding } = problem
    sendScreen(res, problemScreen(problem), { nonce, branding, visit: undefined })
  }

  #show(res: ServerResponse, screen: Screen, visit: PageVisit, notice?: Notice): void {
    const nonce = randomBytes(16).toString('base64')
    sendScreen(res, screen, { nonce, branding: visit.branding, visit, notice })
  }
}

function doneText(action: PageAction): string {
  return `done ${action}`
}

/** The result of an action that this session has just made. Others cannot create such a link. */
function noticeOf({ query, visit }: PageRequest): Notice | undefined {
  const done = query.get('done') ?? ''
  if (!isAction(done) || !visit.isFormToken(doneText(done), query.get(TOKEN_FIELD)))
    return undefined
  return { text: DONE[done], tone: 'good' }
}

function isAction(name: string): name is PageAction {
  return Object.hasOwn(DONE, name)
}
