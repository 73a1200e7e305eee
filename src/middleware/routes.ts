import { OAuthError } from '../http/errors.js'
import type { BackchannelLogout } from '../flows/backchannel-logout.js'
import type { Callback } from '../flows/callback.js'
import type { Links } from '../flows/links.js'
import type { Login } from '../flows/login.js'
import type { Logout } from '../flows/logout.js'
import type { Recheck } from '../flows/recheck.js'
import { sendJson } from '../http/response.js'
import type { AppRequest } from '../http/request.js'
import type { Sessions } from '../session/sessions.js'
import type { GateRequest } from '../http/gate-request.js'

export interface RoutesConfig {
  basePath: string
  callbackNames: ReadonlySet<string>
  login: Login
  callback: Callback
  logout: Logout
  /** Absent where no provider speaks OpenID Connect. */
  backchannelLogout: BackchannelLogout | undefined
  links: Links
  sessions: Sessions
  recheck: Recheck
}

/** The paths below `basePath`: the app never receives a request to any of them. */
export interface Routes {
  handle(request: GateRequest): Promise<'answered'>
}

export function createRoutes(config: RoutesConfig): Routes {
  const {
    basePath,
    callbackNames,
    login,
    callback,
    logout,
    backchannelLogout,
    links,
    sessions,
    recheck,
  } = config

  /** `/auth/session`: touches nothing, checks nothing. */
  const describeSession = async ({ req, res, mount, now }: GateRequest) => {
    const found = await sessions.find(
      req.headers.cookie,
      mount.sessionCookie.name,
      now,
      mount.instanceId,
    )
    const session =
      found.session && recheck.isOfThisClient(found.session.record) ? found.session : undefined
    const isRefused = session !== undefined && recheck.decision(session.record)?.allowed === false
    const ends = session && sessions.expiry(session)
    sendJson(res, 200, {
      user: session === undefined || isRefused ? null : session.record.user,
      reason: isRefused ? 'denied' : session ? null : (found.reason ?? 'expired'),
      expiresAt: ends?.expiresAt ?? null,
      idleExpiresAt: ends?.idleExpiresAt ?? null,
      checkDueAt: (session && recheck.checkDueAt(session.record)) ?? null,
      loginUrl: links.login(mount, { returnPath: links.safeReturnPath(mount) }),
    })
  }

  return {
    async handle(request) {
      const { req, res, target } = request
      const query = new URLSearchParams(target.query)
      const name = target.path.startsWith(`${basePath}/`)
        ? target.path.slice(basePath.length + 1)
        : ''
      const allow = (...methods: string[]) => {
        if (methods.includes(req.method ?? '')) return
        res.setHeader('Allow', methods.join(', '))
        throw new OAuthError('method_not_allowed')
      }
      if (name === 'authn') {
        allow('GET', 'HEAD')
        await login.handle(request, query)
      } else if (callbackNames.has(name)) {
        allow('GET', 'HEAD')
        // A scanner that looks ahead must not use up the login.
        if (isHead(req)) sendJson(res, 200, {})
        else await callback.handle(request, name, query)
      } else if (name === 'logout') {
        allow('GET', 'HEAD', 'POST')
        if (isHead(req)) sendJson(res, 200, {})
        else await logout.handle(request, query)
      } else if (name === 'backchannel-logout' && backchannelLogout) {
        allow('POST')
        await backchannelLogout.handle(request)
      } else if (name === 'session') {
        allow('GET', 'HEAD')
        await describeSession(request)
      } else throw new OAuthError('not_found')
      return 'answered'
    },
  }
}

function isHead(req: AppRequest): boolean {
  return req.method === 'HEAD'
}
