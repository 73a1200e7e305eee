import { clearCookie, readCookies, setCookie } from '../http/cookies.js'
import type { Encrypter } from '../http/encryption.js'
import { OAuthError } from '../http/errors.js'
import type { GateRequest } from '../http/gate-request.js'
import { sha256 } from '../http/ids.js'
import { isObject, parseJson } from '../http/json.js'
import type { Mount } from '../http/mounts.js'
import type { OpenSession } from '../session/sessions.js'

/**
 * The previous login of this browser. Sent encrypted in a cookie, so the names of its fields are
 * fixed.
 */
interface PreviousLogin {
  readonly instance: string
  /** Key of its session. */
  readonly key: string
  /** Path of its session cookie: the browser does not send the cookie to other paths. */
  readonly path: string
  readonly cookieHash: string
  /** Number of consecutive logins whose session cookie did not come back, including this one. */
  readonly count: number
  readonly until: number
}

/** Logins further apart than this are unrelated. */
const PREVIOUS_LOGIN_TTL_MS = 60_000
const MAX_LOGINS = 3
/** Browsers may drop longer cookies. */
const SAFE_COOKIE_LENGTH = 1000

/**
 * Detects login loops: the login succeeds, but the browser never sends the session cookie back. It
 * remembers a login in a cookie with the attributes of the transaction cookie, which did come back.
 */
export class LoginLoopDetector {
  readonly #encrypter: Encrypter

  constructor(encrypter: Encrypter) {
    this.#encrypter = encrypter
  }

  /** Throws `cookie_lost` if the session cookies of three consecutive logins did not come back. */
  check(request: GateRequest): void {
    if ((this.#previousLogin(request)?.count ?? 0) < MAX_LOGINS) return
    throw new OAuthError('cookie_lost', {
      message:
        'You signed in, but your browser did not send back the cookie that keeps you signed in.',
      hint: 'the session cookies of three logins did not come back: check cookie.domain, cookie.path and the path of baseUrl; with cookieStore() the cookie may be too long',
    })
  }

  /**
   * Remembers a successful login. Returns the key of the previous session if its cookie did not
   * come back.
   */
  record(request: GateRequest, { id, key }: OpenSession): string | undefined {
    const { res, mount, now } = request
    const previous = this.#previousLogin(request)
    const { path, domain } = mount.sessionCookie.attributes
    // Otherwise the session cookie has the attributes of the transaction cookie, which the browser
    // did send.
    if (path !== '/' || domain !== undefined || id.length > SAFE_COOKIE_LENGTH) {
      const login: PreviousLogin = {
        instance: mount.instanceId,
        path,
        key,
        cookieHash: hashOf(id),
        count: (previous?.count ?? 0) + 1,
        until: now + PREVIOUS_LOGIN_TTL_MS,
      }
      setCookie(
        res,
        cookieName(mount),
        this.#encrypter.encrypt('landing', JSON.stringify(login)),
        mount.transactionCookie.attributes,
        PREVIOUS_LOGIN_TTL_MS / 1000,
      )
    }
    return previous?.key
  }

  /** Forgets the previous login at a logout, which removes the session cookie on purpose. */
  forget({ headers, res, mount }: GateRequest): void {
    if (readCookies(headers.cookie, cookieName(mount)).length > 0)
      clearCookie(res, cookieName(mount), mount.transactionCookie.attributes)
  }

  /** The previous login, if this request lacks its session cookie. */
  #previousLogin({ headers, mount, now }: GateRequest): PreviousLogin | undefined {
    const [cookie] = readCookies(headers.cookie, cookieName(mount))
    if (cookie === undefined) return undefined
    const login = parseJson(this.#encrypter.decrypt('landing', cookie))
    if (!isPreviousLogin(login) || login.instance !== mount.instanceId) return undefined
    if (login.until <= now || login.path !== mount.sessionCookie.attributes.path) return undefined
    const isSent = readCookies(headers.cookie, mount.sessionCookie.name).some(
      (id) => hashOf(id) === login.cookieHash,
    )
    return isSent ? undefined : login
  }
}

function cookieName({ transactionCookie }: Mount): string {
  return `${transactionCookie.prefix}landed`
}

function isPreviousLogin(value: unknown): value is PreviousLogin {
  return isObject(value) && typeof value['count'] === 'number' && typeof value['until'] === 'number'
}

/**
 * Hashes the beginning of an id, which the first of several cookies of a long id contains as well.
 */
function hashOf(id: string): string {
  return sha256(id.slice(0, 43)).slice(0, 16)
}
