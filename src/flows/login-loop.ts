import { OAuthError } from '../http/errors.js'
import { clearCookie, readCookies, setCookie } from '../http/cookies.js'
import type { GateRequest } from '../http/gate-request.js'
import type { Encrypter } from '../http/encryption.js'
import { sha256 } from '../http/ids.js'
import type { Mount } from '../http/mounts.js'
import { isObject, parseJson } from '../http/json.js'
import type { OpenSession } from '../session/sessions.js'

/** Watches whether browsers give back the session cookies that logins set: where not, one login follows another for ever. */
export interface LoginLoopDetector {
  /** Notes a login that is done. Gives the key of the session before, when its cookie never came back. */
  note(request: GateRequest, session: OpenSession): string | undefined
  /** Refuses to begin yet another login where those before came to nothing. */
  check(request: GateRequest): void
  /** The visitor has logged out: the cookie is gone for a good reason. */
  forget(request: GateRequest): void
}

interface Landing {
  readonly instance: string
  readonly key: string
  /** Of the session cookie: elsewhere the browser does not send it, and nothing is lost. */
  readonly path: string
  readonly cookieHash: string
  /** Logins in a row whose cookie was lost, and this one. */
  readonly count: number
  readonly until: number
}

/** Milliseconds between a login and the next one that still count as one trouble. */
const LIFETIME = 60_000
const LOGINS_BEFORE_EXPLAINING = 3
/** Browsers drop cookies that are too long. */
const LONG = 1000

export function createLoginLoopDetector(encrypter: Encrypter): LoginLoopDetector {
  const nameAt = ({ transactionCookie }: Mount) => `${transactionCookie.prefix}landed`
  /** The latest login, if its cookie did not come with this request. */
  const lost = ({ headers, mount, now }: GateRequest): Landing | undefined => {
    const [sealed] = readCookies(headers.cookie, nameAt(mount))
    const text = sealed === undefined ? undefined : encrypter.decrypt('landing', sealed)
    const landing = parseJson(text)
    if (!isLanding(landing) || landing.instance !== mount.instance || landing.until <= now)
      return undefined
    if (landing.path !== mount.sessionCookie.attributes.path) return undefined
    const hasCome = readCookies(headers.cookie, mount.sessionCookie.name).some(
      (id) => hashOf(id) === landing.cookieHash,
    )
    return hasCome ? undefined : landing
  }

  return {
    note(request, { id, key }) {
      const { res, mount, now } = request
      const before = lost(request)
      // The cookie of the login itself came back: one like it will, too.
      const { path, domain } = mount.sessionCookie.attributes
      if (path !== '/' || domain !== undefined || id.length > LONG) {
        const landing: Landing = {
          instance: mount.instance,
          path,
          key,
          cookieHash: hashOf(id),
          count: (before?.count ?? 0) + 1,
          until: now + LIFETIME,
        }
        setCookie(
          res,
          nameAt(mount),
          encrypter.encrypt('landing', JSON.stringify(landing)),
          mount.transactionCookie.attributes,
          LIFETIME / 1000,
        )
      }
      return before?.key
    },
    check(request) {
      if ((lost(request)?.count ?? 0) < LOGINS_BEFORE_EXPLAINING) return
      throw new OAuthError('cookie_lost', {
        message:
          'Your browser did not send back the cookie that keeps you signed in: the login worked, but nothing is left of it.',
        hint: 'three logins whose session cookie did not come back: look at cookie.domain, cookie.path and the path of baseUrl; with cookieStore() the cookie may be too long',
      })
    },
    forget({ headers, res, mount }) {
      if (readCookies(headers.cookie, nameAt(mount)).length > 0)
        clearCookie(res, nameAt(mount), mount.transactionCookie.attributes)
    },
  }
}

function isLanding(value: unknown): value is Landing {
  return isObject(value) && typeof value['count'] === 'number' && typeof value['until'] === 'number'
}

/** Of what every session cookie has, also the first of several. */
function hashOf(id: string): string {
  return sha256(id.slice(0, 43)).slice(0, 16)
}
