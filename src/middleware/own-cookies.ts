import type { IncomingHttpHeaders } from 'node:http'
import { isPreviousLoginCookieName } from '../flows/login-loop.js'
import { isLostPageCookieName } from '../flows/lost-page.js'
import { rejectedLoginCookieName } from '../flows/rejected-login.js'
import { type OwnCookieNames, type SplitCookies, splitCookies } from '../http/cookies.js'
import { hiddenCookies, hideCookies, joinCookies } from '../http/hidden-cookies.js'
import type { Mount } from '../http/mounts.js'
import type { AppRequest } from '../http/request.js'
import { editRawHeader } from '../http/request-headers.js'
import { isTransactionCookieName } from '../oauth/transaction-cookie.js'
import { isSessionCookieName } from '../session/session-cookie.js'

/**
 * The cookies that a gate reads. They grant access to the session, so the app, and a proxy behind
 * it that copies the headers, do not see them. Other gates on the same request still do.
 */
export class OwnCookies {
  readonly #isForwarded: boolean
  readonly #names = new WeakMap<Mount, OwnCookieNames>()

  /** `isForwarded`: the option `cookie.forward`. */
  constructor(isForwarded: boolean) {
    this.#isForwarded = isForwarded
  }

  /** The cookies of the mount, in the form of a `Cookie` header. Removes them from the request. */
  take(req: AppRequest, headers: IncomingHttpHeaders, mount: Mount): string | undefined {
    const names = this.#namesOf(mount)
    const { rawHeaders } = req
    const { cookie } = headers
    const hidden = hiddenCookies(headers)
    const found = cookie === undefined ? undefined : splitCookies(cookie, names)
    const own = found?.own
    if (!this.#isForwarded) {
      if (found !== undefined) removeOwn(headers, found)
      if (rawHeaders !== undefined) removeRaw(req, rawHeaders, cookie, found?.others, names)
      if (own !== undefined) hideCookies(headers, own)
    }
    return hidden === undefined ? own : joinCookies(splitCookies(hidden, names).own, own)
  }

  #namesOf(mount: Mount): OwnCookieNames {
    const known = this.#names.get(mount)
    if (known !== undefined) return known
    const names = cookieNamesOf(mount)
    this.#names.set(mount, names)
    return names
  }
}

function cookieNamesOf(mount: Mount): OwnCookieNames {
  const { sessionCookie, boundCookie, transactionCookie } = mount
  const rejectedLoginCookie = rejectedLoginCookieName(mount)
  const prefixes = [sessionCookie.name, transactionCookie.prefix, rejectedLoginCookie]
  const isCovered = prefixes.some((prefix) => boundCookie.name.startsWith(prefix))
  return {
    prefixes: isCovered ? prefixes : [...prefixes, boundCookie.name],
    isOwn: (name) =>
      isSessionCookieName(sessionCookie, name) ||
      name === boundCookie.name ||
      isTransactionCookieName(transactionCookie, name) ||
      name === rejectedLoginCookie ||
      isPreviousLoginCookieName(mount, name) ||
      isLostPageCookieName(mount, name),
  }
}

function removeOwn(headers: IncomingHttpHeaders, { own, others }: SplitCookies): void {
  if (others === undefined) delete headers.cookie
  else if (own !== undefined) headers.cookie = others
}

/** HTTP/2 may have several `Cookie` headers, and an app may have changed `headers` only. */
function removeRaw(
  req: AppRequest,
  rawHeaders: string[],
  cookie: string | undefined,
  others: string | undefined,
  names: OwnCookieNames,
): void {
  editRawHeader(req, rawHeaders, 'cookie', (value) =>
    value === cookie ? others : splitCookies(value, names).others,
  )
}
