import { OAuthError } from '../http/errors.js'
import type { GateRequest, UnusableSession } from '../http/gate-request.js'
import { requestHost } from '../http/origin.js'
import { isUnderPath } from '../http/paths.js'

/** Why logins do not result in a session: the cookie is `absent`, or the session cannot be used. */
export type LoginLoopCause = 'absent' | UnusableSession

interface Explanation {
  /** For the page. */
  readonly message: string
  /** For the owner. */
  readonly hint: string
}

const EXPLANATIONS: Readonly<Record<UnusableSession, Explanation>> = {
  missing: {
    message:
      'You signed in, but the session that was just created was not found, or was ended at once. Does every process of this application share the session store?',
    hint: 'the sessions of three consecutive logins were not found: does every process share the store? Each memoryStore() belongs to one process: set the option store. If the store is replicated, read from the primary, because reads must not lag behind writes. If another process ended these sessions on purpose, as with sessions.revoke() or users.delete(), nothing is wrong: users.block() also rejects logins',
  },
  instance: {
    message: 'You signed in, but at another instance of this application.',
    hint: 'the sessions of three consecutive logins belong to another instance: set the same id in all processes. Instances side by side need different mount paths, or a different cookiePrefix each',
  },
  client: {
    message: 'You signed in, but with settings that another process of this application lacks.',
    hint: 'the sessions of three consecutive logins belong to another provider or client: set the same provider names, issuer and clientId in all processes',
  },
  secret: {
    message: 'You signed in, but your session cannot be read.',
    hint: 'the session cookies of three consecutive logins cannot be decrypted: set the same secret in all processes; a proxy or the app may also shorten or change cookies',
  },
  clock: {
    message: 'You signed in, but your session had expired at once.',
    hint: 'the sessions of three consecutive logins had expired before their first request: synchronize the clocks of all processes, or extend inactivityTimeout and maximumDuration',
  },
  check: {
    message: 'You signed in, but the check of your session ended it at once.',
    hint: 'the first checks of three consecutive sessions ended them: see the warnings on the checks. Do all processes have the same rules? Does the provider issue refresh tokens?',
  },
}

/** The error if several logins did not result in a session. */
export function loginLoopError(cause: LoginLoopCause, request: GateRequest): OAuthError {
  return new OAuthError(
    'cookie_lost',
    cause === 'absent' ? explainAbsentCookie(request) : EXPLANATIONS[cause],
  )
}

/** The transaction cookie came back, so the cause is usually an attribute that differs. */
function explainAbsentCookie({ req, mount, target }: GateRequest): Explanation {
  const { path, domain } = mount.sessionCookie.attributes
  const host = (requestHost(req) ?? '').replace(/:\d+$/, '')
  const causes: [isCause: boolean, reason: string, fix: string][] = [
    [
      domain !== undefined && !isHostOf(host, domain),
      `It is set for the domain ${domain}, but the application is on another host.`,
      `cookie.domain is ${domain}, which does not contain the host "${host}"`,
    ],
    [
      !isUnderPath(`${mount.publicPath}${target.path}`, path.replace(/\/$/, '')),
      `It is set for the path ${path} only.`,
      `the cookie is set for ${path}, which does not contain the path of the request`,
    ],
  ]
  const [, reason = '', found] = causes.find(([isCause]) => isCause) ?? []
  return {
    message:
      `You signed in, but your browser did not send back the cookie that keeps you signed in. ${reason}`.trim(),
    hint: `the session cookies of three logins did not come back${found === undefined ? '' : `: ${found}`}: check cookie.domain, cookie.path and the path of baseUrl, whether a proxy or the app removes or replaces Set-Cookie of redirects, and with cookieStore() whether the cookie is too long`,
  }
}

function isHostOf(host: string, domain: string): boolean {
  const parent = domain.replace(/^\./, '').toLowerCase()
  return host.toLowerCase() === parent || host.toLowerCase().endsWith(`.${parent}`)
}
